"""The properties that a made-up account has from the start, named in HubSpot's property
reference (knowledge.hubspot.com, "default properties" of each object)."""

from typing import Any

from crmbridge_hubspot.sandbox.truth import Account, definition

_TEXTS = {
    "contacts": "email firstname lastname phone mobilephone jobtitle company address city state zip"
    " country lifecyclestage hubspot_owner_id hs_persona website",
    "companies": "name domain phone address address2 city state zip country industry website"
    " lifecyclestage hubspot_owner_id description hs_ideal_customer_profile",
    "deals": "dealname dealstage pipeline hubspot_owner_id description dealtype",
    "products": "name hs_sku description hs_product_type",
    "line_items": "name hs_product_id hs_sku",
    "orders": "hs_order_name hs_currency_code hs_fulfillment_status",
    "meetings": "hs_meeting_title hs_meeting_body hs_meeting_location hs_internal_meeting_notes"
    " hubspot_owner_id hs_activity_type hs_meeting_external_url",
    "calls": "hs_call_title hs_call_body hs_call_disposition hubspot_owner_id hs_call_status",
    "tasks": "hs_task_subject hs_task_body hubspot_owner_id hs_task_priority",
    "notes": "hs_note_body hubspot_owner_id",
    "emails": "hs_email_subject hs_email_text hs_email_html hubspot_owner_id hs_email_status",
}
_NUMBERS = {
    "contacts": "annualrevenue numemployees",
    "companies": "annualrevenue numberofemployees",
    "deals": "amount",
    "products": "price",
    "line_items": "quantity price amount",
    "orders": "hs_total_price",
    "calls": "hs_call_duration",
}
_TIMES = {
    "deals": "closedate",
    "orders": "hs_external_created_date",
    "meetings": "hs_timestamp hs_meeting_start_time hs_meeting_end_time",
    "calls": "hs_timestamp",
    "tasks": "hs_timestamp",
    "notes": "hs_timestamp",
    "emails": "hs_timestamp",
}
_CHOICES = {
    ("contacts", "hs_email_optout"): "true false",
    ("tasks", "hs_task_type"): "TODO CALL EMAIL",
    ("meetings", "hs_meeting_outcome"): "SCHEDULED COMPLETED RESCHEDULED NO_SHOW CANCELED",
    ("calls", "hs_call_direction"): "INBOUND OUTBOUND",
    ("tasks", "hs_task_status"): "NOT_STARTED IN_PROGRESS WAITING COMPLETED DEFERRED",
    ("emails", "hs_email_direction"): "EMAIL INCOMING_EMAIL FORWARDED_EMAIL",
}
_FIXED = {
    "contacts": "hs_full_name_or_email associatedcompanyid",
    "companies": "hs_parent_company_id",
    "deals": "hs_is_closed hs_is_closed_won",
}
_EVERYWHERE = "hs_object_id createdate hs_createdate hs_merged_object_ids"
_GROUPS = {"contacts": "contactinformation", "companies": "companyinformation",
           "meetings": "engagement", "calls": "engagement", "tasks": "engagement",
           "notes": "engagement", "emails": "engagement"}  # fmt: skip
REQUIRED = {"meetings": "hs_timestamp", "calls": "hs_timestamp", "tasks": "hs_timestamp",
            "notes": "hs_timestamp", "emails": "hs_timestamp"}  # fmt: skip
"""Properties that a new record must have."""


def furnish(account: Account) -> None:
    """Define what every account has."""
    for name, words in _TEXTS.items():
        found = account.kind(name).definitions
        fixed = f"{_EVERYWHERE} {_FIXED.get(name, '')} {account.kind(name).stamp_property}"
        for word in words.split():
            found[word] = definition(word, hubspotDefined=True)
        for word in _NUMBERS.get(name, "").split():
            found[word] = definition(word, type="number", fieldType="number", hubspotDefined=True)
        for word in _TIMES.get(name, "").split():
            found[word] = definition(word, type="datetime", fieldType="date", hubspotDefined=True)
        for word in fixed.split():
            found[word] = _read_only(word)
    for (name, word), values in _CHOICES.items():
        options = [_option(value, number) for number, value in enumerate(values.split())]
        account.define(name, word, type="enumeration", fieldType="select", options=options)
    account.define("contacts", "email", hasUniqueValue=True)
    for name in _TEXTS:
        group = _GROUPS.get(name, f"{name.removesuffix('s')}information")
        account.kind(name).groups[group] = group


def _read_only(name: str) -> dict[str, Any]:
    details = {"archivable": False, "readOnlyDefinition": True, "readOnlyValue": True}
    return definition(name, hubspotDefined=True, modificationMetadata=details)


def _option(value: str, number: int) -> dict[str, Any]:
    return {"label": value, "value": value, "displayOrder": number, "hidden": False}
