"""Keeps what the CRM last showed in the fields we write, beside what we wrote there last."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from crmbridge.store.jsontext import to_json
from crmbridge.store.schema import field_values
from crmbridge.store.writing import in_parts, put_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldValue:
    """One field of one record.

    Args:
        seen: JSON of the value the CRM last showed or acknowledged; None if it never did.
        written: JSON of the value we wrote last; None if we never did.
        version: the record's version when `seen` was.
        changeset: the changeset that wrote `written`; "".
    """

    connection: str
    object: str
    id: str
    field: str
    seen: str | None
    seen_at: int
    version: str
    written: str | None = None
    written_at: int | None = None
    changeset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A value that the CRM acknowledged."""

    id: str
    field: str
    value: Any
    version: str = ""


_SEEN = ("connection", "object", "id", "field", "seen", "seen_at", "version", "changeset")
_WRITTEN = ("connection", "object", "id", "field", "seen", "seen_at", "version",
            "written", "written_at", "changeset")  # fmt: skip


def save_seen(
    tx: Connection,
    key: tuple[str, str],
    values: Iterable[tuple[str, str, Any, str]],
    seen_at: int,
) -> int:
    """Keep what a pull read in fields that we write.

    Args:
        key: connection and object.
        values: (id, field, value, version); the value as JSON can hold it.

    Returns:
        How many were new or changed; equal ones keep their time.
    """
    rows = (
        (*key, id_, field, to_json(value), seen_at, version, "")
        for id_, field, value, version in values
    )
    return put_rows(tx, field_values, _SEEN, rows, keep=("changeset",), quiet=("seen_at",))


def save_written(
    tx: Connection, key: tuple[str, str], values: Sequence[Written], changeset: str, at: int
) -> None:
    """Keep what we wrote and the CRM acknowledged; it then counts as seen, too."""
    rows = (
        (*key, v.id, v.field, text := to_json(v.value), at, v.version, text, at, changeset)
        for v in values
    )
    put_rows(tx, field_values, _WRITTEN, rows)


def get_field_values(
    tx: Connection, key: tuple[str, str], ids: Iterable[str]
) -> dict[tuple[str, str], FieldValue]:
    """(id, field) -> what is known of it, for these records of (connection, object)."""
    query = select(field_values).where(
        field_values.c.connection == key[0], field_values.c.object == key[1]
    )
    found: dict[tuple[str, str], FieldValue] = {}
    for part in in_parts(ids):
        for row in tx.execute(query.where(field_values.c.id.in_(part))):
            found[row.id, row.field] = FieldValue(**row._asdict())
    return found
