"""The checker's rules of whole days: most visits, most travel, lunch, and nights away."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from crmbridge.planning.checker_facts import (
    Facts,
    Interval,
    Stop,
    Violation,
    at_minute,
    broken,
    shift_interval,
    shift_on,
    stops_beside,
)
from crmbridge.planning.problem import Rep, Shift
from crmbridge.planning.visit import Fixedness, Night, Visit

LUNCH_STEP = 15
"""Minutes between two times that lunch may be at."""


def limits(facts: Facts) -> Iterable[Violation]:
    """No day holds more visits or travel than the rep makes, as far as the plan added to it."""
    for rep, day, visits in _days(facts):
        count = _count(facts, rep, day, visits) if rep.max_visits else 0
        if count > rep.max_visits:
            yield broken("limit", visits[0].customer, f"{count} visits on {day}")
        travel = _travel(facts, rep, day)
        if rep.max_travel_minutes and travel > timedelta(minutes=rep.max_travel_minutes):
            yield broken("limit", visits[0].customer, f"{travel} on the road on {day}")


def _count(facts: Facts, rep: Rep, day: date, visits: Sequence[Visit]) -> int:
    """Visits and appointments with a customer that day; those outside the shift count for none."""
    shift = facts.shift(rep, day)
    if shift is None:
        return 0
    start, end = shift_interval(rep, day, shift)
    spans = [(one.start_at, one.end_at) for one in visits]
    spans += [
        (item.start_at, item.end_at)
        for item in facts.problem.appointments
        if item.rep == rep.id and item.customer and item.place and item.start_at < item.end_at
    ]
    return sum(begins < end and start < ends for begins, ends in spans)


def lunches(facts: Facts) -> Iterable[Violation]:
    """There is time for lunch in its window, unless what stands in the calendar takes it all."""
    stands = [one for one in facts.plan.visits if one.fixedness is not Fixedness.SUGGESTED]
    standing = Facts(facts.problem, replace(facts.plan, visits=tuple(stands)))
    for rep, day, visits in _days(facts):
        shift = facts.shift(rep, day)
        if shift is None or not shift.lunch_minutes:
            continue
        possible = [
            one
            for one in _lunch_times(rep, day, shift)
            if not _is_taken(facts, rep, one) and _has_lunch(standing, rep, day, shift, one)
        ]
        if possible and not any(_has_lunch(facts, rep, day, shift, one) for one in possible):
            yield broken("lunch", visits[0].customer, f"no time for lunch on {day}")


def nights(facts: Facts) -> Iterable[Violation]:
    """Nights away are between two days of work, each with something to do, and not too many."""
    proposed = Counter(night.rep for night in facts.plan.nights)
    for rep in facts.problem.reps:
        proposed[rep.id] -= sum(night in rep.away for night in facts.plan.nights)
    for night in facts.plan.nights:
        if night.rep not in facts.reps or proposed[night.rep] > facts.reps[night.rep].nights:
            yield broken("night", night.customer, f"{night.rep} does not stay away on {night.day}")
        elif night not in facts.reps[night.rep].away:
            yield from _around(facts, facts.reps[night.rep], night)


def _around(facts: Facts, rep: Rep, night: Night) -> Iterable[Violation]:
    """A night that the plan proposes has work and visits on either side."""
    days = (night.day, night.day + timedelta(days=1))
    if any(shift_on(rep, day) is None for day in days):
        yield broken("night", night.customer, f"no work before or after {night.day}")
    if not {visit.day for visit in facts.visits if visit.rep == rep.id}.issuperset(days):
        yield broken("night", night.customer, f"nothing to do around the night of {night.day}")


def _days(facts: Facts) -> Iterable[tuple[Rep, date, Sequence[Visit]]]:
    """Days to which the plan added a visit, with all their visits, the plan's own first."""
    found: dict[tuple[str, date], list[Visit]] = {}
    for visit in sorted(facts.visits, key=lambda one: one.fixedness is not Fixedness.SUGGESTED):
        found.setdefault((visit.rep, visit.day), []).append(visit)
    for (rep, day), visits in found.items():
        if visits[0].fixedness is Fixedness.SUGGESTED:
            yield facts.reps[rep], day, visits


def _legs(facts: Facts, rep: Rep, day: date, shift: Shift) -> list[tuple[Stop, Stop]]:
    """What is left and what is reached next, from the day's start to its end.

    Of stops at once, the first to begin is reached and the last to end is left.
    """
    start, end = shift_interval(rep, day, shift)
    opening, closing = Stop(start, start, shift.start_place), Stop(end, end, shift.end_place)
    inside = (s for s in stops_beside(facts, rep, None) if s.start_at < end and start < s.end_at)
    groups = [(opening, opening)]
    for stop in sorted(inside):
        first, last = groups[-1]
        if stop.start_at < last.end_at:
            groups[-1] = first, max(last, stop, key=lambda one: one.end_at)
        else:
            groups.append((stop, stop))
    groups.append((closing, closing))
    return [(before[1], after[0]) for before, after in pairwise(groups)]


def _travel(facts: Facts, rep: Rep, day: date) -> timedelta:
    """Time on the road that is still to come; what ends after the shift is left after it, too."""
    shift = facts.shift(rep, day)
    if shift is None:
        return timedelta()
    legs, now = _legs(facts, rep, day, shift), facts.problem.now
    return sum(
        (
            facts.minimum(rep.id, a.place, b.place)
            for a, b in legs
            if b.start_at > now and a.end_at <= b.start_at
        ),
        timedelta(),
    )


def _lunch_times(rep: Rep, day: date, shift: Shift) -> Iterable[Interval]:
    zone, (start, end) = ZoneInfo(rep.zone), shift_interval(rep, day, shift)
    steps = shift.lunch_slack // LUNCH_STEP
    for step in range(-steps, steps + 1):
        begins = at_minute(day, shift.lunch + step * LUNCH_STEP, zone)
        ends = begins + timedelta(minutes=shift.lunch_minutes)
        if start <= begins and ends <= end:
            yield begins, ends


def _is_taken(facts: Facts, rep: Rep, lunch: Interval) -> bool:
    """Whether something that the plan cannot move stands at that time."""
    fixed = [
        (v.start_at, v.end_at)
        for v in facts.visits
        if v.rep == rep.id and v.fixedness is not Fixedness.SUGGESTED
    ]
    fixed += [(a.start_at, a.end_at) for a in facts.problem.appointments if a.rep == rep.id]
    return any(start < lunch[1] and lunch[0] < end for start, end in fixed)


def _has_lunch(facts: Facts, rep: Rep, day: date, shift: Shift, lunch: Interval) -> bool:
    """Whether lunch then leaves time for the way between the stops around it."""
    for before, after in _legs(facts, rep, day, shift):
        if before.end_at <= lunch[0] and lunch[1] <= after.start_at:
            free = after.start_at - before.end_at - (lunch[1] - lunch[0])
            return free >= facts.minimum(rep.id, before.place, after.place)
    return False
