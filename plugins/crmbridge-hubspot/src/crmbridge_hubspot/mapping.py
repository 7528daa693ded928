"""What this adapter can do with each object, and which it reads unless told otherwise."""

from collections.abc import Mapping
from dataclasses import replace

from crmbridge.adapters import (
    Capabilities,
    Check,
    Deletes,
    ObjectCapability,
    Operation,
    Reading,
)

VISIT_KEY = "crmbridge_visit_key"
"""Property of meetings, with unique values, that holds our key; `provision` makes it."""
REPLIES = ("crmbridge_reply", "crmbridge_reply_until", "crmbridge_reply_reason")
"""Properties in which reps answer to a visit; `provision` makes them, where they are wanted."""
OWNERS, LISTS, MEMBERS, CAMPAIGNS = "owners", "lists", "list_memberships", "campaigns"
ORDERS, LINES, SUBSCRIPTIONS = "orders", "line_items", "subscriptions"
OWN = ("meetings", "tasks")
"""Objects that visits are written as."""
PERSONS = "persons"
"""Contacts read as customers, for a business that sells to people."""

BATCH = 100
"""Inputs of one batch; what the guide to batch endpoints allows for objects."""

_TYPES = {PERSONS: "contacts"}
_STREAMS = {
    "companies": "customers",
    PERSONS: "customers",
    "contacts": "contacts",
    "meetings": "activities",
    "calls": "activities",
    "tasks": "activities",
    "notes": "activities",
    "emails": "activities",
    "deals": "deals",
    "products": "products",
    ORDERS: "orders",
    LINES: "order_lines",
}
"""Objects that the endpoints of CRM objects serve, with the stream they are read into."""

_PEOPLE = ("companies", PERSONS, "contacts")
_LINKS = {
    "contacts": ("companies",),
    "deals": ("companies", PERSONS),
    ORDERS: ("companies", PERSONS),
    LINES: (ORDERS, "companies", PERSONS),
    **dict.fromkeys(("meetings", "calls", "tasks", "notes", "emails"), _PEOPLE),
}
MERGING = frozenset({"companies", "contacts", "deals"})
"""Types whose records can be merged; the winner's `hs_merged_object_ids` name the losers."""
MERGED = "hs_merged_object_ids"

_FIELDS = frozenset({Operation.UPDATE, Operation.CLEAR})
_OPERATIONS = {
    "companies": _FIELDS,
    PERSONS: _FIELDS,
    "contacts": _FIELDS,
    **dict.fromkeys(OWN, _FIELDS | {Operation.CREATE, Operation.DELETE}),
}
_NOTES = {
    "meetings": (
        "A meeting logs an activity on the customer's record. It enters nobody's calendar and"
        " invites nobody: give the reps the calendar files (.ics)."
    ),
    "tasks": (
        "A visit that is written as a task has a due time and no end, and enters nobody's calendar:"
        " give the reps the calendar files (.ics)."
    ),
    LISTS: (
        "A campaign is started as a list that is kept by hand; our key stands in its name, since"
        " lists have no properties that can be searched."
    ),
    MEMBERS: (
        "Only lists that are kept by hand take members, and they keep no status: name a property"
        " of contacts as member_status to have it, one for all the lists that a contact is on. A"
        " marketing campaign of HubSpot has no members:"
        " its interface offers no way to add one."
    ),
    CAMPAIGNS: "Marketing campaigns are read only; members are kept in lists.",
    LINES: (
        "A line item is a customer's through an order or a deal that was won; those of open deals"
        " are nobody's."
    ),
    SUBSCRIPTIONS: "One call for every hundred contacts, at each pull.",
}


def type_of(object_: str) -> str:
    """The type in HubSpot's addresses that an object of ours is read from."""
    return _TYPES.get(object_, object_)


def is_record(object_: str) -> bool:
    """Whether an object is served by the endpoints of CRM objects."""
    return object_ in _STREAMS


def modified_property(type_: str) -> str:
    """The property that says when a record was modified; contacts alone have the older name."""
    return "lastmodifieddate" if type_ == "contacts" else "hs_lastmodifieddate"


def _record(object_: str, stream: str) -> ObjectCapability:
    operations = _OPERATIONS.get(object_, frozenset())
    has_key = Operation.CREATE in operations
    return ObjectCapability(
        stream=stream,
        reading=Reading.WINDOW,
        deletes=Deletes.LISTED,
        counts=True,
        reads_ids=True,
        reads_by_id=True,
        links=_LINKS.get(object_, ()),
        operations=operations,
        key_field=VISIT_KEY if has_key else "",
        key_is_unique=has_key,
        check=Check.COMPARE,
        batch=BATCH,
        clears=bool(operations),
        note=_NOTES.get(object_, ""),
    )


def _whole(object_: str, stream: str, **more: frozenset[Operation]) -> ObjectCapability:
    return ObjectCapability(
        stream=stream,
        reading=Reading.SNAPSHOT,
        deletes=Deletes.ABSENCE,
        batch=BATCH,
        note=_NOTES.get(object_, ""),
        **more,  # type: ignore[arg-type]
    )


CAPABILITIES = Capabilities(
    objects={
        **{object_: _record(object_, stream) for object_, stream in _STREAMS.items()},
        OWNERS: _whole(OWNERS, "reps"),
        LISTS: replace(
            _whole(LISTS, "campaigns", operations=frozenset({Operation.CREATE})),
            key_field="name",
            key_is_unique=True,
        ),
        SUBSCRIPTIONS: _whole(SUBSCRIPTIONS, "consents"),
        CAMPAIGNS: _whole(CAMPAIGNS, "campaigns"),
        MEMBERS: _whole(
            MEMBERS,
            "campaign_members",
            operations=frozenset(
                {Operation.ADD_MEMBER, Operation.SET_MEMBER, Operation.REMOVE_MEMBER}
            ),
        ),
    },
    describes=True,
    has_clock=True,
    has_quota=True,
    provisions=True,
    overlap_minutes=10,
    # The search index was seen to be incomplete and out of order by up to an hour
    # (estuary/connectors issues 1861, 2210, 5180), so the pass that proves runs behind that.
    lag_minutes=60,
    workers=8,
)

OBJECTS: Mapping[str, tuple[str, ...]] = {
    "reps": (OWNERS,),
    "customers": ("companies",),
    "contacts": ("contacts",),
    "activities": ("meetings", "calls", "tasks", "notes", "emails"),
    "campaigns": (LISTS,),
    "campaign_members": (MEMBERS,),
    "deals": ("deals",),
    "products": ("products",),
}
"""Orders, line items, subscriptions and marketing campaigns are read where the configuration names
them: not every account has them, and reading what an account lacks is an error."""
