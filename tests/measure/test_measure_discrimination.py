"""AUROC, average precision and their curves against brute force and scikit-learn, under ties and weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.measure.discrimination import auprc, auroc
from osler.measure.ranking import Ranking

MODEST = settings(max_examples=60, deadline=None)


@st.composite
def samples(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = draw(st.integers(2, 25))
    y = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    y[:2] = [True, False]
    score = np.array(draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))) / 6
    weight = np.array(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), dtype=float)
    weight[:2] = 1.0
    return y, score, weight


def brute_auroc(y: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
    wins = pairs = 0.0
    for i in np.flatnonzero(y):
        for j in np.flatnonzero(~y):
            w = weight[i] * weight[j]
            pairs += w
            wins += w * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
    return wins / pairs


@MODEST
@given(samples())
def test_auroc_equals_all_pairs(sample: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    y, score, weight = sample
    assert auroc(y, score, weight=weight) == pytest.approx(brute_auroc(y, score, weight), abs=1e-12)
    assert auroc(y, score) == pytest.approx(brute_auroc(y, score, np.ones(len(y))), abs=1e-12)


@MODEST
@given(samples())
def test_average_precision_equals_scikit_learn(sample: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    from sklearn.metrics import average_precision_score

    y, score, weight = sample
    assert auprc(y, score) == pytest.approx(average_precision_score(y, score), abs=1e-12)
    expected = average_precision_score(y, score, sample_weight=weight)
    assert auprc(y, score, weight=weight) == pytest.approx(expected, abs=1e-12)


@MODEST
@given(samples())
def test_a_weight_of_two_is_a_sample_twice(sample: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    y, score, weight = sample
    times = weight.astype(int)
    ys, scores = np.repeat(y, times), np.repeat(score, times)
    assert auroc(y, score, weight=weight) == pytest.approx(auroc(ys, scores), abs=1e-12)
    assert auprc(y, score, weight=weight) == pytest.approx(auprc(ys, scores), abs=1e-12)


@MODEST
@given(samples())
def test_curves_equal_thresholds_tried_one_by_one(sample: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    y, score, _ = sample
    ones, grid = np.ones((len(y), 1)), np.linspace(0, 1, 21)
    ranking = Ranking(y, score)
    roc, pr = ranking.roc(ones, grid)[:, 0], ranking.precision_recall(ones, grid)[:, 0]
    for g, sensitivity, precision in zip(grid, roc, pr, strict=True):
        rate = [np.mean((score[~y] > s) + (score[~y] == s) / 2) for s in score[y]]
        assert sensitivity == pytest.approx(np.mean(np.array(rate) <= g + 1e-12))
        reaching = [t for t in score[y] if np.mean(score[y] >= t) >= g - 1e-12]
        assert precision == pytest.approx(y[score >= max(reaching)].mean())


def test_rows_weight_a_fold_by_the_draws_of_the_cohort() -> None:
    rng = np.random.default_rng(0)
    y, score = rng.random(30) < 0.4, rng.random(30)
    weight = rng.integers(0, 3, (30, 4)).astype(float)
    fold = np.arange(3, 30, 2)
    inside = Ranking(y[fold], score[fold], rows=fold).auroc(weight)
    for draw in range(4):
        assert inside[draw] == pytest.approx(auroc(y[fold], score[fold], weight=weight[fold, draw]))


def test_one_class_has_no_value() -> None:
    for y in ([True, True], [False, False]):
        assert np.isnan(auroc(y, [0.1, 0.2]))
        assert np.isnan(auprc(y, [0.1, 0.2]))
    ranking = Ranking([True, False], [0.2, 0.1])
    assert np.isnan(ranking.auroc(np.array([[0.0, 1.0], [1.0, 0.0]]))).all()
    assert np.isnan(ranking.average_precision(np.array([[0.0, 1.0], [1.0, 0.0]]))).all()
