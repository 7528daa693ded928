"""CSV files on disk: confined to one folder, checked before the first row, read in pages."""

import codecs
import csv
import gzip
import hashlib
import io
import os
import re
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from crmbridge.adapters import Rejected
from crmbridge.errors import ConfigError, RetryLaterError

PAGE = 5_000
BLOCK = 1 << 20
CELL_LIMIT = 1 << 18
"""Characters in one cell; twice what Salesforce's longest field holds."""
LINE_LIMIT = 1 << 24
"""Bytes without any line end; more is no table and would be read into memory at once."""
COLUMN_LIMIT = 1_000
RAW_LIMIT = 2_000

_LINE_END = re.compile("\r\n|\r|\n")
_FOREIGN_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a file is written: declared in the settings, never guessed."""

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"

    @property
    def codec(self) -> str:
        """The codec to read with: one that drops a byte order mark where UTF-8 has one."""
        return "utf-8-sig" if self.encoding == "utf-8" else self.encoding


class Reader(Protocol):
    """What `csv.reader` returns."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...
    def __next__(self) -> list[str]: ...


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


class Table:
    """One file of rows under a header.

    Args:
        root: folder that the file must be below, whatever links say.
        name: path below the folder, also the name that errors give.
    """

    def __init__(self, root: Path, name: str, dialect: Dialect) -> None:
        self.name = name
        self._path = root / name
        self._root = root
        self._dialect = dialect
        self._has_nul = True
        csv.field_size_limit(CELL_LIMIT)

    def exists(self) -> bool:
        """Whether there is anything of this name."""
        return os.path.lexists(self._path)

    def scan(self) -> str:
        """Read all bytes once, so that a file that cannot be read whole yields no row at all.

        Returns:
            a digest of the content, unpacked.

        Raises:
            ConfigError: a byte is not in the encoding, the archive is torn, a line never ends.
        """
        digest = hashlib.sha256()
        decoder = codecs.getincrementaldecoder(self._dialect.codec)()
        offset, line_bytes, self._has_nul = 0, 0, False
        with self._bytes() as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
                if offset == 0:
                    self._check_mark(block)
                text = self._decode(decoder, block, offset)
                offset += len(block)
                line_bytes = 0 if "\n" in text or "\r" in text else line_bytes + len(block)
                self._check_line(line_bytes, offset)
                self._has_nul = self._has_nul or "\0" in text
            self._decode(decoder, b"", offset, is_last=True)
        return digest.hexdigest()

    def header(self) -> tuple[str, ...]:
        """The column names, without the spaces around them.

        Raises:
            ConfigError: no header, a name twice or missing, or another delimiter than declared.
        """
        with self._bytes() as stream:
            first = stream.readline(LINE_LIMIT + 1)
        self._check_line(len(first), len(first))
        try:
            with self._reader() as reader:
                return self._header(reader)
        except UnicodeDecodeError:
            self.scan()  # raises, and says where
            raise

    def pages(self, key: int | None = None) -> Iterator[Rows]:
        """All rows below the header; blank lines are none.

        Args:
            key: column of the ids, so that rejected rows are known by theirs.

        Raises:
            ConfigError: a quote that is opened is not closed.
            RetryLaterError: somebody wrote the file meanwhile.
        """
        before = self._stamp()
        with self._reader() as reader:
            sorter = _Sorter(self.name, len(self._header(reader)), key, self._dialect.delimiter)
            while True:
                line = reader.line_num + 1
                rows, error = _take(reader, PAGE)
                if not rows and error is None:
                    break
                are_lines = error is None and reader.line_num == line + len(rows) - 1
                if are_lines and not self._has_nul and set(map(len, rows)) == {sorter.width}:
                    yield Rows(rows=rows, lines=range(line, line + len(rows)))
                else:
                    yield sorter.sort(rows, line, reader.line_num, error)
        if self._stamp() != before:
            raise RetryLaterError(self.name, "a file that rests while it is read", "a change")

    def count(self) -> int:
        """How many rows there are, sound or not."""
        return sum(len(page.rows) + len(page.rejected) for page in self.pages())

    def _header(self, reader: Reader) -> tuple[str, ...]:
        where = f"{self.name}:1"
        try:
            names = tuple(name.strip() for name in next(reader, ()))
        except csv.Error as error:
            raise ConfigError(where, "a header line", str(error)) from error
        if not any(names):
            raise ConfigError(where, "a header line", "none", "Name the columns in the first line")
        self._check_delimiter(where, names)
        if len(names) > COLUMN_LIMIT:
            raise ConfigError(where, f"at most {COLUMN_LIMIT} columns", str(len(names)))
        for number, name in enumerate(names):
            if not name or "\0" in name or name in names[:number]:
                got = "none" if not name else repr(name.replace("\0", "\\0")[:60])
                raise ConfigError(
                    f"{where}:{number + 1}",
                    "a column name that is there, readable and used once",
                    got if not name or "\0" in name else f"{got} again",
                    "Correct the header; NUL characters mean another encoding, often utf-16-le"
                    if "\0" in name
                    else "Give each column its own name",
                )
        return names

    def _check_delimiter(self, where: str, names: tuple[str, ...]) -> None:
        if len(names) > 1:
            return
        for other in ";\t|,":
            if other != self._dialect.delimiter and other in names[0]:
                shown = "\\t" if other == "\t" else other
                raise ConfigError(
                    where,
                    f"columns separated by {self._dialect.delimiter!r}",
                    f"one column with {other!r} in it",
                    f'Set delimiter = "{shown}"',
                )

    def _check_mark(self, block: bytes) -> None:
        for mark, encoding in _FOREIGN_MARKS.items():
            if block.startswith(mark) and not self._dialect.encoding.startswith(
                ("utf-16", "utf-32")
            ):
                raise ConfigError(
                    self.name,
                    f"{self._dialect.encoding} text",
                    f"the byte order mark of {encoding}",
                    f'Set encoding = "{encoding}"',
                )

    def _check_line(self, line_bytes: int, offset: int) -> None:
        if line_bytes > LINE_LIMIT:
            raise ConfigError(
                self.name,
                f"a line end within {LINE_LIMIT} bytes",
                f"none before byte {offset}",
                "Check that this is a CSV file",
            )

    def _decode(
        self, decoder: codecs.IncrementalDecoder, block: bytes, offset: int, is_last: bool = False
    ) -> str:
        held = len(decoder.getstate()[0])
        try:
            return decoder.decode(block, is_last)
        except UnicodeDecodeError as error:
            bad = error.object[error.start]
            raise ConfigError(
                self.name,
                f"{self._dialect.encoding} text",
                f"byte 0x{bad:02x} at offset {offset - held + error.start}",
                'Set encoding, for example encoding = "cp1252"',
            ) from error

    @contextmanager
    def _reader(self) -> Iterator[Reader]:
        dialect = self._dialect
        with self._bytes() as stream, io.TextIOWrapper(stream, dialect.codec, newline="") as lines:
            yield csv.reader(
                lines, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True
            )

    @contextmanager
    def _bytes(self) -> Iterator[IO[bytes]]:
        """The content, unpacked where its first bytes say gzip."""
        with open_below(self._root, self.name) as raw:
            if raw.read(2) != b"\x1f\x8b":
                raw.seek(0)
                yield raw
                return
            raw.seek(0)
            try:
                with (
                    gzip.GzipFile(fileobj=raw) as unpacked,
                    io.BufferedReader(unpacked, BLOCK) as it,
                ):
                    yield it
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise ConfigError(
                    self.name, "a whole gzip file", str(error), "Copy it again"
                ) from error

    def _stamp(self) -> tuple[int, int, int]:
        found = self._path.stat()
        return found.st_ino, found.st_size, found.st_mtime_ns


