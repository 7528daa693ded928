"""The command group: which commands there are, and where plugins' commands join them."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from crmbridge import __version__
from crmbridge.cli import commands
from crmbridge.cli.invocation import Invocation


class _Group(TyperGroup):
    """Loads plugins only when a command is asked for that crmbridge itself does not have."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = super().get_command(ctx, cmd_name)
        if found is None:
            from crmbridge.cli.extra import plugin_command

            found = plugin_command(cmd_name, ctx.params.get("config"))
        return found


app = typer.Typer(
    name="crmbridge",
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


def _show_version(wanted: bool) -> None:  # typer's callbacks get the flag's value
    if wanted:
        sys.stdout.write(f"crmbridge {__version__}\n")
        raise typer.Exit


@app.callback()
def _before(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", help="Configuration file; else CRMBRIDGE_CONFIG, else ./crmbridge.toml."
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error arose.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """Pull customers, visits and campaigns from your CRMs, plan the visits that are worth most,
    and write plans, scores and segments back, after showing what would change.

    Example: crmbridge --config crmbridge.toml run
    """
    del debug, version
    context.obj = Invocation(config=config)


def was_debug_asked() -> bool:
    """Whether --debug stands on the command line; asked when everything else went wrong."""
    return "--debug" in sys.argv


commands.register(app)
