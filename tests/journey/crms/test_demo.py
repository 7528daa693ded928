"""``crmbridge demo --crm``: the whole way in a sandbox, the second time nothing, and back again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import crmbridge.testing.demo_data
from crmbridge.testing.demo_data import DemoData
from crmbridge_hubspot.sandbox import demo as hub_demo

CRMS = ["hubspot", "salesforce"]
NONE = {"create": 0, "update": 0, "clear": 0, "delete": 0}


def go(open_desk: Callable[[Path], Any], folder: Path, crm: str) -> Any:
    """``demo --crm``: the document that it prints."""
    answer = open_desk(folder)("demo", "--crm", crm, "--folder", "demo", "--json")
    assert answer.code == 0, answer.err
    return answer.json


def assert_whole_way_and_back(document: Any) -> None:
    decided = {op: n for op, n in document["first"]["changeset"].items() if op in NONE}
    applied = document["push"]["outcomes"]
    assert decided["create"]
    assert decided["update"]
    expected = {**dict.fromkeys(applied, 0), "applied": sum(decided.values())}
    assert applied == expected, document["push"]
    assert {op: n for op, n in document["again"]["changeset"].items() if op in NONE} == NONE
    assert document["undo"]["outcomes"] == applied


@pytest.mark.parametrize("crm", CRMS)
def test_the_second_changeset_is_empty_and_the_first_can_be_taken_back(
    crm: str,
    few: DemoData,
    tmp_path: Path,
    open_desk: Callable[[Path], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (crmbridge.testing.demo_data, hub_demo):
        monkeypatch.setattr(module, "generate", lambda **_: few)

    assert_whole_way_and_back(go(open_desk, tmp_path, crm))


@pytest.mark.nightly
@pytest.mark.parametrize("crm", CRMS)
def test_the_demo_of_its_full_size_goes_the_same_way(
    crm: str, tmp_path: Path, open_desk: Callable[[Path], Any]
) -> None:
    assert_whole_way_and_back(go(open_desk, tmp_path, crm))
