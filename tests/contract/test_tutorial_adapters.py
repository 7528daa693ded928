"""The tutorial's two adapters pass the suite, and are as short as it says."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from crmbridge.testing.conformance import AdapterConformance, Subject
from crmbridge.testing.context import make_context
from crmbridge.testing.loopback import LoopbackServer

from .jsonlines_adapter import ADAPTER as JSON_LINES
from .rest_adapter import ADAPTER as REST
from .rest_service import RestService

HERE = Path(__file__).parent


@dataclass(slots=True)
class Lines:
    """A folder of JSON-lines files, written with the standard library."""

    folder: Path

    def put(self, object_: str, values: Mapping[str, Any]) -> str:
        records = self.held(object_)
        id_ = str(len(records) + 1)
        self._save(object_, {**records, id_: values})
        return id_

    def edit(self, object_: str, id_: str, values: Mapping[str, Any]) -> None:
        records = self.held(object_)
        self._save(object_, {**records, id_: {**records[id_], **values}})

    def delete(self, object_: str, id_: str) -> None:
        records = self.held(object_)
        self._save(object_, {one: record for one, record in records.items() if one != id_})

    def link(self, object_: str, id_: str, to: str, to_id: str) -> None:
        raise NotImplementedError

    def held(self, object_: str) -> dict[str, Mapping[str, Any]]:
        path = self.folder / f"{object_}.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return {record.pop("id"): record for record in map(json.loads, lines)}

    def _save(self, object_: str, records: Mapping[str, Mapping[str, Any]]) -> None:
        lines = [json.dumps({"id": id_, **values}) for id_, values in records.items()]
        (self.folder / f"{object_}.jsonl").write_text("\n".join(lines) + "\n")


def _customer(number: int) -> dict[str, Any]:
    return {"name": f"Customer {number}", "city": "Berlin"}


class TestJsonLines(AdapterConformance):
    @contextmanager
    def start(self, folder: Path) -> Iterator[Subject]:
        settings, context = JSON_LINES.settings(path="."), make_context(folder)
        yield Subject(
            adapter=JSON_LINES,
            truth=Lines(folder),
            connect=lambda: JSON_LINES.open(settings, context),
            object="customers",
            field="name",
            sample=_customer,
        )

    def test_a_broken_line_is_rejected_and_stops_no_other(self, subject: Subject) -> None:
        path = subject.truth.folder / "customers.jsonl"  # type: ignore[attr-defined]
        path.write_text('{"id": 1, "name": "Ann"}\n{"id": \n[]\n{"id": 2, "name": "Bob"}\n')

        with subject.connect() as connection:
            page = next(iter(connection.read(subject.request())))

        assert subject.ids(page) == ["1", "2"]
        assert [one.id for one in page.rejected] == ["customers.jsonl:2", "customers.jsonl:3"]


class TestRest(AdapterConformance):
    @contextmanager
    def start(self, folder: Path) -> Iterator[Subject]:
        service = RestService()
        with LoopbackServer(service) as server:
            auth = {"client_id": "me", "client_secret": SecretStr("s3cret")}
            context = make_context(folder, url=server.url, auth=auth)
            yield Subject(
                adapter=REST,
                truth=service,
                connect=lambda: REST.open(REST.settings(), context),
                object="customers",
                field="name",
                sample=_customer,
                created="visits",
                bad={"name": "x" * 41},
                faults={
                    mood: partial(service.moods.append, mood)
                    for mood in ("busy", "broken", "lost", "expired")
                },
            )

    def test_one_token_serves_many_requests(self, subject: Subject) -> None:
        subject.fill()

        with subject.connect() as connection:
            list(connection.read(subject.request()))
        with subject.connect() as connection:
            connection.check()

        assert subject.truth.token == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(("name", "most"), [("jsonlines_adapter.py", 80), ("rest_adapter.py", 150)])
def test_an_adapter_stays_short(name: str, most: int) -> None:
    assert len((HERE / name).read_text().splitlines()) < most
