"""Datasets at the edge of what can be opened: the doctor says what is wrong and does not fall over."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from planted import START, sound_events, write_dataset

from osler.base.errors import InputError
from osler.checks.doctor import examine


def _raw(folder: Path, frame: pl.DataFrame | pa.Table) -> Path:
    (folder / "data").mkdir(parents=True)
    pq.write_table(frame if isinstance(frame, pa.Table) else frame.to_arrow(), folder / "data" / "0.parquet")
    return folder


def _found(path: Path) -> dict[str, str]:
    """Status of each check that has something to say."""
    findings = examine(path)["findings"]
    return {one["check"]: one["status"] for one in findings if one["status"] != "ok"}


def test_no_rows(tmp_path):
    path = write_dataset(tmp_path, sound_events(2))
    for shard in (path / "data").glob("*.parquet"):
        pq.write_table(pq.read_table(shard).slice(0, 0), shard)
    found = _found(path)
    assert found.pop("manifest", None) is None
    assert found == {"dataset_files": "warning", "dataset_splits": "warning"}


BARE = {"subject_id": [1, 1, 2], "time": [None, START, START], "code": ["GENDER//F", "LAB//x", "LAB//x"]}


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"numeric_value": pl.Series([None, 1.0, 2.0], dtype=pl.Float64)},
        {"numeric_value": pl.Series([None, None, None], dtype=pl.Float32)},
        {"text_value": pl.Series(["a", None, "b"])},
        {"unit": pl.Series([None, "mg/dL", "mg/dL"])},
        {"extra": pl.Series([[1], [], None])},
        {"code": pl.Series(BARE["code"], dtype=pl.Categorical)},
    ],
)
def test_columns_that_are_missing_or_of_other_types(tmp_path, columns):
    frame = pl.DataFrame(BARE, schema_overrides={"time": pl.Datetime("us")}).with_columns(**columns)
    found = _found(_raw(tmp_path, frame))
    # Polars writes other string types than MEDS wants; there is no code book.
    assert found == {"dataset_schema": "warning", "dataset_codes": "warning"}


def test_every_code_is_null(tmp_path):
    frame = pl.DataFrame(BARE, schema_overrides={"time": pl.Datetime("us")})
    frame = frame.with_columns(code=pl.lit(None, pl.String), numeric_value=pl.lit(1.0))
    found = _found(_raw(tmp_path, frame))
    assert found["dataset_order"] == "broken"


def test_null_subjects(tmp_path):
    frame = pl.DataFrame(BARE, schema_overrides={"time": pl.Datetime("us")})
    frame = frame.with_columns(subject_id=pl.Series([None, None, 2], dtype=pl.Int64))
    report = examine(_raw(tmp_path, frame))
    (found,) = [one for one in report["findings"] if one["status"] == "broken"]
    assert (found["check"], found["count"]) == ("dataset_order", 2)
    assert found["example"] == {"file": str(tmp_path / "data" / "0.parquet")}


@pytest.mark.parametrize(
    ("name", "content", "check"),
    [
        ("codes.parquet", b"no parquet", "dataset_schema"),
        ("subject_splits.parquet", b"no parquet", "dataset_schema"),
        ("dataset.json", b"[]", "dataset_files"),
        ("dataset.json", b'{"osler": {"dates": 5}}', "dataset_calendar"),
    ],
)
def test_metadata_that_cannot_be_read(tmp_path, name, content, check):
    path = write_dataset(tmp_path, sound_events(12))
    (path / "metadata" / name).write_bytes(content)
    found = examine(path)["findings"]
    assert check in [one["check"] for one in found if one["status"] != "ok"], found


def test_the_dataset_of_labels_cannot_be_opened(tmp_path):
    labels = tmp_path / "labels"
    labels.mkdir()
    n = 30
    frame = pl.DataFrame({"subject_id": range(n), "boolean_value": [i % 2 == 0 for i in range(n)]})
    frame.with_columns(prediction_time=pl.lit(START).cast(pl.Datetime("us"))).write_parquet(
        labels / "0.parquet"
    )
    report = examine(labels, dataset=tmp_path / "nothing")
    broken = [one for one in report["findings"] if one["status"] == "broken"]
    # Several checks need it; it is said once.
    assert [one["what"] for one in broken] == ["no such folder"]
    with pytest.raises(InputError, match="no such folder"):
        examine(tmp_path / "nothing")


@pytest.mark.parametrize("content", [b"", b"PAR1 and nothing else PAR1"])
def test_results_that_are_damaged(tmp_path, content):
    for folder, mark, file in (
        ("vectors", "encoder.json", "document/0.parquet"),
        ("phenotypes", None, "phenotypes.parquet"),
        ("run", "study.json", "splits.parquet"),
        ("predictions", "gbm/replicates.parquet", "gbm/data.parquet"),
    ):
        place = tmp_path / folder
        for name in (mark, file):
            if name is not None:
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).write_bytes(b"{}" if name.endswith("json") else content)
                (place / name).chmod(0o600)
        broken = [one for one in examine(place)["findings"] if one["status"] == "broken"]
        assert [one["example"] for one in broken] == [{"file": str(place / file)}], folder
