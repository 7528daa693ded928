"""Draws what each driver moves, with its interval; extra `charts` (matplotlib)."""

from pathlib import Path
from typing import Any

import pandas as pd

from crmbridge.errors import CannotError, UsageError
from crmbridge.jobs.showing.tables import placed

_KINDS = ("png", "svg", "pdf")


def draw_effects(path: Path, marginal: pd.DataFrame, target: str) -> Path:
    """A dot and an interval for each driver: what one unit of it moves the target by.

    Raises:
        UsageError: the file's ending is no kind of picture we draw.
        CannotError: matplotlib is not installed.
        StorageError: the file cannot be written.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in _KINDS:
        expected = f"a name that ends in {', '.join(_KINDS)}"
        raise UsageError("--chart", expected, path.name, "Name the kind of picture")
    figure = _figure(len(marginal))
    axes = figure.add_subplot()
    for at, (_, row) in enumerate(marginal.iterrows()):
        low, estimate, high = (float(row[each]) for each in ("low", "estimate", "high"))
        axes.plot([low, high], [at, at], color="#345", linewidth=2)
        axes.plot([estimate], [at], "o", color="#345")
        axes.annotate(f"{estimate:.3g}", (estimate, at), xytext=(0, 6), textcoords="offset points")
    axes.axvline(0.0, color="#999", linewidth=1)
    axes.set_yticks(range(len(marginal)), [str(name) for name in marginal.index])
    axes.set_ylim(len(marginal) - 0.5, -0.5)
    axes.set_xlabel(f"{target} per unit, with 95 % intervals")
    with placed(path) as file:
        figure.savefig(file, format=kind)
    return path


def _figure(rows: int) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as cause:
        raise CannotError(
            "--chart", "matplotlib", "none", "pip install 'crmbridge[charts]'"
        ) from cause
    return Figure(figsize=(8.0, 1.6 + 0.5 * max(rows, 1)), layout="constrained")
