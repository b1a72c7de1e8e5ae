"""Do predictions pass meds-evaluation's schema, as probabilities, of subjects that were held out?"""

from pathlib import Path

import polars as pl

from osler.checks.files import read_whole
from osler.checks.finding import BROKEN, OK, WARNING, Finding, counted, example, listed, percent
from osler.checks.place import Place
from osler.checks.zones import zone_findings
from osler.record.schema import SAMPLE_KEY, TRAIN

# The columns of meds-evaluation's PredictionSchema, which is not needed to use Osler: required ones, then the
# two of which at least one must be there.
_REQUIRED = {"subject_id": pl.Int64, "prediction_time": pl.Datetime("us"), "boolean_value": pl.Boolean}
_PROBABILITY = "predicted_boolean_probability"
_PREDICTED = {"predicted_boolean_value": pl.Boolean, _PROBABILITY: pl.Float32}
_REPLICATES = "replicates.parquet"


def check(place: Place) -> list[Finding]:
    """Look at `data.parquet` of every model, and at `replicates.parquet` beside it."""
    files = sorted([*place.path.glob("data.parquet"), *place.path.glob("*/data.parquet")])
    findings = [finding for file in files for finding in _model(place, file)]
    return findings or [Finding(OK, f"predictions of {counted(len(files), 'model')}", file=str(place.path))]


def _model(place: Place, file: Path) -> list[Finding]:
    frame = read_whole(file)
    unfit = _columns(file, frame)
    if any(finding.status == BROKEN and finding.column != "prediction_time" for finding in unfit):
        return unfit
    return [*unfit, *_values(file, frame), *_subjects(place, file, frame)]


def _columns(file: Path, frame: pl.DataFrame) -> list[Finding]:
    allowed = {**_REQUIRED, **_PREDICTED}
    findings = [
        _finding(BROKEN, file, zoned.what, "prediction_time", frame.height, str(zoned.remedy))
        for zoned in zone_findings([file], "prediction_time")
    ]
    for name, kind in frame.schema.items():
        is_zoned = isinstance(kind, pl.Datetime) and kind.time_zone is not None
        if name in allowed and kind != allowed[name] and not (is_zoned and findings):
            remedy = f"write it as {allowed[name]}"
            findings.append(
                _finding(BROKEN, file, f"column '{name}' has type {kind}", name, frame.height, remedy)
            )
    missing = [name for name in _REQUIRED if name not in frame.columns]
    if not missing and not any(name in frame.columns for name in _PREDICTED):
        missing = list(_PREDICTED)
    if missing:
        remedy = f"write the columns {', '.join(allowed)}"
        what = f"columns are missing: {', '.join(missing)}"
        findings.append(_finding(BROKEN, file, what, missing[0], len(missing), remedy))
    extra = [name for name in frame.columns if name not in allowed]
    if extra:
        what = f"columns that the schema does not have: {listed(extra)}"
        findings.append(
            _finding(BROKEN, file, what, extra[0], len(extra), f"put them into {_REPLICATES}, or drop them")
        )
    return findings


def _values(file: Path, frame: pl.DataFrame) -> list[Finding]:
    findings = []
    nulls = frame.filter(pl.any_horizontal(pl.col(list(_REQUIRED)).is_null()))
    if nulls.height:
        what, remedy = "nulls in required columns", "predict again"
        findings.append(_finding(BROKEN, file, what, None, nulls.height, remedy, nulls))
    known = frame.drop_nulls(_REQUIRED)
    repeated = known.filter(~pl.struct(SAMPLE_KEY).is_first_distinct())
    if repeated.height:
        what, remedy = "samples with more than one prediction", "keep one prediction per sample"
        findings.append(_finding(BROKEN, file, what, None, repeated.height, remedy, repeated))
    if known.height and known["boolean_value"].n_unique() == 1:
        what = "every sample has the same label: discrimination cannot be judged"
        remedy = "predict samples with the event and without it"
        findings.append(_finding(WARNING, file, what, "boolean_value", known.height, remedy, known))
    if _PROBABILITY in frame.columns:
        inside = pl.col(_PROBABILITY).is_between(0, 1).fill_null(value=False)
        outside = frame.filter(~inside)
        if outside.height:
            what = "probabilities that are null, NaN or outside 0 to 1"
            remedy = "calibrate the scores to probabilities"
            findings.append(_finding(BROKEN, file, what, _PROBABILITY, outside.height, remedy, outside))
    return findings


def _subjects(place: Place, file: Path, frame: pl.DataFrame) -> list[Finding]:
    """Subjects that the dataset does not have; predictions of those that the model was fitted on."""
    findings = []
    if place.survey is not None:
        strangers = frame.join(place.survey.subjects, on="subject_id", how="anti")
        if strangers.height:
            findings.append(
                _finding(
                    BROKEN,
                    file,
                    "subjects that the dataset does not have",
                    "subject_id",
                    strangers["subject_id"].n_unique(),
                    "name the dataset that was predicted with --dataset",
                    strangers,
                )
            )
    beside = file.with_name(_REPLICATES)
    splits = place.path / "splits.parquet"
    if beside.is_file() and splits.is_file():
        return findings + _fitted(beside, splits)
    if place.survey is not None and place.survey.dataset.splits is not None:
        train = place.survey.dataset.splits.filter(pl.col("split") == TRAIN)
        seen = frame.join(train, on="subject_id", how="semi")
        if seen.height:
            n = frame["subject_id"].n_unique()
            what = (
                f"{percent(seen['subject_id'].n_unique(), n)} of the subjects are in the dataset's own "
                "training split"
            )
            findings.append(
                _finding(
                    WARNING,
                    file,
                    what,
                    "subject_id",
                    seen["subject_id"].n_unique(),
                    "if the model was fitted on them, predict held-out subjects only; cross-validated "
                    "predictions are sound",
                    seen,
                )
            )
    return findings


def _fitted(file: Path, splits: Path) -> list[Finding]:
    """Predictions of a fold for subjects that it was trained on."""
    replicates, divided = read_whole(file), pl.read_parquet(splits)
    has = {"replicate", "fold", *SAMPLE_KEY} <= set(replicates.columns)
    if not has or not {"repeat", "fold", "subject_id", "split"} <= set(divided.columns):
        return []
    train = divided.filter(pl.col("split") == TRAIN).select(
        "subject_id", replicate=pl.col("repeat").cast(pl.Int64), fold=pl.col("fold").cast(pl.Int64)
    )
    leaked = replicates.join(train, on=["subject_id", "replicate", "fold"], how="semi")
    if leaked.is_empty():
        return []
    what = "predictions of subjects that the fold was trained on"
    remedy = "no figure of this model can be trusted: predict again"
    return [_finding(BROKEN, file, what, "subject_id", leaked.height, remedy, leaked)]


def _finding(
    status: str,
    file: Path,
    what: str,
    column: str | None,
    count: int,
    remedy: str,
    rows: pl.DataFrame | None = None,
) -> Finding:
    """A finding whose example is the first of the rows, else the file."""
    key = {} if rows is None else rows.select(SAMPLE_KEY).row(0, named=True)
    shown = example(**key) or example(file=file)
    return Finding(status, what, file=str(file), column=column, count=count, example=shown, remedy=remedy)
