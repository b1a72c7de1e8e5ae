"""Expressions computed once: a query in layers, each reading what those below it have computed."""

import re

_NAME = re.compile(r'"v(\d+)"')


class Layers:
    """Expressions, each computed once and known by a name afterwards.

    DuckDB computes an expression that stands in a query several times more than once when it stands inside
    CASE; texts of times are expensive to read.

    Examples:
        >>> layers = Layers()
        >>> time = layers.once("TRY_CAST(t AS TIMESTAMP)")
        >>> time, layers.once("TRY_CAST(t AS TIMESTAMP)")
        ('"v0"', '"v0"')
        >>> late = layers.once(f"{time} + 1")
        >>> layers.over("(x)")
        '(SELECT *, "v0" + 1 AS "v1" FROM (SELECT *, TRY_CAST(t AS TIMESTAMP) AS "v0" FROM (x)))'
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._levels: list[int] = []

    def once(self, sql: str) -> str:
        """The name of an expression. A mere column, constant or name keeps its own."""
        if re.fullmatch(r'"[^"]*"|NULL|CAST\(NULL AS \w+\)|\'[^\']*\'|true|false', sql):
            return sql
        if sql not in self._names:
            below = [self._levels[int(number)] for number in _NAME.findall(sql)]
            self._names[sql] = f'"v{len(self._names)}"'
            self._levels.append(1 + max(below, default=-1))
        return self._names[sql]

    def over(self, source: str) -> str:
        """A source with all expressions, layer by layer.

        Args:
            source: a sub-query in brackets.
        """
        named = list(self._names.items())
        for level in range(max(self._levels, default=-1) + 1):
            here = [
                f"{sql} AS {name}"
                for (sql, name), own in zip(named, self._levels, strict=True)
                if own == level
            ]
            source = f"(SELECT *, {', '.join(here)} FROM {source})"
        return source
