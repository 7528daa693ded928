"""Why a score is what it is: exact shares of its parts, in plain words."""

from collections.abc import Sequence
from itertools import combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

from crmbridge.records import Reason

Matrix = NDArray[np.float64]


def geometric_mean(parts: Matrix, weights: Matrix) -> Matrix:
    """Weighted geometric mean of each row; parts in [0, 1], weights >= 0 and not all 0."""
    powers = np.power(parts, weights / weights.sum())
    return np.asarray(powers.prod(axis=1), dtype=np.float64)


def exact_shares(parts: Matrix, neutral: float, weights: Matrix) -> Matrix:
    """Each part's share in the score, as its exact Shapley value (Shapley 1953).

    A part's share is its mean effect on the score over all orders in which the parts can be
    moved from `neutral` to their values, so that equal parts get equal shares, a part at
    `neutral` gets 0, and the shares sum to the score less the score of a neutral customer.
    With four parts all sixteen subsets are computed; nothing is sampled.

    Args:
        parts: one row per customer, one column per part, in [0, 1].

    Returns:
        the shares, in the shape of `parts`.
    """
    count = parts.shape[1]
    shares = np.zeros_like(parts)
    for part in range(count):
        others = [other for other in range(count) if other != part]
        for size in range(count):
            weight = factorial(size) * factorial(count - size - 1) / factorial(count)
            for subset in combinations(others, size):
                gain = _score_of(parts, neutral, weights, (*subset, part))
                gain -= _score_of(parts, neutral, weights, subset)
                shares[:, part] += weight * gain
    return shares


def _score_of(parts: Matrix, neutral: float, weights: Matrix, known: Sequence[int]) -> Matrix:
    mixed = np.full_like(parts, neutral)
    mixed[:, list(known)] = parts[:, list(known)]
    return geometric_mean(mixed, weights)


def reasons_text(reasons: Sequence[Reason], limit: int = 255) -> str:
    """The reasons as one line for a CRM field, strongest first, whole reasons only.

    A sign says which way a reason works; its weight is left out, since it changes every day and
    would have the line written every day.

    Args:
        limit: most characters; >= 1. A first reason that is longer is cut with an ellipsis.
    """
    line = ""
    for reason in sorted(reasons, key=lambda item: (-abs(item.weight), item.code)):
        if reason.code == "base" or not reason.weight:
            continue
        longer = f"{line}; {_signed(reason)}" if line else _signed(reason)
        if len(longer) > limit:
            break
        line = longer
    return line or _shortened(reasons, limit)


def _shortened(reasons: Sequence[Reason], limit: int) -> str:
    told = [reason for reason in reasons if reason.code != "base" and reason.weight]
    if not told:
        return ""
    text = _signed(max(told, key=lambda item: abs(item.weight)))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _signed(reason: Reason) -> str:
    return f"{'+' if reason.weight > 0 else '−'} {reason.text}"
