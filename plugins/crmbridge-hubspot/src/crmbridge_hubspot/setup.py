"""Looks whether an account can be worked with, and makes the properties that are missing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crmbridge.adapters import NewField, RemoteField, RemoteObject
from crmbridge.adapters.http import Response
from crmbridge.records import Finding
from crmbridge_hubspot.client import HubspotApi, Record
from crmbridge_hubspot.computed import COMPUTED_OF
from crmbridge_hubspot.dialect import words_of
from crmbridge_hubspot.mapping import CAPABILITIES, VISIT_KEY, is_record, type_of
from crmbridge_hubspot.whole import FIELDS

GROUP = "crmbridge"
"""The group that our properties stand in, so that an administrator sees where they come from."""
MOST_UNIQUE = 10
"""Properties with unique values that a type may have (developers.hubspot.com, changelog "Unique
Properties support for newly created Contact properties")."""

_SCOPES = {
    "meetings": "crm.objects.contacts.read",
    "calls": "crm.objects.contacts.read",
    "tasks": "crm.objects.contacts.read",
    "notes": "crm.objects.contacts.read",
    "emails": "sales-email-read",
    "owners": "crm.objects.owners.read",
    "lists": "crm.lists.read",
    "list_memberships": "crm.lists.read",
    "campaigns": "marketing.campaigns.read",
    "products": "e-commerce",
    "line_items": "e-commerce",
    "subscriptions": "communication_preferences.read",
}
"""Scopes that are not named like the object; HubSpot's page "Scopes"."""
_SCHEMAS = {name: f"crm.schemas.{name}.write" for name in ("companies", "contacts", "deals")}

_GROUPS = {
    "contacts": "contactinformation",
    "companies": "companyinformation",
    "deals": "dealinformation",
    "meetings": "engagement",
    "tasks": "engagement",
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


def check(
    api: HubspotApi,
    objects: Iterable[str],
    keyed: Iterable[str],
    write_fields: Mapping[str, Sequence[str]],
) -> list[Finding]:
    """Findings on objects that cannot be read, and on the properties that are written.

    Args:
        keyed: the objects that visits are written as: they need our key.
        write_fields: object -> properties that are written.
    """
    findings = []
    for name in dict.fromkeys(type_of(one) if is_record(one) else one for one in objects):
        answer = api.probe(name)
        if answer is not None and answer.status >= 400:
            findings.append(_unreadable(name, answer))
    for type_ in dict.fromkeys(map(type_of, keyed)):
        findings += _key(type_, api.properties(type_))
    for object_, names in write_fields.items():
        findings += _closed(object_, names, api.properties(type_of(object_)) or ())
    return findings


def ending(auth: Mapping[str, Any]) -> list[Finding]:
    """What the settings use that HubSpot takes away."""
    if "/oauth/v1/" not in str(auth.get("token_url") or ""):
        return []
    remedy = "Leave auth.token_url out: the address of 2026-03 is used then"
    example = "auth.token_url names the OAuth API v1, which ends on 2027-02-16"
    return [Finding(code="hubspot.oauth_v1_ends", example=example, remedy=remedy)]


def _unreadable(name: str, answer: Response) -> Finding:
    body = answer.json_or_none()
    words = words_of(body) if isinstance(body, dict) else ""
    scopes = _scopes(body) if isinstance(body, dict) else ""
    example = f"{name}: {answer.status} {words}".strip()
    if answer.status != 403:
        remedy = f"Leave {name} out: the account has none"
        return Finding(code="hubspot.missing_object", example=example, remedy=remedy)
    if not scopes and "SCOPE" not in words:
        remedy = (
            f"Leave {name} out, or let the account have a subscription that includes it; a scope"
            f" that may be missing is {_SCOPES.get(name, f'crm.objects.{name}.read')}"
        )
        return Finding(code="hubspot.not_in_subscription", example=example, remedy=remedy)
    scopes = scopes or _SCOPES.get(name, f"crm.objects.{name}.read")
    remedy = f"Give the app the scope {scopes}, then connect again"
    return Finding(code="hubspot.missing_scope", example=example, remedy=remedy)


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


def _key(type_: str, found: Sequence[Record] | None) -> list[Finding]:
    """The property of our key must be there, with unique values; a type may have ten such."""
    if found is None:
        return []
    key = next((one for one in found if one["name"] == VISIT_KEY), None)
    if key is not None and key.get("hasUniqueValue"):
        return []
    got = "it is not there" if key is None else "its values are not unique"
    remedy = f"Run: crmbridge doctor --fix, or make it in HubSpot: text, unique values ({got})"
    if key is not None:
        remedy = (
            "Archive the property, then run: crmbridge doctor --fix; a property cannot be made"
            " unique afterwards"
        )
    findings = [Finding(code="hubspot.no_key", example=f"{type_}.{VISIT_KEY}", remedy=remedy)]
    unique = [one for one in found if one.get("hasUniqueValue") and not one.get("hubspotDefined")]
    if len(unique) >= MOST_UNIQUE:
        names = ", ".join(str(one["name"]) for one in unique[:3])
        step = f"Archive one that nobody needs: a type of records may have {MOST_UNIQUE}"
        example = f"{type_}: {len(unique)} properties with unique values, such as {names}"
        findings.append(Finding(code="hubspot.unique_limit", example=example, remedy=step))
    return findings


def _closed(object_: str, names: Sequence[str], found: Sequence[Record]) -> list[Finding]:
    """Enumerations take only values that they have an option for."""
    by_name = {str(one["name"]): one for one in found}
    closed = [name for name in names if by_name.get(name, {}).get("type") == "enumeration"]
    remedy = "Set new_options = true to have options added, or make the property a text"
    return [
        Finding(code="hubspot.closed_options", example=f"{object_}.{name}", remedy=remedy)
        for name in closed
    ]


def describe(api: HubspotApi, objects: Iterable[str]) -> list[RemoteObject]:
    """Objects and their properties; those that may not be seen are left out."""
    described: dict[str, list[Record] | None] = {}
    found = []
    for object_ in objects:
        if object_ in FIELDS:
            is_key = CAPABILITIES.of(object_).key_field
            fields = tuple(
                RemoteField(name=name, unique=name == is_key, writable=name == is_key)
                for name in ("id", *FIELDS[object_])
            )
            found.append(RemoteObject(name=object_, label=object_, fields=fields))
            continue
        type_ = type_of(object_)
        if type_ not in described:
            described[type_] = api.properties(type_)
        properties = described[type_]
        if properties is not None:
            made = (RemoteField(name=name, formula=True) for name in COMPUTED_OF.get(object_, ()))
            fields = (RemoteField(name="id", unique=True), *map(remote_field, properties), *made)
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
    """Create properties in a group of ours; findings for those that could not be. One that is
    there is left."""
    findings = []
    groups: dict[str, str] = {}
    for field in fields:
        type_ = type_of(field.object)
        if type_ not in groups:
            groups[type_] = _group(api, type_)
        answer = api.create_property(type_, property_of(field, groups[type_]))
        if answer is not None and answer.status != 409:
            findings.append(_not_made(field, answer))
    return findings


def _group(api: HubspotApi, type_: str) -> str:
    """Our group of properties, or HubSpot's own where we may not make one."""
    answer = api.create_group(type_, GROUP, "crmbridge")
    is_there = answer is None or answer.status == 409
    return GROUP if is_there else _GROUPS.get(type_, "contactinformation")


def property_of(field: NewField, group: str = GROUP) -> dict[str, Any]:
    """A property's definition."""
    type_, kind = _TYPES.get(field.type, _TYPES["text"])
    values = ("true", "false") if kind == "booleancheckbox" else field.picklist
    body: dict[str, Any] = {
        "name": field.name,
        "label": field.label or field.name,
        "type": type_,
        "fieldType": "textarea" if type_ == "string" and field.length > 255 else kind,
        "groupName": group,
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
    type_ = type_of(field.object)
    scope = _SCHEMAS.get(type_, "crm.schemas.contacts.write")
    remedy = f"Give the app the scope {scope}, or make the property in HubSpot"
    if field.unique and answer.status == 400:
        remedy = (
            f"Look whether {type_} have {MOST_UNIQUE} properties with unique values already, the"
            " most that HubSpot allows, and archive one"
        )
    return Finding(
        code="hubspot.not_provisioned",
        example=f"{field.object}.{field.name}: {answer.status} {words}".strip(),
        remedy=remedy,
    )
