"""The planner's own search."""

import time
from collections.abc import Sequence

import numpy as np

from crmbridge.planning.board import NO_LIMIT, Board, Standing, held_days, with_bonus
from crmbridge.planning.greedy import first_tours
from crmbridge.planning.search import Effort, search, search_for
from visits.problem import DAYS, END, HOME, START, Fortnight, Routes


def warm_up(problem: Fortnight) -> None:
    """Compile, so that the clock measures the search alone."""
    board = lay_board(problem)
    search(board, first_tours(board, ()).freeze(), Effort(iterations=2))


def solve(problem: Fortnight, seconds: float, iterations: int, seed: int = 1) -> Routes:
    """The plan after so many iterations, or seconds where none are given."""
    began = time.perf_counter()
    board = lay_board(problem)
    start = first_tours(board, ()).freeze()
    left = seconds - (time.perf_counter() - began)
    effort = Effort(iterations=iterations, seconds=left, seed=seed)
    return _routes(problem, (search if iterations else search_for)(board, start, effort).tours)


def replan(problem: Fortnight, routes: Routes, iterations: int, keep_bonus: float) -> Routes:
    """A new plan that leaves nine in ten of the visits before on their day."""
    board, node = lay_board(problem), {c: i for i, c in enumerate(problem.customers())}
    before = [
        Standing(node=node[c], day=day, start=START + i)
        for day, route in enumerate(routes)
        for i, c in enumerate(route)
        if c in node and (c, day) in problem.windows
    ]
    start = first_tours(board, before).freeze()
    held = held_days(board, before, 0.1)
    board = with_bonus(board, before, keep_bonus)
    return _routes(problem, search(board, start, Effort(iterations=iterations), held=held).tours)


def _routes(problem: Fortnight, tours: Sequence[Sequence[int]]) -> Routes:
    nodes, routes = problem.customers(), [list[int]() for _ in DAYS]
    for (day, _, to, _, _), tour in zip(_legs(problem), tours, strict=True):
        routes[day] += [nodes[i] for i in tour] + ([to] if to != HOME else [])
    return routes


def lay_board(problem: Fortnight) -> Board:
    """The arrays of the search: appointments cut the days into legs."""
    nodes, legs = problem.customers(), _legs(problem)
    places = [*nodes, *(leg[1] for leg in legs), *(leg[2] for leg in legs)]
    opens = np.ones((len(nodes), len(DAYS), 2), np.int64)
    closes = np.zeros((len(nodes), len(DAYS), 2), np.int64)
    value = np.zeros((len(nodes), len(DAYS)))
    for i, c in enumerate(nodes):
        for d in range(len(DAYS)):
            for k, (start, end) in enumerate(problem.windows.get((c, d), [])):
                opens[i, d, k], closes[i, d, k] = start, end
                value[i, d] = problem.score[c]
    count, ends = len(nodes), len(nodes) + len(legs)
    return Board(
        travel=problem.travel[np.ix_(places, places)],
        service=np.array([problem.service[c] for c in nodes]),
        value=value,
        opens=opens,
        closes=closes,
        leg_from=np.arange(count, ends),
        leg_to=np.arange(ends, ends + len(legs)),
        leg_open=np.array([leg[3] for leg in legs]),
        leg_close=np.array([leg[4] for leg in legs]),
        leg_day=np.array([leg[0] for leg in legs]),
        leg_tour=np.array([leg[0] for leg in legs]),
        day_number=np.array(DAYS),
        day_visits=np.full(len(DAYS), NO_LIMIT),
        day_travel=np.full(len(DAYS), NO_LIMIT),
        group=np.arange(count),
        gap=np.zeros(count, np.int64),
    )


def _legs(problem: Fortnight) -> list[tuple[int, int, int, int, int]]:
    """(day, from, to, open, close) of each stretch between appointments."""
    legs = []
    for day in range(len(DAYS)):
        at, place = START, HOME
        for c in problem.standing(day):
            legs.append((day, place, c, at, problem.fixed[c][1]))
            at, place = problem.fixed[c][1] + problem.service[c], c
        legs.append((day, place, HOME, at, END))
    return legs
