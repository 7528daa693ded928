"""Reads CRM objects: all of them by list, what changed by search, deletions from the archive."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from crmbridge.adapters import Page, Position, ReadRequest, Window
from crmbridge.errors import CrmbridgeError, RetryLaterError
from crmbridge.records import Finding, to_millis
from crmbridge_hubspot.client import LONG, HubspotApi, Record, after_of
from crmbridge_hubspot.computed import COMPUTED
from crmbridge_hubspot.mapping import MERGED, MERGING, modified_property, type_of
from crmbridge_hubspot.search import Place, Searcher
from crmbridge_hubspot.settings import HubspotSettings

OUTER = ("createdAt", "updatedAt", "archived")
"""What a record tells beside its properties."""

GATHERED = 5_000
"""Records of one page of ours: each costs the store a commit, and HubSpot's hold a hundred."""

Stretch = tuple[Sequence[Record], Mapping[str, Any]]
"""Records, and the position after them."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Which columns the pages of an object have, and what is asked for to fill them.

    Args:
        columns: the id first, those that are computed last.
        properties: as asked for; they may hold the losers of merges beside the columns.
    """

    object: str
    columns: tuple[str, ...]
    properties: tuple[str, ...]

    @property
    def type(self) -> str:
        """The object's type in addresses."""
        return type_of(self.object)

    @property
    def is_long(self) -> bool:
        """Whether the names do not fit into an address, nor into a search, which takes 3,000
        characters."""
        return sum(map(len, self.properties)) + len(self.properties) > LONG

    def page(
        self, rows: Sequence[Sequence[Any]], merged: Sequence[tuple[str, str]], place: Position
    ) -> Page:
        """Rows as a page."""
        return Page(
            object=self.object, columns=self.columns, rows=rows, merged=merged, position=place
        )

    def rows(self, records: Sequence[Record]) -> list[Sequence[Any]]:
        """Records as rows."""
        made = [COMPUTED[name] for name in self.columns if name in COMPUTED]
        rows = self._held(records, self.columns[1 : len(self.columns) - len(made)])
        if not made:
            return rows
        return [
            (*row, *(one.of(record["properties"]) for one in made))
            for row, record in zip(rows, records, strict=True)
        ]

    def _held(self, records: Sequence[Record], names: Sequence[str]) -> list[Sequence[Any]]:
        """The columns that a record holds as they are."""
        inner = [name for name in names if name not in OUTER]
        if len(inner) == len(names) > 1:
            try:
                pick = itemgetter(*names)
                return [(one["id"], *pick(one["properties"])) for one in records]
            except KeyError:  # a server that leaves out what is empty
                pass
        return [(one["id"], *(_value(one, name) for name in names)) for one in records]


def shape_of(object_: str, fields: Sequence[str]) -> Shape:
    """What to ask for where these fields are wanted."""
    wanted = [name for name in dict.fromkeys(fields) if name != "id"]
    made = [name for name in wanted if name in COMPUTED]
    names = (*(name for name in wanted if name not in COMPUTED), *made)
    inputs = [one for name in made for one in COMPUTED[name].inputs]
    asked = [name for name in names if name not in OUTER and name not in COMPUTED]
    asked += [name for name in dict.fromkeys(inputs) if name not in asked]
    if type_of(object_) in MERGING and MERGED not in asked:
        asked.append(MERGED)
    return Shape(object_, ("id", *names), tuple(asked))


def _value(record: Record, name: str) -> Any:
    found = record.get("properties", {}).get(name)
    return record.get(name) if found is None and name in OUTER else found


def merges(records: Sequence[Record]) -> list[tuple[str, str]]:
    """(loser, winner) of merged records, from the winner's list of them."""
    found = []
    for record in records:
        losers = record["properties"].get(MERGED)
        if losers:
            found += [(one, str(record["id"])) for one in str(losers).split(";") if one]
    return found


