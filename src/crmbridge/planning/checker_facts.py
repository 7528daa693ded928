"""What the rules of the checker look up: problem and plan by key, day and place.

It shares nothing with what made the plan but the nouns.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from crmbridge.planning.problem import Appointment, Customer, Problem, Rep, Shift, Travel
from crmbridge.planning.visit import Fixedness, Plan, Visit

Interval = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Violation:
    """One rule that a plan breaks, and where."""

    rule: str
    customer: str
    text: str


class Stop(NamedTuple):
    """Something that the rep does at a place."""

    start_at: datetime
    end_at: datetime
    place: str


class _Table:
    """A travel matrix, looked up in place: as a dictionary it would take a hundred times more."""

    def __init__(self, travel: Travel) -> None:
        self._index = {place: i for i, place in enumerate(travel.places)}
        self._seconds = memoryview(travel.seconds).cast("i") if travel.places else ()

    def between(self, start: str, end: str) -> int:
        """Seconds from one place to another, negative when unknown."""
        i, j = self._index.get(start), self._index.get(end)
        return -1 if i is None or j is None else self._seconds[i * len(self._index) + j]


class Facts:
    """Problem and plan with the look-ups that the rules share."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem, self.plan = problem, plan
        self.reps = {rep.id: rep for rep in problem.reps}
        self.customers = {item.key: item for item in problem.customers}
        self.visits = [
            v for v in plan.visits if v.rep in self.reps and v.customer in self.customers
        ]
        self.nights = sorted({*plan.nights, *(n for rep in problem.reps for n in rep.away)})
        self.travel = {item.rep: _Table(item) for item in problem.travels}
        self.meetings: dict[tuple[str, str], list[Appointment]] = {}
        for item in problem.appointments:
            if item.customer:
                self.meetings.setdefault((item.rep, item.customer), []).append(item)

    def suggested(self) -> Iterable[tuple[Visit, Rep, Customer]]:
        """Visits that this plan put where they are."""
        for visit in self.visits:
            if visit.fixedness is Fixedness.SUGGESTED:
                yield visit, self.reps[visit.rep], self.customers[visit.customer]

    def shift(self, rep: Rep, day: date) -> Shift | None:
        """The rep's shift on a day, from and to where the nights around it are."""
        shift = shift_on(rep, day)
        for night in self.nights:
            if shift is None or night.rep != rep.id:
                continue
            if night.day == day:
                shift = replace(shift, end_place=night.place)
            if night.day + timedelta(days=1) == day:
                shift = replace(shift, start_place=night.place)
        return shift

    def minimum(self, rep: str, start: str, end: str) -> timedelta:
        """Least time to get from one place to another."""
        if start == end and start:
            return timedelta()
        seconds = self.travel[rep].between(start, end) if rep in self.travel else -1
        if seconds < 0:
            return timedelta(minutes=self.problem.rules.unknown_travel_minutes)
        return timedelta(seconds=seconds)


def stops_beside(facts: Facts, rep: Rep, visit: Visit | None) -> Iterable[Stop]:
    """Everything that the rep does at a place, beside a visit."""
    for other in facts.visits:
        if other.rep == rep.id and (visit is None or other.id != visit.id):
            place = facts.customers[other.customer].place_id
            yield Stop(other.start_at, other.end_at, place)
    for item in facts.problem.appointments:
        if item.rep == rep.id and item.place and item.start_at < item.end_at:
            yield Stop(item.start_at, item.end_at, item.place)


def shift_on(rep: Rep, day: date) -> Shift | None:
    """The rep's shift on a day as the calendar has it, None if there is none."""
    for item in rep.absences + rep.holidays:
        if item.first <= day <= item.last:
            return None
    dated = [item.shift for item in rep.dated_shifts if item.day == day]
    weekly = [item for item in rep.shifts if item.weekday == day.weekday()]
    return dated[0] if dated else (weekly[0] if weekly else None)


def shift_interval(rep: Rep, day: date, shift: Shift) -> Interval:
    """Both instants of a shift."""
    zone = ZoneInfo(rep.zone)
    last = day if shift.end > shift.start else day + timedelta(days=1)
    return at_minute(day, shift.start, zone), at_minute(last, shift.end, zone)


def at_minute(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """The instant at which the wall clock shows a minute of a day."""
    naive = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001
    return naive.replace(tzinfo=zone).astimezone(UTC)


def broken(rule: str, customer: str, text: str) -> Violation:
    """A rule that a customer's visit breaks."""
    return Violation(rule=rule, customer=customer, text=text)
