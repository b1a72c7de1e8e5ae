"""`osler phenotype fit` and `assign` on counts, end to end."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from osler.base.errors import InputError
from osler.cli.phenotype import app


def run(*arguments: object) -> Any:
    result = CliRunner().invoke(app, [str(argument) for argument in (*arguments, "--json")])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, np.ndarray]:
    """A dataset of two kinds of patients, and labels at the end of their first day."""
    folder = tmp_path_factory.mktemp("phenotypes")
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 120)
    start = datetime(2020, 1, 1)
    rows = []
    for subject, group in enumerate(kind.tolist()):
        rows += [
            (subject, start + timedelta(hours=hour), f"CODE//{group}{rng.integers(6)}", None)
            for hour in range(8)
        ]
        rows.append((subject, start, "LAB//K", 4.0 + 2 * group + rng.normal(0, 0.3)))
    schema = {
        "subject_id": pl.Int64,
        "time": pl.Datetime("us"),
        "code": pl.String,
        "numeric_value": pl.Float32,
    }
    (folder / "d" / "data").mkdir(parents=True)
    events = pl.DataFrame(rows, schema=schema, orient="row").sort("subject_id", "time")
    events.write_parquet(folder / "d" / "data" / "0.parquet")
    (folder / "l").mkdir()
    pl.DataFrame(
        {
            "subject_id": np.arange(120),
            "prediction_time": [start + timedelta(hours=24)] * 120,
            "boolean_value": (kind == 1) & (rng.random(120) < 0.7),
        }
    ).write_parquet(folder / "l" / "labels.parquet")
    return folder / "d", folder / "l", kind


def test_fit_and_assign(folders: tuple[Path, Path, np.ndarray], tmp_path: Path) -> None:
    from sklearn.metrics import adjusted_rand_score

    dataset, labels, kind = folders
    told = run("fit", labels, "--dataset", dataset, "-o", tmp_path / "p", "--k", 2, 4)
    assert told["k chosen"] == [{"kmeans": 2}]
    assert "does not show" in told["caution"]
    members = pl.read_parquet(tmp_path / "p" / "phenotypes.parquet").filter(pl.col("k") == 2)
    assert adjusted_rand_score(kind, members["cluster"]) == 1
    described = pl.read_parquet(tmp_path / "p" / "describe.parquet").filter(pl.col("k") == 2)
    assert described["variable"].str.starts_with("LAB//K").any()
    again = run("assign", tmp_path / "p", dataset, "--labels", labels, "-o", tmp_path / "q")
    assert again["sizes"] == told["sizes"][0]["kmeans"]
    assert (again["columns unseen"], again["columns absent"], again["cells known"]) == (0, 0, 1)
    assert pl.read_parquet(tmp_path / "q" / "phenotypes.parquet")["cluster"].equals(members["cluster"])
    at_end = run("assign", tmp_path / "p", dataset, "-o", tmp_path / "r", "--k", 3)
    assert at_end["samples"] == 120


def test_what_is_refused(folders: tuple[Path, Path, np.ndarray], tmp_path: Path) -> None:
    dataset, labels, _ = folders
    for arguments, message in (
        (("fit", labels, "--dataset", dataset, "--k", 5, 3), "k: give"),
        (("fit", labels, "--dataset", dataset, "--vectors", labels), "no folder of vectors"),
        (("fit", labels, "--dataset", dataset, "--vectors", labels, "--pool", "max"), "unknown pooling"),
        (("assign", labels, dataset), "no saved clustering"),
    ):
        with pytest.raises(InputError, match=message):
            run(*arguments, "-o", tmp_path / "x")


def test_no_bootstraps_are_none_for_slow_arms_too(
    folders: tuple[Path, Path, np.ndarray], tmp_path: Path
) -> None:
    dataset, labels, _ = folders
    arguments = ("fit", labels, "--dataset", dataset, "--arm", "kprototypes", "--k", 2, 2, "--references", 0)
    told = run(*arguments, "--bootstraps", 0, "-o", tmp_path / "p")
    assert told["verdict"] == [{"kprototypes": "not assessed"}]
    assert pl.read_parquet(tmp_path / "p" / "stability.parquet").is_empty()
    run(*arguments, "--bootstraps", 3, "-o", tmp_path / "q")
    assert pl.read_parquet(tmp_path / "q" / "stability.parquet")["bootstraps"].to_list() == [3, 3]
