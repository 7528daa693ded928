"""Plans made before are listed, compared and computed again; places and visits gone through."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

NOW = "2026-11-02T06:00:00Z"
AN_HOUR_LATER = "2026-11-02T07:00:00Z"
AFTER_THE_FIRST_VISIT = "2026-11-02T09:30:00Z"
LATER = "2026-11-03T06:00:00Z"


def plans(desk: Any) -> list[Any]:
    return list(desk("plan", "list", "--json").json["plans"])


def test_a_plan_is_computed_again_from_what_was_kept(pushed: Any) -> None:
    (plan,) = plans(pushed)

    answer = pushed("plan", "again", plan["id"][:8])
    document = pushed("plan", "again", plan["id"], "--json").json

    assert "the same to the last reason" in answer.out
    assert document["is_same"] is True
    assert document["again"] == plan["id"]


def test_a_plan_of_another_version_is_computed_again_and_said_to_be_one(pushed: Any) -> None:
    (plan,) = plans(pushed)
    with closing(sqlite3.connect(pushed.folder / "demo.db")) as store, store:
        store.execute("UPDATE plans SET input_digest = 'of another version'")

    answer = pushed("plan", "again", plan["id"][:8])

    assert answer.out.splitlines() == [
        f"Plan {plan['id'][:12]}: made by another version, computed by this one.",
        f"0 of {len(pushed.rows('out/visit_plan.csv'))} visits moved, 0 dropped, 0 new",
    ]


def test_two_plans_are_compared_with_a_cause_for_each_move(pushed: Any) -> None:
    day = max(v["day"] for v in pushed.rows("out/visit_plan.csv") if v["rep"] == "ann@example.com")
    pushed.configure('[reps."ann@example.com"]\n', f'[reps."ann@example.com"]\noff = [{day}]\n')
    told = pushed("plan", now=NOW)
    after, before = (plan["id"] for plan in plans(pushed))

    document = pushed("plan", "diff", before, after, "--json").json
    text = pushed("plan", "diff", before[:10], after[:10]).out

    causes = {move["cause"] for move in document["moved"]} | {
        drop["cause"] for drop in document["dropped"]
    }
    assert causes & {
        f"ann@example.com does not work on {day}",
        "No working day among the days on which a visit is allowed",
    }
    assert all(causes)
    assert document["stability"] in text
    assert "visits moved" in told.out


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize("now", [NOW, AN_HOUR_LATER, AFTER_THE_FIRST_VISIT])
def test_the_same_input_keeps_the_published_plan(pushed: Any, command: str, now: str) -> None:
    # A run analyses anew: by then each score is a few thousandths more or less.
    document = pushed(command, "--json", now=now).json

    assert document["plan"]["id"] == plans(pushed)[0]["id"]
    assert document["plan"]["stability"].startswith("0 of ")
    assert document["plan"]["stability"].endswith(" 0 dropped, 0 new")
    assert len(plans(pushed)) == 1


def test_a_plan_kept_later_can_still_be_computed_again(pushed: Any) -> None:
    pushed("plan", now=AFTER_THE_FIRST_VISIT)

    (plan,) = plans(pushed)
    assert pushed("plan", "again", plan["id"], "--json").json["is_same"] is True


def test_a_score_that_changed_is_another_input(pushed: Any) -> None:
    with closing(sqlite3.connect(pushed.folder / "demo.db")) as store, store:
        store.execute("UPDATE scores SET reasons = '[]' WHERE id = 'C0010'")

    pushed("plan", now=AN_HOUR_LATER)

    assert len(plans(pushed)) == 2


def test_an_earlier_hour_is_another_input(pushed: Any) -> None:
    pushed("plan", now="2026-11-02T05:00:00Z")

    assert len(plans(pushed)) == 2


@pytest.mark.parametrize(
    "words", [("diff", "abcd"), ("again",), ("again", "none"), ("lst",), ("diff", "a", "b")]
)
def test_what_is_no_plan_is_said(pushed: Any, words: tuple[str, ...]) -> None:
    answer = pushed("plan", *words)

    assert answer.code == 2
    assert answer.err.startswith("plan: expected")


def test_places_are_listed_with_what_helps(pushed: Any) -> None:
    document = pushed("show", "places", "--json", now=NOW).json
    text = pushed("show", "places", now=NOW).out

    assert sum(document["quality"].values()) == 30
    assert all(flaw["remedy"] for flaw in document["flaws"])
    assert len(document["places"]) == len(document["flaws"])
    assert "quality" in text


def test_the_audit_lists_visits_that_say_too_little(pushed: Any) -> None:
    content = pushed.config.read_text(encoding="utf-8")
    pushed.config.write_text(
        content + '\n[planning.rules.everybody]\noutcome = ["reply_reason"]\nagenda = ["Listen"]\n',
        encoding="utf-8",
    )

    document = pushed("show", "audit", "--json", now=LATER).json
    text = pushed("show", "audit", now=LATER).out

    assert document["audit"]
    assert all(one["visits"] == one["filled"] + len(one["empty"]) for one in document["audit"])
    assert "visits hold all that must be filled" in text
    assert "visits.outcome_empty" in pushed("plan", now=LATER).err


def test_calendar_files_and_records_carry_the_brief(pushed: Any) -> None:
    content = pushed.config.read_text(encoding="utf-8")
    rule = '\n[planning.rules.everybody]\nagenda = ["Listen first"]\n'
    pushed.config.write_text(content + rule, encoding="utf-8")

    pushed("plan", now=LATER)

    text = (pushed.folder / "out" / "calendars" / "ben@example.com.ics").read_text("utf-8")
    folded = text.replace("\r\n ", "")
    assert "[ ] Listen first" in folded
    assert "Last: " in folded
    rows = pushed("diff", "--only", "visits", "--json", now=LATER).json["items"]
    described = [row for row in rows if row["field"] == "description"]
    assert described
    assert all("[ ] Listen first" in row["after"] for row in described)
