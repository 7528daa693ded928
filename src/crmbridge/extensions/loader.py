"""Finds the plugins that are installed and allowed, and gathers what they offer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Protocol, TypeVar

from crmbridge.adapters import Adapter
from crmbridge.errors import ConfigError
from crmbridge.extensions import hooks
from crmbridge.extensions.conflicts import Offer, settle
from crmbridge.extensions.plugins import (
    Code,
    Origin,
    Plugin,
    Problem,
    canonical,
    load_plugin,
    origin_of,
)
from crmbridge.records import Event

GROUP = "crmbridge"
"""The entry-point group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensions:
    """What the plugins of this run offer.

    Args:
        adapters: by name, each with where it comes from.
        scorers: by name, the same.
        plugins: those that could be imported.
        problems: whatever is not used, and why.
    """

    adapters: Mapping[str, Offer[Adapter]]
    scorers: Mapping[str, Offer[hooks.Scorer]]
    plugins: tuple[Plugin, ...] = ()
    problems: tuple[Problem, ...] = ()

    def adapter(self, name: str, where: str) -> Adapter:
        """An adapter by the name that the configuration gives.

        Args:
            where: the key that names it, for the error.

        Raises:
            ConfigError: no plugin that could be loaded offers it.
        """
        if name in self.adapters:
            return self.adapters[name].item
        raise ConfigError(where, self._known(), repr(name), self._advice(name))

    def notify(self, event: Event) -> tuple[Problem, ...]:
        """Tell every listener of an event; what one does or raises reaches no other.

        Returns:
            The problems of listeners that raised.
        """
        found = []
        for plugin in self.plugins:
            if plugin.has("crmbridge_on_event"):
                copy = replace(event, facts=dict(event.facts))
                found.append(plugin.call("crmbridge_on_event", event=copy))
        return tuple(problem for problem in found if problem is not None)

    def _known(self) -> str:
        return f"one of {', '.join(sorted(self.adapters))}" if self.adapters else "an adapter"

    def _advice(self, name: str) -> str:
        for problem in self.problems:
            if name in (problem.origin.plugin, problem.origin.distribution.partition("-")[2]):
                return f"Plugin {problem}. {problem.remedy}"
        return "Run 'crmbridge adapters'"


def load_extensions(
    allow: Iterable[str] = (), found: Iterable[EntryPoint] | None = None
) -> Extensions:
    """Load every installed plugin that may run.

    Args:
        allow: distributions that may run beside ours, as the configuration names them.
        found: entry points; by default those of the installed distributions.
    """
    points = entry_points(group=GROUP) if found is None else found
    allowed = {canonical(name) for name in allow}
    plugins, problems = _load_each(_in_order(points), allowed)
    adapters = _gather(plugins, "crmbridge_register_adapters", Adapter, problems)
    scorers = _gather(plugins, "crmbridge_register_scorers", hooks.Scorer, problems)
    return Extensions(
        adapters=MappingProxyType(adapters),
        scorers=MappingProxyType(scorers),
        plugins=tuple(plugins),
        problems=tuple(problems),
    )


def _in_order(points: Iterable[EntryPoint]) -> list[EntryPoint]:
    """The same order on every machine, whatever that of the search path."""
    return sorted(points, key=lambda point: (origin_of(point).distribution, point.name))


def _load_each(
    points: Sequence[EntryPoint], allowed: set[str]
) -> tuple[list[Plugin], list[Problem]]:
    plugins: list[Plugin] = []
    problems: list[Problem] = []
    for point in points:
        loaded = _not_allowed(origin_of(point), allowed) or load_plugin(point)
        if isinstance(loaded, Plugin):
            plugins.append(loaded)
        else:
            problems.append(loaded)
    return plugins, problems


def _not_allowed(origin: Origin, allowed: set[str]) -> Problem | None:
    if origin.is_own or origin.distribution in allowed:
        return None
    return Problem(
        origin=origin,
        code=Code.NOT_ALLOWED,
        reason="it does not come with crmbridge, and the configuration does not allow it",
        remedy=f"To run it with your privileges, add {origin.distribution!r} to plugins.allow",
    )


class _Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)


def _gather(
    plugins: Sequence[Plugin], hook: str, kind: type[N], problems: list[Problem]
) -> dict[str, Offer[N]]:
    offers: list[Offer[N]] = []
    for plugin in plugins:
        items, problem = plugin.collect(hook, kind)
        offers += [Offer(item=item, name=item.name, origin=plugin.origin) for item in items]
        if problem is not None:
            problems.append(problem)
    settled, conflicts = settle(offers, hook)
    problems += conflicts
    return settled
