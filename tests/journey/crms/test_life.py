"""Whatever happens in an account, on its line and to our runs: in the end both sides agree.

People create, edit, delete and merge, opt out, move and delete our visits and overwrite our
scores; changes show late, requests are misanswered, sessions end, and runs are killed. Once all
rests, the store holds the truth, each key stands in the CRM once, and nothing was ever written that
no changeset names.
"""

import json
import os
import random
import signal
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from crmbridge import failpoint
from crmbridge.clock import FixedClock
from crmbridge.errors import CrmbridgeError
from crmbridge.extensions import load_extensions
from crmbridge.jobs.report import RunReport
from crmbridge.jobs.run import Task, run_task
from crmbridge.jobs.runs import run_of
from crmbridge.jobs.workspace import Workspace
from crmbridge.settings import load
from crmbridge.store import open_store
from crmbridge.store.schema import LIVE, RECORDS, changeset_items, leases

BEGIN = datetime.fromisoformat("2026-11-02T06:00:00Z")
POINTS = (
    "pull.page.converted",
    "pull.page.upserted",
    "pull.page.committed",
    "push.intent.committed",
    "push.batch.sent",
    "push.outcome.committed",
    "push.finished",
)


class KilledError(BaseException):
    """The process would be gone."""


def die(*_: object) -> None:
    raise KilledError


class Story:
    """One account, one configuration, and what a seed makes happen to them."""

    def __init__(self, lively: tuple[Any, Any, str], folder: Path, seed: int) -> None:
        self.crm, self.life, settings = lively
        self.folder, self.dice = folder, random.Random(seed)
        self.config = folder / "crmbridge.toml"
        self.config.write_text(settings, encoding="utf-8")
        self.now, self.names = BEGIN, 0
        self.rated: dict[str, int] = {}
        self.happenings = (
            self.somebody_comes, self.somebody_edits, self.somebody_goes, self.two_are_merged,
            self.somebody_opts_out, self.a_visit_is_moved, self.a_visit_is_deleted,
            self.a_score_is_typed, self.time_goes_by, self.changes_show_late,
            self.something_fails, self.something_fails, self.a_run, self.a_run, self.a_run_dies,
        )  # fmt: skip

    def go(self, rounds: int) -> None:
        """Everything once in each round, in an order of the seed's."""
        self.run()
        for _ in range(rounds):
            for happening in self.dice.sample(self.happenings, len(self.happenings)):
                happening()

    def pick(self, object_: str) -> str:
        return self.dice.choice(sorted(self.life.truth.held(object_)))

    def somebody_comes(self) -> None:
        self.names += 1
        owner = self.life.truth.held(self.life.company)[self.pick(self.life.company)]
        copied = {k: v for k, v in owner.items() if k in ("OwnerId", "hubspot_owner_id")}
        self.life.truth.put(self.life.company, {self.life.name: f"New {self.names}", **copied})

    def somebody_edits(self) -> None:
        city = self.dice.choice(["Rome", "Oslo", None])
        self.life.truth.edit(
            self.life.company, self.pick(self.life.company), {self.life.city: city}
        )
        self.life.truth.edit(
            self.life.person, self.pick(self.life.person), {self.life.job: "Chief"}
        )

    def somebody_goes(self) -> None:
        object_ = self.dice.choice([self.life.company, self.life.person])
        if len(self.life.truth.held(object_)) > 6:
            self.life.truth.delete(object_, self.pick(object_))

    def two_are_merged(self) -> None:
        loser, winner = self.pick(self.life.company), self.pick(self.life.company)
        if loser != winner and len(self.life.truth.held(self.life.company)) > 6:
            self.life.truth.merge(self.life.company, loser, winner)

    def somebody_opts_out(self) -> None:
        name, value = self.life.opt_out
        self.life.truth.edit(self.life.person, self.pick(self.life.person), {name: value})

    def a_visit_is_moved(self) -> None:
        for visit in self.crm.visits()[:1]:
            self.crm.move(visit, hours=1)

    def a_visit_is_deleted(self) -> None:
        for visit in self.crm.visits()[-1:]:
            self.crm.delete(visit)

    def a_score_is_typed(self) -> None:
        """Over one of ours: what stood there before we ever wrote is ours to replace."""
        customer = self.pick(self.life.company)
        if self.crm.score(customer) is not None:
            self.rated[customer] = self.dice.randint(0, 100)
            self.crm.rate(customer, self.rated[customer])

    def time_goes_by(self) -> None:
        self.now += timedelta(minutes=self.dice.choice([1, 30, 90, 1440]))

    def changes_show_late(self) -> None:
        self.life.late(self.dice.choice([0, 1, 5]))

    def something_fails(self) -> None:
        self.life.misbehave(self.dice.randint(0, 100), self.dice.randint(0, 30))

    def a_run(self) -> None:
        with suppress(CrmbridgeError):
            self.run()

    def a_run_dies(self) -> None:
        point, number = self.dice.choice(POINTS), self.dice.randint(1, 4)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(failpoint, "_armed", point)
            patch.setattr(failpoint, "_left", [number])
            patch.setattr(failpoint, "os", SimpleNamespace(kill=die, getpid=os.getpid))
            with suppress(CrmbridgeError, KilledError):
                self.run()

    def run(self) -> RunReport:
        """The whole way, pushed at once."""
        self.now += timedelta(minutes=1)
        self.crm.at(self.now.isoformat())
        settings = load(self.config, os.environ)
        store = open_store(settings.store_url().get_secret_value())
        with store.write() as tx:  # the lease of a run that was killed would hold us up
            tx.execute(leases.delete())
        clock = FixedClock(self.now)
        space = Workspace(settings=settings, store=store, extensions=load_extensions(), clock=clock)
        try:
            with run_of(space, "run") as report:
                run_task(space, Task(is_automatic=True), report)
        finally:
            self.now = max(self.now, clock.at)
            store.close()
        return report

    def come_to_rest(self) -> RunReport:
        """All is well again, late changes show, sweeps are due: the last of three runs."""
        self.life.heal()
        self.life.late(0)
        self.now += timedelta(days=8)
        for _ in range(3):
            report = self.run()
        return report

    def rows(self, query: Any) -> list[Any]:
        store = open_store(load(self.config, os.environ).store_url().get_secret_value())
        with store.read() as tx:
            rows = list(tx.execute(query).mappings())
        store.close()
        return rows

    def held(self, stream: str, *columns: str) -> dict[str, Any]:
        table = RECORDS[stream].c
        query = select(table.id, *(table[name] for name in columns)).where(
            table.record_state == LIVE
        )
        return {row["id"]: tuple(row[name] for name in columns) for row in self.rows(query)}


