"""What this adapter can do, and where it looks unless the configuration says otherwise."""

from collections.abc import Mapping

from crmbridge.adapters import (
    Capabilities,
    Check,
    Deletes,
    FieldSource,
    Mappings,
    ObjectCapability,
    Operation,
    Reading,
)

VISIT_KEY = "crmbridge_visit_key"
"""Property of meetings, with unique values, that holds our key; `provision` makes it."""
OWNERS, LISTS, MEMBERS, CAMPAIGNS = "owners", "lists", "list_memberships", "campaigns"
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
    "line_items": "order_lines",
}
"""Objects that the endpoints of CRM objects serve, with the stream they are read into."""

_PEOPLE = ("companies", PERSONS, "contacts")
_LINKS = {
    "contacts": ("companies",),
    "deals": ("companies", PERSONS),
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
    "meetings": _FIELDS | {Operation.CREATE, Operation.DELETE},
}
_NOTES = {
    "meetings": (
        "A meeting logs an activity on the customer's record. It enters nobody's calendar and"
        " invites nobody: give the reps the calendar files (.ics)."
    ),
    MEMBERS: (
        "Only lists that are kept by hand take members, and they keep no status. A marketing"
        " campaign of HubSpot has no members: its interface offers no way to add one."
    ),
    CAMPAIGNS: "Marketing campaigns are read only; members are kept in lists.",
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
        LISTS: _whole(LISTS, "campaigns"),
        CAMPAIGNS: _whole(CAMPAIGNS, "campaigns"),
        MEMBERS: _whole(
            MEMBERS,
            "campaign_members",
            operations=frozenset({Operation.ADD_MEMBER, Operation.REMOVE_MEMBER}),
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
    workers=4,
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
"""Line items and marketing campaigns are read where the configuration names them: not every
account has them, and reading what an account lacks is an error."""

_ENVELOPE: dict[str, FieldSource] = {"id": "id", "modified_at": "hs_lastmodifieddate"}
_OWNER: dict[str, FieldSource] = {"owner_id": "hubspot_owner_id"}
_OPT_OUT: dict[str, FieldSource] = {
    # Not having opted out is no consent.
    "consent_email": {"field": "hs_email_optout", "values": {"true": "denied", "false": "unknown"}}
}
_STAGE: FieldSource = {
    "field": "lifecyclestage",
    "values": {"customer": "active", "evangelist": "active"},
    "default": "prospect",
}

_COMPANY: dict[str, FieldSource] = {
    **_ENVELOPE,
    **_OWNER,
    "name": "name",
    "kind": {"const": "org"},
    "status": _STAGE,
    "street": "address",
    "postcode": "zip",
    "city": "city",
    "region": "state",
    "country": "country",
    "phone": "phone",
    "industry": "industry",
    "revenue": "annualrevenue",
    "employees": "numberofemployees",
    "parent_id": "hs_parent_company_id",
}
_CONTACT: dict[str, FieldSource] = {
    **_OWNER,
    **_OPT_OUT,
    "id": "id",
    "modified_at": "lastmodifieddate",
    "email": "email",
    "phone": "phone",
}
_PERSON: dict[str, FieldSource] = {
    **_CONTACT,
    "name": "hs_full_name_or_email",
    "kind": {"const": "person"},
    "status": _STAGE,
    "street": "address",
    "postcode": "zip",
    "city": "city",
    "region": "state",
    "country": "country",
}


def _activity(kind: str, **fields: FieldSource) -> dict[str, FieldSource]:
    return {
        **_ENVELOPE,
        "kind": {"const": kind},
        "rep_id": "hubspot_owner_id",
        "start_at": "hs_timestamp",
        **fields,
    }


MAPPINGS: Mappings = {
    "reps": {
        OWNERS: {
            "id": "id",
            "modified_at": "updatedAt",
            "name": "name",
            "email": "email",
            "active": {"field": "archived", "true": ["false"], "false": ["true"]},
            "team": "team",
        }
    },
    "customers": {"companies": _COMPANY, PERSONS: _PERSON},
    "contacts": {
        "contacts": {
            **_CONTACT,
            "first_name": "firstname",
            "last_name": "lastname",
            "role": "jobtitle",
        }
    },
    "activities": {
        "meetings": _activity(
            "visit",
            busy={"const": True},
            subject="hs_meeting_title",
            description="hs_meeting_body",
            location="hs_meeting_location",
            start_at="hs_meeting_start_time",
            end_at="hs_meeting_end_time",
            visit_key=VISIT_KEY,
            status={
                "field": "hs_meeting_outcome",
                "values": {
                    "SCHEDULED": "planned",
                    "RESCHEDULED": "planned",
                    "COMPLETED": "done",
                    "NO_SHOW": "missed",
                    "CANCELED": "cancelled",
                },
                "default": "done",
            },
        ),
        "calls": _activity(
            "call",
            subject="hs_call_title",
            description="hs_call_body",
            outcome="hs_call_disposition",
            direction={
                "field": "hs_call_direction",
                "values": {"INBOUND": "in", "OUTBOUND": "out"},
                "default": "na",
            },
            status={
                "field": "hs_call_status",
                "values": {"BUSY": "missed", "NO_ANSWER": "missed", "CANCELED": "cancelled"},
                "default": "done",
            },
        ),
        "tasks": _activity(
            "task",
            subject="hs_task_subject",
            description="hs_task_body",
            status={
                "field": "hs_task_status",
                "values": {"COMPLETED": "done"},
                "default": "planned",
            },
        ),
        "notes": _activity("note", description="hs_note_body", status={"const": "done"}),
        "emails": _activity(
            "email",
            subject="hs_email_subject",
            description="hs_email_text",
            status={"const": "done"},
            direction={
                "field": "hs_email_direction",
                "values": {"EMAIL": "out", "FORWARDED_EMAIL": "out", "INCOMING_EMAIL": "in"},
                "default": "na",
            },
        ),
    },
    "campaigns": {
        LISTS: {
            "id": "listId",
            "modified_at": "updatedAt",
            "name": "name",
            "kind": "processingType",
            "status": {"const": "active"},
        },
        CAMPAIGNS: {
            "id": "id",
            "modified_at": "updatedAt",
            "name": "hs_name",
            "starts_on": "hs_start_date",
            "ends_on": "hs_end_date",
            "budget": "hs_budget_items_sum_amount",
            "status": {
                "field": "hs_campaign_status",
                "values": {"planned": "draft", "paused": "paused", "completed": "done"},
                "default": "active",
            },
        },
    },
    "campaign_members": {
        MEMBERS: {
            "id": "id",
            "campaign_id": "listId",
            "contact_id": "contactId",
            "customer_id": "companyId",
            "status": {"const": "added"},
        }
    },
    "deals": {
        "deals": {
            **_ENVELOPE,
            **_OWNER,
            "name": "dealname",
            "stage": "dealstage",
            "amount": "amount",
            "opened_on": "createdate",
            "closed_on": "closedate",
            "closed": "hs_is_closed",
            "won": "hs_is_closed_won",
        }
    },
    "products": {
        "products": {
            **_ENVELOPE,
            "name": "name",
            "sku": "hs_sku",
            "family": "hs_product_type",
            "list_price": "price",
            "active": {"const": True},
        }
    },
    "order_lines": {
        "line_items": {
            **_ENVELOPE,
            "product_id": "hs_product_id",
            "ordered_at": "createdate",
            "quantity": "quantity",
            "amount": "amount",
        }
    },
}
