"""Writes records so that rows that are equal are left alone and the others are counted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection

from crmbridge.records import STREAMS
from crmbridge.store.schema import LIVE, RECORD_KEY, RECORD_TAIL, record_columns

Row = tuple[Any, ...]

_BY_ID = itemgetter(2)

_AT_ONCE = (500, 50)
"""Rows of one SQLite statement, then of the rest: half the time of a statement for each row; more
gain nothing. The remainder goes row by row, so that few statements need to be kept prepared."""
_MOST_VALUES = 32_766
"""What SQLite binds at most (SQLITE_MAX_VARIABLE_NUMBER since 3.32)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upserted:
    """What became of a batch; a record that comes back from missing or deleted is changed."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0


def upsert_records(
    tx: Connection,
    stream: str,
    rows: Sequence[Row],
    run_id: int,
    *,
    columns: tuple[str, ...] | None = None,
) -> Upserted:
    """Insert or update records; equal ones are not rewritten.

    New and changed rows get ``changed_run = run_id`` and become live.

    Args:
        rows: tuples in the order of `columns`; keys unique within the batch. 2,000 to 5,000 a
            call are fastest.
        columns: what the tuples hold; it starts with connection, object, id. Fields that are not
            named stay as they are, NULL in new rows; those of `RECORD_TAIL` become NULL. None:
            all, as `record_columns` says. Naming only what a mapping fills makes wide streams
            twice as fast.

    Raises:
        ValueError: a key occurs twice, or `columns` does not start with the key.
    """
    if not rows:
        return Upserted()
    names = columns or record_columns(STREAMS[stream])
    if names[:3] != RECORD_KEY:
        raise ValueError(f"columns of {stream}: expected to start with {RECORD_KEY}, got {names}")
    ordered = sorted(rows, key=_BY_ID)  # near keys together: fewer pages touched, no deadlocks
    _check_unique(stream, ordered)
    if tx.dialect.name == "postgresql":
        return _by_copy(tx, stream, names, ordered, run_id)
    return _by_values(tx, stream, names, ordered, run_id)


def _check_unique(stream: str, rows: Sequence[Row]) -> None:
    if len(set(map(_BY_ID, rows))) == len(rows):
        return
    key, times = Counter(row[:3] for row in rows).most_common(1)[0]
    if times > 1:
        raise ValueError(f"{stream}: expected each key once in a batch, got {key} {times} times")


def _by_values(
    tx: Connection, stream: str, names: tuple[str, ...], rows: list[Row], run_id: int
) -> Upserted:
    last = _last_row(tx, stream)
    touched = _insert(tx, stream, names, rows, run_id)
    new = _last_row(tx, stream) - last
    return Upserted(new=new, changed=touched - new, unchanged=len(rows) - touched)


def _insert(
    tx: Connection, stream: str, names: tuple[str, ...], rows: list[Row], run_id: int
) -> int:
    """How many rows were written; the driver's total would count what triggers write, too."""
    start = touched = 0
    for most in _AT_ONCE:
        size = min(most, _MOST_VALUES // len(names))
        statement = _sqlite_upsert(stream, names, run_id, size)
        while len(rows) - start >= size:
            values = tuple(chain.from_iterable(rows[start : start + size]))
            touched += tx.exec_driver_sql(statement, values).rowcount
            start += size
    if start < len(rows):
        rest = rows[start:]
        touched += tx.exec_driver_sql(_sqlite_upsert(stream, names, run_id, 1), rest).rowcount
    return touched


def _last_row(tx: Connection, stream: str) -> int:
    """The greatest row number; SQLite gives a new row the next one, an updated one keeps its."""
    return int(tx.exec_driver_sql(f'SELECT max(rowid) FROM "{stream}"').scalar() or 0)


@lru_cache(maxsize=256)
def _sqlite_upsert(stream: str, names: tuple[str, ...], run_id: int, size: int) -> str:
    """A literal NULL for what the tuples leave out: each value bound costs a twentieth."""
    written = _with_tail(names)
    nothing = ["NULL"] * (len(written) - len(names))
    row = f"({', '.join(['?'] * len(names) + nothing)}, {int(run_id)})"
    differs = (*(f'"{n}" IS NOT excluded."{n}"' for n in written[3:]), f"record_state <> {LIVE}")
    return f"""INSERT INTO "{stream}" ({_quoted(written)}, changed_run)
        VALUES {", ".join([row] * size)}
        ON CONFLICT (connection, object, id) DO UPDATE
        SET {_assignments(written)} WHERE {" OR ".join(differs)}"""


def _with_tail(names: tuple[str, ...]) -> tuple[str, ...]:
    return (*names, *(name for name in RECORD_TAIL if name not in names))


def _by_copy(
    tx: Connection, stream: str, names: tuple[str, ...], rows: list[Row], run_id: int
) -> Upserted:
    tx.exec_driver_sql(_incoming_table(stream))
    driver: Any = tx.connection.dbapi_connection
    with driver.cursor().copy(f'COPY "incoming_{stream}" ({_quoted(names)}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row)
    touched, new = tx.exec_driver_sql(_postgresql_upsert(stream, names, run_id)).one()
    tx.exec_driver_sql(f'TRUNCATE "incoming_{stream}"')
    return Upserted(new=new, changed=touched - new, unchanged=len(rows) - touched)


@lru_cache(maxsize=32)
def _incoming_table(stream: str) -> str:
    return f"""CREATE TEMPORARY TABLE IF NOT EXISTS "incoming_{stream}"
        (LIKE "{stream}" INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"""


@lru_cache(maxsize=256)
def _postgresql_upsert(stream: str, names: tuple[str, ...], run_id: int) -> str:
    """A row that an upsert inserted has no xmax; one that it updated has."""
    names = _with_tail(names)
    differs = (
        *(f'held."{n}" IS DISTINCT FROM excluded."{n}"' for n in names[3:]),
        f"held.record_state <> {LIVE}",
    )
    return f"""WITH touched AS (
            INSERT INTO "{stream}" AS held ({_quoted(names)}, changed_run)
            SELECT {_quoted(names)}, {int(run_id)} FROM "incoming_{stream}"
            ON CONFLICT (connection, object, id) DO UPDATE
            SET {_assignments(names)}
            WHERE {" OR ".join(differs)}
            RETURNING (held.xmax = 0) AS is_new)
        SELECT count(*), count(*) FILTER (WHERE is_new) FROM touched"""


def _assignments(names: tuple[str, ...]) -> str:
    fields = (f'"{n}" = excluded."{n}"' for n in names[3:])
    return ", ".join((*fields, f"record_state = {LIVE}", "changed_run = excluded.changed_run"))


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)
