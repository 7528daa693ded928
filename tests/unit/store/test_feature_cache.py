"""What is kept and brought up to date equals what a full reduction gives, after any history."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import text

from crmbridge.records import RecordKey, from_millis, to_millis
from crmbridge.store import Store, open_store
from crmbridge.store import feature_blocks as blocks_module
from crmbridge.store import feature_cache as cache_module
from crmbridge.store import features as features_module
from crmbridge.store.aliases import add_aliases
from crmbridge.store.erase import erase_person
from crmbridge.store.feature_blocks import blocks_of, kept_in, kept_in_rows, kept_of, row_texts
from crmbridge.store.feature_cache import current_features
from crmbridge.store.features import raw_of_all, raw_of_some, reduce_features
from crmbridge.store.persons import Person
from crmbridge.store.records import DELETED, LIVE, mark_records
from crmbridge.store.schema import features, touched
from crmbridge.store.upsert import upsert_records

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
AT = to_millis(START)
DAY = 86_400_000
SOURCES = ("sales", "erp")
CUSTOMERS = [f"c{n}" for n in range(14)]

Row = dict[str, Any]


def put(store: Store, stream: str, row: Row, run: int = 1) -> None:
    whole = {"connection": "sales", "object": "O", "id": row["id"], **row}
    with store.write() as tx:
        upsert_records(tx, stream, [tuple(whole.values())], run, columns=tuple(whole))


def refuse(*_: object) -> None:
    raise AssertionError("all were reduced")


def check(store: Store, at: int) -> None:
    pd.testing.assert_frame_equal(
        current_features(store, SOURCES, at), reduce_features(store, SOURCES, at), check_exact=True
    )


class History:
    """Things that happen to a store by a seed."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store = store
        self.pick = random.Random(seed)
        self.now = AT
        self.run = 1
        self.merged: set[str] = set()

    def step(self) -> None:
        """One thing; facts come more often than merges."""
        self.run += 1
        things: list[Callable[[], None]] = [
            *[self.fact] * 8, *[self.clock] * 3, self.customer, self.contact, self.merge,
            self.delete, self.overwrite,
        ]  # fmt: skip
        self.pick.choice(things)()

    def fact(self) -> None:
        stream = self.pick.choice(
            ("activities", "activities", "orders", "order_lines", "deals", "campaign_members",
             "needs", "feedback")
        )  # fmt: skip
        head = {"connection": self.source(stream), "id": str(self.pick.randrange(12))}
        put(self.store, stream, {**head, **self.fields(stream)}, self.run)

    def source(self, stream: str) -> str:
        """Orders come from one connection only, so that the other's lines stand for orders."""
        return "sales" if stream == "orders" else self.pick.choice(SOURCES)

    def fields(self, stream: str) -> Row:
        pick = self.pick
        who: Row = {"customer_id": pick.choice([*CUSTOMERS, None])}
        if stream in ("activities", "campaign_members"):
            who["contact_id"] = pick.choice(["p1", "p2", "p3", None])
        if stream == "activities":
            kind = pick.choice(("visit", "visit", "call", "email", "meeting", "task"))
            status = pick.choice(("done", "planned", "cancelled", None))
            return {**who, "kind": kind, "status": status, **self.start()}
        if stream in ("orders", "order_lines"):
            number = {"order_id": pick.choice("12")} if stream == "order_lines" else {}
            return {**who, **number, "amount": self.amount(), "ordered_at": self.when()}
        if stream == "deals":
            ends = {"opened_on": self.day(), "closed_on": self.day()}
            flags = {"closed": pick.choice((0, 1)), "won": pick.choice((0, 1))}
            return {**who, "amount": self.amount(), **ends, **flags}
        if stream == "campaign_members":
            status = pick.choice(("sent", "responded", "candidate"))
            return {**who, "status": status, "responded_at": self.when()}
        if stream == "needs":
            return {**who, "strength": pick.random(), "met": pick.choice((0, 1))}
        return {**who, "expected": pick.random(), "needs": 3, "given_at": self.when()}

    def start(self) -> Row:
        if self.pick.random() < 0.3:
            return {"start_at": None, "due_on": self.day()}
        return {"start_at": self.when(), "due_on": None}

    def amount(self) -> float:
        return round(self.pick.random() * 1000, 2)

    def when(self) -> int | None:
        """Often near an edge of a window."""
        if self.pick.random() < 0.1:
            return None
        edge = self.pick.choice((0, 90, 365, 730, 200))
        return self.now - edge * DAY + self.pick.randrange(-4 * DAY, 4 * DAY)

    def day(self) -> str | None:
        days = self.pick.choice((None, -3, -1, 0, 1, 2, 90))
        on = from_millis(self.now).date()
        return None if days is None else (on - timedelta(days=days)).isoformat()

    def clock(self) -> None:
        """Mostly on; sometimes a run is told to work with an earlier moment."""
        self.now += self.pick.choice((1, 3_600_000, DAY, 3 * DAY, 40 * DAY, -2 * DAY))

    def customer(self) -> None:
        object_ = self.pick.choice(("O", "O", "P"))
        put(self.store, "customers", {"object": object_, "id": self.pick.choice(CUSTOMERS)})

    def contact(self) -> None:
        object_ = self.pick.choice(("O", "P"))
        row = {"object": object_, "id": self.pick.choice(("p1", "p2", "p3"))}
        put(self.store, "contacts", {**row, "customer_id": self.pick.choice([*CUSTOMERS, None])})

    def merge(self) -> None:
        loser, winner = self.pick.sample(CUSTOMERS, 2)
        with self.store.write() as tx:
            add_aliases(tx, "sales", "O", [(loser, winner)], self.now)
            mark_records(tx, "customers", ("sales", "O"), [loser], DELETED, self.run)

    def delete(self) -> None:
        stream = self.pick.choice(("customers", "activities", "orders", "deals"))
        ids = CUSTOMERS if stream == "customers" else [str(n) for n in range(12)]
        state = self.pick.choice((LIVE, DELETED))
        with self.store.write() as tx:
            key = (self.source("orders"), "O")
            mark_records(tx, stream, key, [self.pick.choice(ids)], state, self.run)

    def overwrite(self) -> None:
        """As what we wrote ourselves is written over: no run is marked."""
        with self.store.write() as tx:
            tx.execute(
                text("UPDATE activities SET customer_id = :customer WHERE id = :id"),
                {"customer": self.pick.choice(CUSTOMERS), "id": str(self.pick.randrange(12))},
            )


