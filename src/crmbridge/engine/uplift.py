"""Whom a treatment moves: the effect on each customer, where there was a control group."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from crmbridge.engine.cells import Cells
from crmbridge.engine.columns import Numbers, numbers, texts
from crmbridge.engine.encoding import fit_encoding_of
from crmbridge.engine.leaks import Leak, find_leaks
from crmbridge.engine.parameters import Scale, SegmentParameters, within
from crmbridge.engine.qini import qini, qini_by_lot
from crmbridge.records import Finding

_LEAST_UNITS, _LEAST_YES = 500, 50
_BY_CHANCE = 2.33
"""Deviations above the lot that a ranking by lot exceeds once in a hundred tries."""


class Learner(Enum):
    """How the effect on each customer is learned."""

    T = "T"
    "Two models: one of the treated, one of the control; the effect is their difference."
    DR = "DR"
    "Doubly robust (Kennedy 2020): what both models and the outcome say, regressed on the columns."


@dataclass(frozen=True, slots=True, kw_only=True)
class UpliftParameters:
    """What is learned from what.

    Args:
        arm: the column that says who was treated how; rows without are scored, not learned.
        treated: the arm whose effect is sought.
        control: the arm that got nothing.
        outcome: column of numbers >= 0, or of 0 and 1.
        columns: what to learn from, known before the arms were drawn; all others if none.
        exclude: columns known only afterwards.
        splits: half splits by which the ranking is judged, 2 to 50.
    """

    arm: str
    treated: str
    control: str
    outcome: str
    columns: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    splits: int = 5

    def __post_init__(self) -> None:
        """Check the range."""
        within("engine.uplift.splits", self.splits, 2, 50)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplift:
    """The effect on each customer, and whether it is worth choosing by it.

    Args:
        learner: the better of the two; None where nothing was learned.
        frame: `uplift` by row of the table, in units of the outcome: what the treatment adds;
            the same for everybody where there is no targeting gain.
        qini: of each learner, mean over splits, on the half it had not seen; 0 is the lot.
        by_lot: deviation of the Qini coefficients of rankings by lot.
        average: the mean effect; NaN where nothing was learned.
        verdict: what may be done with it, in a sentence.
        has_gain: the ranking is better than the lot.
    """

    learner: Learner | None
    frame: pd.DataFrame
    qini: Mapping[Learner, float]
    by_lot: float
    average: float
    verdict: str
    has_gain: bool = False
    quarantined: tuple[Leak, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """What was tried: columns, outcome and 1 for treated, by row."""

    cells: Cells
    columns: tuple[str, ...]
    came: Numbers
    treated: Numbers

    def take(self, rows: Any) -> "_Trial":
        return _Trial(
            cells=self.cells.take(rows),
            columns=self.columns,
            came=self.came[rows],
            treated=self.treated[rows],
        )


def fit_uplift(table: pd.DataFrame, parameters: UpliftParameters, seed: int = 0) -> Uplift:
    """Learn whom the treatment moves, and judge the ranking by repeated half splits.

    A column that is there only with the outcome, or named like what is known at the end, is
    quarantined. Where the ranking is no better than the lot, the verdict says "no targeting
    gain" and everybody has the average effect.
    """
    arms = np.array(texts(table, parameters.arm), dtype=object)
    came = numbers(table, parameters.outcome)
    known = np.flatnonzero(np.isin(arms, [parameters.treated, parameters.control]) & (came >= 0))
    treated = (arms[known] == parameters.treated).astype(np.float64)
    too_little = _too_little(came[known], treated)
    if too_little:
        return _nothing(table, too_little)
    columns, leaks, findings = _columns(table.take(known), came[known], parameters)
    if not columns:
        return _nothing(table, "No column is left to tell customers apart by", leaks, findings)
    cells = Cells(table)
    for column in columns:
        cells.numbers(column), cells.words(column)
    trial = _Trial(cells=cells.take(known), columns=columns, came=came[known], treated=treated)
    found, by_lot = _judge(trial, parameters, seed)
    return _judged(table, cells, trial, (found, by_lot), (leaks, findings))


def _judged(
    table: pd.DataFrame,
    cells: Cells,
    trial: _Trial,
    judged: tuple[Mapping[Learner, float], float],
    told: tuple[tuple[Leak, ...], tuple[Finding, ...]],
) -> Uplift:
    found, by_lot = judged
    best = max(found, key=lambda learner: (found[learner], learner is Learner.T))
    mean = float(trial.came[trial.treated == 1].mean() - trial.came[trial.treated == 0].mean())
    gains = bool(found[best] > _BY_CHANCE * by_lot)
    values = _LEARNERS[best](trial, cells) if gains else np.full(len(table), mean)
    return Uplift(
        learner=best,
        frame=pd.DataFrame({"uplift": values}, index=table.index),
        qini=found,
        by_lot=by_lot,
        average=mean,
        verdict=_verdict(best, found[best], by_lot, mean, gains=gains),
        has_gain=gains,
        quarantined=told[0],
        findings=told[1],
    )


def _verdict(best: Learner, value: float, by_lot: float, mean: float, *, gains: bool) -> str:
    told = f"Qini {value:.3f} ({best.value}-learner; the lot gives 0 +- {by_lot:.3f})"
    if not gains:
        return f"No targeting gain: {told}; whoever is chosen, the mean effect is {mean:+.4g}"
    return f"Targeting gains: {told}; begin with those moved most, the mean effect is {mean:+.4g}"


def _too_little(came: Numbers, treated: Numbers) -> str:
    for name, mine in (("treated", treated == 1), ("control", treated == 0)):
        units, yes = int(mine.sum()), int((came[mine] > 0).sum())
        if units < _LEAST_UNITS or yes < _LEAST_YES:
            return (
                f"{name} has {units} units with {yes} outcomes above 0: at least {_LEAST_UNITS} "
                f"with {_LEAST_YES} in each arm are needed to say whom it moves"
            )
    if np.ptp(came) == 0:
        return "The outcome is the same for each unit, so nothing moved anybody"
    return ""


def _nothing(
    table: pd.DataFrame,
    sentence: str,
    leaks: tuple[Leak, ...] = (),
    findings: tuple[Finding, ...] = (),
) -> Uplift:
    return Uplift(
        learner=None,
        frame=pd.DataFrame({"uplift": np.full(len(table), np.nan)}, index=table.index),
        qini={},
        by_lot=float("nan"),
        average=float("nan"),
        verdict=f"No uplift sought: {sentence}",
        quarantined=leaks,
        findings=findings,
    )


def _columns(
    table: pd.DataFrame, came: Numbers, parameters: UpliftParameters
) -> tuple[tuple[str, ...], tuple[Leak, ...], tuple[Finding, ...]]:
    barred = {parameters.arm, parameters.outcome, *parameters.exclude}
    named = parameters.columns or tuple(str(name) for name in table.columns)
    wanted = [name for name in named if name in table.columns and name not in barred]
    kept, leaks = find_leaks(table, wanted, (came > 0).astype(np.float64))
    _, findings = fit_encoding_of(Cells(table), _scaled(tuple(kept)))
    told = tuple(
        Finding(code="uplift.leak", example=f"{leak.field} was left out: {leak.reason}")
        for leak in leaks
    )
    return tuple(kept), leaks, (*told, *findings)


def _scaled(columns: tuple[str, ...]) -> SegmentParameters:
    return SegmentParameters(columns=columns, scale=Scale.STANDARD)


def _judge(
    trial: _Trial, parameters: UpliftParameters, seed: int
) -> tuple[dict[Learner, float], float]:
    """Mean Qini of each learner on halves it had not seen, and the deviation of the lot's."""
    found: dict[Learner, list[float]] = {learner: [] for learner in _LEARNERS}
    by_lot = 0.0
    for split in range(parameters.splits):
        rows = np.random.default_rng(seed + split).permutation(len(trial.came))
        halves = [trial.take(half) for half in np.array_split(rows, 2)]
        for learned, unseen in zip(halves, reversed(halves), strict=True):
            for learner, learn in _LEARNERS.items():
                score = learn(learned, unseen.cells)
                found[learner].append(qini(score, unseen.came, unseen.treated))
        by_lot = by_lot or qini_by_lot(halves[1].came, halves[1].treated, seed)
    return {learner: float(np.mean(values)) for learner, values in found.items()}, by_lot


