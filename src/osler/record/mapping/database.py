"""DuckDB under a memory limit, offline, and its errors in words that tell a person what to mend."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from osler.base.errors import InputError

if TYPE_CHECKING:
    import duckdb

_LINE = re.compile(r"Line: (\d+)")
_FILE = re.compile(r"^\s*file = (.+)$", re.MULTILINE)
_COLUMNS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")


@contextmanager
def database(scratch: Path, *, memory: int, threads: int) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A database in memory that spills to a folder.

    Args:
        scratch: folder for what does not fit.
        memory: bytes that it may hold.
        threads: how many it may use.
    """
    import duckdb

    scratch.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        config={
            "memory_limit": f"{memory // 1_000_000}MB",
            "threads": threads,
            "temp_directory": str(scratch),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    # Text files have no statistics: left to itself the optimiser holds the large table of a join in memory.
    connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    try:
        yield connection
    finally:
        connection.close()


def count(connection: "duckdb.DuckDBPyConnection", sql: str) -> int:
    """The one number that a query gives."""
    return int(connection.sql(sql).fetchall()[0][0])


@contextmanager
def reading(*paths: Path) -> Iterator[None]:
    """What DuckDB raises while it reads files becomes an `InputError`.

    Nothing of its own message is kept, also not as the cause of the error: it quotes lines of records.

    Args:
        paths: the files, the most probable culprit first.

    Raises:
        InputError: the files cannot be read to their end, or an expression does not fit them.
    """
    import duckdb

    try:
        yield
    except (duckdb.Error, OSError) as error:  # while rows stream, Arrow passes the first on as the second
        raise _as_input_error(error, paths) from None


def batches(
    connection: "duckdb.DuckDBPyConnection", sql: str, *, rows: int, paths: Sequence[Path]
) -> Iterator[pl.DataFrame]:
    """The rows of a query, so many at a time.

    Raises:
        InputError: as `reading` says; what goes wrong with a batch elsewhere passes by.
    """
    with reading(*paths):
        for batch in connection.sql(sql).to_arrow_reader(rows):
            yield pl.DataFrame(pl.from_arrow(batch))


def _as_input_error(error: Exception, paths: tuple[Path, ...]) -> InputError:
    """What DuckDB says of a file, without the text of the record that it quotes.

    Args:
        error: what it raised.
        paths: the files that were read.
    """
    text = str(error)
    named, line = _FILE.search(text), _LINE.search(text)
    where = named[1].strip() if named else str(paths[0])
    if line:
        where += f", line {line[1]}"
    counts = _COLUMNS.search(text)
    if counts:
        what = f"a row has {counts[2]} cells, the header has {counts[1]}"
        remedy = "write the row again in full, and quote cells that hold the separator"
    elif "unterminated quote" in text or "quote" in text.split("\n")[0]:
        what = "a quotation mark without its partner"
        remedy = "double the quotation marks inside quoted cells, or write the file again"
    elif "unicode" in text or "utf-8" in text:
        what = "not UTF-8"
        remedy = "save the file as UTF-8, for instance: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW"
    elif "aximum line size" in text:
        what = "a line is longer than 2 MB (16 MB in a table of notes)"
        remedy = "check for a quotation mark that is never closed"
    elif type(error).__name__ in ("BinderException", "CatalogException", "ParserException"):
        # No row was read yet: the message tells of the spec and of the columns, never of values.
        what = f"an expression of the spec does not fit the table: {text.splitlines()[0]}"
        remedy = "mend the expression; columns are text in it: cast them (`year::int`)"
    elif type(error).__name__ == "ConversionException":
        what = "an expression meets text that it cannot convert"
        remedy = "in `derive`, `where` and `leave_out` use TRY_CAST(column AS TYPE), which gives null instead"
    elif "Out of Memory" in type(error).__name__ or "Out of Memory" in text:
        what, where = "the memory that was allowed does not suffice", str(paths[0])
        remedy = "allow more with --memory"
    else:
        what = f"the file cannot be read to its end ({type(error).__name__})"
        remedy = "copy or write the file again"
    return InputError(what, where=where, remedy=remedy)
