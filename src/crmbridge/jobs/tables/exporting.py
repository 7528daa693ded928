"""Exports every table of the store with one schema file and a script that reads them in R."""

import json
from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path

from crmbridge.jobs.showing.tables import table_text, write_text
from crmbridge.jobs.tables.arrow import write_hyper, write_parquet
from crmbridge.jobs.tables.csvfile import write_csv
from crmbridge.jobs.tables.shapes import TABLES, TableShape, column_rows, schema_document
from crmbridge.jobs.tables.sources import pages_of
from crmbridge.jobs.workspace import Workspace
from crmbridge.store.pages import Page

FORMATS = ("csv", "parquet", "hyper")
HYPER = "crmbridge.hyper"

_Write = Callable[[Path, TableShape, Iterable[Page]], int]
_ONE_FILE_EACH: dict[str, _Write] = {"csv": write_csv, "parquet": write_parquet}


def export_tables(workspace: Workspace, kind: str, folder: Path | None = None) -> list[Path]:
    """Write all tables as they stand at one moment, and the schema last.

    Args:
        kind: one of `FORMATS`.
        folder: ``tables`` in the settings' out folder if None.

    Raises:
        ConfigError: the format needs an extra that is not installed.
        StorageError: the folder cannot be written to.
    """
    target = folder or workspace.settings.out_folder / "tables"
    names = tuple(workspace.settings.connections)
    with workspace.store.read() as tx:
        if kind == "hyper":
            found = {shape: pages_of(tx, shape, names) for shape in TABLES}
            counts = write_hyper(target / HYPER, found)
        else:
            write = _ONE_FILE_EACH[kind]
            counts = {
                shape.name: write(target / _file(shape, kind), shape, pages_of(tx, shape, names))
                for shape in TABLES
            }
    by_table = {shape.name: _file(shape, kind) for shape in TABLES}
    written = [target / name for name in dict.fromkeys(by_table.values())]
    schema = json.dumps(schema_document(counts, by_table), indent=1, ensure_ascii=False)
    written.append(write_text(target / "schema.json", schema + "\n"))
    if kind == "csv":
        written += _for_r(target)
    return written


def _file(shape: TableShape, kind: str) -> str:
    return HYPER if kind == "hyper" else f"{shape.name}.{kind}"


def _for_r(folder: Path) -> list[Path]:
    headers = ("table", "column", "type", "unit", "meaning")
    script = files("crmbridge.jobs.tables").joinpath("read_tables.R").read_text("utf-8")
    return [
        write_text(folder / "columns.csv", table_text(headers, column_rows())),
        write_text(folder / "read_tables.R", script),
    ]
