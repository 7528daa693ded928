"""Whatever reps answer in Salesforce and HubSpot, for weeks, to visit after visit: it holds.

Each customer is one history, thrown by a dice of its own. What holds is read from the sandbox's own
records after each run and push, never from our store.
"""

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crmbridge.testing.demo_data import DemoData, Table, generate

DAYS = ("2026-11-02", "2026-11-03", "2026-11-05", "2026-11-10", "2026-11-13")
"""When there is a run; people answer after each but the last."""
REPS, CUSTOMERS = 8, 32
"""Customers of each rep: 256 histories in each CRM."""
COOL_DOWN = 5
BERLIN = ZoneInfo("Europe/Berlin")
WITHOUT_HISTORY = ("activities", "orders", "order_lines", "deals", "needs", "feedback",
                   "contacts", "consents", "campaigns", "campaign_members")  # fmt: skip
ANSWERS = ("accepted", "snoozed", "declined", "deleted", "moved", "nothing")
FIELDS = {
    "salesforce": ("Event", "crmbridge_reply__c", "crmbridge_reply_until__c"),
    "hubspot": ("meetings", "crmbridge_reply", "crmbridge_reply_until"),
}


@dataclass
class History:
    """What was answered to the visits of one customer, and what must hold since.

    Args:
        stands: key of a visit -> when it is, as accepted or as moved by hand.
        refused: keys of visits that nobody wants any more.
        away_until: day before which there is no visit, but those that stand.
    """

    dice: random.Random
    stands: dict[str, datetime] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    away_until: date = date.min
    given: list[str] = field(default_factory=list)


def people(data: DemoData) -> DemoData:
    """The demo's company, cut down to some customers of each of its largest territories."""
    customers = data.tables["customers"]
    owner, kept = customers.header.index("owner_id"), Counter[Any]()
    rows = []
    for row in customers.rows:
        if str(row[0]) < "C8" and kept[row[owner]] < CUSTOMERS:
            kept[row[owner]] += 1
            rows.append(row)
    full = {rep for rep, count in kept.items() if count == CUSTOMERS}
    chosen = sorted(full)[:REPS]
    reps = data.tables["reps"]
    tables = dict(data.tables)
    tables["reps"] = replace(reps, rows=[row for row in reps.rows if row[0] in chosen])
    tables["customers"] = replace(customers, rows=[row for row in rows if row[owner] in chosen])
    tables |= {name: _empty(tables[name]) for name in WITHOUT_HISTORY}
    return replace(data, tables=tables)


def _empty(table: Table) -> Table:
    return replace(table, rows=[])


