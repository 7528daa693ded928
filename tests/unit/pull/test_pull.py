"""Pulls of a made-up CRM: what ends in the store, what is counted, what stops."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crmbridge.adapters import Capabilities, Deletes, Reading
from crmbridge.errors import ExitCode
from crmbridge.records import Counts
from crmbridge.store.schema import DELETED
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
    assert "got 21" in str(refused.problems[0].error)
    assert len(left) >= 30 - 19  # pages before the one that tripped may stay
    assert wrong.exit_code is ExitCode.GUARD
    assert accepted.exit_code is ExitCode.DONE
    assert set(bench.held("customers")) == set(ids[21:])
