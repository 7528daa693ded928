"""Commands that bring records in: pull, verify, retry."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from crmbridge.cli.invocation import Connections, Json, Now
from crmbridge.cli.output import note, note_findings, show, show_json, table

if TYPE_CHECKING:
    from crmbridge.jobs.report import RunReport

COUNTS = ("read", "new", "changed", "unchanged", "deleted", "quarantined")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (pull, verify, retry):
        app.command(command.__name__)(command)


def pull(
    context: typer.Context,
    connections: Connections = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again.")] = False,
    stream: Annotated[str, typer.Option("--stream", help="Only this stream.")] = "",
    accept_shrink: Annotated[
        int | None,
        typer.Option("--accept-shrink", help="Confirm that exactly so many records are gone."),
    ] = None,
    json_: Json = False,
    now: Now = None,
) -> None:
    """Read what changed since the last pull; the first time, everything.

    Example: crmbridge pull sales --stream customers
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.looking import first_pulls
    from crmbridge.jobs.pulling import names_in_order, pull_connections
    from crmbridge.jobs.runs import run_of

    with workspace(context, now) as space, run_of(space, "pull") as report:
        names = names_in_order(space, connections or [])
        for line in first_pulls(space, names, stream):
            note(line)
        pull_connections(
            space, names, report, full=full, stream=stream, accept_shrink=accept_shrink
        )
    show_json(report.to_json()) if json_ else show_pull(report)
    raise typer.Exit(int(report.exit_code))


def show_pull(report: "RunReport") -> None:
    """The counts of a pull, then what should be known."""
    rows = [
        (name, stream, *(getattr(counts, count) for count in COUNTS))
        for name, streams in report.connections.items()
        for stream, counts in streams.items()
        if any(getattr(counts, count) for count in COUNTS)
    ]
    if rows:
        show(table(("connection", "stream", *COUNTS), rows))
    elif not report.stops:
        show("Nothing new.")
    note_findings(report.findings)
    for line in report.stops:
        note(line)


def verify(
    context: typer.Context, connections: Connections = None, json_: Json = False, now: Now = None
) -> None:
    """Say whether everything is here: expected and held counts, sampled records, sweeps.

    Example: crmbridge verify sales
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.looking import verify_connections

    with workspace(context, now) as space:
        checks = verify_connections(space, connections or [])
    if json_:
        show_json({"checks": [asdict(check) for check in checks]})
        return
    rows = [
        (f"{c.connection} {c.object}", c.expected, c.held, c.sampled, c.different, c.verdict)
        for c in checks
    ]
    show(table(("object", "expected", "held", "sampled", "different", "verdict"), rows))


def retry(
    context: typer.Context, connections: Connections = None, json_: Json = False, now: Now = None
) -> None:
    """Try quarantined records and rejected writes once more, after the cause is gone.

    Example: crmbridge retry
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.retrying import retry_connections
    from crmbridge.jobs.runs import run_of

    with workspace(context, now) as space, run_of(space, "retry") as report:
        retry_connections(space, connections or [], report)
    show_json(report.to_json()) if json_ else show_pull(report)
    raise typer.Exit(int(report.exit_code))
