"""Loads one plugin on its own, so that a broken one is named and hides no other."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum
from importlib.metadata import EntryPoint
from typing import Any, TypeVar

import pluggy

from crmbridge.errors import ConfigError, CrmbridgeError
from crmbridge.extensions import hooks

OWN_DISTRIBUTIONS = frozenset({"crmbridge-csv", "crmbridge-hubspot", "crmbridge-salesforce"})
"""Distributions that come with crmbridge; only these load without being allowed."""

_LONGEST = 200
T = TypeVar("T")


class Code(Enum):
    """What is wrong with a plugin."""

    NOT_ALLOWED = "not_allowed"
    "It is installed, and the configuration does not allow it; nothing of it was imported."
    BROKEN = "broken"
    "It cannot be imported, or has a hook that we do not know."
    RAISED = "raised"
    "One of its hooks raised; nothing that the hook offered is used."
    CONFLICT = "conflict"
    "It offers a name that another plugin offers, too."


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a plugin comes from.

    Args:
        plugin: the entry point's name.
        distribution: the installed package's name, in lower case with hyphens.
    """

    plugin: str
    distribution: str
    version: str

    @property
    def is_own(self) -> bool:
        """Whether it comes with crmbridge."""
        return self.distribution in OWN_DISTRIBUTIONS

    def __str__(self) -> str:
        return f"{self.plugin} ({self.distribution} {self.version})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a plugin, or a part of what it offers, is not used."""

    origin: Origin
    code: Code
    reason: str
    hook: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        hook = f": {self.hook}" if self.hook else ""
        return f"{self.origin}{hook}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A plugin that could be imported, alone in a manager of its own."""

    origin: Origin
    manager: pluggy.PluginManager = field(repr=False)

    def has(self, hook: str) -> bool:
        """Whether it implements a hook."""
        return bool(getattr(self.manager.hook, hook).get_hookimpls())

    def call(self, hook: str, **arguments: Any) -> Problem | None:
        """Call a hook; what it raises comes back as a problem."""
        try:
            with _quiet_output():
                getattr(self.manager.hook, hook)(**arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            remedy = f"Mend or remove {self.origin.distribution}"
            return Problem(
                origin=self.origin, code=Code.RAISED, reason=told(error), hook=hook, remedy=remedy
            )
        return None

    def collect(self, hook: str, kind: type[T]) -> tuple[tuple[T, ...], Problem | None]:
        """What a register hook registers: all of it, or nothing if the hook raises."""
        found: list[T] = []
        problem = self.call(hook, register=_register_into(found, kind))
        return (() if problem else tuple(found)), problem


def origin_of(entry_point: EntryPoint) -> Origin:
    """Which distribution an entry point belongs to."""
    dist = entry_point.dist
    name, version = (dist.name, dist.version) if dist is not None else ("unknown", "")
    return Origin(plugin=entry_point.name, distribution=canonical(name), version=version)


def canonical(distribution: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def load_plugin(entry_point: EntryPoint) -> Plugin | Problem:
    """Import a plugin and look whether its hooks are ours."""
    origin = origin_of(entry_point)
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    try:
        with _quiet_output():
            module = entry_point.load()
            manager.register(module, name=origin.plugin)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        remedy = f"Mend or remove {origin.distribution}"
        return Problem(origin=origin, code=Code.BROKEN, reason=told(error), remedy=remedy)
    return _unknown_hook(origin, module, manager) or Plugin(origin=origin, manager=manager)


def told(error: BaseException) -> str:
    """An error in one line, short enough to list."""
    if isinstance(error, CrmbridgeError):
        return error.line()
    text = " ".join(str(error).split()) or "no message"
    return f"{type(error).__name__}: {text}"[:_LONGEST]


def _unknown_hook(origin: Origin, module: object, manager: pluggy.PluginManager) -> Problem | None:
    """The problem of a hook that is misspelt or not marked; pluggy would pass over it."""
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        return _hook_problem(origin, _pending_name(manager), told(error))
    implemented = {caller.name for caller in manager.get_hookcallers(module) or ()}
    for name in dir(module):
        if (
            name.startswith(f"{hooks.PROJECT}_")
            and name not in implemented
            and callable(getattr(module, name))
        ):
            return _hook_problem(origin, name, f"{name} is not marked with @hookimpl")
    return None


def _pending_name(manager: pluggy.PluginManager) -> str:
    for name, caller in sorted(vars(manager.hook).items()):
        if isinstance(caller, pluggy.HookCaller) and not caller.has_spec():
            return name
    return ""


def _hook_problem(origin: Origin, name: str, reason: str) -> Problem:
    near = get_close_matches(name, hooks.NAMES, n=1, cutoff=0.5)
    known = f"Did you mean {near[0]}?" if near else f"Hooks: {', '.join(hooks.NAMES)}"
    if name in hooks.NAMES:
        known = "Mark it with crmbridge.extensions.hookimpl"
    elif near:
        reason = f"there is no hook {name}"
    return Problem(origin=origin, code=Code.BROKEN, reason=reason, hook=name, remedy=known)


def _register_into(found: list[T], kind: type[T]) -> Callable[[T], None]:
    def register(item: T) -> None:
        if not isinstance(item, kind):
            got = type(item).__name__
            raise ConfigError("register", f"an object of class {kind.__name__}", f"one of {got}")
        name = getattr(item, "name", None)
        if not isinstance(name, str) or not name:
            raise ConfigError("register", f"the {kind.__name__} to have a name", repr(name))
        found.append(item)

    return register


@contextmanager
def _quiet_output() -> Iterator[None]:
    """What a plugin prints goes to standard error: standard output is for the command's answer."""
    with redirect_stdout(sys.stderr):
        yield
