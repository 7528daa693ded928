"""Tells rows whose only news is what we wrote ourselves from those that bring news."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from crmbridge.pull.work import Work
from crmbridge.store.field_values import get_field_values
from crmbridge.store.records import fetch_records
from crmbridge.store.schema import LIVE

Row = tuple[Any, ...]
_MARKERS = frozenset({"version", "modified_at", "extra"})


def split_echoes(
    tx: Connection, work: Work, names: tuple[str, ...], rows: list[Row]
) -> tuple[list[Row], list[Row]]:
    """Part a page's rows.

    Returns:
        rows with news, and echoes: rows that differ from what we hold in their version and in
        fields that show exactly what we wrote last, and in nothing else.
    """
    if not work.has_written or not rows or work.mapping is None:
        return rows, []
    written = _written(tx, work, [row[2] for row in rows])
    if not written:
        return rows, []
    columns = (*names, "record_state")
    held = fetch_records(tx, work.item.stream, work.place.key, written, columns)
    ours = {
        name: source
        for name, source in work.mapping.sources().items()
        if source in work.item.write_fields
    }
    fresh: list[Row] = []
    echoes: list[Row] = []
    for row in rows:
        before = held.get(row[2])
        is_echo = (
            before is not None
            and before[-1] == LIVE
            and before[:-1] != row
            and _is_echo(names, before, row, ours, written[row[2]])
        )
        (echoes if is_echo else fresh).append(row)
    return fresh, echoes


def _written(tx: Connection, work: Work, ids: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for (id_, field), value in get_field_values(tx, work.place.key, ids).items():
        if value.written is not None:
            found.setdefault(id_, {})[field] = json.loads(value.written)
    return found


def _is_echo(
    names: Sequence[str],
    before: Row,
    row: Row,
    ours: Mapping[str, str],
    written: Mapping[str, Any],
) -> bool:
    old, new = dict(zip(names, before, strict=False)), dict(zip(names, row, strict=True))
    old_extra, new_extra = (
        json.loads(old.get("extra") or "{}"),
        json.loads(new.get("extra") or "{}"),
    )
    for name in {*old_extra, *new_extra}:
        value = new_extra.get(name)
        if old_extra.get(name) != value and not _shows(value, written, name):
            return False
    different = [name for name in names if name not in _MARKERS and old[name] != new[name]]
    return all(
        name in ours and _shows(new_extra.get(ours[name]), written, ours[name])
        for name in different
    )


def _shows(value: Any, written: Mapping[str, Any], name: str) -> bool:
    """Whether a field shows what we wrote; 5, 5.0 and "5" are one."""
    if name not in written:
        return False
    ours = written[name]
    return bool(value == ours) or (None not in (value, ours) and str(value) == str(ours))
