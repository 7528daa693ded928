"""How much value the planner finds in a rep's fortnight, against what people and greedy rules find.

    python benchmarks/fortnight.py --seed N --seconds S --customers C [--compare] [--json]

The generator is that of the project's reference measurements: customers around twelve towns in
about 110 by 90 km, four kinds of opening hours, a third with a closing day, ten days from eight
to five, fifteen appointments that stand. Every plan goes through one checker. --compare adds four
greedy rules: the nearest of the 120 most valuable, as done by hand; the most valuable next; the
best value per hour next; cheapest insertion by value.

Goal at 10 s: at least 10 % over the best greedy rule on every seed, 12 % in the mean.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crmbridge.planning.board import NO_LIMIT, Board
from crmbridge.planning.greedy import first_tours
from crmbridge.planning.search import Effort, search, search_for

HOUR = 3600
DAYS = (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)
MORNING, AFTERNOON = (8 * HOUR, 12 * HOUR), (13 * HOUR, 17 * HOUR)
HOURS = ((MORNING, AFTERNOON), ((9 * HOUR, 17 * HOUR),), (MORNING,), (AFTERNOON,))
START, END = 8 * HOUR, 17 * HOUR
HOME = 0

Ints = NDArray[np.int64]
Routes = list[list[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fortnight:
    """One rep's problem; place 0 is home, 1 and up are customers, times in seconds of the day.

    Args:
        windows: by (customer, day index): earliest and latest starts.
        fixed: by customer: (day index, start) of the appointment that stands.
    """

    travel: list[list[int]]
    service: list[int]
    score: list[int]
    windows: dict[tuple[int, int], list[tuple[int, int]]]
    fixed: dict[int, tuple[int, int]] = field(default_factory=dict)

    def customers(self) -> list[int]:
        """Customers without an appointment."""
        return [c for c in range(1, len(self.score)) if c not in self.fixed]

    def standing(self, day: int) -> list[int]:
        """Customers with an appointment on a day, in order of time."""
        found = [c for c, (d, _) in self.fixed.items() if d == day]
        return sorted(found, key=lambda c: self.fixed[c][1])


def generate(customers: int, seed: int) -> Fortnight:
    """The problem of a seed; the order of the random draws is part of the benchmark."""
    dice = np.random.default_rng(seed)
    travel = _travel(customers, dice)
    service = [0, *(dice.choice([30, 45, 60], customers, p=[0.4, 0.35, 0.25]) * 60).tolist()]
    score = np.clip(np.rint(dice.lognormal(3.2, 0.6, customers)), 5, 150).astype(int).tolist()
    kind = dice.choice(4, customers, p=[0.55, 0.25, 0.12, 0.08])
    closing = np.where(dice.random(customers) < 0.35, dice.integers(0, 5, customers), -1)
    windows = {
        (c, d): spans
        for c in range(1, customers + 1)
        for d, number in enumerate(DAYS)
        if number % 7 != closing[c - 1]
        and (spans := [(o, e - service[c]) for o, e in HOURS[kind[c - 1]] if e - service[c] >= o])
    }
    fixed = {}
    for i, c in enumerate(dice.permutation(np.arange(1, customers + 1))[:15].tolist()):
        start = int((9.5, 14.5)[i // len(DAYS) % 2] * HOUR)
        fixed[c] = (i % len(DAYS), start)
        windows = {slot: spans for slot, spans in windows.items() if slot[0] != c}
        windows[c, i % len(DAYS)] = [(start, start)]
    return Fortnight(
        travel=travel.tolist(), service=service, score=[0, *score], windows=windows, fixed=fixed
    )


def _travel(customers: int, dice: np.random.Generator) -> Ints:
    """Great circle at 50 km/h, and two minutes to park."""
    towns = np.c_[dice.uniform(47.6, 48.4, 12), dice.uniform(10.6, 12.1, 12)]
    share = dice.dirichlet(np.ones(12) * 1.5)
    town = dice.choice(12, customers, p=share)
    far = dice.random(customers) < 0.25
    places = towns[town] + dice.normal(0, [0.035, 0.05], (customers, 2))
    count = int(far.sum())
    places[far] = np.c_[dice.uniform(47.6, 48.4, count), dice.uniform(10.6, 12.1, count)]
    latitude, longitude = np.radians(np.r_[[[48.0, 11.35]], places]).T
    half = np.sin((latitude[:, None] - latitude) / 2) ** 2
    across = np.sin((longitude[:, None] - longitude) / 2) ** 2
    half = half + np.cos(latitude[:, None]) * np.cos(latitude) * across
    km = 6371 * 2 * np.arcsin(np.sqrt(half))
    parking = np.where(np.eye(customers + 1) > 0, 0, 120)
    return np.asarray(np.rint(km / 50 * HOUR).astype(np.int64) + parking)


def check(problem: Fortnight, routes: Routes) -> int:
    """The value of routes, worked out without anything the search uses.

    Raises:
        SystemExit: they break a rule.
    """
    visited = [stop for route in routes for stop in route]
    _need(len(routes) == len(DAYS), "one route a day")
    _need(len(set(visited)) == len(visited), "each customer once")
    for day, route in enumerate(routes):
        _need(_day_end(problem, day, route) is not None, f"day {day} in time")
        _need(set(problem.standing(day)) <= set(route), f"the appointments of day {day}")
    return sum(problem.score[stop] for stop in visited)


def _day_end(problem: Fortnight, day: int, route: list[int]) -> tuple[int, int] | None:
    """(end of the last visit, seconds of travel) of a route; None if it breaks a window."""
    at, place, travel = START, HOME, 0
    for stop in route:
        travel += problem.travel[place][stop]
        at += problem.travel[place][stop]
        starts = [max(at, o) for o, c in problem.windows.get((stop, day), []) if at <= c]
        if not starts:
            return None
        at, place = min(starts) + problem.service[stop], stop
    home = problem.travel[place][HOME]
    return (at, travel + home) if at + home <= END else None


def lay_board(problem: Fortnight) -> Board:
    """The arrays of the search: appointments cut the days into legs."""
    nodes, legs = problem.customers(), _legs(problem)
    places = [*nodes, *(leg[1] for leg in legs), *(leg[2] for leg in legs)]
    travel = np.array(problem.travel)[np.ix_(places, places)]
    opens = np.ones((len(nodes), len(DAYS), 2), np.int64)
    closes = np.zeros((len(nodes), len(DAYS), 2), np.int64)
    value = np.zeros((len(nodes), len(DAYS)))
    for i, c in enumerate(nodes):
        for d in range(len(DAYS)):
            for k, (start, end) in enumerate(problem.windows.get((c, d), [])):
                opens[i, d, k], closes[i, d, k] = start, end
                value[i, d] = problem.score[c]
    count, ends = len(nodes), len(nodes) + len(legs)
    return Board(
        travel=travel,
        service=np.array([problem.service[c] for c in nodes]),
        value=value,
        opens=opens,
        closes=closes,
        leg_from=np.arange(count, ends),
        leg_to=np.arange(ends, ends + len(legs)),
        leg_open=np.array([leg[3] for leg in legs]),
        leg_close=np.array([leg[4] for leg in legs]),
        leg_day=np.array([leg[0] for leg in legs]),
        leg_tour=np.array([leg[0] for leg in legs]),
        day_number=np.array(DAYS),
        day_visits=np.full(len(DAYS), NO_LIMIT),
        day_travel=np.full(len(DAYS), NO_LIMIT),
        group=np.arange(count),
        gap=np.zeros(count, np.int64),
    )


def _legs(problem: Fortnight) -> list[tuple[int, int, int, int, int]]:
    """(day, from, to, open, close) of each stretch between appointments."""
    legs = []
    for day in range(len(DAYS)):
        at, place = START, HOME
        for c in problem.standing(day):
            legs.append((day, place, c, at, problem.fixed[c][1]))
            at, place = problem.fixed[c][1] + problem.service[c], c
        legs.append((day, place, HOME, at, END))
    return legs


def ours(problem: Fortnight, options: argparse.Namespace) -> Routes:
    """The planner's own search; everything it needs is compiled already."""
    began = time.perf_counter()
    board = lay_board(problem)
    start = first_tours(board, ()).freeze()
    left = options.seconds - (time.perf_counter() - began)
    if options.iterations:
        effort = Effort(iterations=options.iterations, seconds=left, seed=1)
        tours = search(board, start, effort).tours
    else:
        tours = search_for(board, start, Effort(iterations=0, seconds=left, seed=1)).tours
    nodes, routes = problem.customers(), [problem.standing(day)[:0] for day in range(len(DAYS))]
    for (day, _, to, _, _), tour in zip(_legs(problem), tours, strict=True):
        routes[day] += [nodes[i] for i in tour] + ([to] if to != HOME else [])
    return routes


