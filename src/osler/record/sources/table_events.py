"""Cells of a table as events."""

from collections.abc import Callable

import polars as pl

from osler.record import schema
from osler.record.sources.table_columns import Column

AFTER_HOURS = 12  # what was not yet known at t0 is dated this much later


def events_of(
    block: pl.DataFrame, keys: pl.DataFrame, columns: list[Column], *, extensions: list[str]
) -> pl.DataFrame:
    """The events of some rows of the table: one per cell with a value.

    Args:
        block: cells as strings, null where missing.
        keys: `subject_id, visit_id, time` of the same rows.
        columns: what the columns become.
        extensions: columns written beside every event.

    Returns:
        `subject_id, time, code, numeric_value, text_value, unit, visit_id` and the extensions.
    """
    index = keys.select("subject_id", "visit_id", "time")
    beside = [f"_beside_{number}" for number in range(len(extensions))]
    index = index.with_columns(
        block[name].alias(alias) for name, alias in zip(extensions, beside, strict=True)
    )
    numeric = [column for column in columns if column.kind == "numeric"]
    textual = [column for column in columns if column.kind != "numeric"]
    parts = [
        _melt(index, numeric, "numeric_value", lambda c: block[c.name].cast(pl.Float64).cast(pl.Float32)),
        _melt(index, textual, "text_value", lambda c: _spelled(block[c.name], c)),
    ]
    facts = pl.DataFrame(
        {
            "variable": [column.name for column in columns],
            "code": [column.code for column in columns],
            "unit": [column.unit for column in columns],
            "later": [column.later for column in columns],
        },
        schema={"variable": pl.String, "code": pl.String, "unit": pl.String, "later": pl.Boolean},
    )
    events = pl.concat(parts, how="diagonal").join(facts, on="variable", how="left", maintain_order="left")
    later = pl.when("later").then(pl.duration(hours=AFTER_HOURS)).otherwise(pl.duration(hours=0))
    events = events.with_columns(time=pl.col("time") + later).rename(
        dict(zip(beside, extensions, strict=True))
    )
    return events.select(
        "subject_id", "time", "code", "numeric_value", "text_value", "unit", "visit_id", *extensions
    )


def _melt(
    index: pl.DataFrame, columns: list[Column], value: str, values: Callable[[Column], pl.Series]
) -> pl.DataFrame:
    wide = index.with_columns(values(column).alias(column.name) for column in columns)
    kind = schema.EVENT_TYPES[value]
    if not columns:
        return index.clear().with_columns(
            pl.lit(None, dtype=pl.String).alias("variable"), pl.lit(None, dtype=kind).alias(value)
        )
    long = wide.unpivot([c.name for c in columns], index=index.columns, value_name=value)
    return long.filter(pl.col(value).is_not_null())


def _spelled(values: pl.Series, column: Column) -> pl.Series:
    return values.replace(column.recode) if column.recode else values
