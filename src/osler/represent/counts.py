"""Counts: how often each code was recorded and which values it had, in windows before the prediction time.

The baseline that every language model must beat. One pass per shard, memory bounded by the shard; the same
aggregations as MEDS-Tab, with every row of a time stamp counted and values taken per measurement.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.base.progress import bar
from osler.record.dataset import Dataset, Shard
from osler.record.schema import SAMPLE_KEY
from osler.represent.features import Features
from osler.represent.sampled import age_at, require_each_once
from osler.represent.segments import NO_TIME, Segments, bisect_right, pairs, segment
from osler.represent.settings import EVER, CountSettings, Window, window_name

if TYPE_CHECKING:
    from scipy import sparse

AGE = "age"
_DAY = 86_400_000_000
# Pairs of sample and run handled at once: bounds the memory of one step to some 50 MB.
_PAIRS = 250_000
# Shards counted at once; each costs the memory of its events.
_THREADS = min(4, os.cpu_count() or 1)


def count_features(
    dataset: Dataset, samples: pl.DataFrame, *, settings: CountSettings | None = None
) -> Features:
    """Count and value features of samples.

    Events count when time <= prediction time (inclusive) or time is null; see `CountSettings` for windows.
    Columns are named `code|window|aggregation`, with `code=value` for text values, and `age`. `last` is the
    last value in canonical order; values that are null, NaN or infinite were not measured. Columns are those
    that any of the samples has; the transformer keeps what training rows support.

    Args:
        dataset: the dataset.
        samples: `subject_id, prediction_time`, any order, several per subject allowed.
        settings: defaults when None.

    Returns:
        Features with a csr float32 matrix. `count` columns are 0 where not stored, all others (and `age`)
        were not measured there.

    Raises:
        InputError: a subject of the samples is not in the dataset or is in two shards, or the dataset is
            undated and no window is "ever".
    """
    from scipy import sparse

    from osler.represent.vocabulary import CountVocabulary

    settings = settings or CountSettings()
    windows = _windows_for(dataset, settings.windows)
    book = dataset.codes
    notes = book.filter((pl.col("kind") == "note") | pl.col("code").str.starts_with("NOTE//"))["code"]
    hidden = book.filter(pl.col("role") == "identifier")["code"]
    wanted = samples.select(*SAMPLE_KEY).with_row_index("sample").sort(*SAMPLE_KEY, "sample")

    def count(shard: Shard) -> tuple[list[str], Any, np.ndarray, np.ndarray] | None:
        events = dataset.read(shard, columns=["numeric_value", "text_value"])
        here = wanted.filter(pl.col("subject_id").is_in(events["subject_id"].unique().implode()))
        if here.is_empty():
            return None
        events = events.filter(pl.col("subject_id").is_in(here["subject_id"].unique().implode()))
        if hidden.len():
            events = events.filter(~pl.col("code").is_in(hidden.implode()))
        runs = segment(events, notes=notes, text_length=settings.text_length)
        cells = _count_shard(runs, here, windows, settings.aggregations)
        return runs.features, cells, here["sample"].to_numpy(), age_at(events, here)

    # numpy and polars let go of the interpreter lock; results come in the order of shards.
    with ThreadPoolExecutor(_THREADS) as pool, bar("counting", total=len(dataset.shards)) as step:
        done = []
        for result in pool.map(count, dataset.shards):
            step(1)
            if result is not None:
                done.append(result)
    parts = [(names, cells) for names, cells, _, _ in done]
    rows = [sample for _, _, sample, _ in done]
    ages = [age for _, _, _, age in done]
    found = np.concatenate([np.empty(0, np.int64), *rows]).astype(np.int64)
    require_each_once(found, wanted, dataset)
    matrix, names = _assemble(parts, windows, settings.aggregations)
    is_value = np.array([not name.endswith("|count") for name in names], dtype=bool)
    age = np.concatenate([np.empty(0), *ages])
    known = np.flatnonzero(~np.isnan(age))
    if settings.age and len(known):
        column = sparse.csr_matrix(
            (age[known].astype(np.float32), (known, np.zeros(len(known), np.int64))), shape=(len(age), 1)
        )
        matrix = sparse.hstack([matrix, column], format="csr", dtype=np.float32)
        names, is_value = [*names, AGE], np.append(is_value, True)
    back = np.empty(len(found), dtype=np.int64)
    back[found] = np.arange(len(found))
    in_order = np.array_equal(back, np.arange(len(back)))
    return Features(
        name="counts",
        matrix=matrix if in_order else matrix[back],
        names=names,
        make_transformer=partial(
            CountVocabulary, min_samples=settings.min_samples, names=names, value_columns=is_value
        ),
        value_columns=is_value,
    )


def _windows_for(dataset: Dataset, windows: tuple[Window, ...]) -> tuple[Window, ...]:
    if not dataset.undated:
        return windows
    if EVER not in windows:
        raise InputError(
            "the dataset is undated, so windows in days mean nothing",
            where=dataset.path,
            allowed=[EVER],
            remedy="use the window (0, null)",
        )
    return (EVER,)


def _count_shard(
    runs: Segments, samples: pl.DataFrame, windows: Sequence[Window], aggregations: Sequence[str]
) -> "sparse.csr_matrix":
    """csr float32 [n_samples, n_features x n_windows x n_aggregations], indices sorted."""
    from scipy import sparse

    subject = np.searchsorted(runs.subjects, samples["subject_id"].to_numpy())
    limit = samples["prediction_time"].dt.cast_time_unit("us").to_physical().to_numpy()
    sizes = np.cumsum(runs.first[subject + 1] - runs.first[subject])
    blocks = []
    at: int = 0
    while at < len(subject):
        done = int(sizes[at - 1]) if at else 0
        end = max(int(np.searchsorted(sizes, done + _PAIRS, side="right")), at + 1)
        blocks.append(_count_block(runs, subject[at:end], limit[at:end], windows, aggregations))
        at = end
    width = len(windows) * len(aggregations)
    data = np.concatenate([block[0] for block in blocks])
    indices = np.concatenate([block[1] for block in blocks])
    indptr = np.concatenate([[0], np.cumsum(np.concatenate([block[2] for block in blocks]))])
    return sparse.csr_matrix((data, indices, indptr), shape=(len(subject), len(runs.features) * width))


def _count_block(
    runs: Segments,
    subject: np.ndarray,
    limit: np.ndarray,
    windows: Sequence[Window],
    aggregations: Sequence[str],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Data, column indices and numbers of stored cells per sample, for some samples."""
    sample, run = pairs(runs.first, subject)
    begin = runs.start[run]
    until = limit[sample]
    seen = bisect_right(runs.time, begin, runs.start[run + 1], until)
    keep = np.flatnonzero(seen > begin)
    sample, run, begin, until, seen = sample[keep], run[keep], begin[keep], until[keep], seen[keep]
    edges = sorted({day for window in windows for day in window if day is not None})
    position = {0.0: seen}
    previous = seen
    for day in edges:
        if day > 0:
            previous = bisect_right(runs.time, begin, previous, until - round(day * _DAY))
            position[day] = previous
    # NO_TIME itself, so that facts without a time stay outside every dated window.
    fixed = bisect_right(runs.time, begin, seen, np.full(len(begin), NO_TIME))
    cells = np.full((len(run), len(windows), len(aggregations)), np.nan, dtype=np.float32)
    for w, (near, far) in enumerate(windows):
        stop = position[near]
        if far is not None:
            start = np.maximum(position[far], np.minimum(fixed, stop))
        else:
            start = begin if near == 0 else np.minimum(fixed, stop)
        _aggregate(runs, start, stop, aggregations, cells[:, w, :])
    flat = cells.ravel()
    stored = np.flatnonzero(~np.isnan(flat))
    width = len(windows) * len(aggregations)
    pair = stored // width
    columns = runs.feature[run[pair]] * width + (stored - pair * width)
    return flat[stored], columns.astype(np.int32), np.bincount(sample[pair], minlength=len(subject))


