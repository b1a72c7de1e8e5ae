"""Which columns of counts an analysis uses: chosen on training rows, as a scikit-learn transformer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from osler.record.dataset import Dataset, open_dataset
from osler.represent.counts import count_features
from osler.represent.estimator import Transformer
from osler.represent.settings import AGGREGATIONS, CountSettings, Window

# A column must not be refused for being rare among few training rows.
_SHARE = 0.01


class CountVocabulary(Transformer):
    """Keeps the columns that enough training samples have, and of identical ones the first.

    Args:
        min_samples: fewest training rows with a stored cell, at most 1 % of the rows (but one).
        names: names of the columns.
        value_columns: bool [p], columns in which absent means "not measured".

    Attributes:
        columns_: int64, the positions kept.
        value_columns_: bool, for the columns kept.

    Examples:
        >>> X = sparse.csr_matrix(np.array([[1, 1, 0], [2, 2, 1], [0, 0, 0]], dtype=np.float32))
        >>> CountVocabulary(min_samples=1).fit(X).columns_.tolist()
        [0, 2]
    """

    def __init__(
        self, *, min_samples: int = 10, names: list[str] | None = None, value_columns: Any = None
    ) -> None:
        self.min_samples = min_samples
        self.names = names
        self.value_columns = value_columns

    def fit(self, X: Any, y: Any = None) -> Self:
        """Choose columns on training rows."""
        X = sparse.csr_matrix(X)
        n_rows, n_columns = X.shape
        values = np.zeros(n_columns, bool) if self.value_columns is None else np.asarray(self.value_columns)
        least = min(self.min_samples, max(1, int(n_rows * _SHARE)))
        support = np.bincount(X.indices, minlength=n_columns)
        enough = np.flatnonzero(support >= least)
        prints = _fingerprints(X[:, enough]) + values[enough].astype(np.uint64)
        _, first = np.unique(prints, return_index=True)
        self.columns_ = enough[np.sort(first)]
        self.value_columns_ = values[self.columns_]
        self.n_features_in_ = n_columns
        return self

    def transform(self, X: Any) -> Any:
        """The columns kept, csr float32."""
        check_is_fitted(self, "columns_")
        return sparse.csr_matrix(X)[:, self.columns_]

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns kept."""
        check_is_fitted(self, "columns_")
        given = self.names if self.names is not None else input_features
        names = [f"x{i}" for i in range(self.n_features_in_)] if given is None else given
        return np.asarray(names, dtype=object)[self.columns_]


class Counts(Transformer):
    """Counts of a dataset as one scikit-learn estimator: samples in, matrix out.

    Args:
        dataset: an open dataset or the path of one.
        windows, aggregations, text_length, age, min_samples: as in `CountSettings`.

    Examples:
        >>> counts = Counts(dataset="demo/dataset")                      # doctest: +SKIP
        >>> X = counts.fit(train_samples).transform(test_samples)        # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        dataset: Dataset | str | Path,
        windows: Sequence[Window] = CountSettings().windows,
        aggregations: Sequence[str] = AGGREGATIONS,
        text_length: int = 40,
        age: bool = True,
        min_samples: int = 10,
    ) -> None:
        self.dataset = dataset
        self.windows = windows
        self.aggregations = aggregations
        self.text_length = text_length
        self.age = age
        self.min_samples = min_samples

    def fit(self, X: pl.DataFrame, y: Any = None) -> Self:
        """Choose columns on training samples.

        Args:
            X: `subject_id, prediction_time`.
            y: not used.
        """
        self.fit_transform(X)
        return self

    def fit_transform(self, X: pl.DataFrame, y: Any = None, **unused: Any) -> Any:
        """Fit, and transform the same samples; events are read once."""
        features = self._count(X)
        vocabulary = features.make_transformer()
        matrix = vocabulary.fit_transform(features.matrix)
        self.feature_names_ = vocabulary.get_feature_names_out()
        self.value_columns_ = vocabulary.value_columns_
        return matrix

    def transform(self, X: pl.DataFrame) -> Any:
        """Counts of samples, csr float32 [n_samples, n_columns kept in fit]."""
        check_is_fitted(self, "feature_names_")
        features = self._count(X)
        place = {name: i for i, name in enumerate(self.feature_names_)}
        to = np.array([place.get(name, -1) for name in features.names], dtype=np.int64)
        matrix = features.matrix.tocoo()
        column = to[matrix.col]
        kept = column >= 0
        cells = (matrix.data[kept], (matrix.row[kept], column[kept]))
        return sparse.csr_matrix(cells, shape=(X.height, len(place)))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns."""
        check_is_fitted(self, "feature_names_")
        names: np.ndarray = self.feature_names_
        return names

    def _count(self, samples: pl.DataFrame) -> Any:
        dataset = self.dataset if isinstance(self.dataset, Dataset) else open_dataset(self.dataset)
        values = {
            "windows": self.windows,
            "aggregations": self.aggregations,
            "text_length": self.text_length,
            "age": self.age,
            "min_samples": self.min_samples,
        }
        return count_features(dataset, samples, settings=CountSettings.parse(values, where="Counts"))


def _fingerprints(X: Any) -> np.ndarray:
    """uint64 [n_columns], even: the same for equal columns, different (as good as always) for others."""
    columns = sparse.csc_matrix(X)
    if not columns.shape[1]:
        return np.empty(0, dtype=np.uint64)
    bits = columns.data.astype(np.float32).view(np.uint32).astype(np.uint64)
    mixed = _mix(columns.indices.astype(np.uint64) << np.uint64(32) | bits)
    # Every column here has a stored cell, which reduceat needs.
    return np.add.reduceat(mixed, columns.indptr[:-1]) << np.uint64(1)


def _mix(x: np.ndarray) -> np.ndarray:
    """A bijection of 64-bit integers that scatters them (SplitMix64, Steele et al. 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = x ^ (x >> np.uint64(31))
    return mixed
