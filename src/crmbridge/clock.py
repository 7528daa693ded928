"""Clocks: the machine's, and one that stands where ``--now`` or a test put it."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The aware current time, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(slots=True)
class FixedClock:
    """A clock that stands still until somebody sleeps on it; `slept` keeps the waits."""

    at: datetime
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """The aware time it was set to, plus all waits."""
        return self.at

    def monotonic(self) -> float:
        """Seconds since 1970 of the time it shows."""
        return self.at.timestamp()

    def sleep(self, seconds: float) -> None:
        """Move on without waiting."""
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)


class ShiftedClock(SystemClock):
    """The machine's clock, shifted so that it showed ``start`` when it was made."""

    def __init__(self, start: datetime) -> None:
        self._shift = start - datetime.now(UTC)

    def now(self) -> datetime:
        """The aware time, running on from ``start``."""
        return datetime.now(UTC) + self._shift


class StandingClock(SystemClock):
    """A clock that shows one time for a whole run, while waits and time-outs are real."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """The aware time it was set to."""
        return self._at
