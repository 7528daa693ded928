"""The suite that every adapter passes, over files in a folder."""

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from crmbridge.adapters import Connection
from crmbridge.testing.conformance import AdapterConformance, Subject
from crmbridge.testing.context import make_context
from crmbridge_csv import client
from crmbridge_csv.adapter import ADAPTER

OURS = "reasons"


class Files:
    """A folder of CSV files as its users see it; the csv module is all it shares with us."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "out").mkdir(parents=True)
        self._store("customers", {})

    def put(self, object_: str, values: Mapping[str, Any]) -> str:
        """Append a row; what crmbridge writes stands in the file of results."""
        id_ = str(len(self._own(object_)) + 1)
        for place, names in ((object_, values.keys() - {OURS}), (f"out/{object_}", {OURS})):
            row = {"id": id_, **{name: values[name] for name in names & values.keys()}}
            self._store(place, self._own(place) | {id_: row})
        return id_

    def edit(self, object_: str, id_: str, values: Mapping[str, Any]) -> None:
        """Change a row where a person would."""
        for place in (object_, f"out/{object_}"):
            records = self._own(place)
            is_ours = place != object_
            records[id_] |= {k: v for k, v in values.items() if (k == OURS) == is_ours}
            self._store(place, records)

    def delete(self, object_: str, id_: str) -> None:
        """Take a row out."""
        records = self._own(object_)
        del records[id_]
        self._store(object_, records)

    def link(self, object_: str, id_: str, to: str, to_id: str) -> None:
        """Files know no links."""
        raise NotImplementedError

    def held(self, object_: str) -> Mapping[str, Mapping[str, Any]]:
        """Both files' cells, ours over theirs, and the records that only ours has."""
        records, ours = self._own(object_), self._own(f"out/{object_}")
        if object_ == "customers":
            ours = {id_: row for id_, row in ours.items() if id_ in records}
        return {id_: records.get(id_, {}) | ours.get(id_, {}) for id_ in {**records, **ours}}

    def _own(self, name: str) -> dict[str, dict[str, Any]]:
        path = self._folder / f"{name}.csv"
        if not path.exists():
            return {}
        with path.open(newline="", encoding="utf-8") as file:
            return {row["id"]: row for row in csv.DictReader(file)}

    def _store(self, name: str, records: Mapping[str, Mapping[str, Any]]) -> None:
        rows = list(records.values())
        columns = list(dict.fromkeys(["id", *(key for row in rows for key in row)]))
        with (self._folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)


class TestCsv(AdapterConformance):
    """A column of the user's file is read; one of our own is written."""

    @pytest.fixture(autouse=True)
    def small_pages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Three rows each, so that a few records are several pages."""
        monkeypatch.setattr(client, "PAGE", 3)

    @contextmanager
    def start(self, folder: Path) -> Iterator[Subject]:
        """An empty folder; what is written is the column `OURS`."""

        def connect() -> Connection:
            context = make_context(folder, write_fields={"customers": (OURS,)})
            return ADAPTER.open(ADAPTER.settings(path="data"), context)

        yield Subject(
            adapter=ADAPTER,
            truth=Files(folder / "data"),
            connect=connect,
            object="customers",
            field=OURS,
            sample=lambda number: {"name": f"Customer {number}", OURS: f"Reason {number}"},
            created="visits",
            members="campaign_members",
            bad={OURS: "a\0b"},
        )
