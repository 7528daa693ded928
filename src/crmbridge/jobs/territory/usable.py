"""Decides what of customers' records a plan can use: zones that exist, numbers within their range.

What it cannot use counts as not said, so that one record's slip stops no other customer's visits.
The pull refuses such numbers, too; records that an older version took in still hold them.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from zoneinfo import ZoneInfo

from crmbridge.records import STREAMS, Finding
from crmbridge.store.territory import Record

_NUMBERS = tuple(
    STREAMS["customers"].by_name[name]
    for name in ("visit_interval_days", "visit_minutes", "min_gap_days")
)
_REMEDIES: Mapping[str, str] = {
    "zone": "Write an IANA name such as Europe/Berlin; until then the rep's zone holds",
    **{one.name: "Correct it; until then class and settings say" for one in _NUMBERS},
}


@lru_cache(maxsize=512)
def is_zone(name: str) -> bool:
    """Whether it is the name of a time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such name, no name at all, a folder of names
        return False
    return True


def usable(customers: Iterable[Record]) -> tuple[list[Record], tuple[Finding, ...]]:
    """The records without what no plan can use, and what that was."""
    rows: list[Record] = []
    examples: dict[str, list[str]] = {}
    for row in customers:
        odd = _unusable(row)
        rows.append({**row, **dict.fromkeys(odd)} if odd else row)
        for name in odd:
            key = f"{row['connection']}/{row['object']}/{row['id']}"
            examples.setdefault(name, []).append(f"{key}: {str(row[name])[:40]!r}")
    return rows, tuple(_finding(name, found) for name, found in sorted(examples.items()))


def _unusable(row: Record) -> list[str]:
    odd = [
        one.name
        for one in _NUMBERS
        if row[one.name] is not None and not one.minimum <= row[one.name] <= one.maximum
    ]
    return ["zone", *odd] if row["zone"] and not is_zone(row["zone"]) else odd


def _finding(name: str, examples: list[str]) -> Finding:
    code = "zone_unreadable" if name == "zone" else f"{name}_out_of_range"
    return Finding(code=code, count=len(examples), example=examples[0], remedy=_REMEDIES[name])
