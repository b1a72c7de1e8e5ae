"""How far one cluster differs from the rest in one variable, with an interval and without a p-value.

Missing values are left out of each variable and counted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from osler.measure.agreement import NOISE
from osler.measure.intervals import wilson
from osler.measure.ranking import Floats

FEWEST = 5  # values at either side below which there is no standardised difference


@dataclass(frozen=True)
class Effect:
    """An effect with its interval; NaN where it cannot be estimated.

    Attributes:
        value: the effect; low, high: its limits.
        method: how it was made.
        n_inside: values in the cluster; n_outside: values in the rest.
        missing: samples of either without a value.
    """

    value: float
    low: float
    high: float
    method: str
    n_inside: int
    n_outside: int
    missing: int


def mean_difference(inside: ArrayLike, value: ArrayLike, *, confidence: float = 0.95) -> Effect:
    """Standardised mean difference of a cluster against the rest: Cohen's d.

    The standard deviation is the root of the mean of the two variances, the interval that of Hedges and Olkin
    (1985), as in the descriptions of clusters.

    Args:
        inside: which samples are in the cluster, bool [n].
        value: a numeric variable, or places of ordered levels, [n]; NaN where missing.
        confidence: coverage.

    Returns:
        NaN below 5 values at either side and without spread.

    Examples:
        >>> effect = mean_difference([True] * 5 + [False] * 5, [2.0, 3, 4, 5, 6, 1, 2, 3, 4, 5])
        >>> round(effect.value, 3), round(effect.low, 2), round(effect.high, 2)
        (0.632, -0.64, 1.9)
    """
    one, other, missing = _sides(inside, value)
    counts = (len(one), len(other), missing)
    nothing = Effect(float("nan"), float("nan"), float("nan"), "cohen d", *counts)
    if min(len(one), len(other)) < FEWEST:
        return nothing
    # Taken from a value among them, what rounding leaves of a constant is no spread.
    shift = other[0]
    one, other = one - shift, other - shift
    spread = float(np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 2))
    if not spread > 1e-12 * max(float(np.abs(one).max()), float(np.abs(other).max())):
        return nothing
    d = float(one.mean() - other.mean()) / spread
    error = float(np.sqrt(1 / len(one) + 1 / len(other) + d * d / (2 * (len(one) + len(other)))))
    reach = _quantile(confidence) * error
    return Effect(d, d - reach, d + reach, "cohen d", *counts)


def proportion_difference(inside: ArrayLike, value: ArrayLike, *, confidence: float = 0.95) -> Effect:
    """Difference of two proportions, cluster less rest, with Newcombe's interval (Stat Med 1998;17:873).

    Args:
        inside: which samples are in the cluster, bool [n].
        value: 1 or 0, [n]; NaN where missing.
        confidence: coverage.

    Examples:
        >>> effect = proportion_difference([True] * 10 + [False] * 10, [1.0] * 7 + [0.0] * 10 + [1.0] * 3)
        >>> round(effect.value, 2), round(effect.low, 3), round(effect.high, 3)
        (0.4, -0.029, 0.672)
    """
    one, other, missing = _sides(inside, value)
    a = wilson(float(one.sum()), len(one), confidence=confidence)
    b = wilson(float(other.sum()), len(other), confidence=confidence)
    difference = a.value - b.value
    below = float(np.hypot(a.value - a.low, b.high - b.value))
    above = float(np.hypot(a.high - a.value, b.value - b.low))
    counts = (len(one), len(other), missing)
    return Effect(difference, difference - below, difference + above, "newcombe", *counts)


def log_odds_ratio(inside: ArrayLike, value: ArrayLike, *, confidence: float = 0.95) -> Effect:
    """Logarithm of the odds ratio, cluster against rest, with one half added to each of the four counts.

    Value and interval are finite whatever the counts (Gart and Zweifel, Biometrika 1967;54:181).

    Args:
        inside: which samples are in the cluster, bool [n].
        value: 1 or 0, [n]; NaN where missing.
        confidence: coverage.

    Examples:
        >>> round(log_odds_ratio([True] * 10 + [False] * 10, [1.0] * 7 + [0.0] * 10 + [1.0] * 3).value, 3)
        1.524
    """
    one, other, missing = _sides(inside, value)
    counts = (len(one), len(other), missing)
    if min(len(one), len(other)) == 0:
        return Effect(float("nan"), float("nan"), float("nan"), "log odds ratio", *counts)
    cells = np.array([one.sum(), len(one) - one.sum(), other.sum(), len(other) - other.sum()]) + 0.5
    ratio = float(np.log(cells[0] * cells[3] / (cells[1] * cells[2])))
    reach = _quantile(confidence) * float(np.sqrt((1 / cells).sum()))
    return Effect(ratio, ratio - reach, ratio + reach, "log odds ratio", *counts)


def eta_squared(cluster: ArrayLike, value: ArrayLike, *, confidence: float = 0.95) -> Effect:
    """Share of the variance of a variable between the clusters, with the interval of its population.

    The limits are those of the noncentrality of F: noncentrality / (noncentrality + n) (Steiger, Psychol
    Methods 2004;9:164). They belong to the population, the value to the samples, whose share is larger by
    chance: it may lie above the upper limit.

    Args:
        cluster: cluster of each sample, int [n], -1 noise.
        value: a numeric variable, [n]; NaN where missing.
        confidence: coverage.

    Returns:
        `n_inside` is the number of samples, `n_outside` 0; NaN without spread or with one cluster.

    Examples:
        >>> eta_squared([0, 0, 1, 1], [1.0, 1.0, 5.0, 5.0]).value
        1.0
    """
    clusters, values = np.asarray(cluster), np.asarray(value, dtype=np.float64)
    used = clusters != NOISE
    missing = int((used & np.isnan(values)).sum())
    used &= ~np.isnan(values)
    names, place = np.unique(clusters[used], return_inverse=True)
    kept = values[used]
    n, groups = len(kept), len(names)
    if groups < 2 or np.ptp(kept) == 0:
        return Effect(float("nan"), float("nan"), float("nan"), "noncentral f", n, 0, missing)
    kept = kept - kept.mean()
    size = np.bincount(place)
    between = float((np.bincount(place, kept) ** 2 / size).sum())
    total = float((kept**2).sum())
    share = min(1.0, between / total)
    within = total - between
    if n <= groups or not within > 1e-12 * total:
        return Effect(share, share, share, "noncentral f", n, 0, missing)
    statistic = between / (groups - 1) / (within / (n - groups))
    tail = (1 - confidence) / 2
    limits = [_noncentrality(statistic, groups - 1, n - groups, at) for at in (1 - tail, tail)]
    return Effect(
        share, limits[0] / (limits[0] + n), limits[1] / (limits[1] + n), "noncentral f", n, 0, missing
    )


def _sides(inside: ArrayLike, value: ArrayLike) -> tuple[Floats, Floats, int]:
    member, values = np.asarray(inside, dtype=bool), np.asarray(value, dtype=np.float64)
    seen = ~np.isnan(values)
    return values[member & seen], values[~member & seen], int((~seen).sum())


def _noncentrality(statistic: float, df: int, within: int, at: float) -> float:
    """The noncentrality with which F is at most the statistic with probability `at`; 0 where none is."""
    from scipy.optimize import brentq
    from scipy.stats import f, ncf

    def beyond(noncentrality: float) -> float:
        found = float(ncf.cdf(statistic, df, within, noncentrality))
        if np.isnan(found):
            # Far out the series underflows; there Patnaik's central F (Biometrika 1949;36:202) will do.
            mean = df + noncentrality
            found = float(f.cdf(statistic * df / mean, mean**2 / (mean + noncentrality), within))
        return found - at

    if beyond(1e-9) <= 0:
        return 0.0
    high = max(1.0, 4 * statistic * df)
    while beyond(high) > 0:
        high *= 2
    return float(brentq(beyond, 1e-9, high))


def _quantile(confidence: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf((1 + confidence) / 2))
