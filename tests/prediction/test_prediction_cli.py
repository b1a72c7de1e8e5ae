"""`osler predict fit` on a small dataset: counts, splits of the dataset, JSON, and bad requests."""

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from osler.base.errors import InputError
from osler.cli.predict import app
from osler.record.schema import CODE_TYPES
from osler.record.write import write_events, write_metadata


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 subjects; code A makes the event likely; a dataset without splits and one with."""
    root = tmp_path_factory.mktemp("cli")
    rng = np.random.default_rng(0)
    subject = np.arange(1, 121)
    exposed = rng.random(120) < 0.5
    event = rng.random(120) < np.where(exposed, 0.7, 0.15)
    rows = [
        {"subject_id": s, "time": datetime(2020, 1, 1), "code": code, "numeric_value": value}
        for s, e in zip(subject, exposed, strict=True)
        for code, value in (("A" if e else "B", None), ("LAB//x", float(rng.normal())))
    ]
    schema = {
        "subject_id": pl.Int64,
        "time": pl.Datetime("us"),
        "code": pl.String,
        "numeric_value": pl.Float32,
    }
    events = pl.DataFrame(rows, schema=schema)
    splits = pl.DataFrame(
        {"subject_id": subject, "split": ["train"] * 80 + ["held_out"] * 40},
        schema={"subject_id": pl.Int64, "split": pl.String},
    )
    book = pl.DataFrame(schema=CODE_TYPES)
    for name, given in (("plain", None), ("split", splits)):
        write_events(root / name, "0", events)
        write_metadata(root / name, name="small", codes=book, used=events["code"].unique(), splits=given)
    labels = pl.DataFrame(
        {"subject_id": subject, "prediction_time": [datetime(2020, 6, 1)] * 120, "boolean_value": event},
        schema={"subject_id": pl.Int64, "prediction_time": pl.Datetime("us"), "boolean_value": pl.Boolean},
    )
    (root / "death").mkdir()
    labels.write_parquet(root / "death" / "labels.parquet")
    return root


def call(folder: Path, out: Path, *more: str, dataset: str = "plain") -> dict[str, object]:
    arguments = ["fit", str(folder / "death"), "--dataset", str(folder / dataset), "-o", str(out), *more]
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_counts_alone(folder: Path, tmp_path: Path) -> None:
    found = call(folder, tmp_path / "p", "--folds", "3", "--repeats", "2", "--seed", "4")
    assert found["task"] == "death"
    assert found["n_samples"] == 120
    models = found["models"]
    assert isinstance(models, list)
    assert [model["model"] for model in models] == ["counts+lr", "counts+gbm"]
    assert models[0]["auroc"] > 0.65
    replicates = pl.read_parquet(tmp_path / "p" / "counts+lr" / "replicates.parquet")
    assert replicates.height == 240
    assert pl.read_parquet(tmp_path / "p" / "splits.parquet")["split_id"].n_unique() == 6


def test_the_summary_for_people(folder: Path, tmp_path: Path) -> None:
    arguments = ["fit", str(folder / "death"), "--dataset", str(folder / "plain"), "-o", str(tmp_path / "p")]
    result = CliRunner().invoke(app, [*arguments, "--heads", "lr", "--folds", "3"], catch_exceptions=False)
    assert "counts+lr" in result.stdout
    assert "AUROC 0." in result.stdout
    assert "Brier 0." in result.stdout


def test_splits_of_the_dataset(folder: Path, tmp_path: Path) -> None:
    found = call(folder, tmp_path / "p", "--split", "dataset", "--heads", "lr", dataset="split")
    assert found["n_samples"] == 40
    data = pl.read_parquet(tmp_path / "p" / "counts+lr" / "data.parquet")
    assert data["subject_id"].to_list() == list(range(81, 121))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--split", "dataset"], "names no splits"),
        (["--split", "random"], "unknown split"),
        (["--heads", "lr,svm"], "unknown head 'svm'"),
        (["--folds", "1"], "folds"),
        (["--compare-to", "counts+rf"], "no model 'counts.rf'"),
        (["--vectors", "nowhere"], "not a folder of vectors"),
        (["--vectors", "counts"], "names of their own"),
        (["--vectors", "nowhere", "--pool", "max"], "unknown pooling"),
    ],
)
def test_bad_requests(folder: Path, tmp_path: Path, more: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        call(folder, tmp_path / "p", *more)
    assert not (tmp_path / "p").exists()
