"""Faults that a test plans for the calls of a made-up CRM."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum


class Fault(Enum):
    """What goes wrong in one call."""

    TRANSIENT = "transient"
    "The call raises `RetryLaterError`; nothing was done."
    QUOTA = "quota"
    "The call raises `QuotaError`; nothing was done."
    SIGN_IN = "sign_in"
    "The call raises `SignInError`; nothing was done."
    CONFIG = "config"
    "The call raises `ConfigError`; nothing was done."
    DROP_AFTER_WRITE = "drop_after_write"
    "All items land and every outcome is unknown."
    RAISE_AFTER_WRITE = "raise_after_write"
    "All items land, and the call raises `UnknownOutcomeError`, as the HTTP client does."
    DROP_BEFORE_WRITE = "drop_before_write"
    "No item lands and every outcome is unknown."
    HALF_REJECTED = "half_rejected"
    "Every second item of the batch is rejected, the others land."
    SLOW_JOB = "slow_job"
    "A long job is still under way when the call returns; of ``resume``: it still is."
    HALF_UNKNOWN = "half_unknown"
    "All items land; every second outcome is unknown."


@dataclass(slots=True)
class _Planned:
    call: str
    fault: Fault
    after: int
    times: int


@dataclass(slots=True)
class FaultPlan:
    """Which calls fail, and what happens in the CRM just before a call.

    A call is a method of the adapter's connection by name: ``read`` (once per page), ``write``
    (once per batch), ``read_ids``, ``read_by_ids``, ``find_by_keys``, ``check`` and so on.
    """

    _planned: list[_Planned] = field(default_factory=list)
    _before: list[tuple[str, Callable[[], object]]] = field(default_factory=list)

    def fail(self, call: str, fault: Fault, *, after: int = 0, times: int = 1) -> None:
        """Let `times` calls fail, once `after` more of them went well."""
        self._planned.append(_Planned(call, fault, after, times))

    def before(self, call: str, action: Callable[[], object]) -> None:
        """Run an action before the next such call, once: a user edits between two pages."""
        self._before.append((call, action))

    def heal(self) -> None:
        """Forget all that was planned."""
        self._planned.clear()
        self._before.clear()

    def reach(self, call: str) -> Fault | None:
        """The fault due for this call, if any."""
        due = next((pair for pair in self._before if pair[0] == call), None)
        if due is not None:
            self._before.remove(due)
            due[1]()
        for planned in self._planned:
            if planned.call == call and planned.times > 0:
                return self._take(planned)
        return None

    def _take(self, planned: _Planned) -> Fault | None:
        if planned.after > 0:
            planned.after -= 1
            return None
        planned.times -= 1
        return planned.fault
