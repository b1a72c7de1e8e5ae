"""Data of one population with the margins and correlations of the real data, and no clusters (METHODS 18).

What a partition of such data shows is what slicing a continuum shows. A table is drawn from a Gaussian
copula:

- Margins: the ranks of each drawn column take the places of the ranks of the observed values, so that a draw
  of n samples has exactly the values of the data, ties and rare levels included.
- Correlations: of the normal variables behind the columns (`osler.measure.latent`), less what sampling error
  adds to them, which a draw adds anew. A categorical variable without order is a chain of yes/no questions,
  the most frequent level first ("is it A?", of the rest "is it B?"), so that each level has correlations of
  its own.
- Missing values: whole rows of the mask are kept, so the pattern of the missing cells, blocks and clumps
  included, is that of the data, and a partition made by missingness alone finds the same in every draw. What
  the missing cells say about the values is kept through the principal components of the mask, on which the
  normal variables are conditioned.

Vectors are drawn from a normal distribution with the mean and the shrunk covariance (Ledoit and Wolf, J
Multivar Anal 2004;88:365), and scaled to length 1 where the data are.
"""

from dataclasses import dataclass

import numpy as np

from osler.measure.latent import latent_correlation, normal_scores, positive_definite
from osler.phenotyping.partition import Array
from osler.represent.typed import TypedTable

MASK_COMPONENTS = 5  # principal components of the mask that may be linked to the values
MASK_SHARE = 0.05  # smallest share of the mask's variance that such a component holds


@dataclass(frozen=True)
class _Column:
    """One variable in the copula.

    Attributes:
        values: its observed values, ascending.
        latent: its columns among the latent ones: one, or one per level but the last when categorical.
        levels: levels of a categorical variable, most frequent first; else empty.
        counts: samples of each level.
    """

    values: Array
    latent: Array
    levels: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()


@dataclass(frozen=True)
class TableReference:
    """The copula of a table.

    Attributes:
        table: the data.
        columns: how each variable is made from latent ones.
        link: scores of the rows of the mask [n, q].
        weights: [q, m] of the latent means on those scores.
        root: [m, m] root of the latent covariance given the scores.
    """

    table: TypedTable
    columns: tuple[_Column, ...]
    link: Array
    weights: Array
    root: Array

    def draw(self, seed: int, n: int | None = None) -> TypedTable:
        """One data set.

        Args:
            seed: seed of the draw.
            n: samples; None: as many as the data, each row of the mask once. Otherwise rows of the mask are
                drawn with replacement.
        """
        rng = np.random.default_rng(seed)
        own = self.table.n_samples
        rows = np.arange(own) if n is None else rng.integers(0, own, n)
        mean = self.link[rows] @ self.weights
        latent = mean + rng.standard_normal((len(rows), len(self.root))) @ self.root.T
        seen = ~np.isnan(self.table.values[rows])
        drawn = np.full(seen.shape, np.nan)
        for place, column in enumerate(self.columns):
            known = np.flatnonzero(seen[:, place])
            if len(column.values) and len(known):
                fill = _levels if column.levels else _ranked
                drawn[known, place] = fill(column, latent[np.ix_(known, column.latent)])
        return TypedTable(self.table.variables, drawn)


@dataclass(frozen=True)
class VectorReference:
    """A normal distribution with the mean and the covariance of vectors.

    Attributes:
        n: number of the vectors.
        mean: [d].
        root: [d, d] root of the covariance.
        unit: whether the vectors have length 1.
    """

    n: int
    mean: Array
    root: Array
    unit: bool

    def draw(self, seed: int, n: int | None = None) -> Array:
        """One data set, float32 [n, d]; n is that of the data when None."""
        rng = np.random.default_rng(seed)
        count = self.n if n is None else n
        drawn = self.mean + rng.standard_normal((count, len(self.mean))) @ self.root.T
        if self.unit:
            drawn /= np.maximum(np.linalg.norm(drawn, axis=1, keepdims=True), 1e-12)
        return drawn.astype(np.float32)


