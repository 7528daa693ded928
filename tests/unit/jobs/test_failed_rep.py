"""A rep whose planning fails is named, and nothing of theirs is taken away."""

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from crmbridge.errors import RecordError
from crmbridge.jobs.report import RunReport
from crmbridge.jobs.territory import planning, spread
from crmbridge.planning import Budget, Customer, Plan, Problem, Rep, Shift
from crmbridge.settings import loads

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)


def a_problem() -> Problem:
    shifts = tuple(Shift(weekday=day, start=480, end=1020) for day in range(5))
    return Problem(
        connection="sales",
        first=date(2026, 3, 2),
        days=7,
        now=NOW,
        reps=tuple(Rep(id=name, zone="UTC", shifts=shifts) for name in ("ann", "bob")),
        customers=tuple(
            Customer(key=f"sales/Account/{name}", owner=name, value=50.0) for name in ("ann", "bob")
        ),
    )


def test_a_failed_rep_is_left_out_of_the_problem_that_push_speaks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = spread.plan_part

    def failing(part: Problem, budget: Budget) -> Plan:
        if any(rep.id == "bob" for rep in part.reps):
            raise RecordError("bob", "a plan")
        return whole(part, budget)

    monkeypatch.setattr(spread, "plan_part", failing)
    monkeypatch.setattr(planning, "same_plan", lambda *_: None)
    monkeypatch.setattr(planning, "measure", lambda *_: ((), ()))
    settings = loads("[planning]\niterations_per_rep = 0\n", {}, Path())
    territory: Any = SimpleNamespace(
        problem=a_problem(), coordinates={}, with_travel=lambda _: a_problem()
    )
    report = RunReport(run=1, now=NOW)

    made = planning._make(SimpleNamespace(settings=settings), territory, report)  # type: ignore[arg-type]

    assert [rep.id for rep in made.problem.reps] == ["ann"]
    assert {visit.rep for visit in made.plan.visits} == {"ann"}
    assert any("bob" in line for line in report.stops)
