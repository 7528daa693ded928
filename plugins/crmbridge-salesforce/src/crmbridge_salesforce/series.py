"""Leaves out the records that stand for a whole series of activities.

Each occurrence is a record of its own. In Salesforce Classic the series is one with
``IsRecurrence`` ("Event", "Task", Object Reference); in Lightning it is the event whose
``GroupEventType`` is 3 ("the event series record, which represents the recurrence pattern", Change
Data Capture guide, "Recurring Activities"), while ``IsRecurrence2`` is true of its occurrences
too (REST API guide, "Delete Lightning Experience Event Series").
"""

from collections.abc import Mapping
from typing import Any

from crmbridge_salesforce.client import Client
from crmbridge_salesforce.mapping import ARCHIVED

_CONDITIONS = {"IsRecurrence": "IsRecurrence = false", "GroupEventType": "GroupEventType != '3'"}


def single_records(client: Client, object_: str) -> list[str]:
    """Conditions that hold for records which are no series, where the object has such."""
    if object_ not in ARCHIVED:
        return []
    described: Mapping[str, Any] = client.describe(object_) or {}
    names = {one.get("name") for one in described.get("fields") or ()}
    return [condition for name, condition in _CONDITIONS.items() if name in names]
