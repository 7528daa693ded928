"""Finds the visits of ours that stay in calendars whatever is planned: people hold on to them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection

from crmbridge.jobs.territory.keeping import visit_of
from crmbridge.jobs.territory.known import OwnEvent
from crmbridge.jobs.territory.reps import JoinedReps
from crmbridge.jobs.workspace import Workspace
from crmbridge.planning import Visit
from crmbridge.push.ledger import deleted_by_us
from crmbridge.push.own import REFUSED
from crmbridge.push.values import parse_instant
from crmbridge.push.visits import visit_key
from crmbridge.records import RecordKey, from_millis, to_millis
from crmbridge.store.connections import get_account
from crmbridge.store.field_values import get_field_values
from crmbridge.store.plans import StoredPlan, load_visits, plan_in_force
from crmbridge.store.territory import Record, load_own

_TOLERANCE = 60_000
"""Milliseconds; some calendars cut seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plans:
    """The plans in force.

    Args:
        heads: by connection.
        visits: key of a visit's record -> visit.
    """

    heads: Mapping[str, StoredPlan]
    visits: Mapping[str, Visit]


def own_events(
    workspace: Workspace, reps: JoinedReps, customers: Mapping[tuple[str, str], RecordKey]
) -> tuple[OwnEvent, ...]:
    """Visits of ours in calendars that a person moved or gave to somebody else, and those that a
    push was to take away and could not; where they lie ahead.

    Args:
        customers: (connection of an activity, customer id) -> customer.
    """
    today = datetime.combine(workspace.clock.now().date(), time(), UTC)
    with workspace.store.read() as tx:
        rows = load_own(tx, to_millis(today))
        gone = deleted_by_us(tx, [row["visit_key"] for row in rows])
        rows = [row for row in rows if row["visit_key"] not in gone]
        if not rows:
            return ()
        plans, touched = _plans(workspace, tx), _touched(tx, rows)
        pulled = {name: _pulled_at(tx, name) for name in plans.heads}
    return tuple(
        _event(row, plans.visits.get(row["visit_key"]), reps, customers)
        for row in rows
        if _holds_on(row, touched) or _outlived(row, plans, pulled)
    )


def _holds_on(row: Record, touched: set[str]) -> bool:
    """Whether a person moved it and still wants it: one that was refused then is taken away."""
    return row["visit_key"] in touched and row["reply"] not in REFUSED


def _plans(workspace: Workspace, tx: Connection) -> _Plans:
    visits: dict[str, Visit] = {}
    heads: dict[str, StoredPlan] = {}
    for connection in sorted({*workspace.settings.connections, ""}):
        head = plan_in_force(tx, connection)
        if head is not None:
            heads[connection] = head
            own = [visit_of(one) for one in load_visits(tx, head.id)]
            visits.update((visit_key(connection, one.id), one) for one in own)
    return _Plans(heads=heads, visits=visits)


def _touched(tx: Connection, rows: Iterable[Record]) -> set[str]:
    """Keys of records whose time or rep is no longer what we wrote."""
    groups: dict[tuple[str, str], dict[str, Record]] = {}
    for row in rows:
        groups.setdefault((row["connection"], row["object"]), {})[row["id"]] = row
    found = set()
    for place, held in groups.items():
        for (id_, field), value in get_field_values(tx, place, held).items():
            if value.written is not None and _differs(field, held[id_], json.loads(value.written)):
                found.add(held[id_]["visit_key"])
    return found


def _differs(field: str, row: Record, written: Any) -> bool:
    if field == "rep_id":
        return bool(written and row["rep_id"] and row["rep_id"] != written)
    if field not in ("start_at", "end_at") or not written or row[field] is None:
        return False
    return bool(abs(to_millis(parse_instant(str(written))) - row[field]) > _TOLERANCE)


def _outlived(row: Record, plans: _Plans, pulled: Mapping[str, int]) -> bool:
    """Whether a plan came into force without this visit, and the CRM still shows it since."""
    head = plans.heads.get(row["connection"])
    if head is None or head.published_at is None or row["visit_key"] in plans.visits:
        return False
    end = datetime.combine(date.fromisoformat(head.start_on), time(), UTC)
    is_ruled = from_millis(row["start_at"]) < end + timedelta(days=head.days)
    return is_ruled and pulled[row["connection"]] > head.published_at


def _pulled_at(tx: Connection, connection: str) -> int:
    kept = get_account(tx, connection)
    return (kept.pulled_at if kept is not None else None) or 0


def _event(
    row: Record,
    visit: Visit | None,
    reps: JoinedReps,
    customers: Mapping[tuple[str, str], RecordKey],
) -> OwnEvent:
    rep = reps.by_record.get((row["connection"], row["rep_id"] or ""))
    customer = customers.get((row["connection"], row["customer_id"] or ""))
    start = from_millis(row["start_at"])
    key = str(customer) if customer is not None else ""
    planned_for = visit.rep if visit is not None and not row["rep_id"] else ""
    return OwnEvent(
        visit=visit.id if visit is not None else "",
        rep=rep.id if rep is not None else planned_for,
        customer=key or (visit.customer if visit is not None else ""),
        start_at=start,
        end_at=from_millis(row["end_at"]) if row["end_at"] is not None else start,
        zone=rep.zone if rep is not None else visit.zone if visit is not None else "UTC",
        label=row["subject"] or "a visit",
    )