def _aggregate(
    runs: Segments, start: np.ndarray, stop: np.ndarray, aggregations: Sequence[str], cells: np.ndarray
) -> None:
    """Fill cells [n_pairs, n_aggregations] for the events start:stop of each pair; NaN stays for none."""
    low, high = runs.value_rank[start], runs.value_rank[stop]
    valued = np.flatnonzero(high > low)
    several = valued[high[valued] - low[valued] > 1]
    edges = np.column_stack([low[several], high[several]]).ravel()
    largest = np.finfo(np.float32).max
    reducers = {"min": np.minimum, "max": np.maximum, "sum": np.add}
    for a, name in enumerate(aggregations):
        if name == "count":
            counted = np.flatnonzero(stop > start)
            cells[counted, a] = stop[counted] - start[counted]
            continue
        cells[valued, a] = runs.values[high[valued] - 1]
        if name in reducers and len(several):
            reduced = reducers[name].reduceat(runs.values, edges)[::2]
            cells[several, a] = np.clip(reduced, -largest, largest)


def _assemble(
    parts: list[tuple[list[str], Any]], windows: Sequence[Window], aggregations: Sequence[str]
) -> tuple[Any, list[str]]:
    """Put shards below each other under common columns; columns without a stored cell are left out."""
    from scipy import sparse

    if not parts:
        return sparse.csr_matrix((0, 0), dtype=np.float32), []
    width = len(windows) * len(aggregations)
    features = sorted({name for names, _ in parts for name in names})
    place = {name: i for i, name in enumerate(features)}
    # Both lists of names are sorted, so column indices stay sorted within each row.
    columns = [
        (np.array([place[name] for name in names])[:, None] * width + np.arange(width)).ravel()
        for names, _ in parts
    ]
    used = np.zeros(len(features) * width, dtype=bool)
    for (_, cells), column in zip(parts, columns, strict=True):
        used[column[np.bincount(cells.indices, minlength=len(column)) > 0]] = True
    new = np.cumsum(used, dtype=np.int32) - 1
    indices = np.concatenate([new[column][c.indices] for (_, c), column in zip(parts, columns, strict=True)])
    data = np.concatenate([cells.data for _, cells in parts])
    stored = np.concatenate([np.diff(cells.indptr) for _, cells in parts])
    indptr = np.concatenate([[0], np.cumsum(stored)])
    matrix = sparse.csr_matrix((data, indices, indptr), shape=(len(stored), int(used.sum())))
    suffixes = [f"|{window_name(window)}|{name}" for window in windows for name in aggregations]
    return matrix, [features[i // width] + suffixes[i % width] for i in np.flatnonzero(used).tolist()]
