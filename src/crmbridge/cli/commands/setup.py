"""Commands that set crmbridge up: init, adapters, doctor, fields."""

from pathlib import Path

import typer

from crmbridge.cli.invocation import Json, invocation
from crmbridge.cli.output import note, show, show_json


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("init")(init)


def init(context: typer.Context, json_: Json = False) -> None:
    """Write a commented starter configuration, asking nothing it can find out.

    Example: crmbridge init
    """
    from crmbridge.jobs.starter import write_starter

    path = write_starter(invocation(context).config or Path("crmbridge.toml"))
    if json_:
        show_json({"file": str(path)})
        return
    show(f"Wrote {path}. Next: crmbridge doctor, then crmbridge run.")
    note("Nothing was read from or written to a CRM.")
