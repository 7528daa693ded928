"""Pulls of a made-up CRM: what ends in the store, what is counted, what stops."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crmbridge.adapters import Capabilities, Deletes, Reading
from crmbridge.errors import ConfigError, ExitCode
from crmbridge.records import Counts
from crmbridge.store.erase import erase_person
from crmbridge.store.field_values import Written, get_field_values, save_written
from crmbridge.store.persons import find_person
from crmbridge.store.positions import list_certificates
from crmbridge.store.schema import DELETED, LIVE, MISSING
from crmbridge.testing.faults import Fault
from crmbridge.testing.memory import memory_capabilities

READINGS = [
    memory_capabilities(),
    replace(memory_capabilities(), lag_minutes=60),
    memory_capabilities(reading=Reading.TOKEN),
    memory_capabilities(reading=Reading.SNAPSHOT, deletes=Deletes.ABSENCE),
]
NAMES = ["window", "trailing", "token", "snapshot"]
SNAPSHOT = READINGS[3]


def fill(bench: Any, count: int = 7) -> list[str]:
    return [bench.crm.put("Account", {"name": f"Customer {n}"}) for n in range(count)]


@pytest.mark.parametrize("capabilities", READINGS, ids=NAMES)
def test_a_first_pull_takes_everything_in(bench: Any, capabilities: Capabilities) -> None:
    ids = fill(bench)

    report = bench.pull(capabilities=capabilities)

    assert report.exit_code is ExitCode.DONE
    assert report.counts["customers"] == Counts(read=7, new=7)
    assert bench.held("customers", "name") == {id_: f"Customer {n}" for n, id_ in enumerate(ids)}


@pytest.mark.parametrize("capabilities", READINGS, ids=NAMES)
def test_a_second_pull_changes_nothing(bench: Any, capabilities: Capabilities) -> None:
    fill(bench)
    bench.pull(capabilities=capabilities)

    report = bench.pull(capabilities=capabilities)

    counts = report.counts["customers"]
    assert (counts.new, counts.changed, counts.deleted) == (0, 0, 0)
    assert set(bench.held("customers", "changed_run").values()) == {1}


@pytest.mark.parametrize("capabilities", READINGS, ids=NAMES)
def test_edits_and_deletes_arrive(bench: Any, capabilities: Capabilities) -> None:
    first, second, *rest = fill(bench)
    bench.pull(capabilities=capabilities)
    bench.crm.edit("Account", first, {"name": "Edited"})
    bench.crm.delete("Account", second)
    new = bench.crm.put("Account", {"name": "New"})

    report = bench.pull(capabilities=capabilities)

    counts = report.counts["customers"]
    assert (counts.new, counts.changed, counts.deleted) == (1, 1, 1)
    assert bench.held("customers", "name")[first] == "Edited"
    assert set(bench.held("customers")) == {first, new, *rest}
    assert list(bench.held("customers", state=DELETED)) == [second]


def test_a_row_committed_late_is_found_by_the_overlap(bench: Any) -> None:
    fill(bench, 2)
    bench.crm.late = timedelta(minutes=5)
    late = bench.crm.put("Account", {"name": "Late"})
    bench.pull()
    bench.crm.clock.at += timedelta(minutes=5)

    assert late not in bench.held("customers")
    bench.pull()

    assert late in bench.held("customers")


def test_the_trailing_pass_finds_what_was_later_than_the_overlap(bench: Any) -> None:
    capabilities = replace(memory_capabilities(), lag_minutes=60)
    fill(bench, 2)
    bench.pull(capabilities=capabilities)
    bench.crm.late = timedelta(minutes=30)
    late = bench.crm.put("Account", {"name": "Late"})
    bench.crm.clock.at += timedelta(minutes=15)
    bench.pull(capabilities=capabilities)
    bench.crm.clock.at += timedelta(minutes=50)

    bench.pull(capabilities=capabilities)

    assert late in bench.held("customers")


def test_a_merged_record_hands_its_references_to_the_survivor(bench: Any) -> None:
    winner, loser = fill(bench, 2)
    contact = bench.crm.put("Contact", {"customer_id": loser})
    bench.pull()
    bench.crm.merge("Account", loser, winner)
    report = bench.pull()
    bench.crm.edit("Contact", contact, {"last_name": "Changed"})  # still names the loser

    bench.pull()

    assert report.counts["customers"].deleted == 1
    assert set(bench.held("customers")) == {winner}
    assert bench.held("contacts", "customer_id") == {contact: winner}


def test_a_bad_row_waits_until_it_comes_good(bench: Any) -> None:
    good, bad = fill(bench, 2)
    bench.crm.edit("Account", bad, {"latitude": 91})

    first = bench.pull()
    reason = bench.waiting()
    bench.crm.edit("Account", bad, {"latitude": 9})
    second = bench.pull()

    assert first.exit_code is ExitCode.DONE_WITH_REJECTS
    assert first.counts["customers"] == Counts(read=2, new=1, quarantined=1)
    assert reason == {bad: "customers.latitude: expected -90 to 90, got 91"}
    assert second.exit_code is ExitCode.DONE
    assert bench.waiting() == {}
    assert set(bench.held("customers")) == {good, bad}


@pytest.mark.parametrize("capabilities", READINGS, ids=NAMES)
def test_many_records_gone_at_once_stop_the_pull(bench: Any, capabilities: Capabilities) -> None:
    ids = fill(bench, 30)
    bench.pull(capabilities=capabilities)
    for id_ in ids[:21]:
        bench.crm.delete("Account", id_)

    refused = bench.pull(capabilities=capabilities)
    left = bench.held("customers")
    wrong = bench.pull(capabilities=capabilities, accept_shrink=20)
    accepted = bench.pull(capabilities=capabilities, accept_shrink=21)

    assert refused.exit_code is ExitCode.GUARD
    assert "got 21 gone" in str(refused.problems[0].error)
    assert len(left) >= 30 - 19  # pages before the one that tripped may stay
    assert wrong.exit_code is ExitCode.GUARD
    assert accepted.exit_code is ExitCode.DONE
    assert set(bench.held("customers")) == set(ids[21:])


def test_a_sweep_finds_deletions_that_nothing_else_shows(bench: Any) -> None:
    capabilities = memory_capabilities(deletes=Deletes.SWEEP)
    gone, *rest = fill(bench)
    bench.pull(capabilities=capabilities)
    bench.crm.delete("Account", gone)
    at_once = bench.pull(capabilities=capabilities)
    bench.crm.clock.at += timedelta(days=1)

    next_day = bench.pull(capabilities=capabilities)

    assert at_once.counts["customers"].deleted == 0
    assert next_day.counts["customers"].deleted == 1
    assert set(bench.held("customers")) == set(rest)


def test_a_sweep_that_breaks_off_marks_nothing(bench: Any) -> None:
    capabilities = memory_capabilities(deletes=Deletes.SWEEP)
    gone, *_ = fill(bench)
    bench.pull("customers", capabilities=capabilities)
    bench.crm.delete("Account", gone)
    bench.crm.clock.at += timedelta(days=1)
    bench.crm.faults.fail("read_ids", Fault.TRANSIENT, after=1)

    report = bench.pull("customers", capabilities=capabilities)

    assert report.exit_code is ExitCode.TRY_LATER
    assert len(bench.held("customers")) == 7


def test_a_sweep_reads_what_was_never_seen(bench: Any) -> None:
    fill(bench, 2)
    bench.pull("customers")
    bench.crm.late = timedelta(days=1)
    late = bench.crm.put("Account", {"name": "Late"})
    bench.crm.clock.at += timedelta(days=1, minutes=-5)
    bench.pull("customers")
    bench.crm.clock.at += timedelta(days=7)

    report = bench.pull("customers")

    assert late in bench.held("customers")
    assert [finding.code for finding in report.findings] == ["pull.late_rows"]


def test_a_vanished_record_without_evidence_is_missing(bench: Any) -> None:
    capabilities = memory_capabilities(reading=Reading.SNAPSHOT, deletes=Deletes.NEVER)
    gone, *_ = fill(bench)
    bench.pull(capabilities=capabilities)
    bench.crm.delete("Account", gone)

    bench.pull(capabilities=capabilities)
    missing = bench.held("customers", "record_state", state=None)[gone]
    bench.crm.put("Account", {"name": "Back"}, gone)
    report = bench.pull(capabilities=capabilities)

    assert missing == MISSING
    assert report.counts["customers"].changed == 1
    assert bench.held("customers", "record_state", state=None)[gone] == LIVE


def test_an_empty_snapshot_is_not_believed(bench: Any) -> None:
    ids = fill(bench, 3)
    bench.pull(capabilities=SNAPSHOT)
    for id_ in ids:
        bench.crm.delete("Account", id_)

    report = bench.pull(capabilities=SNAPSHOT)

    assert report.exit_code is ExitCode.GUARD
    assert set(bench.held("customers")) == set(ids)


def test_an_accepted_shrink_is_written_down(bench: Any) -> None:
    ids = fill(bench, 3)
    bench.pull(capabilities=SNAPSHOT)
    for id_ in ids:
        bench.crm.delete("Account", id_)

    bench.pull(capabilities=SNAPSHOT, accept_shrink=3)

    with bench.store.read() as tx:
        rows = tx.exec_driver_sql("SELECT action, detail, object FROM audit").all()
    assert rows == [("pull.shrink_accepted", "3 records", "Account")]


def test_a_used_up_quota_keeps_what_was_read(bench: Any) -> None:
    fill(bench, 7)
    bench.crm.faults.fail("read", Fault.QUOTA, after=1)

    report = bench.pull()
    rest = bench.pull()

    assert report.exit_code is ExitCode.TRY_LATER
    assert report.resume_at is not None
    assert [finding.code for finding in report.findings] == ["pull.partial_quota"]
    assert report.counts["customers"].read == 3
    assert rest.counts["customers"].new == 4


def test_a_window_that_broke_off_is_certified_with_all_its_rows(bench: Any) -> None:
    fill(bench, 7)
    bench.crm.faults.fail("read", Fault.QUOTA, after=1)
    bench.pull("customers")

    rest = bench.pull("customers")

    with bench.store.read() as tx:
        proof = list_certificates(tx, "crm")[0]
    assert rest.findings == []
    assert (proof.since, proof.expected, proof.read) == (None, 7, 7)


def test_a_missing_permission_stops_its_stream_alone(bench: Any) -> None:
    fill(bench, 2)
    bench.crm.put("Contact", {"last_name": "Muster"})
    bench.crm.faults.fail("read", Fault.CONFIG)

    report = bench.pull()

    assert report.exit_code is ExitCode.CONFIG
    assert [problem.stream for problem in report.problems] == ["customers"]
    assert report.counts["contacts"].new == 1


def test_a_lost_session_stops_the_connection(bench: Any) -> None:
    bench.crm.put("Contact", {"last_name": "Muster"})
    bench.crm.faults.fail("read", Fault.SIGN_IN)

    report = bench.pull()

    assert report.exit_code is ExitCode.SIGN_IN
    assert "contacts" not in report.counts


def test_another_organisation_is_refused(bench: Any) -> None:
    bench.pull()
    bench.crm.organisation = "memory-2"
    calls = len(bench.crm.calls)

    with pytest.raises(ConfigError, match="organisation memory-1"):
        bench.pull()

    assert len(bench.crm.calls) == calls


def test_a_changed_mapping_reads_all_again_and_empties_what_it_no_longer_fills(bench: Any) -> None:
    ids = fill(bench, 3)
    bench.crm.edit("Account", ids[0], {"industry": "Steel"})
    bench.pull("customers")

    report = bench.pull("customers", fields={"industry": {"const": "Any"}})
    filled = set(bench.held("customers", "industry").values())
    bench.pull("customers", without=("industry",))

    assert report.counts["customers"].changed == 3
    assert filled == {"Any"}
    assert set(bench.held("customers", "industry").values()) == {None}


def test_our_own_write_coming_back_is_no_news(bench: Any) -> None:
    (id_,) = fill(bench, 1)
    bench.pull("customers", write=True)
    bench.crm.edit("Account", id_, {"Visit_Score__c": 71.5})
    written = [Written(id=id_, field="Visit_Score__c", value=71.5)]
    with bench.store.write() as tx:
        save_written(tx, ("crm", "Account"), written, "changeset", 0)

    echo = bench.pull("customers", write=True)
    bench.crm.edit("Account", id_, {"name": "News", "Visit_Score__c": 71.5})
    news = bench.pull("customers", write=True)

    assert (echo.echoed, echo.counts["customers"]) == (1, Counts(read=1, unchanged=1))
    assert news.counts["customers"].changed == 1
    assert '"Visit_Score__c":71.5' in bench.held("customers", "extra")[id_]


def test_what_the_crm_shows_in_fields_we_write_is_kept(bench: Any) -> None:
    (id_,) = fill(bench, 1)
    bench.crm.edit("Account", id_, {"Segment__c": "theirs"})

    bench.pull("customers", write=True)

    with bench.store.read() as tx:
        found = get_field_values(tx, ("crm", "Account"), [id_])
    assert found[id_, "Segment__c"].seen == '"theirs"'
    assert found[id_, "Visit_Score__c"].seen == "null"


def test_consent_fields_become_facts_and_go_again(bench: Any) -> None:
    (id_,) = fill(bench, 1)
    source = {"consent_visit": {"field": "reply", "values": {"declined": "denied"}}}
    bench.crm.edit("Account", id_, {"reply": "declined"})
    first = bench.pull("customers", fields=source)
    facts = bench.held("consents", "customer_id", "state")
    bench.crm.edit("Account", id_, {"reply": None})

    bench.pull("customers", fields=source)

    assert facts == {f"Account:{id_}:visit": (id_, "denied")}
    assert first.counts["consents"] == Counts(read=1, new=1)
    assert bench.held("consents") == {}


def test_links_fill_references_that_are_not_mapped(bench: Any) -> None:
    (customer,) = fill(bench, 1)
    visit = bench.crm.put("Event", {"subject": "Visit"})
    bench.crm.link("Event", visit, "Account", customer)
    streams = ("customers", "activities")

    bench.pull(*streams, without=("customer_id",))
    again = bench.pull(*streams, without=("customer_id",))

    assert bench.held("activities", "customer_id") == {visit: customer}
    assert again.counts["activities"].changed == 0


def test_references_that_lead_nowhere_are_named(bench: Any) -> None:
    (customer,) = fill(bench, 1)
    bench.crm.put("Product", {"name": "GTX Pro"}, "GTX Pro")
    bench.crm.put("Deal", {"customer_id": customer, "product_id": "GTXPro"}, "D1")
    bench.crm.put("Deal", {"product_id": "GTXPro"}, "D2")

    found = {one.code: one for one in bench.pull("customers", "products", "deals").findings}

    assert found["reference.unknown"].count == 2
    assert "Did you mean 'GTX Pro'?" in found["reference.unknown"].remedy
    assert found["reference.empty"].example == "deals/D2: customer_id is empty"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("c0101", "Did you mean 'C0101'?"),
        ("Anna Adlr", "Did you mean 'C0101'?"),
        ("C0110", "Correct it in the source"),
        ("Store 13", "Correct it in the source"),
        ("C0010", "'C0010' is in quarantine: correct what it says there, then `crmbridge retry`"),
    ],
)
def test_only_another_way_to_write_a_record_is_proposed(bench: Any, value: str, said: str) -> None:
    bench.crm.put("Account", {"name": "Anna Adler"}, "C0101")
    bench.crm.put("Account", {"name": "Store 12"}, "C0102")
    bench.crm.put("Account", {"name": "Kept out", "latitude": 91}, "C0010")
    bench.crm.put("Deal", {"customer_id": value}, "D1")

    found = {one.code: one for one in bench.pull("customers", "deals").findings}

    assert found["reference.unknown"].remedy.startswith(said)


def test_an_owner_comes_from_the_latest_deal(bench: Any) -> None:
    ours, theirs = fill(bench, 2)
    bench.crm.edit("Account", theirs, {"owner_id": "Zoe"})
    for number, (day, owner) in enumerate([("01", "Ann"), ("03", "Bob"), ("02", "Cid")]):
        deal = {"customer_id": ours, "owner_id": owner, "opened_on": f"2026-01-{day}"}
        bench.crm.put("Deal", deal, f"D{number}")
    bench.crm.put("Deal", {"customer_id": theirs, "owner_id": "Ann", "opened_on": "2026-01-01"})

    bench.pull("customers", "deals", owner_from="deals")
    again = bench.pull("customers", "deals", owner_from="deals", full=True)

    assert bench.held("customers", "owner_id") == {ours: "Bob", theirs: "Zoe"}
    assert again.counts["customers"].changed == 0


@pytest.mark.parametrize("capabilities", READINGS, ids=NAMES)
def test_a_full_pull_of_the_same_changes_nothing(bench: Any, capabilities: Capabilities) -> None:
    fill(bench)
    bench.pull(capabilities=capabilities)

    report = bench.pull(capabilities=capabilities, full=True)

    assert report.counts["customers"] == Counts(read=7, unchanged=7)


def test_a_position_in_the_crms_future_is_refused(bench: Any) -> None:
    fill(bench, 1)
    bench.pull()
    bench.crm.clock.at -= timedelta(days=2)

    report = bench.pull()

    assert report.exit_code is ExitCode.CONFIG
    assert "Correct the clock" in str(report.problems[0].error)


def test_a_complete_window_is_certified(bench: Any) -> None:
    fill(bench, 4)

    bench.pull("customers")

    with bench.store.read() as tx:
        (proof,) = list_certificates(tx, "crm")
    assert (proof.since, proof.expected, proof.read, proof.pass_) == (None, 4, 4, "quick")


def test_an_erased_person_is_not_taken_in_again(bench: Any) -> None:
    person = {"first_name": "Ann", "email": "Ann@Example.com"}
    ann = bench.crm.put("Contact", person)
    bob = bench.crm.put("Contact", {"first_name": "Bob"})
    bench.pull("contacts")
    with bench.store.read() as tx:
        found = find_person(tx, "ann@example.com")
    erase_person(bench.store, found, at=0)
    copy = bench.crm.put("Contact", person)
    bench.crm.edit("Contact", ann, {"last_name": "News", "customer_id": 1})

    report = bench.pull("contacts", full=True)

    assert copy not in bench.held("contacts")
    assert set(bench.held("contacts", state=None)) == {bob}
    assert [one.code for one in report.findings if "erased" in one.code] == ["pull.erased_person"]
