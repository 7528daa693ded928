"""Campaigns as lists that are kept by hand, and the statuses of who is on them."""

from collections.abc import Callable
from typing import Any

import pytest

from crmbridge.adapters import Connection, Operation, Outcome, ReadRequest, Status, WriteItem
from crmbridge.errors import UnknownOutcomeError
from crmbridge_hubspot.adapter import ADAPTER
from crmbridge_hubspot.sandbox import Mood, Sandbox

Connect = Callable[..., Connection]


def campaign(key: str = "k1", name: str = "Spring fair", **values: Any) -> WriteItem:
    return WriteItem(
        item=f"i-{key}",
        operation=Operation.CREATE,
        object="lists",
        key=key,
        values={"name": name, "status": "active", **values},
    )


def member(list_id: str, contact: str, status: str = "sent") -> WriteItem:
    return WriteItem(
        item=f"m-{contact}",
        operation=Operation.ADD_MEMBER,
        object="list_memberships",
        values={"campaign_id": list_id, "contact_id": contact, "status": status},
    )


def test_a_campaign_starts_as_a_list_that_takes_members(hub: Sandbox, connect: Connect) -> None:
    """Of contacts, kept by hand, and read back by the name that people gave it."""
    connection = connect()

    outcome = connection.write([campaign()])[0]

    held = hub.account.lists[outcome.id]
    assert (held.processing, held.object_type) == ("MANUAL", "0-1")
    assert held.name.startswith("Spring fair")
    pages = connection.read(ReadRequest(object="lists", fields=("name",)))
    assert [list(row) for page in pages for row in page.rows] == [[outcome.id, "Spring fair"]]


def test_lists_may_be_of_companies(hub: Sandbox, connect: Connect) -> None:
    """As the settings say."""
    outcome = connect(lists_of="companies").write([campaign()])[0]

    assert hub.account.lists[outcome.id].object_type == "0-2"


def test_a_second_try_makes_no_second_list(hub: Sandbox, connect: Connect) -> None:
    """The name is taken, and by us."""
    connection = connect()
    first = connection.write([campaign()])[0]

    second = connection.write([campaign()])[0]

    assert (second.status, second.id) == (Status.APPLIED, first.id)
    assert len(hub.account.lists) == 1


def test_two_campaigns_of_one_name_are_two(hub: Sandbox, connect: Connect) -> None:
    """HubSpot wants names to differ: our keys do."""
    outcomes = connect().write([campaign("k1"), campaign("k2")])

    assert len({one.id for one in outcomes}) == 2


def test_a_lost_answer_is_looked_up_and_not_sent_again(hub: Sandbox, connect: Connect) -> None:
    """A list is made once, whatever became of the answer."""
    connection = connect()
    hub.moods.plan(Mood.LOST, "lists/")

    with pytest.raises(UnknownOutcomeError):
        connection.write([campaign("k1"), campaign("k2")])

    found = connection.find_by_keys("lists", "name", ["k1", "k2"])
    assert {key: len(ids) for key, ids in found.items()} == {"k1": 1}
    assert len(hub.account.lists) == 1


def test_a_key_is_found_on_every_page(hub: Sandbox, connect: Connect) -> None:
    """Lists are paged by offset; others' names look like ours and are not."""
    connection = connect()
    for number in range(120):
        hub.account.add_list(f"Other {number} [crmbridge]")
    id_ = connection.write([campaign("k1")])[0].id

    assert connection.find_by_keys("lists", "name", ["k1"]) == {"k1": [id_]}


@pytest.mark.parametrize("item", [campaign(name=" "), campaign(key="")])
def test_a_list_without_name_or_key_is_not_made(
    hub: Sandbox, connect: Connect, item: WriteItem
) -> None:
    """Nothing is sent."""
    assert connect().write([item])[0].status is Status.REJECTED
    assert hub.account.lists == {}


def test_a_refusal_is_told(hub: Sandbox, connect: Connect) -> None:
    """An app without the scope to write lists."""
    hub.moods.plan(Mood.SCOPES, "lists/$")

    outcome = connect().write([campaign()])[0]

    assert outcome.status is Status.REJECTED
    assert "MISSING_SCOPES" in outcome.error


def test_a_members_status_stands_in_a_property_where_configured(
    hub: Sandbox, connect: Connect
) -> None:
    """Lists keep none."""
    hub.account.define("contacts", "campaign_status")
    list_id = hub.account.add_list("Fair")
    contacts = [hub.account.put("contacts", {}) for _ in range(150)]

    outcomes = connect(member_status="campaign_status").write(
        [member(list_id, one) for one in contacts]
    )

    assert {one.status for one in outcomes} == {Status.APPLIED}
    held = hub.account.held("contacts")
    assert {held[one]["campaign_status"] for one in contacts} == {"sent"}


