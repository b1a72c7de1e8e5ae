"""The numbers of each code and unit: their magnitudes, and how many lie beyond what is possible.

One streamed pass over the numbers; what remains are counts by code, unit and magnitude.
"""

from typing import Any

import polars as pl

from osler.record.dataset import Dataset
from osler.record.measurements import measurement_of, plan_conversions, plausible
from osler.record.units import conversion

PER_DECADE = 200  # bins of magnitude: each is 1.2 % wide
# Numbers that stand for "missing" in many sources.
SENTINELS = (-1.0, -9.0, -99.0, -999.0, -9999.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0)
MEASUREMENT, PERCENTAGE, AMOUNT = "measurement", "percentage", "amount"
# Units of quantities that are never less than nothing. Not among them are moles per litre (base excess),
# volumes (fluid balance) and pressures (against that of the air).
_AMOUNTS = ("g/L", "10*3/uL", "U/L", "kg", "m", "/min", "s")
_ROUNDING = 1e-5  # single precision


def pair_units(pairs: pl.DataFrame, book: pl.DataFrame) -> pl.DataFrame:
    """What the unit of each pair of code and unit means, and which numbers are possible in it.

    Args:
        pairs: `code, unit, n_numbers` and others, one row per pair.
        book: the code book.

    Returns:
        The pairs with a number, and: `description`; `stated`, whether an event says the unit; `assumed`,
        whether neither the events of the code nor the code book say one; `ucum`, the unit, which is that of
        the code book where the events have none, and that of the measurement where it is assumed; `target,
        factor, offset` as `plan_conversions` gives them; `rule`, `low` and `high`: the limits of the numbers
        as they stand, both inclusive, because the code is a known `measurement`, because the unit is a
        `percentage`, or because it is an `amount`, which is not negative (no high limit). Null where there
        are none.
    """
    described = book.select("code", "description", book_unit="unit")
    units = pairs.filter((pl.col("n_numbers") > 0) & pl.col("code").is_not_null())
    units = units.join(described, on="code", how="left", maintain_order="left")
    limits = plausible(units.select("code", "description").unique(maintain_order=True))
    limits = limits.rename({"unit": "limit_unit"})
    units = units.join(limits, on="code", how="left", maintain_order="left")
    unsaid = pl.col("unit").is_null().all().over("code")
    units = units.with_columns(
        stated=pl.col("unit").is_not_null(), assumed=unsaid & pl.col("book_unit").is_null()
    )
    meant = pl.coalesce("unit", pl.when(unsaid).then(pl.coalesce("book_unit", "limit_unit")))
    planned = plan_conversions(units.select("code", "description", unit=meant, n=pl.col("n_numbers"))).select(
        "ucum", "target", "factor", "offset"
    )
    units = units.hstack(planned)
    rules = [_rule(row) for row in units.iter_rows(named=True)]
    return units.drop("limit_unit", "book_unit").with_columns(
        rule=pl.Series([rule for rule, _, _ in rules], dtype=pl.String),
        low=pl.Series([low for _, low, _ in rules], dtype=pl.Float64),
        high=pl.Series([high for _, _, high in rules], dtype=pl.Float64),
    )


def _rule(pair: dict[str, Any]) -> tuple[str | None, float | None, float | None]:
    """Which limits hold for a pair, in the unit of its numbers."""
    unit = pair["ucum"]
    if pair["low"] is not None and (unit is not None or pair["limit_unit"] is None):
        low, high = pair["low"], pair["high"]
        if unit == pair["limit_unit"] or pair["limit_unit"] is None:
            return MEASUREMENT, low, high
        known = measurement_of(pair["code"], pair["description"])
        mass, valence = (None, 0) if known is None else (known.molar_mass, known.valence)
        how = conversion(pair["limit_unit"], unit, molar_mass=mass, valence=valence)
        if how is not None:
            return MEASUREMENT, low * how.factor + how.offset, high * how.factor + how.offset
        return None, None, None
    if unit == "%":
        return PERCENTAGE, 0.0, 100.0
    if unit is not None and any(conversion(unit, amount, valence=0) for amount in _AMOUNTS):
        return AMOUNT, 0.0, None
    return None, None, None


def count_numbers(dataset: Dataset, units: pl.DataFrame) -> pl.DataFrame:
    """Magnitudes of the numbers of each code and unit.

    Args:
        dataset: the dataset.
        units: `code, unit, low, high` of `pair_units`.

    Returns:
        `code, unit, sentinel, sign, bin, n, n_low, n_high, subject_id, with_low, with_high`, sorted: `sign`
        is -1, 0 or 1, `bin` the rounded common logarithm of the absolute number times 200 (0 for zero),
        `sentinel` the number itself where it is one of `SENTINELS`; `n_low` and `n_high` how many lie beyond
        the limits; the subjects are the least of all, and of those beyond.
    """
    number, subject = pl.col("numeric_value").cast(pl.Float64), pl.col("subject_id")
    size = number.abs()
    magnitude = pl.when(size > 0).then((size.log10() * PER_DECADE).round()).otherwise(0.0).cast(pl.Int32)
    below = number < pl.col("low") - _ROUNDING * pl.col("low").abs()
    above = number > pl.col("high") + _ROUNDING * pl.col("high").abs()
    return (
        dataset.scan()
        .filter(pl.col("numeric_value").is_finite())
        .select("subject_id", "code", "unit", "numeric_value")
        .join(
            units.lazy().select("code", "unit", "low", "high"),
            on=["code", "unit"],
            how="inner",
            nulls_equal=True,
        )
        .group_by(
            "code",
            "unit",
            pl.when(number.is_in(list(SENTINELS))).then(number).alias("sentinel"),
            number.sign().cast(pl.Int8).alias("sign"),
            magnitude.alias("bin"),
        )
        .agg(
            n=pl.len(),
            n_low=below.sum(),
            n_high=above.sum(),
            subject_id=subject.min(),
            with_low=subject.filter(below).min(),
            with_high=subject.filter(above).min(),
        )
        .collect(engine="streaming")
        .sort("code", "unit", "sign", "bin", "sentinel")
    )
