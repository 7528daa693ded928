"""What this adapter can do, and where it looks unless the configuration says otherwise."""

from crmbridge.adapters import (
    Capabilities,
    Check,
    Deletes,
    Mappings,
    ObjectCapability,
    Operation,
    Reading,
)
from crmbridge.records import CONSENT_FIELDS, ENVELOPE, STREAMS

MEMBERS = "campaign_members"
VISITS, TASKS = "visits", "tasks"
"""Objects that exist in the folder of results only: our own activities."""

OBJECTS = {name: (name, VISITS, TASKS) if name == "activities" else (name,) for name in STREAMS}
"""stream -> objects; an object's file is ``<object>.csv`` or ``<object>.csv.gz``."""

_FIELDS = frozenset({Operation.UPDATE, Operation.CLEAR})
_OWN = _FIELDS | {Operation.CREATE, Operation.DELETE}
_MEMBERSHIP = frozenset({Operation.ADD_MEMBER, Operation.REMOVE_MEMBER})
OPERATIONS = {
    "customers": _FIELDS,
    "contacts": _FIELDS,
    "campaigns": _FIELDS | {Operation.CREATE},
    MEMBERS: _MEMBERSHIP,
    VISITS: _OWN,
    TASKS: _OWN,
}

CREATED = frozenset({"campaigns", MEMBERS, VISITS, TASKS})
"""Objects that we add records to."""


def _capability(stream: str, object_: str) -> ObjectCapability:
    operations = OPERATIONS.get(object_, frozenset())
    creates = object_ in CREATED
    return ObjectCapability(
        stream=stream,
        reading=Reading.SNAPSHOT,
        deletes=Deletes.ABSENCE,
        counts=True,
        reads_ids=True,
        reads_by_id=True,
        operations=operations,
        key_field="id" if creates else "",
        key_is_unique=creates,
        check=Check.COMPARE,
        batch=10_000,
        clears=bool(operations & _FIELDS),
    )


CAPABILITIES = Capabilities(
    objects={
        object_: _capability(stream, object_)
        for stream, objects in OBJECTS.items()
        for object_ in objects
    },
    describes=True,
    overlap_minutes=0,
)


def _identity(stream: str, object_: str) -> dict[str, str | dict[str, str]]:
    names = [*ENVELOPE, *(field.name for field in STREAMS[stream].fields)]
    if stream in ("customers", "contacts"):
        names += CONSENT_FIELDS
    fields: dict[str, str | dict[str, str]] = {name: name for name in names}
    if object_ in (VISITS, TASKS):
        fields["kind"] = {"const": "visit" if object_ == VISITS else "task"}
        fields["visit_key"] = "id"
        for name in ("start_at", "end_at", "due_on", "reply_until", "modified_at"):
            fields[name] = {"field": name, "format": ""}  # ISO 8601, whatever their own files have
    return fields


MAPPINGS: Mappings = {
    stream: {object_: _identity(stream, object_) for object_ in objects}
    for stream, objects in OBJECTS.items()
}
"""Every column that bears a canonical field's name is that field."""
