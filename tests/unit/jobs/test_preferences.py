"""How and when a customer responds is told from what they did, on their own clock."""

from datetime import UTC, datetime
from typing import Any

from crmbridge.jobs.analysis.preferences import preference_of, preferences

MONDAY = datetime(2026, 2, 23, 8, 30, tzinfo=UTC)


def test_the_commonest_channel_weekday_and_hour_are_told() -> None:
    times = [MONDAY, MONDAY, MONDAY.replace(day=24, hour=15)]

    found = preference_of(["call", "email", "call"], times)

    assert found is not None
    assert (found.channel, found.weekday, found.hour) == ("call", "Monday", 8)
    assert found.sentence() == "Responds most by call, on Mondays around 8 o'clock"


def test_too_few_responses_tell_nothing() -> None:
    assert preference_of(["call", "call"], [MONDAY, MONDAY]) is None


def test_answers_come_in_by_call_by_yes_to_visits_and_by_campaign(shop: Any) -> None:
    shop.hold("contacts", {"id": "p", "customer_id": "a"})
    shop.hold("campaigns", {"id": "c", "channel": "email"})
    shop.hold(
        "activities",
        {"kind": "email", "direction": "in", "contact_id": "p", "start_at": shop.at(7)},
        {"kind": "call", "direction": "out", "customer_id": "a", "start_at": shop.at(7)},
        {"kind": "visit", "reply": "accepted", "customer_id": "a", "start_at": shop.at(14)},
        {"kind": "email", "direction": "in", "customer_id": "a", "start_at": shop.at(900)},
        {"kind": "call", "direction": "in", "customer_id": "b", "start_at": shop.at(7)},
    )
    shop.hold("campaign_members", {"campaign_id": "c", "contact_id": "p",
                                   "responded_at": shop.at(21)})  # fmt: skip

    with shop.space.store.read() as tx:
        found = preferences(tx, ("sales",), {"a": "Asia/Tokyo", "b": ""}, shop.at(0))

    assert set(found) == {"a"}
    assert (found["a"].channel, found["a"].responses) == ("email", 3)
    assert (found["a"].weekday, found["a"].hour) == ("Monday", 17)  # 08:00 UTC in Tokyo
