"""What a run did, as commands print it and the store keeps it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from crmbridge.errors import CrmbridgeError, ExitCode, QuotaError
from crmbridge.push.report import no_outcomes
from crmbridge.records import Counts, Finding

STATUS: Mapping[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.DONE_WITH_REJECTS: "rejects",
    ExitCode.USAGE: "usage",
    ExitCode.GUARD: "guard",
    ExitCode.REVIEW: "review",
    ExitCode.FAULT: "fault",
    ExitCode.STORAGE: "storage",
    ExitCode.TRY_LATER: "later",
    ExitCode.SIGN_IN: "sign_in",
    ExitCode.CONFIG: "config",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.TERMINATED: "interrupted",
}
"""The word for each exit code, as runs are listed."""

PARTIAL = "partial: quota"
"""The word for a run that a quota stopped: what it did is kept, the next one goes on from there."""

_WORST = (
    ExitCode.SIGN_IN,
    ExitCode.STORAGE,
    ExitCode.CONFIG,
    ExitCode.USAGE,
    ExitCode.GUARD,
    ExitCode.TRY_LATER,
    ExitCode.DONE_WITH_REJECTS,
    ExitCode.REVIEW,
)
"""Which exit code a run with several problems ends with: the first of these that occurred."""


@dataclass(slots=True, kw_only=True)
class RunReport:
    """What a run did.

    Args:
        plan: id, visits, reps and customers not planned; empty when nothing was planned.
        changeset: id and items by operation; empty when nothing was decided.
        stops: lines that say why a part of the run stopped.
        calls: connection -> calls made.
        quota: what was foreseen of calls before each pull, where the CRM tells its quota.
        resume_at: from when the last quota that stopped a part allows calls again.
        is_cut_short: a quota stopped a part; what was done before is kept.
    """

    run: int
    now: datetime
    job: str = ""
    connections: dict[str, dict[str, Counts]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    plan: dict[str, Any] = field(default_factory=dict)
    changeset: dict[str, Any] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=no_outcomes)
    files: list[str] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    quota: list[dict[str, Any]] = field(default_factory=list)
    resume_at: datetime | None = None
    is_cut_short: bool = False
    codes: set[ExitCode] = field(default_factory=set)

    @property
    def exit_code(self) -> ExitCode:
        """The worst of what happened; a guard or a broken part outranks a waiting review."""
        return next((code for code in _WORST if code in self.codes), ExitCode.DONE)

    @property
    def status(self) -> str:
        """The exit code in a word; a run that a quota stopped says so."""
        if self.is_cut_short and self.exit_code is ExitCode.TRY_LATER:
            return PARTIAL
        return STATUS[self.exit_code]

    def stop(self, error: CrmbridgeError) -> None:
        """Note that a part of the run stopped, and go on with the others."""
        self.codes.add(error.exit_code)
        self.stops.append(error.line())
        if isinstance(error, QuotaError):
            self.is_cut_short = True
            if error.resume_at is not None:
                self.resume_at = max(error.resume_at, self.resume_at or error.resume_at)

    def find(self, findings: Iterable[Finding]) -> None:
        """Note findings; those alike are counted together."""
        for finding in findings:
            self.findings.append(finding)

    def count_items(self, items: Iterable[Any], changeset: str) -> None:
        """Count a changeset's items by operation."""
        counts = {"create": 0, "update": 0, "clear": 0, "delete": 0}
        for item in items:
            counts[_GROUP[item.operation.value]] += 1
        self.changeset = {"id": changeset, **counts}

    def to_json(self) -> dict[str, Any]:
        """The document that ``run --json`` prints."""
        return {
            "run": self.run,
            "now": self.now.isoformat(),
            "status": self.status,
            "connections": {
                name: {stream: asdict(counts) for stream, counts in streams.items()}
                for name, streams in self.connections.items()
            },
            "findings": [asdict(finding) for finding in self.findings],
            "plan": self.plan,
            "changeset": self.changeset,
            "outcomes": self.outcomes,
            "files": self.files,
            "stops": self.stops,
            "calls": self.calls,
            "quota": self.quota,
            "resume_at": self.resume_at.isoformat() if self.resume_at else None,
        }


_GROUP = {
    "create": "create",
    "add_member": "create",
    "set_member": "update",
    "update": "update",
    "clear": "clear",
    "delete": "delete",
    "remove_member": "delete",
}
