"""Commands that look: status, runs, show, report, export."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from crmbridge.cli.invocation import Json, Now
from crmbridge.cli.output import plain, show, show_json, table
from crmbridge.cli.policy_text import policy_text

KINDS = ("ics", "csv", "geojson")
TABLE_FORMATS = ("csv", "parquet", "hyper")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for name, command in (("status", status), ("runs", runs), ("show", show_record)):
        app.command(name)(command)
    app.command("report")(report)
    app.command("export-person")(export_person)
    app.command("erase-person")(erase_person)
    export = typer.Typer(help="Write what other tools read.", no_args_is_help=True)
    export.command("plan")(export_plan)
    export.command("tables")(export_tables)
    app.add_typer(export, name="export")


def status(context: typer.Context, json_: Json = False, now: Now = None) -> None:
    """Say how things stand: connections, jobs, what waits.

    Example: crmbridge status
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.showing.state import state_of

    with workspace(context, now) as space:
        found = state_of(space)
    if json_:
        show_json(found.to_json())
        return
    rows = [(c["name"], c["adapter"], c["pulled_at"], c["records"], c["quarantined"])
            for c in found.connections]  # fmt: skip
    show(table(("connection", "adapter", "pulled", "records", "quarantined"), rows))
    if found.jobs:
        jobs = [(j["job"], j["schedule"], j["last"], j["next"], j["state"]) for j in found.jobs]
        show("\n" + table(("job", "schedule", "last due", "next due", "state"), jobs))
    show(f"\nChangeset that waits: {found.waiting or 'none'}.")


def runs(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", help="How many.")] = 20,
    json_: Json = False,
) -> None:
    """List past runs, the last first.

    Example: crmbridge runs --limit 5
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.showing.state import past_runs

    with workspace(context) as space:
        found = past_runs(space, limit)
    if json_:
        show_json({"runs": found})
        return
    names = ("run", "command", "job", "status", "exit_code", "now")
    show(table(names, [[row[name] for name in names] for row in found]))


def show_record(
    context: typer.Context,
    record: Annotated[str, typer.Argument(metavar="RECORD", help="connection/object/id, or text.")],
    of: Annotated[
        str,
        typer.Argument(metavar="[NAME]", help="In `show policy CUSTOMER`, `show campaign NAME`."),
    ] = "",
    json_: Json = False,
    now: Now = None,
) -> None:
    """Show all we know of a record with its reasons, or the policy that holds for a customer.

    `show campaign NAME` tells how a campaign stands and who was left out of it for which reason.
    `show places` lists customers whose place is unknown or doubtful, each with its remedy, and
    `show audit` past visits on which a field that must be filled is empty, by rep.

    Example: crmbridge show demo/customers/C0001
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.campaigning.showing import explain_campaign
    from crmbridge.jobs.showing.explaining import explain_record
    from crmbridge.jobs.showing.lists import list_audit, list_places
    from crmbridge.jobs.showing.policy import explain_policy

    lists = {"places": list_places, "audit": list_audit}
    with workspace(context, now) as space:
        if record in lists:
            found = lists[record](space)
        elif record == "policy":
            found = explain_policy(space, of)
        elif record == "campaign":
            found = explain_campaign(space, of)
        else:
            found = explain_record(space, record)
    if json_:
        show_json(found)
    elif record == "policy":
        show(policy_text(found))
    else:
        _show_parts(found)


def _show_parts(found: Mapping[str, Any]) -> None:
    for name, value in found.items():
        if name not in ("flaws", "audit") and value not in ({}, []):  # the same for programs
            _show_part(name, value)


def _show_part(name: str, value: Any) -> None:
    if isinstance(value, dict):
        rows = [(key, _text(item)) for key, item in value.items() if item not in (None, "", [])]
        show(f"{name}\n{table(('field', 'value'), rows)}\n")
    elif isinstance(value, list):
        show(name)
        for item in value:
            show(f"  {plain(_text(item))}")
        show()
    else:
        show(f"{name}: {plain(value)}")


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def report(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", help="File; report.html in the out folder.")
    ] = None,
    json_: Json = False,
    now: Now = None,
) -> None:
    """Write the report: one HTML file that opens offline.

    Example: crmbridge report --output report.html
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.showing.html import write_report

    with workspace(context, now) as space:
        path = write_report(space, output)
    show_json({"file": str(path)}) if json_ else show(f"wrote {path}")


def export_plan(
    context: typer.Context,
    kind: Annotated[str, typer.Option("--format", help="ics, csv or geojson.")] = "ics",
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder; the out folder by default.")
    ] = None,
    json_: Json = False,
    now: Now = None,
) -> None:
    """Write the plan made last as calendars, as a table or as routes on a map.

    Example: crmbridge export plan --format geojson
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.showing.exporting import export

    if kind not in KINDS:
        raise typer.BadParameter(f"expected one of {', '.join(KINDS)}, got {kind!r}")
    with workspace(context, now) as space:
        paths = export(space, kind, output)
    if json_:
        show_json({"files": [str(path) for path in paths]})
        return
    for path in paths:
        show(f"wrote {path}")


def export_tables(
    context: typer.Context,
    kind: Annotated[str, typer.Option("--format", help="csv, parquet or hyper.")] = "csv",
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder; tables in the out folder by default.")
    ] = None,
    json_: Json = False,
) -> None:
    """Write all records, scores, segments and planned visits, with a schema file.

    Example: crmbridge export tables --format parquet --output tables
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.tables.exporting import export_tables as export_all

    if kind not in TABLE_FORMATS:
        raise typer.BadParameter(f"expected one of {', '.join(TABLE_FORMATS)}, got {kind!r}")
    with workspace(context) as space:
        paths = export_all(space, kind, output)
    if json_:
        show_json({"files": [str(path) for path in paths]})
        return
    show(f"wrote {len(paths)} files to {paths[0].parent}, described in schema.json")


Person = Annotated[
    str, typer.Argument(metavar="PERSON", help="E-mail, phone number or connection/object/id.")
]


def export_person(context: typer.Context, person: Person) -> None:
    """Print everything held on a person, as JSON.

    Example: crmbridge export-person jane@example.com
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.showing.persons import held_on_person

    with workspace(context) as space:
        show_json(held_on_person(space, person))


def erase_person(
    context: typer.Context,
    person: Person,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say what.")] = False,
    json_: Json = False,
) -> None:
    """Erase everything held on a person; a later pull does not take them in again.

    Example: crmbridge erase-person jane@example.com --yes
    """
    from crmbridge.cli.session import workspace
    from crmbridge.jobs.showing.persons import erase, held_on_person

    with workspace(context) as space:
        if yes:
            rows = erase(space, person)
        else:
            rows = sum(len(held) for held in held_on_person(space, person).values())
    if json_:
        show_json({"rows": rows, "erased": yes})
        return
    show(f"{rows} rows erased." if yes else f"{rows} rows are held. Add --yes to erase them.")
    show("Files that were exported and backups that were made are yours to erase.")
