"""Columns derived from others, and rows that are left out on purpose: SQL over the cells of each row.

DuckDB rewrites the staged table once, block by block, so that neither costs memory.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from osler.base.errors import InputError
from osler.record.mapping.expressions import parse_expression
from osler.record.mapping.sql import quoted
from osler.record.sources.table_read import LEFT_OUT, ROW
from osler.record.sources.table_spec import TableSpec
from osler.record.sources.table_sql import copy_query, ordered_database, read_query

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class _Step:
    """One expression: its key in the spec, its SQL, and whether it is a condition."""

    key: str
    sql: str
    condition: bool


def evaluate(cells: Path, spec: TableSpec, folder: Path, *, where: str, source: Path) -> pl.LazyFrame:
    """Derive columns and mark the rows to leave out.

    Args:
        cells: the cleaned table (strings, null where missing, `_row`) as Parquet.
        spec: its `derive` and `leave_out`.
        folder: where to write.
        where: what to call the spec in an error.
        source: the table's file, for errors.

    Returns:
        The table with derived columns in the place of the column of that name, or after the others; last
        comes `_left_out`, the place of the first condition of `leave_out` that holds, or null.

    Raises:
        InputError: an expression is no SQL, names a column that the table has not, is no condition where one
            is needed, or fails on cells (names the rows, never their text).
    """
    names = [name for name in pl.read_parquet_schema(cells) if name != ROW]
    with ordered_database(folder) as base:
        base.execute(f"CREATE VIEW cells AS {read_query(cells)}")
        derived = [_Step(f"derive.{name}", sql, condition=False) for name, sql in spec.derive.items()]
        for name in spec.derive:
            _check_name(name, names, where=where)
        for step in derived:
            _check(base, "cells", step, names, where=where)
        base.execute(f"CREATE VIEW derived AS {_derivation(spec, names)}")
        every = derived_columns(names, spec)
        rules = [
            _Step(f"leave_out.{number}.where", rule.where, condition=True)
            for number, rule in enumerate(spec.leave_out)
        ]
        for step in rules:
            _check(base, "derived", step, every, where=where)
        whens = " ".join(f"WHEN {_in_brackets(step.sql)} THEN {n}" for n, step in enumerate(rules))
        mark = f"CASE {whens} END" if rules else "NULL"
        query = f'SELECT *, CAST({mark} AS INTEGER) AS "{LEFT_OUT}" FROM derived'
        try:
            made = copy_query(base, query, folder / "derived.parquet", [ROW, *every, LEFT_OUT])
        except _duckdb_error() as error:
            raise _failure(base, derived, rules, source, where) from error
    return made


def derived_columns(names: list[str], spec: TableSpec) -> list[str]:
    """The columns of a table after `derive`."""
    return [*names, *(name for name in spec.derive if name not in names)]


def _derivation(spec: TableSpec, names: list[str]) -> str:
    """All columns, derived ones in the place of those that they replace, the new ones after them."""
    made = {
        name: f"nullif(trim(CAST({_in_brackets(sql)} AS VARCHAR)), '') AS {quoted(name)}"
        for name, sql in spec.derive.items()
    }
    replaced = ", ".join(sql for name, sql in made.items() if name in names)
    new = "".join(f", {sql}" for name, sql in made.items() if name not in names)
    return f"SELECT *{f' REPLACE ({replaced})' if replaced else ''}{new} FROM cells"


def _in_brackets(sql: str) -> str:
    return f"(\n{sql}\n)"  # on lines of its own: a comment ends with it


def _check_name(name: str, names: list[str], *, where: str) -> None:
    fits = [other for other in names if other.lower() == name.lower()]
    if fits not in ([], [name]):
        raise InputError(
            f"derive: SQL does not tell '{name}' and {' and '.join(f for f in fits if f != name)} apart",
            where=where,
            count=len(fits),
            remedy="give the derived column another name",
        )


def _check(
    base: "duckdb.DuckDBPyConnection", view: str, step: _Step, names: list[str], *, where: str
) -> None:
    """Refuse an expression that does not fit the columns, before any row is read."""
    place = f"{where}, {step.key}"
    columns = parse_expression(step.sql, where=place).columns
    for column in columns:
        fits = [name for name in names if name.lower() == column.lower()]
        if len(fits) == 1:
            continue
        spoken = f"column '{column}'"
        if fits:
            raise InputError(
                f"{spoken} is not clear: SQL does not tell {' and '.join(fits)} apart",
                where=place,
                count=len(fits),
                remedy="rename one of these columns in the table",
            )
        raise InputError(f"the table has no {spoken}", where=place, allowed=names, remedy="mend the name")
    try:
        # Beside a column of the row, so that an aggregate of all rows is refused.
        query = f'SELECT "{ROW}", {_in_brackets(step.sql)} AS x FROM {view} LIMIT 0'
        kind = base.execute(query).description[1][1]
    except _duckdb_error() as error:
        hints = ["cells are text: write CAST(x AS DOUBLE)"]
        hints += [f"a name with a dot stands in double quotes: {quoted(c)}" for c in columns if "." in c]
        raise InputError(
            f"not an expression of one row: {step.sql}",
            where=place,
            remedy=f"mend it: {str(error).splitlines()[0]} ({'; '.join(hints)})",
        ) from error
    if step.condition and str(kind).upper() not in ("BOOLEAN", "BOOL"):
        raise InputError(
            f"no condition, its values are {str(kind).lower()}: {step.sql}",
            where=place,
            remedy="write what is true or false of a row, for instance x = '1'",
        )


def _failure(
    base: "duckdb.DuckDBPyConnection", derived: list[_Step], rules: list[_Step], source: Path, where: str
) -> InputError:
    """Which expression fails, and on which rows; the library's own message would show the cell."""
    for view, steps in (("cells", derived), ("derived", rules)):
        for step in steps:
            # A value or '' where the expression works, null only where it fails.
            works = f"TRY(coalesce(CAST({_in_brackets(step.sql)} AS VARCHAR), ''))"
            found = base.execute(
                f'SELECT count(*), list("{ROW}" ORDER BY "{ROW}")[1:5] FROM {view} WHERE {works} IS NULL'
            ).fetchone()
            if found and found[0]:
                rows = ", ".join(str(row + 1) for row in found[1])
                return InputError(
                    f"the expression fails on cells (data rows {rows}): {step.sql}",
                    where=f"{source} by {where}, {step.key}",
                    count=int(found[0]),
                    remedy="say what such cells become: TRY_CAST(x AS DOUBLE) makes them null",
                )
    return InputError(
        "the table cannot be read by SQL",
        where=source,
        remedy="look for damaged values, or leave `derive` out",
    )


def _duckdb_error() -> type[Exception]:
    import duckdb

    kind: type[Exception] = duckdb.Error
    return kind
