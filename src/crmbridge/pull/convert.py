"""Columns of raw values to columns of canonical ones, whole columns at once where that is safe.

Each kind has a *scalar*, which converts one value and says what was expected when it cannot, and a
*bulk*, which converts a whole column with few Python steps and gives up (by raising) as soon as
anything in the column is unusual. `FieldConverter.convert` tries the bulk and falls back to the
scalar row by row, so that one odd cell costs time but never a page.
"""

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from crmbridge.pull.times import Note
from crmbridge.pull.unfit import UnfitError
from crmbridge.records import Field, Kind

Scalar = Callable[[Any], Any]
"""Converts one present value, or raises `UnfitError`."""
Bulk = Callable[[Sequence[Any]], Sequence[Any]]
"""Converts a column with missing values, or raises any of `GIVES_UP`."""
GIVES_UP = (ValueError, TypeError, KeyError, OverflowError, AttributeError)

UNMAPPED = "pull.unmapped_value"
"""Note: a value that a value map does not name was kept as it is."""
MEMO_LIMIT = 50_000
MAX_INTEGER = 2**63 - 1
TRUE_WORDS = ("true", "yes", "1", "t", "y", "on")
FALSE_WORDS = ("false", "no", "0", "f", "n", "off")
COMPACT = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CONTROL_BYTES = bytes({*range(32), 127} - {9, 10, 13})
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_COMMA_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldConverter:
    """How the values of one canonical field are made from those of one source field."""

    name: str
    scalar: Scalar
    bulk: Bulk

    def convert(self, column: Sequence[Any]) -> tuple[Sequence[Any], dict[int, str]]:
        """Convert a column.

        Returns:
            the values, None where missing or unfit, and row -> what was expected and got.
        """
        try:
            return self.bulk(column), {}
        except GIVES_UP:
            return self._row_by_row(column)

    def _row_by_row(self, column: Sequence[Any]) -> tuple[list[Any], dict[int, str]]:
        values: list[Any] = []
        unfit: dict[int, str] = {}
        for number, raw in enumerate(column):
            try:
                values.append(None if is_missing(raw) else self.scalar(raw))
            except UnfitError as error:
                values.append(None)
                unfit[number] = f"expected {error}, got {shown(raw)}"
        return values, unfit


class Memo(dict[Any, Any]):
    """Converted values by raw value, for columns whose values repeat; bounded."""

    def __init__(self, scalar: Scalar) -> None:
        super().__init__()
        self._scalar = scalar

    def __missing__(self, raw: Any) -> Any:
        value = None if is_missing(raw) else self._scalar(raw)
        if len(self) >= MEMO_LIMIT:
            self.clear()
        self[raw] = value
        return value

    def column(self, column: Sequence[Any]) -> list[Any]:
        """Convert a column."""
        return list(map(self.__getitem__, column))


def is_missing(raw: Any) -> bool:
    """Whether a raw value stands for nothing: None or the empty cell, never 0 or "N/A"."""
    return raw is None or raw == ""


def shown(raw: Any) -> str:
    """A raw value as a reason may quote it: one line, at most 60 characters."""
    text = repr(raw) if isinstance(raw, str) else str(raw)
    return text if len(text) <= 60 else text[:57] + "..."


def to_text(raw: Any) -> str | None:
    """Text in Unicode's composed form (NFC), without control characters but tabs and line ends."""
    text = raw if isinstance(raw, str) else _as_text(raw)
    if text.isprintable() and text.isascii():
        return text or None
    if _SURROGATE.search(text):
        raise UnfitError("whole characters")
    return unicodedata.normalize("NFC", _CONTROL.sub("", text)) or None


def _as_text(raw: Any) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float):
        if not math.isfinite(raw):
            raise UnfitError("text")
        return str(int(raw)) if raw.is_integer() and abs(raw) < 2**53 else repr(raw)
    if isinstance(raw, dict | list | tuple):
        return to_json(raw)
    return str(raw)


