"""A person can be found, exported and erased, and is known again without being known."""

from pathlib import Path
from typing import Any

import pytest

from crmbridge.records import RecordKey
from crmbridge.store import Store, open_store
from crmbridge.store.aliases import add_aliases
from crmbridge.store.audit import AuditLine, add_audit, list_audit
from crmbridge.store.connections import Account, pin
from crmbridge.store.erase import erase_person, erased_among
from crmbridge.store.field_values import save_seen
from crmbridge.store.persons import find_person, held_on
from crmbridge.store.quarantine import Quarantined, add_quarantined
from crmbridge.store.upsert import upsert_records

ANN = RecordKey("sales", "Contact", "ann-1")
CANARY = "zoe.canary@example.com"


def hold(store: Store, stream: str, **record: Any) -> None:
    whole = {"connection": "sales", "object": "Contact", **record}
    with store.write() as tx:
        upsert_records(tx, stream, [tuple(whole.values())], 1, columns=tuple(whole))


def hold_ann(store: Store) -> None:
    hold(store, "contacts", id="ann-1", first_name="Zoe", email=CANARY.title(), phone="+4930")
    hold(store, "contacts", id="bob-1", first_name="Bob", email="bob@example.com")
    hold(store, "activities", id="act1", contact_id="ann-1", subject=f"Mail to {CANARY}")
    hold(store, "activities", id="act2", contact_id="bob-1", subject="Mail to Bob")
    hold(store, "consents", id="c1", channel="email", state="denied", address=CANARY)
    with store.write() as tx:
        save_seen(tx, ("sales", "Contact"), [("ann-1", "Tag__c", CANARY, "")], 1)
        add_audit(tx, [AuditLine(at=1, actor="me", action="push", connection="sales",
                  object="Contact", record_id="ann-1", detail=CANARY)])  # fmt: skip
        add_quarantined(tx, [Quarantined(connection="news", object="members", record_id="9",
                  stream="contacts", reason="no id", raw=f"x;{CANARY.upper()}", run_id=1,
                  first_at=1, last_at=1)])  # fmt: skip


@pytest.mark.parametrize("text", ["ann-1", CANARY, "+4930", "sales/Contact/ann-1"])
def test_a_person_is_found_by_id_address_or_key(store: Store, text: str) -> None:
    hold_ann(store)

    with store.read() as tx:
        person = find_person(tx, text)

    assert person.contacts == {ANN}
    assert person.addresses == {CANARY, "+4930"}


def test_merged_and_completing_records_are_the_same_person(store: Store) -> None:
    hold_ann(store)
    hold(store, "contacts", connection="news", id="ann-1")
    with store.write() as tx:
        pin(tx, Account(name="news", adapter="csv", completes="sales"))
        add_aliases(tx, "sales", "Contact", [("ann-0", "ann-1")], 1)

        keys = find_person(tx, CANARY).contacts

    assert keys == {
        ANN, RecordKey("sales", "Contact", "ann-0"), RecordKey("news", "Contact", "ann-1"),
    }  # fmt: skip


def test_everything_held_is_listed(store: Store) -> None:
    hold_ann(store)

    with store.read() as tx:
        held = held_on(tx, find_person(tx, "ann-1"))

    assert set(held) == {
        "contacts", "activities", "consents", "field_values", "audit", "quarantine",
    }  # fmt: skip
    assert [row["id"] for row in held["activities"]] == ["act1"]


def test_an_erased_person_is_gone_and_others_stay(store: Store) -> None:
    hold_ann(store)
    with store.read() as tx:
        person = find_person(tx, "ann-1")

    counts = erase_person(store, person, at=5)

    assert counts["contacts"] == counts["activities"] == 1
    with store.read() as tx:
        assert held_on(tx, person) == {}
        assert find_person(tx, CANARY).keys == frozenset()
        assert find_person(tx, "bob-1").keys
        assert [(line.action, line.detail) for line in list_audit(tx)] == [("push", "erased")]


def test_an_erased_person_is_recognised_when_they_come_again(store: Store) -> None:
    hold_ann(store)
    with store.read() as tx:
        assert erased_among(tx, [CANARY]) == set()
        person = find_person(tx, "ann-1")
    erase_person(store, person, at=5)

    with store.read() as tx:
        names = [CANARY.upper(), "bob@example.com", "sales/Contact/ann-1", "other/Contact/ann-1"]
        assert erased_among(tx, names) == {CANARY.upper(), "sales/Contact/ann-1"}


def test_no_byte_of_an_erased_person_stays_in_the_folder(tmp_path: Path) -> None:
    store = open_store("sqlite:///store.db", base=tmp_path)
    hold_ann(store)
    (tmp_path / "store.db.0000.backup").write_text(CANARY)
    with store.read() as tx:
        person = find_person(tx, "ann-1")

    erase_person(store, person, at=5)
    store.close()

    everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert CANARY.encode() not in everything.lower()
