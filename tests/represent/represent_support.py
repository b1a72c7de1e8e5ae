"""A small dataset whose future can be changed, and samples of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from osler.models.batching import plan_batches
from osler.record.dataset import Dataset, open_dataset
from osler.record.write import write_events, write_metadata

T0 = datetime(2020, 1, 1)


def small_plan(budget: int) -> Callable[..., list[np.ndarray]]:
    """`plan_batches` with a small budget in the place of the one that it is given."""
    return lambda lengths, keys, **_: plan_batches(lengths, keys, budget=budget)


def write_dataset(folder: Path, *, future: int = 0, shards: int = 3, subjects: int = 12) -> Dataset:
    """A dataset of a few subjects; `future` seeds what happens after day 50 and changes nothing before it."""
    past = np.random.default_rng(7)
    later = np.random.default_rng(future)
    words = ["sodium", "potassium", "heart failure", "cough", "platelets", "creatinine", "fever", "oedema"]
    rows = []
    for subject in range(subjects):
        for source, day, n in ((past, 0, 14), (later, 51, 5 if future else 0)):
            for _ in range(n):
                word = words[int(source.integers(len(words)))]
                value = float(source.integers(1, 9)) if source.random() < 0.5 else None
                time = T0 + timedelta(days=day + int(source.integers(40)))
                rows.append((subject, time, f"LAB//{word}", value, None))
    # One statement that is longer than a window of the tiny encoder.
    rows.append((0, T0, "DIAGNOSIS//" + " ".join(words * 3), None, None))
    names = ["subject_id", "time", "code", "numeric_value", "text_value"]
    types = [pl.Int64, pl.Datetime("us"), pl.String, pl.Float32, pl.String]
    frame = pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")
    for shard in range(shards):
        write_events(folder, f"train/{shard}", frame.filter(pl.col("subject_id") % shards == shard))
    codes = pl.DataFrame({"code": []}, schema={"code": pl.String})
    write_metadata(folder, name="d", codes=codes, used=frame["code"].unique())
    return open_dataset(folder)


def two_samples_each(subjects: int = 12) -> pl.DataFrame:
    """`subject_id, prediction_time`: day 30 and day 50 of every subject."""
    days = [T0 + timedelta(days=day) for day in (30, 50)]
    return pl.DataFrame(
        [(subject, day) for subject in range(subjects) for day in days],
        schema={"subject_id": pl.Int64, "prediction_time": pl.Datetime("us")},
        orient="row",
    )
