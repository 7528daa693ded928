"""Inserts and upserts of our own tables, by tuples, the same on both databases."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Table

_BATCH = 5000
IDS_AT_ONCE = 500
"""How many ids one ``IN (...)`` holds; SQLite before 3.32 takes 999 parameters at most."""


def insert_missing(tx: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert the rows whose primary key is not there yet; all rows name the same columns.

    Returns:
        How many were inserted.
    """
    if not rows:
        return 0
    names = tuple(rows[0])
    statement = f"{_insert(tx, table, names)} ON CONFLICT DO NOTHING"
    return _execute(tx, statement, (tuple(row[name] for name in names) for row in rows))


def put(
    tx: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    key: tuple[str, ...] = (),
    keep: tuple[str, ...] = (),
    quiet: tuple[str, ...] = (),
) -> int:
    """Insert rows or overwrite those with the same key; see `put_rows`."""
    if not rows:
        return 0
    names = tuple(rows[0])
    tuples = (tuple(row[name] for name in names) for row in rows)
    return put_rows(tx, table, names, tuples, key=key, keep=keep, quiet=quiet)


def put_rows(
    tx: Connection,
    table: Table,
    names: tuple[str, ...],
    rows: Iterable[tuple[Any, ...]],
    *,
    key: tuple[str, ...] = (),
    keep: tuple[str, ...] = (),
    quiet: tuple[str, ...] = (),
) -> int:
    """Insert rows or overwrite those with the same key; equal ones are not rewritten.

    Args:
        names: columns in the order of the tuples.
        key: columns of a unique key; () for the primary key.
        keep: columns that are set by the insert only.
        quiet: columns whose difference alone is no reason to rewrite a row (run, time).

    Returns:
        How many rows were inserted or rewritten.
    """
    key = key or tuple(column.name for column in table.primary_key)
    fields = [name for name in names if name not in key and name not in keep]
    compared = [name for name in fields if name not in quiet]
    assigned = ", ".join(f'"{name}" = excluded."{name}"' for name in fields)
    differs = " OR ".join(
        f'"{table.name}"."{name}" {_differs(tx)} excluded."{name}"' for name in compared
    )
    conflict = ", ".join(f'"{name}"' for name in key)
    statement = f"""{_insert(tx, table, names)}
        ON CONFLICT ({conflict}) DO UPDATE SET {assigned} WHERE {differs}"""
    return _execute(tx, statement, rows)


def insert_rows(
    tx: Connection, table: Table, names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]
) -> int:
    """Insert rows that are known to be new.

    Returns:
        How many.
    """
    return _execute(tx, _insert(tx, table, names), rows)


def update_rows(
    tx: Connection,
    table: Table,
    names: tuple[str, ...],
    key: tuple[str, ...],
    rows: Iterable[tuple[Any, ...]],
) -> int:
    """Set columns of rows by their key.

    Args:
        rows: the values of `names`, then those of `key`.

    Returns:
        How many were found.
    """
    mark = "?" if tx.dialect.name == "sqlite" else "%s"
    assigned = ", ".join(f'"{name}" = {mark}' for name in names)
    found = " AND ".join(f'"{name}" = {mark}' for name in key)
    return _execute(tx, f'UPDATE "{table.name}" SET {assigned} WHERE {found}', rows)


def in_parts(ids: Iterable[str], size: int = IDS_AT_ONCE) -> Iterator[list[str]]:
    """Cut ids into lists that one ``IN (...)`` takes."""
    left = iter(ids)
    while part := list(islice(left, size)):
        yield part


def _execute(tx: Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> int:
    left, touched = iter(rows), 0
    while batch := list(islice(left, _BATCH)):
        touched += tx.exec_driver_sql(statement, batch).rowcount
    return touched


@lru_cache(maxsize=256)
def _insert_text(mark: str, table: str, names: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    return f'INSERT INTO "{table}" ({columns}) VALUES ({", ".join([mark] * len(names))})'


def _insert(tx: Connection, table: Table, names: tuple[str, ...]) -> str:
    mark = "?" if tx.dialect.name == "sqlite" else "%s"
    return _insert_text(mark, table.name, names)


def _differs(tx: Connection) -> str:
    return "IS NOT" if tx.dialect.name == "sqlite" else "IS DISTINCT FROM"
