"""Correlations of the normal variables that lie behind observed ones of any kind, ordered or continuous.

One series serves all pairs, continuous, ordinal and binary alike. A variable is a non-decreasing step
function of a standard normal; with Hermite coefficients a and b of two such functions, the correlation of
what is observed is sum_k a_k b_k rho^k (Lancaster, Biometrika 1957;44:289), which for two binary variables
is the tetrachoric series (Pearson 1900) and for one continuous the biserial correction. It grows with rho
and is inverted by bisection.
"""

import numpy as np
from numpy.typing import ArrayLike

from osler.measure.ranking import Floats

TERMS = 48  # of the Hermite series; what is left out is below .01 at rho = .95
LARGEST = 0.98  # a latent correlation is kept from becoming a copy
FEWEST_PAIRS = 30  # pairs of values below which a correlation is not estimated
SMALLEST_EIGENVALUE = 1e-3


def normal_scores(value: ArrayLike) -> Floats:
    """Mean of the standard normal variable within the interval that each value stands for, [n].

    The share of samples below and up to a value are the ends of its interval, so that tied values get one
    score. NaN stays NaN.

    Args:
        value: observed values, [n]; NaN where missing.

    Examples:
        >>> normal_scores([0.0, 1.0, float("nan"), 1.0, 0.0]).round(3).tolist()
        [-0.798, 0.798, nan, 0.798, -0.798]
    """
    return _scored(np.asarray(value, dtype=np.float64))[0]


def latent_correlation(value: ArrayLike, *, shrink: bool = False) -> Floats:
    """Correlations of the standard normal variables behind the columns, [p, p], not yet positive definite.

    Each pair is estimated from the samples in which both are observed; below 30 of them, or where a column
    does not vary, the correlation is 0.

    Args:
        value: observed values [n, p]: numbers, places of ordered levels, 0 and 1; NaN where missing.
        shrink: take off what sampling error adds to them on average: the square of each is made smaller by
        its
            error variance, and a correlation within one standard error becomes 0. Strong ones stay as they
            are, while many near 0 no longer add up to structure that is not there.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> z = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 20_000)
        >>> z[:, 1] = z[:, 1] > 1.0
        >>> bool(abs(latent_correlation(z)[0, 1] - 0.6) < 0.03)
        True
    """
    values = np.asarray(value, dtype=np.float64)
    parts = [_scored(column) for column in values.T]
    if not parts:
        return np.zeros((0, 0))
    score = np.column_stack([part[0] for part in parts])
    coefficient = np.column_stack([part[1] for part in parts])
    observed, pairs = _pairwise(score)
    low, high = np.full_like(observed, -LARGEST), np.full_like(observed, LARGEST)
    for _ in range(30):
        middle = (low + high) / 2
        # Horner's scheme, highest term first; the series has no constant term.
        series = np.zeros_like(middle)
        for term in coefficient[::-1]:
            series = (series + np.multiply.outer(term, term)) * middle
        below = series < observed
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    latent = (low + high) / 2
    unknown = (pairs < FEWEST_PAIRS) | ~np.isfinite(observed)
    latent[unknown] = 0.0
    np.fill_diagonal(latent, 0.0)
    if shrink:
        # The slope of the series near 0 turns the error of what is observed into that of what is behind.
        slope = np.multiply.outer(coefficient[0], coefficient[0])
        scale = np.where(unknown, 1.0, pairs * slope**2)
        error = (1 - latent**2) ** 2 / np.maximum(scale, 1e-12)
        latent = np.sign(latent) * np.sqrt(np.maximum(latent**2 - error, 0.0))
    np.fill_diagonal(latent, 1.0)
    return latent


def positive_definite(correlation: Floats, *, smallest: float = SMALLEST_EIGENVALUE) -> Floats:
    """The correlation matrix with its eigenvalues raised to a smallest one, scaled to a unit diagonal again.

    Args:
        correlation: symmetric [p, p], unit diagonal.
        smallest: eigenvalues below it are raised to it (Rousseeuw and Molenberghs, Commun Stat 1993;22:965).

    Examples:
        >>> raised = positive_definite(np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]]))
        >>> bool(np.linalg.eigvalsh(raised)[0] > 0), raised.diagonal().round(6).tolist()
        (True, [1.0, 1.0, 1.0])
    """
    values, vectors = np.linalg.eigh(correlation)
    if len(values) == 0 or values[0] >= smallest:
        return np.asarray(correlation, dtype=np.float64)
    raised = (vectors * np.maximum(values, smallest)) @ vectors.T
    scale = np.sqrt(raised.diagonal())
    scaled = raised / np.outer(scale, scale)
    np.fill_diagonal(scaled, 1.0)
    return np.asarray((scaled + scaled.T) / 2, dtype=np.float64)


def _scored(value: Floats) -> tuple[Floats, Floats]:
    """Normal score of each sample [n], and the Hermite coefficients 1..TERMS of the standardised score."""
    from scipy.stats import norm

    score = np.full(len(value), np.nan)
    seen = ~np.isnan(value)
    distinct, place, count = np.unique(value[seen], return_inverse=True, return_counts=True)
    if len(distinct) < 2:
        score[seen] = 0.0
        return score, np.zeros(TERMS)
    end = norm.ppf(np.cumsum(count)[:-1] / count.sum())
    density = np.concatenate([[0.0], norm.pdf(end), [0.0]])
    share = count / count.sum()
    mean = (density[:-1] - density[1:]) / share
    score[seen] = mean[place]
    spread = np.sqrt((share * mean**2).sum())
    # The integral of h_k times the density over an interval is the difference of h_{k-1} density / sqrt(k).
    jump = np.diff(mean) / spread
    before, now = np.zeros_like(end), np.ones_like(end)
    coefficient = np.empty(TERMS)
    for k in range(1, TERMS + 1):
        coefficient[k - 1] = (jump * now * density[1:-1]).sum() / np.sqrt(k)
        before, now = now, (end * now - np.sqrt(k - 1) * before) / np.sqrt(k)
    return score, coefficient


def _pairwise(score: Floats) -> tuple[Floats, Floats]:
    """Pearson's correlations over the samples in which both columns are observed, and how many they are."""
    seen = (~np.isnan(score)).astype(np.float64)
    filled = np.where(seen > 0, score, 0.0)
    pairs = seen.T @ seen
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (filled.T @ seen) / pairs  # mean of row variable where the column variable is observed
        square = ((filled**2).T @ seen) / pairs - mean**2
        product = (filled.T @ filled) / pairs - mean * mean.T
        spread = np.sqrt(np.where(square > 1e-12, square, np.nan))
        return np.clip(product / (spread * spread.T), -1.0, 1.0), pairs
