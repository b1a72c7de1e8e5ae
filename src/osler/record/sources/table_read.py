"""Reading CSV, TSV and Parquet as text: each cell a string or null, nothing guessed, nothing lost.

A table is staged once as Parquet of strings, from which any column or block of rows is read cheaply.
"""

import codecs
import csv
import gzip
from collections.abc import Iterator
from functools import reduce
from operator import and_
from pathlib import Path
from typing import IO

import polars as pl

from osler.base.errors import InputError

ROW = "_row"
LEFT_OUT = "_left_out"
ROW_GROUP = 20_480  # a multiple of DuckDB's vectors of 2,048 rows
_BLOCK = 1 << 22
_TAB_SUFFIXES = (".tsv", ".tab")


def scan_strings(path: Path, *, separator: str | None = None) -> pl.LazyFrame:
    """Scan a table with every column as text, blanks at both ends removed, empty cells null.

    Args:
        path: .csv, .tsv, .tab (also with .gz) or .parquet.
        separator: of a text file; default: a tab for .tsv and .tab, else a comma.

    Raises:
        InputError: no such file, unknown format, not UTF-8, a broken header, or no column.
    """
    if not path.is_file():
        raise InputError("no such file", where=path, remedy="name a CSV, TSV or Parquet file")
    if path.suffix.lower() == ".parquet":
        frame = _scan_parquet(path)
    else:
        suffix = _ending(path)
        if suffix not in (".csv", ".txt", *_TAB_SUFFIXES):
            raise InputError(
                f"unknown kind of file '{path.suffix}'",
                where=path,
                allowed=[".csv", ".tsv", ".tab", ".txt", ".csv.gz", ".tsv.gz", ".parquet"],
                remedy="save it as one of these",
            )
        separator = separator or ("\t" if suffix in _TAB_SUFFIXES else ",")
        _check_utf8(path)
        _check_header(path, separator)
        frame = pl.scan_csv(path, separator=separator, infer_schema=False, encoding="utf8")
    stripped = pl.all().str.strip_chars()
    return frame.select(pl.when(stripped != "").then(stripped).name.keep())


def collect_strings(path: Path, *, separator: str | None = None) -> pl.DataFrame:
    """A small table, such as a data dictionary, read at once; as `scan_strings`."""
    try:
        return scan_strings(path, separator=separator).collect()
    except pl.exceptions.ComputeError as error:
        raise _ragged(path, separator) from error


def stage(path: Path, staged: Path, *, separator: str | None, missing: tuple[str, ...]) -> int:
    """Write a table as Parquet of strings with `_row`, its 0-based row; values that mean missing become null.

    Args:
        path: the table, as for `scan_strings`.
        staged: the file to write.
        separator: as for `scan_strings`.
        missing: values that mean missing.

    Returns:
        The number of rows.

    Raises:
        InputError: the table cannot be read, or has no rows.
    """
    frame = scan_strings(path, separator=separator)
    taken = [name for name in frame.collect_schema() if name.lower() in (ROW, LEFT_OUT)]
    if taken:
        raise InputError(f"a column is named '{taken[0]}'", where=path, count=len(taken), remedy="rename it")
    nameless = [place for place, name in enumerate(frame.collect_schema(), start=1) if not name.strip()]
    if nameless:
        raise InputError(
            f"columns without a name (column {_listed(nameless)} of the header)",
            where=path,
            count=len(nameless),
            remedy="name them, or leave them out: the row number that pandas writes is no variable",
        )
    _refuse_short_rows(path, separator)
    if missing:
        told = reduce(and_, (pl.all() != mark for mark in missing))  # quicker than is_in for a few marks
        frame = frame.with_columns(pl.when(told).then(pl.all()).name.keep())
    try:
        frame.with_row_index(ROW).sink_parquet(staged, compression="lz4", row_group_size=ROW_GROUP)
    except pl.exceptions.ComputeError as error:
        raise _ragged(path, separator) from error
    rows = int(pl.scan_parquet(staged).select(pl.len()).collect().item())
    if not rows:
        raise InputError("the table has no rows", where=path, remedy="name a table with a row per patient")
    return rows


