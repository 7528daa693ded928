"""What a changed calendar is worth when people mend it by hand."""

from itertools import combinations

from visits.checker import follow
from visits.greedy import insert_cheapest
from visits.problem import Fortnight, Routes


def plain_repair(problem: Fortnight, routes: Routes) -> Routes:
    """The plan without those that are gone; the new appointment takes the place of the fewest.

    Args:
        routes: the plan before, which may hold customers who are not in the problem any more and
            lack one of its appointments.
    """
    open_ = {slot[0] for slot in problem.windows}
    left = [[c for c in route if c in open_] for route in routes]
    return [
        _with_appointments(problem, day, [c for c in route if c not in problem.fixed])
        for day, route in enumerate(left)
    ]


def filled_repair(problem: Fortnight, routes: Routes) -> Routes:
    """The same, and whoever fits into the gaps goes in, the most valuable first."""
    return insert_cheapest(problem, plain_repair(problem, routes))


def _with_appointments(problem: Fortnight, day: int, route: list[int]) -> list[int]:
    """The day with its appointments and without the fewest, then the least, that are in the way."""
    standing = problem.standing(day)
    for count in range(len(route) + 1):
        found = [
            merged
            for out in combinations(route, count)
            if (merged := _merged(problem, day, [c for c in route if c not in out], standing))
        ]
        if found:
            return max(found, key=lambda merged: sum(problem.score[c] for c in merged))
    return standing


def _merged(problem: Fortnight, day: int, route: list[int], standing: list[int]) -> list[int]:
    """The route with each appointment at the first place where the day still works; or nothing."""
    if not standing:
        return route if follow(problem, day, route) else []
    for i in range(len(route) + 1):
        merged = _merged_after(problem, day, [*route[:i], standing[0]], route[i:], standing[1:])
        if merged:
            return merged
    return []


def _merged_after(
    problem: Fortnight, day: int, done: list[int], route: list[int], standing: list[int]
) -> list[int]:
    """The same behind a beginning that is settled."""
    if follow(problem, day, done) is None:
        return []
    if not standing:
        whole = [*done, *route]
        return whole if follow(problem, day, whole) else []
    for i in range(len(route) + 1):
        longer = [*done, *route[:i], standing[0]]
        merged = _merged_after(problem, day, longer, route[i:], standing[1:])
        if merged:
            return merged
    return []
