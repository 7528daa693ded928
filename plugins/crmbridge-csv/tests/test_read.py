"""How rows get from files to pages."""

import gzip
from typing import Any

import pytest

from crmbridge.adapters import ReadRequest
from crmbridge.errors import ConfigError, RetryLaterError
from crmbridge_csv import client


def test_rows_come_with_the_header_as_columns(folder: Any) -> None:
    folder.put("customers.csv", "id,name\n1,Ann\n2,Bob\n")

    first, last = folder.read()

    assert first.columns[:2] == ("id", "name")
    assert [row[:2] for row in first.rows] == [["1", "Ann"], ["2", "Bob"]]
    assert (first.complete, last.complete) == (False, True)


def test_an_unchanged_file_gives_one_empty_complete_page(folder: Any) -> None:
    folder.put("customers.csv", "id,name\n1,Ann\n")
    position = folder.read()[-1].position

    (only,) = folder.read(position=position)

    assert (list(only.rows), only.complete, only.position) == ([], True, position)


def test_a_changed_file_is_read_again(folder: Any) -> None:
    folder.put("customers.csv", "id,name\n1,Ann\n")
    position = folder.read()[-1].position
    folder.put("customers.csv", "id,name\n1,Anna\n")

    pages = folder.read(position=position)

    assert pages[0].rows[0][1] == "Anna"


def test_a_crash_goes_on_after_the_last_page_saved(
    folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 2)
    folder.put("customers.csv", "id\n" + "".join(f"{n}\n" for n in range(5)))
    saved = folder.read()[0].position

    rest = folder.read(position=saved)

    assert [row[0] for page in rest for row in page.rows] == ["2", "3", "4"]
    assert rest[-1].complete


def test_a_file_changed_after_the_crash_is_read_from_its_start(
    folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 2)
    folder.put("customers.csv", "id\n1\n2\n3\n")
    saved = folder.read()[0].position
    folder.put("customers.csv", "id\n7\n8\n9\n")

    assert [row[0] for page in folder.read(position=saved) for row in page.rows] == ["7", "8", "9"]


def test_gzip_is_known_by_its_first_bytes_not_its_name(folder: Any) -> None:
    folder.put("customers.csv", gzip.compress(b"id,name\n1,Ann\n"))

    assert folder.records()[0]["name"] == "Ann"


def test_packing_a_file_anew_changes_nothing(folder: Any) -> None:
    folder.put("customers.csv.gz", gzip.compress(b"id\n1\n", 1))
    position = folder.read()[-1].position
    folder.put("customers.csv.gz", gzip.compress(b"id\n1\n", 9, mtime=5))

    assert [len(page.rows) for page in folder.read(position=position)] == [0]


def test_a_key_of_another_name_is_given_as_id_too(folder: Any) -> None:
    folder.put("accounts.csv", "account,sector\nAcme,retail\n")

    (record,) = folder.records(streams={"customers": {"files": ["accounts.csv"], "key": "account"}})

    assert record["id"] == record["account"] == "Acme"


def test_numbered_rows_are_known_by_their_line(folder: Any) -> None:
    folder.put("sales.csv", 'price,note\n1,"two\nlines"\n\n2,x\n3\n4,y\n')

    records = folder.records(
        "market_facts", streams={"market_facts": {"files": ["sales.csv"], "numbered": True}}
    )

    assert [(record["id"], record["price"]) for record in records] == [
        ("2", "1"),
        ("5", "2"),
        ("7", "4"),
    ]


def test_a_page_tells_where_its_rows_stand(folder: Any) -> None:
    folder.put("customers.csv", 'id,name\n1,"a\r\nb"\n2,c\n')

    first = folder.read()[0]

    assert [first.place(0), first.place(1)] == ["customers.csv:2", "customers.csv:4"]


def test_columns_that_may_be_written_are_read_though_empty(folder: Any) -> None:
    folder.put("customers.csv", "id\n1\n")

    assert folder.records() == [{"id": "1", "segment_tag": "", "score": ""}]


