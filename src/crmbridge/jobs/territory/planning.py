"""Makes visit plans from what the store knows, checks them, and keeps them."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any

from crmbridge.jobs.report import RunReport
from crmbridge.jobs.territory.audit import RECENT_DAYS, audit_findings, audit_known
from crmbridge.jobs.territory.briefs import briefs_of
from crmbridge.jobs.territory.consent import VisitConsent
from crmbridge.jobs.territory.cut import cut_findings
from crmbridge.jobs.territory.gathering import Gathered, gather
from crmbridge.jobs.territory.hours import CapacityRows, hours_of
from crmbridge.jobs.territory.keeping import keep_plan, load_plans
from crmbridge.jobs.territory.known import Known
from crmbridge.jobs.territory.outside import geocoder, road_tables
from crmbridge.jobs.territory.places import geocoding_findings, quality_counts
from crmbridge.jobs.territory.pool import Progress
from crmbridge.jobs.territory.problems import Territory, territories
from crmbridge.jobs.territory.reps import JoinedReps
from crmbridge.jobs.territory.spread import plan_everybody
from crmbridge.jobs.territory.travels import measure, travel_sources
from crmbridge.jobs.territory.unchanged import same_plan
from crmbridge.jobs.workspace import Workspace
from crmbridge.planning import (
    Budget,
    Plan,
    PlanDiff,
    Problem,
    diff_plans,
)
from crmbridge.planning.diff import common_stretch
from crmbridge.records import to_millis
from crmbridge.travel.roads import RoadTables


@dataclass(frozen=True, slots=True, kw_only=True)
class MadePlan:
    """A plan with the problem that it solves.

    Args:
        capacity: the hours of each rep, as they were told before the planning.
    """

    problem: Problem
    plan: Plan
    capacity: CapacityRows = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """All plans of a run, and what they were made from.

    Args:
        briefs: customer -> what to know before a visit, line by line.
    """

    plans: tuple[MadePlan, ...]
    gathered: Gathered
    briefs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def nothing(cls) -> "Made":
        """No plan: for runs that only analyse and write scores."""
        reps = JoinedReps(reps=(), by_record={}, findings=())
        known = Known(reps=reps, customers=(), sources={})
        gathered = Gathered(known=known, consent=VisitConsent(), findings=())
        return cls(plans=(), gathered=gathered)


def make_plans(workspace: Workspace, report: RunReport, start: date | None = None) -> Made:
    """Plan the visits of every calendar and keep the plans.

    What is planned for a rep passes the independent check, or the report names the rep and nothing
    of it is kept.

    Args:
        start: first day; today in UTC if None.
    """
    made = look_at_plans(workspace, report, start)
    for item in made.plans:
        keep_plan(workspace, item.problem, item.plan, item.capacity)
    return made


def look_at_plans(
    workspace: Workspace, report: RunReport, start: date | None = None, rep: str = ""
) -> Made:
    """Plan the visits of every calendar, or of one rep, and keep nothing.

    Raises:
        UsageError: there is no such rep.
    """
    now = workspace.clock.now()
    first = start or now.date()
    with geocoder(workspace) as finder:
        gathered = gather(workspace, first, rep, finder)
        report.find((*gathered.findings, *geocoding_findings(finder)))
    report.find(audit_findings(audit_known(workspace, gathered.known, RECENT_DAYS)))
    made = []
    with road_tables(workspace) as roads:
        for territory in territories(gathered.known, workspace.settings, first, now):
            report.find(territory.findings)
            made.append(_make(workspace, territory, report, roads))
    report.plan = _summary(made, gathered)
    return Made(plans=tuple(made), gathered=gathered, briefs=_briefs(workspace, made, gathered))


def stability(made: MadePlan) -> PlanDiff:
    """What a plan changed of the visits that stood in its horizon and were still to come."""
    problem = made.problem
    stretch = common_stretch(problem, problem)
    diff = diff_plans(problem.previous, made.plan, problem, stretch)
    return replace(diff, past=0, beyond=0)


def plans_again(workspace: Workspace, report: RunReport) -> Made | None:
    """The plans made last, as they were kept; None if there is none."""
    plans = [
        MadePlan(problem=problem, plan=plan, capacity=capacity)
        for problem, plan, capacity in load_plans(workspace)
    ]
    if not plans:
        return None
    gathered = gather(workspace, plans[0].problem.first)
    report.plan = _summary(plans, gathered)
    return Made(plans=tuple(plans), gathered=gathered, briefs=_briefs(workspace, plans, gathered))


def _briefs(
    workspace: Workspace, made: Sequence[MadePlan], gathered: Gathered
) -> dict[str, tuple[str, ...]]:
    visited = {visit.customer for item in made for visit in item.plan.visits}
    with workspace.store.read() as tx:
        return briefs_of(tx, gathered.known, visited, to_millis(workspace.clock.now()))


def _make(
    workspace: Workspace, territory: Territory, report: RunReport, roads: RoadTables | None = None
) -> MadePlan:
    planning = workspace.settings.planning
    travels, findings = measure(territory.problem, territory.coordinates, planning.speed, roads)
    report.find(findings)
    problem = territory.with_travel(travels)
    budget = Budget(
        iterations=planning.iterations_per_rep,
        seconds=planning.seconds_per_rep,
        seed=planning.seed,
    )
    _say_if_compiling(problem, budget)
    engine = workspace.settings.engine
    hours = hours_of(problem, budget, engine, partial(_tell, "Measured"))
    report.find(hours.findings())
    standing = same_plan(workspace, problem, budget)
    if standing is not None:
        report.find(cut_findings(standing))
        return MadePlan(problem=problem, plan=standing, capacity=hours.rows())
    done = plan_everybody(problem, budget, engine, partial(_tell, "Planned"))
    for error in done.failed.values():
        report.stop(error)
    problem, plan = done.problem, done.plan
    report.find((*plan.findings, *cut_findings(plan)))
    return MadePlan(problem=problem, plan=plan, capacity=hours.rows())


def _say_if_compiling(problem: Problem, budget: Budget) -> None:
    """One line before the first plan on a machine, which takes longer than any later one."""
    if not budget.iterations or not problem.customers:
        return
    from crmbridge.planning.compiled import is_compiled

    if not is_compiled():
        sys.stderr.write("Compiling the planner for this machine, once; up to a minute.\n")


def _tell(what: str, progress: Progress) -> None:
    """A line now and then while there is work for many reps, wherever the errors go."""
    left = max(1, round(progress.seconds_left / 60))
    ahead = f"{left} min" if progress.seconds_left >= 60 else f"{progress.seconds_left} s"
    sys.stderr.write(f"{what} {progress.done} of {progress.reps} reps; about {ahead} left.\n")


def _summary(made: Sequence[MadePlan], gathered: Gathered) -> dict[str, Any]:
    return {
        "id": "+".join(item.plan.id for item in made),
        "visits": sum(len(item.plan.visits) for item in made),
        "reps": sum(len(item.problem.reps) for item in made),
        "not_planned": sum(len(item.plan.left_out) for item in made),
        "places": quality_counts(gathered.known.customers),
        "travel": travel_sources(item.problem for item in made),
        "stability": "; ".join(stability(item).sentence() for item in made),
    }
