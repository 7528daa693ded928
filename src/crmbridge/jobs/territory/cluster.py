"""Works on a Dask cluster, and refuses one that would plan otherwise than this machine.

Tasks go to the cluster directly: joblib's own way to Dask (1.6) waits for ever once a worker died
at its task, since it is told of results and never of errors.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from crmbridge.errors import ConfigError, RetryLaterError
from crmbridge.settings import EngineSettings

P = TypeVar("P")
T = TypeVar("T")

PATIENCE = 60.0
"""Seconds without a result after which it is asked whether any worker is left."""


@contextmanager
def cluster(engine: EngineSettings) -> Iterator[Any]:
    """A client of the cluster that the settings name.

    Raises:
        ConfigError: the scheduler cannot be reached, or its workers lack crmbridge.
    """
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
    with client:
        _check_workers(client)
        yield client


def results_on(client: Any, do: Callable[[P], T], parts: Sequence[P]) -> Iterator[T | None]:
    """The result of each part in their order; None where each worker that took it died.

    Raises:
        RetryLaterError: no worker is left.
    """
    import distributed

    wait: Any = distributed.wait  # untyped
    futures = [client.submit(do, part, pure=False) for part in parts]
    for part, future in zip(parts, futures, strict=True):
        try:
            yield _patiently(client, future.result)
        except distributed.KilledWorker:
            # It may have died of another's work on the same worker: once more, and alone.
            _patiently(client, lambda seconds: wait(futures, timeout=seconds))
            yield _alone(client, do, part)


def _alone(client: Any, do: Callable[[P], T], part: P) -> T | None:
    import distributed

    try:
        result: T = _patiently(client, client.submit(do, part, pure=False).result)
    except distributed.KilledWorker:
        return None
    return result


def _patiently(client: Any, result: Callable[[float], Any]) -> Any:
    """Wait for as long as there is a worker that may bring it."""
    while True:
        try:
            return result(PATIENCE)
        except TimeoutError as cause:
            if not client.nthreads():
                raise RetryLaterError(
                    "engine.scheduler", "workers that live", "none", "Start workers again"
                ) from cause


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
