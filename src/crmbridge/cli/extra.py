"""Finds commands that plugins add."""

import os
from pathlib import Path
from typing import Any

import typer

from crmbridge.errors import CrmbridgeError


def plugin_command(name: str, config: Path | None) -> Any:
    """The command of that name that an allowed plugin offers, or None.

    Without a readable configuration no plugin is allowed, and none is loaded.
    """
    from crmbridge.extensions import command_apps, load_extensions
    from crmbridge.settings import load

    try:
        settings = load(config, os.environ)
    except CrmbridgeError:
        return None
    apps, _ = command_apps(load_extensions(settings.plugins.allow), typer.Typer)
    for _, app in apps:
        command = typer.main.get_command(app)
        found = getattr(command, "commands", {command.name: command}).get(name)
        if found is not None:
            return found
    return None
