"""Errors that a person can act on.

`InputError` is what the caller can mend (exit code 2): it says what was found, where, how often, what is
allowed and how to mend it. Messages carry ids and counts, never the text of a record.
"""

from collections.abc import Iterable


class OslerError(Exception):
    """Base of every error that Osler raises on purpose."""


class InputError(OslerError):
    """The input or the request is wrong, and the person who made it can mend it.

    Args:
        what: what was found, in one sentence.
        where: the file, folder, column or key path that it was found in.
        count: how many rows, columns or values are concerned.
        allowed: the values that would have been accepted.
        remedy: what to do about it.

    Examples:
        >>> print(InputError("column 'sxe' is not there", where="a.csv", allowed=["sex"], remedy="mend it"))
        column 'sxe' is not there
          where: a.csv
          allowed: sex
          remedy: mend it
    """

    def __init__(
        self,
        what: str,
        *,
        where: object | None = None,
        count: int | None = None,
        allowed: Iterable[object] | None = None,
        remedy: str | None = None,
    ) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.count = count
        self.allowed = None if allowed is None else [str(value) for value in allowed]
        self.remedy = remedy
        super().__init__(self._render())

    def _render(self) -> str:
        lines = [self.what]
        if self.where is not None:
            lines.append(f"  where: {self.where}")
        if self.count is not None:
            lines.append(f"  count: {self.count:,}")
        if self.allowed is not None:
            shown = self.allowed[:40]
            more = f" ... and {len(self.allowed) - 40:,} more" if len(self.allowed) > 40 else ""
            lines.append(f"  allowed: {', '.join(shown) or 'none'}{more}")
        if self.remedy is not None:
            lines.append(f"  remedy: {self.remedy}")
        return "\n".join(lines)
