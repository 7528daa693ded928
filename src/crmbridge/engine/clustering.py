"""How many clusters the data admit, and the clusters themselves (k-means)."""

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import threadpool_limits

from crmbridge.engine.columns import Numbers
from crmbridge.engine.parameters import SegmentParameters

_SAMPLE = 4000
"""Rows on which stability and silhouette are judged; both are quadratic or repeated work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What was measured for one number of clusters.

    Args:
        smallest_share: share of rows in the smallest cluster.
        stability: mean adjusted Rand index between the clusters and those of bootstrap samples;
            NaN where the smallest cluster already ruled the number out.
        silhouette: mean silhouette, -1 to 1.
    """

    clusters: int
    smallest_share: float
    stability: float
    silhouette: float
    admitted: bool


def centers_of(matrix: Numbers, clusters: int, seed: int) -> Numbers:
    """Centres of k-means with ten starts, as scikit-learn finds them for this row order."""
    return _k_means(matrix, clusters, 10, seed)


def _k_means(matrix: Numbers, clusters: int, starts: int, seed: int) -> Numbers:
    # One thread: on a busy machine a thread per core made this ten times slower, and the sums
    # of one thread are the same on every machine.
    with threadpool_limits(limits=1):
        model = KMeans(n_clusters=clusters, n_init=starts, random_state=seed).fit(matrix)
    return np.asarray(model.cluster_centers_, dtype=np.float64)


def distances(matrix: Numbers, centers: Numbers) -> Numbers:
    """Euclidean distance of each row to each centre."""
    squares = [((matrix - center) ** 2).sum(axis=1) for center in centers]
    return np.asarray(np.sqrt(np.column_stack(squares)), dtype=np.float64)


def try_numbers(matrix: Numbers, parameters: SegmentParameters, seed: int) -> list[Trial]:
    """Judge each number of clusters from 2 to `parameters.largest` that has rows enough."""
    matrix = _sampled(matrix, seed)
    most = min(parameters.largest, len(np.unique(matrix, axis=0)) - 1)
    return [_try(matrix, k, parameters, seed) for k in range(2, most + 1)]


def try_number(matrix: Numbers, parameters: SegmentParameters, seed: int, clusters: int) -> Trial:
    """Judge one number of clusters, at least 2 and below the number of different rows."""
    return _try(_sampled(matrix, seed), clusters, parameters, seed)


def _sampled(matrix: Numbers, seed: int) -> Numbers:
    if len(matrix) <= _SAMPLE:
        return matrix
    chosen = np.random.default_rng(seed).choice(len(matrix), _SAMPLE, replace=False)
    return np.asarray(matrix[np.sort(chosen)], dtype=np.float64)


def best(trials: list[Trial]) -> Trial | None:
    """The admitted trial of the best silhouette; the fewer clusters at a tie."""
    admitted = [trial for trial in trials if trial.admitted]
    return max(admitted, key=lambda trial: (trial.silhouette, -trial.clusters), default=None)


def _try(matrix: Numbers, clusters: int, parameters: SegmentParameters, seed: int) -> Trial:
    labels = distances(matrix, centers_of(matrix, clusters, seed)).argmin(axis=1)
    smallest = float(np.bincount(labels, minlength=clusters).min() / len(matrix))
    enough = smallest >= parameters.smallest_share
    stability = _stability(matrix, labels, clusters, parameters, seed) if enough else np.nan
    return Trial(
        clusters=clusters,
        smallest_share=smallest,
        stability=stability,
        silhouette=float(silhouette_score(matrix, labels)),
        admitted=bool(enough and stability >= parameters.stability),
    )


def _stability(
    matrix: Numbers,
    labels: np.ndarray[tuple[int], np.dtype[np.int64]],
    clusters: int,
    parameters: SegmentParameters,
    seed: int,
) -> float:
    generator = np.random.default_rng(seed)
    scores = []
    for draw in range(parameters.bootstraps):
        rows = generator.integers(0, len(matrix), len(matrix))
        centers = _k_means(matrix[rows], clusters, 3, seed + draw)
        again = distances(matrix, centers).argmin(axis=1)
        scores.append(adjusted_rand_score(labels, again))
    return float(np.mean(scores))
