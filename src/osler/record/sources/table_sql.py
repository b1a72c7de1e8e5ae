"""DuckDB over a staged table: queries that rewrite it block by block, so that its size costs no memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from osler.record.sources.table_read import ROW, ROW_GROUP

if TYPE_CHECKING:
    import duckdb

MEMORY = "512MB"  # what a query may hold before it spills


@contextmanager
def database(folder: Path | None = None) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A DuckDB in memory that fetches nothing, and spills into a folder where one is given."""
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "temp_directory": str(folder / "spill") if folder else "",
        "memory_limit": MEMORY,
    }
    base = duckdb.connect(config=settings)
    try:
        base.execute("SET TimeZone = 'UTC'")
        yield base
    finally:
        base.close()


def quoted(name: str, *, mark: str = '"') -> str:
    """A name in double quotes, or a text in single ones, as SQL has them.

    Examples:
        >>> quoted("num.co"), quoted("a'b", mark="'")
        ('"num.co"', "'a''b'")
    """
    return mark + name.replace(mark, mark * 2) + mark


def read_query(path: Path) -> str:
    """The rows of a Parquet file."""
    return f"SELECT * FROM read_parquet({quoted(str(path), mark=chr(39))})"


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
    base.execute(f"COPY ({query}) TO {quoted(str(target), mark=chr(39))} ({options})")
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
    with database(folder) as base:
        base.register("wanted", wanted.to_arrow())
        query = (
            f"SELECT cells.* FROM ({read_query(cells)}) AS cells "
            f'JOIN wanted ON cells."{ROW}" = wanted.wanted_row ORDER BY wanted.wanted_place'
        )
        ordered = copy_query(base, query, folder / "ordered.parquet", table.collect_schema().names())
    cells.unlink()
    return ordered
