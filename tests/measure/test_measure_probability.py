"""Brier score and log loss against scikit-learn; calibration against planted truth."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from osler.measure.calibration import (
    calibration_intercept,
    calibration_slope,
    expected_calibration_error,
    flexible_calibration,
    logit,
    observed_minus_expected,
    spline_columns,
)
from osler.measure.logistic import fit_weighted
from osler.measure.probability import brier, log_loss


def cohort(n: int, *, shift: float = 0.0, slope: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes whose true logit is shift + slope * logit(p)."""
    rng = np.random.default_rng(seed)
    p = expit(rng.normal(-1.5, 1.2, n))
    return rng.random(n) < expit(shift + slope * logit(p)), p


def test_brier_and_log_loss_equal_scikit_learn() -> None:
    from sklearn.metrics import brier_score_loss
    from sklearn.metrics import log_loss as reference

    y, p = cohort(300)
    weight = np.random.default_rng(1).integers(0, 4, 300).astype(float)
    assert brier(y, p) == pytest.approx(brier_score_loss(y, p))
    assert log_loss(y, p) == pytest.approx(reference(y, p))
    assert brier(y, p, weight=weight) == pytest.approx(brier_score_loss(y, p, sample_weight=weight))
    assert log_loss(y, p, weight=weight) == pytest.approx(reference(y, p, sample_weight=weight))


def test_log_loss_of_a_certain_error_is_finite() -> None:
    assert log_loss([True], [0.0]) == pytest.approx(-np.log(1e-7))


def test_weighted_fits_equal_a_general_optimiser() -> None:
    y, p = cohort(120)
    X = np.stack([np.ones(120), logit(p)], axis=1)
    weight = np.random.default_rng(2).integers(0, 3, (120, 3)).astype(float)
    fitted = fit_weighted(X, y.astype(float), weight)
    for draw in range(3):

        def loss(beta: np.ndarray, draw: int = draw) -> float:
            eta = X @ beta
            return float(weight[:, draw] @ (np.logaddexp(0, eta) - y * eta))

        assert fitted[:, draw] == pytest.approx(minimize(loss, np.zeros(2), tol=1e-12).x, abs=1e-4)


def test_calibration_recovers_planted_shift_and_slope() -> None:
    y, p = cohort(40_000, shift=0.4, slope=0.7)
    group = np.arange(len(y))
    slope = calibration_slope(y, p, group=group)
    assert slope.low < 0.7 < slope.high
    assert slope.high - slope.low < 0.1
    y, p = cohort(40_000, shift=0.4)
    intercept = calibration_intercept(y, p, group=group)
    assert intercept.low < 0.4 < intercept.high
    difference = observed_minus_expected(y, p, group=group)
    assert difference.value == pytest.approx(y.mean() - p.mean())
    assert difference.low > 0


def test_intervals_of_calibration_cover_and_widen_with_repeated_rows() -> None:
    covered = [0, 0, 0]
    for seed in range(200):
        y, p = cohort(400, seed=seed)
        group = np.arange(400)
        ideal = (0.0, 0.0, 1.0)
        found = (
            observed_minus_expected(y, p, group=group),
            calibration_intercept(y, p, group=group),
            calibration_slope(y, p, group=group),
        )
        for number, (interval, truth) in enumerate(zip(found, ideal, strict=True)):
            covered[number] += interval.low <= truth <= interval.high
    assert min(covered) >= 182  # 91 % of 200: three standard errors below 95 % would be 90.4 %
    y, p = cohort(200)
    once = calibration_slope(y, p, group=np.arange(200))
    thrice = calibration_slope(np.tile(y, 3), np.tile(p, 3), group=np.tile(np.arange(200), 3))
    assert thrice.value == pytest.approx(once.value, abs=1e-5)
    assert thrice.high - thrice.low == pytest.approx(once.high - once.low, rel=1e-3)


def test_no_slope_without_variation_or_with_separated_classes() -> None:
    y = np.array([True, False] * 20)
    assert np.isnan(calibration_slope(y, np.full(40, 0.3), group=np.arange(40)).value)
    assert np.isnan(calibration_slope(y, np.where(y, 0.9, 0.1), group=np.arange(40)).value)
    assert flexible_calibration(y, np.full(40, 0.3), group=np.arange(40), draws=10, seed=0) is None


def test_curve_finds_planted_miscalibration() -> None:
    rng = np.random.default_rng(3)
    p = expit(rng.normal(-1, 1.2, 8000))
    truth = np.clip(p**2 + 0.02, 0, 1)
    y = rng.random(8000) < truth
    curve = flexible_calibration(y, p, group=np.arange(8000), draws=60, seed=0)
    assert curve is not None
    assert np.abs(curve.y - (curve.x**2 + 0.02)).max() < 0.06
    assert curve.ici.value == pytest.approx(np.abs(truth - p).mean(), abs=0.015)
    assert curve.e90.value == pytest.approx(np.quantile(np.abs(truth - p), 0.9), abs=0.03)
    assert curve.ici.low <= curve.ici.value <= curve.ici.high
    assert (curve.low <= curve.y + 1e-9).all()
    assert (curve.y <= curve.high + 1e-9).all()


def test_spline_is_linear_beyond_its_outer_knots() -> None:
    knots = np.array([-2.0, -1.0, 0.0, 1.5])
    outside = spline_columns(np.array([2.0, 3.0, 4.0, 5.0]), knots)
    assert np.diff(outside, n=2, axis=0) == pytest.approx(0.0, abs=1e-9)
    assert spline_columns(np.array([-9.0, -2.0]), knots)[:, 2:] == pytest.approx(0.0)


def test_ece_of_a_perfect_model_is_not_zero_and_is_named() -> None:
    y, p = cohort(300, seed=5)
    error = expected_calibration_error(y, p, seed=1)
    assert error.bins == 10
    assert error.null_low < error.null_mean < error.null_high
    assert error.null_low < error.value < error.null_high
    # Brute force over the same bins of equal count.
    order = np.argsort(p, kind="stable")
    by_hand = sum(abs(y[b].mean() - p[b].mean()) * len(b) for b in np.array_split(order, 10)) / 300
    assert error.value == pytest.approx(by_hand)
    small = expected_calibration_error(*cohort(100, seed=5), seed=1)
    assert small.null_mean > error.null_mean
