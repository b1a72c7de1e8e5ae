"""Labels: as other tools write them, with faults, and beside the records that they belong to."""

import datetime as dt
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flexible_schema import TableValidationError
from meds import LabelSchema
from planted import BOOK, START, sound_events, write_dataset

from osler.base.errors import InputError
from osler.checks.doctor import examine
from osler.task.labels import open_labels

DAY = dt.timedelta(days=1)
N = 60


def label_frame(**columns: pl.Series | pl.Expr) -> pl.DataFrame:
    """A sample a day after each admission of the sound dataset; what has the event is unrelated to it."""
    subject = pl.int_range(1, N + 1, dtype=pl.Int64, eager=True)
    frame = pl.DataFrame({"subject_id": subject})
    time = pl.lit(START + DAY) + pl.duration(days="subject_id")
    frame = frame.with_columns(
        prediction_time=time.cast(pl.Datetime("us")), boolean_value=subject * 7 % 11 < 4
    )
    return frame.with_columns(**columns)


@pytest.fixture
def write(tmp_path: Path):
    """Write label files of another tool into a folder."""

    def make(*frames: pl.DataFrame | pa.Table) -> Path:
        folder = tmp_path / "labels"
        folder.mkdir(exist_ok=True)
        for number, frame in enumerate(frames):
            table = frame if isinstance(frame, pa.Table) else meds_types(frame)
            pq.write_table(table, folder / f"{number}.parquet")
        return folder

    return make


def meds_types(frame: pl.DataFrame) -> pa.Table:
    """The Arrow types of MEDS for the columns of a LabelSchema whose kind fits."""
    table = frame.to_arrow()
    for place, field in enumerate(table.schema):
        if field.type == pa.large_string():
            table = table.set_column(place, field.name, table[field.name].cast(pa.string()))
    return table


def test_sound_labels_have_no_findings(write, sound):
    folder = write(label_frame())
    LabelSchema.validate(pq.read_table(folder / "0.parquet"))
    report = examine(folder, dataset=sound)
    assert report["status"] == "ok", report["findings"]
    assert report["kind"] == "labels"


def _as_aces_writes(frame: pl.DataFrame) -> pa.Table:
    """All four columns of values, three of them empty, with the types that ACES 0.7.3 gives them."""
    n = frame.height
    empty = {"integer_value": pa.int64(), "float_value": pa.float32(), "categorical_value": pa.string()}
    table = frame.to_arrow()
    for name, kind in empty.items():
        table = table.append_column(name, pa.nulls(n, kind))
    return table


def test_labels_as_aces_writes_them(write, sound, only):
    half = N // 2
    tables = [_as_aces_writes(label_frame()[:half]), _as_aces_writes(label_frame()[half:])]
    for table in tables:
        with pytest.raises(TableValidationError):
            LabelSchema.validate(table)
    found = only(write(*tables), "label_files", dataset=sound)
    assert "as ACES writes them" in found["what"]
    assert (found["count"], found["column"]) == (6, "integer_value")
    assert open_labels(write(*tables)).frame.equals(label_frame())


FIRST = pl.col("subject_id") == 7
KEY = {"subject_id": 7, "prediction_time": (START + 8 * DAY).isoformat()}


@pytest.mark.parametrize(
    ("columns", "status", "column", "count", "example"),
    [
        # Half of the labels are null, as when two tools filled a file.
        (
            {"boolean_value": pl.when(pl.col("subject_id") < 7).then("boolean_value")},
            "broken",
            "boolean_value",
            54,
            KEY,
        ),
        (
            {"prediction_time": pl.when(~FIRST).then("prediction_time")},
            "broken",
            "prediction_time",
            1,
            {"subject_id": 7},
        ),
        ({"boolean_value": pl.col("boolean_value").cast(pl.Int64)}, "warning", "boolean_value", N, None),
        ({"boolean_value": pl.col("subject_id") % 4}, "broken", "boolean_value", N, None),
        ({"boolean_value": pl.lit("yes")}, "broken", "boolean_value", N, None),
        ({"subject_id": pl.col("subject_id") + 0.5}, "broken", "subject_id", N, None),
        ({"prediction_time": pl.col("prediction_time").dt.date()}, "warning", "prediction_time", N, None),
        ({"integer_value": pl.when(FIRST).then(pl.lit(1, pl.Int64))}, "warning", "integer_value", 1, KEY),
        ({"note": pl.lit("x")}, "warning", "note", 1, None),
        (
            {"prediction_time": pl.col("prediction_time").dt.replace_time_zone("UTC")},
            "warning",
            "prediction_time",
            1,
            None,
        ),
        (
            {"prediction_time": pl.col("prediction_time").dt.replace_time_zone("Asia/Tokyo")},
            "broken",
            "prediction_time",
            1,
            None,
        ),
    ],
)
def test_what_is_wrong_with_a_file(write, only, columns, status, column, count, example):
    folder = write(label_frame(**columns))
    found = only(folder, "label_files", status)
    assert (found["column"], found["count"]) == (column, count)
    assert found["example"] == (example or {"file": str(folder / "0.parquet")})
    if status == "broken" and "zone" not in found["what"]:
        with pytest.raises(InputError) as caught:
            open_labels(folder)
        assert "yes" not in str(caught.value)
    else:
        assert open_labels(folder).frame.height == N


