"""Files as they come: each fault is told with its place, and costs no more than it must."""

import gzip
import os
from typing import Any

import pytest

from crmbridge.errors import ConfigError
from crmbridge_csv import client
from crmbridge_csv.client import CELL_LIMIT


def rejections(folder: Any, **settings: Any) -> list[str]:
    return [one.reason for page in folder.read(**settings) for one in page.rejected]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", r"customers\.csv:1: expected a header line, got none"),
        ("\n1,Ann\n", r"customers\.csv:1: expected a header line, got none"),
        ("id,,name\n1,2,3\n", r"customers\.csv:1:2: expected a column name, got none"),
        ("id,name,name\n1,2,3\n", r":1:3: expected each column name once, got 'name' again"),
        ("id;name\n1;Ann\n", r"separated by ',', got one column .* Set delimiter = \";\"\."),
        ("id\tname\n1\tAnn\n", r"Set delimiter = \"\\t\"\."),
        ("id,name\n1,\"Ann\n2,Bob\n", r"customers\.csv:2: expected the quote .* to be closed"),
        ("number,name\n1,Ann\n", r"customers\.csv:1: expected a column 'id', got number, name"),
        ("id,name\n".encode("utf-16"), r"byte order mark of utf-16\. Set encoding = \"utf-16\"\."),
        ("id,name\n".encode("utf-32"), r"Set encoding = \"utf-32\"\."),
        ("id,name\n1,A\n".encode("utf-16-le"), "NUL characters mean another encoding"),
        (b"id,name\n1,Jos\xe9\n", r"expected utf-8 text, got byte 0xe9 at offset 13\. .*cp1252"),
        (b"id,name\n1,Jos\xc3", r"got byte 0xc3 at offset 13"),
        (gzip.compress(b"id\n1\n", mtime=0)[:-6], r"customers\.csv: expected a whole gzip file"),
        (",".join(f"c{n}" for n in range(2_000)), r"expected at most 1000 columns, got 2000"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_is_refused_with_the_remedy(
    folder: Any, content: str | bytes, line: str
) -> None:
    folder.put("customers.csv", content)

    with pytest.raises(ConfigError, match=line):
        folder.read()


def test_a_bad_byte_far_into_the_file_yields_no_row_at_all(folder: Any) -> None:
    folder.put("customers.csv", b"id\n" + b"1\n" * 2_000_000 + b"\xff\n")
    pages = folder.open().read(request())

    with pytest.raises(ConfigError, match="byte 0xff at offset 4000003"):
        next(pages)


def test_a_line_that_never_ends_is_refused_before_it_fills_the_memory(
    folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "BLOCK", 1_000)
    monkeypatch.setattr(client, "LINE_LIMIT", 5_000)
    folder.put("customers.csv", "id\n1\n" + "x" * 10_000)

    with pytest.raises(ConfigError, match="expected a line end within 5000 bytes"):
        folder.read()


def request() -> Any:
    from crmbridge.adapters import ReadRequest

    return ReadRequest(object="customers")


def test_a_header_alone_is_an_empty_complete_table(folder: Any) -> None:
    folder.put("customers.csv", "id,name\n")

    (only,) = folder.read()

    assert (list(only.rows), only.complete) == ([], True)


def test_a_byte_order_mark_is_no_part_of_the_first_name(folder: Any) -> None:
    folder.put("customers.csv", "id,name\n1,Ann\n".encode("utf-8-sig"))

    assert folder.records()[0]["id"] == "1"


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "utf-16-le"])
def test_another_encoding_is_read_when_it_is_declared(folder: Any, encoding: str) -> None:
    folder.put("customers.csv", "id,name\n1,José\n".encode(encoding))

    assert folder.records(encoding=encoding)[0]["name"] == "José"


def test_another_delimiter_and_quote_are_read_when_they_are_declared(folder: Any) -> None:
    folder.put("customers.csv", "id;name\n1;'a;b'\n")

    assert folder.records(delimiter=";", quote="'")[0]["name"] == "a;b"


