"""Makes visit plans: a rep's days and wishes in, visits and reasons out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from crmbridge.planning.change import Act, Change, in_words
from crmbridge.planning.codec import digest
from crmbridge.planning.identity import name_visits
from crmbridge.planning.itinerary import Route, day_route
from crmbridge.planning.kept import Kept, keep_visits
from crmbridge.planning.layout import MOST_WISHES, Layout, Search, lay_out, search_layout
from crmbridge.planning.nights import away, search_with_nights, told_of_nights
from crmbridge.planning.policy import Refusal, base_value, value_reasons
from crmbridge.planning.problem import Problem, Rep, split_by_rep
from crmbridge.planning.tours import TourState
from crmbridge.planning.visit import (
    Budget,
    Fixedness,
    LeftOut,
    Night,
    Plan,
    RepSummary,
    Visit,
    WhyNot,
)
from crmbridge.planning.why_not import Outcome, explain
from crmbridge.planning.workdays import Workday
from crmbridge.planning.zones import WallTime, moment, wall_clock
from crmbridge.records import Finding, Reason


def plan_visits(problem: Problem, budget: Budget) -> Plan:
    """Plan every rep's visits in the horizon.

    The plan depends on problem and budget alone, unless the budget's seconds cut it short, which
    it says. Each rep is planned independently, so a large problem may be cut by `split_by_rep`,
    its parts planned anywhere, and the plans put together by `join_plans`.
    """
    parts = split_by_rep(problem)
    return join_plans(problem, budget, [plan_part(part, budget) for part in parts])


def plan_part(problem: Problem, budget: Budget) -> Plan:
    """Plan a part that `split_by_rep` cut: one rep, or customers that nobody owns."""
    if not problem.reps:
        return join_plans(problem, budget, [_nobody_plans(problem, budget)])
    return join_plans(problem, budget, [_plan_rep(problem, problem.reps[0], budget)])


def join_plans(problem: Problem, budget: Budget, plans: Iterable[Plan]) -> Plan:
    """The plan of the whole problem from the plans of its parts, in any order."""
    parts = sorted(plans, key=lambda plan: [rep.rep for rep in plan.reps])
    joined = Plan(
        id="",
        problem=digest(problem),
        first=problem.first,
        days=problem.days,
        budget=budget,
        visits=tuple(
            sorted(
                (visit for plan in parts for visit in plan.visits),
                key=lambda visit: (visit.rep, visit.start_at, visit.id),
            )
        ),
        left_out=tuple(
            sorted((out for plan in parts for out in plan.left_out), key=lambda out: out.customer)
        ),
        reps=tuple(rep for plan in parts for rep in plan.reps),
        findings=_summed(finding for plan in parts for finding in plan.findings),
        nights=tuple(night for plan in parts for night in plan.nights),
    )
    return replace(joined, id=digest(joined))


def _nobody_plans(problem: Problem, budget: Budget) -> Plan:
    left_out = tuple(
        LeftOut(
            customer=item.key,
            rep=None,
            code=WhyNot.OWNER_UNKNOWN,
            text=f"Its owner {item.owner!r} is no rep of this plan" if item.owner else "No owner",
            change="Give it an owner whom the configuration names as a rep",
            fix=Change(act=Act.OWNER),
        )
        for item in problem.customers
    )
    return _bare(problem, budget, left_out=left_out)


def _bare(problem: Problem, budget: Budget, left_out: tuple[LeftOut, ...]) -> Plan:
    return Plan(
        id="",
        problem="",
        first=problem.first,
        days=problem.days,
        budget=budget,
        left_out=left_out,
    )


def _plan_rep(problem: Problem, rep: Rep, budget: Budget) -> Plan:
    home = lay_out(problem, away(rep, rep.away), keep_visits(problem, rep))
    laid, found, nights = home, search_layout(problem, home, budget), tuple[Night, ...]()
    if rep.nights:
        laid, found, nights = search_with_nights(problem, home, found, budget)
    outcome = Outcome(
        rep=rep,
        rules=problem.rules,
        days=laid.days,
        wishes=laid.wanted,
        full=found.state,
        empty=TourState(laid.board),
    )
    kept, standing = laid.kept, (*rep.away, *nights)
    planned = name_visits(problem, _visits(problem, laid.rep, outcome), kept.loose)
    visits = told_of_nights(problem, [*_explained(problem, kept), *planned], standing)
    routes = _routes(problem, laid, visits)
    left_out = _left_out(rep, outcome, laid.refused, {visit.customer for visit in kept.visits})
    return replace(
        _bare(problem, budget, left_out=tuple(left_out)),
        visits=tuple(visit for route in routes for visit in route.visits),
        reps=(_summary(rep, laid.days, routes, len(left_out), found),),
        findings=(
            *kept.findings,
            *_day_findings(laid.days),
            *_travel_findings(routes),
            *_crowd_findings(laid),
        ),
        nights=tuple(sorted(standing)),
    )


def _visits(problem: Problem, rep: Rep, outcome: Outcome) -> list[Visit]:
    state = outcome.full
    return [
        _visit(problem, rep, outcome, node, state.legs[leg][4], start)
        for leg, tour in enumerate(state.tours)
        for node, start in zip(tour, state.starts[leg], strict=True)
    ]


def _visit(
    problem: Problem, rep: Rep, outcome: Outcome, node: int, index: int, start: int
) -> Visit:
    day, customer = outcome.days[index], outcome.wishes[node].customer
    real = day.to_real(start)
    value = dict(outcome.wishes[node].values)[day.day]
    return Visit(
        id="",
        customer=customer.key,
        number=0,
        rep=rep.id,
        day=day.day,
        start_at=moment(real),
        end_at=moment(real) + timedelta(minutes=customer.minutes),
        zone=rep.zone,
        wall_start=wall_clock(real, rep.zone),
        value=value,
        reasons=value_reasons(problem, customer, value),
    )


def _explained(problem: Problem, kept: Kept) -> Iterable[Visit]:
    """Kept visits with today's value and the reason for which they stay."""
    customers = {item.key: item for item in problem.customers}
    for visit in kept.visits:
        customer = customers[visit.customer]
        pinned = visit.fixedness is Fixedness.PINNED
        text = "Put there by the rep" if pinned else "Planned before, too near to move"
        value = base_value(problem, customer)
        reasons = value_reasons(problem, customer, value)[:2]
        stays = Reason(code=visit.fixedness.value, text=text)
        yield replace(visit, value=value, reasons=(stays, *reasons))


