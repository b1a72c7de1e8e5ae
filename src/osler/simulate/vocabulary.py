"""Every code that a simulated record can hold, with its description, section, unit, limits and parents.

Codes are integers while events are made; `Vocabulary.codes` turns them into the written ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from osler.record import schema
from osler.simulate.conditions import CONDITIONS
from osler.simulate.hospitals import NAMINGS, Integers
from osler.simulate.measurements import MEASUREMENTS, Measurement, Unit
from osler.simulate.people import ETHNICITIES, INSURANCES, RACES
from osler.simulate.treatments import MEDICATIONS, PROCEDURES

ADMISSION_TYPES = ("EMERGENCY", "ELECTIVE", "TRANSFER")
DISCHARGE_PLACES = ("HOME", "HOME_CARE", "SKILLED_NURSING", "DIED")
NOTE = "NOTE//discharge_summary"
UNIT_SYSTEMS = 2
_ICD = ("ICD10CM", "ICD9CM")


@dataclass(frozen=True)
class Vocabulary:
    """All codes in the order of the code book, and their positions by meaning.

    Attributes:
        book: columns of `CODE_TYPES`.
        position: position by written code.
        measurement: [measurements, namings, unit systems] positions.
        condition: [conditions, 2] positions of the ICD-10-CM and the ICD-9-CM code.
        medication, procedure, insurance, admission, discharge: positions in the order of their tables.
    """

    book: pl.DataFrame
    position: dict[str, int]
    measurement: Integers
    condition: Integers
    medication: Integers
    procedure: Integers
    insurance: Integers
    admission: Integers
    discharge: Integers

    @property
    def codes(self) -> pl.Series:
        """Written codes by position."""
        return self.book["code"]

    @property
    def units(self) -> pl.Series:
        """Units by position; null where a code has none."""
        return self.book["unit"]


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary; it is the same for every simulation."""
    rows = [*_demographics(), *_visits(), *_measurements(), *_conditions(), *_treatments(), _note()]
    seen: dict[str, dict[str, object]] = {}
    for row in rows:
        seen.setdefault(str(row["code"]), row)
    book = pl.DataFrame(list(seen.values()), schema=schema.CODE_TYPES)
    position = {code: index for index, code in enumerate(seen)}

    def at(codes: list[str]) -> Integers:
        return np.array([position[code] for code in codes], dtype=np.int64)

    measured = [
        [[_code(m, naming, m.units[units]) for units in range(UNIT_SYSTEMS)] for naming in range(NAMINGS)]
        for m in MEASUREMENTS
    ]
    return Vocabulary(
        book=book,
        position=position,
        measurement=np.array([[at(row) for row in table] for table in measured]),
        condition=np.array(
            [at([f"{_ICD[0]}//{c.icd10}", f"{_ICD[1]}//{c.icd9}"]) for c in CONDITIONS], dtype=np.int64
        ),
        medication=at([f"MEDICATION//{m.key}" for m in MEDICATIONS]),
        procedure=at([f"PROCEDURE//{p.key}" for p in PROCEDURES]),
        insurance=at([f"INSURANCE//{name}" for name in INSURANCES]),
        admission=at([f"HOSPITAL_ADMISSION//{name}" for name in ADMISSION_TYPES]),
        discharge=at([f"HOSPITAL_DISCHARGE//{name}" for name in DISCHARGE_PLACES]),
    )


def groups() -> dict[str, dict[str, object]]:
    """The declared groups of `dataset.json`: sex, race, ethnicity and insurance by code prefix."""
    return {
        "sex": {"prefix": "GENDER//", "values": {"F": "female", "M": "male"}},
        "race": {"prefix": "RACE//", "values": {name: name.lower() for name in RACES}},
        "ethnicity": {
            "prefix": "ETHNICITY//",
            "values": {"HISPANIC": "hispanic", "NOT_HISPANIC": "not hispanic", "UNKNOWN": "unknown"},
        },
        "insurance": {
            "prefix": "INSURANCE//",
            "values": {
                "COMMERCIAL": "commercial",
                "MEDICARE": "government",
                "MEDICAID": "government",
                "SELF_PAY": "self-pay",
                "UNKNOWN": "unspecified",
            },
        },
    }