def nearest_of_the_best(problem: Fortnight) -> Routes:
    """Day by day the nearest of the 120 most valuable, as done by hand."""
    best = sorted(problem.customers(), key=lambda c: -problem.score[c])[:120]
    return _day_by_day(problem, best, lambda place, c, _: problem.travel[place][c])


def most_valuable_next(problem: Fortnight) -> Routes:
    """Day by day the most valuable that still fits."""
    return _day_by_day(problem, problem.customers(), lambda _, c, __: -problem.score[c])


def value_per_hour_next(problem: Fortnight) -> Routes:
    """Day by day the most value for the time it takes."""
    return _day_by_day(problem, problem.customers(), lambda _, c, took: -problem.score[c] / took)


def _day_by_day(
    problem: Fortnight, candidates: list[int], cost: Callable[[int, int, int], float]
) -> Routes:
    left, routes = set(candidates), []
    for day in range(len(DAYS)):
        route, pending = list[int](), problem.standing(day)
        while True:
            place = route[-1] if route else HOME
            now = (_day_end(problem, day, route) or (START, 0))[0]
            options = []
            for c in sorted(left):
                ahead = _day_end(problem, day, [*route, c])
                if ahead and _day_end(problem, day, [*route, c, *pending]):
                    options.append((cost(place, c, ahead[0] - now), c))
            if options:
                route.append(min(options)[1])
                left.discard(route[-1])
            elif pending:
                route.append(pending.pop(0))
            else:
                break
        routes.append(route)
    return routes


