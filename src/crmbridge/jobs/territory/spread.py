"""Plans reps side by side: in processes of this machine, or on a Dask cluster."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from crmbridge.errors import ConfigError, CrmbridgeError, RecordError
from crmbridge.planning import (
    Budget,
    Plan,
    Problem,
    digest,
    join_plans,
    plan_part,
    split_by_rep,
)
from crmbridge.settings import EngineSettings

WORTH_A_PROCESS = 4_000_000
"""Iterations in all from which starting processes pays; below, one process is quicker."""
STEP_SECONDS = 10.0
"""Between two words of progress."""

Result = Plan | CrmbridgeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the planning of all reps has come."""

    done: int
    reps: int
    seconds_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan of those who could be planned for.

    Args:
        problem: without the reps whose planning failed.
        failed: by rep, what made it fail.
    """

    problem: Problem
    plan: Plan
    failed: Mapping[str, CrmbridgeError]


Say = Callable[[Progress], None]


def say_nothing(progress: Progress) -> None:
    """For those who only want the plan."""
    del progress


def plan_everybody(
    problem: Problem, budget: Budget, engine: EngineSettings, say: Say = say_nothing
) -> Planned:
    """Plan each rep on its own; the same plan, however many work on it.

    One rep's failure stops nobody else. It only takes the rep out of the problem; what is planned
    again for that is what the rep's absence changes, such as a visit that another took over.

    Raises:
        ConfigError: the Dask scheduler cannot be reached, or its workers lack crmbridge.
    """
    parts = split_by_rep(problem)
    results = list(_told(_results(parts, budget, engine), len(parts), say))
    failed = {
        _rep(part): result
        for part, result in zip(parts, results, strict=True)
        if isinstance(result, CrmbridgeError)
    }
    plans = [result for result in results if isinstance(result, Plan)]
    if failed:
        problem = without_reps(problem, failed.keys())
        plans = _plans_of(problem, budget, plans)
    return Planned(problem=problem, plan=join_plans(problem, budget, plans), failed=failed)


def without_reps(problem: Problem, reps: Collection[str]) -> Problem:
    """The problem without reps whose planning failed: what stands in their calendars is left as
    it is, since a plan that knows nothing of them must not take their visits away."""
    return replace(
        problem,
        reps=tuple(rep for rep in problem.reps if rep.id not in reps),
        customers=tuple(one for one in problem.customers if one.owner not in reps),
        appointments=tuple(one for one in problem.appointments if one.rep not in reps),
        travels=tuple(one for one in problem.travels if one.rep not in reps),
        previous=tuple(one for one in problem.previous if one.rep not in reps),
    )


def _plans_of(problem: Problem, budget: Budget, known: Sequence[Plan]) -> list[Plan]:
    """The plans of a problem's parts: those known of the very same part, the others made now."""
    by_problem = {plan.problem: plan for plan in known}
    parts = split_by_rep(problem)
    return [by_problem.get(digest(part)) or plan_part(part, budget) for part in parts]


def _results(parts: Sequence[Problem], budget: Budget, engine: EngineSettings) -> Iterator[Result]:
    if engine.backend == "dask":
        with _cluster(engine):
            yield from _side_by_side(parts, budget, workers=-1)
        return
    is_small = len(parts) * budget.iterations < WORTH_A_PROCESS
    if is_small or engine.workers == 1 or len(parts) == 1:
        yield from (_planned(part, budget) for part in parts)
        return
    yield from _until_a_process_dies(parts, budget, engine.workers or -1)


def _until_a_process_dies(
    parts: Sequence[Problem], budget: Budget, workers: int
) -> Iterator[Result]:
    """What is left when the system kills a process, for want of memory mostly, is planned one
    rep at a time, so that the rep it dies of is known."""
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    done = 0
    try:
        for result in _side_by_side(parts, budget, workers):
            done += 1
            yield result
    except TerminatedWorkerError:
        yield from (_alone(part, budget) for part in parts[done:])


def _alone(part: Problem, budget: Budget) -> Result:
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        return next(_side_by_side([part], budget, workers=2))
    except TerminatedWorkerError:
        where = f"planning of {_rep(part)}"
        return RecordError(where, "a process that lives", "one that was killed", "See to memory")


def _side_by_side(parts: Sequence[Problem], budget: Budget, workers: int) -> Iterator[Result]:
    from joblib import Parallel, delayed

    tasks = (delayed(_planned)(part, budget) for part in parts)
    results: Iterator[Result] = Parallel(n_jobs=workers, return_as="generator")(tasks)
    return results


def _told(results: Iterator[Result], reps: int, say: Say) -> Iterator[Result]:
    """Pass results on, with a word now and then of how long the rest will take."""
    began = said = monotonic()
    for done, result in enumerate(results, 1):
        yield result
        now = monotonic()
        if now - said >= STEP_SECONDS and done < reps:
            said = now
            left = round((now - began) / done * (reps - done))
            say(Progress(done=done, reps=reps, seconds_left=left))


@contextmanager
def _cluster(engine: EngineSettings) -> Iterator[None]:
    from joblib import parallel_config

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
        _check_workers(client)
        yield


def _check_workers(client: Any) -> None:
    """Refuse workers that would plan otherwise than this machine."""
    own = _versions()
    try:
        theirs = client.run(_versions)
    except Exception as cause:  # whatever a worker without crmbridge raises
        raise ConfigError(
            "engine.scheduler", f"workers with crmbridge {own[0]}", type(cause).__name__
        ) from cause
    refuse_unlike(own, theirs)


def refuse_unlike(own: Sequence[str], theirs: Mapping[str, Sequence[str]]) -> None:
    """Refuse to plan with nobody, or with workers whose versions differ from ours.

    Args:
        theirs: by worker.

    Raises:
        ConfigError: so it is.
    """
    if not theirs:
        raise ConfigError("engine.scheduler", "at least one worker", "none", "Start workers")
    for worker, versions in sorted(theirs.items()):
        if tuple(versions) != tuple(own):
            raise ConfigError(
                f"engine.scheduler: worker {worker}",
                f"crmbridge, numba and numpy of versions {', '.join(own)}",
                ", ".join(versions),
                "Install the same versions there",
            )


def _versions() -> tuple[str, ...]:
    """Versions that decide what a plan looks like."""
    from importlib.metadata import version

    return tuple(version(name) for name in ("crmbridge", "numba", "numpy"))


def _planned(part: Problem, budget: Budget) -> Result:
    try:
        return plan_part(part, budget)
    except CrmbridgeError as error:
        return error
    except Exception as error:  # one rep must not stop the others
        where = f"planning of {_rep(part)}"
        fault = f"{type(error).__name__}: {error}"
        return RecordError(where, "a plan", fault, "Report this: it is a fault in crmbridge")


def _rep(part: Problem) -> str:
    return part.reps[0].id if part.reps else ""
