"""The first plan: what stood before goes back to its day, then the most valuable goes first."""

from collections.abc import Iterable, Sequence

from crmbridge.planning.board import Board
from crmbridge.planning.tours import TourState


def first_tours(board: Board, before: Sequence[tuple[int, int]]) -> TourState:
    """Cheapest insertion, most valuable visit first.

    Args:
        before: (node, day index) of visits planned before, in the order of their times.
    """
    state = TourState(board)
    for node, day in before:
        _put_on(state, node, day)
    fill(state, _by_value(board))
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


def _by_value(board: Board) -> list[int]:
    best = board.value.max(axis=1, initial=0.0).tolist()
    return sorted(range(board.nodes), key=lambda node: (-best[node], node))
