"""Answers that reps give in Salesforce's and HubSpot's own fields are read back and hold."""

from datetime import datetime
from typing import Any

import pytest

LATER = "2026-11-02T07:00:00Z"
TOMORROW = "2026-11-03T06:00:00Z"
MAPPED = {
    "salesforce": ("sales", "Event", "Type"),
    "hubspot": ("demo", "meetings", "visit_reply"),
}
"""connection, object, and the field in which an answer stands."""


@pytest.fixture
def asking(office: Any) -> Any:
    """An office whose settings read answers, after its first push."""
    connection, object_, reply = MAPPED[office.name]
    table = f'\n[connections.{connection}.mapping.activities.{object_}]\nreply = "{reply}"\n'
    config = office.desk.config
    config.write_text(config.read_text(encoding="utf-8") + table, encoding="utf-8")
    if office.name == "hubspot":
        office.crm.account.define(object_, reply)
    office.change()
    return office


def answer(office: Any, visit: Any, word: str) -> None:
    _, object_, field = MAPPED[office.name]
    office.crm.live().truth.edit(object_, visit.id, {field: word})


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
