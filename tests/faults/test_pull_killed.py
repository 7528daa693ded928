"""Kills a pull at each of its failpoints and pulls again: nothing is lost, nothing doubled."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from crmbridge.failpoint import POINTS
from crmbridge.store import open_store
from crmbridge.store.schema import LIVE, RECORDS

DRIVER = Path(__file__).with_name("pull_driver.py")
ROWS, PAGE = 23, 5
PULL_POINTS = [point for point in POINTS if point.startswith("pull.page.")]


def run(folder: Path, reading: str, failpoint: str = "") -> tuple[int, int]:
    """Pull a made-up CRM in a process of its own; its exit code, and pages read by now."""
    environment = {**os.environ, "CRMBRIDGE_FAILPOINT": failpoint}
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(folder), reading, str(ROWS), str(PAGE)],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, -9), done.stderr
    log = folder / "calls"
    return done.returncode, log.read_text().splitlines().count("read")


def held(folder: Path) -> dict[str, str]:
    store = open_store(f"sqlite:///{folder}/store.db")
    table = RECORDS["customers"]
    with store.read() as tx:
        assert tx.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        rows = tx.execute(table.select().where(table.c.record_state == LIVE))
        found = {row.id: row.name for row in rows}
    store.close()
    return found


CASES = [
    *((point, time, "window") for point in PULL_POINTS for time in (1, 3)),
    *((point, 3, reading) for point in PULL_POINTS for reading in ("token", "snapshot")),
]
PAGES = 5
"""23 rows in pages of 5."""
AT_MOST = {
    # each page once, one of them twice, and one more for what happened since
    "window": PAGES + 1 + 1,
    "token": PAGES + 1,
    # this CRM's snapshots cannot be resumed: up to three pages again
    "snapshot": PAGES + 3,
}


@pytest.mark.parametrize(("point", "time", "reading"), CASES)
def test_a_killed_pull_goes_on_where_it_stood(
    tmp_path: Path, point: str, time: int, reading: str
) -> None:
    killed, _ = run(tmp_path, reading, f"{point}:{time}")

    finished, pages = run(tmp_path, reading)

    assert (killed, finished) == (-9, 0)
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert len(truth) == ROWS
    assert held(tmp_path) == truth
    assert pages <= AT_MOST[reading]


def test_a_killed_sweep_is_done_again(tmp_path: Path) -> None:
    assert run(tmp_path, "sweep")[0] == 0
    (tmp_path / "delete").write_text("Account-1")

    killed, _ = run(tmp_path, "sweep", "pull.sweep.marked:1")
    still_there = held(tmp_path)
    finished, _ = run(tmp_path, "sweep")

    assert (killed, finished) == (-9, 0)
    assert "Account-1" in still_there
    assert "Account-1" not in held(tmp_path)
    assert len(held(tmp_path)) == ROWS - 1
