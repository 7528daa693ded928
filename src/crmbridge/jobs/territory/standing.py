"""Decides where the visits of the plan before stand now, from what their calendars show.

What a person did holds: a visit that was moved is pinned where it is, one that was accepted is
pinned too, one that was deleted or declined keeps the customer out until its cool-down is over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from crmbridge.planning import Fixedness, Night, Reply, Visit
from crmbridge.records import RecordKey, from_millis
from crmbridge.store.schema import DELETED, MISSING

_TOLERANCE = timedelta(minutes=1)
"""Some calendars cut seconds; a visit within it has not been moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The visits of the plan before as they stand now, and what was answered.

    Args:
        nights: away from home, of the plan before.
        replies: customer -> reply and the day until which it holds; None for no end.
    """

    visits: tuple[Visit, ...] = ()
    nights: tuple[Night, ...] = ()
    replies: Mapping[RecordKey, tuple[Reply, date | None]] = field(default_factory=dict)


def standing(
    planned: Iterable[Visit],
    seen: Mapping[str, Mapping[str, Any]],
    customers: Sequence[Mapping[str, Any]],
    today: date,
    decline_days: int,
    former: Iterable[Visit] = (),
) -> Standing:
    """Hold the plan before against the calendars.

    Args:
        planned: visits of the plan that was published last.
        seen: visit id -> the activity that bears its key, with ``record_state``; one that is not in
            it was never written, and is free to move.
        customers: records whose ``reply`` fields may hold an answer.
        decline_days: days a declined or deleted visit keeps its customer out.
        former: visits of plans before it, which it has no more: an answer to them still holds.
    """
    replies = dict(_customer_replies(customers))
    visits = []
    for visit in planned:
        row = seen.get(visit.id)
        if row is None or row["record_state"] == MISSING:  # no evidence of anything
            visits.append(visit)
            continue
        answer = _answer(visit, row, today, decline_days)
        if answer is not None and answer[0] is not Reply.ACCEPTED:
            replies.setdefault(RecordKey.parse(visit.customer), answer)
            continue
        if row["status"] not in ("done", "missed"):
            visits.append(_as_seen(visit, row, is_accepted=answer is not None))
    for visit in former:
        row = seen.get(visit.id)
        answer = _answer(visit, row, today, decline_days) if row is not None else None
        if answer is not None and answer[0] is not Reply.ACCEPTED:
            replies.setdefault(RecordKey.parse(visit.customer), answer)
    return Standing(visits=tuple(visits), replies=replies)


def _customer_replies(
    customers: Sequence[Mapping[str, Any]],
) -> Iterable[tuple[RecordKey, tuple[Reply, date | None]]]:
    for row in customers:
        if row["reply"]:
            key = RecordKey(row["connection"], row["object"], row["id"])
            yield key, (Reply(row["reply"]), _day(row["reply_until"]))


def _answer(
    visit: Visit, row: Mapping[str, Any], today: date, decline_days: int
) -> tuple[Reply, date | None] | None:
    """What the calendar's record says to the visit; a deletion is a no."""
    until = _day(row["reply_until"])
    if row["record_state"] == DELETED or row["status"] == "cancelled":
        # The cool-down runs from the day of the visit, so that it ends, whenever it is looked at.
        end = visit.day + timedelta(days=decline_days)
        return (Reply.DECLINED, end) if end > today else None
    if not row["reply"]:
        return None
    reply = Reply(row["reply"])
    if reply is Reply.DECLINED and until is None:
        until = visit.day + timedelta(days=decline_days)
    return (reply, until)


def _as_seen(visit: Visit, row: Mapping[str, Any], *, is_accepted: bool) -> Visit:
    """The visit at the time its calendar shows; pinned if a person moved or accepted it."""
    start = from_millis(row["start_at"]) if row["start_at"] is not None else visit.start_at
    end = from_millis(row["end_at"]) if row["end_at"] is not None else start + _length(visit)
    is_moved = abs(start - visit.start_at) > _TOLERANCE or abs(end - visit.end_at) > _TOLERANCE
    if not is_moved:
        return replace(visit, fixedness=Fixedness.PINNED) if is_accepted else visit
    wall = _wall(start, visit.zone)
    return replace(
        visit,
        start_at=start,
        end_at=max(end, start),
        day=wall.date(),
        wall_start=wall,
        fixedness=Fixedness.PINNED,
    )


def _length(visit: Visit) -> timedelta:
    return visit.end_at - visit.start_at


def _wall(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
