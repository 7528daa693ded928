"""How good a learner is on rows it had not seen: fitted anew as time goes by, or by fifths."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from crmbridge.engine.calibration import UNCHANGED, Calibration, calibrate
from crmbridge.engine.cells import Cells
from crmbridge.engine.columns import Numbers
from crmbridge.engine.goodness import Goodness, measure
from crmbridge.engine.learners import METHODS, Method, Task

_STEPS, _PERIODS, _FOLDS, _LAST_SHARE = 20, 10, 5, 0.3
"""More steps rank better, since the model is younger (Bank, boosted: AUC .766 with 10, .784 with
20, .789 with 40), and take as much longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one method was worth.

    Args:
        goodness: over all rows judged, of chances as they would have been told.
        periods: the same by stretch of time; none without a time.
        calibration: the correction for what comes next.
    """

    goodness: Goodness
    periods: tuple[Goodness, ...]
    calibration: Calibration = UNCHANGED


def judge_methods(
    cells: Cells, came: Numbers, order: Numbers | None, task: Task, methods: Sequence[Method]
) -> dict[Method, Judged]:
    """Judge methods; one of which nothing can be said is absent.

    Args:
        order: rank of each row in time; None if there is none.
    """
    for column in task.columns:
        cells.numbers(column), cells.words(column)
    splits = _splits(len(came), order, task.seed)
    found = {}
    for method in methods:
        chance = np.full(len(came), np.nan)
        for train, test in splits:
            if 0 < came[train].sum() < len(train):
                told = METHODS[method](cells.take(train), came[train], cells.take(test), task)
                chance[test] = told[0]
        stretches = [] if order is None else [test for _, test in splits]
        judged = _judged(chance, came, stretches)
        if judged is not None:
            found[method] = judged
    return found


def _judged(chance: Numbers, came: Numbers, stretches: list[Any]) -> Judged | None:
    chance, calibration = calibrate(chance, came, stretches) if stretches else (chance, UNCHANGED)
    seen = ~np.isnan(chance)
    good = measure(came[seen], chance[seen])
    if good is None:
        return None
    periods = [measure(came[rows], chance[rows]) for rows in _joined(stretches, seen)]
    told = tuple(period for period in periods if period is not None)
    return Judged(goodness=good, periods=told, calibration=calibration)


def _joined(stretches: list[Any], seen: Any) -> list[Any]:
    """The stretches as periods, two to each, without those that could not be foretold."""
    each = max(1, round(len(stretches) / _PERIODS))
    joined = [np.concatenate(stretches[at : at + each]) for at in range(0, len(stretches), each)]
    return [rows for rows in joined if seen[rows].all()]


def _splits(rows: int, order: Numbers | None, seed: int) -> list[tuple[Any, Any]]:
    """(rows to learn from, rows to judge by): the past and the next stretch, or fifths."""
    if order is None:
        folds = np.array_split(np.random.default_rng(seed).permutation(rows), _FOLDS)
        return [(np.setdiff1d(np.arange(rows), fold), np.sort(fold)) for fold in folds]
    ranked = np.argsort(order, kind="stable")
    first = int(rows * (1 - _LAST_SHARE))
    edges = np.linspace(first, rows, _STEPS + 1).astype(int)
    return [(ranked[:a], ranked[a:b]) for a, b in pairwise(edges.tolist()) if b > a]
