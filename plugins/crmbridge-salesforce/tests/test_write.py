"""Each row has a verdict of its own, and nothing is written over what somebody changed."""

from dataclasses import replace
from typing import Any

import pytest

from crmbridge.adapters import ErrorClass, Operation, Outcome, Status, WriteItem
from crmbridge.errors import ConfigError, QuotaError, RecordError, UnknownOutcomeError
from crmbridge_salesforce.sandbox import Mood, Sandbox

KEY = "crmbridge_key__c"
NINE, TEN = "2026-03-04T09:00:00Z", "2026-03-04T10:00:00Z"


def visit(key: str = "k1", **values: Any) -> WriteItem:
    return WriteItem(
        item=f"create {key}",
        operation=Operation.CREATE,
        object="Event",
        key=key,
        values={"kind": "visit", "subject": "Visit", "start_at": NINE, "end_at": TEN, **values},
    )


def update(id_: str, values: Any, expected: Any = None, object_: str = "Account") -> WriteItem:
    return WriteItem(
        item=f"update {id_}",
        operation=Operation.UPDATE,
        object=object_,
        id=id_,
        values=values,
        expected=expected or {},
    )


def member(campaign: str, person: str, name: str = "m") -> WriteItem:
    return WriteItem(
        item=name,
        operation=Operation.ADD_MEMBER,
        object="CampaignMember",
        values={"campaign_id": campaign, "contact_id": person, "status": "sent"},
    )


def write(open_: Any, *items: WriteItem, **settings: Any) -> list[Outcome]:
    with open_(**settings) as connection:
        return list(connection.write(items))


def test_a_visit_becomes_an_event_in_its_reps_calendar(sandbox: Sandbox, open_: Any) -> None:
    org = sandbox.org
    rep = org.put("User", {"LastName": "Berger"})
    account = org.put("Account", {"Name": "Acme"})
    contact = org.put("Contact", {"LastName": "Miller", "AccountId": account})

    id_ = write(
        open_,
        visit(rep_id=rep, customer_id=account, contact_id=contact, busy=1, zone="Europe/Rome"),
    )[0].id

    held = org.held("Event")[id_]
    names = ("OwnerId", "WhatId", "AccountId", "WhoId", "ShowAs", "Subject", KEY)
    assert [held[name] for name in names] == [
        rep, account, account, contact, "Busy", "Visit", "k1",
    ]  # fmt: skip
    assert held["DurationInMinutes"] == 60


def test_a_lead_is_visited_without_a_related_record(sandbox: Sandbox, open_: Any) -> None:
    lead = sandbox.org.put("Lead", {"LastName": "Miller", "Company": "Acme"})

    outcome = write(open_, visit(customer_id=lead))[0]

    held = sandbox.org.held("Event")[outcome.id]
    assert (held["WhoId"], held["WhatId"]) == (lead, None)


def test_a_visit_that_moved_is_moved(sandbox: Sandbox, open_: Any) -> None:
    id_ = write(open_, visit())[0].id
    later = {"start_at": "2026-03-05T09:00:00Z", "end_at": "2026-03-05T09:30:00Z"}
    before = {"start_at": NINE, "end_at": TEN}

    outcome = write(open_, update(id_, later, before, "Event"))[0]

    assert outcome.status is Status.APPLIED
    assert sandbox.org.held("Event")[id_]["DurationInMinutes"] == 30


def test_a_visit_that_its_rep_moved_stays(sandbox: Sandbox, open_: Any) -> None:
    id_ = write(open_, visit())[0].id
    sandbox.org.edit("Event", id_, {"StartDateTime": 0})

    outcome = write(open_, update(id_, {"end_at": NINE}, {"start_at": NINE}, "Event"))[0]

    assert outcome.status is Status.CONFLICT
    assert "StartDateTime" in outcome.error


def test_each_second_row_that_is_refused_leaves_the_others(sandbox: Sandbox, open_: Any) -> None:
    sandbox.moods.plan(Mood.HALF, method="PATCH")

    outcomes = write(open_, *(visit(f"k{n}") for n in range(6)))

    assert [one.status for one in outcomes] == [Status.APPLIED, Status.REJECTED] * 3
    assert outcomes[1].error_class is ErrorClass.RECORD
    assert len(sandbox.org.held("Event")) == 3


def test_a_locked_row_may_be_sent_again(sandbox: Sandbox, open_: Any) -> None:
    ids = [sandbox.org.put("Account", {"Name": name}) for name in "AB"]
    sandbox.org.locked.add(ids[0])

    outcomes = write(open_, *(update(id_, {"Phone": "1"}) for id_ in ids))

    assert [(one.status, one.error_class) for one in outcomes] == [
        (Status.REJECTED, ErrorClass.TRANSIENT),
        (Status.APPLIED, None),
    ]


