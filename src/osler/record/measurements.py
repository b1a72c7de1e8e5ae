"""The common vital signs, body measures and laboratory tests: recognised by code or name, with their units.

`measurements.csv` is the table. A code of LOINC counts; without one the words of the description do, matched
whole (see `measurement_names`). Tests of urine, cerebrospinal fluid and other specimens are not those of
blood.
"""

import csv
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

import polars as pl

from osler.record.measurement_names import read_name
from osler.record.unit_conversion import Conversion, conversion, structure
from osler.record.units import ucum

_LOINC = re.compile(r"(?:^|/)LOINC/+(\d{1,7}-\d)(?:$|/)", re.IGNORECASE)
_SPECIMEN_NAMED = re.compile(r"\[[^\]]+\]|\b(?:in|of) (?:\w+ )?(?:blood|serum|plasma)", re.IGNORECASE)
# NGSP from IFCC units of glycated haemoglobin: the master equation, Hoelzel et al. 2004, Clin Chem 50:166.
_HBA1C = "haemoglobin A1c"
_NGSP_FROM_IFCC = Conversion(0.09148, 2.152)
# Units of a quantity that has none: "units" of pH, "ratio" of an INR.
_NOTHING = ("U", "1", "[pH]")
# Units of blood cells as some sources write them: giga per litre, and powers of ten whose volume goes without
# saying (a microlitre up to millions, a litre above). Nobody weighs blood cells.
_CELLS = ("10*3/uL", "10*6/uL")
_CELLS_SAID = {
    "g/L": "10*9/L",
    "10*3": "10*3/uL",
    "10*6": "10*6/uL",
    "10*9": "10*9/L",
    "10*12": "10*12/L",
}


@dataclass(frozen=True)
class Measurement:
    """A quantity that is measured in many patients.

    Attributes:
        concept: its name, unique.
        section: `vitals`, `labs` or `body`.
        unit: the UCUM unit that its numbers are brought to; None where it has none (pH, scores).
        molar_mass: g/mol, where amount of substance is in use too.
        valence: charges of an ion, 0 where equivalents are not in use.
        low, high: what a living patient can have, in `unit`; beyond, it is an error of recording.
    """

    concept: str
    section: str
    unit: str | None
    molar_mass: float | None
    valence: int
    low: float
    high: float


@lru_cache(maxsize=100_000)
def measurement_of(code: str, description: str | None) -> Measurement | None:
    """The measurement that a code stands for, or None.

    Args:
        code: such as `LOINC/2160-0` or `LOINC//2160-0`; other codes are known by their description.
        description: its name; without one the words of the code are read.

    Returns:
        Where LOINC (or a name like its own) states moles instead of mass, or the reverse, with that unit.

    Examples:
        >>> measurement_of("LOINC/2160-0", None).unit, measurement_of("LOINC/14682-9", None).unit
        ('mg/dL', 'umol/L')
        >>> measurement_of("LAB//1", "Sodium, Whole Blood").concept, measurement_of("LAB//2", "Sodium, Urine")
        ('sodium', None)
    """
    by_code, by_other_code, by_name, names = _table()
    loinc = _LOINC.search(code)
    if loinc and loinc[1] in by_code:
        return by_code[loinc[1]]
    if loinc and loinc[1] in by_other_code:
        return by_other_code[loinc[1]]
    # Displays of an unknown code of LOINC may leave the specimen out; its full names have it.
    if loinc and not _SPECIMEN_NAMED.search(description or ""):
        return None
    name = read_name(code.replace("//", " ") if description is None else description)
    for phrase in name.phrases:
        match = names.fullmatch(phrase)
        if match:
            usual, other = by_name[str(match.lastgroup)]
            return other if other and name.per and name.per == _per(other.unit) else usual
    return None


