"""Intervals: textbook values, clustered variance, and coverage by simulation."""

import numpy as np
import pytest
from scipy.stats import norm, poisson

from osler.measure.discrimination import auroc
from osler.measure.intervals import (
    auroc_interval,
    delong_variance,
    logit_auroc_interval,
    observed_expected,
    obuchowski_variance,
    wilson,
)


def test_wilson_textbook() -> None:
    # Newcombe, Stat Med 1998;17:857, table I: 81/263, 15/148, 0/20.
    for events, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        interval = wilson(events, n)
        assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)
    assert np.isnan(wilson(0, 0).value)


def test_exact_poisson_limits_have_their_tail_probabilities() -> None:
    ratio = observed_expected(7, 5.0)
    assert 1 - poisson.cdf(6, ratio.low * 5.0) == pytest.approx(0.025)
    assert poisson.cdf(7, ratio.high * 5.0) == pytest.approx(0.025)
    assert observed_expected(0, 2.0).low == 0.0
    assert np.isnan(observed_expected(1, 0.0).value)


def textbook_delong(y: np.ndarray, score: np.ndarray) -> float:
    """Structural components by double loop."""
    x, z = score[y], score[~y]
    kernel = np.array([[1.0 if a > b else 0.5 if a == b else 0.0 for b in z] for a in x])
    v10, v01 = kernel.mean(axis=1), kernel.mean(axis=0)
    area = kernel.mean()
    s10 = ((v10 - area) ** 2).sum() / (len(x) - 1)
    s01 = ((v01 - area) ** 2).sum() / (len(z) - 1)
    return s10 / len(x) + s01 / len(z)


def test_delong_equals_the_textbook() -> None:
    rng = np.random.default_rng(0)
    for ties in (1, 4, 1000):
        y = rng.random(60) < 0.3
        score = np.round(rng.normal(size=60) + y, 3) if ties == 1000 else rng.integers(0, ties + 1, 60) / ties
        assert delong_variance(y, score) == pytest.approx(textbook_delong(y, score), rel=1e-10)


def test_obuchowski_without_repeats_is_delong() -> None:
    rng = np.random.default_rng(1)
    y = rng.random(2000) < 0.3
    score = rng.normal(size=2000) + y
    # Up to the factors of small samples they agree when everybody is a group.
    assert obuchowski_variance(y, score, np.arange(2000)) == pytest.approx(
        delong_variance(y, score), rel=0.02
    )


def test_obuchowski_ignores_copies_of_rows() -> None:
    rng = np.random.default_rng(2)
    y = rng.random(200) < 0.3
    score = rng.normal(size=200) + y
    copied = obuchowski_variance(np.tile(y, 4), np.tile(score, 4), np.tile(np.arange(200), 4))
    assert copied == pytest.approx(obuchowski_variance(y, score, np.arange(200)), rel=1e-9)
    assert delong_variance(np.tile(y, 4), np.tile(score, 4)) < 0.3 * copied


def test_obuchowski_matches_the_spread_over_simulated_cohorts() -> None:
    rng = np.random.default_rng(3)
    areas, variances = [], []
    group = np.repeat(np.arange(60), 4)
    for _ in range(400):
        frailty = np.repeat(rng.normal(size=60), 4)
        y = rng.random(240) < norm.cdf(-0.5 + frailty)
        score = frailty + rng.normal(size=240)
        areas.append(auroc(y, score))
        variances.append(obuchowski_variance(y, score, group))
    assert np.mean(variances) == pytest.approx(np.var(areas), rel=0.2)


def test_perfect_ranking_has_a_limit_below_one() -> None:
    y = np.array([True] * 12 + [False] * 100)
    interval = logit_auroc_interval(y, y.astype(float))
    assert interval.value == 1.0
    assert interval.low == pytest.approx(0.025 ** (1 / 12))
    assert interval.high == 1.0
    reverse = logit_auroc_interval(y, -y.astype(float))
    assert (reverse.low, reverse.high) == (0.0, pytest.approx(1 - 0.025 ** (1 / 12)))


def test_method_follows_the_number_of_events() -> None:
    rng = np.random.default_rng(4)
    score = rng.normal(size=400)
    for events, method in ((20, "logit-delong-t"), (60, "bootstrap")):
        y = np.arange(400) < events
        found = auroc_interval(y, score + y, group=np.arange(400), draws=500, seed=0)
        assert found.method == method
        assert found.low < found.value < found.high
    y = np.arange(400) < 20
    clustered = auroc_interval(y, score, group=np.arange(400) // 2, draws=500, seed=0)
    assert clustered.method == "logit-obuchowski-t"
    single = np.arange(400) < 1
    assert np.isnan(auroc_interval(single, score, group=np.arange(400), draws=50, seed=0).low)


def test_coverage_with_fifteen_events() -> None:
    """2,000 simulated cohorts of 15 events: the interval covers the true AUROC in at least 93 %."""
    rng = np.random.default_rng(5)
    for separation in (0.6, 1.2):
        truth = norm.cdf(separation / np.sqrt(2))
        y = np.arange(300) < 15
        covered = 0
        for _ in range(2000):
            interval = logit_auroc_interval(y, rng.normal(size=300) + separation * y)
            covered += interval.low <= truth <= interval.high
        assert covered / 2000 >= 0.93
