"""One permutation test of held-out outcomes for all clusters that are shown, by the largest statistic.

Who looks at every arm, every k and every cluster finds an outcome that differs somewhere. So the p of each
cluster says how often the largest statistic of all of them, over permuted outcomes, is as large (Westfall and
Young 1993): where no outcome goes with any cluster, the chance that any p is below a level is at most that
level.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osler.measure.agreement import NOISE
from osler.measure.compare import MIN_TEST_DRAWS
from osler.measure.ranking import Floats
from osler.measure.resample import CELLS, group_positions

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class ClusterTests:
    """The tests of c clusters, all partitions together, on o outcomes.

    Attributes:
        partition: column of the labels that each cluster is in, int64 [c].
        cluster: its label there, int64 [c].
        size: samples of each, int64 [c].
        z: sum of the outcome in the cluster, less its mean over permutations, in their standard deviations
            [c, o]; NaN where permuting cannot change it.
        p: two-sided, corrected for all clusters and outcomes [c, o]; NaN where z is.
        draws: permutations.
    """

    partition: Integers
    cluster: Integers
    size: Integers
    z: Floats
    p: Floats
    draws: int


def max_statistic_test(
    labels: ArrayLike,
    outcome: ArrayLike,
    *,
    group: ArrayLike | None = None,
    draws: int = MIN_TEST_DRAWS,
    seed: int = 0,
) -> ClusterTests:
    """Whether outcomes that took no part in the clustering differ between a cluster and the other samples.

    Whole rows of outcomes are permuted, so that outcomes keep what they have to do with each other. Samples
    of a group are permuted together, in their order and with groups of as many samples: a group of a size
    that no other has stays where it is. A missing outcome takes the mean and so says nothing.

    Args:
        labels: the partitions, int [n] or [n, m], -1 noise, which is no cluster but among the others.
        outcome: outcomes, 0 and 1 or numbers, [n] or [n, o]; NaN where missing.
        group: patient of each sample, [n]; None: each sample its own.
        draws: permutations, at least 10,000.
        seed: seed of the permutations.

    Raises:
        ValueError: fewer draws; the smallest possible p would be too coarse.

    Examples:
        >>> labels = np.column_stack([np.arange(60) % 3, np.arange(60) // 30])
        >>> found = max_statistic_test(labels, (np.arange(60) >= 30).astype(float))
        >>> found.partition.tolist(), found.cluster.tolist()
        ([0, 0, 0, 1, 1], [0, 1, 2, 0, 1])
        >>> bool(found.p[0, 0] > 0.9), bool(found.p[4, 0] < 0.001), round(float(found.z[4, 0]), 2)
        (True, True, 7.68)
    """
    if draws < MIN_TEST_DRAWS:
        raise ValueError(f"a test needs at least {MIN_TEST_DRAWS:,} draws, {draws:,} were asked for")
    from scipy import sparse

    columns = np.atleast_2d(np.asarray(labels, dtype=np.int64).T).T
    value = _centred(outcome)
    n = len(value)
    partition, cluster = _clusters(columns)
    inside = [np.flatnonzero(columns[:, p] == c) for p, c in zip(partition, cluster, strict=True)]
    size = np.array([len(rows) for rows in inside], dtype=np.int64)
    start = np.concatenate([[0], np.cumsum(size)])
    rows = np.concatenate(inside) if inside else np.zeros(0, dtype=np.int64)
    member = sparse.csr_matrix((np.ones(len(rows)), rows, start), shape=(len(size), n))
    strata = _strata(np.arange(n) if group is None else group)
    mean, deviation = _moments(member, value, strata)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (member @ value - mean) / deviation
    observed = np.abs(z) * (1 - 1e-9)  # equal sums must count as equal, whatever the order of their terms
    reached = np.zeros(z.shape, dtype=np.int64)
    width = max(1, min(draws, CELLS // max(n * value.shape[1], 1)))
    for first in range(0, draws, width):
        count = min(width, draws - first)
        moved = _permuted(strata, n, count, np.random.default_rng([seed, first]))
        drawn = value[moved].transpose(1, 0, 2).reshape(n, -1)
        sums = (member @ drawn).reshape(len(size), count, -1)
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = np.abs((sums - mean[:, None, :]) / deviation[:, None, :])
        largest = np.where(np.isnan(statistic), -np.inf, statistic).max(axis=(0, 2), initial=-np.inf)
        reached += (largest[None, None, :] >= observed[:, :, None]).sum(axis=2)
    p = np.where(np.isnan(z), np.nan, (1 + reached) / (draws + 1))
    return ClusterTests(partition, cluster, size, z, p, draws)


def _centred(outcome: ArrayLike) -> Floats:
    value = np.asarray(outcome, dtype=np.float64)
    value = value[:, None] if value.ndim == 1 else value
    seen = ~np.isnan(value)
    total = np.where(seen, value, 0.0).sum(axis=0)
    return np.where(seen, value - total / np.maximum(seen.sum(axis=0), 1), 0.0)


def _clusters(columns: Integers) -> tuple[Integers, Integers]:
    found = [(p, c) for p, column in enumerate(columns.T) for c in np.unique(column) if c != NOISE]
    pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _strata(group: ArrayLike) -> list[Integers]:
    """Groups by their number of samples: rows [groups, samples] of each size."""
    position, groups = group_positions(group)
    order = np.argsort(position, kind="stable")
    size = np.bincount(position, minlength=groups)
    start = np.concatenate([[0], np.cumsum(size)])
    return [
        np.array([order[start[g] : start[g] + s] for g in np.flatnonzero(size == s)], dtype=np.int64)
        for s in np.unique(size)
    ]


def _moments(member: Any, value: Floats, strata: list[Integers]) -> tuple[Floats, Floats]:
    """Mean and standard deviation, over permutations, of each cluster's sum of each outcome [c, o].

    With membership w_g and outcome y_g of the samples of group g, both centred over the groups of its size,
    the variance is the sum over pairs of samples of (sum_g w_g w_g') (sum_g y_g y_g') / (groups - 1).
    """
    clusters = member.shape[0]
    mean = np.zeros((clusters, value.shape[1]))
    variance = np.zeros_like(mean)
    for rows in strata:
        groups, samples = rows.shape
        y = value[rows]
        centred = y - y.mean(axis=0)
        inside = [member[:, rows[:, i]] for i in range(samples)]
        share = [np.asarray(part.sum(axis=1)).ravel() / groups for part in inside]
        for i in range(samples):
            mean += groups * share[i][:, None] * y[:, i].mean(axis=0)
            for j in range(samples):
                both = np.asarray(inside[i].multiply(inside[j]).sum(axis=1)).ravel()
                scatter = both - groups * share[i] * share[j]
                product = (centred[:, i] * centred[:, j]).sum(axis=0)
                variance += scatter[:, None] * product / max(groups - 1, 1)
    scale = np.maximum((value**2).sum(axis=0), 1e-300)
    moves = variance > 1e-12 * scale
    return mean, np.sqrt(np.where(moves, variance, np.nan))


def _permuted(strata: list[Integers], n: int, count: int, rng: np.random.Generator) -> Integers:
    """For each draw the row whose outcome each sample takes, [count, n]."""
    moved = np.empty((count, n), dtype=np.int64)
    for rows in strata:
        order = rng.permuted(np.tile(np.arange(len(rows)), (count, 1)), axis=1)
        moved[:, rows] = rows[order]
    return moved
