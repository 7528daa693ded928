"""Reps are joined by e-mail; consents decide who may be visited and who is met there."""

from pathlib import Path
from typing import Any

from crmbridge.jobs.territory.consent import visit_consent
from crmbridge.jobs.territory.reps import RepRecord, join_reps
from crmbridge.records import RecordKey
from crmbridge.settings import Settings, loads

TWO = """
[connections.sales]
adapter = "csv"
path = "a"
[connections.sales.write]
visits = true
[connections.other]
adapter = "csv"
path = "b"
[reps."ann@example.com"]
zone = "Europe/Berlin"
"""


def settings(text: str = TWO) -> Settings:
    return loads(text, {}, Path())


def a_rep(connection: str, id_: str, **more: Any) -> RepRecord:
    return RepRecord(connection=connection, object="User", id=id_, **more)


def test_a_person_in_two_crms_is_one_rep() -> None:
    found = join_reps(
        [
            a_rep("sales", "1", email="Ann@Example.com", name="Ann"),
            a_rep("other", "9", email="ann@example.com"),
        ],
        settings(),
    )

    [rep] = found.reps
    assert (rep.id, rep.zone, rep.writes_to) == ("ann@example.com", "Europe/Berlin", "sales")
    assert found.by_record["sales", "1"] is found.by_record["other", "9"]


def test_a_rep_without_an_address_stands_alone() -> None:
    found = join_reps(
        [a_rep("sales", "1"), a_rep("sales", "2")], settings(TWO.split("[reps", maxsplit=1)[0])
    )

    assert [rep.id for rep in found.reps] == ["sales/User/1", "sales/User/2"]


def test_an_inactive_rep_is_not_planned() -> None:
    found = join_reps([a_rep("sales", "1", email="bob@example.com", active=False)], settings())

    assert [rep.id for rep in found.reps] == ["ann@example.com"]


def test_a_configured_rep_that_no_crm_knows_is_a_finding() -> None:
    found = join_reps([a_rep("sales", "1", email="bob@example.com")], settings())

    assert [(f.code, f.example) for f in found.findings] == [
        ("rep_without_record", "ann@example.com")
    ]


CUSTOMER = RecordKey("sales", "Account", "c")


def row(key: RecordKey, **more: Any) -> dict[str, Any]:
    empty = {"customer_id": "c", "role": None, "last_name": None}
    return {
        **empty,
        "connection": key.connection,
        "object": key.object,
        "id": key.id,
        **more,
    }


def contact(id_: str, **more: Any) -> tuple[RecordKey, dict[str, Any]]:
    key = RecordKey("sales", "Contact", id_)
    return key, row(key, **more)


def test_a_customer_that_denies_visits_is_barred() -> None:
    found = visit_consent([row(CUSTOMER)], [], {(CUSTOMER, "visit"): "denied"}, {}, "allow")

    assert CUSTOMER in found.barred


def test_the_contact_with_a_role_is_met_first() -> None:
    _, plain = contact("p1", last_name="Abel")
    key, buyer = contact("p2", last_name="Zorn", role="buyer")
    found = visit_consent([row(CUSTOMER)], [plain, buyer], {}, {}, "allow")

    assert found.contacts[CUSTOMER]["id"] == key.id


def test_a_contact_who_denies_visits_is_not_met_but_another_is() -> None:
    denied, first = contact("p1", role="buyer")
    _, second = contact("p2")
    found = visit_consent(
        [row(CUSTOMER)], [first, second], {}, {(denied, "visit"): "denied"}, "allow"
    )

    assert CUSTOMER not in found.barred
    assert found.contacts[CUSTOMER]["id"] == "p2"


def test_a_customer_whose_contacts_all_deny_visits_is_barred() -> None:
    denied, only = contact("p1")
    found = visit_consent([row(CUSTOMER)], [only], {}, {(denied, "visit"): "denied"}, "allow")

    assert found.barred == {CUSTOMER: "no contact there wants visits"}


def test_unknown_consent_follows_the_policy() -> None:
    allowed = visit_consent([row(CUSTOMER)], [], {}, {}, "allow")
    denied = visit_consent([row(CUSTOMER)], [], {}, {}, "deny")

    assert not allowed.barred
    assert CUSTOMER in denied.barred
