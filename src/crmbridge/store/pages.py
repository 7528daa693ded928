"""Reads whole tables page by page, in one order, so that no table has to fit into memory."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, select

from crmbridge.store.schema import LIVE, RECORDS, offers, plans, scores, segments, visits

PAGE = 10_000
"""Rows of a page: a few megabytes of the widest table."""

Page = Sequence[tuple[Any, ...]]

_RESULTS = {"scores": scores, "segments": segments, "offers": offers}


def record_pages(
    tx: Connection, stream: str, columns: Sequence[str], size: int = PAGE
) -> Iterator[Page]:
    """Live records of a stream, all connections, by key."""
    table = RECORDS[stream]
    query = (
        select(*(table.c[name] for name in columns))
        .where(table.c.record_state == LIVE)
        .order_by(table.c.connection, table.c.object, table.c.id)
    )
    return _pages(tx, query, size)


def result_pages(
    tx: Connection, name: str, columns: Sequence[str], size: int = PAGE
) -> Iterator[Page]:
    """What analyses found of records, by key.

    Args:
        name: ``scores``, ``segments`` or ``offers``.
    """
    table = _RESULTS[name]
    query = select(*(table.c[column] for column in columns))
    return _pages(tx, query.order_by(*table.primary_key.columns), size)


def visit_pages(
    tx: Connection, plan_ids: Sequence[str], columns: Sequence[str], size: int = PAGE
) -> Iterator[Page]:
    """Visits of some plans by plan, rep and time, with the plan's columns beside their own."""
    of = {**dict(plans.c.items()), **dict(visits.c.items())}
    query = (
        select(*(of[name] for name in columns))
        .join(plans, plans.c.id == visits.c.plan_id)
        .where(visits.c.plan_id.in_(list(plan_ids)))
        .order_by(visits.c.plan_id, visits.c.rep, visits.c.start_at, visits.c.visit_id)
    )
    return _pages(tx, query, size)


def _pages(tx: Connection, query: Select[Any], size: int) -> Iterator[Page]:
    with tx.execution_options(stream_results=True).execute(query) as result:
        for part in result.partitions(size):
            yield [tuple(row) for row in part]
