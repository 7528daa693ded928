"""People and crmbridge work in one account: theirs holds, and the rest goes on."""

from typing import Any

import pytest

NOW = "2026-11-02T06:00:00Z"
LATER = "2026-11-02T07:00:00Z"
NONE = {"create": 0, "update": 0, "clear": 0, "delete": 0}


def counts(answer: Any) -> dict[str, int]:
    """How many items of each kind the changeset of a run holds."""
    return {op: n for op, n in answer.json["changeset"].items() if op in NONE}


def test_a_run_after_a_push_has_nothing_to_change(office: Any) -> None:
    pushed = office.change()
    sent = office.crm.writes()

    again = office("run", "--json")

    assert pushed["outcomes"]["applied"] > 0, pushed
    assert (again.code, counts(again)) == (0, NONE)
    assert office.crm.writes() == sent


def test_diff_sends_no_write(office: Any) -> None:
    office("run")

    shown = office("diff", "--json")

    assert shown.json["items"]
    assert office.crm.writes() == 0


@pytest.mark.parametrize("minutes", [1, 30])
def test_a_field_edited_between_diff_and_push_is_a_conflict_and_the_rest_applies(
    office: Any, minutes: int
) -> None:
    office("run")
    items = office("diff", "--json").json
    rated = next(row["id"] for row in items["items"] if row["op"] == "update")
    office.crm.rate(rated, 99)

    # After half an hour consent is pulled again first, and shows the edit to us as well.
    pushed = office("push", items["changeset"], "--json", now=f"2026-11-02T06:{minutes:02}:00Z")

    outcomes = pushed.json["outcomes"]
    total = len({(row["op"], row["id"], row["key"]) for row in items["items"]})
    assert pushed.code == 1
    assert outcomes == {**dict.fromkeys(outcomes, 0), "conflict": 1, "applied": total - 1}
    assert office.crm.score(rated) == 99
    others = [one for one in office.crm.customers() if one != rated]
    assert all(office.crm.score(one) not in (None, 99) for one in others)


def test_a_visit_that_a_rep_moved_is_pinned_and_planned_around(office: Any) -> None:
    office.change()
    first = office.crm.visits()[0]
    office.crm.move(first, hours=2)

    office.change(now=LATER)

    shown = {one.id: one for one in office.crm.visits()}
    assert (shown[first.id].start_at - first.start_at).total_seconds() == 7200
    plan = {row["visit_id"]: row for row in office.desk.rows("out/visit_plan.csv")}
    assert [row["fixedness"] for row in plan.values()].count("pinned") == 1
    assert counts(office("run", "--json", now=LATER)) == NONE


def test_a_visit_that_a_rep_deleted_is_declined_and_not_written_again(office: Any) -> None:
    office.change()
    gone = office.crm.visits()[0]
    office.crm.delete(gone)

    office.change(now=LATER)

    assert gone.customer not in {one.customer for one in office.crm.visits()}
    left = {row["customer_id"]: row["code"] for row in office.desk.rows("out/not_planned.csv")}
    assert [code for id_, code in left.items() if id_.endswith(f"/{gone.customer}")] == ["declined"]
    assert counts(office("run", "--json", now=LATER)) == NONE


def test_diff_and_doctor_tell_what_the_crm_cannot_give(office: Any) -> None:
    office("run")

    notes = " ".join(office("diff").err.split())
    found = office.desk("doctor", "--json").json["findings"]

    limits = " ".join(one["example"] for one in found if one["code"].endswith(".limits"))
    told = {
        "hubspot": "It enters nobody's calendar",
        "salesforce": "a second write of one key changes the first record",
    }
    assert told[office.name] in notes
    assert told[office.name] in limits
