"""Who will probably say yes: as simple a model as the data carry, judged on what came last."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from crmbridge.engine.calibration import UNCHANGED
from crmbridge.engine.cells import Cells
from crmbridge.engine.columns import Numbers, numbers, texts
from crmbridge.engine.goodness import Goodness
from crmbridge.engine.leaks import Leak, find_leaks
from crmbridge.engine.learners import METHODS, Method, Task
from crmbridge.engine.model_card import ModelCard
from crmbridge.engine.parameters import within
from crmbridge.engine.rolling import Judged, judge_methods
from crmbridge.records import Finding

__all__ = ["Method", "Propensity", "PropensityParameters", "fit_propensity", "outcome_of"]

_YES = frozenset({"yes", "true", "1", "1.0", "y", "t", "won", "converted", "responded"})
_NO = frozenset({"no", "false", "0", "0.0", "n", "f", "lost", ""})
_LEAST_POSITIVES, _MANY_POSITIVES = 50, 1000


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
        data: where the rows came from, in words, for the model card.
    """

    outcome: str
    columns: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    time: str = ""
    regular: float = 1.0
    data: str = ""

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
        card: what has to be known before it is used; to be kept with it.
        quarantined: columns that were not used, since they seem to know the outcome.
        periods: of the best method, one stretch of time after the other; none without a time.
    """

    method: Method
    frame: pd.DataFrame
    goodness: dict[Method, Goodness]
    verdict: str
    card: ModelCard
    findings: tuple[Finding, ...] = ()
    quarantined: tuple[Leak, ...] = ()
    periods: tuple[Goodness, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Learned:
    """The rows with an outcome, what may be learned from, and what was found out so far."""

    rows: pd.DataFrame
    came: Numbers
    columns: tuple[str, ...] = ()
    leaks: tuple[Leak, ...] = ()
    tried: Mapping[Method, Judged]
    card: ModelCard


def fit_propensity(
    table: pd.DataFrame, parameters: PropensityParameters, seed: int = 0
) -> Propensity:
    """Fit and judge; where there is no signal, say so and give everybody the same chance.

    Below 50 yes or no nothing is learned; from 50 logistic regression; from 1,000 yes boosted
    trees challenge it, and the better one on what came last is taken. Where there is a time, the
    chances are corrected on the latest slice if that would have helped before.
    """
    came = outcome_of(table, parameters.outcome)
    learned = _learned(table.take(np.flatnonzero(~np.isnan(came))), parameters)
    positives, rows = learned.card.positives, learned.card.rows
    if min(positives, rows - positives) < _LEAST_POSITIVES:
        sentence = (
            f"No signal sought: {positives} yes and {rows - positives} no, "
            f"and {_LEAST_POSITIVES} of each are the least; use the transparent score"
        )
        return _nobody(table, learned, sentence)
    learned = _without_leaks(learned, parameters)
    if not learned.columns:
        return _nobody(table, learned, "No signal: no column may be used")
    task = Task(columns=learned.columns, regular=parameters.regular, seed=seed)
    order = _order(learned.rows, parameters.time)
    methods = [Method.LOGISTIC, Method.BOOSTING][: 2 if positives >= _MANY_POSITIVES else 1]
    tried = judge_methods(Cells(learned.rows), learned.came, order, task, methods)
    learned = replace(learned, tried=tried)
    best = max(tried, key=lambda method: (tried[method].goodness.auc, method is Method.LOGISTIC))
    good = tried[best].goodness
    if not good.is_signal():
        sentence = f"No signal: AUC {good.auc:.3f} [{good.auc_low:.3f}, {good.auc_high:.3f}]"
        return _nobody(table, learned, sentence, best)
    return _fitted(table, learned, best, replace(task, calibration=tried[best].calibration))


def outcome_of(table: pd.DataFrame, column: str) -> Numbers:
    """1 for yes, 0 for no (an empty cell is a no), NaN for anything else."""
    values = {**dict.fromkeys(_YES, 1.0), **dict.fromkeys(_NO, 0.0)}
    return np.array([values.get(text.lower(), np.nan) for text in texts(table, column)])


def _learned(rows: pd.DataFrame, parameters: PropensityParameters) -> _Learned:
    came = outcome_of(rows, parameters.outcome)
    card = ModelCard(
        data=parameters.data,
        rows=len(rows),
        positives=int(came.sum()),
        columns=(),
        quarantined=(),
        period=_period(rows, parameters.time),
        method=Method.NONE.value,
    )
    return _Learned(rows=rows, came=came, tried={}, card=card)


def _period(rows: pd.DataFrame, time: str) -> tuple[str, str]:
    if not time or rows.empty:
        return "", ""
    if time == "row":
        return "row 1", f"row {len(rows)}"
    order = _order(rows, time)
    words = texts(rows, time)
    return ("", "") if order is None else (words[order.argmin()], words[order.argmax()])


def _without_leaks(learned: _Learned, parameters: PropensityParameters) -> _Learned:
    table = learned.rows
    named = parameters.columns or tuple(str(name) for name in table.columns)
    barred = {parameters.outcome, parameters.time, *parameters.exclude}
    wanted = [name for name in named if name in table.columns and name not in barred]
    suspects = [name for name in wanted if name not in parameters.trusted]
    kept, leaks = find_leaks(table, suspects, learned.came)
    columns = tuple(name for name in wanted if name in kept or name not in suspects)
    told = tuple((leak.field, leak.reason) for leak in leaks)
    card = replace(learned.card, columns=columns, quarantined=told)
    return replace(learned, columns=columns, leaks=leaks, card=card)


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


def _fitted(table: pd.DataFrame, learned: _Learned, best: Method, task: Task) -> Propensity:
    chance, reasons = METHODS[best](Cells(learned.rows), learned.came, Cells(table), task)
    frame = pd.DataFrame({"chance": chance}, index=table.index)
    frame["reasons"] = pd.Series(reasons() or [()] * len(table), index=table.index, dtype=object)
    judged = learned.tried[best]
    return _propensity(learned, best, frame, _verdict(judged.goodness, judged.periods))


def _nobody(
    table: pd.DataFrame, learned: _Learned, sentence: str, judged: Method = Method.NONE
) -> Propensity:
    """Everybody has the share of all, whatever was tried."""
    share = float(learned.came.mean()) if len(learned.came) else 0.0
    frame = pd.DataFrame({"chance": share}, index=table.index)
    frame["reasons"] = pd.Series([()] * len(table), index=table.index, dtype=object)
    card = replace(learned.card, refused=(sentence,))
    found = _propensity(replace(learned, card=card), judged, frame, sentence)
    return replace(found, method=Method.NONE, card=replace(found.card, method=Method.NONE.value))


def _propensity(learned: _Learned, best: Method, frame: pd.DataFrame, verdict: str) -> Propensity:
    judged = learned.tried.get(best)
    return Propensity(
        method=best,
        frame=frame,
        goodness={method: one.goodness for method, one in learned.tried.items()},
        verdict=verdict,
        card=_card(learned, best, judged),
        findings=_leak_findings(learned.leaks),
        quarantined=learned.leaks,
        periods=judged.periods if judged else (),
    )


def _card(learned: _Learned, best: Method, judged: Judged | None) -> ModelCard:
    if judged is None:
        return learned.card
    good = judged.goodness
    return replace(
        learned.card,
        method=best.value,
        auc=good.auc,
        lift=good.lift,
        calibration_error=good.calibration_error,
        calibrated=judged.calibration != UNCHANGED,
        last=judged.periods[-1] if judged.periods else None,
        refused=(*learned.card.refused, *_not_boosted(learned, best)),
    )


def _not_boosted(learned: _Learned, best: Method) -> tuple[str, ...]:
    boosted, positives = learned.tried.get(Method.BOOSTING), learned.card.positives
    if best is Method.BOOSTING:
        return ()
    if boosted is None:
        told = f"Boosted trees were not tried: {positives} yes, {_MANY_POSITIVES} are the least"
        return (told,)
    return (f"Boosted trees ranked no better: AUC {boosted.goodness.auc:.3f}",)


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
