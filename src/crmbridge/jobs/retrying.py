"""Tries once more what was quarantined by pulls or rejected by pushes."""

from collections.abc import Sequence

from crmbridge.errors import CrmbridgeError
from crmbridge.jobs.pulling import names_in_order, source_of
from crmbridge.jobs.report import RunReport
from crmbridge.jobs.workspace import Workspace
from crmbridge.jobs.writing.pushing import retry_rejected
from crmbridge.pull.retrying import retry
from crmbridge.records import Counts


def retry_connections(workspace: Workspace, names: Sequence[str], report: RunReport) -> None:
    """Try quarantined records of connections again, then writes that were rejected."""
    for name in names_in_order(workspace, names):
        try:
            with workspace.lease(name) as opened:
                result = retry(workspace.store, source_of(workspace, opened))
        except CrmbridgeError as error:
            report.stop(error)
            continue
        report.connections[name] = {k: c for k, c in result.counts.items() if c != Counts()}
        report.find(result.findings)
        report.codes.add(result.exit_code)
        for problem in result.problems:
            report.stop(problem.error)
    try:
        retry_rejected(workspace, report)
    except CrmbridgeError as error:
        report.stop(error)
