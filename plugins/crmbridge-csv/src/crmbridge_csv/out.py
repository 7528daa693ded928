"""Files that we write: whole or not at all, readable by their owner, harmless to spreadsheets."""

import csv
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crmbridge import failpoint
from crmbridge.errors import ConfigError, StorageError
from crmbridge_csv.client import Dialect, Table

Patches = Mapping[str, Mapping[str, str] | None]
"""id -> the cells to set, None to drop the row."""

# What spreadsheets take for a formula: its first sign (also in full width), behind quotes and
# white space that they skip; and a leading tab or line end, which they drop.
_FORMULA = re.compile(r"'*(?:[\t\r\n]|[\s\u200b\ufeff]*[=+\-@＝＋－＠])")


def guard(text: str) -> str:
    """A text as a cell that no spreadsheet computes; `unguard` takes it back."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguard(cell: str) -> str:
    """The text that `guard` made a cell of."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell, 1) else cell


def text_of(value: Any) -> str:
    """A value as text, before `guard`; numbers as short as they can be, None as "".

    Raises:
        ValueError: the text has a NUL character or half of one beyond 16 bits.
    """
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, bool | list | dict):
        return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    text = str(value)
    text.encode()
    if "\0" in text:
        raise ValueError("a NUL character")
    return text


def cell_of(value: Any) -> str:
    """A value as a cell: numbers stay numbers, texts are guarded."""
    text = text_of(value)
    return text if isinstance(value, int | float) else guard(text)


class OutFile:
    """A file of ours in the folder of results; the version before the last stays as ``.prev``."""

    def __init__(self, folder: Path, name: str, delimiter: str) -> None:
        self.table = Table(folder, name, Dialect(delimiter=delimiter))
        self._path = folder / name
        self._delimiter = delimiter

    def patch(self, patches: Patches) -> None:
        """Set and drop rows by id; new rows go to the end.

        Raises:
            StorageError: the disk is full or the folder may not be written; nothing changed.
            ConfigError: somebody broke a row of the file: it is not ours to drop.
        """
        old = self.table.header() if self.table.exists() else ()
        new = [name for cells in patches.values() if cells for name in cells]
        columns = tuple(dict.fromkeys(["id", *old, *new]))
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._replace(columns, self._rows(old, dict(patches)))
        except OSError as error:
            got = str(error.strerror)
            raise StorageError(str(self._path), "a file to write", got, "Make room") from error

    def _rows(
        self, old: tuple[str, ...], patches: dict[str, Mapping[str, str] | None]
    ) -> Iterator[Mapping[str, str]]:
        for page in self.table.pages() if old else ():
            if page.rejected:
                raise ConfigError(
                    "out", "a whole row", page.rejected[0].reason, "Correct it, or delete the file"
                )
            for cells in page.rows:
                row = dict(zip(old, cells, strict=True))
                change = patches.pop(row["id"], {})
                if change is not None:
                    yield {**row, **change}
        for id_, change in patches.items():
            if change is not None:
                yield {"id": id_, **change}

    def _replace(self, columns: tuple[str, ...], rows: Iterator[Mapping[str, str]]) -> None:
        fresh = self._path.with_name(f".{self._path.name}.new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="", delimiter=self._delimiter)
            writer.writeheader()
            writer.writerows(rows)
            file.flush()
            os.fsync(descriptor)
        failpoint.reach("csv.out.written")
        self._keep_previous()
        fresh.replace(self._path)
        failpoint.reach("csv.out.renamed")
        _sync(self._path.parent)

    def _keep_previous(self) -> None:
        if self.table.exists():
            previous = self._path.with_name(f"{self._path.name}.prev")
            previous.unlink(missing_ok=True)
            os.link(self._path, previous)


def _sync(folder: Path) -> None:
    """Make the new name last through a power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
