"""Looking at an experiment as often as one likes: the mixture sequential test (Robbins 1970)."""

from dataclasses import replace

import numpy as np

from crmbridge.engine.columns import Numbers
from crmbridge.engine.comparison import Difference, Many


def always_valid_p(estimate: float, error: float, spread: float) -> float:
    """A p-value that may be looked at as often as one likes.

    Args:
        error: standard error of the estimate at this look.
        spread: standard deviation of the effects that are thought possible, stated beforehand;
            above 0.

    Returns:
        for this look; the least over all looks so far is what counts.
    """
    return float(always_valid_ps(estimate, error, spread))


def always_valid_ps(estimate: Many, error: Many, spread: float) -> Numbers:
    """The same of many looks at once."""
    noise, prior = np.asarray(error, dtype=np.float64) ** 2, spread**2
    some = np.where(noise > 0, noise, 1.0)
    exponent = prior * np.asarray(estimate) ** 2 / (2 * some * (some + prior))
    found = np.minimum(1.0, np.exp(-np.minimum(exponent, 700.0)) * np.sqrt((some + prior) / some))
    return np.where(noise > 0, found, np.where(np.asarray(estimate) == 0, 1.0, 0.0))


def made_sequential(found: Difference, spread: float, confidence: float) -> Difference:
    """The same difference with a p-value and an interval that hold at every look.

    The interval holds all effects that the test would not reject; it is wider than one that is
    looked at once, and the p-value larger: that is the price of stopping early.
    """
    noise, prior = found.error**2, spread**2
    if noise == 0:
        return found
    bound = 2 * np.log(1 / (1 - confidence)) + np.log((noise + prior) / noise)
    margin = float(np.sqrt(noise * (noise + prior) / prior * bound))
    return replace(
        found,
        low=found.estimate - margin,
        high=found.estimate + margin,
        p=always_valid_p(found.estimate, found.error, spread),
    )
