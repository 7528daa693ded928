"""What planning is worth in the demo: six fortnights of twelve reps, planned and by hand.

    python benchmarks/by_hand.py [--fortnights N] [--iterations N] [--reps N] [--json]

The demo's company is made up, pulled and analysed. From one fortnight to the next both ways go on
from their own visits: planned by crmbridge, and by hand, which means that a rep goes to the nearest
customer who may be visited, the one whose visit can begin soonest, as long as the day lasts. Both
have the same appointments, opening hours, lunch breaks, ways and the same rule how early a visit
may be; both are held against the independent checker. docs/stores.md has the figures.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from crmbridge.clock import StandingClock
from crmbridge.extensions import load_extensions
from crmbridge.jobs.run import Task, run_task
from crmbridge.jobs.runs import run_of
from crmbridge.jobs.territory.gathering import gather
from crmbridge.jobs.territory.problems import territories
from crmbridge.jobs.territory.spread import plan_everybody
from crmbridge.jobs.territory.travels import measure
from crmbridge.jobs.workspace import Workspace
from crmbridge.planning import (
    Budget,
    Customer,
    LeftOut,
    Plan,
    Problem,
    Rep,
    Visit,
    WhyNot,
    check_plan,
    digest,
    split_by_rep,
    visit_id,
)
from crmbridge.planning.distances import distances_of
from crmbridge.planning.policy import due_on, early_days, gap_of
from crmbridge.planning.windows import start_spans
from crmbridge.planning.workdays import Leg, Workday, workdays
from crmbridge.settings import EngineSettings, load
from crmbridge.store import open_store
from crmbridge.testing.demo_data import DEFAULT_END, DEMO_TOML, generate, write_csv

FORTNIGHT = 14
MOST_FORTNIGHTS = 6
"""What the longest horizon holds: appointments are read for all of it at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A visit made: who, when, and the seconds on the road to it."""

    customer: Customer
    rep: str
    start: int
    day: date


Way = Callable[[Problem], tuple[Visit, ...]]


def demo_problem(folder: Path, days: int) -> Problem:
    """The planning problem of the demo's company over so many days, with its ways."""
    write_csv(generate(), folder / "data")
    config = folder / "crmbridge.toml"
    long = DEMO_TOML.replace("horizon_days = 14", f"horizon_days = {days}")
    config.write_text(long, encoding="utf-8")
    settings = load(config, os.environ)
    now = datetime.combine(DEFAULT_END, time(6), UTC)
    with closing(open_store(settings.store_url().get_secret_value())) as store:
        space = Workspace(
            settings=settings,
            store=store,
            extensions=load_extensions(settings.plugins.allow),
            clock=StandingClock(now),
        )
        with run_of(space, "benchmark") as report:
            run_task(space, Task(steps=("pull", "analyze")), report)
        known = gather(space, now.date()).known
        [territory] = territories(known, settings, now.date(), now)
        speed = settings.planning.speed
        travels, _ = measure(territory.problem, territory.coordinates, speed)
        return territory.with_travel(travels)


def planned(problem: Problem, iterations: int) -> tuple[Visit, ...]:
    """A fortnight as crmbridge plans it."""
    done = plan_everybody(problem, Budget(iterations=iterations, seconds=0), EngineSettings())
    if done.failed or check_plan(problem, done.plan):
        raise SystemExit(f"benchmarks/by_hand.py: expected a feasible plan, got {done.failed}")
    return done.plan.visits


def by_hand(problem: Problem) -> tuple[Visit, ...]:
    """A fortnight of going to the nearest customer who may be visited."""
    parts = [part for part in split_by_rep(problem) if part.reps]
    visits = [
        visit
        for part in parts
        for visit in _visits(part.reps[0], _fortnight_of(part, part.reps[0]), part)
    ]
    found = tuple(sorted(visits, key=lambda one: (one.rep, one.start_at)))
    broken = check_plan(problem, _as_plan(problem, found))
    if broken:
        raise SystemExit(f"benchmarks/by_hand.py: expected feasible days, got {broken[0]}")
    return found


def _fortnight_of(problem: Problem, rep: Rep) -> list[Stop]:
    own = [one for one in problem.customers if one.owner == rep.id and _may(one)]
    stands = {a.customer: a.start_at.date() for a in problem.appointments if a.customer}
    stops = list[Stop]()
    for day in workdays(problem, rep, ()):
        for leg in day.legs:
            stops += _nearest_first(problem, rep, day, leg, own, stops, stands)
    return stops


def _may(customer: Customer) -> bool:
    return not customer.barred and customer.reply is None and bool(customer.value)


