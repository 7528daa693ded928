"""Who may be visited how often, on which days, and what a visit is worth on each of them."""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from crmbridge.planning.change import Act, Change, horizon_to
from crmbridge.planning.problem import Customer, Problem, Rep, Reply
from crmbridge.planning.raising import TOP_SCORE, rounded_up
from crmbridge.planning.visit import WhyNot
from crmbridge.planning.workdays import shift_on
from crmbridge.records import Reason

LEAST_VALUE = 1e-9
"""A visit that is worth less is worth nothing; far below it, sums would lose their meaning."""
LATE_GAIN = 0.5
"""A visit that is a whole interval overdue gains this share of its value, and no more."""
LATE_DAY_LOSS = 0.01
"""Each day of the horizon that a due visit waits costs this share, so earlier is better."""
EARLY_LOSS = 0.1
"""A visit as early as allowed is worth this share less than one on its due day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One visit that the policy would like to see.

    Args:
        values: (day, value) for each day on which it is allowed, in order; never empty.
        gap_days: fewest days to any other wish of the same customer.
        due_on: day from which it is due; None if the customer has no interval.
    """

    customer: Customer
    values: tuple[tuple[date, float], ...]
    gap_days: int
    due_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why the policy wants no visit, and what would change that."""

    code: WhyNot
    text: str
    change: str = ""
    fix: Change | None = None


def wishes(
    problem: Problem, customer: Customer, kept_days: tuple[date, ...]
) -> tuple[Wish, ...] | Refusal:
    """The visits that a customer should get in the horizon, beside those that are kept.

    Args:
        kept_days: days of visits and appointments with the customer that stand already.
    """
    refusal = _refused(problem, customer)
    if refusal is not None:
        return refusal
    gap = gap_of(customer)
    found = list[Wish]()
    for due in due_days(problem, customer)[len(kept_days) :]:
        allowed = _allowed_days(problem, customer, due, gap, kept_days)
        days = [
            day
            for day in allowed
            if not _is_pressed(problem, customer, day, kept_days, len(found), gap)
        ]
        if allowed and not days and not found:
            return _pressed(problem, customer, kept_days)
        if days:
            found.append(_wish(problem, customer, due, gap, days))
    return tuple(found) or _nothing_left(problem, customer, gap, kept_days)


def gap_of(customer: Customer) -> int:
    """Fewest days between two visits: as given, else half the interval, at least one."""
    if customer.min_gap_days is not None:
        return max(1, customer.min_gap_days)
    return max(1, (customer.every_days or 2) // 2)


def due_on(problem: Problem, customer: Customer) -> date | None:
    """Day on which the next visit falls due; the first of the horizon if there never was one."""
    if customer.every_days is None:
        return None
    if customer.last_visit_on is None:
        return problem.first
    return customer.last_visit_on + timedelta(days=customer.every_days)


def due_days(problem: Problem, customer: Customer) -> list[date | None]:
    """Due days of all visits that belong into the horizon, an overdue one on its first day.

    One visit without a due day for a customer that has no interval.
    """
    first = due_on(problem, customer)
    if first is None or customer.every_days is None:
        return [None]
    early = timedelta(days=early_days(problem, customer))
    due, found = max(first, problem.first), list[date | None]()
    while due - early <= problem.last:
        found.append(due)
        due += timedelta(days=customer.every_days)
        if due > problem.last:
            break
    return found


def early_days(problem: Problem, customer: Customer) -> int:
    """How many days before its due day a visit may be."""
    return math.floor((customer.every_days or 0) * problem.rules.early_share)


def base_value(problem: Problem, customer: Customer) -> float:
    """What a visit is worth now: the score, raised by up to half for being overdue."""
    value = customer.value or 0.0
    return value * (1 + LATE_GAIN * _lateness(problem, customer))


def value_reasons(problem: Problem, customer: Customer, value: float) -> tuple[Reason, ...]:
    """Up to three parts of a visit's value, the heaviest first, with what remains in the last."""
    parts = sorted(customer.reasons, key=lambda item: (-abs(item.weight), item.code))
    due = due_on(problem, customer)
    if due is not None:
        late = (problem.first - due).days
        weight = (customer.value or 0.0) * LATE_GAIN * _lateness(problem, customer)
        parts.insert(0, Reason(code="due", text=_due_text(customer, late), weight=weight))
    return tuple(parts[:3]) or (Reason(code="value", text="Worth a visit", weight=value),)


