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
    error, freedom = _error(treated, control, variance)
    margin = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
    relative = estimate / abs(control.mean) if control.mean else float("nan")
    return Difference(
        estimate=estimate,
        low=estimate - margin,
        high=estimate + margin,
        p=_p_value(estimate, error, freedom),
        relative=relative,
        error=error,
        freedom=freedom,
        detectable=detectable(error, freedom, confidence),
    )


def _error(treated: Sample, control: Sample, variance: Variance) -> tuple[float, float]:
    squares = (treated.deviation**2, control.deviation**2)
    units = (treated.units, control.units)
    freedom = float(sum(units) - 2)
    if variance is Variance.POOLED:
        pooled = sum(s * (n - 1) for s, n in zip(squares, units, strict=True)) / freedom
        return float(np.sqrt(pooled * sum(1 / n for n in units))), freedom
    shares = [s / n for s, n in zip(squares, units, strict=True)]
    total = sum(shares)
    if total > 0:  # Welch-Satterthwaite
        freedom = total**2 / sum(s**2 / (n - 1) for s, n in zip(shares, units, strict=True))
    return float(np.sqrt(total)), freedom


def _p_value(estimate: float, error: float, freedom: float) -> float:
    if error == 0:
        return 1.0 if estimate == 0 else 0.0
    return float(2 * stats.t.sf(abs(estimate) / error, freedom))


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
    expected = [total * share / planned for share in shares]
    return float(stats.chisquare(counts, expected).pvalue)


def always_valid_p(estimate: float, error: float, spread: float) -> float:
    """A p-value that may be looked at as often as one likes (mixture SPRT, Robbins 1970).

    Args:
        error: standard error of the estimate at this look.
        spread: standard deviation of the effects that are thought possible, stated beforehand;
            above 0.

    Returns:
        for this look; the least over all looks so far is what counts.
    """
    if error == 0:
        return 1.0 if estimate == 0 else 0.0
    noise, prior = error**2, spread**2
    ratio = np.sqrt(noise / (noise + prior))
    exponent = prior * estimate**2 / (2 * noise * (noise + prior))
    return float(min(1.0, np.exp(-min(exponent, 700.0)) / ratio))
