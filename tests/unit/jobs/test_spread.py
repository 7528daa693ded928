"""However many processes plan, on this machine or on a cluster, the plan is the same."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crmbridge.errors import ConfigError, QuotaError
from crmbridge.jobs.territory import pool, spread
from crmbridge.jobs.territory.cluster import refuse_unlike
from crmbridge.jobs.territory.pool import Progress, rep_of
from crmbridge.jobs.territory.spread import plan_everybody, without_reps
from crmbridge.planning import (
    Budget,
    Plan,
    Problem,
    Rep,
    dumps,
    layout,
    plan_part,
    plan_visits,
    planner,
    split_by_rep,
)
from crmbridge.planning.kept import Kept
from crmbridge.settings import EngineSettings
from crmbridge.testing.planning import a_customer, a_problem, a_rep, travel

BUDGET = Budget(iterations=400, seconds=0)
REPS = ("ann", "bob", "cem", "dora")


@pytest.fixture(scope="module")
def problem() -> Problem:
    customers = [
        a_customer(f"{rep}-{n}", 10.0 + n, owner=rep, place=f"{rep}-{n}")
        for rep in REPS
        for n in range(12)
    ]
    travels = tuple(
        travel({"home": (0, 0), **{f"{rep}-{n}": (n % 4, n // 4) for n in range(12)}}, 9, rep)
        for rep in REPS
    )
    return a_problem(customers, reps=tuple(a_rep(rep) for rep in REPS), travels=travels)


@pytest.fixture(scope="module")
def whole(problem: Problem) -> str:
    done = plan_everybody(problem, BUDGET, EngineSettings(workers=1))
    assert not done.failed
    assert len(done.plan.visits) > len(REPS)
    return dumps(done.plan)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """A real scheduler with two worker processes, on this machine."""
    distributed = pytest.importorskip("distributed", reason="the extra crmbridge[dask]")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def always_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "WORTH_A_PROCESS", 0)


@pytest.mark.usefixtures("always_apart")
def test_two_processes_make_the_same_plan(problem: Problem, whole: str) -> None:
    done = plan_everybody(problem, BUDGET, EngineSettings(workers=2))
    assert (dumps(done.plan), done.failed) == (whole, {})


def test_two_dask_workers_make_the_same_plan(problem: Problem, whole: str, scheduler: str) -> None:
    engine = EngineSettings(backend="dask", scheduler=scheduler)
    done = plan_everybody(problem, BUDGET, engine)
    assert (dumps(done.plan), done.failed) == (whole, {})


def test_a_scheduler_that_is_not_there_is_a_configuration_error(
    problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra crmbridge[dask]")
    patient = distributed.Client
    monkeypatch.setattr(distributed, "Client", lambda to, **_: patient(to, timeout="1s"))
    engine = EngineSettings(backend="dask", scheduler="tcp://127.0.0.1:9")
    with pytest.raises(ConfigError, match=r"engine\.scheduler: expected a Dask scheduler"):
        plan_everybody(problem, BUDGET, engine)


@pytest.mark.parametrize(
    ("theirs", "message"),
    [
        ({}, "expected at least one worker, got none"),
        ({"tcp://a:1": ("2", "1"), "tcp://b:1": ("1", "1")}, r"worker tcp://b:1: .* got 1, 1\."),
    ],
    ids=["nobody", "older"],
)
def test_workers_that_would_plan_otherwise_are_refused(
    theirs: dict[str, tuple[str, ...]], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        refuse_unlike(("2", "1"), theirs)


def no_days_for_bob(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault deep in the planner, in what capacity and plans are both made from."""

    def broken(part: Problem, rep: Rep, kept: Kept) -> Any:
        if rep.id == "bob":
            raise ZeroDivisionError("nothing left")
        return whole(part, rep, kept)

    whole = layout.lay_out
    monkeypatch.setattr(layout, "lay_out", broken)
    monkeypatch.setattr(planner, "lay_out", broken)


