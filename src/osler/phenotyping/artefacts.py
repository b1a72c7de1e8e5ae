"""Whether clusters of embeddings are made by the encoder and the text rather than by what the text says.

- The partition is made again without the leading principal directions, which in embeddings often carry length
  and style (Mu and Viswanath, ICLR 2018), and again with all directions made alike (whitening). A partition
  that one direction makes does not survive; one that many variables make does.
- Each sample's length, number of missing values, and how far its vector moves when the same statements are
  written in another order: how much of their variance lies between the clusters.
- How many samples change their cluster when every text is written in another order.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from osler.measure.agreement import agreement, match_labels
from osler.measure.effects import Effect, eta_squared
from osler.phenotyping.partition import Array

Cluster = Callable[[Array], Array]
"""Takes vectors float [n, d], gives the cluster of each: int [n], -1 noise."""

REMOVED = (1, 2, 3)
"""Numbers of leading directions that are taken out."""
_FLOOR = 1e-6  # smallest variance, in shares of the largest, of a direction that is whitened


@dataclass(frozen=True)
class Remade:
    """A partition made again from changed vectors.

    Attributes:
        change: `without 1 direction`, `without 2 directions`, ..., `whitened`.
        removed: share of the variance of the vectors that the change took out; 0 for whitening.
        adjusted_rand: agreement with the partition of the vectors as they are; NaN where nothing is left.
    """

    change: str
    removed: float
    adjusted_rand: float


@dataclass(frozen=True)
class OrderTest:
    """What another order of the statements does.

    Attributes:
        adjusted_rand: agreement of the partition of the other texts with that of the first.
        changed: share of the samples in another cluster, labels matched.
        moved: mean cosine distance between the two vectors of a sample.
        ratio: that mean over the mean cosine distance between two samples: 0 is an encoder that does not read
            order, 1 one to which order is all.
        explained: share of the variance of that distance that lies between the clusters.
    """

    adjusted_rand: float
    changed: float
    moved: float
    ratio: float
    explained: Effect


def without_directions(matrix: Array, count: int) -> Array:
    """The vectors without their leading principal directions, centred: float64 [n, d].

    Args:
        matrix: vectors, float [n, d].
        count: directions taken out, 0 or more; beyond the rank nothing is left.

    Examples:
        >>> x = np.array([[9.0, 0.1], [-9.0, 0.1], [9.0, -0.1], [-9.0, -0.1]])
        >>> bool(np.allclose(without_directions(x, 1)[:, 0], 0))
        True
    """
    centred, _, vectors = _axes(matrix)
    leading = vectors[:, :count]
    return np.asarray(centred - (centred @ leading) @ leading.T, dtype=np.float64)


def leading_directions(matrix: Array, count: int) -> Array:
    """The samples on the leading principal directions, centred: float64 [n, count or the width].

    Args:
        matrix: vectors, float [n, d].
        count: number of directions.

    Examples:
        >>> x = np.array([[9.0, 0.1], [-9.0, 0.1], [9.0, -0.1], [-9.0, -0.1]])
        >>> abs(leading_directions(x, 1)).tolist()
        [[9.0], [9.0], [9.0], [9.0]]
    """
    centred, _, vectors = _axes(matrix)
    return np.asarray(centred @ vectors[:, :count], dtype=np.float64)


def fully_whitened(matrix: Array) -> Array:
    """The vectors on their principal axes, each divided by its standard deviation: float64 [n, r].

    Axes with less than a millionth of the variance of the first are left out: nothing but rounding is there.

    Args:
        matrix: vectors, float [n, d].

    Examples:
        >>> x = np.random.default_rng(0).normal(size=(50, 3)) * [1.0, 10.0, 100.0]
        >>> white = fully_whitened(x)
        >>> bool(np.allclose(white.T @ white / 50, np.eye(3)))
        True
    """
    centred, values, vectors = _axes(matrix)
    kept = values > _FLOOR * max(float(values[0]) if len(values) else 0.0, 1e-300)
    return np.asarray(centred @ (vectors[:, kept] / np.sqrt(values[kept])), dtype=np.float64)


def remade_partitions(
    matrix: Array, cluster: Cluster, *, original: Array | None = None, removed: tuple[int, ...] = REMOVED
) -> list[Remade]:
    """The partition made again after each change of the vectors.

    Args:
        matrix: vectors, float [n, d].
        cluster: the method with its number of clusters and its seed.
        original: the partition of the vectors as they are, int [n]; None: made here.
        removed: numbers of leading directions taken out.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 5))
        >>> x[:, 0] += 20 * (rng.random(200) < 0.5)
        >>> def sign(vectors):
        ...     values, axes = np.linalg.eigh(np.cov(vectors.T))
        ...     return ((vectors - vectors.mean(axis=0)) @ axes[:, -1] > 0).astype(int)
        >>> one = remade_partitions(x, sign, removed=(1,))[0]
        >>> one.change, one.removed > 0.9, abs(one.adjusted_rand) < 0.1
        ('without 1 direction', True, True)
    """
    own = cluster(np.asarray(matrix)) if original is None else np.asarray(original)
    values = _axes(matrix)[1]
    total = float(values.sum())
    found = []
    for count in removed:
        share = float(values[:count].sum()) / total if total > 0 else 0.0
        again = cluster(without_directions(matrix, count))
        name = f"without {count} direction" + ("" if count == 1 else "s")
        found.append(Remade(name, share, agreement(own, again).adjusted_rand))
    white = fully_whitened(matrix)
    rand = agreement(own, cluster(white)).adjusted_rand if white.shape[1] else float("nan")
    found.append(Remade("whitened", 0.0, rand))
    return found


def explained_traces(cluster: Array, traces: Mapping[str, Array]) -> dict[str, Effect]:
    """Share of the variance of each trace between the clusters (correlation ratio), with its interval.

    Args:
        cluster: int [n], -1 noise.
        traces: by name, a number per sample [n], NaN where missing: words, missing values, tokens cut off.

    Examples:
        >>> found = explained_traces(np.array([0, 0, 1, 1]), {"words": np.array([5.0, 5.0, 9.0, 9.0])})
        >>> found["words"].value
        1.0
    """
    return {name: eta_squared(cluster, trace) for name, trace in traces.items()}


def order_test(
    matrix: Array, reordered: Array, cluster: Cluster, *, original: Array | None = None
) -> OrderTest:
    """What becomes of the partition when the statements of each text stand in another order.

    Args:
        matrix: vectors of the texts, float [n, d].
        reordered: vectors of the same texts with their statements in another order, float [n, d].
        cluster: the method with its number of clusters and its seed.
        original: the partition of the vectors as they are, int [n]; None: made here.

    Examples:
        >>> x = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
        >>> test = order_test(x, x, lambda vectors: (vectors[:, 1] > 0.5).astype(int))
        >>> test.adjusted_rand, test.changed, round(test.ratio, 6)
        (1.0, 0.0, 0.0)
    """
    own = cluster(np.asarray(matrix)) if original is None else np.asarray(original)
    again = cluster(np.asarray(reordered))
    one, other = _unit(matrix), _unit(reordered)
    moved = 1 - (one * other).sum(axis=1)
    n = len(one)
    # The mean over pairs of samples follows from the sum of the vectors.
    between = 1 - (float((one.sum(axis=0) ** 2).sum()) - n) / (n * (n - 1)) if n > 1 else float("nan")
    mean = float(moved.mean())
    return OrderTest(
        adjusted_rand=agreement(own, again).adjusted_rand,
        changed=float((match_labels(own, again) != own).mean()),
        moved=mean,
        ratio=mean / between if between > 0 else float("nan"),
        explained=eta_squared(own, moved),
    )


def _axes(matrix: Array) -> tuple[Array, Array, Array]:
    """Centred vectors, variances of the principal axes from the largest, and the axes as columns."""
    centred = np.asarray(matrix, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / max(len(centred), 1))
    return centred, np.maximum(values[::-1], 0.0), vectors[:, ::-1]


def _unit(matrix: Array) -> Array:
    vectors = np.asarray(matrix, dtype=np.float64)
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
