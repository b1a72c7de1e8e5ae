"""Shares of clusters in two cohorts beside each other: intervals, and a test that they are the same.

Where each patient has one sample, the intervals are Wilson's and the test is that of the table of counts.
Where patients have several, these are too narrow: then patients are drawn again for the intervals, and moved
between the cohorts for the test (METHODS 11).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osler.measure.agreement import NOISE
from osler.measure.association import cramers_v, level_test
from osler.measure.compare import MIN_TEST_DRAWS
from osler.measure.intervals import Interval, wilson
from osler.measure.ranking import Floats
from osler.measure.resample import CELLS, bootstrap, group_positions, percentile_interval

_BY_PATIENT = "bootstrap of patients"
_INTERVAL_DRAWS = 1000


@dataclass(frozen=True)
class SharesTest:
    """Whether the shares of two cohorts are the same.

    Attributes:
        test: `chi-squared`, `fisher exact` or `monte carlo` (as `TableTest`), `permutation of patients`
            where patients have several samples, `none` where there is nothing to compare.
        statistic: Pearson's chi-squared of the table of cohorts by clusters.
        p: of the test named.
        v: Cramer's V, 0..1, corrected for chance.
    """

    test: str
    statistic: float
    p: float
    v: float


def cluster_shares(
    cluster: ArrayLike, k: int, *, group: ArrayLike, draws: int = _INTERVAL_DRAWS, seed: int = 0
) -> list[Interval]:
    """The share of each of k clusters among the samples that are in one, with its interval.

    Args:
        cluster: int [n], -1 noise.
        k: number of clusters.
        group: patient of each sample [n].
        draws: bootstraps of patients, where one has several samples.
        seed: of the draws.

    Examples:
        >>> one = cluster_shares([0, 0, 0, 1], 2, group=[1, 2, 3, 4])[1]
        >>> one.value, round(one.low, 3), round(one.high, 3), one.method
        (0.25, 0.046, 0.699, 'wilson')
    """
    own, patient = _members(cluster, group)
    counts = np.bincount(own, minlength=k)
    if not len(own) or not _repeated(patient):
        return [wilson(int(count), len(own)) for count in counts]
    hot = (own == np.arange(k)[:, None]).astype(np.float64)
    drawn = bootstrap(patient, {"share": lambda w: hot @ w / w.sum(axis=0)}, draws=draws, seed=seed)["share"]
    pairs = zip(counts, drawn, strict=True)
    return [Interval(count / len(own), *percentile_interval(values), _BY_PATIENT) for count, values in pairs]


def cluster_means(
    value: ArrayLike,
    cluster: ArrayLike,
    k: int,
    *,
    group: ArrayLike,
    draws: int = _INTERVAL_DRAWS,
    seed: int = 0,
) -> tuple[Interval, list[Interval]]:
    """The mean of a number over all samples and over each cluster's, with percentiles of bootstraps.

    Args:
        value: float [n], known of every sample in a cluster.
        cluster: int [n], -1 noise (left out).
        k: number of clusters.
        group: patient of each sample [n].
        draws: bootstraps of patients.
        seed: of the draws.

    Returns:
        Of all samples, and of each cluster (NaN where it has none).

    Examples:
        >>> whole, each = cluster_means([0.5, 0.5, 1.0], [0, 0, 1], 2, group=[1, 2, 3])
        >>> round(whole.value, 3), each[0].low, each[1].high
        (0.667, 0.5, 1.0)
    """
    inside = np.asarray(cluster) != NOISE
    values = np.asarray(value, dtype=np.float64)[inside]
    own, patient = _members(cluster, group)
    if not len(own):
        none = Interval(float("nan"), float("nan"), float("nan"), _BY_PATIENT)
        return none, [none] * k
    hot = np.vstack([np.ones(len(own)), own == np.arange(k)[:, None]]).astype(np.float64)

    def mean(weight: Floats) -> Floats:
        total, size = (hot * values) @ weight, hot @ weight
        return np.asarray(np.divide(total, size, out=np.full(size.shape, np.nan), where=size > 0))

    drawn = bootstrap(patient, {"mean": mean}, draws=draws, seed=seed)["mean"]
    found = mean(np.ones((len(own), 1)))[:, 0]
    rows = [
        Interval(float(one), *percentile_interval(many), _BY_PATIENT)
        for one, many in zip(found, drawn, strict=True)
    ]
    return rows[0], rows[1:]


def shares_test(
    first: ArrayLike,
    second: ArrayLike,
    *,
    first_group: ArrayLike,
    second_group: ArrayLike,
    draws: int = MIN_TEST_DRAWS,
    seed: int = 0,
) -> SharesTest:
    """Test that two cohorts have the same shares of clusters.

    Args:
        first: cluster of each sample of the first cohort, int [n], -1 noise (left out).
        second: of the second, int [m].
        first_group: patient of each sample of the first [n].
        second_group: of the second [m]; other patients than those of the first, whatever they are called.
        draws: permutations of patients, 10,000 or more; or tables drawn, where counts are small.
        seed: of the draws.

    Raises:
        ValueError: too few draws.

    Examples:
        >>> one = shares_test([0] * 30 + [1] * 10, [0] * 10 + [1] * 30,
        ...                   first_group=range(40), second_group=range(40))
        >>> one.test, one.statistic, one.p < 0.001
        ('chi-squared', 20.0, True)
    """
    if draws < MIN_TEST_DRAWS:
        raise ValueError(f"a test needs at least {MIN_TEST_DRAWS:,} draws, {draws:,} were asked for")
    (one, one_of), (other, other_of) = _members(first, first_group), _members(second, second_group)
    cohort = np.repeat([0, 1], [len(one), len(other)])
    clusters = np.concatenate([one, other])
    if not (_repeated(one_of) or _repeated(other_of)):
        found = level_test(cohort, clusters, draws=draws, seed=seed)
        return SharesTest(found.test, found.statistic, found.p, found.v)
    if not len(one) or not len(other) or len(np.unique(clusters)) < 2:
        return SharesTest("none", float("nan"), float("nan"), float("nan"))
    by_patient = np.concatenate([_counts(one, one_of, clusters), _counts(other, other_of, clusters)])
    size = len(np.unique(one_of))
    table = np.stack([by_patient[:size].sum(axis=0), by_patient[size:].sum(axis=0)])
    statistic = float(_chi_squared(table[:1], table.sum(axis=0))[0])
    # Patients with the same counts are alike: a permutation draws how many of each kind come to the first.
    kinds, size_of = np.unique(by_patient, axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    width = max(1, CELLS // len(kinds))
    reached = 0
    for start in range(0, draws, width):
        some = min(width, draws - start)
        moved = rng.multivariate_hypergeometric(size_of, size, size=some, method="marginals") @ kinds
        # A drawn table that equals the found one must count whatever the rounding.
        reached += int((_chi_squared(moved, table.sum(axis=0)) >= statistic * (1 - 1e-9)).sum())
    return SharesTest("permutation of patients", statistic, (1 + reached) / (1 + draws), cramers_v(table))


def _members(cluster: ArrayLike, group: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cluster and patient of the samples in a cluster."""
    own = np.asarray(cluster, dtype=np.int64)
    inside = own != NOISE
    return own[inside], group_positions(np.asarray(group)[inside])[0]


def _repeated(patient: NDArray[np.int64]) -> bool:
    return len(np.unique(patient)) < len(patient)


def _counts(own: NDArray[np.int64], patient: NDArray[np.int64], clusters: NDArray[np.int64]) -> Floats:
    """Samples of each patient in each of the clusters that occur: float64 [patients, c]."""
    names = np.unique(clusters)
    counts = np.zeros((int(patient.max()) + 1, len(names)))
    np.add.at(counts, (patient, np.searchsorted(names, own)), 1.0)
    return counts


def _chi_squared(first: Floats, total: Floats) -> Floats:
    """Pearson's chi-squared of each row of counts against what is left of the total: float64 [b]."""
    second = total - first
    n = total.sum()
    found = np.zeros(len(first))
    for counts in (first, second):
        expected = counts.sum(axis=1, keepdims=True) * total / n
        apart = (counts - expected) ** 2
        found += np.divide(apart, expected, out=np.zeros_like(apart), where=expected > 0).sum(axis=1)
    return found