@dataclass(frozen=True, slots=True)
class _Sorter:
    """Tells the rows of a page that are not all as wide as the header, or not all on one line."""

    name: str
    width: int
    key: int | None
    delimiter: str

    def sort(self, rows: list[list[str]], line: int, end: int, error: csv.Error | None) -> Rows:
        lines: list[int] = []
        page = Rows(rows=[], lines=lines)
        for row in rows:
            reason = self._fault(row)
            if reason:
                page.rejected.append(self._reject(line, reason, row))
            elif row:
                page.rows.append(row)
                lines.append(line)
            line += 1 + len(_LINE_END.findall("\0".join(row)))
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

    def _fault(self, row: list[str]) -> str:
        if row and len(row) != self.width:
            return f"expected {self.width} columns, got {len(row)}"
        return "expected text, got a NUL byte" if any("\0" in cell for cell in row) else ""

    def _reject(self, line: int, reason: str, row: list[str]) -> Rejected:
        where = f"{self.name}:{line}"
        id_ = row[self.key] if self.key is not None and self.key < len(row) else ""
        raw = self.delimiter.join(row)[:RAW_LIMIT]
        return Rejected(id=id_ or where, reason=f"{where}: {reason}", raw=raw)


def open_below(root: Path, name: str) -> BinaryIO:
    """Open a regular file that really lies below a folder.

    Raises:
        ConfigError: it is missing, lies elsewhere, may not be read or is no regular file.
    """
    path = root / name
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(root.resolve()):
            raise ConfigError(name, f"a file below {root}", "one elsewhere", "Copy it there")
        # Non-blocking, so that a FIFO cannot hold us up before we see that it is one.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(real, flags | getattr(os, "O_BINARY", 0))
    except OSError as error:
        got = "nothing there" if isinstance(error, FileNotFoundError) else str(error.strerror)
        raise ConfigError(str(path), "a readable file", got, "Check path and files") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ConfigError(str(path), "a regular file", "a folder, pipe or device", "Name a file")
    return os.fdopen(descriptor, "rb")


def _take(reader: Reader, size: int) -> tuple[list[list[str]], csv.Error | None]:
    """Up to `size` rows; those before an error are kept, for `extend` adds one at a time."""
    rows: list[list[str]] = []
    try:
        rows.extend(islice(reader, size))
    except csv.Error as error:
        return rows, error
    return rows, None
