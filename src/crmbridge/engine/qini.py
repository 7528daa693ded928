"""How much better a ranking by uplift is than a ranking by lot (Radcliffe 2007)."""

import numpy as np

from crmbridge.engine.columns import Numbers

_LOTS = 100


def qini(score: Numbers, came: Numbers, treated: Numbers) -> float:
    """Qini coefficient: the area between a ranking's curve and the lot's, over the best possible.

    The curve is what the k ranked highest gained by being treated: the outcomes of the treated
    among them less those of the untreated, made as many. 1 is a ranking by hindsight, 0 the lot.

    Args:
        score: the higher, the sooner to be treated; ties in row order.
        came: outcome of each row, >= 0.
        treated: 1 or 0 for each row.

    Returns:
        0 where one of the arms is empty or nothing can be gained.
    """
    best = _area(came * treated - came * (1 - treated), came, treated)
    return _area(score, came, treated) / best if best > 0 else 0.0


def _area(score: Numbers, came: Numbers, treated: Numbers) -> float:
    order = np.argsort(-score, kind="stable")
    yes, mine = came[order], treated[order]
    ours, others = np.cumsum(mine), np.cumsum(1 - mine)
    if not len(order) or not ours[-1] or not others[-1]:
        return 0.0
    share = np.divide(ours, others, out=np.zeros(len(order)), where=others > 0)
    gained = np.concatenate([[0.0], np.cumsum(yes * mine) - np.cumsum(yes * (1 - mine)) * share])
    return float(gained.mean() - gained[-1] / 2)


def qini_by_lot(came: Numbers, treated: Numbers, seed: int) -> float:
    """Standard deviation of the Qini coefficients of rankings by lot: what chance alone gives."""
    generator = np.random.default_rng(seed)
    draws = [qini(generator.random(len(came)), came, treated) for _ in range(_LOTS)]
    return float(np.std(draws))
