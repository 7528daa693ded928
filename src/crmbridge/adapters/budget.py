"""Shares a day's calls among all processes of a connection, leased in blocks."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crmbridge.adapters.contract import Clock
from crmbridge.adapters.exchange import Quota
from crmbridge.adapters.limits import Limits
from crmbridge.errors import QuotaError, StorageError

BLOCK = 100
"""Calls leased at once: a commit costs about a millisecond, a call from the block nothing."""

_TABLE = """
CREATE TABLE IF NOT EXISTS leased (
    connection TEXT NOT NULL, day TEXT NOT NULL, calls INTEGER NOT NULL,
    PRIMARY KEY (connection, day))
"""
_READ = "SELECT calls FROM leased WHERE connection = ? AND day = ?"
_ADD = """
INSERT INTO leased VALUES (?, ?, ?)
ON CONFLICT (connection, day) DO UPDATE SET calls = calls + excluded.calls
"""


@dataclass(slots=True)
class DailyBudget:
    """The calls that crmbridge may make on a connection in a day of UTC.

    Until the CRM's quota is known through `learn`, nothing is refused. A process that dies keeps
    its block, so that the budget errs towards fewer calls.

    Args:
        calls: made so far by this process.
    """

    path: Path
    connection: str
    limits: Limits
    clock: Clock
    calls: int = 0
    _quota: Quota | None = None
    _since: int = 0
    _day: str = ""
    _left: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def learn(self, quota: Quota) -> None:
        """Take over what the CRM says of its quota, for the calls to come.

        Nothing is refused here: the answer that told the quota may be that of a write. A quota of
        no calls at all is that of a server that does not tell.
        """
        if quota.allowed > 0:
            self._quota, self._since = quota, 0

    def take(self) -> None:
        """Use one call.

        Raises:
            QuotaError: our share of the day is used up, or only the reserve for people is left.
            StorageError: the budget's database cannot be written.
        """
        quota = self._quota
        if quota is not None:
            self._keep_reserve(quota)
            if self.limits.daily_share > 0:
                self._take_share(quota)
        with self._lock:
            self.calls += 1
            self._since += 1

    def used_today(self) -> int:
        """Calls of this day that processes have leased, what is left of our own block not."""
        day = f"{self.clock.now().astimezone(UTC):%Y-%m-%d}"
        with self._open() as db:
            row = db.execute(_READ, (self.connection, day)).fetchone()
        return (int(row[0]) if row else 0) - self._left

    def _keep_reserve(self, quota: Quota) -> None:
        """Count our own calls since the CRM told: most tell only when they are asked."""
        reserve = quota.allowed * self.limits.reserve_share
        left = quota.allowed - quota.used - self._since
        if self.limits.reserve_share > 0 and left <= reserve:
            raise self._used_up(f"more than {reserve:.0f} calls left to people", str(max(left, 0)))

    def _take_share(self, quota: Quota) -> None:
        with self._lock:
            day = f"{self.clock.now().astimezone(UTC):%Y-%m-%d}"
            if day != self._day or self._left <= 0:
                allowed = int(quota.allowed * self.limits.daily_share)
                self._left, self._day = self._lease(day, allowed), day
            self._left -= 1

    def close(self) -> None:
        """Give back what is left of the block."""
        with self._lock:
            if self._left > 0:
                with self._open() as db:
                    db.execute(_ADD, (self.connection, self._day, -self._left))
            self._left = 0

    def _lease(self, day: str, allowed: int) -> int:
        with self._open() as db:
            row = db.execute(_READ, (self.connection, day)).fetchone()
            block = min(BLOCK, allowed - (row[0] if row else 0))
            if block > 0:
                db.execute(_ADD, (self.connection, day, block))
                return block
        raise self._used_up(f"at most {allowed} calls a day", "all of them used")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its start."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            try:
                db.execute(_TABLE)
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
            finally:
                db.close()
        except (sqlite3.Error, OSError) as error:
            where = f"rate budget {self.path.name}"
            raise StorageError(where, "a database that can be written", str(error)) from error

    def _used_up(self, expected: str, got: str) -> QuotaError:
        resets = self._quota.resets_at if self._quota else None
        if resets is None:
            midnight = self.clock.now().astimezone(UTC).replace(hour=0, minute=0, second=0)
            resets = midnight.replace(microsecond=0) + timedelta(days=1)
        return QuotaError(
            f"connections.{self.connection}.limits",
            expected,
            got,
            f"Run again after {_minute(resets)}, or raise daily_share or lower reserve_share",
            resume_at=resets,
        )


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
