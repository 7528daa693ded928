"""Rows that are held column by column, and CSV texts cut straight into them.

The csv module makes a list for each row, which is turned into columns again right after. Where a
stretch of a text is written evenly, all cells in quotes or none, two calls cut it whole.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, TextIO, overload

_MARK = "\n"
"""What is put between rows as a cell of its own; no even stretch has a cell that holds it."""


class Columns(Sequence[tuple[Any, ...]]):
    """Rows held by column; a row is made when it is asked for."""

    def __init__(self, columns: Sequence[Sequence[Any]]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self.columns, strict=True)

    @overload
    def __getitem__(self, index: int) -> tuple[Any, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> "Columns": ...
    def __getitem__(self, index: int | slice) -> "tuple[Any, ...] | Columns":
        if isinstance(index, slice):
            return Columns([column[index] for column in self.columns])
        return tuple(column[index] for column in self.columns)


def read_csv(
    file: TextIO, width: int, characters: int, rows: int
) -> Iterator[Sequence[Sequence[str]]]:
    """The rows of a CSV text with commas, as the csv module reads them, in stretches.

    Args:
        file: opened with ``newline=""``, at the start of a row.
        width: cells of a row; a row of another width is given as it is.
        characters: how long a stretch is, about, while the text is even.
        rows: how many rows a stretch has from the first uneven one on.
    """
    while text := file.read(characters):
        text += file.readline()
        columns = _cut(text, width)
        if columns is None:
            reader = csv.reader(chain(io.StringIO(text, newline=""), file))
            while some := list(islice(reader, rows)):
                yield some
            return
        yield Columns(columns)


def _cut(text: str, width: int) -> list[list[str]] | None:
    """Whole rows as columns; None where the rows are not even.

    In an even stretch each quote is one of its cells' own two, so that none is inside a cell and
    no cell holds a line end or a delimiter.
    """
    end = "\r\n" if text.endswith("\r\n") else "\n"
    if width < 2 or not text.endswith(end):
        return None
    rows, quotes = text.count("\n"), text.count('"')
    if text.count("\r") != (rows if end == "\r\n" else 0):
        return None
    if quotes == 0:
        cells = text.removesuffix(end).replace(end, f",{_MARK},").split(",")
    elif quotes == 2 * width * rows and text[0] == '"' and text.endswith(f'"{end}'):
        inner = text[1 : -1 - len(end)]
        cells = inner.replace(f'"{end}"', f'","{_MARK}","').split('","')
    else:
        return None
    if len(cells) != rows * (width + 1) - 1 or cells[width :: width + 1] != [_MARK] * (rows - 1):
        return None
    return [cells[at :: width + 1] for at in range(width)]
