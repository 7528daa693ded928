"""The checker's rules of how often, and how early, a customer is seen again."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from crmbridge.planning.checker_facts import Facts, Violation, broken
from crmbridge.planning.problem import Customer, Problem
from crmbridge.planning.visit import Fixedness, Visit


def gaps(facts: Facts) -> Iterable[Violation]:
    """Visits to one customer keep their distance from each other, from the last one, and from what
    stands in the calendar with the customer."""
    for key, own in _by_customer(facts):
        customer = facts.customers[key]
        gap = _gap(customer)
        for first, second in pairwise(own):
            movable = Fixedness.SUGGESTED in (first.fixedness, second.fixedness)
            if movable and (second.day - first.day).days < gap:
                yield broken("gap", key, f"is visited on {first.day} and on {second.day}")
        for visit in _suggested(own):
            last = customer.last_visit_on
            if last and (visit.day - last).days < gap:
                yield broken("gap", key, f"was visited on {last}, and is again on {visit.day}")
            for day in _met(facts, customer):
                if abs((visit.day - day).days) < gap:
                    yield broken("gap", key, f"is met on {day} and visited on {visit.day}")


def due(facts: Facts) -> Iterable[Violation]:
    """No visit is before its due day less what it may be early; each meeting counts as one.

    A customer without an interval is seen once.
    """
    for key, own in _by_customer(facts):
        customer = facts.customers[key]
        met = _met(facts, customer)
        met |= {visit.day for visit in own if visit.fixedness is not Fixedness.SUGGESTED}
        if customer.every_days is None:
            for visit in _suggested(own)[0 if met else 1 :]:
                yield broken(
                    "due", key, f"is visited on {visit.day} once more, and has no interval"
                )
            continue
        early = timedelta(days=int(customer.every_days * facts.problem.rules.early_share))
        day = _first_due(facts.problem, customer)
        day += timedelta(days=customer.every_days * len(met))
        for visit in _suggested(own):
            if visit.day < day - early:
                yield broken("due", key, f"is visited on {visit.day}, and due on {day}")
            day += timedelta(days=customer.every_days)


def pressure(facts: Facts) -> Iterable[Violation]:
    """No visit that the plan put there is one contact more than a customer may have in the time."""
    most, days = facts.problem.rules.max_contacts, facts.problem.rules.contact_days
    if not most:
        return
    for key, own in _by_customer(facts):
        customer = facts.customers[key]
        met = _met(facts, customer)
        held = [*customer.contacts, *met, *(visit.day for visit in own)]
        for visit in _suggested(own):
            ends = [visit.day, *(day for day in met if 0 <= (day - visit.day).days < days)]
            count = max(sum(0 <= (end - day).days < days for day in held) for end in ends)
            if count > most:
                yield broken("pressure", key, f"has {count} contacts by {max(ends)}")


def _by_customer(facts: Facts) -> Iterable[tuple[str, list[Visit]]]:
    """Customers with their visits, by start."""
    found: dict[str, list[Visit]] = {}
    for visit in sorted(facts.visits, key=lambda one: (one.start_at, one.id)):
        found.setdefault(visit.customer, []).append(visit)
    return found.items()


def _suggested(visits: Iterable[Visit]) -> list[Visit]:
    return [visit for visit in visits if visit.fixedness is Fixedness.SUGGESTED]


def _met(facts: Facts, customer: Customer) -> set[date]:
    """Days on which the owner meets the customer anyhow, or others do."""
    rep = facts.reps.get(customer.owner or "")
    if rep is None:
        return set(customer.seen_on)
    days = {
        item.start_at.astimezone(ZoneInfo(rep.zone)).date()
        for item in facts.meetings.get((rep.id, customer.key), ())
    }
    first, last = facts.problem.first, facts.problem.last
    return {day for day in days if first <= day <= last} | set(customer.seen_on)


def _first_due(problem: Problem, customer: Customer) -> date:
    if customer.last_visit_on is None or customer.every_days is None:
        return problem.first
    return max(problem.first, customer.last_visit_on + timedelta(days=customer.every_days))


def _gap(customer: Customer) -> int:
    if customer.min_gap_days is not None:
        return max(1, customer.min_gap_days)
    return max(1, customer.every_days // 2) if customer.every_days else 1
