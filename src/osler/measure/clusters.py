"""Cluster indices: how compact, how far apart. They compare k within one space, never two spaces."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from osler.measure.ranking import Floats


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
        cluster: cluster of each sample, [n].
    """
    from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

    labels = np.asarray(cluster)
    if not 2 <= len(np.unique(labels)) <= len(labels) - 1:
        return ClusterIndices(*[float("nan")] * 4)
    value = silhouettes(X, labels)
    return ClusterIndices(
        float(value.mean()),
        macro_mean(value, labels),
        float(davies_bouldin_score(X, labels)),
        float(calinski_harabasz_score(X, labels)),
    )
