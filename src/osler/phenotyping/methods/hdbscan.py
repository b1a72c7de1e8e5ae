"""HDBSCAN (Campello, Moulavi, Sander 2013), scikit-learn's: dense regions, as many as there are, and noise.

A cluster must hold `min_share` of the samples; a place is dense by its distance to the `neighbours`-th
neighbour. A sample that belongs to no cluster has cluster -1. There is no closed form for other samples: they
are assigned by exemplars (`phenotyping/exemplars.py`).
"""

import numpy as np

from osler.base.errors import InputError
from osler.phenotyping.methods.kmeans import assign as nearest_centre
from osler.phenotyping.partition import Array, Partition, order_by_size
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings


def fit(points: Points, k: int, *, settings: PhenotypeSettings, seed: int) -> Partition:
    """Find dense regions.

    Args:
        points: coordinates [n, d].
        k: not used: the method finds its own number of clusters.
        settings: `min_share` and `neighbours`.
        seed: not used; nothing here is random.

    Returns:
        A partition with `centres` [c, d], the mean of each cluster's members; c may be 0. The distance is
        Euclidean, to the centre of the cluster, of noise to the nearest centre (infinite where there is
        none). Facts: `n_clusters` and `noise_share`.

    Raises:
        InputError: the space has no coordinates.
    """
    from sklearn.cluster import HDBSCAN
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    space = points.euclidean().astype(np.float64)
    least = max(2, int(np.ceil(settings.min_share * len(space))))
    cluster = np.full(len(space), -1, dtype=np.int64)
    if len(space) > 2:
        with threadpool_limits(limits=1):
            found = HDBSCAN(
                min_cluster_size=least,
                min_samples=min(settings.neighbours, least, len(space) - 1),
                n_jobs=1,
                copy=True,
            ).fit(space)
        cluster = found.labels_.astype(np.int64)
    member = cluster >= 0
    count = int(cluster.max()) + 1 if member.any() else 0
    new = np.argsort(order_by_size(cluster[member], count))
    cluster[member] = new[cluster[member]]
    centres = np.array([space[cluster == c].mean(axis=0) for c in range(count)])
    centres = centres.reshape(count, space.shape[1])
    distance = np.full(len(space), np.inf)
    if count:
        distance = nearest_centre({"centres": centres}, points)[1]
        distance[member] = np.linalg.norm(space[member] - centres[cluster[member]], axis=1)
    return Partition(
        cluster=cluster,
        distance=distance,
        model={"centres": centres},
        facts={"n_clusters": float(count), "noise_share": float((~member).mean())},
    )


def assign(model: dict[str, Array], points: Points) -> tuple[Array, Array]:
    """Refuse: the method says nothing about samples that it was not fitted on.

    Raises:
        InputError: always.
    """
    raise InputError(
        "HDBSCAN has no closed form for new samples", remedy="assign them by the exemplars of the clusters"
    )
