"""Predictions: what the foreign schema refuses, and what no schema sees."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from flexible_schema import SchemaValidationError, TableValidationError
from meds_evaluation.schema import PredictionSchema
from planted import START, rewrite

from osler.checks.doctor import examine
from osler.record.dataset import open_dataset

DAY = dt.timedelta(days=1)
N = 60
KEY = {"subject_id": 7, "prediction_time": (START + 8 * DAY).isoformat()}
FIRST = pl.col("subject_id") == 7
PROBABILITY = "predicted_boolean_probability"


def predicted(subjects: list[int] | None = None) -> pl.DataFrame:
    ids = pl.Series("subject_id", subjects or list(range(1, N + 1)), dtype=pl.Int64)
    time = (pl.lit(START + DAY) + pl.duration(days="subject_id")).cast(pl.Datetime("us"))
    return pl.DataFrame(ids).with_columns(
        prediction_time=time,
        boolean_value=pl.col("subject_id") % 3 == 0,
        predicted_boolean_value=pl.col("subject_id") % 2 == 0,
        predicted_boolean_probability=(pl.col("subject_id") % 50 / 50).cast(pl.Float32),
    )


@pytest.fixture
def write(tmp_path: Path):
    def make(frame: pl.DataFrame, model: str = "gbm") -> Path:
        folder = tmp_path / "predictions" / model
        folder.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(folder / "data.parquet")
        (folder / "data.parquet").chmod(0o600)
        return folder.parent

    return make


def _passes(frame: pl.DataFrame) -> bool:
    try:
        PredictionSchema.validate(frame.to_arrow())
    except (SchemaValidationError, TableValidationError):
        return False
    return True


def _first(probability: float | None) -> dict[str, pl.Expr]:
    """One probability becomes another."""
    value = pl.lit(probability, dtype=pl.Float32)
    return {PROBABILITY: pl.when(FIRST).then(value).otherwise(PROBABILITY)}


def _in_zone(zone: str) -> dict[str, pl.Expr]:
    return {"prediction_time": pl.col("prediction_time").dt.replace_time_zone(zone)}


def test_sound_predictions(write):
    assert _passes(predicted())
    report = examine(write(predicted()))
    assert (report["kind"], report["status"]) == ("predictions", "ok")


@pytest.mark.parametrize(
    ("change", "column", "count", "example", "schema_sees_it"),
    [
        (_first(1.5), PROBABILITY, 1, KEY, False),
        (_first(float("nan")), PROBABILITY, 1, KEY, False),
        (_first(None), PROBABILITY, 1, KEY, False),
        ({PROBABILITY: pl.col(PROBABILITY).cast(pl.Float64)}, PROBABILITY, N, None, True),
        ({"boolean_value": pl.when(~FIRST).then("boolean_value")}, None, 1, KEY, True),
        ({"fold": pl.lit(1)}, "fold", 1, None, True),
        (_in_zone("UTC"), "prediction_time", N, None, True),
    ],
)
def test_broken_predictions(write, only, change, column, count, example, schema_sees_it):
    frame = predicted().with_columns(**change)
    folder = write(frame)
    found = only(folder, "predictions", "broken")
    assert (found["column"], found["count"]) == (column, count)
    assert found["example"] == (example or {"file": str(folder / "gbm" / "data.parquet")})
    assert _passes(frame) != schema_sees_it


def test_columns_that_are_missing(write, only):
    found = only(write(predicted().drop("boolean_value")), "predictions", "broken")
    assert found["column"] == "boolean_value"
    folder = write(predicted().drop(PROBABILITY, "predicted_boolean_value"))
    (folder / "gbm" / "replicates.parquet").write_bytes(b"")
    (folder / "gbm" / "replicates.parquet").chmod(0o600)
    assert only(folder, "predictions", "broken")["count"] == 2


def test_the_same_sample_twice_and_one_class(write, only):
    found = only(write(pl.concat([predicted(), predicted().filter(FIRST)])), "predictions", "broken")
    assert (found["count"], found["example"]) == (1, KEY)
    found = only(write(predicted().with_columns(boolean_value=pl.lit(value=False))), "predictions")
    assert "same label" in found["what"]


def test_faults_of_several_models_are_one_finding(write, only):
    wrong = predicted().with_columns(predicted_boolean_probability=pl.lit(2.0, pl.Float32))
    write(wrong, "gbm")
    found = only(write(wrong, "lr"), "predictions", "broken")
    assert (found["count"], "(in 2 files)" in found["what"]) == (2 * N, True)


def test_subjects_that_were_trained_on(write, sound, only):
    splits = open_dataset(sound).splits
    sides = {name: splits.filter(split=name)["subject_id"].to_list() for name in ("train", "held_out")}
    assert examine(write(predicted(sides["held_out"])), dataset=sound)["status"] == "ok"
    found = only(write(predicted(sides["held_out"] + sides["train"][:2])), "predictions", dataset=sound)
    assert (found["count"], found["example"]["subject_id"]) == (2, sides["train"][0])


def test_subjects_that_the_dataset_lacks(write, sound, only):
    held_out = open_dataset(sound).splits.filter(split="held_out")["subject_id"].to_list()
    found = only(write(predicted([*held_out, 700])), "predictions", "broken", dataset=sound)
    assert (found["count"], found["example"]["subject_id"]) == (1, 700)


def test_a_fold_that_predicts_whom_it_trained_on(write, only):
    ids = list(range(1, N + 1))
    folder = write(predicted())
    sides = ("train", "held_out")
    rows = [(f"r0f{fold}", 0, fold, i, sides[i % 2 == fold]) for fold in (0, 1) for i in ids]
    columns = ["split_id", "repeat", "fold", "subject_id", "split"]
    pl.DataFrame(rows, schema=columns, orient="row").write_parquet(folder / "splits.parquet")
    fold = (pl.col("subject_id") % 2).cast(pl.Int64)
    replicates = predicted().with_columns(fold=fold, replicate=pl.lit(0, pl.Int64), k=pl.lit("all"))
    replicates.write_parquet(folder / "gbm" / "replicates.parquet")
    (folder / "gbm" / "replicates.parquet").chmod(0o600)
    assert examine(folder)["status"] == "ok"
    swapped = pl.when(FIRST).then(1 - pl.col("fold")).otherwise("fold")
    rewrite(folder / "gbm" / "replicates.parquet", lambda f: f.with_columns(fold=swapped))
    found = only(folder, "predictions", "broken")
    assert (found["count"], found["example"]) == (1, KEY)
