"""Inserts and upserts of our own tables, the same on both databases."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, and_, or_
from sqlalchemy.dialects import postgresql, sqlite

_BATCH = 2000


def insert_missing(tx: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose primary key is not there yet."""
    if rows:
        tx.execute(_insert(tx, table).on_conflict_do_nothing(), list(rows))


def put(tx: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows or overwrite those with the same primary key; equal ones are not rewritten.

    All rows name the same columns, and no key twice.

    Returns:
        How many rows were inserted or rewritten.
    """
    return upsert_on(tx, table, tuple(column.name for column in table.primary_key), rows)


def upsert_on(
    tx: Connection,
    table: Table,
    key: tuple[str, ...],
    rows: Sequence[Mapping[str, Any]],
    keep: tuple[str, ...] = (),
) -> int:
    """Like `put`, for a unique key other than the primary one; columns in `keep` are set once."""
    if not rows:
        return 0
    insert = _insert(tx, table)
    fields = [name for name in rows[0] if name not in key and name not in keep]
    statement = insert.on_conflict_do_update(
        index_elements=list(key),
        set_={name: insert.excluded[name] for name in fields},
        where=or_(*(table.c[name].is_distinct_from(insert.excluded[name]) for name in fields)),
    )
    batches = (list(rows[start : start + _BATCH]) for start in range(0, len(rows), _BATCH))
    return sum(tx.execute(statement, batch).rowcount for batch in batches)


def matches(table: Table, key: Mapping[str, Any]) -> Any:
    """The condition that all these columns have these values."""
    return and_(*(table.c[name] == value for name, value in key.items()))


def _insert(tx: Connection, table: Table) -> Any:
    if tx.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
