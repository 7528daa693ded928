"""Checks a plan against its problem, sharing nothing with what made it but the nouns.

It reads the calendar itself, minute by minute where that is simplest. What the rep pinned, and
what stood too near to be moved, is exempt from hours and shifts: it is not the plan's doing. That
consents are kept has no exemption; that nothing overlaps, none but what the rep pinned.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from crmbridge.planning.checker_days import limits, lunches, nights
from crmbridge.planning.checker_facts import (
    Facts,
    Interval,
    Stop,
    Violation,
    at_minute,
    broken,
    shift_interval,
    stops_beside,
)
from crmbridge.planning.checker_kept import Rule, churn, frozen, pinned
from crmbridge.planning.checker_returns import due, gaps, pressure
from crmbridge.planning.problem import Customer, Problem, Rep, Reply
from crmbridge.planning.visit import Fixedness, Plan, Visit

__all__ = ["Violation", "check_plan"]


def check_plan(problem: Problem, plan: Plan) -> list[Violation]:
    """Every violation in a plan; an empty list means that it can be carried out as it stands."""
    facts = Facts(problem, plan)
    found: list[Violation] = []
    for rule in _RULES:
        found += rule(facts)
    return sorted(set(found))


def _accounting(facts: Facts) -> Iterable[Violation]:
    """Every customer is planned, or left out once; nobody else is in the plan."""
    planned = {visit.customer for visit in facts.plan.visits}
    left_out = Counter(item.customer for item in facts.plan.left_out)
    for key in sorted(facts.customers.keys() | planned | left_out.keys()):
        count = (key in planned) + left_out[key]
        if key not in facts.customers:
            yield broken("stranger", key, "is not in the problem")
        elif count != 1:
            yield broken("accounting", key, f"is accounted for {count} times")
    for visit in facts.plan.visits:
        if visit.rep not in facts.reps:
            yield broken("stranger", visit.customer, f"is visited by unknown rep {visit.rep}")
    for item in facts.plan.left_out:
        if not item.text:
            yield broken("accounting", item.customer, "is left out without a reason")


def _identity(facts: Facts) -> Iterable[Violation]:
    """Ids are unique, and an id that stood before still means the same customer."""
    before = {visit.id: visit for visit in facts.problem.previous}
    ids = Counter(visit.id for visit in facts.plan.visits)
    for visit in facts.plan.visits:
        if ids[visit.id] > 1 or not visit.id:
            yield broken("identity", visit.customer, f"shares id {visit.id!r}")
        old = before.get(visit.id)
        if old is not None and (old.customer, old.number) != (visit.customer, visit.number):
            yield broken("identity", visit.customer, f"took over the id of {old.customer}")


def _times(facts: Facts) -> Iterable[Violation]:
    """Instant, zone, wall clock and day say the same, and lie in the horizon's future."""
    for visit, rep, customer in facts.suggested():
        wall = visit.start_at.astimezone(ZoneInfo(visit.zone)).replace(tzinfo=None)
        if visit.zone != rep.zone or visit.start_at.utcoffset() != timedelta():
            yield broken("time", visit.customer, "is not in the rep's zone, or not in UTC")
        if wall != visit.wall_start:
            yield broken("time", visit.customer, f"wall time {visit.wall_start} is {wall}")
        if visit.end_at - visit.start_at != timedelta(minutes=customer.minutes):
            yield broken("time", visit.customer, "does not last as long as it should")
        if not facts.problem.first <= visit.day <= facts.problem.last:
            yield broken("horizon", visit.customer, f"is on {visit.day}")
        if visit.start_at < facts.problem.now:
            yield broken("past", visit.customer, f"starts at {visit.start_at.isoformat()}")


def _consents(facts: Facts) -> Iterable[Violation]:
    """Nobody is visited who bars it, declined it or put it off."""
    for visit in facts.visits:
        customer = facts.customers[visit.customer]
        if customer.barred:
            yield broken("consent", visit.customer, f"is barred: {customer.barred}")
    for visit, rep, customer in facts.suggested():
        until = customer.reply_until
        waits = customer.reply in (Reply.DECLINED, Reply.SNOOZED)
        if waits and (visit.day < until if until else customer.reply is Reply.DECLINED):
            yield broken("reply", visit.customer, f"comes before {until or 'ever'}")
        if customer.owner != rep.id:
            yield broken("owner", visit.customer, f"is visited by {rep.id}")


def _shifts(facts: Facts) -> Iterable[Violation]:
    """Each visit lies in a shift."""
    for visit, rep, _customer in facts.suggested():
        shift = facts.shift(rep, visit.day)
        if shift is None:
            yield broken("shift", visit.customer, f"no shift on {visit.day}")
            continue
        start, end = shift_interval(rep, visit.day, shift)
        if visit.start_at < start or visit.end_at > end:
            yield broken("shift", visit.customer, f"is outside the shift on {visit.day}")


