"""Judges routes by the rules of the problem alone; it shares nothing with any solver."""

from dataclasses import dataclass

from visits.problem import DAYS, END, HOME, START, Fortnight, Routes


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a plan is worth.

    Args:
        value: total score of those visited, whether the plan is feasible or not.
        broken: the first rule it breaks; "" where it is feasible.
    """

    value: int
    fixed_kept: bool
    broken: str = ""


def judge(problem: Fortnight, routes: Routes) -> Verdict:
    """Follow each day from home to home."""
    visited = [stop for route in routes for stop in route]
    kept = all(c in routes[day] for c, (day, _) in problem.fixed.items() if day < len(routes))
    return Verdict(
        value=sum(problem.score[c] for c in set(visited)),
        fixed_kept=kept and bool(visited),
        broken=_broken(problem, routes, visited),
    )


def _broken(problem: Fortnight, routes: Routes, visited: list[int]) -> str:
    if len(routes) != len(DAYS):
        return "one route a day"
    if len(set(visited)) != len(visited):
        return "each customer once"
    for day, route in enumerate(routes):
        if follow(problem, day, route) is None:
            return f"day {day} in time"
        if not set(problem.standing(day)) <= set(route):
            return f"the appointments of day {day}"
    return ""


def follow(problem: Fortnight, day: int, route: list[int]) -> tuple[int, int] | None:
    """(end of the last visit, seconds of travel) of a route; None if it breaks a window."""
    at, place, travel = START, HOME, 0
    for stop in route:
        way = int(problem.travel[place, stop])
        at, travel = at + way, travel + way
        starts = [max(at, o) for o, c in problem.windows.get((stop, day), []) if at <= c]
        if not starts:
            return None
        at, place = min(starts) + problem.service[stop], stop
    home = int(problem.travel[place, HOME])
    return (at, travel + home) if at + home <= END else None
