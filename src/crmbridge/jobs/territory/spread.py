"""Plans reps side by side: in processes of this machine, or on a Dask cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from crmbridge.errors import ConfigError, CrmbridgeError
from crmbridge.planning import Budget, Plan, Problem, join_plans, plan_part, split_by_rep
from crmbridge.settings import EngineSettings

WORTH_A_PROCESS = 4_000_000
"""Iterations in all from which starting processes pays; below, one process is quicker."""


def plan_everybody(
    problem: Problem, budget: Budget, engine: EngineSettings
) -> tuple[Plan, dict[str, CrmbridgeError]]:
    """Plan each rep on its own; the same plan, however many work on it.

    Returns:
        The plan; and by rep what made planning fail, which stops nobody else.

    Raises:
        ConfigError: the Dask scheduler cannot be reached.
    """
    parts = split_by_rep(problem)
    is_small = len(parts) * budget.iterations < WORTH_A_PROCESS
    if engine.backend == "local" and (is_small or engine.workers == 1 or len(parts) == 1):
        results = [_planned(part, budget) for part in parts]
    else:
        results = _side_by_side(parts, budget, engine)
    failed = {
        (part.reps[0].id if part.reps else ""): result
        for part, result in zip(parts, results, strict=True)
        if isinstance(result, CrmbridgeError)
    }
    plans = [result for result in results if isinstance(result, Plan)]
    return join_plans(problem, budget, plans), failed


def _side_by_side(
    parts: tuple[Problem, ...], budget: Budget, engine: EngineSettings
) -> list[Plan | CrmbridgeError]:
    from joblib import Parallel, delayed

    with _backend(engine):
        tasks = (delayed(_planned)(part, budget) for part in parts)
        results: list[Plan | CrmbridgeError] = Parallel(n_jobs=engine.workers or -1)(tasks)
    return results


@contextmanager
def _backend(engine: EngineSettings) -> Iterator[None]:
    from joblib import parallel_config

    if engine.backend == "local":
        yield
        return
    try:
        import distributed

        make: Any = distributed.Client  # untyped
        client = make(engine.scheduler, timeout="20s")
    except (ImportError, OSError, TimeoutError) as cause:
        raise ConfigError(
            "engine.scheduler",
            "a Dask scheduler, and the extra crmbridge[dask]",
            f"{engine.scheduler}: {type(cause).__name__}",
            "Start it, or set backend to local",
        ) from cause
    with client, parallel_config(backend="dask"):
        yield


def _planned(part: Problem, budget: Budget) -> Plan | CrmbridgeError:
    try:
        return plan_part(part, budget)
    except CrmbridgeError as error:
        return error
