"""SQL expressions in specs: one value per row, from the columns of that row and nothing else.

An expression is parsed, never run, when the spec is read, so that a misspelt one is refused with its key
before the first row is read. Whatever reaches beyond the row (sub-queries, window and table functions, the
clock, chance) is refused: the same source gives the same events, and each row stays one row.
"""

import atexit
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from osler.base.errors import InputError

if TYPE_CHECKING:
    import duckdb

_BEYOND_THE_ROW = {
    "SUBQUERY": "a sub-query",
    "WINDOW": "a window function",
    "STAR": "a star",
    "LAMBDA": "a lambda",
    "PARAMETER": "a parameter",
}
_CLAUSES = ("where_clause", "modifiers", "group_expressions", "having", "qualify", "sample")
_NOT_REPEATABLE = {
    "random", "setseed", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "now", "get_current_timestamp",
    "current_localtimestamp", "current_localtime", "today", "transaction_timestamp", "unnest", "nextval",
    "currval", "getenv", "getvariable", "current_setting",
}  # fmt: skip


@dataclass(frozen=True)
class Expression:
    """An SQL expression over the columns of one row.

    Attributes:
        sql: as written.
        columns: the columns that it reads, as written, each once: `hadm_id`, `stay.outtime`.
    """

    sql: str
    columns: tuple[str, ...]


@lru_cache(maxsize=4096)
def parse_expression(sql: str, *, where: str) -> Expression:
    """Parse an expression in DuckDB's SQL.

    Args:
        sql: for instance `status = 'final' and value is not null`.
        where: what to call the place in an error, for instance the file and the key.

    Raises:
        InputError: no expression, several of them, or one that reaches beyond the row.

    Examples:
        >>> parse_expression("make_date(year::int, 1, 1)", where="spec.yaml: derive.born").columns
        ('year',)
        >>> parse_expression("stay.outtime > \\"in time\\"", where="spec.yaml").columns
        ('stay.outtime', 'in time')
    """
    node = _parsed(sql, where)
    columns: dict[str, None] = {}
    for part in _walk(node):
        problem = _BEYOND_THE_ROW.get(str(part["class"]))
        name = str(part.get("function_name", "")).lower()
        if name in _NOT_REPEATABLE:
            problem = f"the function {name}()"
        if problem is not None:
            raise InputError(
                f"the expression has {problem}: {sql}",
                where=where,
                remedy="use only columns of the row, operators and functions of single values",
            )
        if part["class"] == "COLUMN_REF":
            columns[".".join(part["column_names"])] = None
    return Expression(sql=sql, columns=tuple(columns))


def renamed(expression: Expression, names: Mapping[str, Sequence[str]], *, where: str) -> str:
    """The expression with other names for its columns, in SQL.

    Args:
        expression: a parsed expression.
        names: column as written -> its parts (table and column).
        where: what to call the place in an error.

    Examples:
        >>> expression = parse_expression("outtime > stay.outtime", where="spec.yaml")
        >>> renamed(expression, {"outtime": ["here", "outtime"]}, where="spec.yaml")
        '(here.outtime > stay.outtime)'
    """
    node = _parsed(expression.sql, where)
    for part in _walk(node):
        if part["class"] == "COLUMN_REF":
            written = ".".join(part["column_names"])
            part["column_names"] = list(names.get(written, part["column_names"]))
    row = _parser().cursor().execute("SELECT json_deserialize_sql(?)", [json.dumps(node)]).fetchone()
    return str(row[0]).removeprefix("SELECT ") if row else expression.sql


def _parsed(sql: str, where: str) -> dict[str, Any]:
    row = _parser().cursor().execute("SELECT json_serialize_sql(?)", [f"SELECT {sql}"]).fetchone()
    parsed: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    if parsed["error"]:
        reason = str(parsed.get("error_message", "")).split("\n")[0]
        raise InputError(f"not an SQL expression: {sql}", where=where, remedy=f"mend it: {reason}")
    node: dict[str, Any] = parsed["statements"][0]["node"]
    single = len(parsed["statements"]) == 1 and len(node.get("select_list", ())) == 1
    plain = node.get("from_table", {}).get("type") == "EMPTY" and not any(map(node.get, _CLAUSES))
    if not (single and plain):
        raise InputError(
            f"more than one SQL expression: {sql}",
            where=where,
            remedy="write one expression, without FROM, WHERE, ORDER BY or the like",
        )
    return parsed


@cache
def _parser() -> "duckdb.DuckDBPyConnection":
    """A database that only parses, closed at exit."""
    import duckdb

    connection = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False})
    atexit.register(_parser.cache_clear)
    atexit.register(connection.close)
    return connection


def _walk(node: Any) -> list[dict[str, Any]]:
    """Every part of a parsed expression that has a class, in order."""
    found: list[dict[str, Any]] = []
    stack = [node]
    while stack:
        here = stack.pop()
        if isinstance(here, dict):
            if "class" in here:
                found.append(here)
            stack.extend(reversed(list(here.values())))
        elif isinstance(here, list):
            stack.extend(reversed(here))
    return found
