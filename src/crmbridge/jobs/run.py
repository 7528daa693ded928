"""Composes a run: pull, analyze, plan, push, and the files that people read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from crmbridge.errors import ExitCode
from crmbridge.jobs.analysis.customers import Analysed, analyse, base_connections
from crmbridge.jobs.pulling import names_in_order, pull_connections
from crmbridge.jobs.report import RunReport
from crmbridge.jobs.showing.files import write_analysis, write_plans
from crmbridge.jobs.territory.planning import Made, make_plans, plans_again
from crmbridge.jobs.workspace import Workspace
from crmbridge.jobs.writing.deciding import decide_changes, is_guarded, writable
from crmbridge.jobs.writing.pushing import apply_changeset, publish, settle
from crmbridge.push.guards import describe, guarded_number
from crmbridge.records import to_millis
from crmbridge.store.retention import throw_away

STEPS = ("pull", "analyze", "plan", "push")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a run is asked to do.

    Args:
        connections: all when empty.
        is_automatic: apply what passes the guards, rather than leave it for review.
        start: first day of the plan; today if None.
    """

    connections: tuple[str, ...] = ()
    steps: tuple[str, ...] = STEPS
    is_automatic: bool = False
    start: date | None = None


@dataclass(slots=True, kw_only=True)
class Results:
    """What the steps of a run hand on to each other."""

    analysed: list[Analysed] = field(default_factory=list)
    made: Made | None = None


def run_task(workspace: Workspace, task: Task, report: RunReport) -> Results:
    """Carry out the steps of a task in their order.

    A connection that cannot be pulled does not stop the others; but after a guard has stopped a
    pull, or when the store failed, nothing is planned or written on what may be half a picture.
    """
    results = Results()
    steps: dict[str, Callable[[], None]] = {
        "pull": lambda: pull_connections(
            workspace, names_in_order(workspace, task.connections), report
        ),
        "analyze": lambda: _analyse(workspace, report, results),
        "plan": lambda: _plan(workspace, task, report, results),
        "push": lambda: _push(workspace, task, report, results),
    }
    for step in STEPS:
        if step in task.steps and not _is_stopped(report):
            steps[step]()
    _throw_away(workspace)
    return results


def _throw_away(workspace: Workspace) -> None:
    keep = workspace.settings.retention
    with workspace.store.write() as tx:
        throw_away(
            tx,
            to_millis(workspace.clock.now()),
            quarantine_days=keep.quarantine_days,
            runs_days=keep.runs_days,
            changesets_days=keep.changesets_days,
        )


def _is_stopped(report: RunReport) -> bool:
    return ExitCode.GUARD in report.codes or ExitCode.STORAGE in report.codes


def _analyse(workspace: Workspace, report: RunReport, results: Results) -> None:
    for base, sources in base_connections(workspace.settings).items():
        analysed = analyse(workspace, base, sources)
        results.analysed.append(analysed)
        report.find(analysed.findings)
        report.files += write_analysis(workspace, analysed, report)


def _plan(workspace: Workspace, task: Task, report: RunReport, results: Results) -> None:
    results.made = make_plans(workspace, report, task.start)
    report.files += write_plans(workspace, results.made)


def _push(workspace: Workspace, task: Task, report: RunReport, results: Results) -> None:
    settle(workspace, report)
    with writable(workspace) as target:
        if not target.opened:
            _publish_unwritten(workspace, results)
            return
        made = results.made or plans_again(workspace, report) or Made.nothing()
        decision = decide_changes(workspace, made, target)
    report.find(decision.findings)
    changeset = decision.changeset
    report.count_items(changeset.items, changeset.id)
    if not changeset.items:
        publish(workspace, changeset.plan_id)
        return
    if is_guarded(changeset):
        tripped = "; ".join(describe(v) for v in changeset.guards if v.tripped)
        number = guarded_number(changeset)
        report.codes.add(ExitCode.GUARD)
        report.stops.append(
            f"changeset {changeset.id}: expected what the guards let pass, got {tripped}. "
            f"Look at `crmbridge diff`, then `crmbridge push {changeset.id} --accept {number}`."
        )
        return
    if not task.is_automatic:
        report.codes.add(ExitCode.REVIEW)
        return
    apply_changeset(workspace, changeset.id, report, actor=report.job or "run")


def _publish_unwritten(workspace: Workspace, results: Results) -> None:
    """Plans that no CRM takes are published by their files."""
    if results.made is not None:
        publish(workspace, "+".join(item.plan.id for item in results.made.plans))
