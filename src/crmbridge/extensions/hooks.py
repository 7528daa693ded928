"""The hooks: what a plugin may offer. Mark an implementation with `hookimpl`.

A plugin is a module that an installed package names in the entry-point group ``crmbridge``. It
implements any of these functions, each at most once. docs/extensions.md shows a whole one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pluggy

from crmbridge.adapters import Register
from crmbridge.records import Event

PROJECT = "crmbridge"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function as an implementation of the hook of its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """A way to score customers, beside crmbridge's own.

    Args:
        name: as the configuration names it.
        score: takes the customers, a pandas frame with one row per customer indexed by its key,
            and the aware time of the decision; gives one number in [0, 1] per customer as a
            series with the same index, missing where there is no opinion.
    """

    name: str
    title: str
    score: Callable[[Any, Any], Any]


RegisterScorer = Callable[[Scorer], None]


@hookspec
def crmbridge_register_adapters(register: Register) -> None:
    """Register adapters, each a `crmbridge.adapters.Adapter`, by calling ``register(adapter)``."""


@hookspec
def crmbridge_register_scorers(register: RegisterScorer) -> None:
    """Register scorers, each a `Scorer`, by calling ``register(scorer)``."""


@hookspec
def crmbridge_register_commands(app: Any) -> None:
    """Add commands to ``app``, a `typer.Typer` of the plugin's own, with ``@app.command()``.

    A command that has the name of one of ours, or of another plugin's, is left out.
    """


@hookspec
def crmbridge_on_event(event: Event) -> None:
    """Hear of an event, such as ``job.failed``. What it returns or raises changes nothing."""


NAMES = (
    "crmbridge_register_adapters",
    "crmbridge_register_scorers",
    "crmbridge_register_commands",
    "crmbridge_on_event",
)
