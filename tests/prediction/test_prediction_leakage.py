"""Nothing fitted sees a held-out sample: change them as you like, the rest stays the same to the last bit."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from osler.prediction.fit import fit_split
from osler.prediction.plan import make_plan
from osler.prediction.settings import GbmSettings, LrSettings, PredictSettings
from osler.represent.features import Features
from osler.represent.joined import joined_features

SETTINGS = PredictSettings(
    lr=LrSettings(C=(0.1, 10.0), inner_folds=2), gbm=GbmSettings(max_trees=15, inner_folds=2)
)
Y = np.random.default_rng(0).random(90) < 0.35


def disturbed(features: Features, rows: np.ndarray, seed: int) -> Features:
    """The same features with other values, far outside, in some rows."""
    stored_sparse = sparse.issparse(features.matrix)
    matrix = features.matrix.toarray() if stored_sparse else features.matrix.copy()
    matrix[rows] = np.random.default_rng(seed).normal(0, 1000, matrix[rows].shape).astype(np.float32)
    return replace(features, matrix=sparse.csr_matrix(matrix) if stored_sparse else matrix)


@pytest.mark.parametrize("head", ["lr", "gbm"])
@pytest.mark.parametrize("name", ["counts", "vectors", "both"])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.05, 0.95), seed=st.integers(0, 10_000))
def test_held_out_rows_change_nothing_but_themselves(
    make_labels: Any,
    make_folds: Any,
    make_features: Callable[..., dict[str, Features]],
    head: str,
    name: str,
    share: float,
    seed: int,
) -> None:
    made = make_features(Y)
    made["both"] = joined_features([made["counts"], made["vectors"]], name="both")
    labels = make_labels(Y)
    plan = make_plan(labels, make_folds(labels))
    split = plan.splits[0]
    before = fit_split(made[name], head, plan, split, settings=SETTINGS)
    rng = np.random.default_rng(seed)
    changed = rng.random(len(split.test)) < share
    features = disturbed(made[name], split.test[changed], seed)
    y = Y.copy()
    y[split.test] = rng.permutation(~y[split.test])
    after = fit_split(features, head, replace(plan, y=y), split, settings=SETTINGS)
    assert after.chosen == before.chosen
    assert (after.probability[~changed] == before.probability[~changed]).all()


def test_only_training_rows_reach_any_fit(
    make_labels: Any, make_folds: Any, make_features: Callable[..., dict[str, Features]]
) -> None:
    seen: list[np.ndarray] = []

    class Spy:
        def fit_transform(self, X: np.ndarray) -> np.ndarray:
            seen.append(X[:, 0].astype(int))
            return X

        def transform(self, X: np.ndarray) -> np.ndarray:
            return X

    labels = make_labels(Y)
    tuning = pl.col("subject_id") == labels.frame["subject_id"][1]
    folds = make_folds(labels).with_columns(split=pl.when(tuning).then(pl.lit("tuning")).otherwise("split"))
    plan = make_plan(labels, folds)
    numbered = np.stack([np.arange(90), np.arange(90) % 7], axis=1).astype(np.float32)
    features = replace(make_features(Y)["vectors"], matrix=numbered, make_transformer=Spy, linear=Spy)
    for split in plan.splits:
        seen.clear()
        fit_split(features, "lr", plan, split, settings=SETTINGS)
        assert [rows.tolist() for rows in seen] == [split.train.tolist()]
        assert not set(split.train) & set(split.test)
        assert 1 not in split.train
        assert 1 not in split.test


def test_rows_of_a_person_stay_together(make_labels: Any, make_folds: Any) -> None:
    labels = make_labels(Y, subject=np.arange(90) // 3 + 1)
    plan = make_plan(labels, make_folds(labels))
    for split in plan.splits:
        assert not set(plan.group[split.train]) & set(plan.group[split.test])
    assert sorted(np.concatenate([split.test for split in plan.splits])) == list(range(90))
