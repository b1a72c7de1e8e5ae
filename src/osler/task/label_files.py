"""The files of labels, read and typed; those of Osler and those that another tool wrote for MEDS."""

from pathlib import Path

import polars as pl

from osler.base.errors import InputError
from osler.record.schema import SAMPLE_KEY

LABEL_TYPES: dict[str, pl.DataType] = {
    "subject_id": pl.Int64(),
    "prediction_time": pl.Datetime("us"),
    "boolean_value": pl.Boolean(),
}
VALUE_COLUMNS = ("boolean_value", "integer_value", "float_value", "categorical_value")


def label_files(folder: Path) -> list[Path]:
    """The Parquet files of labels in a folder, in order.

    Args:
        folder: a labels folder of Osler, or a folder or file of MEDS label Parquet.

    Raises:
        InputError: there are none.
    """
    if folder.is_file():
        return [folder]
    root = folder / "data" if (folder / "data").is_dir() else folder
    besides = ("samples.parquet", "attrition.parquet", "sensitivity.parquet")
    files = sorted(file for file in root.rglob("*.parquet") if file.name not in besides)
    if not files:
        raise InputError("no label files (*.parquet)", where=root, remedy="name a folder of MEDS labels")
    return files


def read_label_file(file: Path) -> pl.DataFrame:
    """One file of labels as it is.

    Args:
        file: one of `label_files`.

    Raises:
        InputError: not readable as Parquet.
    """
    try:
        return pl.read_parquet(file)
    except pl.exceptions.PolarsError as error:
        raise InputError(f"not readable as Parquet: {error}", where=file, remedy="write it again") from error


def read_labels(files: list[Path]) -> pl.DataFrame:
    """All rows of some label files: `subject_id, prediction_time, boolean_value`.

    Args:
        files: as `label_files` gives them. Other columns of values may be there; ACES writes all four and
            fills one.

    Raises:
        InputError: a column missing or of a wrong type, null keys or labels, labels that are not boolean, or
            no rows at all.
    """
    parts = []
    for file in files:
        parts.append(_boolean_labels(read_label_file(file), file))
    labels = pl.concat(parts)
    if labels.is_empty():
        raise InputError("the labels have no rows", where=files[0].parent, remedy="name labels with samples")
    return labels


def _boolean_labels(frame: pl.DataFrame, file: Path) -> pl.DataFrame:
    for name in SAMPLE_KEY:
        if name not in frame.columns:
            raise InputError(
                f"column '{name}' is missing", where=file, allowed=[*SAMPLE_KEY, "boolean_value"]
            )
    # ACES writes all four value columns, three of them empty.
    given = [
        name for name in VALUE_COLUMNS if name in frame.columns and frame[name].null_count() < frame.height
    ]
    if given and "boolean_value" not in given:
        raise InputError(
            f"labels of type '{given[0]}' (classes, counts or measurements) are not supported yet",
            where=file,
            count=frame.height,
            remedy="make boolean labels",
        )
    if "boolean_value" not in frame.columns or (frame.height and not given):
        raise InputError(
            "column 'boolean_value' is missing or empty", where=file, remedy="make boolean labels"
        )
    nulls = sum(frame[name].null_count() for name in (*SAMPLE_KEY, "boolean_value"))
    if nulls:
        raise InputError(
            "null keys or labels", where=file, count=nulls, remedy="drop these rows or label them"
        )
    return frame.select(_typed(frame[name], kind, file) for name, kind in LABEL_TYPES.items())


def fits(column: pl.Series, kind: pl.DataType) -> bool:
    """Whether a column can be given another type without changing a value; times may lose their zone.

    Args:
        column: the column.
        kind: the type.

    Examples:
        >>> fits(pl.Series([0, 1]), pl.Boolean()), fits(pl.Series([0, 2]), pl.Boolean())
        (True, False)
    """
    if isinstance(column.dtype, pl.Datetime) and isinstance(kind, pl.Datetime):
        return True
    try:
        return column.cast(kind).cast(column.dtype).equals(column)
    except pl.exceptions.PolarsError:
        return False


def _typed(column: pl.Series, kind: pl.DataType, file: Path) -> pl.Series:
    if not fits(column, kind):
        raise InputError(
            f"column '{column.name}' has type {column.dtype}, and its values do not fit {kind}",
            where=file,
            count=column.len(),
            remedy="subject_id integer, prediction_time timestamp, boolean_value boolean",
        )
    return column.cast(kind)
