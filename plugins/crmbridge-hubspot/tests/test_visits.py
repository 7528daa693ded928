"""Visits as meetings or tasks: whom they are linked to, and when that changes."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from crmbridge.adapters import (
    Connection,
    ErrorClass,
    Operation,
    Outcome,
    ReadRequest,
    Status,
    WriteItem,
)
from crmbridge_hubspot.sandbox import Mood, Sandbox

Connect = Callable[..., Connection]
KEY = "crmbridge_visit_key"
START_AT = "2026-03-05T09:00:00Z"


@pytest.fixture(autouse=True)
def key(hub: Sandbox) -> None:
    for object_ in ("meetings", "tasks"):
        hub.account.define(object_, KEY, hasUniqueValue=True)


def visit(object_: str = "meetings", **values: Any) -> WriteItem:
    return WriteItem(
        item="i1",
        operation=Operation.CREATE,
        object=object_,
        key="key-1",
        values={"kind": "visit", "start_at": START_AT, "status": "planned", **values},
    )


def change(id_: str, values: Mapping[str, Any], expected: Mapping[str, Any]) -> WriteItem:
    return WriteItem(
        item="i2", operation=Operation.UPDATE, object="meetings", id=id_, key="key-1",
        values=values, expected=expected,
    )  # fmt: skip


def met(hub: Sandbox, id_: str, to: str = "contacts") -> set[str]:
    return set(hub.account.links.get(("meetings", id_, to), {}))


def test_a_visit_may_be_a_task(hub: Sandbox, connect: Connect) -> None:
    """Due when it starts; with its links, and once however often it is sent."""
    company, contact = hub.account.put("companies", {}), hub.account.put("contacts", {})
    item = visit("tasks", subject="Visit Lee", customer_id=company, contact_id=contact)
    connection = connect()

    first, second = (connection.write([item])[0] for _ in range(2))

    held = hub.account.held("tasks")
    assert first.id == second.id
    assert list(held) == [first.id]
    assert held[first.id]["hs_task_subject"] == "Visit Lee"
    assert held[first.id]["hs_timestamp"] == START_AT
    assert held[first.id]["hs_task_status"] == "NOT_STARTED"
    assert set(hub.account.links["tasks", first.id, "companies"]) == {company}
    assert set(hub.account.links["tasks", first.id, "contacts"]) == {contact}


def test_a_task_of_ours_is_read_as_a_visit(hub: Sandbox, connect: Connect) -> None:
    """By our key; the other tasks stay tasks."""
    other = hub.account.put("tasks", {"hs_task_subject": "Call back"})
    connection = connect()
    ours = connection.write([visit("tasks")])[0].id
    fields = ("computed.kind", "hs_task_subject", KEY)

    pages = list(connection.read(ReadRequest(object="tasks", fields=fields)))

    rows = {row[0]: dict(zip(pages[0].columns, row, strict=True)) for row in pages[0].rows}
    assert rows[ours]["computed.kind"] == "visit"
    assert rows[ours][KEY] == "key-1"
    assert rows[other]["computed.kind"] == "task"
    assert rows[other]["hs_task_subject"] == "Call back"


def test_a_task_that_is_cancelled_is_put_off(hub: Sandbox, connect: Connect) -> None:
    """The nearest that HubSpot's tasks know."""
    connection = connect()
    id_ = connection.write([visit("tasks")])[0].id
    item = WriteItem(
        item="i2", operation=Operation.UPDATE, object="tasks", id=id_, key="key-1",
        values={"status": "cancelled"}, expected={"status": "planned"},
    )  # fmt: skip

    assert connection.write([item])[0].status is Status.APPLIED
    assert hub.account.held("tasks")[id_]["hs_task_status"] == "DEFERRED"


def test_what_is_computed_is_described_and_never_written(hub: Sandbox, connect: Connect) -> None:
    """The host asks for what is described only."""
    tasks = next(one for one in connect().describe() if one.name == "tasks")

    found = next(one for one in tasks.fields if one.name == "computed.kind")
    assert not found.writable


def people(hub: Sandbox, count: int = 2) -> list[str]:
    return [hub.account.put("contacts", {}) for _ in range(count)]


def test_a_visit_is_linked_to_another_contact(hub: Sandbox, connect: Connect) -> None:
    """To whom it is with now, and no longer to whom it was; others stay."""
    old, new, guest = people(hub, 3)
    connection = connect()
    id_ = connection.write([visit(contact_id=old)])[0].id
    hub.account.link("meetings", id_, "contacts", guest, 200)

    outcome = connection.write([change(id_, {"contact_id": new}, {"contact_id": old})])[0]

    assert outcome.status is Status.APPLIED
    assert met(hub, id_) == {new, guest}


