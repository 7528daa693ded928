"""Both CRMs' sandboxes as the places where people work, and a desk that is connected to one."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import pytest

from crmbridge.testing.demo_data import DemoData, Table, generate
from crmbridge_hubspot.sandbox import Account, Clock
from crmbridge_hubspot.sandbox import Mood as HubMood
from crmbridge_hubspot.sandbox import Sandbox as Hub
from crmbridge_hubspot.sandbox import demo as hub_demo
from crmbridge_salesforce.sandbox import Mood as ForceMood
from crmbridge_salesforce.sandbox.demo import load as load_org
from crmbridge_salesforce.sandbox.org import Org
from crmbridge_salesforce.sandbox.server import Sandbox as Force
from crmbridge_salesforce.sandbox.server import start as start_force

NOW = "2026-11-02T06:00:00Z"
"""A Monday, seven o'clock in Berlin."""
LATER = "2026-11-02T07:00:00Z"
CUSTOMERS_OF_A_REP = 6
SESSION = """\
method = "session"                   # client_credentials, jwt, refresh_token, session, password
session_id = { env = "SALESFORCE_SESSION" }"""
CLIENT = """\
method = "client_credentials"
client_id = "client"
client_secret = { env = "SALESFORCE_SECRET" }"""
OAUTH = (
    'client_id = "me", client_secret = { env = "HUBSPOT_SECRET" }, '
    'refresh_token = { env = "HUBSPOT_REFRESH" }'
)
"""Ways to sign in whose sessions end and are renewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A visit as the CRM shows it."""

    id: str
    key: str
    start_at: datetime
    customer: str
    contact: str = ""


