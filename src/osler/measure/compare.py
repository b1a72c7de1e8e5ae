"""Tests from bootstrap draws, and correction for several tests."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osler.measure.ranking import Floats
from osler.measure.resample import percentile_interval

MIN_TEST_DRAWS = 10_000


@dataclass(frozen=True)
class Difference:
    """An estimated difference with its interval and two-sided p."""

    value: float
    low: float
    high: float
    p: float


def bootstrap_p(draws: Floats) -> float:
    """Two-sided p of a difference: p = 2 min(1 + #{<= 0}, 1 + #{>= 0}) / (B + 1), at most 1 (METHODS 11).

    Args:
        draws: bootstrap draws of the difference, [B]; NaN draws (one class only) are left out.

    Raises:
        ValueError: fewer than 10,000 draws were made; the smallest possible p would be too coarse for Holm.

    Examples:
        >>> round(bootstrap_p(np.full(10_000, 0.1)), 6)
        0.0002
    """
    if len(draws) < MIN_TEST_DRAWS:
        raise ValueError(f"a test needs at least {MIN_TEST_DRAWS:,} draws, {len(draws):,} were made")
    kept = draws[np.isfinite(draws)]
    if len(kept) == 0:
        return float("nan")
    extreme = min(1 + int((kept <= 0).sum()), 1 + int((kept >= 0).sum()))
    return min(1.0, 2 * extreme / (len(kept) + 1))


def paired_difference(a: Floats, b: Floats, *, value: float) -> Difference:
    """Difference a - b of two models on the same samples, from the same draws of groups.

    Args:
        a: draws of the first model's metric, [B].
        b: draws of the second model's metric over the same draws, [B].
        value: the difference itself, from the undisturbed samples.
    """
    difference = a - b
    low, high = percentile_interval(difference)
    return Difference(value, low, high, bootstrap_p(difference))


def unpaired_gap(a: Floats, b: Floats, *, value: float) -> Difference:
    """Gap a - b between two groups of patients, whose draws must come from different seeds.

    Nobody is in both groups, so there is nothing to pair: the draws are independent and their order means
    nothing.

    Args:
        a: draws of the metric in the first group, [B].
        b: draws in the second group, [B].
        value: the gap itself.
    """
    return paired_difference(a, b, value=value)


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Holm's step-down correction for the family-wise error (Scand J Stat 1979;6:65).

    Args:
        p: p-values; NaN is no test and stays NaN.

    Examples:
        >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
        [0.03, 0.06, 0.06]
    """
    raw = np.asarray(p, dtype=np.float64)
    corrected = np.full(raw.shape, np.nan)
    tests = np.flatnonzero(~np.isnan(raw))
    order = tests[np.argsort(raw[tests], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(raw[order] * factors))
    return corrected


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """Benjamini and Hochberg's correction for the false discovery rate (J R Stat Soc B 1995;57:289).

    Args:
        p: p-values; NaN is no test and stays NaN.

    Examples:
        >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(2).tolist()
        [0.03, 0.04, 0.04]
    """
    from scipy.stats import false_discovery_control

    raw = np.asarray(p, dtype=np.float64)
    corrected = np.full(raw.shape, np.nan)
    tests = ~np.isnan(raw)
    if tests.any():
        corrected[tests] = false_discovery_control(raw[tests], method="bh")
    return corrected
