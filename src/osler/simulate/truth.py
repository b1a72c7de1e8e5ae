"""What can be achieved at best: the Bayes-optimal AUROC from the true probabilities, and the rates."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osler.base.files import atomic_path
from osler.simulate.phenotypes import Floats

# Outcome, column of the prediction time, of the true probability, and of what happened.
OUTCOMES = (
    ("death", "death_prediction_time", "death_probability", "death"),
    ("readmission", "readmission_prediction_time", "readmission_probability", "readmission"),
)


def bayes_auroc(probability: Floats) -> float | None:
    """Expected concordance of the true probabilities with outcomes drawn from them.

    The sum over pairs i, j of p_i (1 - p_j) where p_i > p_j (half where equal), over the sum of all pairs.

    Args:
        probability: [n] true probabilities.

    Returns:
        Between 0.5 and 1; None where there is no pair.

    Examples:
        >>> bayes_auroc(np.array([0.5, 0.5]))
        0.5
    """
    values, group = np.unique(probability, return_inverse=True)
    events = np.bincount(group, probability, len(values))
    others = np.bincount(group, 1 - probability, len(values))
    own = np.bincount(group, probability * (1 - probability), len(values))
    pairs = events.sum() * others.sum() - own.sum()
    if len(probability) < 2 or pairs <= 0:
        return None
    below = np.cumsum(others) - others
    return float((events * below + 0.5 * (events * others - own)).sum() / pairs)


def observed_auroc(score: Floats, outcome: Floats) -> float | None:
    """Concordance of a score with the outcomes that happened; None with one class only."""
    values, group = np.unique(score, return_inverse=True)
    events = np.bincount(group, outcome, len(values))
    others = np.bincount(group, 1 - outcome, len(values))
    pairs = events.sum() * others.sum()
    if pairs == 0:
        return None
    return float((events * (np.cumsum(others) - others + 0.5 * others)).sum() / pairs)


def bayes(outcomes: pl.DataFrame) -> dict[str, Any]:
    """Rates and Bayes-optimal AUROC of both outcomes, overall and by site.

    Args:
        outcomes: one row per stay, as `outcomes.parquet`. Death counts stays that last more than 24 hours,
            predicted at 24 hours; readmission counts stays that ended alive, predicted at 23:59 of the
            day of discharge.

    Returns:
        By outcome: `overall` and `sites`, each with n, n_events, rate, expected_rate, auroc (from
        the probabilities alone) and auroc_observed (of the true probabilities against what happened).
        `stays` and `hospital_mortality` count all stays.
    """
    report: dict[str, Any] = {
        "format_version": 1,
        "stays": outcomes.height,
        "hospital_mortality": _rounded(outcomes["death"].cast(pl.Float64).to_numpy().mean()),
    }
    for name, time, probability, happened in OUTCOMES:
        predicted = outcomes.filter(pl.col(time).is_not_null())
        by_site = predicted.partition_by("site", as_dict=True)
        report[name] = {
            "overall": _numbers(predicted, probability, happened),
            "sites": {
                str(site): _numbers(by_site[(site,)], probability, happened) for (site,) in sorted(by_site)
            },
        }
    return report  # fmt: skip


def _numbers(frame: pl.DataFrame, probability: str, happened: str) -> dict[str, Any]:
    p = frame[probability].to_numpy()
    y = frame[happened].cast(pl.Float64).to_numpy()
    return {
        "n": frame.height,
        "n_events": int(y.sum()),
        "rate": _rounded(y.mean()) if frame.height else None,
        "expected_rate": _rounded(p.mean()) if frame.height else None,
        "auroc": _rounded(bayes_auroc(p)),
        "auroc_observed": _rounded(observed_auroc(p, y)),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)


def join_files(parts: Sequence[Path], path: Path) -> None:
    """Join Parquet files of one schema, one row group each, reading one at a time."""
    import pyarrow.parquet as pq

    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(temporary, pq.read_schema(parts[0]), compression="zstd") as writer,
    ):
        for part in parts:
            writer.write_table(pq.read_table(part))
