"""What a fitted space or method remembers of the variables: their names, kinds and levels."""

from dataclasses import dataclass
from typing import cast

import numpy as np

from osler.base.errors import InputError
from osler.phenotyping.partition import Array
from osler.represent.typed import Kind, TypedTable

_BETWEEN = "\x1f"  # the unit separator: no level holds it


@dataclass(frozen=True)
class Columns:
    """The p columns of a typed table.

    Attributes:
        names: their codes.
        kinds: `numeric`, `ordinal`, `categorical` or `flag`.
        levels: the levels of each; empty for numeric ones and flags.

    Examples:
        >>> from osler.represent.typed import Variable
        >>> table = TypedTable((Variable("pulse", "Pulse", "numeric"),), np.array([[80.0]]))
        >>> columns = Columns.of(table)
        >>> Columns.from_arrays(columns.arrays()) == columns
        True
    """

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    levels: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, table: TypedTable) -> "Columns":
        """The columns of a table."""
        variables = table.variables
        return cls(
            names=tuple(variable.name for variable in variables),
            kinds=tuple(variable.kind for variable in variables),
            levels=tuple(tuple(variable.levels) for variable in variables),
        )

    def of_kind(self, *kinds: Kind) -> Array:
        """Which columns are of one of these kinds: bool [p]."""
        return np.array([kind in kinds for kind in self.kinds], dtype=bool)

    def counts(self) -> Array:
        """Number of levels of each column: int64 [p]; 2 of a flag, 0 of a numeric one."""
        pairs = zip(self.kinds, self.levels, strict=True)
        return np.array([2 if kind == "flag" else len(level) for kind, level in pairs], dtype=np.int64)

    def align(self, table: TypedTable) -> Array:
        """The values of another table in these columns.

        Args:
            table: any table that has these variables; others of its variables are left out. Levels are
                matched by name; a level that is not among these reads as not known.

        Returns:
            float64 [n, p].

        Raises:
            InputError: a variable is absent or of another kind.
        """
        if Columns.of(table) == self:
            return table.values
        place = {variable.name: i for i, variable in enumerate(table.variables)}
        wrong = [
            name
            for name, kind in zip(self.names, self.kinds, strict=True)
            if name not in place or table.variables[place[name]].kind != kind
        ]
        if wrong:
            raise InputError(
                f"the samples lack variables that were clustered: {', '.join(wrong[:5])}",
                count=len(wrong),
                remedy="make the same variables of the new samples",
            )
        values = table.values[:, [place[name] for name in self.names]].copy()
        for j, name in enumerate(self.names):
            given = tuple(table.variables[place[name]].levels)
            if given != self.levels[j]:
                to = {level: float(i) for i, level in enumerate(self.levels[j])}
                read = np.array([to.get(level, np.nan) for level in given] + [np.nan])
                known = ~np.isnan(values[:, j])
                values[:, j] = read[np.where(known, values[:, j], len(given)).astype(np.int64)]
        return values

    def arrays(self) -> dict[str, Array]:
        """Arrays of text, for saving."""
        return {
            "names": np.array(self.names, dtype=np.str_),
            "kinds": np.array(self.kinds, dtype=np.str_),
            "levels": np.array([_BETWEEN.join(level) for level in self.levels], dtype=np.str_),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Array]) -> "Columns":
        """The columns that `arrays` describes."""
        return cls(
            names=tuple(str(name) for name in arrays["names"]),
            kinds=tuple(cast(Kind, str(kind)) for kind in arrays["kinds"]),
            levels=tuple(tuple(str(level).split(_BETWEEN)) if level else () for level in arrays["levels"]),
        )


def one_hot(codes: Array, counts: Array) -> Array:
    """Categorical columns side by side, one column per level.

    Args:
        codes: float [n, p], the place of each level; NaN where it is not known.
        counts: int [p], number of levels of each column.

    Returns:
        float32 [n, sum of counts]; a row of zeros where nothing is known.

    Examples:
        >>> one_hot(np.array([[1.0, 0.0], [np.nan, 1.0]]), np.array([2, 2])).tolist()
        [[0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    known = (codes >= 0) & (codes < counts)  # False for NaN
    wide = np.zeros((len(codes), int(first[-1])), dtype=np.float32)
    rows, columns = np.nonzero(known)
    wide[rows, first[columns] + codes[rows, columns].astype(np.int64)] = 1.0
    return wide
