"""Every way to end badly: one clear line, the documented exit code, nothing lost."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from crmbridge.clock import SystemClock
from crmbridge.store import open_store
from crmbridge.store.leases import acquire

NOW = "2026-11-02T06:00:00Z"
LATER = "2026-11-03T06:00:00Z"


def one_line(answer: Any) -> str:
    """The only line on standard error, as `where: expected what, got value. Next step.`"""
    (line,) = answer.err.splitlines()
    assert ": expected " in line
    return str(line)


@pytest.mark.parametrize(
    "words",
    [
        ("frobnicate",),
        ("run", "--now", "yesterday"),
        ("run", "nightly"),
        ("pull", "sales"),
        ("pull", "--stream", "custmers"),
        ("plan", "--rep", "zoe@example.com"),
        ("plan", "--start", "tomorrow"),
        ("diff", "--only", "everything"),
        ("push", "c000000000000"),
        ("undo", "c000000000000"),
        ("undo",),
        ("push", "--accept", "many"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(desk: Any, words: tuple[str, ...]) -> None:
    answer = desk(*words)

    assert answer.code == 2
    assert answer.out in ("", "Nothing new.\n")
    assert answer.err


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("horizon_days", "horizon_dais", "Did you mean 'horizon_days'?"),
        ('adapter = "csv"', 'adapter = "cvs"', "csv"),
        ("horizon_days = 14", 'horizon_days = "a fortnight"', "planning.horizon_days"),
        ("[planning]", "[planning", "crmbridge.toml"),
        (
            'adapter = "csv"',
            'adapter = "csv"\nauth = { client_secret = "hunter2" }',
            "connections.demo.auth.client_secret",
        ),
    ],
    ids=["unknown key", "unknown adapter", "wrong value", "not TOML", "inline secret"],
)
def test_a_wrong_configuration_ends_with_78(desk: Any, old: str, new: str, line: str) -> None:
    desk.configure(old, new)

    answer = desk("pull", now=NOW)

    assert answer.code == 78
    assert line in answer.err
    assert "hunter2" not in answer.err + answer.out
    assert not (desk.folder / "out").exists()


def test_a_configuration_that_is_not_there_ends_with_78(bare_desk: Any) -> None:
    answer = bare_desk("--config", "gone.toml", "run")

    assert answer.code == 78
    assert "gone.toml" in one_line(answer)


def test_a_database_newer_than_the_program_ends_with_74(desk: Any) -> None:
    desk("status")
    store = open_store(f"sqlite:///{desk.folder / 'demo.db'}")
    with store.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()

    answer = desk("run", now=NOW)

    assert answer.code == 74
    assert "demo.db" in one_line(answer)


def test_a_database_that_is_none_ends_with_74(desk: Any) -> None:
    (desk.folder / "demo.db").write_text("this is no database, " * 100)

    answer = desk("status")

    assert answer.code == 74
    assert "demo.db" in one_line(answer)


def test_an_out_folder_that_is_a_file_ends_with_74(desk: Any) -> None:
    (desk.folder / "out").write_text("in the way")

    answer = desk("run", now=NOW)

    assert answer.code == 74
    assert "out" in one_line(answer)


def test_a_results_file_that_cannot_be_written_ends_with_74_and_loses_nothing(ran: Any) -> None:
    (ran.folder / "out" / ".visits.csv.new").mkdir()  # in the way of the temporary file
    failed = ran("push", "--json", now=NOW)
    (ran.folder / "out" / ".visits.csv.new").rmdir()

    again = ran("push", "--json", now=NOW)

    assert failed.code == 74
    assert again.code == 0
    assert len(ran.rows("out/visits.csv")) == again.json["changeset"]["create"] > 0


def test_a_connection_that_another_run_holds_ends_with_75(ran: Any) -> None:
    store = open_store(f"sqlite:///{ran.folder / 'demo.db'}")
    acquire(store, "demo", "elsewhere process 7", SystemClock().now(), 900)
    store.close()

    pulled, pushed, whole = ran("pull", now=NOW), ran("push", now=NOW), ran("run", now=NOW)

    assert (pulled.code, pushed.code, whole.code) == (75, 75, 75)
    assert "elsewhere process 7" in pushed.err
    assert not (ran.folder / "out" / "visits.csv").exists()


def test_a_mapping_that_moves_most_scores_ends_with_3_and_writes_nothing(pushed: Any) -> None:
    pushed.configure(
        "[consent.unknown]",
        "[connections.demo.mapping.customers.customers]\n"
        'need = { const = "1" }\nsituation = { const = "1" }\nfeature = { const = "1" }\n'
        "[consent.unknown]",
    )
    pushed.configure('push = "review"', 'push = "auto"')
    before = (pushed.folder / "out" / "customers.csv").read_bytes()

    stopped = pushed("run", now=LATER)
    number = re.search(r"--accept (\d+)", stopped.err)
    assert number is not None
    wrong = pushed("push", "--accept", str(int(number[1]) + 1), now=LATER)
    kept = (pushed.folder / "out" / "customers.csv").read_bytes()
    accepted = pushed("push", "--accept", number[1], now=LATER)

    assert (stopped.code, wrong.code, accepted.code) == (3, 3, 0)
    assert kept == before
    assert (pushed.folder / "out" / "customers.csv").read_bytes() != before


def test_a_file_that_shrank_to_a_tenth_ends_with_3_and_nothing_is_planned(pushed: Any) -> None:
    pushed.write_rows("data/customers.csv", pushed.rows("data/customers.csv")[:3])
    before = {file: file.read_bytes() for file in sorted((pushed.folder / "out").glob("*.csv"))}

    answer = pushed("run", "--json", now=LATER)

    assert answer.code == 3
    assert "--accept-shrink 27" in answer.json["stops"][0]
    assert answer.json["plan"] == {}
    assert {file: file.read_bytes() for file in before} == before


def test_a_changeset_that_waits_ends_with_4(desk: Any) -> None:
    answer = desk("run", now=NOW)

    assert answer.code == 4
    assert not (desk.folder / "out" / "visits.csv").exists()


def test_rows_that_are_quarantined_end_with_1(desk: Any) -> None:
    rows = desk.rows("data/orders.csv")
    desk.write_rows("data/orders.csv", [{**rows[0], "amount": "-1"}, *rows[1:]])

    answer = desk("pull", "--json", now=NOW)

    assert answer.code == 1
    assert answer.json["connections"]["demo"]["orders"]["quarantined"] == 1


def test_a_fault_of_ours_is_one_line_and_70(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crmbridge.jobs.runner.run_task", _fault)

    answer = desk("run", now=NOW)

    assert answer.code == 70
    assert "a fault in crmbridge itself, ZeroDivisionError" in answer.err
    assert desk("runs", "--json").json["runs"][0]["status"] == "fault"


def _fault(*arguments: object) -> None:
    raise ZeroDivisionError("by zero")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_a_signal_ends_a_schedule_with_its_code(
    desk: Any, number: signal.Signals, code: int
) -> None:
    command = [sys.executable, "-u", "-m", "crmbridge.cli.main", "schedule"]

    with subprocess.Popen(
        command, cwd=desk.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "schedule" in process.stdout.readline()  # the timetable stands: signals are heard
        process.send_signal(number)
        said = process.stderr.read()

    assert process.returncode == code
    assert "What was done is kept" in said
    assert "Traceback" not in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to read-only folders")
def test_a_read_only_out_folder_ends_with_74(desk: Any) -> None:
    out = Path(desk.folder / "out")
    out.mkdir(mode=0o500)

    assert desk("run", now=NOW).code == 74