def section_of(code: str, description: str | None) -> str | None:
    """The section of a measurement, `vitals`, `labs` or `body`; None for what is no known one.

    Args:
        code, description: as for `measurement_of`.

    Examples:
        >>> section_of("VITAL//3", "Heart Rate"), section_of("RX//1", "Aspirin")
        ('vitals', None)
    """
    found = measurement_of(code, description)
    return None if found is None else found.section


def plan_conversions(frame: pl.DataFrame) -> pl.DataFrame:
    """How the numbers of each code and unit are brought to one unit per code.

    A known measurement goes to its unit where that can be. Of what is left, units of one code that can be
    converted into each other go to the most frequent of them (of several, the first in the alphabet);
    equivalents and amounts are then not converted, as the charge is unknown. A description that states a unit
    itself ("Weight (Lbs)") forbids what changes a number. Numbers without a unit are taken to be in the one
    unit that the code has elsewhere when that is converted; when it has several, they stay as they are.

    Args:
        frame: `code, description, unit, n`: one row per code and unit as the source writes it (null: none),
            with the number of its events that have a number.

    Returns:
        The rows as given, with `ucum` (the unit in UCUM), `target` (UCUM of the converted number), `factor`
        and `offset`: converted = number * factor + offset. Where nothing changes they are 1 and 0.

    Examples:
        >>> units = pl.DataFrame({"unit": ["kg", "lb", None], "n": [5, 2, 1]})
        >>> plan = plan_conversions(units.with_columns(code=pl.lit("X"), description=pl.lit("Load")))
        >>> plan.select("target", "factor").rows()
        [('kg', 1.0), ('kg', 0.45359237), (None, 1.0)]
    """
    spelled = frame.with_columns(ucum=ucum(frame["unit"]))
    usual = _most_frequent(spelled)
    meant = _only_unit(spelled)
    planned = []
    for code, description, unit in spelled.select("code", "description", "ucum").iter_rows():
        target, how = _planned(code, description, unit, usual)
        if unit is None and code in meant:
            there, change = _planned(code, description, meant[code], usual)
            target, how = (there, change) if change.changes else (target, how)
        planned.append((target, how))
    columns = {
        "target": pl.Series([unit for unit, _ in planned], dtype=pl.String),
        "factor": pl.Series([how.factor for _, how in planned], dtype=pl.Float64),
        "offset": pl.Series([how.offset for _, how in planned], dtype=pl.Float64),
    }
    return spelled.with_columns(**columns)


def plausible(codes: pl.DataFrame) -> pl.DataFrame:
    """What a living patient can have, for the codes that are known measurements.

    Args:
        codes: `code, description`.

    Returns:
        `code, unit, low, high`: the limits, both inclusive, hold for numbers in `unit` (UCUM; null: a
        quantity without a unit), which is the unit that the description states or else the usual one.

    Examples:
        >>> plausible(pl.DataFrame({"code": ["A", "B"], "description": ["pH", "Aspirin"]})).rows()
        [('A', None, 6.3, 8.0)]
    """
    found = []
    for code, description in codes.select("code", "description").iter_rows():
        known = measurement_of(code, description)
        if known is not None:
            stated = read_name(description).unit if description else None
            known = (_in_other_unit(known, stated) if known.unit and stated else None) or known
            found.append((code, known.unit, known.low, known.high))
    kinds = {"code": pl.String, "unit": pl.String, "low": pl.Float64, "high": pl.Float64}
    return pl.DataFrame(found, schema=kinds, orient="row")


def measurements() -> tuple[Measurement, ...]:
    """The table, in its order, with the usual unit of each."""
    return tuple(usual for usual, _ in _table()[2].values())


def _planned(
    code: str, description: str | None, unit: str | None, usual: dict[tuple[str, str], str]
) -> tuple[str | None, Conversion]:
    """The target of a unit of a code, and how to get there."""
    as_it_is = (unit, Conversion(1.0, 0.0))
    if unit is None:
        return as_it_is
    known = measurement_of(code, description)
    target, how = None, None
    if known is not None and known.unit is None and (unit in _NOTHING or unit.startswith("{")):
        return None, as_it_is[1]
    if known is not None and known.unit is not None:
        meant = _CELLS_SAID.get(unit, unit) if known.unit in _CELLS else unit
        target, how = known.unit, _to_unit(known, meant, known.unit)
    if how is None:
        target = usual[code, unit]
        how = conversion(unit, target, valence=0)
    stated = description is not None and read_name(description).unit is not None
    return as_it_is if how is None or (stated and how.changes) else (target, how)