def table_reference(table: TypedTable) -> TableReference:
    """The copula of a table.

    Args:
        table: n samples of p variables of any kind, NaN where missing. A column without values or without
            spread is drawn as it is.

    Examples:
        >>> from osler.represent.typed import Variable
        >>> age, fever = Variable("age", "Age", "numeric"), Variable("fever", "Fever", "flag")
        >>> rng = np.random.default_rng(0)
        >>> values = np.column_stack([rng.exponential(size=50), rng.random(50) < 0.2]).astype(float)
        >>> values[3, 0] = np.nan
        >>> drawn = table_reference(TypedTable((age, fever), values)).draw(seed=1).values
        >>> same = np.sort(drawn, axis=0)[:49] == np.sort(values, axis=0)[:49]
        >>> bool(np.isnan(drawn[3, 0])), bool(same.all())
        (True, True)
    """
    latent: list[Array] = []
    columns: list[_Column] = []
    for variable, value in zip(table.variables, table.values.T, strict=True):
        known = value[~np.isnan(value)]
        first = len(latent)
        if variable.kind == "categorical":
            levels, counts = np.unique(known, return_counts=True)
            order = np.argsort(-counts, kind="stable")
            levels, counts = levels[order], counts[order]
            latent += _chain(value, levels)
            places = np.arange(first, len(latent))
            named = (tuple(map(float, levels)), tuple(map(int, counts)))
            columns.append(_Column(np.sort(known), places, *named))
        else:
            latent.append(value)
            columns.append(_Column(np.sort(known), np.array([first])))
    link = _mask_scores(np.isnan(table.values))
    m, q = len(latent), link.shape[1]
    observed = np.column_stack([*latent, link]) if m + q else np.zeros((table.n_samples, 0))
    joint = positive_definite(latent_correlation(observed, shrink=True))
    weights = np.linalg.solve(joint[m:, m:], joint[m:, :m]) if q else np.zeros((0, m))
    given = joint[:m, :m] - joint[:m, m:] @ weights
    return TableReference(table, tuple(columns), link, weights, _root(given))


def vector_reference(matrix: Array) -> VectorReference:
    """The normal distribution of vectors.

    Args:
        matrix: float [n, d], dense.
    """
    from sklearn.covariance import LedoitWolf

    vectors = np.asarray(matrix, dtype=np.float64)
    covariance = LedoitWolf().fit(vectors).covariance_
    length = np.linalg.norm(vectors, axis=1)
    unit = bool(np.allclose(length, 1.0, atol=1e-3))
    return VectorReference(len(vectors), vectors.mean(axis=0), _root(covariance), unit)


def _chain(value: Array, levels: Array) -> list[Array]:
    """One 0/1 column per level but the last: is it this one, asked where it is none of those before."""
    asked = ~np.isnan(value)
    columns = []
    for level in levels[:-1]:
        columns.append(np.where(asked, value == level, np.nan))
        asked = asked & (value != level)
    return columns


def _mask_scores(missing: Array) -> Array:
    """Principal components of the mask as normal scores [n, q]; q is 0 where nothing is missing."""
    centred = missing - missing.mean(axis=0)
    if not centred.any():
        return np.zeros((len(missing), 0))
    values, vectors = np.linalg.eigh(centred.T @ centred)
    large = np.flatnonzero(values >= MASK_SHARE * values.sum())[::-1][:MASK_COMPONENTS]
    scores = [normal_scores(np.round(centred @ vectors[:, i], 9)) for i in large]
    return np.column_stack(scores) if scores else np.zeros((len(missing), 0))


def _ranked(column: _Column, latent: Array) -> Array:
    rank = np.empty(len(latent), dtype=np.int64)
    rank[np.argsort(latent[:, 0], kind="stable")] = np.arange(len(latent))
    return column.values[((rank + 0.5) * len(column.values) / len(latent)).astype(np.int64)]


def _levels(column: _Column, latent: Array) -> Array:
    drawn = np.full(len(latent), column.levels[-1])
    open_rows = np.arange(len(latent))
    left = sum(column.counts)
    for place, (level, count) in enumerate(zip(column.levels[:-1], column.counts[:-1], strict=True)):
        taken = round(len(open_rows) * count / left)
        order = np.argsort(-latent[open_rows, place], kind="stable")
        drawn[open_rows[order[:taken]]] = level
        open_rows = np.sort(open_rows[order[taken:]])
        left -= count
    return drawn


def _root(covariance: Array) -> Array:
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)), dtype=np.float64)
