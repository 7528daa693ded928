"""Queries for planning: who there is to visit, who visits, and what stands in calendars already."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, and_, func, or_, select

from crmbridge.records import STREAMS
from crmbridge.store.schema import LIVE, RECORDS
from crmbridge.store.visiting import took_place

Record = dict[str, Any]
"""A record by column name, values as `records.streams` says."""

_HELD = ("connection", "object", "id", "modified_at", "extra")


def load_customers(tx: Connection, sources: Sequence[str], by: Mapping[str, str]) -> list[Record]:
    """Live customers of a base connection, empty fields filled by those that complete it.

    Args:
        sources: the base connection, then the completing ones; the first that has a value wins.
        by: completing connection -> ``id`` or ``number``: what joins its rows to the base's.

    Returns:
        Records in the order of (object, id).
    """
    base, *completing = sources
    records = _load(tx, "customers", (base,))
    for connection in completing:
        rows = _load(tx, "customers", (connection,))
        key = by.get(connection, "id")
        index = {row["id"]: row for row in rows}
        for record in records:
            _fill(record, index.get(record[key]))
    return records


def load_reps(tx: Connection) -> list[Record]:
    """Live reps of all connections, in the order of (connection, object, id)."""
    return _load(tx, "reps", None)


def load_taken(tx: Connection, since: int, until: int) -> list[Record]:
    """Activities that others put into calendars and that overlap a stretch of time.

    Ours (those with a visit key) are left out; so is what is cancelled or missed, and what takes
    no time of a rep. All-day entries without a start are found by their day.

    Args:
        since: milliseconds.
        until: milliseconds, exclusive.
    """
    table = RECORDS["activities"]
    columns = table.c
    takes_time = or_(
        columns.busy == 1,
        and_(columns.busy.is_(None), columns.kind.in_(("visit", "meeting", "absence"))),
    )
    overlaps = and_(
        columns.start_at < until, func.coalesce(columns.end_at, columns.start_at) > since
    )
    whole_day = and_(columns.start_at.is_(None), columns.all_day == 1, columns.due_on.is_not(None))
    query = (
        select(*(columns[name] for name in _columns("activities")))
        .where(columns.record_state == LIVE, columns.visit_key.is_(None), takes_time)
        .where(or_(columns.status.is_(None), columns.status.in_(("planned", "done"))))
        .where(or_(overlaps, whole_day))
        .order_by(columns.connection, columns.object, columns.id)
    )
    return [dict(row) for row in tx.execute(query).mappings()]


def load_ours(tx: Connection, keys: Iterable[str]) -> list[Record]:
    """Activities that bear one of our visit keys, with their ``record_state``, whatever it is."""
    wanted = sorted(set(keys))
    table = RECORDS["activities"]
    held = [table.c[name] for name in _columns("activities")]
    found: list[Record] = []
    for start in range(0, len(wanted), 500):
        query = (
            select(*held, table.c.record_state.label("record_state"))
            .where(table.c.visit_key.in_(wanted[start : start + 500]))
            .order_by(table.c.connection, table.c.object, table.c.id)
        )
        found += [dict(row) for row in tx.execute(query).mappings()]
    return found


def load_own(tx: Connection, since: int) -> list[Record]:
    """Live activities to come that bear one of our visit keys, in the order of their key.

    Args:
        since: milliseconds; what ends by then is over.
    """
    columns = RECORDS["activities"].c
    query = (
        select(*(columns[name] for name in _columns("activities")))
        .where(columns.record_state == LIVE, columns.visit_key.is_not(None))
        .where(columns.start_at.is_not(None))
        .where(func.coalesce(columns.end_at, columns.start_at) > since)
        .where(or_(columns.status.is_(None), columns.status == "planned"))
        .order_by(columns.visit_key, columns.connection, columns.object, columns.id)
    )
    return [dict(row) for row in tx.execute(query).mappings()]


def load_last_visits(tx: Connection, sources: Sequence[str], as_of: int) -> dict[str, int]:
    """customer id -> start of the latest visit that `took_place` by then, in milliseconds."""
    table = RECORDS["activities"]
    columns = table.c
    query = (
        select(columns.customer_id, func.max(columns.start_at))
        .where(columns.connection.in_(list(sources)), columns.record_state == LIVE)
        .where(columns.kind == "visit", columns.start_at <= as_of)
        .where(columns.customer_id.is_not(None))
        .where(took_place(columns))
        .group_by(columns.customer_id)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def load_stream(tx: Connection, stream: str, sources: Sequence[str]) -> list[Record]:
    """All live records of a stream, in the order of (connection, object, id)."""
    return _load(tx, stream, sources)


def _load(tx: Connection, stream: str, connections: Sequence[str] | None) -> list[Record]:
    table: Table = RECORDS[stream]
    query = select(*(table.c[name] for name in _columns(stream))).where(
        table.c.record_state == LIVE
    )
    if connections is not None:
        query = query.where(table.c.connection.in_(list(connections)))
    query = query.order_by(table.c.connection, table.c.object, table.c.id)
    return [dict(row) for row in tx.execute(query).mappings()]


def _columns(stream: str) -> tuple[str, ...]:
    return (*_HELD, *STREAMS[stream].by_name)


def _fill(record: Record, other: Record | None) -> None:
    if other is None:
        return
    for name, value in other.items():
        if record.get(name) is None:
            record[name] = value
