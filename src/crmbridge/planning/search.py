"""The strong search: from first tours to better ones, by ruin and recreate with annealing."""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from crmbridge.planning.board import Board, Held
from crmbridge.planning.chance import seeded
from crmbridge.planning.field import LENGTH, STOP, Counts, Floats, Tours, empty_tours, field_of
from crmbridge.planning.kernel import refresh
from crmbridge.planning.recombine import RoutePool
from crmbridge.planning.ruin_recreate import (
    Knobs,
    Scratch,
    anneal,
    copy_tours,
    held_in,
    insert,
    scratch_for,
    worth_of,
)
from crmbridge.planning.tours import Tours as TourLists

STAGES = 100
"""The budget is spent in so many equal stages."""
PARTS = 10
"""Routes are remembered so often in each stage, or less often in a short search."""
APART = 40
"""Iterations that lie at least between two such times."""
PIECE = 500
"""Most iterations in a row without a look at the clock."""
POOL_FROM = 0.3
"""Share of the effort from which on routes are good enough to be remembered."""
RECOMBINE_AT = (60, 80, 100)
"""Stages after which the routes seen so far are put together anew."""
LAST_MARK = 0.94
"""Share of a time at which the last recombination starts, so that it ends in time."""


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
        routes: how many of the routes seen last are put together anew, at most; >= 1.
        routes_per_iteration: and no more than this share of the iterations, as putting together
            would take longer than the search; > 0.
    """

    hot: float = 1.0
    cold: float = 0.1
    travel_share: float = 0.3
    removals: float = 6.0
    string: float = 10.0
    split: float = 0.5
    blink: float = 0.01
    patience: int = 60
    wide: float = 0.05
    neighbours: int = 40
    routes: int = 800
    routes_per_iteration: float = 0.01

    def pool_size(self, iterations: int) -> int:
        """How many routes to remember in so long a search."""
        return max(1, min(self.routes, round(iterations * self.routes_per_iteration)))


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

    def __init__(
        self,
        board: Board,
        start: TourLists,
        settings: Settings,
        seed: int,
        routes: int,
        held: Held | None = None,
    ) -> None:
        self.board, self.settings = board, settings
        self.field = field_of(board, settings.neighbours, held.stood if held else None)
        self.mean = float(self.field.weight.mean())
        self.rng = seeded(seed)
        self.tours = self._loaded(start)
        self.best = Tours(*(item.copy() for item in self.tours))
        self.scratch: Scratch = scratch_for(self.tours)
        self.held = self._held()
        least = held.least if held else 0
        self.knobs = _knobs(board, settings, self.mean, least)
        self.current = self._worth()
        self.pool = RoutePool(
            board,
            self.knobs.travel_cost,
            routes,
            Held(stood=self.field.stood, least=min(least, int(self.held[0]))),
        )

    def advance(self, iterations: int, done: float, after: float) -> None:
        """Search on, from one share of the whole effort to another."""
        fall = self.settings.cold / self.settings.hot
        hot = self.settings.hot * self.mean
        heat = np.array([hot * fall**done, hot * fall**after])
        anneal(
            self.field, self.tours, self.best, self.scratch, self.knobs, self.rng, heat,
            iterations, self.current, self.held,
        )  # fmt: skip

    def remember(self, share: float) -> None:
        """Keep the current routes, once they are good enough to be put together anew."""
        if share > POOL_FROM and len(self.board.leg_day) > 1:
            self.pool.add(_lists(self.tours))

    def recombine(self) -> None:
        """Go on from the best that the routes seen so far make together, if it is better."""
        self.pool.add(_lists(self.best))
        tours = self.pool.best()
        if tours is None:
            return
        best, self.tours = self.current[1], self._loaded(tours)
        self.current, self.held = self._worth(), self._held()
        if self.current[0] > best + 1e-9:
            copy_tours(self.tours, self.best)
        self.current[1] = max(best, self.current[0])

    def _loaded(self, start: TourLists) -> Tours:
        tours, field = empty_tours(self.board), self.field
        for leg, nodes in enumerate(start):
            for position, node in enumerate(nodes, 1):
                insert(tours.rows, tours.legs, tours.days, tours.leg_of, node, leg, position)
            refresh(field.travel, field.slots, field.nodes, tours.rows, tours.legs, tours.days, leg)
        return tours

    def _worth(self) -> Floats:
        rows, legs = self.tours.rows, self.tours.legs
        each = [
            worth_of(self.field.value, rows, legs, leg, self.knobs.travel_cost)
            for leg in range(len(legs))
        ]
        return np.array([sum(each), sum(each), *each])

    def _held(self) -> Counts:
        rows, legs = self.tours.rows, self.tours.legs
        each = [held_in(self.field.stood, rows, legs, leg) for leg in range(len(legs))]
        return np.array([sum(each), *each], np.int64)


def search(
    board: Board,
    start: TourLists,
    effort: Effort,
    settings: Settings | None = None,
    held: Held | None = None,
) -> Found:
    """Improve feasible tours within an effort.

    Args:
        start: feasible tours; the result is worth at least as much.
        held: what must stay of an earlier plan; None if there is none.
    """
    if effort.iterations == 0 or board.nodes == 0 or not board.value.any():
        return Found(tours=start, iterations=0, cut=False)
    settings = settings or Settings()
    routes = settings.pool_size(effort.iterations)
    run = _Run(board, start, settings, effort.seed, routes, held)
    run.advance(0, 0.0, 0.0)  # compiles, which may take longer than the cap and is not searching
    began, done = effort.clock(), 0
    seldom = max(1, APART * STAGES * PARTS // effort.iterations)
    for part in range(STAGES * PARTS):
        for share, after in _pieces(effort.iterations, part):
            if effort.clock() - began >= effort.seconds:
                return Found(tours=_lists(run.best), iterations=done, cut=True)
            count = int(effort.iterations * after + 0.5) - done
            run.advance(count, share, after)
            done += count
        if part % seldom == 0:
            run.remember((part + 1) / (STAGES * PARTS))
        if (part + 1) / PARTS in RECOMBINE_AT:
            run.recombine()
    return Found(tours=_lists(run.best), iterations=done, cut=False)


def _pieces(iterations: int, part: int) -> Iterable[tuple[float, float]]:
    """From which to which share of the effort each piece of a part goes."""
    parts = STAGES * PARTS
    count = max(1, math.ceil(iterations / parts / PIECE))
    for i in range(count):
        yield (part + i / count) / parts, (part + (i + 1) / count) / parts


def search_for(
    board: Board, start: TourLists, effort: Effort, settings: Settings | None = None
) -> Found:
    """Improve feasible tours until the effort's seconds are over, whatever iterations that takes.

    The temperature falls with the clock, so the result depends on the machine: for measuring
    what a time is worth, not for plans.
    """
    settings = settings or Settings()
    run = _Run(board, start, settings, effort.seed, settings.routes)
    began, done, step = effort.clock(), 0, 1
    before, share = 0.0, 0.0
    marks = [stage / STAGES * LAST_MARK for stage in RECOMBINE_AT]
    while share < 1:
        run.advance(step, share, share)
        run.remember(share)
        done += step
        if marks and share >= marks[0]:
            run.recombine()
            marks.pop(0)
            before = (effort.clock() - began) / effort.seconds
        share = (effort.clock() - began) / effort.seconds
        step = max(1, int(step * _pace(1 / STAGES / PARTS, share - before)))
        before = share
    return Found(tours=_lists(run.best), iterations=done, cut=False)


def _pace(wanted: float, taken: float) -> float:
    """By how much to stretch the next step so that it takes as long as wanted."""
    return min(4.0, wanted / taken) if taken > 0 else 4.0


def _knobs(board: Board, settings: Settings, mean: float, least: int) -> Knobs:
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
        least=least,
    )


def _lists(tours: Tours) -> TourLists:
    return tuple(
        tuple(int(node) for node in tours.rows[leg, 1 : tours.legs[leg, LENGTH] + 1, STOP])
        for leg in range(len(tours.legs))
    )
