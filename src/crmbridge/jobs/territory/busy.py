"""Reads the calendar files and feeds that say when reps are busy."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from crmbridge.adapters.answer import Answer, Request
from crmbridge.errors import CrmbridgeError, StorageError
from crmbridge.jobs.territory.reps import JoinedRep
from crmbridge.jobs.workspace import Workspace
from crmbridge.planning.ics_busy import BusyCalendar, busy_times
from crmbridge.records import Finding
from crmbridge.settings import SecretRef

Spans = list[tuple[datetime, datetime, str]]
LARGEST_BYTES = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendars:
    """Times taken by rep, and calendars that could not be read."""

    spans: Mapping[str, Spans] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def read_calendars(
    workspace: Workspace, reps: Iterable[JoinedRep], first: date, last: date
) -> Calendars:
    """Busy times of all reps between two days, both inclusive.

    A calendar that cannot be read is a finding: the plan is made without it, and says so.
    """
    spans: dict[str, Spans] = {}
    findings: list[Finding] = []
    for rep in reps:
        for number, source in enumerate(rep.settings.busy, start=1):
            where = f"calendar {number} of {rep.id}"  # a feed's address is a secret
            try:
                text = _text(workspace, source, where)
                found = busy_times(text, first, last, rep.zone, where)
            except CrmbridgeError as error:
                findings.append(_unread(rep, error))
                continue
            spans.setdefault(rep.id, []).extend(_spans(found, ZoneInfo(rep.zone)))
            findings.extend(found.findings)
    return Calendars(spans=spans, findings=tuple(findings))


def _spans(found: BusyCalendar, zone: ZoneInfo) -> Spans:
    timed = [(span.start_at, span.end_at, span.label) for span in found.spans]
    whole = [
        (
            datetime.combine(days.first, time(), zone),
            datetime.combine(days.last + timedelta(days=1), time(), zone),
            days.label,
        )
        for days in found.days
    ]
    return timed + whole


def _text(workspace: Workspace, source: str | SecretRef, where: str) -> str:
    address = workspace.settings.secrets.text(source, where)
    if address.startswith(("https://", "http://")):
        if not isinstance(source, str):
            workspace.redactor.add(address)
        with workspace.web(address) as client:
            request = Request(method="GET", url=address, answer=Answer.BYTES)
            return client.send(request).body.decode("utf-8-sig", errors="replace")
    return _file_text(workspace.settings.path(address))


def _file_text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise StorageError(str(path), f"at most {LARGEST_BYTES} bytes", "more")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as cause:
        reason = cause.strerror if isinstance(cause, OSError) else "bytes that are no UTF-8"
        raise StorageError(str(path), "a calendar file", reason or "") from cause


def _unread(rep: JoinedRep, error: CrmbridgeError) -> Finding:
    return Finding(
        code="calendar.unread",
        example=f"{rep.id}: {error.line()}",
        remedy="Correct reps.busy; until then visits may fall on times that are taken",
    )
