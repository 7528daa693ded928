"""The strong search: better than greedy, feasible, and decided by input, seed and iterations."""

from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np
import pytest

from crmbridge.planning import search as search_room
from crmbridge.planning.board import NO_LIMIT, Board
from crmbridge.planning.chance import chance, seeded
from crmbridge.planning.greedy import first_tours
from crmbridge.planning.search import Effort, search
from crmbridge.planning.tours import TourState


def a_board(seed=1, nodes=7, legs=1, end=300, width=120, **changes):
    """Nodes on a plane with one window each, and legs on days of their own."""
    dice = np.random.default_rng(seed)
    xy = np.vstack([dice.uniform(0, 60, (nodes, 2)), np.full((2 * legs, 2), 30.0)])
    travel = np.ceil(np.sqrt(((xy[:, None] - xy) ** 2).sum(-1))).astype(np.int64)
    opens = np.repeat(dice.integers(0, end - width, (nodes, 1, 1)), legs, axis=1)
    fields = {
        "travel": travel,
        "service": dice.integers(10, 30, nodes),
        "value": np.repeat(dice.integers(5, 50, (nodes, 1)).astype(float), legs, axis=1),
        "opens": opens,
        "closes": opens + width,
        "leg_from": np.arange(nodes, nodes + legs),
        "leg_to": np.arange(nodes + legs, nodes + 2 * legs),
        "leg_open": np.zeros(legs, np.int64),
        "leg_close": np.full(legs, end),
        "leg_day": np.arange(legs),
        "leg_tour": np.arange(legs),
        "day_number": np.arange(legs),
        "day_visits": np.full(legs, NO_LIMIT),
        "day_travel": np.full(legs, NO_LIMIT),
        "group": np.arange(nodes),
        "gap": np.zeros(nodes, np.int64),
    }
    return Board(**{**fields, **changes})


def value(board, tours):
    return sum(
        board.value[node, board.leg_day[leg]] for leg, tour in enumerate(tours) for node in tour
    )


def is_feasible(board, leg, tour):
    at, place, day = int(board.leg_open[leg]), int(board.leg_from[leg]), board.leg_day[leg]
    for node in tour:
        at += int(board.travel[place, node])
        windows = zip(board.opens[node, day], board.closes[node, day], strict=True)
        starts = [max(at, int(o)) for o, c in windows if o <= c and at <= c]
        if not starts:
            return False
        at, place = min(starts) + int(board.service[node]), node
    return at + board.travel[place, board.leg_to[leg]] <= board.leg_close[leg]


def best_by_trying_all(board):
    nodes = range(board.nodes)
    return max(
        value(board, (tour,))
        for count in range(board.nodes + 1)
        for tour in permutations(nodes, count)
        if is_feasible(board, 0, tour)
    )


def found(board, iterations=2000, seed=1, **changes):
    start = first_tours(board, ()).freeze()
    return search(board, start, Effort(iterations=iterations, seed=seed, **changes))


@pytest.mark.parametrize("seed", range(6))
def test_on_a_small_board_the_best_there_is_is_found(seed):
    board = a_board(seed)

    tours = found(board).tours

    assert is_feasible(board, 0, tours[0])
    assert value(board, tours) == best_by_trying_all(board)


@pytest.mark.parametrize("seed", range(4))
def test_on_several_legs_it_beats_the_greedy_start(seed):
    board = a_board(seed, nodes=60, legs=4)

    tours = found(board).tours

    assert all(is_feasible(board, leg, tour) for leg, tour in enumerate(tours))
    assert len({node for tour in tours for node in tour}) == sum(map(len, tours))
    assert value(board, tours) > value(board, first_tours(board, ()).freeze())


def test_seed_and_iterations_alone_decide():
    board = a_board(nodes=60, legs=3)

    assert found(board, 500) == found(board, 500)
    assert found(board, 500, seed=1).tours != found(board, 500, seed=2).tours


def test_the_cap_ends_the_search_and_is_said():
    ticks = iter(range(100))

    result = found(a_board(nodes=60, legs=3), 1000, seconds=5, clock=lambda: next(ticks))

    # The first look is the start; each part of one iteration takes one tick.
    assert (result.iterations, result.cut) == (4, True)


def test_the_cap_holds_however_many_iterations_are_asked_for():
    ticks = iter(range(100))

    result = found(a_board(nodes=60, legs=3), 10**12, seconds=5, clock=lambda: next(ticks))

    assert result.cut
    assert result.iterations <= 5 * search_room.PIECE


