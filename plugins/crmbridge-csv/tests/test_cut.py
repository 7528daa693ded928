"""Rows are those of `csv.reader`, whatever the lines hold."""

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmbridge_csv.cut import Cutter

TEXTS = st.lists(st.sampled_from(["a", "ä", " ", ",", ";", '"', "\r\n", "\n", "\r", "\0"])).map(
    "".join
)


def cutter(text: str) -> Cutter:
    return Cutter(io.StringIO(text, newline=""), ",", '"')


def cut(text: str, size: int) -> Iterator[tuple[list[list[str]], bool, int]]:
    reader = cutter(text)
    while True:
        rows, error = reader.take(size)
        if not rows and error is None:
            return
        yield rows, error is not None, reader.line_num


def read(text: str, size: int) -> Iterator[tuple[list[list[str]], bool, int]]:
    """The same by `csv.reader` alone."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        rows: list[list[str]] = []
        is_torn = False
        try:
            while len(rows) < size:
                rows.append(next(reader))
        except StopIteration:
            pass
        except csv.Error:
            is_torn = True
        if not rows and not is_torn:
            return
        yield rows, is_torn, reader.line_num


@given(text=TEXTS, size=st.integers(1, 5))
def test_rows_lines_and_errors_are_those_of_csv_reader(text: str, size: int) -> None:
    assert [*cut(text, size)] == [*read(text, size)]


@pytest.mark.parametrize("quoted", [1, 2, 3, 50])
def test_plain_lines_after_quoted_rows_are_rows_of_their_own(quoted: int) -> None:
    text = '"a\nb",c\r\n' * quoted + "d,e\r\n" * 40

    rows, error = (reader := cutter(text)).take(1_000)

    assert rows == [["a\nb", "c"]] * quoted + [["d", "e"]] * 40
    assert (error, reader.line_num) == (None, 2 * quoted + 40)


def test_a_cell_over_the_limit_is_an_error_without_quotes_too() -> None:
    limit = csv.field_size_limit(10)
    try:
        rows, error = cutter(f"a,b\n{'x' * 11},b\nc,d\n").take(5)
    finally:
        csv.field_size_limit(limit)

    assert rows == [["a", "b"]]
    assert error is not None
