"""What an apply did, and what the process tells the scheduler about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from crmbridge.adapters import Status
from crmbridge.errors import CrmbridgeError, ExitCode, QuotaError
from crmbridge.records import Finding

OUTCOMES = tuple(status.value for status in Status)
"""Names in every count of outcomes, in the order in which they are shown."""


def no_outcomes() -> dict[str, int]:
    """A count of outcomes in which nothing happened."""
    return dict.fromkeys(OUTCOMES, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyReport:
    """What one call of apply did; a changeset that was applied before gives zeros.

    Args:
        outcomes: ``applied``, ``unchanged``, ``rejected``, ``conflict``, ``unknown`` -> items.
        skipped: items left out on purpose: opted out, over, or depending on a failed one.
        pending: items that wait for the next call.
        stops: connection -> why nothing more was sent to it.
    """

    changeset: str
    outcomes: Mapping[str, int] = field(default_factory=no_outcomes)
    skipped: int = 0
    pending: int = 0
    stops: Mapping[str, CrmbridgeError] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """The code for the process that ran this apply alone."""
        return exit_code(self.outcomes, self.stops.values())

    @property
    def resume_at(self) -> datetime | None:
        """When the last quota that stopped it is free again, where the CRM said so."""
        known = [
            error.resume_at
            for error in self.stops.values()
            if isinstance(error, QuotaError) and error.resume_at is not None
        ]
        return max(known, default=None)


_ORDER = (ExitCode.CONFIG, ExitCode.SIGN_IN, ExitCode.STORAGE, ExitCode.GUARD, ExitCode.TRY_LATER)


def exit_code(outcomes: Mapping[str, int], stops: Iterable[CrmbridgeError] = ()) -> ExitCode:
    """The exit code for outcomes: what needs a person most comes first.

    A stop outranks rejected items, for those are listed and do not hold up the next run.
    """
    codes = {error.exit_code for error in stops}
    for code in _ORDER:
        if code in codes:
            return code
    bad = sum(outcomes.get(name, 0) for name in ("rejected", "conflict", "unknown"))
    return ExitCode.DONE_WITH_REJECTS if bad else ExitCode.DONE
