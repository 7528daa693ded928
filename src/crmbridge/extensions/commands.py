"""Gathers the commands that plugins offer, each from an app of the plugin's own."""

from collections.abc import Callable
from typing import TypeVar

from crmbridge.extensions.loader import Extensions
from crmbridge.extensions.plugins import Origin, Problem

HOOK = "crmbridge_register_commands"
App = TypeVar("App")


def command_apps(
    extensions: Extensions, new_app: Callable[[], App]
) -> tuple[tuple[tuple[Origin, App], ...], tuple[Problem, ...]]:
    """Let every plugin add its commands to an app of its own.

    Args:
        new_app: makes an empty app.

    Returns:
        The apps of plugins that have commands, and the problems of those whose hook raised.
    """
    apps: list[tuple[Origin, App]] = []
    problems: list[Problem] = []
    for plugin in extensions.plugins:
        if not plugin.has(HOOK):
            continue
        app = new_app()
        problem = plugin.call(HOOK, app=app)
        if problem is None:
            apps.append((plugin.origin, app))
        else:
            problems.append(problem)
    return tuple(apps), tuple(problems)
