"""Names of columns and patterns of them, resolved against a table."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from osler.base.errors import InputError


class Patterns:
    """Resolves names and patterns of columns against a table.

    Args:
        columns: of the table.
        where: what to call the spec in an error.
    """

    def __init__(self, columns: Iterable[str], *, where: str) -> None:
        self.columns = list(columns)
        self.where = where

    def one(self, name: str, key: str) -> str:
        """A column by its exact name."""
        if name not in self.columns:
            raise InputError(
                f"{key}: the table has no column '{name}'",
                where=self.where,
                allowed=self.columns,
                remedy="mend the name in the spec",
            )
        return name

    def all(self, patterns: Iterable[str], key: str) -> list[str]:
        """Columns that any of the patterns matches, in the table's order."""
        found: set[str] = set()
        for pattern in patterns:
            here = [name for name in self.columns if name == pattern or fnmatchcase(name, pattern)]
            if not here:
                raise InputError(
                    f"{key}: '{pattern}' matches no column of the table",
                    where=self.where,
                    allowed=self.columns,
                    remedy="mend the name or the pattern in the spec",
                )
            found.update(here)
        return [name for name in self.columns if name in found]
