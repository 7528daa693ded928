"""Commands to try crmbridge and to extend it: new-adapter, demo."""

from itertools import count
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

    document = run_demo(folder or _free_folder(), now, is_quiet=json_)
    if json_:
        show_json(document)


def _free_folder() -> Path:
    """The first of crmbridge-demo, crmbridge-demo-2, ... that is not there: nothing is lost."""
    names = ("crmbridge-demo" + (f"-{number}" if number > 1 else "") for number in count(1))
    return next(Path(name) for name in names if not Path(name).exists())
