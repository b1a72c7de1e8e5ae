"""Return to hospital within days of a discharge.

Cohort
    Hospital stays that end with the subject alive; each is an index stay, also one that is itself a
    readmission.
Prediction time
    23:59 of the day of discharge.
Window
    (1 minute, `horizon_days`] after the prediction time.
Label
    True when the subject is admitted in the window. Planned and unplanned readmissions both count: codes
    alone do not tell them apart. An admission at most `merge_hours` after a discharge continues that stay
    (transfer) and is no readmission; the attrition table counts them.
Exclusions
    Deaths in hospital or on the day of discharge; subjects who are back before the window opens; stays
    without a discharge. Whoever dies in the window without readmission is treated by `death`, whoever's
    record ends in it by `censoring`.
Why
    A death in hospital cannot be readmitted; a subject who is back already is not waiting to come back. Death
    and the end of the record are choices, so every combination is reported (`sensitivity.parquet`). The
    definition with censored negatives dropped is that of EHRSHOT (Wornow et al. 2023).
"""

from datetime import datetime
from itertools import product
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import BeforeValidator, Field

from osler.base.errors import InputError
from osler.base.progress import track
from osler.base.settings import Settings
from osler.record.dataset import Dataset
from osler.task.drawn import Description, Drawn
from osler.task.events import has_code, require_codes, scan_shard, select_events
from osler.task.stays import CONTINUED, REVERSED, UNTIMED, describe_merging, first_deaths, hospital_stays

OPEN = "no discharge recorded"
DIED_INSIDE = "died in hospital"
DIED_THAT_DAY = "died by the end of the day of discharge"
BACK = "back in hospital before the window opens"
DEATH_UNTIMED = "death without a time"
DIED_IN_WINDOW = "died in the window without readmission"
CENSORED = "record ends in the window"
REASONS = (
    UNTIMED, REVERSED, CONTINUED, OPEN, DIED_INSIDE, DIED_THAT_DAY, BACK, DEATH_UNTIMED, DIED_IN_WINDOW,
    CENSORED
)  # fmt: skip

Death = Literal["negative", "composite", "exclude"]
Censoring = Literal["drop", "negative"]
FollowUp = Literal["record", "dataset"]


def _refuse_ipcw(value: Any) -> Any:
    if value == "ipcw":
        raise ValueError(
            "inverse probability of censoring weights are not supported; allowed: drop, negative"
        )
    return value


def _refuse_competing(value: Any) -> Any:
    if value == "competing":
        raise ValueError("competing risks are not supported; allowed: negative, composite, exclude")
    return value


class ReadmissionSettings(Settings):
    """Settings of the task `readmission`.

    Attributes:
        use: `readmission`.
        horizon_days: length of the window in days after the prediction time.
        censoring: negatives whose record ends in the window are dropped, or stay negative.
        follow_up: where a record ends: at the last event of the whole dataset that is no death (right where
            the dataset sees every admission until it ends), or at the subject's own last such event.
        death: a death in the window without readmission is negative, positive (composite) or excluded.
        merge_hours: an admission at most so many hours after a discharge continues that stay; None: never.
        admission: code of admissions, or its part before `//`.
        discharge: code of discharges.
        death_code: code of death.
    """

    use: Literal["readmission"] = "readmission"
    horizon_days: int = Field(default=30, ge=1, le=3650)
    censoring: Annotated[Censoring, BeforeValidator(_refuse_ipcw)] = "drop"
    follow_up: FollowUp = "dataset"
    death: Annotated[Death, BeforeValidator(_refuse_competing)] = "negative"
    merge_hours: float | None = Field(default=0.0, ge=0, allow_inf_nan=False)
    admission: str = "HOSPITAL_ADMISSION"
    discharge: str = "HOSPITAL_DISCHARGE"
    death_code: str = "MEDS_DEATH"


