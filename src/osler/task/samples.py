"""The sample table: for each (subject, prediction time) its group_id, site, visit and declared groups."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osler.record.dataset import Dataset
from osler.record.schema import SAMPLE_KEY
from osler.task.groups import groups_of
from osler.task.sites import sites_of


def sample_table(dataset: Dataset, samples: pl.DataFrame) -> pl.DataFrame:
    """Describe samples by what is known at their prediction time.

    Args:
        dataset: the dataset.
        samples: `subject_id, prediction_time`, and `visit_id` where it is known.

    Returns:
        `subject_id, prediction_time, group_id, site, visit_id` and one column per declared group, same rows.
    """
    visit = (
        pl.col("visit_id")
        if "visit_id" in samples.columns
        else pl.lit(None, dtype=pl.Int64).alias("visit_id")
    )
    table = samples.select(*SAMPLE_KEY, visit)
    subjects = dataset.subjects
    if subjects is not None and "group_id" in subjects.columns:
        persons = subjects.select("subject_id", pl.col("group_id").cast(pl.Int64))
        table = table.join(persons, on="subject_id", how="left", maintain_order="left")
    else:
        table = table.with_columns(pl.lit(None, dtype=pl.Int64).alias("group_id"))
    return table.select(
        *SAMPLE_KEY,
        pl.coalesce("group_id", "subject_id").alias("group_id"),
        sites_of(dataset, table),
        "visit_id",
        *groups_of(dataset, table).iter_columns(),
    )


def count_patients(group: NDArray[np.int64], positive: NDArray[np.bool_]) -> dict[str, int]:
    """Distinct patients of samples; one with both labels is counted with the event and without.

    Args:
        group: `group_id` of each sample [n].
        positive: label of each sample [n].

    Returns:
        `n_patients, n_event_patients, n_other_patients`.

    Examples:
        >>> count_patients(np.array([1, 1, 1, 2]), np.array([True, True, False, False]))
        {'n_patients': 2, 'n_event_patients': 1, 'n_other_patients': 2}
    """
    return {
        "n_patients": len(np.unique(group)),
        "n_event_patients": len(np.unique(group[positive])),
        "n_other_patients": len(np.unique(group[~positive])),
    }
