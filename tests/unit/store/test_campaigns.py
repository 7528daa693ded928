"""A campaign's ledger is kept whole, and a person that is erased leaves it, too."""

from crmbridge.records import RecordKey
from crmbridge.store import Store
from crmbridge.store.campaigns import (
    CampaignState,
    Candidate,
    count_reasons,
    get_state,
    load_candidates,
    save_candidates,
    save_state,
)
from crmbridge.store.persons import Person, places


def a_candidate(id_: str, reason: str = "") -> Candidate:
    return Candidate(
        campaign="spring",
        key=RecordKey("sales", "Contact", id_),
        customer_id="A1",
        reason=reason,
        arm="campaign",
        score=0.5,
        decided_at=1,
        run_id=1,
    )


def test_the_last_ledger_stands_in_the_place_of_the_one_before(store: Store) -> None:
    with store.write() as tx:
        save_candidates(tx, "spring", [a_candidate("1"), a_candidate("2", "opted_out")])
        save_candidates(tx, "spring", [a_candidate("2"), a_candidate("3", "full")])

        assert [one.key.id for one in load_candidates(tx, "spring")] == ["2", "3"]
        assert count_reasons(tx, "spring") == {"": 1, "full": 1}


def test_a_campaign_runs_until_somebody_stops_it(store: Store) -> None:
    with store.write() as tx:
        assert get_state(tx, "spring").state == "running"
        stopped = CampaignState(campaign="spring", state="stopped", why="far behind", at=7)
        save_state(tx, stopped)

        assert get_state(tx, "spring") == stopped


def test_a_ledger_is_among_what_is_held_on_a_person(store: Store) -> None:
    person = Person(contacts=frozenset({RecordKey("sales", "Contact", "1")}))

    assert "campaign_people" in {table.name for table, _ in places(person)}
