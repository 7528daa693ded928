"""The report: one HTML file that opens offline, with what a manager asks first."""

from pathlib import Path

from crmbridge.jobs.workspace import Workspace


def write_report(workspace: Workspace, output: Path | None) -> Path:
    """Write the report."""
    raise AssertionError
