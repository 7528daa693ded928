"""The strictest fact counts, whoever says it and by whatever record or address."""

from typing import Any

import pytest

from crmbridge.records import RecordKey
from crmbridge.store import Store
from crmbridge.store.aliases import add_aliases
from crmbridge.store.connections import Account, pin
from crmbridge.store.consents import barred_from_visits, denied_records, effective_consents
from crmbridge.store.records import DELETED, mark_records
from crmbridge.store.upsert import upsert_records

ANN = RecordKey("sales", "Contact", "ann")


def hold(store: Store, stream: str, **record: Any) -> None:
    with store.write() as tx:
        upsert_records(tx, stream, [tuple(record.values())], 1, columns=tuple(record))


def contact(store: Store, id_: str = "ann", connection: str = "sales", **fields: Any) -> None:
    hold(store, "contacts", connection=connection, object="Contact", id=id_, **fields)


def fact(store: Store, state: str, channel: str = "email", **fields: Any) -> None:
    whole = {"connection": "sales", "object": "Contact", "id": f"{state}{channel}{fields}"}
    hold(store, "consents", **{**whole, "channel": channel, "state": state, **fields})


def state_of(store: Store, key: RecordKey = ANN, channel: str = "email") -> str | None:
    with store.read() as tx:
        return effective_consents(tx, "contacts").get((key, channel))


def test_nothing_said_is_not_in_the_result(store: Store) -> None:
    contact(store)

    assert state_of(store) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (("granted",), "granted"),
        (("granted", "unknown"), "unknown"),
        (("denied", "granted"), "denied"),
        (("unknown", "denied"), "denied"),
    ],
)
def test_the_strictest_fact_counts(store: Store, said: tuple[str, ...], expected: str) -> None:
    contact(store)
    for state in said:
        fact(store, state, contact_id="ann")

    assert state_of(store) == expected


def test_channels_are_apart(store: Store) -> None:
    contact(store)
    fact(store, "denied", "call", contact_id="ann")

    assert state_of(store, channel="email") is None
    assert state_of(store, channel="call") == "denied"


def test_another_system_denies_by_address(store: Store) -> None:
    contact(store, email="Ann@Example.com")
    fact(store, "granted", contact_id="ann")
    fact(store, "denied", connection="news", contact_id="77", address="ann@example.com")

    assert state_of(store) == "denied"


def test_another_system_denies_by_the_address_of_its_own_contact(store: Store) -> None:
    contact(store, email="ann@example.com")
    contact(store, "77", connection="news", email="ANN@example.com")
    fact(store, "denied", "visit", connection="news", contact_id="77")

    assert state_of(store, channel="visit") == "denied"


def test_a_phone_number_bars_calls_only_however_it_is_written(store: Store) -> None:
    contact(store, phone="+49 (30) 12-34")
    fact(store, "denied", "call", connection="news", contact_id="77", address="+49301234")
    fact(store, "denied", "visit", connection="news", contact_id="77", address="+49301234")

    assert state_of(store, channel="call") == "denied"
    assert state_of(store, channel="visit") is None


def test_the_same_id_elsewhere_is_somebody_else(store: Store) -> None:
    contact(store)
    fact(store, "denied", connection="news", contact_id="ann")

    assert state_of(store) is None


def test_facts_of_a_completing_connection_are_about_the_base(store: Store) -> None:
    contact(store)
    with store.write() as tx:
        pin(tx, Account(name="news", adapter="csv", completes="sales"))
    fact(store, "denied", connection="news", contact_id="ann")

    assert state_of(store) == "denied"


def test_a_merged_contact_hands_its_denial_on(store: Store) -> None:
    contact(store)
    contact(store, "loser")
    fact(store, "denied", contact_id="loser")
    with store.write() as tx:
        add_aliases(tx, "sales", "Contact", [("loser", "ann")], 1)
        mark_records(tx, "contacts", ("sales", "Contact"), ["loser"], DELETED, 2)

    assert state_of(store) == "denied"
    assert state_of(store, RecordKey("sales", "Contact", "loser")) is None


def test_a_fact_that_is_no_longer_stated_does_not_count(store: Store) -> None:
    contact(store)
    fact(store, "denied", contact_id="ann", id="f1")
    with store.write() as tx:
        mark_records(tx, "consents", ("sales", "Contact"), ["f1"], DELETED, 2)

    assert state_of(store) is None


def test_a_customers_own_facts_are_not_its_contacts(store: Store) -> None:
    hold(store, "customers", connection="sales", object="Account", id="acme")
    contact(store, customer_id="acme")
    fact(store, "denied", "visit", contact_id="ann", customer_id="acme")

    with store.read() as tx:
        assert effective_consents(tx, "customers") == {}
        assert denied_records(tx, "visit") == frozenset({ANN})


def test_customers_are_barred_with_the_reason_and_by_policy(store: Store) -> None:
    for id_ in ("no", "yes", "silent"):
        hold(store, "customers", connection="sales", object="Account", id=id_)
    fact(store, "denied", "visit", customer_id="no")
    fact(store, "granted", "visit", customer_id="yes")

    with store.read() as tx:
        assert {key.id for key in barred_from_visits(tx, False)} == {"no"}
        assert {key.id for key in barred_from_visits(tx, True)} == {"no", "silent"}
