"""The fortnights: customers around twelve towns, opening hours, appointments that stand."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

HOUR = 3600
DAYS = (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)
"""Day numbers of the ten working days."""
MORNING, AFTERNOON = (8 * HOUR, 12 * HOUR), (13 * HOUR, 17 * HOUR)
HOURS = ((MORNING, AFTERNOON), ((9 * HOUR, 17 * HOUR),), (MORNING,), (AFTERNOON,))
START, END = 8 * HOUR, 17 * HOUR
HOME = 0

Ints = NDArray[np.int64]
Routes = list[list[int]]
"""Customers in order, one list per day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fortnight:
    """One rep's problem; place 0 is home, 1 and up are customers, times in seconds of the day.

    Args:
        travel: (places, places), seconds.
        windows: by (customer, day index): earliest and latest starts.
        fixed: by customer: (day index, start) of the appointment that stands.
    """

    travel: Ints
    service: list[int]
    score: list[int]
    windows: dict[tuple[int, int], list[tuple[int, int]]]
    fixed: dict[int, tuple[int, int]] = field(default_factory=dict)

    def customers(self) -> list[int]:
        """Customers without an appointment."""
        return [c for c in range(1, len(self.score)) if c not in self.fixed]

    def standing(self, day: int) -> list[int]:
        """Customers with an appointment on a day, in order of time."""
        found = [c for c, (d, _) in self.fixed.items() if d == day]
        return sorted(found, key=lambda c: self.fixed[c][1])

    def open_days(self, customer: int) -> list[int]:
        """Indices of the days on which a customer can be visited."""
        return [d for d in range(len(DAYS)) if (customer, d) in self.windows]


def generate(customers: int, seed: int) -> Fortnight:
    """The problem of a seed; the order of the random draws is part of the benchmark."""
    dice = np.random.default_rng(seed)
    travel = _travel(customers, dice)
    service = [0, *(dice.choice([30, 45, 60], customers, p=[0.4, 0.35, 0.25]) * 60).tolist()]
    score = np.clip(np.rint(dice.lognormal(3.2, 0.6, customers)), 5, 150).astype(int).tolist()
    kind = dice.choice(4, customers, p=[0.55, 0.25, 0.12, 0.08])
    closing = np.where(dice.random(customers) < 0.35, dice.integers(0, 5, customers), -1)
    windows = {
        (c, d): spans
        for c in range(1, customers + 1)
        for d, number in enumerate(DAYS)
        if number % 7 != closing[c - 1]
        and (spans := [(o, e - service[c]) for o, e in HOURS[kind[c - 1]] if e - service[c] >= o])
    }
    fixed = {}
    for i, c in enumerate(dice.permutation(np.arange(1, customers + 1))[:15].tolist()):
        start = int((9.5, 14.5)[i // len(DAYS) % 2] * HOUR)
        fixed[c] = (i % len(DAYS), start)
        windows = {slot: spans for slot, spans in windows.items() if slot[0] != c}
        windows[c, i % len(DAYS)] = [(start, start)]
    return Fortnight(
        travel=travel, service=service, score=[0, *score], windows=windows, fixed=fixed
    )


def _travel(customers: int, dice: np.random.Generator) -> Ints:
    """Great circle at 50 km/h, and two minutes to park."""
    towns = np.c_[dice.uniform(47.6, 48.4, 12), dice.uniform(10.6, 12.1, 12)]
    share = dice.dirichlet(np.ones(12) * 1.5)
    town = dice.choice(12, customers, p=share)
    far = dice.random(customers) < 0.25
    places = towns[town] + dice.normal(0, [0.035, 0.05], (customers, 2))
    count = int(far.sum())
    places[far] = np.c_[dice.uniform(47.6, 48.4, count), dice.uniform(10.6, 12.1, count)]
    latitude, longitude = np.radians(np.r_[[[48.0, 11.35]], places]).T
    half = np.sin((latitude[:, None] - latitude) / 2) ** 2
    across = np.sin((longitude[:, None] - longitude) / 2) ** 2
    half = half + np.cos(latitude[:, None]) * np.cos(latitude) * across
    km = 6371 * 2 * np.arcsin(np.sqrt(half))
    parking = np.where(np.eye(customers + 1) > 0, 0, 120)
    return np.asarray(np.rint(km / 50 * HOUR).astype(np.int64) + parking)