def to_id(raw: Any) -> str:
    """An id, which stays the text it is; a whole number becomes its digits."""
    if isinstance(raw, bool | dict | list):
        raise UnfitError("an id")
    text = raw if isinstance(raw, str) else _as_text(raw)
    if not text.strip() or _CONTROL.search(text) or _SURROGATE.search(text):
        raise UnfitError("an id of visible characters")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def to_number(raw: Any) -> float | None:
    """A finite number."""
    if isinstance(raw, str):
        raw = raw.strip()
        if not raw:
            return None
        if "_" in raw or not raw.isascii():
            raise UnfitError("a number")
    elif isinstance(raw, bool):
        raise UnfitError("a number")
    try:
        value = float(raw)
    except (ValueError, TypeError, OverflowError) as error:
        raise UnfitError("a number") from error
    if not math.isfinite(value):
        raise UnfitError("a finite number")
    return value


def to_comma_number(raw: Any) -> float | None:
    """A number written with a decimal comma; dots may only separate thousands."""
    if not isinstance(raw, str):
        return to_number(raw)
    text = raw.strip()
    if text and not _COMMA_NUMBER.fullmatch(text):
        raise UnfitError("a number with a decimal comma")
    return to_number(text.replace(".", "").replace(",", "."))


def whole(number: Scalar) -> Scalar:
    """The scalar of whole numbers that reads with the scalar of numbers."""

    def to_integer(raw: Any) -> int | None:
        if isinstance(raw, int) and not isinstance(raw, bool):
            value = raw
        else:
            found = number(raw)
            if found is None:
                return None
            if not found.is_integer():
                raise UnfitError("a whole number")
            value = int(found)
        if abs(value) > MAX_INTEGER:
            raise UnfitError("a whole number of at most 18 digits")
        return value

    return to_integer


def to_json(raw: Any) -> str:
    """Compact JSON of a value, or of JSON text."""
    try:
        value = json.loads(raw, parse_constant=_refuse) if isinstance(raw, str) else raw
        return json.dumps(
            value, separators=(",", ":"), sort_keys=True, ensure_ascii=False, allow_nan=False
        )
    except (ValueError, TypeError, RecursionError) as error:
        raise UnfitError("JSON") from error


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def words(true: Iterable[str] = TRUE_WORDS, false: Iterable[str] = FALSE_WORDS) -> Scalar:
    """The scalar of booleans with these words, which ignore case."""
    table = {str(word).lower(): 1 for word in true} | {str(word).lower(): 0 for word in false}
    expected = "one of " + ", ".join(table)

    def to_boolean(raw: Any) -> int:
        found = table.get(key_of(raw))
        if found is None:
            raise UnfitError(expected)
        return found

    return to_boolean


def chosen(choices: Sequence[str]) -> Scalar:
    """The scalar of texts that must be one of these, ignoring case."""
    table = {choice.lower(): choice for choice in choices}
    expected = "one of " + ", ".join(choices)

    def to_choice(raw: Any) -> str:
        found = table.get(key_of(raw))
        if found is None:
            raise UnfitError(expected)
        return found

    return to_choice


def mapped(values: Mapping[str, Any], default: Any, scalar: Scalar, note: Note) -> Scalar:
    """The scalar that looks values up in a value map.

    A value that is not in it is the default; without one it stays as it is, as far as the field
    can hold it, and is noted.
    """
    exact = {str(raw): None if is_missing(v) else scalar(v) for raw, v in values.items()}
    folded = {raw.strip().lower(): value for raw, value in exact.items()}

    def to_mapped(raw: Any) -> Any:
        if isinstance(raw, str) and raw in exact:
            return exact[raw]
        key = key_of(raw)
        if key in folded:
            return folded[key]
        if default is not None:
            return default
        value = scalar(raw)
        note(UNMAPPED, 1)
        return value

    return to_mapped


def key_of(raw: Any) -> str:
    """A raw value as tables of words know it: lower case, and ``true`` for True."""
    return _as_text(raw).strip().lower()


def bounded(scalar: Scalar, field: Field) -> Scalar:
    """The scalar with the field's range."""
    low, high = field.minimum, field.maximum
    if low is None and high is None:
        return scalar
    expected = _range_text(low, high)

    def to_bounded(raw: Any) -> Any:
        value = scalar(raw)
        if value is not None and not _within(value, low, high):
            raise UnfitError(expected)
        return value

    return to_bounded


