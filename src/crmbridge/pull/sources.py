"""What a mapping says of one canonical field, compiled into a converter and checked on the way."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from difflib import get_close_matches
from typing import Any

from crmbridge.adapters import FieldSource
from crmbridge.errors import ConfigError
from crmbridge.pull.convert import (
    FALSE_WORDS,
    TRUE_WORDS,
    Bulk,
    FieldConverter,
    Memo,
    Scalar,
    bounded,
    chosen,
    id_column,
    integer_column,
    is_missing,
    is_numeric,
    mapped,
    number_column,
    text_column,
    to_comma_number,
    to_id,
    to_json,
    to_number,
    to_text,
    whole,
    words,
)
from crmbridge.pull.times import EPOCH_FORMATS, Note, Times, compile_format, zone_of
from crmbridge.pull.unfit import UnfitError
from crmbridge.records import CONSENT_FIELDS, CONSENT_STATES, ENVELOPE, Field, Kind, Stream

SOURCE_KEYS = (
    "field", "values", "default", "const", "format", "zone", "decimal", "true", "false", "optional",
)  # fmt: skip
"""What a source table may say."""

CONSENT_STREAMS = {"customers": "customer_id", "contacts": "contact_id"}
"""Streams whose mapping may have consent fields, and the consent's column that names the record."""

Notes = Counter[tuple[str, str]]
"""(code, the mapping's key) -> how many values a person should know about."""

