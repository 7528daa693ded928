"""What planning is worth on 2,992 real places: three months of sixty made-up reps.

    python benchmarks/stores.py [FILE] [--fortnights N] [--reps N] [--map FILE.png] [--json]

FILE is the list of store openings of plotly/datasets (MIT). Reps are shared out among the states by
their number of stores, each state at least one, and within a state by place. The oldest fifth of a
rep's Supercenters are class A, to be seen every 14 days, the other Supercenters B, every 28, the
rest C, every 56; when each was seen last is drawn by lot. From one fortnight to the next both ways
go on from their own visits: planned by crmbridge, and by hand, which means driving to the nearest
store that may be visited, as long as the day lasts. Both have the same days (eight to six, from and
to the rep's home), the same ways and the same rule how early a visit may be. docs/stores.md has the
figures.
"""

import argparse
import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from crmbridge.jobs.territory.spread import plan_everybody
from crmbridge.planning import Budget, Customer, Problem, Rep, Shift, Travel, check_plan
from crmbridge.planning.rules import Rules
from crmbridge.settings import EngineSettings
from crmbridge.travel.great_circle import great_circle_matrix
from crmbridge.travel.points import Point
from crmbridge.travel.speed import SpeedProfile

SHARED = Path(__file__).parents[2] / "shared/data/stores_geo/walmart_store_openings_1962_2006.csv"
FIRST = date(2026, 3, 2)
EVERY = {"A": 14, "B": 28, "C": 56}
VALUE = {"A": 100.0, "B": 50.0, "C": 25.0}
MINUTES, START, END = 60, 8 * 60, 18 * 60
EARLY = Rules().early_share

