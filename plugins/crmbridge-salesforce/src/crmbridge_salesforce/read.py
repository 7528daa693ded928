"""Reads a window of an object: page by page in the order of ids, or by a bulk job.

Within a window of SystemModstamp rows are ordered by Id, which no edit changes: a position is the
last id, and neither equal timestamps nor edits between two pages can move a row past it. A record
that is edited meanwhile leaves this window for the next one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from crmbridge.adapters import Page, Position, ReadRequest, Window
from crmbridge.errors import ConfigError, RecordError
from crmbridge.records import Finding
from crmbridge_salesforce import soql
from crmbridge_salesforce.bulk import BulkQuery
from crmbridge_salesforce.client import Answered, Client, is_missing
from crmbridge_salesforce.deletions import Deletions
from crmbridge_salesforce.mapping import ARCHIVED, NEVER_DELETED
from crmbridge_salesforce.series import single_records
from crmbridge_salesforce.shape import Shape, Sorted, shape_of, sort_rows

MARK = "SystemModstamp"
"""Indexed, and changed by the system's own updates, too, as LastModifiedDate is not ("System
Fields", Object Reference)."""

NO_OBJECT = "salesforce.object_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowReader:
    """Reads windows.

    Args:
        bulk_from: records from which on a bulk job reads a window; 0 for never.
    """

    client: Client
    bulk_from: int

    def read(self, request: ReadRequest) -> Iterator[Page]:
        """All pages of the request's window, from its position on.

        The last one names deleted records that no query shows any more, too.
        """
        bounds = _bounds(request.window)
        held = request.position if request.position.get("window") == bounds else {}
        if held.get("done"):
            yield _page(self._shape(request), Sorted(rows=()), held, is_last=True)
            return
        for page in self._pages(request, bounds, held):
            yield self._with_gone(page, request.window) if page.complete else page

    def _pages(self, request: ReadRequest, bounds: list[str], held: Position) -> Iterator[Page]:
        try:
            number = 0 if held.get("after") else self.count(request.object, request.window)
        except ConfigError as error:
            if not is_missing(error, "INVALID_TYPE"):
                raise
            yield self._no_object(request, bounds)
            return
        shape = self._shape(request)
        is_many = bool(self.bulk_from) and number >= self.bulk_from
        if held.get("job") or is_many or _is_long(shape):
            yield from self._by_bulk(shape, request, bounds, held)
        else:
            yield from self._by_pages(shape, request.window, bounds, str(held.get("after", "")))

    def _with_gone(self, page: Page, window: Window | None) -> Page:
        if any(one.code == NO_OBJECT for one in page.findings):
            return page
        gone = Deletions(client=self.client).gone(page.object, window)
        return replace(
            page,
            deleted=[*page.deleted, *gone.ids],
            findings=[*page.findings, *gone.findings],
        )

    def count(self, object_: str, window: Window | None) -> int:
        """How many records there are that are not deleted."""
        if object_ not in ARCHIVED:
            return self.client.query(soql.count(object_, *_within(window))).total
        single = single_records(self.client, object_)
        text = soql.count(object_, "IsDeleted = false", *single, *_within(window))
        return self.client.query(text, is_all=True).total

    def _shape(self, request: ReadRequest) -> Shape:
        described = self.client.describe(request.object)
        return shape_of(request.object, request.fields, described)

    def _by_pages(
        self, shape: Shape, window: Window | None, bounds: list[str], after: str
    ) -> Iterator[Page]:
        shape, page = self._first(shape, window, after)
        while True:
            to_row = shape.reader()
            rows = [to_row(one) for one in page.records]
            after = str(rows[-1][shape.at_id]) if rows else after
            is_last = not page.more
            position = (
                {"window": bounds, "done": True} if is_last else {"window": bounds, "after": after}
            )
            yield _page(shape, sort_rows(shape, rows), position, is_last=is_last)
            if is_last:
                return
            try:
                page = self.client.more(page.more)
            except RecordError as error:  # cursors live for two days at most
                if not is_missing(error, "INVALID_QUERY_LOCATOR"):
                    raise
                shape, page = self._first(shape, window, after)

    def _first(self, shape: Shape, window: Window | None, after: str) -> tuple[Shape, Answered]:
        """The first page after an id; fields that vanish meanwhile are left out."""
        is_all = shape.object not in NEVER_DELETED
        while True:
            beyond = f"Id > {soql.quoted(after)}" if after else ""
            held = [*single_records(self.client, shape.object), *_within(window), beyond]
            text = soql.select(shape.fields, shape.object, *held, order="Id")
            try:
                return shape, self.client.query(text, is_all=is_all)
            except ConfigError as error:
                shape = less_missing(self.client, shape, error)

    def _by_bulk(
        self, shape: Shape, request: ReadRequest, bounds: list[str], held: Position
    ) -> Iterator[Page]:
        single = single_records(self.client, request.object)
        text = soql.select(shape.fields, request.object, *single, *_within(request.window))
        job = BulkQuery(client=self.client, text=text, is_all=request.object not in NEVER_DELETED)
        try:
            id_ = job.open(str(held.get("job", "")))
        except (ConfigError, RecordError) as error:
            finding = Finding(
                code="salesforce.no_bulk",
                example=error.line(),
                remedy="Let this user use Bulk API 2.0, or set bulk_from = 0",
            )
            for page in self._by_pages(shape, request.window, bounds, ""):
                yield _with(page, finding)
            return
        locator = str(held.get("locator", "")) if id_ == held.get("job") else ""
        for rows, after in job.parts(id_, locator, shape):
            is_last = after == "null"
            position: dict[str, Any] = {"window": bounds, "job": id_, "locator": after}
            if is_last:
                position = {"window": bounds, "done": True}
            yield _page(
                shape, sort_rows(shape, rows), position, is_last=is_last, closed=bool(after)
            )

    def _no_object(self, request: ReadRequest, bounds: list[str]) -> Page:
        finding = Finding(
            code=NO_OBJECT,
            example=request.object,
            remedy="Let this user see the object, or take it out of the streams",
        )
        columns = tuple(dict.fromkeys(("Id", *request.fields)))
        return Page(
            object=request.object,
            columns=columns,
            rows=(),
            position={"window": bounds, "done": True},
            complete=True,
            findings=[finding],
        )