def test_a_fault_in_one_rep_names_them_and_stops_nobody_else(
    problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_days_for_bob(monkeypatch)
    done = plan_everybody(problem, BUDGET, EngineSettings(workers=1))
    assert {visit.rep for visit in done.plan.visits} == set(REPS) - {"bob"}
    fault = "planning of bob: expected a plan, got ZeroDivisionError: nothing left"
    assert [str(error).startswith(fault) for error in done.failed.values()] == [True]


def test_a_plan_that_does_not_pass_its_check_stops_nobody_else(
    problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def early(part: Problem, budget: Budget) -> Plan:
        plan = plan_part(part, budget)
        first = replace(plan.visits[0], start_at=part.now - timedelta(days=1))
        return replace(plan, visits=(first, *plan.visits[1:])) if rep_of(part) == "bob" else plan

    monkeypatch.setattr(spread, "plan_part", early)
    done = plan_everybody(problem, BUDGET, EngineSettings(workers=1))
    assert {visit.rep for visit in done.plan.visits} == set(REPS) - {"bob"}
    assert "planning of bob: check: expected a plan without violations" in str(done.failed["bob"])


def test_whoever_fails_once_others_are_gone_is_named_too(
    problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(part: Problem, budget: Budget) -> Plan:
        if rep_of(part) == "bob" or (rep_of(part) == "ann" and not part.previous):
            raise ZeroDivisionError("nothing left")
        return plan_part(part, budget)

    taken_over = replace(plan_part(split_by_rep(problem)[0], BUDGET).visits[0], rep="bob")
    monkeypatch.setattr(spread, "plan_part", broken)
    problem = replace(problem, previous=(taken_over,))
    done = plan_everybody(problem, BUDGET, EngineSettings(workers=1))
    assert {*done.failed} == {"ann", "bob"}
    assert {visit.rep for visit in done.plan.visits} == {"cem", "dora"}


def fails_for_bob(part: Problem) -> str:
    if rep_of(part) == "bob":
        raise QuotaError("roads", "calls left", "none", resume_at=part.now)
    return rep_of(part)


@pytest.mark.usefixtures("always_apart")
def test_an_error_comes_back_whole_from_another_process(problem: Problem) -> None:
    work = pool.Work(name="asking", result="an answer", do=fails_for_bob, iterations=1)
    ann, bob, *_ = pool.side_by_side(split_by_rep(problem), work, EngineSettings(workers=2))
    assert ann == "ann"
    assert isinstance(bob, QuotaError)
    assert (bob.where, bob.resume_at) == ("asking of bob: roads", problem.now)


def test_after_a_failure_only_what_it_changes_is_planned_again(
    problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_over = replace(plan_part(split_by_rep(problem)[0], BUDGET).visits[0], rep="bob")
    planned: list[str] = []

    def broken(part: Problem, budget: Budget) -> Plan:
        planned.append(part.reps[0].id)
        if part.reps[0].id == "bob":
            raise ZeroDivisionError("nothing left")
        return plan_part(part, budget)

    monkeypatch.setattr(spread, "plan_part", broken)
    problem = replace(problem, previous=(taken_over,))  # ann's now, in bob's calendar still
    done = plan_everybody(problem, BUDGET, EngineSettings(workers=1))
    assert planned == [*REPS, "ann"]
    assert done.problem == without_reps(problem, {"bob"})
    assert dumps(done.plan) == dumps(plan_visits(done.problem, BUDGET))


@pytest.mark.parametrize("backend", ["local", "dask"])
def test_a_rep_whose_process_is_killed_is_found_and_the_others_are_planned(backend: str) -> None:
    """In a process of its own: the pool is shared by all that plan in one."""
    if backend == "dask":
        pytest.importorskip("distributed", reason="the extra crmbridge[dask]")
    done = subprocess.run(
        [sys.executable, "-c", _DIES, backend],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "ann,cem,dora|bob|a process that lives" in done.stdout


_DIES = """
import os, signal, sys
from contextlib import ExitStack
from crmbridge.jobs.territory import pool, spread
from crmbridge.planning import Budget
from crmbridge.settings import EngineSettings
from crmbridge.testing.planning import a_customer, a_problem, a_rep, all_near

def planned(part, budget):
    if part.reps[0].id == "bob":
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(part, budget)

def engine(stack):
    if sys.argv[1] == "local":
        return EngineSettings(workers=2)
    import dask, distributed
    stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": 0}))
    cluster = stack.enter_context(distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None))
    return EngineSettings(backend="dask", scheduler=cluster.scheduler_address)

def main():
    names = ("ann", "bob", "cem", "dora")
    problem = a_problem(
        [a_customer(name, owner=name, place=name) for name in names],
        reps=tuple(a_rep(name) for name in names),
        travels=tuple(all_near([name], rep=name) for name in names),
    )
    with ExitStack() as stack:
        done = spread.plan_everybody(problem, Budget(iterations=0), engine(stack))
    visited = ",".join(sorted(visit.rep for visit in done.plan.visits))
    why = ",".join(error.expected for error in done.failed.values())
    print("|".join((visited, ",".join(done.failed), why)))

whole, spread._planned, pool.WORTH_A_PROCESS = spread._planned, planned, 0
if __name__ == "__main__":
    main()
"""


def test_progress_says_how_long_the_rest_will_take(
    problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "STEP_SECONDS", 0.0)
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(pool, "monotonic", lambda: next(clock))
    heard: list[Progress] = []
    plan_everybody(problem, BUDGET, EngineSettings(workers=1), heard.append)
    assert heard == [
        Progress(done=1, reps=4, seconds_left=30),
        Progress(done=2, reps=4, seconds_left=20),
        Progress(done=3, reps=4, seconds_left=10),
    ]
