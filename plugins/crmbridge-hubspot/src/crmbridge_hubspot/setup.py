"""Looks whether an account can be worked with, and makes the properties that are missing."""

from collections.abc import Iterable, Sequence
from typing import Any

from crmbridge.adapters import NewField, RemoteField, RemoteObject
from crmbridge.adapters.http import Response
from crmbridge.records import Finding
from crmbridge_hubspot.client import HubspotApi, Record
from crmbridge_hubspot.dialect import words_of
from crmbridge_hubspot.mapping import VISIT_KEY, is_record, type_of
from crmbridge_hubspot.whole import FIELDS

_GROUPS = {
    "contacts": "contactinformation",
    "companies": "companyinformation",
    "deals": "dealinformation",
    "meetings": "engagement",
}
"""Groups that HubSpot itself made: contacts', companies' and deals' are in recorded schemas."""

_TYPES = {
    "text": ("string", "text"),
    "number": ("number", "number"),
    "integer": ("number", "number"),
    "boolean": ("enumeration", "booleancheckbox"),
    "date": ("date", "date"),
    "instant": ("datetime", "date"),
    "picklist": ("enumeration", "select"),
    "multipicklist": ("enumeration", "checkbox"),
}


def check(api: HubspotApi, objects: Iterable[str], writes: bool) -> list[Finding]:
    """Findings on objects that cannot be read, and on the property that holds our key.

    Args:
        writes: meetings are to be written.
    """
    findings = []
    for type_ in dict.fromkeys(type_of(one) for one in objects if is_record(one)):
        answer = api.probe(type_)
        if answer.status >= 400:
            findings.append(_unreadable(type_, answer))
    return findings + (_key(api) if writes else [])


def _unreadable(type_: str, answer: Response) -> Finding:
    body = answer.json_or_none()
    words = words_of(body) if isinstance(body, dict) else ""
    scopes = _scopes(body) if isinstance(body, dict) else ""
    missing = f"Give the app the scope {scopes or f'crm.objects.{type_}.read'}, then connect again"
    return Finding(
        code="hubspot.missing_scope" if answer.status == 403 else "hubspot.missing_object",
        example=f"{type_}: {answer.status} {words}".strip(),
        remedy=missing if answer.status == 403 else f"Leave {type_} out: the account has none",
    )


def _scopes(body: dict[str, Any]) -> str:
    contexts = [body, *(one for one in body.get("errors") or () if isinstance(one, dict))]
    names = ("requiredGranularScopes", "requiredScopes")
    found = [
        str(scope)
        for one in contexts
        for name in names
        for scope in (one.get("context") or {}).get(name) or ()
    ]
    return ", ".join(dict.fromkeys(found))


def _key(api: HubspotApi) -> list[Finding]:
    found = api.properties("meetings")
    if found is None:
        return []
    key = next((one for one in found if one["name"] == VISIT_KEY), None)
    if key is not None and key.get("hasUniqueValue"):
        return []
    got = "it is not there" if key is None else "its values are not unique"
    remedy = f"Run: crmbridge doctor --fix, or make it in HubSpot: text, unique values ({got})"
    return [Finding(code="hubspot.no_key", example=f"meetings.{VISIT_KEY}", remedy=remedy)]


def describe(api: HubspotApi, objects: Iterable[str]) -> list[RemoteObject]:
    """Objects and their properties; those that may not be seen are left out."""
    described: dict[str, list[Record] | None] = {}
    found = []
    for object_ in objects:
        if object_ in FIELDS:
            fields = tuple(RemoteField(name=name) for name in ("id", *FIELDS[object_]))
            found.append(RemoteObject(name=object_, label=object_, fields=fields))
            continue
        type_ = type_of(object_)
        if type_ not in described:
            described[type_] = api.properties(type_)
        properties = described[type_]
        if properties is not None:
            fields = (RemoteField(name="id", unique=True), *map(remote_field, properties))
            found.append(RemoteObject(name=object_, label=object_, fields=fields))
    return found


def remote_field(found: Record) -> RemoteField:
    """A property as fields are described."""
    details = found.get("modificationMetadata") or {}
    is_formula = bool(found.get("calculated"))
    return RemoteField(
        name=str(found["name"]),
        label=str(found.get("label") or ""),
        type=str(found.get("type") or "text"),
        writable=not details.get("readOnlyValue") and not is_formula,
        formula=is_formula,
        unique=bool(found.get("hasUniqueValue")),
        external_id=bool(found.get("hasUniqueValue")),
        picklist=tuple(str(one["value"]) for one in found.get("options") or ()),
    )


def provision(api: HubspotApi, fields: Sequence[NewField]) -> list[Finding]:
    """Create properties; findings for those that could not be. One that is there is left."""
    findings = []
    for field in fields:
        answer = api.create_property(type_of(field.object), property_of(field))
        if answer is not None and answer.status != 409:
            findings.append(_not_made(field, answer))
    return findings


def property_of(field: NewField) -> dict[str, Any]:
    """A property's definition."""
    type_, kind = _TYPES.get(field.type, _TYPES["text"])
    values = ("true", "false") if kind == "booleancheckbox" else field.picklist
    body: dict[str, Any] = {
        "name": field.name,
        "label": field.label or field.name,
        "type": type_,
        "fieldType": "textarea" if type_ == "string" and field.length > 255 else kind,
        "groupName": _GROUPS.get(type_of(field.object), "contactinformation"),
        "hasUniqueValue": field.unique,
    }
    if type_ == "enumeration":
        body["options"] = [
            {"label": value, "value": value, "displayOrder": number, "hidden": False}
            for number, value in enumerate(values)
        ]
    return body


def _not_made(field: NewField, answer: Response) -> Finding:
    body = answer.json_or_none()
    words = words_of(body) if isinstance(body, dict) else ""
    return Finding(
        code="hubspot.not_provisioned",
        example=f"{field.object}.{field.name}: {answer.status} {words}".strip(),
        remedy=f"Give the app the scope crm.schemas.{type_of(field.object)}.write, or make the"
        " property in HubSpot",
    )
