"""DuckDB over a staged table: queries that rewrite it block by block, so that its size costs no memory."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from osler.record.mapping.database import database
from osler.record.mapping.sql import literal
from osler.record.sources.table_read import ROW, ROW_GROUP

if TYPE_CHECKING:
    import duckdb

MEMORY = 512_000_000  # bytes that a query may hold before it spills


@contextmanager
def ordered_database(folder: Path) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A database that keeps the order of rows and spills into a folder.

    Args:
        folder: of the staged table.
    """
    with database(folder / "spill", memory=MEMORY, threads=os.cpu_count() or 1) as base:
        base.execute("SET preserve_insertion_order = true")
        yield base


def read_query(path: Path) -> str:
    """The rows of a Parquet file."""
    return f"SELECT * FROM read_parquet({literal(str(path))})"


def copy_query(base: "duckdb.DuckDBPyConnection", query: str, target: Path, names: list[str]) -> pl.LazyFrame:
    """Write the rows of a query as Parquet, in their order.

    DuckDB tells names apart without regard to case and renames the second; their places do not change.

    Args:
        base: a database.
        query: the query.
        target: the file to write.
        names: the columns of the query, as the table spells them.

    Returns:
        The table of the file.
    """
    options = f"FORMAT parquet, COMPRESSION lz4_raw, ROW_GROUP_SIZE {ROW_GROUP}"
    base.execute(f"COPY ({query}) TO {literal(str(target))} ({options})")
    written = zip(pl.read_parquet_schema(target), names, strict=True)
    renamed = {old: new for old, new in written if old != new}
    return pl.scan_parquet(target).rename(renamed) if renamed else pl.scan_parquet(target)


def in_order(table: pl.LazyFrame, order: pl.Series, folder: Path) -> pl.LazyFrame:
    """A table whose rows come in some order; as it is when they do already, with or without others between.

    Args:
        table: the cleaned table, with `_row`.
        order: `_row` of the rows wanted, each once.
        folder: where to write.
    """
    if order.is_sorted():
        return table
    cells = folder / "unordered.parquet"
    table.sink_parquet(cells, compression="lz4", row_group_size=ROW_GROUP)
    wanted = pl.DataFrame({"wanted_row": order}).with_row_index("wanted_place")
    with ordered_database(folder) as base:
        base.register("wanted", wanted.to_arrow())
        query = (
            f"SELECT cells.* FROM ({read_query(cells)}) AS cells "
            f'JOIN wanted ON cells."{ROW}" = wanted.wanted_row ORDER BY wanted.wanted_place'
        )
        ordered = copy_query(base, query, folder / "ordered.parquet", table.collect_schema().names())
    cells.unlink()
    return ordered
