"""Several representations side by side, balanced so that none drowns the others."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from osler.base.errors import InputError
from osler.represent.estimator import Transformer
from osler.represent.features import Features


class Joined(Transformer):
    """Fits the transformer of each block on its own columns and puts the results side by side.

    Balanced: each block is divided by the square root of its total variance over the training rows (the sum
    of the variances of its columns, cells that are not stored being 0), so that every block has total
    variance 1 and weighs the same in a distance or under a common penalty. A block without variance is left
    as it is.

    Args:
        make: one function per block that gives its unfitted transformer.
        names: one name per block, put before the names of its columns.
        widths: number of columns of each block in the joined matrix.
        dense: whether the block is a dense one that the joined matrix holds in sparse form.
        balance: whether to balance.
    """

    def __init__(
        self,
        *,
        make: tuple[Callable[[], Any], ...],
        names: tuple[str, ...],
        widths: tuple[int, ...],
        dense: tuple[bool, ...],
        balance: bool,
    ) -> None:
        self.make = make
        self.names = names
        self.widths = widths
        self.dense = dense
        self.balance = balance

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the blocks and their scales on training rows."""
        self.fit_transform(X)
        return self

    def fit_transform(self, X: Any, y: Any = None, **unused: Any) -> Any:
        """Fit, and transform the same rows."""
        self.transformers_ = [make() for make in self.make]
        parts = [
            each.fit_transform(part) for each, part in zip(self.transformers_, self._split(X), strict=True)
        ]
        self.scales_ = [1 / np.sqrt(total_variance(part) or 1.0) if self.balance else 1.0 for part in parts]
        self.value_columns_ = np.concatenate([each.value_columns_ for each in self.transformers_])
        return self._join(parts)

    def transform(self, X: Any) -> Any:
        """Blocks side by side, float32: csr when a block is sparse, else a dense array."""
        check_is_fitted(self, "scales_")
        parts = zip(self.transformers_, self._split(X), strict=True)
        return self._join([each.transform(part) for each, part in parts])

    def _split(self, X: Any) -> list[Any]:
        edges = np.cumsum([0, *self.widths])
        parts = [X[:, start:stop] for start, stop in pairwise(edges)]
        return [
            part.toarray() if dense and sparse.issparse(part) else part
            for part, dense in zip(parts, self.dense, strict=True)
        ]

    def _join(self, parts: Sequence[Any]) -> Any:
        scaled = [part * np.float32(scale) for part, scale in zip(parts, self.scales_, strict=True)]
        if any(sparse.issparse(part) for part in scaled):
            blocks = [sparse.csr_matrix(part) for part in scaled]
            return sparse.hstack(blocks, format="csr", dtype=np.float32)
        return np.hstack(scaled).astype(np.float32, copy=False)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns, `block:column`."""
        check_is_fitted(self, "scales_")
        named = zip(self.names, self.transformers_, strict=True)
        names = [f"{name}:{column}" for name, each in named for column in each.get_feature_names_out()]
        return np.asarray(names, dtype=object)


def total_variance(X: Any) -> float:
    """Sum of the variances of the columns; cells that are not stored count as 0.

    Examples:
        >>> total_variance(np.array([[0.0, 1.0], [2.0, 1.0]]))
        1.0
    """
    if not sparse.issparse(X):
        return float(np.var(np.asarray(X, dtype=np.float64), axis=0).sum())
    X = sparse.csr_matrix(X, dtype=np.float64)
    n_rows = max(X.shape[0], 1)
    mean = np.asarray(X.sum(axis=0)).ravel() / n_rows
    return float((X.data**2).sum() / n_rows - (mean**2).sum())


def joined_features(features: Sequence[Features], *, name: str = "joined") -> Features:
    """Join representations of the same samples.

    Args:
        features: two or more, rows in the same order of samples.
        name: name of the joined representation.

    Raises:
        InputError: fewer than two, or different numbers of samples.
    """
    if len(features) < 2:
        raise InputError("a joined representation needs at least two parts", count=len(features))
    sizes = sorted({part.n_samples for part in features})
    if len(sizes) > 1:
        raise InputError(
            f"the parts of a joined representation have {sizes} samples", remedy="use the same samples"
        )
    matrices = [part.matrix for part in features]
    if any(sparse.issparse(matrix) for matrix in matrices):
        blocks = [sparse.csr_matrix(matrix) for matrix in matrices]
        matrix = sparse.hstack(blocks, format="csr", dtype=np.float32)
    else:
        matrix = np.hstack(matrices)
    shape: dict[str, Any] = {
        "names": tuple(part.name for part in features),
        "widths": tuple(len(part.names) for part in features),
        "dense": tuple(not sparse.issparse(part.matrix) for part in features),
    }
    return Features(
        name=name,
        matrix=matrix,
        names=[f"{part.name}:{column}" for part in features for column in part.names],
        make_transformer=partial(
            Joined, make=tuple(part.make_transformer for part in features), balance=False, **shape
        ),
        linear=partial(Joined, make=tuple(part.make_linear for part in features), balance=True, **shape),
        value_columns=np.concatenate([part.value_columns for part in features]),
    )