def _most_frequent(spelled: pl.DataFrame) -> dict[tuple[str, str], str]:
    """For each code and unit the unit with most numbers among those of the code that measure the same."""
    counted = (
        spelled.drop_nulls("ucum")
        .group_by("code", "ucum")
        .agg(pl.col("n").sum())
        .sort("n", "ucum", descending=[True, False])
    )
    chosen: dict[tuple[str, object], str] = {}
    usual = {}
    for code, unit, _ in counted.iter_rows():
        made_of = structure(unit)
        kinds = unit if made_of is None else (made_of.above, made_of.below)
        usual[code, unit] = chosen.setdefault((code, kinds), unit)
    return usual


def _only_unit(spelled: pl.DataFrame) -> dict[str, str]:
    """The unit of codes that have one only, besides numbers without any."""
    found = spelled.filter(pl.col("n") > 0).drop_nulls("ucum").group_by("code").agg(pl.col("ucum").unique())
    return {code: units[0] for code, units in found.iter_rows() if len(units) == 1}


def _per(unit: str | None) -> str:
    """The property of LOINC that a unit belongs to: `mass` or `moles`."""
    made_of = structure(unit or "")
    return "moles" if made_of and any(kind == "amount" for kind, _ in made_of.above) else "mass"


# A recognised measurement, and the same in the unit of its other property where it has one.
Pair = tuple[Measurement, Measurement | None]


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, Measurement], dict[str, Measurement], dict[str, Pair], re.Pattern[str]]:
    """Measurements by LOINC, by LOINC of the other property, by name of their group, and all names."""
    text = files("osler.record").joinpath("measurements.csv").read_text(encoding="utf-8")
    by_code: dict[str, Measurement] = {}
    by_other_code: dict[str, Measurement] = {}
    by_name: dict[str, Pair] = {}
    names = []
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    for place, row in enumerate(rows):
        usual = Measurement(
            concept=row["concept"],
            section=row["section"],
            unit=row["unit"] or None,
            molar_mass=float(row["molar_mass"]) if row["molar_mass"] else None,
            valence=int(row["valence"] or 0),
            low=float(row["low"]),
            high=float(row["high"]),
        )
        other = _in_other_unit(usual, row["other_unit"]) if row["other_unit"] else None
        by_code.update(dict.fromkeys(row["loinc"].split(), usual))
        if other:
            by_other_code.update(dict.fromkeys(row["other_loinc"].split(), other))
        by_name[f"m{place}"] = (usual, other)
        names.append(f"(?P<m{place}>{row['names']})")
    return by_code, by_other_code, by_name, re.compile("|".join(names))


def _in_other_unit(usual: Measurement, unit: str) -> Measurement | None:
    """A measurement with its limits in another unit, or None where there is no conversion."""
    how = _to_unit(usual, usual.unit or "", unit)
    if how is None:
        return None
    low, high = (limit * how.factor + how.offset for limit in (usual.low, usual.high))
    return replace(usual, unit=unit, low=low, high=high)


def _to_unit(known: Measurement, source: str, target: str) -> Conversion | None:
    """As `conversion`, with what is known of the substance."""
    if known.concept == _HBA1C:
        if (source, target) == ("mmol/mol", "%"):
            return _NGSP_FROM_IFCC
        if (source, target) == ("%", "mmol/mol"):
            return Conversion(1 / _NGSP_FROM_IFCC.factor, -_NGSP_FROM_IFCC.offset / _NGSP_FROM_IFCC.factor)
    return conversion(source, target, molar_mass=known.molar_mass, valence=known.valence)
