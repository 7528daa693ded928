"""Shows what an evaluation found, and names the options evaluations share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crmbridge.cli.output import note_findings, show, show_json

if TYPE_CHECKING:
    from crmbridge.jobs.evaluating.answer import Answer

File = Annotated[Path, typer.Argument(metavar="FILE", help="CSV, gzip too.")]
Columns = Annotated[str, typer.Option("--on", metavar="COL,COL", help="Columns, by commas.")]
Output = Annotated[
    Path | None, typer.Option("--output", metavar="FILE", help="Where to write each row's.")
]
Cluster = Annotated[
    str, typer.Option("--cluster", metavar="COL", help="Rows of one cluster go together.")
]
Arm = Annotated[str, typer.Option("--arm", metavar="COL", help="Which arm a row is in.")]
Control = Annotated[str, typer.Option("--control", metavar="VALUE", help="The arm compared to.")]
Exclude = Annotated[str, typer.Option("--exclude", metavar="COL,COL", help="Do not use.")]


def tell(answer: "Answer", text: Any, json_: bool) -> None:
    """Show an answer to a program, or to a person by `text`; findings go beside it."""
    note_findings(answer.findings)
    show_json(answer.document) if json_ else show(text(answer.document))


def short(value: Any) -> Any:
    """A cell for people: five digits of a number, anything else as it is."""
    return f"{value:.5g}" if isinstance(value, float) else value
