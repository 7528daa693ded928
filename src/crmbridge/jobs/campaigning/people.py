"""Gathers whom a campaign may be chosen from, and how often they were contacted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import Connection, select

from crmbridge.engine.pressure import DAY, fullest
from crmbridge.jobs.analysis.customers import base_connections, completed_customers
from crmbridge.jobs.campaigning.running import Campaign
from crmbridge.jobs.territory.known import key_of
from crmbridge.jobs.territory.planning import Made
from crmbridge.jobs.workspace import Workspace
from crmbridge.push.desired import MemberPlace, SeenMember
from crmbridge.records import RecordKey, to_millis
from crmbridge.store.campaigns import added_since, unit_of
from crmbridge.store.consents import effective_consents
from crmbridge.store.schema import RECORDS
from crmbridge.store.scores import load_scores
from crmbridge.store.segments import load_segments
from crmbridge.store.territory import load_stream
from crmbridge.store.visiting import contacts_since

Contacts = dict[str, list[int]]
"""Unit (see `unit_of`) -> times of contacts, made and planned, ms, ascending."""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Everybody that a connection's campaigns may be chosen from.

    Args:
        rows: contacts, or customers where there are no contacts.
        customers: customer id -> record.
    """

    rows: Sequence[Row]
    are_contacts: bool
    customers: Mapping[str, Row]
    consents: Mapping[tuple[RecordKey, str], str]
    scores: Mapping[str, float]
    segments: Mapping[str, set[str]]
    ranks: Mapping[str, int]

    def customer_of(self, row: Row) -> str:
        """Id of the customer that a person belongs to; "" for none."""
        return str((row["customer_id"] if self.are_contacts else row["id"]) or "")


def people_of(workspace: Workspace, connection: str) -> People:
    """Live people of a connection, with what is known of them and their customers."""
    sources = base_connections(workspace.settings).get(connection, (connection,))
    customers = completed_customers(workspace, sources)
    with workspace.store.read() as tx:
        contacts = load_stream(tx, "contacts", (connection,))
        rows = contacts or customers
        return People(
            rows=rows,
            are_contacts=bool(contacts),
            customers={row["id"]: row for row in customers},
            consents={**effective_consents(tx, "customers"), **effective_consents(tx, "contacts")},
            scores={one.key.id: one.score for one in load_scores(tx, (connection,))},
            segments={one.key.id: {one.segment, one.name} for one in load_segments(tx, connection)},
            ranks=_ranks(tx, connection, rows),
        )


def _ranks(tx: Connection, connection: str, rows: Sequence[Row]) -> dict[str, int]:
    """Person -> place: those with a role first, then the latest to respond, then by id."""
    columns = RECORDS["campaign_members"].c
    query = select(columns.contact_id, columns.responded_at).where(
        columns.connection == connection, columns.responded_at.is_not(None)
    )
    latest: dict[str, int] = {}
    for id_, at in tx.execute(query):
        latest[id_] = max(at, latest.get(id_, 0))
    ordered = sorted(
        rows, key=lambda row: (not row.get("role"), -latest.get(row["id"], 0), row["id"])
    )
    return {row["id"]: place for place, row in enumerate(ordered)}


def contacts_with(workspace: Workspace, connection: str, made: Made) -> Contacts:
    """Contacts with each customer, as far back and ahead as they count together.

    The visits of the plan count with what the calendars hold: one that is written already bears
    the same time, and counts once.
    """
    own, now = workspace.settings.planning.pressure, workspace.clock.now()
    since, until = now - timedelta(days=2 * own.days), now + timedelta(days=2 * own.days)
    sources = base_connections(workspace.settings).get(connection, (connection,))
    found: dict[str, set[int]] = {}
    with workspace.store.read() as tx:
        held = contacts_since(tx, sources, own.kinds, to_millis(since), to_millis(until))
        added = added_since(tx, connection, to_millis(since)) if "email" in own.kinds else []
    for (_, id_), at in held:
        found.setdefault(id_, set()).add(at)
    for visit in (one for plan in made.plans for one in plan.plan.visits):
        key = RecordKey.parse(visit.customer)
        if key.connection == connection and "visit" in own.kinds:
            found.setdefault(key.id, set()).add(to_millis(visit.start_at))
    for unit, at in added:
        found.setdefault(unit, set()).add(at)
    return {id_: sorted(times) for id_, times in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """What a campaign's candidates are looked at with."""

    now: datetime
    pressure_days: int
    allows_unknown: bool


def frame_of(
    campaign: Campaign,
    people: People,
    members: Mapping[MemberPlace, SeenMember],
    contacts: Contacts,
    looking: Looking,
) -> pd.DataFrame:
    """One row for each candidate, as `engine.campaigns` wants it; by the person's key."""
    rows = [row for row in people.rows if _fits(campaign, people, people.customer_of(row))]
    now = to_millis(looking.now)
    table: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    for row in rows:
        customer = people.customer_of(row)
        times = contacts.get(unit_of(customer, row["id"]), [])
        past = [at for at in times if at <= now]
        values = (
            customer,
            _address(campaign, row, people.customers.get(customer)),
            int(_allows(campaign, people, row, allows_unknown=looking.allows_unknown)),
            people.scores.get(customer, 0.0),
            (now - past[-1]) / DAY if past else float("inf"),
            fullest(times, now, looking.pressure_days),
            int(place_of(campaign, people, row["id"]) in members),
            people.ranks[row["id"]],
            str((people.customers.get(customer) or {}).get("owner_id") or ""),
        )
        for name, value in zip(_COLUMNS, values, strict=True):
            table[name].append(value)
    return pd.DataFrame(table, index=pd.Index([str(key_of(row)) for row in rows], dtype=object))


_COLUMNS = ("customer_id", "address", "allowed", "score", "last_contact_days", "contacts_28",
            "is_member", "rank", "rep")  # fmt: skip


def place_of(campaign: Campaign, people: People, id_: str) -> MemberPlace:
    """Where a person would stand among the members of a campaign."""
    field = "contact_id" if people.are_contacts else "customer_id"
    return (campaign.connection, campaign.id, field, id_)


def _fits(campaign: Campaign, people: People, customer: str) -> bool:
    wanted = set(campaign.settings.segments)
    return not wanted or bool(wanted & people.segments.get(customer, set()))


def _address(campaign: Campaign, row: Row, customer: Row | None) -> str:
    """What a person is reached by: an e-mail address, a phone number, or where the customer is."""
    if campaign.settings.channel == "email":
        return "" if row.get("email_valid") == 0 else str(row.get("email") or "")
    if campaign.settings.channel == "call":
        return str(row.get("phone") or "")
    return f"{customer['id']}" if customer and (customer["city"] or customer["latitude"]) else ""


def _allows(campaign: Campaign, people: People, row: Row, *, allows_unknown: bool) -> bool:
    """Whether a person, and the customer they belong to, may be reached this way."""
    channel = campaign.settings.channel
    own = people.consents.get((key_of(row), channel))
    if own == "denied" or (own != "granted" and not allows_unknown):
        return False
    customer = people.customers.get(people.customer_of(row))
    return customer is None or people.consents.get((key_of(customer), channel)) != "denied"
