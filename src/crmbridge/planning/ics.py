"""Visits as iCalendar text (RFC 5545): one event each, with a UID that never changes.

No event has an organizer or attendees, so no calendar program sends invitations. Times are in
UTC, so that no reader needs time zone definitions. A visit that was dropped stays as an event
with STATUS:CANCELLED, since calendars that subscribed keep what merely vanishes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from crmbridge.planning.visit import Fixedness, Visit

PRODUCT = "-//crmbridge//visit plan//EN"
UID_ENDING = "@visits.crmbridge"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEntry:
    """A visit as people see it in their calendar.

    Args:
        brief: lines to know before going in, after the reasons.
        cancelled: the visit is no longer planned; readers are to remove it.
    """

    visit: Visit
    summary: str
    location: str = ""
    brief: tuple[str, ...] = ()
    cancelled: bool = False


def calendar_text(entries: Iterable[CalendarEntry], stamp: datetime, name: str = "") -> str:
    """One calendar with an event per entry, in order of UID; lines end in CRLF.

    Args:
        stamp: aware; when this state was decided. The same entries and stamp give the same text.
        name: of the calendar, for programs that show it.
    """
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    if name:
        calendar.add("x-wr-calname", name)
    for entry in sorted(entries, key=lambda item: item.visit.id):
        calendar.add_component(_event(entry, stamp))
    text: str = calendar.to_ical().decode()
    return text


def uid_of(visit_id: str) -> str:
    """The UID of a visit's event."""
    return visit_id + UID_ENDING


def is_own_uid(uid: str) -> bool:
    """Whether an event is one of ours, read back."""
    return uid.endswith(UID_ENDING)


def _event(entry: CalendarEntry, stamp: datetime) -> "Event":  # type: ignore[name-defined]  # noqa: F821
    from icalendar import Event

    visit, event = entry.visit, Event()
    event.add("uid", uid_of(visit.id))
    event.add("dtstamp", stamp)
    event.add("dtstart", visit.start_at)
    event.add("dtend", visit.end_at)
    event.add("sequence", visit.revision + (1 if entry.cancelled else 0))
    event.add("status", _status(entry))
    event.add("summary", entry.summary)
    if entry.location:
        event.add("location", entry.location)
    lines = [reason.text for reason in visit.reasons]
    lines += ["", *entry.brief] if lines and entry.brief else [*entry.brief]
    if lines:
        event.add("description", "\n".join(lines))
    event.add("transp", "TRANSPARENT" if entry.cancelled else "OPAQUE")
    return event


def _status(entry: CalendarEntry) -> str:
    if entry.cancelled:
        return "CANCELLED"
    return "TENTATIVE" if entry.visit.fixedness is Fixedness.SUGGESTED else "CONFIRMED"
