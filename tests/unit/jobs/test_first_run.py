"""The first plan on a machine says why it takes longer."""

from types import SimpleNamespace
from typing import Any

import pytest

from crmbridge.jobs.territory import planning
from crmbridge.planning import Budget
from crmbridge.planning.compiled import is_compiled
from crmbridge.testing.planning import a_customer, a_problem

LINE = "Compiling the planner for this machine, once; up to a minute.\n"


def said(monkeypatch: pytest.MonkeyPatch, capsys: Any, *, compiled: bool, budget: Budget) -> str:
    monkeypatch.setattr("crmbridge.planning.compiled.is_compiled", lambda: compiled)
    planning._say_if_compiling(a_problem([a_customer("c1")]), budget)
    return str(capsys.readouterr().err)


def test_the_first_run_says_so_in_one_line_and_later_ones_do_not(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    first = said(monkeypatch, capsys, compiled=False, budget=Budget())
    second = said(monkeypatch, capsys, compiled=True, budget=Budget())
    greedy = said(monkeypatch, capsys, compiled=False, budget=Budget(iterations=0))

    assert (first, second, greedy) == (LINE, "", "")


def test_it_is_known_by_the_kept_machine_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    anneal = SimpleNamespace(stats=SimpleNamespace(cache_path=str(tmp_path)))
    monkeypatch.setattr("crmbridge.planning.ruin_recreate.anneal", anneal)

    assert not is_compiled()
    (tmp_path / "ruin_recreate.anneal-300.py311.nbi").write_text("")
    assert is_compiled()
