"""Applies the change that was proposed for a customer to the problem."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from crmbridge.planning.change import Act, Change
from crmbridge.planning.problem import (
    MAX_DAYS,
    Customer,
    DatedShift,
    Problem,
    Rep,
    Shift,
)
from crmbridge.planning.workdays import shift_on

UNKNOWN_SCORE = 1.0
"""Stands for a score that a priority of 0 hides."""


def apply_change(problem: Problem, customer: str, change: Change) -> Problem:
    """The problem with a change that was proposed for a customer.

    Args:
        customer: its key.
    """
    return _APPLY[change.act](problem, customer, change)


def _worth(problem: Problem, key: str, change: Change) -> Problem:
    def scored(one: Customer) -> Customer:
        return replace(one, value=change.amount * one.priority, day_values=())

    return _with(problem, key, scored)


def _priority(problem: Problem, key: str, change: Change) -> Problem:
    def weighed(one: Customer) -> Customer:
        score = one.score or UNKNOWN_SCORE
        return replace(one, value=score * change.amount, priority=change.amount, day_shares=())

    return _with(problem, key, weighed)


def _travel(problem: Problem, key: str, change: Change) -> Problem:
    def further(rep: Rep) -> Rep:
        return replace(rep, max_travel_minutes=rep.max_travel_minutes + round(change.amount))

    return _with_owner(problem, key, further)


def _visits(problem: Problem, key: str, change: Change) -> Problem:
    def fuller(rep: Rep) -> Rep:
        return replace(rep, max_visits=rep.max_visits + round(change.amount))

    return _with_owner(problem, key, fuller)


def _consent(problem: Problem, key: str, change: Change) -> Problem:
    del change
    return _with(problem, key, lambda one: replace(one, barred=""))


def _reply(problem: Problem, key: str, change: Change) -> Problem:
    del change
    return _with(problem, key, lambda one: replace(one, reply=None, reply_until=None))


def _opening(problem: Problem, key: str, change: Change) -> Problem:
    del change
    return _with(problem, key, lambda one: replace(one, opening=None))


def _owner(problem: Problem, key: str, change: Change) -> Problem:
    del change
    rep = problem.reps[0].id if problem.reps else None
    return _with(problem, key, lambda one: replace(one, owner=rep))


def _horizon(problem: Problem, key: str, change: Change) -> Problem:
    del key
    if change.day is None:
        return problem
    return replace(problem, days=min(MAX_DAYS, (change.day - problem.first).days + 1))


def _pressure(problem: Problem, key: str, change: Change) -> Problem:
    del key
    most = problem.rules.max_contacts + round(change.amount)
    return replace(problem, rules=replace(problem.rules, max_contacts=most))


def _minutes(problem: Problem, key: str, change: Change) -> Problem:
    def longer(rep: Rep, day: date) -> Shift | None:
        shift = shift_on(rep, day)
        return None if shift is None else replace(shift, end=shift.end + round(change.amount))

    return _with_shift(problem, key, change, longer)


def _shift(problem: Problem, key: str, change: Change) -> Problem:
    def usual(rep: Rep, day: date) -> Shift | None:
        own = rep.shifts[0] if rep.shifts else Shift(weekday=0, start=8 * 60, end=17 * 60)
        return replace(own, weekday=day.weekday())

    return _with_shift(problem, key, change, usual)


def _with(problem: Problem, key: str, change: Callable[[Customer], Customer]) -> Problem:
    customers = tuple(change(one) if one.key == key else one for one in problem.customers)
    return replace(problem, customers=customers)


def _with_shift(
    problem: Problem, key: str, change: Change, shift: Callable[[Rep, date], Shift | None]
) -> Problem:
    """The problem with another shift of the customer's owner on the change's day."""
    day = change.day
    if day is None:
        return problem

    def changed(rep: Rep) -> Rep:
        others = tuple(one for one in rep.dated_shifts if one.day != day)
        free = tuple(one for one in (*rep.absences,) if not one.holds(day))
        holidays = tuple(one for one in rep.holidays if not one.holds(day))
        dated = (*others, DatedShift(day=day, shift=shift(rep, day)))
        return replace(rep, dated_shifts=dated, absences=free, holidays=holidays)

    return _with_owner(problem, key, changed)


def _with_owner(problem: Problem, key: str, change: Callable[[Rep], Rep]) -> Problem:
    owner = next((one.owner for one in problem.customers if one.key == key), None)
    reps = tuple(change(rep) if rep.id == owner else rep for rep in problem.reps)
    return replace(problem, reps=reps)


_APPLY: dict[Act, Callable[[Problem, str, Change], Problem]] = {
    Act.WORTH: _worth,
    Act.PRIORITY: _priority,
    Act.TRAVEL: _travel,
    Act.VISITS: _visits,
    Act.MINUTES: _minutes,
    Act.HORIZON: _horizon,
    Act.SHIFT: _shift,
    Act.OPENING: _opening,
    Act.CONSENT: _consent,
    Act.REPLY: _reply,
    Act.OWNER: _owner,
    Act.PRESSURE: _pressure,
}
