"""Statement vectors beside document vectors: tokens, time, and how well regression predicts from them.

Cohorts: in-hospital death in the eICU demo (24 hours after the first unit admission), in the 2024 Pediatric
Sepsis Data Challenge and in PhysioNet 2012 (at 48 hours) where they are at hand ($OSLER_DATA or shared/data
beside the repository), and readmission of simulated patients. Texts are of the style list-recent, which
rounds numbers to two decimals; `--digits 3` rounds them to significant digits before.

Both units are made from the same texts. Tokens are those of the embedded MiniLM: of all documents, and of
the distinct statements; also of statements that carry a number (an event behind them has a numeric value) and
of others apart. They are counted again in plain Python before they are printed. Then both are encoded, one
after the other, without a cache; vectors are compared with plain Python before a time is printed; AUROC is
the mean over five folds.

    python benchmarks/statements.py [--cohorts eicu sepsis] [--tokens-only] [--digits 3] [--subjects 600]
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from osler.models.encoder import Encoder, load_encoder
from osler.models.tokenizer import load_tokenizer
from osler.prediction.predict import fit_predictions
from osler.prediction.settings import PredictSettings
from osler.record.dataset import Dataset
from osler.represent.encode import VectorsSummary, make_vectors
from osler.represent.features import Features
from osler.represent.settings import EncodeSettings
from osler.represent.vectors import document_features, statement_features
from osler.statements.read import Texts, open_texts
from osler.statements.settings import TextSettings
from osler.statements.write import make_texts
from osler.task.label import make_labels, parse_task
from osler.task.labels import Labels
from osler.task.settings import SplitSettings
from osler.task.splits import make_splits
from support.cohorts import COHORTS, dataset_of, rounded
from support.tokens import check_kinds, count_kinds, count_sections, encoded, lines_of, of_parts, ratio

CHECKED = 5
# A vector in bfloat16 agrees with itself in another batch to about three digits.
ALIKE = {"float32": 0.99999, "bfloat16": 0.999}
# Times fewer tokens that distinct statements should have where codes dominate.
AIM = 20
# Sections that are printed: those whose distinct statements have most tokens.
SECTIONS = 4


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


def count_tokens(texts: Texts, dataset: Dataset) -> dict[str, Any]:
    """Tokens of both units, checked, and of their kinds."""
    tokenizer = load_tokenizer("minilm")
    found: dict[str, Any] = {unit: encoded(texts, unit, tokenizer) for unit in ("document", "statement")}
    lines = lines_of(texts, dataset)
    kinds = count_kinds(lines)
    check_kinds(kinds, texts, dataset, tokenizer)
    # The ends of lines are no tokens.
    assert found["document"]["tokens"] == kinds["number"]["line_tokens"] + kinds["other"]["line_tokens"]
    for name in ("tokens", "tokens_with_special"):
        found[f"{name}_ratio"] = ratio(found["document"][name], found["statement"][name])
    return {**found, "ratio_of_parts": of_parts(lines), "kinds": kinds, "sections": count_sections(lines)}


def predict(texts: Texts, labels: Labels, dataset: Dataset, folder: Path, result: dict[str, Any]) -> None:
    """Encode both units; add seconds and AUROC to what was counted."""
    encoder = load_encoder("minilm")
    features: dict[str, Features] = {}
    for unit in ("statement", "document"):
        made, seconds = encode(texts, folder / unit, unit)
        check(texts, folder / unit, unit, encoder)
        assert (made.n_tokens, made.n_windows) == (result[unit]["tokens"], result[unit]["windows"])
        result[unit]["seconds"] = round(seconds, 2)
    features["document"] = document_features(folder / "document", labels.frame)
    pools: tuple[Literal["mean", "idf"], ...] = ("mean", "idf")
    for pool in pools:
        features[f"statement_{pool}"] = statement_features(
            folder / "statement", texts.path, labels.frame, pool=pool
        )
    summary = fit_predictions(
        labels,
        features,
        make_splits(labels, SplitSettings(), dataset),
        folder / "predictions",
        settings=PredictSettings(heads=["lr"], compare_to=None),
        task_name="benchmark",
    )
    result["auroc"] = {
        model["model"].removesuffix("+lr"): [
            round(model[key], 3) for key in ("auroc", "auroc_low", "auroc_high")
        ]
        for model in summary.models
    }


def measure(name: str, folder: Path, options: argparse.Namespace) -> dict[str, Any] | None:
    """What is known of one cohort; None where its data is not at hand."""
    dataset = dataset_of(name, folder / "dataset", subjects=options.subjects)
    if dataset is None:
        return None
    if options.digits:
        dataset = rounded(dataset, folder / "rounded", digits=options.digits)
    labels = make_labels(
        dataset, folder / "labels", settings=parse_task(dict(COHORTS[name].task), where=name)
    )
    make_texts(dataset, labels.frame, folder / "texts", settings=TextSettings(budget=COHORTS[name].budget))
    texts = open_texts(folder / "texts")
    result = {"events": labels.n_events, **count_tokens(texts, dataset)}
    if not options.tokens_only:
        predict(texts, labels, dataset, folder, result)
    return result


def show(name: str, found: dict[str, Any]) -> None:
    """A small table."""
    print(
        f"{name}: {found['document']['texts']:,} documents, {found['events']:,} of patients with the outcome"
    )
    for unit in ("document", "statement"):
        row = found[unit]
        seconds = f"  {row['seconds']:7.1f} s" if "seconds" in row else ""
        print(
            f"  {unit + 's':18} {row['texts']:>8,}  {row['tokens']:>10,} tokens, "
            f"{row['tokens_with_special']:>10,} with special ones{seconds}"
        )
    parts = ", ".join(f"{value} on {part} of the samples" for part, value in found["ratio_of_parts"].items())
    print(
        f"  ratio {found['tokens_ratio']} ({found['tokens_with_special_ratio']} with special ones; {parts})"
    )
    costly = dict(list(found["sections"].items())[:SECTIONS])
    for kind, row in (found["kinds"] | costly).items():
        print(
            f"  {kind:18} {row['lines']:>8,} lines {row['line_tokens']:>10,} tokens; {row['distinct']:>7,} "
            f"distinct {row['distinct_tokens']:>9,} tokens; ratio {row['ratio']}"
        )
    for model, (mean, low, high) in found.get("auroc", {}).items():
        print(f"  AUROC {model:16} {mean:.3f} ({low:.3f} to {high:.3f})")


def main() -> None:
    """Measure, print tables and, last, one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cohorts", nargs="+", choices=list(COHORTS), default=list(COHORTS))
    parser.add_argument("--tokens-only", action="store_true", help="neither encode nor predict")
    parser.add_argument("--digits", type=int, help="significant digits that numbers are rounded to")
    parser.add_argument("--subjects", type=int, default=600, help="simulated subjects")
    options = parser.parse_args()
    details: dict[str, Any] = {}
    for name in options.cohorts:
        with tempfile.TemporaryDirectory() as temporary:
            found = measure(name, Path(temporary), options)
        if found:
            details[name] = found
            show(name, found)
    result: dict[str, Any] = {"name": "tokens of distinct statements", "value": None, "unit": "no data"}
    if details:
        name, first = next(iter(details.items()))
        result["value"] = first["tokens_ratio"]
        result["unit"] = f"times fewer than those of documents ({name})"
        result["ratio"] = round(first["tokens_ratio"] / AIM, 2)
        result["against"] = f"aim of {AIM} where codes dominate"
        for each, of_cohort in details.items():
            result[f"{each}_times_fewer_tokens"] = of_cohort["tokens_ratio"]
    if not options.tokens_only:
        result["dtype"] = load_encoder("minilm").dtype
    print(json.dumps({**result, "digits": options.digits, "cohorts": details}))


if __name__ == "__main__":
    main()