class Crm(Protocol):
    """What people do in a CRM, in one vocabulary for both."""

    connection: str
    settings: str
    secrets: Mapping[str, str]

    def at(self, now: str) -> None:
        """Set the CRM's clock."""

    def visits(self) -> list[Shown]:
        """Live visits that bear a key, by start."""

    def move(self, visit: Shown, hours: int) -> None:
        """Somebody drags a visit to another time."""

    def delete(self, visit: Shown) -> None:
        """Somebody deletes a visit."""

    def score(self, customer: str) -> float | None:
        """The score on a customer's record."""

    def rate(self, customer: str, score: int) -> None:
        """Somebody types a score."""

    def customers(self) -> list[str]:
        """Ids of live customers."""

    def writes(self) -> int:
        """Requests so far that may have changed something."""

    def add_people(self, addresses: list[str]) -> list[str]:
        """Contacts of no company, one for each address; their ids."""

    def opt_out(self, contact: str) -> None:
        """Somebody wants no e-mail any more."""

    def members(self, title: str) -> dict[str, str]:
        """contact -> status, of the campaign or list of this name."""

    def respond(self, title: str) -> str:
        """A member of this campaign responds; who, "" where the CRM keeps no responses."""

    def tasks(self, subject: str) -> list[dict[str, str]]:
        """Tasks of this subject, each with the day on which it is due."""

    def live(self) -> "Life":
        """What else may happen there, for long stories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """An account in which anything may happen.

    Args:
        truth: the records as its people change them, by put, edit, delete, merge and held.
        company: name of the object of customers; `person` of contacts.
        city: field of a customer; `job` of a contact; `opt_out` of a contact, with its value.
        auth: a table of the settings whose session can be renewed.
        moods: what may go wrong with one request.
        late: sets how long changes stay unseen.
        sent: (id or key, object, fields) of every row of every write request so far.
    """

    truth: Any
    company: str
    person: str
    city: str
    job: str
    name: str
    opt_out: tuple[str, Any]
    ours: tuple[str, ...]
    auth: tuple[str, str]
    secrets: Mapping[str, str]
    misbehave: Callable[[int, int], None]
    heal: Callable[[], None]
    late: Callable[[int], None]
    sent: Callable[[], list[tuple[str, str, frozenset[str]]]]


@dataclass(slots=True)
class ForceCrm:
    """Salesforce."""

    running: Force
    connection: str = "sales"
    secrets: Mapping[str, str] = field(
        default_factory=lambda: {"SALESFORCE_SESSION": "sandbox-session"}
    )

    @property
    def org(self) -> Org:
        """The truth."""
        return self.running.org

    @property
    def settings(self) -> str:
        """The adapter's own example, quick."""
        text = files("crmbridge_salesforce").joinpath("demo.toml").read_text("utf-8")
        here = text.replace("http://127.0.0.1:8765", self.running.url).replace(".salesforce/", "")
        return _quick(here)

    def at(self, now: str) -> None:
        """Set the CRM's clock."""
        self.org.at = max(self.org.at, datetime.fromisoformat(now))

    def visits(self) -> list[Shown]:
        """Live visits that bear a key, by start."""
        found = [
            Shown(
                id=id_,
                key=held["crmbridge_key__c"],
                start_at=datetime.fromtimestamp(held["StartDateTime"] / 1000, UTC),
                customer=held["WhatId"] or "",
                contact=held["WhoId"] or "",
            )
            for id_, held in self.org.held("Event").items()
            if held["crmbridge_key__c"]
        ]
        return sorted(found, key=lambda one: (one.start_at, one.id))

    def move(self, visit: Shown, hours: int) -> None:
        """Somebody drags a visit to another time."""
        held, more = self.org.held("Event")[visit.id], hours * 3_600_000
        values = {name: held[name] + more for name in ("StartDateTime", "EndDateTime")}
        self.org.edit("Event", visit.id, values)

    def delete(self, visit: Shown) -> None:
        """Somebody deletes a visit."""
        self.org.delete("Event", visit.id)

    def score(self, customer: str) -> float | None:
        """The score on a customer's record."""
        value = self.org.held("Account")[customer]["crmbridge_score__c"]
        return None if value is None else float(value)

    def rate(self, customer: str, score: int) -> None:
        """Somebody types a score."""
        self.org.edit("Account", customer, {"crmbridge_score__c": score})

    def customers(self) -> list[str]:
        """Ids of live customers."""
        return sorted(self.org.held("Account"))

    def writes(self) -> int:
        """Requests so far that may have changed something."""
        sent = [line for line in self.running.log if not line.startswith("GET ")]
        return len([line for line in sent if "/oauth2/" not in line])

    def add_people(self, addresses: list[str]) -> list[str]:
        """Contacts of no company, one for each address; their ids."""
        return [self.org.put("Contact", {"LastName": one, "Email": one}) for one in addresses]

    def opt_out(self, contact: str) -> None:
        """Somebody wants no e-mail any more."""
        self.org.edit("Contact", contact, {"HasOptedOutOfEmail": True})

    def members(self, title: str) -> dict[str, str]:
        """contact -> status, of the campaign or list of this name."""
        mine = {i for i, held in self.org.held("Campaign").items() if held["Name"] == title}
        held = self.org.held("CampaignMember").values()
        return {one["ContactId"]: one["Status"] for one in held if one["CampaignId"] in mine}

    def respond(self, title: str) -> str:
        """A member of this campaign responds; who."""
        person = min(self.members(title))
        mine = [
            id_
            for id_, held in self.org.held("CampaignMember").items()
            if held["ContactId"] == person
            and self.org.held("Campaign")[held["CampaignId"]]["Name"] == title
        ]
        values = {"Status": "Responded", "HasResponded": True, "FirstRespondedDate": "2026-11-02"}
        self.org.edit("CampaignMember", mine[0], values)
        return person

    def tasks(self, subject: str) -> list[dict[str, str]]:
        """Tasks of this subject, each with the day on which it is due."""
        held = self.org.held("Task").values()
        return [{"due": one["ActivityDate"]} for one in held if one["Subject"] == subject]

    def live(self) -> Life:
        """What else may happen there."""
        moods = [ForceMood.BUSY, ForceMood.TOO_MANY, ForceMood.EXPIRED, ForceMood.HTML,
                 ForceMood.ERROR, ForceMood.TRUNCATED, ForceMood.LOST, ForceMood.HALF]  # fmt: skip
        return Life(
            truth=self.org,
            company="Account",
            person="Contact",
            city="BillingCity",
            job="Title",
            name="Name",
            opt_out=("HasOptedOutOfEmail", True),
            ours=("crmbridge_score__c", "crmbridge_segment__c", "crmbridge_reasons__c"),
            auth=(
                SESSION,
                CLIENT,
            ),
            secrets={"SALESFORCE_SECRET": "s3cret"},
            misbehave=lambda mood, after: self.running.moods.plan(
                moods[mood % len(moods)], after=after
            ),
            heal=self.running.moods.heal,
            late=lambda minutes: setattr(self.org, "late", timedelta(minutes=minutes)),
            sent=self._sent,
        )

    def _sent(self) -> list[tuple[str, str, frozenset[str]]]:
        found = []
        for one in self.running.received:
            if one.method not in {"PATCH", "POST"} or "/composite/sobjects" not in one.path:
                continue
            for record in one.json()["records"]:
                fields = frozenset(record) - {"attributes", "id"}
                key = record.get("crmbridge_key__c") or record.get("id") or ""
                found.append((key, record["attributes"]["type"], fields))
        return found


