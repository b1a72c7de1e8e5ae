"""Whether a variable goes with the clusters: tests for tables and for ranks, with their effect sizes.

p-values belong to variables that took no part in the clustering (METHODS 20); effect sizes to all. Missing
values are left out of each variable and counted. Noise (-1) is no cluster and is left out.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from osler.measure.agreement import NOISE
from osler.measure.compare import holm
from osler.measure.ranking import Floats

SPARSE = 5.0  # a table with a smaller expected count has no chi-squared distribution (Cochran 1954)
DRAWS = 9_999


@dataclass(frozen=True)
class TableTest:
    """A variable with levels against the clusters.

    Attributes:
        test: `chi-squared`; where an expected count is below 5, `fisher exact` for 2 x 2 and `monte carlo`
            (tables drawn with the same margins) for larger ones; `none` where either has one level only.
        statistic: Pearson's chi-squared, without continuity correction.
        df: its degrees of freedom.
        p: of the test named.
        v: Cramer's V, 0..1.
        n: samples in the table; missing: samples without a value.
        smallest_expected: the smallest expected count.
    """

    test: str
    statistic: float
    df: int
    p: float
    v: float
    n: int
    missing: int
    smallest_expected: float


@dataclass(frozen=True)
class RankTest:
    """A numeric or ordinal variable against the clusters.

    Attributes:
        statistic: H of Kruskal and Wallis, corrected for ties; NaN where all values are alike or there is one
            cluster.
        df: clusters less one.
        p: from the chi-squared distribution.
        epsilon_squared: H / (n - 1), 0..1 (Tomczak and Tomczak, Trends Sport Sci 2014;1:19).
        n: samples; missing: samples without a value.
    """

    statistic: float
    df: int
    p: float
    epsilon_squared: float
    n: int
    missing: int


@dataclass(frozen=True)
class Pair:
    """Two clusters compared after a rank test: z is above 0 where the first has the higher ranks."""

    first: int
    second: int
    z: float
    p: float
    p_holm: float


def cramers_v(table: ArrayLike, *, corrected: bool = True) -> float:
    """Cramer's V of a table of counts; NaN with fewer than two rows or columns that are not empty.

    Args:
        table: counts [r, c].
        corrected: less what chance adds (Bergsma, J Korean Stat Soc 2013;42:323); else the plain V, which is
            above 0 without any association, the more so the more cells and the fewer samples.

    Examples:
        >>> round(cramers_v([[30, 10], [10, 30]], corrected=False), 3)
        0.5
        >>> cramers_v([[10, 10], [11, 9]])
        0.0
    """
    counts = _without_empty(table)
    rows, columns = counts.shape
    n = counts.sum()
    if min(rows, columns) < 2 or n < 2:
        return float("nan")
    phi = _chi_squared(counts)[0] / n
    if not corrected:
        return float(np.sqrt(phi / (min(rows, columns) - 1)))
    phi = max(0.0, phi - (rows - 1) * (columns - 1) / (n - 1))
    side = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return min(1.0, float(np.sqrt(phi / side))) if side > 0 else float("nan")


def level_test(
    cluster: ArrayLike, level: ArrayLike, *, corrected: bool = True, draws: int = DRAWS, seed: int = 0
) -> TableTest:
    """A variable with levels against the clusters, by the test that its counts allow.

    Args:
        cluster: cluster of each sample, int [n], -1 noise.
        level: place of its level, or 0 and 1, [n]; NaN where missing.
        corrected: whether Cramer's V is corrected for chance.
        draws: tables drawn with the same margins, where one is sparse and larger than 2 x 2.
        seed: seed of the draws.

    Examples:
        >>> found = level_test([0] * 20 + [1] * 20, [0.0] * 15 + [1.0] * 20 + [0.0] * 4 + [float("nan")])
        >>> found.test, found.n, found.missing, round(found.statistic, 2)
        ('chi-squared', 39, 1, 11.35)
    """
    clusters, levels, missing = _observed(cluster, level)
    counts = _count(clusters, levels)
    n = int(counts.sum())
    if min(counts.shape) < 2:
        return TableTest("none", float("nan"), 0, float("nan"), float("nan"), n, missing, float("nan"))
    statistic, expected = _chi_squared(counts)
    df = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    smallest = float(expected.min())
    if smallest >= SPARSE:
        from scipy.stats import chi2

        test, p = "chi-squared", float(chi2.sf(statistic, df))
    elif counts.shape == (2, 2):
        from scipy.stats import fisher_exact

        test, p = "fisher exact", float(fisher_exact(counts).pvalue)
    else:
        test, p = "monte carlo", _monte_carlo(counts, statistic, expected, draws=draws, seed=seed)
    v = cramers_v(counts, corrected=corrected)
    return TableTest(test, statistic, df, p, v, n, missing, smallest)


def rank_test(cluster: ArrayLike, value: ArrayLike) -> RankTest:
    """Kruskal-Wallis test with epsilon squared (JASA 1952;47:583).

    Args:
        cluster: cluster of each sample, int [n], -1 noise.
        value: numbers or places of ordered levels, [n]; NaN where missing.

    Examples:
        >>> found = rank_test([0, 0, 0, 1, 1, 1], [1.0, 2.0, 3.0, 4.0, 5.0, float("nan")])
        >>> round(found.statistic, 3), round(found.epsilon_squared, 3), found.missing
        (3.0, 0.75, 1)
    """
    clusters, values, missing = _observed(cluster, value)
    names = np.unique(clusters)
    n, df = len(values), max(len(names) - 1, 0)
    if df == 0 or np.ptp(values) == 0:
        return RankTest(float("nan"), df, float("nan"), float("nan"), n, missing)
    from scipy.stats import kruskal

    found = kruskal(*[values[clusters == name] for name in names])
    statistic = float(found.statistic)
    return RankTest(statistic, df, float(found.pvalue), statistic / (n - 1), n, missing)


def dunn(cluster: ArrayLike, value: ArrayLike) -> list[Pair]:
    """Dunn's comparison of all pairs of clusters after a rank test (Technometrics 1964;6:241).

    The ranks are those of all samples together, the variance is corrected for ties, p is two-sided and
    corrected by Holm over the pairs.

    Args:
        cluster: cluster of each sample, int [n], -1 noise.
        value: numbers or places of ordered levels, [n]; NaN where missing.

    Returns:
        One per pair, in the order of the clusters; NaN where all values are alike.

    Examples:
        >>> pair = dunn([0, 0, 0, 1, 1, 1], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])[0]
        >>> pair.first, pair.second, round(pair.z, 3)
        (0, 1, -1.964)
    """
    from scipy.stats import norm, rankdata

    clusters, values, _ = _observed(cluster, value)
    names, place = np.unique(clusters, return_inverse=True)
    n = len(values)
    if len(names) < 2:
        return []
    rank = rankdata(values)
    size = np.bincount(place)
    mean = np.bincount(place, rank) / size
    ties = np.unique(values, return_counts=True)[1].astype(np.float64)
    variance = n * (n + 1) / 12 - (ties**3 - ties).sum() / (12 * (n - 1))
    pairs = list(combinations(range(len(names)), 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.array(
            [(mean[a] - mean[b]) / np.sqrt(variance * (1 / size[a] + 1 / size[b])) for a, b in pairs]
        )
    z = np.where(variance > 1e-9, z, np.nan)
    p = 2 * norm.sf(np.abs(z))
    adjusted = holm(p)
    return [
        Pair(int(names[a]), int(names[b]), float(z[i]), float(p[i]), float(adjusted[i]))
        for i, (a, b) in enumerate(pairs)
    ]


def _observed(cluster: ArrayLike, value: ArrayLike) -> tuple[Floats, Floats, int]:
    """Clusters and values of the samples that have both, and how many in clusters have no value."""
    clusters, values = np.asarray(cluster), np.asarray(value, dtype=np.float64)
    inside = clusters != NOISE
    seen = ~np.isnan(values)
    return clusters[inside & seen], values[inside & seen], int((inside & ~seen).sum())


def _count(row: Floats, column: Floats) -> Floats:
    rows, at_row = np.unique(row, return_inverse=True)
    columns, at_column = np.unique(column, return_inverse=True)
    cells = np.bincount(at_row * len(columns) + at_column, minlength=len(rows) * len(columns))
    return cells.reshape(len(rows), len(columns)).astype(np.float64)


def _without_empty(table: ArrayLike) -> Floats:
    counts = np.asarray(table, dtype=np.float64)
    return np.asarray(counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0])


def _chi_squared(counts: Floats) -> tuple[float, Floats]:
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    return float(((counts - expected) ** 2 / expected).sum()), expected


def _monte_carlo(counts: Floats, statistic: float, expected: Floats, *, draws: int, seed: int) -> float:
    from scipy.stats import random_table

    rows, columns = counts.sum(axis=1).astype(np.int64), counts.sum(axis=0).astype(np.int64)
    drawn = random_table(rows, columns).rvs(draws, random_state=np.random.default_rng(seed))
    values = ((drawn - expected) ** 2 / expected).sum(axis=(1, 2))
    # Equal tables must count as equal, whatever the order in which their terms were added.
    return (1 + int((values >= statistic * (1 - 1e-9)).sum())) / (draws + 1)
