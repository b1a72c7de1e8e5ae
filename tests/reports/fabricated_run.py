"""A small run folder made up from nothing, with the files and columns that the rooms write.

`python tests/reports/fabricated_run.py FOLDER` makes one to look at.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from fabricated_arms import compared

from osler.base.files import write_json, write_parquet
from osler.measure.table import MetricRow, metrics_frame

TASK = "mortality"
MODELS = {
    "counts+gbm": (0.832, 0.262),
    "both+gbm": (0.829, 0.255),
    "both+lr": (0.812, 0.231),
    "counts+lr": (0.806, 0.222),
    "statements+lr": (0.781, 0.196),
    "document+lr": (0.762, 0.181),
    "statements+gbm": (0.758, 0.176),
    "document+gbm": (0.731, 0.158),
}
BASELINE = "counts+gbm"


def make_run(folder: Path, *, n: int = 1879, events: int = 108, small: bool = False) -> Path:
    """Make a run folder.

    Args:
        folder: where.
        n: samples.
        events: samples with the event.
        small: whether some cells hold a few patients only.
    """
    rng = np.random.default_rng(7)
    write_json(folder / "study.json", study())
    write_json(folder / "environment.json", ENVIRONMENT)
    write_json(folder / "timings.json", {"format_version": 1, "unit": "seconds", "steps": TIMINGS})
    labels(folder, n, events, small=small)
    table_one(folder, n, events, rng, small=small)
    predictions(folder, n, events)
    phenotypes(folder, n, events, small=small)
    compared(folder / "phenotypes" / TASK / "compare", n, events)
    texts(folder, n, rng)
    return folder


def study() -> dict[str, object]:
    return {
        "format_version": 1,
        "osler": 1,
        "name": "pediatric_sepsis",
        "seed": 0,
        "dataset": {
            "format": "table",
            "source": "/home/someone/data/pediatric_sepsis_dev.csv",
            "spec": "specs/sepsis.yaml",
        },
        "tasks": {TASK: {"use": "outcome", "column": "inhospital_mortality"}},
        "splits": {"unit": "subject", "scheme": "kfold", "folds": 5, "repeats": 5},
        "texts": {
            "main": {
                "style": "list-recent",
                "budget": 2048,
                "tokenizer": "minilm",
                "lookback": None,
                "drop_sections": [],
                "notes": None,
            }
        },
        "representations": {
            "counts": {"kind": "counts"},
            "statements": {
                "kind": "statement",
                "text": "main",
                "encoder": "minilm",
                "pool": "idf",
                "instruction": "none",
            },
            "document": {"kind": "document", "text": "main", "encoder": "minilm", "instruction": "none"},
            "both": {"kind": "joined", "of": ["counts", "statements"]},
        },
        "predict": {"heads": ["lr", "gbm"], "k": ["all"], "compare_to": BASELINE, "seed": 0, "draws": 10000},
        "phenotype": {"arms": ["kmeans"], "k": [2, 10], "seed": 0},
        "report": {"patients": 2, "min_cell": 10},
    }


ENVIRONMENT = {
    "format_version": 1,
    "osler": "0.1.0",
    "python": "3.11.7",
    "system": "Linux x86_64",
    "cores": 2,
    "memory_gib": 7.6,
    "packages": {
        "duckdb": "1.4.2",
        "lightgbm": "4.7.0",
        "numpy": "2.4.0",
        "polars": "2.1.0",
        "scikit-learn": "1.9.0",
        "torch": "2.13.0",
    },
}
TIMINGS = {
    "dataset": 0.81,
    f"labels/{TASK}": 0.21,
    "texts/main": 1.4,
    "vectors/statements": 21.9,
    f"predictions/{TASK}": 96.4,
}


def labels(folder: Path, n: int, events: int, *, small: bool) -> None:
    place = folder / "labels" / TASK
    write_json(
        place / "task.json",
        {
            "format_version": 1,
            "name": TASK,
            "settings": {"use": "outcome", "column": "inhospital_mortality"},
            "dataset": "pediatric_sepsis",
            "dataset_hash": "ab" * 32,
            "undated": True,
            "n_samples": n,
            "n_subjects": n,
            "n_events": events,
            "prevalence": events / n,
            "description": {
                "cohort": "children admitted with suspected sepsis",
                "prediction_time": "the admission",
                "window": "until discharge",
                "label": "death in hospital (inhospital_mortality is Yes)",
                "exclusions": "outcome missing",
                "why": "the outcome is known for all others",
            },
            "warnings": ["120 discharges were dropped within 30 days", "4 deaths without a time"],
        },
    )
    removed = [
        ("no outcome recorded", 24),
        ("identical duplicates", 3 if small else 0),
        ("discharged before the prediction time", 41),
    ]
    total = n + sum(count for _, count in removed)
    rows = [("found", "admissions", total, total)]
    rows += [("excluded", reason, count, count) for reason, count in removed]
    rows += [("kept", "samples", n, n), ("noted", "deaths after the discharge, within the tolerance", 12, 12)]
    other = {
        "death": ["negative", "composite"],
        "n": [n, n - 3],
        "n_events": [events, events + 4],
        "chosen": [True, False],
    }
    write_parquet(place / "sensitivity.parquet", pl.DataFrame(other))
    frame = pl.DataFrame(rows, schema=["step", "reason", "n_samples", "n_subjects"], orient="row")
    write_parquet(place / "attrition.parquet", frame)


def table_one(folder: Path, n: int, events: int, rng: np.random.Generator, *, small: bool) -> None:
    positive = np.arange(n) < events
    rows: list[tuple[object, ...]] = []

    def groups(name: str, code: str | None, values: np.ndarray) -> None:
        parts = {"overall": positive | True, "negative": ~positive, "positive": positive}
        if values.dtype.kind == "f":
            for group, mask in parts.items():
                known = values[mask & ~np.isnan(values)]
                low, mid, high = np.quantile(known, [0.25, 0.5, 0.75])
                gap = (np.nanmean(values[positive]) - np.nanmean(values[~positive])) / np.nanstd(values)
                rows.append(
                    (
                        name,
                        code,
                        "numeric",
                        None,
                        group,
                        len(known),
                        int(mask.sum()) - len(known),
                        mid,
                        low,
                        high,
                        gap if group == "overall" else None,
                    )
                )
            return
        known_values = values != ""
        for level in sorted(set(values) - {""}, key=lambda one: (-int((values == one).sum()), one))[:12]:
            for group, mask in parts.items():
                count, known = int(((values == level) & mask).sum()), int((known_values & mask).sum())
                rows.append(
                    (
                        name,
                        code,
                        "categorical",
                        level,
                        group,
                        count,
                        int(mask.sum()) - known,
                        count / known,
                        None,
                        None,
                        0.1 if group == "overall" else None,
                    )
                )

    age = np.where(positive, rng.gamma(2, 9, n), rng.gamma(2, 12, n))
    groups("age (years)", "MEDS_BIRTH", age / 12)
    groups("sex", None, np.where(rng.random(n) < 0.43, "female", "male"))
    groups("events in the record", None, rng.integers(80, 140, n).astype(float))
    rate = rng.normal(150, 25, n) + 12 * positive
    rate[rng.choice(n, 4 if small else 120, replace=False)] = np.nan
    groups("Heart rate (beats/min)", "COL//hr", rate)
    coma = rng.choice(["0", "1", "2", "3", "4", "5"], n, p=[0.01, 0.01, 0.03, 0.05, 0.1, 0.8])
    groups("Blantyre coma scale", "COL//bcs", coma)
    hiv = rng.choice(["Negative", "Positive", "Unknown", ""], n, p=[0.9, 0.02, 0.05, 0.03])
    groups("HIV status", "COL//hiv", hiv)
    if small:
        groups("Remark", "COL//remark", np.array([f"remark number {i} of someone" for i in range(n)]))
    for i in range(18):
        groups(
            f"Laboratory value {i + 1} (mmol/L)",
            f"COL//lab{i}",
            rng.normal(5 + i, 1 + i / 5, n) + positive * i / 20,
        )
    names = ["variable", "code", "kind", "level", "group", "n", "n_missing", "value", "low", "high", "smd"]
    write_parquet(
        folder / "table_one" / TASK / "table_one.parquet",
        pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None),
    )


def predictions(folder: Path, n: int, events: int) -> None:
    rows, grid = [], np.linspace(0, 1, 101)
    base = MODELS[BASELINE][0]
    for model, (auroc, auprc) in MODELS.items():
        representation, _, head = model.rpartition("+")
        common = {
            "task": TASK,
            "split": "held_out",
            "k": "all",
            "representation": representation,
            "head": head,
            "n": n,
            "n_events": events,
            "file": f"{model}/data.parquet",
        }
        bent = auroc / (1 - auroc)
        values = {
            "auroc": (auroc, auroc - 0.041, auroc + 0.037, "mean"),
            "auprc": (auprc, auprc - 0.06, auprc + 0.07, "mean"),
            "brier": (0.0489 + (0.83 - auroc) / 20, 0.0421, 0.0561, "pooled"),
            "calibration_slope": (0.94, 0.78, 1.11, "pooled"),
            "calibration_in_the_large": (0.02, -0.19, 0.22, "pooled"),
            "ici": (0.011, 0.006, 0.019, "pooled"),
        }
        for metric, (value, low, high, fold) in values.items():
            rows.append(
                MetricRow(
                    metric=metric,
                    value=value,
                    low=low,
                    high=high,
                    interval="logit-DeLong, t" if metric == "auroc" else "bootstrap",
                    fold=fold,
                    **common,
                )
            )
        rows += [
            MetricRow(metric="auroc", value=auroc + 0.01 * fold, fold=str(fold), **common)
            for fold in range(3)
        ]
        if model != BASELINE:
            gap = auroc - base
            rows.append(
                MetricRow(
                    metric="auroc_difference",
                    value=gap,
                    low=gap - 0.021,
                    high=gap + 0.021,
                    interval="paired bootstrap",
                    fold="mean",
                    against=BASELINE,
                    p=0.01,
                    p_holm=min(1.0, 0.0008 * 10 ** (3 + gap * 40)),
                    **common,
                )
            )
        risk = np.linspace(0.005, 0.42, 41)
        seen = risk**1.08 * 1.05
        curves = [
            ("roc", grid, grid ** (1 / bent), 0.04),
            ("pr", grid, np.clip(events / n + (0.75 * auprc / 0.26) * (1 - grid) ** 1.8, 0, 1), 0.06),
            ("calibration", risk, seen, 0.03),
        ]
        frame = pl.concat(
            [
                pl.DataFrame(
                    {
                        "kind": [kind] * len(x),
                        "x": x,
                        "y": y,
                        "low": np.clip(y - width, 0, 1),
                        "high": np.clip(y + width, 0, 1),
                    }
                )
                for kind, x, y, width in curves
            ]
        )
        write_parquet(folder / "predictions" / TASK / model / "curves.parquet", frame)
    write_parquet(folder / "metrics.parquet", metrics_frame(rows))


def phenotypes(folder: Path, n: int, events: int, *, small: bool) -> None:
    for name, scale in (("counts", 0.11), ("statements", 0.16)):
        indices, outcomes = [], []
        for k in range(2, 8):
            indices.append(
                {
                    "arm": "kmeans",
                    "k": k,
                    "silhouette_micro": scale - 0.008 * k,
                    "silhouette_macro": scale - 0.012 * k,
                    "davies_bouldin": 2.1 + k / 10,
                    "calinski_harabasz": 310.0 - 20 * k,
                }
            )
            sizes = np.diff(np.round(np.linspace(0, n, k + 1))).astype(int)
            share = np.linspace(0.2, 2.0, k)
            dead = np.floor(events * share / share.sum()).astype(int)
            if small:
                dead[0] = 2
            dead[-1] += events - dead.sum()
            for cluster in range(k):
                rate = dead[cluster] / sizes[cluster]
                outcomes.append(
                    {
                        "arm": "kmeans",
                        "k": k,
                        "cluster": cluster,
                        "n": int(sizes[cluster]),
                        "n_events": int(dead[cluster]),
                        "rate": rate,
                        "low": max(0.0, rate - 0.02),
                        "high": rate + 0.025,
                    }
                )
        place = folder / "phenotypes" / TASK / name
        described = [
            (
                "kmeans",
                4,
                cluster,
                direction,
                rank,
                variable,
                n // 4,
                n - n // 4,
                inside,
                inside - gap,
                gap / 1.1,
                gap - 0.2,
                gap + 0.2,
            )
            for cluster in range(4)
            for direction, sign in (("over", 1), ("under", -1))
            for rank, (variable, inside, gap) in enumerate(
                [
                    ("COL//hr|ever|last", 150.0, sign * 0.8),
                    ("COL//hiv=Positive|ever|count", 0.4, sign * 0.3),
                    ("COL//remark=seen once|ever|count", 0.004, 0.004),
                ]
            )
        ]
        names = [
            "arm",
            "k",
            "cluster",
            "direction",
            "rank",
            "variable",
            "n_inside",
            "n_outside",
            "mean_inside",
            "mean_outside",
            "smd",
            "low",
            "high",
        ]
        chosen = pl.DataFrame(indices).with_columns(chosen=pl.col("k") == 4)
        write_parquet(place / "indices.parquet", chosen)
        write_parquet(place / "outcomes.parquet", pl.DataFrame(outcomes))
        write_parquet(place / "describe.parquet", pl.DataFrame(described, schema=names, orient="row"))
        rule = (
            "the highest mean silhouette among the k whose smallest cluster holds at least 5% of the samples"
        )
        write_json(
            place / "phenotypes.json",
            {"format_version": 1, "arms": {"kmeans": {"chosen_k": 4}}, "rule": rule},
        )


def texts(folder: Path, n: int, rng: np.random.Generator) -> None:
    place = folder / "texts" / "main"
    write_json(place / "texts.json", {"format_version": 1, "settings": study()["texts"]["main"]})  # type: ignore[index]
    ids = np.arange(1, n + 1)
    times = [datetime(2020, 1, 1) + timedelta(days=int(i)) for i in ids]
    tokens = rng.integers(300, 1100, n)
    frame = pl.DataFrame(
        {
            "subject_id": ids,
            "prediction_time": times,
            "text": ["Age: 3 years\nSex: female"] * n,
            "n_tokens": tokens,
            "n_statements": tokens // 9,
            "n_dropped": np.where(tokens > 1060, 4, 0),
        }
    )
    write_parquet(place / "texts" / "0.parquet", frame)


def private_files(folder: Path, *, n: int = 60) -> None:
    """Files of single patients: texts with their lines, a dataset, predictions, clusters, places on a map."""
    ids = list(range(1, n + 1))
    times = [datetime(2020, 1, 1) + timedelta(days=i) for i in ids]
    keys = pl.DataFrame(
        {"subject_id": ids, "prediction_time": times}, schema_overrides={"prediction_time": pl.Datetime("us")}
    )
    events = pl.DataFrame(
        {
            "subject_id": [i for i in ids for _ in range(3)],
            "time": [time - timedelta(hours=hour) for time in times for hour in (3, 2, 1)],
            "code": ["GENDER//F", "COL//hr", "COL//hr"] * n,
            "numeric_value": [value for i in ids for value in (None, 100.0, 150.0 + i)],
        }
    )
    write_parquet(folder / "dataset" / "data" / "0.parquet", events)
    texts = [f"Demographics\nSex: female\nVital signs\nHeart rate: {150 + i}" for i in ids]
    place = folder / "texts" / "main"
    write_parquet(
        place / "texts" / "0.parquet",
        keys.with_columns(text=pl.Series(texts), n_tokens=12, n_statements=2, n_dropped=0),
    )
    lines = pl.concat(
        [
            keys.with_columns(
                line=0, rows=pl.Series([[3 * (i - 1)] for i in ids]), char_start=13, char_end=24
            ),
            keys.with_columns(
                line=1,
                rows=pl.Series([[3 * i - 1, 3 * i - 2] for i in ids]),
                char_start=37,
                char_end=pl.Series([len(text) for text in texts]).cast(pl.Int32),
            ),
        ]
    )
    write_parquet(place / "lines" / "0.parquet", lines)
    dead = pl.Series([i % 7 == 0 for i in ids])
    write_parquet(folder / "labels" / TASK / "data" / "labels.parquet", keys.with_columns(boolean_value=dead))
    sites = pl.Series([f"hospital {i % 3}" for i in ids])
    write_parquet(folder / "labels" / TASK / "samples.parquet", keys.with_columns(site=sites))
    risk = pl.Series(np.linspace(0.01, 0.6, n))
    data = keys.with_columns(boolean_value=dead, predicted_boolean_probability=risk)
    write_parquet(folder / "predictions" / TASK / BASELINE / "data.parquet", data)
    for name in ("counts", "statements"):
        place = folder / "phenotypes" / TASK / name
        clusters = pl.Series([i % 4 for i in ids])
        write_parquet(
            place / "phenotypes.parquet", keys.with_columns(arm=pl.lit("kmeans"), k=4, cluster=clusters)
        )
        write_parquet(place / "map.parquet", keys.with_columns(x=risk, y=1 - risk**2))


if __name__ == "__main__":
    make_run(Path(sys.argv[1]), small="--small" in sys.argv)
