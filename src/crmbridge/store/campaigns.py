"""Keeps who is in which campaign, why everybody else is not, and which campaigns were stopped."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, select

from crmbridge.records import RecordKey
from crmbridge.store.schema import (
    RECORDS,
    campaign_people,
    campaign_states,
    changeset_items,
)
from crmbridge.store.writing import put, put_rows

_NAMES = ("campaign", "connection", "object", "id", "customer_id", "reason", "arm", "score",
          "decided_at", "run_id")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One person that a campaign was chosen from.

    Args:
        key: of the contact, or of the customer where there are no contacts.
        reason: name of why they were left out; "" for one that was chosen.
        arm: stays with everybody who was drawn for one, members of before as well.
        decided_at: ms; of one with an arm, when it was drawn.
    """

    campaign: str
    key: RecordKey
    customer_id: str
    reason: str
    arm: str
    score: float
    decided_at: int
    run_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignState:
    """Whether a campaign goes on.

    Args:
        shifted_to: the campaign that its members went to; "".
        at: ms.
    """

    campaign: str
    state: str = "running"
    why: str = ""
    shifted_to: str = ""
    at: int = 0


def save_candidates(tx: Connection, campaign: str, found: Iterable[Candidate]) -> None:
    """Keep a campaign's ledger in the place of the one there was."""
    tx.execute(campaign_people.delete().where(campaign_people.c.campaign == campaign))
    rows = (
        (
            *(one.campaign, one.key.connection, one.key.object, one.key.id, one.customer_id),
            *(one.reason, one.arm, one.score, one.decided_at, one.run_id),
        )
        for one in found
    )
    put_rows(tx, campaign_people, _NAMES, rows)


def load_candidates(tx: Connection, campaign: str) -> list[Candidate]:
    """A campaign's ledger, by key."""
    return _candidates(tx, campaign_people.c.campaign == campaign)


def armed_candidates(tx: Connection, connection: str) -> list[Candidate]:
    """Everybody who was drawn for an arm of a connection's campaigns, by key and campaign."""
    columns = campaign_people.c
    return _candidates(tx, (columns.connection == connection) & (columns.arm != ""))


def _candidates(tx: Connection, which: ColumnElement[bool]) -> list[Candidate]:
    columns = campaign_people.c
    query = (
        select(*(columns[name] for name in _NAMES))
        .where(which)
        .order_by(columns.connection, columns.object, columns.id, columns.campaign)
    )
    return [
        Candidate(
            campaign=row.campaign,
            key=RecordKey(row.connection, row.object, row.id),
            customer_id=row.customer_id,
            reason=row.reason,
            arm=row.arm,
            score=row.score,
            decided_at=row.decided_at,
            run_id=row.run_id,
        )
        for row in tx.execute(query)
    ]


def count_reasons(tx: Connection, campaign: str) -> Counter[str]:
    """reason -> people; "" counts those that were chosen. The sum is all candidates."""
    columns = campaign_people.c
    query = select(columns.reason).where(columns.campaign == campaign)
    return Counter(tx.scalars(query))


def added_since(tx: Connection, connection: str, since: int) -> list[tuple[str, int]]:
    """(customer, time) of everybody whom we added to a campaign since then, ms.

    A person of no customer goes by an id of their own; see `unit_of`.
    """
    columns, owners = RECORDS["contacts"].c, changeset_items.c
    customers = dict(
        tx.execute(select(columns.id, columns.customer_id).where(columns.connection == connection))
        .tuples()
        .all()
    )
    query = select(owners.changes, owners.sent_at).where(
        owners.connection == connection,
        owners.operation == "add_member",
        owners.sent_at > since,
        owners.state.in_(_LANDED),
    )
    found = []
    for text, at in tx.execute(query):
        values = {change["field"]: change["after"] for change in json.loads(text)}
        person = str(values.get("contact_id") or "")
        customer = str(values.get("customer_id") or customers.get(person) or "")
        found.append((unit_of(customer, person), at))
    return found


_LANDED = ("applied", "unchanged", "sending", "unknown")
"""States of items that were written, or may have been."""


def unit_of(customer: str, person: str) -> str:
    """Whose contacts count together: the customer's, or the person's who belongs to none."""
    return customer or f"person {person}"


def get_state(tx: Connection, campaign: str) -> CampaignState:
    """How a campaign stands; it runs where nobody said otherwise."""
    query = select(campaign_states).where(campaign_states.c.campaign == campaign)
    row = tx.execute(query).one_or_none()
    return CampaignState(campaign=campaign) if row is None else CampaignState(**row._asdict())


def save_state(tx: Connection, state: CampaignState) -> None:
    """Keep how a campaign stands."""
    row = {name: getattr(state, name) for name in CampaignState.__slots__}
    put(tx, campaign_states, [row])
