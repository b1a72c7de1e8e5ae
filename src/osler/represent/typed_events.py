"""The events of a shard that samples may see, as numbers and as levels of variables."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from osler.record.dataset import Dataset, Shard
from osler.represent.latest import Runs, Seen, make_runs, seen_by
from osler.represent.sampled import age_at
from osler.represent.segments import NO_TIME
from osler.represent.typed_slots import NO_SLOT, Slots


@dataclass(frozen=True)
class Reading:
    """How the events of each slot are read; arrays are bool [n_slots].

    Attributes:
        number: numbers are read.
        text: texts are read.
        spelled: where there is no text, the number written out counts as one.
        either: what has a number is no text.
    """

    number: np.ndarray
    text: np.ndarray
    spelled: np.ndarray
    either: np.ndarray


@dataclass(frozen=True)
class ShardEvents:
    """Events of the samples of a shard.

    Attributes:
        sample: int64 [n_samples] places of the samples among all.
        age: float64 [n_samples] years.
        runs: the events in runs of one subject and one slot.
        number: float64 [n_events] in the order of the runs; NaN where none is read.
        text: [n_events] in the order of the runs; null where none is read.
        subject_id, limit: int64 [n_samples] subject and prediction time of the samples.
    """

    sample: np.ndarray
    age: np.ndarray
    runs: Runs
    number: np.ndarray
    text: pl.Series
    subject_id: np.ndarray
    limit: np.ndarray

    def seen(self, lookback: float | None) -> Iterator[Seen]:
        """What the samples see, some at a time; `Seen.sample` is the place in this shard's `sample`."""
        return seen_by(self.runs, self.subject_id, self.limit, lookback=lookback)

    @property
    def last_number(self) -> np.ndarray:
        """As `Runs.last`, of events with a number."""
        return self.runs.last(~np.isnan(self.number))

    @property
    def last_text(self) -> np.ndarray:
        """As `Runs.last`, of events with a text."""
        return self.runs.last(self.text.is_not_null().to_numpy())


def shard_events(
    dataset: Dataset, shard: Shard, wanted: pl.DataFrame, slots: Slots, reading: Reading
) -> ShardEvents | None:
    """Read a shard; None when it has no subject of the samples.

    Args:
        dataset: the dataset.
        shard: one of its shards.
        wanted: `subject_id, prediction_time, sample`.
        slots: what codes mean.
        reading: what is read of the events of each slot.
    """
    events = dataset.read(shard, columns=["numeric_value", "text_value"])
    here = wanted.filter(pl.col("subject_id").is_in(events["subject_id"].unique().implode()))
    if here.is_empty():
        return None
    events = events.filter(
        pl.col("subject_id").is_in(here["subject_id"].unique().implode()), pl.col("code").is_not_null()
    )
    age = age_at(events, here)
    code = events["code"].cast(slots.code_type).to_physical().to_numpy()
    slot = slots.of_code[code]
    kept = np.flatnonzero(slot != NO_SLOT)
    events, code, slot = events[kept], code[kept], slot[kept]
    times = events["time"].to_physical().fill_null(NO_TIME).to_numpy()
    runs = make_runs(events["subject_id"].to_numpy(), times, slot)
    number = events["numeric_value"].cast(pl.Float64).to_numpy()
    number = np.where(np.isfinite(number), number, np.nan)
    text = _texts(events, number, slots.said.gather(code), slot, reading)
    number[~reading.number[slot]] = np.nan
    return ShardEvents(
        sample=here["sample"].to_numpy().astype(np.int64),
        age=age,
        runs=runs,
        number=number[runs.order],
        text=text.gather(runs.order),
        subject_id=here["subject_id"].to_numpy(),
        limit=here["prediction_time"].dt.cast_time_unit("us").to_physical().to_numpy(),
    )


def _texts(
    events: pl.DataFrame, number: np.ndarray, said: pl.Series, slot: np.ndarray, reading: Reading
) -> pl.Series:
    """The text that is read of each event: what the code says, else its text, else its number written out."""
    finite = ~np.isnan(number)
    text = pl.col("text_value").str.strip_chars()
    spelled = pl.col("numeric_value").cast(pl.String).str.replace(r"\.0$", "")
    frame = events.select("text_value", "numeric_value").with_columns(
        said=said,
        read=pl.Series(reading.text[slot] & ~(finite & reading.either[slot])),
        spell=pl.Series(finite & reading.spelled[slot]),
    )
    known = pl.coalesce("said", pl.when(text.str.len_bytes() > 0).then(text), pl.when("spell").then(spelled))
    return frame.select(text=pl.when("read").then(known))["text"]
