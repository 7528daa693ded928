"""Customers are held out of plans by lot, and what visits brought is measured against them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crmbridge.clock import StandingClock
from crmbridge.engine.visit_effect import HELD_OUT
from crmbridge.jobs.analysis.customers import analyse
from crmbridge.jobs.analysis.holdout import (
    Measured,
    draw_holdout,
    drawn_arms,
    effect_document,
    measured_effect,
)
from crmbridge.jobs.territory.gathering import gather
from crmbridge.records import to_millis
from crmbridge.store.plans import StoredPlan, save_plan
from crmbridge.store.upsert import upsert_records

REPS, EACH, DAYS = 20, 15, 40
SHARE = "\n[planning]\nholdout_share = 0.2\n"

OpenShop = Callable[..., Any]


def people(count: int) -> pd.DataFrame:
    ids = [f"c{n}" for n in range(count)]
    return pd.DataFrame({"owner_id": [f"r{n % REPS}" for n in range(count)]}, index=ids)


def arms_of(shop: Any, share: float = 0.2) -> dict[str, tuple[str, str, int]]:
    with shop.space.store.read() as tx:
        return drawn_arms(tx, "sales", share)


def publish(shop: Any, at: int) -> None:
    plan = StoredPlan(
        id="p", connection="sales", run_id=1, created_at=at, published_at=at + 1,
        start_on="2026-03-02", days=14, input_digest="", seed=1, parameters="{}", problem="{}",
        summary="{}",
    )  # fmt: skip
    with shop.space.store.write() as tx:
        save_plan(tx, plan, ())


def later(shop: Any, days: int) -> Any:
    clock = StandingClock(shop.space.clock.now() + timedelta(days=days))
    return replace(shop, space=replace(shop.space, clock=clock))


def ordered(shop: Any, brought: float) -> None:
    """Each customer orders once before its arm was drawn and once after; visits add something."""
    draw, start = np.random.default_rng(5), to_millis(shop.space.clock.now())
    rows: list[tuple[Any, ...]] = []
    for n, (id_, (arm, _, _)) in enumerate(sorted(arms_of(shop).items())):
        size = 100 + draw.normal(0, 20)
        after = size + draw.normal(0, 5) + (0 if arm == HELD_OUT else brought)
        rows += [
            ("sales", "orders", f"b{n}", id_, start - 86_400_000, size),
            ("sales", "orders", f"a{n}", id_, start + 86_400_000, after),
        ]
    names = ("connection", "object", "id", "customer_id", "ordered_at", "amount")
    with shop.space.store.write() as tx:
        upsert_records(tx, "orders", rows, 1, columns=names)


def measured(shop: Any, brought: float) -> Measured:
    draw_holdout(shop.space, "sales", people(REPS * EACH))
    publish(shop, to_millis(shop.space.clock.now()))
    ordered(shop, brought)
    return measured_effect(later(shop, DAYS).space, "sales", ("sales",))


def test_each_reps_customers_are_held_out_by_the_share_and_stay(open_shop: OpenShop) -> None:
    shop = open_shop(SHARE)
    draw_holdout(shop.space, "sales", people(200))
    before = arms_of(shop)

    draw_holdout(later(shop, 1).space, "sales", people(300))

    after = arms_of(shop)
    assert Counter(arm for arm, _, _ in before.values())[HELD_OUT] == 40
    assert set(Counter(rep for arm, rep, _ in before.values() if arm == HELD_OUT).values()) == {2}
    assert {id_: after[id_] for id_ in before} == before
    assert len(after) == 300


def test_another_share_draws_anew_and_none_holds_nobody_out(open_shop: OpenShop) -> None:
    shop = open_shop()

    draw_holdout(shop.space, "sales", people(20))

    assert arms_of(shop, 0.0) == arms_of(shop, 0.2) == {}


def test_who_is_held_out_is_barred_from_plans_with_the_reason(open_shop: OpenShop) -> None:
    shop = open_shop(SHARE)
    shop.hold("customers", *({"id": f"c{n}", "owner_id": "r"} for n in range(20)))
    analyse(shop.space, "sales", ("sales",))

    known = gather(shop.space, shop.space.clock.now().date()).known

    barred = known.barred
    held = {id_ for id_, (arm, _, _) in arms_of(shop).items() if arm == HELD_OUT}
    assert len(held) == 4
    assert {k.id for k, why in barred.items() if why.startswith("held out, to measure")} == held
    assert {k.id for k, how in known.lifts.items() if "planning.holdout_share" in how} == held


def test_a_planted_effect_is_found_with_its_interval(open_shop: OpenShop) -> None:
    found = effect_document(measured(open_shop(SHARE), 30.0))

    assert found["ci_low"] < 30 < found["ci_high"]
    assert found["ci_low"] > 20
    assert (found["visited"], found["held_out"], found["since"]) == (240, 60, "2026-03-02")
    assert found["verdict"].startswith("visited raised the amount ordered +")


def test_no_effect_is_inconclusive(open_shop: OpenShop) -> None:
    assert measured(open_shop(SHARE), 0.0).sentence.startswith("visited is inconclusive: ")


def test_orders_of_newcomers_count_from_their_own_draw(open_shop: OpenShop) -> None:
    shop = open_shop(SHARE)
    draw_holdout(shop.space, "sales", people(200))
    publish(shop, to_millis(shop.space.clock.now()))
    draw_holdout(later(shop, 35).space, "sales", people(300))

    found = measured_effect(later(shop, 40).space, "sales", ("sales",))

    assert found.effect is not None
    assert found.effect.visited.units + found.effect.held_out.units == 200


@pytest.mark.parametrize(
    ("more", "steps", "days", "sentence"),
    [
        ("", (), 40, "Not measured: planning.holdout_share leaves nobody out of the plans"),
        (SHARE, (), 40, "Not measured yet: customers are held out from the next analysis on"),
        (SHARE, ("draw",), 40, "Not measured yet: no plan was published since customers are held"),
        (SHARE, ("draw", "publish"), 9, "Customers are held out since 2026-03-02: what visits"),
    ],
    ids=["no share", "not drawn", "no plan", "too early"],
)
def test_what_cannot_be_known_yet_is_a_sentence(
    open_shop: OpenShop, more: str, steps: tuple[str, ...], days: int, sentence: str
) -> None:
    shop = open_shop(more)
    if "draw" in steps:
        draw_holdout(shop.space, "sales", people(20))
    if "publish" in steps:
        publish(shop, to_millis(shop.space.clock.now()))

    found = measured_effect(later(shop, days).space, "sales", ("sales",))

    assert found.sentence.startswith(sentence)
    assert effect_document(found)["effect"] is None
