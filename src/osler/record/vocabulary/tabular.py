"""Streaming rows out of tables of any size, text or Parquet: DuckDB reads, memory stays below a ceiling."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from osler.base.errors import InputError

if TYPE_CHECKING:
    import duckdb

MEMORY = "256MB"
PARQUET = "parquet"
_DELIMITERS = ("\t", ",", ";", "|")


@dataclass(frozen=True)
class Tabular:
    """A text file with a header line, or a Parquet file.

    Attributes:
        path: the file; .gz is read packed.
        delimiter: tab, comma, semicolon or bar; `PARQUET` for a Parquet file.
        columns: the names of the header, lower case; a nameless or repeated one is `column` and its place.
    """

    path: Path
    delimiter: str
    columns: tuple[str, ...]


def text_table(path: Path, header: str) -> Tabular | None:
    """A text table by its header line, or None when the line has one column only.

    Examples:
        >>> text_table(Path("a.csv"), 'Code,"long, title",').columns
        ('code', 'long, title', 'column 3')
    """
    delimiter = max(_DELIMITERS, key=header.count)
    columns: list[str] = []
    for place, cell in enumerate(rows_of([header], delimiter)[0], start=1):
        name = cell.strip().lower()
        columns.append(name if name and name not in columns else f"column {place}")
    return Tabular(path=path, delimiter=delimiter, columns=tuple(columns)) if len(columns) > 1 else None


def parquet_table(path: Path) -> Tabular | None:
    """A Parquet file by its schema, or None when it cannot be read."""
    try:
        names = pl.read_parquet_schema(path)
    except (pl.exceptions.PolarsError, OSError):
        return None
    return Tabular(path=path, delimiter=PARQUET, columns=tuple(name.lower() for name in names))


def rows_of(lines: list[str], delimiter: str) -> list[list[str]]:
    """The cells of lines. In files with tabs quotes are data."""
    import csv

    if delimiter == "\t":
        return [line.split(delimiter) for line in lines]
    return list(csv.reader(lines, delimiter=delimiter))


@contextmanager
def database() -> Iterator["duckdb.DuckDBPyConnection"]:
    """A DuckDB in memory that spills to a temporary folder above `MEMORY`; it has no network."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="osler-vocabulary-") as folder:
        options: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY,
            "temp_directory": folder,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "false",
        }
        with duckdb.connect(":memory:", config=options) as connection:
            yield connection


def query(
    connection: "duckdb.DuckDBPyConnection", sql: str, files: Sequence[Tabular], **tables: pl.DataFrame
) -> pl.DataFrame:
    """Run a query over a table, and over frames by name.

    Every column is text. A file that is not UTF-8 is read as Latin-1. In files with tabs quotes are data.

    Args:
        connection: of `database`.
        sql: the query, with `{table}` where the table stands.
        files: the files of the table.
        **tables: frames that the query names.

    Raises:
        InputError: a file is cut off, or its rows do not fit its header.
    """
    import duckdb

    for name, frame in tables.items():
        connection.register(name, frame.to_arrow())
    for encoding in ("utf-8", "latin-1"):
        scans = " UNION ALL BY NAME ".join(f"SELECT * FROM {_scan(file, encoding)}" for file in files)
        try:
            rows = connection.sql(sql.replace("{table}", f"({scans})")).to_arrow_table()
            return pl.DataFrame(pl.from_arrow(rows))
        except duckdb.Error as error:
            if "unicode" not in str(error).lower() or encoding == "latin-1":
                raise InputError(
                    "the file is no whole table: it is cut off, or a row does not fit its header",
                    where=", ".join(str(file.path) for file in files),
                    remedy="get the file again, or take it out of the folder",
                ) from error
    raise AssertionError("one of the encodings reads, or raises")


def quoted(column: str) -> str:
    """A column's name for SQL."""
    return '"' + column.replace('"', '""') + '"'


def _scan(file: Tabular, encoding: str) -> str:
    path = str(file.path).replace("'", "''")
    if file.delimiter == PARQUET:
        texts = ", ".join(f"{quoted(column)}::VARCHAR AS {quoted(column)}" for column in file.columns)
        return f"(SELECT {texts} FROM read_parquet('{path}'))"
    quote = "" if file.delimiter == "\t" else '"'
    return (
        f"read_csv('{path}', delim='{file.delimiter}', quote='{quote}', escape='{quote}', header=true, "
        f"auto_detect=false, columns={_columns(file)}, encoding='{encoding}', strict_mode=true)"
    )


def _columns(file: Tabular) -> str:
    named = ("'" + column.replace("'", "''") + "': 'VARCHAR'" for column in file.columns)
    return "{" + ", ".join(named) + "}"
