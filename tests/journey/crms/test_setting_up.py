"""What doctor finds and makes in each CRM, and what it says cannot be had there."""

from typing import Any

KEY = {"salesforce": "crmbridge_key__c", "hubspot": "crmbridge_visit_key"}
TASKS = {"salesforce": "Task", "hubspot": "tasks"}
CANNOT = {
    "salesforce": ["a second write of one key changes the first record", "its default is taken"],
    "hubspot": ["It enters nobody's calendar", "A marketing campaign of HubSpot has no members"],
}
SPRING = """
[campaigns.spring]
title = "Spring offer"
goal = { metric = "responses", value = 50, by = 2026-12-31 }

[consent.unknown]
"""


def test_doctor_and_diff_tell_what_neither_calendar_nor_campaign_gets(office: Any) -> None:
    office.desk.configure("[consent.unknown]\n", SPRING)
    office.desk.configure('email = "deny"', 'email = "allow"')
    office.desk.configure("visits = true", "visits = true\ncampaigns = true\nmembers = true")
    office.crm.add_people(["a@x.example"])
    office("run")

    told_by_diff = " ".join(office("diff").err.split())
    findings = office.desk("doctor", "--json").json["findings"]
    told_by_doctor = " ".join(one["example"] for one in findings)

    for words in CANNOT[office.name]:
        assert words in told_by_diff
        assert words in told_by_doctor


def test_the_key_of_follow_up_tasks_is_missed_and_made(office: Any) -> None:
    office.desk.configure("visits = true", "visits = true\ntasks = true")
    lose_key(office)
    wanted = f"{TASKS[office.name]}.{KEY[office.name]}"

    missed = [one["example"] for one in office.desk("doctor", "--json").json["findings"]]
    made = office.desk("doctor", "--fix", "--yes", "--json").json

    assert wanted in missed
    assert wanted in [f"{one['object']}.{one['name']}" for one in made["fields"]]
    assert wanted not in [one["example"] for one in made["findings"]]
    again = [one["example"] for one in office.desk("doctor", "--json").json["findings"]]
    assert wanted not in again


def lose_key(office: Any) -> None:
    """An administrator has not made the field of our key on tasks yet."""
    if office.name == "hubspot":
        office.crm.account.kind("tasks").definitions.pop(KEY["hubspot"], None)
        return
    for name in ("Event", "Task"):
        office.crm.org.schema[name].fields.pop(KEY["salesforce"], None)
