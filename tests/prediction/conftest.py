"""Small cohorts for the tests of predictions."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from osler.represent.features import Features, dense_features
from osler.represent.views import Keep
from osler.task.labels import Labels, bare_samples

MakeLabels = Callable[..., Labels]


@pytest.fixture
def make_labels() -> MakeLabels:
    def build(y: np.ndarray, *, subject: np.ndarray | None = None) -> Labels:
        subjects = np.arange(len(y)) + 1000 if subject is None else subject
        times = [datetime(2020, 1, 1) + timedelta(hours=i) for i in range(len(y))]
        frame = pl.DataFrame(
            {"subject_id": subjects, "prediction_time": times, "boolean_value": y},
            schema={
                "subject_id": pl.Int64,
                "prediction_time": pl.Datetime("us"),
                "boolean_value": pl.Boolean,
            },
        ).sort("subject_id", "prediction_time")
        return Labels(
            path=Path("labels"),
            frame=frame,
            samples=bare_samples(frame).with_columns(sex=pl.lit("female")),
            attrition=pl.DataFrame(),
            task={"name": "death"},
            hash="labels",
        )

    return build


@pytest.fixture
def make_folds() -> Callable[..., pl.DataFrame]:
    def build(labels: Labels, *, folds: int = 3, repeats: int = 1) -> pl.DataFrame:
        subjects = labels.frame["subject_id"].unique().sort().to_numpy()
        place = np.arange(len(subjects))
        parts = []
        for repeat in range(repeats):
            dealt = (place + repeat * (place // folds)) % folds
            for fold in range(folds):
                parts.append(
                    pl.DataFrame(
                        {
                            "split_id": f"r{repeat}f{fold}",
                            "repeat": repeat,
                            "fold": fold,
                            "subject_id": subjects,
                            "split": np.where(dealt == fold, "held_out", "train"),
                        }
                    )
                )
        return pl.concat(parts)

    return build


@pytest.fixture
def make_features() -> Callable[..., dict[str, Features]]:
    """Counts (sparse, two value columns that are often missing) and vectors (dense) that know the outcome."""

    def build(y: np.ndarray, *, seed: int = 0) -> dict[str, Features]:
        rng = np.random.default_rng(seed)
        values = rng.normal(size=(len(y), 2)) + y[:, None]
        values[rng.random(values.shape) < 0.3] = 0.0
        counts = rng.poisson(0.5 + y[:, None] * np.array([1.0, 0.3, 0.0, 0.0]), (len(y), 4))
        matrix = sparse.csr_matrix(np.hstack([values, counts]).astype(np.float32))
        names = ["LAB//a|ever|last", "LAB//b|ever|last", *(f"DX//{i}|ever|count" for i in range(4))]
        is_value = np.array([True, True, False, False, False, False])
        vectors = rng.normal(size=(len(y), 5)).astype(np.float32) + y[:, None].astype(np.float32)
        return {
            "counts": Features(
                name="counts",
                matrix=matrix,
                names=names,
                make_transformer=partial(Keep, names=names, value_columns=is_value),
                value_columns=is_value,
            ),
            "vectors": dense_features("vectors", vectors, [f"v{i}" for i in range(5)]),
        }

    return build
