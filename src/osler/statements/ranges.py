"""Low, normal or high: limits from the code book, else our own reference values by age, sex and unit.

The reference values (`reference_ranges.csv`) are common adult and paediatric limits. They say how a value
reads to a clinician, not what it means for one patient; a laboratory's own limits in the code book go first.
"""

import re
from functools import lru_cache
from importlib.resources import files
from io import StringIO

import numpy as np
import polars as pl

from osler.statements.book import Book
from osler.statements.packing import factor
from osler.statements.person import Person

LOW, NORMAL, HIGH = 1, 2, 3
_OTHER_SPECIMENS = re.compile(
    r"urin|csf|cerebrospinal|stool|fluid|\bratio|fraction|cord\b|panel|ioni[sz]ed|24 ?h"
)
_UNIT_SPELLINGS = {
    r"^meq/l$": "mmol/l",
    r"^(k/u?l|k/mcl|thousand/u?l|x?10[*^]?e?0?[39]/(ul|l|mcl)|10e9/l|g/l x 10\^9)$": "10*9/l",
    r"^(m/u?l|m/mcl|million/u?l|x?10[*^]?e?(0?6|12)/(ul|l|mcl))$": "10*12/l",
    r"^(°|deg|degrees? ?)?c(el|elsius)?$": "c",
    r"^(\[?deg|°|degrees? ?)?f(\]|ahrenheit)?$": "f",
    r"^(beats|breaths|insp)?(/| per )min(ute)?s?$|^bpm$|^\{.*\}/min$": "/min",
    r"^mm ?\[?hg\]?$": "mmhg",
    r"^umol/l$|^µmol/l$|^μmol/l$|^micromol/l$": "umol/l",
}


@lru_cache(maxsize=1)
def reference_ranges() -> pl.DataFrame:
    """Our reference values: `concept, pattern, unit, sex, years_from, years_to, low, high`."""
    text = files("osler.statements").joinpath("reference_ranges.csv").read_text(encoding="utf-8")
    types = {"years_from": pl.Float64, "years_to": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return pl.read_csv(StringIO(text), comment_prefix="#", schema_overrides=types)


def plain_unit(unit: pl.Series) -> pl.Series:
    """Units in one spelling: lower case, `mEq/L` of a monovalent ion as `mmol/l`, counts per litre.

    Examples:
        >>> plain_unit(pl.Series(["K/uL", "mEq/L", "mm[Hg]", "g/dL"])).to_list()
        ['10*9/l', 'mmol/l', 'mmhg', 'g/dl']
    """
    plain = unit.str.strip_chars().str.to_lowercase()
    for pattern, spelling in _UNIT_SPELLINGS.items():
        plain = plain.str.replace(pattern, spelling)
    return plain


@lru_cache(maxsize=100_000)
def concept_of(description: str) -> str | None:
    """The measured concept that a description begins with, or None; other specimens than blood have none.

    Examples:
        >>> concept_of("Sodium [Moles/volume] in Serum"), concept_of("Sodium, urine"), concept_of("Aspirin")
        ('sodium', None, None)
    """
    concepts, pattern = _concepts()
    name = description.lower()
    if _OTHER_SPECIMENS.search(name):
        return None
    match = pattern.match(name)
    return None if match is None else concepts[int(str(match.lastgroup)[1:])]


@lru_cache(maxsize=1)
def _concepts() -> tuple[list[str], re.Pattern[str]]:
    named = reference_ranges().unique("concept", keep="first", maintain_order=True)
    patterns = [rf"(?P<c{i}>(?:{pattern})(?!\w))" for i, pattern in enumerate(named["pattern"])]
    return named["concept"].to_list(), re.compile("|".join(patterns))


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
        units: the distinct units.

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
    ids, codes = factor(code)
    named = [concept_of(description) for description in book.description.gather(codes).to_list()]
    concepts = pl.Series(named, dtype=pl.String)
    spelled = pl.concat([plain_unit(units), pl.Series([None], dtype=pl.String)])
    values = pl.DataFrame(
        {
            "value": np.arange(len(code)),
            "concept": concepts.gather(ids),
            "unit": spelled.gather(np.where(unit >= 0, unit, len(units))),
            "is_sex": person.sex.gather(sample),
            "years": person.years[sample],
        }
    ).drop_nulls(["concept", "unit"])
    everyone = (pl.col("years_from") == 0) & pl.col("years_to").is_infinite()
    right_age = (pl.col("years") >= pl.col("years_from")) & (pl.col("years") < pl.col("years_to"))
    fits = (pl.col("sex").is_null() | (pl.col("sex") == pl.col("is_sex"))) & (
        everyone | (pl.col("years").is_not_nan() & right_age)
    )
    found = (
        values.join(reference_ranges(), on=["concept", "unit"], how="inner", maintain_order="left_right")
        .filter(fits)
        .unique("value", keep="first", maintain_order=True)
    )
    limits[:, found["value"].to_numpy()] = found.select("low", "high").to_numpy().T
    return limits[0], limits[1]
