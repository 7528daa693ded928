"""The strong search: from first tours to better ones, by ruin and recreate with annealing."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crmbridge.planning.board import Board
from crmbridge.planning.chance import seeded
from crmbridge.planning.field import LENGTH, STOP, Field, Floats, Tours, empty_tours, field_of
from crmbridge.planning.kernel import refresh
from crmbridge.planning.ruin_recreate import (
    Knobs,
    Scratch,
    anneal,
    insert,
    scratch_for,
    worth_of,
)
from crmbridge.planning.tours import Tours as TourLists

STAGES = 100
"""The budget is spent in so many equal stages; only between them is the clock looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the search behaves; the defaults were measured on public benchmark instances.

    Args:
        hot: first temperature, in mean values; > cold.
        cold: last temperature; > 0.
        travel_share: share of a mean value that travelling all the time would cost; >= 0.
        removals: nodes taken out on average; >= 1.
        string: longest string taken out of one leg; >= 1.
        split: chance that a string keeps some of its middle; 0 to 1.
        blink: chance to overlook a better place; 0 to 1.
        patience: failed insertions in a row that end an iteration; >= 1.
        wide: chance that all outsiders are tried, and in every leg; 0 to 1.
        neighbours: how many of the nodes nearest to a ruin are tried otherwise; >= 1.
    """

    hot: float = 1.0
    cold: float = 0.02
    travel_share: float = 0.3
    removals: float = 10.0
    string: float = 10.0
    split: float = 0.5
    blink: float = 0.01
    patience: int = 60
    wide: float = 0.05
    neighbours: int = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """When the search ends.

    Args:
        iterations: how many; the result depends on these and the seed alone.
        seconds: a cap; infinite for none.
        clock: seconds that never go back.
    """

    iterations: int
    seconds: float = float("inf")
    seed: int = 1
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The best tours, and how far the search came."""

    tours: TourLists
    iterations: int
    cut: bool


class _Run:
    """The arrays of one search, and the worth of its current and best solution."""

    def __init__(self, board: Board, start: TourLists, settings: Settings, seed: int) -> None:
        self.field = field_of(board, settings.neighbours)
        self.tours = empty_tours(board)
        _load(self.field, self.tours, start)
        self.best = Tours(*(item.copy() for item in self.tours))
        self.scratch: Scratch = scratch_for(self.tours)
        self.rng = seeded(seed)
        self.mean = float(self.field.weight.mean())
        self.knobs = _knobs(board, settings, self.mean)
        self.current = self._worth()

    def advance(self, iterations: int, hot: float, cold: float) -> None:
        """Search on, cooling from one temperature to the other."""
        heat = np.array([hot * self.mean, cold * self.mean])
        anneal(
            self.field, self.tours, self.best, self.scratch, self.knobs, self.rng, heat,
            iterations, self.current,
        )  # fmt: skip

    def _worth(self) -> Floats:
        legs = [
            worth_of(
                self.field.value, self.tours.rows, self.tours.legs, leg, self.knobs.travel_cost
            )
            for leg in range(len(self.tours.legs))
        ]
        return np.array([sum(legs), sum(legs), *legs])


def search(
    board: Board, start: TourLists, effort: Effort, settings: Settings | None = None
) -> Found:
    """Improve feasible tours within an effort.

    Args:
        start: feasible tours; the result is worth at least as much.
    """
    if effort.iterations == 0 or board.nodes == 0 or not board.value.any():
        return Found(tours=start, iterations=0, cut=False)
    settings = settings or Settings()
    run = _Run(board, start, settings, effort.seed)
    began, done, fall = effort.clock(), 0, settings.cold / settings.hot
    for stage in range(STAGES):
        if effort.clock() - began >= effort.seconds:
            break
        count = effort.iterations * (stage + 1) // STAGES - done
        hot = settings.hot * fall ** (stage / STAGES)
        run.advance(count, hot, hot * fall ** (1 / STAGES))
        done += count
    return Found(tours=_lists(run.best), iterations=done, cut=done < effort.iterations)


def search_for(
    board: Board, start: TourLists, effort: Effort, settings: Settings | None = None
) -> Found:
    """Improve feasible tours until the effort's seconds are over, whatever iterations that takes.

    The temperature falls with the clock, so the result depends on the machine: for measuring
    what a time is worth, not for plans.
    """
    settings = settings or Settings()
    run = _Run(board, start, settings, effort.seed)
    began, done, step, fall = effort.clock(), 0, 1, settings.cold / settings.hot
    spent = 0.0
    while spent < effort.seconds:
        hot = settings.hot * fall ** (spent / effort.seconds)
        run.advance(step, hot, hot)
        done += step
        before, spent = spent, effort.clock() - began
        step = max(1, int(step * _pace(effort.seconds / STAGES / 4, spent - before)))
    return Found(tours=_lists(run.best), iterations=done, cut=False)


def _pace(wanted: float, taken: float) -> float:
    """By how much to stretch the next step so that it takes as long as wanted."""
    return min(4.0, wanted / taken) if taken > 0 else 4.0


def _knobs(board: Board, settings: Settings, mean: float) -> Knobs:
    hours = max(1, int((board.leg_close - board.leg_open).sum()))
    return Knobs(
        removals=settings.removals,
        string=settings.string,
        split=settings.split,
        blink=settings.blink,
        tours=float(max(1, len(np.unique(board.leg_tour)))),
        patience=settings.patience,
        wide=settings.wide,
        travel_cost=settings.travel_share * mean / hours,
    )


def _load(field: Field, tours: Tours, start: TourLists) -> None:
    for leg, nodes in enumerate(start):
        for position, node in enumerate(nodes, 1):
            insert(tours.rows, tours.legs, tours.days, tours.leg_of, node, leg, position)
        refresh(field.travel, field.slots, field.nodes, tours.rows, tours.legs, tours.days, leg)


def _lists(tours: Tours) -> TourLists:
    return tuple(
        tuple(int(node) for node in tours.rows[leg, 1 : tours.legs[leg, LENGTH] + 1, STOP])
        for leg in range(len(tours.legs))
    )
