"""One object's rows: those of its first file, with the cells that other files hold by key."""

import hashlib
import json
import sqlite3
import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from crmbridge.records import Finding
from crmbridge_csv.client import PAGE, Stamp, Table
from crmbridge_csv.header import key_index
from crmbridge_csv.rows import Rows

OWN_ID = "own_id"
"""What a column ``id`` is called where another one, or the line, names the records."""
Stamps = tuple[Stamp, ...]


@dataclass(slots=True)
class Lacks:
    """How many ids a file lacks, and the first of them."""

    count: int = 0
    example: str = ""

    def add(self, key: str) -> None:
        """Count one more."""
        self.count += 1
        self.example = self.example or key


@dataclass(slots=True, kw_only=True)
class Side:
    """Another file of the same records, looked up by key.

    Args:
        is_ours: we wrote it: a cell of it goes over one of the first file, and nobody needs to
            be told which records it lacks.
        adds: its records that the first file lacks are records of the object, too.
        column: the one that names a record.
        decode: a cell as written -> the text that was meant.
    """

    table: Table
    column: str
    is_ours: bool = False
    adds: bool = True
    decode: Callable[[str], str] = str
    key: int = 0
    places: list[tuple[int, int]] = field(default_factory=list)
    lacks: Lacks = field(default_factory=Lacks)
    repeats: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What an object is made of.

    Args:
        key: column of the first file that names a record.
        numbered: the first file has no ids: a row's line is its id.
        extra: columns that are given even where no file has them.
        decode: as in `Side`, for the first file; None where cells are what they say.
    """

    base: Table
    sides: tuple[Side, ...] = ()
    key: str = "id"
    numbered: bool = False
    extra: tuple[str, ...] = ()
    decode: Callable[[str], str] | None = None


class Assembly:
    """Rows of one object, put together without holding them in memory.

    Args:
        folder: where all files but the first are staged for look-ups.
        only: keys wanted; None for all.
    """

    def __init__(self, source: Source, folder: Path, only: Collection[str] | None = None) -> None:
        self._source = source
        self._staging = folder / "join.sqlite3"
        self._only = only
        self._unknown = Lacks()
        header = source.base.header()
        self._key = 0 if source.numbered else key_index(source.base.name, header, source.key)
        self._has_alias = not source.numbered and source.key != "id"
        lead = ("id",) if source.numbered else ()
        alias = ("id",) if self._has_alias else ()
        names = (OWN_ID if name == "id" and (lead or alias) else name for name in header)
        self.columns = [*lead, *names, *alias]
        for side in source.sides:
            self._place(side)
        self.columns += [name for name in source.extra if name not in self.columns]
        self._pad = len(self.columns) - len((*lead, *header, *alias))

    @property
    def name(self) -> str:
        """The first file's name."""
        return self._source.base.name

    def digest(self) -> str:
        """A digest of all that the rows depend on; each file is read through once.

        Raises:
            ConfigError: a file cannot be read whole.
        """
        scans = [f"{table.name}={table.scan()}" for table in self._tables()]
        marks = [str(PAGE), self._source.key, *self.columns, *scans]
        return hashlib.sha256("\0".join(marks).encode()).hexdigest()

    def stamps(self) -> Stamps:
        """What changes whenever one of the files does."""
        return tuple(table.stamp() for table in self._tables())

    def pages(self) -> Iterator[Rows]:
        """All rows: the first file's in its order, then those that only other files have."""
        if not self._source.sides:
            yield from self._first()
            return
        self._staging.unlink(missing_ok=True)
        staging = sqlite3.connect(self._staging, isolation_level=None)
        try:
            staging.execute("PRAGMA journal_mode = OFF")
            staging.execute("PRAGMA synchronous = OFF")
            yield from self._joined(staging)
        finally:
            staging.close()
            self._staging.unlink(missing_ok=True)

    def findings(self) -> list[Finding]:
        """What a person should know, once all pages are read."""
        lacks = [(side.table.name, side.lacks) for side in self._source.sides]
        lacks.append((self._source.base.name, self._unknown))
        found = [_lacking(name, one) for name, one in lacks if one.count]
        found += [
            _twice(side.table.name, side.repeats) for side in self._source.sides if side.repeats
        ]
        return found

    def _tables(self) -> list[Table]:
        return [self._source.base, *(side.table for side in self._source.sides)]

    def _place(self, side: Side) -> None:
        header = side.table.header()
        side.key = key_index(side.table.name, header, side.column)
        for index, name in enumerate(header):
            is_new = name not in self.columns
            if is_new:
                self.columns.append(name)
            if index != side.key and (is_new or side.is_ours):
                side.places.append((index, self.columns.index(name)))

    def _first(self) -> Iterator[Rows]:
        source = self._source
        for page in source.base.pages(None if source.numbered else self._key):
            if source.decode is not None:
                page.rows = [[*map(source.decode, row)] for row in page.rows]
            if source.numbered:
                page.rows = [
                    [str(line), *row] for line, row in zip(page.lines, page.rows, strict=True)
                ]
            if self._only is not None:
                page.rows = [row for row in page.rows if row[self._key] in self._only]
            self._extend(page.rows)
            yield page

    def _extend(self, rows: list[list[str]]) -> None:
        key, blank = self._key, [""] * self._pad
        if self._has_alias:
            for row in rows:
                row.append(row[key])
        if blank:
            for row in rows:
                row.extend(blank)

    def _joined(self, staging: sqlite3.Connection) -> Iterator[Rows]:
        sides = list(enumerate(self._source.sides))
        for number, side in sides:
            yield from _stage(staging, number, side)
        for page in self._first():
            self._look_up(staging, page.rows, sides)
            yield page
        for number, side in sides:
            for rows in self._rest(staging, number, side) if side.adds else ():
                self._look_up(staging, rows, sides[number + 1 :])
                yield Rows(rows=rows)

    def _look_up(
        self, staging: sqlite3.Connection, rows: list[list[str]], sides: list[tuple[int, Side]]
    ) -> None:
        keys = [_nfc(row[self._key]) for row in rows]
        wanted = json.dumps(keys)
        for number, side in sides:
            choice = f"side{number} WHERE key IN (SELECT value FROM json_each(?))"
            found = dict(staging.execute(f"SELECT key, cells FROM {choice}", (wanted,)))
            staging.execute(f"UPDATE {choice.replace(' WHERE', ' SET used = 1 WHERE')}", (wanted,))
            for key, row in zip(keys, rows, strict=True):
                if key in found:
                    _put(row, side, json.loads(found[key]))
                elif not side.is_ours:
                    side.lacks.add(key)

    def _rest(
        self, staging: sqlite3.Connection, number: int, side: Side
    ) -> Iterator[list[list[str]]]:
        query = f"SELECT key, cells FROM side{number} WHERE NOT used ORDER BY key"
        rest = staging.execute(query)
        while found := rest.fetchmany(PAGE):
            wanted = [one for one in found if self._only is None or one[0] in self._only]
            for key, _ in wanted if not side.is_ours else ():
                self._unknown.add(key)
            rows = [self._blank_row(key) for key, _ in wanted]
            for row, (_, cells) in zip(rows, wanted, strict=True):
                _put(row, side, json.loads(cells))
            yield rows

    def _blank_row(self, key: str) -> list[str]:
        row = [""] * len(self.columns)
        row[self._key] = row[self.columns.index("id")] = key
        return row


