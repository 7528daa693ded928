"""Decides whether a request is sent again, and after how long."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import tenacity

from crmbridge.adapters.contract import Clock
from crmbridge.adapters.limits import Limits

FIRST_SECONDS = 1.0
"""Longest wait after the first failure; it doubles with each further one."""


class Again(Exception):  # noqa: N818  not an error: a wish, seen by the retry loop alone
    """This attempt failed, and another may succeed.

    Args:
        error: what to raise when there are no more tries.
        after: seconds the CRM asked us to wait, if it did.
    """

    def __init__(self, error: Exception, after: float | None = None) -> None:
        self.error = error
        self.after = after
        super().__init__(str(error))


@dataclass(slots=True)
class RetryBudget:
    """Second tries that one run may make: a few, and one in five of its requests.

    A limit for each request alone lets an outage be answered by five times the traffic.
    """

    least: int
    sent: int = 0
    retried: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self) -> None:
        """A request was sent."""
        self.sent += 1  # a lost count between threads only makes the budget a little smaller

    def take(self) -> bool:
        """Take a second try, if there is one left."""
        with self._lock:
            is_left = self.retried < self.least + self.sent // 5
            self.retried += is_left
        return is_left


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a ``Retry-After`` header asks for; None if it says nothing understandable.

    Args:
        value: seconds or an HTTP date; a negative number or past date is 0.
        now: the server's time, or ours if it told none.
    """
    if value is None:
        return None
    text = value.strip()
    try:
        seconds = float(text)
    except ValueError:
        return _until_date(text, now)
    return max(0.0, seconds) if seconds == seconds else None


def _until_date(text: str, now: datetime) -> float | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def waits(
    limits: Limits, jitter: Callable[[], float]
) -> Callable[[tenacity.RetryCallState], float]:
    """Seconds before the next try: what the CRM asked for, else exponential with full jitter.

    ``jitter * min(wait_seconds, FIRST_SECONDS * 2 ** (tries - 1))``, jitter uniform in [0, 1);
    it is added to what the CRM asked for, so that not all clients come back at the same moment.
    """

    def wait(state: tenacity.RetryCallState) -> float:
        longest = min(limits.wait_seconds, FIRST_SECONDS * 2.0 ** (state.attempt_number - 1))
        failure = state.outcome.exception() if state.outcome else None
        asked = failure.after if isinstance(failure, Again) else None
        return jitter() * longest if asked is None else asked + jitter() * FIRST_SECONDS

    return wait


def retrying(
    limits: Limits,
    clock: Clock,
    budget: RetryBudget,
    jitter: Callable[[], float] = random.random,
) -> tenacity.Retrying:
    """A loop over tries that ends with success, or when tries, time or the run's budget end."""

    def stop(state: tenacity.RetryCallState) -> bool:
        has_waited = state.idle_for + state.upcoming_sleep
        if state.attempt_number >= limits.tries or has_waited > 3 * limits.wait_seconds:
            return True
        return not budget.take()

    return tenacity.Retrying(
        sleep=clock.sleep,
        stop=stop,
        wait=waits(limits, jitter),
        retry=tenacity.retry_if_exception_type(Again),
        reraise=True,
    )
