"""What every representation asks of samples: their ages, and that each subject lies in one shard."""

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.record.dataset import Dataset
from osler.record.schema import BIRTH

_YEAR = 365.25 * 86_400_000_000


def age_at(events: pl.DataFrame, samples: pl.DataFrame) -> np.ndarray:
    """Age in years at each sample's prediction time; NaN where no birth is known by then.

    Args:
        events: `subject_id, time, code` of at least the subjects of the samples.
        samples: `subject_id, prediction_time`.

    Returns:
        float64 [n_samples].
    """
    births = (
        events.filter((pl.col("code") == BIRTH) | pl.col("code").str.starts_with(f"{BIRTH}//"))
        .drop_nulls("time")
        .group_by("subject_id")
        .agg(pl.col("time").min().alias("birth"))
    )
    joined = samples.join(births, on="subject_id", how="left", maintain_order="left")
    age = (joined["prediction_time"] - joined["birth"]).dt.total_microseconds().cast(pl.Float64) / _YEAR
    years: np.ndarray = age.fill_null(float("nan")).to_numpy().copy()
    years[years < 0] = np.nan
    return years


def require_each_once(found: np.ndarray, wanted: pl.DataFrame, dataset: Dataset) -> None:
    """Refuse samples whose subject no shard has, or several.

    Args:
        found: places of the samples that each shard gave, shard after shard.
        wanted: the samples.
        dataset: the dataset that they were looked for in.

    Raises:
        InputError: with the number of such samples.
    """
    times = np.bincount(found, minlength=wanted.height)
    if (times == 0).any():
        raise InputError(
            "samples of subjects that the dataset does not have",
            where=dataset.path,
            count=int((times == 0).sum()),
            remedy="use labels that were made from this dataset",
        )
    if (times > 1).any():
        raise InputError(
            "subjects with events in more than one shard",
            where=dataset.path,
            count=int((times > 1).sum()),
            remedy="write each subject into one shard",
        )
