"""Commands that do the work: analyze, plan, diff, push, undo, run, schedule."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crmbridge.cli.invocation import Json, Now
from crmbridge.cli.output import note, note_findings, show, show_json, table

if TYPE_CHECKING:
    from crmbridge.jobs.report import RunReport
    from crmbridge.push.decide import Decision

Rep = Annotated[str, typer.Option("--rep", help="Only this rep, by e-mail, id or name.")]
Accept = Annotated[
    int | None, typer.Option("--accept", help="Confirm a guarded change of exactly this number.")
]

Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[list | diff BEFORE AFTER | again ID]",
        help="Look at plans made before: all, what changed between two, one computed again.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (analyze, plan, diff, push, undo, run, schedule):
        app.command(command.__name__)(command)


def analyze(context: typer.Context, json_: Json = False, now: Now = None) -> None:
    """Work out features, scores and segments of all customers from what was pulled.

    Example: crmbridge analyze
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.run import Task, run_task
    from crmbridge.jobs.runs import run_of

    with workspace(context, now) as space, run_of(space, "analyze") as report:
        results = run_task(space, Task(steps=("analyze",)), report)
        rows = [
            (found.base, len(found.scored.frame), _segments(found.segmented))
            for found in results.analysed
        ]
    if json_:
        show_json(report.to_json())
    else:
        show(table(("connection", "customers", "segments"), rows))
        show_end(report)
    raise typer.Exit(int(report.exit_code))


def _segments(segmented: Any) -> str:
    names: dict[str, int] = {}
    for member in segmented.members.values():
        names[member.name or member.segment] = names.get(member.name or member.segment, 0) + 1
    return ", ".join(f"{count} {name}" for name, count in sorted(names.items()))


def plan(
    context: typer.Context,
    words: Words = None,
    rep: Rep = "",
    start: Annotated[
        datetime | None,
        typer.Option("--start", formats=["%Y-%m-%d"], help="First day; today by default."),
    ] = None,
    json_: Json = False,
    now: Now = None,
) -> None:
    """Plan visits: what is planned, what is not, and why. With --rep, only look: keep nothing.

    Example: crmbridge plan --rep ann@example.com
    """
    from crmbridge.cli.plan_text import grounds_text, plan_json, plan_text
    from crmbridge.cli.plans import look_back
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.runs import run_of
    from crmbridge.jobs.showing.files import write_plans
    from crmbridge.jobs.territory.planning import look_at_plans, make_plans

    if words:
        with workspace(context, now) as space:
            look_back(space, words)(json_)
        return
    with workspace(context, now) as space, run_of(space, "plan") as report:
        day = start.date() if start is not None else None
        if rep:
            made = look_at_plans(space, report, day, rep)
        else:
            made = make_plans(space, report, day)
            report.files += write_plans(space, made)
    if json_:
        show_json({**report.to_json(), **plan_json(made)})
    else:
        show(plan_text(made))
        show(report.plan["stability"] or "No visits stood before.")
        show(grounds_text(report.plan))
        show_end(report)
    raise typer.Exit(int(report.exit_code))


def diff(
    context: typer.Context,
    rep: Rep = "",
    only: Annotated[
        str, typer.Option("--only", help="visits, score, segment, reasons, campaigns.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", help="Most rows shown; 0 for all.")] = 0,
    json_: Json = False,
    now: Now = None,
) -> None:
    """Decide what would be written and show it row by row, with reasons; write nothing.

    Example: crmbridge diff --only visits --limit 20
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.runs import run_of
    from crmbridge.jobs.territory.planning import Made, plans_again
    from crmbridge.jobs.writing.choosing import Choice, chosen
    from crmbridge.jobs.writing.deciding import decide_changes, writable

    with workspace(context, now) as space, run_of(space, "diff") as report:
        made = plans_again(space, report) or Made.nothing()
        with writable(space) as target:
            choice = Choice(rep=rep, only=tuple(filter(None, only.split(","))))
            decision = decide_changes(
                space, made, target, lambda d: chosen(d, choice, made, target)
            )
            notes = target.notes_on(decision.changeset)
        report.find(decision.findings)
        report.count_items(decision.changeset.items, decision.changeset.id)
    document = decision.changeset.to_json()
    if json_:
        show_json({**document, "items": document["items"][: limit or None]})
    else:
        _show_diff(decision, document["items"], limit)
        for line in notes:
            note(line)
        note_findings(report.findings)
    raise typer.Exit(0)


def _show_diff(decision: "Decision", rows: list[dict[str, Any]], limit: int) -> None:
    changeset = decision.changeset
    if not rows:
        show("Nothing to change: the CRMs hold what they should.")
        return
    shown = rows[: limit or None]
    cells = [
        (f"{r['connection']}/{r['object']}/{r['id'] or r['key'][:8]}", r["op"], r["field"],
         r["before"], r["after"], r["reason"])
        for r in shown
    ]  # fmt: skip
    show(table(("record", "op", "field", "in the CRM", "new", "why"), cells, 120))
    if len(shown) < len(rows):
        show(f"... and {len(rows) - len(shown)} rows more")
    calls = ", ".join(f"{name} {count}" for name, count in changeset.api_calls.items())
    show(f"\n{len(changeset.items)} records in changeset {changeset.id}; API calls: {calls}.")
    for verdict in changeset.guards:
        if verdict.tripped:
            from crmbridge.push.guards import describe

            show(f"Guard: {describe(verdict)}")
    show(f"Nothing was written. To apply exactly this: crmbridge push {changeset.id}")


def push(
    context: typer.Context,
    changeset: Annotated[str, typer.Argument(metavar="[CHANGESET]", help="Else the newest.")] = "",
    accept: Accept = None,
    json_: Json = False,
    now: Now = None,
) -> None:
    """Apply exactly the changeset that was shown, or fewer of its items.

    Example: crmbridge push c0123456789ab
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.runs import run_of
    from crmbridge.jobs.writing.pushing import apply_changeset, journal_of, newest_changeset

    with workspace(context, now) as space, run_of(space, "push") as report:
        id_ = changeset or newest_changeset(space)
        if id_:
            report.count_items(journal_of(space, id_).changeset.items, id_)
            apply_changeset(space, id_, report, accept, actor="push")
    show_json(report.to_json()) if json_ else _show_outcomes(report)
    raise typer.Exit(int(report.exit_code))