def less_missing(client: Client, shape: Shape, error: ConfigError) -> Shape:
    """The shape less the field that a query was refused for.

    Raises:
        ConfigError: it was refused for something else, or cannot do without the field.
    """
    missing = shape.refused_by(error)
    if not missing or "Id" in missing:
        raise error
    client.forget()
    return shape.without(missing)


def _is_long(shape: Shape) -> bool:
    """Whether a query names more fields than an address holds: a job's stands in its body."""
    return len(soql.select(shape.fields, shape.object)) > soql.LONGEST - 400


def _within(window: Window | None) -> list[str]:
    """The conditions that keep a query within a window."""
    if window is None:
        return []
    since = [f"{MARK} >= {soql.instant(window.since)}"] if window.since else []
    return [*since, f"{MARK} < {soql.instant(window.until)}"]


def _bounds(window: Window | None) -> list[str]:
    if window is None:
        return []
    since = soql.instant(window.since) if window.since else ""
    return [since, soql.instant(window.until)]


def _page(
    shape: Shape, found: Sorted, position: Mapping[str, Any], *, is_last: bool, closed: bool = True
) -> Page:
    return Page(
        object=shape.object,
        columns=shape.columns,
        rows=found.rows,
        deleted=found.deleted,
        merged=found.merged,
        position=position if closed else {},
        closed=closed,
        complete=is_last,
        next_at_hand=not closed,  # a part that was downloaded goes on
        findings=shape.findings if is_last else (),
    )


def _with(page: Page, finding: Finding) -> Page:
    return replace(page, findings=[*page.findings, finding]) if page.complete else page
