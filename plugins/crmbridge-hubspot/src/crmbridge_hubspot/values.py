"""Values as HubSpot holds them, all of them texts, and what they are on our side."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from crmbridge_hubspot.computed import COMPUTED
from crmbridge_hubspot.fields import MAPPINGS

_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,10})?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)")


def to_text(value: Any) -> str:
    """A value as it is sent; the empty text empties a property."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, list | tuple):
        return ";".join(map(to_text, value))  # how checkboxes are told
    if isinstance(value, dict):
        return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return str(value).strip()


def normal(value: Any) -> Any:
    """A value as it compares: numbers are numbers, instants are written one way.

    Numbers come back as texts, so a text that says a number and nothing else is that number;
    ``00123`` is not.
    """
    text = value if value is None else to_text(value)
    if not text:
        return None if value is None else ""
    if _NUMBER.fullmatch(text):
        number = float(text)
        return int(number) if number.is_integer() else number
    return _instant(text) if _INSTANT.fullmatch(text) else text


def _instant(text: str) -> str:
    try:
        at = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return text
    return at.isoformat(timespec="milliseconds" if at.microsecond >= 1000 else "seconds")[:-6] + "Z"


def is_same(left: Any, right: Any) -> bool:
    """Whether two values are one in HubSpot; nothing and the empty text are."""
    return bool(_shown(left) == _shown(right))


def _shown(value: Any) -> Any:
    found = normal(value)
    return "" if found is None else found


def own_field(object_: str, name: str) -> tuple[str, Mapping[str, Any]] | None:
    """The property of one of our own records' fields, and its values by ours; None where it
    has none: a constant, or what is computed."""
    source = MAPPINGS.get("activities", {}).get(object_, {}).get(name)
    if source is None:
        return name, {}
    if isinstance(source, str):
        return None if source in COMPUTED else (source, {})
    if not source.get("field") or source["field"] in COMPUTED:
        return None
    ours: dict[str, Any] = {}
    for theirs, mine in source.get("values", {}).items():
        ours.setdefault(mine, theirs)
    return str(source["field"]), ours


def own_properties(object_: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Fields of one of our own records as properties."""
    found: dict[str, str] = {}
    for name, value in values.items():
        if name in LINKED:
            continue
        field = own_field(object_, name)
        if field is not None:
            found[field[0]] = to_text(field[1].get(value, value))
    return found


LINKED = ("customer_id", "contact_id")
"""Fields of our own records that are associations."""
