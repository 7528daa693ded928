"""When a calendar says that its owner is busy, from iCalendar text (RFC 5545).

Recurring events are unrolled on their own wall clock, so a weekly nine o'clock stays at nine
through a change of clocks. Whole days stay dates. Events that leave the time free, cancelled ones
and our own visits read back are not busy times.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from crmbridge.errors import RecordError
from crmbridge.planning.ics import is_own_uid
from crmbridge.planning.problem import DateRange
from crmbridge.planning.zones import zone_of
from crmbridge.records import Finding

MAX_STEPS = 100_000
"""Most occurrences that are counted through for one event: an hourly one for eleven years."""


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
    events = _events(text, where)
    moved = _moved(events, horizon)
    for event in events:
        try:
            for taken in _taken(event, horizon, moved):
                if isinstance(taken, DateRange):
                    days.add(taken)
                else:
                    spans.add(taken)
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
            findings.append(_unread(event, where, error))
    return BusyCalendar(
        spans=tuple(sorted(spans)), days=tuple(sorted(days)), findings=tuple(findings)
    )


def _events(text: str, where: str) -> list[Any]:
    from icalendar import Calendar

    try:
        calendars: list[Any] = Calendar.from_ical(text, multiple=True)
    except (ValueError, KeyError, IndexError) as error:
        raise RecordError(
            where, "iCalendar text", "something else", "Check the file or address"
        ) from error
    events = [event for calendar in calendars for event in calendar.walk("VEVENT")]
    if not calendars:
        raise RecordError(where, "iCalendar text", "nothing", "Check the file or address")
    return events


def _moved(events: Iterable[Any], horizon: _Horizon) -> set[tuple[str, datetime]]:
    """(UID, original start) of occurrences that have an event of their own."""
    found = set()
    for event in events:
        original = event.get("RECURRENCE-ID")
        if original is not None and hasattr(original, "dt"):
            found.add((str(event.get("UID", "")), _instant(original.dt, horizon)))
    return found


def _taken(
    event: Any, horizon: _Horizon, moved: set[tuple[str, datetime]]
) -> Iterator[BusySpan | DateRange]:
    uid = str(event.get("UID", ""))
    if _leaves_free(event) or is_own_uid(uid):
        return
    start, end = event.decoded("DTSTART"), _end(event)
    label = str(event.get("SUMMARY", ""))
    length = end - start
    if length <= timedelta():
        return
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


def _end(event: Any) -> Any:
    start = event.decoded("DTSTART")
    if "DTEND" in event:
        end = event.decoded("DTEND")
        # Outlook writes the two with different zones; the length must be that of real time.
        if isinstance(end, datetime) and end.tzinfo is not None and start.tzinfo is not None:
            return start + (end.astimezone(UTC) - start.astimezone(UTC))
        return end
    if "DURATION" in event:
        return start + event.decoded("DURATION")
    return start if isinstance(start, datetime) else start + timedelta(days=1)


def _occurrences(event: Any, start: Any, length: timedelta, horizon: _Horizon) -> Iterator[Any]:
    rule = event.get("RRULE")
    extra = list(_listed(event.get("RDATE")))
    skipped = {_instant(item, horizon) for item in _listed(event.get("EXDATE"))}
    begins = [start, *extra] if rule is None else [*_unrolled(rule, start, horizon), *extra]
    since, until = horizon.bounds()
    for begin in begins:
        at = _instant(begin, horizon)
        if at < until and at + length > since and at not in skipped:
            yield begin


def _unrolled(rule: Any, start: Any, horizon: _Horizon) -> Iterator[Any]:
    """Starts by the rule up to the horizon's end, counted on the event's own wall clock."""
    from dateutil.rrule import rrulestr

    timed = isinstance(start, datetime)
    zone = start.tzinfo if timed else None
    naive = start.replace(tzinfo=None) if timed else datetime.combine(start, time())
    text = _local_until(rule, zone).to_ical().decode()
    until = datetime.combine(horizon.last + timedelta(days=2), time())
    for step, begin in enumerate(rrulestr(text, dtstart=naive)):
        if begin > until:
            return
        if step >= MAX_STEPS:
            raise ValueError("recurs too often to be counted through")
        yield begin.replace(tzinfo=zone) if timed else begin.date()


def _local_until(rule: Any, zone: tzinfo | None) -> Any:
    """The rule with its UNTIL on the event's wall clock, as a naive rule needs it."""
    from icalendar import vRecur

    changed = vRecur(rule)
    until = next(iter(_as_list(changed.get("UNTIL"))), None)
    if isinstance(until, datetime):
        local = until.astimezone(zone) if zone is not None and until.tzinfo else until
        changed["UNTIL"] = [local.replace(tzinfo=None)]
    elif until is not None:
        changed["UNTIL"] = [datetime.combine(until, time(23, 59, 59))]
    return changed


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
