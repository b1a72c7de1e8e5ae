"""`osler predict`: heads on counts and vectors, judged out of fold."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from osler.cli.group import group

if TYPE_CHECKING:
    import polars as pl

    from osler.record.dataset import Dataset
    from osler.represent.features import Features

app = group("Predict the outcome of a task and judge the predictions.")

COUNTS = "counts"


@app.callback()
def _group() -> None:
    """Predict the outcome of a task and judge the predictions."""


@app.command("fit")
def fit(
    labels: Annotated[Path, typer.Argument(help="Folder of labels.", show_default=False)],
    dataset: Annotated[
        Path, typer.Option("--dataset", help="Folder of the MEDS dataset.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of results.", show_default=False)],
    vectors: Annotated[
        list[Path] | None,
        typer.Option("--vectors", help="Folder of vectors; may be repeated. Each alone and with counts."),
    ] = None,
    texts: Annotated[
        Path | None, typer.Option("--texts", help="Folder of texts: needed for statement vectors.")
    ] = None,
    pool: Annotated[str, typer.Option(help="How statement vectors are pooled: mean or idf.")] = "idf",
    heads: Annotated[str, typer.Option(help="Heads, separated by commas: lr, gbm.")] = "lr,gbm",
    folds: Annotated[int, typer.Option(help="Folds of the cross-validation.")] = 5,
    repeats: Annotated[int, typer.Option(help="Repeats of the cross-validation.")] = 1,
    split: Annotated[
        str, typer.Option(help="kfold; or dataset: train and held_out as the dataset names them.")
    ] = "kfold",
    compare_to: Annotated[
        str | None,
        typer.Option(help="Model that the others are compared with; default: counts with the last head."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of splits, inner folds, trees and draws.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Fit logistic regression and boosted trees on counts, on vectors and on both; judge them out of fold."""
    from dataclasses import asdict

    from osler.base.errors import InputError
    from osler.cli.summary import show_summary
    from osler.prediction.predict import fit_predictions
    from osler.prediction.settings import PredictSettings
    from osler.record.dataset import open_dataset
    from osler.task.labels import open_labels
    from osler.task.settings import SplitSettings
    from osler.task.splits import make_splits

    schemes = {"kfold": "kfold", "dataset": "holdout"}
    if split not in schemes:
        raise InputError(f"unknown split '{split}'", where="--split", allowed=schemes, remedy="name one")
    names = [name.strip() for name in heads.split(",")]
    settings = PredictSettings.parse(
        {"heads": names, "compare_to": compare_to or f"{COUNTS}+{names[-1]}", "seed": seed},
        where="osler predict fit",
    )
    divided = SplitSettings.parse(
        {"scheme": schemes[split], "folds": folds, "repeats": repeats, "seed": seed},
        where="osler predict fit",
    )
    opened = open_dataset(dataset)
    found = open_labels(labels, dataset=opened)
    if split == "dataset" and opened.splits is None:
        raise InputError(
            "the dataset names no splits (metadata/subject_splits.parquet)",
            where=dataset,
            remedy="use --split kfold",
        )
    splits = make_splits(found, divided, opened)
    features = _features(opened, found.samples, vectors or [], texts=texts, pool=pool)
    summary = fit_predictions(
        found, features, splits, output, settings=settings, task_name=str(found.task["name"])
    )
    if as_json:
        show_summary({**asdict(summary), "path": str(summary.path)}, as_json=True)
        return
    show_summary(
        {
            "predictions": str(summary.path),
            "task": summary.task,
            "samples": summary.n_samples,
            "events": summary.n_events,
            **{model["model"]: _line(model) for model in summary.models},
            **({"notes": summary.notes} if summary.notes else {}),
        },
        as_json=False,
    )


def _line(model: dict[str, Any]) -> str:
    brier = f"Brier {model['brier']:.4f}"
    if model["auroc"] is None:
        return f"no AUROC, {brier}"
    low, high = model["auroc_low"], model["auroc_high"]
    limits = "no interval" if low is None else f"{low:.3f} to {high:.3f}"
    return f"AUROC {model['auroc']:.3f} ({limits}), {brier}"


def _features(
    dataset: "Dataset", samples: "pl.DataFrame", folders: list[Path], *, texts: Path | None, pool: str
) -> "dict[str, Features]":
    """Counts; each folder of vectors alone; each with counts."""
    from osler.base.errors import InputError
    from osler.represent.counts import count_features
    from osler.represent.joined import joined_features

    names = [folder.resolve().name for folder in folders]
    if len({COUNTS, *names}) <= len(names):
        raise InputError(
            "folders of vectors need names of their own, other than 'counts'",
            where="--vectors",
            allowed=sorted(set(names)),
            remedy="rename a folder",
        )
    counts = count_features(dataset, samples)
    found = {COUNTS: counts}
    for name, folder in zip(names, folders, strict=True):
        found[name] = _vectors(folder, samples, texts=texts, pool=pool)
        both = f"{COUNTS}_{name}"
        found[both] = joined_features([counts, found[name]], name=both)
    return found


def _vectors(folder: Path, samples: "pl.DataFrame", *, texts: Path | None, pool: Any) -> "Features":
    from osler.base.errors import InputError
    from osler.base.files import read_json
    from osler.represent.encode import ENCODER_JSON
    from osler.represent.vectors import document_features, statement_features

    if pool not in ("mean", "idf"):
        raise InputError(f"unknown pooling '{pool}'", where="--pool", allowed=["mean", "idf"])
    description = folder / ENCODER_JSON
    if not description.is_file():
        raise InputError(
            "not a folder of vectors", where=folder, remedy="make it with: osler encode TEXTS -o FOLDER"
        )
    if read_json(description)["unit"] == "document":
        return document_features(folder, samples)
    if texts is None:
        raise InputError(
            "statement vectors are pooled by the texts that they were made from",
            where=folder,
            remedy="name the folder of texts with --texts",
        )
    return statement_features(folder, texts, samples, pool=pool)
