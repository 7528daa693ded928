"""A folder of CSV files, opened as the host opens it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from crmbridge.adapters import Context, Page, Position, ReadRequest
from crmbridge.clock import SystemClock
from crmbridge_csv.adapter import ADAPTER, CsvConnection

WRITES = {"customers": ("segment_tag", "score")}


class Quiet:
    """A log that says nothing."""

    def debug(self, event: str, **facts: Any) -> None: ...
    def info(self, event: str, **facts: Any) -> None: ...
    def warning(self, event: str, **facts: Any) -> None: ...


class Folder:
    """The folder, with what a test does to it in one line each."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.path = base / "data"
        self.path.mkdir()
        (base / "temporary").mkdir()

    def put(self, name: str, content: str | bytes) -> Path:
        """Write a file below the folder."""
        data = content.encode() if isinstance(content, str) else content
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path

    def open(
        self, write_fields: Mapping[str, tuple[str, ...]] | None = None, **settings: Any
    ) -> CsvConnection:
        """Open the folder with these settings."""
        context = Context(
            connection="files",
            base=self.base,
            folder=self.base / "temporary",
            clock=SystemClock(),
            log=Quiet(),
            write_fields=WRITES if write_fields is None else write_fields,
        )
        connection = ADAPTER.open(ADAPTER.settings(path="data", **settings), context)
        assert isinstance(connection, CsvConnection)
        return connection

    def read(
        self, object_: str = "customers", position: Position | None = None, **settings: Any
    ) -> list[Page]:
        """All pages of an object."""
        request = ReadRequest(object=object_, position=position or {})
        return list(self.open(**settings).read(request))

    def records(self, object_: str = "customers", **settings: Any) -> list[dict[str, str]]:
        """All rows of an object, by column."""
        return [
            dict(zip(page.columns, row, strict=True))
            for page in self.read(object_, **settings)
            for row in page.rows
        ]

    def written(self, object_: str) -> str:
        """What a file of results holds."""
        return (self.path / "out" / f"{object_}.csv").read_text("utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty folder to read from."""
    return Folder(tmp_path)
