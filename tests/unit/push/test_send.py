"""Whatever goes wrong while sending, each item gets one verdict and lands at most once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from crmbridge.adapters import Check, Connection, ErrorClass, Operation, Outcome, Status, WriteItem
from crmbridge.clock import FixedClock
from crmbridge.errors import ConfigError, QuotaError, RecordError, RetryLaterError, SignInError
from crmbridge.push.send import send
from crmbridge.push.settle import Target, settle
from crmbridge.testing.faults import Fault
from crmbridge.testing.memory import MemoryConnection, memory_capabilities
from crmbridge.testing.truth import START, MemoryCrm


def a_target(crm: MemoryCrm, **changes: Any) -> Target:
    capabilities = memory_capabilities(**changes)
    connection = MemoryConnection(crm=crm, declared=capabilities)
    return Target(name="sales", connection=connection, capabilities=capabilities)


def creates(count: int) -> list[WriteItem]:
    return [
        WriteItem(
            item=f"i{number}",
            operation=Operation.CREATE,
            object="Event",
            key=f"K{number}",
            values={"subject": f"Visit {number}"},
        )
        for number in range(count)
    ]


def an_update(id_: str, before: object, after: object) -> WriteItem:
    return WriteItem(
        item="u1",
        operation=Operation.UPDATE,
        object="Account",
        id=id_,
        values={"Visit_Score__c": after},
        expected={"Visit_Score__c": before},
    )


def keys(crm: MemoryCrm) -> list[str]:
    return sorted(values["visit_key"] for values in crm.held("Event").values())


def a_clock() -> FixedClock:
    return FixedClock(START)


@pytest.mark.parametrize(
    "fault",
    [Fault.DROP_AFTER_WRITE, Fault.DROP_BEFORE_WRITE, Fault.HALF_UNKNOWN, Fault.TRANSIENT],
)
@pytest.mark.parametrize("is_unique", [True, False], ids=["unique key", "key not enforced"])
def test_a_lost_answer_leads_to_exactly_one_record(fault: Fault, is_unique: bool) -> None:
    crm = MemoryCrm()
    crm.faults.fail("write", fault)

    sent = send(a_target(crm, key_is_unique=is_unique), creates(4), a_clock())

    assert keys(crm) == ["K0", "K1", "K2", "K3"]
    assert {outcome.status for outcome in sent.outcomes.values()} <= {
        Status.APPLIED,
        Status.UNCHANGED,
    }
    assert len(sent.outcomes) == 4


def test_without_a_key_a_lost_create_is_never_sent_again() -> None:
    crm = MemoryCrm()
    crm.faults.fail("write", Fault.DROP_AFTER_WRITE)

    sent = send(a_target(crm, key_field="", key_is_unique=False), creates(2), a_clock())

    assert [outcome.status for outcome in sent.outcomes.values()] == [Status.UNKNOWN] * 2
    assert crm.calls.count("write") == 1


def test_two_records_with_one_key_are_for_people() -> None:
    crm = MemoryCrm()
    crm.put("Event", {"visit_key": "K0"})
    crm.put("Event", {"visit_key": "K0"})

    settled = settle(a_target(crm), creates(1))

    assert settled.outcomes[0].status is Status.UNKNOWN
    assert "2 records bear the key" in settled.outcomes[0].error


def test_what_cannot_be_looked_up_stays_in_flight() -> None:
    crm = MemoryCrm()
    crm.faults.fail("write", Fault.DROP_AFTER_WRITE)
    crm.faults.fail("find_by_keys", Fault.TRANSIENT)

    sent = send(a_target(crm), creates(2), a_clock())

    assert [item.key for item in sent.in_flight] == ["K0", "K1"]
    assert isinstance(sent.stop, RetryLaterError)


@pytest.mark.parametrize(
    ("fault", "error"),
    [(Fault.QUOTA, QuotaError), (Fault.SIGN_IN, SignInError), (Fault.CONFIG, ConfigError)],
)
def test_a_refused_call_stops_and_leaves_its_items_unsent(
    fault: Fault, error: type[Exception]
) -> None:
    crm = MemoryCrm()
    crm.faults.fail("write", fault)

    sent = send(a_target(crm), creates(3), a_clock())

    assert isinstance(sent.stop, error)
    assert len(sent.unsent) == 3
    assert keys(crm) == []


def test_a_lost_update_that_landed_is_applied_and_not_a_conflict() -> None:
    crm = MemoryCrm()
    crm.put("Account", {"Visit_Score__c": 50.0}, "A1")
    crm.faults.fail("write", Fault.DROP_AFTER_WRITE)

    sent = send(a_target(crm), [an_update("A1", 50.0, 70.0)], a_clock())

    assert sent.outcomes["u1"].status is Status.APPLIED
    assert crm.calls.count("write") == 1


def test_a_lost_update_that_did_not_land_is_sent_again() -> None:
    crm = MemoryCrm()
    crm.put("Account", {"Visit_Score__c": 50.0}, "A1")
    crm.faults.fail("write", Fault.DROP_BEFORE_WRITE)

    sent = send(a_target(crm), [an_update("A1", 50.0, 70.0)], a_clock())

    assert sent.outcomes["u1"].status is Status.APPLIED
    assert crm.held("Account")["A1"]["Visit_Score__c"] == 70.0


def test_a_person_who_edits_while_the_answer_is_lost_wins() -> None:
    crm = MemoryCrm()
    crm.put("Account", {"Visit_Score__c": 50.0}, "A1")
    crm.faults.fail("write", Fault.DROP_BEFORE_WRITE)
    crm.faults.before("read_by_ids", lambda: crm.edit("Account", "A1", {"Visit_Score__c": 99.0}))

    sent = send(a_target(crm), [an_update("A1", 50.0, 70.0)], a_clock())

    assert sent.outcomes["u1"].status is Status.CONFLICT
    assert crm.held("Account")["A1"]["Visit_Score__c"] == 99.0


def test_a_lost_update_of_a_merged_record_names_the_survivor() -> None:
    crm = MemoryCrm()
    crm.put("Account", {"Visit_Score__c": 50.0}, "A1")
    crm.put("Account", {}, "A2")
    crm.merge("Account", "A1", "A2")

    settled = settle(a_target(crm), [an_update("A1", 50.0, 70.0)])

    assert (settled.outcomes[0].status, settled.outcomes[0].survivor) == (Status.REJECTED, "A2")


def test_a_lost_update_that_cannot_be_read_back_is_unknown() -> None:
    settled = settle(a_target(MemoryCrm(), reads_by_id=False), [an_update("A1", 50.0, 70.0)])

    assert settled.outcomes[0].status is Status.UNKNOWN


def test_a_lost_change_that_no_page_shows_as_written_is_unknown() -> None:
    crm = MemoryCrm()
    id_ = crm.put("Event", {"status": "planned"})
    cancel = WriteItem(
        item="c1",
        operation=Operation.UPDATE,
        object="Event",
        id=id_,
        key="K1",
        values={"status": "cancelled"},
        expected={"status": "planned"},
    )

    assert settle(a_target(crm), [cancel]).outcomes[0].status is Status.UNKNOWN


def test_instants_written_in_another_way_are_the_same() -> None:
    crm = MemoryCrm()
    id_ = crm.put("Event", {"StartDateTime": "2026-03-10T11:00:00.000+0100"})
    moved = WriteItem(
        item="m1",
        operation=Operation.UPDATE,
        object="Event",
        id=id_,
        key="K1",
        values={"start_at": "2026-03-10T10:00:00Z"},
        expected={"start_at": "2026-03-09T10:00:00Z"},
    )
    names = {"Event": {"start_at": "StartDateTime"}}

    settled = settle(replace(a_target(crm), source_fields=names), [moved])

    assert settled.outcomes[0].status is Status.APPLIED


def test_a_lost_deletion_is_looked_at() -> None:
    crm = MemoryCrm()
    there = crm.put("Event", {"visit_key": "K0"})
    gone = crm.put("Event", {"visit_key": "K1"})
    crm.delete("Event", gone)
    items = [
        WriteItem(item=id_, operation=Operation.DELETE, object="Event", id=id_)
        for id_ in (there, gone)
    ]

    settled = settle(a_target(crm, check=Check.NONE), items)

    assert [item.id for item in settled.absent] == [there]
    assert [(one.id, one.status) for one in settled.outcomes] == [(gone, Status.APPLIED)]


# Adapters that do not behave


@dataclass(slots=True, kw_only=True)
class ScriptedConnection(MemoryConnection):
    """A connection whose `write` is the test's."""

    writes: Callable[[Sequence[WriteItem]], Sequence[Outcome]]
    sizes: list[int] = field(default_factory=list)

    def write(self, items: Sequence[WriteItem]) -> Sequence[Outcome]:
        self.sizes.append(len(items))
        return self.writes(items)


