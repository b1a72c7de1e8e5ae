"""Our predictions pass the validator of meds-evaluation, and its numbers are ours."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from meds_evaluation.evaluate import evaluate_binary_classification
from meds_evaluation.schema import PredictionSchema

from osler.prediction.predict import fit_predictions
from osler.prediction.settings import LrSettings, PredictSettings


def test_predictions_are_valid_and_scored_alike(
    make_labels: Any, make_folds: Any, make_features: Any, tmp_path: Path
) -> None:
    y = np.random.default_rng(0).random(200) < 0.4
    labels = make_labels(y, subject=np.arange(200) // 2)
    settings = PredictSettings(heads=["lr"], compare_to=None, lr=LrSettings(C=(1.0,)))
    fit_predictions(
        labels,
        make_features(y),
        make_folds(labels, repeats=2),
        tmp_path / "p",
        settings=settings,
        task_name="t",
    )
    metrics = pl.read_parquet(tmp_path / "p" / "metrics.parquet").filter(pl.col("fold") == "pooled")
    for representation in ("counts", "vectors"):
        file = tmp_path / "p" / f"{representation}+lr" / "data.parquet"
        table = pq.read_table(file)
        PredictionSchema.validate(table)
        assert PredictionSchema.align(table).equals(table)
        theirs = evaluate_binary_classification(pl.read_parquet(file))["samples_equally_weighted"]
        ours = dict(
            metrics.filter(pl.col("representation") == representation).select("metric", "value").iter_rows()
        )
        assert ours["auroc"] == pytest.approx(theirs["roc_auc_score"], abs=1e-9)
        assert ours["auprc"] == pytest.approx(theirs["average_precision_score"], abs=1e-9)
        assert ours["brier"] == pytest.approx(theirs["brier_score"], abs=1e-6)
        assert theirs["binary_accuracy"] > 0.5
