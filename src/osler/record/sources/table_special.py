"""Events that all MEDS datasets spell alike: `MEDS_BIRTH` from an age, `GENDER//<value>` from a sex."""

from pathlib import Path

import polars as pl

from osler.base.errors import InputError
from osler.record import schema
from osler.record.sources.table_read import ROW
from osler.record.sources.table_rows import Rows
from osler.record.sources.table_spec import TableSpec
from osler.record.sources.table_words import words_of

GENDER = "GENDER//"
# Whole months of each unit, and the days of what is left: never as many as the shortest year or month has,
# so that an age of N years and a bit is N completed years.
_UNITS = {"years": (12, 365.0), "months": (1, 28.0), "days": (0, 1.0)}
_PER_YEAR = {"years": 1, "months": 12, "days": 366}
_OLDEST = 150  # years; what is above is a marker or another unit
_SEXES = {"F": "female", "M": "male", "U": "unknown"}
_SHAPE = pl.Schema({"subject_id": pl.Int64(), "time": pl.Datetime("us"), "code": pl.String()})
_MICROSECONDS = 86_400_000_000


def births(table: pl.LazyFrame, rows: Rows, spec: TableSpec, *, source: Path) -> pl.DataFrame:
    """`MEDS_BIRTH` of each subject: t0 of its first row with an age, less that age.

    Raises:
        InputError: the age column has values that are no numbers, negative ones or impossible ones.
    """
    if spec.age is None:
        return pl.DataFrame(schema=_SHAPE)
    values = _of_rows(table, rows, spec.age.column, key="age.column", source=source)
    ages = values.with_columns(age=pl.col("value").cast(pl.Float64, strict=False))
    oldest = _OLDEST * _PER_YEAR[spec.age.unit]
    wrong = ages.filter(~pl.col("age").is_between(0, oldest).fill_null(value=False))
    if wrong.height:
        numbers = ", ".join(str(row + 1) for row in wrong[ROW].head(5))
        raise InputError(
            f"ages that are no numbers from 0 to {_OLDEST} years (data rows {numbers})",
            where=f"{source}, column {spec.age.column}",
            count=wrong.height,
            remedy="name the marker in `missing` or `sentinels`, or mend the values",
        )
    born = _before(pl.col("time"), pl.col("age"), spec.age.unit)
    return _first(ages).select("subject_id", time=born, code=pl.lit(schema.BIRTH)).cast(dict(_SHAPE))  # type: ignore[arg-type]


def sexes(table: pl.LazyFrame, rows: Rows, spec: TableSpec, *, source: Path) -> pl.DataFrame:
    """`GENDER//<value>` of each subject, without a time, from its first row with a value.

    Raises:
        InputError: values that `sex.values` does not name.
    """
    sex = spec.sex
    if sex is None:
        return pl.DataFrame(schema=_SHAPE)
    values = _of_rows(table, rows, sex.column, key="sex.column", source=source)
    if sex.values:
        words = words_of(values["value"].unique().to_list(), sex.values)
        strange = values.filter(~pl.col("value").is_in(list(words)))
        if strange.height:
            numbers = ", ".join(str(row + 1) for row in strange[ROW].head(5))
            raise InputError(
                f"sexes that `sex.values` does not name (data rows {numbers})",
                where=f"{source}, column {sex.column}",
                count=strange.height,
                allowed=sex.values,
                remedy="name them in `sex.values`, or in `missing`",
            )
        values = values.with_columns(pl.col("value").replace(words))
    return (
        _first(values)
        .select("subject_id", time=pl.lit(None), code=pl.lit(GENDER) + pl.col("value"))
        .cast(dict(_SHAPE))  # type: ignore[arg-type]
    )


def special_codes(events: pl.DataFrame, spec: TableSpec) -> pl.DataFrame:
    """Rows of the code book for these events."""
    words = {code: value for value, code in spec.sex.values.items()} if spec.sex else {}
    words.update(_SEXES)
    codes = events["code"].unique().sort().to_list()
    ordered = sorted(codes, key=lambda code: code != schema.BIRTH)
    described = [
        "Birth"
        if code == schema.BIRTH
        else f"Sex: {words.get(code.removeprefix(GENDER), code.removeprefix(GENDER))}"
        for code in ordered
    ]
    return pl.DataFrame(
        {"code": ordered, "description": described, "section": [schema.DEMOGRAPHICS] * len(ordered)},
        schema={"code": pl.String, "description": pl.String, "section": pl.String},
    )


def _of_rows(table: pl.LazyFrame, rows: Rows, column: str, *, key: str, source: Path) -> pl.DataFrame:
    """`_row, subject_id, time, value` of the kept rows in which a column has a value."""
    names = table.collect_schema().names()
    if column not in names:
        raise InputError(
            f"{key}: the table has no column '{column}'",
            where=source,
            allowed=[name for name in names if name != ROW],
            remedy="mend the name in the spec",
        )
    values = table.select(ROW, value=pl.col(column)).collect(engine="streaming")
    kept = rows.frame.select(ROW, "subject_id", "time")
    return kept.join(values, on=ROW, how="left").filter(pl.col("value").is_not_null())


def _before(time: pl.Expr, age: pl.Expr, unit: str) -> pl.Expr:
    """A time less an age: whole years and months by the calendar, as a person counts birthdays."""
    months, days = _UNITS[unit]
    whole = age.floor() if months else pl.lit(0.0)
    rest = ((age - whole) * (days * _MICROSECONDS)).round().cast(pl.Int64).cast(pl.Duration("us"))
    return time.dt.offset_by((-months * whole).cast(pl.Int64).cast(pl.String) + "mo") - rest


def _first(values: pl.DataFrame) -> pl.DataFrame:
    return values.sort("subject_id", "time", ROW).unique("subject_id", keep="first", maintain_order=True)
