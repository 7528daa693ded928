"""Writes files whole or not at all, and tables that no spreadsheet takes for formulas."""

import csv
import io
import math
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from crmbridge.errors import StorageError

_RISKY = frozenset("=+-@\t\r\0＝＋－＠")


def write_text(path: Path, text: str) -> Path:
    """Put a file in place in one step, mode 0600; an older one of the name is replaced.

    Raises:
        StorageError: the folder cannot be made or written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as cause:
        raise StorageError(
            str(path),
            "a place to write to",
            cause.strerror or "",
            "Free some space, or name another folder as out.path",
        ) from cause
    return path


def table_text(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV text: numbers as they are, texts that look like a formula behind a quote."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(headers)
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()


def cell(value: object) -> object:
    """A value as a cell; missing ones and NaN are empty."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool | int | float):
        return value
    text = str(value)
    return f"'{text}" if text.lstrip(" '\"")[:1] in _RISKY and text.strip() else text
