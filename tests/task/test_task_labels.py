"""Opening labels: our own, those of other tools, and what is refused."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from meds_folder import ADMISSION, DEATH, DISCHARGE, START, event, write_dataset

from osler.base.errors import InputError
from osler.task.families.mortality import MortalitySettings
from osler.task.label import make_labels, parse_task
from osler.task.labels import open_labels

STAYS = [
    row
    for subject in range(6)
    for row in (
        event(subject, 0, ADMISSION, hospital="A" if subject % 2 else "B"),
        *([event(subject, 50, DEATH)] if subject < 2 else []),
        event(subject, 50, DISCHARGE),
    )
]


def foreign(folder: Path, **columns: Any) -> Path:
    folder.mkdir(parents=True)
    frame = pl.DataFrame({"subject_id": [2, 1, 1], "prediction_time": [START] * 3, **columns})
    frame.write_parquet(folder / "part.parquet")
    return folder


def test_what_we_write_is_meds(tmp_path: Path) -> None:
    import pyarrow.parquet as pq
    from meds import LabelSchema

    labels = make_labels(write_dataset(tmp_path / "d", STAYS), tmp_path / "l", settings=MortalitySettings())
    LabelSchema.validate(pq.read_table(tmp_path / "l" / "data" / "labels.parquet"))
    assert labels.n_events == 2
    assert labels.name == "l"
    again = open_labels(tmp_path / "l")
    assert again.frame.equals(labels.frame)
    assert again.samples["site"].to_list() == ["B", "A"] * 3
    assert again.hash == labels.hash


def test_the_same_work_has_the_same_bytes_and_is_not_redone(tmp_path: Path) -> None:
    one = write_dataset(tmp_path / "d", STAYS)
    first = make_labels(one, tmp_path / "a", settings=MortalitySettings(), name="death")
    second = make_labels(one, tmp_path / "b", settings=MortalitySettings(), name="death")
    assert first.hash == second.hash
    stamp = (tmp_path / "a" / "task.json").stat().st_mtime_ns
    make_labels(one, tmp_path / "a", settings=MortalitySettings(), name="death")
    assert (tmp_path / "a" / "task.json").stat().st_mtime_ns == stamp
    with pytest.raises(InputError, match="other input or options"):
        make_labels(one, tmp_path / "a", settings=MortalitySettings(after_hours=1), name="death")


def test_subjects_in_two_shards_are_refused(tmp_path: Path) -> None:
    write_dataset(tmp_path / "d", STAYS)
    (tmp_path / "d/data/1.parquet").write_bytes((tmp_path / "d/data/0.parquet").read_bytes())
    from osler.record.dataset import open_dataset

    with pytest.raises(InputError, match="more than one shard") as error:
        make_labels(open_dataset(tmp_path / "d"), tmp_path / "l", settings=MortalitySettings())
    assert "count: 6" in str(error.value)


def test_labels_of_other_tools(tmp_path: Path) -> None:
    empty = [None] * 3
    folder = foreign(
        tmp_path / "aces",
        boolean_value=[True, False, False],
        integer_value=pl.Series(empty, dtype=pl.Int64),
        float_value=pl.Series(empty, dtype=pl.Float64),
        categorical_value=pl.Series(empty, dtype=pl.String),
    )
    labels = open_labels(folder)
    assert labels.frame.rows() == [(1, START, False), (2, START, True)]
    assert labels.attrition.filter(pl.col("reason") == "identical duplicates")["n_samples"].item() == 1
    assert labels.samples["group_id"].to_list() == [1, 2]
    assert labels.samples["site"].to_list() == ["unknown"] * 2
    assert labels.name == "aces"
    assert open_labels(folder / "part.parquet").frame.equals(labels.frame)


def test_labels_of_other_tools_take_persons_and_sites_from_the_dataset(tmp_path: Path) -> None:
    folder = foreign(tmp_path / "aces", boolean_value=[True, False, False])
    dataset = write_dataset(tmp_path / "d", STAYS, group_ids={1: 40, 2: 40})
    labels = open_labels(folder, dataset=dataset)
    assert labels.samples["group_id"].to_list() == [40, 40]
    assert labels.samples["site"].to_list() == ["A", "B"]
    assert labels.frame.equals(open_labels(folder).frame)
    assert labels.hash != open_labels(folder).hash


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"boolean_value": [True, True, False]}, "conflicting"),
        ({"boolean_value": [True, None, None]}, "null"),
        ({"integer_value": [1, 2, 3]}, "not supported yet"),
        ({"categorical_value": ["a", "b", "c"]}, "not supported yet"),
        ({"boolean_value": pl.Series([None] * 3, dtype=pl.Boolean)}, "missing or empty"),
        ({}, "missing or empty"),
    ],
)
def test_labels_that_are_refused(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_labels(foreign(tmp_path / "x", **columns))


def test_places_without_labels(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        open_labels(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no label files"):
        open_labels(tmp_path / "empty")


def test_samples_that_do_not_belong_to_the_labels(tmp_path: Path) -> None:
    make_labels(write_dataset(tmp_path / "d", STAYS), tmp_path / "l", settings=MortalitySettings())
    samples = pl.read_parquet(tmp_path / "l" / "samples.parquet")
    samples.head(3).write_parquet(tmp_path / "l" / "samples.parquet")
    with pytest.raises(InputError, match="same rows"):
        open_labels(tmp_path / "l")


def test_keeping_some_samples_is_counted(tmp_path: Path) -> None:
    labels = make_labels(write_dataset(tmp_path / "d", STAYS), tmp_path / "l", settings=MortalitySettings())
    fewer = labels.keep(labels.samples["site"] == "A", reason="other site")
    assert fewer.frame.height == fewer.samples.height == 3
    assert fewer.attrition.filter(pl.col("reason") == "other site")["n_samples"].item() == 3
    assert fewer.attrition.filter(pl.col("step") == "kept")["n_samples"].to_list() == [3]
    assert fewer.hash != labels.hash


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"use": "sepsis"}, "allowed: outcome, mortality, readmission"),
        ({}, "unknown task"),
        ({"use": "mortality", "after": 3}, "after: unknown key"),
        ({"use": "mortality", "after_hours": -1}, "after_hours"),
        ({"use": "outcome"}, "column: required"),
    ],
)
def test_tasks_that_cannot_be_read(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_task(values, where="tasks.death")
