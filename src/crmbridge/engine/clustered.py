"""The difference of two arms whose units belong to clusters that make them alike."""

import numpy as np
import pandas as pd
from scipy import stats

from crmbridge.engine.comparison import Difference, detectable
from crmbridge.engine.units import Units


def compare_clustered(
    units: Units, arms: tuple[str, str], confidence: float = 0.95
) -> Difference | None:
    """The first arm's mean less the second's, with errors that hold within clusters.

    The sandwich estimate of least squares on the arm (Liang and Zeger 1986), with the usual
    correction for few clusters and as many degrees of freedom as clusters less one. A cluster
    may have units in both arms.

    Returns:
        None where an arm has fewer than two clusters: nothing is known of how they scatter.
    """
    frame = pd.DataFrame({"arm": units.arms, "cluster": units.clusters, "value": units.values})
    frame = frame[frame["arm"].isin(arms)]
    if any(frame.loc[frame["arm"] == arm, "cluster"].nunique() < 2 for arm in arms):
        return None
    means = frame.groupby("arm")["value"].mean()
    sizes = frame.groupby("arm").size()
    sign = np.where(frame["arm"] == arms[0], 1.0, -1.0)
    away = frame["value"] - frame["arm"].map(means)
    influence = pd.Series(sign, index=frame.index) * away / frame["arm"].map(sizes)
    shares = influence.groupby(frame["cluster"]).sum()
    count, rows = len(shares), len(frame)
    few = count / (count - 1) * (rows - 1) / max(rows - 2, 1)
    error = float(np.sqrt(few * (shares**2).sum()))
    return _difference(float(means[arms[0]]), float(means[arms[1]]), error, count - 1, confidence)


def _difference(
    treated: float, control: float, error: float, freedom: float, confidence: float
) -> Difference:
    estimate = treated - control
    margin = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
    certain = 1.0 if estimate == 0 else 0.0
    p_value = float(2 * stats.t.sf(abs(estimate) / error, freedom)) if error > 0 else certain
    return Difference(
        estimate=estimate,
        low=estimate - margin,
        high=estimate + margin,
        p=p_value,
        relative=estimate / abs(control) if control else float("nan"),
        error=error,
        freedom=freedom,
        detectable=detectable(error, freedom, confidence),
    )
