"""How much customers spend on an order: the gamma-gamma model of Fader and Hardie (2013)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import gammaln

from crmbridge.engine.columns import Numbers
from crmbridge.engine.likelihood import most_likely

_STARTS = ((0.0, 0.0, 0.0), (1.5, 1.0, 2.0), (2.0, 1.0, 4.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """A fitted gamma-gamma model: the mean order varies over customers, not over time."""

    p: float
    q: float
    v: float
    customers: int


def fit_spending(summary: pd.DataFrame) -> Spending | None:
    """Maximum likelihood over customers with repeats of an amount above 0.

    None for fewer than two such customers, or if all spend the same.

    Args:
        summary: `repeats` and `amount_mean`.
    """
    x, mean = (summary[name].to_numpy(float) for name in ("repeats", "amount_mean"))
    usable = np.isfinite(x) & np.isfinite(mean) & (x > 0) & (mean > 0)
    x, mean = x[usable], mean[usable]
    if len(x) < 2 or np.ptp(mean) == 0:
        return None
    scale = float(mean.mean()) / 10
    best, _ = most_likely(lambda values: _loss(values, x, mean / scale), _STARTS)
    p, q, v = (float(value) for value in best)
    return Spending(p=p, q=q, v=v * scale, customers=len(x))


def _loss(values: Numbers, x: Numbers, mean: Numbers) -> float:
    p, q, v = values
    shape = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
    rest = (p * x - 1) * np.log(mean) + p * x * np.log(x) - (p * x + q) * np.log(x * mean + v)
    return -float((shape + rest).mean())


def expected_amount(model: Spending, summary: pd.DataFrame) -> Numbers:
    """Mean amount expected of each customer's coming orders: its own, drawn to everybody's.

    The fewer repeats, the nearer to the mean of all; NaN where q <= 1, since then there is none.
    """
    repeats = np.nan_to_num(summary["repeats"].to_numpy(float))
    mean = np.nan_to_num(summary["amount_mean"].to_numpy(float))
    repeats = np.where(mean > 0, repeats, 0.0)
    below = model.p * repeats + model.q - 1
    above = model.p * (model.v + repeats * mean)
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan)
