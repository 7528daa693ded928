"""Extracts of real accounts, with their oddities, are read to the last row and link."""

import csv
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crmbridge.adapters import ReadRequest, Window
from crmbridge_salesforce.sandbox import Sandbox

DATA = Path(__file__).parent / "data" / "fivetran"
FILES = {
    "User": ("user", {"name": "Name", "last_name": "LastName", "email": "Email"}),
    "Account": ("account", {"name": "Name", "owner_id": "OwnerId"}),
    "Contact": (
        "contact",
        {"last_name": "LastName", "account_id": "AccountId", "owner_id": "OwnerId"},
    ),
    "Lead": ("lead", {"last_name": "LastName", "company": "Company"}),
    "Event": ("event", {"subject": "Subject", "who_id": "WhoId", "what_id": "WhatId"}),
    "Task": ("task", {"subject": "Subject", "who_id": "WhoId", "what_id": "WhatId"}),
}


def rows_of(file: str) -> Iterator[dict[str, str]]:
    with (DATA / f"sf_{file}_data.csv").open(newline="", encoding="utf-8") as stream:
        yield from csv.DictReader(stream)


def load(sandbox: Sandbox, object_: str) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Put an extract's rows in; returns what lives, and the ids of what does not."""
    file, names = FILES[object_]
    sandbox.org.records.pop(object_, None)  # the user that connects is no part of the extract
    live: dict[str, dict[str, Any]] = {}
    gone: set[str] = set()
    for row in rows_of(file):
        values = {field: row[column] or None for column, field in names.items() if column in row}
        sandbox.org.put(object_, values, row["id"])
        live[row["id"]] = values
        if row.get("is_deleted", "").lower() == "true":
            sandbox.org.delete(object_, row["id"])
            gone.add(row["id"])
    return {id_: values for id_, values in live.items() if id_ not in gone}, gone


@pytest.mark.parametrize("bulk_from", [0, 1])
@pytest.mark.parametrize("object_", FILES)
def test_an_extract_is_read_to_the_last_row_and_link(
    sandbox: Sandbox, open_: Any, object_: str, bulk_from: int
) -> None:
    live, gone = load(sandbox, object_)
    fields = tuple(name for name in FILES[object_][1].values() if name != "Name")
    window = Window(since=None, until=sandbox.org.now() + timedelta(seconds=1))
    request = ReadRequest(object=object_, fields=("Id", *fields), window=window)

    with open_(bulk_from=bulk_from) as connection:
        pages = list(connection.read(request))
        count = connection.count(object_, window)

    found = {row[0]: row[1:] for page in pages for row in page.rows}
    assert len(found) == count == len(live)
    assert {id_ for page in pages for id_ in page.deleted} == gone
    assert found.keys() == live.keys()
    for id_, values in live.items():
        wanted = [values.get(name) for name in fields]
        assert [value or None for value in found[id_][: len(fields)]] == wanted
