"""Decides what an answer means, and which one holds where a customer has several.

An answer outlives its entry: a visit that was put off leaves the plan, so its entry is taken out of
the calendar, and with it the place where the answer stood. It holds until its day all the same.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from crmbridge.planning import Reply
from crmbridge.records import Finding, RecordKey, from_millis

Answer = tuple[Reply, date | None]
"""Reply and the day until which it holds; None for no end."""


def answer_to_visit(row: Mapping[str, Any], planned_on: date, decline_days: int) -> Answer | None:
    """What the record of a visit says; None where nobody answered.

    A no, or a later without a day, ends with the cool-down. It runs from the day of the visit, so
    that it ends, whenever it is looked at.
    """
    if not row["reply"]:
        return None
    reply, until = Reply(row["reply"]), _day(row["reply_until"])
    if until is None and reply is not Reply.ACCEPTED:
        until = planned_on + timedelta(days=decline_days)
    return reply, until


def answers_of_customers(
    customers: Iterable[Mapping[str, Any]], today: date
) -> dict[RecordKey, Answer]:
    """customer -> what its own record says and still keeps it away.

    Without a day it holds until somebody changes it: a customer's record has no day to count from.
    """
    found = {}
    for row in customers:
        if row["reply"]:
            answer = Reply(row["reply"]), _day(row["reply_until"])
            if keeps_away(answer, today):
                found[RecordKey(row["connection"], row["object"], row["id"])] = answer
    return found


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
        decline_days: days an answer without a day keeps its customer out.

    Returns:
        Answers that keep somebody away today or later; accepted visits stand for themselves.
    """
    found: dict[RecordKey, Answer] = {}
    for row in rows:
        key = keys.get((row["connection"], row["customer_id"] or ""))
        answer = _lasting(row, decline_days)
        if key is not None and answer is not None and keeps_away(answer, today):
            keep_longer(found, key, answer)
    return found


def with_lasting(
    now: Mapping[RecordKey, Answer], lasting: Mapping[RecordKey, Answer]
) -> dict[RecordKey, Answer]:
    """Answers that stand now with those that outlived their entries: the one that holds longest."""
    found = dict(now)
    for key, answer in lasting.items():
        keep_longer(found, key, answer)
    return found


def keep_longer(found: dict[RecordKey, Answer], key: RecordKey, answer: Answer) -> None:
    """Let an answer that keeps a customer away stand, unless one that holds longer does."""
    if key not in found or _strength(answer) > _strength(found[key]):
        found[key] = answer


def keeps_away(answer: Answer, today: date) -> bool:
    """Whether an answer keeps its customer out of plans on any day after today."""
    reply, until = answer
    return reply is not Reply.ACCEPTED and (until is None or until > today)


def without_day(rows: Iterable[Mapping[str, Any]], today: date) -> tuple[Finding, ...]:
    """Says which visits or customers were put off without a day.

    Args:
        rows: records with a reply; those of visits that are over are left out.
    """
    undated = [
        row
        for row in rows
        if row["reply"] == Reply.SNOOZED.value
        and not row["reply_until"]
        and _is_ahead(row.get("start_at"), today)
    ]
    if not undated:
        return ()
    one = undated[0]
    finding = Finding(
        code="reply.without_day",
        count=len(undated),
        example=f"{one['connection']}/{one['object']}/{one['id']}: snoozed, no day",
        remedy="Fill in the day; until then planning.decline_days hold for a visit, and for a "
        "customer no end",
    )
    return (finding,)


def _lasting(row: Mapping[str, Any], decline_days: int) -> Answer | None:
    if row["start_at"] is not None:
        return answer_to_visit(row, from_millis(row["start_at"]).date(), decline_days)
    return (Reply(row["reply"]), _day(row["reply_until"])) if row["reply_until"] else None


def _strength(answer: Answer) -> tuple[date, str]:
    reply, until = answer
    return until or date.max, reply


def _is_ahead(start_at: int | None, today: date) -> bool:
    return start_at is None or from_millis(start_at).date() >= today


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
