"""The first plan: what stood before goes back to its day, then the most valuable goes first."""

from collections.abc import Iterable, Sequence

from crmbridge.planning.board import Board, Standing
from crmbridge.planning.tours import TourState


def first_tours(board: Board, before: Sequence[Standing]) -> TourState:
    """Cheapest insertion, most valuable visit first.

    Args:
        before: visits planned before, in the order of their times; they keep day and order.
    """
    state = TourState(board)
    for item in before:
        spot = state.last_spot(item.node, item.day, item.start)
        if spot is not None:
            state.put(item.node, spot)
    for item in before:
        if item.node not in state.placed:
            _put_on(state, item.node, item.day)
    fill(state, by_value(board))
    return state


def fill(state: TourState, nodes: Iterable[int]) -> None:
    """Put in, in this order, every node that is not in a tour and fits."""
    for node in nodes:
        if node not in state.placed:
            _put_on(state, node, None)


def _put_on(state: TourState, node: int, day: int | None) -> None:
    spot = state.best_spot(node, day)
    if spot is not None:
        state.put(node, spot)


def by_value(board: Board) -> list[int]:
    best = board.value.max(axis=1, initial=0.0).tolist()
    return sorted(range(board.nodes), key=lambda node: (-best[node], node))
