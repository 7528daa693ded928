"""What this adapter can do with each object, and where canonical fields come from.

Which objects can be merged, deleted softly or only for good: Object Reference, fields
``MasterRecordId`` and ``IsDeleted``; CampaignMember has no recycle bin and no upsert ("The upsert()
call is not supported in API version 16.0 and later"). ``ActivityDate`` is a day, whatever its hour
("The timestamp is not relevant; do not attempt to alter it"). ``AccountId`` of activities is
derived from ``WhatId`` and ``WhoId``; it is read, and `WhatId` written.
"""

from collections.abc import Mapping
from types import MappingProxyType

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

MERGED = frozenset({"Account", "Contact", "Lead"})
HARD_DELETED = frozenset({"CampaignMember"})
NEVER_DELETED = frozenset({"User"})
ARCHIVED = frozenset({"Event", "Task"})
"""Activities of more than a year ago are found by queryAll only."""
CHOSEN = frozenset({"Lead", "OpportunityLineItem"})
"""Objects that are read only where the configuration names them: leads as customers, lines of
opportunities as order lines where the account keeps no orders."""
KEYED = frozenset({"Event", "Task", "Campaign"})
MEMBER = "CampaignMember"
KEY = "crmbridge_key__c"
REPLIES = ("crmbridge_reply__c", "crmbridge_reply_until__c", "crmbridge_reply_reason__c")
"""Fields in which reps answer to a visit; who has not made them is asked for none of them."""
BULK_FROM = 2_000
"""Salesforce advises jobs for "any data operation that includes more than 2,000 records" ("What is
Bulk API 2.0?"), collections below."""
BULK_BATCH = 10_000
"""Rows that Salesforce makes one batch of a job from ("Understanding Bulk API 2.0 Ingest"): more of
them in a job would run at once, and lock each other's parents."""

_FIELDS = frozenset({Operation.UPDATE, Operation.CLEAR})
_COMPARED = _FIELDS | {Operation.SET_MEMBER}
_OWN = _FIELDS | {Operation.CREATE, Operation.DELETE}
_OPERATIONS = {
    "Account": _FIELDS,
    "Contact": _FIELDS,
    "Lead": _FIELDS,
    "Event": _OWN,
    "Task": _OWN,
    "Campaign": _FIELDS | {Operation.CREATE},
    MEMBER: frozenset({Operation.ADD_MEMBER, Operation.SET_MEMBER, Operation.REMOVE_MEMBER}),
}
_NOTES = {
    "Event": "a second write of one key changes the first record; the key field should be Unique",
    MEMBER: "Salesforce refuses a second membership of one person in a campaign; a status that the "
    "campaign lacks is created there (CampaignMemberStatus), else its default is taken",
}


def _capability(stream: str, object_: str) -> ObjectCapability:
    deletes = Deletes.LISTED
    if object_ in NEVER_DELETED:
        deletes = Deletes.NEVER
    elif object_ in HARD_DELETED:
        deletes = Deletes.SWEEP
    operations = _OPERATIONS.get(object_, frozenset())
    is_keyed = object_ in KEYED
    return ObjectCapability(
        stream=stream,
        reading=Reading.WINDOW,
        deletes=deletes,
        counts=True,
        reads_ids=True,
        reads_by_id=True,
        operations=operations,
        key_field=KEY if is_keyed else "",
        key_is_unique=is_keyed,
        check=Check.COMPARE if _COMPARED & operations else Check.NONE,
        batch=200,
        bulk_from=BULK_FROM if operations and object_ != MEMBER else 0,
        bulk_batch=BULK_BATCH if operations and object_ != MEMBER else 0,
        clears=Operation.CLEAR in operations,
        note=_NOTES.get(object_, ""),
    )


