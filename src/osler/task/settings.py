"""Settings of the room: the union of all tasks, told apart by `use`, and the splits."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from osler.base.settings import Settings
from osler.task.families.mortality import MortalitySettings
from osler.task.families.outcome import OutcomeSettings
from osler.task.families.readmission import ReadmissionSettings

TaskSettings = Annotated[
    OutcomeSettings | MortalitySettings | ReadmissionSettings, Field(discriminator="use")
]


class SplitSettings(Settings):
    """How subjects are divided into train, tuning and held_out.

    Subjects of one `group_id` (a person with several subjects) are never divided.

    Attributes:
        unit: `group` deals out persons; `subject` deals out subjects, and refuses labels in which a person
            has several of them.
        scheme: `kfold`; `holdout` (the dataset's own `subject_splits.parquet`, else at random); `temporal`
            (those first seen after the cut are held out); `site` (each site is held out once).
        folds: number of folds of `kfold`.
        repeats: number of times that `kfold` is repeated with another deal.
        seed: seed of the deals.
        held_out: share of persons held out by a random `holdout`, or by `temporal` without `cut`.
        tuning: share of the persons not held out that goes to tuning.
        cut: first prediction time that is held out (`temporal`); None: the time that leaves `held_out` of
            the persons.
    """

    unit: Literal["subject", "group"] = "group"
    scheme: Literal["kfold", "holdout", "temporal", "site"] = "kfold"
    folds: int = Field(default=5, ge=2, le=100)
    repeats: int = Field(default=1, ge=1, le=1000)
    seed: int = Field(default=0, ge=0)
    held_out: float = Field(default=0.2, gt=0, lt=1)
    tuning: float = Field(default=0.0, ge=0, lt=1)
    cut: Annotated[datetime | None, Field(strict=False)] = None  # a date without a time of day will do
