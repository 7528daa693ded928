"""What the planner saves when a fortnight changes: five drop out, one appointment comes.

    python benchmarks/replanning.py [--seed N] [--draws N] [--iterations N] [--json]

The fortnight is that of fortnight.py. Each draw takes five planned customers away and puts a new
appointment with somebody else on a random day. Against the new plan stand two repairs by hand:
*plain*, which takes out what the appointment hits and leaves the gaps, and *filled*, which puts
the most valuable that fit into the gaps; and a plan from scratch, which may move everything. All
go through one independent checker.

Goals: at least 90 % of the visits that are left stay on their day, and at least 4 % more value
than the plain repair.
"""

import argparse
import json
import random
import time
from dataclasses import replace

from visits import ours
from visits.checker import follow, judge
from visits.problem import DAYS, HOUR, Fortnight, Routes, generate
from visits.repair import filled_repair, plain_repair

KEEP_BONUS = 0.15
"""The default of the settings."""


def measure(options: argparse.Namespace) -> dict[str, object]:
    """Plan once, then change and replan so many times."""
    problem = generate(options.customers, options.seed)
    ours.warm_up(problem)
    plan = ours.solve(problem, float("inf"), options.iterations)
    draws = [
        _draw(problem, plan, random.Random(f"{options.seed}/{i}"), options.iterations)
        for i in range(options.draws)
    ]
    return {"seed": options.seed, "value": judge(problem, plan).value, "draws": draws}


def _draw(
    problem: Fortnight, plan: Routes, dice: random.Random, iterations: int
) -> dict[str, dict[str, float]]:
    changed = _changed(problem, plan, dice)
    began = time.perf_counter()
    again = ours.replan(changed, plan, iterations, KEEP_BONUS)
    seconds = time.perf_counter() - began
    plans = {
        "crmbridge": again,
        "plain": plain_repair(changed, plan),
        "filled": filled_repair(changed, plan),
        "scratch": ours.solve(changed, float("inf"), iterations),
    }
    found = {name: _result(changed, plan, routes) for name, routes in plans.items()}
    found["crmbridge"]["seconds"] = round(seconds, 2)
    return found


def _changed(problem: Fortnight, plan: Routes, dice: random.Random) -> Fortnight:
    """The problem without five of the plan, and with an appointment with somebody outside it."""
    planned = sorted({c for route in plan for c in route} - set(problem.fixed))
    gone = set(dice.sample(planned, 5))
    outside = sorted(set(problem.customers()) - set(planned))
    while True:
        guest, day, start = dice.choice(outside), dice.randrange(len(DAYS)), dice.choice((10, 15))
        if (guest, day) in problem.windows:
            changed = _with_guest(problem, gone, guest, day, start * HOUR)
            if follow(changed, day, changed.standing(day)):
                return changed


def _with_guest(problem: Fortnight, gone: set[int], guest: int, day: int, start: int) -> Fortnight:
    windows = {
        slot: spans for slot, spans in problem.windows.items() if slot[0] not in {guest, *gone}
    }
    windows[guest, day] = [(start, start)]
    return replace(problem, windows=windows, fixed={**problem.fixed, guest: (day, start)})


def _result(changed: Fortnight, before: Routes, routes: Routes) -> dict[str, float]:
    left = {
        (c, day)
        for day, route in enumerate(before)
        for c in route
        if c not in changed.fixed and (c, day) in changed.windows
    }
    now = {(c, day) for day, route in enumerate(routes) for c in route}
    verdict = judge(changed, routes)
    return {
        "value": verdict.value,
        "feasible": not verdict.broken,
        "same_day": round(len(left & now) / len(left), 3),
    }


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--draws", type=int, default=5, metavar="N")
    parser.add_argument("--iterations", type=int, default=40_000, metavar="N")
    parser.add_argument("--customers", type=int, default=400, metavar="C")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options)
    if options.json:
        print(json.dumps(result))
        return
    print(f"seed {options.seed}, plan before {result['value']}")
    print(
        f"{'':12}{'plain':>8}{'filled':>8}{'ours':>8}{'same day':>10}{'scratch':>9}{'same day':>10}"
    )
    for i, draw in enumerate(result["draws"]):  # type: ignore[arg-type,var-annotated]
        own, scratch = draw["crmbridge"], draw["scratch"]
        print(
            f"draw {i + 1:<7}{draw['plain']['value']:>8}{draw['filled']['value']:>8}"
            f"{own['value']:>8}{own['same_day']:>10.1%}{scratch['value']:>9}"
            f"{scratch['same_day']:>10.1%}"
        )


if __name__ == "__main__":
    main()
