"""Which codes hold numbers of two units under one: each is compared with the units that it is reported in."""

from typing import Any

import polars as pl

from osler.checks.mixture import Limits, Others, explain_impossible, find_mixture
from osler.checks.numbers import PER_DECADE
from osler.record.measurements import measurement_of
from osler.record.units import Conversion, conversion

# Units in which laboratories and wards report what is measured often; those that fit a quantity are tried.
_REPORTED = (
    "g/dL",
    "g/L",
    "mg/dL",
    "mg/L",
    "ug/dL",
    "ug/L",
    "ng/dL",
    "ng/L",
    "mmol/L",
    "umol/L",
    "nmol/L",
    "pmol/L",
    "meq/L",
    "10*3/uL",
    "/uL",
    "%",
    "1",
    "Cel",
    "[degF]",
    "kg",
    "g",
    "[lb_av]",
    "[oz_av]",
    "m",
    "cm",
    "mm",
    "[in_i]",
    "[ft_i]",
    "mm[Hg]",
    "kPa",
    "cm[H2O]",
    "L/min",
    "mL/min",
    "mL",
    "L",
)
LARGEST = 1100.0  # ratio of units that are taken for each other (mg and ug, m and mm)
POSITIVE = 0.9  # least share of positive numbers; standardised ones have fewer, and no unit
# Quantities that people also record under names of their own; laboratory tests need a name that is known.
_BY_UNIT = ("Cel", "[degF]", "kg", "[lb_av]", "cm", "[in_i]")


def find_mixtures(units: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """Codes and units whose numbers are in two units.

    Args:
        units: of `pair_units`.
        numbers: of `count_numbers`.

    Returns:
        `code, unit, ucum, n_numbers, other, factor, n, above, subject_id`: the other unit, what one of it is
        in the stated one, how many numbers fit it, whether they are the larger ones, and the least subject
        that has one; the most numbers first.
    """
    plain = numbers.filter(pl.col("sentinel").is_null())
    parts = plain.partition_by("code", "unit", as_dict=True)
    rows = []
    for pair in units.iter_rows(named=True):
        tried = other_units(pair["code"], pair["description"], pair["ucum"])
        here = parts.get((pair["code"], pair["unit"]))
        if not tried or here is None:
            continue
        positive = here.filter(pl.col("sign") == 1).sort("bin")
        if int(positive["n"].sum()) < POSITIVE * int(here["n"].sum()):
            continue
        facts = {name: pair[name] for name in ("code", "unit", "ucum", "n_numbers")}
        limits = None if pair["high"] is None else (pair["low"], pair["high"])
        rows += [{**facts, **found} for found in _found(positive, tried, limits)]
    return pl.DataFrame(rows, schema=_SCHEMA).sort("n", "code", descending=[True, False])


def _found(numbers: pl.DataFrame, tried: Others, limits: Limits | None) -> list[dict[str, Any]]:
    """Two humps, else numbers beyond the limits on either side that another unit explains."""
    values = 10.0 ** (numbers["bin"].to_numpy() / PER_DECADE)
    counts = numbers["n"].cast(pl.Int64).to_numpy()
    humps = find_mixture(values, counts, tried, limits=limits)
    if humps is not None:
        side = values >= humps.cut if humps.above else values < humps.cut
        subject = numbers.filter(pl.Series(side))["subject_id"].min()
        return [
            {
                "other": humps.unit,
                "factor": humps.factor,
                "n": humps.n,
                "above": humps.above,
                "subject_id": subject,
            }
        ]
    below, above = (numbers[name].fill_null(0).cast(pl.Int64).to_numpy() for name in ("n_low", "n_high"))
    rows = []
    for beyond, is_above, who in ((below, False, "with_low"), (above, True, "with_high")):
        found = explain_impossible(values, beyond, counts - below - above, tried)
        if found is not None:
            rows.append(
                {
                    "other": found[0],
                    "factor": found[1],
                    "n": int(beyond.sum()),
                    "above": is_above,
                    "subject_id": numbers[who].min(),
                }
            )
    return rows


def unit_that_fits(pair: dict[str, Any], numbers: pl.DataFrame) -> str | None:
    """The unit in which nine of ten numbers of a pair are possible; None where there is none.

    Args:
        pair: a row of `pair_units` with limits.
        numbers: the rows of `count_numbers` for this pair.
    """
    values = numbers["sign"].to_numpy() * 10.0 ** (numbers["bin"].to_numpy() / PER_DECADE)
    counts = numbers["n"].to_numpy()
    for unit, how in other_units(pair["code"], pair["description"], pair["ucum"]):
        converted = values * how.factor + how.offset
        if counts[(converted >= pair["low"]) & (converted <= pair["high"])].sum() >= 0.9 * counts.sum():
            return unit
    return None


_SCHEMA = {
    "code": pl.String,
    "unit": pl.String,
    "ucum": pl.String,
    "n_numbers": pl.Int64,
    "other": pl.String,
    "factor": pl.Float64,
    "n": pl.Int64,
    "above": pl.Boolean,
    "subject_id": pl.Int64,
}


def other_units(code: str, description: str | None, unit: str | None) -> list[tuple[str, Conversion]]:
    """Units in which numbers of a code may have slipped in, and how they are converted to its own.

    Args:
        code, description: of a known measurement, or of any quantity in kg, cm, Cel and the like.
        unit: the unit of its numbers in UCUM.

    Examples:
        >>> found = dict(other_units("LAB//GLU", "Glucose", "mg/dL"))
        >>> round(found["mmol/L"].factor, 3), "kg" in found
        (18.016, False)
    """
    known = measurement_of(code, description)
    if unit is None or (known is None and unit not in _BY_UNIT):
        return []
    mass, valence = (None, 0) if known is None else (known.molar_mass, known.valence)
    found: dict[tuple[float, float], tuple[str, Conversion]] = {}
    for other in _REPORTED:
        how = conversion(other, unit, molar_mass=mass, valence=valence)
        if how is not None and how.changes and 1 / LARGEST <= how.factor <= LARGEST:
            found.setdefault((round(how.factor, 9), how.offset), (other, how))
    return list(found.values())
