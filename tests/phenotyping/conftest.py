"""Mixed variables with planted clusters, and a clustering of a dataset, for tests of several files."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from mixed_tables import Mixed, mixed_table


@pytest.fixture(scope="session")
def mixed() -> Callable[..., Mixed]:
    """`mixed(n, seed=..., clusters=..., missing=...)` makes a table and its planted clusters."""
    return mixed_table


Dataset = Callable[..., Path]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """`dataset(name, ...)` writes records of two kinds of patients: potassium, a ward, codes."""

    def make(name: str, *, lacks: str = "", book: dict[str, Any] | None = None, ward: str = "") -> Path:
        folder = tmp_path_factory.mktemp(name)
        rng = np.random.default_rng(0)
        rows: list[tuple[Any, ...]] = []
        for subject in range(120):
            kind, when = subject % 3 == 0, datetime(2020, 1, 1 + subject % 20)
            place = ward if ward and subject == 0 else ("surgery" if kind else "medicine")
            rows += [
                (subject, when, "LAB//K", 4.0 + 2 * kind + rng.normal(0, 0.3), None),
                (subject, when, "LAB//NA", 140.0 - 6 * kind + rng.normal(0, 1), None),
                (subject, when, "WARD", None, place),
            ]
            rows += [
                (subject, when, f"CODE//{int(kind)}{i}", None, None) for i in range(3) if rng.random() < 0.7
            ]
        schema = {
            "subject_id": pl.Int64,
            "time": pl.Datetime("us"),
            "code": pl.String,
            "numeric_value": pl.Float32,
            "text_value": pl.String,
        }
        events = pl.DataFrame(rows, schema=schema, orient="row").filter(pl.col("code") != lacks)
        (folder / "data").mkdir()
        events.sort("subject_id", "time").write_parquet(folder / "data" / "0.parquet")
        if book is not None:
            (folder / "metadata").mkdir()
            pl.DataFrame([book]).write_parquet(folder / "metadata" / "codes.parquet")
        return folder

    return make


@pytest.fixture(scope="module")
def saved(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A dataset, labels of it, and a clustering of its variables by two arms."""
    from test_phenotypes_command import run
    from test_phenotypes_fit import labels_of

    folder, out = dataset("first"), tmp_path_factory.mktemp("saved")
    labels_of(out / "l", np.arange(120) % 2 == 0)
    pl.read_parquet(out / "l" / "labels.parquet").with_columns(
        prediction_time=pl.lit(datetime(2020, 3, 1))
    ).write_parquet(out / "l" / "labels.parquet")
    run("fit", out / "l", "--dataset", folder, "--arm", "kprototypes", "--arm", "famd+pam", "--k", 2, 2,
        "--bootstraps", 0, "--references", 0, "-o", out / "p")  # fmt: skip
    return folder, out / "l", out / "p"
