"""A pair of campaign and person is one member; only those that we added are ever removed."""

from dataclasses import replace

import pytest

from crmbridge.adapters import Operation
from crmbridge.clock import FixedClock
from crmbridge.push import (
    ApplyReport,
    Ask,
    Barred,
    Decision,
    Desired,
    DesiredMember,
    DesiredRecord,
    Limits,
    Orders,
    Origin,
    OwnRecords,
    Target,
    WritePolicy,
    apply,
    decide,
    gather_for,
    save_changeset,
    undo_in,
)
from crmbridge.push.consent import whom
from crmbridge.push.guards import guarded_number
from crmbridge.records import RecordKey
from crmbridge.store import Store
from crmbridge.store.records import DELETED, mark_records
from crmbridge.store.upsert import upsert_records
from crmbridge.testing.faults import Fault
from crmbridge.testing.memory import MemoryConnection, memory_capabilities
from crmbridge.testing.truth import MemoryCrm

COLUMNS = ("connection", "object", "id", "campaign_id", "contact_id", "status")
SPRING = ("Campaign", "spring-2026")


class World:
    """A CRM with a campaign "C" that is not ours, and the store that looks at it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.crm = MemoryCrm()
        self.clock: FixedClock = self.crm.clock
        declared = memory_capabilities()
        connection = MemoryConnection(crm=self.crm, declared=declared)
        self.target = Target(name="sales", connection=connection, capabilities=declared)
        self.policies = {
            "sales": WritePolicy(
                capabilities=declared,
                own={"Campaign": OwnRecords(fields=frozenset({"name", "status"}))},
                members=frozenset({"CampaignMember"}),
                normalise=connection.normalise,
                limits=Limits(deletes=2),
            )
        }
        self.crm.put("Campaign", {"name": "Autumn"}, "C")

    def pull(self) -> None:
        held = self.crm.records.get("CampaignMember", {}).values()
        rows = [
            ("sales", "CampaignMember", one.id, *map(one.values.get, COLUMNS[3:]))
            for one in held
            if not one.is_deleted
        ]
        gone = [one.id for one in held if one.is_deleted]
        with self.store.write() as tx:
            upsert_records(tx, "campaign_members", rows, 1, columns=COLUMNS)
            mark_records(tx, "campaign_members", ("sales", "CampaignMember"), gone, DELETED, 1)

    def decide(self, desired: Desired, barred: Barred | None = None) -> Decision:
        self.clock.sleep(60)
        ask = Ask(now=self.clock.now(), policies=self.policies)
        seen = gather_for(self.store, desired, ask)
        return decide(desired, seen, self.policies, self.origin(), barred)

    def origin(self) -> Origin:
        organisations = {"sales": "memory-1"}
        return Origin(now=self.clock.now(), epoch=self.store.epoch, organisations=organisations)

    def apply(self, decision: Decision) -> ApplyReport:
        save_changeset(self.store, decision.changeset, run_id=1)
        self.clock.sleep(60)
        orders = Orders(clock=self.clock)
        return apply(self.store, decision.changeset.id, {"sales": self.target}, orders)

    def members(self) -> list[tuple[object, object]]:
        held = self.crm.held("CampaignMember").values()
        return sorted((one["campaign_id"], one["contact_id"]) for one in held)


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def person(id_: str) -> RecordKey:
    return RecordKey("sales", "Contact", id_)


def a_member(id_: str) -> DesiredMember:
    return DesiredMember(
        connection="sales", object="CampaignMember", campaign="C", person=person(id_)
    )


def wanted(*ids: str) -> Desired:
    return Desired(members=[a_member(id_) for id_ in ids], campaigns=frozenset({("sales", "C")}))


def spring(*ids: str) -> Desired:
    campaign = DesiredRecord(
        connection="sales",
        object="Campaign",
        key=SPRING[1],
        values={"name": "Spring", "status": "active"},
        channel="",
    )
    members = [
        DesiredMember(
            connection="sales", object="CampaignMember", campaign_key=SPRING, person=person(id_)
        )
        for id_ in ids
    ]
    return Desired(records=[campaign], members=members)


def operations(decision: Decision) -> list[str]:
    return [item.operation.value for item in decision.changeset.items]


@pytest.mark.parametrize("is_pulled", [True, False], ids=["pulled between", "not pulled"])
def test_members_are_added_once(world: World, is_pulled: bool) -> None:
    world.apply(world.decide(wanted("P1", "P2", "P1")))
    if is_pulled:
        world.pull()

    assert world.members() == [("C", "P1"), ("C", "P2")]
    assert operations(world.decide(wanted("P1", "P2"))) == []


def test_members_that_we_added_are_removed_when_no_longer_wanted(world: World) -> None:
    world.apply(world.decide(wanted("P1", "P2")))
    world.pull()
    world.apply(world.decide(wanted("P2")))
    world.pull()

    assert world.members() == [("C", "P2")]
    assert operations(world.decide(wanted("P2"))) == []
    assert operations(world.decide(wanted("P1", "P2"))) == ["add_member"]


def test_members_that_others_added_stay_and_are_not_doubled(world: World) -> None:
    for id_ in ("P1", "P2"):
        world.crm.put("CampaignMember", {"campaign_id": "C", "contact_id": id_})
    world.pull()

    assert operations(world.decide(wanted("P1"))) == []


def test_a_member_that_was_there_unseen_does_not_become_ours(world: World) -> None:
    world.crm.put("CampaignMember", {"campaign_id": "C", "contact_id": "P1"})
    assert world.apply(world.decide(wanted("P1"))).outcomes["unchanged"] == 1
    world.pull()

    assert operations(world.decide(wanted())) == []


def test_a_member_that_a_person_took_out_is_not_added_again(world: World) -> None:
    world.apply(world.decide(wanted("P1")))
    world.pull()
    (id_,) = world.crm.held("CampaignMember")
    world.crm.delete("CampaignMember", id_)
    world.pull()

    decision = world.decide(wanted("P1"))

    assert operations(decision) == []
    assert [one.code for one in decision.findings] == ["push.member_left"]


def test_a_member_that_responded_stays(world: World) -> None:
    world.apply(world.decide(wanted("P1")))
    (id_,) = world.crm.held("CampaignMember")
    world.crm.edit("CampaignMember", id_, {"status": "responded"})
    world.pull()

    decision = world.decide(wanted())

    assert operations(decision) == []
    assert [one.code for one in decision.findings] == ["push.member_kept"]


def test_an_opted_out_person_is_not_added_and_taken_out_if_we_added_them(world: World) -> None:
    world.apply(world.decide(wanted("P1")))
    world.pull()
    people = frozenset({person("P1"), person("P2")})

    decision = world.decide(wanted("P1", "P2"), Barred(by_channel={"email": people}))

    assert operations(decision) == ["remove_member"]


def test_members_of_campaigns_that_are_not_spoken_for_are_left(world: World) -> None:
    world.apply(world.decide(wanted("P1")))
    world.pull()

    assert operations(world.decide(Desired())) == []


def test_removing_more_members_than_the_limit_stops(world: World) -> None:
    world.apply(world.decide(wanted("P1", "P2", "P3", "P4")))
    world.pull()

    assert guarded_number(world.decide(wanted("P1")).changeset) == 3
    assert guarded_number(world.decide(wanted("P1", "P2")).changeset) == 0


def test_a_campaign_is_started_with_its_members_and_both_only_once(world: World) -> None:
    first = world.decide(spring("P1", "P2"))
    report = world.apply(first)

    assert operations(first) == ["create", "add_member", "add_member"]
    assert report.outcomes["applied"] == 3
    created = next(id_ for id_, one in world.crm.held("Campaign").items() if id_ != "C")
    assert world.members() == [(created, "P1"), (created, "P2")]
    assert operations(world.decide(spring("P1", "P2"))) == []


def test_members_wait_while_the_campaign_is_under_way(world: World) -> None:
    world.crm.faults.fail("write", Fault.DROP_AFTER_WRITE)
    world.apply(world.decide(spring("P1")))

    decision = world.decide(spring("P1"))

    assert operations(decision) == []
    assert "push.no_campaign" in [one.code for one in decision.findings]


def test_undo_takes_members_out_and_leaves_the_campaign(world: World) -> None:
    done = world.decide(spring("P1"))
    world.apply(done)
    world.pull()
    world.clock.sleep(60)

    ask = Ask(now=world.clock.now(), policies=world.policies)
    back = undo_in(world.store, done.changeset.id, ask, world.origin())
    world.apply(back)

    assert operations(back) == ["remove_member"]
    assert world.members() == []
    assert [one.code for one in back.findings] == ["push.undo_kept"]


def test_what_is_not_allowed_is_not_written(world: World) -> None:
    member = DesiredMember(connection="sales", object="Contact", campaign="C", person=person("P1"))

    decision = world.decide(Desired(members=[member]))

    assert operations(decision) == []
    assert [one.code for one in decision.findings] == ["push.not_allowed"]


def test_one_member_item_names_both_campaign_and_person(world: World) -> None:
    world.apply(world.decide(wanted("P1")))
    world.pull()

    (item,) = world.decide(wanted()).changeset.items

    assert item.operation is Operation.REMOVE_MEMBER
    assert {change.field: change.before for change in item.changes} == {
        "campaign_id": "C",
        "contact_id": "P1",
    }


def now_sent(*ids: str) -> Desired:
    """The same members, to whom the campaign was sent by now."""
    members = [replace(one, status="sent") for one in wanted(*ids).members]
    return Desired(members=members, campaigns=frozenset({("sales", "C")}))


def statuses(world: World) -> list[object]:
    return [one.get("status") for one in world.crm.held("CampaignMember").values()]


@pytest.mark.parametrize("is_pulled", [True, False], ids=["pulled between", "not pulled"])
def test_the_status_of_a_member_that_we_added_is_set_once(world: World, is_pulled: bool) -> None:
    world.apply(world.decide(wanted("P1")))
    if is_pulled:
        world.pull()
    decision = world.decide(now_sent("P1"))
    report = world.apply(decision)

    assert operations(decision) == ["set_member"]
    assert report.outcomes["applied"] == 1
    assert statuses(world) == ["sent"]
    assert operations(world.decide(now_sent("P1"))) == []
    world.pull()
    assert operations(world.decide(now_sent("P1"))) == []


def test_diff_shows_the_status_and_not_the_pair(world: World) -> None:
    world.apply(world.decide(wanted("P1")))
    world.pull()

    (row,) = world.decide(now_sent("P1")).changeset.to_json()["items"]

    assert (row["op"], row["field"], row["before"], row["after"]) == (
        "set_member",
        "status",
        "added",
        "sent",
    )


def test_the_status_of_somebody_elses_member_stays(world: World) -> None:
    values = {"campaign_id": "C", "contact_id": "P1", "status": "added"}
    world.crm.put("CampaignMember", values)
    world.pull()

    assert operations(world.decide(now_sent("P1"))) == []


@pytest.mark.parametrize("status", ["responded", "converted"])
def test_a_status_is_never_set_back(world: World, status: str) -> None:
    world.apply(world.decide(wanted("P1")))
    (id_,) = world.crm.held("CampaignMember")
    world.crm.edit("CampaignMember", id_, {"status": status})
    world.pull()

    assert operations(world.decide(now_sent("P1"))) == []
    assert operations(world.decide(wanted("P1"))) == []


def test_a_status_that_somebody_sets_meanwhile_is_a_conflict(world: World) -> None:
    world.apply(world.decide(wanted("P1")))
    world.pull()
    decision = world.decide(now_sent("P1"))
    (id_,) = world.crm.held("CampaignMember")
    world.crm.edit("CampaignMember", id_, {"status": "responded"})

    assert world.apply(decision).outcomes["conflict"] == 1
    assert statuses(world) == ["responded"]


def test_the_consent_of_who_gets_a_status_is_asked_again(world: World) -> None:
    upsert = [("sales", "Contact", "P1")]
    with world.store.write() as tx:
        upsert_records(tx, "contacts", upsert, 1, columns=("connection", "object", "id"))
    world.apply(world.decide(wanted("P1")))
    changeset = world.decide(now_sent("P1")).changeset

    (reached,) = whom(world.store, changeset, channels={"C": "call"}).values()

    assert (reached.channel, reached.records) == ("call", (person("P1"),))


def test_undo_sets_the_status_back(world: World) -> None:
    world.apply(world.decide(wanted("P1")))
    world.pull()
    done = world.decide(now_sent("P1"))
    world.apply(done)
    world.pull()
    world.clock.sleep(60)

    ask = Ask(now=world.clock.now(), policies=world.policies)
    back = undo_in(world.store, done.changeset.id, ask, world.origin())
    world.apply(back)

    assert operations(back) == ["set_member"]
    assert statuses(world) == ["added"]


def test_undo_leaves_a_status_that_went_on(world: World) -> None:
    world.apply(world.decide(wanted("P1")))
    done = world.decide(now_sent("P1"))
    world.apply(done)
    (id_,) = world.crm.held("CampaignMember")
    world.crm.edit("CampaignMember", id_, {"status": "responded"})
    world.pull()
    world.clock.sleep(60)

    ask = Ask(now=world.clock.now(), policies=world.policies)
    back = undo_in(world.store, done.changeset.id, ask, world.origin())

    assert operations(back) == []
    assert [one.code for one in back.findings] == ["push.undo_changed"]


def test_setting_more_statuses_than_the_limit_stops(world: World) -> None:
    people = [f"P{number}" for number in range(4)]
    policy = world.policies["sales"]
    world.policies["sales"] = replace(policy, limits=Limits(changes=3))
    world.apply(world.decide(wanted(*people)))
    world.pull()

    assert guarded_number(world.decide(now_sent(*people)).changeset) == 4
    assert guarded_number(world.decide(now_sent(*people[:3])).changeset) == 0