def test_a_visit_that_a_person_linked_elsewhere_is_left(hub: Sandbox, connect: Connect) -> None:
    """Theirs holds."""
    old, new, theirs = people(hub, 3)
    connection = connect()
    id_ = connection.write([visit(contact_id=old)])[0].id
    hub.account.unlink("meetings", id_, "contacts", old)
    hub.account.link("meetings", id_, "contacts", theirs, 200)

    outcome = connection.write([change(id_, {"contact_id": new}, {"contact_id": old})])[0]

    assert outcome.status is Status.CONFLICT
    assert met(hub, id_) == {theirs}


def test_a_link_that_stands_is_not_sent_again(hub: Sandbox, connect: Connect) -> None:
    """Nothing to do is nothing done."""
    old, _ = people(hub)
    connection = connect()
    id_ = connection.write([visit(contact_id=old)])[0].id
    hub.log.clear()

    outcome = connection.write([change(id_, {"contact_id": old}, {})])[0]

    assert outcome.status is Status.UNCHANGED
    assert not any(one.is_write for one in hub.log)


def test_a_try_that_got_half_way_is_finished(hub: Sandbox, connect: Connect) -> None:
    """The properties were written, the links were not: the second try is no conflict."""
    old, new = people(hub)
    connection = connect()
    id_ = connection.write([visit(contact_id=old, subject="A")])[0].id
    item = change(id_, {"contact_id": new, "subject": "B"}, {"contact_id": old, "subject": "A"})
    hub.moods.plan(Mood.LOCKED, "/associate/", times=9)
    first = connection.write([item])[0]
    hub.moods.heal()

    second = connection.write([item])[0]

    assert (first.status, first.error_class) == (Status.REJECTED, ErrorClass.TRANSIENT)
    assert second.status is Status.APPLIED
    assert met(hub, id_) == {new}
    assert hub.account.held("meetings")[id_]["hs_meeting_title"] == "B"


def test_a_contact_is_taken_off_a_visit(hub: Sandbox, connect: Connect) -> None:
    """Where clearing is asked for."""
    old, _ = people(hub)
    connection = connect()
    id_ = connection.write([visit(contact_id=old)])[0].id

    connection.write([change(id_, {"contact_id": ""}, {"contact_id": old})])

    assert met(hub, id_) == set()


def test_a_visit_is_looked_up_with_whom_it_is_with(hub: Sandbox, connect: Connect) -> None:
    """So that a lost answer can be settled."""
    old, _ = people(hub)
    connection = connect()
    id_ = connection.write([visit(contact_id=old)])[0].id

    page = connection.read_by_ids("meetings", [id_], ("contact_id", "hs_meeting_start_time"))

    assert dict(zip(page.columns, page.rows[0], strict=True))["contact_id"] == old
    assert page.rows[0][1] == START_AT


def tag(company: str, value: Any) -> WriteItem:
    return WriteItem(item=f"t{company}", operation=Operation.UPDATE, object="companies",
                     id=company, values={"tag": value})  # fmt: skip


@pytest.fixture
def tagged(hub: Sandbox) -> str:
    option = {"label": "A", "value": "A", "displayOrder": 0, "hidden": False}
    hub.account.define(
        "companies", "tag", type="enumeration", fieldType="checkbox", options=[option]
    )
    return hub.account.put("companies", {"tag": "A"})


def test_a_tag_without_an_option_is_refused(hub: Sandbox, connect: Connect, tagged: str) -> None:
    """An administrator keeps the list, unless the settings say otherwise."""
    outcome: Outcome = connect().write([tag(tagged, "B")])[0]

    assert outcome.status is Status.REJECTED
    assert "INVALID_OPTION" in outcome.error


def test_options_are_added_where_allowed(hub: Sandbox, connect: Connect, tagged: str) -> None:
    """Those that are there stay, whoever added them a moment ago."""
    other = hub.account.put("companies", {})
    connection = connect(new_options=True)
    connection.write([tag(tagged, ["A", "B"])])
    held = hub.account.kind("companies").definitions["tag"]["options"]
    held.append({"label": "Theirs", "value": "Theirs", "displayOrder": 9, "hidden": False})

    outcome = connection.write([tag(other, "C")])[0]

    options = hub.account.kind("companies").definitions["tag"]["options"]
    assert [one["value"] for one in options] == ["A", "B", "Theirs", "C"]
    assert outcome.status is Status.APPLIED
    assert hub.account.held("companies")[tagged]["tag"] == "A;B"


def test_a_text_takes_any_tag(hub: Sandbox, connect: Connect) -> None:
    """And no definition is changed for it."""
    hub.account.define("companies", "tag")
    company = hub.account.put("companies", {})

    assert connect(new_options=True).write([tag(company, "Any")])[0].status is Status.APPLIED
    assert not any(one.method == "PATCH" for one in hub.log)