_ENVELOPE: Mapping[str, FieldSource] = {
    "id": "Id",
    "version": "SystemModstamp",
    "modified_at": "SystemModstamp",
}
_DENIED = {"true": "denied", "false": ""}
"""Salesforce knows an opt-out only: without it nothing is known."""
_OPTED_OUT: Mapping[str, FieldSource] = {
    "consent_email": {"field": "HasOptedOutOfEmail", "values": _DENIED},
    "consent_call": {"field": "DoNotCall", "values": _DENIED},
    "consent_visit": {"field": "Individual.HasOptedOutSolicit", "values": _DENIED},
}  # fmt: skip
"""``Individual`` holds what a person allows at all, where data protection is switched on: "don't
solicit" bars what no channel's own opt-out speaks of ("Individual", Object Reference)."""
_PLACE_QUALITY = {
    "Address": "exact", "NearAddress": "exact", "Block": "street", "Street": "street",
    "ExtendedZip": "city", "Zip": "city", "Neighborhood": "city", "City": "city",
    "County": "none", "State": "none", "Unknown": "none",
}  # fmt: skip
_CLASSES = {"Hot": "A", "Warm": "B", "Cold": "C"}


def _place(prefix: str) -> dict[str, FieldSource]:
    quality: FieldSource = {"field": f"{prefix}GeocodeAccuracy", "values": _PLACE_QUALITY}
    return {
        "street": f"{prefix}Street",
        "postcode": f"{prefix}PostalCode",
        "city": f"{prefix}City",
        "region": f"{prefix}State",
        "country": f"{prefix}Country",
        "latitude": f"{prefix}Latitude",
        "longitude": f"{prefix}Longitude",
        "geo_quality": quality,
    }


