"""Are the label files what MEDS wants: keys, types, one value column without nulls, one label per sample?

Every file is looked at before the labels are opened as the other stages do, so that each fault is told by
its own name and with an example.
"""

from pathlib import Path
from typing import Any

import polars as pl

from osler.base.errors import InputError
from osler.checks.finding import BROKEN, WARNING, Finding, example, from_error, listed
from osler.checks.place import Place
from osler.checks.zones import zone_findings
from osler.record.schema import SAMPLE_KEY
from osler.task.label_files import LABEL_TYPES, VALUE_COLUMNS, fits, label_files, read_label_file
from osler.task.labels import open_labels

_LABEL = "boolean_value"
_TYPES: dict[str, pl.DataType] = {
    **LABEL_TYPES,
    "integer_value": pl.Int64(),
    "float_value": pl.Float32(),
    "categorical_value": pl.String(),
}


def check(place: Place) -> list[Finding]:
    """Look at each file, then at all rows together, then open them as every stage does."""
    files = label_files(place.path)
    findings = zone_findings(files, "prediction_time")
    frames = {file: read_label_file(file) for file in files}
    for file, frame in frames.items():
        findings += _columns(file, frame)
    if any(finding.status == BROKEN for finding in findings):
        return findings
    findings += _rows(place.path, pl.concat([_typed(frame) for frame in frames.values()]))
    if any(finding.status == BROKEN for finding in findings):
        return findings
    try:
        open_labels(place.path)
    except InputError as error:
        findings.append(from_error(error))
    return findings


def _columns(file: Path, frame: pl.DataFrame) -> list[Finding]:
    findings: list[Finding] = []

    def add(status: str, what: str, column: str, count: int, remedy: str, **ids: object) -> None:
        ids = ids or {"file": file}
        findings.append(
            Finding(
                status,
                what,
                file=str(file),
                column=column,
                count=count,
                example=example(**ids),
                remedy=remedy,
            )
        )

    missing = [name for name in SAMPLE_KEY if name not in frame.columns]
    if missing:
        what = f"columns are missing: {listed(missing)}"
        add(BROKEN, what, missing[0], len(missing), "write subject_id, prediction_time and boolean_value")
        return findings
    given = [name for name in VALUE_COLUMNS if name in frame.columns]
    filled = [name for name in given if frame[name].null_count() < frame.height]
    empty = [name for name in given if name not in filled]
    if _LABEL not in given or (frame.height and _LABEL not in filled):
        what = f"labels of another type only: {listed(filled)}" if filled else "no column holds labels"
        add(BROKEN, what, _LABEL, frame.height, "make labels with `osler label`, or write boolean_value")
        return findings
    for name in [*SAMPLE_KEY, *filled]:
        nulls = frame.filter(pl.col(name).is_null())
        if nulls.height and (name in SAMPLE_KEY or name == _LABEL):
            what = f"'{name}' is null in some rows"
            remedy = "drop these rows or label them"
            add(BROKEN, what, name, nulls.height, remedy, **_key(nulls, file))
    for name in [*SAMPLE_KEY, *filled]:
        findings += _kind(file, frame, name)
    if len(filled) > 1:
        others = [name for name in filled if name != _LABEL]
        what = f"several columns hold labels ({listed(filled)}); Osler reads {_LABEL}"
        first = frame.filter(pl.any_horizontal(pl.col(others).is_not_null()))
        count = first.height
        add(WARNING, what, others[0], count, "keep one column of values", **_key(first, file))
    if empty and frame.height:
        what = (
            f"columns of nothing but nulls ({listed(empty)}), as ACES writes them: "
            "Osler reads these labels, MEDS' own validator refuses them"
        )
        add(WARNING, what, empty[0], len(empty), "drop these columns before other tools read the labels")
    extra = [name for name in frame.columns if name not in _TYPES]
    if extra:
        what = f"columns that a LabelSchema of MEDS does not have: {listed(extra)}"
        add(WARNING, what, extra[0], len(extra), "keep them in a file of their own")
    if not findings and not _passes(file):
        what = "readable, but not exactly a LabelSchema of MEDS: order or types of columns differ"
        add(WARNING, what, _LABEL, frame.height, "write it through meds.LabelSchema.align")
    return findings


def _kind(file: Path, frame: pl.DataFrame, name: str) -> list[Finding]:
    """A column of another type: a warning when its values fit the right one exactly, else broken."""
    kind, wanted = frame.schema[name], _TYPES[name]
    if kind == wanted or (isinstance(kind, pl.Datetime) and isinstance(wanted, pl.Datetime)):
        return []
    exact = fits(frame[name], wanted)
    return [
        Finding(
            WARNING if exact else BROKEN,
            f"'{name}' has type {kind}" + ("; its values fit the right one" if exact else ""),
            file=str(file),
            column=name,
            count=frame.height,
            example=example(file=file),
            remedy=f"write it as {wanted}",
        )
    ]


def _rows(path: Path, labels: pl.DataFrame) -> list[Finding]:
    """Samples that stand in several rows."""
    values = labels.group_by(SAMPLE_KEY).agg(n=pl.len(), values=pl.col(_LABEL).n_unique()).sort(SAMPLE_KEY)
    several = values.filter(pl.col("n") > 1)
    conflicting, same = several.filter(pl.col("values") > 1), several.filter(pl.col("values") == 1)
    findings = []
    for status, found, what, remedy in (
        (BROKEN, conflicting, "samples with conflicting labels", "give each sample one label"),
        (
            WARNING,
            same,
            "samples whose label is written more than once; Osler counts it once",
            "keep one row per sample",
        ),
    ):
        if found.height:
            findings.append(
                Finding(
                    status,
                    what,
                    file=str(path),
                    column=_LABEL,
                    count=found.height,
                    example=example(**found.select(SAMPLE_KEY).row(0, named=True)),
                    remedy=remedy,
                )
            )
    return findings


def _typed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(_TYPES[name]) for name in (*SAMPLE_KEY, _LABEL))


def _key(rows: pl.DataFrame, file: Path) -> dict[str, object]:
    if rows.is_empty():
        return {"file": file}
    key: dict[str, object] = rows.select(SAMPLE_KEY).row(0, named=True)
    return key if any(value is not None for value in key.values()) else {"file": file}


def _passes(file: Path) -> bool:
    import pyarrow.parquet as pq
    from flexible_schema import (  # type: ignore[import-untyped]
        SchemaValidationError,
        TableValidationError,
    )
    from meds import LabelSchema

    table: Any = pq.read_table(file)
    place = table.schema.get_field_index("prediction_time")
    if getattr(table.schema.field(place).type, "tz", None) is not None:
        table = table.set_column(place, "prediction_time", table["prediction_time"].cast("timestamp[us]"))
    try:
        LabelSchema.validate(table)
    except (SchemaValidationError, TableValidationError):
        return False
    return True
