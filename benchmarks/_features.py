"""Millions of activities in a store, and what DuckDB makes of the same ones in its own file."""

import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd

from crmbridge.store import Store, open_store
from crmbridge.store.feature_cache import current_features
from crmbridge.store.feature_sql import DAY, Shape, feature_queries

BASE, NOW = "sales", 1_772_438_400_000

_CUSTOMERS = """INSERT INTO customers (connection, object, id, changed_run)
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :customers)
    SELECT 'sales', 'Account', printf('C%08d', i), 1 FROM n"""

_ACTIVITIES = """INSERT INTO activities (
        connection, object, id, kind, status, customer_id, subject, start_at, changed_run)
    WITH RECURSIVE n(i, dice) AS (SELECT 0, 42 UNION ALL
        SELECT i + 1, (dice * 1103515245 + 12345) & 2147483647 FROM n WHERE i + 1 < :activities)
    SELECT 'sales', 'Task', printf('A%010d', i),
        CASE (dice >> 8) % 5 WHEN 0 THEN 'visit' WHEN 1 THEN 'call' WHEN 2 THEN 'email'
            WHEN 3 THEN 'meeting' ELSE 'web' END,
        CASE (dice >> 16) % 4 WHEN 0 THEN 'planned' ELSE 'done' END,
        printf('C%08d', ((dice >> 1) * 7919 + i) % :customers), 'Talked of many things',
        :now - (((dice >> 3) * 31 + i * 17) % 63072000) * 1000, 1
    FROM n"""
"""Two years of them."""

_OWN = """SELECT connection, record_state, customer_id, kind, status, start_at
    FROM activities NOT INDEXED"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Seconds; the processor's are those of this process and of its children."""

    wall: float
    cpu: float
    found: Any


@contextmanager
def filled_store(activities: int, customers: int) -> Iterator[tuple[Store, Path]]:
    """A store with so many, and DuckDB's own file of the same activities."""
    with tempfile.TemporaryDirectory(prefix="crmbridge-features-") as folder:
        path, own = Path(folder) / "store.db", Path(folder) / "own.duckdb"
        url = f"sqlite:///{path}"
        open_store(url).close()
        _fill(path, {"activities": activities, "customers": customers, "now": NOW})
        child = get_context("spawn").Process(target=_copy, args=(str(path), str(own)))
        child.start()
        child.join()
        if child.exitcode:
            raise SystemExit("benchmarks/engine.py: expected a DuckDB file, got none")
        with closing(open_store(url)) as store:
            yield store, own


def _fill(path: Path, values: dict[str, int]) -> None:
    """Indexes last, as that is the faster way."""
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA synchronous = OFF")
        file.execute("PRAGMA journal_mode = OFF")
        file.execute("PRAGMA cache_size = -400000")
        indexes = file.execute("""SELECT name, sql FROM sqlite_master
            WHERE type = 'index' AND tbl_name = 'activities' AND sql IS NOT NULL""").fetchall()
        for name, _ in indexes:
            file.execute(f"DROP INDEX {name}")
        file.execute("BEGIN")
        file.execute(_CUSTOMERS, values)
        file.execute(_ACTIVITIES, values)
        file.execute("COMMIT")
        for _, statement in indexes:
            file.execute(statement)


def _copy(path: str, own: str) -> None:
    """In a process of its own: two copies of SQLite must not meet in one."""
    import adbc_driver_sqlite.dbapi as adbc
    import duckdb

    address = f"file:{path}?mode=ro"
    with duckdb.connect(own) as made, adbc.connect(address) as file, file.cursor() as cursor:
        cursor.execute(_OWN)
        made.register("stream", cursor.fetch_record_batch())
        made.execute("""CREATE TABLE activities AS SELECT *, CAST(NULL AS VARCHAR) AS due_on,
            CAST(NULL AS BIGINT) AS end_at FROM stream""")


def duckdb_alone(own: Path) -> pd.DataFrame:
    """The activities' numbers by customer, by the same query, with no file of SQLite to read."""
    import duckdb

    query = feature_queries(Shape(dialect="duckdb"))["activities"]
    values = {":sources": f"('{BASE}')", ":at_90": str(NOW - 90 * DAY),
              ":at_365": str(NOW - 365 * DAY), ":at": str(NOW)}  # fmt: skip
    for name, value in values.items():
        query = query.replace(name, value)
    with duckdb.connect(str(own), read_only=True) as file:
        return file.execute(query).df().set_index("id").sort_index()


def touch(store: Store, customers: int) -> None:
    """Change an activity of each of so many customers, as a pull would."""
    with store.write() as tx:
        tx.exec_driver_sql(
            """UPDATE activities SET start_at = start_at - 1000, changed_run = 2 WHERE rowid IN (
            SELECT min(rowid) FROM activities WHERE customer_id IN (
                SELECT id FROM customers WHERE rowid % 100 = 7 LIMIT ?) GROUP BY customer_id)""",
            (customers,),
        )


def ours(store: Store, at: int = NOW) -> pd.DataFrame:
    """All customers' features."""
    return current_features(store, (BASE,), at)


def forget(store: Store) -> None:
    """Let all be reduced."""
    with store.write() as tx:
        tx.exec_driver_sql("DELETE FROM feature_states")


def spent(work: Callable[[], Any]) -> Spent:
    """What some work takes."""
    wall, cpu = time.perf_counter(), _cpu()
    found = work()
    return Spent(wall=time.perf_counter() - wall, cpu=_cpu() - cpu, found=found)


def _cpu() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)
