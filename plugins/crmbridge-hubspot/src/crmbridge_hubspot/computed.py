"""Columns that no property of HubSpot holds, and what each is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crmbridge_hubspot.mapping import ORDERS, VISIT_KEY

KIND = "computed.kind"
"""``visit`` for a task that bears our key, else ``task``."""
ORDERED_AT = "computed.ordered_at"
"""When the shop took the order, or when HubSpot learned of it."""


@dataclass(frozen=True, slots=True)
class Computed:
    """A column.

    Args:
        inputs: the properties it is made of.
        of: makes it, from a record's properties.
    """

    inputs: tuple[str, ...]
    of: Callable[[Mapping[str, Any]], Any]


def _kind(properties: Mapping[str, Any]) -> str:
    return "visit" if properties.get(VISIT_KEY) else "task"


def _ordered_at(properties: Mapping[str, Any]) -> Any:
    return properties.get("hs_external_created_date") or properties.get("hs_createdate")


COMPUTED: Mapping[str, Computed] = {
    KIND: Computed((VISIT_KEY,), _kind),
    ORDERED_AT: Computed(("hs_external_created_date", "hs_createdate"), _ordered_at),
}
COMPUTED_OF: Mapping[str, tuple[str, ...]] = {"tasks": (KIND,), ORDERS: (ORDERED_AT,)}
"""Object -> its columns of this kind."""
