"""Bulk API 2.0 queries: a job, then its results part by part, by way of the disk.

States, locators and headers: Bulk API 2.0 guide, "Get Results for a Query Job". A part that broke
off is fetched again whole, so that each of its rows counts once.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from operator import itemgetter
from pathlib import Path
from typing import Any, TextIO

from crmbridge.adapters import Context
from crmbridge.adapters.columns import Columns, read_csv
from crmbridge.adapters.http import Effect, Request
from crmbridge.errors import ConfigError, RecordError, RetryLaterError
from crmbridge_salesforce.client import Client
from crmbridge_salesforce.shape import Shape

PART_ROWS = 50_000
"""Rows per download: what is lost when one breaks off, and may be fetched again."""
PAGE_ROWS = 5_000
PAGE_CHARACTERS = 1 << 20
"""What is cut into pages at once: 5,000 rows of 200 characters."""
_CELL = 1 << 20
_POLL_SECONDS = (0.2, 0.5, 1, 2, 5, 10, 20)
_LONGEST_SECONDS = 6 * 3600
_OVER = frozenset({"JobComplete", "Failed", "Aborted"})
CONFIG_WORDS = ("InvalidBatch", "INVALID_FIELD", "MALFORMED_QUERY")
"""What stands in the message of a job that fails every time."""
_SAFE = re.compile(r"[^A-Za-z0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkQuery:
    """A query that a job answers."""

    client: Client
    text: str
    is_all: bool

    def open(self, id_: str = "") -> str:
        """Take up a job that is still there, or start one; returns its id once it is complete.

        Raises:
            ConfigError, RecordError: no job can be started.
            RetryLaterError: it failed, or takes too long.
        """
        if id_:
            try:
                wait_for(self.client, "query", id_)
                return id_
            except RecordError:
                pass  # jobs are kept for seven days
        document = {"operation": "queryAll" if self.is_all else "query", "query": self.text}
        started = self.client.send("POST", "jobs/query", document, Effect.READ).json()
        id_ = str(started["id"])
        wait_for(self.client, "query", id_)
        return id_

    def parts(
        self, id_: str, locator: str, shape: Shape
    ) -> Iterator[tuple[Sequence[Sequence[Any]], str]]:
        """(rows, locator of the next part) in pages; "" where a part goes on, "null" at the end."""
        context = self.client.context
        while locator != "null":
            path = context.folder / f"bulk-{_SAFE.sub('', id_)}-{_SAFE.sub('', locator)}.csv"
            try:
                headers = self._download(id_, locator, path)
                following = headers.get("Sforce-Locator") or "null"
                yield from _read_part(path, shape, following, headers)
            finally:
                path.unlink(missing_ok=True)
            locator = following

    def _download(self, id_: str, locator: str, path: Path) -> Mapping[str, str]:
        params = {"maxRecords": PART_ROWS} | ({"locator": locator} if locator else {})
        request = Request(
            method="GET",
            url=f"{self.client.base}/jobs/query/{id_}/results",
            params=params,
            headers={"Accept": "text/csv"},
        )
        return self.client.http.download(request, path).headers


def wait_for(client: Client, kind: str, id_: str) -> Mapping[str, Any]:
    """Wait until a job is complete; its information then.

    Raises:
        ConfigError, RetryLaterError: it failed, was aborted, or takes too long.
        RecordError: there is no such job.
    """
    info = outcome_of_job(client, kind, id_, _LONGEST_SECONDS)
    if info is None:
        raise RetryLaterError(f"bulk job {id_}", "to be complete", "still under way")
    if info.get("state") != "JobComplete":
        raise _failed(client.context, info)
    return info


def outcome_of_job(
    client: Client, kind: str, id_: str, patience_seconds: float
) -> Mapping[str, Any] | None:
    """Wait until a job is over, well or not; None if it is not in time.

    Raises:
        RecordError: there is no such job.
    """
    clock = client.context.clock
    deadline = clock.monotonic() + patience_seconds
    for wait in chain(_POLL_SECONDS, repeat(_POLL_SECONDS[-1])):
        info: Mapping[str, Any] = client.get(f"jobs/{kind}/{id_}").json()
        if info.get("state") in _OVER:
            return info
        if clock.monotonic() >= deadline:
            return None
        clock.sleep(wait)
    return None


def _failed(context: Context, info: Mapping[str, Any]) -> ConfigError | RetryLaterError:
    """A job that failed for a field fails every time; others may not."""
    words = str(info.get("errorMessage") or info.get("state"))
    where = f"connections.{context.connection}: bulk job {info.get('id')}"
    if any(one in words for one in CONFIG_WORDS):
        return ConfigError(where, "to be complete", words[:200])
    return RetryLaterError(where, "to be complete", words[:200], "Run again later")


def _read_part(
    path: Path, shape: Shape, following: str, headers: Mapping[str, str]
) -> Iterator[tuple[Sequence[Sequence[Any]], str]]:
    """A part's rows in pages, the last with the next locator; checked against their number."""
    csv.field_size_limit(_CELL)
    total = 0
    with path.open(newline="", encoding="utf-8") as file:
        pages = _pages(file, shape)
        rows = next(pages, ())
        total = len(rows)
        for after in pages:
            yield rows, ""
            rows = after
            total += len(rows)
    said = headers.get("Sforce-NumberOfRecords")
    if said is not None and said.isdigit() and int(said) != total:
        raise RetryLaterError("bulk results", f"{said} rows", str(total), "Run again later")
    yield rows, following


def _pages(file: TextIO, shape: Shape) -> Iterator[Sequence[Sequence[Any]]]:
    header = next(csv.reader(file), None) or list(shape.fields)
    places = _places(header, shape)
    for stretch in read_csv(file, len(header), PAGE_CHARACTERS, PAGE_ROWS):
        rows = _ordered(stretch, places)
        for start in range(0, len(rows), PAGE_ROWS):
            yield rows[start : start + PAGE_ROWS]


def _places(header: Sequence[str], shape: Shape) -> list[int]:
    """Where the columns stand that were asked for, in their order.

    Raises:
        RetryLaterError: a column is not there.
    """
    found, wanted = [one.lower() for one in header], [one.lower() for one in shape.fields]
    if set(found) != set(wanted):
        raise RetryLaterError("bulk results", f"columns {wanted}", f"{found}")
    return [found.index(one) for one in wanted]


def _ordered(rows: Sequence[Sequence[str]], places: Sequence[int]) -> Sequence[Sequence[Any]]:
    """The rows with their cells in the order that was asked for."""
    if isinstance(rows, Columns):
        return Columns([rows.columns[place] for place in places])
    if len(places) == 1 or list(places) == list(range(len(places))):
        return rows
    return list(map(itemgetter(*places), rows))
