"""Reading the tables below `metadata/`, which people also write by hand: columns and types are checked."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from osler.base.errors import InputError


def read_table(
    path: Path, types: Mapping[str, pl.DataType], *, required: Sequence[str]
) -> pl.DataFrame | None:
    """A table of metadata, or None when there is no such file.

    Args:
        path: the file.
        types: columns that Osler knows, and what they are cast to; others are carried along.
        required: columns that must be there.

    Raises:
        InputError: not readable, a required column missing, or values that a type does not hold.
    """
    if not path.is_file():
        return None
    try:
        table = pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise InputError(f"not readable as Parquet: {error}", where=path, remedy="write it again") from error
    for column in required:
        if column not in table.columns:
            raise InputError(
                f"column '{column}' is missing",
                where=path,
                remedy=f"it needs {', '.join(required)}; found {', '.join(table.columns)}",
            )
    for column in types.keys() & set(table.columns):
        try:
            table = table.with_columns(pl.col(column).cast(types[column]))
        except pl.exceptions.PolarsError as error:
            raise InputError(
                f"column '{column}' has type {table.schema[column]}, and its values do not fit another",
                where=path,
                count=table[column].count(),
                allowed=[str(types[column])],
                remedy="write the column with this type",
            ) from error
    return table


def read_subjects(
    path: Path, types: Mapping[str, pl.DataType], *, required: Sequence[str]
) -> pl.DataFrame | None:
    """As `read_table`, for a table with one row per subject; identical rows collapse.

    Raises:
        InputError: also when a row has no subject, or rows of one subject contradict each other.
    """
    table = read_table(path, types, required=required)
    if table is None:
        return None
    known = table.select(name for name in types if name in table.columns).unique()
    for what, count in (
        ("rows without a subject", table["subject_id"].null_count()),
        ("subjects with rows that contradict each other", known.height - known["subject_id"].n_unique()),
    ):
        if count:
            raise InputError(what, where=path, count=count, remedy="give each subject one row")
    return table.unique("subject_id", keep="first", maintain_order=True)