def test_a_count_after_reading_reads_nothing_again(
    folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.put("customers.csv", "id\n1\n2,x\n3\n")
    connection = folder.open()
    list(connection.read(ReadRequest(object="customers")))
    monkeypatch.setattr(client.Table, "pages", None)

    assert connection.count("customers", None) == 3


def test_a_count_after_a_change_is_the_new_one(folder: Any) -> None:
    folder.put("customers.csv", "id\n1\n2\n")
    connection = folder.open()
    list(connection.read(ReadRequest(object="customers")))
    folder.put("customers.csv", "id\n1\n")

    assert connection.count("customers", None) == 1


def test_ids_and_counts_cover_rejected_rows(folder: Any) -> None:
    folder.put("customers.csv", "id,name\n1,Ann\n2,Bob,extra\n3,Cid\n")
    connection = folder.open()

    ids = [id_ for page in connection.read_ids("customers") for id_ in page]

    assert sorted(ids) == ["1", "2", "3"]
    assert connection.count("customers", None) == 3


def test_records_are_read_by_id(folder: Any) -> None:
    folder.put("customers.csv", "id,name\n1,Ann\n2,Bob\n3,Cid\n")

    page = folder.open().read_by_ids("customers", ["3", "9", "1"], ("name",))

    assert [row[:2] for row in page.rows] == [["1", "Ann"], ["3", "Cid"]]


def test_a_stream_without_a_file_gives_nothing(folder: Any) -> None:
    folder.put("customers.csv", "id\n1\n")

    assert folder.read("deals") == []


def test_a_file_that_vanished_is_an_error_not_a_deletion(folder: Any) -> None:
    path = folder.put("customers.csv", "id\n1\n")
    position = folder.read()[-1].position
    path.unlink()

    with pytest.raises(ConfigError, match="customers that was here"):
        folder.read(position=position)


def test_a_file_written_while_it_is_read_is_tried_later(folder: Any) -> None:
    path = folder.put("customers.csv", "id\n" + "1\n" * 20_000)
    pages = folder.open().read(ReadRequest(object="customers"))
    next(pages)
    path.write_text("id\n2\n")

    with pytest.raises(RetryLaterError, match=r"customers\.csv: expected a file that rests"):
        list(pages)


def test_check_names_files_that_nobody_reads(folder: Any) -> None:
    folder.put("customers.csv", "id\n1\n")
    folder.put("custmers.csv", "id\n1\n")

    (finding,) = folder.open().check()

    assert (finding.code, finding.example) == ("csv.not_read", "custmers.csv")
    assert finding.remedy == "Rename it to customers.csv"


def test_check_wants_a_file_that_it_knows(folder: Any) -> None:
    folder.put("notes.csv", "id\n1\n")

    with pytest.raises(ConfigError, match="file of another stream, got none"):
        folder.open().check()


def test_describe_tells_columns_and_which_we_may_write(folder: Any) -> None:
    folder.put("customers.csv", "id,name\n1,Ann\n")

    (customers,) = folder.open().describe()

    assert [(field.name, field.writable) for field in customers.fields] == [
        ("id", False),
        ("name", False),
        ("segment_tag", True),
        ("score", True),
    ]


def test_a_file_called_almost_right_is_no_empty_stream(folder: Any) -> None:
    folder.put("Customer.csv", "id\n1\n")

    with pytest.raises(ConfigError, match=r"expected customers\.csv, got Customer\.csv"):
        folder.read()


def test_a_missing_folder_is_told_before_anything_is_read(folder: Any) -> None:
    folder.path.rmdir()

    with pytest.raises(ConfigError, match="data: expected a folder, got none"):
        folder.open().organisation()


@pytest.mark.parametrize(
    ("files", "ids"),
    [({"key": "number"}, ("C-1", "1")), ({"numbered": True}, ("2", "1")), ({}, ("1", None))],
)
def test_a_column_id_that_names_nothing_is_kept_as_own_id(
    folder: Any, files: dict[str, Any], ids: tuple[str, str | None]
) -> None:
    folder.put("customers.csv", "id,number\n1,C-1\n")

    (record,) = folder.records(streams={"customers": files})

    assert (record["id"], record.get("own_id")) == ids
