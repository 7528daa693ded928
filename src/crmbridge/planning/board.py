"""One rep's problem as arrays: what the searches play on.

A *node* is one visit that could be made, a *leg* a stretch of a day between two places (see
`workdays`), a *slot* a (node, day) pair. All times are seconds on the day's working clock.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from crmbridge.planning.distances import Distances, Matrix, planning_seconds
from crmbridge.planning.policy import LEAST_VALUE, Wish
from crmbridge.planning.problem import Problem, Rep
from crmbridge.planning.spans import length, round_up
from crmbridge.planning.windows import start_spans
from crmbridge.planning.workdays import Workday

Floats = NDArray[np.float64]
NO_LIMIT = 1 << 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an earlier plan had a node.

    Args:
        day: index of the day.
        start: on the day's working clock.
    """

    node: int
    day: int
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a search must leave of an earlier plan.

    Args:
        stood: (N, D) whether the node's customer was planned on that day.
        least: fewest nodes that must be on such a day; a search from a start that holds fewer never
            holds fewer than it has.
    """

    stood: NDArray[np.bool_]
    least: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The arrays; N nodes, D days, L legs, K start windows at most per slot.

    Args:
        travel: seconds between nodes; rows from N on are the legs' start and end places.
        service: seconds each visit takes.
        value: (N, D) what a visit is worth on that day; 0 where it is not allowed.
        opens: (N, D, K) earliest start of each window, in order; an empty one has opens > closes.
        closes: (N, D, K) latest start of each window.
        leg_from: (L) row of `travel` that the leg starts at.
        leg_to: (L) row that it ends at.
        leg_open: (L) first second of the leg.
        leg_close: (L) second at which its end place must be reached.
        leg_day: (L) index of its day, ascending.
        leg_tour: (L) number of the tour that it is part of; legs of a tour follow each other.
        day_number: (D) ordinal of each date, for gaps.
        day_visits: (D) most visits that may be added.
        day_travel: (D) most seconds of travel, the way between the ends of its legs included.
        group: (N) number of the customer; nodes of one group keep `gap` days apart.
        gap: (N) days.
    """

    travel: Matrix
    service: Matrix
    value: Floats
    opens: Matrix
    closes: Matrix
    leg_from: Matrix
    leg_to: Matrix
    leg_open: Matrix
    leg_close: Matrix
    leg_day: Matrix
    leg_tour: Matrix
    day_number: Matrix
    day_visits: Matrix
    day_travel: Matrix
    group: Matrix
    gap: Matrix

    @property
    def nodes(self) -> int:
        """How many visits could be made."""
        return len(self.service)

    def seconds_per_value(self) -> float:
        """Working seconds there are for one unit of value, to weigh detours against value."""
        total = float(self.value.max(axis=1, initial=0.0).sum()) if self.nodes else 0.0
        return float((self.leg_close - self.leg_open).sum()) / total if total else 0.0


def lay_board(
    problem: Problem,
    rep: Rep,
    days: Sequence[Workday],
    wishes: Sequence[Wish],
    distances: Distances,
) -> Board:
    """Turn a rep's days and wishes into arrays."""
    grid = problem.rules.grid_minutes * 60
    legs = [(index, leg) for index, day in enumerate(days) for leg in day.legs]
    places = [wish.customer.place_id for wish in wishes]
    places += [leg.start_place for _, leg in legs] + [leg.end_place for _, leg in legs]
    travel = planning_seconds(distances, places, problem.rules.unknown_travel_minutes * 60, grid)
    opens, closes, value = _slots(problem, rep, days, wishes)
    nodes, groups = len(wishes), _groups(wishes)
    bounds = [(days[i].to_working(leg.span[0]), _leg_end(days[i], leg.span)) for i, leg in legs]
    return Board(
        travel=travel,
        service=_ints(round_up(wish.customer.minutes * 60, grid) for wish in wishes),
        value=value,
        opens=opens,
        closes=closes,
        leg_from=_ints(range(nodes, nodes + len(legs))),
        leg_to=_ints(range(nodes + len(legs), nodes + 2 * len(legs))),
        leg_open=_ints(start for start, _ in bounds),
        leg_close=_ints(end for _, end in bounds),
        leg_day=_ints(index for index, _ in legs),
        leg_tour=_ints(index for index, _ in legs),
        day_number=_ints(day.day.toordinal() for day in days),
        day_visits=_ints(_visits_left(rep, day) for day in days),
        day_travel=_ints(rep.max_travel_minutes * 60 or NO_LIMIT for _ in days),
        group=_ints(groups),
        gap=_ints(wish.gap_days for wish in wishes),
    )


def with_bonus(board: Board, before: Sequence[Standing], bonus: float) -> Board:
    """The board on which keeping a visit on its day is worth a share of its value more."""
    value = board.value.copy()
    for item in before:
        same = board.group == board.group[item.node]
        value[same, item.day] *= 1 + bonus
    return replace(board, value=value)


def held_days(board: Board, before: Sequence[Standing], churn_budget: float) -> Held:
    """The days that visits may leave only as often as the budget, a share of them, allows."""
    stood = np.zeros(board.value.shape, np.bool_)
    for item in before:
        stood[board.group == board.group[item.node], item.day] = True
    return Held(stood=stood, least=math.ceil(len(before) * (1 - churn_budget) - 1e-9))


def _leg_end(day: Workday, span: tuple[int, int]) -> int:
    lost = length(
        [(max(a, span[0]), min(b, span[1])) for a, b in day.breaks if a < span[1] and b > span[0]]
    )
    return day.to_working(span[0]) + span[1] - span[0] - lost


def _slots(
    problem: Problem, rep: Rep, days: Sequence[Workday], wishes: Sequence[Wish]
) -> tuple[Matrix, Matrix, Floats]:
    grid = problem.rules.grid_minutes * 60
    index = {day.day: i for i, day in enumerate(days)}
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    value = np.zeros((len(wishes), len(days)))
    cache: dict[tuple[str, date], list[tuple[int, int]]] = {}
    for node, wish in enumerate(wishes):
        for day, worth in wish.values:
            if day not in index or worth < LEAST_VALUE:
                continue
            slot = (wish.customer.key, day)
            if slot not in cache:
                cache[slot] = start_spans(wish.customer, days[index[day]], rep.zone, grid)
            if cache[slot]:
                found[node, index[day]] = cache[slot]
                value[node, index[day]] = worth
    return *_windows(found, len(wishes), len(days)), value


def _windows(
    found: dict[tuple[int, int], list[tuple[int, int]]], nodes: int, days: int
) -> tuple[Matrix, Matrix]:
    most = max((len(spans) for spans in found.values()), default=1)
    opens = np.ones((nodes, days, most), np.int64)
    closes = np.zeros((nodes, days, most), np.int64)
    for (node, day), spans in found.items():
        for k, (start, end) in enumerate(spans):
            opens[node, day, k], closes[node, day, k] = start, end
    return opens, closes


def _visits_left(rep: Rep, day: Workday) -> int:
    if not rep.max_visits:
        return NO_LIMIT
    return max(0, rep.max_visits - sum(stop.visits for stop in day.stops))


def _groups(wishes: Sequence[Wish]) -> list[int]:
    numbers: dict[str, int] = {}
    return [numbers.setdefault(wish.customer.key, len(numbers)) for wish in wishes]


def _ints(values: object) -> Matrix:
    return np.array(list(values), np.int64)  # type: ignore[call-overload]
