"""Decides whether the plan in force still answers what is known: the same input keeps it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from crmbridge.jobs.territory.keeping import basis_digest, plan_of
from crmbridge.jobs.workspace import Workspace
from crmbridge.planning import Budget, Customer, Fixedness, Plan, Problem, Visit, loads
from crmbridge.store.plans import StoredPlan, plan_in_force

SAME_VALUE = 0.25
"""Points, of a hundred, within which a customer is worth what it was: scores look at the time since
this and that, so that every hour alters them a little, and with them nothing that a rep would do
otherwise. It is held against the plan in force, so that small steps add up to a change."""

_Place = tuple[datetime, datetime, str]


def same_plan(workspace: Workspace, problem: Problem, budget: Budget) -> Plan | None:
    """The plan in force, if nothing it was made from has changed, however late it is now.

    What the plan itself brought about is no change: its visits in the calendars as planned, and
    that those which lie behind by now took place. That time goes by only takes chances away.
    """
    with workspace.store.read() as tx:
        head = plan_in_force(tx, problem.connection)
        if head is None or not _is_for(head, problem):
            return None
        plan = plan_of(tx, head)
    if plan.budget != budget or not _is_as_planned(plan, problem):
        return None
    before = loads(Problem, head.problem)
    is_same = basis_digest(_as_then(problem, before, plan)) == head.input_digest
    return plan if is_same and before.now <= problem.now else None


def _is_for(head: StoredPlan, problem: Problem) -> bool:
    return (head.start_on, head.days) == (problem.first.isoformat(), problem.days)


def _is_as_planned(plan: Plan, problem: Problem) -> bool:
    """Whether each visit stands where the plan put it, or took place there."""
    planned, stands = _places(plan.visits), _places(problem.previous)
    visited = _visited(plan, problem)
    gone = {visit.id for visit in plan.visits if visit.customer in visited}
    is_there = stands.items() <= planned.items() and planned.keys() - stands.keys() <= gone
    return is_there and _pinned(plan.visits) - gone == _pinned(problem.previous) - gone


def _places(visits: Iterable[Visit]) -> Mapping[str, _Place]:
    return {visit.id: (visit.start_at, visit.end_at, visit.rep) for visit in visits}


def _pinned(visits: Iterable[Visit]) -> set[str]:
    return {visit.id for visit in visits if visit.fixedness is Fixedness.PINNED}


def _visited(plan: Plan, problem: Problem) -> frozenset[str]:
    """Customers whose last visit is one of the plan's that lies behind."""
    last = {one.key: one.last_visit_on for one in problem.customers}
    return frozenset(
        visit.customer
        for visit in plan.visits
        if visit.start_at <= problem.now and last.get(visit.customer) == visit.day
    )


def _as_then(problem: Problem, before: Problem, plan: Plan) -> Problem:
    """The problem with what the hour alone changed as it was when the plan was made."""
    then = {customer.key: customer for customer in before.customers}
    visited = _visited(plan, problem)
    customers = tuple(
        _customer_then(one, then[one.key], is_visited=one.key in visited)
        if one.key in then
        else one
        for one in problem.customers
    )
    return replace(problem, customers=customers)


def _customer_then(customer: Customer, then: Customer, *, is_visited: bool) -> Customer:
    if is_visited:
        customer = replace(customer, last_visit_on=then.last_visit_on, contacts=then.contacts)
    elif not _is_worth_the_same(customer, then):
        return customer
    return replace(customer, value=then.value, reasons=then.reasons)


def _is_worth_the_same(one: Customer, other: Customer) -> bool:
    if one.value is None or other.value is None:
        return one.value is other.value
    return abs(one.value - other.value) <= SAME_VALUE
