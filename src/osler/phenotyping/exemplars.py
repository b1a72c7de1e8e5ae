"""Exemplars: the most typical samples of each cluster, which assign new samples where an arm cannot.

A map by UMAP has no place for a new sample. Its clusters are shown by their most central members, and a new
sample goes to the cluster whose nearest exemplars are nearest: by Gower's distance of the variables, or by
the Euclidean distance of a representation. Central is meant in that same distance, not on the map: exemplars
from the middle of the map give back fewer of the fitted clusters. How many they give back is measured and
belongs beside every assignment.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from osler.base.errors import InputError
from osler.phenotyping.columns import Columns
from osler.phenotyping.partition import Array, Partition
from osler.phenotyping.points import Points
from osler.phenotyping.spaces.gower import GowerMeasure, fit_measure

MOST = 20  # exemplars of a cluster
NEAREST = 5  # exemplars of a cluster that a sample is compared with
_BLOCK = 2048
_MEMBERS = 2000  # members of a cluster that centrality is measured to, about


@dataclass(frozen=True)
class Exemplars:
    """The exemplars of a partition.

    Attributes:
        rows: int64 [m], which samples they are, cluster by cluster, the most central first.
        arrays: what `assign` needs: `exemplar_cluster` [m], and their values with the ranges of Gower's
            distance, or their coordinates.
        agreement: share of the fitted samples, noise left out, that are assigned to their own cluster.
        agreement_rand: adjusted Rand index of the assigned and the fitted clusters, noise left out.
    """

    rows: Array
    arrays: dict[str, Array]
    agreement: float
    agreement_rand: float


def pick(cluster: Array, distance: Array, *, most: int = MOST) -> Array:
    """The members of least distance in each cluster.

    Args:
        cluster: int [n]; -1 is noise.
        distance: float [n], to the middle of the cluster, or to its members on average.
        most: number of members of each cluster.

    Returns:
        int64 [m], rows, cluster by cluster, the most central first; the earlier row on a tie.

    Examples:
        >>> pick(np.array([0, 0, 1, -1, 0]), np.array([2.0, 1.0, 5.0, 0.0, 1.0]), most=2).tolist()
        [1, 4, 2]
    """
    order = np.lexsort((np.arange(len(cluster)), distance, cluster))
    order = order[cluster[order] >= 0]
    of = cluster[order]
    place = np.arange(len(order)) - np.searchsorted(of, of, "left")
    return order[place < most].astype(np.int64)


def fit(points: Points, partition: Partition, *, most: int = MOST) -> Exemplars:
    """Choose exemplars, and measure how well they give back the partition.

    Args:
        points: the fitted samples as new ones will be given: a table, or else coordinates of a
            representation; not those of the arm's own map.
        partition: their clusters.
        most: number of exemplars of each cluster.

    Raises:
        InputError: the points have neither, or there is no cluster.
    """
    from sklearn.metrics import adjusted_rand_score

    member = partition.cluster >= 0
    if not member.any():
        raise InputError("there is no cluster, so nothing can be assigned", remedy="name another arm")
    measure = {} if points.table is None else fit_measure(points.table).arrays()
    rows = pick(partition.cluster, _mean_distance(measure, points, partition.cluster), most=most)
    arrays = {"exemplar_cluster": partition.cluster[rows], **measure, **_cells(points, rows)}
    found, own = assign(arrays, points)[0][member], partition.cluster[member]
    return Exemplars(
        rows=rows,
        arrays=arrays,
        agreement=float((found == own).mean()),
        agreement_rand=float(adjusted_rand_score(own, found)),
    )


def assign(arrays: dict[str, Array], points: Points) -> tuple[Array, Array]:
    """Send each sample to the cluster whose five nearest exemplars are nearest on average.

    Args:
        arrays: what `fit` made.
        points: a table, or coordinates of the same representation.

    Returns:
        Cluster int64 [n], never noise, and that mean distance float64 [n].

    Raises:
        InputError: the points lack the table or the coordinates.
    """
    clusters = np.unique(arrays["exemplar_cluster"])
    cluster = np.empty(points.n_samples, dtype=np.int64)
    distance = np.empty(points.n_samples)
    for rows, mean in _means(arrays, points, clusters):
        cluster[rows] = clusters[mean.argmin(axis=1)]
        distance[rows] = mean.min(axis=1)
    return cluster, distance


def distances(arrays: dict[str, Array], points: Points, cluster: Array) -> Array:
    """How far each sample is from its own cluster, as `assign` measures it: float64 [n].

    Args:
        arrays: what `fit` made.
        points: a table, or coordinates of the same representation.
        cluster: int [n]; of noise, -1, it is the distance to the nearest cluster.

    Raises:
        InputError: the points lack the table or the coordinates.
    """
    clusters = np.unique(arrays["exemplar_cluster"])
    distance = np.empty(points.n_samples)
    for rows, mean in _means(arrays, points, clusters):
        own = np.searchsorted(clusters, cluster[rows])
        found = np.take_along_axis(mean, own[:, None], axis=1)[:, 0]
        distance[rows] = np.where(cluster[rows] >= 0, found, mean.min(axis=1))
    return distance


def _means(arrays: dict[str, Array], points: Points, clusters: Array) -> Iterator[tuple[slice, Array]]:
    """Block by block, mean distances to the nearest exemplars of each cluster: float64 [rows, c]."""
    owner = arrays["exemplar_cluster"]
    for start in range(0, points.n_samples, _BLOCK):
        rows = slice(start, min(start + _BLOCK, points.n_samples))
        near = _near(arrays, points, rows).astype(np.float64)
        nearest = [np.sort(near[:, owner == one], axis=1)[:, :NEAREST].mean(axis=1) for one in clusters]
        yield rows, np.stack(nearest, axis=1)


def _cells(points: Points, rows: Array) -> dict[str, Array]:
    """Values or coordinates of some samples."""
    if points.table is not None:
        return {"values": points.table.values[rows]}
    return {"coordinates": np.ascontiguousarray(points.euclidean()[rows])}


def _mean_distance(measure: dict[str, Array], points: Points, cluster: Array) -> Array:
    """Mean distance of each sample to the members of its cluster, of many to a regular draw: float64 [n]."""
    distance = np.zeros(len(cluster))
    for one in np.unique(cluster[cluster >= 0]):
        members = np.flatnonzero(cluster == one)
        drawn = members[:: -(-len(members) // _MEMBERS)]
        arrays = {**measure, **_cells(points, drawn)}
        for start in range(0, len(members), _BLOCK):
            rows = members[start : start + _BLOCK]
            distance[rows] = _near(arrays, points, rows).mean(axis=1, dtype=np.float64)
    return distance


def _near(arrays: dict[str, Array], points: Points, rows: slice | Array) -> Array:
    """Distances to the exemplars [rows, m]."""
    if "values" in arrays:
        values = Columns.from_arrays(arrays).align(points.variables())
        return GowerMeasure.from_arrays(arrays).between(values[rows], arrays["values"])
    from scipy.spatial.distance import cdist

    space = points.euclidean()[rows].astype(np.float64)
    return np.asarray(cdist(space, arrays["coordinates"].astype(np.float64)))
