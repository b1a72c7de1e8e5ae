"""Reading a file that may be damaged."""

from pathlib import Path

import polars as pl

from osler.base.errors import InputError


def read_whole(path: Path) -> pl.DataFrame:
    """A Parquet file in memory.

    Args:
        path: the file.

    Raises:
        InputError: it cannot be read to its end.
    """
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(
            f"the file cannot be read to its end ({type(error).__name__})",
            where=path,
            count=1,
            remedy="write or copy the file again",
        ) from error