def _nearest_first(
    problem: Problem,
    rep: Rep,
    day: Workday,
    leg: Leg,
    own: Sequence[Customer],
    before: Sequence[Stop],
    stands: dict[str, date],
) -> list[Stop]:
    """One stretch of a day: the visit that can begin soonest, then the next from there."""
    distances, grid = distances_of(problem, rep.id), problem.rules.grid_minutes * 60
    allowance = problem.rules.unknown_travel_minutes * 60

    def way(start: str, end: str) -> int:
        seconds = distances.seconds(start, end)
        return -(-(allowance if seconds is None else seconds) // grid) * grid

    place, at, end = leg.start_place, day.to_working(leg.span[0]), day.to_working(leg.span[1])
    seen = {stop.customer.key for stop in before}
    due = [c for c in own if c.key not in seen and _is_due(problem, c, day.day, stands)]
    stops = list[Stop]()
    while True:
        options = []
        for number, customer in enumerate(due):
            length = -(-customer.minutes * 60 // grid) * grid
            start = _soonest(customer, day, rep, grid, at + way(place, customer.place_id))
            if start is None:
                continue
            if start + length + way(customer.place_id, leg.end_place) <= end:
                options.append((start, way(place, customer.place_id), number, start + length))
        if not options:
            return stops
        start, _, number, at = min(options)
        customer = due.pop(number)
        place = customer.place_id
        stops.append(Stop(customer=customer, rep=rep.id, start=day.to_real(start), day=day.day))


def _soonest(customer: Customer, day: Workday, rep: Rep, grid: int, at: int) -> int | None:
    """The first start from an instant on, on the day's working clock."""
    spans = start_spans(customer, day, rep.zone, grid)
    return next((max(first, at) for first, last in spans if last >= at), None)


def _is_due(problem: Problem, customer: Customer, day: date, stands: dict[str, date]) -> bool:
    """Whether a visit on the day is neither too early nor too near to another."""
    due = due_on(problem, customer)
    near = [one for one in (customer.last_visit_on, stands.get(customer.key)) if one is not None]
    if any(abs((day - one).days) < gap_of(customer) for one in near):
        return False
    if customer.key in stands:
        return False
    return due is None or day >= due - timedelta(days=early_days(problem, customer))


def _visits(rep: Rep, stops: Iterable[Stop], problem: Problem) -> Iterable[Visit]:
    for stop in stops:
        start = datetime.fromtimestamp(stop.start, UTC)
        number = stop.customer.last_number + 1
        yield Visit(
            id=visit_id(problem.connection, stop.customer.key, number),
            customer=stop.customer.key,
            number=number,
            rep=rep.id,
            day=stop.day,
            start_at=start,
            end_at=start + timedelta(minutes=stop.customer.minutes),
            zone=rep.zone,
            wall_start=start.astimezone(ZoneInfo(rep.zone)).replace(tzinfo=None),
        )


def _as_plan(problem: Problem, visits: tuple[Visit, ...]) -> Plan:
    """The visits as a plan that the checker takes; who is left out was not reached."""
    seen = {visit.customer for visit in visits}
    left_out = tuple(
        LeftOut(customer=c.key, rep=c.owner, code=WhyNot.LOWER_VALUE, text="Not reached")
        for c in problem.customers
        if c.key not in seen
    )
    return Plan(
        id="by hand",
        problem=digest(problem),
        first=problem.first,
        days=problem.days,
        budget=Budget(iterations=0),
        visits=visits,
        left_out=left_out,
    )


def live(problem: Problem, fortnights: int, way: Way) -> tuple[list[Visit], int]:
    """Fortnight after fortnight from the visits made, and the seconds on the road."""
    made, road = list[Visit](), 0
    for number in range(fortnights):
        first = problem.first + timedelta(days=FORTNIGHT * number)
        now = max(problem.now, datetime.combine(first, time(), UTC))
        part = replace(problem, first=first, days=FORTNIGHT, now=now, previous=())
        new = way(_after(part, made))
        made += new
        road += sum(_road(part, rep, new) for rep in part.reps)
    return made, road


def _after(problem: Problem, made: Iterable[Visit]) -> Problem:
    """The problem as it stands once these visits and the appointments before it are past."""
    last: dict[str, tuple[date, int]] = {}
    for visit in made:
        last[visit.customer] = max(
            last.get(visit.customer, (date.min, 0)), (visit.day, visit.number)
        )
    for one in problem.appointments:
        if one.customer and one.start_at.date() < problem.first:
            day, number = last.get(one.customer, (date.min, 0))
            last[one.customer] = (max(day, one.start_at.date()), number)
    return replace(problem, customers=tuple(_seen(one, last) for one in problem.customers))


def _seen(customer: Customer, last: dict[str, tuple[date, int]]) -> Customer:
    if customer.key not in last:
        return customer
    day, number = last[customer.key]
    return replace(
        customer,
        last_visit_on=max(day, customer.last_visit_on or date.min),
        last_number=max(number, customer.last_number),
    )


def _road(problem: Problem, rep: Rep, visits: Iterable[Visit]) -> int:
    """Seconds on the road, to appointments and home too; a way nobody knows is the allowance."""
    distances, places = (
        distances_of(problem, rep.id),
        {c.key: c.place_id for c in problem.customers},
    )
    allowance, total = problem.rules.unknown_travel_minutes * 60, 0
    calendar: dict[date, list[tuple[datetime, str]]] = {}
    for visit in visits:
        if visit.rep == rep.id:
            calendar.setdefault(visit.day, []).append((visit.start_at, places[visit.customer]))
    for one in problem.appointments:
        day = one.start_at.astimezone(ZoneInfo(rep.zone)).date()
        if one.rep == rep.id and one.place and problem.first <= day <= problem.last:
            calendar.setdefault(day, []).append((one.start_at, one.place))
    home = rep.shifts[0].start_place
    for stops in calendar.values():
        path = [home, *(place for _, place in sorted(stops)), home]
        for start, end in pairwise(path):
            seconds = distances.seconds(start, end)
            total += allowance if seconds is None else seconds
    return total


def score(problem: Problem, made: Sequence[Visit], road: int, last: date) -> dict[str, Any]:
    """The figures of one way of working.

    `in_time` is the share of customer-days on which customers of a class had been seen within
    their own interval; `overdue_a` how many A customers are overdue on the last day.
    """
    of = {customer.key: customer for customer in problem.customers}
    reps = {rep.id for rep in problem.reps}
    seen: dict[str, list[date]] = {
        c.key: [c.last_visit_on or date.min]
        for c in problem.customers
        if _may(c) and c.owner in reps and c.every_days
    }
    for one in problem.appointments:
        if one.customer in seen and one.start_at.date() <= last:
            seen[one.customer].append(one.start_at.date())
    for visit in made:
        seen[visit.customer].append(visit.day)
    work = sum(of[visit.customer].minutes for visit in made) * 60
    days = (last - problem.first).days + 1
    best = [key for key in seen if of[key].class_ == "A"]
    in_time = {
        class_: [
            1 - _late_days(sorted(dates), of[key].every_days or 0, problem.first, last) / days
            for key, dates in seen.items()
            if of[key].class_ == class_
        ]
        for class_ in sorted({of[key].class_ for key in seen})
    }
    return {
        "visits": len(made),
        "visits_a": sum(of[visit.customer].class_ == "A" for visit in made),
        "travel_hours": round(road / 3600),
        "travel_share": round(road / (road + work), 3),
        "minutes_a_visit": round(road / 60 / max(1, len(made)), 1),
        "overdue_a": sum((last - max(seen[key])).days > (of[key].every_days or 0) for key in best),
        "customers_a": len(best),
        "in_time": {class_: round(float(np.mean(some)), 3) for class_, some in in_time.items()},
    }


def _late_days(visits: list[date], every: int, first: date, last: date) -> int:
    """Days from the first to the last on which the last visit lay more than an interval back."""
    late = 0
    for at, until in zip(visits, [*visits[1:], last + timedelta(days=1)], strict=True):
        due = first if at == date.min else max(first, at + timedelta(days=every + 1))
        late += max(0, (until - due).days)
    return late


def measure_both(problem: Problem, fortnights: int, iterations: int) -> dict[str, Any]:
    """Live through the fortnights twice."""
    last = problem.first + timedelta(days=FORTNIGHT * fortnights - 3)
    ways: dict[str, Way] = {"planned": lambda one: planned(one, iterations), "by_hand": by_hand}
    return {
        "customers": len(problem.customers),
        "reps": len(problem.reps),
        "days": (last - problem.first).days + 1,
        **{
            name: score(problem, *live(problem, fortnights, way), last)
            for name, way in ways.items()
        },
    }


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--fortnights", type=int, default=MOST_FORTNIGHTS, choices=range(1, MOST_FORTNIGHTS + 1)
    )
    parser.add_argument("--iterations", type=int, default=5000, metavar="N")
    parser.add_argument("--reps", type=int, default=12, metavar="N")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        problem = demo_problem(Path(folder), FORTNIGHT * MOST_FORTNIGHTS)
    problem = replace(problem, reps=problem.reps[: options.reps])
    result = measure_both(problem, options.fortnights, options.iterations)
    print(json.dumps(result, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
