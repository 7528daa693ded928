"""Loads the demo company into an organisation, as its people would have typed it in."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from crmbridge.testing.demo_data import DemoData
from crmbridge_salesforce.sandbox.filter import parse_instant
from crmbridge_salesforce.sandbox.org import Org

Row = Mapping[str, Any]

_RATINGS = {"A": "Hot", "B": "Warm", "C": "Cold"}
_TYPES = {"active": "Customer", "prospect": "Prospect", "lapsed": "Former", "closed": "Closed"}
_STAGES = {"won": "Closed Won", "lost": "Closed Lost"}
_CAMPAIGNS = {"draft": "Planned", "active": "In Progress", "done": "Completed"}
_MEMBERS = {"sent": "Sent", "responded": "Responded", "converted": "Responded"}
_QUALITY = {"exact": "Address", "street": "Street", "city": "City", "none": "Unknown"}


def load(org: Org, data: DemoData) -> dict[str, str]:
    """Create the demo's records.

    What Salesforce has no object for stays out: needs, market facts, feedback, and visits that
    were cancelled, which people delete there.

    Returns:
        the demo's id -> Salesforce's.
    """
    ids: dict[str, str] = {}
    for stream, object_, to_values in (
        ("reps", "User", _user),
        ("customers", "Account", _account),
        ("contacts", "Contact", _contact),
        ("products", "Product2", _product),
        ("campaigns", "Campaign", _campaign),
        ("deals", "Opportunity", _deal),
        ("orders", "Order", _order),
        ("order_lines", "OrderItem", _line),
    ):
        for row in _rows(data, stream):
            ids[row["id"]] = org.put(object_, to_values(row, ids))
    _load_activities(org, data, ids)
    _load_members(org, data, ids)
    _opt_out(org, data, ids)
    return ids


def _rows(data: DemoData, stream: str) -> Iterator[Row]:
    table = data.tables[stream]
    for row in table.rows:
        yield dict(zip(table.header, row, strict=True))


def _user(row: Row, ids: Mapping[str, str]) -> dict[str, Any]:
    del ids
    first, _, last = str(row["name"]).partition(" ")
    return {
        "FirstName": first,
        "LastName": last,
        "Email": row["email"],
        "Username": row["email"],
        "IsActive": row["active"] == "true",
        "UserType": "Standard",
        "TimeZoneSidKey": row["zone"],
        "State": row["region"],
        "Department": row["team"],
        "Latitude": row["home_latitude"],
        "Longitude": row["home_longitude"],
    }


def _account(row: Row, ids: Mapping[str, str]) -> dict[str, Any]:
    return {
        "Name": row["name"],
        "AccountNumber": row["number"],
        "OwnerId": ids.get(str(row["owner_id"])),
        "Rating": _RATINGS.get(str(row["class"])),
        "Type": _TYPES.get(str(row["status"])),
        "BillingStreet": row["street"],
        "BillingPostalCode": row["postcode"],
        "BillingCity": row["city"],
        "BillingState": row["region"],
        "BillingCountry": row["country"],
        "BillingLatitude": _number(row["latitude"]),
        "BillingLongitude": _number(row["longitude"]),
        "BillingGeocodeAccuracy": _QUALITY.get(str(row["geo_quality"])),
        "AnnualRevenue": _number(row["revenue"]),
        "NumberOfEmployees": row["employees"],
        "Industry": row["industry"],
        "Phone": row["phone"],
        "Visit_Interval__c": _number(row["visit_interval_days"]),
        "Visit_Minutes__c": _number(row["visit_minutes"]),
        "Zone__c": row["zone"],
        "Opening__c": row["opening"],
        "Market__c": row["segment"],
    }


def _contact(row: Row, ids: Mapping[str, str]) -> dict[str, Any]:
    return {
        "AccountId": ids.get(str(row["customer_id"])),
        "FirstName": row["first_name"],
        "LastName": row["last_name"],
        "Email": row["email"],
        "Phone": row["phone"],
        "Title": row["role"],
        "IsEmailBounced": row["email_valid"] == "false",
        "OwnerId": ids.get(str(row["owner_id"])),
    }


def _product(row: Row, ids: Mapping[str, str]) -> dict[str, Any]:
    del ids
    return {
        "Name": row["name"],
        "ProductCode": row["sku"],
        "Family": row["family"],
        "IsActive": row["active"] == "true",
    }


def _campaign(row: Row, ids: Mapping[str, str]) -> dict[str, Any]:
    del ids
    return {
        "Name": row["name"],
        "Type": row["channel"],
        "Status": _CAMPAIGNS.get(str(row["status"])),
        "IsActive": row["status"] == "active",
        "StartDate": row["starts_on"],
        "EndDate": row["ends_on"],
        "BudgetedCost": row["budget"],
    }


def _deal(row: Row, ids: Mapping[str, str]) -> dict[str, Any]:
    opened = _instant(f"{row['opened_on']}T09:00:00+00:00")
    found = {
        "Name": row["name"],
        "AccountId": ids.get(str(row["customer_id"])),
        "OwnerId": ids.get(str(row["owner_id"])),
        "StageName": _STAGES.get(str(row["stage"]), "Prospecting"),
        "Amount": _number(row["amount"]),
        "CloseDate": row["closed_on"] or row["opened_on"],
    }
    return found | ({"CreatedDate": opened} if opened else {})


def _order(row: Row, ids: Mapping[str, str]) -> dict[str, Any]:
    return {
        "AccountId": ids.get(str(row["customer_id"])),
        "EffectiveDate": str(row["ordered_at"])[:10],
        "Status": "Activated",
        "TotalAmount": _number(row["amount"]),
    }


def _line(row: Row, ids: Mapping[str, str]) -> dict[str, Any]:
    return {
        "OrderId": ids.get(str(row["order_id"])),
        "Product2Id": ids.get(str(row["product_id"])),
        "ServiceDate": str(row["ordered_at"])[:10],
        "Quantity": _number(row["quantity"]),
        "TotalPrice": _number(row["amount"]),
    }


def _load_activities(org: Org, data: DemoData, ids: dict[str, str]) -> None:
    for row in _rows(data, "activities"):
        if row["kind"] in {"call", "email", "task"}:
            ids[row["id"]] = org.put("Task", _task(row, ids))
        elif row["status"] not in {"cancelled", "missed"}:
            ids[row["id"]] = org.put("Event", _event(row, ids))


def _activity(row: Row, ids: Mapping[str, str]) -> dict[str, Any]:
    return {
        "Subject": row["subject"],
        "OwnerId": ids.get(str(row["rep_id"])),
        "WhatId": ids.get(str(row["customer_id"])),
        "WhoId": ids.get(str(row["contact_id"])),
    }


def _event(row: Row, ids: Mapping[str, str]) -> dict[str, Any]:
    is_away = row["kind"] == "absence"
    return {
        **_activity(row, ids),
        "StartDateTime": _instant(row["start_at"]),
        "EndDateTime": _instant(row["end_at"]),
        "IsAllDayEvent": row["all_day"] == "true",
        "Location": row["location"],
        "ShowAs": "OutOfOffice" if is_away else "Busy",
    }


def _task(row: Row, ids: Mapping[str, str]) -> dict[str, Any]:
    return {
        **_activity(row, ids),
        "ActivityDate": str(row["start_at"])[:10],
        "Status": "Completed" if row["status"] == "done" else "Not Started",
        "TaskSubtype": str(row["kind"]).capitalize(),
        "CallType": {"in": "Inbound", "out": "Outbound"}.get(str(row["direction"])),
    }


def _load_members(org: Org, data: DemoData, ids: Mapping[str, str]) -> None:
    for row in _rows(data, "campaign_members"):
        status = _MEMBERS.get(str(row["status"]))
        campaign, contact = ids.get(str(row["campaign_id"])), ids.get(str(row["contact_id"]))
        if status and campaign and contact:
            values = {"CampaignId": campaign, "ContactId": contact, "Status": status}
            org.put("CampaignMember", values)


def _opt_out(org: Org, data: DemoData, ids: Mapping[str, str]) -> None:
    fields = {"email": "HasOptedOutOfEmail", "call": "DoNotCall", "visit": "No_Visits__c"}
    for row in _rows(data, "consents"):
        contact = ids.get(str(row["contact_id"]))
        if row["state"] == "denied" and contact:
            org.edit("Contact", contact, {fields[str(row["channel"])]: True})


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _instant(text: Any) -> int | None:
    try:
        return parse_instant(str(text))
    except ValueError:
        return None


def real_time() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)
