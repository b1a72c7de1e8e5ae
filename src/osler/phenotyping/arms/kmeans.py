"""k-means (Lloyd 1982) with k-means++ starts (Arthur, Vassilvitskii 2007): the run of least inertia counts.

Runs from several seeds are compared with the best by the adjusted Rand index: where they disagree, the
clusters are an accident of the start. On samples of length 1 it is spherical k-means up to the length of
the centres.
"""

import numpy as np

from osler.phenotyping.partition import Array, Partition, order_by_size
from osler.phenotyping.settings import PhenotypeSettings


def fit(space: Array, k: int, *, settings: PhenotypeSettings) -> Partition:
    """Divide the samples into k clusters.

    Args:
        space: float [n, d].
        k: number of clusters, at most the number of distinct samples.
        settings: `seed`, `seeds` and `starts`.

    Returns:
        A partition with `centres` [k, d] and the facts `inertia` and `seed_agreement` (mean adjusted Rand
        index of the other runs with the best; NaN with one seed).
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # One thread: with several, sums are taken in any order and the last bits of the centres vary from run
    # to run.
    with threadpool_limits(limits=1):
        runs = [
            KMeans(n_clusters=k, n_init=settings.starts, random_state=_state(settings.seed, run, k)).fit(
                space
            )
            for run in range(settings.seeds)
        ]
    best = min(runs, key=lambda run: float(run.inertia_))
    others = [run.labels_ for run in runs if run is not best]
    agreement = [adjusted_rand_score(best.labels_, labels) for labels in others]
    order = order_by_size(best.labels_, k)
    centres = np.ascontiguousarray(best.cluster_centers_[order])
    cluster, distance = assign({"centres": centres}, space)
    return Partition(
        cluster=cluster,
        distance=distance,
        model={"centres": centres},
        facts={
            "inertia": float(best.inertia_),
            "seed_agreement": float(np.mean(agreement)) if agreement else float("nan"),
        },
    )


def assign(model: dict[str, Array], space: Array) -> tuple[Array, Array]:
    """Send each sample to its nearest centre.

    Args:
        model: `centres` [k, d].
        space: float [n, d].

    Returns:
        Cluster int64 [n] and Euclidean distance float64 [n].
    """
    centres = model["centres"].astype(np.float64)
    cluster = np.empty(len(space), dtype=np.int64)
    distance = np.empty(len(space))
    for start in range(0, len(space), 8192):
        block = space[start : start + 8192].astype(np.float64)
        # Differences, not the expanded square, which loses the digits of small distances.
        squared = np.stack([((block - centre) ** 2).sum(axis=1) for centre in centres], axis=1)
        cluster[start : start + 8192] = squared.argmin(axis=1)
        distance[start : start + 8192] = np.sqrt(squared.min(axis=1))
    return cluster, distance


def _state(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint32)[0])
