"""Whether clusters come back: prediction strength, and Jaccard of each cluster over bootstraps.

Both take what a whole pipeline gives, refitted on the samples of each draw (METHODS 19); they fit nothing.
Noise (-1) is no cluster.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osler.measure.agreement import NOISE
from osler.measure.ranking import Floats

DISSOLVED = 0.5

Integers = NDArray[np.int64]
Assign = Callable[[Integers], ArrayLike]
"""Takes rows, gives the cluster of each."""
Fit = Callable[[Integers, int], tuple[ArrayLike, Assign]]
"""Takes rows and a seed, gives the cluster of each row and an `Assign`."""


@dataclass(frozen=True)
class Stability:
    """How each cluster fares over bootstraps.

    Attributes:
        jaccard: mean over bootstraps of the Jaccard index with the most similar cluster of the bootstrap [k].
        dissolved: share of bootstraps in which it is below .5 [k].
        runs: bootstraps in which the cluster had a sample [k].
    """

    jaccard: Floats
    dissolved: Floats
    runs: Integers


@dataclass(frozen=True)
class Strength:
    """Prediction strength: mean over splits, its standard error, and the value of each split [2 splits]."""

    mean: float
    error: float
    values: Floats


def bootstrap_stability(cluster: ArrayLike, runs: Iterable[tuple[ArrayLike, ArrayLike]]) -> Stability:
    """Jaccard and dissolution of each cluster (Hennig, Comput Stat Data Anal 2007;52:258).

    For each bootstrap, each cluster is cut down to the samples that were drawn and compared with every
    cluster of the bootstrap; a sample drawn several times counts once, in the cluster of its first copy.

    Args:
        cluster: the partition, int [n], labels 0..k-1, -1 noise.
        runs: for each bootstrap the rows drawn [m] and the cluster of each [m].

    Examples:
        >>> found = bootstrap_stability([0, 0, 1, 1], [([0, 1, 2, 2], [5, 5, 3, 3]), ([0, 1, 3], [0, 0, 0])])
        >>> found.jaccard.round(3).tolist(), found.dissolved.tolist()
        ([0.833, 0.667], [0.0, 0.5])
    """
    labels = np.asarray(cluster, dtype=np.int64)
    k = int(labels.max(initial=NOISE)) + 1
    total, dissolved, count = np.zeros(k), np.zeros(k), np.zeros(k, dtype=np.int64)
    for rows, found in runs:
        drawn, first = np.unique(np.asarray(rows, dtype=np.int64), return_index=True)
        own, other = labels[drawn], np.asarray(found, dtype=np.int64)[first]
        best = _best_jaccard(own, other, k)
        there = np.isfinite(best)
        total[there] += best[there]
        dissolved[there] += best[there] < DISSOLVED
        count += there
    with np.errstate(invalid="ignore"):
        return Stability(total / count, dissolved / count, count)


def prediction_strength(n: int, fit: Fit, *, splits: int = 10, seed: int = 0) -> Strength:
    """Prediction strength of a pipeline (Tibshirani and Walther, J Comput Graph Stat 2005;14:511).

    The samples are halved; in each cluster of one half, the share of pairs that the clusters of the other
    half put together too; the smallest over the clusters, for either half in turn. Clusters of one sample
    have no pairs and do not count; a pair of which a sample is assigned to noise is not together.

    Args:
        n: number of samples.
        fit: the whole pipeline with its number of clusters.
        splits: how often the samples are halved.
        seed: seed of the halves; the seeds given to `fit` follow from it.

    Examples:
        >>> def halves(rows, seed):
        ...     return rows // 50, lambda others: others // 50
        >>> prediction_strength(100, halves, splits=2).mean
        1.0
    """
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(splits):
        order = rng.permutation(n).astype(np.int64)
        halves = (np.sort(order[: n // 2]), np.sort(order[n // 2 :]))
        fitted = [fit(half, int(rng.integers(2**31))) for half in halves]
        for own, other in ((0, 1), (1, 0)):
            assigned = np.asarray(fitted[other][1](halves[own]), dtype=np.int64)
            values.append(weakest_pairs(np.asarray(fitted[own][0], dtype=np.int64), assigned))
    found = np.array(values)
    known = found[np.isfinite(found)]
    if len(known) == 0:
        return Strength(float("nan"), float("nan"), found)
    spread = float(known.std(ddof=1)) if len(known) > 1 else float("nan")
    return Strength(float(known.mean()), spread / len(known) ** 0.5, found)


def _best_jaccard(own: Integers, other: Integers, k: int) -> Floats:
    """Largest Jaccard of each of k clusters with a cluster of the other partition; NaN for an empty one."""
    size = np.bincount(own[own != NOISE], minlength=k)
    names, place = np.unique(other, return_inverse=True)
    sizes = np.bincount(place, minlength=len(names))
    member = own != NOISE
    shared = np.bincount(own[member] * len(names) + place[member], minlength=k * len(names))
    shared = shared.reshape(k, len(names))[:, names != NOISE]
    union = size[:, None] + sizes[names != NOISE][None, :] - shared
    best = (shared / np.maximum(union, 1)).max(axis=1, initial=0.0)
    return np.where(size > 0, best, np.nan)


def weakest_pairs(own: ArrayLike, assigned: ArrayLike) -> float:
    """Of each cluster the share of its pairs that another partition puts together too; the smallest of these.

    Prediction strength of the second partition among the samples of the first (Tibshirani and Walther 2005).

    Args:
        own: clusters that were found among the samples, int [n], -1 noise.
        assigned: clusters that other samples' partition gives them, int [n], -1 noise.

    Examples:
        >>> round(weakest_pairs([0, 0, 0, 1, 1], [4, 4, 2, 3, 3]), 3)
        0.333
    """
    own, assigned = np.asarray(own, dtype=np.int64), np.asarray(assigned, dtype=np.int64)
    shares = []
    for name in np.unique(own[own != NOISE]):
        inside = assigned[own == name]
        pairs = len(inside) * (len(inside) - 1)
        if pairs:
            together = np.unique(inside[inside != NOISE], return_counts=True)[1]
            shares.append(float((together * (together - 1)).sum() / pairs))
    return min(shares, default=float("nan"))
