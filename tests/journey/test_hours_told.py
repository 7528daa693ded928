"""What a plan says of hours, of the cap and of changes is said wherever people look."""

from typing import Any

NOW = "2026-11-02T06:00:00Z"


def test_the_hours_of_each_rep_and_class_are_told(ran: Any) -> None:
    document = ran("plan", "--json", now=NOW).json
    rows = ran.rows("out/capacity.csv")

    told = {one["rep"]: one for one in document["capacity"]}
    own = {row["rep"]: row for row in rows if row["class"] == "all"}
    assert told.keys() == own.keys() != set()
    for rep, one in told.items():
        assert own[rep]["verdict"] == one["verdict"]
        of_rep = [row for row in rows if row["rep"] == rep and row["class"] != "all"]
        assert [row["class"] for row in of_rep] == [item["class"] for item in one["classes"]]
        assert sum(int(row["due"]) for row in of_rep) == one["due"]


def test_the_report_and_the_export_tell_them_later(ran: Any) -> None:
    ran("plan", now=NOW)
    told = ran.rows("out/capacity.csv")
    (ran.folder / "out/capacity.csv").unlink()

    ran("export", "plan", "--format", "csv", now=NOW)
    ran("report", now=NOW)

    page = (ran.folder / "out/report.html").read_text(encoding="utf-8")
    assert ran.rows("out/capacity.csv") == told
    assert "Whether the hours suffice" in page
    assert all(row["verdict"].replace("'", "&#39;") in page for row in told)


def test_a_plan_that_the_cap_cut_short_says_so_and_so_does_plan_again(ran: Any) -> None:
    ran.configure(
        "iterations_per_rep = 50",
        "iterations_per_rep = 50000000\nseconds_per_rep = 0.2",
    )

    document = ran("plan", "--json", now=NOW).json
    again = ran("plan", "again", document["plan"]["id"], "--json").json

    (finding,) = [one for one in document["findings"] if one["code"] == "plan.cut_short"]
    assert "of 50,000,000 iterations in 0.2 s" in finding["example"]
    assert "seconds_per_rep" in finding["remedy"]
    assert again["cut_short"].startswith("The cap cut the planning of")


def test_a_plan_that_was_not_cut_is_computed_again_however_slow_the_machine(ran: Any) -> None:
    document = ran("plan", "--json", now=NOW).json
    again = ran("plan", "again", document["plan"]["id"], "--json").json

    assert (again["is_same"], again["cut_short"]) == (True, "")
