"""Decide, apply, pull and decide again: the second time there is nothing left to do."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from crmbridge.adapters import Operation
from crmbridge.clock import FixedClock
from crmbridge.push import (
    ApplyReport,
    Ask,
    Decision,
    Desired,
    DesiredFields,
    DesiredRecord,
    FirstFill,
    Limits,
    Orders,
    Origin,
    OwnRecords,
    Scope,
    Target,
    WritePolicy,
    apply,
    barred_in_store,
    bars,
    decide,
    gather_for,
    save_changeset,
    settle_open,
    undo_in,
)
from crmbridge.push.ledger import deleted_by_us
from crmbridge.push.own import Fate
from crmbridge.push.values import parse_instant
from crmbridge.records import RecordKey, to_millis
from crmbridge.store import Store
from crmbridge.store.connections import Account, mark_pulled, pin
from crmbridge.store.field_values import save_seen
from crmbridge.store.records import DELETED, fetch_records, mark_records
from crmbridge.store.upsert import upsert_records
from crmbridge.testing.faults import Fault
from crmbridge.testing.memory import MemoryConnection, memory_capabilities
from crmbridge.testing.truth import MemoryCrm

ANN = "ann@example.com"
FIELDS = ("kind", "status", "subject", "start_at", "rep_id", "customer_id")
WRITTEN = ("Visit_Score__c", "Segment__c")


class World:
    """A CRM, the store that looks at it, and a clock that both share."""

    def __init__(self, store: Store, **capabilities: Any) -> None:
        self.store = store
        self.crm = MemoryCrm()
        self.clock: FixedClock = self.crm.clock
        declared = memory_capabilities(**capabilities)
        connection = MemoryConnection(crm=self.crm, declared=declared)
        self.target = Target(name="sales", connection=connection, capabilities=declared)
        self.policies = {
            "sales": WritePolicy(
                capabilities=declared,
                fields={"Account": frozenset(WRITTEN)},
                own={"Event": OwnRecords(fields=frozenset(FIELDS))},
                normalise=connection.normalise,
                limits=Limits(share=1.0, first_fill=FirstFill.ALLOW),
            )
        }
        with store.write() as tx:
            pin(tx, Account(name="sales", adapter="memory", organisation="memory-1"))

    def pull(self) -> None:
        """Take over what the CRM holds, as a pull does."""
        self.clock.sleep(60)
        now = to_millis(self.clock.now())
        with self.store.write() as tx:
            for object_, stream, names in (
                ("Account", "customers", ("name",)),
                ("Event", "activities", (*FIELDS, "visit_key")),
            ):
                held = self.crm.records.get(object_, {}).values()
                live = [one for one in held if not one.is_deleted]
                rows = [
                    ("sales", object_, one.id, *(_canonical(n, one.values.get(n)) for n in names),
                     one.version)
                    for one in live
                ]  # fmt: skip
                columns = ("connection", "object", "id", *names, "version")
                upsert_records(tx, stream, rows, 1, columns=columns)
                gone = [one.id for one in held if one.is_deleted]
                mark_records(tx, stream, ("sales", object_), gone, DELETED, 1)
            accounts = [one for one in self.crm.records["Account"].values() if not one.is_deleted]
            seen = [
                (one.id, name, one.values.get(name), one.version)
                for one in accounts
                for name in WRITTEN
            ]
            save_seen(tx, ("sales", "Account"), seen, now)
            mark_pulled(tx, "sales", now)

    def ask(self) -> Ask:
        return Ask(now=self.clock.now(), policies=self.policies, reps={("sales", "U1"): ANN})

    def origin(self) -> Origin:
        organisations = {"sales": "memory-1"}
        return Origin(now=self.clock.now(), epoch=self.store.epoch, organisations=organisations)

    def decide(self, desired: Desired) -> Decision:
        self.clock.sleep(60)
        seen = gather_for(self.store, desired, self.ask())
        return decide(desired, seen, self.policies, self.origin())

    def apply(self, decision: Decision, **orders: Any) -> ApplyReport:
        save_changeset(self.store, decision.changeset, run_id=1)
        self.clock.sleep(60)
        told = Orders(clock=self.clock, **orders)
        return apply(self.store, decision.changeset.id, {"sales": self.target}, told)

    def undo(self, decision: Decision) -> Decision:
        self.clock.sleep(60)
        return undo_in(self.store, decision.changeset.id, self.ask(), self.origin())


def _canonical(name: str, value: Any) -> Any:
    return to_millis(parse_instant(value)) if name == "start_at" and value else value


@pytest.fixture
def world(any_store: Store) -> World:
    return a_world(any_store)


def a_world(store: Store, **capabilities: Any) -> World:
    world = World(store, **capabilities)
    for number in (1, 2, 3):
        values = {"name": f"Customer {number}", "Visit_Score__c": 50.0}
        world.crm.put("Account", values, f"A{number}")
    world.pull()
    return world


def scores(values: Mapping[str, object]) -> list[DesiredFields]:
    return [
        DesiredFields(record=RecordKey("sales", "Account", id_), values={"Visit_Score__c": value})
        for id_, value in values.items()
    ]


def a_visit(number: int, start: str = "2026-03-10T10:00:00Z") -> DesiredRecord:
    return DesiredRecord(
        connection="sales",
        object="Event",
        key=f"K{number}",
        values={
            "kind": "visit",
            "status": "planned",
            "subject": f"Visit {number}",
            "start_at": start,
            "rep_id": "U1",
            "customer_id": f"A{number}",
        },
        customer=RecordKey("sales", "Account", f"A{number}"),
        rep=ANN,
        parent=f"A{number}",
    )


def wanted(*numbers: int, start: str = "2026-03-10T10:00:00Z", **values: object) -> Desired:
    scope = Scope(
        reps=frozenset({ANN}),
        since=datetime(2026, 3, 2, tzinfo=UTC),
        until=datetime(2026, 3, 30, tzinfo=UTC),
    )
    return Desired(
        fields=scores(values),
        records=[a_visit(number, start) for number in numbers],
        scopes={("sales", "Event"): scope},
    )


def starts(world: World) -> dict[str, object]:
    return {one["visit_key"]: one["start_at"] for one in world.crm.held("Event").values()}


def score(world: World, id_: str) -> object:
    return world.crm.held("Account")[id_].get("Visit_Score__c")


@pytest.mark.parametrize("is_pulled", [True, False], ids=["pulled between", "not pulled"])
def test_deciding_again_after_applying_gives_nothing(world: World, is_pulled: bool) -> None:
    desired = wanted(1, 2, A1=70.126, A2=50.0, A3=80)
    first = world.decide(desired)
    assert world.apply(first).outcomes["applied"] == 4  # two visits, two scores

    if is_pulled:
        world.pull()
    second = world.decide(desired)

    assert second.changeset.items == ()
    assert second.findings == ()


def test_ten_nights_write_once(any_store: Store) -> None:
    world = a_world(any_store)
    writes = []

    for _ in range(10):
        decision = world.decide(wanted(1, 2, A1=70.0))
        world.apply(decision)
        world.pull()
        writes.append(len(decision.changeset.items))

    assert writes == [3, 0, 0, 0, 0, 0, 0, 0, 0, 0]


def test_a_visit_that_moves_in_the_plan_moves_in_the_calendar(world: World) -> None:
    world.apply(world.decide(wanted(1)))
    world.pull()

    world.apply(world.decide(wanted(1, start="2026-03-11T09:00:00Z")))

    assert starts(world) == {"K1": "2026-03-11T09:00:00Z"}


def test_a_visit_that_moves_before_it_was_pulled_moves_as_well(world: World) -> None:
    world.apply(world.decide(wanted(1)))

    world.apply(world.decide(wanted(1, start="2026-03-11T09:00:00Z")))

    assert starts(world) == {"K1": "2026-03-11T09:00:00Z"}


def test_a_visit_no_longer_planned_is_deleted_and_may_come_back(world: World) -> None:
    world.apply(world.decide(wanted(1, 2)))
    world.pull()
    world.apply(world.decide(wanted(2)))
    world.pull()
    assert list(starts(world)) == ["K2"]

    world.apply(world.decide(wanted(1, 2)))

    assert sorted(starts(world)) == ["K1", "K2"]


def test_what_we_deleted_is_marked_at_once(world: World) -> None:
    world.apply(world.decide(wanted(1, 2)))
    world.pull()
    (id_,) = [i for i, one in world.crm.held("Event").items() if one["visit_key"] == "K1"]
    world.apply(world.decide(wanted(2)))

    with world.store.read() as tx:
        held = fetch_records(tx, "activities", ("sales", "Event"), [id_], ("record_state",))
        ours = deleted_by_us(tx, ["K1", "K2"])

    assert held == {id_: (DELETED,)}
    assert ours == {"K1"}


def test_a_visit_that_a_person_moved_stays_where_they_put_it(world: World) -> None:
    world.apply(world.decide(wanted(1)))
    (id_,) = world.crm.held("Event")
    world.crm.edit("Event", id_, {"start_at": "2026-03-12T15:00:00Z"})
    world.pull()

    decision = world.decide(wanted(1, start="2026-03-11T09:00:00Z"))

    assert decision.changeset.items == ()
    assert [(one.key, one.fate) for one in decision.touched] == [("K1", Fate.MOVED)]


def test_a_visit_that_a_person_deleted_is_declined_for_good(world: World) -> None:
    world.apply(world.decide(wanted(1)))
    world.pull()
    (id_,) = world.crm.held("Event")
    world.crm.delete("Event", id_)
    world.pull()

    decision = world.decide(wanted(1))

    assert decision.changeset.items == ()
    assert [one.fate for one in decision.touched] == [Fate.DECLINED]


def test_a_score_that_a_person_changed_is_theirs(world: World) -> None:
    world.apply(world.decide(wanted(A1=70.0)))
    world.crm.edit("Account", "A1", {"Visit_Score__c": 10.0})
    world.pull()

    decision = world.decide(wanted(A1=75.0))

    assert decision.changeset.items == ()
    assert [finding.code for finding in decision.findings] == ["push.person"]


def test_a_record_deleted_in_the_crm_is_not_written_to(world: World) -> None:
    world.crm.delete("Account", "A1")
    world.pull()

    decision = world.decide(wanted(A1=70.0))

    assert decision.changeset.items == ()
    assert [finding.code for finding in decision.findings] == ["push.not_seen"]


def test_a_visit_under_way_is_not_created_by_the_next_decision(store: Store) -> None:
    world = a_world(store, key_is_unique=False)
    world.crm.faults.fail("write", Fault.DROP_AFTER_WRITE)
    world.crm.faults.fail("find_by_keys", Fault.TRANSIENT)
    assert world.apply(world.decide(wanted(1))).pending == 1

    during = world.decide(wanted(1))
    stops = settle_open(store, {"sales": world.target}, Orders(clock=world.clock))
    after = world.decide(wanted(1))

    assert during.changeset.items == ()
    assert stops == {}
    assert after.changeset.items == ()
    assert after.findings == ()
    assert list(starts(world)) == ["K1"]


def test_a_visit_gone_before_it_was_ever_pulled_is_missing(store: Store) -> None:
    world = a_world(store)
    world.apply(world.decide(wanted(1, 2)))
    first = next(iter(world.crm.held("Event")))
    del world.crm.records["Event"][first]  # a hard deletion that no read ever shows
    world.clock.sleep(2 * 86_400)
    world.pull()

    decision = world.decide(wanted(1, 2))

    assert decision.changeset.items == ()
    assert [finding.code for finding in decision.findings] == ["push.missing"]


# Undo


def test_undo_restores_what_was_there_and_takes_our_visits_away(world: World) -> None:
    world.crm.edit("Account", "A2", {"Visit_Score__c": None})
    world.pull()
    done = world.decide(wanted(1, A1=70.0, A2=60.0))
    world.apply(done)
    world.pull()

    back = world.undo(done)
    report = world.apply(back)

    operations = sorted(item.operation.value for item in back.changeset.items)
    assert operations == ["clear", "delete", "update"]
    assert report.outcomes["applied"] == 3
    assert (score(world, "A1"), score(world, "A2")) == (50.0, None)
    assert starts(world) == {}


def test_undo_restores_what_was_changed_and_what_was_cleared_in_one_record(
    store: Store,
) -> None:
    world = a_world(store)
    world.crm.edit("Account", "A1", {"Segment__c": "gold"})
    world.pull()
    clearing = {"Account": frozenset({"Segment__c"})}
    world.policies = {"sales": replace(world.policies["sales"], clear=clearing)}
    record = RecordKey("sales", "Account", "A1")
    values = {"Visit_Score__c": 70.0, "Segment__c": None}
    done = world.decide(Desired(fields=[DesiredFields(record=record, values=values)]))
    world.apply(done)

    world.apply(world.undo(done))

    held = world.crm.held("Account")["A1"]
    assert (held["Visit_Score__c"], held["Segment__c"]) == (50.0, "gold")


def test_undo_leaves_what_a_person_changed_since(world: World) -> None:
    done = world.decide(wanted(1, A1=70.0, A2=60.0))
    world.apply(done)
    (id_,) = world.crm.held("Event")
    world.crm.edit("Event", id_, {"start_at": "2026-03-12T15:00:00Z"})
    world.crm.edit("Account", "A1", {"Visit_Score__c": 10.0})
    world.pull()

    back = world.undo(done)
    world.apply(back)

    assert (score(world, "A1"), score(world, "A2")) == (10.0, 50.0)
    assert starts(world) == {"K1": "2026-03-12T15:00:00Z"}
    assert [finding.code for finding in back.findings] == ["push.undo_changed", "push.undo_kept"]


def test_undo_leaves_what_a_person_changes_while_it_runs(store: Store) -> None:
    world = a_world(store)
    done = world.decide(wanted(A1=70.0))
    world.apply(done)
    world.pull()
    back = world.undo(done)
    world.crm.edit("Account", "A1", {"Visit_Score__c": 10.0})

    report = world.apply(back)

    assert report.outcomes["conflict"] == 1
    assert score(world, "A1") == 10.0


def test_undo_creates_again_what_was_deleted(world: World) -> None:
    world.apply(world.decide(wanted(1, 2)))
    world.pull()
    deleted = world.decide(wanted(2))
    world.apply(deleted)
    world.pull()

    world.apply(world.undo(deleted))

    assert sorted(starts(world)) == ["K1", "K2"]


def test_undo_moves_a_visit_back(world: World) -> None:
    world.apply(world.decide(wanted(1)))
    moved = world.decide(wanted(1, start="2026-03-11T09:00:00Z"))
    world.apply(moved)
    world.pull()

    world.apply(world.undo(moved))

    assert starts(world) == {"K1": "2026-03-10T10:00:00Z"}


def test_undo_of_what_never_landed_is_empty(store: Store) -> None:
    world = a_world(store)
    world.crm.faults.fail("write", Fault.QUOTA)
    stopped = world.decide(wanted(A1=70.0))
    world.apply(stopped)

    assert world.undo(stopped).changeset.items == ()


# Consent


def test_a_customer_opted_out_between_decision_and_push_gets_no_visit(world: World) -> None:
    decision = world.decide(wanted(1, 2))
    fact = ("sales", "Consent", "1", "A1", "visit", "denied")
    columns = ("connection", "object", "id", "customer_id", "channel", "state")
    with world.store.write() as tx:
        upsert_records(tx, "consents", [fact], 2, columns=columns)
    barred_now = barred_in_store(world.store, {"visit": True})

    report = world.apply(decision, bars=bars(world.store, decision.changeset, barred_now))

    assert report.skipped == 1
    assert list(starts(world)) == ["K2"]


def test_unknown_consent_bars_where_the_policy_says_so(store: Store) -> None:
    world = a_world(store)
    decision = world.decide(wanted(1, 2))
    barred_now = barred_in_store(store, {"visit": False})

    report = world.apply(decision, bars=bars(store, decision.changeset, barred_now))

    assert report.skipped == 2
    assert starts(world) == {}


def test_the_customer_of_a_visit_is_found_through_the_plan(store: Store) -> None:
    world = a_world(store)
    world.apply(world.decide(wanted(1)))
    moved = world.decide(wanted(1, start="2026-03-11T09:00:00Z"))

    assert [item.operation for item in moved.changeset.items] == [Operation.UPDATE]
    assert moved.changeset.items[0].parent == "A1"
