"""Shows the fields that would be made in a CRM, asks, and has them made."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from crmbridge.cli.output import note, table
from crmbridge.errors import UsageError
from crmbridge.records import Finding

if TYPE_CHECKING:
    from crmbridge.jobs.setup.provisioning import Missing
    from crmbridge.jobs.workspace import Workspace

HEADERS = ("connection", "object", "field", "label", "type", "why")


def fix(
    space: "Workspace", connection: str, *, is_sure: bool
) -> tuple[dict[str, Any], list[Finding]]:
    """Have missing fields made, once a person has seen them and agreed.

    Returns:
        what was made, for ``--json``; and findings about what was not.

    Raises:
        UsageError: there is nobody to ask, and ``--yes`` was not given.
    """
    from crmbridge.jobs.setup.provisioning import missing_fields, provision

    missing = missing_fields(space, [connection] if connection else [])
    fields = fields_json(missing)
    if not missing:
        note("No field is missing.")
        return {"fields": [], "made": False}, []
    show_missing(missing)
    if not (is_sure or _agrees(connection)):
        note("Nothing was made.")
        return {"fields": fields, "made": False}, []
    findings = provision(space, missing, actor="doctor --fix")
    return {"fields": fields, "made": True}, findings


def package(space: "Workspace", connection: str, folder: Path) -> dict[str, Any]:
    """Write files by which an administrator makes the missing fields; the files' names."""
    from crmbridge.jobs.setup.provisioning import missing_fields, write_package

    missing = missing_fields(space, [connection] if connection else [])
    show_missing(missing)
    files = [str(path) for path in write_package(space, missing, folder)]
    for path in files:
        note(f"wrote {path}")
    return {"fields": fields_json(missing), "files": files}


def show_missing(missing: "Sequence[Missing]") -> None:
    """The fields as a table on standard error, since what follows is a question."""
    if not missing:
        note("No field is missing.")
        return
    note("These fields are missing and would be made:\n")
    rows = [
        (
            one.connection,
            one.field.object,
            one.field.name,
            one.field.label,
            f"{one.field.type}, unique" if one.field.unique else one.field.type,
            one.why,
        )
        for one in missing
    ]
    note(table(HEADERS, rows))


def fields_json(missing: "Sequence[Missing]") -> list[dict[str, Any]]:
    """The fields for ``--json``."""
    return [{"connection": one.connection, **asdict(one.field), "why": one.why} for one in missing]


def _agrees(connection: str) -> bool:
    if not sys.stdin.isatty():
        command = " ".join(filter(None, ("crmbridge doctor", connection, "--fix --yes")))
        raise UsageError(
            "doctor --fix", "a terminal to ask in", "none", f"To have them made, type: {command}"
        )
    return typer.confirm("\nMake them now?", default=False, err=True)