Seen = dict[str, date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Territory:
    """One rep's stores; place 0 is home.

    Args:
        class_: by store, parallel to `stores`.
        minutes: (places, places) of travel.
    """

    rep: str
    stores: tuple[str, ...]
    class_: tuple[str, ...]
    points: tuple[tuple[float, float], ...]
    home: tuple[float, float]
    seconds: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a rep did on a day: indices of stores from 1, in order."""

    rep: str
    on: date
    stops: tuple[int, ...]
    travel_seconds: int


def read(path: Path) -> tuple[list[dict[str, str]], int]:
    """The rows with a state and a place, and how many have none."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    good = [row for row in rows if len(row["STRSTATE"]) == 2 and _is_place(row)]
    return good, len(rows) - len(good)


def _is_place(row: Mapping[str, str]) -> bool:
    try:
        return 15 < float(row["LAT"]) < 75 and -180 < float(row["LON"]) < -50
    except ValueError:
        return False


def territories(rows: list[dict[str, str]], reps: int) -> list[Territory]:
    """Share the states out, each at least one rep."""
    by_state: dict[str, list[dict[str, str]]] = {}
    for row in sorted(rows, key=lambda row: int(row["storenum"])):
        by_state.setdefault(row["STRSTATE"], []).append(row)
    shares = dict.fromkeys(by_state, 1)
    while sum(shares.values()) < reps:
        busiest = max(shares, key=lambda state: (len(by_state[state]) / shares[state], state))
        shares[busiest] += 1
    found = []
    for state in sorted(by_state):
        found += _split(state, by_state[state], shares[state])
    return found


def _split(state: str, rows: list[dict[str, str]], parts: int) -> list[Territory]:
    at = np.array([(float(row["LAT"]), float(row["LON"])) for row in rows])
    labels = KMeans(parts, n_init=10, random_state=1).fit_predict(at)
    found = []
    for part in range(parts):
        own = [row for row, label in zip(rows, labels, strict=True) if label == part]
        found.append(_territory(f"{state}{part + 1}", own))
    return found


def _territory(rep: str, rows: list[dict[str, str]]) -> Territory:
    points = tuple((float(row["LAT"]), float(row["LON"])) for row in rows)
    home = tuple(np.median(np.array(points), axis=0).round(4).tolist())
    names = tuple(f"{rep}/{row['storenum']}" for row in rows)
    places = dict(zip((f"{rep}/home", *names), (home, *points), strict=True))
    known = {name: Point(latitude=at[0], longitude=at[1]) for name, at in places.items()}
    ways = great_circle_matrix(known, SpeedProfile())
    order = [ways.places.index(name) for name in places]
    old = sorted((row["OPENDATE"][-2:], row["storenum"]) for row in rows if _is_super(row))
    best = {number for _, number in old[: -(-len(old) // 5)]}
    return Territory(
        rep=rep,
        stores=names,
        class_=tuple(
            "A" if row["storenum"] in best else "B" if _is_super(row) else "C" for row in rows
        ),
        points=points,
        home=home,
        seconds=ways.seconds[order][:, order].astype(np.int64),
    )


def _is_super(row: Mapping[str, str]) -> bool:
    return row["type_store"] == "Supercenter"


def seen_by_lot(found: Iterable[Territory]) -> Seen:
    """When each store was seen last: up to 1.3 intervals ago."""
    dice = np.random.default_rng(1)
    return {
        store: FIRST - timedelta(days=1 + int(dice.random() * 1.3 * EVERY[class_]))
        for one in found
        for store, class_ in zip(one.stores, one.class_, strict=True)
    }


def planned(found: list[Territory], seen: Seen, first: date, iterations: int) -> list[Day]:
    """A fortnight as crmbridge plans it."""
    problem = _problem(found, seen, first)
    done = plan_everybody(problem, Budget(iterations=iterations), EngineSettings(workers=2))
    plan = done.plan
    if done.failed or check_plan(problem, plan):
        raise SystemExit(f"benchmarks/stores.py: expected a feasible plan, got {done.failed}")
    days: dict[tuple[str, date], list[str]] = {}
    for visit in plan.visits:
        days.setdefault((visit.rep, visit.day), []).append(visit.customer)
    by_rep = {one.rep: one for one in found}
    return [
        _day(by_rep[rep], on, [by_rep[rep].stores.index(name) + 1 for name in names])
        for (rep, on), names in sorted(days.items())
    ]


def _problem(found: list[Territory], seen: Seen, first: date) -> Problem:
    return Problem(
        connection="stores",
        first=first,
        days=12,
        now=datetime.combine(first, datetime.min.time(), UTC),
        reps=tuple(_rep(one) for one in found),
        customers=tuple(
            Customer(
                key=store,
                owner=one.rep,
                class_=class_,
                value=VALUE[class_],
                minutes=MINUTES,
                every_days=EVERY[class_],
                last_visit_on=seen[store],
            )
            for one in found
            for store, class_ in zip(one.stores, one.class_, strict=True)
        ),
        travels=tuple(_travel(one) for one in found),
    )


def _rep(one: Territory) -> Rep:
    home = f"{one.rep}/home"
    shifts = tuple(
        Shift(weekday=day, start=START, end=END, start_place=home, end_place=home)
        for day in range(5)
    )
    return Rep(id=one.rep, zone="UTC", shifts=shifts)


def _travel(one: Territory) -> Travel:
    names = (f"{one.rep}/home", *one.stores)
    order = sorted(range(len(names)), key=names.__getitem__)
    seconds = one.seconds[order][:, order].astype("<u4").tobytes()
    return Travel(
        rep=one.rep, places=tuple(names[i] for i in order), seconds=seconds, source="great circle"
    )


def by_hand(found: list[Territory], seen: Seen, first: date) -> list[Day]:
    """A fortnight of driving to the nearest store that may be visited."""
    seen, days = dict(seen), []
    for one in found:
        for number in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11):
            on = first + timedelta(days=number)
            stops = _nearest_first(one, seen, on)
            days.append(_day(one, on, stops))
            seen.update({one.stores[stop - 1]: on for stop in stops})
    return days


def _nearest_first(one: Territory, seen: Seen, on: date) -> list[int]:
    stops, place, at = list[int](), 0, START * 60
    while True:
        fits = [
            (int(one.seconds[place, stop]), stop)
            for stop, (store, class_) in enumerate(zip(one.stores, one.class_, strict=True), 1)
            if stop not in stops
            and (on - seen[store]).days >= EVERY[class_] * (1 - EARLY)
            and at + one.seconds[place, stop] + MINUTES * 60 + one.seconds[stop, 0] <= END * 60
        ]
        if not fits:
            return stops
        way, place = min(fits)
        at += way + MINUTES * 60
        stops.append(place)


def _day(one: Territory, on: date, stops: list[int]) -> Day:
    path = [0, *stops, 0]
    travel = int(one.seconds[path[:-1], path[1:]].sum())
    return Day(rep=one.rep, on=on, stops=tuple(stops), travel_seconds=travel)


def score(found: list[Territory], seen: Seen, days: list[Day], last: date) -> dict[str, Any]:
    """The figures of one way of working.

    `in_time` is the share of store-days on which a class's stores had been seen within their
    interval; `overdue_a` how many A stores are overdue on the last day.
    """
    by_rep = {one.rep: one for one in found}
    visits: dict[str, list[date]] = {store: [on] for store, on in seen.items()}
    for day in days:
        for stop in day.stops:
            visits[by_rep[day.rep].stores[stop - 1]].append(day.on)
    stores = [(s, c) for one in found for s, c in zip(one.stores, one.class_, strict=True)]
    best = [visits[s] for s, c in stores if c == "A"]
    travel = sum(day.travel_seconds for day in days) / 3600
    made = sum(len(day.stops) for day in days)
    kept = {
        class_: [_in_time(visits[s], class_, last) for s, c in stores if c == class_]
        for class_ in EVERY
    }
    return {
        "visits": made,
        "visits_a": sum(len(dates) - 1 for dates in best),
        "travel_hours": round(travel),
        "travel_share": round(travel / (travel + made * MINUTES / 60), 3),
        "overdue_a": sum((last - max(dates)).days > EVERY["A"] for dates in best),
        "in_time": {class_: round(float(np.mean(shares)), 3) for class_, shares in kept.items()},
    }


def _in_time(visits: list[date], class_: str, last: date) -> float:
    every, days = EVERY[class_], (last - FIRST).days + 1
    late = sum(
        max(0, (until - max(FIRST, at + timedelta(days=every + 1))).days)
        for at, until in zip(visits, [*visits[1:], last + timedelta(days=1)], strict=True)
    )
    return 1 - late / days


def draw(found: list[Territory], days: list[Day], path: Path) -> None:
    """One fortnight on a map: stores by class, and each day's way."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(11, 6.5), dpi=110)
    by_rep = {one.rep: one for one in found}
    for day in days:
        one = by_rep[day.rep]
        at = np.array([one.home, *(one.points[stop - 1] for stop in day.stops), one.home])
        colour = f"C{found.index(one) % 10}"
        axes.plot(at[:, 1], at[:, 0], color=colour, linewidth=0.6, alpha=0.8, zorder=1)
    for class_, size in (("C", 3), ("B", 6), ("A", 14)):
        at = np.array(
            [p for one in found for p, c in zip(one.points, one.class_, strict=True) if c == class_]
        )
        shade = {"A": "black", "B": "dimgrey", "C": "darkgrey"}[class_]
        axes.scatter(at[:, 1], at[:, 0], s=size, color=shade, linewidths=0, label=class_, zorder=2)
    homes = np.array([one.home for one in found])
    axes.scatter(
        homes[:, 1], homes[:, 0], marker="^", s=16, color="crimson", label="home", zorder=3
    )
    axes.set_aspect(1 / np.cos(np.radians(38)))
    axes.set_axis_off()
    axes.legend(loc="lower left", frameon=False)
    figure.savefig(path, bbox_inches="tight")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Live through the fortnights twice."""
    rows, left_out = read(options.file)
    found = territories(rows, options.reps)
    start = seen_by_lot(found)
    done: dict[str, list[Day]] = {"planned": [], "by_hand": []}
    for way, days in done.items():
        seen = dict(start)
        for number in range(options.fortnights):
            first = FIRST + timedelta(days=14 * number)
            new = (
                planned(found, seen, first, options.iterations)
                if way == "planned"
                else by_hand(found, seen, first)
            )
            days += new
            for day in new:
                one = next(one for one in found if one.rep == day.rep)
                seen.update({one.stores[stop - 1]: day.on for stop in day.stops})
    if options.map:
        second = FIRST + timedelta(days=14)
        draw(found, [day for day in done["planned"] if day.on < second], options.map)
    last = FIRST + timedelta(days=14 * options.fortnights - 3)
    return {
        "stores": len(rows),
        "left_out": left_out,
        "reps": len(found),
        "days": (last - FIRST).days + 1,
        **{way: score(found, start, days, last) for way, days in done.items()},
    }


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path, nargs="?", default=SHARED)
    parser.add_argument("--fortnights", type=int, default=6, metavar="N")
    parser.add_argument("--reps", type=int, default=60, metavar="N")
    parser.add_argument("--iterations", type=int, default=10_000, metavar="N")
    parser.add_argument("--map", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.file.exists():
        print(f"{options.file.name}: not here, nothing measured")
        return
    result = measure(options)
    print(json.dumps(result, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
