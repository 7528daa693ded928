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
    app.command("sandbox")(sandbox)


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
    crm: Annotated[
        str, typer.Option("--crm", help="In a sandbox of this CRM: salesforce or hubspot.")
    ] = "",
    json_: Json = False,
    now: Now = None,
) -> None:
    """Show the whole way on made-up data: pull, analyze, plan, diff, push, and nothing to redo.

    Example: crmbridge demo
    """
    from crmbridge.cli.demo import run_demo

    document = run_demo(folder or _free_folder(), now, is_quiet=json_, crm=crm)
    if json_:
        show_json(document)


def sandbox(
    crm: Annotated[str, typer.Argument(metavar="CRM", help="salesforce or hubspot.")],
    port: Annotated[int, typer.Option("--port", help="0 for any that is free.")] = 0,
    json_: Json = False,
) -> None:
    """Serve a made-up CRM on this machine until you stop it, to try crmbridge without an account.

    Example: crmbridge sandbox hubspot --port 8765
    """
    import threading

    from crmbridge.cli.demo import start_sandbox

    with start_sandbox(crm, port) as running:
        if json_:
            show_json({"url": running.url, "settings": running.settings})
        else:
            show(f"# {crm} at {running.url}; stop it with Ctrl-C. Settings that reach it:")
            for name, value in running.secrets.items():
                show(f"# export {name}={value}")
            show(running.settings)
        threading.Event().wait()


def _free_folder() -> Path:
    """The first of crmbridge-demo, crmbridge-demo-2, ... that is not there: nothing is lost."""
    names = ("crmbridge-demo" + (f"-{number}" if number > 1 else "") for number in count(1))
    return next(Path(name) for name in names if not Path(name).exists())
