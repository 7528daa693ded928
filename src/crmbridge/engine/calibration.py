"""Chances made honest on what came last: a shift and a stretch of the log odds (Platt 1999)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from crmbridge.engine.columns import Numbers

_LATEST, _LEAST = 2, 20
"""Stretches that are the latest slice, and outcomes of either kind it must hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """log odds -> slope x log odds + shift; slope > 0, so that no ranking changes."""

    slope: float
    shift: float

    def of_odds(self, odds: Numbers) -> Numbers:
        """The calibrated log odds."""
        return np.asarray(self.slope * odds + self.shift, dtype=np.float64)


UNCHANGED = Calibration(slope=1.0, shift=0.0)


def log_odds(chance: Numbers) -> Numbers:
    """Chances as log odds; 0 and 1 stay finite."""
    inside = np.clip(chance, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(inside / (1 - inside)), dtype=np.float64)


def chance_of(odds: Numbers) -> Numbers:
    """Log odds as chances."""
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))), dtype=np.float64)


def calibrate(
    chance: Numbers, came: Numbers, stretches: Sequence[Any]
) -> tuple[Numbers, Calibration]:
    """Correct each stretch by the two before it, if that would have helped in all.

    Isotonic steps were tried, too: they left the Bank's chances further off (.063 against .038
    with boosted trees), and with them reasons no longer sum to the log odds.

    Args:
        chance: foretold by models that had not seen the row; NaN where none was.
        stretches: rows of each stretch of time, oldest first.

    Returns:
        the chances corrected, and the correction for what comes next, fitted on the latest
        slice. Chances as they are, and `UNCHANGED`, where the correction would not have brought
        them nearer to what came (log loss), or the slice is too small.
    """
    odds, corrected = log_odds(chance), chance.copy()
    for at in range(1, len(stretches)):
        found = _fitted(odds, came, stretches[max(0, at - _LATEST) : at])
        corrected[stretches[at]] = chance_of(found.of_odds(odds[stretches[at]]))
    seen = ~np.isnan(chance)
    if not seen.any() or _loss(corrected[seen], came[seen]) >= _loss(chance[seen], came[seen]):
        return chance, UNCHANGED
    return corrected, _fitted(odds, came, stretches[-_LATEST:])


def _fitted(odds: Numbers, came: Numbers, stretches: Sequence[Any]) -> Calibration:
    rows = np.concatenate(stretches)
    rows = rows[~np.isnan(odds[rows])]
    yes = came[rows].sum()
    if min(yes, len(rows) - yes) < _LEAST:
        return UNCHANGED
    model = LogisticRegression(C=100.0).fit(odds[rows].reshape(-1, 1), came[rows])
    slope, shift = float(model.coef_[0, 0]), float(model.intercept_[0])
    return Calibration(slope=slope, shift=shift) if slope > 0 else UNCHANGED


def _loss(chance: Numbers, came: Numbers) -> float:
    inside = np.clip(chance, 1e-9, 1 - 1e-9)
    return -float((came * np.log(inside) + (1 - came) * np.log(1 - inside)).mean())
