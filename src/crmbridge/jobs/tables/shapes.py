"""Which tables other tools get, and what each of their columns is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from crmbridge.records import STREAMS, Field, Kind, Stream

_UNITS = {Kind.INSTANT: "UTC", Kind.DATE: "day without a zone", Kind.MONEY: "source's currency"}
_ENDINGS = {"_minutes": "minutes", "_days": "days", "latitude": "degrees", "longitude": "degrees"}

TYPES: Mapping[Kind, str] = {
    Kind.TEXT: "text", Kind.ID: "text", Kind.JSON: "text", Kind.INTEGER: "integer",
    Kind.NUMBER: "number", Kind.MONEY: "number", Kind.BOOLEAN: "boolean", Kind.DATE: "date",
    Kind.INSTANT: "instant",
}  # fmt: skip
"""What a kind is called in the schema file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    Args:
        unit: "" where a value has none.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableShape:
    """A table: its columns in order, and what a row is."""

    name: str
    meaning: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)


_KEY = (
    Column(name="connection", kind=Kind.TEXT, meaning="connection that the record is from"),
    Column(name="object", kind=Kind.TEXT, meaning="the CRM's own kind of record"),
    Column(name="id", kind=Kind.TEXT, meaning="the record's id there"),
)
_TAIL = (
    Column(name="version", kind=Kind.TEXT, meaning="the source's own mark of the record's state"),
    Column(name="modified_at", kind=Kind.INSTANT, meaning="last change there", unit="UTC"),
    Column(name="extra", kind=Kind.JSON, meaning="fields kept beside the mapped ones, JSON"),
)


def stream_shape(stream: Stream) -> TableShape:
    """The table of a stream: its key, its fields as `records.streams` says, and its envelope."""
    return TableShape(
        name=stream.name,
        meaning=stream.note or f"all {stream.name.replace('_', ' ')}",
        columns=(*_KEY, *(_column(field) for field in stream.fields), *_TAIL),
    )


def _column(field: Field) -> Column:
    return Column(name=field.name, kind=field.kind, meaning=_meaning(field), unit=_unit(field))


def _meaning(field: Field) -> str:
    told = field.note or field.name.replace("_", " ")
    if field.refers_to:
        told = f"id of a record of {field.refers_to}, same source"
    if field.choices:
        told += f": {', '.join(field.choices)}"
    return told


def _unit(field: Field) -> str:
    for ending, unit in _ENDINGS.items():
        if field.name.endswith(ending):
            return unit
    return _UNITS.get(field.kind, "")


def _result(name: str, kind: Kind, meaning: str, unit: str = "") -> Column:
    return Column(name=name, kind=kind, meaning=meaning, unit=unit or _UNITS.get(kind, ""))


SCORES = TableShape(
    name="scores",
    meaning="what a visit to each customer is worth",
    columns=(
        *_KEY,
        _result("score", Kind.NUMBER, "worth of a visit, 0 to 1"),
        _result("tier", Kind.TEXT, "high, medium or low, by fixed cut-offs"),
        _result("reasons", Kind.TEXT, "parts of the score with their weights, which sum to it"),
        _result("model", Kind.TEXT, "version of what made the score"),
        _result("as_of", Kind.INSTANT, "the moment the score is for"),
    ),
)
SEGMENTS = TableShape(
    name="segments",
    meaning="the group each customer belongs to",
    columns=(
        *_KEY,
        _result("segment", Kind.TEXT, "stable id of the group"),
        _result("name", Kind.TEXT, "what people call it"),
        _result("reasons", Kind.TEXT, "why the customer is in it"),
        _result("model", Kind.TEXT, "version of what made the groups"),
        _result("valid_from", Kind.INSTANT, "since when"),
        _result("manual", Kind.BOOLEAN, "a person put it there"),
    ),
)
OFFERS = TableShape(
    name="offers",
    meaning="what to talk about with each customer, the best first",
    columns=(
        *_KEY,
        _result("rank", Kind.INTEGER, "1 for the best"),
        _result("product", Kind.TEXT, "product or need, in words"),
        _result("why", Kind.TEXT, "why it is offered"),
        _result("model", Kind.TEXT, "version of what made the offers"),
    ),
)
VISITS = TableShape(
    name="visits",
    meaning="visits of the plans made last",
    columns=(
        _result("plan_id", Kind.TEXT, "plan that the visit is of"),
        _result("published_at", Kind.INSTANT, "when that plan came into force, if it did"),
        _result("visit_id", Kind.TEXT, "the same in every plan that has the visit"),
        _result("connection", Kind.TEXT, "connection of the customer"),
        _result("customer_object", Kind.TEXT, "the CRM's own kind of record"),
        _result("customer_id", Kind.TEXT, "the customer's id there"),
        _result("rep", Kind.TEXT, "e-mail or key of the rep"),
        _result("day", Kind.DATE, "day on the rep's wall clock"),
        _result("start_at", Kind.INSTANT, "start"),
        _result("end_at", Kind.INSTANT, "end"),
        _result("zone", Kind.TEXT, "IANA name of the rep's zone"),
        _result("sequence", Kind.INTEGER, "place among the day's visits, from 1"),
        _result("travel_minutes", Kind.NUMBER, "way to it; empty where not known", "minutes"),
        _result("score", Kind.NUMBER, "what the visit is worth, 0 to 100"),
        _result("fixedness", Kind.TEXT, "how firmly the visit stands where it is"),
        _result("reasons", Kind.TEXT, "why it is made"),
        _result("revision", Kind.INTEGER, "how often it was moved"),
    ),
)

TABLES: tuple[TableShape, ...] = (
    *(stream_shape(stream) for stream in STREAMS.values()),
    SCORES,
    SEGMENTS,
    OFFERS,
    VISITS,
)
"""Every table that is exported, in the order of the schema file."""


def schema_document(counts: Mapping[str, int], files: Mapping[str, str]) -> dict[str, Any]:
    """The schema file: tables, files, rows, and each column's type, unit and meaning.

    Args:
        counts: table -> rows written.
        files: table -> file that holds it, beside the schema.
    """
    missing = "an empty cell (CSV) or null: not known; never 0"
    return {
        "missing": missing,
        "tables": [
            {
                "name": shape.name,
                "file": files[shape.name],
                "rows": counts[shape.name],
                "meaning": shape.meaning,
                "columns": [_described(column) for column in shape.columns],
            }
            for shape in TABLES
        ],
    }


def _described(column: Column) -> dict[str, str]:
    return {
        "name": column.name,
        "type": TYPES[column.kind],
        "unit": column.unit,
        "meaning": column.meaning,
    }


def column_rows() -> Iterable[tuple[str, ...]]:
    """The same as a flat table, for tools that read no JSON, such as plain R."""
    for shape in TABLES:
        for column in shape.columns:
            kind = TYPES[column.kind]
            yield (shape.name, column.name, kind, column.unit, column.meaning)
