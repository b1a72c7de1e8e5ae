"""Nothing of a record's text comes out of the doctor, however broken the record is."""

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest
from planted import START, rewrite, sound_events, write_dataset

from osler.record.dataset import open_dataset
from osler.statements.settings import TextSettings
from osler.statements.write import make_texts

DAY = dt.timedelta(days=1)
CANARY = "CANARY-{}-Mrs-Smith"


def _full_of_faults(folder: Path) -> Path:
    """Every event carries a canary, and most checks of a dataset have a reason to speak."""
    events = sound_events().with_row_index("row")
    events = events.with_columns(text_value=pl.format("CANARY-{}-Mrs-Smith", "row")).drop("row")
    events = pl.concat([events, events.filter(pl.col("subject_id") < 4)])
    moved = (
        pl.when(pl.col("subject_id") == 10)
        .then(pl.col("time") + 300 * DAY)
        .when(pl.col("subject_id") == 11)
        .then(pl.lit(dt.datetime(1800, 1, 1)))
        .when(pl.col("subject_id") == 12)
        .then(None)
        .otherwise("time")
    )
    events = events.with_columns(time=pl.when(pl.col("code") == "MEDS_DEATH").then("time").otherwise(moved))
    events = events.with_columns(
        numeric_value=pl.when(pl.col("subject_id") == 13).then(-999.0).otherwise("numeric_value")
    )
    events = events.with_columns(
        code=pl.when(pl.col("subject_id") == 14).then(pl.lit("COL//died")).otherwise("code")
    )
    path = write_dataset(folder / "dataset", events)
    rewrite(path / "data" / "0.parquet", lambda f: f.reverse())
    rewrite(path / "data" / "1.parquet", lambda f: f.with_columns(pl.col("time").dt.replace_time_zone("UTC")))
    return path


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    dataset = _full_of_faults(tmp_path)
    labels = tmp_path / "labels"
    labels.mkdir()
    n = 40
    frame = pl.DataFrame({"subject_id": range(1, n + 1)}).with_columns(
        prediction_time=(pl.lit(START + DAY) + pl.duration(days="subject_id")).cast(pl.Datetime("us")),
        boolean_value=pl.col("subject_id") % 2 == 0,
        categorical_value=pl.format("CANARY-{}-Mrs-Smith", "subject_id"),
    )
    frame.write_parquet(labels / "0.parquet")
    wrong = tmp_path / "wrong_labels"
    wrong.mkdir()
    frame.with_columns(boolean_value=pl.col("categorical_value")).write_parquet(wrong / "0.parquet")
    texts = tmp_path / "texts"
    clean = write_dataset(tmp_path / "clean", sound_events().with_columns(text_value=pl.lit(CANARY)))
    samples = frame.select("subject_id", "prediction_time").with_columns(site=pl.lit("a"))
    make_texts(open_dataset(clean), samples, texts, settings=TextSettings())
    for file in texts.glob("statements/*.parquet"):
        rewrite(file, lambda f: f.with_columns(pl.col("text") + "!"))
    return [dataset, labels, wrong, texts]


def test_no_text_of_a_record_in_text_or_json(folders, osler):
    spoken: set[str] = set()
    for folder in folders:
        for options in ([], ["--json"]):
            given = [] if folder == folders[0] else ["--dataset", folders[0]]
            told = osler("doctor", folder, *given, *options)
            assert told.code in (0, 3), told.err
            assert "CANARY" not in told.out + told.err
            assert "Smith" not in told.out + told.err
            if options:
                spoken |= {f["check"] for f in json.loads(told.out)["findings"] if f["status"] != "ok"}
    # The test means something only where the checks had something to say.
    assert spoken >= {
        "dataset_order",
        "dataset_times",
        "dataset_calendar",
        "dataset_duplicates",
        "dataset_outcomes",
        "label_files",
        "labels",
        "texts",
    }, spoken
