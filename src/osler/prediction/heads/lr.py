"""Logistic regression with a ridge penalty whose strength is chosen inside the training rows."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin

from osler.measure.probability import surprise
from osler.prediction.heads.ridge import NEWTON_COLUMNS, fit_ridge, solver_for
from osler.prediction.inner import inner_folds

if TYPE_CHECKING:
    from osler.prediction.settings import LrSettings

DENSE_CELLS = 50_000_000
# Largest component of the gradient per sample, relative to C.
SEARCH_TOLERANCE, FINAL_TOLERANCE = 1e-5, 1e-8
RISES = 2  # the inner loss falls and rises once along C: two rises in a row end the search


class LogisticHead(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Scale, choose C by inner cross-validated log loss on groups, refit on all training rows.

    Dense columns are standardised. Sparse ones are divided by their largest absolute value, unless their view
    has scaled them already. Then all are shrunk by one factor, so that the total variance is 1: C means the
    same for ten columns and ten thousand.

    Args:
        settings: grid of C, folds and steps.
        seed: seed of the inner folds.
    """

    def __init__(self, *, settings: "LrSettings", seed: int) -> None:
        self.settings = settings
        self.seed = seed

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray) -> Self:
        """Fit.

        Args:
            X: csr or dense, nothing missing, [n, p].
            y: outcomes, bool [n].
            groups: group of each row, [n].
        """
        self.classes_ = np.array([False, True])
        outcome = np.asarray(y, dtype=bool)
        self._learn_scale(X)
        scaled = self._scale(X)
        fold = inner_folds(outcome, groups, folds=self.settings.inner_folds, seed=self.seed)
        C, losses = self._choose(scaled, outcome, fold)
        self.model_ = fit_ridge(
            scaled, outcome, C=C, max_iter=self.settings.max_iter, tolerance=FINAL_TOLERANCE
        )
        self.chosen_ = {
            "C": C,
            "solver": solver_for(self.columns_),
            "steps": self.model_.steps,
            "converged": self.model_.converged,
            "inner_folds": int(fold.max()) + 1,
            "inner_log_loss": round(min(losses), 6),
        }
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of no event and event, [n, 2]."""
        p = self.model_.probability(self._scale(X))
        return np.stack([1 - p, p], axis=1)

    def _choose(self, X: Any, y: np.ndarray, fold: np.ndarray) -> tuple[float, list[float]]:
        parts = [np.flatnonzero(fold == number) for number in range(int(fold.max()) + 1)]
        training = [(X[fold != number], y[fold != number]) for number in range(len(parts))]
        starts: list[np.ndarray | None] = [None] * len(parts)
        losses: list[float] = []
        rises = 0
        for C in self.settings.C:
            total = 0.0
            for number, ((rows, outcome), test) in enumerate(zip(training, parts, strict=True)):
                fitted = fit_ridge(
                    rows,
                    outcome,
                    C=C,
                    max_iter=self.settings.max_iter,
                    tolerance=SEARCH_TOLERANCE,
                    start=starts[number],
                )
                starts[number] = fitted.beta
                total += float(surprise(y[test], fitted.probability(X[test])).sum())
            rises = rises + 1 if losses and total / len(y) > losses[-1] else 0
            losses.append(total / len(y))
            if rises == RISES:
                break
        return self.settings.C[int(np.argmin(losses))], losses

    def _learn_scale(self, X: Any) -> None:
        self.columns_ = X.shape[1]
        if sparse.issparse(X):
            data = sparse.csc_matrix(X, dtype=np.float64)
            self.center_ = np.zeros(X.shape[1])
            mean = np.asarray(data.mean(axis=0)).ravel()
            spread = np.asarray(data.multiply(data).mean(axis=0)).ravel() - mean**2
            largest = np.asarray(abs(data).max(axis=0).toarray()).ravel()
            scale = np.ones(X.shape[1]) if _is_scaled(data) else largest
            variance = spread / np.where(scale > 0, scale, 1.0) ** 2
        else:
            data = np.asarray(X, dtype=np.float64)
            self.center_, scale = data.mean(axis=0), data.std(axis=0)
            # A spread that is only rounding error must not blow a constant column up.
            scale = np.where(scale > 1e-7 * (1 + np.abs(self.center_)), scale, 0.0)
            variance = (scale > 0).astype(np.float64)
        total = float(np.sqrt(variance.sum())) or 1.0
        self.scale_ = np.where(scale > 0, 1 / (np.where(scale > 0, scale, 1.0) * total), 0.0)

    def _scale(self, X: Any) -> Any:
        if sparse.issparse(X):
            scaled = sparse.csr_matrix(X, dtype=np.float64) @ sparse.diags(self.scale_)
            small = X.shape[0] * X.shape[1] <= DENSE_CELLS and self.columns_ <= NEWTON_COLUMNS
            return scaled.toarray() if small else sparse.csr_matrix(scaled)
        return (np.asarray(X, dtype=np.float64) - self.center_) * self.scale_


def _is_scaled(data: Any) -> bool:
    return bool(data.nnz == 0 or data.data.min() < 0 or abs(data.data).max() <= 1)