def test_labels_of_another_type_only(write, only):
    folder = write(label_frame().rename({"boolean_value": "float_value"}).cast({"float_value": pl.Float32}))
    assert "another type" in only(folder, "label_files", "broken")["what"]
    assert "no column" in only(write(label_frame().drop("boolean_value")), "label_files", "broken")["what"]


def test_samples_that_are_labelled_twice(write, only):
    again = label_frame().filter(FIRST)
    found = only(write(label_frame(), again), "label_files")
    assert (found["count"], found["example"]) == (1, KEY)
    found = only(write(label_frame(), again.with_columns(~pl.col("boolean_value"))), "label_files", "broken")
    assert (found["count"], found["example"]) == (1, KEY)


def test_labels_without_rows_and_of_one_class(write, only):
    assert only(write(label_frame()[:0]), "label_files", "broken")["what"] == "the labels have no rows"
    found = only(write(label_frame(boolean_value=pl.lit(value=True))), "labels", "broken")
    assert found["count"] == N
    found = only(write(label_frame(boolean_value=FIRST)), "labels")
    assert (found["count"], found["example"]) == (1, KEY)


def test_subjects_and_times_beside_the_record(write, sound, only):
    strange = pl.when(FIRST).then(pl.lit(700, pl.Int64)).otherwise("subject_id")
    found = only(write(label_frame(subject_id=strange)), "labels", "broken", dataset=sound)
    assert (found["count"], found["example"]["subject_id"]) == (1, 700)
    # Birth is no event of the stay: a sample before the admission has an empty record.
    early = pl.when(FIRST).then(pl.lit(START)).otherwise("prediction_time")
    found = only(write(label_frame(prediction_time=early)), "labels", dataset=sound)
    assert (found["count"], found["example"]) == (1, {"subject_id": 7, "prediction_time": START.isoformat()})
    late = (
        pl.when(pl.col("subject_id").is_in([10, 11]))
        .then(pl.lit(START + 60 * DAY))
        .otherwise("prediction_time")
    )
    found = only(write(label_frame(prediction_time=late)), "labels", dataset=sound)
    # Subject 10 has died by then, subject 11 has not.
    assert (found["count"], found["example"]["subject_id"]) == (1, 10)


def test_sites_with_too_few_events(write, tmp_path, only):
    site = pl.when(pl.col("subject_id") <= 15).then(pl.lit("small")).otherwise("hospital")
    dataset = write_dataset(tmp_path / "dataset", sound_events().with_columns(hospital=site))
    frame = label_frame(boolean_value=pl.col("subject_id") % 2 == 0)
    found = [f for f in examine(write(frame), dataset=dataset)["findings"] if f["check"] == "label_sites"]
    # Odd subjects are in the north: there, and in the small hospital, one class is short.
    assert [f["count"] for f in found] == [3]
    assert found[0]["example"] == {"site": "small"}
    assert "small 7/8" in found[0]["what"]
    assert "north 0/22" in found[0]["what"]
    balanced = label_frame(boolean_value=(pl.col("subject_id") // 2) % 2 == 0)
    found = only(write(balanced), "label_sites", dataset=dataset)
    assert (found["count"], "small 7/8" in found["what"]) == (1, True)


def test_a_code_that_tells_the_outcome(write, tmp_path, only):
    def shown(offset: dt.timedelta) -> Path:
        """Every subject with the event has a code of it, before or after the prediction time."""
        told = label_frame().filter("boolean_value")
        extra = told.select("subject_id", time=pl.col("prediction_time") + offset)
        events = pl.concat(
            [sound_events(), extra.with_columns(code=pl.lit("ICD10CM//R57.0"))], how="diagonal"
        )
        folder = tmp_path / f"dataset{offset.total_seconds()}"
        hospital = pl.when(pl.col("subject_id") % 2 == 1).then(pl.lit("north")).otherwise(pl.lit("south"))
        book = {**{code: words for code, (words, _) in BOOK.items()}, "ICD10CM//R57.0": "Cardiogenic shock"}
        codes = pl.DataFrame({"code": list(book), "description": list(book.values())})
        return write_dataset(folder, events.with_columns(hospital=hospital), codes=codes)

    found = only(write(label_frame()), "label_leaks", dataset=shown(-DAY / 24))
    assert found["count"] == 1
    assert found["example"]["code"] == "ICD10CM//R57.0"
    assert found["example"]["subject_id"] * 7 % 11 < 4
    assert "1.000" in found["what"]
    assert examine(write(label_frame()), dataset=shown(DAY / 24))["status"] == "ok"
