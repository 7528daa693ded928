"""Whatever happens in the account and on the way, what was read ends as what is there."""

import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from pydantic import SecretStr

from crmbridge.adapters import (
    Connection,
    Operation,
    Position,
    ReadRequest,
    Status,
    Window,
    WriteItem,
)
from crmbridge.errors import CrmbridgeError
from crmbridge.testing.context import make_context
from crmbridge_hubspot import client, read
from crmbridge_hubspot.adapter import ADAPTER
from crmbridge_hubspot.sandbox import Mood, Sandbox

FIELDS = ("id", "firstname", "jobtitle")
LAG = timedelta(minutes=ADAPTER.capabilities.lag_minutes)
OVERLAP = timedelta(minutes=ADAPTER.capabilities.overlap_minutes)
KEY = "crmbridge_visit_key"
PASSING = [Mood.BUSY, Mood.HTML, Mood.BROKEN, Mood.RESET, Mood.LOST, Mood.EXPIRED, Mood.LOCKED]
OAUTH = {
    "client_id": "me",
    "client_secret": SecretStr("s3cret"),
    "refresh_token": SecretStr("refresh-sandbox"),
}


class Account(RuleBasedStateMachine):
    """People work in the account, the network fails, and runs die at random pages."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(client, "PAGE", 3)
        self.patch.setattr(read, "GATHERED", 3)
        self.hub = Sandbox().__enter__()
        self.hub.account.define("meetings", KEY, hasUniqueValue=True)
        self.hub.account.lag = timedelta(seconds=20)
        for number in range(20):
            self.hub.account.put("contacts", {"firstname": f"N{number}"})
        self.folder = tempfile.TemporaryDirectory()
        self.held: dict[str, tuple[Any, ...]] = {}
        self.aliases: dict[str, str] = {}
        self.positions: dict[str, Position] = {}
        self.ends: dict[str, datetime] = {}
        self.windows: dict[str, Window] = {}
        self.visits: set[str] = set()

    def teardown(self) -> None:
        self.patch.undo()
        self.hub.__exit__()
        self.folder.cleanup()

    def connect(self) -> Connection:
        context = make_context(Path(self.folder.name), url=self.hub.url, auth=OAUTH)
        return ADAPTER.open(ADAPTER.settings(search_page=3), context)

    def live(self) -> list[str]:
        return sorted(self.hub.account.held("contacts"))

    def pick(self, number: int) -> str:
        live = self.live()
        return live[number % len(live)]

    @rule(name=st.sampled_from(["Ann", "Bob", "Zoë"]), count=st.integers(1, 8))
    def people_come(self, name: str, count: int) -> None:
        for number in range(count):
            self.hub.account.put("contacts", {"firstname": name, "jobtitle": f"Job {number}"})

    @rule(
        numbers=st.lists(st.integers(0, 99), min_size=1, max_size=9),
        title=st.sampled_from(["Buyer", "Chief", ""]),
    )
    def somebody_edits(self, numbers: list[int], title: str) -> None:
        for number in numbers:
            self.hub.account.edit("contacts", self.pick(number), {"jobtitle": title})

    @precondition(lambda self: len(self.live()) > 10)
    @rule(number=st.integers(0, 99))
    def somebody_archives(self, number: int) -> None:
        self.hub.account.delete("contacts", self.pick(number))

    @precondition(lambda self: len(self.live()) > 10)
    @rule(number=st.integers(0, 99))
    def somebody_merges(self, number: int) -> None:
        self.hub.account.merge("contacts", self.pick(number), self.pick(number + 1))

    @rule(number=st.integers(0, 99))
    def somebody_edits_while_we_read(self, number: int) -> None:
        id_ = self.pick(number)

        def edit() -> None:
            if id_ in self.hub.account.held("contacts"):
                self.hub.account.edit("contacts", id_, {"firstname": "Moved"})

        self.hub.moods.before("objects/contacts", edit)

    @rule(mood=st.sampled_from(PASSING), after=st.integers(0, 4))
    def something_fails(self, mood: Mood, after: int) -> None:
        self.hub.moods.plan(mood, after=after)

    @rule(on=st.booleans())
    def search_forgets_its_order(self, on: bool) -> None:
        self.hub.account.disorder = on

    @rule(minutes=st.sampled_from([1, 30, 90]))
    def time_goes_by(self, minutes: int) -> None:
        self.hub.account.clock.at += timedelta(minutes=minutes)

    @rule(number=st.integers(0, 5))
    def we_write_a_visit(self, number: int) -> None:
        values = {"subject": f"Visit {number}", "start_at": "2026-03-05T09:00:00Z"}
        item = WriteItem(item=f"i{number}", operation=Operation.CREATE, object="meetings",
                         key=f"key-{number}", values=values)  # fmt: skip
        try:
            outcome = self.connect().write([item])[0]
        except CrmbridgeError:
            return
        if outcome.status is Status.APPLIED:
            self.visits.add(item.key)
        keys = [one[KEY] for one in self.hub.account.held("meetings").values()]
        assert sorted(keys) == sorted(set(keys))
        assert self.visits <= set(keys)

    @rule(dies_after=st.integers(0, 3))
    def a_run_dies(self, dies_after: int) -> None:
        self.run(dies_after)

    @rule()
    def a_run_ends(self) -> None:
        self.run(None)

    @rule()
    def all_is_quiet(self) -> None:
        """No fault, an index that caught up, and one whole run: both sides agree."""
        self.hub.moods.heal()
        self.hub.account.clock.at += LAG + timedelta(minutes=1)
        self.run(None)

        truth = {
            id_: tuple(one.get(name) for name in FIELDS[1:])
            for id_, one in self.hub.account.held("contacts").items()
        }
        assert self.held == truth

    def run(self, dies_after: int | None) -> None:
        """Read as the host does: the proof up to an hour ago, then the news."""
        connection = self.connect()
        try:
            now = connection.server_time()
            self.read(connection, "trailing", now - LAG, timedelta(0), dies_after)
            self.read(connection, "quick", now + timedelta(milliseconds=1), OVERLAP, dies_after)
        except CrmbridgeError:
            return  # what was read is kept

    def read(
        self,
        connection: Connection,
        name: str,
        until: datetime,
        overlap: timedelta,
        dies_after: int | None,
    ) -> None:
        """What is left of the window under way, then one more up to `until`."""
        if name in self.windows:
            self.read_window(connection, name, dies_after)
        if name in self.windows:
            return
        end = self.ends.get(name)
        first = until - LAG if name == "quick" else None
        since = end - overlap if end else first
        if since is None or since < until:
            self.windows[name] = Window(since=since, until=until)
            self.read_window(connection, name, dies_after)

    def read_window(self, connection: Connection, name: str, dies_after: int | None) -> None:
        window = self.windows[name]
        request = ReadRequest(
            object="contacts", fields=FIELDS, window=window, position=self.positions.get(name, {})
        )
        for number, page in enumerate(connection.read(request)):
            if dies_after == number:
                return
            self.take(page)
            self.positions[name] = page.position
            if page.complete:
                self.ends[name] = window.until
                del self.windows[name]
                del self.positions[name]
                return

    def take(self, page: Any) -> None:
        for row in page.rows:
            self.held[row[0]] = tuple(row[1:])
        for loser, _ in page.merged:
            self.held.pop(loser, None)
        for id_ in page.deleted:
            self.held.pop(id_, None)


TestAccount = Account.TestCase
TestAccount.settings = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
