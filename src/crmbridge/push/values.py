"""Values as a changeset holds them: plain JSON, finite, comparable across systems.

An instant is text in UTC, ``2026-03-02T09:00:00Z``; a day is ``2026-03-02``. Adapters get the same
values, so what was reviewed is what is sent.
"""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from crmbridge.records import from_millis

Value = Any
"""str, int, float, bool, None, or a list or dict of these."""


def canonical(value: object) -> str:
    """Compact JSON with sorted keys: equal values give equal text.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    return json.dumps(
        value, separators=(",", ":"), sort_keys=True, ensure_ascii=False, allow_nan=False
    )


def plain(value: Any) -> Value:
    """The JSON value of what the engine or the planner wants written.

    Raises:
        ValueError: a number is NaN or infinite, a datetime is naive, a text is no Unicode, or a
            type has no JSON.
    """
    if isinstance(value, str):
        value.encode()  # a lone surrogate fits no CRM and no file; UnicodeError is a ValueError
        return value
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, Sequence):
        return [plain(part) for part in value]
    raise ValueError(f"a {type(value).__name__} cannot be written")


def instant_text(at: datetime) -> str:
    """An aware datetime as text in UTC, with milliseconds only where there are any.

    Raises:
        ValueError: the datetime is naive.
    """
    if at.tzinfo is None:
        raise ValueError("a datetime without a zone cannot be written")
    at = at.astimezone(UTC)
    return at.isoformat(timespec="milliseconds" if at.microsecond >= 1000 else "seconds")[:-6] + "Z"


def millis_text(millis: int | None) -> str | None:
    """Milliseconds since 1970 as `instant_text`; None stays None."""
    return None if millis is None else instant_text(from_millis(millis))


def parse_instant(text: str) -> datetime:
    """The aware datetime of `instant_text`."""
    return datetime.fromisoformat(text)


def is_empty(value: Value) -> bool:
    """Whether a value says nothing: None, blank text, an empty list."""
    return value is None or (isinstance(value, str) and not value.strip()) or value in ([], {})


def is_same(left: Value, right: Value) -> bool:
    """Whether two values mean the same in a CRM: empty is empty, numbers within 1e-9."""
    if is_empty(left) or is_empty(right):
        return is_empty(left) and is_empty(right)
    if _is_number(left) and _is_number(right):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return bool(left == right)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float)  # bool too: a flag is held as 0 or 1


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number that a CRM can hold")
    return value
