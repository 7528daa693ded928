"""Which visit of the new plan is which of the one before, so that it keeps its id."""

from collections.abc import Sequence
from dataclasses import replace

from crmbridge.planning.problem import Customer, Problem
from crmbridge.planning.visit import Visit, visit_id


def name_visits(problem: Problem, visits: Sequence[Visit], loose: Sequence[Visit]) -> list[Visit]:
    """Give new visits the ids, numbers and revisions of earlier ones, or fresh ones.

    Args:
        visits: newly planned ones, with empty ids.
        loose: earlier visits that were free to move.
    """
    customers = {item.key: item for item in problem.customers}
    named = []
    for key in sorted({visit.customer for visit in visits}):
        new = sorted((v for v in visits if v.customer == key), key=lambda v: v.start_at)
        old = [v for v in loose if v.customer == key]
        named += _name(problem, customers[key], new, old)
    return named


def _name(problem: Problem, customer: Customer, new: list[Visit], old: list[Visit]) -> list[Visit]:
    pairs = _pair(new, old)
    used = [customer.last_number]
    used += [visit.number for visit in problem.previous if visit.customer == customer.key]
    number, named = max(used), []
    for visit, before in zip(new, pairs, strict=True):
        if before is not None:
            named.append(_taken_over(visit, before))
            continue
        number += 1
        id_ = visit_id(problem.connection, customer.key, number)
        named.append(replace(visit, id=id_, number=number))
    return named


def _pair(new: list[Visit], old: list[Visit]) -> list[Visit | None]:
    """For each new visit an old one: that of the same day, else the next in order of time."""
    left = list(old)
    pairs: list[Visit | None] = [None] * len(new)
    for i, visit in enumerate(new):
        same = next((item for item in left if item.day == visit.day), None)
        if same is not None:
            left.remove(same)
            pairs[i] = same
    for i, pair in enumerate(pairs):
        if pair is None and left:
            pairs[i] = left.pop(0)
    return pairs


def _taken_over(visit: Visit, before: Visit) -> Visit:
    same = (visit.rep, visit.start_at, visit.end_at) == (before.rep, before.start_at, before.end_at)
    return replace(
        visit, id=before.id, number=before.number, revision=before.revision + (0 if same else 1)
    )
