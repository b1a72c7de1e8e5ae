"""Agreement between two partitions of the same samples: indices, the overlap of their clusters, matched
labels.

Noise (-1) is no cluster: indices leave out samples that are noise in either partition; the overlap shows it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osler.measure.ranking import Floats

NOISE = -1


@dataclass(frozen=True)
class Agreement:
    """How far two partitions agree.

    Attributes:
        adjusted_rand: 1 is the same partition, 0 what chance gives (Hubert and Arabie, J Classif 1985;2:193).
        adjusted_mutual_information: likewise, kinder to small clusters (Vinh et al., JMLR 2010;11:2837).
        n: samples compared.
        left_out: samples left out as noise in either.
    """

    adjusted_rand: float
    adjusted_mutual_information: float
    n: int
    left_out: int


@dataclass(frozen=True)
class Overlap:
    """How the clusters of two partitions share their samples.

    Attributes:
        rows: labels of the first partition, ascending, noise last.
        columns: labels of the second, likewise.
        count: int64 [rows, columns], samples in both.
        flow: float64 [rows, columns], share of the row's samples: each row sums to 1.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    count: NDArray[np.int64]
    flow: Floats


def agreement(first: ArrayLike, second: ArrayLike) -> Agreement:
    """Adjusted Rand index and adjusted mutual information; NaN without a sample to compare.

    Args:
        first: cluster of each sample, int [n], -1 noise.
        second: cluster of each sample, int [n], -1 noise.

    Examples:
        >>> found = agreement([0, 0, 1, 1, -1], [1, 1, 0, 0, 0])
        >>> found.adjusted_rand, found.n, found.left_out
        (1.0, 4, 1)
    """
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

    a, b = np.asarray(first), np.asarray(second)
    kept = (a != NOISE) & (b != NOISE)
    n = int(kept.sum())
    if n == 0:
        return Agreement(float("nan"), float("nan"), 0, len(a))
    rand = float(adjusted_rand_score(a[kept], b[kept]))
    mutual = float(adjusted_mutual_info_score(a[kept], b[kept]))
    return Agreement(rand, mutual, n, len(a) - n)


def overlap(first: ArrayLike, second: ArrayLike) -> Overlap:
    """The overlap of two partitions.

    Args:
        first: cluster of each sample, int [n], -1 noise.
        second: cluster of each sample, int [n], -1 noise.

    Examples:
        >>> shared = overlap([0, 0, 1, -1], [0, 1, 1, 1])
        >>> shared.rows.tolist(), shared.count.tolist(), shared.flow.tolist()
        ([0, 1, -1], [[1, 1], [0, 1], [0, 1]], [[0.5, 0.5], [0.0, 1.0], [0.0, 1.0]])
    """
    rows, row = np.unique(np.asarray(first, dtype=np.int64), return_inverse=True)
    columns, column = np.unique(np.asarray(second, dtype=np.int64), return_inverse=True)
    cells = np.bincount(row * len(columns) + column, minlength=len(rows) * len(columns))
    count = cells.reshape(len(rows), len(columns)).astype(np.int64)
    by_row, by_column = _noise_last(rows), _noise_last(columns)
    count = count[np.ix_(by_row, by_column)]
    return Overlap(rows[by_row], columns[by_column], count, count / count.sum(axis=1, keepdims=True))


def match_labels(reference: ArrayLike, other: ArrayLike) -> NDArray[np.int64]:
    """The second partition with the labels of the first, so that as many samples as possible keep theirs.

    Clusters are matched one to one by the largest total overlap (Kuhn, Nav Res Logist Q 1955;2:83). Clusters
    without a partner get labels after the largest of the first; noise stays noise.

    Args:
        reference: cluster of each sample, int [n], -1 noise.
        other: cluster of each sample, int [n], -1 noise.

    Examples:
        >>> match_labels([0, 0, 1, 1, 1], [1, 1, 0, 0, 2]).tolist()
        [0, 0, 1, 1, 2]
    """
    from scipy.optimize import linear_sum_assignment

    target, source = np.asarray(reference, dtype=np.int64), np.asarray(other, dtype=np.int64)
    shared = overlap(target, source)
    rows, columns = shared.rows != NOISE, shared.columns != NOISE
    count = shared.count[np.ix_(rows, columns)]
    names = shared.columns[columns]
    row, column = linear_sum_assignment(-count)
    new = {int(names[c]): int(shared.rows[rows][r]) for r, c in zip(row, column, strict=True)}
    free = int(shared.rows.max(initial=NOISE)) + 1
    for name in names:
        if int(name) not in new:
            new[int(name)] = free
            free += 1
    return np.array([new.get(int(label), NOISE) for label in source], dtype=np.int64)


def _noise_last(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.lexsort((labels, labels == NOISE)).astype(np.int64)
