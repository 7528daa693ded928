"""Exported tables hold what the store holds, in types that other tools read, behind one schema."""

import csv
import json
import shutil
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from crmbridge.errors import ConfigError
from crmbridge.jobs.tables import arrow
from crmbridge.jobs.tables.exporting import export_tables
from crmbridge.jobs.tables.shapes import TABLES, TableShape
from crmbridge.jobs.tables.sources import pages_of
from crmbridge.records import STREAMS, Reason, RecordKey
from crmbridge.store.pages import record_pages
from crmbridge.store.scores import Score, save_scores

STARTED = 1_772_438_400_125
"""2026-03-02 08:00:00.125 in UTC."""


def filled(shop: Any) -> Any:
    shop.hold("customers", {"id": "b", "name": "=1+1", "latitude": 52.5, "visit_minutes": 30},
              {"id": "a", "name": "Ä, \"b\"\n+c", "reply_until": "2026-03-05"})  # fmt: skip
    shop.hold("activities", {"kind": "visit", "start_at": STARTED, "all_day": 0, "busy": 1})
    reasons = (
        Reason(code="need.open", text="Open need", weight=0.2),
        Reason(code="base", text="Base", weight=0.5),
    )
    score = Score(
        key=RecordKey("sales", "customers", "a"), score=0.7, tier="high", reasons=reasons,
        model="m", as_of=STARTED, run_id=1,
    )  # fmt: skip
    with shop.space.store.write() as tx:
        save_scores(tx, [score])
    return shop


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_csv_holds_every_row_by_key_with_times_as_iso_and_missing_as_empty(shop: Any) -> None:
    export_tables(filled(shop).space, "csv", shop.folder / "t")

    first, second = rows(shop.folder / "t", "customers")
    (activity,) = rows(shop.folder / "t", "activities")
    assert [first["id"], second["id"]] == ["a", "b"]
    assert (second["latitude"], first["latitude"]) == ("52.5", "")
    assert activity["start_at"] == "2026-03-02T08:00:00.125Z"
    assert (activity["all_day"], activity["busy"], activity["end_at"]) == ("false", "true", "")


def test_csv_texts_are_no_formulas(shop: Any) -> None:
    export_tables(filled(shop).space, "csv", shop.folder / "t")

    assert [row["name"] for row in rows(shop.folder / "t", "customers")] == [
        'Ä, "b"\n+c', "'=1+1",
    ]  # fmt: skip


def test_reasons_of_scores_are_words_that_sum_to_the_score(shop: Any) -> None:
    export_tables(filled(shop).space, "csv", shop.folder / "t")

    (score,) = rows(shop.folder / "t", "scores")

    assert score["reasons"] == "Open need (+0.200000); Base (+0.500000)"
    assert float(score["score"]) == pytest.approx(0.2 + 0.5)


def test_the_schema_names_each_table_column_type_unit_and_meaning(shop: Any) -> None:
    export_tables(filled(shop).space, "csv", shop.folder / "t")

    schema = json.loads((shop.folder / "t" / "schema.json").read_text("utf-8"))

    tables = {table["name"]: table for table in schema["tables"]}
    columns = {column["name"]: column for column in tables["customers"]["columns"]}
    assert set(tables) == {*STREAMS, "scores", "segments", "offers", "visits"}
    assert (tables["customers"]["rows"], tables["deals"]["rows"]) == (2, 0)
    assert columns["visit_minutes"]["unit"] == "minutes"
    assert columns["owner_id"]["meaning"] == "id of a record of reps, same source"
    assert all(column["meaning"] for table in tables.values() for column in table["columns"])


def test_csv_headers_are_the_schemas_columns(shop: Any) -> None:
    export_tables(shop.space, "csv", shop.folder / "t")

    files = {shape: shop.folder / "t" / f"{shape.name}.csv" for shape in TABLES}
    heads = {shape: path.read_text("utf-8").splitlines()[0] for shape, path in files.items()}

    assert all(head.split(",") == list(shape.names) for shape, head in heads.items())


def test_parquet_holds_the_same_in_its_own_types(shop: Any) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra `tables` is not installed")
    export_tables(filled(shop).space, "parquet", shop.folder / "t")

    customers = parquet.read_table(shop.folder / "t" / "customers.parquet")
    (activity,) = parquet.read_table(shop.folder / "t" / "activities.parquet").to_pylist()

    assert customers.column("name").to_pylist() == ['Ä, "b"\n+c', "=1+1"]
    assert customers.column("reply_until").to_pylist() == [date(2026, 3, 5), None]
    assert customers.schema.field("visit_minutes").metadata[b"unit"] == b"minutes"
    assert activity["start_at"] == datetime(2026, 3, 2, 8, 0, 0, 125_000, tzinfo=UTC)
    assert activity["all_day"] is False


def test_hyper_can_be_read_back(shop: Any) -> None:
    pantab = pytest.importorskip("pantab", reason="the extra `tableau` is not installed")
    export_tables(filled(shop).space, "hyper", shop.folder / "t")

    logs = {"log_dir": str(shop.folder)}
    path = shop.folder / "t" / "crmbridge.hyper"
    found = pantab.frames_from_hyper(path, return_type="pyarrow", process_params=logs)

    tables = {name[-1]: table for name, table in found.items()}
    schema = json.loads((shop.folder / "t" / "schema.json").read_text("utf-8"))
    rows_said = {table["name"]: table["rows"] for table in schema["tables"]}
    assert tables["customers"].column("name").to_pylist() == ['Ä, "b"\n+c', "=1+1"]
    assert {name: table.num_rows for name, table in tables.items()} == rows_said
    assert not list(Path.cwd().glob("hyperd*"))


def test_rows_come_in_pages(shop: Any) -> None:
    shop.hold("products", *({"id": f"p{number}"} for number in range(5)))

    with shop.space.store.read() as tx:
        pages = [len(page) for page in record_pages(tx, "products", ("id",), size=2)]

    assert pages == [2, 2, 1]


def test_an_export_that_fails_leaves_no_half_file(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(tx: Any, shape: TableShape, names: Any) -> Any:
        yield from pages_of(tx, shape, names)
        raise RuntimeError

    monkeypatch.setattr("crmbridge.jobs.tables.exporting.pages_of", broken)
    with pytest.raises(RuntimeError):
        export_tables(filled(shop).space, "csv", shop.folder / "t")

    assert list((shop.folder / "t").iterdir()) == []


def test_a_missing_extra_is_named(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(ConfigError, match=r"crmbridge\[tables\]"):
        arrow.write_parquet(shop.folder / "x.parquet", TABLES[0], [])


@pytest.mark.nightly
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed on this machine")
def test_the_r_script_reads_what_was_written(shop: Any) -> None:
    folder = shop.folder / "t"
    export_tables(filled(shop).space, "csv", folder)
    ask = (
        'source("read_tables.R"); t <- read_tables("."); c <- t$customers; a <- t$activities\n'
        'stopifnot(nrow(c) == 2, c$name[2] == "=1+1", is.na(c$latitude[1]), c$latitude[2] == 52.5,'
        ' c$reply_until[1] == as.Date("2026-03-05"), a$busy, !a$all_day,'
        ' format(a$start_at, "%Y-%m-%d %H:%M:%S", tz = "UTC") == "2026-03-02 08:00:00",'
        " abs(t$scores$score - .7) < 1e-9)\n"
    )

    done = subprocess.run(
        ["Rscript", "-e", ask], cwd=folder, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
