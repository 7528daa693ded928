"""Who will probably say yes: as simple a model as the data carry, judged on what came last."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from crmbridge.engine.cells import Cells
from crmbridge.engine.columns import Numbers, numbers, texts
from crmbridge.engine.encoding import Encoding, fit_encoding_of
from crmbridge.engine.goodness import Goodness, measure
from crmbridge.engine.leaks import Leak, find_leaks
from crmbridge.engine.parameters import Scale, SegmentParameters, within
from crmbridge.records import Finding, Reason

_YES = frozenset({"yes", "true", "1", "1.0", "y", "t", "won", "converted", "responded"})
_NO = frozenset({"no", "false", "0", "0.0", "n", "f", "lost", ""})
_LEAST_POSITIVES, _MANY_POSITIVES = 50, 1000
_STEPS, _FOLDS, _LAST_SHARE = 10, 5, 0.3
_TOLD = 3


class Method(Enum):
    """What chances come from."""

    NONE = "none"
    "Nothing: everybody has the share of all, since no more than chance could be found."
    LOGISTIC = "logistic"
    "Logistic regression: 50 yes or more."
    BOOSTING = "boosting"
    "Boosted trees: 1,000 yes or more, and better than logistic regression on what came last."


@dataclass(frozen=True, slots=True, kw_only=True)
class PropensityParameters:
    """What is predicted from what.

    Args:
        outcome: column of yes and no, or 1 and 0; rows where it is neither are scored, not learned.
        columns: what to predict from; all others where none are named.
        exclude: columns known only afterwards.
        trusted: columns that are not suspected of giving the outcome away.
        time: column that orders rows; "" if they come in no order, "row" for the table's own.
        regular: strength of the penalty on coefficients; above 0.
    """

    outcome: str
    columns: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    time: str = ""
    regular: float = 1.0

    def __post_init__(self) -> None:
        """Check the range."""
        within("engine.propensity.regular", self.regular, 1e-6, 1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Propensity:
    """Chances and what they are worth.

    Args:
        frame: by row of the table: `chance`; `reasons`, whose weights sum to its log odds (none
            for boosted trees).
        goodness: of each method tried, on rows it had not seen: the last 30 %, with models that
            were fitted anew as time went by, or fifths where there is no time.
        verdict: what may be done with it, in a sentence.
        quarantined: columns that were not used, since they seem to know the outcome.
        periods: of the best method, one stretch of time after the other; none without a time.
    """

    method: Method
    frame: pd.DataFrame
    goodness: dict[Method, Goodness]
    verdict: str
    findings: tuple[Finding, ...] = ()
    quarantined: tuple[Leak, ...] = ()
    periods: tuple[Goodness, ...] = ()


def fit_propensity(
    table: pd.DataFrame, parameters: PropensityParameters, seed: int = 0
) -> Propensity:
    """Fit and judge; where there is no signal, say so and give everybody the same chance."""
    came = outcome_of(table, parameters.outcome)
    known = ~np.isnan(came)
    learned, labels = table.take(np.flatnonzero(known)), came[known]
    positives = int(labels.sum())
    if min(positives, len(labels) - positives) < _LEAST_POSITIVES:
        sentence = (
            f"No signal sought: {positives} yes and {len(labels) - positives} no, "
            f"and {_LEAST_POSITIVES} of each are the least; use the transparent score"
        )
        return _nobody(table, labels, sentence, {}, ())
    columns, leaks = _columns(learned, labels, parameters)
    findings = _leak_findings(leaks)
    if not columns:
        found = _nobody(table, labels, "No signal: no column may be used", {}, findings)
        return replace(found, quarantined=leaks)
    order = _order(learned, parameters.time)
    task = _Task(columns=columns, parameters=parameters, seed=seed)
    tried, periods = _try_methods(Cells(learned), labels, order, task)
    best = max(tried, key=lambda method: (tried[method].auc, method is Method.LOGISTIC))
    good = tried[best]
    if not good.is_signal():
        sentence = f"No signal: AUC {good.auc:.3f} [{good.auc_low:.3f}, {good.auc_high:.3f}]"
        found = _nobody(table, labels, sentence, tried, findings)
        return replace(found, quarantined=leaks, periods=periods[best])
    chance, reasons = _METHODS[best](Cells(learned), labels, Cells(table), task)
    frame = pd.DataFrame({"chance": chance}, index=table.index)
    frame["reasons"] = pd.Series(reasons() or [()] * len(table), index=table.index, dtype=object)
    return Propensity(
        method=best,
        frame=frame,
        goodness=tried,
        verdict=_verdict(good, periods[best]),
        findings=findings,
        quarantined=leaks,
        periods=periods[best],
    )


def outcome_of(table: pd.DataFrame, column: str) -> Numbers:
    """1 for yes, 0 for no (an empty cell is a no), NaN for anything else."""
    values = {**dict.fromkeys(_YES, 1.0), **dict.fromkeys(_NO, 0.0)}
    return np.array([values.get(text.lower(), np.nan) for text in texts(table, column)])


def _columns(
    table: pd.DataFrame, came: Numbers, parameters: PropensityParameters
) -> tuple[list[str], tuple[Leak, ...]]:
    named = parameters.columns or tuple(str(name) for name in table.columns)
    barred = {parameters.outcome, parameters.time, *parameters.exclude}
    wanted = [name for name in named if name in table.columns and name not in barred]
    suspects = [name for name in wanted if name not in parameters.trusted]
    kept, leaks = find_leaks(table, suspects, came)
    return [name for name in wanted if name in kept or name not in suspects], leaks


def _leak_findings(leaks: tuple[Leak, ...]) -> tuple[Finding, ...]:
    remedy = "If it is known before the decision, name it as trusted (--trust)."
    return tuple(
        Finding(
            code="propensity.leak",
            example=f"{leak.field} was left out: {leak.reason}",
            remedy=remedy,
        )
        for leak in leaks
    )


def _order(table: pd.DataFrame, time: str) -> Numbers | None:
    """Rank of each row in time; None if there is none."""
    if not time:
        return None
    if time == "row":
        return np.arange(len(table), dtype=np.float64)
    values = numbers(table, time)
    words = texts(table, time)
    keys = words if np.isnan(values).all() else values.tolist()
    rank = np.empty(len(table))
    rank[np.argsort(np.array(keys), kind="stable")] = np.arange(len(table))
    return rank


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What is learned from, and how."""

    columns: list[str]
    parameters: PropensityParameters
    seed: int


