"""The gates: what may be called a phenotype, as a pure function of numbers (METHODS 18 and 19).

A cluster is `supported` when it is large enough, comes back in bootstraps of the whole pipeline, is not
explained by how long its texts are or what is missing in them, stands further apart than clusters of data
with the same margins and correlations and no clusters, and has a gap between itself and every other cluster.
A stable slice of a continuum, which fails one of the last two gates only, in a partition whose clusters lie
in a row, is a `severity stratum`. All else is `not supported`, with the reason.

The limits were set by simulation, `benchmarks/phenotype_gates.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from osler.phenotyping.partition import Array

Outcome = Literal["supported", "severity stratum", "not supported"]
SUPPORTED: Outcome = "supported"
STRATUM: Outcome = "severity stratum"
NOT_SUPPORTED: Outcome = "not supported"


@dataclass(frozen=True)
class Gates:
    """The limits.

    Attributes:
        jaccard: smallest mean Jaccard over bootstraps.
        explained: largest AUROC with which length and missing values may tell the cluster.
        level: largest p against the reference.
        gap: smallest gap of density to every other cluster. The reference is a normal continuum, and slices
            of a skewed one pass it.
        share: smallest share of the samples.
        axis: share of the scatter between clusters on one line from which they count as in a row.
    """

    jaccard: float = 0.75
    explained: float = 0.80
    level: float = 0.05
    gap: float = 0.15
    share: float = 0.05
    axis: float = 0.75


@dataclass(frozen=True)
class Evidence:
    """What is known of the k clusters of a partition.

    Attributes:
        size: samples of each cluster, int64 [k].
        n: samples, noise among them.
        jaccard: mean Jaccard of each over bootstraps, float64 [k].
        dissolved: share of bootstraps in which it is below .5, float64 [k].
        explained: cross-validated AUROC of each cluster from length and missing values, float64 [k].
        p: of each against the reference, corrected for the number of clusters, float64 [k].
        gap: of each to its nearest, float64 [k].
        axis: share of the scatter between the clusters on one line.
    """

    size: Array
    n: int
    jaccard: Array
    dissolved: Array
    explained: Array
    p: Array
    gap: Array
    axis: float


@dataclass(frozen=True)
class Verdict:
    """What is said of a cluster or a partition, and why in words."""

    outcome: Outcome
    reason: str


def beyond_reference(observed: Array, reference: Sequence[Array]) -> Array:
    """p of each cluster: how often a data set without clusters has one that stands as far apart.

    Each statistic is measured in deviations from the mean of its largest values per data set, over the
    reference and the data alike; a cluster counts with the larger of its statistics, a reference data set
    with its largest cluster. p = (1 + #{reference >= cluster}) / (B + 1), so the chance that any cluster of
    data without clusters is below a level is at most that level.

    Args:
        observed: statistics of each cluster, float [k, s].
        reference: the same of each of B reference data sets, float [k_b, s]; one without clusters has none.

    Returns:
        float64 [k]; NaN where a cluster has no statistic.

    Examples:
        >>> reference = [np.array([[0.1 * i], [0.2]]) for i in range(19)]
        >>> beyond_reference(np.array([[9.0], [1.0]]), reference).tolist()
        [0.05, 0.5]
    """
    data = np.asarray(observed, dtype=np.float64)
    if len(data) == 0:
        return np.zeros(0)
    largest = np.array([_largest(values, data.shape[1]) for values in (data, *reference)])
    known = np.where(np.isfinite(largest), largest, np.nan)
    centre = np.array([np.nanmean(column) if np.isfinite(column).any() else 0.0 for column in known.T])
    spread = np.array([np.nanstd(column) if np.isfinite(column).any() else 0.0 for column in known.T])
    spread = np.where(spread > 0, spread, 1.0)
    own = np.where(np.isnan(data), -np.inf, (data - centre) / spread).max(axis=1)
    others = ((largest[1:] - centre) / spread).max(axis=1)
    p = (1 + (others[:, None] >= own[None, :]).sum(axis=0)) / (len(others) + 1)
    return np.where(np.isfinite(own), p, np.nan)


def cluster_verdicts(evidence: Evidence, gates: Gates | None = None) -> list[Verdict]:
    """The verdict on each cluster, in their order.

    A number that is not known (NaN) does not pass its gate.

    Examples:
        >>> known = Evidence(
        ...     size=np.array([60, 40]), n=100, jaccard=np.array([0.9, 0.6]), dissolved=np.array([0.0, 0.3]),
        ...     explained=np.array([0.55, 0.55]),
        ...     p=np.array([0.02, 0.02]), gap=np.array([0.4, 0.4]), axis=1.0)
        >>> [verdict.outcome for verdict in cluster_verdicts(known)]
        ['supported', 'not supported']
        >>> cluster_verdicts(known)[1].reason
        'not stable: mean bootstrap Jaccard 0.60, below 0.75; dissolved in 30% of bootstraps'
    """
    limits = gates or Gates()
    return [_verdict(evidence, number, limits) for number in range(len(evidence.size))]


def partition_verdict(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict on a partition from those on its clusters.

    `supported` when a cluster is; else `severity stratum` when two clusters or more are (one stratum alone
    has nothing to be ordered with); else `not supported`, with the most frequent reason.

    Examples:
        >>> partition_verdict([Verdict("supported", "-"), Verdict("not supported", "too small: 3 samples")])
        Verdict(outcome='supported', reason='1 of 2 clusters supported')
    """
    outcomes = [verdict.outcome for verdict in verdicts]
    k, supported, strata = len(outcomes), outcomes.count(SUPPORTED), outcomes.count(STRATUM)
    if supported:
        return Verdict(SUPPORTED, f"{supported} of {k} clusters supported")
    if strata >= 2:
        return Verdict(
            STRATUM, f"{strata} of {k} clusters are stable slices of a continuum, none stands apart"
        )
    if not outcomes:
        return Verdict(NOT_SUPPORTED, "no clusters")
    heads = [verdict.reason.split(":")[0] for verdict in verdicts]
    most = max(sorted(set(heads)), key=heads.count)
    return Verdict(NOT_SUPPORTED, f"none of {k} clusters supported; {heads.count(most)} of them {most}")


def _verdict(evidence: Evidence, number: int, gates: Gates) -> Verdict:
    size, jaccard = int(evidence.size[number]), float(evidence.jaccard[number])
    explained, p = float(evidence.explained[number]), float(evidence.p[number])
    if not size >= gates.share * evidence.n:
        share = size / max(evidence.n, 1)
        return Verdict(NOT_SUPPORTED, f"too small: {size:,} samples, {share:.1%}, below {gates.share:.0%}")
    if not jaccard >= gates.jaccard:
        dissolved = f"; dissolved in {evidence.dissolved[number]:.0%} of bootstraps"
        return Verdict(
            NOT_SUPPORTED,
            f"not stable: mean bootstrap Jaccard {jaccard:.2f}, below {gates.jaccard}{dissolved}",
        )
    if not explained <= gates.explained:
        return Verdict(
            NOT_SUPPORTED,
            f"explained by length and missing values: they tell it with AUROC {explained:.2f}, "
            f"above {gates.explained:.2f}",
        )
    gap = float(evidence.gap[number])
    if p <= gates.level and gap >= gates.gap:
        return Verdict(
            SUPPORTED, f"stable (Jaccard {jaccard:.2f}), beyond the reference (p = {p:.3f}), gap {gap:.2f}"
        )
    if p <= gates.level:
        head, found = "no gap", f"density falls by {gap:.2f} towards the nearest cluster, below {gates.gap}"
    else:
        head = "not beyond the reference"
        found = f"no further apart than slices of data without clusters (p = {p:.2f})"
    if evidence.axis >= gates.axis:
        return Verdict(STRATUM, f"a stable slice (Jaccard {jaccard:.2f}): {found}")
    return Verdict(NOT_SUPPORTED, f"{head}: {found}")


def _largest(values: Array, statistics: int) -> Array:
    found = np.asarray(values, dtype=np.float64).reshape(-1, statistics)
    return np.asarray(np.where(np.isnan(found), -np.inf, found).max(axis=0, initial=-np.inf))
