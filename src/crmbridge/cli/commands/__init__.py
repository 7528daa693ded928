"""The commands, a module for each kind of work; each imports what it needs when it runs."""

import typer

from crmbridge.cli.commands import campaign, develop, evaluate, identity, look, setup, sync, work


def register(app: typer.Typer) -> None:
    """Add all commands, in the order in which a newcomer meets them."""
    for module in (setup, sync, work, look, campaign, identity, evaluate, develop):
        module.register(app)
