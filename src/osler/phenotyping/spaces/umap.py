"""UMAP (McInnes, Healy, Melville 2018) of mixed variables, on the graph of Gower's nearest neighbours.

Neighbours are exact, by Gower's distance. `min_dist` is 0, as for clustering. The layout starts from the
factor analysis of the same variables and not from a spectral embedding, which fails on graphs that fall
apart, and changes with them. Equal samples, of which a bootstrap has many, are laid out once and share their
place, so that copies are not taken for a dense region. The map invents gaps and hides distances: distances
between its clusters mean little, and its silhouettes compare with no others.
"""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from osler.base.errors import InputError
from osler.phenotyping.data import ArmInput
from osler.phenotyping.partition import Array
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.spaces import famd
from osler.phenotyping.spaces.gower import fit_measure
from osler.represent.typed import TypedTable

_MIN_DIST, _SPREAD = 0.0, 1.0
_BISECTIONS, _LEAST_WIDTH = 64, 1e-3
_BLOCK = 512
_FEWEST = 3  # distinct samples that make a graph of neighbours


@dataclass(frozen=True)
class UmapSpace:
    """A map as it was fitted.

    Attributes:
        points: the samples that it was fitted on; coordinates float64 [n, dimensions].
    """

    points: Points

    def place(self, data: ArmInput) -> Points:
        """Refuse: the map has no closed form.

        Raises:
            InputError: always.
        """
        raise InputError(
            "UMAP has no closed form for new samples", remedy="assign them by the exemplars of the clusters"
        )

    def arrays(self) -> dict[str, Array]:
        """Nothing: new samples have no place."""
        return {}


def fit(data: ArmInput, *, settings: PhenotypeSettings, seed: int, dimensions: int = 2) -> UmapSpace:
    """Lay the samples out.

    Args:
        data: its table.
        settings: `neighbours`.
        seed: seed of the layout; the same seed gives the same map.
        dimensions: of the map; 2 or more.

    Raises:
        InputError: there is no table, fewer than three distinct samples, or no variable varies.
    """
    table = data.variables()
    filled = np.where(np.isnan(table.values), np.inf, table.values)
    first, inverse = np.unique(filled, axis=0, return_index=True, return_inverse=True)[1:]
    if len(first) < _FEWEST:
        raise InputError(
            "a map needs three distinct samples or more", count=len(first), remedy="take more samples"
        )
    distinct = table.take(first)
    rng = np.random.default_rng([seed, dimensions])
    rows, near = _neighbours(distinct, min(settings.neighbours, len(first) - 1))
    start = _start(distinct, dimensions, rng, settings, seed)
    places = _layout(rows, near, start, seed=seed)
    return UmapSpace(points=Points(coordinates=places[inverse.ravel()]))


def _neighbours(table: TypedTable, count: int) -> tuple[Array, Array]:
    """The nearest samples of each, itself first: rows int32 [n, count] and distances float32 [n, count]."""
    distances = fit_measure(table).within(table.values)[0]
    np.fill_diagonal(distances, -1.0)
    parts = []
    for start in range(0, len(distances), _BLOCK):
        block = distances[start : start + _BLOCK]
        rows = np.sort(np.argpartition(block, count - 1, axis=1)[:, :count], axis=1)
        near = np.take_along_axis(block, rows, axis=1)
        order = np.argsort(near, axis=1, kind="stable")
        parts.append((np.take_along_axis(rows, order, axis=1), np.take_along_axis(near, order, axis=1)))
    rows, near = (np.vstack(part) for part in zip(*parts, strict=True))
    return rows.astype(np.int32), np.maximum(near, 0.0)


