"""One partition of the samples, as every arm gives it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Partition:
    """Samples divided into k clusters.

    Attributes:
        cluster: int64 [n], 0 is the largest cluster, k - 1 the smallest.
        distance: float64 [n], of each sample to the middle of its cluster.
        model: arrays that assign new samples; row c of each belongs to cluster c.
        facts: numbers about the fit (`inertia`, `seed_agreement`).
    """

    cluster: Array
    distance: Array
    model: dict[str, Array]
    facts: dict[str, float] = field(default_factory=dict)


def order_by_size(cluster: Array, k: int) -> Array:
    """The order of clusters from the largest to the smallest, then by the first sample that enters them.

    Args:
        cluster: int [n], 0..k-1.
        k: number of clusters.

    Returns:
        int64 [k]: the old number of each new cluster.

    Examples:
        >>> order_by_size(np.array([2, 0, 0, 1]), 3).tolist()
        [0, 2, 1]
    """
    size = np.bincount(cluster, minlength=k)
    first = np.full(k, len(cluster))
    np.minimum.at(first, cluster, np.arange(len(cluster)))
    return np.lexsort((first, -size))


def typicality(cluster: Array, distance: Array) -> Array:
    """Share of a cluster's samples at least as far from its middle as the sample: 1 is the most typical.

    Args:
        cluster: int [n].
        distance: float [n].

    Returns:
        float64 [n], in (0, 1].

    Examples:
        >>> typicality(np.array([0, 0, 1]), np.array([1.0, 2.0, 3.0])).tolist()
        [1.0, 0.5, 1.0]
    """
    share = np.empty(len(cluster))
    for number in np.unique(cluster):
        member = cluster == number
        within = np.sort(distance[member])
        share[member] = 1 - np.searchsorted(within, distance[member], "left") / len(within)
    return share


def member_typicality(partition: Partition) -> Array:
    """Typicality of each sample of a partition: float64 [n], NaN for noise."""
    cluster = partition.cluster
    return np.where(cluster >= 0, typicality(cluster, partition.distance), np.nan)


def typicality_among(distances: Array, cluster: Array, distance: Array) -> Array:
    """Share of each cluster's fitted members that lie at least as far as the sample: float64 [n], in [0, 1].

    Args:
        distances: float64 [k, m], sorted distances of the members, NaN after the last.
        cluster: int [n], 0..k-1.
        distance: float [n].

    Examples:
        >>> typicality_among(np.array([[1.0, 2.0, 3.0, np.nan]]), np.array([0, 0]), np.array([0.5, 3.0]))
        array([1.        , 0.33333333])
    """
    share = np.zeros(len(cluster))
    for number in np.unique(cluster):
        within = distances[number][~np.isnan(distances[number])]
        if len(within):
            member = cluster == number
            share[member] = 1 - np.searchsorted(within, distance[member], "left") / len(within)
    return share
