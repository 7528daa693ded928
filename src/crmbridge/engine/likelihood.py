"""The most likely parameters of a model, searched for on a logarithmic scale."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize

from crmbridge.engine.columns import Numbers

LIMIT = 12.0
"""Bound of a parameter's logarithm: beyond it likelihoods are flat."""


def most_likely(
    loss: Callable[[Numbers], float], starts: Sequence[Sequence[float]]
) -> tuple[Numbers, float]:
    """Parameters with the least loss, and that loss.

    Args:
        loss: mean negative log-likelihood of parameters, all above 0.
        starts: logarithms to begin from; the best of all is taken.
    """

    def of_logs(logs: Numbers) -> float:
        return loss(np.exp(np.clip(logs, -LIMIT, LIMIT)))

    # Gradients first, since they are quick; they stop early where the likelihood is flat, and
    # the simplex goes on from there.
    bounds = [(-LIMIT, LIMIT)] * len(starts[0])
    found = [minimize(of_logs, np.array(start), bounds=bounds) for start in starts]
    best = min(found, key=lambda result: float(result.fun))
    last = minimize(
        of_logs,
        best.x,
        method="Nelder-Mead",
        options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 4000, "maxfev": 4000},
    )
    return np.exp(np.clip(last.x, -LIMIT, LIMIT)), float(last.fun)
