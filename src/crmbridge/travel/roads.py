"""Travel times by road: what a service says, what it said before, and the straight line else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from crmbridge.errors import ConfigError, CrmbridgeError, RetryLaterError
from crmbridge.travel.cache import NO_WAY, UNASKED, Ints, KnownWays, PlaceCache
from crmbridge.travel.great_circle import TravelMatrix, great_circle_matrix
from crmbridge.travel.points import Point
from crmbridge.travel.service import RoutingService
from crmbridge.travel.speed import SpeedProfile

MOST_FAILURES = 3
"""Refusals after which a service is not asked again in a run; no answer at all is one too many."""
DIGITS = 5
"""Decimals of a degree that tell two places apart: a metre."""
MOST_STOP_SECONDS = 2**31 - 1

Flags = NDArray[np.bool_]


@dataclass(slots=True, kw_only=True)
class RoadTables:
    """Measures the ways of one territory after the other; one for each run.

    Args:
        most_requests: of the whole run.
        keep_days: days after which a way is measured anew.
        requests: sent so far.
        failures: what went wrong, in order.
        missed: ways so far that the straight line stands in for.
    """

    service: RoutingService
    cache: PlaceCache
    profile: SpeedProfile
    now: datetime
    most_requests: int = 2000
    keep_days: int = 90
    requests: int = 0
    failures: list[str] = field(default_factory=list)
    missed: int = 0
    _is_silent: bool = False

    def matrix(self, territory: str, points: Mapping[str, Point]) -> TravelMatrix:
        """Travel times between places, parking included, rounded to whole seconds.

        Args:
            territory: names the table in the cache, with the service.
        """
        straight = great_circle_matrix(points, self.profile)
        spots = [_rounded(points[name]) for name in straight.places]
        places = tuple(dict.fromkeys(spots))
        index = {place: number for number, place in enumerate(places)}
        row = np.array([index[spot] for spot in spots], int)
        table = self._measured(territory, places)
        asked = table[np.ix_(row, row)]
        stop = round(60 * self.profile.minutes_per_stop)
        known = (asked >= 0) | (row[:, None] == row)
        parking = np.where(row[:, None] == row, 0, stop)
        road = np.minimum(np.maximum(asked, 0).astype(np.int64) + parking, MOST_STOP_SECONDS)
        seconds = np.where(known, road, straight.seconds).astype(np.int32)
        missed = int((~known).sum())
        self.missed += missed
        source = self._source(missed, int((row[:, None] != row).sum()))
        return TravelMatrix(places=straight.places, seconds=seconds, source=source)

    def _source(self, missed: int, ways: int) -> str:
        by = f"{self.service.name} at {self.service.where}"
        return f"{by}, {missed} of {ways} ways by great circle" if missed else by

    def _measured(self, territory: str, places: tuple[Point, ...]) -> Ints:
        """(n, n) seconds, from the cache and by asking for what it does not have."""
        name = f"{self.service.name}\n{self.service.where}\n{self.service.profile}\n{territory}"
        known = self._remembered(name)
        table = _carried_over(known, places)
        np.fill_diagonal(table, 0)
        at = known.at if known is not None else self.now
        is_new = bool((table == UNASKED).any())
        for rows, columns in _blocks(table, self.service.block):
            if not self._may_ask():
                break
            self._ask(table, places, rows, columns)
        if is_new:
            coordinates = np.array([(p.latitude, p.longitude) for p in places], float)
            ways = KnownWays(points=coordinates.reshape(-1, 2), seconds=table, at=at)
            self.cache.keep_ways(name, ways)
        return table

    def _remembered(self, name: str) -> KnownWays | None:
        return self.cache.ways(name, self.now - timedelta(days=self.keep_days))

    def _may_ask(self) -> bool:
        return not self._is_silent and self.requests < self.most_requests

    def _ask(self, table: Ints, places: tuple[Point, ...], rows: Ints, columns: Ints) -> None:
        self.requests += 1
        sources, targets = [places[i] for i in rows], [places[i] for i in columns]
        try:
            seconds = self.service.seconds(sources, targets)
        except CrmbridgeError as error:
            self.failures.append(error.line())
            is_gone = isinstance(error, RetryLaterError | ConfigError)
            self._is_silent = is_gone or len(self.failures) >= MOST_FAILURES
            return
        whole = np.where(np.isnan(seconds), NO_WAY, np.rint(np.nan_to_num(seconds)))
        table[np.ix_(rows, columns)] = whole.astype(np.int32)
        np.fill_diagonal(table, 0)


def _rounded(point: Point) -> Point:
    return Point(latitude=round(point.latitude, DIGITS), longitude=round(point.longitude, DIGITS))


def _carried_over(known: KnownWays | None, places: tuple[Point, ...]) -> Ints:
    """A table for these places with what an earlier one says of them."""
    table = np.full((len(places), len(places)), UNASKED, np.int32)
    if known is None:
        return table
    index = {(float(a), float(b)): i for i, (a, b) in enumerate(known.points)}
    old = [index.get((place.latitude, place.longitude), -1) for place in places]
    new = [i for i, number in enumerate(old) if number >= 0]
    before = [number for number in old if number >= 0]
    table[np.ix_(new, new)] = known.seconds[np.ix_(before, before)]
    return table


def _blocks(table: Ints, block: int) -> Iterator[tuple[Ints, Ints]]:
    """Rows and columns of requests that together ask for everything that was not asked yet.

    Places of which least is known go together, so that a new one costs few requests.
    """
    unasked = table == UNASKED
    order = np.argsort(-unasked.sum(axis=1), kind="stable").astype(np.int32)
    parts = [order[start : start + block] for start in range(0, len(order), block)]
    for rows in parts:
        for columns in parts:
            part: Flags = unasked[np.ix_(rows, columns)]
            if part.any():
                yield rows[part.any(axis=1)], columns[part.any(axis=0)]
