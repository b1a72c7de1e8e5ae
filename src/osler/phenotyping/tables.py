"""The tables of a clustering: indices per k, outcomes per cluster, members, and the choice of k."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from osler.measure.clusters import cluster_indices
from osler.measure.intervals import wilson
from osler.phenotyping.partition import Array, Partition, typicality
from osler.record.schema import SAMPLE_KEY
from osler.task.labels import Labels
from osler.task.samples import count_patients


def choose_k(indices: pl.DataFrame, *, min_share: float) -> int | None:
    """The k with the highest mean silhouette whose smallest cluster is large enough; the smaller k on a tie.

    Args:
        indices: `k, silhouette_micro, min_share` of one arm.
        min_share: share that the smallest cluster must hold.

    Returns:
        k, or None where every k has a smaller cluster.
    """
    allowed = indices.filter((pl.col("min_share") >= min_share) & pl.col("silhouette_micro").is_not_nan())
    if allowed.is_empty():
        return None
    best = allowed.sort("silhouette_micro", "k", descending=[True, False]).row(0, named=True)
    return int(best["k"])


def explained_by(length: Array, cluster: Array) -> float:
    """Share of the variance of a length that the clusters explain (eta squared); NaN when it does not vary.

    Examples:
        >>> explained_by(np.array([1.0, 1.0, 5.0, 5.0]), np.array([0, 0, 1, 1]))
        1.0
    """
    values = np.asarray(length, dtype=np.float64)
    total = ((values - values.mean()) ** 2).sum()
    if total == 0:
        return math.nan
    size = np.bincount(cluster)
    means = np.bincount(cluster, values) / np.maximum(size, 1)
    return float((size * (means - values.mean()) ** 2).sum() / total)


def indices_row(
    arm: str, k: int, partition: Partition, *, space: Array, scored: Array, lengths: Mapping[str, Array]
) -> dict[str, Any]:
    """One row of `indices.parquet`: how compact and apart, how small the smallest, how much length explains.

    Args:
        arm: name of the arm.
        k: number of clusters.
        partition: the clusters.
        space: float [n, d].
        scored: rows that enter the indices.
        lengths: by name, a measure of how long each record is [n]; the one that the clusters explain most
            is kept.
    """
    scores = cluster_indices(space[scored], partition.cluster[scored])
    size = np.bincount(partition.cluster, minlength=k)
    explained = {name: explained_by(length, partition.cluster) for name, length in lengths.items()}
    most = max(
        explained, key=lambda name: -1.0 if math.isnan(explained[name]) else explained[name], default=None
    )
    return {
        "arm": arm,
        "k": k,
        "silhouette_micro": scores.silhouette_micro,
        "silhouette_macro": scores.silhouette_macro,
        "davies_bouldin": scores.davies_bouldin,
        "calinski_harabasz": scores.calinski_harabasz,
        "inertia": partition.facts.get("inertia", math.nan),
        "seed_agreement": partition.facts.get("seed_agreement", math.nan),
        "min_size": int(size.min()),
        "min_share": float(size.min() / len(space)),
        "length": most,
        "length_explained": explained[most] if most is not None else math.nan,
    }


def outcome_table(arm: str, k: int, partition: Partition, labels: Labels) -> pl.DataFrame:
    """The outcome that was held out, by cluster.

    Returns:
        `arm, k, cluster, n, share, n_events, rate`, Wilson's `low, high`, and the distinct patients behind
        the samples: `n_patients, n_event_patients, n_other_patients` (with a sample without the event).
    """
    positive = labels.frame["boolean_value"].to_numpy()
    group = labels.samples["group_id"].to_numpy()
    members = [partition.cluster == number for number in range(k)]
    patients = pl.DataFrame([count_patients(group[inside], positive[inside]) for inside in members])
    size = np.bincount(partition.cluster, minlength=k)
    events = np.bincount(partition.cluster, positive, minlength=k).astype(int)
    intervals = [wilson(int(event), int(n)) for event, n in zip(events, size, strict=True)]
    return pl.DataFrame(
        {
            "arm": arm,
            "k": pl.Series([k] * k, dtype=pl.Int64),
            "cluster": np.arange(k),
            "n": size,
            "share": size / size.sum(),
            "n_events": events,
            "rate": [interval.value for interval in intervals],
            "low": [interval.low for interval in intervals],
            "high": [interval.high for interval in intervals],
        }
    ).hstack(patients)


def member_table(arm: str, k: int, partition: Partition, labels: Labels) -> pl.DataFrame:
    """Each sample's `cluster` and `typicality`; `supported` is null: not assessed."""
    return labels.frame.select(
        *SAMPLE_KEY,
        pl.lit(arm).alias("arm"),
        pl.lit(k, dtype=pl.Int64).alias("k"),
        pl.Series("cluster", partition.cluster, dtype=pl.Int64),
        pl.Series("typicality", typicality(partition.cluster, partition.distance)),
        pl.lit(None, dtype=pl.Boolean).alias("supported"),
    )