def test_a_record_that_was_merged_names_its_survivor(sandbox: Sandbox, open_: Any) -> None:
    ids = [sandbox.org.put("Account", {"Name": name}) for name in "AB"]
    sandbox.org.merge("Account", ids[0], ids[1])

    outcome = write(open_, update(ids[0], {"Phone": "1"}))[0]

    assert (outcome.status, outcome.survivor) == (Status.REJECTED, ids[1])


def test_a_record_that_is_merged_between_look_and_write_names_its_survivor(
    sandbox: Sandbox, open_: Any
) -> None:
    ids = [sandbox.org.put("Account", {"Name": name}) for name in "AB"]
    sandbox.moods.before("/composite", lambda: sandbox.org.merge("Account", ids[0], ids[1]))

    outcome = write(open_, update(ids[0], {"Phone": "1"}))[0]

    assert (outcome.status, outcome.survivor) == (Status.REJECTED, ids[1])
    assert sandbox.org.held("Account")[ids[1]]["Phone"] is None


def test_an_exact_write_is_refused_by_salesforce_itself(sandbox: Sandbox, open_: Any) -> None:
    id_ = sandbox.org.put("Account", {"Name": "Acme", "Phone": "1"})

    def somebody_edits() -> None:
        sandbox.org.edit("Account", id_, {"Rating": "Hot"})

    with open_(exact=True) as connection:
        connection.quota()
        sandbox.moods.before(f"/sobjects/Account/{id_}", lambda: None)
        sandbox.moods.before(f"/sobjects/Account/{id_}", somebody_edits)
        outcome = connection.write([update(id_, {"Phone": "2"}, {"Phone": "1"})])[0]

    assert outcome.status is Status.CONFLICT
    assert sandbox.org.held("Account")[id_]["Phone"] == "1"


def test_values_that_are_held_already_are_not_sent(sandbox: Sandbox, open_: Any) -> None:
    values = {"Phone": "1", "AnnualRevenue": 5.0, "Name": "Acme"}
    id_ = sandbox.org.put("Account", values)

    outcome = write(open_, update(id_, {"Phone": " 1 ", "AnnualRevenue": 5, "Name": "Acme"}))[0]

    assert outcome.status is Status.UNCHANGED
    assert not any("PATCH" in line for line in sandbox.log)


def test_a_field_that_is_not_there_is_a_fault_of_the_configuration(
    sandbox: Sandbox, open_: Any
) -> None:
    id_ = sandbox.org.put("Account", {"Name": "Acme"})

    outcome = write(open_, update(id_, {"Nonsense__c": "1"}))[0]

    assert (outcome.status, outcome.error_class) == (Status.REJECTED, ErrorClass.CONFIG)
    assert "Nonsense__c" in outcome.error


def test_nothing_is_created_where_it_could_not_be_found_again(sandbox: Sandbox, open_: Any) -> None:
    del sandbox.org.schema["Event"].fields[KEY]

    with pytest.raises(ConfigError, match="doctor --fix"):
        write(open_, visit())
    assert sandbox.org.held("Event") == {}


def test_a_key_of_two_records_is_never_decided_by_us(sandbox: Sandbox, open_: Any) -> None:
    for _ in range(2):
        sandbox.org.put("Event", {KEY: "k1"})

    outcome = write(open_, visit("k1"))[0]

    assert (outcome.status, outcome.error_class) == (Status.REJECTED, ErrorClass.RECORD)
    assert "DUPLICATE_EXTERNAL_ID" in outcome.error


@pytest.mark.parametrize(
    ("mood", "error"), [(Mood.LIMIT, QuotaError), (Mood.LOST, UnknownOutcomeError)]
)
def test_an_update_whose_answer_is_none_is_told_apart(
    sandbox: Sandbox, open_: Any, mood: Mood, error: type[Exception]
) -> None:
    id_ = sandbox.org.put("Account", {"Name": "Acme"})
    sandbox.moods.plan(mood, method="PATCH")

    with pytest.raises(error):
        write(open_, update(id_, {"Phone": "1"}))
    assert sandbox.org.held("Account")[id_]["Phone"] == ("1" if mood is Mood.LOST else None)


def test_what_follows_a_used_up_quota_was_not_written(sandbox: Sandbox, open_: Any) -> None:
    campaign = sandbox.org.put("Campaign", {"Name": "Spring"})
    people = [sandbox.org.put("Contact", {"LastName": f"P{n}"}) for n in range(250)]
    sandbox.moods.plan(Mood.LIMIT, method="POST", path="/composite", after=1)

    outcomes = write(open_, *(member(campaign, one, one) for one in people))

    assert [one.status for one in outcomes] == [Status.APPLIED] * 200 + [Status.REJECTED] * 50
    assert outcomes[-1].error_class is ErrorClass.QUOTA


