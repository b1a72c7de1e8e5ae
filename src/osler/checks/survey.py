"""What the checks of a dataset count: each table is made by one streamed pass, once, whoever asks first.

Memory grows with the number of subjects, and of codes, units and magnitudes of numbers, not with the number
of events.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from osler.checks.mixed_units import find_mixtures
from osler.checks.numbers import count_numbers, pair_units
from osler.record.dataset import Dataset, open_dataset
from osler.record.schema import BIRTH, DEATH
from osler.task.events import has_code


@dataclass(frozen=True)
class Survey:
    """A dataset and what was counted in it.

    Attributes:
        path: the folder of the dataset.
    """

    path: Path

    @cached_property
    def dataset(self) -> Dataset:
        """The dataset, opened.

        Raises:
            InputError: it cannot be opened.
        """
        return open_dataset(self.path)

    @cached_property
    def subjects(self) -> pl.DataFrame:
        """`count_subjects` of the dataset."""
        return count_subjects(self.dataset)

    @cached_property
    def pairs(self) -> pl.DataFrame:
        """`count_pairs` of the dataset."""
        return count_pairs(self.dataset)

    @cached_property
    def units(self) -> pl.DataFrame:
        """`pair_units` of the dataset."""
        return pair_units(self.pairs, self.dataset.codes)

    @cached_property
    def numbers(self) -> pl.DataFrame:
        """`count_numbers` of the dataset."""
        return count_numbers(self.dataset, self.units)

    @cached_property
    def mixtures(self) -> pl.DataFrame:
        """`find_mixtures` of the dataset."""
        return find_mixtures(self.units, self.numbers)


def count_subjects(dataset: Dataset) -> pl.DataFrame:
    """Times of each subject.

    Args:
        dataset: the dataset.

    Returns:
        `subject_id, first, last, birth, births, death, deaths`, sorted by subject. `first` and `last` are
        times of events other than birth; `birth` and `death` the earliest time of each, `births` and
        `deaths` how many different times there are. Null where there is none.
    """
    time = pl.col("time")
    spans = (
        dataset.scan()
        .filter(pl.col("subject_id").is_not_null())
        .group_by("subject_id")
        .agg(first=time.filter(~has_code(BIRTH)).min(), last=time.filter(~has_code(BIRTH)).max())
        .collect(engine="streaming")
    )
    ends = (
        dataset.scan()
        .filter(time.is_not_null() & (has_code(BIRTH) | has_code(DEATH)))
        .select("subject_id", "time", is_birth=has_code(BIRTH))
        .unique()
        .collect(engine="streaming")
        .group_by("subject_id")
        .agg(
            birth=time.filter("is_birth").min(),
            births=pl.col("is_birth").sum(),
            death=time.filter(~pl.col("is_birth")).min(),
            deaths=(~pl.col("is_birth")).sum(),
        )
    )
    return spans.join(ends, on="subject_id", how="left").sort("subject_id")


def count_pairs(dataset: Dataset) -> pl.DataFrame:
    """Events of each code in each unit.

    Args:
        dataset: the dataset.

    Returns:
        `code, unit, n, n_numbers, n_timeless, n_dated, n_midnight`, sorted by code and unit: numbers are
        finite, dated events have a time and are no births. Beside them the least subject that has one:
        `with_number, with_timeless, with_midnight, subject_id` (any event).
    """
    time, subject = pl.col("time"), pl.col("subject_id")
    number, dated = pl.col("numeric_value").is_finite(), time.is_not_null() & ~has_code(BIRTH)
    midnight = dated & (time.dt.truncate("1d") == time)
    return (
        dataset.scan()
        .group_by("code", "unit")
        .agg(
            n=pl.len(),
            n_numbers=number.sum(),
            n_timeless=time.null_count(),
            n_dated=dated.sum(),
            n_midnight=midnight.sum(),
            with_number=subject.filter(number).min(),
            with_timeless=subject.filter(time.is_null()).min(),
            with_midnight=subject.filter(midnight).min(),
            subject_id=subject.min(),
        )
        .collect(engine="streaming")
        .sort("code", "unit")
    )
