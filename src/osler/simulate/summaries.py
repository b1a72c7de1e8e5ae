"""Discharge summaries: sections first, then one of three layouts; all stays of a block at once.

A summary is written from what was known at discharge. Nothing in it depends on the readmission to come. The
layout and the share of optional sentences belong to the hospital (cause note_style).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from osler.simulate.care import Care, Table
from osler.simulate.conditions import CONDITIONS
from osler.simulate.hospitals import TEMPLATES, Hospitals, Integers
from osler.simulate.measurements import INDEX, MEASUREMENTS
from osler.simulate.people import DAY, Booleans, Patients, Stays
from osler.simulate.phenotypes import Floats
from osler.simulate.phrases import (
    ABBREVIATIONS,
    ALLERGIES,
    DAYS,
    EXTRAS,
    FAMILY,
    FOLLOW_UP,
    LIVING,
    NEGATIVES,
    forbidden,
    presentations,
)
from osler.simulate.treatments import MEDICATIONS, PROCEDURES

_CONDITIONS = [condition.words for condition in CONDITIONS]
_MEDICATIONS = [medication.words for medication in MEDICATIONS]
_PROCEDURES = [procedure.words for procedure in PROCEDURES]
_LAST_DAY = 9
_RESULTS = ("creatinine", "hemoglobin", "leukocytes", "sodium", "systolic_pressure", "oxygen_saturation")
_MANY_NEGATIVES = (
    0.35  # each finding is denied with this probability at the reference, more where notes are long
)

# Headings by layout; None joins the section to the running text.
_HEADINGS: tuple[dict[str, str], ...] = (
    {
        "reason": "REASON FOR ADMISSION",
        "history": "PAST MEDICAL HISTORY",
        "social": "SOCIAL AND FAMILY HISTORY",
        "review": "REVIEW OF SYSTEMS",
        "results": "FINDINGS ON ADMISSION",
        "course": "HOSPITAL COURSE",
        "procedures": "PROCEDURES",
        "medications": "DISCHARGE MEDICATIONS",
        "plan": "CONDITION AND FOLLOW-UP",
    },
    {},
    {
        "reason": "Adm:",
        "history": "PMH:",
        "social": "SH/FH:",
        "review": "ROS:",
        "results": "O/A:",
        "course": "Course:",
        "procedures": "Proc:",
        "medications": "D/C meds:",
        "plan": "Plan:",
    },
)
_SECTIONS = tuple(_HEADINGS[0])


def summaries(
    rng: np.random.Generator, patients: Patients, stays: Stays, care: Care, hospitals: Hospitals,
    admission: Mapping[str, Floats],
) -> pl.Series:  # fmt: skip
    """The text of the discharge summary of each stay.

    Args:
        rng: drawn from in a fixed order.
        patients, stays, care: what happened.
        hospitals: layout and length.
        admission: values at admission in reference units by measurement, NaN where not measured; one entry
            per stay.

    Returns:
        One string per stay.
    """
    count = len(stays.admit)
    hospital = patients.hospital[stays.patient]
    length = hospitals.length[hospital]
    chance = _Chance(rng, length)
    died = stays.died
    days = np.maximum(1, (stays.end - stays.admit) // DAY)
    known, taken = care.chronic[stays.patient], care.home[stays.patient]
    sections = {
        "reason": _reason(patients, stays, care),
        "history": _listed(known, _CONDITIONS, "History of ", "No chronic illness is known."),
        "social": _joined(
            chance.one_of(ALLERGIES),
            chance.optional(chance.one_of(LIVING)),
            chance.optional(chance.one_of(FAMILY)),
        ),
        "review": _review(rng, length, care.acute),
        "results": _findings(chance, admission),
        "course": _course(chance, care, days, died),
        "procedures": _listed(care.done, _PROCEDURES, "Done during the stay: ", "No procedures were done."),
        "medications": _only(~died, _listed(taken, _MEDICATIONS, "To be taken: ", "No regular medications.")),
        "plan": _plan(chance, care, died),
    }
    text = np.empty(count, dtype=object)
    template = hospitals.template[hospital]
    frame = pl.DataFrame(sections)
    for layout in range(TEMPLATES):
        rows = np.flatnonzero(template == layout)
        if rows.size:
            text[rows] = _laid_out(frame[rows], layout).to_numpy()
    return pl.Series("text_value", text, dtype=pl.String)


class _Chance:
    """Optional sentences and choices of wording, one draw per stay each."""

    def __init__(self, rng: np.random.Generator, length: Floats) -> None:
        self._rng = rng
        self._length = length

    def one_of(self, wordings: Sequence[str]) -> pl.Series:
        chosen = self._rng.integers(0, len(wordings), len(self._length))
        return pl.Series(wordings).gather(pl.Series(chosen))

    def optional(self, sentence: pl.Series) -> pl.Series:
        return _only(self._rng.random(len(self._length)) < self._length, sentence)

    def always(self, sentence: str) -> pl.Series:
        return pl.repeat(sentence, len(self._length), dtype=pl.String, eager=True)


def _only(where: Booleans, sentence: pl.Series) -> pl.Series:
    return pl.select(pl.when(pl.Series(where)).then(sentence).otherwise(pl.lit(""))).to_series()


def _joined(*parts: pl.Series) -> pl.Series:
    """Sentences joined by one space, empty ones left out."""
    spaced = [part.str.replace(r"(.)$", "$1 ") for part in parts]
    return pl.select(pl.concat_str(spaced).str.strip_chars_end(" ")).to_series()


def _listed(table: Table, words: Sequence[str], lead: str, nothing: str) -> pl.Series:
    """For each row the words of its columns, joined by commas, as one sentence."""
    rows, columns = np.nonzero(table)
    joined = (
        pl.DataFrame({"row": rows, "words": pl.Series(words).gather(pl.Series(columns))})
        .group_by("row", maintain_order=True)
        .agg(pl.col("words").str.join(", "))
    )
    text = np.full(len(table), nothing, dtype=object)
    text[joined["row"].to_numpy()] = (lead + joined["words"] + ".").to_numpy()
    return pl.Series(text, dtype=pl.String)


def _reason(patients: Patients, stays: Stays, care: Care) -> pl.Series:
    age = stays.age.astype(np.int64)
    woman = patients.female[stays.patient]
    frame = pl.DataFrame(
        {
            "age": np.where(age > 89, "over 89", age.astype(str)),
            "person": np.where(woman, "woman", "man"),
            "brought": pl.Series(presentations()).gather(pl.Series(care.reason)),
            "cause": pl.Series(_CONDITIONS).gather(pl.Series(care.reason)),
            "old": age > 89,
        }
    )
    vowel = pl.col("age").str.contains("^(8|18$|11$)")  # eight, eighteen, eleven, eighty
    article = pl.when(vowel).then(pl.lit("An")).otherwise(pl.lit("A"))
    who = (
        pl.when("old")
        .then(pl.format("A {} aged over 89", "person"))
        .otherwise(pl.format("{} {}-year-old {}", article, "age", "person"))
    )
    return frame.select(
        pl.format("{} came to the hospital with {}. Main diagnosis: {}.", who, "brought", "cause")
    ).to_series()


def _review(rng: np.random.Generator, length: Floats, acute: Table) -> pl.Series:
    """Findings denied; none that an illness of this stay would bring."""
    share = np.clip(_MANY_NEGATIVES + (length - 0.5), 0.1, 0.9)
    denied = rng.random((len(acute), len(NEGATIVES))) < share[:, None]
    for column, (_, illnesses) in enumerate(NEGATIVES):
        denied[:, column] &= ~acute[:, forbidden(illnesses)].any(axis=1)
    return _listed(
        denied, [f"no {finding}" for finding, _ in NEGATIVES], "There was ", "Review was not possible."
    )


def _findings(chance: _Chance, admission: Mapping[str, Floats]) -> pl.Series:
    parts = []
    for name in _RESULTS:
        m = MEASUREMENTS[INDEX[name]]
        value = admission[name]
        low, high = -np.inf if m.low is None else m.low, np.inf if m.high is None else m.high
        level = np.where(value < low, "low", np.where(value > high, "raised", "normal"))
        level = np.where(np.isnan(value), "not known", level)
        sentence = pl.Series(level).cast(pl.String)
        parts.append(chance.optional(m.words[0] + ": " + sentence + "."))
    return _joined(*parts)


def _course(chance: _Chance, care: Care, days: Integers, died: Booleans) -> pl.Series:
    acute = care.acute.copy()
    acute[np.arange(len(days)), care.reason] = False  # named as the main diagnosis already
    length = pl.Series(days)
    unit = pl.select(pl.when(length == 1).then(pl.lit(" day.")).otherwise(pl.lit(" days."))).to_series()
    parts = [
        _listed(acute, _CONDITIONS, "Further diagnoses: ", "The course was without complications."),
        _only(care.intensive, chance.always("Treated in the intensive care unit.")),
        _listed(care.ward, _MEDICATIONS, "Given in hospital: ", "No further medication was given."),
    ]
    for day in range(2, _LAST_DAY + 1):
        doing = chance.optional("On day " + str(day) + " the patient " + chance.one_of(DAYS) + ".")
        parts.append(_only(days > day, doing))
    ending = np.where(died, "Despite all measures the patient died after ", "The stay lasted ")
    parts.append(pl.Series(ending).cast(pl.String) + length.cast(pl.String) + unit)
    return _joined(*parts)


def _plan(chance: _Chance, care: Care, died: Booleans) -> pl.Series:
    places = pl.Series(
        [
            "Discharged home in stable condition.",
            "Discharged home with nursing visits.",
            "Discharged to a skilled nursing facility.",
            "Died in hospital; the next of kin were informed.",
        ]
    )
    parts = [places.gather(pl.Series(care.place)), _only(~died, chance.one_of(FOLLOW_UP))]
    parts += [_only(~died, chance.optional(chance.always(sentence))) for sentence in EXTRAS]
    return _joined(*parts)


def _laid_out(sections: pl.DataFrame, layout: int) -> pl.Series:
    """Headings above (0), running paragraphs (1), or short lines with abbreviations (2)."""
    headings = _HEADINGS[layout]
    between = "\n" if layout == 0 else " "
    end = "\n" if layout == TEMPLATES - 1 else "\n\n"
    parts = []
    for name in _SECTIONS:
        body = pl.col(name) + end
        head = headings.get(name)
        parts.append(
            pl.when(pl.col(name) == "")
            .then(pl.lit(""))
            .otherwise(body if head is None else head + between + body)
        )
    text = pl.concat_str(parts).str.strip_chars_end("\n")
    if layout == TEMPLATES - 1:
        text = text.str.replace_many(list(ABBREVIATIONS), list(ABBREVIATIONS.values()), leftmost=True)
    return sections.select(pl.lit("Discharge summary\n\n") + text).to_series()