def test_an_empty_text_does_not_empty_a_field_of_a_new_record(sandbox: Sandbox, open_: Any) -> None:
    outcome = write(open_, visit(location="", contact_id=""))[0]

    assert outcome.status is Status.APPLIED


def test_a_thousand_people_are_added_and_three_of_them_once(sandbox: Sandbox, open_: Any) -> None:
    campaign = sandbox.org.put("Campaign", {"Name": "Spring"})
    people = [sandbox.org.put("Contact", {"LastName": f"P{n}"}) for n in range(197)]
    sandbox.org.put("CampaignMember", {"CampaignId": campaign, "ContactId": people[0]})
    items = [member(campaign, one, f"m{n}") for n, one in enumerate([*people, *people[:3]])]

    outcomes = write(open_, *items)

    held = sandbox.org.held("CampaignMember").values()
    assert [one.status for one in outcomes].count(Status.UNCHANGED) == 4
    assert len({one.id for one in outcomes}) == len(held) == 197
    assert {one["Status"] for one in held} == {"Sent"}


def test_a_status_that_a_campaign_lacks_is_created_there_once(sandbox: Sandbox, open_: Any) -> None:
    org = sandbox.org
    campaigns = [org.put("Campaign", {"Name": name}) for name in "AB"]
    people = [org.put("Contact", {"LastName": name}) for name in "CD"]
    items = [
        replace(member(campaign, one, campaign + one), values=values)
        for campaign in campaigns
        for one in people
        for values in [{"campaign_id": campaign, "contact_id": one, "status": "converted"}]
    ]

    write(open_, *items, member_status={"converted": "Won over"})

    made = [one for one in org.held("CampaignMemberStatus").values() if one["Label"] == "Won over"]
    members = org.held("CampaignMember").values()
    assert sorted(one["CampaignId"] for one in made) == sorted(campaigns)
    assert {(one["Status"], one["HasResponded"]) for one in members} == {("Won over", True)}


def test_a_status_that_may_not_be_created_is_left_to_the_default(
    sandbox: Sandbox, open_: Any
) -> None:
    sandbox.org.schema["CampaignMemberStatus"].is_read_only = True
    campaign = sandbox.org.put("Campaign", {"Name": "Spring"})
    person = sandbox.org.put("Contact", {"LastName": "Miller"})

    outcome = write(open_, member(campaign, person), member_status={"sent": "Invited"})[0]

    held = sandbox.org.held("CampaignMember")[outcome.id]
    assert (outcome.status, held["Status"]) == (Status.APPLIED, "Sent")
    assert "Invited" in outcome.error


def test_a_person_account_is_a_member_by_its_contact(sandbox: Sandbox, open_: Any) -> None:
    org = sandbox.org
    campaign = org.put("Campaign", {"Name": "Spring"})
    account = org.put_person({"FirstName": "Ann", "LastName": "Miller"})
    item = WriteItem(
        item="m",
        operation=Operation.ADD_MEMBER,
        object="CampaignMember",
        values={"campaign_id": campaign, "customer_id": account, "status": "sent"},
    )

    outcomes = [write(open_, item)[0] for _ in range(2)]

    (held,) = org.held("CampaignMember").values()
    assert [one.status for one in outcomes] == [Status.APPLIED, Status.UNCHANGED]
    assert held["ContactId"] == org.held("Account")[account]["PersonContactId"]


def test_a_member_that_somebody_adds_meanwhile_is_taken_as_it_is(
    sandbox: Sandbox, open_: Any
) -> None:
    campaign = sandbox.org.put("Campaign", {"Name": "Spring"})
    person = sandbox.org.put("Contact", {"LastName": "Miller"})
    values = {"CampaignId": campaign, "ContactId": person}
    sandbox.moods.before("/composite", lambda: sandbox.org.put("CampaignMember", values))

    outcome = write(open_, member(campaign, person))[0]

    assert (outcome.status, [outcome.id]) == (
        Status.UNCHANGED,
        list(sandbox.org.held("CampaignMember")),
    )


def test_a_member_is_removed_by_campaign_and_person_never_by_an_id_alone(
    sandbox: Sandbox, open_: Any
) -> None:
    org = sandbox.org
    campaigns = [org.put("Campaign", {"Name": name}) for name in "AB"]
    person = org.put("Contact", {"LastName": "Miller"})
    ids = [org.put("CampaignMember", {"CampaignId": c, "ContactId": person}) for c in campaigns]
    item = WriteItem(
        item="r",
        operation=Operation.REMOVE_MEMBER,
        object="CampaignMember",
        id=ids[1],
        values={"campaign_id": campaigns[0], "contact_id": person},
    )

    assert write(open_, item)[0].status is Status.APPLIED
    assert list(org.held("CampaignMember")) == [ids[1]]


