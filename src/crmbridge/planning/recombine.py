"""The best plan that can be put together from routes seen so far: a set packing problem.

A search forgets most of what it finds: a good Monday from one solution may go with a good Tuesday
from another. An integer program chooses among all of them at once.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crmbridge.planning.board import NO_LIMIT, Board, Held
from crmbridge.planning.tours import Tours

if TYPE_CHECKING:
    from scipy.sparse import csc_array

MOST_BRANCHES = 50
"""Nodes of the branch-and-bound tree; a limit in seconds would let the machine decide the plan."""

Route = tuple[int, frozenset[int]]
Row = tuple[dict[int, float], float]


class RoutePool:
    """Routes in the order in which they were last seen, the oldest forgotten first."""

    def __init__(self, board: Board, travel_cost: float, most: int, held: Held) -> None:
        self._board, self._travel_cost, self._most, self._held = board, travel_cost, most, held
        self._twin = _twins(board)
        self._routes: dict[Route, tuple[int, ...]] = {}
        self._way: dict[Route, int] = {}

    def add(self, tours: Iterable[tuple[int, ...]]) -> None:
        """Remember the routes of a feasible solution, each in its shortest order."""
        for leg, nodes in enumerate(tours):
            if nodes:
                self._add(leg, nodes)
        while len(self._routes) > self._most:
            oldest = next(iter(self._routes))
            del self._routes[oldest], self._way[oldest]

    def best(self) -> Tours | None:
        """The most worthy choice of routes that go together; None if none was found in time."""
        keys = list(self._routes)
        if not keys:
            return None
        from scipy.optimize import Bounds, LinearConstraint, milp

        matrix, most = _matrix([*self._rows(keys)], len(keys))
        result = milp(
            -np.array([self._worth(key) for key in keys]),
            integrality=np.ones(len(keys), np.int64),
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(matrix, -np.inf, most),
            options={"node_limit": MOST_BRANCHES},
        )
        if result.x is None:
            return None
        return self._spread(
            [key for key, chosen in zip(keys, result.x, strict=True) if chosen > 0.5]
        )

    def _add(self, leg: int, nodes: tuple[int, ...]) -> None:
        key = (self._twin[leg], frozenset(nodes))
        way = self._length(leg, nodes)
        if self._way.get(key, NO_LIMIT) <= way:
            nodes, way = self._routes[key], self._way[key]
        self._routes.pop(key, None)
        self._routes[key], self._way[key] = nodes, way

    def _length(self, leg: int, nodes: tuple[int, ...]) -> int:
        stops = [int(self._board.leg_from[leg]), *nodes, int(self._board.leg_to[leg])]
        return int(self._board.travel[stops[:-1], stops[1:]].sum())

    def _worth(self, key: Route) -> float:
        day = self._board.leg_day[key[0]]
        value = float(self._board.value[list(self._routes[key]), day].sum())
        return value - self._travel_cost * self._way[key]

    def _rows(self, keys: list[Route]) -> Iterable[Row]:
        """What the chosen routes must keep: (coefficient by route, most)."""
        board = self._board
        yield from _at_most_one((node, i) for i, key in enumerate(keys) for node in key[1])
        for twin in sorted(set(self._twin)):
            own = {i: 1.0 for i, key in enumerate(keys) if key[0] == twin}
            yield own, float(self._twin.count(twin))
        for day in range(len(board.day_number)):
            own_keys = [(i, key) for i, key in enumerate(keys) if board.leg_day[key[0]] == day]
            if board.day_visits[day] < NO_LIMIT:
                yield {i: float(len(key[1])) for i, key in own_keys}, float(board.day_visits[day])
            if board.day_travel[day] < NO_LIMIT:
                # A leg without a route has its own way, so only what a route adds is counted.
                added = {i: float(self._way[key] - self._length(key[0], ())) for i, key in own_keys}
                legs = np.flatnonzero(board.leg_day == day)
                base = sum(self._length(int(leg), ()) for leg in legs)
                yield added, float(board.day_travel[day] - base)
        yield from self._gap_rows(keys)
        if self._held.least:
            yield {i: -self._stood(key) for i, key in enumerate(keys)}, -float(self._held.least)

    def _stood(self, key: Route) -> float:
        """How many of a route's nodes are on a day they are held on."""
        day = self._board.leg_day[key[0]]
        return float(self._held.stood[list(key[1]), day].sum())

    def _gap_rows(self, keys: list[Route]) -> Iterable[Row]:
        """Of a customer's nodes, one at most in any stretch of days as long as its gap."""
        board = self._board
        numbers, counts = np.unique(board.group, return_counts=True)
        several = set(numbers[counts > 1].tolist())
        seen: dict[int, list[tuple[int, int, int]]] = {}
        for i, (leg, nodes) in enumerate(keys):
            day = int(board.day_number[board.leg_day[leg]])
            for node in sorted(nodes):
                if int(board.group[node]) in several:
                    seen.setdefault(int(board.group[node]), []).append(
                        (day, int(board.gap[node]), i)
                    )
        for group in sorted(seen):
            for first in sorted({day for day, _, _ in seen[group]}):
                near = [i for day, gap, i in seen[group] if first <= day < first + max(gap, 1)]
                row: dict[int, float] = {}
                for i in near:
                    row[i] = row.get(i, 0.0) + 1.0
                yield row, 1.0

    def _spread(self, chosen: list[Route]) -> Tours:
        """Give each chosen route a leg among those that are alike."""
        tours: list[tuple[int, ...]] = [()] * len(self._twin)
        for key in chosen:
            free = [i for i, twin in enumerate(self._twin) if twin == key[0] and not tours[i]]
            tours[free[0]] = self._routes[key]
        return tuple(tours)


def _twins(board: Board) -> list[int]:
    """For each leg the first that is like it: same day, bounds and ways."""
    first: dict[tuple[object, ...], int] = {}
    nodes = board.nodes
    return [
        first.setdefault(
            (
                int(board.leg_day[leg]),
                int(board.leg_open[leg]),
                int(board.leg_close[leg]),
                board.travel[board.leg_from[leg], :nodes].tobytes(),
                board.travel[:nodes, board.leg_to[leg]].tobytes(),
            ),
            leg,
        )
        for leg in range(len(board.leg_day))
    ]


def _at_most_one(pairs: Iterable[tuple[int, int]]) -> Iterable[Row]:
    rows: dict[int, dict[int, float]] = {}
    for node, route in pairs:
        rows.setdefault(node, {})[route] = 1.0
    for node in sorted(rows):
        yield rows[node], 1.0


def _matrix(rows: list[Row], columns: int) -> tuple["csc_array", NDArray[np.float64]]:
    from scipy.sparse import csc_array

    entries = [(i, j, factor) for i, (row, _) in enumerate(rows) for j, factor in row.items()]
    line, column, factors = zip(*entries, strict=True)
    matrix = csc_array((factors, (line, column)), shape=(len(rows), columns))
    return matrix, np.array([most for _, most in rows])
