"""How long many reps take to plan side by side, and whether the plan stays the same.

    python benchmarks/territories.py [--reps N] [--customers C] [--iterations N] [--dask] [--json]

Each rep has customers around twelve towns, opening hours of four kinds and ten working days, like
those of fortnight.py; the hours are told, the plans made and checked by the same functions that
``crmbridge plan`` calls, and what they take together is the time that is measured. With
--dask, two worker processes of a scheduler on this machine plan the same again, and the two plans
are compared byte by byte.

Goal: 200 reps with 150 customers each in under four minutes on two cores.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from visits.problem import DAYS, HOURS, generate

from crmbridge.jobs.territory.hours import hours_of
from crmbridge.jobs.territory.pool import Progress
from crmbridge.jobs.territory.spread import plan_everybody
from crmbridge.planning import (
    Budget,
    Customer,
    Plan,
    Problem,
    Rep,
    Shift,
    Travel,
    Window,
    check_plan,
    dumps,
)
from crmbridge.settings import EngineSettings, PlanningSettings

MONDAY = date(2026, 3, 2)
KINDS = [
    tuple(Window(weekday=day, opens=o // 60, closes=c // 60) for day in range(5) for o, c in spans)
    for spans in HOURS
]


def territory(reps: int, customers: int) -> Problem:
    """The problem of so many reps."""
    parts = [_one_rep(seed, customers) for seed in range(1, reps + 1)]
    return Problem(
        connection="sales",
        first=MONDAY,
        days=DAYS[-1] + 1,
        now=datetime(2026, 3, 1, 12, tzinfo=UTC),
        reps=tuple(rep for rep, _, _ in parts),
        customers=tuple(customer for _, found, _ in parts for customer in found),
        travels=tuple(travel for _, _, travel in parts),
    )


def _one_rep(seed: int, customers: int) -> tuple[Rep, Sequence[Customer], Travel]:
    made, name = generate(customers, seed), f"rep{seed:03d}"
    home = f"{name}/home"
    places = [home, *(f"{name}/{number}" for number in range(1, customers + 1))]
    order = sorted(range(len(places)), key=places.__getitem__)
    travel = Travel(
        rep=name,
        places=tuple(places[i] for i in order),
        seconds=made.travel[order][:, order].astype("<u4").tobytes(),
        source="great circle",
    )
    shifts = tuple(
        Shift(weekday=day, start=480, end=1020, start_place=home, end_place=home)
        for day in range(5)
    )
    found = [
        Customer(
            key=places[number],
            owner=name,
            value=float(made.score[number]),
            minutes=made.service[number] // 60,
            every_days=60,  # as crmbridge takes it where nobody says; without, no hours are needed
            opening=KINDS[number % 4],
        )
        for number in range(1, customers + 1)
    ]
    return Rep(id=name, zone="Europe/Berlin", shifts=shifts), found, travel


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Plan, check, and plan again elsewhere."""
    problem = territory(options.reps, options.customers)
    budget = Budget(iterations=options.iterations, seconds=options.seconds)
    local = EngineSettings(workers=options.workers)
    plan, seconds = _timed(problem, budget, local)
    result = {
        "reps": options.reps,
        "customers": options.customers,
        "iterations": options.iterations,
        "workers": options.workers,
        "seconds": round(seconds, 1),
        "visits": len(plan.visits),
        "violations": len(check_plan(problem, plan)),
        "cut_by_cap": sum(rep.cut_by_cap for rep in plan.reps),
    }
    if options.dask:
        with _cluster() as scheduler:
            again, seconds = _timed(
                problem, budget, EngineSettings(backend="dask", scheduler=scheduler)
            )
        result["dask_seconds"] = round(seconds, 1)
        result["same_plan"] = dumps(again) == dumps(plan)
    return result


def _timed(problem: Problem, budget: Budget, engine: EngineSettings) -> tuple[Plan, float]:
    began = time.perf_counter()
    hours = hours_of(problem, budget, engine, _say)
    if hours.failed:
        raise SystemExit(f"benchmarks/territories.py: {hours.failed}")
    done = plan_everybody(problem, budget, engine, _say)
    if done.failed:
        raise SystemExit(f"benchmarks/territories.py: {done.failed}")
    return done.plan, time.perf_counter() - began


def _say(progress: Progress) -> None:
    line = f"  {progress.done} of {progress.reps} reps, {progress.seconds_left} s left"
    print(line, file=sys.stderr, flush=True)


@contextmanager
def _cluster() -> Any:
    import distributed

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


def main() -> None:
    """Parse, measure, print."""
    default = PlanningSettings()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reps", type=int, default=200, metavar="N")
    parser.add_argument("--customers", type=int, default=150, metavar="C")
    parser.add_argument("--iterations", type=int, default=default.iterations_per_rep, metavar="N")
    parser.add_argument("--seconds", type=float, default=default.seconds_per_rep, metavar="S")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    parser.add_argument("--dask", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options)
    if options.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
