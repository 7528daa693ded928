"""Customers of two CRMs are linked, reviewed, parted again, and planned once; no CRM is changed."""

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("splink", reason="the extra `identity` is not installed")

from crmbridge.errors import UsageError
from crmbridge.jobs.identity.customers import comparable
from crmbridge.jobs.identity.linking import decide_pair, link_customers
from crmbridge.jobs.identity.once import planned_once
from crmbridge.jobs.territory.gathering import gather
from crmbridge.records import RecordKey
from crmbridge.store.audit import list_audit
from crmbridge.store.identities import Identity, LinkState, load_identities

EMPTY = dict.fromkeys(("name", "email", "phone", "street", "postcode", "city"))


def customer(connection: str, id_: str, **fields: Any) -> dict[str, Any]:
    return {"connection": connection, "object": "customers", "id": id_, **fields}


ACME = {"name": "Acme GmbH", "street": "Hauptstr. 5", "postcode": "10115", "city": "Berlin"}


@pytest.fixture
def two(open_shop: Callable[..., Any]) -> Any:
    """Two CRMs: Acme in both, written differently; a namesake in the same town; others."""
    shop = open_shop(names=("sales", "shop"))
    shop.hold(
        "customers",
        customer("sales", "a1", **ACME, email="info@acme.example"),
        customer("sales", "a2", name="Blue Ltd", postcode="20095", city="Hamburg"),
        customer("shop", "b1", name="ACME", street="Hauptstraße 5", postcode="10115",
                 city="Berlin", email="INFO@acme.example"),
        customer("shop", "b2", name="Blue", postcode="22765", city="Hamburg"),
        customer("shop", "b3", name="Zebra", postcode="80331", city="München"),
    )  # fmt: skip
    return shop


def pairs(shop: Any, *states: LinkState) -> list[tuple[str, str]]:
    with shop.space.store.read() as tx:
        return [(p.left.id, p.right.id) for p in load_identities(tx, states or tuple(LinkState))]


def only(shop: Any, state: LinkState) -> Identity:
    with shop.space.store.read() as tx:
        (one,) = load_identities(tx, (state,))
    return one


def test_what_means_the_same_is_written_the_same() -> None:
    rows = [
        {**customer("a", "1"), **EMPTY, "name": "Müller & Söhne GmbH", "street": "Hauptstr. 5"},
        {**customer("b", "1"), **EMPTY, "name": "MULLER, SOHNE", "street": "Hauptstraße 5",
         "phone": "+49 (0)30 123456"},
    ]  # fmt: skip

    first, second = comparable(rows).to_dict("records")

    assert (first["name"], first["street"]) == (second["name"], second["street"])
    assert second["phone"] == "030123456"


def test_a_sure_pair_is_linked_and_a_doubtful_one_waits(two: Any) -> None:
    found = link_customers(two.space)

    assert (found.linked, found.review) == (1, 1)
    assert pairs(two, LinkState.LINKED) == [("a1", "b1")]
    assert pairs(two, LinkState.REVIEW) == [("a2", "b2")]
    assert "email equal" in only(two, LinkState.LINKED).why


def test_linking_again_changes_nothing(two: Any) -> None:
    link_customers(two.space)
    before = pairs(two)

    assert link_customers(two.space).linked == 1
    assert pairs(two) == before


@pytest.mark.parametrize(
    ("word", "state"),
    [("accept", LinkState.LINKED), ("reject", LinkState.REJECTED), ("undo", LinkState.REVIEW)],
)
def test_what_a_person_decides_outlives_the_next_linking(
    two: Any, word: str, state: LinkState
) -> None:
    link_customers(two.space)
    pair = only(two, LinkState.LINKED).id

    decide_pair(two.space, pair, word)
    link_customers(two.space)

    assert ("a1", "b1") in pairs(two, state)
    with two.space.store.read() as tx:
        (line,) = list_audit(tx)
    assert (line.operation, line.status, line.detail) == (word, state.value, "was linked")


def test_a_pair_that_is_no_longer_likely_is_forgotten(two: Any) -> None:
    link_customers(two.space)
    two.hold("customers", customer("shop", "b1", name="Quite Different", postcode="99999",
                                   city="Ulm", email="x@y.example", street="Other 1"))  # fmt: skip

    link_customers(two.space)

    assert pairs(two, LinkState.LINKED) == []


def test_an_unknown_pair_is_named(two: Any) -> None:
    with pytest.raises(UsageError, match="identity review"):
        decide_pair(two.space, "inone", "accept")


def test_a_linked_customer_is_planned_once_and_knows_its_visits_elsewhere(two: Any) -> None:
    two.hold("activities", {"connection": "shop", "kind": "visit", "customer_id": "b1",
                            "start_at": two.at(3), "status": "done"})  # fmt: skip
    link_customers(two.space)

    known = gather(two.space, two.space.clock.now().date()).known

    barred = {key.id: why for key, why in known.barred.items()}
    assert barred == {"b1": "the same customer is planned as sales/customers/a1"}
    assert [*known.lifts.values()] == [
        "The link to sales/customers/a1 undone, if they are two customers"
    ]
    assert known.last_visits[("sales", "a1")] == two.at(3)


def test_a_rejected_pair_is_planned_as_two(two: Any) -> None:
    link_customers(two.space)
    decide_pair(two.space, only(two, LinkState.LINKED).id, "reject")

    assert gather(two.space, two.space.clock.now().date()).known.barred == {}


def test_nothing_of_a_customer_changes_by_linking(two: Any) -> None:
    before = gather(two.space, two.space.clock.now().date()).known.customers
    link_customers(two.space)

    assert gather(two.space, two.space.clock.now().date()).known.customers == before


def key(name: str) -> RecordKey:
    return RecordKey(name, "customers", "1")


def row(name: str, **fields: Any) -> dict[str, Any]:
    blank = {"owner_id": None, "status": None, "last_visit_at": None}
    return {**customer(name, "1"), **blank, **fields}


def linked(left: str, right: str) -> Identity:
    return Identity(left=key(left), right=key(right), probability=1, state=LinkState.LINKED,
                    found_at=0)  # fmt: skip


def test_a_group_of_three_has_one_record_planned_by_its_owner() -> None:
    rows = [row("a"), row("b", owner_id="ann"), row("c")]

    once = planned_once(rows, [linked("a", "b"), linked("b", "c")], {}, {}, {})

    assert set(once.barred) == {key("a"), key("c")}


def test_the_record_planned_before_stays_the_one() -> None:
    rows = [row("a", owner_id="ann"), row("b")]

    assert set(planned_once(rows, [linked("a", "b")], {key("b"): 1}, {}, {}).barred) == {key("a")}


def test_a_no_in_one_crm_holds_in_the_other() -> None:
    rows = [row("a", owner_id="ann"), row("b")]

    once = planned_once(rows, [linked("a", "b")], {}, {}, {key("b"): "opted out"})

    assert once.barred == {key("a"): "opted out", key("b"): "opted out"}


def test_a_closed_record_leaves_the_other_to_be_planned() -> None:
    rows = [row("a", owner_id="ann", status="closed"), row("b")]

    assert planned_once(rows, [linked("a", "b")], {}, {}, {}).barred == {}
