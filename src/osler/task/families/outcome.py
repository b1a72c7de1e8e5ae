"""A declared outcome column of a table.

Cohort
    Each row of the table, a patient or a visit.
Prediction time
    t0 of the row: the time of its baseline columns.
Window
    The row's own follow-up: the outcome is stored 12 hours after t0, whatever its true time was.
Label
    True when the value of the outcome column is one of `positive`.
Exclusions
    Rows whose outcome is missing.
Why
    The table's author has fixed cohort and follow-up; what Osler sees at t0 are baseline columns only. A
    missing outcome is no negative.
"""

from typing import Annotated, Literal

import polars as pl
from pydantic import BeforeValidator

from osler.base.errors import InputError
from osler.base.progress import track
from osler.base.settings import Settings, one_or_more
from osler.record.dataset import Dataset
from osler.task.drawn import Description, Drawn
from osler.task.events import event_value, scan_shard, select_events

PREFIX = "COL//"
AFTER = pl.duration(hours=12)
MISSING = "outcome missing"
REASONS = (MISSING,)

_POSITIVE = frozenset(
    ("1", "yes", "y", "true", "t", "died", "dead", "deceased", "expired", "death", "positive")
)
_NEGATIVE = frozenset(("0", "no", "n", "false", "f", "alive", "survived", "negative"))
_SHOWN = 20

Value = bool | int | float | str


class OutcomeSettings(Settings):
    """Settings of the task `outcome`.

    Attributes:
        use: `outcome`.
        column: name of a column that was declared as an outcome at ingest.
        positive: the value or values that count as the event; every other value is negative. None: only
            where the values are plain (0/1, no/yes, false/true, alive/died).
        missing: values that mean that the outcome is not known.
    """

    use: Literal["outcome"] = "outcome"
    column: str
    positive: Annotated[tuple[Value, ...] | None, BeforeValidator(one_or_more)] = None
    missing: Annotated[tuple[Value, ...], BeforeValidator(one_or_more)] = ()


def draw(dataset: Dataset, settings: OutcomeSettings) -> Drawn:
    """Label every row of a table.

    Raises:
        InputError: no such outcome column, its values need `positive`, it has more than two values, or one
            of its events has no time.
    """
    code = outcome_code(dataset, settings.column)
    is_outcome = pl.col("code") == code
    values = _values(dataset, code)
    labels = label_values(values, settings=settings)
    coded = pl.DataFrame(
        {"value": list(labels), "boolean_value": list(labels.values())},
        schema={"value": pl.String, "boolean_value": pl.Boolean},
    )
    baseline = pl.col("code").is_in(_baseline_codes(dataset).implode())
    parts = []
    for shard in track(dataset.shards, "labels"):
        rows = (
            scan_shard(shard)
            .filter(baseline & pl.col("time").is_not_null())
            .select("subject_id", "visit_id", "time")
            .unique()
            .collect(engine="streaming")
        )
        events = select_events(shard, is_outcome).with_columns(event_value().alias("value"))
        parts.append(attach(rows, events.join(coded, on="value", how="left")))
    frame = pl.concat(parts)
    empty = frame.filter(pl.col("reason").is_null() & pl.col("empty"))
    return Drawn(
        frame=frame,
        unit="rows",
        reasons=REASONS,
        description=describe(settings, labels),
        noted=[("rows without any baseline value", empty)],
        facts={"values": {value: label for value, label in labels.items() if label is not None}},
    )


def outcome_code(dataset: Dataset, column: str) -> str:
    """The code of a declared outcome column.

    Raises:
        InputError: no outcome column has that name; lists those that were declared.
    """
    declared = dataset.codes.filter(pl.col("role") == "outcome")["code"].to_list()
    for code in (f"{PREFIX}{column}", column):
        if code in declared:
            return str(code)
    raise InputError(
        f"'{column}' is no declared outcome of this dataset",
        where=dataset.path,
        allowed=[name.removeprefix(PREFIX) for name in declared],
        remedy="name a declared outcome" if declared else "declare outcome columns at ingest",
    )


