"""Reasons as the store keeps them: a JSON list of code, text and weight."""

import json
from collections.abc import Iterable

from crmbridge.records import Reason
from crmbridge.store.jsontext import to_json


def reasons_text(reasons: Iterable[Reason]) -> str:
    """The text of reasons, in their order."""
    return to_json([{"code": r.code, "text": r.text, "weight": r.weight} for r in reasons])


def reasons_of(text: str) -> tuple[Reason, ...]:
    """The reasons of a text that `reasons_text` made."""
    return tuple(Reason(**reason) for reason in json.loads(text))
