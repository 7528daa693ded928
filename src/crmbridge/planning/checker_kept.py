"""The checker's rules of what stood before: what is pinned, what is frozen, and how much moves."""

import math
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from crmbridge.planning.checker_facts import (
    Facts,
    Violation,
    at_minute,
    broken,
    shift_interval,
    shift_on,
)
from crmbridge.planning.problem import Appointment, Problem, Rep, Reply, Travel
from crmbridge.planning.visit import Fixedness, Visit

Rule = Callable[[Facts], Iterable[Violation]]
MANY = 2000
"""A rep with more customers than this weighs not all of them, so that visits may fall out."""


def pinned(facts: Facts) -> Iterable[Violation]:
    """What the rep pinned stands unchanged, unless a consent, an answer or an owner forbids it."""
    planned = {visit.id: visit for visit in facts.plan.visits}
    for old in facts.problem.previous:
        customer = facts.customers.get(old.customer)
        if old.fixedness is not Fixedness.PINNED or customer is None or customer.barred:
            continue
        if not _is_inside(facts, old) or customer.owner != old.rep:
            continue
        if customer.reply is not Reply.DECLINED and not _stands(old, planned.get(old.id)):
            yield broken("pinned", old.customer, f"was pinned at {old.start_at.isoformat()}")


def frozen(facts: Facts) -> Iterable[Violation]:
    """What was planned for the frozen days, or has begun, stands, unless its time is taken."""
    planned = {visit.id: visit for visit in facts.plan.visits}
    for old in _movable(facts):
        if _is_near(facts, old) and not _stands(old, planned.get(old.id)):
            has_begun = old.start_at < facts.problem.now
            if has_begun or not _is_impossible(facts, old):
                yield broken("frozen", old.customer, f"stood at {old.start_at.isoformat()}")


def churn(facts: Facts, rules: Sequence[Rule]) -> Iterable[Violation]:
    """No more visits leave their day than the budget allows, where all of them could have stayed.

    Whether they could is asked of the other rules: what stood must pass them as it stood, with all
    times rounded as plans round them. Where that cannot be said for sure, nothing is held against
    a plan.

    Args:
        rules: those that say whether a plan can be carried out.
    """
    days = {(visit.customer, visit.day) for visit in facts.visits}
    before: dict[str, list[Visit]] = {}
    for visit in _movable(facts):
        if not _is_near(facts, visit):
            before.setdefault(visit.rep, []).append(visit)
    for key, old in before.items():
        rep = facts.reps[key]
        once = _seen_once(facts, old)
        left = [v for v in old if (v.customer, v.day) not in days and v.customer in once]
        most = math.floor(len(old) * facts.problem.rules.churn_budget + 1e-9)
        if len(left) > most and _could_stay(facts, rep, old, rules):
            text = f"left its day as {len(left)} of {len(old)} did; {most} may"
            yield broken("churn", left[0].customer, text)


def _seen_once(facts: Facts, old: Sequence[Visit]) -> set[str]:
    """Customers with one visit among these, and with nothing else that stands."""
    counts = Counter(visit.customer for visit in old)
    others = {v.customer for v in facts.visits if v.fixedness is not Fixedness.SUGGESTED}
    others |= {item.customer for item in facts.problem.appointments}
    return {
        key
        for key, count in counts.items()
        if count == 1 and key not in others and not facts.customers[key].seen_on
    }


def _movable(facts: Facts) -> Iterable[Visit]:
    """Earlier visits that nobody pinned and that nothing forbids."""
    for old in facts.problem.previous:
        customer = facts.customers.get(old.customer)
        if customer is None or customer.barred or customer.reply in _NO:
            continue
        is_free = old.fixedness is not Fixedness.PINNED and customer.owner == old.rep
        if is_free and _is_inside(facts, old) and old.rep in facts.reps:
            yield old


_NO = (Reply.DECLINED, Reply.SNOOZED)


def _is_inside(facts: Facts, old: Visit) -> bool:
    return facts.problem.first <= old.day <= facts.problem.last


def _is_near(facts: Facts, old: Visit) -> bool:
    until = facts.problem.first + timedelta(days=facts.problem.rules.freeze_days)
    return old.day < until or old.start_at < facts.problem.now


def _stands(old: Visit, new: Visit | None) -> bool:
    return new is not None and (new.start_at, new.end_at) == (old.start_at, old.end_at)


