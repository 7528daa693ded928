"""Values as Salesforce will give them back, and whether two of them are the same."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from crmbridge_salesforce.codes import parse_instant

_NOT_HELD = frozenset({("Task", "kind"), ("Event", "kind"), ("Event", "status")})
"""Of our visits, what Salesforce has no field for that we could write: it is never compared."""


def normal(object_: str, field: str, value: Any) -> Any:
    """The value that a field will hold.

    Texts lose their outer space and instants their fractions of a second; an empty text is none
    ("Field types", Object Reference). How numbers are rounded depends on the field, which cannot
    be known without asking; `agree` allows for it.
    """
    if (object_, field) in _NOT_HELD:
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


def agree(held: Any, wanted: Any) -> bool:
    """Whether what Salesforce holds is what we mean, however either is written."""
    held, wanted = normal("", "", held), normal("", "", wanted)
    if held is None or wanted is None:
        return _is_nothing(held) and _is_nothing(wanted)
    if isinstance(held, bool) or isinstance(wanted, bool):
        return bool(_flag(held) == _flag(wanted))
    if isinstance(held, int | float) and isinstance(wanted, int | float):
        return math.isclose(held, wanted, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(held, str) and isinstance(wanted, str):
        return held == wanted or _same_instant(held, wanted) or _folded(held) == _folded(wanted)
    return str(held) == str(wanted)


def _is_nothing(value: Any) -> bool:
    return value is None or value is False


def _flag(value: Any) -> Any:
    return {True: 1, False: 0, "true": 1, "false": 0}.get(value, value)


def _folded(text: str) -> str:
    """Line breaks come back as they were typed, or as CR LF."""
    return text.replace("\r\n", "\n")


def _same_instant(held: str, wanted: str) -> bool:
    if "T" not in held or "T" not in wanted:
        return False
    try:
        return parse_instant(held) == parse_instant(wanted)
    except ValueError:
        return False


Values = Mapping[str, Any]