def draw(dataset: Dataset, settings: ReadmissionSettings) -> Drawn:
    """Label every discharge of a dataset.

    Raises:
        InputError: the dataset is undated, or has no admissions or discharges.
    """
    if dataset.undated:
        raise InputError(
            "task 'readmission' counts days, and this dataset has no dates",
            where=dataset.path,
            remedy="declare the outcome column at ingest and use the task 'outcome'",
        )
    require_codes(dataset, {settings.admission: "admission", settings.discharge: "discharge"})
    codes = (settings.admission, settings.discharge, settings.death_code)
    wanted = pl.any_horizontal([has_code(code) for code in codes])
    parts, orphans, ends = [], [], []
    for shard in track(dataset.shards, "labels"):
        events = select_events(shard, wanted)
        stays = hospital_stays(
            events,
            admission=settings.admission,
            discharge=settings.discharge,
            merge_hours=settings.merge_hours,
        )
        record_ends = (
            scan_shard(shard)
            .filter(~has_code(settings.death_code))
            .group_by("subject_id")
            .agg(pl.col("time").max().alias("record_end"))
            .collect(engine="streaming")
        )
        ends.append(record_ends["record_end"].max())
        deaths = first_deaths(events, death=settings.death_code)
        parts.append(follow(stays.frame, deaths, record_ends, settings=settings))
        orphans.append(stays.orphans)
    dataset_end = max(end for end in ends if isinstance(end, datetime)) if any(ends) else None
    followed = censor(pl.concat(parts), dataset_end=dataset_end, settings=settings)
    frame = decide(followed, settings=settings)
    return Drawn(
        frame=frame,
        unit="admissions",
        reasons=REASONS,
        description=describe(settings),
        noted=_noted(frame, pl.concat(orphans)),
        warnings=_warnings(frame, settings),
        sensitivity=sensitivity(followed, settings=settings),
    )


def follow(
    stays: pl.DataFrame, deaths: pl.DataFrame, record_ends: pl.DataFrame, *, settings: ReadmissionSettings
) -> pl.DataFrame:
    """What happens after each stay.

    Args:
        stays: `subject_id, visit_id, admitted, discharged, reason` of whole subjects.
        deaths: `subject_id, death, has_death`.
        record_ends: `subject_id, record_end`.
        settings: the task.

    Returns:
        `stays` with `prediction_time, window_end, next_admitted, record_end, death, readmitted, died`;
        `reason` is filled where the stay is no index stay.
    """
    others = stays.filter(
        pl.col("admitted").is_not_null() & (pl.col("reason") != CONTINUED).fill_null(value=True)
    )
    times = others.select("subject_id", "admitted").unique().sort("subject_id", "admitted")
    times = times.with_columns(pl.col("admitted").shift(-1).over("subject_id").alias("next_admitted"))
    window_opens = pl.col("prediction_time") + pl.duration(minutes=1)
    in_window = pl.col("next_admitted").is_between(window_opens, pl.col("window_end"), closed="right")
    stays = (
        stays.join(times, on=["subject_id", "admitted"], how="left", maintain_order="left")
        .join(deaths, on="subject_id", how="left", maintain_order="left")
        .join(record_ends, on="subject_id", how="left", maintain_order="left")
        .with_columns(
            (pl.col("discharged").dt.truncate("1d") + pl.duration(hours=23, minutes=59)).alias(
                "prediction_time"
            )
        )
        .with_columns(
            (pl.col("prediction_time") + pl.duration(days=settings.horizon_days)).alias("window_end")
        )
    )
    reason = (
        pl.when(pl.col("reason").is_not_null())
        .then("reason")
        .when(pl.col("discharged").is_null())
        .then(pl.lit(OPEN))
        .when(pl.col("death") <= pl.col("discharged"))
        .then(pl.lit(DIED_INSIDE))
        .when(pl.col("death") <= pl.col("prediction_time"))
        .then(pl.lit(DIED_THAT_DAY))
        .when(pl.col("next_admitted") <= window_opens)
        .then(pl.lit(BACK))
        .when(pl.col("has_death") & pl.col("death").is_null())
        .then(pl.lit(DEATH_UNTIMED))
    )
    alive = (pl.col("next_admitted") <= pl.col("death")).fill_null(value=True)
    readmitted = in_window.fill_null(value=False) & alive
    died = (pl.col("death") <= pl.col("window_end")).fill_null(value=False) & ~readmitted
    return stays.with_columns(reason.alias("reason"), readmitted.alias("readmitted"), died.alias("died"))


def censor(
    followed: pl.DataFrame, *, dataset_end: datetime | None, settings: ReadmissionSettings
) -> pl.DataFrame:
    """Mark whose record ends in the window without event: by the subject's and by the dataset's end."""
    quiet = ~pl.col("readmitted") & ~pl.col("died")
    ends = {
        "record": pl.col("record_end"),
        "dataset": pl.lit(dataset_end, dtype=pl.Datetime("us")),
    }
    followed = followed.with_columns(
        (quiet & (end < pl.col("window_end")).fill_null(value=True)).alias(f"lost_{name}")
        for name, end in ends.items()
    )
    return followed.with_columns(pl.col(f"lost_{settings.follow_up}").alias("lost"))


def decide(followed: pl.DataFrame, *, settings: ReadmissionSettings) -> pl.DataFrame:
    """Label the stays under one choice of `death`, `censoring` and `follow_up`.

    Returns:
        `followed` with `boolean_value`, and `reason` filled for those whom the choice excludes.
    """
    reason, label = _choose(death=settings.death, censoring=settings.censoring, lost="lost")
    return followed.with_columns(reason.alias("reason"), label.alias("boolean_value"))


