"""A typed table: one row per sample, one column per variable, each of its own kind, missing as missing."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

Kind = Literal["numeric", "ordinal", "categorical", "flag"]
KINDS: tuple[Kind, ...] = ("numeric", "ordinal", "categorical", "flag")


@dataclass(frozen=True)
class Variable:
    """One column of a typed table.

    Attributes:
        name: its code, unique in the table.
        label: what a reader calls it.
        kind: `numeric`; `ordinal` (levels in order); `categorical` (levels without order); `flag` (a checkbox
            or a finding: 1 or 0).
        levels: names of the levels of an ordinal or categorical variable, in order; else empty.
        section: heading that it belongs to, or None.
        unit: unit of a numeric variable, or None.
        role: as in `codes.parquet`: `baseline`, `intervention`, `outcome`.
        recorded: of a flag, whether it says that its code was recorded at all: then no record is 0, and
            nothing is unknown.
    """

    name: str
    label: str
    kind: Kind
    levels: tuple[str, ...] = ()
    section: str | None = None
    unit: str | None = None
    role: str = "baseline"
    recorded: bool = False


@dataclass(frozen=True)
class TypedTable:
    """Samples by variables.

    Attributes:
        variables: the p columns.
        values: float64 [n, p]: the value of a numeric variable, the 0-based place of the level of an ordinal
            or categorical one, 1 or 0 of a flag; NaN where nothing is known.

    Examples:
        >>> age = Variable("age", "Age", "numeric", unit="years")
        >>> fever = Variable("fever", "Fever", "flag")
        >>> table = TypedTable((age, fever), np.array([[3.0, 1.0], [5.0, np.nan]]))
        >>> table.n_samples, table.of_kind("flag").tolist(), table.take([1]).values.tolist()
        (2, [False, True], [[5.0, nan]])
    """

    variables: tuple[Variable, ...]
    values: np.ndarray

    @property
    def n_samples(self) -> int:
        """Number of samples (rows)."""
        return int(self.values.shape[0])

    def of_kind(self, *kinds: Kind) -> np.ndarray:
        """Which columns are of one of these kinds: bool [p]."""
        return np.array([variable.kind in kinds for variable in self.variables], dtype=bool)

    def take(self, rows: np.ndarray | list[int]) -> "TypedTable":
        """The table of some samples, in the order given; a sample may be taken more than once."""
        return replace(self, values=self.values[np.asarray(rows)])

    def keep(self, columns: np.ndarray) -> "TypedTable":
        """The table of some columns.

        Args:
            columns: bool [p].
        """
        kept = tuple(variable for variable, keep in zip(self.variables, columns, strict=True) if keep)
        return TypedTable(kept, np.ascontiguousarray(self.values[:, columns]))


def share_missing(table: TypedTable) -> np.ndarray:
    """Of each variable the share of samples whose value is not known, float64 [p]; 0 without samples.

    Examples:
        >>> share_missing(TypedTable((Variable("fever", "Fever", "flag"),), np.array([[1.0], [np.nan]])))
        array([0.5])
    """
    unknown = np.isnan(table.values).sum(axis=0)
    return np.asarray(unknown / max(table.n_samples, 1), dtype=np.float64)