def cheapest_insertion(problem: Fortnight) -> Routes:
    """The most valuable first, each where it costs least travel."""
    routes = [problem.standing(day) for day in range(len(DAYS))]
    for c in sorted(problem.customers(), key=lambda c: -problem.score[c]):
        best: tuple[int, int, list[int]] | None = None
        for day, route in enumerate(routes):
            if (c, day) not in problem.windows:
                continue
            base = (_day_end(problem, day, route) or (0, 0))[1]
            for i in range(len(route) + 1):
                longer = [*route[:i], c, *route[i:]]
                end = _day_end(problem, day, longer)
                if end and (best is None or end[1] - base < best[0]):
                    best = (end[1] - base, day, longer)
        if best:
            routes[best[1]] = best[2]
    return routes


GREEDY = (nearest_of_the_best, most_valuable_next, value_per_hour_next, cheapest_insertion)


def measure(options: argparse.Namespace) -> dict[str, object]:
    """Solve, check and compare."""
    problem = generate(options.customers, options.seed)
    board = lay_board(problem)
    search(board, first_tours(board, ()).freeze(), Effort(iterations=2))
    began = time.perf_counter()
    routes = ours(problem, options)
    seconds = time.perf_counter() - began
    result: dict[str, object] = {
        "value": check(problem, routes),
        "visits": sum(map(len, routes)),
        "seconds": round(seconds, 3),
        "routes": routes,
    }
    if options.compare:
        greedy = {rule.__name__: check(problem, rule(problem)) for rule in GREEDY}
        result["greedy"] = greedy
        result["over_best_greedy"] = round(check(problem, routes) / max(greedy.values()) - 1, 4)
    return result


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S")
    parser.add_argument("--iterations", type=int, default=0, metavar="N")
    parser.add_argument("--customers", type=int, default=400, metavar="C")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options)
    if options.json:
        print(json.dumps(result))
        return
    for name, item in result.items():
        if name != "routes":
            print(f"{name}: {item}")


def _need(holds: bool, rule: str) -> None:
    if not holds:
        raise SystemExit(f"benchmarks/fortnight.py: expected {rule}")


if __name__ == "__main__":
    main()
