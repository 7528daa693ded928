"""Runs jobs by name or when they are due, keeps where each stands, and tells of events."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from crmbridge.clock import SystemClock
from crmbridge.errors import CrmbridgeError, ExitCode
from crmbridge.jobs.pulling import names_in_order
from crmbridge.jobs.report import RunReport
from crmbridge.jobs.run import Task, run_task
from crmbridge.jobs.runs import run_of
from crmbridge.jobs.schedule import Due, DueKind, Schedule, due
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import Event, from_millis, to_millis
from crmbridge.settings import JobSettings
from crmbridge.store.jobs import JobState, get_job, save_job
from crmbridge.store.leases import ensure_free

TICK_SECONDS = 20
"""How often `keep_schedule` looks at the clock: a job starts at most so late."""

_EVENTS = {
    ExitCode.GUARD: "guard.tripped",
    ExitCode.REVIEW: "review.waiting",
    ExitCode.DONE: "job.finished",
    ExitCode.DONE_WITH_REJECTS: "job.finished",
}
"""The one event that a run ends with; any other code is ``job.failed``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Where a job stands, as the timetable shows it; times in ISO 8601, "" for none."""

    job: str
    schedule: str
    last: str
    next: str
    state: str

    def to_json(self) -> dict[str, str]:
        """The same as a JSON object."""
        return asdict(self)


def run_job(workspace: Workspace, name: str = "", due_at: datetime | None = None) -> RunReport:
    """Run a job now, whatever its schedule says.

    Args:
        name: the only job if empty.
        due_at: the due time that this run answers; None for a run by hand.

    Raises:
        CrmbridgeError: the run could not be carried out; it is kept as failed.
    """
    name, job = workspace.settings.job(name)
    task = Task(connections=job.connections, steps=job.steps, is_automatic=job.push == "auto")
    try:
        with run_of(workspace, "run", name) as report:
            _ensure_free(workspace, job)
            run_task(workspace, task, report)
    except CrmbridgeError as error:
        _end(workspace, name, due_at, None, error.exit_code)
        raise
    except Exception:  # a fault of ours is heard of, too
        _end(workspace, name, due_at, None, ExitCode.FAULT)
        raise
    _end(workspace, name, due_at, report, report.exit_code)
    return report


def _ensure_free(workspace: Workspace, job: JobSettings) -> None:
    """Begin nothing while another run is at a connection: its half picture is no base for ours.

    Raises:
        RetryLaterError: another run holds one of them.
    """
    for connection in names_in_order(workspace, job.connections):
        ensure_free(workspace.store, connection, SystemClock().now())


def run_due(workspace: Workspace) -> list[RunReport]:
    """Run every job that is due, one after the other; a failing one does not hold up the rest.

    A job whose connection another run holds is skipped, and due again the next time.
    """
    reports = []
    for name, job in sorted(workspace.settings.jobs.items()):
        found = _due(workspace, name, job)
        if found is None or found.at is None:
            continue
        report = _run_due(workspace, name, job, found)
        if report is not None:
            reports.append(report)
    return reports


def _run_due(workspace: Workspace, name: str, job: JobSettings, found: Due) -> RunReport | None:
    if found.kind is DueKind.LATE:
        facts: dict[str, str | int | float | None] = {"missed": found.missed}
        _tell(workspace, "job.missed", name, 0, facts)
        if job.late == "skip":
            _keep(workspace, name, last_due_at=found.at)
            return None
    try:
        return run_job(workspace, name, found.at)
    except CrmbridgeError as error:
        report = RunReport(run=workspace.run_id, now=workspace.clock.now(), job=name)
        report.stop(error)
        return report


def _due(workspace: Workspace, name: str, job: JobSettings) -> Due | None:
    """What the schedule says; a job seen for the first time is put on the clock."""
    if not job.schedule:
        return None
    with workspace.store.read() as tx:
        state = get_job(tx, name)
    now = workspace.clock.now()
    if state.last_due_at is None:
        _keep(workspace, name, last_due_at=now)
        return None
    return due(_schedule(job), from_millis(state.last_due_at), now)


def _schedule(job: JobSettings) -> Schedule:
    return Schedule(cron=job.schedule, zone=job.timezone)


def _end(
    workspace: Workspace,
    name: str,
    due_at: datetime | None,
    report: RunReport | None,
    code: ExitCode,
) -> None:
    """Keep how a run ended, and tell it in one event."""
    is_locked = code is ExitCode.TRY_LATER and report is None
    waiting = report.changeset.get("id") if report and code in _WAITING else None
    _keep(
        workspace,
        name,
        last_due_at=None if is_locked else due_at,
        last_run_id=workspace.run_id,
        last_exit_code=int(code),
        waiting_changeset=waiting,
    )
    event = _EVENTS.get(code, "job.failed")
    facts: dict[str, str | int | float | None] = {"status": report.status if report else "failed"}
    _tell(workspace, "job.skipped" if is_locked else event, name, int(code), facts)


_WAITING = (ExitCode.GUARD, ExitCode.REVIEW)


def _keep(workspace: Workspace, name: str, last_due_at: datetime | None, **values: object) -> None:
    with workspace.store.write() as tx:
        state: JobState = replace(get_job(tx, name), **values)  # type: ignore[arg-type]
        if last_due_at is not None:
            state = replace(state, last_due_at=to_millis(last_due_at))
        save_job(tx, state)


def _tell(
    workspace: Workspace,
    code: str,
    job: str,
    exit_code: int,
    facts: dict[str, str | int | float | None],
) -> None:
    event = Event(
        code=code,
        job=job,
        run=str(workspace.run_id),
        at=workspace.clock.now(),
        exit_code=exit_code,
        facts=facts,
    )
    for problem in workspace.extensions.notify(event):
        workspace.log.warning("listener failed", problem=str(problem))


def timetable(workspace: Workspace) -> list[Line]:
    """Every job with its schedule, by name."""
    now = workspace.clock.now()
    lines = []
    for name, job in sorted(workspace.settings.jobs.items()):
        with workspace.store.read() as tx:
            state = get_job(tx, name)
        last = None if state.last_due_at is None else from_millis(state.last_due_at)
        found = due(_schedule(job), last, now) if job.schedule else None
        lines.append(
            Line(
                job=name,
                schedule=f"{job.schedule} {job.timezone}" if job.schedule else "by hand",
                last=last.isoformat(timespec="minutes") if last else "",
                next=found.next_at.isoformat(timespec="minutes") if found and found.next_at else "",
                state=_state(state, found),
            )
        )
    return lines


def _state(state: JobState, found: Due | None) -> str:
    if found is not None and found.kind is not DueKind.NOT_DUE:
        return "due" if found.kind is DueKind.ON_TIME else f"late, {found.missed} missed before"
    if state.waiting_changeset:
        return f"changeset {state.waiting_changeset} waits"
    return "" if state.last_exit_code is None else f"last exit code {state.last_exit_code}"


def keep_schedule(workspace: Workspace, say: Callable[[str], object]) -> None:
    """Run what is due, again and again, until the process is asked to stop."""
    while True:
        for report in run_due(workspace):
            say(f"{report.now:%Y-%m-%d %H:%M} {report.job}: {report.status}")
        workspace.clock.sleep(TICK_SECONDS)


def worst(reports: Sequence[RunReport]) -> ExitCode:
    """The exit code of several runs: that of the worst."""
    joined = RunReport(run=0, now=datetime.min)  # noqa: DTZ901  only its codes are used
    for report in reports:
        joined.codes |= report.codes
    return joined.exit_code
