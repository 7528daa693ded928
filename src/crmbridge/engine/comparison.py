"""The difference of two arms: estimate, interval, p-value, power."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from scipy import stats

from crmbridge.engine.columns import Numbers


class Variance(Enum):
    """What is assumed of the arms' variances."""

    WELCH = "welch"
    "Nothing: each arm has its own (Welch 1947). With unequal ones the other has 13 % false alarms."
    POOLED = "pooled"
    "That they are equal; only on request."


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One arm: units, mean and standard deviation (n - 1; NaN for fewer than two units)."""

    units: int
    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Numbers) -> "Sample":
        """The sample of finite values; of none at all it has mean NaN."""
        units = len(values)
        mean = float(values.mean()) if units else float("nan")
        deviation = float(values.std(ddof=1)) if units > 1 else float("nan")
        return cls(units=units, mean=mean, deviation=deviation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What one arm has more than another.

    Args:
        low, high: ends of the confidence interval.
        p: two-sided; not corrected for the number of arms.
        relative: difference over the other's mean; NaN where that is 0.
        error: standard error; `freedom`: its degrees of freedom.
        detectable: the difference that would be found with 80 % power.
    """

    estimate: float
    low: float
    high: float
    p: float
    relative: float
    error: float
    freedom: float
    detectable: float


def compare(
    treated: Sample, control: Sample, confidence: float = 0.95, variance: Variance = Variance.WELCH
) -> Difference | None:
    """The difference of two means; None where an arm has fewer than two units.

    Where no value varies in either arm, the interval is the estimate itself and p is 1 for equal
    means, else 0.
    """
    if min(treated.units, control.units) < 2:
        return None
    estimate = treated.mean - control.mean
    found = standard_error(
        (treated.deviation**2, control.deviation**2), (treated.units, control.units), variance
    )
    error, freedom = float(found[0]), float(found[1])
    margin = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
    relative = estimate / abs(control.mean) if control.mean else float("nan")
    return Difference(
        estimate=estimate,
        low=estimate - margin,
        high=estimate + margin,
        p=float(p_value(estimate, error, freedom)),
        relative=relative,
        error=error,
        freedom=freedom,
        detectable=detectable(error, freedom, confidence),
    )


Many = float | Numbers
"""A number, or one for each of many experiments."""


def standard_error(
    squares: tuple[Many, Many], units: tuple[Many, Many], variance: Variance = Variance.WELCH
) -> tuple[Numbers, Numbers]:
    """The standard error of a difference of means and its degrees of freedom, for one or many.

    Args:
        squares: variances of the two arms (n - 1).
        units: units in the two arms, at least 2.
    """
    first, second = (np.asarray(square, dtype=np.float64) for square in squares)
    ones, others = (np.asarray(count, dtype=np.float64) for count in units)
    freedom = ones + others - 2
    if variance is Variance.POOLED:
        pooled = (first * (ones - 1) + second * (others - 1)) / freedom
        return np.sqrt(pooled * (1 / ones + 1 / others)), freedom + 0.0 * pooled
    total = first / ones + second / others
    inner = (first / ones) ** 2 / (ones - 1) + (second / others) ** 2 / (others - 1)
    varies = inner > 0
    own = np.where(varies, total**2 / np.where(varies, inner, 1.0), freedom)  # Satterthwaite
    return np.sqrt(total), own


def p_value(estimate: Many, error: Many, freedom: Many) -> Numbers:
    """Two-sided p by Student's t, for one or many; without an error 1 for no difference, else 0."""
    estimates, errors = np.broadcast_arrays(np.abs(estimate), np.asarray(error, dtype=np.float64))
    ratio = np.where(estimates == 0, 0.0, np.inf)
    np.divide(estimates, errors, out=ratio, where=errors > 0)
    return np.asarray(2 * stats.t.sf(ratio, freedom), dtype=np.float64)


def detectable(error: float, freedom: float, confidence: float, power: float = 0.8) -> float:
    """The difference that a test with this standard error finds with this power."""
    tail, found = stats.t.ppf((1 + confidence) / 2, freedom), stats.t.ppf(power, freedom)
    return float((tail + found) * error)


def power_of(difference: float, error: float, freedom: float, confidence: float = 0.95) -> float:
    """The chance that a true difference is found, by the noncentral t distribution."""
    if error == 0:
        return 1.0 if difference else 1 - confidence
    bound = stats.t.ppf((1 + confidence) / 2, freedom)
    centre = abs(difference) / error
    above = stats.nct.sf(bound, freedom, centre)
    return float(above + stats.nct.cdf(-bound, freedom, centre))


def units_needed(
    difference: float, deviation: float, confidence: float = 0.95, power: float = 0.8
) -> int:
    """Units in each of two equal arms that find a difference with this power, at least 2.

    Args:
        difference: the smallest one that matters; not 0.
        deviation: standard deviation of the outcome, the same in both arms; for a rate r it is
            sqrt(r (1 - r)).
    """
    tail, found = stats.norm.ppf((1 + confidence) / 2), stats.norm.ppf(power)
    units = max(2, int(np.ceil(2 * ((tail + found) * deviation / difference) ** 2)))
    while power_of(difference, deviation * np.sqrt(2 / units), 2 * units - 2, confidence) < power:
        units += 1
    return units


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number (Holm 1979), in the same order, at most 1."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    corrected, least = [0.0] * len(p_values), 0.0
    for rank, at in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[at]))
        corrected[at] = least
    return corrected


def sample_ratio_p(counts: Sequence[int], shares: Sequence[float]) -> float:
    """How likely so uneven a filling of the arms is by chance (chi-squared).

    Args:
        counts: units found in each arm.
        shares: what was planned, in the same order; they need not sum to 1.

    Returns:
        below 0.001 something other than chance filled the arms, and no result is to be trusted.
        1 for fewer than two arms or no units.
    """
    total, planned = sum(counts), sum(shares)
    if len(counts) < 2 or not total or planned <= 0 or min(shares) <= 0:
        return 1.0
    return float(sample_ratio_ps(np.array([counts]), np.array(shares) / planned)[0])


def sample_ratio_ps(counts: Numbers, shares: Numbers) -> Numbers:
    """The same of many experiments at once.

    Args:
        counts: one row per experiment, one column per arm, no row empty.
        shares: of each arm, above 0; they sum to 1.
    """
    expected = counts.sum(axis=1, keepdims=True) * shares
    squares = ((counts - expected) ** 2 / expected).sum(axis=1)
    return np.asarray(stats.chi2.sf(squares, len(shares) - 1), dtype=np.float64)