def label_values(counts: dict[str, int], *, settings: OutcomeSettings) -> dict[str, bool | None]:
    """Which value of the outcome is the event.

    Args:
        counts: value -> number of rows.
        settings: the task.

    Returns:
        value -> true, false, or None where the value means missing.

    Raises:
        InputError: the values do not say by themselves which of them is the event, or there are more than
            two.

    Examples:
        >>> label_values({"Yes": 3, "No": 5}, settings=OutcomeSettings(column="died"))
        {'Yes': True, 'No': False}
        >>> label_values({"1": 3, "2": 5}, settings=OutcomeSettings(column="died", positive=(2,)))
        {'1': False, '2': True}
    """
    missing = {_plain(value) for value in settings.missing}
    known = {value: _plain(value) for value in counts if _plain(value) not in missing}
    plain = set(known.values())
    where = f"outcome column '{settings.column}'"
    if settings.positive is not None:
        positive = {word for value in settings.positive for word in _words(value)}
        if known and not plain & positive:
            raise InputError(
                "no row has one of the values of 'positive'",
                where=where,
                allowed=_shown(counts),
                remedy="name values that occur",
            )
    elif len(plain) > 2 and not plain <= _POSITIVE | _NEGATIVE:
        raise InputError(
            "outcomes with more than two values (classes or counts) are not supported yet",
            where=where,
            count=len(plain),
            allowed=_shown(counts),
            remedy="name the value or values that count as the event in 'positive'",
        )
    elif not plain <= _POSITIVE | _NEGATIVE:
        raise InputError(
            "the values do not say which of them is the event",
            where=where,
            allowed=_shown(counts),
            remedy="name the value or values that count as the event in 'positive'",
        )
    else:
        positive = set(_POSITIVE)
    return {value: None if value not in known else known[value] in positive for value in counts}


def attach(rows: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """Join each row of the table with its outcome.

    Args:
        rows: `subject_id, visit_id, time` of baseline events, distinct.
        outcomes: `subject_id, visit_id, time, boolean_value` of outcome events.

    Returns:
        `subject_id, prediction_time, visit_id, boolean_value, reason, empty` (no baseline value), one for
        each row of the table and distinct label.
    """
    key = ["subject_id", "visit_id", "prediction_time"]
    outcomes = outcomes.with_columns((pl.col("time") - AFTER).alias("prediction_time"))
    found = pl.concat(
        [
            rows.select(
                "subject_id", "visit_id", pl.col("time").alias("prediction_time"), pl.lit(0).alias("late")
            ),
            outcomes.select(*key, pl.lit(1).alias("late")),
        ]
    )
    # A visit is one row of the table and begins with its first baseline value; without visits an instant
    # is one.
    visits = pl.concat(
        [
            found.filter(pl.col("visit_id").is_null()).group_by(key).agg(pl.col("late").min()),
            found.filter(pl.col("visit_id").is_not_null())
            .group_by("subject_id", "visit_id")
            .agg(pl.col("prediction_time").min(), pl.col("late").min()),
        ],
        how="diagonal",
    )
    known = outcomes.filter(pl.col("boolean_value").is_not_null()).select(*key, "boolean_value").unique()
    joined = visits.join(known, on=key, how="left", nulls_equal=True)
    reason = pl.when(pl.col("boolean_value").is_null()).then(pl.lit(MISSING))
    columns = ["subject_id", "prediction_time", "visit_id", "boolean_value"]
    return joined.select(*columns, reason.alias("reason"), (pl.col("late") == 1).alias("empty"))


def describe(settings: OutcomeSettings, labels: dict[str, bool | None]) -> Description:
    """The task in words."""
    positive = [value for value, label in labels.items() if label]
    return Description(
        cohort="each row of the table",
        prediction_time="the time of the row's baseline columns (t0)",
        window="the follow-up that the column stands for",
        label=f"{settings.column} is {' or '.join(sorted(positive)) or 'positive (no row is)'}",
        exclusions="rows whose outcome is missing",
        why="the table fixes cohort and follow-up; a missing outcome is no negative",
    )


def _baseline_codes(dataset: Dataset) -> pl.Series:
    role = pl.col("role")
    column = pl.col("code").str.starts_with(PREFIX)
    return dataset.codes.filter(column & (role.is_null() | (role == "baseline")))["code"]


def _values(dataset: Dataset, code: str) -> dict[str, int]:
    counts = pl.concat(
        [
            scan_shard(shard).filter(pl.col("code") == code).select(event_value().alias("value"), "time")
            for shard in dataset.shards
        ]
    )
    found = counts.group_by("value").agg(pl.len(), pl.col("time").null_count().alias("untimed")).collect()
    untimed = int(found["untimed"].sum())
    if untimed:
        raise InputError(
            "outcome events without a time would be seen by every prediction",
            where=dataset.path,
            count=untimed,
            remedy="give the outcome a time after the baseline columns",
        )
    found = found.drop_nulls("value").sort("value")
    return dict(zip(found["value"].to_list(), found["len"].to_list(), strict=True))


def _plain(value: Value) -> str:
    text = str(value).strip().lower()
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else str(number)


def _words(value: Value) -> frozenset[str]:
    # YAML turns a bare yes/no into true/false, so a boolean stands for every plain spelling of it.
    if isinstance(value, bool):
        return _POSITIVE if value else _NEGATIVE
    return frozenset((_plain(value),))


def _shown(counts: dict[str, int]) -> list[str]:
    shown = [f"{value[:40]} ({count:,} rows)" for value, count in list(counts.items())[:_SHOWN]]
    return [*shown, f"{len(counts) - _SHOWN:,} more"] if len(counts) > _SHOWN else shown
