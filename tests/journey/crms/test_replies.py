"""Answers that reps give in Salesforce's and HubSpot's own fields are read back and hold."""

from datetime import datetime
from typing import Any

import pytest

LATER = "2026-11-02T07:00:00Z"
TOMORROW = "2026-11-03T06:00:00Z"
FIELDS = {
    "salesforce": ("Event", "crmbridge_reply__c", "crmbridge_reply_until__c"),
    "hubspot": ("meetings", "crmbridge_reply", "crmbridge_reply_until"),
}
"""Object, and the fields in which an answer and its day stand unless the settings name others."""


@pytest.fixture
def asking(office: Any) -> Any:
    """An office whose CRM got the fields for answers by doctor --fix, after its first push."""
    done = office.desk("doctor", "--fix", "--yes", "--json")
    object_, reply, until = FIELDS[office.name]
    made = {(one["object"], one["name"], one["type"]) for one in done.json["fields"]}
    assert {(object_, reply, "picklist"), (object_, until, "date")} <= made
    office.change()
    return office


def answer(office: Any, visit: Any, word: str, until: str = "") -> None:
    object_, reply, day = FIELDS[office.name]
    more = {day: until} if until else {}
    office.crm.live().truth.edit(object_, visit.id, {reply: word, **more})


def test_an_accepted_visit_stays_where_it_is(asking: Any) -> None:
    visit = next(one for one in asking.crm.visits() if one.start_at > datetime.fromisoformat(LATER))
    answer(asking, visit, "accepted")

    asking.change(now=LATER)

    shown = {one.key: one.start_at for one in asking.crm.visits()}
    assert shown[visit.key] == visit.start_at
    plan = asking.desk.rows("out/visit_plan.csv")
    assert [row["fixedness"] for row in plan].count("pinned") == 1


def test_a_declined_visit_leaves_the_calendar_and_stays_away(asking: Any) -> None:
    visit = asking.crm.visits()[-1]
    answer(asking, visit, "declined")

    asking.change(now=LATER)
    gone = {one.customer for one in asking.crm.visits()}
    asking.change(now=TOMORROW)

    # Its entry is gone since, and the answer with it; it holds all the same.
    assert visit.customer not in gone
    assert visit.customer not in {one.customer for one in asking.crm.visits()}


def test_a_snoozed_visit_waits_for_its_day(asking: Any) -> None:
    visit = asking.crm.visits()[0]
    answer(asking, visit, "snoozed", until="2026-11-10")

    asking.change(now=LATER)

    days = [
        one.start_at.date().isoformat()
        for one in asking.crm.visits()
        if one.customer == visit.customer
    ]
    assert all(day >= "2026-11-10" for day in days)
    assert days or "Put off" in asking.desk("plan", now=TOMORROW).out
