"""Whole runs: files, numbers against oracles, repeatability, resuming, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import sparse
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

import osler.prediction.predict as predict
from osler.base.errors import InputError
from osler.base.files import read_json
from osler.measure.discrimination import auroc
from osler.measure.resample import draw_weights
from osler.prediction.predict import PredictionsSummary, fit_predictions
from osler.prediction.settings import GbmSettings, LrSettings, PredictSettings
from osler.represent.features import Features, dense_features
from osler.task.labels import Labels

SETTINGS = PredictSettings(
    lr=LrSettings(C=(0.1, 10.0), inner_folds=2), gbm=GbmSettings(max_trees=20, inner_folds=2)
)
Y = np.random.default_rng(0).random(150) < 0.3
Case = tuple[Labels, dict[str, Features], pl.DataFrame]


def run(case: Case, out: Path, **changes: Any) -> PredictionsSummary:
    labels, features, folds = case
    settings = SETTINGS.model_copy(update=changes)
    return fit_predictions(labels, features, folds, out, settings=settings, task_name="death")


@pytest.fixture
def case(make_labels: Any, make_folds: Any, make_features: Any) -> Case:
    labels = make_labels(Y)
    return labels, make_features(Y), make_folds(labels, repeats=2)


@pytest.fixture
def small(make_labels: Any, make_folds: Any) -> Callable[..., Case]:
    def build(y: np.ndarray, *, folds: int = 3) -> Case:
        labels = make_labels(y)
        x = np.random.default_rng(1).normal(size=(len(y), 3)).astype(np.float32)
        return labels, {"counts": dense_features("counts", x, list("abc"))}, make_folds(labels, folds=folds)

    return build


def rows(out: Path, **where: Any) -> list[dict[str, Any]]:
    frame = pl.read_parquet(out / "metrics.parquet")
    for name, value in where.items():
        frame = frame.filter(pl.col(name).is_null() if value is None else pl.col(name) == value)
    return frame.to_dicts()


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_files_and_columns(case: Case, tmp_path: Path) -> None:
    summary = run(case, tmp_path / "p")
    models = ["counts+lr", "counts+gbm", "vectors+lr", "vectors+gbm"]
    assert [model["model"] for model in summary.models] == models
    assert (summary.n_samples, summary.n_events) == (150, int(Y.sum()))
    labels, _, folds = case
    for model in models:
        folder = tmp_path / "p" / model
        chosen = read_json(folder / "chosen.json")
        assert (chosen["format_version"], len(chosen["splits"])) == (1, folds["split_id"].n_unique())
        data = pl.read_parquet(folder / "data.parquet")
        assert data.columns == [
            "subject_id",
            "prediction_time",
            "boolean_value",
            "predicted_boolean_value",
            "predicted_boolean_probability",
        ]
        assert data.select(labels.frame.columns).equals(labels.frame)
        replicates = pl.read_parquet(folder / "replicates.parquet")
        assert replicates.columns == [*data.columns, "fold", "k", "replicate"]
        assert replicates.height == 300
        assert set(replicates["k"]) == {"all"}
        joined = replicates.join(
            folds.filter(pl.col("split") == "held_out"),
            left_on=["subject_id", "fold", "replicate"],
            right_on=["subject_id", "fold", "repeat"],
        )
        assert joined.height == 300
        mean = replicates.group_by("subject_id").agg(pl.col("predicted_boolean_probability").mean())
        both = data.join(mean, on="subject_id", suffix="_mean")
        assert both["predicted_boolean_probability"].to_numpy() == pytest.approx(
            both["predicted_boolean_probability_mean"].to_numpy(), abs=1e-6
        )
        assert pl.read_parquet(folder / "samples.parquet").equals(labels.samples)
        assert (folder / "data.parquet").stat().st_mode & 0o077 == 0
        curves = pl.read_parquet(folder / "curves.parquet")
        assert curves.columns == ["kind", "x", "y", "low", "high"]
        assert curves["kind"].unique(maintain_order=True).to_list() == ["roc", "pr", "calibration"]
        assert curves.height == 101 + 101 + 41
    assert read_json(tmp_path / "p" / "metrics.json") == rows(tmp_path / "p")
    assert read_json(tmp_path / "p" / "predictions.json")["settings"] == SETTINGS.plain()


def test_means_over_folds_are_those_of_scikit_learn(case: Case, tmp_path: Path) -> None:
    run(case, tmp_path / "p")
    replicates = pl.read_parquet(tmp_path / "p" / "counts+gbm" / "replicates.parquet")
    oracle: dict[str, list[float]] = {"auroc": [], "auprc": [], "brier": []}
    for _, part in replicates.group_by("replicate", "fold", maintain_order=True):
        y, p = (
            part["boolean_value"].to_numpy(),
            part["predicted_boolean_probability"].to_numpy().astype(float),
        )
        oracle["auroc"].append(roc_auc_score(y, p))
        oracle["auprc"].append(average_precision_score(y, p))
        oracle["brier"].append(brier_score_loss(y, p))
    where = {"representation": "counts", "head": "gbm"}
    for metric, values in oracle.items():
        (mean,) = rows(tmp_path / "p", metric=metric, fold="mean", **where)
        assert mean["value"] == pytest.approx(np.mean(values))
        assert mean["interval"] == "conditional bootstrap"
        assert mean["low"] < mean["value"] < mean["high"]
        assert mean["file"] == "counts+gbm/replicates.parquet"
        single = [
            row
            for row in rows(tmp_path / "p", metric=metric, **where)
            if row["fold"] not in ("mean", "pooled")
        ]
        assert [row["value"] for row in single] == pytest.approx(values)
        assert [(row["replicate"], row["fold"]) for row in single] == [
            (r, str(f)) for r in range(2) for f in range(3)
        ]


def test_the_interval_of_the_mean_resamples_patients_jointly_over_all_folds(
    case: Case, tmp_path: Path
) -> None:
    """The draws of a plain loop: each draw of patients is applied to every fold of every repeat."""
    run(case, tmp_path / "p")
    labels, _, _ = case
    replicates = pl.read_parquet(tmp_path / "p" / "vectors+lr" / "replicates.parquet")
    weight = draw_weights(labels.samples["group_id"].to_numpy(), draws=2000, seed=0)
    place = {subject: row for row, subject in enumerate(labels.frame["subject_id"])}
    folds = [
        (
            np.array([place[s] for s in part["subject_id"]]),
            part["boolean_value"].to_numpy(),
            part["predicted_boolean_probability"].to_numpy().astype(float),
        )
        for _, part in replicates.group_by("replicate", "fold", maintain_order=True)
    ]
    means = []
    for draw in range(500):
        scores = []
        for where, y, p in folds:
            w = weight[where, draw].astype(int)
            if len(set(np.repeat(y, w))) == 2:
                scores.append(auroc(np.repeat(y, w), np.repeat(p, w)))
        means.append(np.mean(scores))
    (row,) = rows(tmp_path / "p", metric="auroc", fold="mean", representation="vectors", head="lr")
    low, high = np.quantile(means, [0.025, 0.975])
    assert row["low"] == pytest.approx(low, abs=0.01)
    assert row["high"] == pytest.approx(high, abs=0.01)


def test_differences_are_paired_and_corrected(case: Case, tmp_path: Path) -> None:
    run(case, tmp_path / "p", compare_to="counts+lr")
    found = rows(tmp_path / "p", metric="auroc_difference")
    assert [f"{row['representation']}+{row['head']}" for row in found] == [
        "counts+gbm",
        "vectors+lr",
        "vectors+gbm",
    ]
    assert {row["against"] for row in found} == {"counts+lr"}
    (reference,) = rows(tmp_path / "p", metric="auroc", fold="mean", representation="counts", head="lr")
    for row in found:
        (own,) = rows(
            tmp_path / "p",
            metric="auroc",
            fold="mean",
            representation=row["representation"],
            head=row["head"],
        )
        assert row["value"] == pytest.approx(own["value"] - reference["value"])
        assert row["low"] < row["value"] < row["high"]
        assert row["p"] <= row["p_holm"] <= min(1.0, 3 * row["p"] + 1e-12)
    assert min(row["p_holm"] for row in found) == pytest.approx(min(1.0, 3 * min(r["p"] for r in found)))
    run(case, tmp_path / "q", compare_to=None)
    assert rows(tmp_path / "q", metric="auroc_difference") == []


def test_the_prevalence_stands_beside_every_brier_score(case: Case, tmp_path: Path) -> None:
    run(case, tmp_path / "p")
    found = {row["metric"]: row for row in rows(tmp_path / "p", head="prevalence")}
    assert set(found) == {"brier", "log_loss"}
    assert found["brier"]["value"] == pytest.approx(Y.mean() * (1 - Y.mean()), abs=0.005)
    for metric in ("brier", "log_loss"):
        (best, *_) = sorted(
            row["value"] for row in rows(tmp_path / "p", metric=metric, fold="mean", head="lr")
        )
        assert best < found[metric]["value"]


def test_calibration_rows_are_there_with_intervals(case: Case, tmp_path: Path) -> None:
    run(case, tmp_path / "p")
    found = {
        row["metric"]: row for row in rows(tmp_path / "p", representation="vectors", head="lr", fold="pooled")
    }
    names = {"observed_minus_expected", "calibration_in_the_large", "calibration_slope", "ici", "e90"}
    assert names | {"oe_ratio", "ece", "ece_null", "auroc", "auprc", "brier", "log_loss"} == set(found)
    for name in names:
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]
    assert found["ece"]["level"] == "10 bins of equal count"
    assert found["ece_null"]["value"] > 0


def test_same_inputs_same_bytes(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(case, tmp_path / "a")
    monkeypatch.setattr("osler.prediction.fit.workers", lambda: 1)
    second = run(case, tmp_path / "b")
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")
    assert first.models == second.models
    assert run(case, tmp_path / "a") == first


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(case, tmp_path / "whole")
    real, fitted = predict.fit_splits, []

    def dies(features: Features, head: str, *args: Any, **kwargs: Any) -> Any:
        if len(fitted) == 2:
            raise KeyboardInterrupt
        fitted.append((features.name, head))
        return real(features, head, *args, **kwargs)

    monkeypatch.setattr(predict, "fit_splits", dies)
    with pytest.raises(KeyboardInterrupt):
        run(case, tmp_path / "killed")
    again = []

    def counts(features: Features, head: str, *args: Any, **kwargs: Any) -> Any:
        again.append((features.name, head))
        return real(features, head, *args, **kwargs)

    monkeypatch.setattr(predict, "fit_splits", counts)
    run(case, tmp_path / "killed")
    assert again == [("vectors", "lr"), ("vectors", "gbm")]
    assert bytes_of(tmp_path / "killed") == bytes_of(tmp_path / "whole")


def test_one_held_out_set(case: Case, tmp_path: Path) -> None:
    labels, features, folds = case
    summary = run((labels, features, folds.filter(pl.col("split_id") == "r0f1")), tmp_path / "p")
    assert summary.n_samples == 50
    (row,) = rows(tmp_path / "p", metric="auroc", fold="mean", representation="vectors", head="lr")
    assert row["interval"] == "logit-delong-t"
    assert {row["fold"] for row in rows(tmp_path / "p")} == {"mean", "pooled"}
    assert pl.read_parquet(tmp_path / "p" / "vectors+lr" / "data.parquet").height == 50


def test_below_ten_events_nothing_is_ranked(small: Any, tmp_path: Path) -> None:
    summary = run(small(np.arange(60) % 10 == 0), tmp_path / "p")
    assert any("6 events" in note and "no AUROC" in note for note in summary.notes)
    metrics = {row["metric"] for row in rows(tmp_path / "p")}
    assert metrics == {"brier", "log_loss", "oe_ratio", "observed_minus_expected"}
    assert pl.read_parquet(tmp_path / "p" / "counts+lr" / "curves.parquet").is_empty()
    assert summary.models[0]["auroc"] is None


def test_a_fold_without_events_is_left_out_and_said(small: Any, tmp_path: Path) -> None:
    y = np.zeros(90, dtype=bool)
    y[np.flatnonzero(np.arange(90) % 3 != 2)[:24]] = True
    summary = run(small(y), tmp_path / "p")
    assert any("1 of 3 folds have one class only" in note for note in summary.notes)
    replicates = pl.read_parquet(tmp_path / "p" / "counts+lr" / "replicates.parquet")
    two = [
        part for _, part in replicates.group_by("fold", maintain_order=True) if part["boolean_value"].any()
    ]
    expected = np.mean(
        [roc_auc_score(part["boolean_value"], part["predicted_boolean_probability"]) for part in two]
    )
    (row,) = rows(tmp_path / "p", metric="auroc", fold="mean", head="lr")
    assert row["value"] == pytest.approx(expected)
    assert len(rows(tmp_path / "p", metric="auroc", head="lr", fold="2")) == 0


def test_folds_of_one_class_each_have_no_auroc_at_all(small: Any, tmp_path: Path) -> None:
    summary = run(small(np.arange(80) % 2 == 0, folds=4), tmp_path / "p")
    assert any("4 of 4 folds have one class only" in note for note in summary.notes)
    (row,) = rows(tmp_path / "p", metric="auroc", fold="mean", head="lr")
    assert row["value"] is None
    (row,) = rows(tmp_path / "p", metric="auroc_difference", head="lr")
    assert row["p"] is None
    assert pl.read_parquet(tmp_path / "p" / "counts+lr" / "curves.parquet").is_empty()


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (np.zeros(30, bool), "one class only"),
        (np.ones(30, bool), "one class only"),
        (np.arange(30) == 4, "too few training groups with an event"),
        (np.zeros(0, bool), "no samples"),
    ],
)
def test_labels_that_cannot_be_learned(y: np.ndarray, said: str, small: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said) as caught:
        run(small(y), tmp_path / "p")
    assert "remedy" in str(caught.value)
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("stored_sparse", [True, False])
def test_values_that_are_no_numbers(bad: float, stored_sparse: bool, case: Case, tmp_path: Path) -> None:
    labels, features, folds = case
    matrix = features["vectors"].matrix.copy()
    matrix[3:5, 1] = bad
    given = Features(
        name="vectors",
        matrix=sparse.csr_matrix(matrix) if stored_sparse else matrix,
        names=features["vectors"].names,
        make_transformer=features["vectors"].make_transformer,
        value_columns=features["vectors"].value_columns,
    )
    with pytest.raises(InputError, match="NaN or infinite") as caught:
        run((labels, features | {"vectors": given}, folds), tmp_path / "p")
    assert caught.value.count == 2
    assert "vectors" in str(caught.value)


def test_other_requests_that_are_refused(
    case: Case, make_labels: Any, make_folds: Any, tmp_path: Path
) -> None:
    labels, features, folds = case
    with pytest.raises(InputError, match=r"no model 'doc\+gbm'") as caught:
        run(case, tmp_path / "p", compare_to="doc+gbm")
    assert caught.value.allowed == ["counts+lr", "counts+gbm", "vectors+lr", "vectors+gbm"]
    with pytest.raises(InputError, match="no representations"):
        run((labels, {}, folds), tmp_path / "p")
    with pytest.raises(InputError, match="cannot name"):
        run((labels, {"a+b": features["counts"]}, folds), tmp_path / "p")
    wrong = dense_features("counts", np.zeros((100, 2), np.float32), ["a", "b"])
    with pytest.raises(InputError, match="100 rows, the labels 150"):
        run((labels, {"counts": wrong}, folds), tmp_path / "p")
    grouped = labels.samples.with_columns(group_id=pl.col("group_id") // 2)
    with pytest.raises(InputError, match="both in training and held out"):
        run((replace(labels, samples=grouped), features, folds), tmp_path / "p")
    with pytest.raises(InputError, match="no splits"):
        run((labels, features, folds.clear()), tmp_path / "p")