def assert_the_store_holds_the_truth(story: Story) -> None:
    life = story.life
    companies, people = life.truth.held(life.company), life.truth.held(life.person)
    visits = {one.id: (one.key,) for one in story.crm.visits()}
    held = {id_: row for id_, row in story.held("activities", "visit_key").items() if row[0]}

    assert story.held("customers", "city") == {
        id_: (one.get(life.city),) for id_, one in companies.items()
    }
    assert story.held("contacts", "role") == {
        id_: (one.get(life.job),) for id_, one in people.items()
    }
    assert held == visits


def assert_each_key_stands_once(story: Story) -> None:
    keys = Counter(one.key for one in story.crm.visits())

    assert [key for key, count in keys.items() if count > 1] == []


def assert_nothing_was_written_beside_a_changeset(story: Story) -> None:
    named: dict[str, set[str]] = {}
    for row in story.rows(select(changeset_items)):
        fields = {change["field"] for change in json.loads(row["changes"])}
        for name in {row["key"], row["record_id"], row["remote_id"]} - {""}:
            named.setdefault(name, set()).update(fields)
    beside = [
        (id_, object_, sorted(fields))
        for id_, object_, fields in story.life.sent()
        if id_ not in named or (object_ == story.life.company and not fields <= named[id_])
    ]

    assert beside == []
    for customer, score in story.rated.items():
        if customer in story.life.truth.held(story.life.company):
            assert story.crm.score(customer) == score


def assert_all_is_well(story: Story) -> None:
    last = story.come_to_rest()

    assert not last.stops, last.stops
    assert last.changeset.get("create", 0) == last.changeset.get("update", 0) == 0, last.changeset
    assert_the_store_holds_the_truth(story)
    assert_each_key_stands_once(story)
    assert_nothing_was_written_beside_a_changeset(story)


@pytest.mark.parametrize("seed", [1])
def test_after_any_life_both_sides_agree(lively: Any, tmp_path: Path, seed: int) -> None:
    story = Story(lively, tmp_path, seed)

    story.go(rounds=1)

    assert_all_is_well(story)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 125))
def test_after_any_long_life_both_sides_agree(lively: Any, tmp_path: Path, seed: int) -> None:
    story = Story(lively, tmp_path, seed)

    story.go(rounds=5)

    assert_all_is_well(story)


def run_in_a_child(story: Story, point: str, number: int) -> int:
    """A run in a process of its own that is killed at a point; the signal that ended it, or 0."""
    child = os.fork()
    if not child:
        failpoint._armed, failpoint._left[:] = point, [number]
        with suppress(BaseException):
            story.run()
        os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


@pytest.mark.nightly
@pytest.mark.parametrize("point", POINTS)
def test_runs_that_are_killed_outright_lose_and_double_nothing(
    lively: Any, tmp_path: Path, point: str
) -> None:
    story = Story(lively, tmp_path, seed=7)

    ends = []
    for number in (1, 1, 2, 3):
        ends.append(run_in_a_child(story, point, number))
        story.somebody_edits()
        story.a_score_is_typed()

    assert signal.SIGKILL in ends
    assert_all_is_well(story)
