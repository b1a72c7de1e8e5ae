"""What fitting an encoder to a cohort changes: how often a sample of a record's statements finds another one.

The cohort is simulated. The encoder is fitted to training subjects (contrastive, LoRA). Of each record of the
other subjects two samples of its statements are drawn, and each looks for the other one among those of all
records, by cosine, before and after. Samples are drawn in two ways: independently, each statement with
probability 0.5, as fitting draws its views; and as halves without a common statement, which is harder: where
a record names each measurement once, what one half has, the other one lacks, and other records have it too.

    python benchmarks/fit_encoder.py [--subjects 1000] [--epochs 1] [--work FOLDER]
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from osler.base.offline import go_offline

go_offline()

from osler.models.encoder import Encoder, load_encoder  # noqa: E402
from osler.models.fit.records import Records  # noqa: E402
from osler.models.fit.settings import FitSettings  # noqa: E402
from osler.record.dataset import open_dataset  # noqa: E402
from osler.represent.adapt import fit_on_texts, read_records, training_subjects  # noqa: E402
from osler.represent.windows import weighted_mean  # noqa: E402
from osler.statements.read import Texts, open_texts  # noqa: E402


def main() -> None:
    """Simulate, fit, measure; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=1_000)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument(
        "--work", type=Path, default=None, help="folder that keeps dataset, texts and adapter"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        dataset, texts = make_cohort(work, given.subjects)
        start = time.perf_counter()
        settings = FitSettings(epochs=given.epochs)
        adapter = work / "adapter"
        made = fit_on_texts(texts.path, adapter, encoder="minilm", settings=settings, dataset=dataset.path)
        seconds = time.perf_counter() - start
        records = others(texts, dataset)
        base = load_encoder("minilm", dtype="float32")
        encoders = base, adapted(base, adapter)
        ranks = {
            way: [ranks_of(encoder, *draw(records)) for encoder in encoders]
            for way, draw in (("views", views_of), ("halves", halves_of))
        }
    print(
        f"{made.n_texts} training texts, {made.steps} steps, {seconds:.0f} s, loss {made.loss_first:.2f} to "
        f"{made.loss_last:.2f}; {records.n} other records, chance {1 / records.n:.4f}",
        file=sys.stderr,
    )
    for way, (before, after) in ranks.items():
        low, high = interval(before == 0, after == 0)
        print(
            f"{way}: found {(before == 0).mean():.3f} before, {(after == 0).mean():.3f} after, difference "
            f"{(after == 0).mean() - (before == 0).mean():.3f} ({low:.3f} to {high:.3f}); "
            f"others nearer, median: {np.median(before):.0f} before, {np.median(after):.0f} after",
            file=sys.stderr,
        )
    before, after = (float((one == 0).mean()) for one in ranks["views"])
    row = {"name": "fit_encoder", "value": round(after, 3), "unit": "share of views that find their record"}
    against = "minilm as it comes"
    print(json.dumps({**row, "ratio": round(after / before, 2) if before else None, "against": against}))


def make_cohort(work: Path, subjects: int) -> tuple[Any, Texts]:
    """A simulated dataset and its texts at the ends of records."""
    from osler.simulate.settings import SimulateSettings
    from osler.simulate.simulate import simulate
    from osler.statements.samples import record_end
    from osler.statements.settings import TextSettings
    from osler.statements.write import make_texts

    simulate(work / "simulated" / "dataset", settings=SimulateSettings(subjects=subjects, seed=0))
    dataset = open_dataset(work / "simulated" / "dataset")
    settings = TextSettings(budget=1024)
    make_texts(dataset, record_end(dataset), work / "texts", settings=settings, origin="record_end")
    return dataset, open_texts(work / "texts")


def others(texts: Texts, dataset: Any) -> Records:
    """Records of the subjects that do not train."""
    import polars as pl

    train, _ = training_subjects(texts, dataset)
    every = texts.texts().select("subject_id").unique().collect()
    rest = every.join(train, on="subject_id", how="anti").with_columns(person=pl.col("subject_id"))
    return read_records(texts, rest, encoder="minilm")


Windows = list[list[list[int]]]  # of each text the token ids of its windows


def views_of(records: Records) -> tuple[Windows, Windows]:
    """Windows of two independent samples of each record, each statement with probability 0.5."""
    rng = np.random.default_rng(0)
    sides: tuple[Windows, Windows] = [], []
    for i in range(records.n):
        for side in sides:
            order = rng.permutation(records.of(i))
            kept = order[rng.random(len(order)) < 0.5]
            side.append(records.join(kept if len(kept) else order[:1]))
    return sides


def halves_of(records: Records) -> tuple[Windows, Windows]:
    """Windows of two random halves of each record."""
    rng = np.random.default_rng(0)
    first, second = [], []
    for i in range(records.n):
        order = rng.permutation(records.of(i))
        first.append(records.join(order[: len(order) // 2]))
        second.append(records.join(order[len(order) // 2 :]))
    return first, second


def adapted(base: Encoder, folder: Path) -> Encoder:
    """The encoder with an adapter merged into its weights."""
    from peft import PeftModel

    from osler.models.loading import load_model

    model = PeftModel.from_pretrained(load_model(base.facts, dtype="float32"), folder)
    return replace(base, _model=model.merge_and_unload().eval())


def ranks_of(encoder: Encoder, first: Windows, second: Windows) -> np.ndarray:
    """How many others are nearer than the own one, for each first sample and then each second one."""
    cosines = vectors(encoder, first) @ vectors(encoder, second).T
    own = cosines.diagonal()
    return np.concatenate([(cosines > own[:, None]).sum(axis=1), (cosines > own[None, :]).sum(axis=0)])


def vectors(encoder: Encoder, windows: Windows) -> np.ndarray:
    """One vector per text, as `osler encode` makes it."""
    ids = [one for text in windows for one in text]
    owner = np.repeat(np.arange(len(windows)), [len(text) for text in windows])
    lengths = np.array([len(one) for one in ids])
    made = encoder.encode_ids(ids)
    return weighted_mean(made, owner, lengths, len(windows), normalise=encoder.facts.normalise)


def interval(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """95 % bootstrap interval of the difference, over records."""
    rng = np.random.default_rng(0)
    change = (after.astype(float) - before).reshape(2, -1).mean(axis=0)
    draws = [change[rng.integers(len(change), size=len(change))].mean() for _ in range(2000)]
    return float(np.quantile(draws, 0.025)), float(np.quantile(draws, 0.975))


if __name__ == "__main__":
    main()
