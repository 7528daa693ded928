"""Missing fields are shown, asked about and made; nothing is made unasked."""

import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from crmbridge.adapters import Adapter, NewField
from crmbridge.testing.memory import MemoryCrm, memory_adapter

CONFIG = """
[store]
url = "sqlite:///store.db"

[connections.sales]
adapter = "memory"

[connections.sales.write]
visits = true
score = "Visit_Score__c"
reasons = "Why__c"
"""


@pytest.fixture
def crm() -> MemoryCrm:
    return MemoryCrm(lacking={"Visit_Score__c", "Why__c", "Segment__c", "visit_key"})


def _package(fields: Sequence[NewField]) -> dict[str, str]:
    return {f"fields/{one.object}.{one.name}.xml": one.type for one in fields}


@pytest.fixture
def office(crm: MemoryCrm, bare_desk: Any, plug: Callable[[Adapter], None]) -> Any:
    plug(replace(memory_adapter(crm), package=_package))
    bare_desk.config.write_text(CONFIG)
    return bare_desk


def test_fields_of_the_allow_list_and_the_key_are_made_and_no_others(
    office: Any, crm: MemoryCrm
) -> None:
    done = office("doctor", "sales", "--fix", "--yes", "--json")

    assert done.code == 0, done.err
    made = [(one["object"], one["name"], one["type"], one["unique"]) for one in done.json["fields"]]
    assert made == [
        ("Account", "Visit_Score__c", "number", False),
        ("Account", "Why__c", "text", False),
        ("Event", "visit_key", "text", True),
    ]
    assert crm.lacking == {"Segment__c"}
    codes = {one["code"] for one in done.json["findings"]}
    assert "sales.field_missing" not in codes


def test_a_second_time_nothing_is_missing(office: Any) -> None:
    office("doctor", "--fix", "--yes")

    again = office("doctor", "--fix", "--yes", "--json")

    assert again.json["fields"] == []
    assert again.json["made"] is False


def test_without_a_terminal_nothing_is_made_and_the_command_is_named(
    office: Any, crm: MemoryCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))

    done = office("doctor", "sales", "--fix")

    assert done.code == 2
    assert "crmbridge doctor sales --fix --yes" in done.err
    assert "Visit_Score__c" in crm.lacking


@pytest.mark.parametrize(("says", "is_made"), [("y", True), ("n", False), ("", False)])
def test_a_person_is_shown_the_fields_and_asked(
    office: Any, crm: MemoryCrm, monkeypatch: pytest.MonkeyPatch, says: str, is_made: bool
) -> None:
    terminal = io.StringIO(f"{says}\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", terminal)

    done = office("doctor", "sales", "--fix")

    assert done.code == 0, done.err
    assert "Visit Score" in done.err
    assert ("Visit_Score__c" not in crm.lacking) is is_made


def test_a_package_is_written_for_an_administrator_and_nothing_is_made(
    office: Any, crm: MemoryCrm
) -> None:
    done = office("doctor", "sales", "--package", "handover", "--json")

    names = sorted(path.name for path in (office.folder / "handover").rglob("*.xml"))
    assert names == ["Account.Visit_Score__c.xml", "Account.Why__c.xml", "Event.visit_key.xml"]
    assert len(done.json["files"]) == 3
    assert "Visit_Score__c" in crm.lacking


def test_a_package_is_never_written_over_files(office: Any) -> None:
    office("doctor", "sales", "--package", "handover")

    again = office("doctor", "sales", "--package", "handover")

    assert again.code == 2
    assert "expected no file here yet" in again.err


def test_who_had_fields_made_is_written_down(office: Any) -> None:
    from crmbridge.store import open_store
    from crmbridge.store.audit import list_audit

    office("doctor", "sales", "--fix", "--yes")

    store = open_store(f"sqlite:///{office.folder}/store.db")
    with store.read() as tx:
        lines = [(one.action, one.actor, one.object, one.detail) for one in list_audit(tx)]
    store.close()
    assert ("provision", "doctor --fix", "Event", "visit_key (text)") in lines
