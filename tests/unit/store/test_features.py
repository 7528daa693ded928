"""Features equal an independent computation, on both databases, as of any moment."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from crmbridge.records import to_millis
from crmbridge.store import Store, open_store
from crmbridge.store import features as features_module
from crmbridge.store.aliases import add_aliases
from crmbridge.store.features import COUNTS, FEATURES, reduce_features
from crmbridge.store.records import DELETED, mark_records
from crmbridge.store.upsert import upsert_records

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
AS_OF = to_millis(NOW)
DAY = 86_400_000
SOURCES = ("sales", "erp")


def at(days: float) -> int:
    """Milliseconds of so many days before the decision time."""
    return AS_OF - int(days * DAY)


def day(days: float) -> str:
    return (NOW - timedelta(days=days)).date().isoformat()


def hold(store: Store, stream: str, *records: dict[str, Any], run: int = 1) -> None:
    for number, record in enumerate(records):
        whole = {"connection": "sales", "object": stream, "id": f"{stream}{number}", **record}
        with store.write() as tx:
            row = tuple(whole.values())
            upsert_records(tx, stream, [row], run, columns=tuple(whole))


def features(store: Store, id_: str = "a") -> dict[str, Any]:
    row = reduce_features(store, SOURCES, AS_OF).loc[id_]
    return {str(name): value for name, value in row.items()}


def test_a_customer_without_facts_has_zeros_and_gaps(store: Store) -> None:
    hold(store, "customers", {"id": "a"})

    found = reduce_features(store, SOURCES, AS_OF)

    assert list(found.columns) == ["object", *FEATURES]
    assert (found[list(COUNTS)] == 0).all(axis=None)
    assert found[["last_visit_days", "last_order_days", "response_rate"]].isna().all(axis=None)


def test_a_store_without_customers_gives_an_empty_frame(store: Store) -> None:
    assert len(reduce_features(store, SOURCES, AS_OF)) == 0


def test_visits_count_by_window_and_only_if_they_happened(store: Store) -> None:
    visit = {"kind": "visit", "customer_id": "a"}
    hold(store, "customers", {"id": "a"})
    hold(
        store,
        "activities",
        {**visit, "start_at": at(10), "status": "done"},
        {**visit, "start_at": at(100)},
        {**visit, "due_on": day(400)},
        {**visit, "start_at": at(5), "status": "cancelled"},
        {**visit, "start_at": at(4), "status": "planned"},
        {**visit, "start_at": at(-3), "status": "planned"},
        {**visit, "start_at": at(-1), "status": "done"},
        {**visit, "start_at": at(2), "kind": "absence"},
    )

    found = features(store)

    assert [found[f"visits_count{w}"] for w in ("", "_90", "_365")] == [4, 2, 3]
    assert found["last_visit_days"] == 4  # planned, past, and nobody called it off
    assert found["last_activity_days"] == 4
    assert found["next_planned_days"] == 3
    # 400 days ago begins at midnight: 400 days and 8 hours before 08:00, three gaps in between.
    assert found["days_between_visits_mean"] == pytest.approx((400 + 8 / 24 - 4) / 3)


def test_orders_of_later_do_not_count_and_cancelled_ones_never(store: Store) -> None:
    hold(store, "customers", {"id": "a"})
    hold(
        store,
        "orders",
        {"customer_id": "a", "ordered_at": at(1), "amount": 100.0},
        {"customer_id": "a", "ordered_at": at(400), "amount": 10.0, "connection": "erp"},
        {"customer_id": "a", "ordered_at": at(2), "amount": 7.0, "status": "Cancelled"},
        {"customer_id": "a", "ordered_at": at(-1), "amount": 1000.0},
    )

    found = features(store)

    assert (found["orders_count"], found["orders_amount"]) == (2, 110)
    assert (found["orders_amount_365"], found["orders_amount_prev_365"]) == (100, 10)
    assert (found["last_order_days"], found["first_order_days"]) == (1, 400)
    assert found["orders_amount_mean"] == 55


def test_lines_make_orders_where_a_source_has_no_orders(store: Store) -> None:
    line = {"customer_id": "a", "ordered_at": at(3), "connection": "erp"}
    hold(store, "customers", {"id": "a"})
    hold(
        store,
        "order_lines",
        {**line, "order_id": "1", "amount": 5.0},
        {**line, "order_id": "1", "amount": 6.0},
        {**line, "order_id": "2", "amount": 7.0},
    )

    found = features(store)

    assert (found["orders_count"], found["orders_amount"], found["order_days"]) == (2, 18, 1)


def test_a_deal_that_closed_later_was_open_at_the_time(store: Store) -> None:
    deal = {"customer_id": "a", "amount": 10.0, "opened_on": day(50)}
    hold(store, "customers", {"id": "a"})
    hold(
        store,
        "deals",
        {**deal, "closed": 1, "won": 1, "closed_on": day(1)},
        {**deal, "closed": 1, "won": 1, "closed_on": day(-1)},
        {**deal, "closed": 1, "won": 0, "closed_on": day(1)},
        {**deal, "closed": 0, "won": None, "closed_on": day(-90)},
        {**deal, "opened_on": day(-1)},
    )

    found = features(store)

    assert (found["won_deals"], found["won_amount"], found["lost_deals"]) == (1, 10, 1)
    assert (found["open_deals"], found["open_deal_amount"]) == (2, 20)


def test_members_needs_and_feedback_are_summed_up(store: Store) -> None:
    hold(store, "customers", {"id": "a"})
    hold(
        store,
        "campaign_members",
        {"customer_id": "a", "status": "sent"},
        {"customer_id": "a", "status": "responded", "responded_at": at(1)},
        {"customer_id": "a", "status": "responded", "responded_at": at(-1)},
        {"customer_id": "a", "status": "candidate"},
    )
    hold(
        store,
        "needs",
        {"customer_id": "a", "strength": 0.4},
        {"customer_id": "a", "strength": 0.9, "met": 1},
    )
    hold(
        store,
        "feedback",
        {"customer_id": "a", "expected": 8.0, "actual": 6.0, "needs": 4, "needs_met": 3},
        {"customer_id": "a", "expected": 6.0, "actual": 7.0, "needs": 2, "given_at": at(-1)},
    )

    found = features(store)

    assert (found["campaign_sent"], found["response_rate"]) == (2, 0.5)
    assert (found["open_needs"], found["need_strength_max"]) == (1, 0.4)
    assert (found["feedback_expected_mean"], found["feedback_actual_mean"]) == (8, 6)
    assert (found["needs_total"], found["needs_met"]) == (4, 3)


def test_facts_of_a_contact_belong_to_its_customer(store: Store) -> None:
    hold(store, "customers", {"id": "a"}, {"id": "b"})
    hold(store, "contacts", {"id": "ann", "customer_id": "a"})
    hold(
        store,
        "activities",
        {"kind": "call", "contact_id": "ann", "start_at": at(1)},
        {"kind": "call", "contact_id": "ann", "customer_id": "b", "start_at": at(1)},
    )

    found = reduce_features(store, SOURCES, AS_OF)["calls_count"]

    assert found.to_dict() == {"a": 1, "b": 1}


def test_facts_of_a_merged_customer_belong_to_the_winner(store: Store) -> None:
    hold(store, "customers", {"id": "loser"}, {"id": "winner"})
    hold(store, "activities", {"kind": "call", "customer_id": "loser", "start_at": at(1)})
    with store.write() as tx:
        add_aliases(tx, "sales", "customers", [("loser", "winner")], 1)
        add_aliases(tx, "sales", "contacts", [("winner", "other")], 1)  # the same id elsewhere
        mark_records(tx, "customers", ("sales", "customers"), ["loser"], DELETED, 2)

    found = reduce_features(store, SOURCES, AS_OF)["calls_count"]
    again = reduce_features(store, SOURCES, AS_OF, ["winner"])["calls_count"]

    assert found.to_dict() == again.to_dict() == {"winner": 1}


def some_facts(count: int, customers: int, seed: int) -> dict[str, list[tuple[Any, ...]]]:
    pick = random.Random(seed)

    def number(top: float) -> float | None:
        return None if pick.random() < 0.1 else round(pick.random() * top, 2)

    def when() -> int | None:
        return None if pick.random() < 0.1 else at(pick.uniform(-30, 900))

    def head(n: int) -> tuple[str, str, str, str]:
        return (pick.choice(SOURCES), "O", str(n), f"c{pick.randrange(customers)}")

    kinds = ("visit", "call", "email", "meeting", "task", "web", None)
    statuses = ("done", "done", "planned", "missed", None)
    return {
        "customers": [("sales", "O", f"c{n}") for n in range(customers)],
        "activities": [
            (*head(n), pick.choice(kinds), pick.choice(statuses), when()) for n in range(count)
        ],
        "orders": [(*head(n), number(100), when()) for n in range(count)],
        "needs": [(*head(n), number(1), pick.choice((0, 1, None))) for n in range(count)],
    }


FIELDS = {
    "customers": (),
    "activities": ("customer_id", "kind", "status", "start_at"),
    "orders": ("customer_id", "amount", "ordered_at"),
    "needs": ("customer_id", "strength", "met"),
}


def expected_features(facts: dict[str, list[tuple[Any, ...]]]) -> pd.DataFrame:
    """The same numbers by pandas, from the rows themselves."""
    frames = {
        name: pd.DataFrame(rows, columns=["connection", "object", "id", *FIELDS[name]])
        for name, rows in facts.items()
    }
    result = pd.DataFrame(index=frames["customers"]["id"])
    acts = frames["activities"]
    acts = acts[acts.kind.notna() & ~acts.kind.isin(["task"])]
    made = acts.kind.eq("visit") & acts.status.eq("planned") & acts.start_at.notna()
    done = acts[acts.status.isna() | acts.status.eq("done") | made]
    done = done[done.start_at.isna() | (done.start_at <= AS_OF)]
    visits = done[done.kind == "visit"].groupby("customer_id")
    result["visits_count"] = visits.size()
    recent = done[(done.kind == "visit") & (done.start_at > at(90))]
    result["visits_count_90"] = recent.groupby("customer_id").size()
    result["last_visit_days"] = (AS_OF - visits.start_at.max()) / DAY
    spans = (visits.start_at.max() - visits.start_at.min()) / DAY
    gaps = visits.start_at.count() - 1
    result["days_between_visits_mean"] = (spans / gaps).where(gaps > 0)
    orders = frames["orders"]
    orders = orders[orders.ordered_at.isna() | (orders.ordered_at <= AS_OF)]
    result["orders_amount"] = orders.groupby("customer_id").amount.sum()
    earlier = orders[(orders.ordered_at <= at(365)) & (orders.ordered_at > at(730))]
    result["orders_amount_prev_365"] = earlier.groupby("customer_id").amount.sum()
    days = orders.assign(day=orders.ordered_at // DAY)
    result["order_days"] = days.groupby("customer_id").day.nunique()
    needs = frames["needs"]
    is_open = needs[needs.met.fillna(0) != 1].groupby("customer_id")
    result["open_needs"], result["need_strength_max"] = is_open.size(), is_open["strength"].max()
    counts = [name for name in result.columns if name in COUNTS]
    result[counts] = result[counts].fillna(0)
    return result.sort_index()


def hold_random_facts(store: Store, seed: int) -> dict[str, list[tuple[Any, ...]]]:
    facts = some_facts(600, 40, seed)
    for stream, rows in facts.items():
        columns = ("connection", "object", "id", *FIELDS[stream])
        with store.write() as tx:
            upsert_records(tx, stream, rows, 1, columns=columns)
    return facts


@pytest.mark.parametrize("seed", [1, 2])
def test_random_facts_give_what_pandas_gives(store: Store, seed: int) -> None:
    expected = expected_features(hold_random_facts(store, seed))

    found = reduce_features(store, SOURCES, AS_OF)
    some = reduce_features(store, SOURCES, AS_OF, ["c7", "c3"])

    pd.testing.assert_frame_equal(
        found[expected.columns], expected, check_dtype=False, check_names=False
    )
    pd.testing.assert_frame_equal(some, found.loc[["c3", "c7"]])


def test_duckdb_gives_what_sqlite_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store("sqlite:///o'dd name?.db", base=tmp_path)
    hold_random_facts(store, 3)
    visit = {"kind": "visit", "customer_id": None, "contact_id": "ann", "due_on": day(3)}
    hold(store, "contacts", {"id": "ann", "customer_id": "c1"})
    hold(store, "activities", *[visit] * 3)
    hold(store, "deals", {"customer_id": "c2", "amount": 5.0, "won": 1, "closed_on": day(1)})
    hold(store, "order_lines", {"customer_id": "c3", "order_id": "1", "amount": 5.0})
    with store.write() as tx:
        add_aliases(tx, "sales", "O", [("c9", "c8")], 1)
    by_sqlite = reduce_features(store, SOURCES, AS_OF)

    monkeypatch.setattr(features_module, "FAST_FROM", 0)
    monkeypatch.setattr(features_module, "_answers", None)  # it must not be used
    by_duckdb = reduce_features(store, SOURCES, AS_OF)

    pd.testing.assert_frame_equal(by_duckdb, by_sqlite)