Told = tuple[Numbers, Callable[[], list[tuple[Reason, ...]]]]
"""Chances, and the way to their reasons, which trials do not need; none for boosted trees."""


def _try_methods(
    cells: Cells, came: Numbers, order: Numbers | None, task: _Task
) -> tuple[dict[Method, Goodness], dict[Method, tuple[Goodness, ...]]]:
    """How good each method is on rows it had not seen, in all and by stretch of time."""
    methods = [Method.LOGISTIC]
    if came.sum() >= _MANY_POSITIVES:
        methods.append(Method.BOOSTING)
    for column in task.columns:
        cells.numbers(column), cells.words(column)
    splits = _splits(len(came), order, task.seed)
    tried, periods = {}, {}
    for method in methods:
        chance = np.full(len(came), np.nan)
        for train, test in splits:
            if 0 < came[train].sum() < len(train):
                told = _METHODS[method](cells.take(train), came[train], cells.take(test), task)
                chance[test] = told[0]
        seen = ~np.isnan(chance)
        good = measure(came[seen], chance[seen])
        if good is not None:
            tried[method] = good
            stretches = [] if order is None else [test for _, test in splits if seen[test].all()]
            each = [measure(came[test], chance[test]) for test in stretches]
            periods[method] = tuple(one for one in each if one is not None)
    return tried, periods


