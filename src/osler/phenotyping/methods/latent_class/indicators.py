"""The variables as sufficient statistics, so that densities and sums over samples are matrix products.

The log density of a sample in a class is linear in its statistics: for a level that it has, the log of the
share; for a number x, 1, x and x^2. Written out, these are the columns of a matrix D. A variable's levels add
up to whether the variable is known, and many variables are known for the same samples, so D = S E with far
fewer columns in S, and only S is kept: [which values are known, once per pattern | all levels of a variable
but the most frequent | x | x^2].
"""

from dataclasses import dataclass

import numpy as np

from osler.base.errors import InputError
from osler.phenotyping.partition import Array
from osler.represent.typed import TypedTable


@dataclass(frozen=True)
class Layout:
    """Where the variables of a table stand in the arrays of a model.

    Attributes:
        numeric: int64 [m] columns of the numeric variables.
        column: int64 [l] for each level of each other variable, the column of its variable.
        level: int64 [l] for each level, its value in the table; a flag has the levels 0 and 1.
        names: of each level, the name of its variable and its own.
    """

    numeric: Array
    column: Array
    level: Array
    names: tuple[tuple[str, str], ...]


def layout_of(table: TypedTable) -> Layout:
    """The layout of a table.

    Raises:
        InputError: a cell of a variable with levels holds no level of it.
    """
    column: list[int] = []
    level: list[int] = []
    names: list[tuple[str, str]] = []
    for place, variable in enumerate(table.variables):
        if variable.kind == "numeric":
            continue
        levels = ("0", "1") if variable.kind == "flag" else variable.levels
        known = table.values[~np.isnan(table.values[:, place]), place]
        wrong = int((~np.isin(known, np.arange(len(levels)))).sum())
        if wrong:
            raise InputError(
                f"variable '{variable.name}' has values that are none of its {len(levels)} levels",
                count=wrong,
                remedy="give the place of the level, from 0",
            )
        column += [place] * len(levels)
        level += range(len(levels))
        names += [(variable.name, name) for name in levels]
    return Layout(
        numeric=np.flatnonzero(table.of_kind("numeric")),
        column=np.array(column, dtype=np.int64),
        level=np.array(level, dtype=np.int64),
        names=tuple(names),
    )


@dataclass(frozen=True)
class Margins:
    """What the statistics of the samples of a fit are on average; it decides what takes part.

    Attributes:
        layout: where the variables stand.
        share: float64 [l] share of each level among the samples for which its variable is known.
        centre: float64 [m] mean of each numeric variable.
        scale: float64 [m] its standard deviation.
        levels: int64 [l'] the levels that take part: seen, of variables with two or more levels seen.
        numbers: int64 [m'] the numeric variables that take part: with two or more different values.
    """

    layout: Layout
    share: Array
    centre: Array
    scale: Array
    levels: Array
    numbers: Array

    @property
    def mean(self) -> Array:
        """Mean of each statistic that takes part, numbers standardised: float64 [l' + 3 m']."""
        one = np.ones(len(self.numbers))
        return np.concatenate([self.share[self.levels], one, 0 * one, one])

    @property
    def n_parameters(self) -> int:
        """Free parameters of one class."""
        variables = len(np.unique(self.layout.column[self.levels]))
        return len(self.levels) - variables + 2 * len(self.numbers)


def make_margins(layout: Layout, share: Array, centre: Array, scale: Array) -> Margins:
    """Margins; a level with no share and a number without spread take no part."""
    seen = share > 0
    several = np.isin(layout.column, np.flatnonzero(np.bincount(layout.column[seen]) > 1))
    return Margins(
        layout=layout,
        share=share,
        centre=centre,
        scale=scale,
        levels=np.flatnonzero(seen & several),
        numbers=np.flatnonzero(np.isfinite(scale) & (scale > 0)),
    )


def margins_of(table: TypedTable) -> Margins:
    """The margins of the samples of a fit.

    Raises:
        InputError: no variable has two different values.
    """
    layout = layout_of(table)
    known = (~np.isnan(table.values)).sum(axis=0)
    count = (table.values[:, layout.column] == layout.level).sum(axis=0)
    values = table.values[:, layout.numeric]
    observed = ~np.isnan(values)
    n = np.maximum(known[layout.numeric], 1)
    centre = np.where(observed, values, 0.0).sum(axis=0) / n
    scale = np.sqrt(np.where(observed, (values - centre) ** 2, 0.0).sum(axis=0) / n)
    # A constant column has a spread of rounding errors, not of 0.
    scale[scale <= 1e-9 * np.abs(centre)] = 0.0
    made = make_margins(layout, count / np.maximum(known[layout.column], 1), centre, scale)
    if not len(made.levels) + len(made.numbers):
        raise InputError(
            "no variable has two different values, so there are no classes to find",
            count=len(table.variables),
            remedy="name variables that differ between samples",
        )
    return made


@dataclass(frozen=True)
class Statistics:
    """The statistics of samples: D = compact @ expand.

    Attributes:
        compact: float64 [n, q]; column 0 is 1.
        expand: float64 [q, l' + 3 m'], made of 0, 1 and -1.
        known: int64 [l'] for each level that takes part, the column of `compact` with whether its variable is
            known.
    """

    compact: Array
    expand: Array
    known: Array


def statistics_of(values: Array, margins: Margins) -> Statistics:
    """The statistics of samples that take part.

    Args:
        values: float64 [n, p], the values of a table. A level that the margins have not seen is as missing.
        margins: of the samples of the fit.
    """
    layout, levels, m = margins.layout, margins.levels, len(margins.numbers)
    column = layout.column[levels]
    hot = values[:, column] == layout.level[levels]
    first = np.flatnonzero(np.diff(column, prepend=-1))  # levels of a variable stand side by side
    variable = np.cumsum(np.diff(column, prepend=-1) > 0) - 1
    parts = np.split(margins.share[levels], first[1:])
    common = first + np.array([int(np.argmax(part)) for part in parts if len(part)], dtype=np.int64)
    x = (values[:, layout.numeric[margins.numbers]] - margins.centre[margins.numbers]) / margins.scale[
        margins.numbers
    ]
    seen = ~np.isnan(x)
    x = np.where(seen, x, 0.0)
    known = np.logical_or.reduceat(hot, first, axis=1) if len(first) else hot
    patterns, place = _distinct(np.hstack([np.ones((len(values), 1), dtype=bool), known, seen]))
    of_level, of_number = place[1 + variable], place[1 + len(first) :]

    rest = np.setdiff1d(np.arange(len(levels)), common)
    q = patterns.shape[1]
    expand = np.zeros((q + len(rest) + 2 * m, len(levels) + 3 * m))
    expand[of_level[common], common] = 1.0
    expand[q + np.arange(len(rest)), rest] = 1.0
    expand[q + np.arange(len(rest)), common[variable[rest]]] = -1.0
    expand[of_number, len(levels) + np.arange(m)] = 1.0
    expand[q + len(rest) + np.arange(2 * m), len(levels) + m + np.arange(2 * m)] = 1.0
    compact = np.hstack([patterns, hot[:, rest], x, x**2], dtype=np.float64)
    return Statistics(compact=compact, expand=expand, known=of_level)


def _distinct(masks: Array) -> tuple[Array, Array]:
    """Distinct columns in the order of their first place, and for each column which of them it is."""
    packed = np.packbits(masks, axis=0)
    numbers: dict[bytes, int] = {}
    place = np.array([numbers.setdefault(mask.tobytes(), len(numbers)) for mask in packed.T])
    return masks[:, np.unique(place, return_index=True)[1]], place
