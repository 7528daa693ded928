"""The benchmarks of the planner take their options and tell the truth; never how good it is."""

import argparse
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[3] / "benchmarks"
Load = Callable[[str], ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """``load(name)``: one of the benchmarks as a module."""
    monkeypatch.syspath_prepend(str(FOLDER))

    def module(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"bench_{name}", FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        found = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, found.__name__, found)
        spec.loader.exec_module(found)
        return found

    return module


def run(name: str, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(FOLDER / f"{name}.py"), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def run_json(name: str, *options: str) -> dict[str, Any]:
    """The one document on standard output."""
    done = run(name, "--json", *options)
    assert done.returncode == 0, done.stderr + done.stdout
    result: dict[str, Any] = json.loads(done.stdout)
    return result


# toptw.py: points on a line, 5.19 apart; "i x y service profit, three numbers, opens closes".
def an_instance(folder: Path, name: str, customers: int = 3, closes: float = 100.0) -> Path:
    points = [
        f"{i} {5.19 * i} 0.0 {i and 1.0} {i and 10.0 * i} 1 1 1" for i in range(customers + 1)
    ]
    lines = [f"4 2 {customers} 1", "0 200", f"{points[0]} 0 100"]
    lines += [f"{point} 0 {closes}" for point in points[1:]]
    path = folder / f"{name}.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def tiny(path: Path, vehicles: int, *more: str) -> tuple[str, ...]:
    given = ("--instance", str(path), "--vehicles", str(vehicles), "--seconds", "5")
    return (*given, "--iterations", "50", "--seed", "3", *more)


def test_an_instance_is_solved_into_exactly_so_many_routes(tmp_path: Path) -> None:
    found = run_json("toptw", *tiny(an_instance(tmp_path, "c1"), 5))

    assert set(found) == {"score", "routes", "seconds", "iterations"}
    assert len(found["routes"]) == 5
    assert sorted(stop for route in found["routes"] for stop in route) == [1, 2, 3]
    # Three customers cannot fill five routes: some are empty lists, and none holds the depot.
    assert [] in found["routes"]
    assert found["score"] == 60
    assert found["iterations"] == 50
    assert 0 <= found["seconds"] < 5


def test_where_nobody_can_be_reached_all_routes_are_empty(tmp_path: Path) -> None:
    nobody = run_json("toptw", *tiny(an_instance(tmp_path, "c2", closes=1.0), 2))

    assert (nobody["score"], nobody["routes"]) == (0, [[], []])


def test_one_of_instance_and_vehicles_alone_is_wrong_usage(tmp_path: Path) -> None:
    done = run("toptw", "--instance", str(an_instance(tmp_path, "c1")))

    assert done.returncode == 2
    assert "--instance and --vehicles go together" in done.stderr


@pytest.mark.parametrize(("name", "decimals"), [("pr01", 2), ("c101", 1), ("r2pr", 1)])
def test_distances_are_rounded_down_by_the_file_s_name(
    load: Load, tmp_path: Path, name: str, decimals: int
) -> None:
    toptw = load("toptw")

    instance = toptw.read_instance(an_instance(tmp_path, name))

    assert instance.decimals == decimals
    # 5.19 is 5.1 or 5.19; 10.38 is 10.3 or 10.38: hundredths either way.
    assert [instance.distance(0, i) for i in (1, 2)] == {1: [510, 1030], 2: [519, 1038]}[decimals]


def test_rounding_forgives_what_floats_lose(load: Load) -> None:
    toptw = load("toptw")
    # 0.1 + 0.2 is a hair above 0.3, and 0.7 - 0.4 a hair below: both are 0.3.
    for x in (0.1 + 0.2, 0.7 - 0.4):
        instance = toptw.Instance(
            decimals=1, places=[(0, 0), (x, 0)], service=[], profit=[], opens=[], closes=[]
        )
        assert instance.distance(0, 1) == 30


def test_a_finer_rounding_can_cost_a_customer(load: Load, tmp_path: Path) -> None:
    # The first customer closes at 5.15: 5.1 is in time, 5.19 is late.
    scores = {}
    for name in ("c1", "pr1"):
        toptw = load("toptw")
        options = argparse.Namespace(seconds=5.0, iterations=50, seed=1)
        path = an_instance(tmp_path, name, customers=1, closes=5.15)
        scores[name] = toptw.measure(path, 1, options)["score"]

    assert scores == {"c1": 10, "pr1": 0}


@pytest.mark.parametrize(
    ("routes", "rule"),
    [
        ([[1, 2]], "2 routes"),
        ([[1], [1]], "each customer once"),
        ([[0], [1]], "customers of the file"),
        ([[4], []], "customers of the file"),
        ([[3, 2, 1], []], "1 before it closes"),
    ],
)
def test_routes_that_break_a_rule_have_no_score(
    load: Load, tmp_path: Path, routes: list[list[int]], rule: str
) -> None:
    toptw = load("toptw")
    # 3, then 2, then 1 takes until 15.5 + 1 + 5.1 + 1 + 5.1.
    instance = toptw.read_instance(an_instance(tmp_path, "c1", closes=25.0))

    assert toptw.check(instance, [[1, 2, 3], []], 2) == 60
    with pytest.raises(SystemExit, match=rule):
        toptw.check(instance, routes, 2)


def test_a_sample_is_held_against_its_best_known(tmp_path: Path) -> None:
    an_instance(tmp_path, "c1")
    (tmp_path / "sample.csv").write_text("instance,vehicles\nc1,1\nc1,2\n")
    (tmp_path / "best_known.csv").write_text("instance,vehicles,best_known\nc1,1,60\nc1,2,80\n")

    found = run_json("toptw", "--sample", str(tmp_path), "--seconds", "5", "--iterations", "50")

    assert found == {"mean": 12.5, "worst": 25.0, "gaps": {"c1 by 1": 0.0, "c1 by 2": 25.0}}


RESULT = {"solver", "value", "feasible", "fixed_kept", "seconds", "peak_mb"}


def test_a_fortnight_is_planned_by_us_and_four_greedy_rules() -> None:
    given = ("--seed", "2", "--seconds", "5", "--iterations", "20", "--customers", "30")

    found = run_json("fortnight", *given)

    assert (found["seed"], found["customers"], set(found)) == (
        2, 30, {"seed", "customers", "results"},
    )  # fmt: skip
    solvers = [one["solver"] for one in found["results"]]
    assert solvers[0] == "crmbridge"
    assert len(set(solvers)) == 5
    assert "cheapest_insertion" in solvers
    for one in found["results"]:
        assert set(one) == RESULT | {"visits"}
        assert (one["feasible"], one["fixed_kept"]) == (True, True)
        assert one["value"] > 0


def test_a_plan_that_breaks_a_rule_does_not_count(load: Load) -> None:
    bench = load("fortnight")

    def lazy(problem: Any) -> list[list[int]]:
        return [[1, 1], *([] for _ in range(9))]

    found = bench._solve(30, 1, "lazy", lazy, None)

    assert (found["feasible"], found["value"], found["fixed_kept"]) == (False, 0, False)


def test_an_infeasible_try_never_beats_a_feasible_one(load: Load, monkeypatch: Any) -> None:
    bench = load("fortnight")
    tries = [(False, 900), (True, 500), (True, 700), (False, 0)]

    def told(options: Any, name: str, solve: Any) -> dict[str, Any]:
        return {"solver": name, "feasible": solve[0], "value": solve[1]}

    monkeypatch.setattr(bench, "_run", told)

    assert bench._best_of(None, "pyvrp", tries) == {
        "solver": "pyvrp", "feasible": True, "value": 700,
    }  # fmt: skip


def test_peers_that_are_not_installed_are_named(load: Load, monkeypatch: Any, capsys: Any) -> None:
    bench = load("fortnight")
    monkeypatch.setattr(bench, "PEERS", ("json", "no_such_solver"))
    monkeypatch.setattr(sys, "argv", ["fortnight.py", "--compare"])

    with pytest.raises(SystemExit) as end:
        bench.main()

    assert end.value.code == 2
    assert "not here: no_such_solver" in capsys.readouterr().err


def test_territories_are_planned_and_checked_and_nothing_else_is_printed() -> None:
    given = ("--reps", "2", "--customers", "15", "--iterations", "20", "--workers", "1")

    found = run_json("territories", *given)

    assert {key: found[key] for key in ("reps", "customers", "iterations", "workers")} == {
        "reps": 2, "customers": 15, "iterations": 20, "workers": 1,
    }  # fmt: skip
    assert (found["violations"], found["cut_by_cap"]) == (0, 0)
    assert found["visits"] > 0
    assert {"seconds"} <= set(found)
    assert "dask_seconds" not in found