@dataclass(slots=True)
class HubCrm:
    """HubSpot."""

    running: Hub
    connection: str = "demo"
    secrets: Mapping[str, str] = field(default_factory=lambda: {"HUBSPOT_TOKEN": "pat-sandbox"})

    @property
    def account(self) -> Account:
        """The truth."""
        return self.running.account

    @property
    def settings(self) -> str:
        """The adapter's own example, quick."""
        return _quick(hub_demo.DEMO_TOML.format(url=self.running.url))

    def at(self, now: str) -> None:
        """Set the CRM's clock."""
        self.account.clock.at = max(self.account.clock.at, datetime.fromisoformat(now))

    def visits(self) -> list[Shown]:
        """Live visits that bear a key, by start."""
        found = [
            Shown(
                id=id_,
                key=str(held[hub_demo.KEY]),
                start_at=_instant(held["hs_meeting_start_time"]),
                customer=self._linked(id_, "companies"),
                contact=self._linked(id_, "contacts"),
            )
            for id_, held in self.account.held("meetings").items()
            if held.get(hub_demo.KEY)
        ]
        return sorted(found, key=lambda one: (one.start_at, one.id))

    def _linked(self, id_: str, to: str) -> str:
        return next(iter(self.account.links.get(("meetings", id_, to), {})), "")

    def move(self, visit: Shown, hours: int) -> None:
        """Somebody drags a visit to another time."""
        held = self.account.held("meetings")[visit.id]
        names = ("hs_meeting_start_time", "hs_meeting_end_time")
        later = {n: _instant(held[n]) + timedelta(hours=hours) for n in names}
        values = {n: f"{at:%Y-%m-%dT%H:%M:%S}.000Z" for n, at in later.items()}
        self.account.edit("meetings", visit.id, values)

    def delete(self, visit: Shown) -> None:
        """Somebody deletes a visit."""
        self.account.delete("meetings", visit.id)

    def score(self, customer: str) -> float | None:
        """The score on a customer's record."""
        value = self.account.held("companies")[customer].get("visit_score")
        return None if value is None else float(value)

    def rate(self, customer: str, score: int) -> None:
        """Somebody types a score."""
        self.account.edit("companies", customer, {"visit_score": score})

    def customers(self) -> list[str]:
        """Ids of live customers."""
        return sorted(self.account.held("companies"))

    def writes(self) -> int:
        """Requests so far that may have changed something."""
        reads = re.compile(r"/(search|batch/read|token)$")
        sent = [one for one in self.running.log if one.method != "GET"]
        return len([one for one in sent if not reads.search(one.path)])

    def add_people(self, addresses: list[str]) -> list[str]:
        """Contacts of no company, one for each address; their ids."""
        return [self.account.put("contacts", {"lastname": one, "email": one}) for one in addresses]

    def opt_out(self, contact: str) -> None:
        """Somebody wants no e-mail any more."""
        self.account.edit("contacts", contact, {"hs_email_optout": "true"})

    def members(self, title: str) -> dict[str, str]:
        """contact -> status, of the campaign or list of this name."""
        lists = [one for one in self.account.lists.values() if one.name.startswith(title)]
        return {id_: "" for one in lists for id_ in one.members}

    def respond(self, title: str) -> str:
        """Lists keep no responses."""
        del title
        return ""

    def tasks(self, subject: str) -> list[dict[str, str]]:
        """Tasks of this subject, each with the day on which it is due."""
        held = self.account.held("tasks").values()
        mine = [one for one in held if one.get("hs_task_subject") == subject]
        return [{"due": str(one["hs_timestamp"])[:10]} for one in mine]

    def live(self) -> Life:
        """What else may happen there."""
        moods = [HubMood.BUSY, HubMood.SECONDLY, HubMood.EXPIRED, HubMood.HTML, HubMood.BROKEN,
                 HubMood.RESET, HubMood.LOST, HubMood.HALF, HubMood.LOCKED]  # fmt: skip
        return Life(
            truth=self.account,
            company="companies",
            person="contacts",
            city="city",
            job="jobtitle",
            name="name",
            opt_out=("hs_email_optout", "true"),
            ours=("visit_score", "segment_tag", "visit_reasons"),
            auth=(
                'access_token = { env = "HUBSPOT_TOKEN" }',
                OAUTH,
            ),
            secrets={"HUBSPOT_SECRET": "s3cret", "HUBSPOT_REFRESH": "refresh-sandbox"},
            misbehave=lambda mood, after: self.running.moods.plan(
                moods[mood % len(moods)], after=after
            ),
            heal=self.running.moods.heal,
            late=lambda minutes: setattr(self.account, "lag", timedelta(minutes=minutes)),
            sent=self._sent,
        )

    def _sent(self) -> list[tuple[str, str, frozenset[str]]]:
        found = []
        for one in self.running.log:
            way = re.fullmatch(r"/crm/v3/objects/(\w+)/batch/(upsert|update|create)", one.path)
            for row in one.json()["inputs"] if way else ():
                properties = row["properties"]
                key = properties.get(hub_demo.KEY) or row.get("id") or ""
                found.append((key, way[1], frozenset(properties)))
        return found