def _due_text(customer: Customer, late: int) -> str:
    every = f"every {customer.every_days} days"
    if customer.last_visit_on is None:
        return f"Never visited; due {every}"
    if late > 0:
        return f"Overdue by {late} day{'' if late == 1 else 's'} (due {every})"
    return f"Due {every}, last seen {customer.last_visit_on.isoformat()}"


def _lateness(problem: Problem, customer: Customer) -> float:
    due = due_on(problem, customer)
    if due is None or customer.last_visit_on is None or not customer.every_days:
        return 0.0
    return min(1.0, max(0, (problem.first - due).days) / customer.every_days)


def _refused(problem: Problem, customer: Customer) -> Refusal | None:
    if customer.barred:
        return Refusal(
            code=WhyNot.BARRED,
            text=f"Visits are barred: {customer.barred}",
            change=customer.lifted_by or "A newer consent that allows visits",
            fix=Change(act=Act.CONSENT),
        )
    reply = _reply_refusal(problem, customer)
    if reply is not None:
        return reply
    values = (customer.value or 0.0, *(value for _, value in customer.day_values))
    if max(values) < LEAST_VALUE:
        return _worthless(problem, customer)
    return None


def _worthless(problem: Problem, customer: Customer) -> Refusal:
    if customer.value is not None and not customer.priority:
        text, fix = "Its priority is 0", Change(act=Act.PRIORITY, amount=1.0)
        return Refusal(code=WhyNot.NO_VALUE, text=text, change="A priority of 1", fix=fix)
    text = "Nothing scored it" if customer.value is None else "A visit is worth nothing"
    usual = rounded_up(min(TOP_SCORE, max(1.0, _usual_score(problem))))
    return Refusal(
        code=WhyNot.NO_VALUE,
        text=text,
        change=f"A score such as {usual:g}, which is usual",
        fix=Change(act=Act.WORTH, amount=usual),
    )


def _usual_score(problem: Problem) -> float:
    """The middle of the others' scores."""
    scores = [one.score for one in problem.customers if one.score >= LEAST_VALUE]
    return median(scores) if scores else 1.0


def _reply_refusal(problem: Problem, customer: Customer) -> Refusal | None:
    until = customer.reply_until
    if customer.reply is Reply.DECLINED and (until is None or until > problem.last):
        return Refusal(
            code=WhyNot.DECLINED,
            text="The visit was declined" + (f" until {until.isoformat()}" if until else ""),
            change="Another answer than declined",
            fix=Change(act=Act.REPLY),
        )
    if customer.reply is Reply.SNOOZED and until is None:
        return Refusal(
            code=WhyNot.SNOOZED,
            text="Put off, and nobody said until when",
            change="A day until which it is put off, or another answer",
            fix=Change(act=Act.REPLY),
        )
    if customer.reply is Reply.SNOOZED and until is not None and until > problem.last:
        text = f"Put off until {until.isoformat()}"
        return _beyond(problem, customer, WhyNot.SNOOZED, text, until)
    return None


def _allowed_days(
    problem: Problem, customer: Customer, due: date | None, gap: int, kept: tuple[date, ...]
) -> list[date]:
    start = _first_day(problem, customer, due, gap)
    return [
        day
        for day in problem.horizon()
        if day >= start and all(abs((day - other).days) >= gap for other in kept)
    ]


