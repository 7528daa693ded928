"""Rows held by column, and CSV cut straight into them."""

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmbridge.adapters.columns import Columns, read_csv

CELLS = st.sampled_from(["", "a", "é", "\u2028", ",", '"', "\n", "\r", '","', '"\n"'])
PLAIN = st.sampled_from(["", "a", "é", "\u2028"])


def read(text: str, width: int, characters: int = 1000) -> list[Sequence[Sequence[str]]]:
    return list(read_csv(io.StringIO(text, newline=""), width, characters, rows=2))


def written(rows: list[list[str]], quoting: int, end: str) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=quoting, lineterminator=end).writerows(rows)  # type: ignore[arg-type]
    return file.getvalue()


@given(
    rows=st.lists(
        st.lists(PLAIN, min_size=2, max_size=3) | st.lists(CELLS, min_size=1, max_size=3)
    ),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    end=st.sampled_from(["\n", "\r\n"]),
    characters=st.integers(1, 40),
    cut=st.integers(0, 3),
)
def test_rows_are_those_of_the_csv_module(
    rows: list[list[str]], quoting: int, end: str, characters: int, cut: int
) -> None:
    whole = written(rows, quoting, end)
    text = whole[: len(whole) - cut]
    expected = list(csv.reader(io.StringIO(text, newline="")))

    found = [list(row) for some in read(text, 2, characters) for row in some]

    assert found == expected


@pytest.mark.parametrize("text", ['"a","b"\n"c",""\n', "a,b\r\nc,\r\n"])
def test_even_rows_are_cut_into_columns(text: str) -> None:
    (found,) = read(text, 2)

    assert isinstance(found, Columns)
    assert found.columns == [["a", "c"], ["b", ""]]


@pytest.mark.parametrize(
    "text", ['"a","b\nc"\n', '"a","b""c"\n', 'a,"b"\n', "a,b,c\na\n", "a,b", "a,b\r\nc,d\n"]
)
def test_uneven_rows_are_left_to_the_csv_module(text: str) -> None:
    assert not any(isinstance(one, Columns) for one in read(text, 2))


def test_columns_are_a_sequence_of_rows() -> None:
    rows = Columns([["a", "b", "c"], [1, 2, 3]])

    assert [*rows] == [("a", 1), ("b", 2), ("c", 3)]
    assert (len(rows), rows[1], [*rows[1:]]) == (3, ("b", 2), [("b", 2), ("c", 3)])


def test_no_columns_are_no_rows() -> None:
    assert not Columns([])
