"""JSON as the store keeps it: compact, keys sorted, no NaN."""

import json
from typing import Any


def to_json(value: Any) -> str:
    """Compact text; equal values give equal texts.

    Raises:
        ValueError: NaN or infinity is in it.
    """
    return json.dumps(
        value, separators=(",", ":"), sort_keys=True, ensure_ascii=False, allow_nan=False
    )


def from_json(text: str | None) -> Any:
    """The value of a text that `to_json` made; {} for None."""
    return {} if text is None else json.loads(text)
