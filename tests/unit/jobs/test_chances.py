"""What is learned from past visits and campaigns is kept with its card, frozen until it is due."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from crmbridge.clock import StandingClock
from crmbridge.jobs.analysis.chances import CAMPAIGNS, VISITS, known_chances, model_name
from crmbridge.jobs.analysis.customers import Analysed, analyse
from crmbridge.jobs.analysis.history import (
    NO,
    OPEN,
    YES,
    learning_table,
    past_campaign_decisions,
    past_visit_decisions,
)
from crmbridge.jobs.analysis.offers import model_name as offers_name
from crmbridge.records import to_millis
from crmbridge.store.features import reduce_features
from crmbridge.store.models import latest_model
from crmbridge.store.offers import load_offers
from crmbridge.store.scores import load_scores
from crmbridge.store.upsert import upsert_records

DAY = 86_400_000


def hold_many(shop: Any, stream: str, rows: list[dict[str, Any]]) -> None:
    names = ("connection", "object", "id", *rows[0])
    tuples = [("sales", stream, f"{stream}{n}", *row.values()) for n, row in enumerate(rows)]
    with shop.space.store.write() as tx:
        upsert_records(tx, stream, tuples, 1, columns=names)


def planted(shop: Any, effect: Callable[[int], float]) -> Any:
    """60 customers visited each month; an order follows with a chance that depends on who it is.

    Odd customers write to us a lot, even ones never: that is what can be learned from.
    """
    draw = random.Random(7)
    customers = [{"name": f"customer {n}"} for n in range(60)]
    visits, mails, orders = [], [], []
    for number in range(60):
        who = {"customer_id": f"customers{number}"}
        for month in range(13):
            at = shop.at(30 * month + 5 + draw.random())
            visits.append({**who, "kind": "visit", "status": "done", "direction": None,
                           "start_at": at})  # fmt: skip
            if draw.random() < effect(number):
                orders.append({**who, "ordered_at": at + 3 * DAY, "amount": 10.0})
            if number % 2:
                mails += [
                    {**who, "kind": "email", "status": "done", "direction": "in",
                     "start_at": shop.at(30 * month + 9 * part)}
                    for part in range(3)
                ]  # fmt: skip
    hold_many(shop, "customers", customers)
    hold_many(shop, "activities", visits + mails)
    hold_many(shop, "orders", orders)
    return shop


def by_mail(number: int) -> float:
    return 0.8 if number % 2 else 0.2


def analysed(shop: Any) -> Analysed:
    return analyse(shop.space, "sales", ("sales",))


def test_a_signal_becomes_a_part_of_the_score_with_its_card_kept(shop: Any) -> None:
    found = analysed(planted(shop, by_mail))

    chances = known_chances(shop.space, "sales", VISITS)
    assert chances is not None
    assert chances.of["customers1"] > 0.6 > 0.4 > chances.of["customers2"]
    assert chances.card["auc"] > 0.7
    assert chances.card["verdict"].startswith("Signal")
    assert chances.card["rows"] == 60 * 11  # the last is too young, the first more than a year ago
    assert chances.card["data"] == "visits, and whether an order followed within 28 days"
    assert chances.card["period"] == ["2025-03-31", "2026-01-26"]
    assert {"lift", "calibration_error", "last", "refused", "quarantined"} <= chances.card.keys()
    assert chances.usual == pytest.approx(0.5, abs=0.05)
    with shop.space.store.read() as tx:
        scores = load_scores(tx, ("sales",))
    assert {score.model for score in scores} == {"transparent-1+visits 2026-03-02"}
    for score in scores:
        assert sum(r.weight for r in score.reasons) == pytest.approx(score.score, abs=1e-9)
    assert found.chances[VISITS].of == chances.of


def test_no_signal_leaves_the_score_transparent_and_says_why(shop: Any) -> None:
    analysed(planted(shop, lambda number: 0.5))

    chances = known_chances(shop.space, "sales", VISITS)

    assert chances is not None
    assert (chances.of, chances.version) == ({}, "")
    assert chances.card["verdict"].startswith("No signal")
    with shop.space.store.read() as tx:
        assert {score.model for score in load_scores(tx, ("sales",))} == {"transparent-1"}


def test_too_little_to_learn_from_is_a_reason_on_the_card(shop: Any) -> None:
    shop.hold("customers", {"id": "a"})
    analysed(shop)

    chances = known_chances(shop.space, "sales", CAMPAIGNS)

    assert chances is not None
    assert "50 of each are the least" in chances.card["verdict"]


@pytest.mark.parametrize(("days", "fits"), [(3, 1), (8, 2)])
def test_a_model_stays_frozen_until_it_is_due(shop: Any, days: int, fits: int) -> None:
    shop.hold("customers", {"id": "a"})
    analysed(shop)
    later = shop.space.clock.now() + timedelta(days=days)

    analysed(replace(shop, space=replace(shop.space, clock=StandingClock(later))))

    with shop.space.store.read() as tx:
        held = latest_model(tx, model_name("sales", VISITS))
    assert held is not None
    assert (held.fitted_at == to_millis(later)) == (fits == 2)


def test_visits_are_decisions_once_their_effect_can_be_known(shop: Any) -> None:
    shop.hold(
        "activities",
        {"kind": "visit", "customer_id": "a", "start_at": shop.at(100), "status": "done"},
        {"kind": "visit", "customer_id": "b", "start_at": shop.at(99), "status": "done"},
        {"kind": "visit", "customer_id": "a", "start_at": shop.at(20), "status": "done"},
        {"kind": "visit", "customer_id": "a", "start_at": shop.at(90), "status": "cancelled"},
    )
    shop.hold("orders", {"customer_id": "a", "ordered_at": shop.at(80)})

    rows = past_visit_decisions(shop.space, ("sales",), shop.at(0)).rows

    assert list(zip(rows["customer_id"], rows["outcome"], strict=True)) == [("a", YES), ("b", NO)]


def test_what_came_after_a_decision_is_not_learned_from(shop: Any) -> None:
    visit = {"kind": "visit", "customer_id": "a", "start_at": shop.at(100), "status": "done"}
    shop.hold("customers", {"id": "a"})
    shop.hold("activities", visit)
    shop.hold("orders", *({"customer_id": "a", "ordered_at": shop.at(days), "amount": 1.0}
                          for days in (200, 99, 50)))  # fmt: skip
    now = shop.at(0)
    features = reduce_features(shop.space.store, ("sales",), now)

    decisions = past_visit_decisions(shop.space, ("sales",), now)
    then, today = learning_table(
        shop.space, ("sales",), decisions, pd.DataFrame(index=["a"]), features, now
    ).to_dict("records")

    assert (then["orders_count"], then["visits_count"], then["outcome"]) == (1, 0, YES)
    assert (today["orders_count"], today["visits_count"], today["outcome"]) == (3, 1, OPEN)


def test_campaign_members_are_decisions_of_the_campaigns_first_day(shop: Any) -> None:
    shop.hold("contacts", {"id": "p", "customer_id": "b"})
    shop.hold("campaigns", {"id": "old", "starts_on": "2026-01-05"},
              {"id": "new", "starts_on": "2026-02-25"}, {"id": "never"})  # fmt: skip
    shop.hold(
        "campaign_members",
        {"campaign_id": "old", "customer_id": "a", "status": "sent"},
        {"campaign_id": "old", "contact_id": "p", "status": "responded"},
        {"campaign_id": "old", "customer_id": "c", "status": "candidate"},
        {"campaign_id": "new", "customer_id": "a", "status": "responded"},
        {"campaign_id": "never", "customer_id": "a", "status": "responded"},
    )

    rows = past_campaign_decisions(shop.space, ("sales",), shop.at(0)).rows

    assert sorted(zip(rows["customer_id"], rows["outcome"], strict=True)) == [
        ("a", NO), ("b", YES),
    ]  # fmt: skip
    assert set(rows["at"]) == {1_767_571_200_000}  # 2026-01-05 00:00 UTC


def test_what_to_talk_about_is_kept_need_first_and_nothing_that_was_bought(shop: Any) -> None:
    shop.hold("customers", *({"id": f"c{n}"} for n in range(4)))
    shop.hold("products", {"id": "t", "name": "tea"}, {"id": "m", "name": "milk"})
    bought = [("c0", "t"), ("c0", "m"), ("c1", "t"), ("c1", "m"), ("c2", "t")]
    shop.hold(
        "order_lines",
        *({"customer_id": c, "product_id": p, "ordered_at": shop.at(9)} for c, p in bought),
    )
    shop.hold("needs", {"customer_id": "c2", "family": "cups", "strength": 0.7, "met": 0})

    analysed(shop)

    with shop.space.store.read() as tx:
        offers = load_offers(tx, ("sales",))
        held = latest_model(tx, offers_name("sales"))
    assert [(o.key.id, o.rank, o.product, o.why) for o in offers] == [
        ("c2", 1, "cups", "open need on record"),
        ("c2", 2, "milk", "most customers buy it"),
    ]
    assert held is not None
    assert "100 are the least" in json.loads(held.card)["verdict"]


def test_service_cases_and_low_satisfaction_are_needs_whose_reasons_sum(shop: Any) -> None:
    shop.hold("customers", *({"id": id_} for id_ in "abc"))
    case = {"source": "ticket", "strength": 0.2}
    shop.hold("needs", {"id": "1", "customer_id": "a", "met": 0, **case},
              {"id": "2", "customer_id": "b", "met": 1, **case})  # fmt: skip
    shop.hold("feedback", {"customer_id": "b", "expected": 5, "actual": 2.5,
                           "given_at": shop.at(9)})  # fmt: skip

    scored = analysed(shop).scored.frame

    needs = {id_: next(r.text for r in reasons if r.code.startswith("need."))
             for id_, reasons in scored["reasons"].items()}  # fmt: skip
    assert needs == {
        "a": "1 open service case",
        "b": "Satisfied to about 50 % of what it expected",
        "c": "No open need on record",
    }
    for reasons, score in zip(scored["reasons"], scored["score"], strict=True):
        assert sum(r.weight for r in reasons) == pytest.approx(score, abs=1e-9)
