"""The tables of a clustering: indices per k, outcomes per cluster, members."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from osler.measure.clusters import ClusterIndices, cluster_indices, distance_silhouettes, macro_mean
from osler.measure.intervals import Interval, wilson
from osler.measure.shares import cluster_means
from osler.phenotyping.partition import Array, Partition, member_typicality
from osler.phenotyping.points import Points
from osler.record.schema import SAMPLE_KEY
from osler.task.labels import Labels
from osler.task.samples import count_patients


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
    arm: str,
    k: int,
    partition: Partition,
    *,
    points: Points,
    rows: Array,
    scored: Array,
    lengths: Mapping[str, Array],
) -> dict[str, Any]:
    """One row of `indices.parquet`: how compact and apart, how small the smallest, how much length explains.

    Args:
        arm: name of the arm.
        k: number of clusters.
        partition: the clusters.
        points: the samples that the arm was fitted on, in its own space; one that has neither coordinates nor
            distances gives no silhouette.
        rows: which samples these are.
        scored: which of these enter the indices.
        lengths: by name, a measure of how long each record is [n]; the one that the clusters explain most
            is kept.
    """
    scores = _own_indices(points, partition.cluster[rows][scored], scored)
    member = partition.cluster >= 0
    size = np.bincount(partition.cluster[member], minlength=k)
    explained = {
        name: explained_by(np.asarray(length)[member], partition.cluster[member])
        for name, length in lengths.items()
    }
    most = max(
        explained, key=lambda name: -1.0 if math.isnan(explained[name]) else explained[name], default=None
    )
    facts = partition.facts
    return {
        "arm": arm,
        "k": k,
        "silhouette_micro": scores.silhouette_micro,
        "silhouette_macro": scores.silhouette_macro,
        "davies_bouldin": scores.davies_bouldin,
        "calinski_harabasz": scores.calinski_harabasz,
        "inertia": facts.get("inertia", math.nan),
        "bic": facts.get("bic", math.nan),
        "entropy": facts.get("entropy", math.nan),
        "seed_agreement": facts.get("seed_agreement", math.nan),
        "noise_share": 1 - float(member.mean()),
        "min_size": int(size.min(initial=len(member))),
        "min_share": float(size.min(initial=len(member)) / len(member)),
        "length": most,
        "length_explained": explained[most] if most is not None else math.nan,
    }


def _own_indices(points: Points, cluster: Array, scored: Array) -> ClusterIndices:
    if points.coordinates is not None:
        return cluster_indices(points.coordinates[scored], cluster)
    if points.distances is None:
        return ClusterIndices(*[math.nan] * 4)
    value = distance_silhouettes(points.distances[np.ix_(scored, scored)], cluster)
    known = np.isfinite(value)
    if not known.any():
        return ClusterIndices(*[math.nan] * 4)
    return ClusterIndices(
        float(value[known].mean()), macro_mean(value[known], cluster[known]), math.nan, math.nan
    )


_PATIENTS = ("n_patients", "n_event_patients", "n_other_patients")


def outcome_table(arm: str, k: int, partition: Partition, labels: Labels) -> pl.DataFrame:
    """The outcome that was held out, by cluster.

    Returns:
        `arm, k, cluster, n, share, n_events, rate, low, high` (Wilson's interval; where a patient has several
        samples, as wide as that of bootstraps of patients at least), and the distinct patients behind the
        samples: `n_patients, n_event_patients, n_other_patients` (with a sample without the event).
    """
    positive = labels.frame["boolean_value"].to_numpy()
    group = labels.samples["group_id"].to_numpy()
    members = [partition.cluster == number for number in range(k)]
    counted = [count_patients(group[inside], positive[inside]) for inside in members]
    patients = pl.DataFrame(counted, schema=dict.fromkeys(_PATIENTS, pl.Int64))
    size = np.array([int(inside.sum()) for inside in members], dtype=np.int64)
    events = np.array([int(positive[inside].sum()) for inside in members], dtype=np.int64)
    intervals = [wilson(int(event), int(n)) for event, n in zip(events, size, strict=True)]
    if len(np.unique(group)) < len(group):
        drawn = cluster_means(positive, partition.cluster, k, group=group)[1]
        intervals = [_wider(one, other) for one, other in zip(intervals, drawn, strict=True)]
    return pl.DataFrame(
        {
            "arm": pl.Series([arm] * k, dtype=pl.String),
            "k": pl.Series([k] * k, dtype=pl.Int64),
            "cluster": np.arange(k),
            "n": size,
            "share": size / size.sum(),
            "n_events": events,
            "rate": pl.Series([interval.value for interval in intervals], dtype=pl.Float64),
            "low": pl.Series([interval.low for interval in intervals], dtype=pl.Float64),
            "high": pl.Series([interval.high for interval in intervals], dtype=pl.Float64),
        }
    ).hstack(patients)


def _wider(one: Interval, other: Interval) -> Interval:
    """An interval that holds two; the value is that of the first."""
    low, high = np.fmin(one.low, other.low), np.fmax(one.high, other.high)
    return replace(one, low=float(low), high=float(high))


def member_table(
    arm: str, k: int, partition: Partition, labels: Labels, supported: Sequence[bool] | None = None
) -> pl.DataFrame:
    """Each sample's `cluster` (null for noise), `typicality`, and whether the cluster is `supported`.

    Args:
        arm: name of the arm.
        k: number of clusters.
        partition: the clusters.
        labels: the samples.
        supported: of each cluster, whether it is a phenotype by the gates; None: not assessed, and null.
    """
    cluster = partition.cluster
    known = pl.Series("cluster", cluster, dtype=pl.Int64)
    share = member_typicality(partition)
    verdict = None if supported is None else [supported[one] if one >= 0 else None for one in cluster]
    return labels.frame.select(
        *SAMPLE_KEY,
        pl.lit(arm).alias("arm"),
        pl.lit(k, dtype=pl.Int64).alias("k"),
        known.set(known < 0, None),
        pl.Series("typicality", share).fill_nan(None),
        pl.Series("supported", verdict, dtype=pl.Boolean)
        if verdict is not None
        else pl.lit(None, dtype=pl.Boolean).alias("supported"),
    )