def _stage(staging: sqlite3.Connection, number: int, side: Side) -> Iterator[Rows]:
    """Put a file where its rows can be looked up; yields what had to be rejected."""
    columns = "key TEXT PRIMARY KEY, cells TEXT, used INTEGER NOT NULL DEFAULT 0"
    staging.execute(f"CREATE TABLE side{number} ({columns})")
    insert = f"INSERT OR IGNORE INTO side{number} (key, cells) VALUES (?, ?)"
    read = 0
    for page in side.table.pages(side.key):
        read += len(page.rows)
        cells = [[*map(side.decode, row)] for row in page.rows]
        staging.execute("BEGIN")
        staging.executemany(insert, [(_nfc(row[side.key]), json.dumps(row)) for row in cells])
        staging.execute("COMMIT")
        if page.rejected:
            yield Rows(rows=[], rejected=page.rejected)
    side.repeats = read - staging.execute(f"SELECT count(*) FROM side{number}").fetchone()[0]


def _put(row: list[str], side: Side, cells: list[str]) -> None:
    for source, target in side.places:
        if cells[source] or not side.is_ours:
            row[target] = cells[source]


def _nfc(key: str) -> str:
    return key if key.isascii() else unicodedata.normalize("NFC", key)


def _lacking(name: str, lacks: Lacks) -> Finding:
    return Finding(
        code="csv.id_missing",
        count=lacks.count,
        example=f"{name} has no {lacks.example!r}",
        remedy="Add the record to the file, or leave it: its cells are empty",
    )


def _twice(name: str, count: int) -> Finding:
    return Finding(
        code="csv.id_twice",
        count=count,
        example=name,
        remedy="Give each record its own id; of rows with the same one the first counts",
    )
