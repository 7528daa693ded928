"""How good predicted chances are: ranking, lift and honesty."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from crmbridge.engine.columns import Numbers

_BINS = 10
_BY_CHANCE = 3.09
"""Standard errors above .5 that chance exceeds once in a thousand tries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodness:
    """How well chances agreed with what came.

    Args:
        auc: the chance that one who said yes was ranked above one who did not; 0.5 is no signal.
        auc_low, auc_high: its 95 % interval (Hanley and McNeil 1982).
        lift: share of yes in the tenth ranked highest, over the share in all.
        top_half: share of all yes that the half ranked highest holds.
        alift: mean, over all shares called, of the share of all yes that they hold; 0.5 by chance.
        calibration_error: mean distance of chance and share of yes over ten groups of equal size.
        rows, positives: what it was measured on.
    """

    auc: float
    auc_low: float
    auc_high: float
    lift: float
    top_half: float
    alift: float
    calibration_error: float
    rows: int
    positives: int

    def is_signal(self) -> bool:
        """Whether so good a ranking comes by chance in less than one of a thousand tries."""
        error = (self.auc_high - self.auc) / 1.96 if self.auc_high < 1 else 0.0
        return self.auc - _BY_CHANCE * error > 0.5


def measure(came: Numbers, chance: Numbers) -> Goodness | None:
    """Measure chances against outcomes of 0 and 1; None unless both outcomes came."""
    positives, rows = int(came.sum()), len(came)
    if not 0 < positives < rows:
        return None
    auc = float(roc_auc_score(came, chance))
    margin = 1.96 * _auc_error(auc, positives, rows - positives)
    order = np.argsort(-chance, kind="stable")
    ranked = came[order]
    top = ranked[: max(1, round(rows / 10))]
    return Goodness(
        auc=auc,
        auc_low=max(0.0, auc - margin),
        auc_high=min(1.0, auc + margin),
        lift=float(top.mean() / came.mean()),
        top_half=float(ranked[: rows // 2].sum() / positives),
        alift=float((np.cumsum(ranked) / positives).mean()),
        calibration_error=_calibration_error(came[order], chance[order]),
        rows=rows,
        positives=positives,
    )


def _auc_error(auc: float, positives: int, negatives: int) -> float:
    above, below = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc)
    variance += (positives - 1) * (above - auc**2) + (negatives - 1) * (below - auc**2)
    return float(np.sqrt(max(variance, 0.0) / (positives * negatives)))


def _calibration_error(came: Numbers, chance: Numbers) -> float:
    groups = zip(np.array_split(came, _BINS), np.array_split(chance, _BINS), strict=True)
    gaps = [(len(a), abs(float(a.mean() - b.mean()))) for a, b in groups if len(a)]
    return sum(size * gap for size, gap in gaps) / len(came)
