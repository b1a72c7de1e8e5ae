"""Transformers that hand a representation to a head: what was not measured, scaling, dense or sparse.

They follow scikit-learn, work on csr and dense float32, and carry `value_columns_` (bool [n_out]):
the columns in which a cell that is not stored means "not measured".
"""

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from osler.represent.estimator import Transformer

# Codes of values are named "code|window|aggregation"; one "measured" column stands for all aggregations.
SEPARATOR = "|"


class Keep(Transformer):
    """Leaves a matrix as it is.

    Args:
        names: names of the columns.
        value_columns: the columns in which absent means "not measured"; None: none.
    """

    def __init__(self, *, names: list[str], value_columns: np.ndarray | None = None) -> None:
        self.names = names
        self.value_columns = value_columns

    def fit(self, X: Any, y: Any = None) -> Self:
        """Remember the columns."""
        given = self.value_columns
        self.value_columns_ = np.zeros(X.shape[1], dtype=bool) if given is None else np.asarray(given)
        return self

    def transform(self, X: Any) -> Any:
        """Return X."""
        return X

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns."""
        return np.asarray(self.names, dtype=object)


class LinearView(Transformer):
    """Standardise measured values, scale counts, and say what was measured.

    A dense matrix passes unchanged. In a sparse one, value columns become (value - mean) / deviation over the
    measured training cells (deviation 0 counts as 1), a cell that is not stored being the mean; count columns
    are divided by their largest absolute training value; a 0/1 column per code and window follows.

    Args:
        names: names of the columns; with the form `code|window|aggregation` for values.
        value_columns: bool [p]; None: none.
    """

    def __init__(self, *, names: Any = None, value_columns: np.ndarray | None = None) -> None:
        self.names = names
        self.value_columns = value_columns

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn means, deviations and maxima from training rows."""
        n_columns = X.shape[1]
        values = np.zeros(n_columns, bool) if self.value_columns is None else np.asarray(self.value_columns)
        names = [f"x{i}" for i in range(n_columns)] if self.names is None else list(self.names)
        self.names_ = names
        self.value_columns_ = np.zeros(n_columns, dtype=bool)
        if not sparse.issparse(X):
            return self
        self.is_value_ = values
        stored = sparse.csc_matrix(X)
        counts = np.maximum(np.diff(stored.indptr), 1)
        data = stored.data.astype(np.float64)
        column = np.repeat(np.arange(n_columns), np.diff(stored.indptr))
        mean = np.bincount(column, data, n_columns) / counts
        spread = np.sqrt(np.bincount(column, (data - mean[column]) ** 2, n_columns) / counts)
        largest = np.zeros(n_columns)
        np.maximum.at(largest, column, np.abs(data))
        self.center_ = np.where(values, mean, 0.0)
        scale = np.where(values, spread, largest)
        # A spread that is only rounding error must not blow a constant column up.
        self.scale_ = np.where(scale > 1e-6 * np.maximum(1.0, np.abs(mean)), scale, 1.0)
        groups = [name.rsplit(SEPARATOR, 1)[0] for name in names]
        order: dict[str, int] = {}
        for position in np.flatnonzero(values):
            order.setdefault(groups[position], len(order))
        self.group_ = np.array(
            [order[groups[i]] if values[i] else -1 for i in range(n_columns)], dtype=np.int64
        )
        self.names_ = names + [f"{group}{SEPARATOR}measured" for group in order]
        self.value_columns_ = np.zeros(len(self.names_), dtype=bool)
        return self

    def transform(self, X: Any) -> Any:
        """Standardise; csr float32 [n, p + measured columns] for a sparse X, X itself for a dense one."""
        check_is_fitted(self, "names_")
        if not sparse.issparse(X):
            return X
        X = sparse.csr_matrix(X)
        data = ((X.data - self.center_[X.indices]) / self.scale_[X.indices]).astype(np.float32)
        scaled = sparse.csr_matrix((data, X.indices, X.indptr), shape=X.shape)
        n_measured = len(self.names_) - X.shape[1]
        if not n_measured:
            return scaled
        of_value = self.is_value_[X.indices]
        rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))[of_value]
        groups = self.group_[X.indices[of_value]]
        measured = sparse.csr_matrix(
            (np.ones(len(rows), np.float32), (rows, groups)), shape=(X.shape[0], n_measured)
        )
        measured.data[:] = 1.0  # several aggregations of one code and window were added up
        return sparse.hstack([scaled, measured], format="csr", dtype=np.float32)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns that come out."""
        check_is_fitted(self, "names_")
        return np.asarray(self.names_, dtype=object)


class TreeView(Transformer):
    """Dense float32 with NaN for what was not measured, where all samples fit below the limit.

    Args:
        n_samples: number of all samples, so that training and test rows are treated alike.
        limit: bytes of the dense matrix of all samples above which the sparse matrix is kept.
        value_columns: bool [p]; None: none.
    """

    def __init__(self, *, n_samples: int, limit: int, value_columns: np.ndarray | None = None) -> None:
        self.n_samples = n_samples
        self.limit = limit
        self.value_columns = value_columns

    def fit(self, X: Any, y: Any = None) -> Self:
        """Decide between dense and sparse from the number of columns."""
        values = self.value_columns
        self.is_value_ = np.zeros(X.shape[1], bool) if values is None else np.asarray(values)
        self.dense_ = not sparse.issparse(X) or self.n_samples * X.shape[1] * 4 <= self.limit
        self.value_columns_ = np.zeros(X.shape[1], bool) if self.dense_ else self.is_value_
        return self

    def transform(self, X: Any) -> Any:
        """float32 ndarray [n, p], or csr where that is too large."""
        check_is_fitted(self, "dense_")
        if not sparse.issparse(X) or not self.dense_:
            return X
        X = sparse.csr_matrix(X)
        dense = np.zeros(X.shape, dtype=np.float32)
        dense[:, self.is_value_] = np.nan
        dense[np.repeat(np.arange(X.shape[0]), np.diff(X.indptr)), X.indices] = X.data
        return dense

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns, as they came in."""
        names = [f"x{i}" for i in range(len(self.is_value_))] if input_features is None else input_features
        return np.asarray(names, dtype=object)


class Steps(Transformer):
    """Transformers in a row; names and `value_columns_` of one step are handed to the next.

    Args:
        steps: unfitted transformers; a view takes its `names` and `value_columns` from the step before.
    """

    def __init__(self, *, steps: tuple[Any, ...]) -> None:
        self.steps = steps

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit each step on what the one before gives."""
        self.fit_transform(X)
        return self

    def fit_transform(self, X: Any, y: Any = None, **unused: Any) -> Any:
        """Fit, and transform the same rows."""
        names: Any = None
        values: np.ndarray | None = None
        for step in self.steps:
            if isinstance(step, LinearView):
                step.set_params(names=names)
            if isinstance(step, LinearView | TreeView):
                step.set_params(value_columns=values)
            X = step.fit_transform(X)
            names = step.get_feature_names_out(names)
            values = step.value_columns_
        self.names_ = names
        self.value_columns_ = values
        return X

    def transform(self, X: Any) -> Any:
        """Transform by each step in turn."""
        check_is_fitted(self, "names_")
        for step in self.steps:
            X = step.transform(X)
        return X

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns that the last step gives."""
        check_is_fitted(self, "names_")
        return np.asarray(self.names_, dtype=object)