def _is_impossible(facts: Facts, old: Visit) -> bool:
    """Whether the rep does not work that day, or something else that stays is at the time."""
    taken = [(a.start_at, a.end_at) for a in facts.problem.appointments if a.rep == old.rep]
    taken += [
        (other.start_at, other.end_at)
        for other in facts.visits
        if other.rep == old.rep and other.fixedness is not Fixedness.SUGGESTED
    ]
    is_taken = any(start < old.end_at and old.start_at < end for start, end in taken)
    return is_taken or shift_on(facts.reps[old.rep], old.day) is None


def _could_stay(facts: Facts, rep: Rep, old: Sequence[Visit], rules: Sequence[Rule]) -> bool:
    kept = [
        visit
        for visit in facts.visits
        if visit.rep == rep.id and visit.fixedness is not Fixedness.SUGGESTED
    ]
    fixed = [(visit.start_at, visit.end_at) for visit in kept]
    fixed += [(a.start_at, a.end_at) for a in facts.problem.appointments if a.rep == rep.id]
    lunch = _lunches(facts, rep, fixed)
    if lunch is None or not _is_plain(facts, rep, old):
        return False
    problem = _coarse(facts.problem, rep, lunch)
    before = [replace(visit, fixedness=Fixedness.SUGGESTED) for visit in old]
    plan = replace(facts.plan, visits=(*before, *kept), nights=())
    alone = Facts(problem, plan)
    return not any(violation for rule in rules for violation in rule(alone))


def _is_plain(facts: Facts, rep: Rep, old: Sequence[Visit]) -> bool:
    """Whether nothing else bears on what stays: nights, pressure, odd lengths or values."""
    customers = [facts.customers[visit.customer] for visit in old]
    grid, rules = facts.problem.rules.grid_minutes, facts.problem.rules
    owned = sum(one.owner == rep.id for one in facts.problem.customers)
    return (
        not (rep.nights or rep.away or rules.max_contacts or owned > MANY)
        and all((one.value or 0) > 0 and one.minutes % grid == 0 for one in customers)
        and not any(one.day_values or one.day_shares for one in customers)
        and all(visit.start_at.timestamp() % (grid * 60) == 0 for visit in old)
        and all(_is_ahead(facts, rep, visit.day) for visit in old)
    )


def _is_ahead(facts: Facts, rep: Rep, day: date) -> bool:
    """Whether the rep's day has not begun."""
    shift = shift_on(rep, day)
    return shift is not None and shift_interval(rep, day, shift)[0] >= facts.problem.now


def _lunches(
    facts: Facts, rep: Rep, fixed: Sequence[tuple[datetime, datetime]]
) -> list[Appointment] | None:
    """Lunch at its minute on every day; None where something is in its way and it may move."""
    found = []
    for day in facts.problem.horizon():
        shift = shift_on(rep, day)
        if shift is None or not shift.lunch_minutes:
            continue
        start = at_minute(day, shift.lunch, ZoneInfo(rep.zone))
        end = start + timedelta(minutes=shift.lunch_minutes)
        bounds = shift_interval(rep, day, shift)
        if start < bounds[0] or bounds[1] < end or any(a < end and start < b for a, b in fixed):
            return None
        found.append(Appointment(rep=rep.id, start_at=start, end_at=end, label="lunch"))
    return found


def _coarse(problem: Problem, rep: Rep, more: Iterable[Appointment]) -> Problem:
    """The rep's part with ways and appointments rounded up to the grid."""
    grid = problem.rules.grid_minutes * 60
    unknown = -(-problem.rules.unknown_travel_minutes * 60 // grid) * grid // 60
    own = (item for item in problem.appointments if item.rep == rep.id)
    return replace(
        problem,
        reps=(rep,),
        appointments=tuple(_rounded(item, grid) for item in (*own, *more)),
        travels=tuple(_slower(item, grid) for item in problem.travels if item.rep == rep.id),
        rules=replace(problem.rules, unknown_travel_minutes=unknown),
    )


def _rounded(item: Appointment, grid: int) -> Appointment:
    if item.start_at >= item.end_at:
        return item
    before = timedelta(seconds=item.start_at.timestamp() % grid)
    after = timedelta(seconds=-item.end_at.timestamp() % grid)
    return replace(item, start_at=item.start_at - before, end_at=item.end_at + after)


def _slower(travel: Travel, grid: int) -> Travel:
    seconds = memoryview(travel.seconds).cast("i") if travel.seconds else ()
    slow = array("i", [-(-one // grid) * grid if one >= 0 else one for one in seconds])
    return replace(travel, seconds=slow.tobytes())