def _splits(rows: int, order: Numbers | None, seed: int) -> list[tuple[Any, Any]]:
    """(rows to learn from, rows to judge by): the past and the next stretch, or fifths."""
    if order is None:
        folds = np.array_split(np.random.default_rng(seed).permutation(rows), _FOLDS)
        return [(np.setdiff1d(np.arange(rows), fold), np.sort(fold)) for fold in folds]
    ranked = np.argsort(order, kind="stable")
    first = int(rows * (1 - _LAST_SHARE))
    edges = np.linspace(first, rows, _STEPS + 1).astype(int)
    return [(ranked[:a], ranked[a:b]) for a, b in pairwise(edges.tolist()) if b > a]


def _encoded(train: Cells, task: _Task) -> tuple[Encoding, Numbers]:
    wanted = SegmentParameters(columns=tuple(task.columns), scale=Scale.STANDARD)
    encoding, _ = fit_encoding_of(train, wanted)
    return encoding, encoding.matrix_of(train)


def _logistic(train: Cells, came: Numbers, test: Cells, task: _Task) -> Told:
    encoding, matrix = _encoded(train, task)
    if not matrix.shape[1]:
        return np.full(len(test), came.mean()), list
    with threadpool_limits(limits=1):
        penalty = 1 / task.parameters.regular
        model = LogisticRegression(C=penalty, max_iter=2000).fit(matrix, came)
    parts = encoding.matrix_of(test) * model.coef_[0]
    base, labels = float(model.intercept_[0]), encoding.labels()
    odds = np.clip(base + parts.sum(axis=1), -500, 500)
    return 1 / (1 + np.exp(-odds)), lambda: [_reasons(row, base, labels) for row in parts]


def _reasons(parts: Numbers, base: float, labels: list[str]) -> tuple[Reason, ...]:
    """The strongest parts of the log odds, the rest as one, and the base."""
    order = np.argsort(-np.abs(parts), kind="stable")
    told = [
        Reason(code="propensity.column", text=labels[at], weight=float(parts[at]))
        for at in order[:_TOLD]
    ]
    rest = float(parts[order[_TOLD:]].sum())
    told.append(Reason(code="propensity.rest", text="Everything else", weight=rest))
    return (*told, Reason(code="base", text="An average row", weight=base))


def _boosting(train: Cells, came: Numbers, test: Cells, task: _Task) -> Told:
    encoding, matrix = _encoded(train, task)
    model = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.06, max_leaf_nodes=15, random_state=task.seed
    )
    with threadpool_limits(limits=1):
        fitted = model.fit(matrix, came)
        return fitted.predict_proba(encoding.matrix_of(test))[:, 1], list


_METHODS: dict[Method, Callable[[Cells, Numbers, Cells, _Task], Told]] = {
    Method.LOGISTIC: _logistic,
    Method.BOOSTING: _boosting,
}


def _nobody(
    table: pd.DataFrame,
    came: Numbers,
    sentence: str,
    tried: dict[Method, Goodness],
    findings: tuple[Finding, ...],
) -> Propensity:
    share = float(came.mean()) if len(came) else 0.0
    frame = pd.DataFrame({"chance": share}, index=table.index)
    frame["reasons"] = pd.Series([()] * len(table), index=table.index, dtype=object)
    return Propensity(
        method=Method.NONE, frame=frame, goodness=tried, verdict=sentence, findings=findings
    )


def _verdict(good: Goodness, periods: tuple[Goodness, ...]) -> str:
    told = (
        f"Signal: AUC {good.auc:.3f} [{good.auc_low:.3f}, {good.auc_high:.3f}]; the tenth ranked "
        f"highest says yes {good.lift:.1f} times as often; chances are off by "
        f"{good.calibration_error:.3f}"
    )
    if not periods:
        return told
    last = periods[-1]
    return (
        f"{told}. In the last stretch of time: AUC {last.auc:.3f}, lift {last.lift:.1f}, chances "
        f"off by {last.calibration_error:.3f}"
    )