def _range_text(low: float | None, high: float | None) -> str:
    if high is None:
        return f"{low:g} or more"
    return f"at most {high:g}" if low is None else f"{low:g} to {high:g}"


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def text_column(column: Sequence[Any]) -> Sequence[Any]:
    """Bulk of texts: nothing to do where all is printable and composed."""
    joined = _plain(column)
    if not (_is_clean(joined) if joined.isascii() else joined.isprintable()):
        raise ValueError
    return _without_blanks(column)


def _without_blanks(column: Sequence[Any]) -> Sequence[Any]:
    return [v or None for v in column] if "" in column else column


def _is_simple(ascii_text: str) -> bool:
    """Whether JSON would escape nothing: no control characters, nor quotes and backslashes.

    orjson looks at many bytes at once, thirty times as fast as `str.isprintable`.
    """
    return len(orjson.dumps(ascii_text)) == len(ascii_text) + 2 and "\x7f" not in ascii_text


def _is_clean(ascii_text: str) -> bool:
    """Whether there are no control characters but tabs and line ends."""
    raw = ascii_text.encode("ascii")
    return _is_simple(ascii_text) or len(raw.translate(None, _CONTROL_BYTES)) == len(raw)


def id_column(column: Sequence[Any]) -> Sequence[Any]:
    """Bulk of ids, as texts or whole numbers."""
    if isinstance(column[0], int) and set(map(type, column)) == {int}:
        return list(map(str, column))
    joined = _plain(column)
    if " " in joined or not joined.isascii() or not (_is_simple(joined) or joined.isprintable()):
        raise ValueError
    return _without_blanks(column)


def _plain(column: Sequence[Any]) -> str:
    """All texts of a column joined; raises where one is no text or not composed."""
    try:
        joined = "".join(column)
    except TypeError:
        joined = "".join([v for v in column if v is not None])
    if not joined.isascii() and not unicodedata.is_normalized("NFC", joined):
        raise ValueError
    return joined


def number_column(field: Field) -> Bulk:
    """Bulk of numbers with the field's range."""

    def convert(column: Sequence[Any]) -> Sequence[Any]:
        return _checked(_cast(column, float, _FLOATS), field)

    return convert


def integer_column(field: Field) -> Bulk:
    """Bulk of whole numbers with the field's range."""

    def convert(column: Sequence[Any]) -> Sequence[Any]:
        values = _checked(_cast(column, int, _INTEGERS), field)
        present = [*filter(None, values)]
        if max(present, default=0) > MAX_INTEGER or min(present, default=0) < -MAX_INTEGER:
            raise ValueError
        return values

    return convert


_FLOATS: set[type] = {int, float, type(None)}
_INTEGERS: set[type] = {int, type(None)}


def _cast(
    column: Sequence[Any], cast: type[float] | type[int], natives: set[type]
) -> Sequence[Any]:
    try:
        joined = "".join(column)
    except TypeError:
        return _cast_mixed(column, cast, natives)
    if "_" in joined or not joined.isascii():  # Python reads 1_000 and ١٢ as numbers
        raise ValueError
    if "" in column:
        return [cast(v) if v else None for v in column]
    return list(map(cast, column))


def _cast_mixed(
    column: Sequence[Any], cast: type[float] | type[int], natives: set[type]
) -> Sequence[Any]:
    if set(map(type, column)) <= natives:
        return [None if v is None else cast(v) for v in column]
    texts = [v for v in column if v]
    if not {str}.issuperset(map(type, texts)):
        raise TypeError
    if len(texts) + column.count(None) + column.count("") != len(column):
        raise TypeError
    values = iter(_cast(texts, cast, natives))
    return [next(values) if v else None for v in column]


def _checked(values: Sequence[Any], field: Field) -> Sequence[Any]:
    present = [v for v in values if v is not None] if None in values else values
    if not present:
        return values
    if not math.isfinite(sum(present)):
        raise ValueError
    if field.minimum is not None and min(present) < field.minimum:
        raise ValueError
    if field.maximum is not None and max(present) > field.maximum:
        raise ValueError
    return values


def is_numeric(kind: Kind) -> bool:
    """Whether values of this kind are numbers with ranges."""
    return kind in {Kind.INTEGER, Kind.NUMBER, Kind.MONEY}
