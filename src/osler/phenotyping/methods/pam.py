"""Partitioning around medoids (Kaufman, Rousseeuw 1987) by FasterPAM (Schubert, Rousseeuw 2021).

It works on the distances of a space, or on Euclidean distances where the space has coordinates. The first run
starts from BUILD, the others from random medoids; the one of least total distance counts.
"""

import numpy as np

from osler.base.errors import InputError
from osler.phenotyping.columns import Columns
from osler.phenotyping.methods.runs import seed_agreement, state
from osler.phenotyping.partition import Array, Partition, order_by_size
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.spaces.gower import GowerMeasure, fit_measure

_MOST_STEPS = 300


def fit(points: Points, k: int, *, settings: PhenotypeSettings, seed: int) -> Partition:
    """Divide the samples among k of them, the medoids.

    Args:
        points: coordinates [n, d], or distances [n, n] (with a table, if other samples are to be assigned).
        k: number of clusters, at most the number of distinct samples.
        settings: `seeds`, the number of runs.
        seed: seed of the random runs, and of the order in which swaps are tried.

    Returns:
        A partition with `medoids` int64 [k] (rows), and what assigns other samples: `centres` [k, d], or in
        Gower's space `values` [k, p] with the fitted ranges. Facts: `inertia` (sum of the distances to the
        medoids) and `seed_agreement`.

    Raises:
        InputError: the space has neither coordinates nor distances.
    """
    import kmedoids  # type: ignore[import-untyped]

    distances = _distances(points)
    runs = []
    for run in range(settings.seeds):
        start = "build" if run == 0 else "random"
        random = state(seed, run, k)
        runs.append(
            kmedoids.fasterpam(distances, k, max_iter=_MOST_STEPS, init=start, random_state=random, n_cpu=1)
        )
    best = min(runs, key=lambda run: float(run.loss))
    medoids = best.medoids.astype(np.int64)
    model = {"medoids": medoids}
    measure: dict[str, Array] = {}
    if points.coordinates is not None:
        model["centres"] = np.ascontiguousarray(points.coordinates[medoids])
    elif points.table is not None:
        model["values"] = points.table.values[medoids]
        measure = fit_measure(points.table).arrays()
    # As other samples are assigned: distances within the space may differ from these by a rounding.
    near = _near({**model, **measure}, points)
    order = order_by_size(near.argmin(axis=1), k)
    near = near[:, order]
    model = {name: array[order] for name, array in model.items()} | measure
    others = [run.labels for run in runs if run is not best]
    return Partition(
        cluster=near.argmin(axis=1).astype(np.int64),
        distance=near.min(axis=1).astype(np.float64),
        model=model,
        facts={
            "inertia": float(near.min(axis=1).sum(dtype=np.float64)),
            "seed_agreement": seed_agreement(best.labels, others),
        },
    )


def assign(model: dict[str, Array], points: Points) -> tuple[Array, Array]:
    """Send each sample to its nearest medoid.

    Args:
        model: what `fit` made.
        points: coordinates [n, d] where the space has them; else a table, or distances [n, m] to the m
            samples that were fitted.

    Returns:
        Cluster int64 [n] and distance float64 [n].

    Raises:
        InputError: the points have nothing of these.
    """
    near = _near(model, points)
    return near.argmin(axis=1).astype(np.int64), near.min(axis=1).astype(np.float64)


def _near(model: dict[str, Array], points: Points) -> Array:
    """Distances to the medoids [n, k]."""
    if "centres" in model:
        from scipy.spatial.distance import cdist

        return np.asarray(cdist(points.euclidean().astype(np.float64), model["centres"].astype(np.float64)))
    if "values" in model and points.table is not None:
        measure = GowerMeasure.from_arrays(model)
        return measure.between(Columns.from_arrays(model).align(points.table), model["values"])
    return _given(points)[:, model["medoids"]]


def _distances(points: Points) -> Array:
    """Distances between the samples, float32 [n, n]."""
    if points.coordinates is None:
        return _given(points)
    from scipy.spatial.distance import cdist

    space = points.coordinates.astype(np.float64)
    out = np.empty((len(space), len(space)), dtype=np.float32)
    for start in range(0, len(space), 512):
        out[start : start + 512] = cdist(space[start : start + 512], space)
    return out


def _given(points: Points) -> Array:
    if points.distances is None:
        raise InputError(
            "this method needs distances or coordinates, and the space has none", remedy="name another arm"
        )
    return points.distances
