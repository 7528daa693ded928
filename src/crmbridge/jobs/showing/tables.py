"""Writes files whole or not at all, and tables that no spreadsheet takes for formulas."""

import csv
import io
import math
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from crmbridge.errors import StorageError

_RISKY = frozenset("=+-@\t\r\0＝＋－＠")


def write_text(path: Path, text: str) -> Path:
    """Put a file in place in one step, mode 0600; an older one of the name is replaced.

    Raises:
        StorageError: the folder cannot be made or written to.
    """
    with placed(path) as target:
        target.write_bytes(text.encode())
    return path


@contextmanager
def placed(path: Path) -> Iterator[Path]:
    """A file to write beside the place of another, which it takes when all went well, mode 0600.

    Raises:
        StorageError: the folder cannot be made or written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix
        )
        os.close(descriptor)
        target = Path(name)
        try:
            yield target
            target.chmod(0o600)
            with target.open("rb+") as file:
                os.fsync(file.fileno())
            target.replace(path)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    except OSError as cause:
        raise StorageError(
            str(path),
            "a place to write to",
            cause.strerror or "",
            "Free some space, or name another folder as out.path",
        ) from cause


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
