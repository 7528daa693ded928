"""Puts visits of ours that a plan cannot hold, and that stay all the same, into its problem.

Somebody moved a visit beyond the horizon, or its customer is closed, barred or another rep's by
now: the entry stays in the calendar, since people's edits are respected. So its time is taken, and
the customer is seen that day.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from crmbridge.jobs.territory.known import OwnEvent
from crmbridge.planning import Appointment, Customer, Problem
from crmbridge.planning.kept import pinned_ids
from crmbridge.records import Finding


def stray_events(problem: Problem, own: Iterable[OwnEvent]) -> tuple[OwnEvent, ...]:
    """Those that no pinned visit of the problem stands for."""
    pinned = pinned_ids(problem)
    reps = {visit.id: visit.rep for visit in problem.previous if visit.id in pinned}
    return tuple(one for one in own if reps.get(one.visit) != one.rep or not one.visit)


def with_strays(problem: Problem, strays: Sequence[OwnEvent]) -> Problem:
    """The problem in which they take their time, and their customers' turn."""
    gone = {one.visit for one in strays}
    owners = {customer.key: customer.owner for customer in problem.customers}
    taken = [_appointment(one, owners) for one in strays if _is_here(problem, one)]
    seen = {
        one.customer: _seen_on(problem, one.customer, owners[one.customer], strays)
        for one in strays
        if one.customer in owners
    }
    return replace(
        problem,
        appointments=(*problem.appointments, *taken),
        customers=tuple(
            replace(one, seen_on=seen[one.key]) if seen.get(one.key) else one
            for one in problem.customers
        ),
        previous=tuple(visit for visit in problem.previous if visit.id not in gone),
    )


def told_of_strays(problem: Problem, strays: Sequence[OwnEvent]) -> tuple[Finding, ...]:
    """Those that stay though their customers should not be visited, or not by this rep."""
    customers = {customer.key: customer for customer in problem.customers}
    reps = {rep.id for rep in problem.reps}
    why = [
        (one, found)
        for one in strays
        if one.rep in reps and (found := _unwanted(one, customers.get(one.customer)))
    ]
    if not why:
        return ()
    first, reason = why[0]
    example = f"{first.label} on {first.day.isoformat()} stays with {first.rep}: {reason}"
    remedy = "Take it out of the calendar, unless it should take place"
    finding = Finding(code="plan.visit_stays", count=len(why), example=example, remedy=remedy)
    return (finding,)


def _unwanted(event: OwnEvent, customer: Customer | None) -> str:
    if customer is None:
        return "its customer is closed, gone or in another calendar"
    if customer.barred:
        return "visits to its customer are barred"
    return "" if customer.owner == event.rep else f"its customer is {customer.owner}'s"


def _is_here(problem: Problem, event: OwnEvent) -> bool:
    """Whether it takes time of a rep in the horizon."""
    is_ours = any(rep.id == event.rep for rep in problem.reps)
    return is_ours and problem.first <= event.day <= problem.last


def _appointment(event: OwnEvent, owners: Mapping[str, str | None]) -> Appointment:
    return Appointment(
        rep=event.rep,
        start_at=event.start_at,
        end_at=event.end_at,
        place=event.customer,
        customer=event.customer if event.customer in owners else "",
        label=event.label,
    )


def _seen_on(
    problem: Problem, customer: str, owner: str | None, strays: Iterable[OwnEvent]
) -> tuple[date, ...]:
    """Days on which others see it, or that the horizon does not reach."""
    return tuple(
        one.day
        for one in strays
        if one.customer == customer
        and one.day >= problem.first
        and (one.day > problem.last or one.rep != owner)
    )
