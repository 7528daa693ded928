"""Answers hold: accepted visits stay, snoozed ones stay away until their day, declined ones return.

The histories go through what a run does between its calendars, `standing` and `lasting_replies`,
and the planner; `tests/journey/crms/test_histories.py` goes the whole way, through both sandboxes.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from crmbridge.jobs.territory.replies import lasting_replies, with_lasting, without_day
from crmbridge.jobs.territory.standing import standing
from crmbridge.planning import Budget, Problem, Reply, Visit, check_plan, plan_visits
from crmbridge.records import RecordKey, to_millis
from crmbridge.store.schema import DELETED, LIVE
from crmbridge.testing.planning import a_customer, a_rep, all_near, hours

GREEDY = Budget(iterations=0)
MONDAY = date(2026, 3, 2)
COOL_DOWN = 10
HISTORIES = 500
KEYS = [RecordKey("crm", "Account", f"C{number}") for number in range(4)]


@dataclass
class Story:
    """One rep's calendar, as people and plans change it day by day."""

    rng: random.Random
    today: date = MONDAY
    planned: tuple[Visit, ...] = ()
    former: dict[str, Visit] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    removed_by_us: set[str] = field(default_factory=set)
    accepted: dict[str, Visit] = field(default_factory=dict)
    away: dict[str, date] = field(default_factory=dict)
    declined: set[str] = field(default_factory=set)
    came_back: int = 0

    def plan(self) -> None:
        """What a night's run does: read the calendar, plan, write."""
        found = standing(
            self.planned,
            {i: row for i, row in self.rows.items() if i not in self.removed_by_us},
            [],
            self.today,
            COOL_DOWN,
            [v for v in self.former.values() if v.day >= self.today - timedelta(days=COOL_DOWN)],
        )
        lasting = lasting_replies(
            [row for row in self.rows.values() if row["reply"]],
            {(key.connection, key.id): key for key in KEYS},
            self.today,
            COOL_DOWN,
        )
        problem = self._problem(found.visits, with_lasting(found.replies, lasting))
        plan = plan_visits(problem, GREEDY)
        if self.rng.random() < 0.1:  # the checker costs more than such a small plan
            assert check_plan(problem, plan) == []
        self._check(plan.visits)
        self._write(plan.visits)

    def _problem(self, previous: tuple[Visit, ...], replies: Any) -> Problem:
        customers = [
            a_customer(str(key), 10.0 + number, every_days=7, min_gap_days=3,
                       opening=hours(8, 18, range(5)), last_visit_on=self._last(str(key)),
                       last_number=self._number(str(key)),
                       reply=replies.get(key, (None, None))[0],
                       reply_until=replies.get(key, (None, None))[1])
            for number, key in enumerate(KEYS)
        ]  # fmt: skip
        return Problem(
            connection="crm",
            first=self.today,
            days=10,
            now=datetime(self.today.year, self.today.month, self.today.day, 5, tzinfo=UTC),
            reps=(a_rep(),),
            customers=tuple(customers),
            travels=(all_near([str(key) for key in KEYS]),),
            previous=previous,
        )

    def _last(self, customer: str) -> date | None:
        done = [v.day for v in self._all() if v.customer == customer and v.day < self.today
                and self.rows[v.id]["status"] == "done"]  # fmt: skip
        return max(done, default=None)

    def _number(self, customer: str) -> int:
        return max((v.number for v in self._all() if v.customer == customer), default=0)

    def _all(self) -> list[Visit]:
        return [*self.former.values(), *self.planned]

    def _check(self, visits: tuple[Visit, ...]) -> None:
        new = {visit.id: visit for visit in visits}
        for id_, visit in self.accepted.items():
            if visit.day >= self.today:
                assert new[id_].start_at == visit.start_at, "an accepted visit moved"
        for visit in visits:
            until = self.away.get(visit.customer)
            if until is not None and visit.id not in self.accepted:
                assert visit.day >= until, f"{visit.customer} was visited before {until}"
                self.came_back += 1

    def _write(self, visits: tuple[Visit, ...]) -> None:
        kept = {visit.id for visit in visits}
        for visit in self.planned:
            if visit.id not in kept:
                self.former[visit.id] = visit
                if visit.day >= self.today and self.rows[visit.id]["record_state"] == LIVE:
                    self.rows[visit.id]["record_state"] = DELETED
                    self.removed_by_us.add(visit.id)
        for visit in visits:
            row = self.rows.setdefault(visit.id, self._row(visit))
            row |= {"start_at": to_millis(visit.start_at), "end_at": to_millis(visit.end_at)}
        self.planned = visits

    def _row(self, visit: Visit) -> dict[str, Any]:
        key = RecordKey.parse(visit.customer)
        return {"id": visit.id, "connection": key.connection, "customer_id": key.id,
                "record_state": LIVE, "status": "planned", "reply": None,
                "reply_until": None}  # fmt: skip

    def act(self) -> None:
        """Somebody answers one visit, or none."""
        open_ = [v for v in self.planned if v.day > self.today and self._is_free(v)]
        if not open_:
            return
        visit = self.rng.choice(open_)
        row = self.rows[visit.id]
        match self.rng.choice(["accept", "snooze", "decline", "delete", "nothing"]):
            case "accept":
                row["reply"] = "accepted"
                self.accepted[visit.id] = visit
            case "snooze":
                until = self.today + timedelta(days=self.rng.randrange(2, 25))
                row |= {"reply": "snoozed", "reply_until": until.isoformat()}
                self._leave(visit, until)
            case "decline":
                row["reply"] = "declined"
                self._leave(visit, visit.day + timedelta(days=COOL_DOWN))
            case "delete":
                row["record_state"] = DELETED
                self._leave(visit, visit.day + timedelta(days=COOL_DOWN))

    def _is_free(self, visit: Visit) -> bool:
        answered = self.rows[visit.id]["reply"] or self.rows[visit.id]["record_state"] == DELETED
        until = self.away.get(visit.customer, self.today)
        others = [v for v in self.accepted.values() if v.customer == visit.customer]
        return not answered and until <= self.today and not others

    def _leave(self, visit: Visit, until: date) -> None:
        self.away[visit.customer] = until
        self.declined.add(visit.customer)

    def pass_days(self, days: int) -> None:
        """Time goes by: what was planned took place."""
        self.today += timedelta(days=days)
        for visit in self.planned:
            row = self.rows[visit.id]
            if visit.day < self.today and row["record_state"] == LIVE and not row["reply"]:
                row["status"] = "done"
            if visit.day < self.today and row["reply"] == "accepted":
                row["status"] = "done"
        past = [v for v in self.planned if v.day < self.today]
        self.former.update((v.id, v) for v in past)
        self.planned = tuple(v for v in self.planned if v.day >= self.today)


