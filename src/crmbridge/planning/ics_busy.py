"""When a calendar says that its owner is busy, from iCalendar text (RFC 5545).

Recurring events are unrolled on their own wall clock, so a weekly nine o'clock stays at nine
through a change of clocks. Whole days stay dates. Events that leave the time free, cancelled ones
and our own visits read back are not busy times; nor are tasks and journals. Calendars that say only
when, not why, do so by VFREEBUSY.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from crmbridge.errors import RecordError
from crmbridge.planning.ics import is_own_uid
from crmbridge.planning.problem import DateRange
from crmbridge.planning.recurrence import unrolled
from crmbridge.planning.zones import zone_of
from crmbridge.records import Finding

_MISREAD = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError)
"""What icalendar and dateutil raise of values that they trusted."""
_DAY = timedelta(days=1)
_TIMELESS = {"VTIMEZONE", "VTODO", "VJOURNAL"}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class BusySpan:
    """Time taken, both ends aware and in UTC."""

    start_at: datetime
    end_at: datetime
    label: str = ""
    uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyCalendar:
    """What a calendar takes of a horizon, by start.

    Args:
        days: whole days taken.
        findings: events that could not be understood.
    """

    spans: tuple[BusySpan, ...] = ()
    days: tuple[DateRange, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Horizon:
    first: date
    last: date
    zone: tzinfo

    def bounds(self) -> tuple[datetime, datetime]:
        after = self.last + timedelta(days=1)
        return self._midnight(self.first), self._midnight(after)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def busy_times(text: str, first: date, last: date, zone: str, where: str) -> BusyCalendar:
    """Busy times between two dates, both inclusive.

    Args:
        zone: the owner's IANA zone: dates and times without a zone are on its wall clock.
        where: names the calendar in errors and findings; no secret address.

    Raises:
        RecordError: the text is no calendar at all.
    """
    horizon = _Horizon(first=first, last=last, zone=zone_of(zone))
    spans, days, findings = set[BusySpan](), set[DateRange](), list[Finding]()
    parts = _parts(text, where)
    moved = _moved(parts, horizon)
    for part in parts:
        try:
            for taken in _taken(part, horizon, moved):
                if isinstance(taken, DateRange):
                    days.add(taken)
                else:
                    spans.add(taken)
        except _MISREAD as error:
            findings.append(_unread(part, where, error))
    findings.extend(_of_another_kind(parts, where))
    return BusyCalendar(
        spans=tuple(sorted(spans)), days=tuple(sorted(days)), findings=tuple(findings)
    )


def _parts(text: str, where: str) -> list[Any]:
    """Events, free and busy times, and all else that the calendars hold."""
    from icalendar import Calendar

    try:
        calendars: list[Any] = Calendar.from_ical(text, multiple=True)
    except _MISREAD as error:
        raise RecordError(
            where, "iCalendar text", "something else", "Check the file or address"
        ) from error
    if not calendars:
        raise RecordError(where, "iCalendar text", "nothing", "Check the file or address")
    insides = (one.subcomponents if one.name == "VCALENDAR" else [one] for one in calendars)
    return [part for inside in insides for part in inside]


def _of_another_kind(parts: Iterable[Any], where: str) -> Iterator[Finding]:
    """What nobody here knows to read, such as VAVAILABILITY."""
    known = {"VEVENT", "VFREEBUSY", *_TIMELESS}
    kinds = Counter(str(part.name) for part in parts if part.name not in known)
    for kind, count in sorted(kinds.items()):
        yield Finding(
            code="plan.calendar_part_unread",
            count=count,
            example=f"{where}: {kind}"[:200],
            remedy="Have the calendar say these times as events; until then they count as free",
        )


def _moved(parts: Iterable[Any], horizon: _Horizon) -> set[tuple[str, datetime]]:
    """(UID, original start) of occurrences that have an event of their own."""
    found = set()
    for part in parts:
        original = getattr(part.get("RECURRENCE-ID"), "dt", None)
        if isinstance(original, date):
            with suppress(OverflowError):  # beyond the years that there are
                found.add((str(part.get("UID", "")), _instant(original, horizon)))
    return found


def _taken(
    part: Any, horizon: _Horizon, moved: set[tuple[str, datetime]]
) -> Iterator[BusySpan | DateRange]:
    if part.name == "VEVENT":
        yield from _taken_by_event(part, horizon, moved)
    elif part.name == "VFREEBUSY":
        yield from _periods(part, horizon)


def _periods(part: Any, horizon: _Horizon) -> Iterator[BusySpan]:
    """Times that a VFREEBUSY says are taken, perhaps for sure."""
    since, until = horizon.bounds()
    for period in _as_list(part.get("FREEBUSY")):
        if str(period.params.get("FBTYPE", "BUSY")).upper() == "FREE":
            continue
        start, end = period.dt
        start_at = _instant(start, horizon)
        end_at = start_at + end if isinstance(end, timedelta) else _instant(end, horizon)
        if since < end_at and start_at < until and start_at < end_at:
            yield BusySpan(start_at=start_at, end_at=end_at, uid=str(part.get("UID", "")))


def _taken_by_event(
    event: Any, horizon: _Horizon, moved: set[tuple[str, datetime]]
) -> Iterator[BusySpan | DateRange]:
    uid = str(event.get("UID", ""))
    if _leaves_free(event) or is_own_uid(uid):
        return
    start = event.decoded("DTSTART")
    length = _length(event, start)
    if not length:
        return
    label = str(event.get("SUMMARY", ""))
    overridden = moved if event.get("RECURRENCE-ID") is None else set()
    for begin in _occurrences(event, start, length, horizon):
        if (uid, _instant(begin, horizon)) in overridden:
            continue
        if not isinstance(begin, datetime):
            yield DateRange(first=begin, last=begin + length - timedelta(days=1), label=label)
            continue
        start_at = _instant(begin, horizon)
        yield BusySpan(start_at=start_at, end_at=start_at + length, label=label, uid=uid)


def _leaves_free(event: Any) -> bool:
    shown = str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", "BUSY")).upper()
    return (
        str(event.get("TRANSP", "OPAQUE")).upper() == "TRANSPARENT"
        or str(event.get("STATUS", "")).upper() == "CANCELLED"
        or shown == "FREE"
    )


def _length(event: Any, start: Any) -> timedelta:
    """How long each occurrence takes; whole days where the start is a day.

    Raises:
        ValueError: it ends before it starts.
    """
    whole = not isinstance(start, datetime)
    if "DTEND" in event:
        length = _until(start, event.decoded("DTEND"))
    elif "DURATION" in event:
        length = event.decoded("DURATION")
    else:
        length = timedelta(days=1 if whole else 0)
    if length < timedelta():
        raise ValueError("ends before it starts")
    return max(timedelta(days=-(-length // _DAY)), _DAY) if whole else length


def _until(start: Any, end: Any) -> timedelta:
    """From start to end; where only one of them has a time, as midnights."""
    if isinstance(start, datetime) != isinstance(end, datetime):
        start, end = _as_time(start), _as_time(end)
        return end.replace(tzinfo=None) - start.replace(tzinfo=None)  # type: ignore[no-any-return]
    if isinstance(end, datetime) and end.tzinfo is not None and start.tzinfo is not None:
        # Outlook writes the two with different zones; the length must be that of real time.
        return end.astimezone(UTC) - start.astimezone(UTC)  # type: ignore[no-any-return]
    return end - start  # type: ignore[no-any-return]


def _as_time(at: Any) -> Any:
    return at if isinstance(at, datetime) else datetime.combine(at, time())


def _occurrences(event: Any, start: Any, length: timedelta, horizon: _Horizon) -> Iterator[Any]:
    rules = _as_list(event.get("RRULE"))
    skipped = {_instant(item, horizon) for item in _listed(event.get("EXDATE"))}
    begins = [begin for rule in rules for begin in unrolled(rule, start, horizon.last)]
    since, until = horizon.bounds()
    for begin in (*(begins if rules else [start]), *_listed(event.get("RDATE"))):
        at = _instant(begin, horizon)
        if at < until and at + length > since and at not in skipped:
            yield begin


def _listed(value: Any) -> Iterator[Any]:
    for item in _as_list(value):
        for stamp in getattr(item, "dts", [item]):
            moment = getattr(stamp, "dt", stamp)
            yield moment[0] if isinstance(moment, tuple) else moment


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _instant(at: Any, horizon: _Horizon) -> datetime:
    if not isinstance(at, datetime):
        at = datetime.combine(at, time())
    if at.tzinfo is None:
        at = at.replace(tzinfo=horizon.zone)
    return at.astimezone(UTC)  # type: ignore[no-any-return]


def _unread(event: Any, where: str, error: Exception) -> Finding:
    uid = str(event.get("UID", "without UID"))
    return Finding(
        code="plan.calendar_event_unread",
        example=f"{where}: event {uid}: {error}"[:200],
        remedy="Correct the event in the calendar; until then it takes no time here",
    )


def joined(calendars: Iterable[BusyCalendar]) -> BusyCalendar:
    """Several calendars of one person as one."""
    whole = BusyCalendar()
    for calendar in calendars:
        whole = replace(
            whole,
            spans=tuple(sorted({*whole.spans, *calendar.spans})),
            days=tuple(sorted({*whole.days, *calendar.days})),
            findings=(*whole.findings, *calendar.findings),
        )
    return whole
