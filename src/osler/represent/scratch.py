"""Counting and de-duplicating more keys than memory holds: DuckDB, which goes to disk above a limit."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from osler.base.errors import InputError
from osler.statements.read import Texts

if TYPE_CHECKING:
    import duckdb

# Enough for millions of keys without going to disk.
MEMORY = "512MB"
# A row of a shard as one number: shard number << 40 | row.
_SHIFT = 40


@contextmanager
def scratch(folder: Path) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A DuckDB in memory that goes to `folder` above `MEMORY`; it has no network."""
    import duckdb

    options: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "temp_directory": str(folder),
        "threads": 2,
        "preserve_insertion_order": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    with duckdb.connect(":memory:", config=options) as connection:
        try:
            yield connection
        except (duckdb.InvalidInputException, duckdb.IOException) as error:
            raise InputError(
                f"a file of texts is not readable ({type(error).__name__})",
                remedy="make the texts again with `osler text`, and see to free space",
            ) from error


def count_distinct(texts: Texts, *, unit: str, most: int | None, folder: Path) -> tuple[int, int, int]:
    """Texts, distinct texts and tokens of the distinct ones.

    Args:
        texts: the texts.
        unit: `document` or `statement`.
        most: tokens of a text beyond this number are not counted; None: all are.
        folder: for what does not fit into memory.
    """
    key = "hash(text)" if unit == "document" else "statement_id"
    n_tokens = "n_tokens" if most is None else f"least(n_tokens, {most:d})"
    with scratch(folder) as connection:
        row = connection.execute(
            f"SELECT sum(n), count(*), sum(tokens) FROM (SELECT count(*) AS n, max({n_tokens}) AS tokens "
            f"FROM read_parquet(?) GROUP BY {key})",
            [_files(texts, "texts" if unit == "document" else "statements")],
        ).fetchone()
    n_texts, n_distinct, tokens = row or (0, 0, 0)
    return int(n_texts or 0), int(n_distinct), int(tokens or 0)


class FirstPlaces:
    """In which shard each distinct statement comes first, on disk.

    A statement is encoded with the first shard that shows it. The places are a pure function of the texts, so
    that a job that was killed finds the same ones again.

    Args:
        texts: the texts.
        folder: a folder that only this job uses; the places are written there.
    """

    def __init__(self, texts: Texts, folder: Path) -> None:
        self._texts = texts
        self._file = folder / "first.parquet"
        files = pl.DataFrame(
            {"filename": _files(texts, "statements"), "shard": range(len(texts.shards))},
            schema={"filename": pl.String, "shard": pl.Int64},
        ).to_arrow()
        with scratch(folder) as connection:
            connection.register("files", files)
            connection.execute(
                "COPY (SELECT min((shard << ?) | file_row_number) AS place FROM "
                "read_parquet(?, filename = true, file_row_number = true) JOIN files USING (filename) "
                f"GROUP BY statement_id ORDER BY place) TO '{self._file}' (FORMAT parquet)",
                [_SHIFT, files["filename"].to_pylist()],
            )

    def rows(self, shard: int) -> pl.Series:
        """Rows of a shard's statements that no shard before it has, ascending.

        Args:
            shard: position of the shard in `texts.shards`.
        """
        start = shard << _SHIFT
        mine = pl.col("place").is_between(start, start + (1 << _SHIFT), closed="left")
        return (
            pl.scan_parquet(self._file)
            .filter(mine)
            .select(pl.col("place") - start)
            .collect(engine="streaming")["place"]
        )


def _files(texts: Texts, part: str) -> list[str]:
    return [str(texts.file(part, shard)) for shard in texts.shards]
