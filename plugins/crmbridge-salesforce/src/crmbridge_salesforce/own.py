"""Our own records in Salesforce's fields: visits as Event or Task, campaigns as Campaign."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crmbridge.adapters import WriteItem
from crmbridge_salesforce.ids import to_18

LEAD = "00Q"
"""Prefix of a lead's id. An activity of a lead has no related record besides."""

_ACTIVITY = {
    "subject": "Subject",
    "description": "Description",
    "rep_id": "OwnerId",
    "customer_id": "WhatId",
    "contact_id": "WhoId",
}
_FIELDS: Mapping[str, Mapping[str, str]] = {
    "Event": {
        **_ACTIVITY,
        "location": "Location",
        "start_at": "StartDateTime",
        "end_at": "EndDateTime",
        "all_day": "IsAllDayEvent",
        "busy": "ShowAs",
    },
    "Task": {**_ACTIVITY, "due_on": "ActivityDate", "status": "Status"},
    "Campaign": {
        "name": "Name",
        "kind": "Type",
        "status": "Status",
        "starts_on": "StartDate",
        "ends_on": "EndDate",
        "budget": "BudgetedCost",
        "parent_id": "ParentId",
    },
}
_SEEN_AS = {"WhatId": "AccountId"}
"""Salesforce derives AccountId from WhatId, and we read that."""
_IS_CLOSED = {"Not Started": False, "Completed": True}
"""A task's status is seen by whether it is closed: which words there are, each account decides
("TaskStatus", Object Reference), and one that somebody has begun is still planned."""
_WORDS: Mapping[tuple[str, str], Mapping[Any, str]] = {
    ("Event", "ShowAs"): {0: "Free", 1: "Busy"},
    ("Task", "Status"): {"planned": "Not Started", "done": "Completed"},
    ("Campaign", "Status"): {
        "draft": "Planned", "active": "In Progress", "paused": "In Progress", "done": "Completed",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An item in Salesforce's fields.

    Args:
        sends: field -> value that is written.
        shows: field -> value that a read shows afterwards.
        expected: field -> value that a read must still show.
    """

    item: WriteItem
    sends: Mapping[str, Any]
    shows: Mapping[str, Any]
    expected: Mapping[str, Any]


def wanted_of(item: WriteItem) -> Wanted:
    """What an item means; fields of our own records that Salesforce lacks are left out."""
    sends = _translated(item.object, item.values)
    expected = _translated(item.object, item.expected)
    return Wanted(
        item=item,
        sends=_for_lead(sends),
        shows=_seen(item.object, sends),
        expected=_seen(item.object, expected),
    )


def _seen(object_: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as a read shows them."""
    found = {_SEEN_AS.get(name, name): value for name, value in values.items()}
    if object_ == "Task" and found.get("Status") in _IS_CLOSED:
        found["IsClosed"] = _IS_CLOSED[found.pop("Status")]
    return found


def _translated(object_: str, values: Mapping[str, Any]) -> dict[str, Any]:
    names = _FIELDS.get(object_)
    if names is None:
        return {name: _plain(value) for name, value in values.items()}
    return {
        names[name]: _worded(object_, names[name], value)
        for name, value in values.items()
        if name in names
    }


def _worded(object_: str, field: str, value: Any) -> Any:
    words = _WORDS.get((object_, field))
    if words is not None and value is not None:
        return words.get(value, value)
    return to_18(value) if isinstance(value, str) and field.endswith("Id") else _plain(value)


def _plain(value: Any) -> Any:
    """Salesforce takes no empty text apart from none."""
    return None if value == "" else value


def _for_lead(sends: dict[str, Any]) -> dict[str, Any]:
    what = sends.get("WhatId") or ""
    if what.startswith(LEAD):
        sends = {**sends, "WhoId": what}
    if str(sends.get("WhoId") or "").startswith(LEAD):
        sends = {name: value for name, value in sends.items() if name != "WhatId"}
    return sends
