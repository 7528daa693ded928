"""The arrays that the compiled search reads and writes.

They are few and wide, since every array handed to a compiled function costs time: what belongs
to one stop, slot, node, leg or day stands side by side, under the column names below. Tours have
a sentinel on either side: row 0 of a leg is where it starts, rows 1 to length are nodes, the row
after is where it ends. Then the first and the last insertion need no case of their own.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crmbridge.planning.board import Board

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]
FOREVER = 1 << 29

STOP, READY, LATEST, HOP = 0, 1, 2, 3
"""Columns of a stop: node or place; when it can be left; when it must begin; way to it."""
COUNT, LOST, FIRST = 0, 1, 2
"""Columns of a slot: windows; half seconds that the day costs for not being the node's best; then
opening and closing of each window in turn."""
SERVICE, GAP, MATES = 0, 1, 2
"""Columns of a node: seconds; days; then other nodes of the same customer, -1 for none."""
OPEN, CLOSE, DAY, TOUR, LENGTH, WAY = 0, 1, 2, 3, 4, 5
"""Columns of a leg: bounds in seconds; its day and tour; nodes in it; seconds of travel."""
NUMBER, MOST_VISITS, MOST_WAY, VISITS, DAY_WAY = 0, 1, 2, 3, 4
"""Columns of a day: ordinal; most visits and travel; visits and travel there are."""


class Field(NamedTuple):
    """What does not change during a search; times in seconds from the first leg's start.

    Args:
        travel: (N + 2L, N + 2L) seconds from row to column.
        back: its transpose, so that all ways to one node lie side by side too.
        slots: (N, D, 2 + 2K) as named above.
        nodes: (N, 2 + G) as named above.
        value: (N, D) worth of the node on each day.
        weight: (N) highest value on any day.
        near: (N, A) nodes from near to far, itself first.
        effort: (N) service and a usual way, to compare values by.
        stood: (N, D) whether an earlier plan holds the node on that day.
    """

    travel: Ints
    back: Ints
    slots: Ints
    nodes: Ints
    value: Floats
    weight: Floats
    near: Ints
    effort: Floats
    stood: Flags


class Tours(NamedTuple):
    """One solution, kept consistent leg by leg.

    Args:
        rows: (L, M, 4) stops as named above.
        legs: (L, 6) as named above.
        days: (D, 5) as named above.
        leg_of: (N) the node's leg, -1 for none.
    """

    rows: Ints
    legs: Ints
    days: Ints
    leg_of: Ints


def field_of(board: Board, neighbours: int, stood: Flags | None = None) -> Field:
    """The arrays of a board, in the types that the search is compiled for."""
    weight = board.value.max(axis=1, initial=0.0)
    travel = _ints(np.minimum(board.travel, FOREVER))
    return Field(
        travel=travel,
        back=_ints(travel.T),
        slots=_slots(board, weight),
        nodes=_ints(np.column_stack([board.service, board.gap, _mates(board)])),
        value=np.ascontiguousarray(board.value, np.float64),
        weight=np.ascontiguousarray(weight),
        near=_near(board, neighbours),
        effort=np.asarray(board.service + _usual_way(board), np.float64),
        stood=np.zeros(board.value.shape, np.bool_) if stood is None else stood,
    )


def empty_tours(board: Board) -> Tours:
    """Tours without nodes; `refresh` makes their times right."""
    legs, days = len(board.leg_open), len(board.day_number)
    rows = np.zeros((legs, _room(board), 4), np.int32)
    rows[:, 0, STOP], rows[:, 1, STOP] = board.leg_from, board.leg_to
    origin = _origin(board)
    bounds = [board.leg_open - origin, board.leg_close - origin, board.leg_day, board.leg_tour]
    limits = [board.day_number, board.day_visits, board.day_travel]
    return Tours(
        rows=rows,
        legs=_ints(np.column_stack([*bounds, np.zeros((legs, 2))])),
        days=_ints(np.minimum(np.column_stack([*limits, np.zeros((days, 2))]), FOREVER)),
        leg_of=np.full(board.nodes, -1, np.int32),
    )


def _slots(board: Board, weight: Floats) -> Ints:
    nodes, days, windows = board.opens.shape
    slots = np.zeros((nodes, days, FIRST + 2 * windows), np.int32)
    shut, origin = board.closes < board.opens, _origin(board)
    lost = 2 * (weight[:, None] - board.value) * board.seconds_per_value()
    slots[:, :, COUNT] = (~shut).sum(axis=2)
    slots[:, :, LOST] = np.minimum(lost, FOREVER)
    slots[:, :, FIRST::2] = np.where(shut, FOREVER, board.opens - origin)
    slots[:, :, FIRST + 1 :: 2] = np.where(shut, -FOREVER, board.closes - origin)
    return slots


def _origin(board: Board) -> int:
    return int(board.leg_open.min()) if len(board.leg_open) else 0


def _room(board: Board) -> int:
    """Most stops that a leg can hold: as many of the shortest services as fill the longest."""
    longest = int((board.leg_close - board.leg_open).max(initial=0))
    shortest = max(1, int(board.service.min(initial=FOREVER)))
    return min(board.nodes, longest // shortest + 1) + 3


def _near(board: Board, neighbours: int) -> Ints:
    """Each node's nearest, itself first, then by travel both ways, then by number."""
    nodes = board.nodes
    near = np.zeros((nodes, min(nodes, neighbours)), np.int32)
    for node in range(nodes):
        away = board.travel[node, :nodes] + board.travel[:nodes, node]
        away[node] = -1
        near[node] = np.argsort(away, kind="stable")[: near.shape[1]]
    return near


def _usual_way(board: Board) -> float:
    ways = board.travel[: board.nodes, : board.nodes]
    return float(np.median(ways)) if ways.size else 0.0


def _mates(board: Board) -> Ints:
    groups: dict[int, list[int]] = {}
    for node, group in enumerate(board.group.tolist()):
        groups.setdefault(group, []).append(node)
    most = max((len(nodes) for nodes in groups.values()), default=1)
    mates = np.full((board.nodes, max(1, most)), -1, np.int32)
    for nodes in groups.values():
        for node in nodes:
            others = [other for other in nodes if other != node]
            mates[node, : len(others)] = others
    return mates


def _ints(values: NDArray[np.generic]) -> Ints:
    return np.ascontiguousarray(values, np.int32)
