"""A representation as a space: fitted, made dense, and scaled.

Everything here is fitted on the samples that are clustered; the outcome is no part of it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.base.errors import InputError
from osler.phenotyping.data import ArmInput
from osler.phenotyping.partition import Array
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings

_BLOCK = 8192


@dataclass(frozen=True)
class Space:
    """How the matrix of a representation becomes the space of the clusters.

    Attributes:
        scaling: standardise, normalise or none.
        components: float [d, p] of the truncated SVD, or None.
        center: float [d], subtracted when standardising, or None.
        scale: float [d], divided by when standardising, or None.
    """

    scaling: str
    components: Array | None
    center: Array | None
    scale: Array | None

    def apply(self, matrix: Any) -> Array:
        """The samples in this space.

        Args:
            matrix: csr or dense [n, p], as the representation's `make_linear` gives it.

        Returns:
            float32 [n, d].
        """
        width = matrix.shape[1] if self.components is None else len(self.components)
        out = np.empty((matrix.shape[0], width), dtype=np.float32)
        for start in range(0, len(out), _BLOCK):
            out[start : start + _BLOCK] = self._apply(matrix[start : start + _BLOCK])
        return out

    def _apply(self, matrix: Any) -> Array:
        if self.components is not None:
            dense = np.asarray(matrix @ self.components.T)
        else:
            dense = np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix)
        dense = dense.astype(np.float64)
        if self.center is not None and self.scale is not None:
            dense = (dense - self.center) / self.scale
        if self.scaling == "normalise":
            length = np.linalg.norm(dense, axis=1, keepdims=True)
            dense = dense / np.where(length > 0, length, 1.0)
        return dense


@dataclass(frozen=True)
class VectorsSpace:
    """A representation as it was fitted.

    Attributes:
        points: the samples that it was fitted on; coordinates float32 [n, d].
        names: columns of the representation's matrix.
        transformer: the representation's fitted transformer.
        space: how its result became coordinates.
    """

    points: Points
    names: tuple[str, ...]
    transformer: Any
    space: Space

    def place(self, data: ArmInput) -> Points:
        """Other samples in the same space.

        Args:
            data: the same representation of them, with the same columns.

        Raises:
            InputError: no representation, or another one.
        """
        features = data.representation()
        if tuple(features.names) != self.names:
            raise InputError(
                "the samples are represented in other columns than those that were clustered",
                count=len(features.names),
                remedy=f"make the same representation ({len(self.names)} columns)",
            )
        return Points(coordinates=self.space.apply(self.transformer.transform(features.matrix)))

    def arrays(self) -> dict[str, Array]:
        """The arrays of the space; the transformer is saved beside them (`phenotyping/store.py`)."""
        found = {name: getattr(self.space, name) for name in ("components", "center", "scale")}
        kept = {name: array for name, array in found.items() if array is not None}
        return {"scaling": np.array(self.space.scaling), **kept}


def fit(data: ArmInput, *, settings: PhenotypeSettings, seed: int) -> VectorsSpace:
    """Fit the space of a representation.

    Args:
        data: its representation.
        settings: `scaling` and `components`.
        seed: seed of the truncated SVD.

    Raises:
        InputError: there is no representation.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):  # the same bytes however many threads there are
        features = data.representation()
        transformer = features.make_linear()
        matrix = transformer.fit_transform(features.matrix)
        is_sparse = hasattr(matrix, "toarray")
        reduce = is_sparse and matrix.shape[1] > settings.components
        components = _truncated_svd(matrix, settings, seed) if reduce else None
        scaling = settings.scaling
        if scaling == "auto":
            scaling = "none" if is_sparse else "normalise"
        center = scale = None
        if scaling == "standardise":
            raw = Space(scaling="none", components=components, center=None, scale=None).apply(matrix)
            center = raw.mean(axis=0, dtype=np.float64)
            spread = raw.std(axis=0, dtype=np.float64)
            scale = np.where(spread > 0, spread, 1.0)
        space = Space(scaling=scaling, components=components, center=center, scale=scale)
        points = Points(coordinates=space.apply(matrix))
        return VectorsSpace(points=points, names=tuple(features.names), transformer=transformer, space=space)


def project(space: Array) -> Array:
    """The two first principal components of the samples, for a map: float64 [n, 2].

    The sign of each axis is such that its largest loading is positive; a missing axis is 0.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):  # the same bytes however many threads there are
        centred = space.astype(np.float64) - space.mean(axis=0, dtype=np.float64)
        values, vectors = np.linalg.eigh(centred.T @ centred)
        axes = vectors[:, np.argsort(values)[::-1][:2]]
        signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
        flat = centred @ (axes * np.where(signs == 0, 1, signs))
    return np.pad(flat, ((0, 0), (0, 2 - flat.shape[1])))


def _truncated_svd(matrix: Any, settings: PhenotypeSettings, seed: int) -> Array:
    from sklearn.decomposition import TruncatedSVD

    count = max(1, min(settings.components, matrix.shape[0] - 1, matrix.shape[1] - 1))
    svd = TruncatedSVD(n_components=count, n_iter=7, random_state=seed)
    return np.asarray(svd.fit(matrix).components_, dtype=np.float32)
