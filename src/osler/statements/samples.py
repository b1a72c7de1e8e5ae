"""Samples without labels: one per subject, at the end of its record."""

import polars as pl

from osler.record.dataset import Dataset
from osler.record.schema import DEATH

RECORD_END = "record_end"


def record_end(dataset: Dataset) -> pl.DataFrame:
    """One sample per subject, at its last event that is no death.

    Prediction refuses such samples: the end of a record is known only afterwards.

    Args:
        dataset: any dataset; subjects without a dated event have no sample.

    Returns:
        `subject_id, prediction_time`, sorted.
    """
    frames = []
    for shard in dataset.shards:
        last = (
            pl.scan_parquet(shard.path)
            .filter(~pl.col("code").cast(pl.String).str.starts_with(DEATH))  # `MEDS_DEATH//...` too
            .group_by(pl.col("subject_id").cast(pl.Int64))
            .agg(pl.col("time").max().cast(pl.Datetime("us")).alias("prediction_time"))
        )
        frames.append(last.drop_nulls().collect())
    return pl.concat(frames).group_by("subject_id").agg(pl.col("prediction_time").max()).sort("subject_id")
