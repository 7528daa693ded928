"""Compiles functions to machine code on first use, and keeps the code for the next process."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])

_SOURCES = ("chance.py", "field.py", "kernel.py", "ruin_recreate.py")
"""Modules whose functions and constants get into each other's machine code."""
_NEWEST = max(Path(__file__).with_name(name).stat().st_mtime for name in _SOURCES)


def compiled(function: F) -> F:
    """Compile with numba when first called; without a writable cache folder, in each process."""
    try:
        fast = njit(cache=True)(function)
    except RuntimeError:
        return cast("F", njit(function))
    _forget_outdated(function, Path(fast.stats.cache_path or "."))
    return cast("F", fast)


def is_compiled() -> bool:
    """Whether the search's machine code was kept by an earlier process."""
    from crmbridge.planning.ruin_recreate import anneal

    folder = Path(getattr(getattr(anneal, "stats", None), "cache_path", None) or ".")
    return any(folder.glob("ruin_recreate.anneal-*.nbi"))


def _forget_outdated(function: Callable[..., Any], folder: Path) -> None:
    """Remove kept code that is older than any of the sources.

    Numba itself looks at a function's own file only, so code that holds another module's constant
    or function would outlive a change of it, and write where it should not.
    """
    module = Path(function.__code__.co_filename).stem
    for index in folder.glob(f"{module}.{function.__name__}-*.nbi"):
        # Another process may be doing the same.
        with suppress(OSError):
            if index.stat().st_mtime < _NEWEST:
                index.unlink()