def _routes(problem: Problem, laid: Layout, visits: Sequence[Visit]) -> list[Route]:
    by_day: dict[date, list[Visit]] = {}
    for visit in visits:
        by_day.setdefault(visit.day, []).append(visit)
    worked = {day.day: day for day in laid.days}
    return [
        day_route(problem, laid.rep, laid.distances, day, by_day[day], worked.get(day))
        for day in sorted(by_day)
    ]


def _left_out(
    rep: Rep, outcome: Outcome, refused: dict[str, Refusal], kept: set[str]
) -> list[LeftOut]:
    nodes: dict[str, list[int]] = {}
    for node, wish in enumerate(outcome.wishes):
        nodes.setdefault(wish.customer.key, []).append(node)
    reasons = {key: reason for key, reason in refused.items() if key not in kept}
    for key, own in nodes.items():
        if key not in kept and not any(node in outcome.full.placed for node in own):
            reasons[key] = explain(outcome, own)
    return [
        LeftOut(
            customer=key,
            rep=rep.id,
            code=item.code,
            text=item.text,
            change=in_words(item.change, item.fix),
            fix=item.fix,
        )
        for key, item in sorted(reasons.items())
    ]


def _summary(
    rep: Rep, days: Sequence[Workday], routes: Sequence[Route], left_out: int, found: Search
) -> RepSummary:
    visits = [visit for route in routes for visit in route.visits]
    seconds = sum((visit.end_at - visit.start_at).total_seconds() for visit in visits)
    return RepSummary(
        rep=rep.id,
        visits=len(visits),
        left_out=left_out,
        value=round(sum(visit.value for visit in visits), 6),
        visit_minutes=int(seconds // 60),
        travel_minutes=sum(route.travel_minutes for route in routes),
        shift_minutes=sum(day.usable[1] - day.usable[0] for day in days) // 60,
        unknown_travel=sum(route.unknown for route in routes),
        iterations=found.iterations,
        cut_by_cap=found.cut_by_cap,
    )


def _day_findings(days: Sequence[Workday]) -> Iterable[Finding]:
    remedies = {
        WallTime.GAP: ("plan.clock_gap", "Clocks jump over a bound of the shift: it was moved on"),
        WallTime.OVERLAP: (
            "plan.clock_overlap",
            "A bound of the shift comes twice: the first is meant",
        ),
    }
    for day in days:
        for note in day.notes:
            code, remedy = remedies[note]
            yield Finding(code=code, example=day.day.isoformat(), remedy=remedy)


def _crowd_findings(laid: Layout) -> Iterable[Finding]:
    if laid.crowded:
        yield Finding(
            code="plan.crowded",
            count=len(laid.crowded),
            example=f"{laid.rep.id}: only the {MOST_WISHES} worth most were weighed",
            remedy="Share the rep's customers with others, or lengthen their intervals",
        )


def _travel_findings(routes: Sequence[Route]) -> Iterable[Finding]:
    unknown = [visit for route in routes for visit in route.visits if visit.travel_minutes is None]
    if unknown:
        yield Finding(
            code="plan.travel_unknown",
            count=len(unknown),
            example=unknown[0].customer,
            remedy="Give the customer, or the place before it, coordinates",
        )


def _summed(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding per code with the counts added, in order of code."""
    by_code: dict[str, Finding] = {}
    order: Callable[[Finding], tuple[str, str]] = lambda item: (item.code, item.example)  # noqa: E731
    for item in sorted(findings, key=order):
        first = by_code.setdefault(item.code, replace(item, count=0))
        by_code[item.code] = replace(first, count=first.count + item.count)
    return tuple(by_code.values())
