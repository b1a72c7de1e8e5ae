"""Statement vectors beside document vectors: what each costs, and how well regression predicts from it.

Two cohorts: the children of the 2024 Pediatric Sepsis Data Challenge where they are at hand ($OSLER_DATA or
shared/data beside the repository), and simulated patients at discharge (readmission in 30 days). Both units
are encoded by the embedded MiniLM from the same texts, one after the other, without a cache. Vectors are
compared with plain Python before a time is printed; AUROC is the mean over five folds.

    python benchmarks/statements.py [--subjects 600]
"""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from osler.models.encoder import Encoder, load_encoder
from osler.prediction.predict import fit_predictions
from osler.prediction.settings import PredictSettings
from osler.record.dataset import Dataset, open_dataset
from osler.record.sources import ingest
from osler.represent.encode import VectorsSummary, make_vectors
from osler.represent.features import Features
from osler.represent.settings import EncodeSettings
from osler.represent.vectors import document_features, statement_features
from osler.simulate.settings import SimulateSettings
from osler.simulate.simulate import simulate
from osler.statements.read import Texts, open_texts
from osler.statements.settings import TextSettings
from osler.statements.write import make_texts
from osler.task.label import make_labels, parse_task
from osler.task.settings import SplitSettings
from osler.task.splits import make_splits

ROOT = Path(__file__).parents[1]
CHECKED = 5
# A vector in bfloat16 agrees with itself in another batch to about three digits.
ALIKE = {"float32": 0.99999, "bfloat16": 0.999}


@dataclass(frozen=True)
class Cohort:
    """A dataset, how its task is labelled, and how long its texts may be."""

    name: str
    dataset: Dataset
    task: dict[str, Any]
    budget: int


def cohorts(folder: Path, subjects: int) -> list[Cohort]:
    """The sepsis table where it is at hand, and a simulated cohort."""
    found = []
    data = Path(os.environ.get("OSLER_DATA", ROOT.parent / "shared" / "data"))
    table = data / "pediatric_sepsis_uganda" / "pediatric_sepsis_dev.csv"
    if table.is_file():
        ingest("table", table, ROOT / "examples" / "specs" / "sepsis.yaml", folder / "sepsis")
        task = {"use": "outcome", "column": "inhospital_mortality"}
        found.append(Cohort("sepsis", open_dataset(folder / "sepsis"), task, 2048))
    else:
        print("the sepsis records are not here: set OSLER_DATA", file=sys.stderr)
    simulate(folder / "simulated", settings=SimulateSettings(subjects=subjects, hospitals=6, seed=0))
    found.append(Cohort("simulated", open_dataset(folder / "simulated"), {"use": "readmission"}, 512))
    return found


def check(texts: Texts, folder: Path, unit: str, encoder: Encoder) -> None:
    """Compare some vectors with those of plain Python: statement by statement, window by window."""
    if unit == "statement":
        every = texts.statements().with_columns(pl.col("statement_id").cast(pl.String)).collect()
        keys = ["statement_id"]
    else:
        every, keys = texts.texts().collect(), ["subject_id", "prediction_time"]
    some = every.unique(keys, maintain_order=True).sample(CHECKED, seed=0)
    rows = some.join(pl.concat(map(pl.read_parquet, (folder / unit).rglob("*.parquet"))), on=keys)
    assert rows.height == CHECKED
    for text, vector in rows.select("text", "vector").iter_rows():
        windows: list[list[int]] = [[]]
        for line in text.split("\n"):
            [ids] = encoder.tokenizer.encode([line])
            if len(windows[-1]) + len(ids) > encoder.tokenizer.room:
                windows.append([])
            windows[-1].extend(ids)
        made = np.vstack([encoder.encode_batch([window]) for window in windows])
        mean = np.average(made, axis=0, weights=[max(len(window), 1) for window in windows])
        assert mean @ vector / np.linalg.norm(mean) > ALIKE[encoder.dtype], unit


def encode(texts: Texts, folder: Path, unit: str) -> tuple[VectorsSummary, float]:
    """Vectors of one unit without a cache, and the seconds that they took."""
    start = time.perf_counter()
    made = make_vectors(texts.path, folder, settings=EncodeSettings.parse({"unit": unit}, where=unit))
    return made, time.perf_counter() - start


def measure(cohort: Cohort, folder: Path) -> dict[str, dict[str, Any]]:
    """Cost and AUROC of both units on one cohort."""
    task = parse_task(cohort.task, where=cohort.name)
    labels = make_labels(cohort.dataset, folder / "labels", settings=task)
    make_texts(cohort.dataset, labels.frame, folder / "texts", settings=TextSettings(budget=cohort.budget))
    texts = open_texts(folder / "texts")
    encoder = load_encoder("minilm")
    result: dict[str, dict[str, Any]] = {}
    features: dict[str, Features] = {}
    for unit in ("statement", "document"):
        made, seconds = encode(texts, folder / unit, unit)
        check(texts, folder / unit, unit, encoder)
        result[unit] = {"seconds": seconds, "tokens": made.n_tokens, "vectors": made.n_vectors}
    features["document"] = document_features(folder / "document", labels.frame)
    pools: tuple[Literal["mean", "idf"], ...] = ("mean", "idf")
    for pool in pools:
        features[f"statement_{pool}"] = statement_features(
            folder / "statement",
            texts.path,
            labels.frame,
            pool=pool,
        )
    summary = fit_predictions(
        labels,
        features,
        make_splits(labels, SplitSettings(), cohort.dataset),
        folder / "predictions",
        settings=PredictSettings(heads=["lr"], compare_to=None),
        task_name=cohort.name,
    )
    for model in summary.models:
        name = model["model"].removesuffix("+lr")
        unit = name.split("_")[0]
        score = {key: round(model[key], 3) for key in ("auroc", "auroc_low", "auroc_high")}
        result[unit][name] = score
    return result


def main() -> None:
    """Measure, print a table and, last, one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--subjects", type=int, default=600, help="simulated subjects")
    options = parser.parse_args()
    details = {}
    with tempfile.TemporaryDirectory() as temporary:
        for cohort in cohorts(Path(temporary), options.subjects):
            details[cohort.name] = measure(cohort, Path(temporary) / f"{cohort.name}-work")
    for name, units in details.items():
        for unit, found in units.items():
            scores = {key: value for key, value in found.items() if isinstance(value, dict)}
            print(
                f"{name:10} {unit:10} {found['vectors']:>7,} vectors {found['tokens']:>10,} tokens "
                f"{found['seconds']:7.1f} s  {json.dumps(scores)}"
            )
    first = next(iter(details.values()))
    result = {
        "name": "statement vectors of a cohort",
        "value": round(first["statement"]["seconds"], 2),
        "unit": f"seconds ({next(iter(details))})",
        "ratio": round(first["document"]["seconds"] / first["statement"]["seconds"], 2),
        "against": "document vectors of the same texts, same encoder",
        "dtype": load_encoder("minilm").dtype,
        "cohorts": details,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