def _scan_parquet(path: Path) -> pl.LazyFrame:
    try:
        frame = pl.scan_parquet(path)
        schema = frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError("not readable as Parquet", where=path, remedy="write it again") from error
    nested = [name for name, kind in schema.items() if kind.is_nested() or kind == pl.Binary]
    if nested:
        raise InputError(
            f"column '{nested[0]}' holds {schema[nested[0]]}, not single values",
            where=path,
            count=len(nested),
            remedy="write one value per cell",
        )
    return frame.select(pl.all().cast(pl.String))


def _ending(path: Path) -> str:
    """The ending of a file's name below its packing, lower case; empty without one."""
    endings = [ending for suffix in path.suffixes if (ending := suffix.lower()) != ".gz"]
    return endings[-1] if endings else ""


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


def _check_utf8(path: Path) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with _open(path) as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        _refuse_encoding(path)
    except (OSError, EOFError) as error:
        raise InputError("the file cannot be read", where=path, remedy="check the file") from error


def _refuse_encoding(path: Path) -> None:
    offset = bad_lines = 0
    first: tuple[int, int] | None = None
    with _open(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                bad_lines += 1
                first = first or (number, offset + error.start)
            offset += len(line)
    number, place = first or (1, 0)
    raise InputError(
        f"not UTF-8: the first wrong byte is byte {place:,} (line {number:,})",
        where=path,
        count=bad_lines,
        remedy="save the file as UTF-8, for instance: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW",
    )


def _check_header(path: Path, separator: str) -> None:
    import io

    with _open(path) as file:
        header = next(csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""), delimiter=separator), [])
    if not header:
        raise InputError(
            "the file is empty", where=path, remedy="the first line names the columns, then a row per patient"
        )
    seen: set[str] = set()
    twice = [name for name in header if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
    if twice:
        raise InputError(
            f"column '{twice[0]}' is there twice", where=path, count=len(twice), remedy="rename one of them"
        )
    other = [mark for mark in ",;\t|" if mark != separator and header[0].count(mark) > 1]
    if len(header) == 1 and other:
        shown = "a tab" if other[0] == "\t" else f"'{other[0]}'"
        raise InputError(
            f"one column only, and its name has {shown} in it",
            where=path,
            remedy=f"the cells may be separated by {shown}: name it as `separator` in the spec",
        )


def _refuse_short_rows(path: Path, separator: str | None) -> None:
    """A row that ends early was cut off, and nobody knows where; blank lines do not count."""
    width, widths = _widths(path, separator)
    short = [line for line, cells in widths if 0 < cells < width]
    if short:
        raise InputError(
            f"rows with fewer cells than the {width} columns of the header (lines {_listed(short)})",
            where=path,
            count=len(short),
            remedy="write the rows again in full; the file may have been cut off",
        )


def _widths(path: Path, separator: str | None) -> tuple[int, Iterator[tuple[int, int]]]:
    """Columns of the header, and line number and cells of each row below it; nothing for Parquet."""
    import io

    if path.suffix.lower() == ".parquet":
        return 0, iter(())
    delimiter = separator or ("\t" if _ending(path) in _TAB_SUFFIXES else ",")
    reader = csv.reader(io.TextIOWrapper(_open(path), "utf-8-sig", newline=""), delimiter=delimiter)
    width = len(next(reader))
    return width, ((reader.line_num, len(row)) for row in reader)


def _ragged(path: Path, separator: str | None) -> InputError:
    """The error for rows that do not fit the header; it names lines, never their text."""
    width, widths = _widths(path, separator)
    wrong = [line for line, cells in widths if cells > width]
    return InputError(
        f"rows with more cells than the {width} columns of the header (lines {_listed(wrong)})"
        if wrong
        else "the file cannot be read as a table",
        where=path,
        count=len(wrong) or None,
        remedy="quote cells that contain the separator, or name another `separator`",
    )


def _listed(lines: list[int]) -> str:
    return ", ".join(str(line) for line in lines[:5]) + (" ..." if len(lines) > 5 else "")
