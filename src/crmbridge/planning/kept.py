"""Which visits of the plan before stay exactly where they are."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from crmbridge.planning.problem import Customer, Problem, Rep, Reply
from crmbridge.planning.visit import Fixedness, Visit
from crmbridge.planning.workdays import shift_on
from crmbridge.records import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What stays, what may move, and what a person should know about either.

    Args:
        visits: pinned and frozen ones, by start.
        loose: the others, by start; they pull the new plan towards them.
    """

    visits: tuple[Visit, ...]
    loose: tuple[Visit, ...]
    findings: tuple[Finding, ...]


def keep_visits(problem: Problem, rep: Rep) -> Kept:
    """Sort the previous visits to the rep's customers into those that stay and those that may move.

    A pinned visit stays wherever the rep put it. A frozen one gives way when the rep's calendar
    has meanwhile been filled there, or the rep put another visit there: two meetings at once help
    nobody. One that has begun gives way to nothing.
    """
    stands = [(visit, _fixedness(problem, rep, visit)) for visit in _still_wanted(problem)]
    kept = [visit for visit, fixedness in stands if fixedness is Fixedness.PINNED]
    loose, findings = list[Visit](), list[Finding]()
    for visit, fixedness in stands:
        clash = _clash(problem, rep, visit, kept) if fixedness else ""
        findings.extend(_findings(visit, fixedness, clash))
        if fixedness is None or (clash and fixedness is Fixedness.FROZEN):
            loose.append(visit)
        elif fixedness is Fixedness.FROZEN:
            kept.append(replace(visit, fixedness=fixedness))
    kept.sort(key=lambda visit: (visit.start_at, visit.id))
    return Kept(visits=tuple(kept), loose=tuple(loose), findings=tuple(findings))


def _still_wanted(problem: Problem) -> list[Visit]:
    """Previous visits in the horizon that no consent and no answer takes away."""
    customers = {item.key: item for item in problem.customers}
    return [
        visit
        for visit in problem.previous
        if problem.first <= visit.day <= problem.last
        and visit.customer in customers
        and _wanted(problem, customers[visit.customer], visit)
    ]


def pinned_ids(problem: Problem) -> frozenset[str]:
    """Ids of the previous visits that a plan will hold where the rep put them."""
    customers = {item.key: item for item in problem.customers}
    reps = {rep.id for rep in problem.reps}
    return frozenset(
        visit.id
        for visit in _still_wanted(problem)
        if visit.fixedness is Fixedness.PINNED
        and customers[visit.customer].owner == visit.rep
        and visit.rep in reps
    )


def _fixedness(problem: Problem, rep: Rep, visit: Visit) -> Fixedness | None:
    if visit.rep != rep.id:
        return None
    if visit.fixedness is Fixedness.PINNED:
        return Fixedness.PINNED
    frozen_until = problem.first + timedelta(days=problem.rules.freeze_days)
    if visit.start_at < problem.now or visit.day < frozen_until:
        return Fixedness.FROZEN
    return None


def _wanted(problem: Problem, customer: Customer, visit: Visit) -> bool:
    """Consent and the rep's answer stand above any earlier plan, pinned or not."""
    if customer.barred:
        return False
    if customer.reply in (Reply.DECLINED, Reply.SNOOZED) and visit.start_at >= problem.now:
        pinned = visit.fixedness is Fixedness.PINNED and customer.reply is Reply.SNOOZED
        return pinned or (customer.reply_until is not None and visit.day >= customer.reply_until)
    return True


def _clash(problem: Problem, rep: Rep, visit: Visit, kept: Iterable[Visit]) -> str:
    """What else is at the time of a visit that stands; empty if nothing is."""
    if visit.start_at < problem.now and visit.fixedness is not Fixedness.PINNED:
        return ""
    if shift_on(rep, visit.day) is None:
        return f"{visit.rep} does not work on {visit.day.isoformat()}"
    for item in problem.appointments:
        if item.start_at < visit.end_at and visit.start_at < item.end_at:
            return f"{visit.day.isoformat()}: {item.label or 'an appointment'} is at the same time"
    for other in kept:
        is_same_time = other.start_at < visit.end_at and visit.start_at < other.end_at
        if is_same_time and other.id != visit.id:
            return f"{visit.day.isoformat()}: the visit to {other.customer} is at the same time"
    return ""


def _findings(visit: Visit, fixedness: Fixedness | None, clash: str) -> Iterable[Finding]:
    if clash and fixedness is Fixedness.PINNED:
        yield Finding(
            code="plan.pinned_clash",
            example=f"visit {visit.id}: {clash}",
            remedy="Move the pinned visit, or what stands at its time",
        )
    if clash and fixedness is Fixedness.FROZEN:
        yield Finding(
            code="plan.frozen_released",
            example=f"visit {visit.id}: {clash}",
            remedy="Nothing to do: it was planned anew",
        )
