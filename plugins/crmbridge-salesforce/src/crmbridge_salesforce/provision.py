"""Creates custom fields by the Tooling API and lets the user that we sign in as see them.

"CustomField", Tooling API reference: ``FullName`` and ``Metadata``; a field of Event or Task is one
of ``Activity``. FieldPermissions, PermissionSet and PermissionSetAssignment are plain records
(Object Reference). Field-level security shows nothing on a page layout: that is said, too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from crmbridge.adapters import NewField
from crmbridge.errors import ConfigError, CrmbridgeError, RecordError
from crmbridge.records import Finding
from crmbridge_salesforce import soql
from crmbridge_salesforce.client import Client, is_missing
from crmbridge_salesforce.mapping import ARCHIVED

SET = "crmbridge"
_PERSONS = "__pc"
_LONGEST_LABEL = 40
_TYPES = {
    "text": "Text", "number": "Number", "money": "Number", "integer": "Number", "date": "Date",
    "instant": "DateTime", "boolean": "Checkbox", "picklist": "Picklist",
}  # fmt: skip


def provision(client: Client, fields: Sequence[NewField]) -> Sequence[Finding]:
    """Create fields that are missing; findings for those that could not be, and what is left."""
    findings: list[Finding] = []
    created = []
    for one in fields:
        try:
            _create(client, one)
            created.append(one)
        except (ConfigError, RecordError) as error:
            findings.append(_not_created(one, error))
    if not created:
        return findings
    client.forget()
    return [*findings, *_let_see(client, created), _layout(created)]


def tooling_document(one: NewField) -> dict[str, Any]:
    """A field as the Tooling API takes it."""
    return {"FullName": ".".join(home_of(one)), "Metadata": metadata_of(one)}


def home_of(one: NewField) -> tuple[str, str]:
    """The object that a field is made on, and its name there.

    Event and Task share the fields of Activity. What is ``X__pc`` on a person account is ``X__c``
    on its contact, and appears on the account by itself ("Person Account Fields", Help).
    """
    if one.name.endswith(_PERSONS):
        return "Contact", one.name.removesuffix(_PERSONS) + "__c"
    return ("Activity" if one.object in ARCHIVED else one.object), one.name


def permitted_names(one: NewField) -> list[str]:
    """The field as permissions name it: by the objects that people see it on."""
    object_, name = home_of(one)
    objects = sorted(ARCHIVED) if object_ == "Activity" else [object_]
    return [f"{object_}.{name}" for object_ in objects]


def metadata_of(one: NewField) -> dict[str, Any]:
    """What the field is, in the names of the Metadata and Tooling API."""
    kind = _TYPES.get(one.type, "Text")
    found: dict[str, Any] = {"label": (one.label or one.name)[:_LONGEST_LABEL], "type": kind}
    if kind == "Text" and one.length > 255 and not one.unique:
        found |= {"type": "LongTextArea", "length": one.length, "visibleLines": 3}
    elif kind == "Text":
        found |= {"length": min(one.length, 255)}
    if kind == "Number":
        found |= {"precision": 18, "scale": 0 if one.type == "integer" else 4}
    if kind == "Checkbox":
        found |= {"defaultValue": "false"}
    if kind == "Picklist":
        values = [{"fullName": v, "default": False, "label": v} for v in one.picklist]
        found |= {"valueSet": {"valueSetDefinition": {"sorted": False, "value": values}}}
    if one.unique:
        found |= {"externalId": True, "unique": True, "caseSensitive": True}
    return found


def _create(client: Client, one: NewField) -> None:
    try:
        client.create("tooling/sobjects/CustomField", tooling_document(one))
    except (ConfigError, RecordError) as error:
        if not is_missing(error, "DUPLICATE_DEVELOPER_NAME"):
            raise


def _let_see(client: Client, created: Sequence[NewField]) -> list[Finding]:
    """Put the fields into a permission set of ours, and ourselves into it."""
    try:
        set_id = provision_access(client)
        for name in sorted({name for one in created for name in permitted_names(one)}):
            _permit(client, set_id, name)
    except (ConfigError, RecordError) as error:
        return [
            Finding(
                code="salesforce.permission_missing",
                example=error.line(),
                remedy="Let the integration user read and edit the new fields in a permission set",
            )
        ]
    return []


def provision_access(client: Client) -> str:
    """The id of our permission set, which the user that we sign in as has from now on."""
    text = soql.select(["Id"], "PermissionSet", f"Name = {soql.quoted(SET)}")
    found = client.query(text).records
    id_ = str(found[0]["Id"]) if found else _new_set(client)
    user = _own_user(client)
    if user:
        _assign(client, id_, user)
    return id_


def _new_set(client: Client) -> str:
    return client.create("sobjects/PermissionSet", {"Name": SET, "Label": SET})


def _assign(client: Client, set_id: str, user: str) -> None:
    """Give the set to ourselves, who may have it already."""
    try:
        assignment = {"PermissionSetId": set_id, "AssigneeId": user}
        client.create("sobjects/PermissionSetAssignment", assignment)
    except (ConfigError, RecordError) as error:
        if not is_missing(error, "DUPLICATE"):
            raise


def _own_user(client: Client) -> str:
    """The id of the user that we are signed in as."""
    found = client.http.get("/services/oauth2/userinfo", accept=frozenset({403, 404})).data
    return str(found.get("user_id") or "") if isinstance(found, Mapping) else ""


def _permit(client: Client, set_id: str, name: str) -> None:
    """Let the set's people read and edit a field."""
    try:
        client.create(
            "sobjects/FieldPermissions",
            {
                "ParentId": set_id,
                "SobjectType": name.partition(".")[0],
                "Field": name,
                "PermissionsRead": True,
                "PermissionsEdit": True,
            },
        )
    except (ConfigError, RecordError) as error:
        if not is_missing(error, "DUPLICATE"):
            raise


def _not_created(one: NewField, error: CrmbridgeError) -> Finding:
    return Finding(
        code="salesforce.field_not_created",
        example=f"{one.object}.{one.name}: {error.got}",
        remedy="Run it as a connection whose user may customize the application, or create the "
        "field in Setup",
    )


def _layout(created: Sequence[NewField]) -> Finding:
    names = ", ".join(f"{one.object}.{one.name}" for one in created)
    return Finding(
        code="salesforce.field_hidden",
        example=names,
        remedy="Add the fields to the page layouts where people should see them",
    )