def test_a_status_that_cannot_be_set_leaves_the_member_there(
    hub: Sandbox, connect: Connect
) -> None:
    """And says so; who is on the list is on it."""
    list_id, contact = hub.account.add_list("Fair"), hub.account.put("contacts", {})

    outcome = connect(member_status="no_such").write([member(list_id, contact)])[0]

    assert outcome.status is Status.APPLIED
    assert "status is not set" in outcome.error
    assert contact in hub.account.lists[list_id].members


def test_a_thousand_members_are_each_told_of(hub: Sandbox, connect: Connect) -> None:
    """Three are there already, two do not exist: 998 are there in the end."""
    list_id = hub.account.add_list("Fair")
    contacts = [hub.account.put("contacts", {}) for _ in range(998)]
    connection = connect()
    connection.write([member(list_id, one) for one in contacts[:3]])

    outcomes = [
        one
        for start in range(0, 1000, 100)
        for one in connection.write(
            [member(list_id, one) for one in [*contacts, "900001", "900002"][start : start + 100]]
        )
    ]

    assert _counted(outcomes) == {Status.UNCHANGED: 3, Status.APPLIED: 995, Status.REJECTED: 2}
    assert len(hub.account.lists[list_id].members) == 998


def _counted(outcomes: list[Outcome]) -> dict[Status, int]:
    statuses = [one.status for one in outcomes]
    return {status: statuses.count(status) for status in dict.fromkeys(statuses)}


def test_what_hubspot_cannot_do_is_declared() -> None:
    """Doctor and diff show these notes."""
    objects = ADAPTER.capabilities.objects

    assert "no members" in objects["list_memberships"].note
    assert "calendar" in objects["meetings"].note
    assert "no end" in objects["tasks"].note
    assert objects["campaigns"].operations == frozenset()


def setting(list_id: str, contact: str, status: str = "sent", before: str = "added") -> WriteItem:
    pair = {"campaign_id": list_id, "contact_id": contact}
    return WriteItem(
        item=f"s-{contact}",
        operation=Operation.SET_MEMBER,
        object="list_memberships",
        id=f"{list_id}:{contact}",
        values={**pair, "status": status},
        expected={**pair, "status": before},
    )


def read_statuses(connection: Connection) -> dict[str, str | None]:
    pages = connection.read(ReadRequest(object="list_memberships", fields=("status",)))
    return {str(row[0]): row[1] for page in pages for row in page.rows}


def test_a_status_is_read_back_for_the_membership_that_began_last(
    hub: Sandbox, connect: Connect
) -> None:
    """A contact has one property, and may be on several lists."""
    hub.account.define("contacts", "campaign_status")
    first, second = hub.account.add_list("Fair"), hub.account.add_list("Market")
    ann, ben = (hub.account.put("contacts", {}) for _ in "ab")
    connection = connect(member_status="campaign_status")

    connection.write([member(first, ann), member(first, ben)])
    connection.write([member(second, ann, "responded")])

    assert read_statuses(connection) == {
        f"{first}:{ann}": "added",
        f"{first}:{ben}": "sent",
        f"{second}:{ann}": "responded",
    }


def test_no_status_is_read_where_no_property_keeps_it(hub: Sandbox, connect: Connect) -> None:
    """None, not one that we made up; no contact is asked for."""
    list_id, contact = hub.account.add_list("Fair"), hub.account.put("contacts", {})
    connection = connect()
    connection.write([member(list_id, contact)])

    assert read_statuses(connection) == {f"{list_id}:{contact}": None}


def test_a_status_is_set_once_and_over_nothing_that_a_person_wrote(
    hub: Sandbox, connect: Connect
) -> None:
    """Compared just before."""
    hub.account.define("contacts", "campaign_status")
    list_id = hub.account.add_list("Fair")
    new, other, gone = (hub.account.put("contacts", {}) for _ in "abc")
    connection = connect(member_status="campaign_status")
    connection.write([member(list_id, one, "added") for one in (new, other, gone)])
    hub.account.edit("contacts", other, {"campaign_status": "Attended"})
    hub.account.delete("contacts", gone)

    items = [setting(list_id, one) for one in (new, other, gone)]
    first, again = connection.write(items), connection.write(items)

    assert [one.status for one in first] == [Status.APPLIED, Status.CONFLICT, Status.REJECTED]
    assert again[0].status is Status.UNCHANGED
    held = hub.account.held("contacts")
    assert [held[one]["campaign_status"] for one in (new, other)] == ["sent", "Attended"]


def test_a_status_that_nothing_keeps_is_refused_with_the_remedy(connect: Connect) -> None:
    """Lists keep none."""
    outcome = connect().write([setting("1", "2")])[0]

    assert outcome.status is Status.REJECTED
    assert "member_status" in outcome.error


def test_a_status_that_hubspot_refuses_is_told(hub: Sandbox, connect: Connect) -> None:
    """The contact keeps what it has."""
    list_id, contact = hub.account.add_list("Fair"), hub.account.put("contacts", {})

    outcome = connect(member_status="no_such").write([setting(list_id, contact)])[0]

    assert outcome.status is Status.REJECTED
