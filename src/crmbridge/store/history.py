"""Queries for what happened: visits, orders, campaigns and answers, column by column."""

from collections.abc import Iterable, Sequence

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from crmbridge.store.schema import LIVE, RECORDS
from crmbridge.store.writing import in_parts

_ACTIVITIES, _ORDERS = RECORDS["activities"], RECORDS["orders"]
_MEMBERS, _CAMPAIGNS = RECORDS["campaign_members"], RECORDS["campaigns"]
_CONTACTS = RECORDS["contacts"]


def past_visits(tx: Connection, sources: Sequence[str], since: int, until: int) -> pd.DataFrame:
    """Visits that began in a stretch of time, ms, `until` excluded; by time, customer and id.

    Returns:
        `customer_id`, `rep_id`, `start_at`, `status`, `visit_key`.
    """
    visit = _ACTIVITIES.c
    query = (
        select(visit.customer_id, visit.rep_id, visit.start_at, visit.status, visit.visit_key)
        .where(visit.connection.in_(list(sources)), visit.record_state == LIVE)
        .where(visit.kind == "visit", visit.start_at >= since, visit.start_at < until)
        .where(visit.customer_id.is_not(None))
        .order_by(visit.start_at, visit.customer_id, visit.id)
    )
    return _frame(tx, query)


def order_times(tx: Connection, sources: Sequence[str], since: int) -> pd.DataFrame:
    """Orders since a time, ms, with those of which only lines are known: `customer_id`,
    `ordered_at`; by time and customer."""
    orders, lines = (
        select(table.c.customer_id, table.c.ordered_at)
        .where(table.c.connection.in_(list(sources)), table.c.record_state == LIVE)
        .where(table.c.ordered_at >= since, table.c.customer_id.is_not(None))
        for table in (_ORDERS, RECORDS["order_lines"])
    )
    both = orders.union(lines).subquery()
    return _frame(tx, select(both).order_by(both.c.ordered_at, both.c.customer_id))


def memberships(tx: Connection, sources: Sequence[str]) -> pd.DataFrame:
    """Who was in which campaign that has a first day, and whether they responded; by that day.

    Returns:
        `customer_id` (the contact's where only that is known), `starts_on`, `channel`, `status`,
        `responded`, `converted`, `responded_at`.
    """
    member, campaign, person = _MEMBERS.c, _CAMPAIGNS.c, _CONTACTS.c
    who = func.coalesce(member.customer_id, person.customer_id)
    query = (
        select(
            who.label("customer_id"), campaign.starts_on, campaign.channel, member.status,
            member.responded, member.converted, member.responded_at,
        )
        .join(
            _CAMPAIGNS,
            (campaign.connection == member.connection) & (campaign.id == member.campaign_id),
        )
        .outerjoin(_CONTACTS, _same_contact())
        .where(member.connection.in_(list(sources)), member.record_state == LIVE)
        .where(campaign.starts_on.is_not(None), who.is_not(None))
        .order_by(campaign.starts_on, who, member.id)
    )  # fmt: skip
    return _frame(tx, query)


def answers(
    tx: Connection, sources: Sequence[str], since: int, customers: Iterable[str] | None = None
) -> pd.DataFrame:
    """What customers did towards us since a time, ms: `customer_id`, `channel`, `at`.

    Calls, mails and the like that came in, visits that they accepted, and responses to campaigns
    by the campaign's channel.

    Args:
        customers: ids; None for all.
    """
    parts = [None] if customers is None else [list(part) for part in in_parts(customers)]
    found = [_frame(tx, query) for part in parts for query in _answer_queries(sources, since, part)]
    filled = [frame for frame in found if len(frame)]
    if not filled:
        return pd.DataFrame({"customer_id": [], "channel": [], "at": []})
    order = ["customer_id", "at", "channel"]
    return pd.concat(filled, ignore_index=True).sort_values(order, ignore_index=True)


def _answer_queries(
    sources: Sequence[str], since: int, customers: list[str] | None
) -> list[Select[tuple[str, str, int]]]:
    act, member, person = _ACTIVITIES.c, _MEMBERS.c, _CONTACTS.c
    caller = func.coalesce(act.customer_id, person.customer_id)
    came = (
        select(caller.label("customer_id"), act.kind.label("channel"), act.start_at.label("at"))
        .outerjoin(_CONTACTS, (person.connection == act.connection) & (person.id == act.contact_id))
        .where(act.connection.in_(list(sources)), act.record_state == LIVE)
        .where(or_(act.direction == "in", act.reply == "accepted"), act.start_at >= since)
        .where(*_among(caller, customers))
    )
    who = func.coalesce(member.customer_id, person.customer_id)
    channel = func.coalesce(_CAMPAIGNS.c.channel, "campaign")
    responded = (
        select(who.label("customer_id"), channel.label("channel"), member.responded_at.label("at"))
        .outerjoin(
            _CAMPAIGNS,
            (_CAMPAIGNS.c.connection == member.connection)
            & (_CAMPAIGNS.c.id == member.campaign_id),
        )
        .outerjoin(_CONTACTS, _same_contact())
        .where(member.connection.in_(list(sources)), member.record_state == LIVE)
        .where(member.responded_at >= since, *_among(who, customers))
    )
    return [came, responded]


def _same_contact() -> ColumnElement[bool]:
    return (_CONTACTS.c.connection == _MEMBERS.c.connection) & (
        _CONTACTS.c.id == _MEMBERS.c.contact_id
    )


def _among(
    column: ColumnElement[str], customers: list[str] | None
) -> tuple[ColumnElement[bool], ...]:
    return (column.is_not(None),) if customers is None else (column.in_(customers),)


def _frame(tx: Connection, query: Select[tuple[str, str, int]]) -> pd.DataFrame:
    result = tx.execute(query)
    return pd.DataFrame.from_records([tuple(row) for row in result], columns=list(result.keys()))
