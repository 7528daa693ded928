"""Objects and fields as the host wants them described."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from crmbridge.adapters import RemoteField, RemoteObject
from crmbridge_salesforce.client import Client
from crmbridge_salesforce.mapping import CAPABILITIES, MAPPINGS

_TYPES = {
    "string": "text", "textarea": "text", "phone": "text", "email": "text", "url": "text",
    "id": "id", "reference": "id", "double": "number", "currency": "number", "percent": "number",
    "int": "integer", "boolean": "boolean", "date": "date", "datetime": "instant",
    "picklist": "picklist", "multipicklist": "picklist", "combobox": "text",
}  # fmt: skip


def describe_all(client: Client, objects: Iterable[str]) -> Sequence[RemoteObject]:
    """The objects that can be described; others are left out."""
    found = ((object_, client.describe(object_)) for object_ in objects)
    return [describe_one(object_, one) for object_, one in found if one is not None]


def describe_one(object_: str, described: Mapping[str, Any]) -> RemoteObject:
    """An object by its description."""
    fields = [_field(one) for one in described.get("fields") or ()]
    fields += _of_parents(object_, {one.name for one in fields})
    return RemoteObject(name=object_, label=str(described.get("label") or ""), fields=tuple(fields))


def _of_parents(object_: str, names: Container[str]) -> list[RemoteField]:
    """Fields of parents that the default mapping reads, where the reference to them is there."""
    known = CAPABILITIES.objects.get(object_)
    sources = MAPPINGS[known.stream][object_].values() if known else ()
    paths = {one if isinstance(one, str) else str(one.get("field", "")) for one in sources}
    found = sorted(one for one in paths if "." in one)
    return [RemoteField(name=one) for one in found if f"{one.partition('.')[0]}Id" in names]


def _field(one: Mapping[str, Any]) -> RemoteField:
    values = one.get("picklistValues") or ()
    return RemoteField(
        name=str(one["name"]),
        label=str(one.get("label") or ""),
        type=_TYPES.get(str(one.get("type")), str(one.get("type"))),
        writable=bool(one.get("updateable")),
        formula=bool(one.get("calculated")),
        unique=bool(one.get("unique")),
        external_id=bool(one.get("externalId")),
        required=not one.get("nillable", True) and not one.get("defaultedOnCreate", False),
        picklist=tuple(str(v["value"]) for v in values if v.get("active", True)),
        length=int(one.get("length") or 0) or None,
    )
