"""Which fields of an object a query asks for, and how its rows become a page's."""

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

from crmbridge.adapters.columns import Columns
from crmbridge.errors import ConfigError
from crmbridge.records import Finding
from crmbridge_salesforce.mapping import MERGED, NEVER_DELETED, REPLIES

_COMPOUND = frozenset({"address", "location", "base64", "complexvalue"})
"""Types that no list of rows holds; their parts are fields of their own (Bulk API 2.0 guide)."""
_NO_COLUMN = re.compile(r"No such column '([^']+)' on (?:entity|sobject of type) '?(\w+)")
_NO_PARENT = re.compile(r"understand relationship '([^']+)'")

Row = Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is asked for, in the order of a page's columns.

    Args:
        columns: names as the mapping spells them, those that we need ourselves last.
        fields: the same as Salesforce spells them.
    """

    object: str
    columns: tuple[str, ...]
    fields: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    at_id: int = field(init=False)
    at_deleted: int = field(init=False)
    at_master: int = field(init=False)

    def __post_init__(self) -> None:
        """Find the columns that we look at."""
        for name, column in (
            ("at_id", "Id"),
            ("at_deleted", "IsDeleted"),
            ("at_master", "MasterRecordId"),
        ):
            at = self.fields.index(column) if column in self.fields else -1
            object.__setattr__(self, name, at)

    def without(self, missing: Container[str]) -> "Shape":
        """The shape less fields that turned out not to be there."""
        keep = [n for n, one in enumerate(self.fields) if one not in missing]
        gone = [no_field(self.object, one) for one in self.fields if _is_missed(one, missing)]
        return replace(
            self,
            columns=tuple(self.columns[n] for n in keep),
            fields=tuple(self.fields[n] for n in keep),
            findings=(*self.findings, *gone),
        )

    def refused_by(self, error: ConfigError) -> set[str]:
        """The fields that a query was refused for; none if it was refused for something else.

        A parent's field is named by itself with the parent's object, a parent that may not be
        seen by its relationship.
        """
        if parent := _NO_PARENT.search(error.got):
            return {one for one in self.fields if one.lower().startswith(f"{parent[1].lower()}.")}
        found = _NO_COLUMN.search(error.got)
        if found is None:
            return set()
        name, entity = found[1].lower(), found[2].lower()
        if entity == self.object.lower():
            return {one for one in self.fields if one.lower() == name.rpartition(".")[2]}
        return {one for one in self.fields if one.lower().endswith(f".{name}")}

    def reader(self) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
        """The function that makes a record's document a row."""
        if any("." in one for one in self.fields):
            paths = [one.split(".") for one in self.fields]
            return lambda record: tuple(_reached(record, path) for path in paths)
        fields = self.fields
        return lambda record: tuple([record.get(one) for one in fields])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Rows told apart by what became of their records."""

    rows: Sequence[Row]
    deleted: Sequence[str] = ()
    merged: Sequence[tuple[str, str]] = ()


def shape_of(object_: str, wanted: Iterable[str], described: Mapping[str, Any] | None) -> Shape:
    """The shape of a query for fields; all that can be listed where none is named.

    Args:
        described: the object's description; None where it cannot be had.

    Raises:
        ConfigError: all fields are wanted, and nobody says which there are.
    """
    known = None if described is None else _listable(described)
    names = tuple(dict.fromkeys(wanted)) or tuple(known.values() if known else ())
    if not names:
        where = f"{object_}"
        raise ConfigError(where, "a description of its fields", "none", "Name the fields to read")
    own = [one for one in _own(object_, known) if one.lower() not in {n.lower() for n in names}]
    pairs = [(n, _spelt(n, known)) for n in (*names, *own)]
    return Shape(
        object=object_,
        columns=tuple(name for name, spelt in pairs if spelt),
        fields=tuple(spelt for _, spelt in pairs if spelt),
        findings=tuple(
            no_field(object_, name) for name, spelt in pairs if not spelt and name not in REPLIES
        ),
    )


def sort_rows(shape: Shape, rows: Sequence[Row]) -> Sorted:
    """Take deleted records out; those with a master were merged into it."""
    at = shape.at_deleted
    if at < 0 or set(_column(rows, at)).isdisjoint(_TRUE):
        return Sorted(rows=rows)
    gone = [row for row in rows if row[at] in _TRUE]
    master = shape.at_master
    merged = [(row[shape.at_id], row[master]) for row in gone if master >= 0 and row[master]]
    losers = {loser for loser, _ in merged}
    deleted = [row[shape.at_id] for row in gone if row[shape.at_id] not in losers]
    return Sorted(
        rows=[row for row in rows if row[at] not in _TRUE], deleted=deleted, merged=merged
    )


def _is_missed(name: str, missing: Container[str]) -> bool:
    return name in missing and name not in REPLIES


def no_field(object_: str, name: str) -> Finding:
    """Salesforce does not tell a field that is not there from one that may not be seen."""
    return Finding(
        code="salesforce.field_missing",
        example=f"{object_}.{name}",
        remedy="Create the field, let this user see it, or take it out of the mapping",
    )


_TRUE = (True, "true")


def _column(rows: Sequence[Row], at: int) -> Iterable[Any]:
    return rows.columns[at] if isinstance(rows, Columns) else map(itemgetter(at), rows)


def _listable(described: Mapping[str, Any]) -> dict[str, str]:
    """Lower-case name -> name of the fields that a query may list."""
    fields = described.get("fields") or ()
    return {
        str(one["name"]).lower(): str(one["name"])
        for one in fields
        if one.get("type") not in _COMPOUND
    }


def _own(object_: str, known: Mapping[str, str] | None) -> list[str]:
    """The fields that we need whoever asks."""
    if known is None:
        found = ["Id"] if object_ in NEVER_DELETED else ["Id", "IsDeleted"]
        return [*found, "MasterRecordId"] if object_ in MERGED else found
    return [known[one] for one in ("id", "isdeleted", "masterrecordid") if one in known]


def _spelt(name: str, known: Mapping[str, str] | None) -> str:
    """Salesforce's spelling; "" where there is no such field. Parents' fields are not checked."""
    if known is None or "." in name:
        return name
    return known.get(name.lower(), "")


def _reached(record: Any, path: Sequence[str]) -> Any:
    for part in path:
        if not isinstance(record, Mapping):
            return None
        record = record.get(part)
    return record
