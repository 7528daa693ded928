"""Reads the calendar files and feeds that say when reps are busy."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

from crmbridge.adapters.answer import Answer, Request
from crmbridge.errors import CrmbridgeError, RetryLaterError, StorageError
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What a calendar takes; with trouble, as it was read last."""

    found: BusyCalendar
    trouble: CrmbridgeError | None = None


Understand = Callable[[str], BusyCalendar]


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
            understand = partial(busy_times, first=first, last=last, zone=rep.zone, where=where)
            try:
                read = _read(workspace, source, where, understand)
            except CrmbridgeError as error:
                findings.append(_unread(rep, error))
                continue
            if read.trouble is not None:
                findings.append(_as_read_last(rep, read.trouble))
            spans.setdefault(rep.id, []).extend(_spans(read.found, ZoneInfo(rep.zone)))
            findings.extend(read.found.findings)
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


def _read(
    workspace: Workspace, source: str | SecretRef, where: str, understand: Understand
) -> _Read:
    address = workspace.settings.secrets.text(source, where)
    if address.startswith("webcal://"):  # what calendar programs call https
        address = "https" + address.removeprefix("webcal")
    if not address.startswith(("https://", "http://")):
        return _Read(found=understand(_file_text(workspace.settings.path(address))))
    if not isinstance(source, str):
        workspace.redactor.add(address)
    kept = workspace.state_folder / "calendars" / f"{sha256(address.encode()).hexdigest()}.ics"
    try:
        text = _fetched(workspace, address)
        found = understand(text)
    except CrmbridgeError as error:  # a refusal and a login page, too: its times are taken still
        if not kept.exists():
            raise
        return _Read(found=understand(_file_text(kept)), trouble=error)
    _keep(kept, text)
    return _Read(found=found)


def _fetched(workspace: Workspace, address: str) -> str:
    with workspace.web(address) as client:
        request = Request(method="GET", url=address, answer=Answer.BYTES)
        body = client.send(request).body
    if len(body) > LARGEST_BYTES:
        raise RetryLaterError("calendar", f"at most {LARGEST_BYTES} bytes", f"{len(body)}")
    return body.decode("utf-8-sig", errors="replace")


def _keep(path: Path, text: str) -> None:
    """Keep a feed as it was read last, for its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.chmod(0o600)
    partial.replace(path)


def _file_text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise StorageError(str(path), f"at most {LARGEST_BYTES} bytes", "more")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as cause:
        reason = cause.strerror if isinstance(cause, OSError) else "bytes that are no UTF-8"
        raise StorageError(str(path), "a calendar file", reason or "") from cause


def _as_read_last(rep: JoinedRep, error: CrmbridgeError) -> Finding:
    return Finding(
        code="calendar.as_read_last",
        example=f"{rep.id}: {error.line()}",
        remedy="Look whether the feed answers; the times it held last are kept free until it does",
    )


def _unread(rep: JoinedRep, error: CrmbridgeError) -> Finding:
    return Finding(
        code="calendar.unread",
        example=f"{rep.id}: {error.line()}",
        remedy="Correct reps.busy; until then visits may fall on times that are taken",
    )
