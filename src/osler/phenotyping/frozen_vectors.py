"""How a saved clustering reads new samples of a representation: as they were read when it was fitted."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.base.errors import InputError
from osler.phenotyping.partition import Array
from osler.phenotyping.points import Points
from osler.phenotyping.spaces.vectors import Space, VectorsSpace
from osler.phenotyping.store import pack, unpack
from osler.represent.features import Features

COLUMNS, STATEMENTS = "columns", "statements"
# Below this share of known cells the new samples come from another record, not from other patients.
_LEAST_KNOWN = 0.5


@dataclass(frozen=True)
class FrozenVectors:
    """A representation as it was fitted.

    Attributes:
        names: columns of the representation's matrix.
        kind: `columns` (counts, documents) or `statements` (pooled by saved weights).
        transformer: the fitted transformer, or for statements the weight of each and that of unseen ones.
        space: how its result became the space of the clusters.
    """

    names: list[str]
    kind: str
    transformer: Any
    space: Space

    @classmethod
    def of(cls, features: Features, fitted: VectorsSpace) -> "FrozenVectors":
        """What is kept of a fitted representation."""
        transformer = fitted.transformer
        pool = getattr(transformer, "steps", (transformer,))[0]
        if type(pool).__name__ != "StatementPool":
            return cls(list(features.names), COLUMNS, transformer, fitted.space)
        # What `StatementPool` gives a statement that no training sample has.
        unseen = 1.0 if pool.pool == "mean" else float(np.log(1 + features.n_samples) + 1)
        return cls(list(features.names), STATEMENTS, (np.asarray(pool.weights_), unseen), fitted.space)

    def state(self, arrays: dict[str, Array]) -> dict[str, Any]:
        """As JSON, arrays apart.

        Raises:
            TypeError: the transformer has no saved form.
        """
        frozen, unseen = self.transformer, None
        if self.kind == STATEMENTS:
            frozen, unseen = self.transformer
        return {
            "kind": self.kind,
            "names": self.names,
            "transformer": pack(frozen, arrays),
            "unseen_weight": pack(unseen, arrays),
            "space": {name: pack(value, arrays) for name, value in vars(self.space).items()},
        }

    @classmethod
    def from_state(cls, stored: dict[str, Any], arrays: dict[str, Array]) -> "FrozenVectors":
        """What `state` described."""
        transformer = unpack(stored["transformer"], arrays)
        if stored["kind"] == STATEMENTS:
            transformer = (transformer, unpack(stored["unseen_weight"], arrays))
        space = Space(**{name: unpack(value, arrays) for name, value in stored["space"].items()})
        return cls(stored["names"], stored["kind"], transformer, space)

    def known(self, features: Features) -> tuple[Array, float]:
        """Which columns are known, bool [p], and the share of the cells in them; 1 where there are none."""
        known = np.isin(np.array(features.names, dtype=object), np.array(self.names, dtype=object))
        if not hasattr(features.matrix, "indptr"):
            return known, float(known.mean())
        cells = np.bincount(features.matrix.indices, minlength=len(known))
        return known, float(cells[known].sum() / cells.sum()) if cells.sum() else 1.0

    def place(self, features: Features) -> Points:
        """New samples in the space of the clusters.

        Raises:
            InputError: their columns are mostly unknown, or those of another encoder.
        """
        known, share = self.known(features)
        if self.kind == COLUMNS and share < _LEAST_KNOWN:
            raise InputError(
                f"the clustering knows only {share:.0%} of what the new samples hold",
                count=int((~known).sum()),
                remedy="assign samples whose record has the same codes as those that were clustered",
            )
        return Points(coordinates=self.space.apply(self._frozen(features)))

    def _frozen(self, features: Features) -> Any:
        """The representation of new samples by what was fitted on the first ones."""
        if self.kind == STATEMENTS:
            weights, unseen = self.transformer
            weight = dict(zip(self.names, weights.tolist(), strict=True))
            transformer = features.make_linear().fit(features.matrix)
            pool = transformer.steps[0]
            pool.weights_ = np.array([weight.get(name, unseen) for name in features.names], dtype=np.float32)
            return transformer.transform(features.matrix)
        return self.transformer.transform(self._aligned(features))

    def _aligned(self, features: Features) -> Any:
        """The matrix of new samples with the columns of the model."""
        from scipy import sparse

        if list(features.names) == self.names:
            return features.matrix
        if not sparse.issparse(features.matrix):
            raise InputError(
                "the vectors have other columns than those that were clustered",
                count=len(features.names),
                remedy=f"encode with the same encoder ({len(self.names)} columns)",
            )
        place = {name: i for i, name in enumerate(self.names)}
        to = np.array([place.get(name, -1) for name in features.names], dtype=np.int64)
        cells = features.matrix.tocoo()
        column = to[cells.col]
        kept = column >= 0
        shape = (features.n_samples, len(self.names))
        aligned = sparse.csr_matrix((cells.data[kept], (cells.row[kept], column[kept])), shape=shape)
        aligned.sort_indices()
        return aligned