def scripted(writes: Callable[[Sequence[WriteItem]], Sequence[Outcome]]) -> ScriptedConnection:
    return ScriptedConnection(crm=MemoryCrm(), writes=writes)


def to(connection: Connection) -> Target:
    return Target(name="sales", connection=connection, capabilities=memory_capabilities())


def applied(item: WriteItem) -> Outcome:
    return Outcome(item=item.item, status=Status.APPLIED, id=f"E-{item.key}")


def test_a_refused_batch_is_halved_until_the_bad_item_stands_alone() -> None:
    def writes(items: Sequence[WriteItem]) -> Sequence[Outcome]:
        if any(item.key == "K5" for item in items):
            raise RecordError("Event", "a shorter subject", "one of 300 characters")
        return [applied(item) for item in items]

    connection = scripted(writes)

    sent = send(to(connection), creates(8), a_clock())

    assert sent.outcomes["i5"].status is Status.REJECTED
    assert "a shorter subject" in sent.outcomes["i5"].error
    assert sum(one.status is Status.APPLIED for one in sent.outcomes.values()) == 7
    # 8; 4 good, 4 bad; 2 (K4, K5) bad; K4, K5 alone; 2 good
    assert connection.sizes == [8, 4, 4, 2, 1, 1, 2]


def test_outcomes_in_any_order_find_their_items() -> None:
    def writes(items: Sequence[WriteItem]) -> Sequence[Outcome]:
        rejected = Outcome(item="i1", status=Status.REJECTED, error_class=ErrorClass.RECORD)
        return [rejected, *(applied(item) for item in reversed(items) if item.item != "i1")]

    sent = send(to(scripted(writes)), creates(3), a_clock())

    assert {name: one.status for name, one in sent.outcomes.items()} == {
        "i0": Status.APPLIED,
        "i1": Status.REJECTED,
        "i2": Status.APPLIED,
    }


