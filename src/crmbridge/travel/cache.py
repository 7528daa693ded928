"""Remembers what routing and geocoding services answered, in one bounded file of its own.

Addresses are kept as digests only, so the file says of nobody where they live.
"""

import hashlib
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crmbridge.errors import StorageError

MOST_PLACES = 200_000
"""Places and tables beyond these are forgotten, the oldest first."""
MOST_TABLES = 5_000
UNASKED, NO_WAY = -2, -1
"""What a table holds instead of seconds."""

Ints = NDArray[np.int32]

_TABLES = """
CREATE TABLE IF NOT EXISTS ways (key TEXT PRIMARY KEY, points BLOB, seconds BLOB, at INTEGER);
CREATE TABLE IF NOT EXISTS places (
    key TEXT PRIMARY KEY, latitude REAL, longitude REAL, quality TEXT, at INTEGER
);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownWays:
    """A table of ways as it was measured.

    Args:
        points: (n, 2) latitude and longitude.
        seconds: (n, n); `UNASKED` or `NO_WAY` where there is no number.
    """

    points: NDArray[np.float64]
    seconds: Ints
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPlace:
    """What was found for an address; no quality where nothing was."""

    latitude: float = 0.0
    longitude: float = 0.0
    quality: str = ""


class PlaceCache:
    """The file, opened for each use; safe for several processes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ways(self, name: str, since: datetime) -> KnownWays | None:
        """The table of that name, if it was measured since then."""
        with self._open() as file:
            row = file.execute(
                "SELECT points, seconds, at FROM ways WHERE key = ? AND at >= ?",
                (_key(name), int(since.timestamp())),
            ).fetchone()
        if row is None:
            return None
        points = np.frombuffer(row[0], "<f8").reshape(-1, 2)
        raw = np.frombuffer(zlib.decompress(row[1]), "<i4")
        return KnownWays(
            points=points,
            seconds=raw.reshape(len(points), len(points)),
            at=datetime.fromtimestamp(row[2], since.tzinfo),
        )

    def keep_ways(self, name: str, ways: KnownWays) -> None:
        """Remember a table in place of the one of that name."""
        packed = zlib.compress(ways.seconds.astype("<i4").tobytes(), 1)
        row = (_key(name), ways.points.astype("<f8").tobytes(), packed, int(ways.at.timestamp()))
        with self._open() as file:
            file.execute("INSERT OR REPLACE INTO ways VALUES (?, ?, ?, ?)", row)
            _forget(file, "ways", MOST_TABLES)

    def place(self, name: str, now: datetime, days: int) -> KnownPlace | None:
        """What was found for an address in the last so many days; None if nobody asked."""
        since = int((now - timedelta(days=days)).timestamp())
        with self._open() as file:
            row = file.execute(
                "SELECT latitude, longitude, quality FROM places WHERE key = ? AND at >= ?",
                (_key(name), since),
            ).fetchone()
        if row is None:
            return None
        return KnownPlace(latitude=row[0], longitude=row[1], quality=row[2])

    def keep_place(self, name: str, place: KnownPlace, now: datetime) -> None:
        """Remember what was found for an address, or that nothing was."""
        row = (_key(name), place.latitude, place.longitude, place.quality, int(now.timestamp()))
        with self._open() as file:
            file.execute("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?)", row)
            _forget(file, "places", MOST_PLACES)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = sqlite3.connect(self._path, timeout=30)
            try:
                self._path.chmod(0o600)
                file.executescript(_TABLES)
                with file:
                    yield file
            finally:
                file.close()
        except (sqlite3.Error, OSError, ValueError, zlib.error) as cause:
            raise StorageError(
                str(self._path), "a cache that can be read", str(cause), "Remove the file"
            ) from cause


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _forget(file: sqlite3.Connection, table: str, most: int) -> None:
    query = f"DELETE FROM {table} WHERE key IN (SELECT key FROM {table} ORDER BY at DESC, key "
    file.execute(query + "LIMIT -1 OFFSET ?)", (most,))
