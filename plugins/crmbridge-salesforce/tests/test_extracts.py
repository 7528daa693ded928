"""Extracts of real accounts, with their oddities, are read to the last row and link."""

import csv
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from crmbridge.adapters import ReadRequest, Window
from crmbridge.clock import FixedClock
from crmbridge.pull import Source, SourceObject, pull
from crmbridge.store import open_store
from crmbridge.store.schema import LIVE, RECORDS
from crmbridge_salesforce.adapter import ADAPTER
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


def test_an_extract_reaches_the_store_to_the_last_row_and_link(
    sandbox: Sandbox, open_: Any, tmp_path: Path
) -> None:
    """By a pull as crmbridge runs it, and once more: nothing changes by that."""
    truth = {object_: load(sandbox, object_)[0] for object_ in FILES}
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")

    reports = []
    with open_() as connection:
        for run in (1, 2):
            source = Source(
                connection="sales",
                open=connection,
                capabilities=ADAPTER.capabilities,
                objects=tuple(map(_item, FILES)),
                clock=FixedClock(sandbox.org.now()),
                run_id=run,
                zone="UTC",
                full=run == 2,
            )
            reports.append(pull(store, source))

    with store.read() as tx:
        held = {object_: _held(tx, object_) for object_ in FILES}
    store.close()
    assert [report.problems for report in reports] == [[], []]
    assert not any(one.quarantined for one in reports[0].counts.values())
    assert all(one.changed == one.new == 0 for one in reports[1].counts.values())
    assert {name: rows.keys() for name, rows in held.items()} == {
        name: rows.keys() for name, rows in truth.items()
    }
    for object_, (ours, theirs) in _LINKS.items():
        shown = {id_: row[ours] for id_, row in held[object_].items()}
        assert shown == {id_: row.get(theirs) for id_, row in truth[object_].items()}


_LINKS = {
    "Account": ("owner_id", "OwnerId"),
    "Contact": ("customer_id", "AccountId"),
    "Event": ("contact_id", "WhoId"),
    "Task": ("contact_id", "WhoId"),
}


def _item(object_: str) -> SourceObject:
    stream = ADAPTER.capabilities.of(object_).stream
    fields = ADAPTER.mappings[stream][object_]
    return SourceObject(
        stream=stream, object=object_, fields=fields, optional=frozenset(fields) - {"id"}
    )


def _held(tx: Connection, object_: str) -> dict[str, Mapping[str, Any]]:
    """id -> live record of an object."""
    table = RECORDS[ADAPTER.capabilities.of(object_).stream]
    query = select(table).where(table.c.object == object_, table.c.record_state == LIVE)
    return {row["id"]: dict(row) for row in tx.execute(query).mappings()}