def _matrices(train: Cells, columns: tuple[str, ...], test: Cells) -> tuple[Numbers, Numbers]:
    encoding, _ = fit_encoding_of(train, _scaled(columns))
    return encoding.matrix_of(train), encoding.matrix_of(test)


def _two_models(trial: _Trial, test: Cells) -> Numbers:
    matrix, wanted = _matrices(trial.cells, trial.columns, test)
    return _outcomes(matrix, trial, wanted, 1.0) - _outcomes(matrix, trial, wanted, 0.0)


def _outcomes(matrix: Numbers, trial: _Trial, wanted: Numbers, arm: float) -> Numbers:
    """The outcome expected of each wanted row, had it been in this arm."""
    mine = trial.treated == arm
    rows, came = matrix[mine], trial.came[mine]
    if np.ptp(came) == 0 or not matrix.shape[1]:
        return np.full(len(wanted), float(came.mean()))
    with threadpool_limits(limits=1):
        if set(np.unique(came)) <= {0.0, 1.0}:
            model = LogisticRegression(max_iter=1000).fit(rows, came)
            return np.asarray(model.predict_proba(wanted)[:, 1], dtype=np.float64)
        return np.asarray(Ridge().fit(rows, came).predict(wanted), dtype=np.float64)


def _doubly_robust(trial: _Trial, test: Cells) -> Numbers:
    """Each half's models judge the other half, so that no row explains itself."""
    matrix, wanted = _matrices(trial.cells, trial.columns, test)
    chance = float(trial.treated.mean())
    effects = np.zeros(len(matrix))
    halves = np.array_split(np.arange(len(matrix)), 2)
    for mine, others in zip(halves, reversed(halves), strict=True):
        learned = trial.take(others)
        with_it = _outcomes(matrix[others], learned, matrix[mine], 1.0)
        without = _outcomes(matrix[others], learned, matrix[mine], 0.0)
        treated, came = trial.treated[mine], trial.came[mine]
        seen = treated * (came - with_it) / chance - (1 - treated) * (came - without) / (1 - chance)
        effects[mine] = with_it - without + seen
    if not matrix.shape[1]:
        return np.full(len(wanted), float(effects.mean()))
    with threadpool_limits(limits=1):
        return np.asarray(Ridge(alpha=10.0).fit(matrix, effects).predict(wanted))


_LEARNERS: dict[Learner, Callable[[_Trial, Cells], Numbers]] = {
    Learner.T: _two_models,
    Learner.DR: _doubly_robust,
}
