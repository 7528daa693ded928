"""Reads the rows of each exported table, page by page, from one state of the store."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection

from crmbridge.jobs.tables.shapes import OFFERS, SCORES, SEGMENTS, VISITS, TableShape
from crmbridge.records import STREAMS
from crmbridge.store.pages import Page, record_pages, result_pages, visit_pages
from crmbridge.store.plans import last_plan
from crmbridge.store.reasons import reasons_of


def pages_of(tx: Connection, shape: TableShape, connections: tuple[str, ...]) -> Iterator[Page]:
    """The rows of a table, values as `records.streams` says; reasons as plain text.

    Args:
        connections: whose plans are meant; "" is the plan of files.
    """
    if shape.name in STREAMS:
        return record_pages(tx, shape.name, shape.names)
    if shape.name == VISITS.name:
        heads = [last_plan(tx, name) for name in sorted({*connections, ""})]
        ids = [head.id for head in heads if head is not None]
        return _told(visit_pages(tx, ids, shape.names), shape, _plain)
    if shape.name == OFFERS.name:
        return result_pages(tx, shape.name, shape.names)
    told = {SCORES.name: _weighed, SEGMENTS.name: _plain}[shape.name]
    return _told(result_pages(tx, shape.name, shape.names), shape, told)


def _told(pages: Iterator[Page], shape: TableShape, say: Callable[[str], str]) -> Iterator[Page]:
    at = shape.names.index("reasons")
    for page in pages:
        yield [(*row[:at], say(row[at]), *row[at + 1 :]) for row in page]


def _weighed(text: Any) -> str:
    return "; ".join(f"{reason.text} ({reason.weight:+.6f})" for reason in reasons_of(text))


def _plain(text: Any) -> str:
    return "; ".join(reason.text for reason in reasons_of(text))
