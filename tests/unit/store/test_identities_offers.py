"""Pairs of records and offers are kept, changed and forgotten, on both databases."""

from dataclasses import replace

from crmbridge.records import RecordKey
from crmbridge.store import Store
from crmbridge.store.identities import (
    Decider,
    Identity,
    LinkState,
    decided,
    drop_identities,
    get_identity,
    identity_id,
    load_identities,
    save_identities,
)
from crmbridge.store.offers import Offer, load_offers, save_offers

A, B = RecordKey("crm", "Account", "1"), RecordKey("shop", "customers", "x")
PAIR = Identity(left=A, right=B, probability=0.97, state=LinkState.LINKED, found_at=5)


def test_a_pair_has_one_name_whatever_its_order() -> None:
    assert identity_id(A, B) == identity_id(B, A) == PAIR.id


def test_a_pair_comes_back_as_it_was_kept(store: Store) -> None:
    with store.write() as tx:
        assert save_identities(tx, [PAIR]) == 1
        assert save_identities(tx, [replace(PAIR, found_at=9, run_id=2)]) == 0

    with store.read() as tx:
        assert get_identity(tx, PAIR.id) == PAIR
        assert load_identities(tx, [LinkState.REVIEW]) == []


def test_a_persons_decision_is_kept_as_such(store: Store) -> None:
    with store.write() as tx:
        save_identities(tx, [PAIR])
        save_identities(tx, [decided(PAIR, LinkState.REJECTED, 7)])

    with store.read() as tx:
        (found,) = load_identities(tx, [LinkState.REJECTED])
    assert (found.decided_by, found.decided_at) == (Decider.PERSON, 7)


def test_a_pair_can_be_forgotten(store: Store) -> None:
    with store.write() as tx:
        save_identities(tx, [PAIR])
        assert drop_identities(tx, [PAIR.id, "iother"]) == 1


def offer(rank: int, product: str) -> Offer:
    return Offer(key=A, rank=rank, product=product, model="m")


def test_offers_take_the_place_of_those_before(store: Store) -> None:
    with store.write() as tx:
        save_offers(tx, "crm", [offer(1, "tea"), offer(2, "cups")])
        save_offers(tx, "crm", [offer(1, "milk")])

    with store.read() as tx:
        assert [one.product for one in load_offers(tx, ["crm"])] == ["milk"]
        assert load_offers(tx, ["crm"], B) == []
