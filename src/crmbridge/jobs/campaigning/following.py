"""Makes one task of each response to a campaign, and of each finished visit to its members."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, or_, select

from crmbridge.jobs.campaigning.running import Campaign, follow_up_key
from crmbridge.push.desired import DesiredRecord
from crmbridge.push.ledger import last_of_keys
from crmbridge.push.values import instant_text
from crmbridge.records import from_millis
from crmbridge.store.schema import LIVE, RECORDS

REMEMBERED_DAYS = 30
"""What happened longer ago, before anybody asked for follow-ups, is let lie."""
_NINE = time(9, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """A response, or a visit that is over."""

    kind: str
    id: str
    at: datetime
    customer_id: str
    contact_id: str = ""


def follow_ups(
    tx: Connection, campaign: Campaign, customers: Mapping[str, Mapping[str, Any]], now: datetime
) -> list[DesiredRecord]:
    """The tasks that are due to be written; one that was written once is never written again.

    Args:
        customers: customer id -> record.
    """
    if not campaign.task_object or not campaign.id:
        return []
    since = now - timedelta(days=REMEMBERED_DAYS)
    events = [
        one
        for kind in campaign.settings.follow_up.after
        for one in _WAYS[kind](tx, campaign)
        if since <= one.at <= now
    ]
    keys = {follow_up_key(campaign, one.kind, one.id): one for one in events}
    written = {key for _, _, key in last_of_keys(tx, keys)}
    return [
        _task(campaign, key, one, customers.get(one.customer_id), now)
        for key, one in sorted(keys.items())
        if key not in written
    ]


def _task(
    campaign: Campaign,
    key: str,
    event: Happened,
    customer: Mapping[str, Any] | None,
    now: datetime,
) -> DesiredRecord:
    own = campaign.settings.follow_up
    due = max(event.at.date() + timedelta(days=own.days), now.date() + timedelta(days=1))
    why = "responded" if event.kind == "response" else "was visited"
    said = f"{'The contact' if event.contact_id else 'The customer'} {why} on {event.at:%Y-%m-%d}."
    return DesiredRecord(
        connection=campaign.connection,
        object=campaign.task_object,
        key=key,
        values={
            "kind": "task",
            "status": "planned",
            "subject": f"{own.subject}: {campaign.title}",
            "description": f"{said}\n\nAdded by crmbridge.",
            "due_on": due.isoformat(),
            "start_at": instant_text(datetime.combine(due, _NINE)),
            "rep_id": (customer or {}).get("owner_id") or "",
            "customer_id": event.customer_id,
            "contact_id": event.contact_id,
        },
        channel="",
        reason=f"{why} on {event.at:%Y-%m-%d}",
        parent=event.customer_id,
    )


def members_rows(tx: Connection, campaign: Campaign) -> list[Mapping[str, Any]]:
    """Live members of a campaign, as pulled, by id."""
    table = RECORDS["campaign_members"]
    query = (
        select(table)
        .where(
            table.c.connection == campaign.connection,
            table.c.campaign_id == campaign.id,
            table.c.record_state == LIVE,
        )
        .order_by(table.c.id)
    )
    return [dict(row) for row in tx.execute(query).mappings()] if campaign.id else []


def has_responded(row: Mapping[str, Any]) -> bool:
    """Whether a member responded, by whichever field the CRM says so."""
    return bool(row["responded"] or row["converted"]) or row["status"] in {"responded", "converted"}


def _responses(tx: Connection, campaign: Campaign) -> Iterator[Happened]:
    owners = customers_of(tx, campaign)
    for row in filter(has_responded, members_rows(tx, campaign)):
        at = row["responded_at"] or row["modified_at"]
        if at is not None:
            person = row["contact_id"] or ""
            customer = row["customer_id"] or owners.get(person, "")
            yield Happened(
                kind="response",
                id=row["id"],
                at=from_millis(at),
                customer_id=customer,
                contact_id=person,
            )


def _visits(tx: Connection, campaign: Campaign) -> Iterator[Happened]:
    for row in visits_to_members(tx, campaign):
        yield Happened(
            kind="visit",
            id=row["id"],
            at=from_millis(row["start_at"]),
            customer_id=row["customer_id"],
            contact_id=row["contact_id"] or "",
        )


_WAYS = {"response": _responses, "visit": _visits}


def customers_of(tx: Connection, campaign: Campaign) -> dict[str, str]:
    """contact id -> customer id, of the campaign's members."""
    columns = RECORDS["contacts"].c
    people = {row["contact_id"] for row in members_rows(tx, campaign)} - {None}
    query = select(columns.id, columns.customer_id).where(
        columns.connection == campaign.connection, columns.customer_id.is_not(None)
    )
    return {id_: customer for id_, customer in tx.execute(query) if id_ in people}


def visits_to_members(
    tx: Connection, campaign: Campaign, since: date | None = None
) -> list[Mapping[str, Any]]:
    """Visits to the members' customers that took place, by id."""
    wanted = members_customers(tx, campaign)
    columns = RECORDS["activities"].c
    query = (
        select(RECORDS["activities"])
        .where(columns.connection == campaign.connection, columns.record_state == LIVE)
        .where(columns.kind == "visit", columns.start_at.is_not(None))
        .where(or_(columns.status == "done", columns.status.is_(None)))
        .order_by(columns.id)
    )
    rows = [row for row in tx.execute(query).mappings() if row["customer_id"] in wanted]
    return [
        dict(row) for row in rows if since is None or from_millis(row["start_at"]).date() >= since
    ]


def members_customers(tx: Connection, campaign: Campaign) -> set[str]:
    """Ids of the customers whose people are members."""
    direct: Iterable[str] = (row["customer_id"] for row in members_rows(tx, campaign))
    return {*direct, *customers_of(tx, campaign).values()} - {None}
