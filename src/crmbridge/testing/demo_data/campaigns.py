"""The demo's campaigns: three with arms and outcomes, one of them with no effect at all."""

from dataclasses import dataclass
from datetime import date, timedelta

from crmbridge.testing.demo_data.people import Client
from crmbridge.testing.demo_data.shape import Cell, Draws, Table, instant, workday

CAMPAIGN_COLUMNS = ("id", "name", "kind", "status", "starts_on", "ends_on", "channel", "budget",
                    "goal_metric", "goal_value")  # fmt: skip
MEMBER_COLUMNS = ("id", "campaign_id", "contact_id", "customer_id", "status", "arm", "responded_at",
                  "responded", "converted", "amount", "added_by")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A campaign and what it was made to do.

    Args:
        days_before: days from its start to the end of the history.
        rates: by arm, the share of members that respond.
        per_response: mean amount bought by a member that responded.
    """

    id: str
    name: str
    channel: str
    days_before: int
    rates: dict[str, float]
    per_response: float


PLANTED = (
    Planted(
        id="K1",
        name="Pumps in spring",
        channel="email",
        days_before=240,
        rates={"control": 0.10, "mail": 0.24},
        per_response=900.0,
    ),
    Planted(
        id="K2",
        name="Service check by phone",
        channel="call",
        days_before=150,
        rates={"control": 0.15, "call": 0.15},
        per_response=400.0,
    ),
    Planted(
        id="K3",
        name="Sensors, short or long letter",
        channel="email",
        days_before=70,
        rates={"control": 0.08, "short": 0.24, "long": 0.10},
        per_response=600.0,
    ),
)
"""Planted effects on responding: K1 +14 points, K2 none, K3 short +16 and long +2 points."""


def campaign_tables(seed: int, clients: list[Client], end: date) -> tuple[Table, Table]:
    """Campaigns and their members; each contact's arm is drawn evenly."""
    campaigns = Table(name="campaigns", header=CAMPAIGN_COLUMNS)
    members = Table(name="campaign_members", header=MEMBER_COLUMNS)
    for planted in PLANTED:
        start = workday(end - timedelta(days=planted.days_before))
        last = start + timedelta(days=42)
        status = "done" if last < end else "active"
        row = (planted.id, planted.name, "test", status, start.isoformat(), last.isoformat())
        campaigns.rows.append((*row, planted.channel, 5000.0, "responses", 100.0))
        draws = Draws(seed, f"campaign {planted.id}")
        for client in clients:
            if draws.chance(0.9):
                members.rows.append(_member(draws, planted, client, start))
    return campaigns, members


def _member(draws: Draws, planted: Planted, client: Client, start: date) -> tuple[Cell, ...]:
    contact = draws.pick(client.contacts)
    arm = draws.pick(list(planted.rates))
    responded = draws.chance(planted.rates[arm])
    converted = responded and draws.chance(0.5)
    amount = round(draws.about(planted.per_response, planted.per_response * 0.8), 2)
    day = workday(start + timedelta(days=draws.whole(1, 35)))
    status = "converted" if converted else "responded" if responded else "sent"
    if arm == "control" and not responded:
        status = "candidate"
    return (
        f"{planted.id}-{contact.id}", planted.id, contact.id, client.id, status, arm,
        instant(day, 11) if responded else None, _flag(responded), _flag(converted),
        amount if converted else 0.0, "other",
    )  # fmt: skip


def _flag(value: bool) -> str:
    return "true" if value else "false"
