"""Runs the feature queries by DuckDB over a SQLite file, in a process of its own.

DuckDB reduces ten million activities several times as fast as SQLite. It reads the file through
ADBC, whose driver brings a second copy of SQLite along. Two copies in one process drop each
other's file locks (sqlite.org/howtocorrupt.html, 2.2.1), so the copy lives in a child process,
which only reads. Without the extra ``crmbridge[fast]`` SQLite does the work.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from crmbridge.errors import StorageError
from crmbridge.records import STREAMS, Kind
from crmbridge.store.feature_sql import DUE_AT, Shape, feature_queries

if TYPE_CHECKING:
    import pandas as pd  # the child does without it

_NEEDED = ("adbc_driver_sqlite", "duckdb", "pyarrow")

_MARKS = {
    **dict.fromkeys((Kind.TEXT, Kind.ID, Kind.DATE, Kind.JSON), ("''", "VARCHAR")),
    **dict.fromkeys((Kind.NUMBER, Kind.MONEY), ("-1e308", "DOUBLE")),
}
"""Stand for NULL on the way: ADBC takes a column's type from its first rows, and a column
of texts that begins with NULLs would become one of integers."""

_LOOKED_UP = {
    "contacts": ("connection", "id", "customer_id"),
    "customers": ("connection", "object"),
    "aliases": ("connection", "object", "loser_id", "winner_id"),
}

FACTS = {
    "activities": ("customer_id", "contact_id", "kind", "status", "start_at"),
    "orders": ("customer_id", "amount", "ordered_at", "status"),
    "order_lines": ("customer_id", "order_id", "amount", "ordered_at"),
    "deals": ("customer_id", "amount", "closed", "won", "opened_on", "closed_on"),
    "campaign_members": (
        "customer_id", "contact_id", "status", "responded", "converted", "responded_at",
        "modified_at",
    ),
    "needs": ("customer_id", "strength", "met"),
    "feedback": ("customer_id", "expected", "actual", "needs", "needs_met", "given_at"),
}  # fmt: skip
"""Table -> columns that the queries read; each table is streamed once, and each column costs."""

_COMPUTED = {"start_at": DUE_AT["sqlite"].join(("COALESCE(fact.start_at, ", ", fact.end_at)"))}
"""What SQLite says in the place of a column; so ``due_on`` and ``end_at`` stay behind."""

_ROWS_AT_ONCE = 65_536
"""Of ADBC's thousand, each batch costs DuckDB more than its rows."""

