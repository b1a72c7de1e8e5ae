"""Events of a shard in runs of one subject and one feature, in time: what counting needs, without copies.

A feature is a code, or a code with one of its text values (`code=value`). Within a run, what a sample sees
in a window is a range of positions, found by bisection; nothing after the prediction time is looked at.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from osler.statements.packing import factor_text, order_by, ragged

# Stands before every time: facts without a time come first, as in the canonical order.
NO_TIME = int(np.iinfo(np.int64).min)


@dataclass(frozen=True)
class Segments:
    """Runs of events of one subject and one feature.

    Attributes:
        features: names, sorted.
        subjects: subject_id of each subject, ascending.
        first: int64 [n_subjects + 1] the runs of subject i are first[i]:first[i + 1], in order of features.
        feature: int64 [n_runs].
        start: int64 [n_runs + 1] the events of run j are start[j]:start[j + 1], in canonical order.
        time: int64 [n_events] microseconds, `NO_TIME` for none.
        values: float64 [n_values + 1] finite numeric values in the order of events, and a 0 as end mark.
        value_rank: int64 [n_events + 1] number of values before each event.
    """

    features: list[str]
    subjects: np.ndarray
    first: np.ndarray
    feature: np.ndarray
    start: np.ndarray
    time: np.ndarray
    values: np.ndarray
    value_rank: np.ndarray


def segment(events: pl.DataFrame, *, notes: pl.Series, text_length: int) -> Segments:
    """Sort the events of a shard into runs.

    Args:
        events: `subject_id, time, code, numeric_value, text_value` in canonical order.
        notes: codes whose text values are notes.
        text_length: most characters of a text value that is a category; 0: none.
    """
    n_events = events.height
    ids, names = factor_text(events["code"])
    index = np.arange(n_events)
    is_category = (
        pl.col("text_value").str.strip_chars().str.len_chars().is_between(1, text_length)
        & pl.col("numeric_value").is_null()
        & ~pl.col("code").is_in(notes.implode())
        & ~pl.col("code").str.starts_with("NOTE//")
    )
    if text_length and events["text_value"].null_count() < n_events:
        categories = (
            events.select("code", "text_value", "numeric_value", index=pl.int_range(pl.len(), dtype=pl.Int64))
            .filter(pl.col("text_value").is_not_null())
            .filter(is_category)
            .select("index", name=pl.concat_str("code", pl.lit("="), pl.col("text_value").str.strip_chars()))
        )
        more_ids, more_names = factor_text(categories["name"])
        ids = np.concatenate([ids, more_ids + len(names)])
        index = np.concatenate([index, categories["index"].to_numpy()])
        if names.is_in(more_names.implode()).any():  # a code that is spelled as another one with its text
            in_order = np.argsort(index, kind="stable")
            ids, index = ids[in_order], index[in_order]
        names = pl.concat([names, more_names])
    features = sorted(set(names.to_list()))
    place = {name: i for i, name in enumerate(features)}
    feature = np.array([place[name] for name in names], dtype=np.int64)[ids]
    subject_ids = events["subject_id"].to_numpy()
    begins = np.append(True, subject_ids[1:] != subject_ids[:-1])[:n_events]
    subjects = subject_ids[begins]
    subject = (np.cumsum(begins) - 1)[index]
    order = order_by(subject, feature)
    subject, feature, index = subject[order], feature[order], index[order]
    new = np.empty(len(order), dtype=bool)
    new[:1] = True
    new[1:] = (subject[1:] != subject[:-1]) | (feature[1:] != feature[:-1])
    starts = np.flatnonzero(new)
    value = events["numeric_value"].cast(pl.Float64).to_numpy()[index]
    # A category has no value, and a value that is no number (NaN, infinite) was not measured.
    has_value = np.isfinite(value)
    return Segments(
        features=features,
        subjects=subjects,
        first=np.searchsorted(subject[starts], np.arange(len(subjects) + 1)),
        feature=feature[starts],
        start=np.append(starts, len(order)),
        time=events["time"].to_physical().fill_null(NO_TIME).to_numpy()[index],
        values=np.append(value[has_value], 0.0),
        value_rank=np.concatenate([[0], np.cumsum(has_value)]),
    )


def bisect_right(times: np.ndarray, low: np.ndarray, high: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """For each range low:high of ascending times, the position after the last time <= limit.

    Args:
        times: int64 [n_events].
        low, high, limit: int64 [n_ranges].

    Returns:
        int64 [n_ranges].

    Examples:
        >>> one = np.array([0])
        >>> bisect_right(np.array([1, 5, 5, 9]), one, one + 4, one + 5).tolist()
        [3]
    """
    low, high = low.copy(), high.copy()
    open_ranges = np.flatnonzero(low < high)
    while len(open_ranges):
        left, right = low[open_ranges], high[open_ranges]
        middle = (left + right) >> 1
        inside = times[middle] <= limit[open_ranges]
        left = np.where(inside, middle + 1, left)
        right = np.where(inside, right, middle)
        low[open_ranges], high[open_ranges] = left, right
        open_ranges = open_ranges[left < right]
    return low


def pairs(first: np.ndarray, subject: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every (sample, run) of the sample's subject: two int64 arrays, samples ascending, runs in their order.

    Args:
        first: int64 [n_subjects + 1] as in `Segments`.
        subject: int64 [n_samples] number of each sample's subject.
    """
    counts = first[subject + 1] - first[subject]
    sample, place = ragged(counts)
    return sample, first[subject][sample] + place
