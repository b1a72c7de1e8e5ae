"""Are there both classes, and do the samples lie within the records of subjects that the dataset has?"""

import polars as pl

from osler.checks.finding import BROKEN, OK, WARNING, Finding, example
from osler.checks.place import Place
from osler.record.schema import SAMPLE_KEY
from osler.task.labels import Labels, made_from, open_labels

FEW = 10


def check(place: Place) -> list[Finding]:
    """Count classes; compare subjects and prediction times with the dataset."""
    labels = open_labels(place.path)
    findings = _classes(place, labels)
    if place.survey is not None:
        findings += _subjects(place, labels.frame)
        if not made_from(labels.task, place.survey.dataset):
            findings.append(
                Finding(
                    WARNING,
                    "these labels were not made from the dataset as it is now",
                    file=str(place.path),
                    count=1,
                    example=example(file=place.path / "task.json"),
                    remedy="label it again with `osler label`, unless only its code book was edited",
                )
            )
    what = f"{labels.frame.height:,} samples, {labels.n_events:,} events"
    return findings or [Finding(OK, what, file=str(place.path))]


def _classes(place: Place, labels: Labels) -> list[Finding]:
    events, n = labels.n_events, labels.frame.height
    smaller = min(events, n - events)
    if smaller >= FEW:
        return []
    rare = labels.frame.filter(pl.col("boolean_value") if 2 * events <= n else ~pl.col("boolean_value"))
    shown = rare if smaller else labels.frame
    return [
        Finding(
            WARNING if smaller else BROKEN,
            f"the smaller class has fewer than {FEW} samples"
            if smaller
            else "all labels are the same: there is nothing to predict",
            file=str(place.path),
            column="boolean_value",
            count=smaller or n,
            example=example(**shown.select(SAMPLE_KEY).row(0, named=True)),
            remedy="no estimate will be worth much; widen the cohort or the window"
            if smaller
            else "check the task, its window and the outcome",
        )
    ]


def _subjects(place: Place, frame: pl.DataFrame) -> list[Finding]:
    if place.survey is None:
        return []
    record = place.survey.subjects.select("subject_id", "first", "death", known=True)
    joined = frame.select(SAMPLE_KEY).join(record, on="subject_id", how="left", maintain_order="left")
    time = pl.col("prediction_time")
    problems = (
        (
            BROKEN,
            joined.filter(pl.col("known").is_null()).unique("subject_id", maintain_order=True),
            "subject_id",
            "subjects of the labels that the dataset does not have",
            "label this dataset with `osler label`, or name the one that was labelled with --dataset",
        ),
        (
            WARNING,
            joined.filter(time < pl.col("first")),
            "prediction_time",
            "samples before the first dated event of their subject other than birth: their record is empty",
            "check the prediction time of the task",
        ),
        (
            WARNING,
            joined.filter(time > pl.col("death")),
            "prediction_time",
            "samples after the death of their subject",
            "a sample must be alive at its prediction time: leave these out and count them",
        ),
    )
    return [
        Finding(
            status,
            what,
            file=str(place.path),
            column=column,
            count=concerned.height,
            example=example(**concerned.select(SAMPLE_KEY).row(0, named=True)),
            remedy=remedy,
        )
        for status, concerned, column, what, remedy in problems
        if concerned.height
    ]
