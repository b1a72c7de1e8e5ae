"""Death in hospital.

Cohort
    Hospital stays: admissions paired with discharges (`osler.task.stays`); all, or the first of each subject.
Prediction time
    `after_hours` after the admission, the landmark.
Window
    From the prediction time to the discharge, plus `tolerance_hours`.
Label
    True when the death lies at or before the discharge, or at most `tolerance_hours` after it.
Exclusions
    Subjects who have died or left at or before the landmark, stays without a discharge, deaths without a
    time.
Why
    A model is used on those who are still there: whoever has died or left by the landmark would be
    predicted from the outcome itself. The tolerance takes up deaths that are written down with the end of
    the day.
"""

from typing import Literal

import polars as pl
from pydantic import Field

from osler.base.errors import InputError
from osler.base.progress import track
from osler.base.settings import Settings
from osler.record.dataset import Dataset
from osler.task.drawn import Description, Drawn
from osler.task.events import has_code, hours, require_codes, select_events
from osler.task.stays import CONTINUED, REVERSED, UNTIMED, describe_merging, first_deaths, hospital_stays

LATER = "not the first admission"
DIED = "died at or before the prediction time"
LEFT = "discharged at or before the prediction time"
OPEN_DIED = "no discharge recorded, death recorded"
OPEN = "no discharge recorded"
DEATH_UNTIMED = "death without a time"
REASONS = (UNTIMED, REVERSED, CONTINUED, LATER, DIED, LEFT, OPEN_DIED, OPEN, DEATH_UNTIMED)


class MortalitySettings(Settings):
    """Settings of the task `mortality`.

    Attributes:
        use: `mortality`.
        after_hours: prediction time in hours after the admission.
        admissions: all stays of a subject, or the first only.
        tolerance_hours: a death at most so many hours after the discharge counts as death in hospital.
        merge_hours: an admission at most so many hours after a discharge continues that stay; None: never.
        death_ends_stay: whether the last stay of a subject, when no discharge is recorded, ends with the
            death.
        admission: code of admissions, or its part before `//`.
        discharge: code of discharges.
        death: code of death.
    """

    use: Literal["mortality"] = "mortality"
    after_hours: float = Field(default=24.0, ge=0, allow_inf_nan=False)
    admissions: Literal["all", "first"] = "all"
    tolerance_hours: float = Field(default=24.0, ge=0, allow_inf_nan=False)
    merge_hours: float | None = Field(default=0.0, ge=0, allow_inf_nan=False)
    death_ends_stay: bool = False
    admission: str = "HOSPITAL_ADMISSION"
    discharge: str = "HOSPITAL_DISCHARGE"
    death: str = "MEDS_DEATH"


def draw(dataset: Dataset, settings: MortalitySettings) -> Drawn:
    """Label every hospital stay of a dataset.

    Raises:
        InputError: the dataset is undated, or has no admissions, discharges or deaths.
    """
    if dataset.undated:
        raise InputError(
            "task 'mortality' counts hours, and this dataset has no dates",
            where=dataset.path,
            remedy="declare the outcome column at ingest and use the task 'outcome'",
        )
    codes = {settings.admission: "admission", settings.discharge: "discharge", settings.death: "death"}
    require_codes(dataset, codes)
    wanted = pl.any_horizontal([has_code(code) for code in codes])
    parts, orphans = [], []
    for shard in track(dataset.shards, "labels"):
        events = select_events(shard, wanted)
        stays = hospital_stays(
            events,
            admission=settings.admission,
            discharge=settings.discharge,
            merge_hours=settings.merge_hours,
        )
        deaths = first_deaths(events, death=settings.death)
        parts.append(decide(stays.frame, deaths, settings=settings))
        orphans.append(stays.orphans)
    frame = pl.concat(parts)
    late = frame.filter(
        pl.col("reason").is_null() & pl.col("boolean_value") & (pl.col("death") > pl.col("discharged"))
    )
    noted = [
        ("discharges without an admission", pl.concat(orphans)),
        ("deaths after the discharge, within the tolerance", late),
    ]
    return Drawn(frame=frame, unit="admissions", reasons=REASONS, description=describe(settings), noted=noted)


def decide(stays: pl.DataFrame, deaths: pl.DataFrame, *, settings: MortalitySettings) -> pl.DataFrame:
    """Place the landmark in each stay and label it.

    Args:
        stays: `subject_id, visit_id, admitted, discharged, reason` of whole subjects.
        deaths: `subject_id, death, has_death`.
        settings: the task.

    Returns:
        `stays` with `death, prediction_time, boolean_value`; `reason` is filled where a stay is excluded.
    """
    stays = stays.join(deaths, on="subject_id", how="left").with_columns(
        (pl.col("admitted") + hours(settings.after_hours)).alias("prediction_time"),
    )
    if settings.death_ends_stay:
        last = pl.col("admitted") == pl.col("admitted").max().over("subject_id")
        alone = pl.col("admitted").count().over("subject_id", "admitted") == 1
        ends = pl.col("reason").is_null() & pl.col("discharged").is_null() & last & alone
        ends &= pl.col("death") >= pl.col("admitted")
        stays = stays.with_columns(pl.when(ends).then("death").otherwise("discharged").alias("discharged"))
    own = pl.col("reason").is_null()
    first = pl.col("admitted") == pl.col("admitted").filter(own).min().over("subject_id")
    later = ~first if settings.admissions == "first" else pl.lit(value=False)
    is_open = pl.col("discharged").is_null()
    reason = (
        pl.when(~own)
        .then("reason")
        .when(later)
        .then(pl.lit(LATER))
        .when(pl.col("death") <= pl.col("prediction_time"))
        .then(pl.lit(DIED))
        .when(pl.col("discharged") <= pl.col("prediction_time"))
        .then(pl.lit(LEFT))
        .when(is_open & pl.col("has_death"))
        .then(pl.lit(OPEN_DIED))
        .when(is_open)
        .then(pl.lit(OPEN))
        .when(pl.col("has_death") & pl.col("death").is_null())
        .then(pl.lit(DEATH_UNTIMED))
    )
    died = pl.col("death") <= pl.col("discharged") + hours(settings.tolerance_hours)
    return stays.with_columns(reason.alias("reason"), died.fill_null(value=False).alias("boolean_value"))


def describe(settings: MortalitySettings) -> Description:
    """The task in words."""
    which = "first hospital stay of each subject" if settings.admissions == "first" else "all hospital stays"
    return Description(
        cohort=f"{which}; {describe_merging(settings.merge_hours)}",
        prediction_time=f"{settings.after_hours:g} h after the admission",
        window=f"from the prediction time to the discharge plus {settings.tolerance_hours:g} h",
        label=f"death ({settings.death}) in the window",
        exclusions="died or discharged at or before the prediction time; no discharge recorded"
        + (" (unless the death ends the last stay)" if settings.death_ends_stay else "")
        + "; death without a time",
        why="only those still alive and in hospital at the prediction time are there to be predicted; the "
        "tolerance takes up deaths written down with the end of the day",
    )
