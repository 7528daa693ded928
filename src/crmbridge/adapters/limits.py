"""How hard a CRM may be used: rate, concurrency and patience."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from crmbridge.adapters.contract import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A connection's limits, named as in ``[connections.NAME.limits]``; 0 is no limit of ours.

    Args:
        daily_share: share of the account's daily quota that we may use, in [0, 1].
        reserve_share: share of the daily quota that stays untouched, whoever used the rest.
        concurrent: most requests at once; fewer after the CRM says 429.
        tries: most tries of one request, the first included; at least 1.
        wait_seconds: longest wait that a CRM may ask for; beyond it a run stops.
        total_seconds: longest time for one answer, however slowly it drips.
        max_body_mb: largest answer, unpacked.
        retries_per_run: second tries that a run may make before its share of all requests counts.
        trust_env: uses the proxy that the environment names.
    """

    per_second: float = 0
    per_minute: float = 0
    daily_share: float = 0
    reserve_share: float = 0
    concurrent: int = 8
    tries: int = 5
    wait_seconds: float = 120
    connect_seconds: float = 10
    read_seconds: float = 60
    total_seconds: float = 300
    download_seconds: float = 3600
    max_body_mb: float = 64
    max_download_mb: float = 20_000
    retries_per_run: int = 100
    trust_env: bool = False


@dataclass(slots=True)
class TokenBucket:
    """Lets at most `most` requests pass in any stretch of a period, wherever it begins.

    A bucket that is refilled all the time would let twice as many pass in its first period: those
    it was full of, and those that dripped in. So a token comes back a whole period after it was
    taken. Below one a period, it is one in as many periods as that takes; 0 is no limit.
    """

    most: float
    period_seconds: float
    clock: Clock
    _taken: deque[float] = field(init=False)
    _period: float = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Start full."""
        whole = max(int(self.most), 1)
        self._taken = deque(maxlen=whole)
        self._period = self.period_seconds / min(self.most, 1.0) if self.most > 0 else 0.0

    def take(self) -> None:
        """Wait for a token; returns at once where there is no limit."""
        if self.most > 0:
            wait = self._reserve()
            if wait > 0:
                self.clock.sleep(wait)

    def _reserve(self) -> float:
        """Take a token, on credit if need be; returns the seconds until it is ours."""
        with self._lock:
            now = self.clock.monotonic()
            is_empty = len(self._taken) == self._taken.maxlen
            at = max(now, self._taken[0] + self._period) if is_empty else now
            self._taken.append(at)
            return at - now


@dataclass(slots=True)
class Gate:
    """Lets `most` requests be under way at once: half of that after each 429, then slowly more.

    Additive increase, multiplicative decrease, as TCP does it; a fixed limit would either waste
    what the CRM offers or fall from one 429 into the next.
    """

    most: int
    open: float = field(init=False)
    _under_way: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        """Start wide open."""
        self.open = float(max(self.most, 1))

    @contextmanager
    def passage(self) -> Iterator[None]:
        """One request is under way; waits until it may be."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way < int(self.open))
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify()

    def went_well(self) -> None:
        """Open a little."""
        if self.open < self.most:
            with self._changed:
                self.open = min(float(self.most), self.open + 1.0 / self.open)
                self._changed.notify()

    def was_refused(self) -> None:
        """Close by half, but never below one."""
        with self._changed:
            self.open = max(1.0, self.open / 2)


@dataclass(slots=True)
class Pause:
    """A time before which no thread of a connection sends anything, since the CRM said so."""

    clock: Clock
    _until: float = 0.0

    def hold(self, seconds: float) -> None:
        """Hold everybody for so long from now, or longer if that was asked for before."""
        self._until = max(self._until, self.clock.monotonic() + seconds)

    def wait(self) -> None:
        """Wait until the hold is over."""
        left = self._until - self.clock.monotonic()
        if left > 0:
            self.clock.sleep(left)
