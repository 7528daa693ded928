"""Commands to try crmbridge and to extend it: new-adapter, demo."""

from pathlib import Path
from typing import Annotated

import typer

from crmbridge.cli.invocation import Json, Now
from crmbridge.cli.output import show, show_json


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("new-adapter")(new_adapter)
    app.command("demo")(demo)


def new_adapter(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As in adapter = NAME.")],
    folder: Annotated[Path | None, typer.Option("--folder", help="Where; here by default.")] = None,
    json_: Json = False,
) -> None:
    """Write the package of a new adapter, which passes its first tests as it is.

    Example: crmbridge new-adapter acme
    """
    from crmbridge.testing.scaffold import write_adapter

    paths = write_adapter(name, folder or Path.cwd())
    if json_:
        show_json({"files": [str(path) for path in paths]})
        return
    for path in paths:
        show(f"wrote {path}")
    show("Next: docs/write-an-adapter.md")


def demo(
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where; a new folder crmbridge-demo here.")
    ] = None,
    json_: Json = False,
    now: Now = None,
) -> None:
    """Show the whole way on made-up data: pull, analyze, plan, diff, push, and nothing to redo.

    Example: crmbridge demo
    """
    from crmbridge.cli.demo import run_demo

    document = run_demo(folder or Path("crmbridge-demo"), now, is_quiet=json_)
    if json_:
        show_json(document)
