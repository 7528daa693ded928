"""Ten nights of a job, with everything that goes wrong in ten years: each ends in one event."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from crmbridge.clock import SystemClock
from crmbridge.store import open_store
from crmbridge.store.leases import acquire, release

LISTENER = """
import json
import sys
from pathlib import Path

from crmbridge.extensions import hookimpl

@hookimpl
def crmbridge_on_event(event):
    with Path({file!r}).open("a") as file:
        facts = dict(event.facts)
        file.write(json.dumps([event.code, event.exit_code, event.job, facts]) + "\\n")
"""
JOB = """
[jobs.nightly]
schedule = "30 2 * * *"
timezone = "Europe/Berlin"
push = "auto"

[plugins]
allow = ["example-ears"]
"""


class Night:
    """A job on a schedule, and a listener that writes down what it hears."""

    def __init__(self, desk: Any, events: Path) -> None:
        self.desk, self._events = desk, events

    def run(self, now: str) -> tuple[int, list[str]]:
        """``run --due`` at a time: its exit code and the codes of the events that were heard."""
        self._events.unlink(missing_ok=True)
        answer = self.desk("run", "--due", now=now)
        return answer.code, [event[0] for event in self.events()]

    def events(self) -> list[Any]:
        """Code, exit code, job and facts of what the last run told."""
        if not self._events.exists():
            return []
        return [json.loads(line) for line in self._events.read_text().splitlines()]

    @contextmanager
    def held(self) -> Iterator[None]:
        """While another process works on the connection."""
        store = open_store(f"sqlite:///{self.desk.folder / 'demo.db'}")
        fence = acquire(store, "demo", "elsewhere process 7", SystemClock().now(), 900)
        yield
        release(store, fence)
        store.close()


@pytest.fixture
def night(desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Night:
    shelf, events = tmp_path / "shelf", tmp_path / "events.jsonl"
    info = shelf / "example_ears-1.0.dist-info"
    info.mkdir(parents=True)
    (shelf / "example_ears.py").write_text(LISTENER.format(file=str(events)))
    (info / "METADATA").write_text("Name: example-ears\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[crmbridge]\nears = example_ears\n")
    monkeypatch.syspath_prepend(shelf)
    monkeypatch.delitem(sys.modules, "example_ears", raising=False)
    content = desk.config.read_text(encoding="utf-8").partition("[jobs.demo]")[0]
    desk.config.write_text(content + JOB, encoding="utf-8")
    return Night(desk, events)


def test_ten_nights_end_in_their_codes_and_one_event_each(night: Night) -> None:
    desk, fine = night.desk, (0, ["job.finished"])

    # Due at 02:30 in Berlin: 00:30 UTC in summer, 01:30 UTC from 25 October 2026 on.
    assert night.run("2026-10-18T12:00:00Z") == (0, [])  # met for the first time: not due
    assert night.run("2026-10-19T00:30:00Z") == fine
    assert night.run("2026-10-19T00:35:00Z") == (0, [])
    assert night.run("2026-10-20T00:30:00Z") == fine

    # The 21st was missed: one run, late, and it says so.
    assert night.run("2026-10-22T00:35:00Z") == (0, ["job.missed", "job.finished"])
    assert night.events()[0] == ["job.missed", 0, "nightly", {"missed": 1}]

    # Another run holds the connection: skipped, and due again.
    with night.held():
        assert night.run("2026-10-23T00:30:00Z") == (75, ["job.skipped"])
    assert night.run("2026-10-23T00:40:00Z") == fine

    # A mapping that moves most scores trips the guard.
    mapping = '[connections.demo.mapping.customers.customers]\nclass = { const = "A" }\n'
    mapping += 'visit_interval_days = { const = "1" }\n[consent.unknown]'
    desk.configure("[consent.unknown]", mapping)
    assert night.run("2026-10-24T00:30:00Z") == (3, ["guard.tripped"])
    desk.configure(mapping, "[consent.unknown]")

    # 02:30 comes twice on the 25th; the first is meant.
    assert night.run("2026-10-25T00:30:00Z") == fine
    assert night.run("2026-10-25T01:30:00Z") == (0, [])

    # From now on an hour later in UTC; the changes wait for review.
    desk.configure('push = "auto"', 'push = "review"')
    customers = desk.rows("data/customers.csv")
    hurried = [{**row, "visit_interval_days": "1"} for row in customers[:8]]
    desk.write_rows("data/customers.csv", hurried + customers[8:])
    assert night.run("2026-10-26T00:30:00Z") == (0, [])
    assert night.run("2026-10-26T01:30:00Z") == (4, ["review.waiting"])
    assert "waits" in desk("status", now="2026-10-26T07:00:00Z").out
    assert desk("push", now="2026-10-26T07:00:00Z").code == 0
    desk.configure('push = "review"', 'push = "auto"')

    assert night.run("2026-10-27T01:30:00Z") == fine
    assert night.run("2026-10-28T01:30:00Z") == fine


def test_a_skipped_night_wrote_nothing_and_is_listed_as_later(night: Night) -> None:
    night.run("2026-10-18T12:00:00Z")

    with night.held():
        night.run("2026-10-19T00:30:00Z")

    (listed,) = night.desk("runs", "--json").json["runs"]
    assert (listed["status"], listed["exit_code"]) == ("later", 75)
    assert not (night.desk.folder / "out").exists()


def test_a_job_that_skips_what_it_missed_waits_for_its_next_time(night: Night) -> None:
    night.desk.configure('push = "auto"', 'push = "auto"\nlate = "skip"')
    night.run("2026-10-18T12:00:00Z")

    assert night.run("2026-10-21T09:00:00Z") == (0, ["job.missed"])
    assert night.run("2026-10-21T09:05:00Z") == (0, [])
    assert night.run("2026-10-22T00:30:00Z") == (0, ["job.finished"])


def test_a_listener_that_raises_changes_nothing(night: Night, tmp_path: Path) -> None:
    ears = tmp_path / "shelf" / "example_ears.py"
    ears.write_text(ears.read_text() + "    raise RuntimeError('deaf')\n")
    night.run("2026-10-18T12:00:00Z")

    assert night.run("2026-10-19T00:30:00Z") == (0, ["job.finished"])


def test_the_timetable_says_when_a_job_is_due(night: Night) -> None:
    night.run("2026-10-18T12:00:00Z")

    (line,) = night.desk("schedule", "--once", "--json", now="2026-10-24T12:00:00Z").json["jobs"]

    assert line["schedule"] == "30 2 * * * Europe/Berlin"
    assert line["next"] == "2026-10-25T02:30+02:00"
    assert line["state"] == "late, 5 missed before"
