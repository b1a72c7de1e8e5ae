"""Gower's coefficient of similarity for mixed variables with missing values (Gower 1971), as a distance.

Two samples are as far apart as the mean, over the variables known in both, of: the difference of a numeric
variable divided by its range among the fitted samples; the difference of the levels' places of an ordinal
variable divided by the number of levels less one; 0 or 1 as the levels of a categorical variable or flag are
equal or not. Nothing is imputed. A pair without a variable in common is at distance 1, and such pairs are
counted. A numeric value outside the fitted range counts as the end of the range; a variable that does not
vary counts as equal.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from osler.phenotyping.columns import Columns, one_hot
from osler.phenotyping.data import ArmInput
from osler.phenotyping.partition import Array
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings
from osler.represent.typed import TypedTable

_BLOCK_BYTES = 1 << 25  # of one float64 block of distances; some four of them are held at a time


@dataclass(frozen=True)
class GowerMeasure:
    """The ranges that make the variables comparable.

    Attributes:
        columns: the p variables.
        low: float64 [p], least value of a numeric variable; 0 of the others.
        span: float64 [p], range of a numeric variable, number of levels less one of an ordinal one; 1 of the
            others; infinite of a numeric variable that does not vary.
    """

    columns: Columns
    low: Array
    span: Array

    def between(self, values: Array, others: Array) -> Array:
        """Distances of samples to other samples.

        Args:
            values: float64 [n, p], NaN where not known.
            others: float64 [m, p].

        Returns:
            float32 [n, m], in [0, 1].

        Examples:
            >>> from osler.represent.typed import Variable
            >>> table = TypedTable((Variable("age", "Age", "numeric"), Variable("fever", "Fever", "flag")),
            ...                    np.array([[0.0, 1.0], [10.0, 1.0], [5.0, np.nan]]))
            >>> fit_measure(table).between(table.values, table.values).tolist()
            [[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]
        """
        out = np.empty((len(values), len(others)), dtype=np.float32)
        right = self._parts(others)
        for rows in _blocks(len(values), len(others)):
            out[rows] = _distances(self._parts(values[rows]), right)[0]
        return out

    def within(self, values: Array) -> tuple[Array, int]:
        """Distances between samples.

        Args:
            values: float64 [n, p].

        Returns:
            float32 [n, n], symmetric, 0 on the diagonal; and the number of pairs without a variable in
            common.
        """
        # A bootstrap holds a third of its samples more than once: each is compared once.
        _, first, place, count = np.unique(
            _as_bytes(values), return_index=True, return_inverse=True, return_counts=True
        )
        order = np.argsort(first)
        distances, apart = self._between_distinct(values[first[order]], count[order])
        if len(first) < len(values):
            place = np.argsort(order)[place]
            distances = distances[np.ix_(place, place)]
        np.fill_diagonal(distances, 0.0)
        return distances, apart

    def _between_distinct(self, values: Array, count: Array) -> tuple[Array, int]:
        """Distances between samples that differ, and pairs without a common variable as often as they occur.

        The diagonal is the distance of a sample to another one with the same values.
        """
        n = len(values)
        out = np.empty((n, n), dtype=np.float32)
        parts = self._parts(values)
        blank = np.asarray(np.isnan(values).all(axis=1))
        apart = int((count * (count - 1) // 2)[blank].sum())
        for rows in _blocks(n, n):
            later = slice(rows.start, n)
            block, none = _distances(_take(parts, rows), _take(parts, later))
            inside = np.triu_indices(rows.stop - rows.start, 1)
            square = block[:, : rows.stop - rows.start]
            none[:, : rows.stop - rows.start][np.tril_indices(rows.stop - rows.start)] = False
            apart += int(count[rows] @ none @ count[later])
            square.T[inside] = square[inside]
            np.fill_diagonal(square, blank[rows].astype(np.float32))
            out[rows, later] = block
            out[later, rows] = block.T
        return out, apart

    def arrays(self) -> dict[str, Array]:
        """Arrays for saving."""
        return {**self.columns.arrays(), "low": self.low, "span": self.span}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Array]) -> "GowerMeasure":
        """The measure that `arrays` describes."""
        return cls(columns=Columns.from_arrays(arrays), low=arrays["low"], span=arrays["span"])

    def _parts(self, values: Array) -> tuple[Array, Array, Array, Array]:
        """Scaled numbers (0 where not known), which are known, levels one-hot, known of all: by sample."""
        numeric = self.columns.of_kind("numeric", "ordinal")
        scaled = np.clip((values[:, numeric] - self.low[numeric]) / self.span[numeric], 0.0, 1.0)
        known = ~np.isnan(scaled)
        levels = one_hot(values[:, ~numeric], self.columns.counts()[~numeric])
        total = (~np.isnan(values)).astype(np.float32)
        return np.where(known, scaled, 0.0), known.astype(np.float64), levels, total


@dataclass(frozen=True)
class GowerSpace:
    """Samples at Gower's distances.

    Attributes:
        measure: the fitted ranges.
        table: the samples that it was fitted on.
    """

    measure: GowerMeasure
    table: TypedTable

    @cached_property
    def _within(self) -> tuple[Array, int]:
        return self.measure.within(self.table.values)

    @cached_property
    def points(self) -> Points:
        """The fitted samples: their distances [n, n], made when first asked for, and their table."""
        return Points(distances=self._within[0], table=self.table)

    @property
    def n_apart(self) -> int:
        """Number of pairs of samples without a variable in common; they are at distance 1."""
        return self._within[1]

    def place(self, data: ArmInput) -> Points:
        """Other samples: their distances [n, m] to the m fitted samples, and their table.

        Raises:
            InputError: no table, or it lacks a variable.
        """
        table = data.variables()
        values = self.measure.columns.align(table)
        return Points(distances=self.measure.between(values, self.table.values), table=table)

    def arrays(self) -> dict[str, Array]:
        """What `place` needs; the values of the fitted samples are among it."""
        return {**self.measure.arrays(), "values": self.table.values}


def fit_measure(table: TypedTable) -> GowerMeasure:
    """Find the range of each variable."""
    columns = Columns.of(table)
    low, span = np.zeros(len(columns.names)), np.ones(len(columns.names))
    for j, (kind, level) in enumerate(zip(columns.kinds, columns.levels, strict=True)):
        known = table.values[~np.isnan(table.values[:, j]), j]
        if kind == "numeric" and len(known):
            low[j] = known.min()
            span[j] = (known.max() - known.min()) or np.inf
        elif kind == "ordinal":
            span[j] = max(len(level) - 1, 1)
    return GowerMeasure(columns=columns, low=low, span=span)


def fit(data: ArmInput, *, settings: PhenotypeSettings, seed: int) -> GowerSpace:
    """Fit the ranges; distances are made when they are asked for.

    Args:
        data: its table.
        settings: not used.
        seed: not used; nothing here is random.

    Raises:
        InputError: there is no table.
    """
    table = data.variables()
    return GowerSpace(measure=fit_measure(table), table=table)


def _as_bytes(values: Array) -> Array:
    """Each row as one value that equals another where all its bytes do, unknown cells included."""
    whole = np.ascontiguousarray(values, dtype=np.float64)
    return whole.view(np.dtype((np.void, max(whole.shape[1], 1) * 8))).ravel()


def _blocks(n: int, m: int) -> Iterator[slice]:
    size = max(1, _BLOCK_BYTES // (8 * max(m, 1)))
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def _take(parts: tuple[Array, Array, Array, Array], rows: slice) -> tuple[Array, Array, Array, Array]:
    numbers, known, levels, total = parts
    return numbers[rows], known[rows], levels[rows], total[rows]


def _distances(
    left: tuple[Array, Array, Array, Array], right: tuple[Array, Array, Array, Array]
) -> tuple[Array, Array]:
    """Distances float32 [a, b], and which pairs have no variable in common."""
    from scipy.spatial.distance import cdist
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    (x, known_x, levels_x, total_x), (y, known_y, levels_y, total_y) = left, right
    with threadpool_limits(limits=1):  # the same bytes however many threads there are
        common = total_x @ total_y.T
        # Where one side is not known its number is 0, so the other side's was added: it is taken off again.
        unlike = cdist(x, y, "cityblock") if x.shape[1] else np.zeros(common.shape)
        unlike -= (1 - known_x) @ y.T
        unlike -= x @ (1 - known_y).T
        np.maximum(unlike, 0.0, out=unlike)
        # Variables with levels: those known in both, less those equal in both.
        unlike += common
        unlike -= known_x @ known_y.T
        unlike -= levels_x @ levels_y.T
    none = common == 0
    unlike /= np.where(none, 1.0, common)
    unlike[none] = 1.0
    return np.clip(unlike, 0.0, 1.0).astype(np.float32), none
