"""k-prototypes (Huang 1998): means of numeric variables and modes of the others, on the variables themselves.

Numeric variables and ordinal ones (on their levels) are standardised over the known cells; categorical
variables and flags cost gamma where a sample's level is not the mode. Gamma is half the mean deviation of the
numeric variables, Huang's measure: 0.5 when they are standardised (1 where there are none). A missing cell
costs nothing, and means and modes are over known cells; where a cluster has none, over those of all samples.
Each run starts from samples drawn as in k-means++; the one of least total cost counts.
"""

from dataclasses import dataclass

import numpy as np

from osler.phenotyping.columns import Columns, one_hot
from osler.phenotyping.methods.runs import seed_agreement
from osler.phenotyping.partition import Array, Partition, order_by_size
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings

_MOST_STEPS = 100


def fit(points: Points, k: int, *, settings: PhenotypeSettings, seed: int) -> Partition:
    """Divide the samples into k clusters.

    Args:
        points: a table.
        k: number of clusters, at most the number of distinct samples.
        settings: `seeds` and `starts`.
        seed: seed of the starts.

    Returns:
        A partition with `means` [k, numeric variables] (standardised) and `modes` [k, other variables]
        (places of levels), and what reads other samples: `center`, `scale`, `gamma` and the columns. The
        distance is the square root of the cost. Facts: `inertia` (total cost) and `seed_agreement`.

    Raises:
        InputError: the space has no table.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    table = points.variables()
    columns = Columns.of(table)
    numeric = columns.of_kind("numeric", "ordinal")
    center, scale, _ = _moments(table.values[:, numeric])
    deviations = _moments((table.values[:, numeric] - center) / scale)[2]
    varying = deviations[deviations > 0]
    frame = {
        **columns.arrays(),
        "center": center,
        "scale": scale,
        "gamma": np.array(0.5 * varying.mean() if len(varying) else 1.0),
    }
    cells = _read(frame, table.values)
    runs = []
    with threadpool_limits(limits=1):  # the same bytes however many threads there are
        for run in range(settings.seeds):
            rng = np.random.default_rng([seed, run, k])
            runs.append(min((_run(cells, k, rng) for _ in range(settings.starts)), key=lambda one: one.cost))
    best = min(range(len(runs)), key=lambda run: runs[run].cost)
    order = order_by_size(runs[best].cluster, k)
    model = {"means": runs[best].means[order], "modes": runs[best].modes[order], **frame}
    cluster, distance = assign(model, points)
    others = [run.cluster for i, run in enumerate(runs) if i != best]
    return Partition(
        cluster=cluster,
        distance=distance,
        model=model,
        facts={
            "inertia": runs[best].cost,
            "seed_agreement": seed_agreement(runs[best].cluster, others),
        },
    )


def assign(model: dict[str, Array], points: Points) -> tuple[Array, Array]:
    """Send each sample to the prototype of least cost.

    Args:
        model: what `fit` made.
        points: a table.

    Returns:
        Cluster int64 [n] and the square root of the cost, float64 [n].

    Raises:
        InputError: no table, or it lacks a variable.
    """
    from threadpoolctl import threadpool_limits

    values = Columns.from_arrays(model).align(points.variables())
    with threadpool_limits(limits=1):
        cost = _costs(_read(model, values), model["means"], model["modes"])
    return cost.argmin(axis=1).astype(np.int64), np.sqrt(cost.min(axis=1))


@dataclass(frozen=True)
class _Cells:
    """The samples as matrices: numbers (0 where not known), which are known, levels one-hot."""

    numbers: Array
    known: Array
    squares: Array
    levels: Array
    counts: Array
    gamma: float


@dataclass(frozen=True)
class _Run:
    means: Array
    modes: Array
    cluster: Array
    cost: float


def _moments(values: Array) -> tuple[Array, ...]:
    """Mean, deviation (1 where 0) and deviation of the known cells of each column."""
    known = ~np.isnan(values)
    n = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / n
    deviation = np.sqrt((np.where(known, values - mean, 0.0) ** 2).sum(axis=0) / n)
    deviation[deviation <= 1e-12 * np.abs(mean)] = 0.0
    return mean, np.where(deviation > 0, deviation, 1.0), deviation


def _read(frame: dict[str, Array], values: Array) -> _Cells:
    columns = Columns.from_arrays(frame)
    numeric = columns.of_kind("numeric", "ordinal")
    scaled = (values[:, numeric] - frame["center"]) / frame["scale"]
    known = ~np.isnan(scaled)
    numbers = np.where(known, scaled, 0.0)
    counts = columns.counts()[~numeric]
    return _Cells(
        numbers=numbers,
        known=known.astype(np.float64),
        squares=(numbers**2).sum(axis=1),
        levels=one_hot(values[:, ~numeric], counts),
        counts=counts,
        gamma=float(frame["gamma"]),
    )


def _costs(cells: _Cells, means: Array, modes: Array) -> Array:
    """Cost of each sample in each cluster: float64 [n, k]."""
    numeric = cells.squares[:, None] - 2 * cells.numbers @ means.T + cells.known @ (means**2).T
    equal = cells.levels @ one_hot(modes, cells.counts).T
    unlike = cells.levels.sum(axis=1)[:, None] - equal
    return np.asarray(np.maximum(numeric, 0.0) + cells.gamma * unlike.astype(np.float64))


def _prototypes(cells: _Cells, member: Array, fallback: tuple[Array, Array] | None) -> tuple[Array, Array]:
    """Means and modes of the members [n, k]; where none of them is known, the fallback's."""
    known = member.T @ cells.known
    means = (member.T @ cells.numbers) / np.maximum(known, 1.0)
    votes = member.T.astype(np.float32) @ cells.levels
    first = np.concatenate([[0], np.cumsum(cells.counts)]).astype(np.int64)
    modes = np.zeros((member.shape[1], len(cells.counts)))
    for j, count in enumerate(cells.counts):
        mine = votes[:, first[j] : first[j] + count]
        if count == 0:
            continue
        modes[:, j] = mine.argmax(axis=1)
        if fallback is not None:
            modes[:, j] = np.where(mine.sum(axis=1) > 0, modes[:, j], fallback[1][0, j])
    if fallback is not None:
        means = np.where(known > 0, means, fallback[0])
    return means, modes


