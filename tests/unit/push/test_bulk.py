"""Enough items of one kind go as a long job; what it did is asked for, never sent again blindly."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crmbridge.adapters import Operation, WriteItem
from crmbridge.clock import FixedClock
from crmbridge.errors import ExitCode, RecordError, RetryLaterError
from crmbridge.push.apply import ApplyReport, Orders, apply
from crmbridge.push.batches import calls
from crmbridge.push.changeset import Change, Changeset, Item, item_name, named
from crmbridge.push.ledger import save_changeset
from crmbridge.push.settle import Target
from crmbridge.store import Store
from crmbridge.testing.faults import Fault
from crmbridge.testing.memory import MemoryConnection, memory_capabilities, object_capability
from crmbridge.testing.truth import START, MemoryCrm

TOMORROW = "2026-03-03T10:00:00Z"


@pytest.fixture
def crm() -> MemoryCrm:
    return MemoryCrm(clock=FixedClock(START), tick=timedelta(0))


def a_target(crm: MemoryCrm, **changes: Any) -> Target:
    capabilities = memory_capabilities(bulk_from=20, bulk_batch=50, **changes)
    connection = MemoryConnection(crm=crm, declared=capabilities)
    return Target(name="sales", connection=connection, capabilities=capabilities)


def kept(store: Store, count: int) -> str:
    items = [
        Item(
            item=item_name(Operation.CREATE, "sales", "Event", f"K{number:03}"),
            connection="sales",
            object="Event",
            key=f"K{number:03}",
            operation=Operation.CREATE,
            changes=(Change(field="start_at", before=None, after=TOMORROW),),
            parent=f"A{number}",
        )
        for number in range(count)
    ]
    changeset = named(
        Changeset(
            id="",
            created_at=START,
            epoch=store.epoch,
            organisations={"sales": "memory-1"},
            items=tuple(items),
        )
    )
    save_changeset(store, changeset, run_id=1)
    return changeset.id


def applied(store: Store, id_: str, target: Target) -> ApplyReport:
    return apply(store, id_, {"sales": target}, Orders(clock=FixedClock(START)))


def keys(crm: MemoryCrm) -> list[str]:
    return sorted(values["visit_key"] for values in crm.held("Event").values())


def writes(count: int, parent: str = "") -> list[WriteItem]:
    return [
        WriteItem(
            item=f"i{number}",
            operation=Operation.CREATE,
            object="Event",
            parent=parent or f"A{number}",
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (0, []),
        (19, [10, 9]),
        (20, [20]),
        (50, [50]),
        (75, [50, 25]),
        (69, [50, 10, 9]),  # what is left is too little for another job
    ],
)
def test_a_call_is_a_batch_or_a_job_and_nothing_between(count: int, sizes: list[int]) -> None:
    ability = object_capability("activities", bulk_from=20, bulk_batch=50)

    assert [len(call) for call in calls(writes(count), ability)] == sizes


def test_without_jobs_everything_goes_in_batches() -> None:
    assert [len(call) for call in calls(writes(25), object_capability("activities"))] == [10, 10, 5]


def test_a_large_family_does_not_make_a_call_of_a_size_between() -> None:
    ability = object_capability("activities", bulk_from=20, bulk_batch=50)
    items = [*writes(12), *writes(45, parent="large")]

    sizes = [len(call) for call in calls(items, ability)]

    assert sum(sizes) == 57
    assert all(size <= 10 or 20 <= size <= 50 for size in sizes)


def test_enough_items_go_as_one_job(store: Store, crm: MemoryCrm) -> None:
    report = applied(store, kept(store, 45), a_target(crm))

    assert report.outcomes["applied"] == 45
    assert (crm.calls.count("job"), crm.calls.count("write")) == (1, 0)
    assert len(keys(crm)) == 45


def test_a_job_that_takes_long_is_asked_for_by_the_next_push(store: Store, crm: MemoryCrm) -> None:
    id_ = kept(store, 30)
    crm.faults.fail("job", Fault.SLOW_JOB)

    first = applied(store, id_, a_target(crm))
    landed = len(keys(crm))
    second = applied(store, id_, a_target(crm))

    assert (first.outcomes["unknown"], landed, first.exit_code) == (30, 0, 1)
    assert (second.outcomes["applied"], second.exit_code) == (30, ExitCode.DONE)
    assert len(keys(crm)) == len(set(keys(crm))) == 30
    assert crm.calls.count("job") == 1


def test_while_a_job_is_under_way_nothing_is_looked_up_or_sent(
    store: Store, crm: MemoryCrm
) -> None:
    crm.faults.fail("job", Fault.SLOW_JOB)
    applied(store, kept(store, 30), a_target(crm))
    other = kept(store, 31)
    crm.faults.fail("resume", Fault.SLOW_JOB)
    calls_before = len(crm.calls)

    report = applied(store, other, a_target(crm))

    assert isinstance(report.stops["sales"], RetryLaterError)
    assert "30 items" in str(report.stops["sales"])
    assert crm.calls[calls_before:] == ["resume"]
    assert keys(crm) == []


def test_a_job_that_the_crm_keeps_no_longer_is_looked_up_by_key(
    store: Store, crm: MemoryCrm
) -> None:
    id_ = kept(store, 30)
    crm.faults.fail("job", Fault.SLOW_JOB)
    applied(store, id_, a_target(crm))
    crm.jobs.clear()
    crm.put("Event", {"visit_key": "K000"})

    report = applied(store, id_, a_target(crm))

    assert report.outcomes["applied"] == 30
    assert len(keys(crm)) == len(set(keys(crm))) == 30


def test_a_job_that_cannot_be_asked_stops_the_connection(store: Store, crm: MemoryCrm) -> None:
    id_ = kept(store, 30)
    crm.faults.fail("job", Fault.SLOW_JOB)
    applied(store, id_, a_target(crm))
    crm.faults.fail("resume", Fault.TRANSIENT)

    report = applied(store, id_, a_target(crm))

    assert report.exit_code is ExitCode.TRY_LATER
    assert applied(store, id_, a_target(crm)).outcomes["applied"] == 30


def test_the_rows_that_a_job_rejects_are_rejected_alone(store: Store, crm: MemoryCrm) -> None:
    id_ = kept(store, 30)
    crm.faults.fail("job", Fault.SLOW_JOB)
    applied(store, id_, a_target(crm))
    crm.faults.fail("resume", Fault.HALF_REJECTED)

    report = applied(store, id_, a_target(crm))

    assert (report.outcomes["applied"], report.outcomes["rejected"]) == (15, 15)


def test_the_lost_answer_of_a_job_is_looked_up_in_batches(store: Store, crm: MemoryCrm) -> None:
    crm.faults.fail("job", Fault.RAISE_AFTER_WRITE)

    report = applied(store, kept(store, 30), a_target(crm))

    assert report.outcomes["applied"] == 30
    assert crm.calls.count("find_by_keys") == 3
    assert len(keys(crm)) == 30


def test_a_job_that_is_refused_as_a_whole_is_halved_down_to_batches(
    store: Store, crm: MemoryCrm
) -> None:
    target = a_target(crm)
    sizes: list[int] = []

    class Picky(MemoryConnection):
        def write(self, items: Sequence[WriteItem]) -> Any:
            sizes.append(len(items))
            if any(item.key == "K007" for item in items):
                raise RecordError("Event", "a shorter subject", "300 characters")
            return super().write(items)

    picky = Picky(crm=crm, declared=target.capabilities)

    report = applied(store, kept(store, 40), replace(target, connection=picky))

    assert (report.outcomes["applied"], report.outcomes["rejected"]) == (39, 1)
    assert all(size <= 10 or size >= 20 for size in sizes)
