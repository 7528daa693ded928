"""Rows as the csv module gives them: which are sound, and on which line each stands."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from crmbridge.adapters import Rejected
from crmbridge.errors import ConfigError

RAW_LIMIT = 2_000
_LINE_END = re.compile("\r\n|\r|\n")


@dataclass(slots=True, kw_only=True)
class Rows:
    """A stretch of a table.

    Args:
        rows: as wide as the header.
        lines: where each of them starts.
        rejected: what is no such row, with its line.
    """

    rows: list[list[str]]
    lines: Sequence[int] = ()
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sorter:
    """Tells the rows of a page that are not all as wide as the header, or not all on one line."""

    name: str
    width: int
    key: int | None
    delimiter: str

    def sort(self, rows: list[list[str]], line: int, end: int, error: csv.Error | None) -> Rows:
        lines: list[int] = []
        page = Rows(rows=[], lines=lines)
        for row in rows:
            text = " ".join(row)
            if reason := self._fault(row, text):
                page.rejected.append(self._reject(line, reason, row))
            elif row:
                page.rows.append(row)
                lines.append(line)
            line += 1 + len(_LINE_END.findall(text))
        if error is not None:
            page.rejected.append(self._torn(line, end, error))
        return page

    def _torn(self, line: int, end: int, error: csv.Error) -> Rejected:
        """The row that the csv module gave up on; it goes on with the next line.

        Raises:
            ConfigError: the row spans lines, so nobody knows where the next one starts.
        """
        if end > line:
            raise ConfigError(
                f"{self.name}:{line}",
                "the quote that is opened here to be closed in its row",
                f"{error} in line {end}",
                "Correct the quotes of this row",
            ) from error
        return self._reject(line, f"expected a row of CSV, got: {error}", [])

    def _fault(self, row: list[str], text: str) -> str:
        if row and len(row) != self.width:
            return f"expected {self.width} columns, got {len(row)}"
        return "expected text, got a NUL byte" if "\0" in text else ""

    def _reject(self, line: int, reason: str, row: list[str]) -> Rejected:
        where = f"{self.name}:{line}"
        id_ = row[self.key] if self.key is not None and self.key < len(row) else ""
        raw = self.delimiter.join(row)[:RAW_LIMIT]
        return Rejected(id=id_ or where, reason=f"{where}: {reason}", raw=raw)
