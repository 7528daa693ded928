"""Tours over a board, kept feasible while visits are put in one by one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from crmbridge.planning.board import Board

NEVER = 1 << 60
Tours = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place in a tour where a node fits.

    Args:
        cost: detour in seconds, half the waiting it causes, and the value lost to a better day.
    """

    cost: float
    leg: int
    position: int


class TourState:
    """Tours of all legs with each visit's earliest and latest start.

    Plain lists, not arrays: one element at a time, lists are several times faster.
    """

    def __init__(self, board: Board) -> None:
        self.travel = board.travel.tolist()
        self.service = board.service.tolist()
        self.value = board.value.tolist()
        self.best_value = board.value.max(axis=1, initial=0.0).tolist()
        self.windows = _window_lists(board)
        self.legs = list(
            zip(
                board.leg_from.tolist(), board.leg_to.tolist(), board.leg_open.tolist(),
                board.leg_close.tolist(), board.leg_day.tolist(), strict=True,
            )
        )  # fmt: skip
        self.days = board.day_number.tolist()
        self.visits_left = board.day_visits.tolist()
        self.travel_left = board.day_travel.tolist()
        self.group = board.group.tolist()
        self.gap = board.gap.tolist()
        self.rate = board.seconds_per_value()
        self.tours: list[list[int]] = [[] for _ in self.legs]
        self.starts: list[list[int]] = [[] for _ in self.legs]
        self.latest: list[list[int]] = [[] for _ in self.legs]
        self.placed: dict[int, int] = {}
        self.group_days: dict[int, list[int]] = {}
        for start, end, _, _, day in self.legs:
            self.travel_left[day] -= self.travel[start][end]

    def best_spot(self, node: int, day: int | None = None) -> Spot | None:
        """The cheapest place for a node, on one day or on any; the first of equals."""
        best: Spot | None = None
        for leg in range(len(self.legs)):
            if day is not None and self.legs[leg][4] != day:
                continue
            if self.may_go(node, leg):
                best = self._best_in(node, leg, best)
        return best

    def last_spot(self, node: int, day: int, start: int) -> Spot | None:
        """The end of the leg in which the node stood, if it still fits there."""
        for leg, (_, _, opens, closes, leg_day) in enumerate(self.legs):
            if leg_day == day and opens <= start < closes and self.may_go(node, leg):
                return self._spot_at(node, leg, len(self.tours[leg]), math.inf)
        return None

    def may_go(self, node: int, leg: int) -> bool:
        """Whether day, gap and the day's most visits leave the node a chance in that leg."""
        day = self.legs[leg][4]
        if self.value[node][day] <= 0 or self.visits_left[day] <= 0:
            return False
        mine, gap = self.days[day], self.gap[node]
        others = self.group_days.get(self.group[node], ())
        return all(abs(mine - other) >= gap for other in others)

    def put(self, node: int, spot: Spot) -> None:
        """Insert a node at a spot that was found for it."""
        leg, position = spot.leg, spot.position
        day = self.legs[leg][4]
        before = self.leg_travel(leg)
        self.tours[leg].insert(position, node)
        self._refresh(leg)
        self.travel_left[day] -= self.leg_travel(leg) - before
        self.visits_left[day] -= 1
        self.placed[node] = leg
        self.group_days.setdefault(self.group[node], []).append(self.days[day])

    def misses(self, node: int, leg: int) -> list[tuple[int, int]]:
        """Seconds by which the node is too late, and too far, at each place in the leg.

        0 or less is neither. Places at which its doors are shut for the day are left out.
        """
        spare = self.travel_left[self.legs[leg][4]]
        return [
            (late, self._detour(node, leg, position) - spare)
            for position in range(len(self.tours[leg]) + 1)
            if (late := self._miss(node, leg, position)) is not None
        ]

    def leg_travel(self, leg: int) -> int:
        """Seconds on the road in a leg."""
        start, end = self.legs[leg][:2]
        return self.way([start, *self.tours[leg], end])

    def way(self, stops: Sequence[int]) -> int:
        """Seconds on the road from stop to stop."""
        return sum(self.travel[a][b] for a, b in pairwise(stops))

    def load(self, tours: Tours) -> None:
        """Take over feasible tours; the state must be empty."""
        for leg, nodes in enumerate(tours):
            for position, node in enumerate(nodes):
                self.put(node, Spot(cost=0.0, leg=leg, position=position))

    def freeze(self) -> Tours:
        """The tours as values."""
        return tuple(tuple(tour) for tour in self.tours)

    def _best_in(self, node: int, leg: int, best: Spot | None) -> Spot | None:
        for position in range(len(self.tours[leg]) + 1):
            if self._arrival(node, leg, position)[1] == NEVER:
                break
            spot = self._spot_at(node, leg, position, best.cost if best else math.inf)
            best = spot or best
        return best

    def _spot_at(self, node: int, leg: int, position: int, below: float) -> Spot | None:
        """The spot, if the node fits there for less than that cost."""
        arrival, begin = self._arrival(node, leg, position)
        tour, row = self.tours[leg], self.travel[node]
        day = self.legs[leg][4]
        after = tour[position] if position < len(tour) else self.legs[leg][1]
        if begin + self.service[node] + row[after] > self._limit(leg, position):
            return None
        detour = self._detour(node, leg, position)
        lost = (self.best_value[node] - self.value[node][day]) * self.rate
        cost = detour + (begin - arrival) / 2 + lost
        if detour > self.travel_left[day] or cost >= below:
            return None
        return Spot(cost=cost, leg=leg, position=position)

    def _detour(self, node: int, leg: int, position: int) -> int:
        tour = self.tours[leg]
        place = tour[position - 1] if position else self.legs[leg][0]
        after = tour[position] if position < len(tour) else self.legs[leg][1]
        return int(self.travel[place][node] + self.travel[node][after] - self.travel[place][after])

    def _arrival(self, node: int, leg: int, position: int) -> tuple[int, int]:
        """When the node is reached there, and when the visit can begin; `NEVER` if it cannot."""
        start, _, at, _, day = self.legs[leg]
        if position:
            start = self.tours[leg][position - 1]
            at = self.starts[leg][position - 1] + self.service[start]
        arrival = at + self.travel[start][node]
        return arrival, self._earliest(node, day, arrival)

    def _miss(self, node: int, leg: int, position: int) -> int | None:
        begin = self._arrival(node, leg, position)[1]
        if begin == NEVER:
            return None
        tour = self.tours[leg]
        after = tour[position] if position < len(tour) else self.legs[leg][1]
        ready = begin + self.service[node] + self.travel[node][after]
        return int(ready - self._limit(leg, position))

    def _limit(self, leg: int, position: int) -> int:
        latest = self.latest[leg]
        return latest[position] if position < len(latest) else self.legs[leg][3]

    def _earliest(self, node: int, day: int, at: int) -> int:
        for opens, closes in self.windows[node][day]:
            if closes >= at:
                return max(opens, at)
        return NEVER

    def _latest(self, node: int, day: int, at: int) -> int:
        for opens, closes in reversed(self.windows[node][day]):
            if opens <= at:
                return min(closes, at)
        return -NEVER

    def _refresh(self, leg: int) -> None:
        start, end, at, limit, day = self.legs[leg]
        place, starts = start, []
        for node in self.tours[leg]:
            starts.append(self._earliest(node, day, at + self.travel[place][node]))
            at, place = starts[-1] + self.service[node], node
        latest = []
        for node in reversed(self.tours[leg]):
            room = limit - self.travel[node][end] - self.service[node]
            limit, end = self._latest(node, day, room), node
            latest.append(limit)
        self.starts[leg], self.latest[leg] = starts, latest[::-1]


def _window_lists(board: Board) -> list[list[list[tuple[int, int]]]]:
    pairs = zip(board.opens.tolist(), board.closes.tolist(), strict=True)
    return [
        [
            [(o, c) for o, c in zip(day_opens, day_closes, strict=True) if o <= c]
            for day_opens, day_closes in zip(opens, closes, strict=True)
        ]
        for opens, closes in pairs
    ]
