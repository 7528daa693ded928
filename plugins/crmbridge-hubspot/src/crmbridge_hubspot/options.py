"""Adds the options that an enumeration lacks and a write needs, where the settings allow it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crmbridge_hubspot.client import HubspotApi, Record


@dataclass(frozen=True, slots=True)
class Options:
    """Options of one account's properties."""

    api: HubspotApi

    def make(self, type_: str, values: Sequence[Mapping[str, str]]) -> None:
        """Add what is missing. Definitions are read just before, since HubSpot takes the whole
        list of options and would drop what somebody added meanwhile. Where HubSpot refuses, the
        write that follows is refused, and says why."""
        found = {str(one["name"]): one for one in self.api.properties(type_) or ()}
        for name in sorted({name for one in values for name in one}):
            texts = [one[name] for one in values if one.get(name)]
            fresh = missing(found.get(name, {}), texts)
            if fresh:
                held = found[name].get("options") or []
                self.api.set_options(type_, name, [*held, *map(option, fresh)])


def missing(definition: Record, texts: Sequence[str]) -> list[str]:
    """The values that an enumeration has no option for, each once."""
    details = definition.get("modificationMetadata") or {}
    is_open = definition.get("type") == "enumeration" and not definition.get("externalOptions")
    if not is_open or details.get("readOnlyDefinition") or details.get("readOnlyOptions"):
        return []
    known = {str(one["value"]) for one in definition.get("options") or ()}
    named = (part for text in texts for part in text.split(";") if part)
    return [one for one in dict.fromkeys(named) if one not in known]


def option(value: str) -> dict[str, Any]:
    """An option as a new one is sent."""
    return {"label": value, "value": value, "displayOrder": -1, "hidden": False}
