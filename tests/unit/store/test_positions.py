"""Positions are kept with what they are bound to."""

from crmbridge.store import Store
from crmbridge.store.positions import (
    Certificate,
    Saved,
    Spot,
    add_certificate,
    bind,
    clear_positions,
    get_position,
    list_certificates,
    list_positions,
    save_position,
)

MAPPING = {"customers": {"name": "Name", "class": {"field": "Rating"}}}


def spot(pass_: str = "quick", organisation: str = "org1", object_: str = "Account") -> Spot:
    return Spot(
        connection="sales", object=object_, pass_=pass_, binding=bind(organisation, MAPPING)
    )


def save(store: Store, where: Spot, position: dict[str, object]) -> None:
    with store.write() as tx:
        save_position(tx, where, Saved(position=position, until=7, saved_at=9), run_id=1)


def test_a_position_comes_back_as_it_was_saved(store: Store) -> None:
    save(store, spot(), {"after": "é", "n": [1, None]})

    with store.read() as tx:
        saved = get_position(tx, spot())

    assert saved == Saved(position={"after": "é", "n": [1, None]}, until=7, saved_at=9)


def test_the_last_position_counts_and_passes_are_apart(store: Store) -> None:
    save(store, spot(), {"n": 1})
    save(store, spot(), {"n": 2})
    save(store, spot("sweep"), {"n": 3})

    with store.read() as tx:
        found = {k: v.position for k, v in list_positions(tx, "sales").items()}

    assert found == {("Account", "quick"): {"n": 2}, ("Account", "sweep"): {"n": 3}}


def test_a_position_of_another_organisation_is_not_used(store: Store) -> None:
    save(store, spot(), {"n": 1})

    with store.read() as tx:
        assert get_position(tx, spot(organisation="org2")) is None


def test_a_changed_mapping_unbinds_the_position() -> None:
    changed = {"customers": {"name": "Name", "class": {"field": "Class__c"}}}

    assert bind("org1", MAPPING) != bind("org1", changed)
    assert bind("org1", MAPPING) == bind("org1", dict(reversed(MAPPING.items())))


def test_clearing_forgets_one_object_or_the_connection(store: Store) -> None:
    save(store, spot(), {"n": 1})
    save(store, spot(object_="Lead"), {"n": 1})

    with store.write() as tx:
        assert clear_positions(tx, "sales", "Lead") == 1
        assert clear_positions(tx, "sales") == 1
        assert get_position(tx, spot()) is None


def test_certificates_come_back_oldest_first(store: Store) -> None:
    def certificate(until: int) -> Certificate:
        return Certificate(
            connection="sales", object="Account", pass_="trailing", since=None, until=until,
            expected=None, read=3, closed_at=until, run_id=1,
        )  # fmt: skip

    with store.write() as tx:
        add_certificate(tx, certificate(2))
        add_certificate(tx, certificate(1))

        assert list_certificates(tx, "sales", "Account") == [certificate(1), certificate(2)]
        assert list_certificates(tx, "sales", "Lead") == []
