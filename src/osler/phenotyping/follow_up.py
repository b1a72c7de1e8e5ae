"""How long samples are followed, and who dies: from the prediction time to death or the last event.

The only outcome whose time a dataset holds by itself is death (`MEDS_DEATH`). A patient who does not die is
followed to the last event of the record: what happens later, elsewhere, is not known.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from osler.base.hashing import hash_bytes, hash_json
from osler.phenotyping.partition import Array
from osler.record.dataset import Dataset
from osler.record.schema import DEATH, SAMPLE_KEY

_DAY = 86_400_000_000  # microseconds
UNDATED = "times of the dataset only order events, so no time to death is known"
NO_DEATHS = "the dataset holds no death with a time after a prediction time"


@dataclass(frozen=True)
class FollowUp:
    """Follow-up of n samples.

    Attributes:
        days: float64 [n], from the prediction time to death or the last event; NaN: not followed.
        died: bool [n].
        unknown: why there is nothing to draw; None where there is.
    """

    days: Array
    died: Array
    unknown: str | None = None

    @property
    def hash(self) -> str:
        """Hash of what is known."""
        return hash_json([hash_bytes(self.days.tobytes()), hash_bytes(self.died.tobytes()), self.unknown])


def follow_up(dataset: Dataset, samples: pl.DataFrame) -> FollowUp:
    """Follow samples to death or to the end of the record.

    Samples whose record ends at the prediction time, with a death before it or without a time are not
    followed.

    Args:
        dataset: the dataset.
        samples: `subject_id, prediction_time`, any order.
    """
    days, died = np.full(samples.height, np.nan), np.zeros(samples.height, dtype=bool)
    if dataset.undated:
        return FollowUp(days, died, UNDATED)
    is_death = (pl.col("code") == DEATH) | pl.col("code").str.starts_with(f"{DEATH}//")
    ends = [
        pl.scan_parquet(shard.path)
        .select(
            pl.col("subject_id").cast(pl.Int64),
            pl.col("time").cast(pl.Datetime("us")),
            pl.col("code").cast(pl.String),
        )
        .group_by("subject_id")
        .agg(
            last=pl.col("time").max(),
            death=pl.col("time").filter(is_death).min(),
            timeless=(is_death & pl.col("time").is_null()).any(),
        )
        .collect(engine="streaming")
        for shard in dataset.shards
    ]
    found = samples.select(SAMPLE_KEY).join(
        pl.concat(ends).unique("subject_id"), on="subject_id", how="left", maintain_order="left"
    )
    end = pl.coalesce("death", "last")
    found = found.with_columns(
        days=(end - pl.col("prediction_time")).dt.total_microseconds() / _DAY,
        died=pl.col("death").is_not_null(),
    )
    followed = (found["days"] > 0) & (found["died"] | ~found["timeless"])
    kept = followed.fill_null(value=False).to_numpy()
    days[kept] = found["days"].to_numpy()[kept]
    died[kept] = found["died"].to_numpy()[kept]
    return FollowUp(days, died, None if died.any() else NO_DEATHS)
