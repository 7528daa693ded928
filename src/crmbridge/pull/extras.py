"""What a record keeps beside its canonical fields: ``extra``, and the fields that we write."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from math import isfinite
from typing import Any, Self

import orjson

from crmbridge.pull.convert import shown, to_json
from crmbridge.pull.unfit import UnfitError

Raw = Sequence[Sequence[Any]]
"""A page's raw values, column by column."""
Reasons = dict[int, list[str]]
"""Row number -> why the row is quarantined."""

RAW_LIMIT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraPlan:
    """Which columns of a page go into ``extra``, and which of them are fields that we write.

    Args:
        names: of the columns kept, sorted.
        indexes: where they are.
        writes: (name, index) of fields that we write.
    """

    names: tuple[str, ...]
    indexes: tuple[int, ...]
    writes: tuple[tuple[str, int], ...]

    @classmethod
    def choose(
        cls,
        columns: Sequence[str],
        mapped: Iterable[str],
        extra: tuple[str, ...],
        write_fields: Sequence[str],
    ) -> Self:
        """Choose by the settings' word: ``("*",)`` for all that is not mapped, or names."""
        wanted = {*columns} - {*mapped} if extra == ("*",) else {*extra}
        kept = sorted(name for name in {*wanted, *write_fields} if name in columns)
        index = {name: number for number, name in enumerate(columns)}
        return cls(
            names=tuple(kept),
            indexes=tuple(index[name] for name in kept),
            writes=tuple((name, index[name]) for name in write_fields if name in index),
        )

    def column(self, raw: Raw, reasons: Reasons) -> Iterable[str | None]:
        """The JSON texts of a page's rows; empty values are left out, but of fields we write."""
        rows = zip(*(raw[index] for index in self.indexes), strict=True)
        always = {name for name, _ in self.writes}
        texts: list[str | None] = []
        for number, row in enumerate(rows):
            kept = {
                name: None if value == "" else value
                for name, value in zip(self.names, row, strict=True)
                if (value is not None and value != "") or name in always
            }
            texts.append(self._text(kept, number, reasons))
        return texts

    def _text(self, kept: dict[str, Any], number: int, reasons: Reasons) -> str | None:
        if not kept:
            return None
        try:
            return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode()
        except TypeError:  # a lone surrogate, a number beyond 64 bits, a value of another type
            pass
        try:
            text = to_json(kept)
            text.encode()
        except (UnfitError, UnicodeEncodeError):
            reasons.setdefault(number, []).append(
                f"extra: expected values that JSON can hold, got {shown(', '.join(kept))}"
            )
            return None
        return text

    def seen(
        self, ids: Sequence[str], raw: Raw, keep: Sequence[bool]
    ) -> list[tuple[str, tuple[Any, ...]]]:
        """Per row kept: its id, and the values of the fields that we write."""
        if not self.writes:
            return []
        columns = [map(_shown, compress(raw[index], keep)) for _, index in self.writes]
        return list(zip(ids, zip(*columns, strict=True), strict=True))


def _shown(value: Any) -> Any:
    """A raw value as JSON can hold it; the empty cell is null, and so is what is no number."""
    is_nothing = value == "" or (isinstance(value, float) and not isfinite(value))
    return None if is_nothing else value


def raw_text(columns: Sequence[str], row: Sequence[Any]) -> str:
    """A raw row as quarantine keeps it: JSON, or its beginning where it is very long."""
    text = json.dumps(dict(zip(columns, row, strict=False)), ensure_ascii=False, default=str)
    return text.encode("utf-8", "backslashreplace").decode()[:RAW_LIMIT]


def raw_id(raw: str) -> str:
    """A name for a row without an id, the same whenever the row is."""
    return "#" + hashlib.sha256(raw.encode()).hexdigest()[:12]
