"""Routes from different solutions are put together to the best plan they allow."""

import numpy as np
import pytest

from crmbridge.planning.board import NO_LIMIT, Board, Held
from crmbridge.planning.recombine import RoutePool


def a_board(values, legs=2, **changes):
    """Nodes a second apart, always open, on legs of different days."""
    nodes = len(values)
    size = nodes + 2 * legs
    fields = {
        "travel": np.ones((size, size), np.int64) - np.eye(size, dtype=np.int64),
        "service": np.ones(nodes, np.int64),
        "value": np.repeat(np.array(values, float)[:, None], legs, axis=1),
        "opens": np.zeros((nodes, legs, 1), np.int64),
        "closes": np.full((nodes, legs, 1), 90),
        "leg_from": np.arange(nodes, nodes + legs),
        "leg_to": np.arange(nodes + legs, size),
        "leg_open": np.zeros(legs, np.int64),
        "leg_close": np.full(legs, 100),
        "leg_day": np.arange(legs),
        "leg_tour": np.arange(legs),
        "day_number": np.arange(legs),
        "day_visits": np.full(legs, NO_LIMIT),
        "day_travel": np.full(legs, NO_LIMIT),
        "group": np.arange(nodes),
        "gap": np.zeros(nodes, np.int64),
    }
    return Board(**{**fields, **changes})


def pool_of(board, *solutions, most=100, held=None):
    held = Held(stood=np.zeros(board.value.shape, np.bool_), least=0) if held is None else held
    pool = RoutePool(board, 0.0, most, held)
    for tours in solutions:
        pool.add(tours)
    return pool


def test_the_best_parts_of_two_solutions_go_together():
    board = a_board([10, 9, 1, 2])

    # Monday of the first is worth 10, Tuesday of the second 9.
    assert pool_of(board, ((0,), (2,)), ((3,), (1,))).best() == ((0,), (1,))


def test_no_node_is_visited_twice():
    board = a_board([10, 9])

    assert pool_of(board, ((0, 1), ()), ((), (1,)), ((0,), ())).best() in (
        ((0, 1), ()),
        ((0,), (1,)),
    )


def test_legs_that_are_alike_share_their_routes():
    board = a_board([10, 9], leg_day=np.zeros(2, np.int64))

    # Both were seen on the first leg only.
    assert sorted(pool_of(board, ((0,), ()), ((1,), ())).best()) == [(0,), (1,)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 19.0),
        ({"day_visits": np.array([1, 0])}, 10.0),
        # Home, one node and home again takes two seconds; an empty leg one.
        ({"day_travel": np.array([2, 1])}, 10.0),
        ({"group": np.zeros(2, np.int64), "gap": np.full(2, 2)}, 10.0),
        ({"group": np.zeros(2, np.int64), "gap": np.full(2, 1)}, 19.0),
    ],
)
def test_limits_and_gaps_are_kept(changes, expected):
    board = a_board([10, 9], **changes)

    tours = pool_of(board, ((0,), ()), ((), (1,))).best()

    assert (
        sum(board.value[node, leg] for leg, tour in enumerate(tours) for node in tour) == expected
    )


def test_the_same_nodes_are_remembered_in_their_shortest_order():
    board = a_board([1, 1], legs=1)
    board.travel[1, 0] = 9

    assert pool_of(board, ((0, 1),), ((1, 0),)).best() == ((0, 1),)


def test_the_oldest_routes_are_forgotten():
    board = a_board([10, 9], legs=1)

    assert pool_of(board, ((0,),), ((1,),), most=1).best() == ((1,),)


def test_an_empty_pool_has_nothing_to_offer():
    assert pool_of(a_board([1]), ((), ())).best() is None


def test_routes_that_move_too_much_are_not_chosen():
    board = a_board([10, 9], legs=2, value=np.array([[5.0, 10.0], [9.0, 9.0]]))
    held = Held(stood=np.array([[True, False], [False, False]]), least=1)

    free = pool_of(board, ((0,), (1,)), ((1,), (0,))).best()
    steady = pool_of(board, ((0,), (1,)), ((1,), (0,)), held=held).best()

    assert (free, steady) == (((1,), (0,)), ((0,), (1,)))
