"""Spherical k-means (Dhillon, Modha 2001): samples and centres have length 1, and likeness is the cosine.

Each run starts from k-means++ on cosine distances and alternates between the nearest centre and the direction
of the members' sum, until no sample changes its cluster (of many samples, at most one in 10,000). A cluster
that loses all its samples takes the one that lies farthest from its centre. Of runs from several seeds the
one of greatest total cosine counts. Above 50,000 samples the starts of a run are compared on 20,000 of them,
and the best goes on with all.
"""

import numpy as np

from osler.phenotyping.methods.runs import first_rows, seed_agreement
from osler.phenotyping.partition import Array, Partition, order_by_size
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings

_BLOCK = 8192
_MOST_STEPS = 300
_MOVED = 1e-4  # share of the samples; below 10,000 samples none


def fit(points: Points, k: int, *, settings: PhenotypeSettings, seed: int) -> Partition:
    """Divide the samples into k clusters of directions.

    Args:
        points: coordinates [n, d]; a sample of length 0 is at distance 1 from every centre.
        k: number of clusters, at most the number of distinct directions.
        settings: `seeds` and `starts`.
        seed: seed of the starts.

    Returns:
        A partition with `centres` [k, d] of length 1, cosine distances (1 - cosine), and the facts `inertia`
        (sum of the cosine distances) and `seed_agreement`.

    Raises:
        InputError: the space has no coordinates.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    unit = _unit(points.euclidean())
    drawn = first_rows(len(unit), seed)
    few = unit if drawn is None else unit[drawn]
    runs = []
    with threadpool_limits(limits=1):  # the same bytes however many threads there are
        for run in range(settings.seeds):
            rng = np.random.default_rng([seed, run, k])
            found = min(
                (_lloyd(few, _start(few, k, rng)) for _ in range(settings.starts)), key=lambda one: one[2]
            )
            if drawn is not None:
                found = _lloyd(unit, found[0])
            runs.append(found)
    best = min(range(len(runs)), key=lambda run: runs[run][2])
    centres, labels, loss = runs[best]
    model = {"centres": np.ascontiguousarray(centres[order_by_size(labels, k)])}
    cluster, distance = assign(model, points)
    others = [run[1] for i, run in enumerate(runs) if i != best]
    facts = {"inertia": loss, "seed_agreement": seed_agreement(labels, others)}
    return Partition(cluster=cluster, distance=distance, model=model, facts=facts)


def assign(model: dict[str, Array], points: Points) -> tuple[Array, Array]:
    """Send each sample to the centre of greatest cosine.

    Args:
        model: `centres` [k, d] of length 1.
        points: coordinates [n, d].

    Returns:
        Cluster int64 [n] and cosine distance float64 [n], in [0, 2].
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        cluster, cosine = _nearest(_unit(points.euclidean()), model["centres"])
    return cluster, 1.0 - np.clip(cosine, -1.0, 1.0)


def _unit(space: Array) -> Array:
    unit = np.array(space, dtype=np.float32, order="C")
    for start in range(0, len(unit), _BLOCK):
        block = unit[start : start + _BLOCK]
        length = np.linalg.norm(block.astype(np.float64), axis=1, keepdims=True)
        block /= np.where(length > 0, length, 1.0)
    return unit


def _nearest(unit: Array, centres: Array) -> tuple[Array, Array]:
    cluster = np.empty(len(unit), dtype=np.int64)
    cosine = np.empty(len(unit))
    for start in range(0, len(unit), _BLOCK):
        likeness = unit[start : start + _BLOCK] @ centres.T
        cluster[start : start + _BLOCK] = likeness.argmax(axis=1)
        cosine[start : start + _BLOCK] = likeness.max(axis=1)
    return cluster, cosine


def _start(unit: Array, k: int, rng: np.random.Generator) -> Array:
    """k samples, each drawn with a chance in proportion to its distance from those drawn before."""
    rows = [int(rng.integers(len(unit)))]
    nearest = np.ones(len(unit)) * 2
    for _ in range(1, k):
        nearest = np.minimum(nearest, np.maximum(1.0 - unit @ unit[rows[-1]], 0.0))
        # Rounding must not let the same sample be drawn again.
        weight = np.where(nearest > 1e-6, nearest, 0.0)
        total = weight.sum()
        rows.append(int(rng.choice(len(unit), p=weight / total if total > 0 else None)))
    return unit[rows].copy()


def _lloyd(unit: Array, centres: Array) -> tuple[Array, Array, float]:
    """Centres, clusters and the sum of cosine distances, when nothing moves any more."""
    k = len(centres)
    before = np.full(len(unit), -1)
    for _ in range(_MOST_STEPS):
        cluster, cosine = _nearest(unit, centres)
        for empty in np.flatnonzero(np.bincount(cluster, minlength=k) == 0):
            spare = np.bincount(cluster, minlength=k)[cluster] > 1
            farthest = int(np.where(spare, cosine, np.inf).argmin())
            cluster[farthest], cosine[farthest] = empty, 1.0
        if (cluster != before).sum() <= _MOVED * len(unit):
            break
        before = cluster
        total = np.zeros((k, unit.shape[1]))
        for start in range(0, len(unit), _BLOCK):
            member = cluster[start : start + _BLOCK, None] == np.arange(k)
            total += member.T.astype(np.float32) @ unit[start : start + _BLOCK]
        length = np.linalg.norm(total, axis=1, keepdims=True)
        centres = np.where(length > 0, total / np.where(length > 0, length, 1.0), centres).astype(np.float32)
    return centres, cluster, float((1.0 - cosine).sum())
