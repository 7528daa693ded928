"""Names the customers whose records wait in quarantine since their coordinates name no place."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from crmbridge.jobs.territory.known import key_of
from crmbridge.jobs.territory.places import PlaceFlaw
from crmbridge.records import RecordKey
from crmbridge.store.quarantine import Quarantined, list_quarantined
from crmbridge.travel import Flaw, locate
from crmbridge.travel.geocoding import Quality

UNREADABLE = "unreadable"
"""Flaw: text where a number should stand."""
_PLACED = re.compile(r"customers\.(latitude|longitude): expected ([^;]*), got ([^;]*)")
_COLUMNS = re.compile(r"(latitude|lat)$|(longitude|lon|lng)$", re.IGNORECASE)


def places_kept_out(
    tx: Connection, customers: Iterable[Mapping[str, Any]]
) -> tuple[PlaceFlaw, ...]:
    """Customers whose record waits in quarantine since its coordinates name no place, by key.

    Args:
        customers: those that are known, maybe by an older state of the same record.
    """
    known = {str(key_of(row)): row for row in customers}
    found = [
        _flaw(one, known)
        for one in list_quarantined(tx)
        if one.stream == "customers" and _PLACED.search(one.reason)
    ]
    return tuple(sorted(found, key=lambda flaw: flaw.customer))


def _flaw(one: Quarantined, known: Mapping[str, Mapping[str, Any]]) -> PlaceFlaw:
    key = str(RecordKey(one.connection, one.object, one.record_id))
    row = known.get(key, {})
    return PlaceFlaw(
        customer=key,
        name=row.get("name") or one.record_id,
        owner=row.get("owner_id") or "",
        flaw=_kind(one),
        geo_quality=Quality.NONE.value,
        is_kept_out=True,
    )


def _kind(one: Quarantined) -> str:
    expected = {said[1] for said in _PLACED.findall(one.reason)}
    if "a finite number" in expected:
        return Flaw.NOT_FINITE.value
    if not any(text.startswith("-") for text in expected):
        return UNREADABLE
    is_swapped = locate(*_raw_place(one.raw)) is Flaw.SWAPPED
    return Flaw.SWAPPED.value if is_swapped else Flaw.OUT_OF_RANGE.value


def _raw_place(raw: str) -> tuple[float | None, float | None]:
    """Latitude and longitude of the row as it came, from the columns whose names end like them."""
    try:
        columns = json.loads(raw)
    except ValueError:  # cut, since it is very long
        return None, None
    found: list[float | None] = [None, None]
    for name, value in columns.items():
        if match := _COLUMNS.search(name):
            found[0 if match[1] else 1] = _number(value)
    return found[0], found[1]


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
