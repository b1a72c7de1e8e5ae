"""The hospital of each sample: that of its last event at or before the prediction time that names one."""

from datetime import datetime

import polars as pl

from osler.record.dataset import Dataset, Shard, in_canonical_order
from osler.record.schema import SAMPLE_KEY, UNKNOWN
from osler.task.events import scan_shard

# Facts without a time hold from the beginning.
BEGINNING = datetime(1, 1, 1)  # noqa: DTZ001  (MEDS times have no zone)


def sites_of(dataset: Dataset, samples: pl.DataFrame) -> pl.Series:
    """The site of each sample.

    Args:
        dataset: the dataset; its `site_id_columns` name the hospital (several: the first that has a value).
        samples: `subject_id, prediction_time`.

    Returns:
        `site`, in the order of the samples; `unknown` where no event at or before the prediction time has
        one.
    """
    return last_value(dataset, samples, columns=dataset.site_columns).fill_null(UNKNOWN).alias("site")


def last_value(dataset: Dataset, samples: pl.DataFrame, *, columns: tuple[str, ...]) -> pl.Series:
    """The value of event columns at each sample: of its last event at or before then that has one.

    Args:
        dataset: the dataset.
        samples: `subject_id, prediction_time`.
        columns: event columns; of one event the first with a value counts.

    Returns:
        Text, null where there is none, in the order of the samples.
    """
    keys = samples.select(SAMPLE_KEY).unique()
    parts = []
    for shard in dataset.shards:
        if not any(name in shard.columns for name in columns):
            continue
        valued = _valued(shard, columns)
        instants = valued.select("subject_id", "time", "value").unique().collect(engine="streaming")
        # Where an instant has several values the canonical order decides; only those events are sorted.
        several = instants.select("subject_id", "time").filter(
            pl.struct("subject_id", "time").is_duplicated()
        )
        if several.height:
            several = several.unique()
            events = valued.join(several.lazy(), on=["subject_id", "time"], how="semi").collect()
            decided = in_canonical_order(events).unique(
                ["subject_id", "time"], keep="last", maintain_order=True
            )
            rest = instants.join(several, on=["subject_id", "time"], how="anti")
            instants = pl.concat([rest, decided.select("subject_id", "time", "value")])
        here = keys.join(instants.select("subject_id").unique(), on="subject_id", how="semi")
        parts.append(last_at_or_before(here, instants, keep=["value"]))
    if not parts:
        return pl.Series("value", [None] * samples.height, dtype=pl.String)
    found = pl.concat(parts).select(*SAMPLE_KEY, "value")
    return samples.select(SAMPLE_KEY).join(found, on=SAMPLE_KEY, how="left", maintain_order="left")["value"]


def _valued(shard: Shard, columns: tuple[str, ...]) -> pl.LazyFrame:
    """Events that have a value in one of the columns; facts without a time at the beginning."""
    value = pl.coalesce(pl.col(name).cast(pl.String) for name in columns).str.strip_chars()
    return (
        scan_shard(shard, extra=columns)
        .with_columns(pl.when(value.str.len_chars() > 0).then(value).alias("value"))
        .filter(pl.col("value").is_not_null())
        .with_columns(pl.col("time").fill_null(BEGINNING))
    )


def last_at_or_before(samples: pl.DataFrame, events: pl.DataFrame, *, keep: list[str]) -> pl.DataFrame:
    """Join each sample with the last event at or before its prediction time.

    Args:
        samples: `subject_id, prediction_time`.
        events: `subject_id, time` (no nulls) and others; of events at one instant the last row counts.
        keep: columns of `events` to add; null where no event is early enough.
    """
    events = events.sort("subject_id", "time", maintain_order=True)
    events = events.unique(["subject_id", "time"], keep="last", maintain_order=True)
    return samples.sort(SAMPLE_KEY).join_asof(
        events.select("subject_id", "time", *keep),
        left_on="prediction_time",
        right_on="time",
        by="subject_id",
        strategy="backward",
        check_sortedness=False,
    )