def _openings(facts: Facts) -> Iterable[Violation]:
    """The whole visit lies in the customer's opening hours, on a day that is not blocked."""
    for visit, rep, customer in facts.suggested():
        zone = ZoneInfo(customer.zone or rep.zone)
        at = visit.start_at
        while at < visit.end_at:
            if not _is_open(customer, at, zone):
                yield broken("opening", visit.customer, f"is closed at {at.isoformat()}")
                break
            at += timedelta(minutes=1)


def _is_open(customer: Customer, at: datetime, zone: ZoneInfo) -> bool:
    wall = at.astimezone(zone)
    if any(item.first <= wall.date() <= item.last for item in customer.blocked):
        return False
    return customer.opening is None or any(
        _bounds(day, window.opens, window.closes, zone, at)
        for window in customer.opening
        for day in (wall.date(), wall.date() - timedelta(days=1))
        if window.weekday == day.weekday()
        and not any(item.first <= day <= item.last for item in customer.blocked)
    )


def _bounds(day: date, opens: int, closes: int, zone: ZoneInfo, at: datetime) -> bool:
    return at_minute(day, opens, zone) <= at and at + timedelta(minutes=1) <= at_minute(
        day, closes, zone
    )


def _busy(facts: Facts) -> Iterable[Violation]:
    """No visit overlaps an appointment or another visit of the rep, unless the rep pinned it there,
    or it has begun. Of two visits at once, the rep must have pinned both."""
    for visit in facts.visits:
        if visit.fixedness is Fixedness.PINNED or _has_begun(facts, visit):
            continue
        for item in facts.problem.appointments:
            span = (item.start_at, item.end_at)
            if item.rep == visit.rep and span[0] < span[1] and _overlap(visit, span):
                yield broken("busy", visit.customer, f"overlaps {item.label or 'an appointment'}")
        for other in facts.visits:
            is_other = other.id != visit.id and other.rep == visit.rep
            if is_other and _overlap(visit, (other.start_at, other.end_at)):
                yield broken("overlap", visit.customer, f"overlaps the visit to {other.customer}")


def _has_begun(facts: Facts, visit: Visit) -> bool:
    return visit.fixedness is Fixedness.FROZEN and visit.start_at < facts.problem.now


def _overlap(visit: Visit | Stop, span: Interval) -> bool:
    return visit.start_at < span[1] and span[0] < visit.end_at


def _ways(facts: Facts) -> Iterable[Violation]:
    """Between two stops of a day there is time for the way, without that of calls and meetings."""
    for visit, rep, customer in facts.suggested():
        shift = facts.shift(rep, visit.day)
        if shift is None:
            continue
        bounds = shift_interval(rep, visit.day, shift)
        others = [stop for stop in stops_beside(facts, rep, visit) if _overlap(stop, bounds)]
        earlier = [stop for stop in others if stop.end_at <= visit.start_at]
        later = [stop for stop in others if stop.start_at >= visit.end_at]
        earlier.append(Stop(bounds[0], bounds[0], shift.start_place))
        later.append(Stop(bounds[1], bounds[1], shift.end_place))
        here, at_once = customer.place_id, timedelta(minutes=facts.problem.rules.grid_minutes)
        left = max(stop.end_at for stop in earlier)
        begins = min(stop.start_at for stop in later)
        starts = {stop.place for stop in earlier if left - stop.end_at < at_once}
        ends = {stop.place for stop in later if stop.start_at - begins < at_once}
        yield from _way(facts, visit, (left, visit.start_at), [(place, here) for place in starts])
        yield from _way(facts, visit, (visit.end_at, begins), [(here, place) for place in ends])


def _way(
    facts: Facts, visit: Visit, span: Interval, ways: Iterable[tuple[str, str]]
) -> Iterable[Violation]:
    """Whether one of these ways fits: where the rep put two stops at once, it leaves from one."""
    free = _free(facts, facts.reps[visit.rep], *span)
    least, start, end = min((facts.minimum(visit.rep, *way), *way) for way in ways)
    if free < least:
        yield broken("travel", visit.customer, f"{free} from {start!r} to {end!r}")


def _free(facts: Facts, rep: Rep, start: datetime, end: datetime) -> timedelta:
    """Time between two instants that no appointment without a place takes."""
    taken = sorted(
        (max(a.start_at, start), min(a.end_at, end))
        for a in facts.problem.appointments
        if a.rep == rep.id and not a.place and a.start_at < end and start < a.end_at
    )
    free, at = timedelta(), start
    for begin, finish in taken:
        free += max(timedelta(), begin - at)
        at = max(at, finish)
    return free + max(timedelta(), end - at)


def _steady(facts: Facts) -> Iterable[Violation]:
    return churn(facts, _FEASIBLE)


_FEASIBLE: tuple[Rule, ...] = (
    _times, _consents, _shifts, _openings, _busy, _ways, gaps, due, limits, pressure, lunches,
)  # fmt: skip
"""They say together whether a plan can be carried out."""
_RULES: tuple[Rule, ...] = (*_FEASIBLE, _accounting, _identity, pinned, frozen, nights, _steady)