def _choose(*, death: Death, censoring: Censoring, lost: str) -> tuple[pl.Expr, pl.Expr]:
    reason = (
        pl.when(pl.col("reason").is_not_null())
        .then("reason")
        .when(pl.col("died") & (death == "exclude"))
        .then(pl.lit(DIED_IN_WINDOW))
        .when(pl.col(lost) & (censoring == "drop"))
        .then(pl.lit(CENSORED))
    )
    return reason, pl.col("readmitted") | (pl.col("died") & (death == "composite"))


def sensitivity(followed: pl.DataFrame, *, settings: ReadmissionSettings) -> pl.DataFrame:
    """Numbers of samples and events under every combination of choices.

    Returns:
        `censoring, follow_up, death, n, n_subjects, n_events, prevalence, chosen, most_per_subject` (the
        largest number of samples of one subject under any of them).
    """
    rows: list[dict[str, Any]] = []
    most = 0
    choices: tuple[tuple[Censoring, FollowUp], ...] = (
        ("drop", "record"),
        ("drop", "dataset"),
        ("negative", "record"),
    )
    deaths: tuple[Death, ...] = ("negative", "composite", "exclude")
    for (censoring, follow_up), death in product(choices, deaths):
        reason, label = _choose(death=death, censoring=censoring, lost=f"lost_{follow_up}")
        kept = followed.select("subject_id", reason.alias("reason"), label.alias("label")).filter(
            pl.col("reason").is_null()
        )
        events = int(kept["label"].sum())
        most = max(most, int(kept["subject_id"].unique_counts().to_numpy().max(initial=0)))
        used = settings.censoring == censoring and settings.death == death
        rows.append(
            {
                "censoring": censoring,
                "follow_up": follow_up if censoring == "drop" else None,
                "death": death,
                "n": kept.height,
                "n_subjects": kept["subject_id"].n_unique(),
                "n_events": events,
                "prevalence": events / kept.height if kept.height else None,
                "chosen": used and (censoring == "negative" or settings.follow_up == follow_up),
            }
        )
    table = pl.DataFrame(rows, schema_overrides={"prevalence": pl.Float64, "follow_up": pl.String})
    return table.with_columns(pl.lit(most, dtype=pl.Int64).alias("most_per_subject"))


def _noted(frame: pl.DataFrame, orphans: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    at_risk = frame.filter(pl.col("reason").is_null() | pl.col("reason").is_in([DIED_IN_WINDOW, CENSORED]))
    kept = frame.filter(pl.col("reason").is_null())
    soon = pl.col("readmitted") & (pl.col("next_admitted") <= pl.col("discharged") + pl.duration(hours=24))
    return [
        ("discharges without an admission", orphans),
        ("deaths in the window without readmission", at_risk.filter("died")),
        ("readmissions within 24 h of the discharge (may be transfers)", kept.filter(soon)),
    ]


def _warnings(frame: pl.DataFrame, settings: ReadmissionSettings) -> list[str]:
    censored = frame.filter(pl.col("reason") == CENSORED).height
    kept = frame.filter(pl.col("reason").is_null()).height
    if censored <= kept // 4:
        return []
    return [
        f"{censored:,} discharges were dropped because the record ends in the window of "
        f"{settings.horizon_days} days; that keeps those who come back and raises the rate: see "
        "sensitivity.parquet, and 'follow_up: dataset' or 'censoring: negative' where every readmission "
        "would have been seen",
    ]


def describe(settings: ReadmissionSettings) -> Description:
    """The task in words."""
    transfer = describe_merging(settings.merge_hours)
    died = {
        "negative": "counts as no readmission",
        "composite": "counts as an event (composite outcome)",
        "exclude": "is excluded",
    }[settings.death]
    end = "the subject's last event" if settings.follow_up == "record" else "the last event of the dataset"
    lost = (
        f"is dropped (observed until {end})" if settings.censoring == "drop" else "counts as no readmission"
    )
    return Description(
        cohort=f"all hospital stays that end with the subject alive; {transfer}",
        prediction_time="23:59 of the day of discharge",
        window=f"(1 min, {settings.horizon_days} d] after the prediction time",
        label="admission to hospital in the window, planned or unplanned",
        exclusions="died in hospital or on the day of discharge; back in hospital before the window opens; "
        "no discharge recorded; death without a time. A death in the window without readmission "
        f"{died}. A record that ends in the window {lost}",
        why="who dies in hospital cannot come back, and who is back already is not waiting to; death and the "
        "end of the record are choices, and the sensitivity table shows each",
    )
