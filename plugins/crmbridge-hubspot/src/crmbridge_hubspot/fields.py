"""Where canonical fields come from, unless the configuration says otherwise."""

from collections.abc import Mapping

from crmbridge.adapters import FieldSource, Mappings
from crmbridge.records import MEMBER_STATUSES
from crmbridge_hubspot.computed import KIND, ORDERED_AT
from crmbridge_hubspot.mapping import (
    CAMPAIGNS,
    LISTS,
    MEMBERS,
    ORDERS,
    OWNERS,
    PERSONS,
    REPLIES,
    SUBSCRIPTIONS,
    VISIT_KEY,
)

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


_ANSWERED: Mapping[str, FieldSource] = {
    "reply": REPLIES[0],
    "reply_until": REPLIES[1],
    "reply_reason": REPLIES[2],
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
            **_ANSWERED,
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
        "tasks": {
            **_activity(
                "task",
                subject="hs_task_subject",
                description="hs_task_body",
                visit_key=VISIT_KEY,
                **_ANSWERED,
                status={
                    "field": "hs_task_status",
                    "values": {
                        "NOT_STARTED": "planned",
                        "IN_PROGRESS": "planned",
                        "WAITING": "planned",
                        "COMPLETED": "done",
                        "DEFERRED": "cancelled",
                    },
                    "default": "planned",
                },
            ),
            "kind": KIND,
        },
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
            "status": {
                "field": "status",
                "values": {one: one for one in MEMBER_STATUSES},
                "default": "added",
            },
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
    "orders": {
        ORDERS: {
            **_ENVELOPE,
            "ordered_at": ORDERED_AT,
            "amount": "hs_total_price",
            "currency": "hs_currency_code",
            "status": "hs_fulfillment_status",
        }
    },
    "consents": {
        SUBSCRIPTIONS: {
            "id": "id",
            "contact_id": "contactId",
            "address": "email",
            "channel": {"const": "email"},
            "state": {
                "field": "status",
                "values": {
                    "SUBSCRIBED": "granted",
                    "UNSUBSCRIBED": "denied",
                    "NOT_SUBSCRIBED": "denied",
                },
                "default": "unknown",
            },
            "scope": "subscriptionName",
            "source": "source",
            "stated_at": "timestamp",
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
