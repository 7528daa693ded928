"""A CRM that does not let us in: one line says so, and nothing that sounds like success."""

from typing import Any

import pytest


def test_a_pull_that_is_refused_says_so_once(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    office("pull")
    for name in office.crm.secrets:
        monkeypatch.setenv(name, "another-one")

    answer = office("pull")

    assert (answer.code, answer.out) == (77, "")
    assert len(answer.err.strip().splitlines()) == 1
    assert f"crmbridge connect {office.crm.connection}" in answer.err
    assert "another-one" not in answer.err
