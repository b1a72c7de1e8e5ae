"""The labels that are made of a simulated record equal the truth that it was simulated from."""

from pathlib import Path

import polars as pl
import pytest

from osler.record.dataset import open_dataset
from osler.simulate.settings import SimulateSettings
from osler.simulate.simulate import simulate, truth_folder
from osler.task.label import make_labels, parse_task


@pytest.mark.parametrize(("task", "outcome"), [("mortality", "death"), ("readmission", "readmission")])
def test_labels_equal_the_truth(tmp_path: Path, task: str, outcome: str) -> None:
    simulate(tmp_path / "sim", settings=SimulateSettings(subjects=300, hospitals=3, seed=11))
    settings = parse_task({"use": task}, where="test")
    labels = make_labels(open_dataset(tmp_path / "sim"), tmp_path / "labels", settings=settings)
    time = f"{outcome}_prediction_time"
    truth = pl.read_parquet(truth_folder(tmp_path / "sim") / "outcomes.parquet").filter(
        pl.col(time).is_not_null(), pl.col(outcome).is_not_null()
    )
    truth = truth.select("subject_id", prediction_time=time, boolean_value=outcome)
    assert labels.frame.height > 300
    assert 0 < labels.n_events < labels.frame.height
    assert labels.frame.equals(truth.sort("subject_id", "prediction_time"))