def test_rows_of_another_width_are_rejected_with_their_line_and_id(folder: Any) -> None:
    folder.put("customers.csv", "id,name\n1,Ann\n2\n3,Cid,x\n\n4,Dan\n")

    pages = folder.read()

    assert [(one.id, one.reason, one.raw) for one in pages[0].rejected] == [
        ("2", "customers.csv:3: expected 2 columns, got 1", "2"),
        ("3", "customers.csv:4: expected 2 columns, got 3", "3,Cid,x"),
    ]
    assert [row[0] for row in pages[0].rows] == ["1", "4"]


def test_a_nul_byte_costs_its_row_alone(folder: Any) -> None:
    folder.put("customers.csv", "id,name\n1,A\0n\n2,Bob\n")

    assert rejections(folder) == ["customers.csv:2: expected text, got a NUL byte"]


def test_a_cell_of_a_million_characters_costs_its_row_alone(folder: Any) -> None:
    folder.put("customers.csv", f"id,name\n1,Ann\n2,{'x' * 1_000_000}\n3,Cid\n")

    pages = folder.read()
    rows = [row[0] for page in pages for row in page.rows]
    (rejected,) = [one for page in pages for one in page.rejected]

    assert rows == ["1", "3"]
    assert rejected.reason.startswith("customers.csv:3: ")
    assert str(CELL_LIMIT) in rejected.reason


def test_a_cell_up_to_the_limit_is_taken(folder: Any) -> None:
    folder.put("customers.csv", f"id,name\n1,{'x' * CELL_LIMIT}\n")

    assert len(folder.records()[0]["name"]) == CELL_LIMIT


def test_text_after_a_closing_quote_costs_its_row_alone(folder: Any) -> None:
    folder.put("customers.csv", 'id,name\n1,"Ann"x\n2,Bob\n')

    assert [reason[:16] for reason in rejections(folder)] == ["customers.csv:2:"]
    assert len(folder.records()) == 1


def test_a_link_to_a_file_elsewhere_is_refused(folder: Any) -> None:
    (folder.base / "secret.csv").write_text("id\n1\n")
    (folder.path / "customers.csv").symlink_to(folder.base / "secret.csv")

    with pytest.raises(ConfigError, match="expected a file below"):
        folder.read()


@pytest.mark.parametrize("name", ["../secret.csv", "{base}/secret.csv"])
def test_a_name_that_leads_elsewhere_is_refused(folder: Any, name: str) -> None:
    (folder.base / "secret.csv").write_text("id\n1\n")
    name = name.format(base=folder.base)

    with pytest.raises(ConfigError, match="expected a file below"):
        folder.read(streams={"customers": {"files": [name]}})


def test_a_pipe_is_refused_at_once(folder: Any) -> None:
    os.mkfifo(folder.path / "customers.csv")

    with pytest.raises(ConfigError, match="expected a regular file, got a folder, pipe or device"):
        folder.read()


def test_a_folder_in_place_of_a_file_is_refused(folder: Any) -> None:
    (folder.path / "customers.csv").mkdir()

    with pytest.raises(ConfigError, match="expected a regular file"):
        folder.read()


def test_a_file_that_the_settings_name_must_be_there(folder: Any) -> None:
    with pytest.raises(ConfigError, match=r"gone\.csv: expected a readable file, got nothing"):
        folder.read(streams={"customers": {"files": ["gone.csv"]}})


def test_a_folder_that_is_not_there_is_told_by_check(folder: Any) -> None:
    folder.path.rmdir()

    with pytest.raises(ConfigError, match="expected a folder, got none"):
        folder.open().check()


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"delimiter": ";;"}, "expected one character"),
        ({"encoding": "utf-99"}, "expected an encoding such as"),
        ({"decimal": ";"}, "decimal"),
    ],
)
def test_settings_say_what_they_expect(folder: Any, settings: dict[str, str], line: str) -> None:
    with pytest.raises(ValueError, match=line):
        folder.open(**settings)
