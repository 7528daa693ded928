"""Which consents a page's silence withdraws."""

import pytest

from crmbridge.pull import stated
from crmbridge.pull.stated import Stated


def test_only_what_is_held_is_withdrawn() -> None:
    held = Stated("Thing", ["Thing:1:email", "Thing:a:b:visit"])

    assert held.among({"email": ["1", "2"], "visit": ["a:b"], "call": ["1"]}) == [
        "Thing:1:email",
        "Thing:a:b:visit",
    ]


def test_what_a_pull_states_may_be_withdrawn_by_its_next_page() -> None:
    held = Stated("Thing")
    assert held.among({"email": ["1"]}) == []

    held.add(["Thing:1:email"])

    assert held.among({"email": ["1"]}) == ["Thing:1:email"]


def test_beyond_what_fits_into_memory_all_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stated, "MOST_HELD", 1)

    held = Stated("Thing", ["Thing:1:email", "Thing:2:email"])

    assert held.among({"email": ["2", "3"]}) == ["Thing:2:email", "Thing:3:email"]
