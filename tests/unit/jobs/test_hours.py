"""The hours of every rep are told before planning, and one rep's failure stops nobody else."""

from datetime import timedelta
from typing import Any

import pytest

from crmbridge.jobs.territory import pool
from crmbridge.jobs.territory.hours import hours_of
from crmbridge.jobs.territory.pool import Progress
from crmbridge.planning import Budget, Problem, Rep, layout
from crmbridge.planning.kept import Kept
from crmbridge.settings import EngineSettings
from crmbridge.testing.planning import MONDAY, a_customer, a_problem, a_rep, all_near

BUDGET = Budget(iterations=0)
ONE = EngineSettings(workers=1)


def a_territory(*reps: str, customers: int = 40) -> Problem:
    """A week in which each rep has more to do than fits."""
    names = [f"{rep}-{n}" for rep in reps for n in range(customers)]
    return a_problem(
        [
            a_customer(
                name,
                owner=name.split("-")[0],
                class_="A",
                every_days=7,
                last_visit_on=MONDAY - timedelta(days=7),
            )
            for name in names
        ],
        reps=tuple(a_rep(rep) for rep in reps),
        travels=tuple(all_near([n for n in names if n.startswith(rep)], rep=rep) for rep in reps),
    )


def test_each_short_rep_is_counted_and_one_is_told_as_an_example() -> None:
    found = hours_of(a_territory("ann", "bob"), BUDGET, ONE)

    assert [one.rep for one in found.reps] == ["ann", "bob"]
    (finding,) = found.findings()
    assert (finding.code, finding.count) == ("plan.capacity", 2)
    assert finding.example.startswith("ann: intervals need")


def test_a_fault_in_one_rep_is_a_finding_that_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(part: Problem, rep: Rep, kept: Kept) -> Any:
        if rep.id == "bob":
            raise ZeroDivisionError("nothing left")
        return whole(part, rep, kept)

    whole = layout.lay_out
    monkeypatch.setattr(layout, "lay_out", broken)

    found = hours_of(a_territory("ann", "bob", "cem", customers=2), BUDGET, ONE)

    assert [one.rep for one in found.reps] == ["ann", "cem"]
    (finding,) = found.findings()
    assert finding.code == "plan.capacity_unknown"
    assert finding.example.startswith("capacity of bob: expected hours, got ZeroDivisionError")


def test_its_progress_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(pool, "STEP_SECONDS", 0.0)
    monkeypatch.setattr(pool, "monotonic", lambda: next(clock))
    heard: list[Progress] = []

    hours_of(a_territory("ann", "bob", customers=1), BUDGET, ONE, heard.append)

    assert heard == [Progress(done=1, reps=2, seconds_left=10)]
