"""Decides which times of the reps are taken, by activities of any connection or by calendars."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from crmbridge.jobs.territory.known import Known, key_of
from crmbridge.jobs.territory.reps import JoinedRep
from crmbridge.planning import Appointment
from crmbridge.records import from_millis

_MEETS = ("visit", "meeting")
"""Kinds of activity that count as having visited the customer."""


def taken_times(known: Known, reps: Sequence[JoinedRep], keys: set[str]) -> tuple[Appointment, ...]:
    """Times of these reps that a plan must leave alone.

    Args:
        keys: customers of the problem; an appointment with one of them counts as a visit.
    """
    ids = {rep.id for rep in reps}
    index = _keys_by_id(known, keys)
    found = [
        Appointment(rep=rep, start_at=start, end_at=end, label=label)
        for rep, spans in known.ics.items()
        if rep in ids
        for start, end, label in spans
    ]
    for row in known.taken:
        rep = known.reps.by_record.get((row["connection"], row["rep_id"] or ""))
        if rep is not None and rep.id in ids:
            customer = index.get((row["connection"], row["customer_id"] or ""), "")
            found.extend(_taken(row, rep, customer))
    return tuple(found)


def _keys_by_id(known: Known, keys: set[str]) -> Mapping[tuple[str, str], str]:
    """(connection of an activity, customer id) -> the customer's key."""
    index: dict[tuple[str, str], str] = {}
    for row in known.customers:
        key = str(key_of(row))
        if key in keys:
            for source in known.sources.get(row["connection"], (row["connection"],)):
                index.setdefault((source, row["id"]), key)
    return index


def _taken(row: Mapping[str, Any], rep: JoinedRep, customer: str) -> list[Appointment]:
    span = _span(row, ZoneInfo(rep.zone))
    if span is None:
        return []
    return [
        Appointment(
            rep=rep.id,
            start_at=span[0],
            end_at=span[1],
            place=customer,
            customer=customer if row["kind"] in _MEETS else "",
            label=row["subject"] or row["kind"] or "appointment",
        )
    ]


def _span(row: Mapping[str, Any], zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """When an activity takes its rep's time; a whole day is midnight to midnight of the zone."""
    if row["start_at"] is not None and not row["all_day"]:
        start = from_millis(row["start_at"])
        return (start, from_millis(row["end_at"]) if row["end_at"] is not None else start)
    days = _whole_days(row)
    if days is None:
        return None
    midnight = time()
    return (
        datetime.combine(days[0], midnight, zone),
        datetime.combine(days[1] + timedelta(days=1), midnight, zone),
    )


def _whole_days(row: Mapping[str, Any]) -> tuple[date, date] | None:
    """First and last day of an all-day entry: a date everywhere, whatever the zone."""
    if row["due_on"]:
        day = date.fromisoformat(row["due_on"])
        return (day, day)
    if row["start_at"] is None:
        return None
    first = from_millis(row["start_at"]).date()
    end = row["end_at"]
    if end is None or end <= row["start_at"]:
        return (first, first)
    # An end at midnight is exclusive, as in calendars: the day before is the last.
    return (first, from_millis(end - 1).date())
