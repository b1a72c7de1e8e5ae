"""Partitions of all arms beside each other: scored in the same spaces, and how far they agree.

A silhouette says how compact clusters are in the space in which it is measured. That of one arm in its own
space and that of another in another cannot be compared; here every partition is measured in every space.
"""

from collections.abc import Mapping
from itertools import combinations, pairwise

import numpy as np
import polars as pl

from osler.measure.agreement import agreement, overlap
from osler.measure.clusters import distance_silhouettes, macro_mean
from osler.phenotyping.partition import Array
from osler.phenotyping.points import Points

SCORES: dict[str, pl.DataType] = {
    "arm": pl.String(),
    "k": pl.Int64(),
    "space": pl.String(),
    "silhouette_micro": pl.Float64(),
    "silhouette_macro": pl.Float64(),
    "own": pl.Boolean(),
}
AGREEMENT: dict[str, pl.DataType] = {
    "arm": pl.String(),
    "k": pl.Int64(),
    "other_arm": pl.String(),
    "other_k": pl.Int64(),
    "adjusted_rand": pl.Float64(),
    "adjusted_mutual_information": pl.Float64(),
    "n": pl.Int64(),
}
FLOW: dict[str, pl.DataType] = {
    "arm": pl.String(),
    "cluster": pl.Int64(),
    "other_arm": pl.String(),
    "other_cluster": pl.Int64(),
    "n": pl.Int64(),
    "n_patients": pl.Int64(),
    "share": pl.Float64(),
}

Key = tuple[str, int]


def distances_of(points: Points, rows: Array) -> Array:
    """Distances between some samples in a space: float32 [m, m]."""
    if points.distances is not None:
        return np.ascontiguousarray(points.distances[np.ix_(rows, rows)])
    x = points.euclidean()[rows].astype(np.float64)
    x = x - x.mean(axis=0)
    squared = (x**2).sum(axis=1)
    product = x @ x.T
    apart: Array = np.sqrt(np.maximum(squared[:, None] + squared[None, :] - 2 * product, 0))
    np.fill_diagonal(apart, 0)
    return apart.astype(np.float32)


def score_everywhere(
    partitions: Mapping[Key, Array], spaces: Mapping[str, Points], own: Mapping[str, str], *, rows: Array
) -> pl.DataFrame:
    """Silhouettes of every partition in every space.

    Args:
        partitions: (arm, k) -> cluster of each sample, int [n], -1 noise.
        spaces: name -> all samples in it.
        own: arm -> name of the space in which it was clustered.
        rows: samples that enter the silhouettes, whose cost is quadratic.

    Returns:
        `arm, k, space, silhouette_micro, silhouette_macro, own`; null where fewer than two clusters are left.
    """
    found = []
    for space, points in spaces.items():
        distances = distances_of(points, rows)
        for (arm, k), cluster in partitions.items():
            labels = np.asarray(cluster)[rows]
            value = distance_silhouettes(distances, labels)
            known = np.isfinite(value)
            micro = float(value[known].mean()) if known.any() else None
            macro = macro_mean(value[known], labels[known]) if known.any() else None
            found.append((arm, k, space, micro, macro, own.get(arm) == space))
    return pl.DataFrame(found, schema=SCORES, orient="row").sort("arm", "k", "space")


def agreement_table(partitions: Mapping[Key, Array]) -> pl.DataFrame:
    """How far partitions agree, pair by pair: adjusted Rand index and adjusted mutual information."""
    found = []
    for (first, a), (second, b) in combinations(partitions.items(), 2):
        both = agreement(a, b)
        found.append((*first, *second, both.adjusted_rand, both.adjusted_mutual_information, both.n))
    table = pl.DataFrame(found, schema=AGREEMENT, orient="row")
    return table.with_columns(pl.col(pl.Float64).fill_nan(None))


def flow_table(partitions: Mapping[Key, Array], *, group: Array | None = None) -> pl.DataFrame:
    """Where the samples of each cluster are in the partition that follows in the order given.

    Args:
        partitions: (arm, k) -> cluster of each sample, int [n], -1 noise.
        group: patient of each sample, [n]; None: each sample its own.

    Returns:
        `arm, cluster, other_arm, other_cluster, n, n_patients, share`: samples and distinct patients in both,
        and share of the samples of `cluster`; -1 is noise.
    """
    found = []
    items = list(partitions.items())
    for ((first, _), a), ((second, _), b) in pairwise(items):
        shared = overlap(a, b)
        patient = np.arange(len(a)) if group is None else np.asarray(group)
        for i, row in enumerate(shared.rows.tolist()):
            for j, column in enumerate(shared.columns.tolist()):
                if shared.count[i, j]:
                    patients = len(np.unique(patient[(a == row) & (b == column)]))
                    cell = int(shared.count[i, j]), patients, float(shared.flow[i, j])
                    found.append((first, row, second, column, *cell))
    return pl.DataFrame(found, schema=FLOW, orient="row")
