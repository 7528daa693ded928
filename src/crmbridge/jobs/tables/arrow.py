"""Writes tables by Arrow: Parquet files, or one file for Tableau; extras `tables`, `tableau`."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

from crmbridge.errors import ConfigError
from crmbridge.jobs.showing.tables import placed
from crmbridge.jobs.tables.shapes import TableShape
from crmbridge.records import Kind
from crmbridge.store.pages import Page


def write_parquet(path: Path, shape: TableShape, pages: Iterable[Page]) -> int:
    """Write a table as Parquet, units and meanings in its columns' metadata; how many rows.

    Raises:
        ConfigError: the extra is not installed.
        StorageError: the folder cannot be written to.
    """
    _needed("pyarrow", "tables")
    import pyarrow.parquet as parquet

    schema, count = arrow_schema(shape), 0
    with placed(path) as target, parquet.ParquetWriter(target, schema) as writer:
        for batch in _batches(shape, pages, schema):
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def write_hyper(path: Path, tables: Mapping[TableShape, Iterable[Page]]) -> dict[str, int]:
    """Write all tables into one file for Tableau; rows by table.

    Raises:
        ConfigError: the extra is not installed.
        StorageError: the folder cannot be written to.
    """
    _needed("pantab", "tableau")
    import pantab
    import pyarrow

    counts = dict.fromkeys((shape.name for shape in tables), 0)
    readers: dict[str | tuple[str, str], Any] = {}
    for shape, pages in tables.items():
        schema = arrow_schema(shape)
        batches = _counted(_batches(shape, pages, schema), counts, shape.name)
        readers[shape.name] = pyarrow.RecordBatchReader.from_batches(schema, batches)
    with ExitStack() as stack:
        target = stack.enter_context(placed(path))
        logs = stack.enter_context(tempfile.TemporaryDirectory(prefix="crmbridge-"))
        pantab.frames_to_hyper(readers, target, process_params={"log_dir": logs})
    return counts


def arrow_schema(shape: TableShape) -> Any:
    """The Arrow schema of a table."""
    import pyarrow as pa

    types = {
        Kind.INTEGER: pa.int64(), Kind.NUMBER: pa.float64(), Kind.MONEY: pa.float64(),
        Kind.BOOLEAN: pa.bool_(), Kind.DATE: pa.date32(),
        Kind.INSTANT: pa.timestamp("ms", tz="UTC"),
    }  # fmt: skip
    fields = [
        pa.field(
            column.name,
            types.get(column.kind, pa.string()),
            metadata={"unit": column.unit, "meaning": column.meaning},
        )
        for column in shape.columns
    ]
    return pa.schema(fields, metadata={"meaning": shape.meaning})


def _batches(shape: TableShape, pages: Iterable[Page], schema: Any) -> Iterator[Any]:
    import pyarrow as pa

    for page in pages:
        arrays = []
        for at, (column, field) in enumerate(zip(shape.columns, schema, strict=True)):
            way = _WAYS.get(column.kind, _as_is)
            values = [None if row[at] is None else way(row[at]) for row in page]
            arrays.append(pa.array(values, type=field.type))
        yield pa.record_batch(arrays, schema=schema)


def _counted(batches: Iterator[Any], counts: dict[str, int], name: str) -> Iterator[Any]:
    for batch in batches:
        counts[name] += batch.num_rows
        yield batch


def _as_is(value: Any) -> Any:
    return value


_WAYS: dict[Kind, Callable[[Any], Any]] = {Kind.BOOLEAN: bool, Kind.DATE: date.fromisoformat}


def _needed(module: str, extra: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None or find_spec("pyarrow") is None:
        raise ConfigError(
            "export tables --format",
            f"the extra crmbridge[{extra}]",
            "none installed",
            f"Run `pip install 'crmbridge[{extra}]'`, or use --format csv",
        )
