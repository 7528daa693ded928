"""The glue: a folder of CSV files as a CRM, and a folder of results beside it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

from crmbridge.adapters import (
    Adapter,
    Connection,
    Context,
    Outcome,
    Page,
    Position,
    ReadRequest,
    RemoteField,
    RemoteObject,
    Window,
    WriteItem,
)
from crmbridge.errors import ConfigError
from crmbridge.records import Finding
from crmbridge_csv.client import Table
from crmbridge_csv.join import Assembly, Side, Source, Stamps
from crmbridge_csv.mapping import (
    CAPABILITIES,
    CREATED,
    MAPPINGS,
    MEMBERS,
    OBJECTS,
    OPERATIONS,
    TASKS,
    VISITS,
)
from crmbridge_csv.out import OutFile, text_of, unguard
from crmbridge_csv.rows import Rows
from crmbridge_csv.settings import CsvSettings, StreamFiles
from crmbridge_csv.write import Records, decide, member_id, record_id

NAMES = [f"{object_}{end}" for object_ in CAPABILITIES.objects for end in (".csv", ".csv.gz")]
"""Files that are read without being named."""


class CsvConnection(Connection):
    """An open folder."""

    def __init__(self, settings: CsvSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._root = context.base / settings.path
        self._counted: dict[str, tuple[Stamps, int]] = {}
        self._out = context.base / settings.out if settings.out else self._root / "out"

    def check(self) -> Sequence[Finding]:
        """Findings for files that nobody reads, and for those that cannot be read.

        Raises:
            ConfigError: there is no such folder, or no file in it that we know.
        """
        self.organisation()
        if not any(self._input(object_) for object_ in CAPABILITIES.objects):
            raise ConfigError(
                str(self._root),
                "customers.csv or the file of another stream",
                "none",
                "Name the files under streams",
            )
        return [*self._unreadable(), *self._unread()]

    def organisation(self) -> str:
        """Files have none. Every run asks for it first, so a missing folder is told once, here.

        Raises:
            ConfigError: there is no such folder.
        """
        if not self._root.is_dir():
            raise ConfigError(str(self._root), "a folder", "none", "Correct path")
        return ""

    def read(self, request: ReadRequest) -> Iterator[Page]:
        """All rows whenever any of the object's files changed; else one empty page.

        The position holds a digest of the files and, while pages are on their way, how many of
        them were delivered, so that a crash repeats at most one.
        """
        source = self._source(request.object)
        if source is None:
            self._refuse_absence(request)
            return
        rows = Assembly(source, self._context.folder)
        digest = rows.digest()
        held = request.position if request.position.get("digest") == digest else {}
        if held and "pages" not in held:
            yield self._last(request.object, rows, digest)
            return
        total = 0
        for number, page in enumerate(rows.pages(), 1):
            total += len(page.rows) + len(page.rejected)
            if number > held.get("pages", 0):
                yield self._page(request.object, rows, page, {"digest": digest, "pages": number})
        self._counted[request.object] = (rows.stamps(), total)
        yield self._last(request.object, rows, digest)

    def read_ids(self, object_: str) -> Iterator[Sequence[str]]:
        """All ids, those of rows that had to be rejected among them."""
        for rows, page in self._pages(self._source(object_)):
            at = rows.columns.index("id")
            yield [row[at] for row in page.rows] + [one.id for one in page.rejected]

    def read_by_ids(self, object_: str, ids: Sequence[str], fields: tuple[str, ...]) -> Page:
        """The rows with these ids, as the files have them now."""
        del fields
        columns: tuple[str, ...] = ()
        found: list[list[str]] = []
        for rows, page in self._pages(self._source(object_), frozenset(ids)):
            columns = tuple(rows.columns)
            found += page.rows
        return Page(object=object_, columns=columns, rows=found, closed=False)

    def find_by_keys(
        self, object_: str, key_field: str, keys: Sequence[str]
    ) -> Mapping[str, Sequence[str]]:
        """Our records' ids are their keys."""
        del key_field
        found = self._rows(self._source(object_), frozenset(keys))
        return {row["id"]: [row["id"]] for row in found}

    def count(self, object_: str, window: Window | None) -> int:
        """How many rows there are, sound or not; as counted while reading, if nothing changed."""
        del window
        source = self._source(object_)
        if source is None:
            return 0
        rows = Assembly(source, self._context.folder)
        stamps, total = self._counted.get(object_, ((), 0))
        if stamps == rows.stamps():
            return total
        return sum(len(page.rows) + len(page.rejected) for page in rows.pages())

    def describe(self) -> Sequence[RemoteObject]:
        """Each object whose file is there, with its columns."""
        described = []
        for object_ in CAPABILITIES.objects:
            source = self._source(object_)
            if source is not None:
                columns = Assembly(source, self._context.folder).columns
                writable = self._context.write_fields.get(object_, ())
                fields = tuple(RemoteField(name=c, writable=c in writable) for c in columns)
                described.append(RemoteObject(name=object_, fields=fields))
        return described

    def normalise(self, object_: str, field_: str, value: Any) -> Any:
        """The text that the file gives back; nothing where it is empty."""
        del object_, field_
        return text_of(value) or None

    def write(self, items: Sequence[WriteItem]) -> Sequence[Outcome]:
        """Write items of one object to its file of results, which changes whole or not at all."""
        if not items:
            return []
        object_ = items[0].object
        verdict = decide(items, self._records(object_, items))
        if verdict.patches:
            self._out_file(object_).patch(verdict.patches)
        return verdict.outcomes

    def _records(self, object_: str, items: Sequence[WriteItem]) -> Records:
        ids = frozenset(map(record_id, items))
        only = None if object_ == MEMBERS else ids  # a member may have another id in their file
        current = {
            name: row
            for row in self._rows(self._source(object_), only)
            for name in ids & {row["id"], member_id(row)}
        }
        wanted = {row["id"] for row in current.values()}
        out = self._out_file(object_).table
        ours = self._rows(Source(base=out) if out.exists() else None, wanted)
        theirs = self._input(object_)
        return Records(
            current=current,
            ours={row["id"] for row in ours},
            theirs=theirs.header() if theirs else (),
        )

    def _rows(
        self, source: Source | None, only: Collection[str] | None
    ) -> Iterator[dict[str, str]]:
        for rows, page in self._pages(source, only):
            for row in page.rows:
                yield dict(zip(rows.columns, row, strict=True))

    def _pages(
        self, source: Source | None, only: Collection[str] | None = None
    ) -> Iterator[tuple[Assembly, Rows]]:
        if source is not None:
            rows = Assembly(source, self._context.folder, only)
            yield from ((rows, page) for page in rows.pages())

    def _source(self, object_: str) -> Source | None:
        """The files of an object; None where there is none yet."""
        files = self._files(object_)
        base = self._input(object_)
        out = self._out_file(object_).table
        extra = self._context.write_fields.get(object_, ())
        if base is None:
            is_ours = object_ in CREATED and out.exists()
            return Source(base=out, extra=extra, decode=unguard) if is_ours else None
        column = files.key or "id"
        sides = [Side(table=self._table(name), column=column) for name in files.files[1:]]
        if object_ in OPERATIONS and out.exists():
            adds = object_ in CREATED
            sides.append(Side(table=out, column="id", is_ours=True, adds=adds, decode=unguard))
        return Source(
            base=base, sides=tuple(sides), key=column, numbered=files.numbered, extra=extra
        )

    def _input(self, object_: str) -> Table | None:
        """The first of the user's files of an object."""
        if object_ in (VISITS, TASKS):
            return None
        if files := self._files(object_).files:
            return self._table(files[0])
        tables = (self._table(f"{object_}{end}") for end in (".csv", ".csv.gz"))
        return next((table for table in tables if table.exists()), None)

    def _files(self, object_: str) -> StreamFiles:
        return self._settings.streams.get(object_, StreamFiles())

    def _table(self, name: str) -> Table:
        return Table(self._root, name, self._settings.dialect)

    def _out_file(self, object_: str) -> OutFile:
        return OutFile(self._out, f"{object_}.csv", self._settings.delimiter)

    def _page(self, object_: str, rows: Assembly, page: Rows, position: Position) -> Page:
        name, lines = rows.name, page.lines
        return Page(
            object=object_,
            columns=tuple(rows.columns),
            rows=page.rows,
            rejected=page.rejected,
            position=position,
            next_at_hand=True,
            place=(lambda number: f"{name}:{lines[number]}") if lines else None,
        )

    def _last(self, object_: str, rows: Assembly, digest: str) -> Page:
        return Page(
            object=object_,
            columns=tuple(rows.columns),
            rows=(),
            position={"digest": digest},
            complete=True,
            findings=rows.findings(),
        )

    def _refuse_absence(self, request: ReadRequest) -> None:
        """An absent file is no empty one if it was here, or if another is called almost so."""
        wanted = f"{request.object}.csv"
        near = get_close_matches(wanted, self._unread_names(), n=1, cutoff=0.85)
        if request.position:
            raise ConfigError(
                str(self._root),
                f"the file of {request.object} that was here",
                "none",
                "Put it back",
            )
        if near and request.object not in (VISITS, TASKS):
            step = "Rename it, or name it under streams"
            raise ConfigError(str(self._root), wanted, near[0], step)

    def _unreadable(self) -> Iterator[Finding]:
        for object_ in CAPABILITIES.objects:
            try:
                source = self._source(object_)
                if source is not None:
                    Assembly(source, self._context.folder)
            except ConfigError as error:
                yield Finding(code="csv.unreadable", example=error.line(), remedy=error.next_step)

    def _unread(self) -> Iterator[Finding]:
        for name in self._unread_names():
            near = get_close_matches(name, NAMES, n=1)
            remedy = f"Rename it to {near[0]}" if near else "Name it under streams, or leave it"
            yield Finding(code="csv.not_read", example=name, remedy=remedy)

    def _unread_names(self) -> list[str]:
        """Files that lie in the folder under a name that no stream has."""
        named = {name for files in self._settings.streams.values() for name in files.files}
        there = {path.name for path in self._root.glob("*.csv*")}
        return sorted(there - named - set(NAMES))


def open_csv(settings: BaseModel, context: Context) -> Connection:
    """Open a connection; nothing is read yet."""
    return CsvConnection(CsvSettings.model_validate(settings.model_dump()), context)


ADAPTER = Adapter(
    name="csv",
    title="CSV files",
    settings=CsvSettings,
    capabilities=CAPABILITIES,
    open=open_csv,
    mappings=MAPPINGS,
    objects=OBJECTS,
)
