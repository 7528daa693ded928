"""Reads the table that is evaluated: CSV, gzip too, every cell as the text that stands there."""

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from crmbridge.engine.columns import Numbers, numbers
from crmbridge.errors import CrmbridgeError, StorageError, UsageError

_DELIMITERS = ",;\t|"
_MISSING = ["", "NA", "N/A", "NaN", "nan", "NULL", "null"]
_YES_NO = {"yes": 1.0, "true": 1.0, "y": 1.0, "no": 0.0, "false": 0.0, "n": 0.0}
_FORMATS = ("%Y-%m-%d", "%Y%m%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y")
_MILLIS = 1_000_000


def read_table(path: Path, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Read a CSV file; the delimiter is the one that stands most often in its first line.

    Args:
        columns: names that must be there.

    Returns:
        texts; missing where a cell is empty or says so (NA, NaN, NULL).

    Raises:
        StorageError: there is no such file, or it is no text.
        UsageError: it has no header, or a column that was asked for is not in it.
    """
    try:
        table = _parsed(path)
    except CrmbridgeError:
        raise
    except OSError as cause:
        found = cause.strerror or "something else"
        raise StorageError(str(path), "a CSV file, plain or gzip", found, "Name one") from cause
    except (EOFError, UnicodeDecodeError, csv.Error, pd.errors.ParserError) as cause:
        raise StorageError(
            str(path), "a CSV file in UTF-8", f"{type(cause).__name__}", "Save it as such"
        ) from cause
    for name in columns:
        if name not in table.columns:
            there = ", ".join(str(column) for column in table.columns)
            raise UsageError(str(path), f"a column {name}", f"only {there}", "Name one of these")
    return table


def _parsed(path: Path) -> pd.DataFrame:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with (gzip.open if packed else open)(path, "rt", encoding="utf-8-sig", newline="") as lines:
        header = lines.readline()
    if not header.strip():
        raise UsageError(str(path), "a header line", "an empty file", "Name the columns in line 1")
    return pd.read_csv(
        path,
        sep=max(_DELIMITERS, key=header.count),
        dtype=str,
        keep_default_na=False,
        na_values=_MISSING,
        compression="gzip" if packed else None,
        encoding="utf-8-sig",
        index_col=False,
    )


def names_in(text: str) -> tuple[str, ...]:
    """Names between commas, once each, in order."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def values_in(text: str, where: str) -> dict[str, float]:
    """Numbers by name, as `name=value` between commas.

    Raises:
        UsageError: a part has no name, or no finite number.
    """
    found = {}
    for part in names_in(text):
        name, _, value = part.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError as cause:
            raise UsageError(where, "COL=NUMBER", f"{part!r}", "Write it as price=12.5") from cause
    return found


def with_numbers(table: pd.DataFrame, columns: Sequence[str], where: str) -> pd.DataFrame:
    """The table with these columns as numbers; yes and no are 1 and 0.

    Raises:
        UsageError: a column has cells, and none of them is a number: an order or a code for
            words would be a guess.
    """
    changed = {name: _as_numbers(table, name, where) for name in columns if name in table.columns}
    return table.assign(**changed)


def _as_numbers(table: pd.DataFrame, name: str, where: str) -> Numbers:
    filled = table[name].dropna()
    lower = table[name].str.strip().str.lower()
    if len(filled) and lower.dropna().isin(_YES_NO.keys()).all():
        return np.asarray(lower.map(_YES_NO), dtype=np.float64)
    if len(filled) and pd.to_numeric(filled, errors="coerce").isna().all():
        got = f"words such as {str(filled.iloc[0])[:30]!r}"
        raise UsageError(f"{where}: {name}", "numbers, or yes and no", got, "Name another column")
    return np.asarray(numbers(table, name), dtype=np.float64)


def millis(table: pd.DataFrame, name: str, where: str) -> Numbers:
    """A column of days or times as milliseconds (UTC); NaN where a cell is empty.

    Raises:
        UsageError: some cell is no day, or days could be months.
    """
    cells = table[name].str.strip()
    filled = cells.dropna()
    fitting = {form: pd.to_datetime(filled, format=form, errors="coerce") for form in _FORMATS}
    whole = [form for form, days in fitting.items() if len(days) and not days.isna().any()]
    if {"%m/%d/%Y", "%d/%m/%Y"} <= set(whole) and not (
        fitting["%m/%d/%Y"] == fitting["%d/%m/%Y"]
    ).all():
        example = str(filled.iloc[0])
        raise UsageError(f"{where}: {name}", "days that can be read one way only", example,
                         "Write them as YYYY-MM-DD")  # fmt: skip
    parsed = fitting[whole[0]] if whole else _iso(filled, name, where)
    result = np.full(len(table), np.nan)
    nanos = pd.to_datetime(parsed, utc=True).astype("datetime64[ns, UTC]").astype("int64")
    result[cells.notna().to_numpy()] = nanos.to_numpy() // _MILLIS
    return result


def _iso(filled: "pd.Series[str]", name: str, where: str) -> "pd.Series[pd.Timestamp]":
    parsed = pd.to_datetime(filled, format="ISO8601", errors="coerce", utc=True)
    bad = filled[parsed.isna()]
    if len(bad):
        got = f"{str(bad.iloc[0])[:30]!r}"
        raise UsageError(f"{where}: {name}", "days or times", got, "Write them as YYYY-MM-DD")
    return parsed
