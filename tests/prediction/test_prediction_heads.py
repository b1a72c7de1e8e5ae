"""Heads: what they choose, that they converge, that they repeat, and what they do with missing values."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from osler.base.errors import InputError
from osler.measure.discrimination import auroc
from osler.prediction.heads import HEADS, gbm, make_head
from osler.prediction.heads.ridge import fit_ridge
from osler.prediction.inner import inner_folds
from osler.prediction.settings import GbmSettings, LrSettings, PredictSettings

QUICK = PredictSettings(gbm=GbmSettings(max_trees=60))


def problem(n: int = 400, p: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)).astype(np.float32)
    y = rng.random(n) < 1 / (1 + np.exp(1.5 - 1.5 * X[:, 0] + X[:, 1]))
    return X, y, np.arange(n)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=4, max_size=60), st.integers(2, 6))
def test_inner_folds_keep_groups_whole_and_spread_events(rows: list[tuple[int, bool]], folds: int) -> None:
    groups, y = np.array([g for g, _ in rows]), np.array([e for _, e in rows])
    with_event = set(groups[y])
    without = set(groups) - with_event
    if min(len(with_event), len(without)) < 2:
        with pytest.raises(ValueError, match="two groups"):
            inner_folds(y, groups, folds=folds, seed=0)
        return
    fold = inner_folds(y, groups, folds=folds, seed=0)
    expected = min(folds, len(with_event), len(without))
    assert set(fold) == set(range(expected))
    for group in set(groups):
        assert len(set(fold[groups == group])) == 1
    for number in range(expected):
        assert y[fold == number].any()
        assert (~y[fold == number]).any()


def test_logistic_head_is_a_ridge_fit_at_the_best_inner_loss() -> None:
    X, y, group = problem()
    head = make_head("lr", QUICK).fit(X, y, group)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0) / np.sqrt(X.shape[1])
    assert scaled.var(axis=0).sum() == pytest.approx(1.0, abs=1e-4)
    fold = inner_folds(y, group, folds=3, seed=0)
    losses = []
    for C in QUICK.lr.C:
        total = 0.0
        for number in range(3):
            inside = fold != number
            model = LogisticRegression(C=C, tol=1e-8, max_iter=5000).fit(scaled[inside], y[inside])
            p = model.predict_proba(scaled[~inside])[:, 1]
            total -= np.log(np.where(y[~inside], p, 1 - p)).sum()
        losses.append(total)
    best = QUICK.lr.C[int(np.argmin(losses))]
    assert head.chosen_["C"] == best
    assert head.chosen_["converged"]
    assert head.chosen_["inner_log_loss"] == pytest.approx(min(losses) / len(y), abs=1e-4)
    direct = LogisticRegression(C=best, tol=1e-8, max_iter=5000).fit(scaled, y)
    assert head.predict_proba(X) == pytest.approx(direct.predict_proba(scaled), abs=1e-4)


@pytest.mark.parametrize("columns", [3, 1200])
@pytest.mark.parametrize("C", [0.01, 1.0, 1000.0])
def test_both_solvers_find_the_minimum_of_scikit_learn(columns: int, C: float) -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(150, columns)) / np.sqrt(columns)
    y = rng.random(150) < 1 / (1 + np.exp(1 - 2 * X[:, 0] * np.sqrt(columns)))
    fitted = fit_ridge(X, y, C=C, max_iter=5000, tolerance=1e-9)
    assert fitted.converged
    model = LogisticRegression(C=C, tol=1e-10, max_iter=50_000).fit(X, y)
    assert fitted.probability(X) == pytest.approx(model.predict_proba(X)[:, 1], abs=2e-4)
    short = fit_ridge(X, y, C=C, max_iter=1, tolerance=1e-12)
    assert not short.converged


def test_separated_classes_have_a_finite_fit() -> None:
    X = np.linspace(-1, 1, 40)[:, None]
    fitted = fit_ridge(X, X[:, 0] > 0, C=1e6, max_iter=1000, tolerance=1e-8)
    assert np.isfinite(fitted.beta).all()
    assert ((fitted.probability(X) > 0.5) == (X[:, 0] > 0)).all()


def test_ten_is_in_the_grid() -> None:
    assert 10.0 in LrSettings().C


def test_sparse_columns_are_divided_by_their_maximum_unless_scaled() -> None:
    rng = np.random.default_rng(1)
    counts = rng.poisson(1.0, (300, 6)) * np.array([1, 1, 1, 100, 1, 0])
    y = rng.random(300) < 1 / (1 + np.exp(2 - counts[:, 0]))
    raw, scaled = sparse.csr_matrix(counts), sparse.csr_matrix(counts / np.maximum(counts.max(axis=0), 1))
    p = make_head("lr", QUICK).fit(raw, y, np.arange(300)).predict_proba(raw)
    again = make_head("lr", QUICK).fit(scaled, y, np.arange(300)).predict_proba(scaled)
    assert again == pytest.approx(p, abs=1e-5)


def test_more_columns_than_a_hessian_is_worth() -> None:
    X = sparse.random(200, 1500, density=0.02, random_state=3, format="csr", dtype=np.float32)
    y = np.random.default_rng(2).random(200) < 0.3
    head = make_head("lr", QUICK).fit(X, y, np.arange(200))
    assert head.chosen_["solver"] == "lbfgs"
    assert head.chosen_["converged"]
    assert np.isfinite(head.predict_proba(X)).all()


def test_constant_columns_do_not_matter() -> None:
    X, y, group = problem()
    more = np.hstack([X, np.full((len(X), 1), 7.3, dtype=np.float32)])
    alone = make_head("lr", QUICK).fit(X, y, group).predict_proba(X)
    assert make_head("lr", QUICK).fit(more, y, group).predict_proba(more) == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("name", list(HEADS))
def test_heads_learn_and_repeat_to_the_last_bit(name: str) -> None:
    X, y, group = problem()
    first = make_head(name, QUICK).fit(X, y, group).predict_proba(X)
    assert (make_head(name, QUICK).fit(X, y, group).predict_proba(X) == first).all()
    fresh, outcome, _ = problem(seed=9)
    assert auroc(outcome, make_head(name, QUICK).fit(X, y, group).predict_proba(fresh)[:, 1]) > 0.72
    assert first.sum(axis=1) == pytest.approx(1.0)


def test_trees_read_missing_values_as_such() -> None:
    rng = np.random.default_rng(4)
    measured = rng.random(600) < 0.5
    X = np.where(measured, 0.0, np.nan).astype(np.float32)[:, None]
    y = rng.random(600) < np.where(measured, 0.6, 0.1)
    p = make_head("gbm", QUICK).fit(X, y, np.arange(600)).predict_proba(X)[:, 1]
    assert p[measured].mean() - p[~measured].mean() > 0.3


def test_trees_without_lightgbm(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y, group = problem()
    X[::7, 2] = np.nan
    monkeypatch.setattr(gbm, "lightgbm_works", lambda: False)
    with threadpool_limits(1):
        head = make_head("gbm", PredictSettings(gbm=GbmSettings(max_trees=30))).fit(X, y, group)
    assert "HistGradientBoosting" in head.chosen_["backend"]
    fresh, outcome, _ = problem(seed=9)
    assert auroc(outcome, head.predict_proba(fresh)[:, 1]) > 0.72


def test_a_library_that_cannot_be_loaded_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    gbm.lightgbm_works.cache_clear()
    try:
        assert not gbm.lightgbm_works()
        assert not gbm.lightgbm_works()
        assert capsys.readouterr().err.count("LightGBM cannot be loaded") == 1
    finally:
        gbm.lightgbm_works.cache_clear()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"heads": ["svm"]}, "unknown head 'svm' (allowed: lr, gbm)"),
        ({"heads": []}, "heads"),
        ({"heads": ["lr", "lr"]}, "named twice"),
        ({"k": [8]}, "all"),
        ({"draws": 1000}, "10000"),
        ({"lr": {"C": [0.0]}}, "above 0"),
        ({"gbm": {"depth": 3}}, "unknown key"),
    ],
)
def test_settings_refuse(values: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match="settings not understood") as caught:
        PredictSettings.parse(values, where="predict")
    assert said in str(caught.value)
