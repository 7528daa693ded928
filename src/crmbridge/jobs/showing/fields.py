"""Lists a CRM's fields with what they map to and a sample of what they hold."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from crmbridge.adapters import FieldSource, ReadRequest
from crmbridge.errors import CrmbridgeError
from crmbridge.jobs.workspace import Opened, Workspace

_SAMPLE = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedField:
    """A field of a CRM.

    Args:
        maps_to: ``stream.field``, several with commas; "" when nothing reads it.
        sample: a value it holds, cut short.
    """

    object: str
    field: str
    type: str
    writable: bool
    maps_to: str = ""
    sample: str = ""


def list_fields(workspace: Workspace, name: str, like: str = "") -> list[ListedField]:
    """The fields of the objects that are read from a connection, by object, then as described.

    Args:
        like: only names that hold this text, whatever its case.

    Raises:
        CannotError: the adapter does not describe its CRM.
    """
    with workspace.open(name) as opened:
        described = [
            ListedField(
                object=object_.name,
                field=field.name,
                type=field.type,
                writable=field.writable,
                maps_to=_maps_to(opened, object_.name, field.name),
            )
            for object_ in opened.connection.describe()
            for field in object_.fields
            if like.lower() in field.name.lower()
        ]
        samples = {
            object_: _samples(opened, object_) for object_ in {item.object for item in described}
        }
    return [replace(i, sample=samples[i.object].get(i.field, "")) for i in described]


def _maps_to(opened: Opened, object_: str, field: str) -> str:
    return ", ".join(
        f"{stream}.{canonical}"
        for stream, objects in opened.mappings.items()
        for canonical, source in objects.get(object_, {}).items()
        if _field_of(source) == field
    )


def _field_of(source: FieldSource) -> str:
    return source if isinstance(source, str) else str(source.get("field", ""))


def _samples(opened: Opened, object_: str) -> Mapping[str, str]:
    """The first value of each field on the first page; nothing where the object cannot be read."""
    try:
        page = next(iter(opened.connection.read(ReadRequest(object=object_))), None)
    except CrmbridgeError:
        return {}
    if page is None:
        return {}
    found: dict[str, Any] = {}
    for row in list(page.rows)[:100]:
        for column, value in zip(page.columns, row, strict=False):
            if value not in (None, "") and column not in found:
                found[column] = value
    return {column: str(value)[:_SAMPLE] for column, value in found.items()}
