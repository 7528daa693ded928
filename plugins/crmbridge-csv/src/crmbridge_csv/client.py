"""CSV files on disk: confined to one folder, checked before the first row, read in pages."""

import codecs
import csv
import gzip
import hashlib
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from crmbridge.errors import ConfigError, RetryLaterError
from crmbridge_csv.cut import Cutter
from crmbridge_csv.header import read_header
from crmbridge_csv.rows import Rows, Sorter

PAGE = 5_000
"""Rows in a page; fewer make more commits, more fill the processor's cache."""
BLOCK = 1 << 20
CELL_LIMIT = 1 << 18
"""Characters in one cell; twice what Salesforce's longest field holds."""
LINE_LIMIT = 1 << 24
"""Bytes without any line end; more is no table and would be read into memory at once."""

_FOREIGN_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


Stamp = tuple[int, int, int]
"""Node, size and time of a file."""


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
        self._scanned: Stamp | None = None
        self._has_nul = False
        csv.field_size_limit(CELL_LIMIT)

    def exists(self) -> bool:
        """Whether there is anything of this name."""
        return os.path.lexists(self._path)

    def stamp(self) -> Stamp:
        """What changes whenever somebody writes the file."""
        found = self._path.stat()
        return found.st_ino, found.st_size, found.st_mtime_ns

    def scan(self) -> str:
        """Read all bytes once, so that a file that cannot be read whole yields no row at all.

        Returns:
            a digest of the content, unpacked.

        Raises:
            ConfigError: a byte is not in the encoding, the archive is torn, a line never ends.
        """
        self._scanned = self.stamp()
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
                return read_header(self.name, reader, self._dialect.delimiter)
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
        if self._scanned is None:
            self.scan()
        delimiter = self._dialect.delimiter
        with self._reader() as reader:
            width = len(read_header(self.name, reader, delimiter))
            sorter = Sorter(self.name, width, key, delimiter)
            while True:
                line = reader.line_num + 1
                rows, error = reader.take(PAGE)
                if not rows and error is None:
                    break
                are_lines = error is None and reader.line_num == line + len(rows) - 1
                if are_lines and not self._has_nul and set(map(len, rows)) == {width}:
                    yield Rows(rows=rows, lines=range(line, line + len(rows)))
                else:
                    yield sorter.sort(rows, line, reader.line_num, error)
        if self.stamp() != self._scanned:
            raise RetryLaterError(self.name, "a file that rests while it is read", "a change")

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
    def _reader(self) -> Iterator[Cutter]:
        dialect = self._dialect
        with self._bytes() as stream, io.TextIOWrapper(stream, dialect.codec, newline="") as lines:
            yield Cutter(lines, dialect.delimiter, dialect.quote)

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