def lived_in(store: Store, seed: int) -> History:
    history = History(store, seed)
    for id_ in CUSTOMERS:
        put(store, "customers", {"id": id_})
    put(store, "orders", {"id": "0"})
    for _ in range(30):
        history.fact()
    return history


@pytest.mark.parametrize("seed", range(3))
def test_after_any_history_it_equals_a_full_reduction(
    store: Store, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = lived_in(store, seed)
    check(store, history.now)
    monkeypatch.setattr(cache_module, "_ALL_AGAIN", 2.0)
    monkeypatch.setattr(cache_module, "_all_anew", refuse)
    for _ in range(10):
        for _ in range(history.pick.randrange(4)):
            history.step()
        check(store, history.now)


def test_only_customers_with_news_are_reduced_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = lived_in(store, 1)
    check(store, AT)
    asked: list[tuple[str, ...]] = []

    def watched(tx: Any, sources: Any, as_of: int, ids: tuple[str, ...]) -> pd.DataFrame:
        asked.append(ids)
        return raw_of_some(tx, sources, as_of, ids)

    monkeypatch.setattr(cache_module, "raw_of_some", watched)
    check(store, AT)
    put(store, "activities", {"id": "new", "kind": "call", "customer_id": "c3", "start_at": AT})
    put(store, "orders", {"id": "0", "customer_id": "c5", "ordered_at": AT})
    check(store, AT)
    put(store, "orders", {"id": "0", "customer_id": "c6", "ordered_at": AT})
    check(store, AT)
    put(store, "orders", {"id": "0", "customer_id": "c6", "ordered_at": AT})  # equal
    check(store, history.now)

    assert asked == [(), ("c3", "c5"), ("c5", "c6"), ()]


def test_the_clock_touches_only_those_of_whom_a_fact_crosses_an_edge(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for id_ in CUSTOMERS:
        put(store, "customers", {"id": id_})
    call = {"kind": "call", "customer_id": "c1", "start_at": AT - 89 * DAY}
    put(store, "activities", {**call, "id": "1"})
    put(store, "activities", {**call, "id": "2", "customer_id": "c2", "start_at": AT - 30 * DAY})
    put(store, "deals", {"id": "1", "customer_id": "c3", "opened_on": "2026-03-04"})
    check(store, AT)
    monkeypatch.setattr(cache_module, "_all_anew", refuse)
    monkeypatch.setattr(cache_module, "_ALL_AGAIN", 2.0)

    touched_by = []
    for at in (AT, AT + DAY - 1, AT + DAY, AT + 2 * DAY, AT):
        with store.read() as tx:
            held = cache_module._load(tx, "sales")
            now = cache_module._state_now(tx, SOURCES)
        none = cache_module.News(customers=frozenset(), numbers=())
        touched_by.append(cache_module._to_reduce(held, none, now, now, at))
        check(store, at)

    assert touched_by == [(), (), ("c1",), ("c3",), ("c1", "c3")]


def test_blocks_are_written_anew_when_enough_was_reduced_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived_in(store, 2)
    check(store, AT)
    monkeypatch.setattr(cache_module, "_all_anew", refuse)
    monkeypatch.setattr(cache_module, "_BLOCKS_ANEW", 0.2)
    beside = []
    for number in range(4):
        put(store, "needs", {"id": f"new{number}", "customer_id": f"c{number}", "strength": 0.5})
        check(store, AT)
        with store.read() as tx:
            beside.append(len(tx.execute(features.select()).all()))

    assert beside == [1, 2, 0, 1]


def test_what_was_read_of_the_log_is_forgotten(store: Store) -> None:
    lived_in(store, 3)
    check(store, AT)
    put(store, "orders", {"id": "0", "customer_id": "c5", "ordered_at": AT})
    with store.read() as tx:
        assert tx.execute(touched.select()).all()

    check(store, AT)

    with store.read() as tx:
        assert not tx.execute(touched.select()).all()


def test_what_changes_during_a_full_reduction_is_reduced_the_next_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived_in(store, 4)

    def meanwhile(opened: Store, sources: tuple[str, ...], as_of: int) -> pd.DataFrame:
        found = raw_of_all(opened, sources, as_of)
        put(opened, "needs", {"id": "late", "customer_id": "c2", "strength": 0.9})
        put(opened, "orders", {"id": "0", "customer_id": "c5", "ordered_at": AT})
        return found

    monkeypatch.setattr(cache_module, "raw_of_all", meanwhile)
    current_features(store, SOURCES, AT)
    monkeypatch.setattr(cache_module, "_all_anew", refuse)

    check(store, AT)


def test_of_two_reductions_at_once_the_slower_one_keeps_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived_in(store, 5)
    check(store, AT)
    put(store, "needs", {"id": "a", "customer_id": "c2", "strength": 0.9})

    def meanwhile(tx: Any, sources: Any, as_of: int, ids: tuple[str, ...]) -> pd.DataFrame:
        return raw_of_some(tx, sources, as_of, ids).assign(needs_total=99.0)

    monkeypatch.setattr(cache_module, "raw_of_some", meanwhile)
    slower = cache_module._update(store, SOURCES, AT)
    monkeypatch.undo()
    check(store, AT)
    assert slower is not None
    cache_module._keep(store, SOURCES, slower, AT, 1)

    check(store, AT)


def test_after_an_erasure_nothing_kept_remains_and_all_is_right(store: Store) -> None:
    lived_in(store, 6)
    check(store, AT)
    put(store, "orders", {"id": "0", "customer_id": "c5", "ordered_at": AT})
    person = Person(
        contacts=frozenset(), customers=frozenset({RecordKey("sales", "O", "c5")}),
        addresses=frozenset(),
    )  # fmt: skip

    erase_person(store, person, AT)

    with store.read() as tx:
        for table in ("feature_blocks", "feature_states", "touched"):
            assert tx.scalar(text(f"SELECT count(*) FROM {table}")) == 0
    check(store, AT)
    put(store, "needs", {"id": "b", "customer_id": "c2", "strength": 0.9})
    check(store, AT)


def test_a_connection_that_joins_makes_all_be_reduced(store: Store) -> None:
    lived_in(store, 7)
    current_features(store, ("sales",), AT)

    check(store, AT)


def test_duckdb_and_sqlite_add_up_to_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store("sqlite:///store.db", base=tmp_path)
    history = lived_in(store, 8)
    monkeypatch.setattr(features_module, "FAST_FROM", 0)
    check(store, AT)
    monkeypatch.setattr(features_module, "FAST_FROM", 10**9)
    for _ in range(6):
        history.step()
    check(store, history.now)


def test_packed_numbers_are_the_same_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_module, "CUSTOMERS", 2)
    nan = float("nan")
    frame = pd.DataFrame(
        {"object": ["O"] * 4 + ["P"], "n": [0, 255, 3, 1, 1], "x": [0.1, nan, -1, 256, nan],
         "same": [7.5] * 5, "none": [nan] * 5},
        index=["a", "b", "c", "ü", "ü"],
    )  # fmt: skip
    columns = ("n", "x", "same", "none")
    kept = kept_of(frame, columns)

    for again in (
        kept_in(list(blocks_of(kept)), columns),
        kept_in_rows(list(row_texts(["ü", "a", "b", "c"], kept)), columns),
    ):
        pd.testing.assert_frame_equal(again.frame(), kept.frame(), check_exact=True)


def test_a_merge_alone_moves_the_facts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for id_ in CUSTOMERS:
        put(store, "customers", {"id": id_})
    put(store, "needs", {"id": "1", "customer_id": "c1", "strength": 0.9})
    check(store, AT)
    monkeypatch.setattr(cache_module, "_all_anew", refuse)

    with store.write() as tx:
        add_aliases(tx, "sales", "O", [("c1", "c2")], AT)

    check(store, AT)
    assert current_features(store, SOURCES, AT).loc["c2", "open_needs"] == 1
