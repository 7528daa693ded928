"""The two ways in which chances are learned: logistic regression, and boosted trees."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from crmbridge.engine.calibration import UNCHANGED, Calibration, chance_of, log_odds
from crmbridge.engine.cells import Cells
from crmbridge.engine.columns import Numbers
from crmbridge.engine.encoding import Encoding, fit_encoding_of
from crmbridge.engine.parameters import Scale, SegmentParameters
from crmbridge.records import Reason

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
class Task:
    """What is learned from, and how.

    Args:
        regular: strength of the penalty on coefficients; above 0.
        calibration: applied to the log odds.
    """

    columns: tuple[str, ...]
    regular: float
    seed: int
    calibration: Calibration = UNCHANGED


Told = tuple[Numbers, Callable[[], list[tuple[Reason, ...]]]]
"""Chances, and the way to their reasons, which trials do not need; none for boosted trees."""


def _encoded(train: Cells, task: Task) -> tuple[Encoding, Numbers]:
    wanted = SegmentParameters(columns=task.columns, scale=Scale.STANDARD)
    encoding, _ = fit_encoding_of(train, wanted)
    return encoding, encoding.matrix_of(train)


def _logistic(train: Cells, came: Numbers, test: Cells, task: Task) -> Told:
    encoding, matrix = _encoded(train, task)
    if not matrix.shape[1]:
        return np.full(len(test), came.mean()), list
    with threadpool_limits(limits=1):
        penalty = 1 / task.regular
        model = LogisticRegression(C=penalty, max_iter=2000).fit(matrix, came)
    # The correction goes into each part, so that the parts still sum to the log odds.
    slope, shift = task.calibration.slope, task.calibration.shift
    parts = encoding.matrix_of(test) * model.coef_[0] * slope
    base, labels = float(model.intercept_[0]) * slope + shift, encoding.labels()
    chance = chance_of(base + parts.sum(axis=1))
    return chance, lambda: [_reasons(row, base, labels) for row in parts]


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


def _boosting(train: Cells, came: Numbers, test: Cells, task: Task) -> Told:
    encoding, matrix = _encoded(train, task)
    model = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.12, max_leaf_nodes=15, random_state=task.seed
    )
    with threadpool_limits(limits=1):
        fitted = model.fit(matrix, came)
        chance = fitted.predict_proba(encoding.matrix_of(test))[:, 1]
    if task.calibration == UNCHANGED:
        return chance, list
    return chance_of(task.calibration.of_odds(log_odds(chance))), list


METHODS: dict[Method, Callable[[Cells, Numbers, Cells, Task], Told]] = {
    Method.LOGISTIC: _logistic,
    Method.BOOSTING: _boosting,
}
