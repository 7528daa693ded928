"""What all clients of one connection share: pools, limits, budget, clock, log and secrets."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import tenacity

from crmbridge.adapters.budget import DailyBudget
from crmbridge.adapters.contract import Clock, Log
from crmbridge.adapters.limits import Gate, Limits, Pause, TokenBucket
from crmbridge.adapters.redact import Redactor
from crmbridge.adapters.retry import RetryBudget, retrying
from crmbridge.adapters.wire import Pools


@dataclass(slots=True, kw_only=True)
class Traffic:
    """One connection's traffic of one run; used by several threads.

    Args:
        budget: the day's calls, shared with other processes; None where nobody counts.
        jitter: uniform in [0, 1); tests bring their own.
    """

    connection: str
    clock: Clock
    log: Log
    limits: Limits = field(default_factory=Limits)
    redactor: Redactor = field(default_factory=Redactor)
    budget: DailyBudget | None = None
    jitter: Callable[[], float] = random.random
    pools: Pools = field(init=False)
    gate: Gate = field(init=False)
    pause: Pause = field(init=False)
    buckets: tuple[TokenBucket, ...] = field(init=False)
    retries: RetryBudget = field(init=False)
    retrying: tenacity.Retrying = field(init=False)

    def __post_init__(self) -> None:
        """Derive the parts that the limits shape."""
        limits = self.limits
        self.pools = Pools(limits)
        self.gate = Gate(limits.concurrent)
        self.pause = Pause(self.clock)
        rates = ((limits.per_second, 1.0), (limits.per_minute, 60.0))
        self.buckets = tuple(
            TokenBucket(most, period, self.clock) for most, period in rates if most
        )
        self.retries = RetryBudget(limits.retries_per_run)
        self.retrying = retrying(limits, self.clock, self.retries, self.jitter)

    def admit(self) -> None:
        """Wait until one more request may be sent, and count it.

        Raises:
            QuotaError: our share of the day is used up.
        """
        self.pause.wait()
        for bucket in self.buckets:
            bucket.take()
        if self.budget is not None:
            self.budget.take()
        self.retries.count()

    def close(self) -> None:
        """Close connections and give back what is left of the budget."""
        self.pools.close()
        if self.budget is not None:
            self.budget.close()
