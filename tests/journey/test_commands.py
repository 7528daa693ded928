"""Each command over a small company: what it shows, what it leaves, and its JSON document."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

NOW = "2026-11-02T06:00:00Z"
COUNTS = {"read", "new", "changed", "unchanged", "deleted", "quarantined"}
RUN = {
    "run", "now", "status", "connections", "findings", "plan", "changeset", "outcomes", "files",
}  # fmt: skip
"""Keys of the document that `run --json` prints, as the design has them."""


def test_init_writes_a_configuration_that_is_understood(bare_desk: Any) -> None:
    made = bare_desk("init")

    assert (made.code, bare_desk("adapters").code) == (0, 0)
    assert "# " in bare_desk.config.read_text(encoding="utf-8")


def test_init_tells_its_file_and_overwrites_none(bare_desk: Any) -> None:
    first = bare_desk("--config", "other.toml", "init", "--json")
    before = (bare_desk.folder / "other.toml").read_bytes()
    again = bare_desk("--config", "other.toml", "init")

    assert first.json == {"file": "other.toml"}
    assert (again.code, again.err[:12]) == (2, "other.toml: ")
    assert (bare_desk.folder / "other.toml").read_bytes() == before


def test_what_init_wrote_runs_over_a_folder_of_csv_files(bare_desk: Any) -> None:
    (bare_desk.folder / "data").mkdir()
    bare_desk("init")
    customers = "id,name,latitude,longitude\n1,Adler,52.5,13.4\n"
    (bare_desk.folder / "data" / "customers.csv").write_text(customers)

    answer = bare_desk("run", "--json", now=NOW)
    accepted = bare_desk("push", "--accept", "2", now=NOW)

    # Nothing was ever written there, so the first fill asks: score and segment of one customer.
    (counts,) = answer.json["connections"].values()
    assert (counts["customers"]["new"], answer.code) == (1, 3)
    assert "--accept 2" in answer.json["stops"][0]
    assert (accepted.code, accepted.err) == (0, "")


def test_adapters_tells_what_each_can_do(bare_desk: Any) -> None:
    found = {one["name"]: one for one in bare_desk("adapters", "--json").json["adapters"]}

    adapter = found["csv"]
    assert adapter["distribution"] == "crmbridge-csv"
    assert adapter["objects"]["visits"]["operations"] == ["clear", "create", "delete", "update"]
    assert "CSV files" in bare_desk("adapters").out


def test_adapters_names_a_plugin_that_is_broken(
    bare_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = bare_desk.folder / "shelf" / "example_hole-1.0.dist-info"
    info.mkdir(parents=True)
    (info.parent / "example_hole.py").write_text("import nothing_of_that_name\n")
    (info / "METADATA").write_text("Name: example-hole\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[crmbridge]\nhole = example_hole\n")
    monkeypatch.syspath_prepend(info.parent)
    bare_desk.config.write_text('[plugins]\nallow = ["example-hole"]\n')

    found = bare_desk("adapters", "--json").json

    assert "csv" in {one["name"] for one in found["adapters"]}
    assert [one["distribution"] for one in found["problems"]] == ["example-hole"]
    assert "nothing_of_that_name" in bare_desk("adapters").out


def test_doctor_finds_a_column_that_cannot_be_written_to(desk: Any) -> None:
    desk.configure('path = "data"', 'path = "nowhere"')

    found = desk("doctor", "--json").json["findings"]

    (finding,) = [one for one in found if one["code"].startswith("demo.")]
    assert "nowhere" in finding["example"]
    assert finding["remedy"]


def test_doctor_of_a_connection_that_is_not_there_is_wrong_usage(desk: Any) -> None:
    answer = desk("doctor", "dmeo")

    assert answer.code == 2
    assert "Did you mean 'demo'?" in answer.err


def test_doctor_that_finds_nothing_amiss_in_the_connection_says_so(desk: Any) -> None:
    answer = desk("doctor", "demo")

    assert answer.code == 0
    assert "demo." not in answer.out


def test_fields_shows_what_a_column_maps_to(desk: Any) -> None:
    answer = desk("fields", "demo", "--like", "postcode", "--json")

    (field,) = answer.json["fields"]
    assert (field["object"], field["maps_to"]) == ("customers", "customers.postcode")
    assert re.fullmatch(r"\d{5}", field["sample"])
    assert "postcode" in desk("fields", "demo").out


def test_pull_counts_reconcile(desk: Any) -> None:
    answer = desk("pull", "--json", now=NOW)

    streams = answer.json["connections"]["demo"]
    assert answer.code == 0
    assert streams["customers"]["new"] == 30
    assert all(set(counts) == COUNTS for counts in streams.values())
    for counts in streams.values():
        kinds = ("new", "changed", "unchanged", "quarantined")
        assert counts["read"] == sum(counts[kind] for kind in kinds)


def test_a_second_pull_reads_nothing_and_a_full_one_changes_nothing(desk: Any) -> None:
    desk("pull", now=NOW)

    assert desk("pull", now=NOW).out == "Nothing new.\n"
    full = desk("pull", "--full", "--stream", "customers", "--json", now=NOW).json
    assert full["connections"]["demo"]["customers"]["unchanged"] == 30


def test_verify_tells_a_record_that_is_missing_here(desk: Any) -> None:
    desk("pull", now=NOW)
    before = desk("verify", "--json", now=NOW).json["checks"]
    rows = desk.rows("data/customers.csv")
    desk.write_rows("data/customers.csv", [*rows, {**rows[0], "id": "C0999"}])

    after = {one["object"]: one for one in desk("verify", "--json", now=NOW).json["checks"]}

    assert {one["verdict"] for one in before} == {"all here"}
    assert (after["customers"]["expected"], after["customers"]["held"]) == (31, 30)
    assert after["customers"]["verdict"] == "1 missing here"


def test_retry_takes_a_record_in_once_its_cause_is_gone(desk: Any) -> None:
    rows = desk.rows("data/customers.csv")
    desk.write_rows("data/customers.csv", [{**rows[0], "latitude": "91"}, *rows[1:]])
    pulled = desk("pull", "--json", now=NOW)
    again = desk("retry", "--json", now=NOW)
    desk.write_rows("data/customers.csv", rows)

    mended = desk("retry", "--json", now=NOW)

    assert (pulled.code, again.code, mended.code) == (1, 1, 0)
    assert pulled.json["connections"]["demo"]["customers"]["quarantined"] == 1
    assert mended.json["connections"]["demo"]["customers"]["new"] == 1


def test_analyze_writes_the_customers_with_score_and_segment(desk: Any) -> None:
    desk("pull", now=NOW)

    answer = desk("analyze", now=NOW)

    rows = desk.rows("out/customer_analysis.csv")
    assert answer.code == 0
    assert "30" in answer.out
    assert len(rows) == 30
    assert all(0 <= float(row["score"]) <= 1 and row["cluster"] for row in rows)


def test_plan_tells_each_visit_and_each_customer_left_out(pushed: Any) -> None:
    answer = pushed("plan", "--json", now=NOW)

    document = answer.json
    seen = {one["customer"] for one in document["visits"]}
    left_out = {one["customer"] for one in document["not_planned"]}
    assert document["plan"]["visits"] == len(document["visits"]) > 0
    assert len(seen | left_out) == 30
    assert all(one["reasons"] for one in document["visits"])
    assert all(one["reason"] for one in document["not_planned"])


def test_plan_of_one_rep_shows_only_theirs_and_keeps_nothing(pushed: Any) -> None:
    before = pushed("status", "--json", now=NOW).json

    answer = pushed("plan", "--rep", "Ann Berger", now=NOW)

    assert "ann@example.com" in answer.out
    assert "ben@example.com" not in answer.out
    assert max(len(line) for line in answer.out.splitlines()) <= 80
    assert pushed("status", "--json", now=NOW).json == before


def test_plan_from_a_day_on_plans_nothing_before_it(pushed: Any) -> None:
    visits = pushed("plan", "--start", "2026-11-09", "--json", now=NOW).json["visits"]

    days = {visit["day"] for visit in visits}
    assert "2026-11-09" <= min(days) <= max(days) < "2026-11-23"


def test_diff_shows_rows_and_writes_nothing(ran: Any) -> None:
    document = ran("diff", "--json", now=NOW).json

    assert set(document) == {"changeset", "items", "api_calls"}
    assert set(document["items"][0]) == {
        "connection", "object", "id", "key", "op", "field", "before", "after", "reason",
    }  # fmt: skip
    assert not (ran.folder / "out" / "visits.csv").exists()
    assert "Nothing was written." in ran("diff", now=NOW).out


def test_diff_narrows_to_a_kind_a_rep_and_a_number_of_rows(ran: Any) -> None:
    def items(*options: str) -> list[dict[str, Any]]:
        return list(ran("diff", "--json", *options, now=NOW).json["items"])

    assert {one["field"] for one in items("--only", "score,segment")} == {
        "visit_score", "segment_tag",
    }  # fmt: skip
    reps = {one["after"] for one in items("--rep", "ben@example.com") if one["field"] == "rep_id"}
    assert reps == {"R02"}
    assert len(items("--limit", "3")) == 3
    assert "rows more" in ran("diff", "--limit", "3", now=NOW).out


def test_push_applies_exactly_what_was_shown(ran: Any) -> None:
    shown = ran("diff", "--json", "--only", "visits", now=NOW).json

    pushed = ran("push", shown["changeset"], "--json", now=NOW)

    assert pushed.json["outcomes"]["applied"] == len({one["key"] for one in shown["items"]})
    assert len(ran.rows("out/visits.csv")) == pushed.json["outcomes"]["applied"]
    assert not (ran.folder / "out" / "customers.csv").exists()


def test_push_without_a_name_takes_the_newest_and_then_there_is_none(pushed: Any) -> None:
    answer = pushed("push", now=NOW)

    assert (answer.code, answer.out) == (0, "No changeset waits: nothing was written.\n")


def test_undo_restores_what_was_before(pushed: Any) -> None:
    changeset = pushed("runs", "--json").json["runs"]  # the push, then the run
    assert [one["command"] for one in changeset] == ["push", "run"]
    applied = pushed("show", "demo/customers/C0006", "--json", now=NOW).json["written"]
    visits = len(pushed.rows("out/visits.csv"))

    answer = pushed("undo", _applied(pushed), "--json", now=NOW)

    assert answer.code == 0
    assert answer.json["outcomes"]["applied"] == visits + 30
    assert applied["visit_score"]["written by us"]
    assert pushed.rows("out/visits.csv") == []
    assert {row["visit_score"] for row in pushed.rows("out/customers.csv")} == {""}


def test_undo_leaves_what_somebody_changed_since(pushed: Any) -> None:
    rows = pushed.rows("out/customers.csv")
    pushed.write_rows("out/customers.csv", [{**rows[0], "visit_score": "99"}, *rows[1:]])
    pushed("pull", now=NOW)

    pushed("undo", _applied(pushed), now=NOW)

    left = {row["id"]: row["visit_score"] for row in pushed.rows("out/customers.csv")}
    assert left.pop(rows[0]["id"]) == "99"
    assert set(left.values()) == {""}


def _applied(desk: Any) -> str:
    """The changeset that was pushed, as the push said."""
    found = re.search(r"c[0-9a-f]{12}", (desk.folder / "pushed.txt").read_text())
    assert found is not None
    return found[0]


def test_run_prints_the_document_of_the_design(desk: Any) -> None:
    answer = desk("run", "--json", now=NOW)

    document = answer.json
    assert answer.code == 4
    assert set(document) >= RUN
    assert set(document["plan"]) == {
        "id",
        "visits",
        "reps",
        "not_planned",
        "places",
        "travel",
        "stability",
    }
    assert set(document["changeset"]) == {"id", "create", "update", "clear", "delete"}
    assert set(document["outcomes"]) == {"applied", "unchanged", "rejected", "conflict", "unknown"}
    assert all((desk.folder / file).exists() for file in document["files"])


def test_run_of_a_named_job_is_the_same(desk: Any) -> None:
    assert desk("run", "demo", "--json", now=NOW).json["status"] == "review"
    assert desk("run", "nightly", now=NOW).code == 2


def test_run_due_without_a_schedule_has_nothing_to_do(desk: Any) -> None:
    assert desk("run", "--due", now=NOW).out == "Nothing is due.\n"
    assert desk("run", "--due", "--json", now=NOW).json == {"runs": []}


def test_schedule_once_lists_the_jobs(desk: Any) -> None:
    answer = desk("schedule", "--once", now=NOW)

    assert answer.code == 0
    assert "by hand" in answer.out


def test_status_tells_what_waits_until_it_is_pushed(ran: Any) -> None:
    waits = ran("status", "--json", now=NOW).json
    ran("push", now=NOW)

    assert re.fullmatch(r"c[0-9a-f]{12}", waits["waiting_changeset"])
    assert waits["connections"][0]["name"] == "demo"
    assert ran("status", "--json", now=NOW).json["waiting_changeset"] == ""


def test_runs_lists_the_last_first(pushed: Any) -> None:
    runs = pushed("runs", "--json").json["runs"]

    assert [(one["command"], one["exit_code"]) for one in runs] == [("push", 0), ("run", 4)]
    assert len(pushed("runs", "--limit", "1", "--json").json["runs"]) == 1
    assert "review" in pushed("runs").out


def test_show_tells_all_of_a_record_by_key_or_by_name(pushed: Any) -> None:
    by_key = pushed("show", "demo/customers/C0006", "--json", now=NOW).json
    by_name = pushed("show", by_key["fields"]["name"], "--json", now=NOW).json

    assert by_name == by_key
    assert {"fields", "score", "reasons", "segment", "visits", "written"} <= set(by_key)
    assert "visit_score" in pushed("show", "C0006", now=NOW).out


def test_show_policy_tells_how_often_and_why(pushed: Any) -> None:
    document = pushed("show", "policy", "C0006", "--json", now=NOW).json

    assert document["policy"]["owner"] == "ann@example.com"
    assert document["policy"]["every_days"] in (14, 28, 56)
    assert document["reasons"]
    every = document["policy"]["every_days"]
    assert f"every {every} days" in pushed("show", "policy", "C0006", now=NOW).out


@pytest.mark.parametrize(
    "words", [("nobody",), ("policy",), ("policy", "nobody"), ("demo/customers/nobody",)]
)
def test_show_of_what_is_not_there_is_wrong_usage(pushed: Any, words: tuple[str, ...]) -> None:
    assert pushed("show", *words, now=NOW).code == 2


def test_report_is_one_file_that_opens_offline(pushed: Any) -> None:
    answer = pushed("report", "--output", "mine.html", "--json", now=NOW)

    content = (pushed.folder / "mine.html").read_text(encoding="utf-8")
    assert answer.json == {"file": "mine.html"}
    assert "Ann Berger" in content
    assert re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", content) == []


def test_export_plan_as_calendars(pushed: Any) -> None:
    files = pushed("export", "plan", "--output", "cal", "--json", now=NOW).json["files"]

    calendars = [Calendar.from_ical((pushed.folder / file).read_bytes()) for file in files]
    visits = [event for calendar in calendars for event in calendar.walk("VEVENT")]
    assert len(visits) == len(pushed.rows("out/visits.csv")) > 0
    assert len({str(event["UID"]) for event in visits}) == len(visits)


def test_export_plan_as_a_table(pushed: Any) -> None:
    pushed("export", "plan", "--format", "csv", "--output", "tab", now=NOW)

    visits, left_out = pushed.rows("tab/visit_plan.csv"), pushed.rows("tab/not_planned.csv")
    assert len(visits) == len(pushed.rows("out/visits.csv")) > 0
    assert len({row["customer_id"] for row in (*visits, *left_out)}) == 30


def test_export_plan_as_routes_on_a_map(pushed: Any) -> None:
    answer = pushed("export", "plan", "--format", "geojson", "--output", "map", now=NOW)

    document = json.loads((pushed.folder / "map" / "visit_plan.geojson").read_text())
    points = [one for one in document["features"] if one["geometry"]["type"] == "Point"]
    assert answer.out == "wrote map/visit_plan.geojson\n"
    assert len(points) == len(pushed.rows("out/visits.csv")) > 0


def test_export_before_a_plan_is_wrong_usage(desk: Any) -> None:
    assert desk("export", "plan", now=NOW).code == 2
    assert desk("export", "plan", "--format", "xlsx", now=NOW).code == 2


def test_new_adapter_writes_a_package(bare_desk: Any) -> None:
    files = bare_desk("new-adapter", "acme", "--json").json["files"]

    assert all(Path(file).exists() for file in files)
    assert {Path(file).name for file in files} >= {"adapter.py", "mapping.py", "test_adapter.py"}
    assert bare_desk("new-adapter", "acme").code == 2
    assert bare_desk("new-adapter", "Not A Name").code == 2


def test_output_into_a_closed_pipe_ends_quietly(pushed: Any) -> None:
    command = [sys.executable, "-m", "crmbridge.cli.main", "show", "C0006"]

    with subprocess.Popen(
        command, cwd=pushed.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        said = process.stderr.read() if process.stderr else b""

    assert (process.returncode, said) == (0, b"")
