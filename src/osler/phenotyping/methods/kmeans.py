"""k-means (Lloyd 1982) with k-means++ starts (Arthur, Vassilvitskii 2007): the run of least inertia counts.

Runs from several seeds are compared with the best by the adjusted Rand index: where they disagree, the
clusters are an accident of the start. On samples of length 1 it is spherical k-means up to the length of
the centres. Above 50,000 samples the starts of a run are compared on 20,000 of them, and the best goes on
with all (Bradley, Fayyad 1998).
"""

import numpy as np

from osler.phenotyping.methods.runs import first_rows, seed_agreement, state
from osler.phenotyping.partition import Array, Partition, order_by_size
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings

_BLOCK = 8192


def fit(points: Points, k: int, *, settings: PhenotypeSettings, seed: int) -> Partition:
    """Divide the samples into k clusters.

    Args:
        points: coordinates [n, d].
        k: number of clusters, at most the number of distinct samples.
        settings: `seeds` and `starts`.
        seed: seed of the starts.

    Returns:
        A partition with `centres` [k, d], Euclidean distances, and the facts `inertia` and `seed_agreement`
        (mean adjusted Rand index of the other runs with the best; NaN with one seed).

    Raises:
        InputError: the space has no coordinates.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    space = points.euclidean()
    drawn = first_rows(len(space), seed)
    # One thread: with several, sums are taken in any order and the last bits of the centres vary from run
    # to run.
    with threadpool_limits(limits=1):
        runs = []
        for run in range(settings.seeds):
            found = KMeans(n_clusters=k, n_init=settings.starts, random_state=state(seed, run, k))
            found.fit(space if drawn is None else space[drawn])
            if drawn is not None:
                found = KMeans(n_clusters=k, n_init=1, init=found.cluster_centers_).fit(space)
            runs.append(found)
    best = min(runs, key=lambda run: float(run.inertia_))
    order = order_by_size(best.labels_, k)
    centres = np.ascontiguousarray(best.cluster_centers_[order])
    cluster, distance = assign({"centres": centres}, points)
    return Partition(
        cluster=cluster,
        distance=distance,
        model={"centres": centres},
        facts={
            "inertia": float(best.inertia_),
            "seed_agreement": seed_agreement(best.labels_, [run.labels_ for run in runs if run is not best]),
        },
    )


def assign(model: dict[str, Array], points: Points) -> tuple[Array, Array]:
    """Send each sample to its nearest centre.

    Args:
        model: `centres` [k, d].
        points: coordinates [n, d].

    Returns:
        Cluster int64 [n] and Euclidean distance float64 [n].
    """
    space = points.euclidean()
    centres = model["centres"].astype(np.float64)
    cluster = np.empty(len(space), dtype=np.int64)
    distance = np.empty(len(space))
    for start in range(0, len(space), _BLOCK):
        block = space[start : start + _BLOCK].astype(np.float64)
        # Differences, not the expanded square, which loses the digits of small distances.
        squared = np.stack([((block - centre) ** 2).sum(axis=1) for centre in centres], axis=1)
        cluster[start : start + _BLOCK] = squared.argmin(axis=1)
        distance[start : start + _BLOCK] = np.sqrt(squared.min(axis=1))
    return cluster, distance
