"""Gradient boosted trees: LightGBM, or scikit-learn's where the system has no OpenMP library for it."""

from functools import cache
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin

from osler.base.progress import note
from osler.measure.probability import surprise
from osler.prediction.inner import inner_folds

if TYPE_CHECKING:
    from osler.prediction.settings import GbmSettings


class TreesHead(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Choose the number of trees by inner cross-validated log loss on groups, refit on all training rows.

    One thread and LightGBM's deterministic mode: the same rows give the same trees on any number of cores.

    Args:
        settings: size and shrinkage of the trees.
        seed: seed of inner folds, bagging and feature sampling.
    """

    def __init__(self, *, settings: "GbmSettings", seed: int) -> None:
        self.settings = settings
        self.seed = seed

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray) -> Self:
        """Fit.

        Args:
            X: csr, or dense with NaN where nothing was measured, [n, p].
            y: outcomes, bool [n].
            groups: group of each row, [n].
        """
        self.classes_ = np.array([False, True])
        outcome = np.asarray(y, dtype=bool)
        fold = inner_folds(outcome, groups, folds=self.settings.inner_folds, seed=self.seed)
        backend = _fit_lightgbm if lightgbm_works() else _fit_sklearn
        self.model_, trees, loss = backend(X, outcome, fold, self.settings, self.seed)
        self.chosen_ = {
            "backend": backend_name(),
            "trees": trees,
            "inner_folds": int(fold.max()) + 1,
            "inner_log_loss": round(loss, 6),
        }
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of no event and event, [n, 2]."""
        if lightgbm_works():
            p = np.asarray(self.model_.predict(X, num_threads=1), dtype=np.float64)
            return np.stack([1 - p, p], axis=1)
        return np.asarray(self.model_.predict_proba(_dense(X)))


@cache
def lightgbm_works() -> bool:
    """Whether LightGBM can be loaded (it needs the system's libgomp); said once on standard error if not."""
    try:
        import lightgbm  # noqa: F401
    except (ImportError, OSError) as error:
        note(f"LightGBM cannot be loaded ({type(error).__name__}); scikit-learn's gradient boosting is used")
        return False
    return True


def backend_name() -> str:
    """Library and version behind the trees."""
    if lightgbm_works():
        import lightgbm

        return f"lightgbm {lightgbm.__version__}"
    import sklearn

    return f"scikit-learn {sklearn.__version__} HistGradientBoosting"


def _fit_lightgbm(
    X: Any, y: np.ndarray, fold: np.ndarray, settings: "GbmSettings", seed: int
) -> tuple[Any, int, float]:
    import lightgbm

    parameters: dict[str, Any] = {
        **settings.model_dump(include=_BOOSTING),
        "objective": "binary",
        "metric": "binary_logloss",
        "bagging_freq": 1,
        "seed": seed,
        "num_threads": 1,
        "deterministic": True,
        "force_col_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(X, y.astype(np.float32), params=parameters, free_raw_data=False)
    parts = [
        (np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(fold.max() + 1)
    ]
    stop = lightgbm.early_stopping(settings.patience, verbose=False)
    history = lightgbm.cv(
        parameters, data, num_boost_round=settings.max_trees, folds=parts, callbacks=[stop]
    )["valid binary_logloss-mean"]
    trees = len(history)
    model = lightgbm.train(parameters, data, num_boost_round=trees)
    return model, trees, float(history[-1])


_BOOSTING = {
    "learning_rate",
    "num_leaves",
    "min_child_samples",
    "feature_fraction",
    "bagging_fraction",
    "lambda_l2",
    "max_bin",
}


def _fit_sklearn(
    X: Any, y: np.ndarray, fold: np.ndarray, settings: "GbmSettings", seed: int
) -> tuple[Any, int, float]:
    dense = _dense(X)
    losses = np.zeros(settings.max_trees)
    for number in range(fold.max() + 1):
        inside, test = fold != number, fold == number
        model = _hist(settings, seed, settings.max_trees).fit(dense[inside], y[inside])
        losses += [surprise(y[test], p[:, 1]).sum() for p in model.staged_predict_proba(dense[test])]
    trees = int(np.argmin(losses)) + 1
    return _hist(settings, seed, trees).fit(dense, y), trees, float(losses[trees - 1] / len(y))


def _hist(settings: "GbmSettings", seed: int, trees: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        learning_rate=settings.learning_rate,
        max_leaf_nodes=settings.num_leaves,
        min_samples_leaf=settings.min_child_samples,
        max_features=settings.feature_fraction,
        l2_regularization=settings.lambda_l2,
        max_bins=min(settings.max_bin, 255),
        max_iter=trees,
        early_stopping=False,
        random_state=seed,
    )


def _dense(X: Any) -> np.ndarray:
    return np.asarray(X.toarray() if sparse.issparse(X) else X, dtype=np.float32)
