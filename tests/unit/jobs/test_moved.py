"""Whom visits move is learned where some were held out, kept, and takes the chance's place."""

import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from crmbridge.jobs.analysis.chances import CAMPAIGNS, VISITS
from crmbridge.jobs.analysis.customers import analyse
from crmbridge.jobs.analysis.moved import campaign_trials, known_moved, visit_trials
from crmbridge.records import RecordKey, to_millis
from crmbridge.store.campaigns import Candidate, save_candidates
from crmbridge.store.models import Model, save_model
from crmbridge.store.scores import load_scores
from crmbridge.store.upsert import upsert_records

DAY = 86_400_000
SHARE = "\n[planning]\nholdout_share = 0.5\n"
COUNT = 2400


def keep_arms(shop: Any, arms: dict[str, str], days: int) -> None:
    payload = json.dumps({id_: [arm, "r", shop.at(days)] for id_, arm in arms.items()})
    model = Model(name="holdout/sales/0.5", version="holdout-1", payload=payload, card="{}",
                  fitted_at=shop.at(days))  # fmt: skip
    with shop.space.store.write() as tx:
        save_model(tx, model)


def hold(shop: Any, stream: str, rows: list[dict[str, Any]]) -> None:
    names = ("connection", "object", "id", *rows[0])
    tuples = [("sales", stream, f"{stream}{n}", *row.values()) for n, row in enumerate(rows)]
    with shop.space.store.write() as tx:
        upsert_records(tx, stream, tuples, 1, columns=names)


def tried(open_shop: Any, added: Callable[[int], float]) -> Any:
    """Half are held out; three of ten order anyway, and a visit adds to that by who it is.

    Odd customers are shops, the others farms: that is what can be learned from.
    """
    shop, draw = open_shop(SHARE), random.Random(3)
    hold(shop, "customers", [{"industry": ("farm", "shop")[n % 2]} for n in range(COUNT)])
    arms, orders = {}, []
    for n in range(COUNT):
        id_ = f"customers{n}"
        arms[id_] = "visited" if draw.random() < 0.5 else "held out"
        if draw.random() < 0.3 + (added(n) if arms[id_] == "visited" else 0.0):
            orders.append({"customer_id": id_, "ordered_at": shop.at(30), "amount": 1.0})
    hold(shop, "orders", orders)
    keep_arms(shop, arms, 40)
    return shop


def test_a_targeting_gain_is_a_part_of_the_score_whose_reasons_sum(open_shop: Any) -> None:
    shop = tried(open_shop, lambda n: 0.5 if n % 2 else 0.0)

    found = analyse(shop.space, "sales", ("sales",))

    moved = known_moved(shop.space, "sales", VISITS)
    assert moved is not None
    assert moved.card["verdict"].startswith("Targeting gains: Qini ")
    assert moved.of["customers1"] > 0.3 > 0.2 > moved.of["customers2"]
    assert moved.usual == pytest.approx(0.25, abs=0.05)
    told = {r.text for reasons in found.scored.frame["reasons"] for r in reasons}
    assert "A visit adds an order in 4 of 10 cases, usually in 2 of 10 cases" in told
    with shop.space.store.read() as tx:
        scores = load_scores(tx, ("sales",))
    assert {score.model for score in scores} == {"transparent-1+uplift of visits"}
    for score in scores[:50]:
        assert sum(r.weight for r in score.reasons) == pytest.approx(score.score, abs=1e-9)


def test_where_a_visit_moves_all_alike_there_is_no_targeting_gain(open_shop: Any) -> None:
    shop = tried(open_shop, lambda n: 0.2)

    found = analyse(shop.space, "sales", ("sales",))

    moved = known_moved(shop.space, "sales", VISITS)
    assert moved is not None
    assert moved.of == {}
    assert moved.card["verdict"].startswith("No targeting gain")
    assert "uplift" not in found.features.columns


def test_without_a_control_group_the_verdict_says_so(shop: Any) -> None:
    shop.hold("customers", {"id": "a"})

    analyse(shop.space, "sales", ("sales",))

    for what in (VISITS, CAMPAIGNS):
        moved = known_moved(shop.space, "sales", what)
        assert moved is not None
        assert moved.of == {}
        assert moved.card["verdict"].startswith("Not learned: nobody was left alone by lot")


def test_a_trial_counts_once_its_outcome_can_be_known(open_shop: Any) -> None:
    shop = open_shop(SHARE)
    shop.hold("orders", {"customer_id": "a", "ordered_at": shop.at(25)},
              {"customer_id": "b", "ordered_at": shop.at(5)})  # fmt: skip
    keep_arms(shop, {"a": "visited", "b": "held out"}, 40)

    rows = visit_trials(shop.space, "sales", ("sales",)).rows
    young = shop.space.clock.now() - timedelta(days=20)
    keep_arms(shop, {"a": "visited"}, 20)

    assert list(zip(rows["customer_id"], rows["arm"], rows["outcome"], strict=True)) == [
        ("a", "treated", 1.0), ("b", "control", 0.0),
    ]  # fmt: skip
    assert to_millis(young) == shop.at(20)
    assert visit_trials(shop.space, "sales", ("sales",)).rows.empty


def test_a_campaigns_holdout_is_a_control_group(shop: Any) -> None:
    shop.hold("orders", {"customer_id": "a", "ordered_at": shop.at(35)})
    people = [("p", "a", "", "campaign"), ("q", "b", "holdout", "holdout"),
              ("r", "c", "member", "campaign"), ("s", "d", "recent", "")]  # fmt: skip
    with shop.space.store.write() as tx:
        save_candidates(tx, "spring", [
            Candidate(campaign="spring", key=RecordKey("sales", "contacts", id_),
                      customer_id=customer, reason=reason, arm=arm, score=0.5,
                      decided_at=shop.at(40), run_id=1)
            for id_, customer, reason, arm in people
        ])  # fmt: skip

    rows = campaign_trials(shop.space, "sales", ("sales",)).rows

    assert list(zip(rows["customer_id"], rows["arm"], rows["outcome"], strict=True)) == [
        ("a", "treated", 1.0), ("b", "control", 0.0), ("c", "treated", 0.0),
    ]  # fmt: skip