def live(seed: int) -> Story:
    story = Story(rng=random.Random(seed))
    story.plan()
    for _ in range(4):
        story.act()
        story.act()
        story.pass_days(story.rng.randrange(0, 4))
        story.plan()
    return story


def test_over_500_histories_every_answer_holds() -> None:
    stories = [live(seed) for seed in range(HISTORIES)]

    # Each kind of answer was given often enough to mean something.
    assert sum(len(story.accepted) for story in stories) > 200
    assert sum(len(story.away) for story in stories) > 500
    assert sum(story.came_back for story in stories) > 200


@pytest.mark.parametrize("answer", ["snoozed", "declined", "deleted"])
def test_who_stays_away_comes_back_when_the_time_is_over(answer: str) -> None:
    story = Story(rng=random.Random(1))
    story.plan()
    visit = next(v for v in story.planned if v.day > story.today)
    row = story.rows[visit.id]
    if answer == "deleted":
        row["record_state"] = DELETED
    else:
        row["reply"] = answer
    until = story.today + timedelta(days=12)
    if answer == "snoozed":
        row["reply_until"] = until.isoformat()
    else:
        until = visit.day + timedelta(days=COOL_DOWN)
    story._leave(visit, until)

    seen_on = []
    while story.today < until + timedelta(days=3):
        story.plan()
        days = [v.day for v in story.planned if v.customer == visit.customer]
        seen_on.append(min(days, default=None))
        story.pass_days(1)

    assert seen_on[-1] is not None
    assert min(day for day in seen_on if day is not None) >= until


def test_an_answer_outlives_its_entry_in_the_calendar() -> None:
    row = {"id": "E1", "connection": "crm", "customer_id": "C1", "start_at": 0,
           "reply": "snoozed", "reply_until": "2026-04-01"}  # fmt: skip
    keys = {("crm", "C1"): KEYS[1]}

    assert lasting_replies([row], keys, date(2026, 3, 31), 30) == {
        KEYS[1]: (Reply.SNOOZED, date(2026, 4, 1))
    }
    assert lasting_replies([row], keys, date(2026, 4, 1), 30) == {}
    accepted = {**row, "id": "E2", "start_at": 1, "reply": "accepted", "reply_until": None}
    sooner = {**row, "id": "E3", "start_at": 2, "reply": "declined", "reply_until": "2026-03-31"}
    assert lasting_replies([accepted, sooner, row], keys, date(2026, 3, 30), 30) == {
        KEYS[1]: (Reply.SNOOZED, date(2026, 4, 1))
    }
    assert lasting_replies([{**row, "customer_id": "X"}], keys, date(2026, 3, 1), 30) == {}


def test_of_two_answers_the_longer_holds_and_one_without_end_longest() -> None:
    soon, late = (Reply.SNOOZED, date(2026, 4, 1)), (Reply.DECLINED, date(2026, 5, 1))
    never = (Reply.DECLINED, None)

    assert with_lasting({KEYS[0]: soon}, {KEYS[0]: late}) == {KEYS[0]: late}
    assert with_lasting({KEYS[0]: late}, {KEYS[0]: soon}) == {KEYS[0]: late}
    assert with_lasting({KEYS[1]: never}, {KEYS[1]: late}) == {KEYS[1]: never}
    assert with_lasting({}, {KEYS[0]: late}) == {KEYS[0]: late}


@pytest.mark.parametrize("reply", [Reply.DECLINED, Reply.SNOOZED])
def test_an_answer_without_a_day_keeps_away_for_the_cool_down(reply: Reply) -> None:
    start = to_millis(datetime(2026, 3, 2, 9, tzinfo=UTC))
    row = {"id": "E1", "connection": "crm", "customer_id": "C1", "start_at": start,
           "reply": reply.value, "reply_until": None}  # fmt: skip

    found = lasting_replies([row], {("crm", "C1"): KEYS[1]}, MONDAY, 30)

    assert found == {KEYS[1]: (reply, date(2026, 4, 1))}


def test_who_was_put_off_without_a_day_is_told() -> None:
    start = to_millis(datetime(2026, 3, 2, 9, tzinfo=UTC))
    row = {"id": "E1", "connection": "crm", "object": "Event", "start_at": start,
           "reply": "snoozed", "reply_until": None}  # fmt: skip
    dated, declined = {**row, "reply_until": "2026-04-01"}, {**row, "reply": "declined"}
    customer = {name: row[name] for name in row if name != "start_at"} | {"object": "Account"}

    [finding] = without_day([row, customer, dated, declined], MONDAY)

    assert (finding.code, finding.count) == ("reply.without_day", 2)
    assert finding.example == "crm/Event/E1: snoozed, no day"
    assert without_day([row], MONDAY + timedelta(days=1)) == ()
