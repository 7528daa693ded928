"""The whole way again: nothing to do, unless a person did something, and that holds."""

from datetime import datetime, timedelta
from typing import Any

import pytest

NOW = "2026-11-02T06:00:00Z"
LATER = "2026-11-02T07:00:00Z"
NONE = {"create": 0, "update": 0, "clear": 0, "delete": 0}


def counts(answer: Any) -> dict[str, int]:
    """How many items of each kind the changeset of a run holds."""
    return {op: n for op, n in answer.json["changeset"].items() if op != "id"}


def planned(desk: Any) -> dict[str, dict[str, str]]:
    """visit id -> the planned visit, as the table of the plan has it."""
    return {row["visit_id"]: row for row in desk.rows("out/visit_plan.csv")}


@pytest.mark.parametrize("now", [NOW, LATER])
def test_a_run_after_a_push_has_nothing_to_change(pushed: Any, now: str) -> None:
    visits = (pushed.folder / "out" / "visits.csv").read_bytes()

    again = pushed("run", "--json", now=now)

    assert (again.code, counts(again)) == (0, NONE)
    assert again.json["connections"]["demo"]["customers"]["changed"] == 0
    assert (pushed.folder / "out" / "visits.csv").read_bytes() == visits


def test_a_third_run_is_as_the_second(pushed: Any) -> None:
    second = pushed("run", "--json", now=NOW).json
    third = pushed("run", "--json", now=NOW).json

    assert third["plan"]["id"] == second["plan"]["id"]
    assert third["changeset"]["create"] == third["changeset"]["update"] == 0
    assert third["connections"]["demo"] == {
        stream: {**dict.fromkeys(kinds, 0)}
        for stream, kinds in third["connections"]["demo"].items()
    }


def test_a_visit_that_a_rep_moved_is_pinned_and_planned_around(pushed: Any) -> None:
    rows = pushed.rows("out/visits.csv")
    moved = {**rows[0], **_two_hours_later(rows[0])}
    pushed.write_rows("out/visits.csv", [moved, *rows[1:]])

    pushed("run", "--json", now=LATER)
    pushed("push", now=LATER)

    kept = next(row for row in pushed.rows("out/visits.csv") if row["id"] == moved["id"])
    assert (kept["start_at"], kept["end_at"]) == (moved["start_at"], moved["end_at"])
    pinned = [row for row in planned(pushed).values() if row["fixedness"] == "pinned"]
    assert [row["start"] for row in pinned] == [_berlin(moved["start_at"])]
    assert counts(pushed("run", "--json", now=LATER)) == NONE


def test_a_visit_moved_beyond_the_horizon_stands_in_for_the_next(pushed: Any) -> None:
    moved = _moved(pushed, days=30)
    customer = f"demo/customers/{moved['customer_id']}"

    codes = []
    for now in (LATER, "2026-11-03T06:00:00Z", "2026-11-12T06:00:00Z", "2026-11-25T06:00:00Z"):
        pushed("run", now=now)
        assert pushed("push", now=now).code in (0, 4)
        out = {row["customer_id"]: row["code"] for row in pushed.rows("out/not_planned.csv")}
        codes.append(out.get(customer))
        left = [row for row in pushed.rows("out/visits.csv") if row["id"] == moved["id"]]
        assert [row["start_at"] for row in left] == [moved["start_at"]]
        assert not _overlapping(pushed, moved)

    assert codes == ["visited_recently"] * 4


def test_a_moved_visit_to_a_closed_customer_still_takes_its_time(pushed: Any) -> None:
    moved = _moved(pushed, days=1)
    rows = pushed.rows("data/customers.csv")
    closed = [
        {**row, "status": "closed"} if row["id"] == moved["customer_id"] else row for row in rows
    ]
    pushed.write_rows("data/customers.csv", closed)

    told = pushed("run", now=LATER).err
    pushed("push", now=LATER)
    pushed("run", now=LATER)

    assert "plan.visit_stays" in told
    assert "its customer is closed" in told
    assert not _overlapping(pushed, moved)