def undo(
    context: typer.Context,
    changeset: Annotated[str, typer.Argument(metavar="CHANGESET")],
    json_: Json = False,
    now: Now = None,
) -> None:
    """Restore the values before a changeset, only where the CRM still holds what we wrote.

    Example: crmbridge undo c0123456789ab
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.runs import run_of
    from crmbridge.jobs.writing.deciding import decide_undo, writable
    from crmbridge.jobs.writing.pushing import apply_changeset

    with workspace(context, now) as space, run_of(space, "undo") as report:
        with writable(space) as target:
            decision = decide_undo(space, changeset, target)
        report.find(decision.findings)
        report.count_items(decision.changeset.items, decision.changeset.id)
        if decision.changeset.items:
            apply_changeset(space, decision.changeset.id, report, actor="undo")
    show_json(report.to_json()) if json_ else _show_outcomes(report)
    raise typer.Exit(int(report.exit_code))


def _show_outcomes(report: "RunReport") -> None:
    if not report.changeset:
        show("No changeset waits: nothing was written.")
        return
    counts = ", ".join(f"{count} {name}" for name, count in report.outcomes.items())
    show(f"Changeset {report.changeset['id']}: {counts}.")
    show_end(report)


def show_end(report: "RunReport") -> None:
    """Findings and stops on standard error, files on standard output."""
    note_findings(report.findings)
    for line in report.stops:
        note(line)
    for file in report.files:
        show(f"wrote {file}")


def run(
    context: typer.Context,
    job: Annotated[str, typer.Argument(metavar="[JOB]", help="Else the only one.")] = "",
    due: Annotated[bool, typer.Option("--due", help="Run what is due, and return.")] = False,
    json_: Json = False,
    now: Now = None,
) -> None:
    """Go the whole way: pull, analyze, plan, push, as a job of the configuration says.

    Example: crmbridge run nightly
    """
    from crmbridge.cli.run_text import run_text
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.runner import run_due, run_job, worst

    with workspace(context, now) as space:
        reports = run_due(space) if due else [run_job(space, job)]
    if json_:
        documents = [report.to_json() for report in reports]
        show_json({"runs": documents} if due else documents[0])
    else:
        for report in reports:
            show(run_text(report))
            note_findings(report.findings)
            for line in report.stops:
                note(line)
        if not reports:
            show("Nothing is due.")
    raise typer.Exit(int(worst(reports)))


def schedule(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Only say what is due and when.")] = False,
    json_: Json = False,
    now: Now = None,
) -> None:
    """Run jobs when they are due, in the foreground, on this machine.

    Example: crmbridge schedule
    """
    from crmbridge.cli.session import workspace
    from crmbridge.clock import ShiftedClock
    from crmbridge.jobs.runner import keep_schedule, timetable

    with workspace(context, now) as space:
        lines = timetable(space)
        if json_:
            show_json({"jobs": [line.to_json() for line in lines]})
        else:
            rows = [(line.job, line.schedule, line.last, line.next, line.state) for line in lines]
            show(table(("job", "schedule", "last due", "next due", "state"), rows))
        if once:
            return
        if now is not None:
            space.clock = ShiftedClock(now)  # time must go on here
        keep_schedule(space, note)