@pytest.mark.parametrize(
    "answer",
    [lambda items: [], lambda items: [applied(items[0])] * 2],
    ids=["no outcome", "two outcomes for one item"],
)
def test_an_adapter_that_does_not_account_for_an_item_leaves_it_to_be_looked_up(
    answer: Callable[[Sequence[WriteItem]], Sequence[Outcome]],
) -> None:
    connection = scripted(answer)
    connection.crm.put("Event", {"visit_key": "K0"}, "E1")

    sent = send(to(connection), creates(1), a_clock())

    assert (sent.outcomes["i0"].status, sent.outcomes["i0"].id) == (Status.APPLIED, "E1")


def test_an_error_of_a_plugin_shows_its_type_only() -> None:
    def writes(items: Sequence[WriteItem]) -> Sequence[Outcome]:
        raise KeyError("secret-canary")

    connection = scripted(writes)
    connection.crm.faults.fail("find_by_keys", Fault.TRANSIENT)

    sent = send(to(connection), creates(1), a_clock())

    assert len(sent.in_flight) == 1
    assert "secret-canary" not in str(sent.stop)


def test_locked_rows_are_sent_again_with_growing_waits_and_then_left() -> None:
    def writes(items: Sequence[WriteItem]) -> Sequence[Outcome]:
        return [
            Outcome(item=one.item, status=Status.REJECTED, error_class=ErrorClass.TRANSIENT)
            for one in items
        ]

    clock = a_clock()

    sent = send(to(scripted(writes)), creates(2), clock)

    assert clock.slept == [0.5, 1.0, 2.0]
    assert len(sent.unsent) == 2
    assert isinstance(sent.stop, RetryLaterError)


def test_a_batch_that_is_wholly_misconfigured_stops_the_push() -> None:
    def writes(items: Sequence[WriteItem]) -> Sequence[Outcome]:
        error = "no field Visit_Key__c"
        return [
            Outcome(
                item=one.item, status=Status.REJECTED, error_class=ErrorClass.CONFIG, error=error
            )
            for one in items
        ]

    sent = send(to(scripted(writes)), creates(2), a_clock())

    assert isinstance(sent.stop, ConfigError)
    assert "no field Visit_Key__c" in str(sent.stop)


def test_a_long_job_leaves_its_handle() -> None:
    def writes(items: Sequence[WriteItem]) -> Sequence[Outcome]:
        return [Outcome(item=one.item, status=Status.UNKNOWN, handle="job-7") for one in items]

    connection = scripted(writes)

    sent = send(to(connection), creates(2), a_clock())

    assert {one.handle for one in sent.outcomes.values()} == {"job-7"}
    assert connection.sizes == [2]
