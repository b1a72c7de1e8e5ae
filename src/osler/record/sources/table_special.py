"""Events that all MEDS datasets spell alike: `MEDS_BIRTH` from an age, `GENDER//<value>` from a sex."""

from pathlib import Path

import polars as pl

from osler.base.errors import InputError
from osler.record import schema
from osler.record.sources.table_read import ROW
from osler.record.sources.table_rows import Rows
from osler.record.sources.table_spec import TableSpec

GENDER = "GENDER//"
DAYS = {"years": 365.25, "months": 365.25 / 12, "days": 1.0}
_SHAPE = pl.Schema({"subject_id": pl.Int64(), "time": pl.Datetime("us"), "code": pl.String()})
_MICROSECONDS = 86_400_000_000


def births(table: pl.LazyFrame, rows: Rows, spec: TableSpec, *, source: Path) -> pl.DataFrame:
    """`MEDS_BIRTH` of each subject: t0 of its first row with an age, less that age.

    Raises:
        InputError: the age column has values that are no finite numbers, or negative ones.
    """
    if spec.age is None:
        return pl.DataFrame(schema=_SHAPE)
    values = _of_rows(table, rows, spec.age.column, key="age.column", source=source)
    ages = values.with_columns(age=pl.col("value").cast(pl.Float64, strict=False))
    wrong = ages.filter(pl.col("age").is_null() | ~pl.col("age").is_finite() | (pl.col("age") < 0))
    if wrong.height:
        numbers = ", ".join(str(row + 1) for row in wrong[ROW].head(5))
        raise InputError(
            f"ages that are no numbers of 0 or more (data rows {numbers})",
            where=f"{source}, column {spec.age.column}",
            count=wrong.height,
            remedy="name the marker in `missing` or `sentinels`, or mend the values",
        )
    age = (pl.col("age") * (DAYS[spec.age.unit] * _MICROSECONDS)).round().cast(pl.Int64)
    born = pl.col("time") - age.cast(pl.Duration("us"))
    return _first(ages).select("subject_id", time=born, code=pl.lit(schema.BIRTH)).cast(dict(_SHAPE))  # type: ignore[arg-type]


def sexes(table: pl.LazyFrame, rows: Rows, spec: TableSpec, *, source: Path) -> pl.DataFrame:
    """`GENDER//<value>` of each subject, without a time, from its first row with a value.

    Raises:
        InputError: values that `sex.values` does not name.
    """
    sex = spec.sex_settings
    if sex is None:
        return pl.DataFrame(schema=_SHAPE)
    values = _of_rows(table, rows, sex.column, key="sex.column", source=source)
    if sex.values:
        strange = values.filter(~pl.col("value").is_in(list(sex.values)))
        if strange.height:
            numbers = ", ".join(str(row + 1) for row in strange[ROW].head(5))
            raise InputError(
                f"sexes that `sex.values` does not name (data rows {numbers})",
                where=f"{source}, column {sex.column}",
                count=strange.height,
                allowed=sex.values,
                remedy="name them in `sex.values`, or in `missing`",
            )
        values = values.with_columns(pl.col("value").replace(sex.values))
    return (
        _first(values)
        .select("subject_id", time=pl.lit(None), code=pl.lit(GENDER) + pl.col("value"))
        .cast(dict(_SHAPE))  # type: ignore[arg-type]
    )


def special_codes(events: pl.DataFrame, spec: TableSpec) -> pl.DataFrame:
    """Rows of the code book for these events."""
    sex = spec.sex_settings
    spelled = {code: text for text, code in sex.values.items()} if sex else {}
    codes = events["code"].unique().sort().to_list()
    ordered = sorted(codes, key=lambda code: code != schema.BIRTH)
    described = [
        "Birth"
        if code == schema.BIRTH
        else f"Sex: {spelled.get(code.removeprefix(GENDER), code.removeprefix(GENDER))}"
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


def _first(values: pl.DataFrame) -> pl.DataFrame:
    return values.sort("subject_id", "time", ROW).unique("subject_id", keep="first", maintain_order=True)
