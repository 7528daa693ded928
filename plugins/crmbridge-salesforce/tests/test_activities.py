"""Activities as Salesforce keeps them: series, archives, tasks that are visits, people's wishes."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from crmbridge.adapters import Operation, ReadRequest, Status, Window, WriteItem
from crmbridge_salesforce.adapter import ADAPTER
from crmbridge_salesforce.sandbox import Sandbox


def rows_of(
    sandbox: Sandbox, open_: Any, object_: str, *fields: str, **settings: Any
) -> list[Mapping[str, Any]]:
    window = Window(since=None, until=sandbox.org.now() + timedelta(seconds=1))
    request = ReadRequest(object=object_, fields=("Id", *fields), window=window)
    with open_(**settings) as connection:
        pages = list(connection.read(request))
        count = connection.count(object_, window)
        swept = [id_ for ids in connection.read_ids(object_) for id_ in ids]
    found: list[Mapping[str, Any]] = [
        dict(zip(page.columns, row, strict=True)) for page in pages for row in page.rows
    ]
    assert count == len(found) == len(swept)
    return found


@pytest.mark.parametrize("bulk_from", [0, 1])
@pytest.mark.parametrize(
    ("object_", "series"),
    [
        ("Event", {"IsRecurrence": True}),
        ("Event", {"GroupEventType": "3", "IsRecurrence2": True}),
        ("Task", {"IsRecurrence": True}),
    ],
    ids=["classic", "lightning", "task"],
)
def test_a_series_is_read_by_its_occurrences_alone(
    sandbox: Sandbox, open_: Any, object_: str, series: Mapping[str, Any], bulk_from: int
) -> None:
    org = sandbox.org
    org.put(object_, {"Subject": "The series", **series})
    teams = {"GroupEventType": "1"} if object_ == "Event" else {}
    occurrence = {name: True for name in series if name == "IsRecurrence2"}
    singles = [
        org.put(object_, {"Subject": "Monday"}),
        org.put(object_, {"Subject": "Tuesday", **occurrence}),
        org.put(object_, {"Subject": "A team's", **teams}),
    ]

    found = rows_of(sandbox, open_, object_, "Subject", bulk_from=bulk_from)

    assert [one["Id"] for one in found] == singles


def test_archived_activities_are_read_and_swept(sandbox: Sandbox, open_: Any) -> None:
    old = sandbox.org.put("Event", {"Subject": "Two years ago", "IsArchived": True})

    assert [one["Id"] for one in rows_of(sandbox, open_, "Event", "Subject")] == [old]


def test_a_visit_may_be_a_task_of_a_day(sandbox: Sandbox, open_: Any) -> None:
    account = sandbox.org.put("Account", {"Name": "Acme"})
    item = WriteItem(
        item="t",
        operation=Operation.CREATE,
        object="Task",
        key="visit-1",
        values={
            "kind": "visit",
            "status": "planned",
            "subject": "Visit Acme",
            "start_at": "2026-03-04T23:30:00Z",
            "due_on": "2026-03-05",
            "customer_id": account,
        },
    )

    with open_() as connection:
        id_ = connection.write([item])[0].id

    held = sandbox.org.held("Task")[id_]
    assert (held["ActivityDate"], held["Status"], held["WhatId"]) == (
        "2026-03-05",
        "Not Started",
        account,
    )


def test_a_task_that_its_rep_has_begun_may_still_be_moved(sandbox: Sandbox, open_: Any) -> None:
    values = {"Subject": "Visit", "ActivityDate": "2026-03-05", "Status": "In Progress"}
    id_ = sandbox.org.put("Task", values)
    item = WriteItem(
        item="t",
        operation=Operation.UPDATE,
        object="Task",
        id=id_,
        values={"due_on": "2026-03-06"},
        expected={"due_on": "2026-03-05", "status": "planned"},
    )

    with open_() as connection:
        outcome = connection.write([item])[0]

    assert outcome.status is Status.APPLIED
    assert sandbox.org.held("Task")[id_]["Status"] == "In Progress"


@pytest.mark.parametrize(("object_", "field"), [("Task", "kind"), ("Event", "kind")])
def test_what_an_activity_cannot_hold_is_never_compared(
    open_: Any, object_: str, field: str
) -> None:
    with open_() as connection:
        assert connection.normalise(object_, field, "visit") is None
        assert connection.normalise("Campaign", field, "email") == "email"


@pytest.mark.parametrize("bulk_from", [0, 1])
def test_a_line_belongs_to_its_orders_customer(
    sandbox: Sandbox, open_: Any, bulk_from: int
) -> None:
    org = sandbox.org
    account = org.put("Account", {"Name": "Acme"})
    order = org.put("Order", {"AccountId": account, "EffectiveDate": "2026-01-02"})
    deal = org.put("Opportunity", {"AccountId": account, "CloseDate": "2026-01-03"})
    org.put("OrderItem", {"OrderId": order, "Quantity": 2})
    org.put("OpportunityLineItem", {"OpportunityId": deal, "Quantity": 3})

    of_order = rows_of(sandbox, open_, "OrderItem", "Order.AccountId", bulk_from=bulk_from)
    of_deal = rows_of(
        sandbox, open_, "OpportunityLineItem", "Opportunity.AccountId", bulk_from=bulk_from
    )

    assert of_order[0]["Order.AccountId"] == of_deal[0]["Opportunity.AccountId"] == account


def test_fields_of_parents_are_described_where_the_mapping_reads_them(open_: Any) -> None:
    with open_() as connection:
        described = {one.name: {f.name for f in one.fields} for one in connection.describe()}

    assert "Order.AccountId" in described["OrderItem"]
    assert "Opportunity.AccountId" in described["OpportunityLineItem"]
    assert "Individual.HasOptedOutSolicit" in described["Contact"]


def test_lines_of_deals_and_leads_are_read_by_configuration_only() -> None:
    assert "OpportunityLineItem" not in ADAPTER.objects["order_lines"]
    assert ADAPTER.objects["customers"] == ("Account",)
    assert {"Lead", "Account"} <= set(ADAPTER.mappings["customers"])


def test_a_parent_that_may_not_be_seen_takes_only_its_own_fields_away(
    sandbox: Sandbox, open_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.org.put("Contact", {"LastName": "Miller", "Email": "m@example.com"})
    fields = ("Email", "Individual.HasOptedOutSolicit", "Owner.Email")
    hidden = sandbox.org.schema["Contact"].fields.pop("IndividualId")
    del sandbox.org.schema["User"].fields["Email"]

    with open_() as connection:
        monkeypatch.setattr(connection._client, "describe", lambda object_: None)
        window = Window(since=None, until=sandbox.org.now() + timedelta(seconds=1))
        request = ReadRequest(object="Contact", fields=("Id", *fields), window=window)
        page = next(iter(connection.read(request)))

    assert hidden.target == "Individual"
    assert page.rows[0][page.columns.index("Email")] == "m@example.com"
    assert {one.example for one in page.findings} == {
        "Contact.Individual.HasOptedOutSolicit",
        "Contact.Owner.Email",
    }


def test_a_person_account_is_a_person_with_wishes_of_its_own(sandbox: Sandbox, open_: Any) -> None:
    org = sandbox.org
    wishes = {"PersonEmail": "ann@example.com", "PersonHasOptedOutOfEmail": True}
    person = org.put_person({"FirstName": "Ann", "LastName": "Miller", **wishes})
    firm = org.put("Account", {"Name": "Acme"})

    found = {
        one["Id"]: one for one in rows_of(sandbox, open_, "Account", "IsPersonAccount", *wishes)
    }
    contacts = rows_of(sandbox, open_, "Contact", "AccountId")

    assert [found[id_]["IsPersonAccount"] for id_ in (person, firm)] == [True, False]
    assert found[person]["PersonHasOptedOutOfEmail"] is True
    assert [one["AccountId"] for one in contacts] == [person]


def test_a_visit_to_a_person_account_reaches_the_person(sandbox: Sandbox, open_: Any) -> None:
    org = sandbox.org
    person = org.put_person({"FirstName": "Ann", "LastName": "Miller"})
    contact = org.held("Account")[person]["PersonContactId"]
    values = {
        "start_at": "2026-03-04T09:00:00Z",
        "end_at": "2026-03-04T10:00:00Z",
        "customer_id": person,
        "contact_id": contact,
    }
    item = WriteItem(item="v", operation=Operation.CREATE, object="Event", key="v", values=values)

    with open_() as connection:
        id_ = connection.write([item])[0].id

    held = org.held("Event")[id_]
    assert (held["WhoId"], held["AccountId"]) == (contact, person)
