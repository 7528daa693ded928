"""The figures of effect are sums over sums, against plans as they were published."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from crmbridge.jobs.showing.attainment import frequency_compliance, plan_attainment
from crmbridge.jobs.showing.ratios import ratio_facts, ratio_rows
from crmbridge.planning import Customer, Problem, Rep, dumps
from crmbridge.push.visits import visit_key
from crmbridge.records import from_millis
from crmbridge.store.plans import StoredPlan, save_plan

DAY = 86_400_000


def customer_key(id_: str) -> str:
    return f"sales/customers/{id_}"


def visit(id_: str, customer: str, start: int, rep: str = "ann") -> Any:
    at = from_millis(start)
    return SimpleNamespace(
        id=id_, customer=customer_key(customer), number=1, rep=rep, day=at.date(), start_at=at,
        end_at=at + timedelta(hours=1), zone="UTC", wall_start=at.replace(tzinfo=None), sequence=1,
        travel_minutes=None, value=50.0, fixedness="suggested", revision=0, reasons=(),
    )  # fmt: skip


def publish(shop: Any, id_: str, at: int | None, *visits: Any, problem: str = "{}") -> None:
    plan = StoredPlan(
        id=id_, connection="sales", run_id=1, created_at=at or 0, published_at=at,
        start_on="2026-02-01", days=14, input_digest="", seed=1, parameters="{}", problem=problem,
        summary="{}",
    )  # fmt: skip
    with shop.space.store.write() as tx:
        save_plan(tx, plan, visits)


def entry(id_: str, **fields: Any) -> dict[str, Any]:
    """What the calendar shows of a visit of ours."""
    return {"kind": "visit", "visit_key": visit_key("sales", id_), **fields}


def over_all(found: Any) -> tuple[int, int]:
    (one,) = [kept for kept in found if kept.by == "all"]
    return one.kept, one.promised


def test_a_visit_was_promised_by_the_plan_in_force_when_it_was_due(shop: Any) -> None:
    early, late = visit("v1", "a", shop.at(10)), visit("v2", "b", shop.at(4))
    publish(shop, "p1", shop.at(12), early, late)
    publish(shop, "p2", shop.at(6), early)  # v2 was moved away before it was due
    publish(shop, "p3", None, visit("v3", "c", shop.at(3)))  # never published
    shop.hold("activities", entry("v1", start_at=shop.at(10)), entry("v2", start_at=shop.at(4)))

    assert over_all(plan_attainment(shop.space)) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "kept"),
    [({"status": "done"}, 1), ({"status": "planned"}, 1), ({"status": "missed"}, 0),
     ({"status": "cancelled"}, 0)],
)  # fmt: skip
def test_an_entry_that_stands_was_made(shop: Any, fields: dict[str, Any], kept: int) -> None:
    publish(shop, "p", shop.at(12), visit("v", "a", shop.at(10)))
    shop.hold("activities", entry("v", start_at=shop.at(10), **fields))

    assert over_all(plan_attainment(shop.space)) == (kept, 1)


@pytest.mark.parametrize(("days", "kept"), [(8, 1), (2, 0)])
def test_without_an_entry_a_visit_near_it_counts(shop: Any, days: int, kept: int) -> None:
    publish(shop, "p", shop.at(12), visit("v", "a", shop.at(10)))
    shop.hold("activities", {"kind": "visit", "customer_id": "a", "status": "done",
                             "start_at": shop.at(days)})  # fmt: skip

    assert over_all(plan_attainment(shop.space)) == (kept, 1)


def test_attainment_is_told_by_rep_and_period(shop: Any) -> None:
    publish(shop, "p", shop.at(40), visit("v", "a", shop.at(39)),
            visit("w", "b", shop.at(1), "ben"))  # fmt: skip
    shop.hold("activities", entry("v", start_at=shop.at(39)))

    found = {(one.by, one.group): one.sentence for one in plan_attainment(shop.space)}

    assert found["rep", "ben"] == "0 of 1 visits as published were made (0 %)"
    assert found["period", "2026-01"] == "1 of 1 visits as published were made (100 %)"
    assert set(found) == {("all", "all"), ("rep", "ann"), ("rep", "ben"), ("period", "2026-01"),
                          ("period", "2026-03")}  # fmt: skip


def test_nothing_published_is_a_sentence(shop: Any) -> None:
    (one,) = plan_attainment(shop.space)
    (other,) = [kept for kept in frequency_compliance(shop.space) if kept.by == "all"]

    assert (one.share, one.sentence) == (None, "No published visit was due, so there is no share")
    assert other.sentence == "No published plan with intervals, so no share"


def planned(id_: str, every: int | None, barred: str = "") -> Customer:
    return Customer(key=customer_key(id_), owner="ann", minutes=30, every_days=every,
                    min_gap_days=1, barred=barred, value=1.0)  # fmt: skip


def test_compliance_counts_customers_with_an_interval_by_the_plan_in_force(shop: Any) -> None:
    customers = (planned("a", 14), planned("b", 14), planned("c", 14), planned("d", None),
                 planned("e", 14, "no consent"))  # fmt: skip
    problem = Problem(
        connection="sales", first=datetime(2026, 3, 2, tzinfo=UTC).date(), days=14,
        now=datetime(2026, 3, 2, tzinfo=UTC), reps=(Rep(id="ann", zone="UTC"),),
        customers=customers,
    )  # fmt: skip
    publish(shop, "p", shop.at(3), problem=dumps(problem))
    for id_, days in (("a", 14), ("b", 15)):  # c was never visited
        shop.hold("activities", {"id": id_, "kind": "visit", "status": "done", "customer_id": id_,
                                 "start_at": shop.at(days)})  # fmt: skip

    assert over_all(frequency_compliance(shop.space)) == (1, 3)


def ratios(shop: Any, *groups: str) -> dict[tuple[str, str, str], str]:
    rows = ratio_rows(ratio_facts(shop.space, "sales"), groups)
    return {(by, group, name): sentence for by, group, name, _, sentence in rows}


def test_the_four_ratios_by_rep_and_period(shop: Any) -> None:
    shop.hold("reps", {"id": "r1", "name": "Ann"})
    shop.hold("customers", {"id": "a", "owner_id": "r1", "visit_interval_days": 73})
    done = {"kind": "visit", "status": "done", "customer_id": "a", "rep_id": "r1"}
    shop.hold("activities", {**done, "start_at": shop.at(40)}, {**done, "start_at": shop.at(5)})
    shop.hold("orders", {"customer_id": "a", "ordered_at": shop.at(35), "amount": 5.0})
    shop.hold("feedback", {"customer_id": "a", "needs": 4, "needs_met": 3, "expected": 5,
                           "actual": 4, "given_at": shop.at(5)})  # fmt: skip

    found = ratios(shop, "all", "rep", "period")

    assert found["all", "all", "plan_ratio"].endswith("1 of 2 (50 %)")
    assert found["all", "all", "strategy_ratio"].endswith("1 of 5 (20 %)")  # 365 / 73
    assert found["rep", "Ann", "needs_ratio"] == "Needs met: 3 of 4 (75 %)"
    assert found["rep", "Ann", "strategy_ratio"].endswith("1 of 5 (20 %)")
    assert found["period", "2026-02", "expectation_ratio"].endswith("4 of 5 (80 %)")
    assert found["period", "2026-01", "plan_ratio"].endswith("1 of 1 (100 %)")
    assert found["period", "2026-01", "strategy_ratio"].endswith("1 of 0.417 (240 %)")


def test_no_facts_are_sentences(shop: Any) -> None:
    found = ratios(shop, "all", "period", "customer_id")

    assert found == {} or all("0 of" not in text for text in found.values())


def test_feedback_of_more_than_a_year_ago_is_not_of_the_last_year(shop: Any) -> None:
    shop.hold("customers", {"id": "a"})
    row = {"customer_id": "a", "needs": 4}
    shop.hold("feedback", {**row, "needs_met": 0, "given_at": shop.at(400)},
              {**row, "needs_met": 3, "given_at": shop.at(5)})  # fmt: skip

    assert ratios(shop, "all")["all", "all", "needs_ratio"] == "Needs met: 3 of 4 (75 %)"
