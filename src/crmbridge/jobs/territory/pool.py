"""Does the same for every rep, side by side: in processes of this machine, or on a Dask cluster.

One rep's failure stops nobody else: a fault becomes that rep's result, and so does the death of
the process that worked for them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Generic, TypeVar

from crmbridge.errors import CrmbridgeError, RecordError
from crmbridge.jobs.territory.cluster import cluster, results_on
from crmbridge.planning import Problem
from crmbridge.settings import EngineSettings

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

WORTH_A_PROCESS = 4_000_000
"""Iterations in all from which starting processes pays; below, one process is quicker."""
STEP_SECONDS = 10.0
"""Between two words of progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the work for all reps has come."""

    done: int
    reps: int
    seconds_left: int


Say = Callable[[Progress], None]


def say_nothing(progress: Progress) -> None:
    """For those who only want the results."""
    del progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Generic[T_co]):
    """What is done for each rep.

    Args:
        name: for errors, as in ``planning of ann``.
        result: for errors, what it should bring.
        do: takes one rep's part of a problem; it must be fit to be sent to another process.
        iterations: how much work it is for one rep, about.
    """

    name: str
    result: str
    do: Callable[[Problem], T_co]
    iterations: int


def side_by_side(
    parts: Sequence[Problem], work: Work[T], engine: EngineSettings, say: Say = say_nothing
) -> Iterator[T | CrmbridgeError]:
    """The result of each part in their order, or the error that names its rep.

    Raises:
        ConfigError: the Dask scheduler cannot be reached, or its workers lack crmbridge.
    """
    return _told(_results(parts, work, engine), len(parts), say)


def rep_of(part: Problem) -> str:
    """The rep whose part it is; empty for the part of customers that nobody owns."""
    return part.reps[0].id if part.reps else ""


def _results(
    parts: Sequence[Problem], work: Work[T], engine: EngineSettings
) -> Iterator[T | CrmbridgeError]:
    if engine.backend == "dask":
        with cluster(engine) as client:
            results = results_on(client, partial(_done, work), parts)
            for part, result in zip(parts, results, strict=True):
                yield _killed(work, part) if result is None else result
        return
    is_small = len(parts) * work.iterations < WORTH_A_PROCESS
    if is_small or engine.workers == 1 or len(parts) == 1:
        yield from (_done(work, part) for part in parts)
        return
    yield from _in_processes(parts, work, engine.workers or -1)


def _in_processes(
    parts: Sequence[Problem], work: Work[T], workers: int
) -> Iterator[T | CrmbridgeError]:
    """When the system kills a process, for want of memory mostly, reps are worked for one at a
    time until the one whom it dies of is known; then side by side again."""
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    left = list(parts)
    while left:
        try:
            for result in _in_parallel(left.copy(), work, workers):
                del left[0]
                yield result
        except TerminatedWorkerError:
            is_found = False
            while left and not is_found:
                alone = _alone(left.pop(0), work)
                is_found = isinstance(alone, _KilledError)
                yield alone


class _KilledError(RecordError):
    """The process that worked for a rep was killed."""


def _killed(work: Work[T], part: Problem) -> CrmbridgeError:
    where = f"{work.name} of {rep_of(part)}"
    return _KilledError(where, "a process that lives", "one that was killed", "See to memory")


def _alone(part: Problem, work: Work[T]) -> T | CrmbridgeError:
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        return next(_in_parallel([part], work, workers=2))  # with one, it would be done right here
    except TerminatedWorkerError:
        return _killed(work, part)


def _in_parallel(
    parts: Iterable[Problem], work: Work[T], workers: int
) -> Iterator[T | CrmbridgeError]:
    from joblib import Parallel, delayed

    tasks = (delayed(_done)(work, part) for part in parts)
    results: Iterator[T | CrmbridgeError] = Parallel(n_jobs=workers, return_as="generator")(tasks)
    return results


def _done(work: Work[T], part: Problem) -> T | CrmbridgeError:
    where = f"{work.name} of {rep_of(part)}"
    try:
        return work.do(part)
    except CrmbridgeError as error:
        return error.within(where)
    except Exception as error:  # one rep must not stop the others
        fault = f"{type(error).__name__}: {error}"
        return RecordError(where, work.result, fault, "Report this: it is a fault in crmbridge")


def _told(results: Iterator[T], reps: int, say: Say) -> Iterator[T]:
    """Pass results on, with a word now and then of how long the rest will take."""
    began = said = monotonic()
    for done, result in enumerate(results, 1):
        yield result
        now = monotonic()
        if now - said >= STEP_SECONDS and done < reps:
            said = now
            left = round((now - began) / done * (reps - done))
            say(Progress(done=done, reps=reps, seconds_left=left))
