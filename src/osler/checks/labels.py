"""Are the labels MEDS labels, with one row per sample, both classes, and subjects that the dataset has?"""

import polars as pl

from osler.checks.finding import BROKEN, OK, WARNING, Finding
from osler.checks.place import Place
from osler.record.schema import SAMPLE_KEY
from osler.task.labels import made_from, open_labels

FEW = 10


def check(place: Place) -> list[Finding]:
    """Open the labels as every stage does, validate them with `meds`, count classes, compare subjects."""
    labels = open_labels(place.path)
    findings = _schema(place)
    events, n = labels.n_events, labels.frame.height
    column = "boolean_value"
    if events in (0, n):
        findings.append(
            Finding(
                BROKEN,
                "all labels are the same: there is nothing to predict",
                file=str(place.path),
                column=column,
                count=n,
                remedy="check the task, its window and the outcome",
            )
        )
    elif min(events, n - events) < FEW:
        findings.append(
            Finding(
                WARNING,
                f"the smaller class has fewer than {FEW} samples",
                file=str(place.path),
                column=column,
                count=min(events, n - events),
                remedy="no estimate will be worth much; widen the cohort or the window",
            )
        )
    if place.dataset is not None:
        findings += _subjects(place, labels.frame)
        if not made_from(labels.task, place.dataset):
            findings.append(
                Finding(
                    WARNING,
                    "these labels were not made from the dataset as it is now",
                    file=str(place.path),
                    remedy="label it again, unless only its code book was edited",
                )
            )
    return findings or [Finding(OK, f"{n:,} samples, {events:,} events", file=str(place.path))]


def _subjects(place: Place, frame: pl.DataFrame) -> list[Finding]:
    dataset = place.dataset
    if dataset is None:
        return []
    last = dataset.scan().group_by("subject_id").agg(first=pl.col("time").min()).collect(engine="streaming")
    joined = frame.select(SAMPLE_KEY).join(last.with_columns(known=True), on="subject_id", how="left")
    unknown = joined.filter(pl.col("known").is_null())["subject_id"].n_unique()
    early = joined.filter(pl.col("prediction_time") < pl.col("first")).height
    findings = []
    if unknown:
        findings.append(
            Finding(
                BROKEN,
                "subjects of the labels that the dataset does not have",
                file=str(place.path),
                column="subject_id",
                count=unknown,
                remedy="label this dataset, or name the one that was labelled",
            )
        )
    if early:
        findings.append(
            Finding(
                WARNING,
                "samples before the first dated event of their subject: their record is empty",
                file=str(place.path),
                column="prediction_time",
                count=early,
                remedy="check the prediction time of the task",
            )
        )
    return findings


def _schema(place: Place) -> list[Finding]:
    import pyarrow.parquet as pq
    from flexible_schema import (  # type: ignore[import-untyped]
        SchemaValidationError,
        TableValidationError,
    )
    from meds import LabelSchema

    if not (place.path / "data").is_dir():
        return []
    findings = []
    for file in sorted((place.path / "data").rglob("*.parquet")):
        try:
            LabelSchema.validate(pq.read_table(file))
        except (SchemaValidationError, TableValidationError):
            findings.append(
                Finding(
                    WARNING,
                    "readable, but not exactly a LabelSchema of MEDS",
                    file=str(file),
                    remedy="write it through meds.LabelSchema.align",
                )
            )
    return findings
