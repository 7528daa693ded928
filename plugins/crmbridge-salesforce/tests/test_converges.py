"""Whatever happens in an account and on its line: once both rest, two pulls show the truth."""

import tempfile
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    rule,
    run_state_machine_as_test,
)
from pydantic import SecretStr
from sqlalchemy import select

from crmbridge.errors import CrmbridgeError
from crmbridge.pull import PullReport, Source, SourceObject, pull
from crmbridge.store import open_store
from crmbridge.store.schema import LIVE, RECORDS
from crmbridge.testing.context import make_context
from crmbridge_salesforce.adapter import ADAPTER
from crmbridge_salesforce.sandbox import Mood, start

OBJECTS = {"customers": "Account", "contacts": "Contact", "campaign_members": "CampaignMember"}
AUTH = {"client_id": "client", "client_secret": SecretStr("s3cret")}
MOODS = [
    Mood.BUSY, Mood.TOO_MANY, Mood.LIMIT, Mood.EXPIRED, Mood.HTML, Mood.EDGE, Mood.ERROR,
    Mood.TRUNCATED, Mood.CONCURRENT, Mood.GATEWAY, Mood.TOO_MANY_UNTIL, Mood.TOO_MANY_BARE,
]  # fmt: skip


class Life(RuleBasedStateMachine):
    """An account that people work in while it is pulled over a bad line."""

    bulk_from = 0
    accounts = Bundle("accounts")
    contacts = Bundle("contacts")
    members = Bundle("members")

    @initialize()
    def begin(self) -> None:
        self.stack = ExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.sandbox = self.stack.enter_context(start())
        self.org = self.sandbox.org
        self.org.page_size = 2
        self.store = open_store(f"sqlite:///{self.folder}/store.db")
        self.runs = 0
        self.campaign = self.org.put("Campaign", {"Name": "Spring"})
        first = self.org.put("Account", {"Name": "never deleted"})
        person = self.org.put("Contact", {"LastName": "never deleted", "AccountId": first})
        self.org.put("CampaignMember", {"CampaignId": self.campaign, "ContactId": person})

    @rule(target=accounts, name=st.text(alphabet="ab", min_size=1, max_size=3))
    def new_account(self, name: str) -> str:
        return self.org.put("Account", {"Name": name})

    @rule(target=contacts, account=accounts)
    def new_contact(self, account: str) -> str:
        return self.org.put("Contact", {"LastName": "Miller", "AccountId": account})

    @rule(account=accounts, city=st.sampled_from([None, "Rome", "Oslo"]))
    def edit(self, account: str, city: str | None) -> None:
        if account in self.org.held("Account"):
            self.org.edit("Account", account, {"BillingCity": city})

    @rule(contact=contacts)
    def opt_out(self, contact: str) -> None:
        self.org.edit("Contact", contact, {"HasOptedOutOfEmail": True})

    @rule(account=consumes(accounts))
    def delete(self, account: str) -> None:
        self.org.delete("Account", account)

    @rule()
    def the_bin_is_emptied(self) -> None:
        for id_, held in list(self.org.records.get("Account", {}).items()):
            if held.values.get("IsDeleted"):
                self.org.purge("Account", id_)

    @rule(loser=consumes(accounts), winner=accounts)
    def merge(self, loser: str, winner: str) -> None:
        if loser != winner:
            self.org.merge("Account", loser, winner)

    @rule(target=members, contact=contacts)
    def join(self, contact: str) -> str:
        return self.org.put("CampaignMember", {"CampaignId": self.campaign, "ContactId": contact})

    @rule(member=consumes(members))
    def leave(self, member: str) -> None:
        self.org.delete("CampaignMember", member)

    @rule(minutes=st.integers(1, 90))
    def wait(self, minutes: int) -> None:
        self.org.at += timedelta(minutes=minutes)

    @rule(minutes=st.integers(0, 8), seconds=st.integers(0, 1))
    def publish_late(self, minutes: int, seconds: int) -> None:
        self.org.late = timedelta(minutes=minutes)
        self.org.tick = timedelta(seconds=seconds)

    @rule(mood=st.sampled_from(MOODS), after=st.integers(0, 20), times=st.integers(1, 6))
    def misanswer(self, mood: Mood, after: int, times: int) -> None:
        self.sandbox.moods.plan(mood, after=after, times=times)

    @rule(account=accounts)
    def somebody_edits_between_pages(self, account: str) -> None:
        self.sandbox.moods.before("/query/01g", lambda: self.edit(account, "Bonn"))

    @rule()
    def cursors_expire(self) -> None:
        self.sandbox.moods.before("/query/01g", self.sandbox.queries.expire)

    @rule(full=st.booleans())
    def pull_once(self, full: bool) -> None:
        with suppress(CrmbridgeError):  # a line that is too bad ends a pull; the next goes on
            self.pull(full=full)

    def pull(self, *, full: bool = False) -> PullReport:
        self.runs += 1
        self.org.at += timedelta(seconds=30)
        context = make_context(self.folder, url=self.sandbox.url, auth=AUTH)
        chosen = ADAPTER.settings(bulk_from=self.bulk_from)
        with ADAPTER.open(chosen, context) as connection:
            return pull(
                self.store,
                Source(
                    connection="sales",
                    open=connection,
                    capabilities=ADAPTER.capabilities,
                    objects=tuple(
                        SourceObject(
                            stream=stream, object=name, fields=ADAPTER.mappings[stream][name]
                        )
                        for stream, name in OBJECTS.items()
                    ),
                    clock=context.clock,
                    run_id=self.runs,
                    zone="UTC",
                    full=full,
                ),
            )

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        self.sandbox.moods.heal()
        self.org.at += timedelta(days=8)  # late changes are out, sweeps are due
        self.pull()
        report = self.pull()
        assert not report.problems, report.problems
        assert self._held("customers", "city") == self._truth("Account", "BillingCity")
        assert self._held("contacts", "customer_id") == self._truth("Contact", "AccountId")
        assert self._held("campaign_members", "contact_id") == self._truth(
            "CampaignMember", "ContactId"
        )
        assert all(one.new + one.changed == 0 for one in report.counts.values())
        self.store.close()
        self.stack.close()

    def _held(self, stream: str, column: str) -> dict[str, Any]:
        table = RECORDS[stream]
        query = select(table.c.id, table.c[column]).where(table.c.record_state == LIVE)
        with self.store.read() as tx:
            return {row[0]: row[1] for row in tx.execute(query)}

    def _truth(self, object_: str, field: str) -> dict[str, Any]:
        return {id_: held[field] for id_, held in self.org.held(object_).items()}


class ByBulk(Life):
    """The same, with each window read by a job."""

    bulk_from = 1


@pytest.mark.parametrize("machine", [Life, ByBulk])
def test_two_pulls_after_any_life_show_the_truth(machine: type[Life]) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=6,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
