"""Predictions of one task: every head on every representation, fitted and judged over all splits."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json, write_json, write_parquet
from osler.base.hashing import hash_bytes, hash_json, hash_text
from osler.base.output import Output
from osler.base.progress import bar, note
from osler.measure.table import metrics_frame, metrics_objects
from osler.prediction.curves import calibration_curve, curves_frame, no_curves
from osler.prediction.evaluate import Evaluation, ModelPredictions
from osler.prediction.files import (
    CURVES,
    REPLICATES,
    read_chosen,
    read_replicates,
    write_data,
    write_replicates,
)
from osler.prediction.fit import fit_splits
from osler.prediction.plan import Plan, check_features, make_plan
from osler.prediction.scoring import make_parts
from osler.prediction.settings import PredictSettings
from osler.task.samples import count_patients

if TYPE_CHECKING:
    from osler.represent.features import Features
    from osler.task.labels import Labels

FORMAT_VERSION = 1
VERSION = 2  # of what is computed; part of the key
SUMMARY = "predictions.json"
METRICS = "metrics"
SPLITS = "splits.parquet"


@dataclass(frozen=True)
class PredictionsSummary:
    """What was predicted and how well.

    Attributes:
        path: folder of the predictions.
        task: name of the task.
        n_samples: held-out samples; n_events of them with the event.
        models: one dict per model: model, auroc (mean over folds) with low and high, brier.
        notes: what was left out, and why.
    """

    path: Path
    task: str
    n_samples: int
    n_events: int
    models: list[dict[str, Any]]
    notes: list[str]


def fit_predictions(
    labels: "Labels",
    features: Mapping[str, "Features"],
    splits: pl.DataFrame,
    out: Path,
    *,
    settings: PredictSettings,
    task_name: str,
) -> PredictionsSummary:
    """Fit, predict out of fold, measure and compare; write one folder per model and the table of metrics.

    Every transformer and head is fitted on the training rows of a split only. The summary of AUROC, AUPRC,
    Brier score and log loss is the mean over folds with an interval from resampling groups jointly over all
    folds; rows `pooled` are of the predictions of all folds together. Models are fitted to be judged and are
    not saved.

    Args:
        labels: samples, outcomes and groups.
        features: representations by name, rows in the order of the labels.
        splits: `split_id, repeat, fold, subject_id, split`.
        out: folder of the predictions of this task.
        settings: heads, comparison, seed.
        task_name: name of the task in the table of metrics.

    Returns:
        The summary, the same whether the work was done now or found complete.

    Raises:
        InputError: empty labels, one class only, too few events for the folds, a group on two sides, features
            that do not fit, an unknown model to compare with.
    """
    plan = make_plan(labels, splits)
    check_features(features, labels.frame.height)
    names = {f"{name}+{head}": (name, head) for name in features for head in settings.heads}
    if settings.compare_to is not None and settings.compare_to not in names:
        raise InputError(
            f"there is no model '{settings.compare_to}' to compare with",
            where="predict.compare_to",
            allowed=names,
            remedy="name one of them, or null for no comparison",
        )
    job = Output(out, key=_key(labels, features, splits, settings, task_name))
    if not job.complete:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        # Fits and draws run side by side; linear algebra within one on several threads would only get in the
        # way, and would tie the last bits to the number of cores.
        with job as part, threadpool_limits(limits=1):
            _fit_models(part, labels, features, plan, names, settings)
            _evaluate(part, labels, plan, names, settings, task_name)
            write_parquet(part / SPLITS, _ordered(splits), private=True)
    return read_summary(out)


def read_summary(path: Path) -> PredictionsSummary:
    """The summary of a finished folder of predictions."""
    stored = read_json(path / SUMMARY)
    return PredictionsSummary(
        path=path,
        task=stored["task"],
        n_samples=stored["n_samples"],
        n_events=stored["n_events"],
        models=stored["models"],
        notes=stored["notes"],
    )


def _fit_models(
    part: Path,
    labels: "Labels",
    features: Mapping[str, "Features"],
    plan: Plan,
    names: Mapping[str, tuple[str, str]],
    settings: PredictSettings,
) -> None:
    missing = {name: pair for name, pair in names.items() if not (part / name / REPLICATES).exists()}
    with bar("fitting models", total=len(missing) * len(plan.splits)) as step:
        for name, (representation, head) in missing.items():
            fitted = fit_splits(features[representation], head, plan, settings=settings, done=step)
            write_replicates(part / name, labels.frame, plan, fitted)


def _evaluate(
    part: Path,
    labels: "Labels",
    plan: Plan,
    names: Mapping[str, tuple[str, str]],
    settings: PredictSettings,
    task_name: str,
) -> None:
    models = {}
    for name, (representation, head) in names.items():
        probabilities = read_replicates(part / name, plan)
        pooled = write_data(part / name, labels, plan, probabilities)
        models[name] = ModelPredictions(representation, head, probabilities, pooled)
    evaluation = Evaluation(plan, task=task_name, draws=settings.draws, seed=settings.seed)
    rows = list(evaluation.prevalence_rows())
    rows += evaluation.model_rows(models)
    for name, model in models.items():
        curve = (
            calibration_curve(plan, model.probabilities, seed=settings.seed) if evaluation.rankable else None
        )
        rows += evaluation.calibration_rows(model, curve)
        parts = make_parts(plan, model.probabilities)
        frame = (
            curves_frame(parts, evaluation.group, curve, seed=settings.seed)
            if evaluation.rankable
            else no_curves()
        )
        write_parquet(part / name / CURVES, frame)
    if settings.compare_to is not None:
        rows += evaluation.difference_rows(models, against=settings.compare_to)
    metrics = metrics_frame(rows)
    write_parquet(part / f"{METRICS}.parquet", metrics)
    write_json(part / f"{METRICS}.json", metrics_objects(metrics))
    notes = evaluation.notes() + _unconverged(part, names)
    for message in notes:
        note(f"{task_name}: {message}")
    write_json(
        part / SUMMARY,
        {
            "format_version": FORMAT_VERSION,
            "task": task_name,
            "settings": settings.plain(),
            "n_samples": evaluation.n,
            "n_events": evaluation.n_events,
            **count_patients(evaluation.group, evaluation.y.astype(bool)),
            "n_splits": len(plan.splits),
            "labels": labels.hash,
            "models": [_model_summary(metrics, name, *pair) for name, pair in names.items()],
            "notes": notes,
        },
    )


def _model_summary(metrics: pl.DataFrame, name: str, representation: str, head: str) -> dict[str, Any]:
    mean = metrics.filter(
        (pl.col("representation") == representation)
        & (pl.col("head") == head)
        & (pl.col("fold") == "mean")
        & pl.col("against").is_null()
    )
    by_metric = {row["metric"]: row for row in mean.to_dicts()}
    auroc = by_metric.get("auroc", {})
    return {
        "model": name,
        "auroc": auroc.get("value"),
        "auroc_low": auroc.get("low"),
        "auroc_high": auroc.get("high"),
        "brier": by_metric["brier"]["value"],
    }


def _unconverged(part: Path, names: Mapping[str, tuple[str, str]]) -> list[str]:
    said = []
    for name in names:
        chosen = read_chosen(part / name)
        count = sum(not one.get("converged", True) for one in chosen)
        if count:
            said.append(f"{name}: {count} of {len(chosen)} fits reached max_iter before they converged")
    return said


def _key(
    labels: "Labels",
    features: Mapping[str, "Features"],
    splits: pl.DataFrame,
    settings: PredictSettings,
    task_name: str,
) -> str:
    return hash_json(
        {
            "version": VERSION,
            "task": task_name,
            "settings": settings.plain(),
            "labels": labels.hash,
            "splits": hash_text(_ordered(splits).write_csv()),
            "features": {name: _features_hash(one) for name, one in features.items()},
        }
    )


def _ordered(splits: pl.DataFrame) -> pl.DataFrame:
    columns = ("split_id", "repeat", "fold", "subject_id", "split")
    return splits.select(columns).sort("repeat", "fold", "split_id", "subject_id")


def _features_hash(features: "Features") -> str:
    # Two representations may share a matrix and differ in what is fitted to it (pooling by mean or idf).
    fitted = _matrix_hash(features.make_linear().fit_transform(features.matrix))
    return hash_json(
        {
            "matrix": _matrix_hash(features.matrix),
            "names": features.names,
            "fitted": fitted,
        }
    )


def _matrix_hash(matrix: Any) -> str:
    arrays = [matrix.data, matrix.indices, matrix.indptr] if hasattr(matrix, "indptr") else [matrix]
    return hash_json([hash_bytes(np.ascontiguousarray(array).tobytes()) for array in arrays])
