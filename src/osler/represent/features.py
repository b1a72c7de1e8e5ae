"""Features: one row per sample, a pure function of that sample alone; what must be fitted is kept apart.

How a head uses them (phenotyping does the same with all its rows as training rows):

    transformer = features.make_linear()            # or make_trees(), or make_transformer()
    train = transformer.fit_transform(features.matrix[train_rows])
    test = transformer.transform(features.matrix[test_rows])
    names = transformer.get_feature_names_out()

Absent is not zero. In a sparse matrix a cell that is not stored means "none" in a count column and "not
measured" in a value column; a measured zero is stored. The three factories say what becomes of that:

- `make_transformer`: the representation itself (vocabulary, pooling); sparse stays sparse and value columns
  keep the meaning above. Its fitted attribute `value_columns_` (bool [n_out]) names them.
- `make_linear`: for logistic regression, k-means, PCA. Value columns are standardised with the mean and
  deviation of the measured training cells, so that a cell that is not stored is the mean; counts are divided
  by their training maximum; one 0/1 column "measured" per code and window says what was measured. Dense
  vectors are left as they are, and the parts of a joined representation are balanced.
- `make_trees`: for gradient boosting. A dense float32 array with NaN where nothing was measured when that
  fits below `TREES_LIMIT` bytes for all samples, else the sparse matrix ("not measured" then reads as 0).

All three give unfitted scikit-learn transformers; fit them on training rows only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

# Bytes of the dense matrix of all samples up to which trees get NaN for what was not measured.
TREES_LIMIT = 1 << 30


@dataclass(frozen=True)
class Features:
    """One representation of some samples.

    Attributes:
        name: name of the representation in settings and results.
        matrix: scipy csr or ndarray, float32 [n_samples, p], rows in the order of the samples.
        names: what each of the p columns is.
        make_transformer: gives an unfitted transformer for what must be fitted on training rows.
        value_columns: bool [p], the columns in which a cell that is not stored means "not measured".
        linear: gives what `make_linear` returns, where it is not `make_transformer` and the usual scaling.
    """

    name: str
    matrix: Any
    names: list[str]
    make_transformer: Callable[[], Any]
    value_columns: np.ndarray
    linear: Callable[[], Any] | None = None

    @property
    def n_samples(self) -> int:
        """Number of samples (rows)."""
        return int(self.matrix.shape[0])

    def make_linear(self) -> Any:
        """An unfitted transformer for linear heads and distances: see the module."""
        if self.linear is not None:
            return self.linear()
        from osler.represent.views import LinearView, Steps

        return Steps(steps=(self.make_transformer(), LinearView()))

    def make_trees(self) -> Any:
        """An unfitted transformer for trees: see the module."""
        from osler.represent.views import Steps, TreeView

        view = TreeView(n_samples=self.n_samples, limit=TREES_LIMIT)
        return Steps(steps=(self.make_transformer(), view))


def dense_features(name: str, matrix: np.ndarray, names: list[str]) -> Features:
    """Features from a dense matrix in which every cell is a value: nothing to fit, nothing missing."""
    return Features(
        name=name,
        matrix=np.ascontiguousarray(matrix, dtype=np.float32),
        names=names,
        make_transformer=partial(_keep, names),
        value_columns=np.zeros(len(names), dtype=bool),
    )


def _keep(names: list[str]) -> Any:
    from osler.represent.views import Keep

    return Keep(names=names)
