"""Cluster indices: how compact, how far apart. They compare k within one space, never two spaces.

Noise (-1) is no cluster: its samples enter no index.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from osler.measure.agreement import NOISE
from osler.measure.ranking import Floats

BLOCK = 1024  # rows of a distance matrix that are read at a time


@dataclass(frozen=True)
class ClusterIndices:
    """Indices of one partition.

    Attributes:
        silhouette_micro: mean over samples, -1..1 (Rousseeuw 1987).
        silhouette_macro: mean of the cluster means, so that a large cluster does not drown a small one
            (arXiv 2401.05831).
        davies_bouldin: mean similarity of each cluster to its nearest, 0 is best (Davies, Bouldin 1979).
        calinski_harabasz: variance between over variance within, high is good (Calinski, Harabasz 1974).
    """

    silhouette_micro: float
    silhouette_macro: float
    davies_bouldin: float
    calinski_harabasz: float


def silhouettes(X: ArrayLike, cluster: ArrayLike, *, metric: str = "euclidean") -> Floats:
    """Silhouette of each sample, [n].

    Args:
        X: points [n, p], or distances [n, n] when metric is "precomputed".
        cluster: cluster of each sample, [n]; at least 2 and at most n - 1 distinct.
        metric: a distance known to scikit-learn.
    """
    from sklearn.metrics import silhouette_samples

    return np.asarray(silhouette_samples(X, np.asarray(cluster), metric=metric), dtype=np.float64)


def distance_silhouettes(distances: Any, cluster: ArrayLike) -> Floats:
    """Silhouette of each sample from a distance matrix that is read in blocks of rows, [n].

    The copy in memory is one block, so that a matrix of float32 or one mapped from a file is never copied
    whole. 0 for the only sample of a cluster (as Rousseeuw 1987), NaN for noise and where there is one
    cluster.

    Args:
        distances: symmetric [n, n], any float type.
        cluster: cluster of each sample, int [n], -1 noise.

    Examples:
        >>> x = np.array([0.0, 1.0, 10.0, 11.0])
        >>> distance_silhouettes(abs(x[:, None] - x[None, :]), [0, 0, 1, 1]).round(3).tolist()
        [0.905, 0.895, 0.895, 0.905]
    """
    labels = np.asarray(cluster)
    value = np.full(len(labels), np.nan)
    kept = labels != NOISE
    names, place = np.unique(labels[kept], return_inverse=True)
    if len(names) < 2:
        return value
    member = np.zeros((len(labels), len(names)))
    member[np.flatnonzero(kept), place] = 1.0
    size = member.sum(axis=0)
    own = np.where(kept, member.argmax(axis=1), 0)
    for start in range(0, len(labels), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(labels)))
        total = np.asarray(distances[rows[0] : rows[-1] + 1], dtype=np.float64) @ member
        at = np.arange(len(rows)), own[rows]
        within = total[at] / np.maximum(size[own[rows]] - 1, 1)
        mean = total / size
        mean[at] = np.inf
        nearest = mean.min(axis=1)
        larger = np.maximum(within, nearest)
        apart = np.divide(nearest - within, larger, out=np.zeros(len(rows)), where=larger > 0)
        value[rows] = np.where(size[own[rows]] > 1, apart, 0.0)
    value[~kept] = np.nan
    return value


def macro_mean(value: ArrayLike, cluster: ArrayLike) -> float:
    """Mean of the cluster means.

    Args:
        value: one number per sample, [n].
        cluster: cluster of each sample, [n].

    Examples:
        >>> macro_mean([1.0, 1.0, 1.0, 0.0], [0, 0, 0, 1])
        0.5
    """
    _, position = np.unique(np.asarray(cluster), return_inverse=True)
    values = np.asarray(value, dtype=np.float64)
    return float((np.bincount(position, values) / np.bincount(position)).mean())


def cluster_indices(X: ArrayLike, cluster: ArrayLike) -> ClusterIndices:
    """All indices of one partition in Euclidean space; NaN with fewer than 2 or more than n - 1 clusters.

    Args:
        X: points, [n, p].
        cluster: cluster of each sample, [n], -1 noise.
    """
    from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

    labels = np.asarray(cluster)
    if (labels == NOISE).any():
        X, labels = np.asarray(X)[labels != NOISE], labels[labels != NOISE]
    if not 2 <= len(np.unique(labels)) <= len(labels) - 1:
        return ClusterIndices(*[float("nan")] * 4)
    value = silhouettes(X, labels)
    return ClusterIndices(
        float(value.mean()),
        macro_mean(value, labels),
        float(davies_bouldin_score(X, labels)),
        float(calinski_harabasz_score(X, labels)),
    )
