"""Four rules of thumb."""

from collections.abc import Callable

from visits.checker import follow
from visits.problem import DAYS, HOME, START, Fortnight, Routes


def nearest_of_the_best(problem: Fortnight) -> Routes:
    """Day by day the nearest of the 120 most valuable, as done by hand."""
    best = sorted(problem.customers(), key=lambda c: -problem.score[c])[:120]
    return _day_by_day(problem, best, lambda place, c, _: int(problem.travel[place, c]))


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
            now = (follow(problem, day, route) or (START, 0))[0]
            options = []
            for c in sorted(left):
                ahead = follow(problem, day, [*route, c])
                if ahead and follow(problem, day, [*route, c, *pending]):
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
    return insert_cheapest(problem, [problem.standing(day) for day in range(len(DAYS))])


def insert_cheapest(problem: Fortnight, routes: Routes) -> Routes:
    """The most valuable that are not in the routes first, each where it costs least travel."""
    routes = [*routes]
    inside = {c for route in routes for c in route}
    for c in sorted(problem.customers(), key=lambda c: -problem.score[c]):
        if c in inside:
            continue
        best: tuple[int, int, list[int]] | None = None
        for day in problem.open_days(c):
            base = (follow(problem, day, routes[day]) or (0, 0))[1]
            for i in range(len(routes[day]) + 1):
                longer = [*routes[day][:i], c, *routes[day][i:]]
                end = follow(problem, day, longer)
                if end and (best is None or end[1] - base < best[0]):
                    best = (end[1] - base, day, longer)
        if best:
            routes[best[1]] = best[2]
    return routes


GREEDY = (nearest_of_the_best, most_valuable_next, value_per_hour_next, cheapest_insertion)