def _row(code: str, words: str, section: str, kind: str = "flag", **more: object) -> dict[str, object]:
    return {"code": code, "description": words, "section": section, "kind": kind, **more}


def _demographics() -> Iterator[dict[str, object]]:
    yield _row(schema.BIRTH, "Birth", schema.DEMOGRAPHICS)
    yield _row("GENDER//F", "Sex: female", schema.DEMOGRAPHICS)
    yield _row("GENDER//M", "Sex: male", schema.DEMOGRAPHICS)
    for prefix, label, values in (
        ("RACE", "Race", RACES),
        ("ETHNICITY", "Ethnicity", ETHNICITIES),
        ("INSURANCE", "Insurance", INSURANCES),
    ):
        for value in values:
            words = f"{label}: {value.replace('_', ' ').lower()}"
            yield _row(f"{prefix}//{value}", words, schema.DEMOGRAPHICS)


def _visits() -> Iterator[dict[str, object]]:
    for name in ADMISSION_TYPES:
        yield _row(f"HOSPITAL_ADMISSION//{name}", f"Hospital admission, {name.lower()}", schema.VISITS)
    yield _row("ICU_ADMISSION//MEDICAL", "Admission to intensive care", schema.VISITS)
    yield _row("ICU_DISCHARGE//MEDICAL", "Discharge from intensive care", schema.VISITS)
    for name in DISCHARGE_PLACES:
        words = "Hospital stay ended by death" if name == "DIED" else f"Hospital discharge to {_plain(name)}"
        yield _row(f"HOSPITAL_DISCHARGE//{name}", words, schema.VISITS)
    yield _row("VISIT//OUTPATIENT", "Outpatient visit", schema.VISITS)
    yield _row(schema.DEATH, "Death", schema.VISITS)


def _measurements() -> Iterator[dict[str, object]]:
    section = {"LAB": schema.LABS, "VITAL": schema.VITALS, "BODY": schema.BODY}
    for naming in range(NAMINGS):
        for m in MEASUREMENTS:
            for unit in m.units:
                limits = {
                    name: None if limit is None else round(limit * unit.factor + unit.shift, 3)
                    for name, limit in (("low", m.low), ("high", m.high))
                }
                code = _code(m, naming, unit)
                yield _row(code, m.words[naming], section[m.kind], "numeric", unit=unit.name, **limits)


def _code(m: Measurement, naming: int, unit: Unit) -> str:
    name = m.key if naming == 0 or m.kind != "LAB" else m.local[naming - 1]
    return f"{m.kind}//{name}//{unit.name}"


def _conditions() -> Iterator[dict[str, object]]:
    for revision, system in enumerate(_ICD):
        for condition in CONDITIONS:
            code = (condition.icd10, condition.icd9)[revision]
            words = condition.words[0].upper() + condition.words[1:]
            parents = [f"{system}//{code.partition('.')[0]}"] if "." in code else []
            yield _row(f"{system}//{code}", words, schema.CONDITIONS, parent_codes=parents)


def _treatments() -> Iterator[dict[str, object]]:
    for medication in MEDICATIONS:
        words = medication.words[0].upper() + medication.words[1:]
        yield _row(f"MEDICATION//{medication.key}", words, schema.MEDICATIONS)
    for procedure in PROCEDURES:
        words = procedure.words[0].upper() + procedure.words[1:]
        yield _row(f"PROCEDURE//{procedure.key}", words, schema.PROCEDURES)


def _note() -> dict[str, object]:
    return _row(NOTE, "Discharge summary", schema.NOTES, "note")


def _plain(name: str) -> str:
    return name.replace("_", " ").lower()
