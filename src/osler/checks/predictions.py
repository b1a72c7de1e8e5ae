"""Do the predictions pass meds-evaluation's schema, with probabilities between 0 and 1?"""

from pathlib import Path

import polars as pl

from osler.checks.finding import BROKEN, OK, Finding, counted
from osler.checks.place import Place
from osler.record.schema import SAMPLE_KEY

# The columns of meds-evaluation's PredictionSchema, which is not needed to use Osler: required ones, then the
# two of which at least one must be there.
_REQUIRED = {"subject_id": pl.Int64, "prediction_time": pl.Datetime("us"), "boolean_value": pl.Boolean}
_PROBABILITY = "predicted_boolean_probability"
_PREDICTED = {"predicted_boolean_value": pl.Boolean, _PROBABILITY: pl.Float32}


def check(place: Place) -> list[Finding]:
    """Look at `data.parquet` of every model."""
    files = sorted([*place.path.glob("data.parquet"), *place.path.glob("*/data.parquet")])
    findings = [finding for file in files for finding in _model(file)]
    return findings or [Finding(OK, f"predictions of {counted(len(files), 'model')}", file=str(place.path))]


def _model(file: Path) -> list[Finding]:
    frame = pl.read_parquet(file)
    allowed = {**_REQUIRED, **_PREDICTED}
    for name, kind in frame.schema.items():
        if name in allowed and kind != allowed[name]:
            return [
                _broken(file, f"column '{name}' has type {kind}", name, None, f"write it as {allowed[name]}")
            ]
    missing = [name for name in _REQUIRED if name not in frame.columns]
    if missing or not any(name in frame.columns for name in _PREDICTED):
        names = missing or list(_PREDICTED)
        remedy = f"write the columns {', '.join(allowed)}"
        return [_broken(file, f"columns are missing: {', '.join(names)}", names[0], len(names), remedy)]
    extra = [name for name in frame.columns if name not in allowed]
    findings = []
    if extra:
        what = f"columns that the schema does not have: {', '.join(extra)}"
        findings.append(_broken(file, what, extra[0], len(extra), "put them into replicates.parquet"))
    nulls = sum(frame[name].null_count() for name in _REQUIRED)
    if nulls:
        findings.append(_broken(file, "nulls in required columns", None, nulls, "predict again"))
    repeated = frame.height - frame.select(SAMPLE_KEY).n_unique()
    if repeated:
        findings.append(
            _broken(file, "samples with more than one prediction", None, repeated, "predict again")
        )
    if _PROBABILITY in frame.columns:
        outside = frame.filter(~pl.col(_PROBABILITY).is_between(0, 1).fill_null(value=False)).height
        if outside:
            what = "probabilities that are null, NaN or outside 0 to 1"
            findings.append(
                _broken(file, what, _PROBABILITY, outside, "calibrate the scores to probabilities")
            )
    return findings


def _broken(file: Path, what: str, column: str | None, count: int | None, remedy: str) -> Finding:
    return Finding(BROKEN, what, file=str(file), column=column, count=count, remedy=remedy)
