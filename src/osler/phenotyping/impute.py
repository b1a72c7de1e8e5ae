"""Declared imputation, for spaces that allow no missing value.

It is fitted on the samples that are clustered, and again in each bootstrap: the median of a numeric variable,
the median level of an ordinal one (the lower of two), the more frequent value of a flag (0 on a tie), and for
a categorical variable a level of its own, "missing".
"""

from dataclasses import dataclass

import numpy as np

from osler.phenotyping.columns import Columns
from osler.phenotyping.partition import Array
from osler.represent.typed import TypedTable


@dataclass(frozen=True)
class Imputation:
    """What stands for a missing value.

    Attributes:
        columns: the variables.
        fill: float64 [p]: a value, the place of a level, 1 or 0; for a categorical variable the place after
            its last level; 0 in a column without any value.

    Examples:
        >>> from osler.represent.typed import Variable
        >>> ward = Variable("ward", "Ward", "categorical", levels=("a", "b"))
        >>> table = TypedTable((Variable("age", "Age", "numeric"), ward), np.array([[3.0, 1], [np.nan] * 2]))
        >>> fit_imputation(table).apply(table).tolist()
        [[3.0, 1.0], [3.0, 2.0]]
    """

    columns: Columns
    fill: Array

    def apply(self, table: TypedTable) -> Array:
        """The values of a table, none of them missing: float64 [n, p].

        Raises:
            InputError: the table lacks a variable.
        """
        values = self.columns.align(table)
        return np.where(np.isnan(values), self.fill, values)

    def arrays(self) -> dict[str, Array]:
        """Arrays for saving."""
        return {**self.columns.arrays(), "fill": self.fill}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Array]) -> "Imputation":
        """The imputation that `arrays` describes."""
        return cls(columns=Columns.from_arrays(arrays), fill=arrays["fill"])


def fit_imputation(table: TypedTable) -> Imputation:
    """Find what stands for a missing value of each variable."""
    columns = Columns.of(table)
    fill = np.zeros(len(columns.names))
    for j, (kind, level) in enumerate(zip(columns.kinds, columns.levels, strict=True)):
        if kind == "categorical":
            fill[j] = len(level)
            continue
        known = table.values[~np.isnan(table.values[:, j]), j]
        if len(known) == 0:
            continue
        if kind == "numeric":
            fill[j] = np.median(known)
        elif kind == "ordinal":
            fill[j] = np.sort(known)[(len(known) - 1) // 2]
        else:
            fill[j] = float(known.mean() > 0.5)
    return Imputation(columns=columns, fill=fill)