class Town:
    """An office, the histories of its customers, and the dice that throw them."""

    def __init__(self, office: Any) -> None:
        self.office, self.crm = office, office.crm
        self.histories = {
            id_: History(dice=random.Random(f"{office.name} {place}"))
            for place, id_ in enumerate(office.crm.customers())
        }
        self.now, self.deleted = datetime.min.replace(tzinfo=UTC), 0

    def night(self, day: str) -> None:
        """Pull, plan and push; then everything that was answered holds."""
        now = f"{day}T05:00:00Z"
        self.now = datetime.fromisoformat(now)
        # So much at once is somebody's to confirm.
        pulled = self.office("pull", "--accept-shrink", str(self.deleted), "--json", now=now)
        assert pulled.code == 0, pulled.err or pulled.json["stops"]
        ran = self.office("run", "--json", now=now)
        assert ran.code in (0, 3, 4), ran.err or ran.json["stops"]
        self.deleted = 0
        self._push(now)
        self._check()

    def _check(self) -> None:
        """What was accepted or moved stands where it is; nobody comes before the day given."""
        starts = {visit.key: visit.start_at for visit in self.crm.visits()}
        for id_, history in self.histories.items():
            for key, start in history.stands.items():
                assert starts.get(key) == start, f"{id_}: {history.given}"
        for visit in self.ahead():
            history = self.histories[visit.customer]
            if visit.key not in history.stands:
                assert _day(visit) >= history.away_until, f"{visit.customer}: {history.given}"

    def _push(self, now: str) -> None:
        shown = self.office("diff", "--json", now=now).json
        gone = {item["id"] for item in shown["items"] if item["op"] == "delete"}
        pushed = self.office("push", shown["changeset"], "--accept", str(len(gone)), now=now)
        assert pushed.code == 0, pushed.err

    def ahead(self) -> list[Any]:
        """Visits that are still to come, by start."""
        return [visit for visit in self.crm.visits() if visit.start_at > self.now]

    def waited_long(self, day: str) -> set[str]:
        """Customers that were refused, have not been visited since, and may be again by a day."""
        visited = {
            visit.customer
            for visit in self.crm.visits()
            if visit.start_at <= self.now
            and visit.key not in self.histories[visit.customer].refused
        }
        may_be = date.fromisoformat(day)
        return {
            id_
            for id_, one in self.histories.items()
            if one.refused and one.away_until <= may_be and id_ not in visited
        }

    def answer(self) -> None:
        """Each customer's next visit gets an answer of its dice's, whatever was said before."""
        asked = set[str]()
        for visit in self.ahead():
            if visit.customer not in asked:
                asked.add(visit.customer)
                history = self.histories[visit.customer]
                word = history.dice.choice(ANSWERS)
                history.given.append(word)
                self._give(word, visit, history)

    def _give(self, word: str, visit: Any, history: History) -> None:
        object_, reply, until = FIELDS[self.office.name]
        edit = self.crm.live().truth.edit
        match word:
            case "accepted":
                edit(object_, visit.id, {reply: word, until: None})
                history.stands[visit.key] = visit.start_at
            case "snoozed":
                day = _day(visit) + timedelta(days=history.dice.randrange(1, 9))
                edit(object_, visit.id, {reply: word, until: day.isoformat()})
                self._stay_away(visit, history, day)
            case "declined":
                edit(object_, visit.id, {reply: word, until: None})
                self._stay_away(visit, history, _day(visit) + timedelta(days=COOL_DOWN))
            case "deleted":
                self.crm.delete(visit)
                self.deleted += 1
                self._stay_away(visit, history, _day(visit) + timedelta(days=COOL_DOWN))
            case "moved":
                hours = history.dice.choice([1, 2, 24, 25, 72])
                self.crm.move(visit, hours)
                history.stands[visit.key] = visit.start_at + timedelta(hours=hours)

    def _stay_away(self, visit: Any, history: History, until: date) -> None:
        history.stands.pop(visit.key, None)
        history.refused.add(visit.key)
        history.away_until = max(history.away_until, until)


def _day(visit: Any) -> date:
    day: date = visit.start_at.astimezone(BERLIN).date()
    return day


@pytest.fixture
def few() -> DemoData:
    """Enough people for hundreds of histories; instead of the few of other stories."""
    return people(generate())


@pytest.fixture
def town(office: Any) -> Town:
    """An office whose reps may answer in their CRM's own fields."""
    office.desk.configure("share = 0.9", "share = 1.0")
    office.desk.configure("[planning]\n", f"[planning]\ndecline_days = {COOL_DOWN}\n")
    office.desk.configure("iterations_per_rep = 50", "iterations_per_rep = 20")
    office.desk("doctor", "--fix", "--yes", "--json")
    return Town(office)


def test_whatever_is_answered_holds(town: Town) -> None:
    for day in DAYS[:-1]:
        town.night(day)
        town.answer()
    town.night(DAYS[-1])

    _no_answer_keeps_away_for_good(town)
    given = Counter(word for one in town.histories.values() for word in one.given)
    assert len(town.histories) >= 250
    assert min(given[word] for word in ANSWERS) >= 60


def _no_answer_keeps_away_for_good(town: Town) -> None:
    """Who may be visited again is, but for a few whom the reps' days have no time for."""
    waited = town.waited_long("2026-11-19")
    left_out = waited - {visit.customer for visit in town.ahead()}

    rows = town.office.desk.rows("out/not_planned.csv")
    codes = {row["customer_id"].rpartition("/")[2]: row["code"] for row in rows}
    assert len(waited) >= 50
    assert len(left_out) <= len(waited) / 10
    assert {codes[id_] for id_ in left_out} <= {"too_far", "lower_value", "blocked"}