_ENVELOPE = {
    "id": Field(name="id", kind=Kind.ID),
    "version": Field(name="version", kind=Kind.TEXT),
    "modified_at": Field(name="modified_at", kind=Kind.INSTANT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPlan:
    """One canonical field: where it comes from and how.

    Args:
        source: the CRM's field; "" for a constant.
        constant: the value of a constant.
        optional: the CRM may lack the field; the value is then missing.
    """

    field: Field
    source: str
    converter: FieldConverter | None
    constant: Any = None
    optional: bool = False


def target_field(stream: Stream, name: str, where: str) -> Field:
    """The field of a stream, its envelope or its consents that a mapping's key names.

    Raises:
        ConfigError: there is none; the nearest one is named.
    """
    if name in _ENVELOPE:
        return _ENVELOPE[name]
    if name in stream.by_name:
        return stream.by_name[name]
    if name in CONSENT_FIELDS and stream.name in CONSENT_STREAMS:
        return Field(name=name, kind=Kind.TEXT, choices=CONSENT_STATES)
    known = [*stream.by_name, *ENVELOPE]
    if stream.name in CONSENT_STREAMS:
        known += CONSENT_FIELDS
    raise ConfigError(where, f"a field of {stream.name}", repr(name), nearest(name, known))


def nearest(name: str, known: list[str]) -> str:
    """A next step that names the known name most like this one."""
    found = get_close_matches(name.lower(), [item.lower() for item in known], n=1)
    for item in known:
        if found and item.lower() == found[0]:
            return f"Did you mean {item!r}?"
    return "Known are " + ", ".join(sorted(known)[:40]) if known else ""


def compile_source(
    field: Field, source: FieldSource, where: str, zone: str, notes: Notes
) -> FieldPlan:
    """Compile what a mapping says of one field.

    Args:
        where: the mapping's key as the settings spell it, for errors.
        zone: IANA name of the connection's zone; "" if none is named, which means UTC.

    Raises:
        ConfigError: an unknown key, directive or zone, or a constant that does not fit.
    """
    table = _table(source, where)

    def note(code: str, count: int) -> None:
        notes[code, where] += count

    scalar, bulk = _conversion(field, table, where, zone, note)
    optional = bool(table.get("optional", False))
    if table.get("const") is not None:
        constant = _checked(scalar, table["const"], f"{where}.const")
        return FieldPlan(field=field, source="", converter=None, constant=constant)
    default = table.get("default")
    fallback = None if is_missing(default) else _checked(scalar, default, f"{where}.default")
    if table.get("values"):
        scalar = _value_map(table, fallback, scalar, where, note)
        bulk = Memo(scalar).column
    if fallback is not None:
        scalar, bulk = _with_default(scalar, bulk, fallback)
    converter = FieldConverter(name=field.name, scalar=scalar, bulk=bulk)
    return FieldPlan(field=field, source=table["field"], converter=converter, optional=optional)


def _table(source: FieldSource, where: str) -> Mapping[str, Any]:
    if isinstance(source, str):
        return {"field": source}
    for key in source:
        if key not in SOURCE_KEYS:
            known = ", ".join(SOURCE_KEYS)
            raise ConfigError(
                where, f"keys among {known}", repr(key), nearest(key, list(SOURCE_KEYS))
            )
    if not source.get("field") and source.get("const") is None:
        raise ConfigError(where, "a field or a const", "neither")
    return source


def _conversion(
    field: Field, table: Mapping[str, Any], where: str, zone: str, note: Note
) -> tuple[Scalar, Bulk]:
    kind = field.kind
    if is_numeric(kind):
        return _numeric(field, table, where)
    if kind in {Kind.DATE, Kind.INSTANT}:
        times = _times(table, where, zone, note)
        if kind is Kind.DATE:
            return times.day, Memo(times.day).column
        return times.instant, times.instants if _is_iso(table) else Memo(times.instant).column
    if kind is Kind.BOOLEAN:
        scalar = words(table.get("true") or TRUE_WORDS, table.get("false") or FALSE_WORDS)
        return scalar, Memo(scalar).column
    if field.choices:
        scalar = chosen(field.choices)
        return scalar, Memo(scalar).column
    if kind is Kind.ID:
        return to_id, id_column
    return (to_json, Memo(to_json).column) if kind is Kind.JSON else (to_text, text_column)


def _numeric(field: Field, table: Mapping[str, Any], where: str) -> tuple[Scalar, Bulk]:
    decimal = table.get("decimal") or "."
    if decimal not in (",", "."):
        raise ConfigError(f"{where}.decimal", "',' or '.'", repr(decimal))
    number = to_comma_number if decimal == "," else to_number
    is_whole = field.kind is Kind.INTEGER
    scalar = bounded(whole(number) if is_whole else number, field)
    if decimal == ",":
        return scalar, Memo(scalar).column
    return scalar, integer_column(field) if is_whole else number_column(field)


def _is_iso(table: Mapping[str, Any]) -> bool:
    return not table.get("format")


def _times(table: Mapping[str, Any], where: str, zone: str, note: Note) -> Times:
    pattern = str(table.get("format") or "")
    named = str(table.get("zone") or zone)
    is_text = bool(pattern) and pattern not in EPOCH_FORMATS
    return Times(
        compile_format(pattern, f"{where}.format") if is_text else None,
        EPOCH_FORMATS.get(pattern, 0),
        zone_of(named, f"{where}.zone") if named and named != "UTC" else UTC,
        None if named else note,
    )


def _checked(scalar: Scalar, value: Any, where: str) -> Any:
    try:
        return scalar(value)
    except UnfitError as error:
        raise ConfigError(where, str(error), repr(value)) from error


def _value_map(
    table: Mapping[str, Any], default: Any, scalar: Scalar, where: str, note: Note
) -> Scalar:
    values = table["values"]
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where}.values", "a table of source value = our value", repr(values))
    try:
        return mapped(values, default, scalar, note)
    except UnfitError as error:
        raise ConfigError(f"{where}.values", str(error), repr(dict(values))[:80]) from error


def _with_default(scalar: Scalar, bulk: Bulk, default: Any) -> tuple[Scalar, Bulk]:
    def to_value(raw: Any) -> Any:
        found = scalar(raw)
        return default if found is None else found

    def column(raws: Any) -> Any:
        return [default if value is None else value for value in bulk(raws)]

    return to_value, column
