"""Nights away from home: where a rep may stay over, and whether that is worth its price.

A night joins two working days that follow each other: the first ends, and the second begins, at a
customer's place. So to the search it is nothing but two shifts with other ends. Candidates are the
heaviest clusters of customers far from home, on each pair of days; a short search tries each, the
best stays, and so on up to the rep's most. Whether the nights stay is then decided by the whole
search, with and without them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from crmbridge.planning.layout import Layout, Search, lay_out, search_layout, worth_of_visits
from crmbridge.planning.problem import Customer, DatedShift, Problem, Rep
from crmbridge.planning.visit import Budget, Night, Visit
from crmbridge.planning.workdays import shift_on
from crmbridge.records import Reason

FAR_SECONDS = 45 * 60
"""Way from home from which on a night there is thought of."""
NEAR_SECONDS = 30 * 60
"""Customers this near to each other make one cluster."""
CLUSTERS = 3
"""Heaviest clusters that are tried on each pair of days."""
TRIAL_SHARE = 0.025
"""Share of the budget that one trial takes."""


def away(rep: Rep, nights: Iterable[Night]) -> Rep:
    """The rep with shifts that end and begin where the nights are."""
    for night in nights:
        rep = _with_end(rep, night)
    return rep


def search_with_nights(
    problem: Problem, home: Layout, found: Search, budget: Budget
) -> tuple[Layout, Search, tuple[Night, ...]]:
    """The rep's days with the nights that are worth their price, and the search of them.

    Args:
        home: laid out with the nights that stand already, and no others.
        found: the search of it.
    """
    nights, cut = _promising(problem, home, _part_of(budget))
    if not nights:
        return home, replace(found, cut_by_cap=found.cut_by_cap or cut), ()
    layout = lay_out(problem, away(home.rep, nights), home.kept)
    other = search_layout(problem, layout, budget)
    cut = cut or found.cut_by_cap or other.cut_by_cap
    gain = worth_of_visits(layout, other) - worth_of_visits(home, found)
    if gain <= home.rep.night_price * len(nights) or not _all_used(layout, other, nights):
        return home, replace(found, cut_by_cap=cut), ()
    return layout, replace(other, cut_by_cap=cut), nights


def told_of_nights(
    problem: Problem, visits: Iterable[Visit], nights: Iterable[Night]
) -> list[Visit]:
    """The visits, those on either side of a night with the word of it first."""
    names = {one.key: one.name or one.key for one in problem.customers}
    words: dict[date, list[Reason]] = {}
    for night in nights:
        near = names.get(night.customer, night.customer)
        morning = night.day + timedelta(days=1)
        words.setdefault(night.day, []).append(_reason(f"The night is spent near {near}"))
        words.setdefault(morning, []).append(_reason(f"The day starts near {near}"))
    return [
        replace(visit, reasons=(*words.get(visit.day, ()), *visit.reasons)[:3]) for visit in visits
    ]


def _reason(text: str) -> Reason:
    return Reason(code="night", text=text)


def _promising(problem: Problem, home: Layout, budget: Budget) -> tuple[tuple[Night, ...], bool]:
    """Nights that pay for themselves in short searches, one after the other; and whether the
    seconds cut any of these short."""
    chosen: tuple[Night, ...] = ()
    found = search_layout(problem, home, budget)
    best, cut = worth_of_visits(home, found), found.cut_by_cap
    while len(chosen) < home.rep.nights:
        tried = []
        for night in _candidates(home, chosen):
            nights = (*chosen, night)
            layout = lay_out(problem, away(home.rep, nights), home.kept)
            other = search_layout(problem, layout, budget)
            cut = cut or other.cut_by_cap
            if _all_used(layout, other, nights):
                tried.append((worth_of_visits(layout, other), nights))
        worth, nights = max(tried, key=lambda item: item[0], default=(best, chosen))
        if worth - best <= home.rep.night_price:
            break
        best, chosen = worth, nights
    return chosen, cut


def _part_of(budget: Budget) -> Budget:
    return replace(
        budget,
        iterations=round(budget.iterations * TRIAL_SHARE),
        seconds=budget.seconds * TRIAL_SHARE,
    )


def _candidates(home: Layout, chosen: Sequence[Night]) -> Iterable[Night]:
    """Nights that are possible: each cluster on each pair of working days that is still free."""
    taken = {night.day for night in (*home.rep.away, *chosen)}
    days = {day.day for day in home.days}
    for first in sorted(days):
        if first in taken or first + timedelta(days=1) not in days:
            continue
        for customer, place in _clusters(home):
            yield Night(rep=home.rep.id, day=first, place=place, customer=customer)


def _clusters(home: Layout) -> list[tuple[str, str]]:
    """(customer, place) in the middle of those far from home that are worth most together."""
    left = {w.customer.place_id: w for w in reversed(home.wanted) if _is_far(home, w.customer)}
    found = list[tuple[str, str]]()
    while left and len(found) < CLUSTERS:
        around = {place: _around(home, place, left) for place in sorted(left)}
        worth = {
            place: sum(max(value for _, value in left[other].values) for other in others)
            for place, others in around.items()
        }
        middle = max(sorted(worth), key=worth.__getitem__)
        found.append((left[middle].customer.key, middle))
        for place in around[middle]:
            del left[place]
    return found


def _around(home: Layout, place: str, others: Iterable[str]) -> list[str]:
    return [other for other in others if _way(home, place, other) <= NEAR_SECONDS]


def _is_far(home: Layout, customer: Customer) -> bool:
    starts = {shift.start_place for shift in home.rep.shifts if shift.start_place}
    ways = [home.distances.seconds(start, customer.place_id) for start in sorted(starts)]
    return bool(ways) and all(way is not None and way >= FAR_SECONDS for way in ways)


def _way(home: Layout, start: str, end: str) -> float:
    way = home.distances.seconds(start, end)
    return float("inf") if way is None else way


def _all_used(layout: Layout, found: Search, nights: Sequence[Night]) -> bool:
    """Whether there is something to do on either side of each night."""
    legs = found.state.legs
    busy = {layout.days[legs[leg][4]].day for leg in found.state.placed.values()}
    busy |= {visit.day for visit in layout.kept.visits}
    return all({night.day, night.day + timedelta(days=1)} <= busy for night in nights)


def _with_end(rep: Rep, night: Night) -> Rep:
    """The rep whose shifts on either side of a night end and begin there."""
    morning = night.day + timedelta(days=1)
    evening, next_day = shift_on(rep, night.day), shift_on(rep, morning)
    dated = {one.day: one for one in rep.dated_shifts}
    if evening is not None:
        shift = replace(evening, end_place=night.place)
        dated[night.day] = DatedShift(day=night.day, shift=shift)
    if next_day is not None:
        shift = replace(next_day, start_place=night.place)
        dated[morning] = DatedShift(day=morning, shift=shift)
    return replace(rep, dated_shifts=tuple(dated.values()))