class Reader:
    """Reads the objects of one account."""

    def __init__(self, api: HubspotApi, settings: HubspotSettings) -> None:
        self._api = api
        self._settings = settings

    def read(self, request: ReadRequest, fields: Sequence[str]) -> Iterator[Page]:
        """A window's records: without a beginning all there are, else what search shows.

        The position holds the window's bounds; a position of other bounds is not used.
        """
        shape = shape_of(request.object, fields)
        since, until = bounds(request.window)
        frame = {"since": since, "until": until}
        held = request.position
        begun = held if {name: held.get(name) for name in frame} == frame else {}
        if not begun.get("done"):
            whole = since is None or until is None
            ways = self._list(shape, begun) if whole else self._search(shape, begun, frame)
            placed = ((records, {**frame, **place}) for records, place in ways)
            yield from gathered(shape, placed)
        yield self._end(shape, since, {**frame, "done": True}, begun)

    def ids(self, object_: str) -> Iterator[Sequence[str]]:
        """All ids there are now."""
        for records, _ in self._list(Shape(object_, ("id",), ("hs_object_id",)), {}):
            yield [str(one["id"]) for one in records]

    def by_ids(self, object_: str, ids: Sequence[str], fields: Sequence[str]) -> Page:
        """Records by id. An id that was merged away gives the record that it went into: that is
        told as a merge, and the row is left out unless it was asked for itself."""
        shape = shape_of(object_, fields)
        found = self._api.read_batch(shape.type, ids, shape.properties)
        wanted = set(ids)
        records = {str(one["id"]): one for one in found}
        gone = [pair for pair in merges(found) if pair[0] in wanted]
        own = [one for id_, one in records.items() if id_ in wanted]
        return Page(
            object=object_,
            columns=shape.columns,
            rows=shape.rows(own),
            merged=sorted({*merges(own), *gone}),
            complete=True,
        )

    def count(self, object_: str, window: Window | None) -> int:
        """How many records search counts."""
        shape = shape_of(object_, ())
        return self._searcher(shape).count(*bounds(window))

    def _list(self, shape: Shape, begun: Mapping[str, Any]) -> Iterator[Stretch]:
        after = str(begun.get("after") or "")
        names = ("hs_object_id",) if shape.is_long else shape.properties
        while True:
            params = {"after": after} if after else {}
            found = self._api.list_page(shape.type, names, **params)
            following = after_of(found)
            if following and following == after:
                raise RetryLaterError(f"list of {shape.type}", "another page", "the same again")
            after = following
            yield self._filled(shape, found["results"]), {"after": after, "listed": not after}
            if not after:
                return

    def _search(
        self, shape: Shape, begun: Mapping[str, Any], frame: Mapping[str, Any]
    ) -> Iterator[Stretch]:
        until = int(frame["until"])
        place = Place(
            since=int(begun.get("at", frame["since"])),
            until=int(begun.get("leaf", until)),
            floor=int(begun.get("floor", 0)),
        )
        for found in self._searcher(shape).run(place, until):
            at = found.place
            records = self._filled(shape, found.records)
            yield records, {"at": at.since, "leaf": at.until, "floor": at.floor}

    def _searcher(self, shape: Shape) -> Searcher:
        return Searcher(
            api=self._api,
            type=shape.type,
            clock=modified_property(shape.type),
            properties=("hs_object_id",) if shape.is_long else shape.properties,
            limit=self._settings.search_page,
        )

    def _filled(self, shape: Shape, records: Sequence[Record]) -> Sequence[Record]:
        """Records with all that is wanted, by a second call where one could not name it all."""
        if not shape.is_long or not records:
            return records
        ids = [str(one["id"]) for one in records]
        return self._api.read_batch(shape.type, ids, shape.properties)

    def _end(
        self, shape: Shape, since: int | None, position: Mapping[str, Any], begun: Mapping[str, Any]
    ) -> Page:
        """The last page: what was archived."""
        gone: list[str] = []
        findings: list[Finding] = []
        if self._settings.archived and not begun.get("done"):
            gone, findings = self._archived(shape, since)
        return Page(
            object=shape.object,
            columns=shape.columns,
            rows=(),
            deleted=gone,
            findings=findings,
            position=position,
            complete=True,
        )

    def _archived(self, shape: Shape, since: int | None) -> tuple[list[str], list[Finding]]:
        gone: list[str] = []
        after = ""
        while True:
            found = self._api.archived_page(shape.type, after)
            if found is None or any(not one.get("archived") for one in found["results"]):
                return [], [_no_archive(shape.type)]
            gone += [str(one["id"]) for one in found["results"] if _is_since(one, since)]
            following = after_of(found)
            if not following:
                return gone, []
            if following == after:
                raise RetryLaterError(f"archive of {shape.type}", "another page", "the same again")
            after = following


def gathered(shape: Shape, stretches: Iterator[Stretch]) -> Iterator[Page]:
    """Small stretches as large pages; what came before an error is given before it is raised.

    Rows are kept and not records: tuples of texts are no work for the garbage collector.
    """
    rows: list[Sequence[Any]] = []
    merged: list[tuple[str, str]] = []
    place: Mapping[str, Any] = {}
    while True:
        try:
            records, place = next(stretches)
        except StopIteration:
            break
        except CrmbridgeError:
            if rows:
                yield shape.page(rows, merged, place)
            raise
        rows += shape.rows(records)
        if MERGED in shape.properties:
            merged += merges(records)
        if len(rows) >= GATHERED:
            yield shape.page(rows, merged, place)
            rows, merged = [], []
    if rows:
        yield shape.page(rows, merged, place)


def bounds(window: Window | None) -> tuple[int | None, int | None]:
    """A window in milliseconds."""
    if window is None:
        return None, None
    since = None if window.since is None else to_millis(window.since)
    return since, to_millis(window.until)


def _is_since(record: Record, since: int | None) -> bool:
    """Whether a record was archived since; yes where it does not say when."""
    at = record.get("archivedAt")
    if since is None or not at:
        return True
    return to_millis(datetime.fromisoformat(str(at))) >= since


def _no_archive(type_: str) -> Finding:
    return Finding(
        code="hubspot.no_archive",
        example=type_,
        remedy="The server does not list archived records: deletions are found by sweeps alone.",
    )