def _instant(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))


def _quick(settings: str) -> str:
    """The settings with a plan that is found soon, and guards that a handful of rows may pass."""
    quick = settings.replace("iterations_per_rep = 5000", "iterations_per_rep = 50")
    return quick.replace('first_fill = "allow"', 'limits = { share = 0.9 }\nfirst_fill = "allow"')


def few_people() -> DemoData:
    """The demo's company, cut down to six customers of each of its first two reps."""
    data = generate()
    reps = data.tables["reps"]
    kept = replace(reps, rows=reps.rows[:2])
    left = dict.fromkeys(kept.column("id"), CUSTOMERS_OF_A_REP)
    customers = data.tables["customers"]
    place, chosen = customers.header.index("owner_id"), []
    for row in customers.rows:
        if left.get(row[place], 0) and str(row[0]) < "C8":
            left[row[place]] -= 1
            chosen.append(row)
    ids = {row[0] for row in chosen}
    tables = {name: _of(table, ids) for name, table in data.tables.items()}
    tables |= {"reps": kept, "customers": replace(customers, rows=chosen)}
    return replace(data, tables=tables)


def _of(table: Table, ids: set[Any]) -> Table:
    if "customer_id" not in table.header:
        return table
    place = table.header.index("customer_id")
    return replace(table, rows=[row for row in table.rows if row[place] in ids])


@contextmanager
def salesforce(data: DemoData) -> Iterator[ForceCrm]:
    """A Salesforce with a company in it, whose clock stands but for what is done."""
    begin = datetime.fromisoformat(NOW)
    org = Org(at=begin - timedelta(days=2), tick=timedelta(milliseconds=100))
    load_org(org, data)
    org.at, org.tick = begin, timedelta(seconds=1)
    with start_force(Force(org=org)) as running:
        yield ForceCrm(running)


@contextmanager
def hubspot(data: DemoData) -> Iterator[HubCrm]:
    """A HubSpot with a company in it, whose clock stands but for what is done."""
    with Hub(Account(Clock())) as running, pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub_demo, "generate", lambda **_: data)
        hub_demo.load_demo(running.account)
        yield HubCrm(running)


CRMS: Mapping[str, Callable[[DemoData], Any]] = {"salesforce": salesforce, "hubspot": hubspot}


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A desk and the CRM that it is connected to."""

    desk: Any
    crm: Any
    name: str

    def __call__(self, *arguments: str, now: str = NOW) -> Any:
        """Give a command, at a time that is the CRM's, too."""
        self.crm.at(now)
        return self.desk(*arguments, now=now)

    def change(self, *, now: str = NOW) -> Any:
        """A run and the push of its changeset: what the push printed."""
        self("run", "--json", now=now)
        return self("push", "--json", now=now).json


@pytest.fixture(scope="session")
def few() -> DemoData:
    """The small company; nobody changes it."""
    return few_people()


@pytest.fixture(params=sorted(CRMS))
def lively(
    request: pytest.FixtureRequest, few: DemoData, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Any, Life, str]]:
    """Each CRM in which anything may happen, and settings that reach it."""
    with CRMS[request.param](few) as crm:
        life = crm.live()
        for name, value in life.secrets.items():
            monkeypatch.setenv(name, value)
        assert life.auth[0] in crm.settings
        # Guards are others' subject: here weeks go by, and all scores may move.
        settings = crm.settings.replace("share = 0.9", "share = 1.0")
        yield crm, life, settings.replace(*life.auth)


@pytest.fixture(params=sorted(CRMS))
def office(
    request: pytest.FixtureRequest,
    few: DemoData,
    tmp_path: Path,
    open_desk: Callable[[Path], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Office]:
    """The small company in each CRM, and a desk before anything was done with it."""
    with ExitStack() as stack:
        crm = stack.enter_context(CRMS[request.param](few))
        for name, value in crm.secrets.items():
            monkeypatch.setenv(name, value)
        (tmp_path / "crmbridge.toml").write_text(crm.settings, encoding="utf-8")
        yield Office(desk=open_desk(tmp_path), crm=crm, name=request.param)
