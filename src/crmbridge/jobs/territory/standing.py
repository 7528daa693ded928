"""Decides where the visits of the plan before stand now, from what their calendars show.

What a person did holds: a visit that was moved is pinned where it is, one that was accepted is
pinned too, one that was deleted or declined keeps the customer out until its cool-down is over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from crmbridge.jobs.territory.replies import (
    Answer,
    answer_to_visit,
    answers_of_customers,
    keep_longer,
    keeps_away,
)
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
    replies = answers_of_customers(customers, today)
    visits = []
    for visit in planned:
        row = seen.get(visit.id)
        if row is None or row["record_state"] == MISSING:  # no evidence of anything
            visits.append(visit)
            continue
        answer = _answer(visit, row, decline_days)
        _keep_away(replies, visit, answer, today)
        if not _is_refused(visit, answer) and row["status"] not in ("done", "missed"):
            is_accepted = answer is not None and answer[0] is Reply.ACCEPTED
            visits.append(_as_seen(visit, row, is_accepted=is_accepted))
    for visit in former:
        if visit.id in seen:
            _keep_away(replies, visit, _answer(visit, seen[visit.id], decline_days), today)
    return Standing(visits=tuple(visits), replies=replies)


def _answer(visit: Visit, row: Mapping[str, Any], decline_days: int) -> Answer | None:
    """What the calendar's record says to the visit; a deletion is a no."""
    if row["record_state"] == DELETED or row["status"] == "cancelled":
        return Reply.DECLINED, visit.day + timedelta(days=decline_days)
    return answer_to_visit(row, visit.day, decline_days)


def _keep_away(
    replies: dict[RecordKey, Answer], visit: Visit, answer: Answer | None, today: date
) -> None:
    if answer is not None and keeps_away(answer, today):
        keep_longer(replies, RecordKey.parse(visit.customer), answer)


def _is_refused(visit: Visit, answer: Answer | None) -> bool:
    """Whether a visit may not stay: one put off until a day that it does not precede may."""
    if answer is None or answer[0] is Reply.ACCEPTED:
        return False
    reply, until = answer
    return reply is Reply.DECLINED or until is None or visit.day < until


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
