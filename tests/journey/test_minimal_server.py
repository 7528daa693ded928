"""A server that speaks only what reading a stream needs is enough to pull that stream."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from crmbridge.adapters import Adapter, Connection, Context, Link, Quota, Window
from crmbridge.errors import RecordError
from crmbridge.testing.memory import MemoryConnection, MemoryCrm, memory_adapter

CONFIG = """
[store]
url = "sqlite:///store.db"

[connections.sales]
adapter = "memory"
"""


class Minimal(MemoryConnection):
    """Gives records and the time; everything else answers as a 404 does."""

    asked: list[str] = []  # noqa: RUF012  shared on purpose: connections come and go

    def _absent(self, what: str) -> RecordError:
        self.asked.append(what)
        return RecordError("connections.sales", "an answer", "404")

    def organisation(self) -> str:
        raise self._absent("organisation")

    def quota(self) -> Quota:
        raise self._absent("quota")

    def count(self, object_: str, window: Window | None) -> int:
        raise self._absent(f"count {object_}")

    def read_ids(self, object_: str) -> Iterator[Sequence[str]]:
        raise self._absent(f"read_ids {object_}")

    def read_links(self, object_: str, ids: Sequence[str], to: str) -> Iterator[Sequence[Link]]:
        raise self._absent(f"read_links {object_}")

    def find_by_keys(
        self, object_: str, key_field: str, keys: Sequence[str]
    ) -> Mapping[str, Sequence[str]]:
        raise self._absent("find_by_keys")


@pytest.fixture
def crm() -> MemoryCrm:
    crm = MemoryCrm()
    for number in range(5):
        crm.put("Contact", {"last_name": f"Name {number}"}, f"c{number}")
        crm.put("Account", {"name": f"Customer {number}"}, f"a{number}")
    return crm


@pytest.fixture
def office(crm: MemoryCrm, bare_desk: Any, plug: Callable[[Adapter], None]) -> Any:
    def connect(settings: BaseModel, context: Context) -> Connection:
        del settings, context
        return Minimal(crm=crm)

    plug(replace(memory_adapter(crm), open=connect))
    bare_desk.config.write_text(CONFIG)
    Minimal.asked.clear()
    return bare_desk


def test_a_stream_is_pulled_and_what_is_not_there_is_a_finding(office: Any) -> None:
    done = office("pull", "sales", "--stream", "contacts", "--json")

    assert done.code == 0, done.err
    assert done.json["connections"]["sales"]["contacts"]["read"] == 5
    assert set(done.json["connections"]["sales"]) == {"contacts"}
    codes = {one["code"] for one in done.json["findings"]}
    assert {"sales.account_untold", "pull.no_count"} <= codes
    assert "count Account" not in Minimal.asked


def test_a_full_pull_says_that_ids_cannot_be_compared(office: Any) -> None:
    office("pull", "sales", "--stream", "contacts")

    done = office("pull", "sales", "--stream", "contacts", "--full", "--json")

    assert done.code == 0, done.err
    assert "pull.no_ids" in {one["code"] for one in done.json["findings"]}


def test_an_account_that_told_once_must_tell_again(
    office: Any, crm: MemoryCrm, plug: Callable[[Adapter], None]
) -> None:
    minimal = memory_adapter(crm)
    plug(minimal)
    assert office("pull", "sales", "--stream", "contacts").code == 0
    plug(replace(minimal, open=lambda settings, context: Minimal(crm=crm)))

    done = office("pull", "sales", "--stream", "contacts")

    assert done.code != 0
    assert "404" in done.err
