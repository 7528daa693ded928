"""Counting, marking, sweeping and fetching records."""

import pytest

from crmbridge.records import RecordKey
from crmbridge.store import Store
from crmbridge.store import records as queries
from crmbridge.store.records import DELETED, LIVE, MISSING
from crmbridge.store.upsert import upsert_records

COLUMNS = ("connection", "object", "id", "name", "number")
ACCOUNT = ("sales", "Account")


def hold(store: Store, *ids: str, connection: str = "sales", object_: str = "Account") -> None:
    rows = [(connection, object_, id_, f"Name {id_}", f"N{id_}") for id_ in ids]
    with store.write() as tx:
        upsert_records(tx, "customers", rows, 1, columns=COLUMNS)


def mark(store: Store, *ids: str, state: int = DELETED) -> int:
    with store.write() as tx:
        return queries.mark_records(tx, "customers", ACCOUNT, ids, state, run_id=2)


def test_only_live_records_are_counted(store: Store) -> None:
    hold(store, "a", "b", "c")
    hold(store, "a", connection="other")
    mark(store, "b")

    with store.read() as tx:
        assert queries.count_live(tx, "customers", *ACCOUNT) == 2
        assert queries.count_by_state(tx, "customers", "sales") == {
            ("Account", LIVE): 2, ("Account", DELETED): 1,
        }  # fmt: skip


def test_marking_counts_only_what_changed(store: Store) -> None:
    hold(store, "a", "b")

    assert mark(store, "a", "never held", state=MISSING) == 1
    assert mark(store, "a", state=MISSING) == 0
    assert mark(store, "a", state=DELETED) == 1


def test_a_sweep_finds_what_is_absent_and_what_returned(store: Store) -> None:
    hold(store, "a", "b", "c", "d")
    hold(store, "b", object_="Lead")
    mark(store, "d", state=MISSING)

    with store.read() as tx:
        queries.begin_sweep(tx)
        queries.add_seen(tx, ["a", "d"])
        queries.add_seen(tx, ["d", "new"])

        assert queries.absent(tx, "customers", *ACCOUNT) == ["b", "c"]
        assert queries.returned(tx, "customers", *ACCOUNT) == ["d"]


def test_a_second_sweep_begins_with_nothing_seen(store: Store) -> None:
    hold(store, "a")

    with store.read() as tx:
        queries.begin_sweep(tx)
        queries.add_seen(tx, ["a"])
        queries.begin_sweep(tx)

        assert queries.absent(tx, "customers", *ACCOUNT) == ["a"]


def test_a_long_sweep_keeps_no_writer_waiting(store: Store) -> None:
    hold(store, "a")

    with store.read() as tx:
        queries.begin_sweep(tx)
        queries.add_seen(tx, ["a"])
        hold(store, "b")  # another connection commits meanwhile

        assert queries.absent(tx, "customers", *ACCOUNT) in ([], ["b"])


def test_records_are_fetched_by_id_whatever_their_state(store: Store) -> None:
    hold(store, *(str(n) for n in range(1200)))
    mark(store, "7")

    with store.read() as tx:
        found = queries.fetch_records(
            tx, "customers", ACCOUNT, [*map(str, range(1200)), "none"], ("name", "number")
        )

    assert len(found) == 1200
    assert found["7"] == ("Name 7", "N7")


def test_live_records_of_several_connections_come_in_key_order(store: Store) -> None:
    hold(store, "b", "a", "c")
    hold(store, "z", connection="hours")
    hold(store, "q", connection="unrelated")
    mark(store, "c")

    with store.read() as tx:
        rows = list(queries.iterate_records(tx, "customers", ("sales", "hours"), ("id",)))

    assert rows == [("z",), ("a",), ("b",)]


@pytest.mark.parametrize("text", ["a", "Na", "name A"])
def test_a_record_is_found_by_id_number_or_name(store: Store, text: str) -> None:
    hold(store, "a", "b")

    with store.read() as tx:
        assert queries.find_by_text(tx, "customers", text) == [RecordKey("sales", "Account", "a")]


def test_a_record_is_found_by_key_with_its_stream(store: Store) -> None:
    hold(store, "a")

    with store.read() as tx:
        found = queries.find_record(tx, RecordKey("sales", "Account", "a"))
        missing = queries.find_record(tx, RecordKey("sales", "Account", "z"))

    assert found is not None
    assert (found[0], found[1]["name"], missing) == ("customers", "Name a", None)