def _is_pressed(
    problem: Problem,
    customer: Customer,
    day: date,
    kept: tuple[date, ...],
    earlier: int,
    gap: int,
) -> bool:
    """Whether a visit on that day would be one contact too many.

    Args:
        earlier: wishes of the same customer before this one; as many of them count as the gap lets
            into the time.
    """
    most, days = problem.rules.max_contacts, problem.rules.contact_days
    if most == 0:
        return False
    past = sum((day - one).days < days for one in customer.contacts)
    beside = sum(abs((day - one).days) < days for one in kept)
    return past + beside + min(earlier, -(-days // gap) - 1) >= most


def _pressed(problem: Problem, customer: Customer, kept: tuple[date, ...]) -> Refusal:
    rules = problem.rules
    count = len(customer.contacts) + len(kept)
    return Refusal(
        code=WhyNot.CONTACTED_OFTEN,
        text=f"{count} contacts stand; at most {rules.max_contacts} in {rules.contact_days} days",
        change="One more contact allowed in the time, or a longer horizon",
        fix=Change(act=Act.PRESSURE, amount=max(1, count + 1 - rules.max_contacts)),
    )


def _first_day(problem: Problem, customer: Customer, due: date | None, gap: int) -> date:
    start = problem.first
    if due is not None and due > problem.first:
        start = max(start, due - timedelta(days=early_days(problem, customer)))
    if customer.last_visit_on is not None:
        start = max(start, customer.last_visit_on + timedelta(days=gap))
    if customer.reply in (Reply.SNOOZED, Reply.DECLINED) and customer.reply_until is not None:
        start = max(start, customer.reply_until)
    return start


def _wish(
    problem: Problem, customer: Customer, due: date | None, gap: int, days: list[date]
) -> Wish:
    override, shares = dict(customer.day_values), dict(customer.day_shares)
    base = base_value(problem, customer)
    worth = ((day, base * _timing(problem, customer, due, day)) for day in days)
    values = tuple((day, override.get(day, value * shares.get(day, 1.0))) for day, value in worth)
    return Wish(customer=customer, values=values, gap_days=gap, due_on=due)


def _timing(problem: Problem, customer: Customer, due: date | None, day: date) -> float:
    if due is None:
        return 1.0
    late = (day - due).days
    if late >= 0:
        return max(0.5, 1 - LATE_DAY_LOSS * late)
    return 1 - EARLY_LOSS * -late / max(1, early_days(problem, customer))


def _nothing_left(
    problem: Problem, customer: Customer, gap: int, kept: tuple[date, ...]
) -> Refusal:
    due = due_on(problem, customer)
    early = timedelta(days=early_days(problem, customer))
    if due is not None and due - early > problem.last:
        text = f"Not due before {due.isoformat()} (every {customer.every_days} days)"
        if early:
            text += f"; may be visited from {(due - early).isoformat()}"
        # On the due day it is worth more than as early as allowed, and surer to come in.
        return _beyond(problem, customer, WhyNot.NOT_DUE, text, due)
    last = max((*kept, customer.last_visit_on or date.min))
    seen = "An appointment stands on" if last in kept else "Seen on"
    text = f"{seen} {last.isoformat()}; at least {gap} days between visits"
    free = last + timedelta(days=gap)
    return _beyond(problem, customer, WhyNot.VISITED_RECENTLY, text, free, ", or a smaller gap")


def _beyond(
    problem: Problem, customer: Customer, code: WhyNot, text: str, day: date, other: str = ""
) -> Refusal:
    """Left out because visits are possible only from a day beyond the horizon."""
    rep = next((rep for rep in problem.reps if rep.id == customer.owner), None)
    reached = day if rep is None else first_possible(rep, customer, day)
    change = f"A horizon that reaches {reached.isoformat()}{other}"
    return Refusal(code=code, text=text, change=change, fix=horizon_to(reached))


def first_possible(rep: Rep, customer: Customer, day: date) -> date:
    """First day from a day on which the rep works and the customer is not closed.

    The day itself where there is none within a year.
    """
    ahead = (day + timedelta(days=n) for n in range(min(366, (date.max - day).days)))
    return next((one for one in ahead if _is_possible(rep, customer, one)), day)


def _is_possible(rep: Rep, customer: Customer, day: date) -> bool:
    is_blocked = any(item.holds(day) for item in customer.blocked)
    return not is_blocked and shift_on(rep, day) is not None