def test_compiling_does_not_count_against_the_cap(monkeypatch):
    """As if compiling took an hour: the clock of the cap is read only after it."""
    hours, whole = [0.0], search_room.anneal

    def slow_at_first(*arguments):
        if not hours[0]:
            hours[0] = 3600.0
        whole(*arguments)

    monkeypatch.setattr(search_room, "anneal", slow_at_first)
    result = found(a_board(nodes=60, legs=3), 200, seconds=20, clock=lambda: hours[0])

    assert (result.iterations, result.cut) == (200, False)


def test_no_iterations_and_no_nodes_leave_the_start_as_it_is():
    board = a_board()
    start = first_tours(board, ()).freeze()

    assert search(board, start, Effort(iterations=0)).tours == start
    assert found(a_board(nodes=0)).tours == ((),)


def test_most_visits_and_most_travel_of_a_day_are_kept():
    board = a_board(
        nodes=40, legs=2, day_visits=np.array([2, 3]), day_travel=np.array([60, NO_LIMIT])
    )

    tours = found(board).tours

    stops = [int(board.leg_from[0]), *tours[0], int(board.leg_to[0])]
    assert len(tours[0]) <= 2
    assert len(tours[1]) == 3
    assert sum(board.travel[a, b] for a, b in pairwise(stops)) <= 60


def test_nodes_of_one_customer_keep_their_gap():
    board = a_board(nodes=8, legs=4, width=290, group=np.arange(8) // 2, gap=np.full(8, 2))

    tours = found(board).tours

    day = {node: leg for leg, tour in enumerate(tours) for node in tour}
    pairs = [(a, a + 1) for a in range(0, 8, 2) if a in day and a + 1 in day]
    assert pairs
    assert all(abs(day[a] - day[b]) >= 2 for a, b in pairs)


def test_a_day_on_which_a_visit_is_worth_more_is_preferred():
    worth = np.array([[10.0, 10.0, 30.0]])
    board = a_board(nodes=1, legs=3, width=200, value=worth)

    assert found(board, 200).tours == ((), (), (0,))


def test_several_windows_a_day_are_all_used():
    opens = np.array([[[0, 200]], [[0, 200]]])
    board = a_board(
        nodes=2,
        opens=opens,
        closes=opens + 1,
        service=np.array([90, 90]),
        travel=np.zeros((4, 4), np.int64),
    )

    # Each takes 90 and starts at 0 or at 200: one fits into either window.
    assert sorted(found(board, 100).tours[0]) == [0, 1]


def test_it_never_returns_less_than_it_was_given():
    board = a_board(nodes=40, legs=2)
    good = found(board, 3000).tours

    again = search(board, good, Effort(iterations=50, seed=5)).tours

    assert value(board, again) >= value(board, good)


def test_loaded_tours_have_the_same_times_as_built_ones():
    board = a_board(nodes=40, legs=2)
    built, loaded = first_tours(board, ()), TourState(board)

    loaded.load(built.freeze())

    assert (loaded.starts, loaded.latest) == (built.starts, built.latest)


def test_random_numbers_are_the_same_for_ever_and_evenly_spread():
    state = seeded(1)
    numbers = [chance(state) for _ in range(2000)]

    assert numbers[:2] == [chance(s) for s in [seeded(1)] for _ in range(2)]
    assert 0 <= min(numbers) < 0.01
    assert 0.99 < max(numbers) < 1
    assert abs(sum(numbers) / 2000 - 0.5) < 0.03


def test_a_day_closed_to_everyone_stays_empty():
    board = a_board(nodes=10, legs=2, width=200)
    shut = replace(board, value=board.value * np.array([1.0, 0.0]), closes=_shut(board.closes))

    assert found(shut, 200).tours[1] == ()


def _shut(closes):
    closes = closes.copy()
    closes[:, 1] = -1
    return closes


@pytest.mark.parametrize("seed", range(8))
def test_short_cuts_over_a_stop_do_not_make_a_tour_too_long_when_it_goes(seed):
    # Node 0 is 5 from everywhere, as a place of unknown travel is: taking it out of a tour makes
    # the way between its neighbours longer, and may break what fitted.
    board = a_board(seed, nodes=9, legs=2, end=180)
    travel = board.travel.copy() * 2
    travel[0, :] = travel[:, 0] = 5
    travel[0, 0] = 0
    board = replace(board, travel=travel)

    tours = found(board, iterations=4000).tours

    assert all(is_feasible(board, leg, tour) for leg, tour in enumerate(tours))
