"""Remembers answers to visits whose calendar entries are gone: an answer outlives its entry.

A visit that was put off leaves the plan, so its entry is taken out of the calendar, and with it
the place where the answer stood. The answer holds until its day all the same.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from crmbridge.planning import Reply
from crmbridge.records import RecordKey, from_millis

Answer = tuple[Reply, date | None]


def lasting_replies(
    rows: Iterable[Mapping[str, Any]],
    keys: Mapping[tuple[str, str], RecordKey],
    today: date,
    decline_days: int,
) -> dict[RecordKey, Answer]:
    """customer -> the answer that keeps it away longest; nobody says when each was given.

    Args:
        rows: records of our visits that bear an answer, whatever became of them.
        keys: (connection, customer id) -> customer.
        decline_days: days a declined visit keeps its customer out, where no day was given.

    Returns:
        Answers that keep somebody away today or later; accepted visits stand for themselves.
    """
    found: dict[RecordKey, tuple[Reply, date]] = {}
    for row in rows:
        key = keys.get((row["connection"], row["customer_id"] or ""))
        reply, until = _answer(row, decline_days)
        if key is None or reply is Reply.ACCEPTED or until is None or until <= today:
            continue
        if key not in found or (until, reply) > (found[key][1], found[key][0]):
            found[key] = (reply, until)
    return dict(found)


def with_lasting(
    now: Mapping[RecordKey, Answer], lasting: Mapping[RecordKey, Answer]
) -> dict[RecordKey, Answer]:
    """Answers that stand now with those that outlived their entries: the one that holds longest.

    What a customer's own record says as accepted, or without an end, stands above any other.
    """
    found = dict(now)
    for key, (reply, until) in lasting.items():
        own = found.setdefault(key, (reply, until))
        is_open = own[0] is Reply.ACCEPTED or own[1] is None
        if not is_open and until is not None and own[1] is not None and own[1] < until:
            found[key] = (reply, until)
    return found


def _answer(row: Mapping[str, Any], decline_days: int) -> Answer:
    reply = Reply(row["reply"])
    until = date.fromisoformat(row["reply_until"]) if row["reply_until"] else None
    if reply is Reply.DECLINED and until is None and row["start_at"] is not None:
        until = from_millis(row["start_at"]).date() + timedelta(days=decline_days)
    return reply, until
