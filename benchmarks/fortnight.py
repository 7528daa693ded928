"""How much value the planner finds in a rep's fortnight, against rules of thumb and other solvers.

    python benchmarks/fortnight.py --seed N --seconds S --customers C [--compare] [--json]

The generator is that of the project's reference measurements: customers around twelve towns in
about 110 by 90 km, four kinds of opening hours, a third with a closing day, ten days from eight
to five, fifteen appointments that stand. Every plan goes through one checker; each solver runs in
a process of its own, on one thread, compilation not counted. A plan that breaks a rule does not
count: it is not feasible, and its value is 0. Four greedy rules always take part; --compare adds
PyVRP and VROOM (for both the best feasible of three settings, each with the whole time) and
OR-Tools, which are installed by ``make bench``.

Goals at 10 s: at least 10 % over the best greedy rule on every seed, 12 % in the mean; at least
6 % in the mean, 3 % on every seed, over PyVRP and over OR-Tools.
"""

import argparse
import json
import multiprocessing
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.util import find_spec
from typing import Any

from visits import greedy, ours, rivals
from visits.checker import judge
from visits.problem import Routes, generate

Solve = Callable[..., Routes]
PEERS = ("pyvrp", "ortools", "vroom")
PYVRP_SETTINGS = ((60, 25), (60, 12), (40, 25))
"""Neighbours and perturbations."""
VROOM_SETTINGS = (90, 60, 40)
"""Priority of the most valuable customer; an appointment has 100."""


def measure(options: argparse.Namespace) -> dict[str, object]:
    """Solve, check and compare."""
    own = partial(ours.solve, seconds=options.seconds, iterations=options.iterations)
    results = [_run(options, "crmbridge", own, ours.warm_up)]
    results += [_run(options, rule.__name__, rule) for rule in greedy.GREEDY]
    if options.compare:
        results += _rivals(options)
    return {"seed": options.seed, "customers": options.customers, "results": results}


def _rivals(options: argparse.Namespace) -> list[dict[str, Any]]:
    own = {"seconds": options.seconds}
    pyvrp = [
        partial(rivals.pyvrp, **own, neighbours=near, perturbations=perturbations)
        for near, perturbations in PYVRP_SETTINGS
    ]
    vroom = [partial(rivals.vroom, top=top) for top in VROOM_SETTINGS]
    return [
        _best_of(options, "pyvrp", pyvrp),
        _run(options, "ortools", partial(rivals.ortools, **own)),
        _best_of(options, "vroom", vroom),
    ]


def _best_of(options: argparse.Namespace, name: str, solvers: Sequence[Solve]) -> dict[str, Any]:
    """The best feasible of several settings."""
    tries = [_run(options, name, solve) for solve in solvers]
    return max(tries, key=lambda result: (result["feasible"], result["value"]))


def _run(
    options: argparse.Namespace, name: str, solve: Solve, before: Callable[..., None] | None = None
) -> dict[str, Any]:
    """One solver in a process of its own, so that its memory can be told."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        return pool.submit(_solve, options.customers, options.seed, name, solve, before).result()


def _solve(
    customers: int, seed: int, name: str, solve: Solve, before: Callable[..., None] | None
) -> dict[str, Any]:
    problem = generate(customers, seed)
    if before:
        before(problem)
    began = time.perf_counter()
    routes = solve(problem)
    seconds = time.perf_counter() - began
    verdict = judge(problem, routes)
    return {
        "solver": name,
        "value": 0 if verdict.broken else verdict.value,
        "feasible": not verdict.broken,
        "fixed_kept": verdict.fixed_kept,
        "seconds": round(seconds, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "visits": sum(map(len, routes)),
    }


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S")
    parser.add_argument("--iterations", type=int, default=0, metavar="N")
    parser.add_argument("--customers", type=int, default=400, metavar="C")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    missing = [name for name in PEERS if options.compare and find_spec(name) is None]
    if missing:
        parser.error(
            f"--compare: expected {', '.join(PEERS)}, not here: {', '.join(missing)}. "
            "Install requirements/bench.txt"
        )
    result = measure(options)
    if options.json:
        print(json.dumps(result))
        return
    print(f"seed {options.seed}, {options.customers} customers")
    print(f"{'solver':24}{'value':>8}{'visits':>8}{'feasible':>10}{'seconds':>9}{'MB':>7}")
    for row in result["results"]:  # type: ignore[attr-defined]
        print(
            f"{row['solver']:24}{row['value']:>8}{row['visits']:>8}"
            f"{'yes' if row['feasible'] else 'no':>10}{row['seconds']:>9}{row['peak_mb']:>7}"
        )


if __name__ == "__main__":
    main()
