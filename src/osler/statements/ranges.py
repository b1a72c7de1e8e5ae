"""Low, normal or high: limits from the code book, else our own reference values by age, sex and unit.

The reference values (`reference_ranges.csv`) are common adult and paediatric limits. They say how a value
reads to a clinician, not what it means for one patient; a laboratory's own limits in the code book go first.
"""

from functools import lru_cache
from importlib.resources import files
from io import StringIO

import numpy as np
import polars as pl

from osler.record.measurements import measurement_of
from osler.record.units import conversion, ucum
from osler.statements.book import Book
from osler.statements.packing import factor
from osler.statements.person import Person

LOW, NORMAL, HIGH = 1, 2, 3


@lru_cache(maxsize=1)
def reference_ranges() -> pl.DataFrame:
    """Our reference values: `concept, unit, sex, years_from, years_to, low, high`.

    Concepts are those of `osler.record.measurements`, units are UCUM.
    """
    text = files("osler.statements").joinpath("reference_ranges.csv").read_text(encoding="utf-8")
    types = {"years_from": pl.Float64, "years_to": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return pl.read_csv(StringIO(text), comment_prefix="#", schema_overrides=types)


@lru_cache(maxsize=10_000)
def reference_unit(code: str, description: str, unit: str) -> tuple[str, str] | None:
    """The concept and unit of the reference values that hold for a code's numbers as they are, or None.

    Args:
        code, description: of the code book.
        unit: UCUM.

    Examples:
        >>> reference_unit("LAB//1", "WBC", "10*3/uL"), reference_unit("LAB//2", "Sodium", "meq/L")
        (('white blood cells', '10*9/L'), ('sodium', 'mmol/L'))
        >>> reference_unit("LAB//2", "Sodium, urine", "mmol/L") is None
        True
    """
    known = measurement_of(code, description)
    if known is None:
        return None
    for there in reference_ranges().filter(concept=known.concept)["unit"].unique(maintain_order=True):
        how = conversion(unit, there, molar_mass=known.molar_mass, valence=known.valence)
        if how is not None and not how.changes:
            return known.concept, there
    return None


def marks(
    book: Book,
    person: Person,
    *,
    sample: np.ndarray,
    code: np.ndarray,
    unit: np.ndarray,
    units: pl.Series,
    number: np.ndarray,
) -> np.ndarray:
    """Mark numbers as `LOW`, `NORMAL` or `HIGH`; 0 where no limits are known.

    The code book's limits hold for values in its own unit; ours hold where concept, unit, age and sex fit.

    Args:
        book: the code book.
        person: age and sex of each sample.
        sample, code, unit, number: int or float [n], one entry per value.
        units: the distinct units as they read.

    Returns:
        int32 [n].
    """
    low, high = book.low[code], book.high[code]
    names = pl.concat([units, pl.Series([None], dtype=pl.String)])
    own = (names.gather(np.where(unit >= 0, unit, len(units))).eq_missing(book.unit.gather(code))).to_numpy()
    given = own & ~(np.isnan(low) & np.isnan(high))
    low, high = np.where(given, low, np.nan), np.where(given, high, np.nan)
    rest = np.flatnonzero(~given)
    low[rest], high[rest] = _reference(book, person, sample[rest], code[rest], unit[rest], units)
    known = ~(np.isnan(low) & np.isnan(high))
    mark = np.where(known, NORMAL, 0)
    mark[number < low] = LOW
    mark[number > high] = HIGH
    return mark.astype(np.int32)


def _reference(
    book: Book, person: Person, sample: np.ndarray, code: np.ndarray, unit: np.ndarray, units: pl.Series
) -> tuple[np.ndarray, np.ndarray]:
    limits = np.full((2, len(code)), np.nan)
    pairs, keys = factor(code.astype(np.int64) * (len(units) + 1) + unit + 1)
    codes, written = np.divmod(keys, len(units) + 1)
    spelled = pl.concat([pl.Series([None], dtype=pl.String), ucum(units)]).gather(written)
    found = [
        None if unit is None else reference_unit(code, description, unit)
        for code, description, unit in zip(
            book.codes.gather(codes), book.description.gather(codes), spelled, strict=True
        )
    ]
    known = pl.DataFrame(
        [pair or (None, None) for pair in found],
        schema={"concept": pl.String, "unit": pl.String},
        orient="row",
    )
    values = pl.DataFrame(
        {
            "value": np.arange(len(code)),
            "concept": known["concept"].gather(pairs),
            "unit": known["unit"].gather(pairs),
            "is_sex": person.sex.gather(sample),
            "years": person.years[sample],
        }
    ).drop_nulls("concept")
    everyone = (pl.col("years_from") == 0) & pl.col("years_to").is_infinite()
    right_age = (pl.col("years") >= pl.col("years_from")) & (pl.col("years") < pl.col("years_to"))
    fits = (pl.col("sex").is_null() | (pl.col("sex") == pl.col("is_sex"))) & (
        everyone | (pl.col("years").is_not_nan() & right_age)
    )
    rows = (
        values.join(reference_ranges(), on=["concept", "unit"], how="inner", maintain_order="left_right")
        .filter(fits)
        .unique("value", keep="first", maintain_order=True)
    )
    limits[:, rows["value"].to_numpy()] = rows.select("low", "high").to_numpy().T
    return limits[0], limits[1]
