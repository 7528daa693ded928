"""Apply writes exactly the reviewed changeset, or fewer items, and each of them once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from crmbridge.adapters import Operation
from crmbridge.clock import FixedClock
from crmbridge.errors import ConfigError, ExitCode, QuotaError, RefusedError, RetryLaterError
from crmbridge.push.apply import ApplyReport, Orders, apply
from crmbridge.push.batches import REMOTE_ID_OF
from crmbridge.push.changeset import Change, Changeset, GuardVerdict, Item, item_name, named
from crmbridge.push.journal import Journal, Landed
from crmbridge.push.ledger import State, latest_open, reopen_rejected, save_changeset
from crmbridge.push.settle import Target
from crmbridge.records import to_millis
from crmbridge.store import Store
from crmbridge.store.field_values import get_field_values, save_seen
from crmbridge.store.leases import acquire, break_lease
from crmbridge.store.plans import StoredPlan, save_plan
from crmbridge.store.schema import audit, changeset_items
from crmbridge.testing.faults import Fault
from crmbridge.testing.memory import MemoryConnection, memory_capabilities
from crmbridge.testing.truth import START, MemoryCrm

TOMORROW = "2026-03-03T10:00:00Z"


@pytest.fixture
def crm() -> MemoryCrm:
    return MemoryCrm(clock=FixedClock(START), tick=timedelta(0))


def a_target(crm: MemoryCrm, **changes: Any) -> Target:
    capabilities = memory_capabilities(**changes)
    connection = MemoryConnection(crm=crm, declared=capabilities)
    return Target(name="sales", connection=connection, capabilities=capabilities)


def a_create(number: int, **changes: object) -> Item:
    base: dict[str, object] = {
        "item": item_name(Operation.CREATE, "sales", "Event", f"K{number}"),
        "connection": "sales",
        "object": "Event",
        "key": f"K{number}",
        "operation": Operation.CREATE,
        "changes": (
            Change(field="start_at", before=None, after=TOMORROW),
            Change(field="subject", before=None, after=f"Visit {number}"),
        ),
        "parent": f"A{number}",
    }
    return Item(**{**base, **changes})  # type: ignore[arg-type]


def an_update(id_: str, before: object, after: object) -> Item:
    return Item(
        item=item_name(Operation.UPDATE, "sales", "Account", id_),
        connection="sales",
        object="Account",
        id=id_,
        operation=Operation.UPDATE,
        changes=(Change(field="Visit_Score__c", before=before, after=after),),
        parent=id_,
    )


def kept(store: Store, *items: Item, **changes: object) -> str:
    base: dict[str, object] = {
        "id": "",
        "created_at": START,
        "epoch": store.epoch,
        "organisations": {"sales": "memory-1"},
        "items": items,
    }
    changeset = named(Changeset(**{**base, **changes}))  # type: ignore[arg-type]
    save_changeset(store, changeset, run_id=1)
    return changeset.id


def applied(store: Store, id_: str, target: Target, **orders: Any) -> ApplyReport:
    clock = orders.pop("clock", None) or FixedClock(START)
    return apply(store, id_, {"sales": target}, Orders(clock=clock, actor="ann", **orders))


def keys(crm: MemoryCrm) -> list[str]:
    return sorted(values["visit_key"] for values in crm.held("Event").values())


def states(store: Store, id_: str) -> list[str]:
    query = select(changeset_items.c.state).where(changeset_items.c.changeset == id_)
    with store.read() as tx:
        return list(tx.scalars(query.order_by(changeset_items.c.sequence)))


def audited(store: Store) -> list[tuple[str, str]]:
    with store.read() as tx:
        rows = tx.execute(select(audit.c.action, audit.c.status).order_by(audit.c.number)).all()
    return [(row.action, row.status) for row in rows]


def test_what_was_decided_is_written_and_audited_once_per_item(
    store: Store, crm: MemoryCrm
) -> None:
    crm.put("Account", {"Visit_Score__c": 50.0}, "A1")
    id_ = kept(store, an_update("A1", 50.0, 70.0), a_create(1), a_create(2))

    report = applied(store, id_, a_target(crm))

    assert report.outcomes["applied"] == 3
    assert report.exit_code is ExitCode.DONE
    assert keys(crm) == ["K1", "K2"]
    assert crm.held("Account")["A1"]["Visit_Score__c"] == 70.0
    assert audited(store) == [("push", "applied")] * 3


def test_what_the_crm_acknowledged_is_remembered_as_seen_and_written(
    store: Store, crm: MemoryCrm
) -> None:
    crm.put("Account", {"Visit_Score__c": 50.0}, "A1")
    id_ = kept(store, an_update("A1", 50.0, 70.0))

    applied(store, id_, a_target(crm))

    with store.read() as tx:
        value = get_field_values(tx, ("sales", "Account"), ["A1"])["A1", "Visit_Score__c"]
    assert (value.seen, value.written, value.changeset) == ("70.0", "70.0", id_)
    assert value.version == crm.records["Account"]["A1"].version


def test_applying_twice_sends_nothing_the_second_time(store: Store, crm: MemoryCrm) -> None:
    id_ = kept(store, a_create(1))
    applied(store, id_, a_target(crm))
    sent = crm.calls.count("write")

    report = applied(store, id_, a_target(crm))

    assert crm.calls.count("write") == sent
    assert sum(report.outcomes.values()) == 0
    assert report.exit_code is ExitCode.DONE


@pytest.mark.parametrize("threads", [1, 4])
def test_many_batches_in_parallel_write_each_key_once(
    store: Store, crm: MemoryCrm, threads: int
) -> None:
    id_ = kept(store, *(a_create(number) for number in range(57)))

    report = applied(store, id_, a_target(crm), threads=threads)

    assert report.outcomes["applied"] == 57
    assert len(set(keys(crm))) == len(keys(crm)) == 57
    assert crm.calls.count("write") == 6


# Refused whole


def test_a_changeset_of_another_organisation_is_refused(store: Store, crm: MemoryCrm) -> None:
    id_ = kept(store, a_create(1), organisations={"sales": "other"})

    with pytest.raises(RefusedError, match="another account"):
        applied(store, id_, a_target(crm))

    assert "write" not in crm.calls


def test_a_changeset_of_another_epoch_is_refused(store: Store, crm: MemoryCrm) -> None:
    id_ = kept(store, a_create(1), epoch="before the backup")

    with pytest.raises(RefusedError, match="Pull, then decide again"):
        applied(store, id_, a_target(crm))


def test_an_item_altered_in_the_store_is_refused(store: Store, crm: MemoryCrm) -> None:
    id_ = kept(store, a_create(1))
    with store.write() as tx:
        tx.execute(changeset_items.update().values(key="K9"))

    with pytest.raises(RefusedError, match="its items as decided"):
        applied(store, id_, a_target(crm))


def test_an_item_added_in_the_store_is_refused(store: Store, crm: MemoryCrm) -> None:
    id_ = kept(store, a_create(1))
    other = kept(store, a_create(2))
    with store.write() as tx:
        where = changeset_items.c.changeset == other
        tx.execute(changeset_items.update().where(where).values(changeset=id_, sequence=1))

    with pytest.raises(RefusedError, match="its items as decided"):
        applied(store, id_, a_target(crm))


def a_plan(store: Store, id_: str, made_at: datetime, connection: str = "sales") -> None:
    plan = StoredPlan(
        id=id_, connection=connection, run_id=1, created_at=to_millis(made_at),
        start_on="2026-03-02", days=14, input_digest="", seed=1, parameters="{}", problem="{}",
        summary="{}",
    )  # fmt: skip
    with store.write() as tx:
        save_plan(tx, plan, [])


def test_a_changeset_is_refused_once_a_newer_plan_was_made(store: Store, crm: MemoryCrm) -> None:
    a_plan(store, "p1", START - timedelta(minutes=1))
    id_ = kept(store, a_create(1), plan_id="p1")
    a_plan(store, "p2", START + timedelta(minutes=1))

    with pytest.raises(RefusedError, match="a changeset of plan p2"):
        applied(store, id_, a_target(crm))


def test_plans_of_other_calendars_and_older_ones_do_not_matter(
    store: Store, crm: MemoryCrm
) -> None:
    a_plan(store, "p0", START - timedelta(minutes=1))
    a_plan(store, "p1", START - timedelta(minutes=2))
    a_plan(store, "q1", START - timedelta(minutes=2), "other")
    id_ = kept(store, a_create(1), plan_id="p1+q1")
    a_plan(store, "r1", START + timedelta(minutes=1), "third")

    assert applied(store, id_, a_target(crm)).outcomes["applied"] == 1


def test_a_connection_that_is_not_open_is_a_configuration_error(store: Store) -> None:
    id_ = kept(store, a_create(1))

    with pytest.raises(ConfigError, match=r"connections\.sales"):
        apply(store, id_, {}, Orders(clock=FixedClock(START)))


def test_an_older_changeset_is_void_once_another_was_applied(store: Store, crm: MemoryCrm) -> None:
    old, new = kept(store, a_create(1)), kept(store, a_create(2))
    applied(store, new, a_target(crm))

    with pytest.raises(RefusedError, match="one that is superseded"):
        applied(store, old, a_target(crm))


TRIPPED = GuardVerdict(
    guard="changes",
    connection="sales",
    object="Account",
    field="Visit_Score__c",
    count=1,
    total=1,
    tripped="changes 1 of 1 values set, more than 10%",
)


def test_a_tripped_guard_stops_before_anything_is_sent(store: Store, crm: MemoryCrm) -> None:
    crm.put("Account", {"Visit_Score__c": 50.0}, "A1")
    id_ = kept(store, an_update("A1", 50.0, 70.0), guards=(TRIPPED,))

    for accept in (None, 2):
        with pytest.raises(RefusedError, match="--accept 1"):
            applied(store, id_, a_target(crm), accept=accept)

    assert "write" not in crm.calls
    assert states(store, id_) == ["pending"]


def test_an_accepted_number_is_audited_and_holds_for_the_rest_of_this_changeset(
    store: Store, crm: MemoryCrm
) -> None:
    crm.put("Account", {"Visit_Score__c": 50.0}, "A1")
    crm.faults.fail("write", Fault.QUOTA)
    id_ = kept(store, an_update("A1", 50.0, 70.0), guards=(TRIPPED,))
    applied(store, id_, a_target(crm), accept=1)

    report = applied(store, id_, a_target(crm))

    assert report.outcomes["applied"] == 1
    assert audited(store) == [("accept", "1"), ("push", "applied")]


def test_the_latest_changeset_with_something_left_to_do_is_the_one_that_waits(
    store: Store, crm: MemoryCrm
) -> None:
    first = kept(store, a_create(1))
    kept(store, created_at=START + timedelta(minutes=1))
    before = latest_open(store)

    applied(store, first, a_target(crm))

    assert (before, latest_open(store)) == (first, None)


# Items left out


def test_a_customer_opted_out_since_is_skipped_with_the_reason(
    store: Store, crm: MemoryCrm
) -> None:
    def bars(items: Sequence[Item]) -> frozenset[str]:
        return frozenset(item.item for item in items if item.parent == "A1")

    id_ = kept(store, a_create(1), a_create(2))

    report = applied(store, id_, a_target(crm), bars=bars)

    assert (report.skipped, report.outcomes["applied"]) == (1, 1)
    assert keys(crm) == ["K2"]
    assert sorted(audited(store)) == [("push", "applied"), ("push", "skipped")]


def test_a_visit_that_has_become_past_is_skipped(store: Store, crm: MemoryCrm) -> None:
    late = FixedClock(datetime(2026, 3, 4, tzinfo=UTC))
    id_ = kept(store, a_create(1))

    report = applied(store, id_, a_target(crm), clock=late)

    assert report.skipped == 1
    assert keys(crm) == []


def test_a_value_that_a_later_pull_saw_changed_is_a_conflict(store: Store, crm: MemoryCrm) -> None:
    crm.put("Account", {"Visit_Score__c": 99.0}, "A1")
    id_ = kept(store, an_update("A1", 50.0, 70.0))
    with store.write() as tx:
        save_seen(tx, ("sales", "Account"), [("A1", "Visit_Score__c", 99.0, "5")], seen_at=1)

    report = applied(store, id_, a_target(crm))

    assert report.outcomes["conflict"] == 1
    assert report.exit_code is ExitCode.DONE_WITH_REJECTS
    assert "write" not in crm.calls


def test_a_value_changed_just_before_the_write_is_a_conflict(store: Store, crm: MemoryCrm) -> None:
    crm.put("Account", {"Visit_Score__c": 50.0}, "A1")
    crm.faults.before("write", lambda: crm.edit("Account", "A1", {"Visit_Score__c": 99.0}))
    id_ = kept(store, an_update("A1", 50.0, 70.0))

    report = applied(store, id_, a_target(crm))

    assert report.outcomes["conflict"] == 1
    assert crm.held("Account")["A1"]["Visit_Score__c"] == 99.0


def test_a_key_that_another_changeset_wrote_is_not_written_again(
    store: Store, crm: MemoryCrm
) -> None:
    first = kept(store, a_create(1))
    applied(store, first, a_target(crm))
    second = kept(store, a_create(1), created_at=START + timedelta(hours=1))

    report = applied(store, second, a_target(crm, key_is_unique=False))

    assert report.skipped == 1
    assert keys(crm) == ["K1"]


def a_campaign_with_a_member() -> tuple[Item, Item]:
    campaign = Item(
        item="i1",
        connection="sales",
        object="Campaign",
        key="C1",
        operation=Operation.CREATE,
        changes=(Change(field="name", before=None, after="Spring"),),
    )
    member = Item(
        item="i2",
        connection="sales",
        object="CampaignMember",
        operation=Operation.ADD_MEMBER,
        changes=(
            Change(field="campaign_id", before=None, after={REMOTE_ID_OF: "i1"}),
            Change(field="contact_id", before=None, after="P1"),
        ),
        depends_on="i1",
    )
    return campaign, member


def test_a_member_gets_the_id_of_the_campaign_that_was_just_created(
    store: Store, crm: MemoryCrm
) -> None:
    id_ = kept(store, *a_campaign_with_a_member())

    report = applied(store, id_, a_target(crm))

    (campaign_id,) = crm.held("Campaign")
    (member,) = crm.held("CampaignMember").values()
    assert member == {"campaign_id": campaign_id, "contact_id": "P1"}
    assert report.outcomes["applied"] == 2


def test_a_member_of_a_campaign_that_was_refused_is_skipped(store: Store, crm: MemoryCrm) -> None:
    campaign, member = a_campaign_with_a_member()
    before = replace(campaign, item="i0", key="C0")
    crm.faults.fail("write", Fault.HALF_REJECTED)
    id_ = kept(store, before, campaign, member)

    report = applied(store, id_, a_target(crm))

    assert states(store, id_) == ["applied", "rejected", "skipped"]
    assert report.exit_code is ExitCode.DONE_WITH_REJECTS


# Stops and resumption


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.QUOTA, ExitCode.TRY_LATER),
        (Fault.SIGN_IN, ExitCode.SIGN_IN),
        (Fault.CONFIG, ExitCode.CONFIG),
    ],
)
def test_a_stop_leaves_the_rest_pending_and_the_next_push_goes_on(
    store: Store, crm: MemoryCrm, fault: Fault, code: ExitCode
) -> None:
    crm.faults.fail("write", fault, after=1)
    id_ = kept(store, *(a_create(number) for number in range(25)))

    first = applied(store, id_, a_target(crm), threads=1)
    second = applied(store, id_, a_target(crm), threads=1)

    assert (first.outcomes["applied"], first.pending, first.exit_code) == (10, 15, code)
    assert (second.outcomes["applied"], second.pending) == (15, 0)
    assert len(keys(crm)) == 25


def test_a_quota_says_when_to_go_on(store: Store, crm: MemoryCrm) -> None:
    crm.faults.fail("write", Fault.QUOTA)
    id_ = kept(store, a_create(1))

    report = applied(store, id_, a_target(crm))

    assert isinstance(report.stops["sales"], QuotaError)
    assert report.resume_at == crm.clock.now() + timedelta(hours=1)


def test_rejected_items_can_be_retried_once_the_cause_is_gone(store: Store, crm: MemoryCrm) -> None:
    crm.faults.fail("write", Fault.HALF_REJECTED)
    id_ = kept(store, *(a_create(number) for number in range(4)))
    first = applied(store, id_, a_target(crm))

    reopened = reopen_rejected(store)
    second = applied(store, id_, a_target(crm))

    assert first.outcomes["rejected"] == 2
    assert "refused as the test planned" in first.findings[0].example
    assert reopened == [id_]
    assert second.outcomes["applied"] == 2
    assert reopen_rejected(store) == []


def test_what_could_not_be_looked_up_is_looked_up_by_the_next_push(
    store: Store, crm: MemoryCrm
) -> None:
    crm.faults.fail("write", Fault.DROP_AFTER_WRITE)
    crm.faults.fail("find_by_keys", Fault.TRANSIENT)
    id_ = kept(store, a_create(1), a_create(2))
    target = a_target(crm, key_is_unique=False)
    first = applied(store, id_, target)

    second = applied(store, id_, target)

    assert first.pending == 2
    assert second.outcomes["applied"] == 2
    assert keys(crm) == ["K1", "K2"]


def test_another_changeset_first_looks_up_what_is_under_way(store: Store, crm: MemoryCrm) -> None:
    crm.faults.fail("write", Fault.DROP_AFTER_WRITE)
    crm.faults.fail("find_by_keys", Fault.TRANSIENT)
    target = a_target(crm, key_is_unique=False)
    first = kept(store, a_create(1))
    applied(store, first, target)
    second = kept(store, a_create(1), a_create(2))

    report = applied(store, second, target)

    assert states(store, first) == ["applied"]
    assert (report.skipped, report.outcomes["applied"]) == (1, 1)
    assert keys(crm) == ["K1", "K2"]


def test_an_unknown_outcome_without_a_key_is_never_sent_again(store: Store, crm: MemoryCrm) -> None:
    crm.faults.fail("write", Fault.DROP_BEFORE_WRITE)
    target = a_target(crm, key_field="", key_is_unique=False)
    id_ = kept(store, a_create(1))
    first = applied(store, id_, target)

    second = applied(store, id_, target)

    assert first.outcomes["unknown"] == 1
    assert first.exit_code is ExitCode.DONE_WITH_REJECTS
    assert sum(second.outcomes.values()) == 0
    assert crm.calls.count("write") == 1


def test_a_lost_lease_stops_before_anything_more_is_sent(store: Store, crm: MemoryCrm) -> None:
    fence = acquire(store, "sales", "host:1 push", START, 60)
    id_ = kept(store, *(a_create(number) for number in range(45)))
    calls: list[int] = []

    def between() -> None:
        calls.append(1)
        if len(calls) == 3:
            break_lease(store, "sales")

    with pytest.raises(RetryLaterError, match="our lease"):
        applied(store, id_, a_target(crm), fences={"sales": fence}, threads=1, between=between)

    # two batches were under way with a committed intent when the third asked
    assert len(keys(crm)) <= 20
    assert "pending" in states(store, id_)


def test_a_batch_that_waited_while_the_lease_was_lost_is_not_sent(
    store: Store, crm: MemoryCrm
) -> None:
    fence = acquire(store, "sales", "host:1 push", START, 60)
    id_ = kept(store, *(a_create(number) for number in range(20)))
    clock = FixedClock(START)

    def stopped_for_long() -> None:
        clock.at += timedelta(hours=1)
        break_lease(store, "sales")

    crm.faults.before("write", stopped_for_long)

    with pytest.raises(RetryLaterError, match="our lease"):
        applied(store, id_, a_target(crm), fences={"sales": fence}, threads=1, clock=clock)

    assert len(keys(crm)) == 10


def test_an_interruption_keeps_what_was_answered(store: Store, crm: MemoryCrm) -> None:
    id_ = kept(store, *(a_create(number) for number in range(45)))
    calls: list[int] = []

    def between() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        applied(store, id_, a_target(crm), threads=1, between=between)

    done = len(keys(crm))
    assert done in (10, 20)  # the second batch may have begun before it could be called back
    assert sorted(set(states(store, id_))) == ["applied", "pending"]
    assert states(store, id_).count("applied") == done
    assert applied(store, id_, a_target(crm)).outcomes["applied"] == 45 - done


def test_two_pushes_at_once_do_not_send_one_item_twice(store: Store, crm: MemoryCrm) -> None:
    id_ = kept(store, a_create(1))
    first, second = Journal(store, id_), Journal(store, id_)
    first.turn(None, Landed(), first.pending("sales"), START, None)

    with pytest.raises(RetryLaterError, match="Another push is at work"):
        second.turn(None, Landed(), second.pending("sales"), START, None)

    assert Journal(store, id_).count(State.SENDING) == 1


def test_a_stop_of_one_connection_does_not_hold_up_the_other(store: Store, crm: MemoryCrm) -> None:
    other = MemoryCrm(organisation="memory-2")
    crm.faults.fail("write", Fault.SIGN_IN)
    elsewhere = replace(a_create(2), connection="other")
    both: Mapping[str, str] = {"sales": "memory-1", "other": "memory-2"}
    id_ = kept(store, a_create(1), elsewhere, organisations=both)
    targets = {"sales": a_target(crm), "other": replace(a_target(other), name="other")}

    report = apply(store, id_, targets, Orders(clock=FixedClock(START)))

    assert keys(other) == ["K2"]
    assert list(report.stops) == ["sales"]
    assert report.exit_code is ExitCode.SIGN_IN
