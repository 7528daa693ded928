"""Upserts rewrite only what changed, and count it."""

import pytest
from sqlalchemy import select, update

from crmbridge.store import Store
from crmbridge.store.schema import DELETED, RECORDS
from crmbridge.store.upsert import Row, Upserted, upsert_records

COLUMNS = ("connection", "object", "id", "name", "revenue")
CUSTOMERS = RECORDS["customers"]


def customer(id_: str, name: str = "Ann", revenue: float | None = 1.5) -> Row:
    return ("sales", "Account", id_, name, revenue)


def upsert(store: Store, *rows: Row, run: int = 1) -> Upserted:
    with store.write() as tx:
        return upsert_records(tx, "customers", rows, run, columns=COLUMNS)


def test_first_batch_is_all_new(store: Store) -> None:
    done = upsert(store, customer("b"), customer("a"))

    assert done == Upserted(new=2)


def test_equal_rows_are_not_rewritten(store: Store) -> None:
    upsert(store, customer("a"), customer("b"), run=1)

    done = upsert(store, customer("a"), customer("b"), run=2)

    assert done == Upserted(unchanged=2)
    with store.read() as tx:
        assert tx.scalars(select(CUSTOMERS.c.changed_run)).all() == [1, 1]


def test_a_batch_is_counted_by_what_became_of_each_row(store: Store) -> None:
    upsert(store, customer("a"), customer("b"), run=1)

    done = upsert(store, customer("c"), customer("b", "Bob"), customer("a"), run=2)

    assert done == Upserted(new=1, changed=1, unchanged=1)


def test_null_and_value_differ_in_both_directions(store: Store) -> None:
    upsert(store, customer("a", revenue=None), customer("b", revenue=2.0))

    done = upsert(store, customer("a", revenue=2.0), customer("b", revenue=None))

    assert done == Upserted(changed=2)


def test_a_deleted_record_that_comes_back_is_live_and_changed(store: Store) -> None:
    upsert(store, customer("a"))
    with store.write() as tx:
        tx.execute(update(CUSTOMERS).values(record_state=DELETED))

    done = upsert(store, customer("a"), run=2)

    assert done == Upserted(changed=1)
    with store.read() as tx:
        assert tx.execute(select(CUSTOMERS.c.record_state, CUSTOMERS.c.changed_run)).one() == (0, 2)


def test_columns_that_are_not_named_stay(store: Store) -> None:
    upsert(store, customer("a", "Ann", 7.0))

    with store.write() as tx:
        upsert_records(tx, "customers", [("sales", "Account", "a", "Bob")], 2, columns=COLUMNS[:4])

    with store.read() as tx:
        assert tx.execute(select(CUSTOMERS.c.name, CUSTOMERS.c.revenue)).one() == ("Bob", 7.0)


def test_an_envelope_that_is_not_named_is_emptied(store: Store) -> None:
    columns = (*COLUMNS[:4], "version", "extra")
    with store.write() as tx:
        row = ("sales", "Account", "a", "Ann", "v1", '{"Code":1}')
        upsert_records(tx, "customers", [row], 1, columns=columns)

        done = upsert_records(tx, "customers", [row[:4]], 2, columns=COLUMNS[:4])
        again = upsert_records(tx, "customers", [row[:4]], 3, columns=COLUMNS[:4])
        held = tx.execute(select(CUSTOMERS.c.version, CUSTOMERS.c.extra)).one()

    assert (done, again) == (Upserted(changed=1), Upserted(unchanged=1))
    assert held == (None, None)


def test_a_key_twice_in_a_batch_is_refused_before_anything_is_written(store: Store) -> None:
    with pytest.raises(ValueError, match="each key once"):
        upsert(store, customer("a"), customer("a", "Bob"))


def test_the_same_id_in_two_objects_is_two_records(store: Store) -> None:
    done = upsert(store, customer("a"), ("sales", "Lead", "a", "Ann", None))

    assert done == Upserted(new=2)


def test_ids_that_differ_by_case_only_are_two_records(store: Store) -> None:
    assert upsert(store, customer("ab"), customer("aB")).new == 2


def test_hostile_texts_come_back_as_they_were(store: Store) -> None:
    names = ["tab\there", "line\nbreak", "\\N", 'O\'Brien "x"', "", "名前 \u202e", "\\."]
    upsert(store, *(customer(str(n), name) for n, name in enumerate(names)))

    with store.read() as tx:
        found = tx.scalars(select(CUSTOMERS.c.name).order_by(CUSTOMERS.c.id)).all()

    assert found == names


def test_an_empty_batch_does_nothing(store: Store) -> None:
    assert upsert(store) == Upserted()


def test_records_of_which_only_the_key_is_known_are_held(store: Store) -> None:
    with store.write() as tx:
        rows: list[Row] = [("sales", "Account", "a")]
        first = upsert_records(tx, "customers", rows, 1, columns=COLUMNS[:3])
        second = upsert_records(tx, "customers", rows, 2, columns=COLUMNS[:3])

    assert (first, second) == (Upserted(new=1), Upserted(unchanged=1))
