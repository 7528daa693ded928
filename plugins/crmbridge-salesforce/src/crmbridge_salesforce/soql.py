"""Writes SOQL: values are always quoted here, names always come from a description."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from crmbridge.errors import ConfigError

LONGEST = 8_000
"""Characters of one query that is sent in an address. Salesforce takes addresses of 16,384 bytes
(REST API guide, status code 414), and percent signs cost three."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*")
_ESCAPES = {
    "\\": "\\\\",
    "'": "\\'",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}


def select(fields: Iterable[str], object_: str, *conditions: str, order: str = "") -> str:
    """A query for fields of an object, whose conditions must all hold."""
    text = f"SELECT {', '.join(map(name, fields))} FROM {name(object_)}"
    if held := [one for one in conditions if one]:
        text += " WHERE " + " AND ".join(held)
    return f"{text} ORDER BY {order}" if order else text


def count(object_: str, *conditions: str) -> str:
    """A query for the number of records."""
    return select(["COUNTED"], object_, *conditions).replace("COUNTED", "COUNT()", 1)


def name(text: str) -> str:
    """A field's or object's name, which cannot be quoted.

    Raises:
        ConfigError: it is no such name.
    """
    if not _NAME.fullmatch(text):
        raise ConfigError("mapping", "the API name of a field", repr(text[:80]), "Correct it")
    return text


def quoted(text: str) -> str:
    """A text literal, escaped as the SOQL reference has it ("Quoted String Escape Sequences")."""
    return "'" + "".join(_ESCAPES.get(letter, letter) for letter in text) + "'"


def instant(at: datetime) -> str:
    """A dateTime literal, in UTC and never quoted ("Date Formats and Date Literals")."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def among(field: str, values: Sequence[str]) -> str:
    """The condition that a field is one of some texts, of which there is at least one."""
    return f"{name(field)} IN ({', '.join(map(quoted, values))})"


def parts(values: Sequence[str], room: int, most: int = 200) -> Iterator[Sequence[str]]:
    """Cut values into parts whose literals fit into so many characters."""
    part: list[str] = []
    size = 0
    for value in values:
        length = len(quoted(value).encode()) + 2
        if part and (size + length > room or len(part) == most):
            yield part
            part, size = [], 0
        part.append(value)
        size += length
    if part:
        yield part
