"""Writing a MEDS dataset: every file goes through `meds`' own `align`, in canonical order."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from osler import __version__
from osler.base.errors import InputError
from osler.base.files import atomic_path, write_json
from osler.record import schema
from osler.record.codebook import complete_codes
from osler.record.dataset import in_canonical_order

MEDS_VERSION = "0.4.1"


def write_events(folder: Path, name: str, events: pl.DataFrame) -> Path:
    """Write one shard `data/<name>.parquet`.

    Args:
        folder: the dataset's folder.
        name: the shard, for instance `train/0`. A subject's events must all be in one shard.
        events: `subject_id, time, code` and any other column; missing MEDS columns are filled with null.

    Returns:
        The file.
    """
    from meds import DataSchema

    known = {**schema.EVENT_TYPES}
    frame = events.with_columns(
        pl.col(column).cast(kind) if column in events.columns else pl.lit(None, dtype=kind).alias(column)
        for column, kind in known.items()
        if column in events.columns or column in ("numeric_value", "text_value")
    )
    order = [column for column in known if column in frame.columns]
    frame = in_canonical_order(frame).select(*order, *(c for c in frame.columns if c not in order))
    path = folder / "data" / f"{name}.parquet"
    write_aligned(path, DataSchema, frame)
    return path


def write_metadata(
    folder: Path,
    *,
    name: str,
    codes: pl.DataFrame,
    used: pl.Series,
    splits: pl.DataFrame | None = None,
    subjects: pl.DataFrame | None = None,
    site_columns: tuple[str, ...] = (),
    extension_columns: tuple[str, ...] = (),
    settings: dict[str, Any] | None = None,
    etl: str = "osler",
) -> None:
    """Write `metadata/`: dataset.json, codes.parquet and, where given, subject_splits and subjects.

    Args:
        folder: the dataset's folder.
        name: name of the dataset.
        codes: code book (columns of `CODE_TYPES`, in the order in which codes are to be listed).
        used: distinct codes of the data; those that `codes` lacks are added.
        splits: `subject_id, split`.
        subjects: `subject_id, source_id, group_id`.
        site_columns: event columns that name the hospital.
        extension_columns: other event columns beyond MEDS.
        settings: Osler's own block: `undated` (bool), `groups` (declared groups).
        etl: what made the dataset.
    """
    from meds import CodeMetadataSchema, SubjectSplitSchema

    write_aligned(folder / "metadata" / "codes.parquet", CodeMetadataSchema, complete_codes(codes, used))
    if splits is not None:
        write_aligned(
            folder / "metadata" / "subject_splits.parquet", SubjectSplitSchema, splits.sort("subject_id")
        )
    if subjects is not None:
        write_private_subjects(folder, subjects)
    write_json(
        folder / "metadata" / "dataset.json",
        {
            "dataset_name": name,
            "etl_name": etl,
            "etl_version": __version__,
            "meds_version": MEDS_VERSION,
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "site_id_columns": list(site_columns),
            "other_extension_columns": list(extension_columns),
            "osler": {"format_version": 1, **(settings or {})},
        },
    )


def write_private_subjects(folder: Path, subjects: pl.DataFrame) -> None:
    """Write `metadata/subjects.parquet`, which maps ids back to the source: readable by its owner only."""
    from osler.base.files import write_parquet

    write_parquet(folder / "metadata" / "subjects.parquet", subjects.sort("subject_id"), private=True)


def write_aligned(path: Path, meds_schema: Any, frame: pl.DataFrame) -> None:
    """Write a frame as one of MEDS' schemas, aligned by `meds` itself.

    Raises:
        InputError: the frame does not fit the schema (a missing column, a null where none may be).
    """
    import pyarrow.parquet as pq

    try:
        table = meds_schema.align(frame.to_arrow())
    except Exception as error:
        raise InputError(f"not a {meds_schema.__name__}: {error}", where=path, count=frame.height) from error
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", compression_level=1)