def fuzzy_graph(rows: Array, near: Array) -> Any:
    """The weights of the edges between neighbours (McInnes, Healy, Melville 2018, section 3.1).

    Each sample reaches its nearest other neighbour with weight 1 and the others with weights that fall with
    the distance, so fast that all weights sum to log2 of the number of neighbours; an edge has the weight of
    either direction or both, as probabilities add. umap-learn's own function is compiled anew in every
    process, which takes longer than the rest of a map.

    Args:
        rows: int [n, m], the neighbours of each sample, itself first.
        near: float [n, m], their distances, ascending.

    Returns:
        A symmetric sparse matrix, float32 [n, n].
    """
    from scipy import sparse

    distance = near[:, 1:].astype(np.float64)
    positive = np.where(distance > 0, distance, np.inf).min(axis=1)
    first = np.where(np.isfinite(positive), positive, 0.0)
    beyond = np.maximum(distance - first[:, None], 0.0)
    target = np.log2(rows.shape[1])
    low, high, width = np.zeros(len(rows)), np.full(len(rows), np.inf), np.ones(len(rows))
    for _ in range(_BISECTIONS):
        above = np.exp(-beyond / width[:, None]).sum(axis=1) > target
        low, high = np.where(above, low, width), np.where(above, width, high)
        width = np.where(np.isinf(high), 2 * width, (low + np.where(np.isinf(high), low, high)) / 2)
    least = np.where(first > 0, near.mean(axis=1, dtype=np.float64), near.mean(dtype=np.float64))
    width = np.maximum(width, _LEAST_WIDTH * least)
    # All distances 0: every neighbour is reached.
    weight = np.where(beyond > 0, np.exp(-beyond / np.where(width > 0, width, 1.0)[:, None]), 1.0)
    start = np.repeat(np.arange(len(rows)), distance.shape[1])
    shape = (len(rows), len(rows))
    one_way = sparse.csr_matrix((weight.ravel(), (start, rows[:, 1:].ravel())), shape=shape)
    either = one_way + one_way.T - one_way.multiply(one_way.T)
    return either.astype(np.float32).tocoo()


def _start(
    table: TypedTable, dimensions: int, rng: np.random.Generator, settings: PhenotypeSettings, seed: int
) -> Array:
    """The first axes of the factor analysis within [-10, 10], a little apart where they agree."""
    found = famd.fit(
        ArmInput(table=table),
        settings=settings.model_copy(update={"famd_components": dimensions}),
        seed=seed,
    ).points.euclidean()
    start = rng.normal(size=(table.n_samples, dimensions))
    start[:, : found.shape[1]] = found * (10 / np.abs(found).max()) + 1e-4 * start[:, : found.shape[1]]
    return start.astype(np.float32)


def _layout(rows: Array, near: Array, start: Array, *, seed: int) -> Array:
    with _quiet_umap():
        import numba
        from umap.umap_ import (  # type: ignore[import-untyped]
            find_ab_params,
            simplicial_set_embedding,
        )

        before = numba.get_num_threads()
        numba.set_num_threads(1)
        try:
            random = np.random.RandomState(seed % 2**32)
            a, b = find_ab_params(_SPREAD, _MIN_DIST)
            places, _ = simplicial_set_embedding(
                start,
                fuzzy_graph(rows, near),
                start.shape[1],
                initial_alpha=1.0,
                a=a,
                b=b,
                gamma=1.0,
                negative_sample_rate=5,
                n_epochs=None,
                init=start,
                random_state=random,
                metric="euclidean",
                metric_kwds={},
                densmap=False,
                densmap_kwds={},
                output_dens=False,
                parallel=False,
                verbose=False,
            )
        finally:
            numba.set_num_threads(before)
    return np.asarray(places, dtype=np.float64)


@contextmanager
def _quiet_umap() -> Iterator[None]:
    """No warnings of the libraries, and what they compile kept out of their packages' folders."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from numba.core import config

        options = vars(config)
        if not options.get("CACHE_DIR"):
            options["CACHE_DIR"] = str(_compiled())
        yield


def _compiled() -> Path:
    """A folder of the user's for compiled functions; a temporary one where that cannot be written."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "osler" / "numba"
    try:
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="osler-numba-"))
    return cache if os.access(cache, os.W_OK) else Path(tempfile.mkdtemp(prefix="osler-numba-"))
