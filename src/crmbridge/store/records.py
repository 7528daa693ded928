"""Questions about records: how many there are, which are gone, what they hold."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from crmbridge.records import STREAMS, RecordKey
from crmbridge.store.schema import DELETED, LIVE, MISSING, RECORDS, record_columns
from crmbridge.store.writing import in_parts

Row = tuple[Any, ...]

__all__ = [
    "DELETED",
    "LIVE",
    "MISSING",
    "absent",
    "add_seen",
    "begin_sweep",
    "count_by_state",
    "count_live",
    "fetch_records",
    "find_by_text",
    "find_record",
    "iterate_records",
    "mark_records",
    "returned",
]


def count_live(tx: Connection, stream: str, connection: str, object_: str) -> int:
    """How many records of an object are held and not missing or deleted.

    All rows of the object less those that are not live: the latter have a small index.
    """
    held = _count(tx, stream, *_of(stream, connection, object_))
    gone = RECORDS[stream].c.record_state != LIVE
    return held - _count(tx, stream, *_of(stream, connection, object_), gone)


def count_by_state(tx: Connection, stream: str, connection: str) -> dict[tuple[str, int], int]:
    """(object, state) -> number of records, for all objects of a connection."""
    table = RECORDS[stream]
    group = (table.c.object, table.c.record_state)
    query = select(*group, func.count()).where(table.c.connection == connection).group_by(*group)
    return {(row[0], row[1]): row[2] for row in tx.execute(query)}


def mark_records(
    tx: Connection, stream: str, key: tuple[str, str], ids: Iterable[str], state: int, run_id: int
) -> int:
    """Set the state of records; those that have it already, or were never held, stay as they are.

    Args:
        key: connection and object.
        state: `LIVE`, `MISSING` or `DELETED`.

    Returns:
        How many records changed their state.
    """
    table = RECORDS[stream]
    marked = 0
    for part in in_parts(ids):
        statement = (
            table.update()
            .where(*_of(stream, *key), table.c.id.in_(part), table.c.record_state != state)
            .values(record_state=state, changed_run=run_id)
        )
        marked += tx.execute(statement).rowcount
    return marked


def begin_sweep(tx: Connection) -> None:
    """Forget the ids seen so far; a sweep lives in one transaction.

    Use a reading one: ids seen are kept in a temporary table of this session, so that a sweep of
    many minutes holds up nobody.
    """
    tx.exec_driver_sql("CREATE TEMPORARY TABLE IF NOT EXISTS swept (id TEXT PRIMARY KEY)")
    tx.exec_driver_sql("DELETE FROM swept")


def add_seen(tx: Connection, ids: Sequence[str]) -> None:
    """Keep ids that the source lists."""
    if not ids:
        return
    mark = "?" if tx.dialect.name == "sqlite" else "%s"
    tx.exec_driver_sql(
        f"INSERT INTO swept (id) VALUES ({mark}) ON CONFLICT DO NOTHING", [(i,) for i in ids]
    )


def absent(tx: Connection, stream: str, connection: str, object_: str) -> list[str]:
    """Ids of live records that the sweep did not see, in order."""
    return _unlike_sweep(tx, stream, connection, object_, f"record_state = {LIVE} AND NOT")


def returned(tx: Connection, stream: str, connection: str, object_: str) -> list[str]:
    """Ids of missing or deleted records that the sweep saw, in order."""
    return _unlike_sweep(tx, stream, connection, object_, f"record_state <> {LIVE} AND")


def _unlike_sweep(
    tx: Connection, stream: str, connection: str, object_: str, condition: str
) -> list[str]:
    mark = "?" if tx.dialect.name == "sqlite" else "%s"
    query = f"""SELECT id FROM "{RECORDS[stream].name}" AS held
        WHERE connection = {mark} AND object = {mark} AND {condition}
            EXISTS (SELECT 1 FROM swept WHERE swept.id = held.id)
        ORDER BY id"""
    return list(tx.exec_driver_sql(query, (connection, object_)).scalars())


def fetch_records(
    tx: Connection,
    stream: str,
    key: tuple[str, str],
    ids: Iterable[str],
    columns: tuple[str, ...] | None = None,
) -> dict[str, Row]:
    """id -> record tuple, whatever its state; ids that are not held are left out.

    Args:
        key: connection and object.
        columns: what the tuples hold; None for `record_columns`.
    """
    table = RECORDS[stream]
    query = select(table.c.id, *_columns(stream, columns)).where(*_of(stream, *key))
    found: dict[str, Row] = {}
    for part in in_parts(ids):
        rows = tx.execute(query.where(table.c.id.in_(part)))
        found.update((row[0], tuple(row[1:])) for row in rows)
    return found


def iterate_records(
    tx: Connection,
    stream: str,
    sources: tuple[str, ...],
    columns: tuple[str, ...] | None = None,
) -> Iterator[Row]:
    """All live records of some connections as tuples, by key, streamed.

    While it runs on SQLite no writer can commit: take what you need and end the transaction.
    """
    table = RECORDS[stream]
    query: Select[Any] = (
        select(*_columns(stream, columns))
        .where(table.c.connection.in_(sources), table.c.record_state == LIVE)
        .order_by(table.c.connection, table.c.object, table.c.id)
    )
    streamed = tx.execution_options(yield_per=5000).execute(query)
    for part in streamed.partitions():
        yield from (tuple(row) for row in part)


def find_record(tx: Connection, key: RecordKey) -> tuple[str, dict[str, Any]] | None:
    """The stream that holds a record and all its columns by name; None if nobody does."""
    for stream, table in RECORDS.items():
        query = select(table).where(*_of(stream, key.connection, key.object), table.c.id == key.id)
        row = tx.execute(query).one_or_none()
        if row is not None:
            return stream, row._asdict()
    return None


def find_by_text(tx: Connection, stream: str, text: str, limit: int = 20) -> list[RecordKey]:
    """Records whose id or number is this text, or whose name or e-mail is, in any case."""
    table = RECORDS[stream]
    exact = [table.c[name] == text for name in ("id", "number") if name in table.c]
    folded = [
        func.lower(table.c[name]) == text.lower() for name in ("name", "email") if name in table.c
    ]
    query = select(table.c.connection, table.c.object, table.c.id).where(or_(*exact, *folded))
    rows = tx.execute(query.order_by(table.c.connection, table.c.id).limit(limit))
    return [RecordKey(*row) for row in rows]


def _columns(stream: str, columns: tuple[str, ...] | None) -> list[ColumnElement[Any]]:
    names = columns or record_columns(STREAMS[stream])
    return [RECORDS[stream].c[name] for name in names]


def _of(stream: str, connection: str, object_: str) -> tuple[ColumnElement[bool], ...]:
    table = RECORDS[stream]
    return (table.c.connection == connection, table.c.object == object_)


def _count(tx: Connection, stream: str, *conditions: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(RECORDS[stream]).where(*conditions)
    return int(tx.execute(query).scalar_one())
