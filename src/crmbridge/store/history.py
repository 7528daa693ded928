"""Queries for what happened: visits, orders, campaigns and answers, column by column."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Select, case, func, null, or_, select

from crmbridge.store.schema import LIVE, RECORDS

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


def order_amounts(tx: Connection, sources: Sequence[str], since: int) -> pd.DataFrame:
    """What was ordered since a time, ms: `customer_id`, `ordered_at`, `amount`; cancelled orders
    left out, and lines counted only of connections that know no orders."""
    order, line = _ORDERS.c, RECORDS["order_lines"].c
    whole = set(
        tx.scalars(select(order.connection).where(order.connection.in_(sources)).distinct())
    )
    kept = func.lower(func.coalesce(order.status, "")).not_in(["cancelled", "canceled"])
    frames = [
        _frame(
            tx,
            select(columns.customer_id, columns.ordered_at, columns.amount)
            .where(columns.connection.in_(names), columns.record_state == LIVE, *more)
            .where(columns.ordered_at >= since, columns.amount.is_not(None))
            .order_by(columns.ordered_at, columns.customer_id, columns.id),
        )
        for columns, names, more in (
            (order, sorted(whole), (kept,)),
            (line, sorted(set(sources) - whole), ()),
        )
    ]
    return pd.concat([one for one in frames if len(one)] or frames[:1], ignore_index=True)


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


def contacts_tried(tx: Connection, sources: Sequence[str], since: int, most: int) -> pd.DataFrame:
    """Contacts with customers since a time, ms, both ways, and what campaigns sent to them.

    Args:
        most: rows of activities, and of campaigns; of more, the latest.

    Returns:
        `customer_id` (the contact's where only that is known), `kind` (of a campaign its channel),
        `start_at`, `status`, `direction`, `reply`, `responded` (None but for campaigns).
    """
    queries = (_activities_tried(sources, since), _campaigns_tried(sources, since))
    frames = [_frame(tx, query.limit(most)) for query in queries]
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]


def _activities_tried(sources: Sequence[str], since: int) -> Select[Any]:
    act, person = _ACTIVITIES.c, _CONTACTS.c
    who = func.coalesce(act.customer_id, person.customer_id)
    return (
        select(
            who.label("customer_id"), act.kind, act.start_at, act.status, act.direction, act.reply,
            null().label("responded"),
        )
        .outerjoin(_CONTACTS, (person.connection == act.connection) & (person.id == act.contact_id))
        .where(act.connection.in_(list(sources)), act.record_state == LIVE)
        .where(act.kind.not_in(["absence", "task", "note"]), act.start_at >= since)
        .where(who.is_not(None))
        .order_by(act.start_at.desc(), who, act.id)
    )  # fmt: skip


def _campaigns_tried(sources: Sequence[str], since: int) -> Select[Any]:
    """What was sent counts from its answer, or from its last change where there was none."""
    member, person = _MEMBERS.c, _CONTACTS.c
    who = func.coalesce(member.customer_id, person.customer_id)
    at = func.coalesce(member.responded_at, member.modified_at)
    came = or_(
        member.responded_at.is_not(None), member.responded == 1, member.converted == 1,
        member.status.in_(["responded", "converted"]),
    )  # fmt: skip
    return (
        select(
            who.label("customer_id"), func.coalesce(_CAMPAIGNS.c.channel, "campaign").label("kind"),
            at.label("start_at"), null().label("status"), null().label("direction"),
            null().label("reply"), case((came, 1), else_=0).label("responded"),
        )
        .outerjoin(
            _CAMPAIGNS,
            (_CAMPAIGNS.c.connection == member.connection)
            & (_CAMPAIGNS.c.id == member.campaign_id),
        )
        .outerjoin(_CONTACTS, _same_contact())
        .where(member.connection.in_(list(sources)), member.record_state == LIVE)
        .where(at >= since, who.is_not(None), or_(came, member.status == "sent"))
        .order_by(at.desc(), who, member.id)
    )  # fmt: skip


def _same_contact() -> ColumnElement[bool]:
    return (_CONTACTS.c.connection == _MEMBERS.c.connection) & (
        _CONTACTS.c.id == _MEMBERS.c.contact_id
    )


def _frame(tx: Connection, query: Select[Any]) -> pd.DataFrame:
    result = tx.execute(query)
    return pd.DataFrame.from_records([tuple(row) for row in result], columns=list(result.keys()))
