"""How far each cluster stands apart, in numbers that can be set against the reference.

Four statistics per cluster, each the share of variance that the difference of two means makes up when both
sides weigh alike, so that a cluster of 6 % is judged as one of 50 % is. The other side is all other samples
(`rest`) or the nearest other cluster (`nearest`); coordinates are taken as they are, or whitened (ridge 70
%), where the main axes of variation count less:

- against the rest: a pattern over many variables that correlate only through it;
- the same whitened: a small cluster beside a strong continuum, which drowns it otherwise;
- against the nearest: a cluster in the middle of the others, whose difference from them all together is
small.

The measure is the cluster index of SigClust (Liu et al., JASA 2008;103:1281) for one cluster and unequal
sizes. It means nothing in itself: slices of a continuum have large values too. It is compared with that of
the same pipeline on reference data (`osler.phenotyping.gates.beyond_reference`).
"""

import numpy as np

from osler.measure.agreement import NOISE
from osler.phenotyping.partition import Array
from osler.represent.typed import TypedTable

STATISTICS = ("rest", "rest, whitened", "nearest", "nearest, whitened")
RIDGE = 0.7


def table_coordinates(table: TypedTable) -> Array:
    """The variables as standardised columns, one per level when categorical; missing cells at the mean.

    Missingness itself is no coordinate: a cluster of samples with missing cells is not far from anything.

    Args:
        table: n samples.

    Returns:
        float64 [n, q]; columns without spread are left out.

    Examples:
        >>> from osler.represent.typed import Variable
        >>> ward = Variable("ward", "Ward", "categorical", ("A", "B"))
        >>> age = Variable("age", "Age", "numeric")
        >>> values = np.array([[0.0, 1.0], [1.0, 3.0], [np.nan, np.nan]])
        >>> table_coordinates(TypedTable((ward, age), values)).round(2).tolist()
        [[1.22, -1.22, -1.22], [-1.22, 1.22, 1.22], [0.0, 0.0, 0.0]]
    """
    columns: list[Array] = []
    for variable, value in zip(table.variables, table.values.T, strict=True):
        seen = ~np.isnan(value)
        if variable.kind == "categorical":
            columns += [np.where(seen, value == level, np.nan) for level in np.unique(value[seen])]
        else:
            columns.append(value)
    made = []
    for column in columns:
        seen = ~np.isnan(column)
        if seen.any() and np.ptp(column[seen]) > 0:
            filled = np.where(seen, column - column[seen].mean(), 0.0)
            made.append(filled / filled.std())
    return np.column_stack(made) if made else np.zeros((table.n_samples, 0))


def separation(coordinates: Array, cluster: Array) -> Array:
    """The four statistics of each cluster; noise belongs to the rest and is no cluster.

    Args:
        coordinates: float [n, q].
        cluster: int [n], labels 0..k-1, -1 noise.

    Returns:
        float64 [k, 4], 0..1, columns as `STATISTICS`; NaN where a cluster has no samples, or no other side.

    Examples:
        >>> points = np.array([[0.0, 0.0], [0.0, 1.0], [9.0, 0.0], [9.0, 1.0]])
        >>> separation(points, np.array([0, 0, 1, 1]))[:, [0, 2]].round(3).tolist()
        [[0.988, 0.988], [0.988, 0.988]]
    """
    labels = np.asarray(cluster, dtype=np.int64)
    points = np.asarray(coordinates, dtype=np.float64)
    white = whitened(points)
    if white.shape[1] == 0:
        return np.full((int(labels.max(initial=NOISE)) + 1, len(STATISTICS)), np.nan)
    found = [_against(x, labels) for x in (points - points.mean(axis=0), white)]
    return np.column_stack([found[0][0], found[1][0], found[0][1], found[1][1]])


def whitened(coordinates: Array) -> Array:
    """The samples on the principal axes, each divided by the root of its variance and a ridge.

    The ridge is 70 % of the mean variance of the axes, beside 30 % of the axis' own.

    Args:
        coordinates: float [n, q].

    Returns:
        float64 [n, q], centred; [n, 0] when nothing varies.

    Examples:
        >>> x = np.array([[-3.0, 1.0], [3.0, 1.0], [-3.0, -1.0], [3.0, -1.0]])
        >>> abs(whitened(x))[0].round(3).tolist()
        [0.513, 1.205]
    """
    centred = np.asarray(coordinates, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    covariance = centred.T @ centred / max(len(centred), 1)
    if centred.shape[1] == 0 or not np.trace(covariance) > 0:
        return np.zeros((len(centred), 0))
    values, vectors = np.linalg.eigh(covariance)
    damped = (1 - RIDGE) * np.maximum(values, 0.0) + RIDGE * values.mean()
    return np.asarray(centred @ (vectors / damped**0.5), dtype=np.float64)


def axis_share(coordinates: Array, cluster: Array) -> float:
    """Share of the scatter between the cluster means that lies on one line: 1 when they are in a row.

    Samples weigh alike; noise is left out. NaN below two clusters. With two clusters it is 1 always.

    Args:
        coordinates: float [n, q].
        cluster: int [n], labels 0..k-1, -1 noise.

    Examples:
        >>> x = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
        >>> axis_share(x, np.array([0, 1, 2]))
        1.0
    """
    kept = cluster != NOISE
    names, place = np.unique(cluster[kept], return_inverse=True)
    if len(names) < 2:
        return float("nan")
    inside = np.asarray(coordinates, dtype=np.float64)[kept]
    size = np.bincount(place)
    mean = np.zeros((len(names), inside.shape[1]))
    np.add.at(mean, place, inside)
    mean /= size[:, None]
    weighted = (mean - inside.mean(axis=0)) * np.sqrt(size)[:, None]
    scatter = np.linalg.svd(weighted, compute_uv=False) ** 2
    return float(scatter[0] / scatter.sum()) if scatter.sum() > 0 else float("nan")


def _against(x: Array, cluster: Array) -> tuple[Array, Array]:
    """Separation of each cluster from the rest [k], and from the nearest other cluster [k]."""
    k = int(cluster.max(initial=NOISE)) + 1
    member = np.zeros((k, len(x)))
    inside = np.flatnonzero(cluster != NOISE)
    member[cluster[inside], inside] = 1.0
    size, total = member.sum(axis=1), member @ x
    squares = (x**2).sum(axis=1)
    square = member @ squares
    rest, rest_total, rest_square = len(x) - size, x.sum(axis=0) - total, squares.sum() - square
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, other = total / size[:, None], rest_total / rest[:, None]
        within = square / size - (mean**2).sum(axis=1)
        around = rest_square / rest - (other**2).sum(axis=1)
        from_rest = _share(((mean - other) ** 2).sum(axis=1), (within + around) / 2)
        apart = ((mean[:, None] - mean[None, :]) ** 2).sum(axis=-1)
        pairs = _share(apart, (within[:, None] + within[None, :]) / 2)
    np.fill_diagonal(pairs, np.nan)
    nearest = np.where(np.isnan(pairs), np.inf, pairs).min(axis=1, initial=np.inf)
    return from_rest, np.where(np.isfinite(nearest) & (size > 0), nearest, np.nan)


def _share(squared_distance: Array, within: Array) -> Array:
    between = squared_distance / 4
    return np.asarray(between / (between + within), dtype=np.float64)
