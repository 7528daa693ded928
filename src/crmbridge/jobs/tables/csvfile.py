"""Writes a table as CSV: UTF-8, times in ISO 8601, texts that no spreadsheet computes."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from crmbridge.jobs.showing.tables import cell, placed
from crmbridge.jobs.tables.shapes import TableShape
from crmbridge.records import Kind, from_millis
from crmbridge.store.pages import Page


def write_csv(path: Path, shape: TableShape, pages: Iterable[Page]) -> int:
    """Write a table; how many rows.

    Raises:
        StorageError: the folder cannot be written to.
    """
    ways = [_WAYS.get(column.kind, cell) for column in shape.columns]
    count = 0
    with placed(path) as target, target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(shape.names)
        for page in pages:
            writer.writerows([way(v) for way, v in zip(ways, row, strict=True)] for row in page)
            count += len(page)
    return count


def _boolean(value: Any) -> object:
    return "" if value is None else ("true" if value else "false")


def _instant(value: Any) -> object:
    """Milliseconds as ISO 8601; the fraction only where there is one."""
    if value is None:
        return ""
    at = from_millis(value)
    return f"{at:%Y-%m-%dT%H:%M:%S}{f'.{value % 1000:03}' if value % 1000 else ''}Z"


def _plain(value: Any) -> object:
    return "" if value is None else value


_WAYS: dict[Kind, Callable[[Any], object]] = {
    Kind.BOOLEAN: _boolean,
    Kind.INSTANT: _instant,
    Kind.DATE: _plain,
    Kind.INTEGER: _plain,
}
