"""Opening hours are read as written; tables are safe to open in a spreadsheet."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmbridge.errors import StorageError
from crmbridge.jobs.showing.tables import cell, table_text, write_text
from crmbridge.jobs.territory.opening import blocked_days, opening_windows
from crmbridge.planning import Window


def test_hours_not_known_are_not_closed() -> None:
    assert opening_windows(None) is None
    assert opening_windows("{}") == ()


def test_two_windows_a_day_and_midnight() -> None:
    found = opening_windows('{"mon": [["08:00", "12:00"], ["13:30", "24:00"]], "sun": []}')

    assert found == (
        Window(weekday=0, opens=480, closes=720),
        Window(weekday=0, opens=810, closes=1440),
    )


@pytest.mark.parametrize(
    "text", ['{"monday": []}', "[1]", '{"mon": [["12:00", "12:00"]]}', '{"mon": [["8"]]}', "x"]
)
def test_hours_that_cannot_be_read_raise(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        opening_windows(text)


def test_blocked_days_are_days_or_pairs() -> None:
    found = blocked_days('["2026-05-01", ["2026-08-01", "2026-08-21"]]')

    assert [(r.first.isoformat(), r.last.isoformat()) for r in found] == [
        ("2026-05-01", "2026-05-01"),
        ("2026-08-01", "2026-08-21"),
    ]


@pytest.mark.parametrize("text", ["=1+1", "+49 30", "-x", "@sum", "\t=x", " =x", "＝1", "'=x"])
def test_text_that_looks_like_a_formula_is_quoted(text: str) -> None:
    assert str(cell(text)).startswith("'")


def test_numbers_stay_numbers() -> None:
    assert [cell(v) for v in (-5, 1.5, float("nan"), None)] == [-5, 1.5, "", ""]


@given(st.text(min_size=1).filter(lambda text: text.strip()))
def test_no_cell_starts_with_what_a_spreadsheet_runs(text: str) -> None:
    assert str(cell(text)).lstrip()[:1] not in set("=+-@＝＋－＠")


def test_a_table_reads_back() -> None:
    text = table_text(("a", "b"), [("x,y", 1), ('q"z\n', None)])

    assert list(csv.reader(io.StringIO(text))) == [["a", "b"], ["x,y", "1"], ['q"z\n', ""]]


def test_a_file_replaces_the_older_one_whole_and_is_private(tmp_path: Path) -> None:
    path = write_text(tmp_path / "deep" / "t.csv", "old")
    write_text(path, "new")

    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["t.csv"]


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match="a place to write to"):
        write_text(tmp_path / "file" / "t.csv", "x")
