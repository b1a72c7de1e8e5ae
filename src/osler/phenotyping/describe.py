"""What sets a cluster apart: standardised differences of interpretable variables between it and the rest.

Effects with intervals, no p-values: the clusters were made from these variables or from texts about them.
"""

from typing import Any

import numpy as np
import polars as pl

from osler.phenotyping.partition import Array
from osler.represent.features import Features

SCHEMA: dict[str, pl.DataType] = {
    "arm": pl.String(),
    "k": pl.Int64(),
    "cluster": pl.Int64(),
    "direction": pl.String(),
    "rank": pl.Int64(),
    "variable": pl.String(),
    "n_inside": pl.Int64(),
    "n_outside": pl.Int64(),
    "carriers_inside": pl.Int64(),
    "carriers_outside": pl.Int64(),
    "mean_inside": pl.Float64(),
    "mean_outside": pl.Float64(),
    "smd": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}
OVER, UNDER = "over", "under"
_Z = 1.959963984540054
_FEWEST = 5


class Differences:
    """Standardised differences of the variables of some samples, for any partition of them.

    Args:
        variables: interpretable features of the samples. In value columns only measured cells count, in
            the others an absent cell is 0.
        group: patient of each sample [n].
    """

    def __init__(self, variables: Features, *, group: Array) -> None:
        from scipy import sparse

        self._names = list(variables.names)
        matrix = sparse.csc_matrix(variables.matrix).astype(np.float64)
        self._patient = np.unique(group, return_inverse=True)[1]
        self._indptr, self._rows = matrix.indptr, matrix.indices
        stored = np.diff(matrix.indptr)
        column = np.repeat(np.arange(matrix.shape[1]), stored)
        # Squares of values far from 0 would drown their variance, so values are taken from their mean.
        sums = np.bincount(column, matrix.data, matrix.shape[1])
        self._shift = np.where(variables.value_columns, sums / np.maximum(stored, 1), 0.0)
        matrix.data = matrix.data - self._shift[column]
        self._value = sparse.csr_matrix(matrix)
        self._square = self._value.copy()
        self._square.data = self._square.data**2
        self._stored = self._value.copy()
        self._stored.data = np.ones_like(self._stored.data)
        self._is_value = variables.value_columns

    def of(self, cluster: Array, *, k: int, arm: str, show: int) -> pl.DataFrame:
        """The variables with the largest differences for each cluster, both ways.

        Args:
            cluster: int [n], 0..k-1.
            k: number of clusters.
            arm: name of the arm.
            show: at most so many variables for each cluster and direction; of the columns of one code
                (windows, aggregations, values) the one with the largest difference.

        Returns:
            `arm, k, cluster, direction` (over, under), `rank, variable, n_inside, n_outside,
            carriers_inside, carriers_outside` (distinct patients with a stored cell), `mean_inside,
            mean_outside, smd, low, high`: Cohen's d with the interval of Hedges and Olkin (1985).
        """
        from scipy import sparse

        rows = np.arange(len(cluster))
        member = sparse.csr_matrix((np.ones(len(cluster)), (cluster, rows)), shape=(k, len(cluster)))
        size = np.where(
            self._is_value, _dense(member @ self._stored), np.bincount(cluster, minlength=k)[:, None]
        )
        total, squares = _dense(member @ self._value), _dense(member @ self._square)
        found: list[tuple[object, ...]] = []
        for number in range(k):
            inside = (size[number], total[number], squares[number])
            rest = (size.sum(0) - inside[0], total.sum(0) - inside[1], squares.sum(0) - inside[2])
            n_in, mean_in, variance_in = _moments(*inside)
            n_out, mean_out, variance_out = _moments(*rest)
            spread = np.sqrt((variance_in + variance_out) / 2)
            usable = (n_in >= _FEWEST) & (n_out >= _FEWEST) & (spread > 0)
            smd = np.divide(mean_in - mean_out, spread, out=np.full(len(spread), np.nan), where=usable)
            error = np.sqrt(
                1 / np.maximum(n_in, 1) + 1 / np.maximum(n_out, 1) + smd**2 / (2 * (n_in + n_out))
            )
            for direction, sign in ((OVER, 1.0), (UNDER, -1.0)):
                for rank, i in enumerate(self._largest(sign * smd, show)):
                    means = (mean_in[i] + self._shift[i], mean_out[i] + self._shift[i])
                    limits = (smd[i] - _Z * error[i], smd[i] + _Z * error[i])
                    name = self._names[i]
                    counts = (int(n_in[i]), int(n_out[i]), *self._carriers(i, cluster == number))
                    found.append((arm, k, number, direction, rank, name, *counts, *means, smd[i], *limits))
        return pl.DataFrame(found, schema=SCHEMA, orient="row")

    def _carriers(self, variable: int, inside: Array) -> tuple[int, int]:
        rows = self._rows[self._indptr[variable] : self._indptr[variable + 1]]
        within = inside[rows]
        patient = self._patient[rows]
        return len(np.unique(patient[within])), len(np.unique(patient[~within]))

    def _largest(self, difference: Array, show: int) -> list[int]:
        positive = np.flatnonzero(np.nan_to_num(difference, nan=-1.0) > 0)
        chosen: list[int] = []
        seen: set[str] = set()
        for i in positive[np.argsort(-difference[positive], kind="stable")]:
            variable = self._names[i].split("|", 1)[0].split("=", 1)[0]
            if len(chosen) == show:
                break
            if variable not in seen:
                seen.add(variable)
                chosen.append(int(i))
        return chosen


def _dense(matrix: Any) -> Array:
    return np.asarray(matrix.toarray(), dtype=np.float64)


def _moments(n: Array, total: Array, squares: Array) -> tuple[Array, Array, Array]:
    mean = total / np.maximum(n, 1)
    variance = np.maximum(squares - n * mean**2, 0.0) / np.maximum(n - 1, 1)
    # What rounding leaves of a constant is no spread.
    variance = np.where(variance > 1e-12 * np.maximum(1.0, squares / np.maximum(n, 1)), variance, 0.0)
    return n, mean, variance