def _run(cells: _Cells, k: int, rng: np.random.Generator) -> _Run:
    n = len(cells.numbers)
    overall = _prototypes(cells, np.ones((n, 1)), None)
    means, modes = _start(cells, k, rng, overall)
    before = np.full(n, -1)
    for _ in range(_MOST_STEPS):
        costs = _costs(cells, means, modes)
        cluster = costs.argmin(axis=1)
        nearest = costs.min(axis=1)
        size = np.bincount(cluster, minlength=k)
        for empty in np.flatnonzero(size == 0):
            worst = int(np.where(size[cluster] > 1, nearest, -np.inf).argmax())
            size[cluster[worst]] -= 1
            cluster[worst], nearest[worst], size[empty] = empty, 0.0, 1
        if np.array_equal(cluster, before):
            break
        before = cluster
        means, modes = _prototypes(cells, (cluster[:, None] == np.arange(k)).astype(np.float64), overall)
    costs = _costs(cells, means, modes)
    return _Run(means, modes, costs.argmin(axis=1), float(costs.min(axis=1).sum()))


def _start(
    cells: _Cells, k: int, rng: np.random.Generator, overall: tuple[Array, Array]
) -> tuple[Array, Array]:
    """k samples as prototypes, each drawn with a chance in proportion to its cost in those drawn before."""
    n = len(cells.numbers)
    rows: list[int] = [int(rng.integers(n))]
    nearest = np.full(n, np.inf)
    while True:
        chosen = np.zeros((n, 1))
        chosen[rows[-1]] = 1.0
        nearest = np.minimum(nearest, _costs(cells, *_prototypes(cells, chosen, overall))[:, 0])
        if len(rows) == k:
            break
        weight = np.where(nearest > 1e-9, nearest, 0.0)
        total = weight.sum()
        rows.append(int(rng.choice(n, p=weight / total if total > 0 else None)))
    member = np.zeros((n, k))
    member[rows, np.arange(k)] = 1.0
    return _prototypes(cells, member, overall)