_ACCOUNT: Mapping[str, FieldSource] = {
    "name": "Name",
    "number": "AccountNumber",
    "kind": {"field": "IsPersonAccount", "values": {"true": "person", "false": "org"}},
    "owner_id": "OwnerId",
    "class": {"field": "Rating", "values": _CLASSES},
    **_place("Billing"),
    "revenue": "AnnualRevenue",
    "employees": "NumberOfEmployees",
    "industry": "Industry",
    "parent_id": "ParentId",
    "phone": "Phone",
    "email": "PersonEmail",
    "consent_email": {"field": "PersonHasOptedOutOfEmail", "values": _DENIED},
    "consent_call": {"field": "PersonDoNotCall", "values": _DENIED},
}
"""An account without person accounts lacks the fields that begin with Person, and is asked for
none of them ("Account", Object Reference; ``Id``, not ``PersonContactId``, names the customer)."""
_LEAD: Mapping[str, FieldSource] = {
    "name": "Name",
    "kind": {"const": "person"},
    "status": {"field": "IsConverted", "values": {"true": "closed", "false": "prospect"}},
    "owner_id": "OwnerId",
    "class": {"field": "Rating", "values": _CLASSES},
    **_place(""),
    "industry": "Industry",
    "email": "Email",
    "phone": "Phone",
    **_OPTED_OUT,
}
_CONTACT: Mapping[str, FieldSource] = {
    "customer_id": "AccountId",
    "first_name": "FirstName",
    "last_name": "LastName",
    "email": "Email",
    "phone": "Phone",
    "role": "Title",
    "owner_id": "OwnerId",
    "email_valid": {"field": "IsEmailBounced", "true": ["false"], "false": ["true"]},
    **_OPTED_OUT,
}
_ACTIVITY: Mapping[str, FieldSource] = {
    "subject": "Subject",
    "description": "Description",
    "rep_id": "OwnerId",
    "customer_id": "AccountId",
    "contact_id": "WhoId",
    "visit_key": KEY,
    "reply": REPLIES[0],
    "reply_until": REPLIES[1],
    "reply_reason": REPLIES[2],
}
_EVENT: Mapping[str, FieldSource] = {
    **_ACTIVITY,
    "kind": {"const": "visit"},
    "location": "Location",
    "start_at": "StartDateTime",
    "end_at": "EndDateTime",
    "all_day": "IsAllDayEvent",
    "busy": {"field": "ShowAs", "true": ["Busy", "OutOfOffice"], "false": ["Free"]},
}
_TASK: Mapping[str, FieldSource] = {
    **_ACTIVITY,
    "kind": {
        "field": "TaskSubtype",
        "values": {"Task": "task", "Call": "call", "Email": "email", "ListEmail": "email"},
        "default": "task",
    },
    "direction": {
        "field": "CallType",
        "values": {"Inbound": "in", "Outbound": "out", "Internal": "na"},
        "default": "na",
    },
    "due_on": "ActivityDate",
    "status": {"field": "IsClosed", "values": {"true": "done", "false": "planned"}},
}
_CAMPAIGN: Mapping[str, FieldSource] = {
    "name": "Name",
    "kind": "Type",
    "status": {
        "field": "Status",
        "values": {
            "Planned": "draft", "In Progress": "active", "Completed": "done", "Aborted": "done",
        },
        "default": "draft",
    },
    "starts_on": "StartDate",
    "ends_on": "EndDate",
    "budget": "BudgetedCost",
    "parent_id": "ParentId",
}  # fmt: skip
_MEMBER: Mapping[str, FieldSource] = {
    "campaign_id": "CampaignId",
    "contact_id": "ContactId",
    "customer_id": "LeadId",
    "status": {
        "field": "Status",
        "values": {"Sent": "sent", "Responded": "responded"},
        "default": "added",
    },
    "responded": "HasResponded",
    "responded_at": {"field": "FirstRespondedDate", "format": "%Y-%m-%d"},
}
_BY_STREAM: Mapping[str, Mapping[str, Mapping[str, FieldSource]]] = {
    "reps": {
        "User": {
            "name": "Name",
            "email": "Email",
            "active": "IsActive",
            "zone": "TimeZoneSidKey",
            "manager_id": "ManagerId",
            "home_latitude": "Latitude",
            "home_longitude": "Longitude",
            "region": "State",
            "team": "Department",
        }
    },
    "customers": {"Account": _ACCOUNT, "Lead": _LEAD},
    "contacts": {"Contact": _CONTACT},
    "activities": {"Event": _EVENT, "Task": _TASK},
    "campaigns": {"Campaign": _CAMPAIGN},
    "campaign_members": {MEMBER: _MEMBER},
    "products": {
        "Product2": {
            "name": "Name",
            "sku": "ProductCode",
            "family": "Family",
            "active": "IsActive",
        }
    },
    "deals": {
        "Opportunity": {
            "name": "Name",
            "customer_id": "AccountId",
            "owner_id": "OwnerId",
            "stage": "StageName",
            "amount": "Amount",
            "opened_on": {"field": "CreatedDate", "zone": "UTC"},
            "closed_on": "CloseDate",
            "closed": "IsClosed",
            "won": "IsWon",
        }
    },
    "orders": {
        "Order": {
            "customer_id": "AccountId",
            "ordered_at": {"field": "EffectiveDate", "zone": "UTC"},
            "amount": "TotalAmount",
            "status": "Status",
        }
    },
    "order_lines": {
        "OrderItem": {
            "order_id": "OrderId",
            "customer_id": "Order.AccountId",
            "product_id": "Product2Id",
            "ordered_at": {"field": "ServiceDate", "zone": "UTC"},
            "quantity": "Quantity",
            "amount": "TotalPrice",
        },
        "OpportunityLineItem": {
            "customer_id": "Opportunity.AccountId",
            "product_id": "Product2Id",
            "ordered_at": {"field": "Opportunity.CloseDate", "zone": "UTC"},
            "quantity": "Quantity",
            "amount": "TotalPrice",
        },
    },
}

MAPPINGS: Mappings = MappingProxyType(
    {
        stream: {object_: {**_ENVELOPE, **fields} for object_, fields in objects.items()}
        for stream, objects in _BY_STREAM.items()
    }
)

OBJECTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        stream: tuple(one for one in objects if one not in CHOSEN)
        for stream, objects in MAPPINGS.items()
    }
)

CAPABILITIES = Capabilities(
    objects={
        object_: _capability(stream, object_)
        for stream, objects in MAPPINGS.items()
        for object_ in objects
    },
    describes=True,
    has_clock=True,
    has_quota=True,
    provisions=True,
    resumes=True,
    overlap_minutes=15,
    workers=8,
)
"""A change shows when its transaction ends, with the SystemModstamp of when it was made: 1 to 3
seconds were measured. No request may run for more than 10 minutes ("API Request Limits and
Allocations"), so that windows reach back over 15."""
