"""Holds what campaigns brought against their goals, and proposes what to do about the hopeless."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from crmbridge.adapters import Operation
from crmbridge.engine.pace import Pace, Verdict, pace
from crmbridge.jobs.campaigning.following import (
    has_responded,
    members_customers,
    members_rows,
    visits_to_members,
)
from crmbridge.jobs.campaigning.running import Campaign, why_resting
from crmbridge.jobs.workspace import Workspace
from crmbridge.push.changeset import item_name
from crmbridge.push.ledger import DONE, State
from crmbridge.records import Finding, from_millis, to_millis
from crmbridge.store.schema import LIVE, RECORDS, changeset_items

_BAD = frozenset({Verdict.BEHIND, Verdict.HOPELESS, Verdict.MISSED})


def pace_of(tx: Connection, campaign: Campaign, now: datetime) -> Pace:
    """How a campaign stands against its goal."""
    goal, begun = campaign.settings.goal, begun_on(tx, campaign)
    actual = _COUNTS[goal.metric](tx, campaign, begun, now) if begun is not None else 0.0
    return pace(goal.value, actual, begun, goal.by, now.date())


def begun_on(tx: Connection, campaign: Campaign) -> date | None:
    """The day on which we added the first member; None before."""
    items = changeset_items
    done = items.c.state.in_([state.value for state in DONE])
    at = tx.scalar(select(func.min(items.c.done_at)).where(_additions(campaign), done))
    return None if at is None else from_millis(at).date()


def not_written(tx: Connection, campaign: Campaign) -> dict[str, int]:
    """Why chosen people were not added after all, when their changeset was applied."""
    items = changeset_items
    left = items.c.state.in_([State.SKIPPED.value, State.REJECTED.value])
    query = select(items.c.error, func.count()).where(_additions(campaign), left)
    grouped = query.group_by(items.c.error).order_by(items.c.error)
    return {row[0]: row[1] for row in tx.execute(grouped)}


def _additions(campaign: Campaign) -> ColumnElement[bool]:
    """Items that add members; those of the first changeset depend on the campaign's creation."""
    items = changeset_items
    creation = item_name(Operation.CREATE, campaign.connection, campaign.object, campaign.key)
    return and_(
        items.c.connection == campaign.connection,
        items.c.operation == Operation.ADD_MEMBER.value,
        or_(items.c.parent == (campaign.id or "-"), items.c.depends_on == creation),
    )


def pace_findings(workspace: Workspace, campaigns: Iterable[Campaign]) -> list[Finding]:
    """Campaigns that will miss their goals, each with the commands that stop or shift it."""
    now, findings = workspace.clock.now(), []
    with workspace.store.read() as tx:
        for one in campaigns:
            found = pace_of(tx, one, now)
            if found.verdict not in _BAD or why_resting(tx, one, now.date()):
                continue
            remedy = f"Decide on `crmbridge campaign stop {one.name}`"
            remedy += f" or `crmbridge campaign shift {one.name} OTHER`, and push that"
            if found.verdict is Verdict.BEHIND:
                remedy = f"Look at `crmbridge show campaign {one.name}`"
            findings.append(
                Finding(
                    code="campaign.behind",
                    count=1,
                    example=f"{one.name}: {found.sentence}",
                    remedy=remedy,
                )
            )
    return findings


def _responses(tx: Connection, campaign: Campaign, begun: date, now: datetime) -> float:
    del begun, now
    return float(sum(map(has_responded, members_rows(tx, campaign))))


def _conversions(tx: Connection, campaign: Campaign, begun: date, now: datetime) -> float:
    del begun, now
    rows = members_rows(tx, campaign)
    return float(sum(bool(row["converted"] or row["status"] == "converted") for row in rows))


def _visits(tx: Connection, campaign: Campaign, begun: date, now: datetime) -> float:
    rows = visits_to_members(tx, campaign, begun)
    return float(sum(row["start_at"] <= to_millis(now) for row in rows))


def _orders(tx: Connection, campaign: Campaign, begun: date, now: datetime) -> float:
    return float(len(_bought(tx, campaign, begun, now)))


def _amount(tx: Connection, campaign: Campaign, begun: date, now: datetime) -> float:
    return float(sum(row["amount"] or 0 for row in _bought(tx, campaign, begun, now)))


def _bought(
    tx: Connection, campaign: Campaign, begun: date, now: datetime
) -> list[Mapping[str, Any]]:
    """Orders of the members' customers since the campaign began."""
    wanted, columns = members_customers(tx, campaign), RECORDS["orders"].c
    since = to_millis(datetime.combine(begun, time(), now.tzinfo))
    query = select(columns.customer_id, columns.amount).where(
        columns.connection == campaign.connection,
        columns.record_state == LIVE,
        columns.ordered_at >= since,
        columns.ordered_at <= to_millis(now),
    )
    return [dict(row) for row in tx.execute(query).mappings() if row["customer_id"] in wanted]


_COUNTS: Mapping[str, Callable[[Connection, Campaign, date, datetime], float]] = {
    "responses": _responses,
    "conversions": _conversions,
    "visits": _visits,
    "orders": _orders,
    "amount": _amount,
}
