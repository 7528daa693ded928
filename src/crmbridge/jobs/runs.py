"""Keeps a run's beginning and end in the store, whatever happens in between."""

from collections.abc import Iterator
from contextlib import contextmanager

from crmbridge.clock import SystemClock
from crmbridge.errors import CrmbridgeError, ExitCode
from crmbridge.jobs.report import STATUS, RunReport
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import to_millis
from crmbridge.store.runs import finish_run, start_run


@contextmanager
def run_of(workspace: Workspace, command: str, job: str = "") -> Iterator[RunReport]:
    """A run: its number goes into the workspace, its report into the store at the end.

    An error ends the run under its own exit code and goes on to the caller.
    """
    now = workspace.clock.now()
    with workspace.store.write() as tx:
        workspace.run_id = start_run(
            tx,
            job=job,
            command=command,
            now=to_millis(now),
            started_at=to_millis(SystemClock().now()),
            settings_digest=workspace.settings.digest(),
        )
    report = RunReport(run=workspace.run_id, now=now, job=job)
    try:
        yield report
    except CrmbridgeError as error:
        report.stop(error)
        _finish(workspace, report, error.exit_code)
        raise
    except Exception:
        _finish(workspace, report, ExitCode.FAULT)
        raise
    except BaseException:
        _finish(workspace, report, ExitCode.INTERRUPTED)
        raise
    _finish(workspace, report, report.exit_code)


def _finish(workspace: Workspace, report: RunReport, code: ExitCode) -> None:
    report.calls = workspace.calls()
    with workspace.store.write() as tx:
        finish_run(
            tx,
            workspace.run_id,
            status=report.status if code is report.exit_code else STATUS[code],
            exit_code=int(code),
            finished_at=to_millis(SystemClock().now()),
            report=report.to_json(),
        )
