"""How one object is put together from several files."""

from typing import Any

import pytest

from crmbridge.errors import ConfigError

STREAMS = {
    "customers": {
        "files": ["customer_data.csv", "market_data.csv", "product_data.csv"],
        "key": "id",
    }
}


def put_three(folder: Any) -> None:
    folder.put("customer_data.csv", "id,age\n1,30\n2,40\n3,50\n")
    folder.put("market_data.csv", "situation,id\nbad,3\ngood,1\nfair,2\n")
    folder.put("product_data.csv", "id,feature\n2,0.2\n3,0.3\n1,0.1\n")


def test_files_in_any_order_become_one_record_each(folder: Any) -> None:
    put_three(folder)

    records = folder.records(streams=STREAMS, write_fields={})

    assert records == [
        {"id": "1", "age": "30", "situation": "good", "feature": "0.1"},
        {"id": "2", "age": "40", "situation": "fair", "feature": "0.2"},
        {"id": "3", "age": "50", "situation": "bad", "feature": "0.3"},
    ]


def test_an_id_missing_from_one_file_is_a_finding(folder: Any) -> None:
    put_three(folder)
    folder.put("market_data.csv", "id,situation\n1,good\n2,fair\n")

    last = folder.read(streams=STREAMS)[-1]

    (finding,) = last.findings
    assert (finding.code, finding.count) == ("csv.id_missing", 1)
    assert finding.example == "market_data.csv has no '3'"


def test_an_id_that_the_first_file_lacks_is_a_record_and_a_finding(folder: Any) -> None:
    put_three(folder)
    folder.put("market_data.csv", "id,situation\n1,good\n2,fair\n3,bad\n4,new\n")
    folder.put("product_data.csv", "id,feature\n1,0.1\n2,0.2\n3,0.3\n4,0.4\n")

    records = folder.records(streams=STREAMS, write_fields={})
    findings = folder.read(streams=STREAMS)[-1].findings

    assert records[-1] == {"id": "4", "age": "", "situation": "new", "feature": "0.4"}
    assert [finding.example for finding in findings] == ["customer_data.csv has no '4'"]


def test_composed_and_decomposed_letters_are_the_same_key(folder: Any) -> None:
    folder.put("a.csv", "id,age\nJos\u00e9,30\n")
    folder.put("b.csv", "id,situation\nJose\u0301,good\n")

    (record,) = folder.records(streams={"customers": {"files": ["a.csv", "b.csv"]}})

    assert (record["id"], record["situation"]) == ("Jos\u00e9", "good")


def test_of_rows_with_one_id_in_a_further_file_the_first_counts(folder: Any) -> None:
    put_three(folder)
    folder.put("market_data.csv", "id,situation\n1,good\n2,fair\n3,bad\n1,worse\n")

    records = folder.records(streams=STREAMS)
    (finding,) = folder.read(streams=STREAMS)[-1].findings

    assert records[0]["situation"] == "good"
    assert (finding.code, finding.example) == ("csv.id_twice", "market_data.csv")


def test_a_ragged_row_of_a_further_file_is_rejected_by_its_own_id(folder: Any) -> None:
    put_three(folder)
    folder.put("market_data.csv", "id,situation\n1,good\n2,fair,x\n3,bad\n")

    rejected = [one for page in folder.read(streams=STREAMS) for one in page.rejected]

    assert [(one.id, one.reason) for one in rejected] == [
        ("2", "market_data.csv:3: expected 2 columns, got 3")
    ]


def test_a_change_in_any_file_is_seen(folder: Any) -> None:
    put_three(folder)
    position = folder.read(streams=STREAMS)[-1].position
    folder.put("product_data.csv", "id,feature\n2,0.2\n3,0.3\n1,0.9\n")

    assert folder.read(streams=STREAMS, position=position)[0].rows[0][3] == "0.9"


def test_a_file_without_the_key_is_named_with_what_it_has(folder: Any) -> None:
    put_three(folder)
    folder.put("market_data.csv", "Id,situation\n1,good\n")

    with pytest.raises(ConfigError, match=r"market_data\.csv:1: .* column 'id', got Id, sit"):
        folder.read(streams=STREAMS)


def test_nothing_of_the_join_stays_on_disk(folder: Any) -> None:
    put_three(folder)

    folder.read(streams=STREAMS)

    assert list((folder.base / "temporary").iterdir()) == []