def test_a_campaign_is_started_once(sandbox: Sandbox, open_: Any) -> None:
    item = WriteItem(
        item="c",
        operation=Operation.CREATE,
        object="Campaign",
        key="c1",
        values={"name": "Spring", "status": "draft", "starts_on": "2026-04-01"},
    )

    ids = {write(open_, item)[0].id for _ in range(2)}

    held = sandbox.org.held("Campaign")
    assert set(held) == ids
    assert [(one["Name"], one["Status"], one["StartDate"]) for one in held.values()] == [
        ("Spring", "Planned", "2026-04-01")
    ]


def test_a_batch_that_is_refused_as_a_whole_is_left_to_the_host(
    sandbox: Sandbox, open_: Any
) -> None:
    with pytest.raises(RecordError):
        write(open_, visit(subject=float("nan")))
    assert sandbox.org.held("Event") == {}


def setting(campaign: str, person: str, before: str = "added", after: str = "sent") -> WriteItem:
    return WriteItem(
        item=f"s-{person}",
        operation=Operation.SET_MEMBER,
        object="CampaignMember",
        values={"campaign_id": campaign, "contact_id": person, "status": after},
        expected={"campaign_id": campaign, "contact_id": person, "status": before},
    )


def a_member_of(sandbox: Sandbox, status: str = "") -> tuple[str, str, str]:
    """A campaign, a contact, and the member that joins them."""
    org = sandbox.org
    campaign, person = org.put("Campaign", {"Name": "A"}), org.put("Contact", {"LastName": "B"})
    org.put("CampaignMemberStatus", {"CampaignId": campaign, "Label": "Invited"})
    values = {"CampaignId": campaign, "ContactId": person, **({"Status": status} if status else {})}
    return campaign, person, org.put("CampaignMember", values)


def test_the_status_of_a_member_is_set_and_once(sandbox: Sandbox, open_: Any) -> None:
    campaign, person, id_ = a_member_of(sandbox)
    labels = {"sent": "Invited", "responded": "Responded"}

    outcomes = [
        write(open_, setting(campaign, person, after=status), member_status=labels)[0]
        for status in ("sent", "sent")
    ]

    assert [(one.status, one.id) for one in outcomes] == [
        (Status.APPLIED, id_),
        (Status.UNCHANGED, id_),
    ]
    assert sandbox.org.held("CampaignMember")[id_]["Status"] == "Invited"


def test_a_status_may_be_set_back_to_the_campaigns_default(sandbox: Sandbox, open_: Any) -> None:
    campaign, person, id_ = a_member_of(sandbox, "Invited")
    item = setting(campaign, person, before="sent", after="added")

    outcome = write(open_, item, member_status={"sent": "Invited"})[0]

    assert outcome.status is Status.APPLIED
    assert sandbox.org.held("CampaignMember")[id_]["Status"] == "Sent"


@pytest.mark.parametrize("status", ["Responded", "Called twice"])
def test_a_status_that_a_person_gave_stays(sandbox: Sandbox, open_: Any, status: str) -> None:
    campaign, person, id_ = a_member_of(sandbox)
    sandbox.org.put("CampaignMemberStatus", {"CampaignId": campaign, "Label": "Called twice"})
    sandbox.org.edit("CampaignMember", id_, {"Status": status})
    labels = {"sent": "Invited"}

    outcome = write(open_, setting(campaign, person), member_status=labels)[0]

    assert outcome.status is Status.CONFLICT
    assert sandbox.org.held("CampaignMember")[id_]["Status"] == status


def test_who_is_no_member_any_more_gets_no_status(sandbox: Sandbox, open_: Any) -> None:
    campaign, person, id_ = a_member_of(sandbox)
    sandbox.org.delete("CampaignMember", id_)

    outcome = write(open_, setting(campaign, person))[0]

    assert outcome.status is Status.REJECTED
    assert "no member" in outcome.error


def test_a_status_that_the_campaign_lacks_is_made_or_refused(sandbox: Sandbox, open_: Any) -> None:
    campaign, person, id_ = a_member_of(sandbox)
    labels = {"sent": "Mailed"}
    sandbox.org.schema["CampaignMemberStatus"].is_read_only = True

    refused = write(open_, setting(campaign, person), member_status=labels)[0]
    sandbox.org.schema["CampaignMemberStatus"].is_read_only = False
    made = write(open_, setting(campaign, person), member_status=labels)[0]

    assert (refused.status, made.status) == (Status.REJECTED, Status.APPLIED)
    assert sandbox.org.held("CampaignMember")[id_]["Status"] == "Mailed"