def _moved(desk: Any, days: int) -> dict[str, str]:
    """The first visit, dragged by so many days."""
    rows = desk.rows("out/visits.csv")
    shift = {
        name: (datetime.fromisoformat(rows[0][name]) + timedelta(days=days)).isoformat()
        for name in ("start_at", "end_at")
    }
    moved = {**rows[0], **shift}
    desk.write_rows("out/visits.csv", [moved, *rows[1:]])
    return moved


def _overlapping(desk: Any, moved: dict[str, str]) -> list[dict[str, str]]:
    """Planned visits of the same rep at the time of another."""
    start, end = (datetime.fromisoformat(moved[name]) for name in ("start_at", "end_at"))
    return [
        row
        for row in desk.rows("out/visits.csv")
        if row["id"] != moved["id"]
        and row["rep_id"] == moved["rep_id"]
        and datetime.fromisoformat(row["start_at"]) < end
        and start < datetime.fromisoformat(row["end_at"])
    ]


def test_a_visit_that_a_rep_deleted_is_declined_and_not_written_again(pushed: Any) -> None:
    rows = pushed.rows("out/visits.csv")
    gone = rows[0]
    pushed.write_rows("out/visits.csv", rows[1:])

    pushed("run", "--json", now=LATER)
    pushed("push", now=LATER)

    left = pushed.rows("out/visits.csv")
    assert gone["customer_id"] not in {row["customer_id"] for row in left}
    out = {row["customer_id"]: row for row in pushed.rows("out/not_planned.csv")}
    assert out[f"demo/customers/{gone['customer_id']}"]["code"] == "declined"
    assert counts(pushed("run", "--json", now=LATER)) == NONE


def test_a_score_that_a_person_overwrote_is_left_alone(pushed: Any) -> None:
    rows = pushed.rows("out/customers.csv")
    pushed.write_rows("out/customers.csv", [{**rows[0], "visit_score": "1"}, *rows[1:]])

    again = pushed("run", "--json", now=LATER)

    assert counts(again) == NONE
    assert pushed.rows("out/customers.csv")[0]["visit_score"] == "1"


def test_what_was_undone_can_be_done_again(pushed: Any) -> None:
    before = pushed.rows("out/visits.csv")
    applied = (pushed.folder / "pushed.txt").read_text().split()[1].rstrip(":")

    undone = pushed("undo", applied, now=NOW)
    pushed("run", now=NOW)
    redone = pushed("push", "--json", now=NOW)

    assert (undone.code, redone.code) == (0, 0)
    assert len(pushed.rows("out/visits.csv")) == len(before)


def test_a_new_customer_comes_with_its_visits_alone(pushed: Any) -> None:
    rows = pushed.rows("data/customers.csv")
    fresh = {**rows[0], "id": "C0998", "name": "Newcomer", "number": "998", "phone": ""}
    pushed.write_rows("data/customers.csv", [*rows, fresh])
    visits = {row["id"]: row["start_at"] for row in pushed.rows("out/visits.csv")}

    ran = pushed("run", "--json", now=LATER)
    pushed("push", now=LATER)

    after = {row["id"]: row["start_at"] for row in pushed.rows("out/visits.csv")}
    assert ran.json["connections"]["demo"]["customers"]["new"] == 1
    # A plan in force is kept: few of its visits may move for one newcomer.
    kept = [id_ for id_ in visits if after.get(id_) == visits[id_]]
    assert len(kept) >= len(visits) - 3


def _two_hours_later(row: dict[str, str]) -> dict[str, str]:
    later = timedelta(hours=2)
    return {
        name: (datetime.fromisoformat(row[name]) + later).isoformat()
        for name in ("start_at", "end_at")
    }


def _berlin(text: str) -> str:
    """An instant of these weeks as a time of day in Berlin, one hour ahead of UTC."""
    return f"{datetime.fromisoformat(text) + timedelta(hours=1):%H:%M}"