_FIXED = {"activities": ", NULL AS due_on, NULL AS end_at"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What the child process is asked.

    Args:
        parameters: as the queries name them; ``sources`` and ``line_sources`` are lists.
        out: folder for one file per query.
    """

    path: str
    shape: Shape
    parameters: Mapping[str, Any]
    out: str


def is_available() -> bool:
    """Whether the extra ``fast`` is installed."""
    return all(find_spec(name) is not None for name in _NEEDED)


def reduce_fast(
    path: Path, shape: Shape, parameters: Mapping[str, Any]
) -> "dict[str, pd.DataFrame]":
    """Query name -> its answer, indexed by id, all floats.

    Raises:
        StorageError: the child process ended without an answer.
    """
    with tempfile.TemporaryDirectory(prefix="crmbridge-") as out:
        task = {
            "path": str(path.absolute()),
            "shape": asdict(shape),
            "parameters": dict(parameters),
            "out": out,
        }
        done = subprocess.run(  # noqa: S603  our own interpreter and module
            [sys.executable, "-m", __name__],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = done.stderr.strip().rpartition("\n")[2]
            raise StorageError(
                str(path), "features from DuckDB", said, "Without duckdb SQLite does it"
            )
        return {name: _answer(Path(out), name) for name in feature_queries(shape)}


def _answer(out: Path, name: str) -> "pd.DataFrame":
    import pandas as pd

    frame = pd.read_parquet(out / f"{name}.parquet")
    return frame[frame["id"].notna()].set_index("id").astype("float64")


def run(task: Task) -> None:
    """In the child: run the queries, and leave the answers as files."""
    import adbc_driver_sqlite.dbapi as adbc
    import duckdb

    address = f"file:{quote(task.path)}?mode=ro"
    with duckdb.connect() as memory, adbc.connect(address) as file, ExitStack() as cursors:
        tables = _Tables(memory=memory, file=file, cursors=cursors)
        if task.shape.has_merges or task.shape.has_persons:
            for table, columns in _LOOKED_UP.items():
                tables.keep(table, columns)
        for name, query in feature_queries(task.shape).items():
            skipped = () if task.shape.has_persons else ("contact_id",)
            tables.stream_facts(name, task.parameters["sources"], skipped)
            if name == "orders":
                tables.stream_facts("order_lines", task.parameters["line_sources"])
            text, values = _named(query, task.parameters)
            target = Path(task.out) / f"{name}.parquet"
            memory.execute(f"COPY ({text}) TO '{target}' (FORMAT parquet)", values)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tables:
    """The file's tables as DuckDB sees them."""

    memory: Any
    file: Any
    cursors: ExitStack

    def stream_facts(
        self, table: str, sources: Sequence[str], skipped: tuple[str, ...] = ()
    ) -> None:
        """Live facts of some connections, all under the name of the first, to be read once."""
        listed = ", ".join(map(_quoted, sources or ("",)))
        columns = tuple(name for name in FACTS[table] if name not in skipped)
        self._stream(table, columns, f"connection IN ({listed}) AND record_state = 0")
        fixed = f"{_quoted(sources[0] if sources else '')} AS connection, 0 AS record_state"
        fixed += _FIXED.get(table, "")
        self.memory.execute(f"CREATE VIEW {table} AS SELECT {fixed}, * FROM {table}_read")

    def keep(self, table: str, columns: tuple[str, ...]) -> None:
        """A table that is looked up again and again."""
        self._stream(table, columns, "1 = 1")
        self.memory.execute(f"CREATE TABLE {table} AS SELECT * FROM {table}_read")

    def _stream(self, table: str, columns: tuple[str, ...], condition: str) -> None:
        marked = ", ".join(_marked(table, name) for name in columns)
        cursor = self.cursors.enter_context(self.file.cursor())  # it must outlive its stream
        cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": _ROWS_AT_ONCE})
        cursor.execute(f"SELECT {marked} FROM {table} AS fact NOT INDEXED WHERE {condition}")
        self.memory.register(f"{table}_stream", cursor.fetch_record_batch())
        clean = ", ".join(_clean(table, name) for name in columns)
        self.memory.execute(f"CREATE VIEW {table}_read AS SELECT {clean} FROM {table}_stream")


def _marked(table: str, name: str) -> str:
    mark, _ = _MARKS.get(_kind(table, name), ("", ""))
    if table == "activities" and name in _COMPUTED:
        return f"{_COMPUTED[name]} AS {name}"
    return f"COALESCE({name}, {mark}) AS {name}" if mark else name


def _clean(table: str, name: str) -> str:
    """The column without marks, and of its own type even where the table is empty."""
    mark, type_ = _MARKS.get(_kind(table, name), ("", ""))
    return f"NULLIF(CAST({name} AS {type_}), {mark}) AS {name}" if mark else name


def _kind(table: str, name: str) -> Kind:
    stream = STREAMS.get(table)
    field = stream.by_name.get(name) if stream else None
    if field is None:
        return Kind.INSTANT if name == "modified_at" else Kind.TEXT
    return field.kind


def _named(query: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The query with DuckDB's names, lists written out, and the values that it names."""
    for name in ("sources", "line_sources"):
        listed = ", ".join(_quoted(source) for source in parameters[name] or [""])
        query = re.sub(rf":{name}\b", f"({listed})", query)
    names = set(re.findall(r":([a-z_0-9]+)\b", query))
    return re.sub(r":([a-z_0-9]+)\b", r"$\1", query), {name: parameters[name] for name in names}


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def main() -> None:
    """Read a task from standard input and run it."""
    raw = json.load(sys.stdin)
    run(Task(**{**raw, "shape": Shape(**{**raw["shape"], "dialect": "duckdb"})}))


if __name__ == "__main__":
    main()
