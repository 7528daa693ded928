"""A run's report as text for a terminal."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from crmbridge.cli.commands.sync import COUNTS
from crmbridge.cli.output import table
from crmbridge.records import Counts

if TYPE_CHECKING:
    from crmbridge.jobs.report import RunReport


def run_text(report: "RunReport") -> str:
    """What was pulled, planned, decided and written, and the files that tell more."""
    return "\n".join(_lines(report))


def _lines(report: "RunReport") -> Iterable[str]:
    title = f" of job {report.job}" if report.job else ""
    when = f"; goes on after {report.resume_at:%Y-%m-%d %H:%M}Z" if report.resume_at else ""
    yield f"Run {report.run}{title}: {report.status}{when}"
    for one in report.quota:
        yield (
            f"Quota of {one['connection']}: about {one['pull'] + one['push']} calls needed,"
            f" {one['left']} left to us, {one['reserve']} kept for people."
        )
    rows = [
        (name, stream, *(getattr(counts, count) for count in COUNTS))
        for name, streams in report.connections.items()
        for stream, counts in streams.items()
        if counts != Counts()
    ]
    if rows:
        yield table(("connection", "stream", *COUNTS), rows)
    if report.plan:
        plan = report.plan
        yield (
            f"Plan: {plan['visits']} visits of {plan['reps']} reps; "
            f"{plan['not_planned']} customers not planned."
        )
    if report.changeset:
        counts = ", ".join(f"{n} to {op}" for op, n in report.changeset.items() if op != "id")
        yield f"Changeset {report.changeset['id']}: {counts}."
    if any(report.outcomes.values()):
        counts = ", ".join(f"{n} {name}" for name, n in report.outcomes.items())
        yield f"Written: {counts}."
    for file in report.files[:8]:
        yield f"wrote {file}"
    if len(report.files) > 8:
        yield f"... and {len(report.files) - 8} files more"
