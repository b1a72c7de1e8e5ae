"""Pooling of statement vectors per sample, as a scikit-learn transformer: fitted on training rows only."""

from typing import Any, Literal, Self

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from osler.represent.estimator import Transformer


class StatementPool(Transformer):
    """One vector per sample: the weighted mean of the vectors of its statements, scaled to length 1.

    `mean` counts each statement as often as the sample has it. `idf` multiplies by log((1+n) / (1+df)) + 1,
    with df of the n training samples having the statement (smooth inverse document frequency, Salton &
    Buckley 1988); a statement that no training sample has weighs most.

    Args:
        vectors: float32 [n_statements, dimension].
        pool: `mean` or `idf`.

    Attributes:
        weights_: float32 [n_statements].

    Examples:
        >>> pool = StatementPool(vectors=np.eye(2, dtype=np.float32))
        >>> pooled = pool.fit_transform(sparse.csr_matrix([[3.0, 4.0], [0.0, 0.0]]))
        >>> [round(float(x), 3) for x in pooled.ravel()]
        [0.6, 0.8, 0.0, 0.0]
    """

    def __init__(self, *, vectors: np.ndarray, pool: Literal["mean", "idf"] = "mean") -> None:
        self.vectors = vectors
        self.pool = pool

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the weights of statements.

        Args:
            X: csr [n_training_samples, n_statements], how often each sample has each statement.
            y: not used.
        """
        X = sparse.csr_matrix(X)
        n_samples, n_statements = X.shape
        if n_statements != len(self.vectors):
            raise ValueError(f"{n_statements} columns for {len(self.vectors)} statement vectors")
        if self.pool == "idf":
            frequency = np.bincount(X.indices[X.data > 0], minlength=n_statements)
            self.weights_ = (np.log((1 + n_samples) / (1 + frequency)) + 1).astype(np.float32)
        elif self.pool == "mean":
            self.weights_ = np.ones(n_statements, dtype=np.float32)
        else:
            raise ValueError(f"pool '{self.pool}' is neither 'mean' nor 'idf'")
        self.value_columns_ = np.zeros(self.vectors.shape[1], dtype=bool)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """float32 [n_samples, dimension], rows of length 1; zeros for a sample without statements."""
        check_is_fitted(self, "weights_")
        X = sparse.csr_matrix(X, dtype=np.float32)
        weighted = sparse.csr_matrix((X.data * self.weights_[X.indices], X.indices, X.indptr), shape=X.shape)
        pooled: np.ndarray = weighted @ self.vectors
        length = np.linalg.norm(pooled, axis=1, keepdims=True)
        return np.asarray(pooled / np.where(length > 0, length, 1), dtype=np.float32)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """`v0`, `v1`, ..."""
        return np.array([f"v{i}" for i in range(self.vectors.shape[1])], dtype=object)

    def __sklearn_clone__(self) -> Self:
        """Copies share the vectors, which nobody changes and which may be large."""
        return type(self)(vectors=self.vectors, pool=self.pool)
