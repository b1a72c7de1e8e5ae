"""What length, cut-off text and missing values have to do with vectors of texts.

A split of patients lies along one direction of the vectors whatever makes it, so that it vanishes without
that direction proves nothing by itself. What the direction follows does, and so does whether the same
clusters are found in vectors from which everything that the traces predict is taken out.
"""

from collections.abc import Mapping

import numpy as np

from osler.phenotyping.partition import Array


def ranked(trace: Array) -> Array:
    """Middle ranks of a trace, 0 to 1, so that one long text does not decide; NaN where it is missing.

    Examples:
        >>> ranked(np.array([5.0, 900.0, 5.0, np.nan])).tolist()
        [0.25, 1.0, 0.25, nan]
    """
    from scipy.stats import rankdata

    found = np.full(len(trace), np.nan)
    seen = ~np.isnan(np.asarray(trace, dtype=np.float64))
    n = int(seen.sum())
    if n:
        found[seen] = (rankdata(np.asarray(trace, dtype=np.float64)[seen]) - 1) / max(n - 1, 1)
    return found


def without_traces(matrix: Array, traces: Mapping[str, Array]) -> Array:
    """The vectors less what a quadratic of the ranks of each trace predicts, centred: float64 [n, d].

    Args:
        matrix: vectors, float [n, d].
        traces: by name, a number per sample [n], NaN where missing (taken at the mean).

    Examples:
        >>> words = np.array([3.0, 1.0, 2.0, 4.0, 5.0])
        >>> left = without_traces(np.column_stack([words, [1.0, 1.0, -1.0, -1.0, 0.0]]), {"words": words})
        >>> bool(np.allclose(left[:, 0], 0)), left[:, 1].round(1).tolist()
        (True, [1.3, 0.3, -1.1, -0.7, 0.1])
    """
    centred = np.asarray(matrix, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    basis = _basis(traces, len(centred))
    return np.asarray(centred - basis @ (basis.T @ centred), dtype=np.float64)


def followed(directions: Array, traces: Mapping[str, Array]) -> dict[str, Array]:
    """How far each direction follows each trace: squared rank correlation [c]; NaN where nothing varies.

    Args:
        directions: coordinates of the samples on c directions, float [n, c].
        traces: by name, a number per sample [n], NaN where missing (left out).

    Examples:
        >>> found = followed(np.array([[1.0], [2.0], [9.0]]), {"words": np.array([30.0, 20.0, 10.0])})
        >>> round(float(found["words"][0]), 6)
        1.0
    """
    found = {}
    for name, trace in traces.items():
        rank = ranked(trace)
        seen = ~np.isnan(rank)
        found[name] = np.array(
            [_squared_correlation(ranked(one[seen]), rank[seen]) for one in np.asarray(directions).T]
        )
    return found


def _basis(traces: Mapping[str, Array], n: int) -> Array:
    """Orthonormal columns that span the ranks of the traces and their squares, float64 [n, r]."""
    columns = []
    for trace in traces.values():
        rank = ranked(trace)
        rank = np.where(np.isnan(rank), np.nanmean(rank) if np.isfinite(rank).any() else 0.0, rank)
        columns += [rank, rank**2]
    if not columns:
        return np.zeros((n, 0))
    centred = np.column_stack(columns)
    centred = centred - centred.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(left[:, values > 1e-9 * max(float(values[0]), 1e-300)])


def _squared_correlation(one: Array, other: Array) -> float:
    a, b = one - one.mean(), other - other.mean()
    scale = float((a**2).sum() * (b**2).sum())
    return float((a * b).sum() ** 2) / scale if scale > 0 else float("nan")
