"""Compiles functions to machine code on first use, and keeps the code for the next process."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile with numba when first called; without a writable cache folder, in each process."""
    try:
        return cast("F", njit(cache=True)(function))
    except RuntimeError:
        return cast("F", njit(function))


def inlined(function: F) -> F:
    """The same for what is called in the innermost loops: its text goes into the caller's."""
    try:
        return cast("F", njit(cache=True, inline="always")(function))
    except RuntimeError:
        return cast("F", njit(inline="always")(function))
