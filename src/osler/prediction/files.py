"""The files of one model: predictions per repeat and fold, one prediction per sample, what was chosen."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osler.base.files import read_json, write_json, write_parquet
from osler.measure.ranking import Floats
from osler.prediction.fit import Fitted
from osler.prediction.plan import Plan
from osler.record.schema import SAMPLE_KEY

DATA = "data.parquet"
REPLICATES = "replicates.parquet"
SAMPLES = "samples.parquet"
CURVES = "curves.parquet"
CHOSEN = "chosen.json"
ALL = "all"
# A predicted probability above one half is a predicted event. Clinical thresholds are set by the user of the
# probability; this column is there because the schema of predictions has it.
THRESHOLD = 0.5

# The columns and types of meds-evaluation's PredictionSchema; probabilities are single precision there.
_PREDICTION = {
    "subject_id": pl.Int64(),
    "prediction_time": pl.Datetime("us"),
    "boolean_value": pl.Boolean(),
    "predicted_boolean_value": pl.Boolean(),
    "predicted_boolean_probability": pl.Float32(),
}


def write_replicates(folder: Path, frame: pl.DataFrame, plan: Plan, fitted: list[Fitted]) -> None:
    """Write the predictions of all splits and what the head chose; the last file says that the model is done.

    Args:
        folder: folder of the model.
        frame: the labels, rows in the order of the plan.
        plan: the splits.
        fitted: predictions, one per split.
    """
    parts = []
    for split, one in zip(plan.splits, fitted, strict=True):
        part = _predictions(frame[split.test], one.probability)
        parts.append(
            part.with_columns(
                fold=pl.lit(split.fold, pl.Int64),
                k=pl.lit(ALL),
                replicate=pl.lit(split.repeat, pl.Int64),
            )
        )
    write_json(
        folder / CHOSEN,
        {
            "format_version": 1,
            "splits": [
                {"split_id": split.split_id, **one.chosen}
                for split, one in zip(plan.splits, fitted, strict=True)
            ],
        },
    )
    write_parquet(folder / REPLICATES, pl.concat(parts), private=True)


def read_replicates(folder: Path, plan: Plan) -> list[Floats]:
    """Held-out probabilities as they are on disk, one array per split of the plan."""
    stored = pl.read_parquet(folder / REPLICATES)["predicted_boolean_probability"].to_numpy()
    edges = np.cumsum([len(split.test) for split in plan.splits])[:-1]
    return np.split(stored.astype(np.float64), edges)


def write_data(folder: Path, labels: Any, plan: Plan, probabilities: list[Floats]) -> Floats:
    """Write one prediction per sample (the mean over repeats) and its sidecar.

    Args:
        folder: folder of the model.
        labels: the labels.
        plan: the splits.
        probabilities: held-out probabilities, one array per split.

    Returns:
        The probability of each sample in `plan.held_out` as stored.
    """
    total, times = np.zeros(len(plan.y)), np.zeros(len(plan.y))
    for split, probability in zip(plan.splits, probabilities, strict=True):
        total[split.test] += probability
        times[split.test] += 1
    rows = plan.held_out
    data = _predictions(labels.frame[rows], total[rows] / times[rows])
    write_parquet(folder / DATA, data, private=True)
    write_parquet(folder / SAMPLES, labels.samples[rows], private=True)
    return data["predicted_boolean_probability"].to_numpy().astype(np.float64)


def read_chosen(folder: Path) -> list[dict[str, Any]]:
    """What the head chose in each split."""
    chosen: list[dict[str, Any]] = read_json(folder / CHOSEN)["splits"]
    return chosen


def _predictions(rows: pl.DataFrame, probability: Floats) -> pl.DataFrame:
    stored = probability.astype(np.float32)
    return (
        rows.select(*SAMPLE_KEY, "boolean_value")
        .with_columns(
            predicted_boolean_value=pl.Series(stored > THRESHOLD),
            predicted_boolean_probability=pl.Series(stored),
        )
        .select(pl.col(name).cast(kind) for name, kind in _PREDICTION.items())
    )
