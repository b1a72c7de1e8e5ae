"""Does each file pass MEDS' own validator?

Rows without a subject or a code, and times with a zone, are found by checks of their own and not again here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from osler.checks.finding import BROKEN, OK, WARNING, Finding, counted, example
from osler.checks.place import Place

_BATCH_ROWS = 1_000_000
_FOUND_ELSEWHERE = ("subject_id", "code")


def check(place: Place) -> list[Finding]:
    """Validate shards, code book and splits with `meds`."""
    from meds import CodeMetadataSchema, DataSchema, SubjectSplitSchema

    dataset = place.dataset
    if dataset is None:
        return []
    metadata = place.path / "metadata"
    files: list[tuple[Path, Any]] = [(shard.path, DataSchema) for shard in dataset.shards]
    files += [
        (metadata / name, schema)
        for name, schema in (
            ("codes.parquet", CodeMetadataSchema),
            ("subject_splits.parquet", SubjectSplitSchema),
        )
        if (metadata / name).is_file()
    ]
    findings = [finding for file, schema in files if (finding := _validated(file, schema)) is not None]
    return findings or [
        Finding(OK, f"validated by MEDS: {counted(len(files), 'file')}", file=str(place.path))
    ]


def _validated(path: Path, schema: Any) -> Finding | None:
    """None when the file is valid; a warning when `align` can mend it; else broken."""
    import pyarrow as pa

    name = schema.__name__
    misfits = 0
    try:
        for table in _tables(path, is_data=name == "DataSchema"):
            if _passes(schema.validate, table):
                continue
            misfits += 1
            # `align` casts and reorders but does not look for nulls; `validate` does.
            if not _passes(lambda misfit: schema.validate(schema.align(misfit)), table):
                return _unfit(path, name, table.num_rows)
    except (pa.ArrowException, OSError) as error:
        return Finding(
            BROKEN,
            f"the file cannot be read to its end ({type(error).__name__})",
            file=str(path),
            count=1,
            example=example(file=path),
            remedy="write or copy the file again",
        )
    if not misfits:
        return None
    return Finding(
        WARNING,
        f"readable, but not exactly a {name}: order or types of columns differ",
        file=str(path),
        example=example(file=path),
        remedy=f"write it through meds.{name}.align",
    )


def _unfit(path: Path, name: str, rows: int) -> Finding:
    return Finding(
        BROKEN,
        f"not a {name}, and cannot be aligned with it",
        file=str(path),
        count=rows,
        example=example(file=path),
        remedy=f"write the columns and types of MEDS' {name}, without nulls in required columns",
    )


def _tables(path: Path, *, is_data: bool) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        if not file.metadata.num_rows:
            yield file.read()
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            table = pa.Table.from_batches([batch])
            yield _without_what_others_find(table) if is_data else table


def _without_what_others_find(table: Any) -> Any:
    import pyarrow as pa

    for name in _FOUND_ELSEWHERE:
        if table[name].null_count:
            table = table.filter(table[name].is_valid())
    place = table.schema.get_field_index("time")
    kind = table.schema.field(place).type
    if kind.tz is not None:
        table = table.set_column(place, "time", table["time"].cast(pa.timestamp(kind.unit)))
    return table


def _passes(function: Any, table: Any) -> bool:
    from flexible_schema import (  # type: ignore[import-untyped]
        SchemaValidationError,
        TableValidationError,
    )

    try:
        function(table)
    except (SchemaValidationError, TableValidationError):
        return False
    return True
