"""Calibration: does a predicted probability of 20 % come true for 20 of 100 patients?

In the large (observed minus expected, and the intercept of a logistic model with the logit of the prediction
as offset), slope (the coefficient of that logit), and a flexible curve with ICI and E90 (Van Calster et al.,
BMC Med 2019;17:230; Austin and Steyerberg, Stat Med 2019;38:4051). The curve is a logistic regression on a
restricted cubic spline of the logit with four knots at the 5th, 35th, 65th and 95th percentile (Harrell,
Regression Modeling Strategies, 2nd ed., sec. 2.4.6); with fewer than three distinct knots it is a straight
line on the logit scale.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from osler.measure.intervals import Interval
from osler.measure.logistic import expit, fit_weighted, robust_covariance
from osler.measure.probability import CLIP
from osler.measure.ranking import Floats
from osler.measure.resample import bootstrap, group_positions, percentile_interval

KNOTS = (0.05, 0.35, 0.65, 0.95)
CURVE_POINTS = 41
CURVE_RANGE = (0.01, 0.99)  # percentiles of the predictions between which the curve is drawn


def logit(probability: ArrayLike) -> Floats:
    """Log odds; probabilities are clipped to [1e-7, 1 - 1e-7]."""
    p = np.clip(np.asarray(probability, dtype=np.float64), CLIP, 1 - CLIP)
    return np.asarray(np.log(p) - np.log1p(-p))


def observed_minus_expected(y: ArrayLike, probability: ArrayLike, *, group: ArrayLike) -> Interval:
    """Event rate minus mean prediction, with an interval from group sums (normal).

    Args:
        y: outcomes, bool [n].
        probability: predictions, [n].
        group: group of each sample, [n].
    """
    from scipy.stats import norm

    residual = np.asarray(y, dtype=np.float64) - np.asarray(probability, dtype=np.float64)
    position, n_groups = group_positions(group)
    value = float(residual.mean())
    sums = np.bincount(position, residual - value, minlength=n_groups)
    factor = n_groups / (n_groups - 1) if n_groups > 1 else np.nan
    half = float(norm.ppf(0.975) * np.sqrt(factor * (sums @ sums)) / len(residual))
    return Interval(value, value - half, value + half, "cluster-robust")


def calibration_intercept(y: ArrayLike, probability: ArrayLike, *, group: ArrayLike) -> Interval:
    """Calibration in the large: logistic intercept with the logit of the prediction as offset; 0 is ideal.

    Args:
        y: outcomes, bool [n].
        probability: predictions, [n].
        group: group of each sample; the interval is cluster-robust, [n].

    Examples:
        >>> y = np.array([1, 0, 0, 0] * 50, dtype=bool)
        >>> abs(round(calibration_intercept(y, np.full(200, 0.25), group=np.arange(200)).value, 6))
        0.0
    """
    return _coefficient(y, probability, group, slope=False)


def calibration_slope(y: ArrayLike, probability: ArrayLike, *, group: ArrayLike) -> Interval:
    """Calibration slope: coefficient of the logit of the prediction; below 1 the predictions are too extreme.

    NaN when the predictions do not vary or separate the classes (then there is no finite slope).

    Args:
        y: outcomes, bool [n].
        probability: predictions, [n].
        group: group of each sample; the interval is cluster-robust, [n].
    """
    return _coefficient(y, probability, group, slope=True)


@dataclass(frozen=True)
class Curve:
    """Calibration curve on a fixed grid, with its summary measures.

    Attributes:
        x: predicted probabilities, evenly spaced on the logit scale between two percentiles, [g].
        y: expected outcome at each, [g].
        low: lower pointwise limits, [g].
        high: upper pointwise limits, [g].
        ici: mean distance between prediction and curve over the samples.
        e90: 90th percentile of that distance.
    """

    x: Floats
    y: Floats
    low: Floats
    high: Floats
    ici: Interval
    e90: Interval


def flexible_calibration(
    y: ArrayLike, probability: ArrayLike, *, group: ArrayLike, draws: int, seed: int
) -> Curve | None:
    """Flexible calibration curve with ICI and E90; intervals by resampling groups and refitting the curve.

    Args:
        y: outcomes, bool [n].
        probability: predictions, [n].
        group: group of each sample, [n].
        draws: bootstrap draws.
        seed: seed of the draws.

    Returns:
        None when the predictions do not vary: there is no curve through one point.
    """
    outcome = np.asarray(y, dtype=np.float64)
    p = np.asarray(probability, dtype=np.float64)
    raw = logit(p)
    if np.ptp(raw) < 1e-9:
        return None
    knots = np.unique(np.quantile(raw, KNOTS))
    columns = spline_columns(raw, knots)
    first, last = np.quantile(raw, CURVE_RANGE)
    points = np.linspace(first, last, CURVE_POINTS)
    grid = spline_columns(points, knots)
    ones = np.ones((len(p), 1))
    beta = fit_weighted(columns, outcome, ones)

    def shape(weight: Floats) -> Floats:
        fitted = fit_weighted(columns, outcome, weight, start=beta[:, 0] if np.isfinite(beta).all() else None)
        distance = np.abs(expit(columns @ fitted) - p[:, None])
        ici = np.einsum("nb,nb->b", weight, distance) / weight.sum(axis=0)
        e90 = _weighted_quantile(distance, weight, 0.9)
        return np.concatenate([[ici], [e90], expit(grid @ fitted)])

    at = shape(ones)[:, 0]
    drawn = bootstrap(group, {"shape": shape}, draws=draws, seed=seed)["shape"]
    limits = np.array([percentile_interval(row) for row in drawn])
    ici, e90 = (Interval(float(at[i]), float(limits[i, 0]), float(limits[i, 1]), "bootstrap") for i in (0, 1))
    return Curve(expit(points), at[2:], limits[2:, 0], limits[2:, 1], ici, e90)


def spline_columns(value: Floats, knots: Floats) -> Floats:
    """Intercept, value, and the restricted cubic spline terms of the value, [n, max(2, len(knots))].

    Linear beyond the outer knots (Harrell, sec. 2.4.5); scaled by the squared distance of the outer knots.
    """
    columns = [np.ones_like(value), value]
    if len(knots) >= 3:
        last, before = knots[-1], knots[-2]
        for knot in knots[:-2]:
            term = (
                np.maximum(value - knot, 0) ** 3
                - np.maximum(value - before, 0) ** 3 * (last - knot) / (last - before)
                + np.maximum(value - last, 0) ** 3 * (before - knot) / (last - before)
            )
            columns.append(term / (last - knots[0]) ** 2)
    return np.stack(columns, axis=1)


@dataclass(frozen=True)
class BinnedError:
    """Expected calibration error with what a perfect model would show.

    Attributes:
        value: mean distance between rate and mean prediction over bins of equal count.
        bins: number of bins.
        null_mean: its mean when outcomes are drawn from the predictions themselves.
        null_low: 2.5th percentile of that.
        null_high: 97.5th percentile of that.
    """

    value: float
    bins: int
    null_mean: float
    null_low: float
    null_high: float


def expected_calibration_error(
    y: ArrayLike, probability: ArrayLike, *, bins: int = 10, simulations: int = 1000, seed: int = 0
) -> BinnedError:
    """Expected calibration error over bins of equal count, and its simulated value for a perfect model.

    It grows as n falls, also for a perfect model, so it is never shown without its null and never compared
    between groups of unequal n (METHODS 12).

    Args:
        y: outcomes, bool [n].
        probability: predictions, [n].
        bins: number of bins; predictions that tie are ordered by position.
        simulations: simulated cohorts of a perfect model.
        seed: seed of the simulation.
    """
    p = np.asarray(probability, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    p, outcome = p[order], np.asarray(y, dtype=np.float64)[order]
    starts = np.unique(np.linspace(0, len(p), bins, endpoint=False).astype(int))

    def error(outcomes: Floats) -> Floats:
        return np.asarray(np.abs(np.add.reduceat(outcomes - p, starts, axis=-1)).sum(axis=-1) / len(p))

    rng = np.random.default_rng([seed, 12])
    width = max(1, 2**21 // len(p))
    null = np.concatenate(
        [
            error((rng.random((min(width, simulations - start), len(p))) < p).astype(np.float64))
            for start in range(0, simulations, width)
        ]
    )
    low, high = percentile_interval(null)
    return BinnedError(float(error(outcome)), len(starts), float(null.mean()), low, high)


def _coefficient(y: ArrayLike, probability: ArrayLike, group: ArrayLike, *, slope: bool) -> Interval:
    from scipy.stats import norm

    outcome, value = np.asarray(y, dtype=np.float64), logit(probability)
    nothing = Interval(float("nan"), float("nan"), float("nan"), "cluster-robust")
    if outcome.min() == outcome.max() or (slope and (np.ptp(value) < 1e-9 or _separated(outcome, value))):
        return nothing
    one = np.ones_like(value)
    columns = np.stack([one, value], axis=1) if slope else one[:, None]
    offset = None if slope else value
    beta = fit_weighted(columns, outcome, one[:, None], offset=offset)[:, 0]
    if not np.isfinite(beta).all():
        return nothing
    position, n_groups = group_positions(group)
    covariance = robust_covariance(columns, outcome, beta, position, n_groups, offset=offset)
    half = float(norm.ppf(0.975) * np.sqrt(covariance[-1, -1]))
    return Interval(float(beta[-1]), float(beta[-1]) - half, float(beta[-1]) + half, "cluster-robust")


def _separated(outcome: Floats, value: Floats) -> bool:
    """Whether one threshold parts the classes: the likelihood then grows without end along the slope."""
    events, others = value[outcome == 1], value[outcome == 0]
    return bool(events.min() >= others.max() or others.min() >= events.max())


def _weighted_quantile(value: Floats, weight: Floats, share: float) -> Floats:
    order = np.argsort(value, axis=0)
    total = np.cumsum(np.take_along_axis(weight, order, axis=0), axis=0)
    first = (total < share * total[-1] - 1e-9).sum(axis=0)
    rows = np.take_along_axis(order, first[None, :], axis=0)
    return np.asarray(np.take_along_axis(value, rows, axis=0)[0])
