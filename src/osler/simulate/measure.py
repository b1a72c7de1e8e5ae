"""Measured values: who is measured when, what is ordered, and what is found."""

from dataclasses import dataclass

import numpy as np

from osler.simulate.events import Events
from osler.simulate.hospitals import Hospitals, Integers
from osler.simulate.measurements import (
    ADMISSION,
    BASE_SELECTIVITY,
    MEASUREMENTS,
    NOISE_SD,
    OUTPATIENT,
    PANEL_OFFSETS,
    PANELS,
    SUBJECT_SD,
    WARD,
    by_phenotype,
)
from osler.simulate.outcomes import sigmoid
from osler.simulate.people import DAY, DIED, HOUR, LANDMARK, MINUTE, Booleans, Patients, Stays
from osler.simulate.phenotypes import Floats
from osler.simulate.vocabulary import Vocabulary

VITAL_PANELS = frozenset({"vitals", "weight", "height"})


@dataclass(frozen=True)
class Occasions:
    """Moments at which something may be measured; one entry per moment.

    Attributes:
        visit: row of `Visits`.
        patient: row of `Patients`.
        time: when the result can be read.
        setting: `ADMISSION`, `WARD` or `OUTPATIENT`.
        severity, instability: the latent scales at that moment.
    """

    visit: Integers
    patient: Integers
    time: Integers
    setting: Integers
    severity: Floats
    instability: Floats


def subject_levels(rng: np.random.Generator, subjects: int) -> Floats:
    """[subjects, measurements] what is constant in a subject, in standard deviations."""
    return SUBJECT_SD * rng.standard_normal((subjects, len(MEASUREMENTS)))


def vital_rounds(rng: np.random.Generator, stays: Stays) -> Occasions:
    """Vital signs: at admission, after 6 and 14 hours, then twice a day until the end of the stay."""
    length = stays.end - stays.admit
    rounds = 3 + np.maximum(0, (length - LANDMARK) // (12 * HOUR) + 1)
    stay, index = _repeated(rounds)
    first_day = np.array([5 * MINUTE, 6 * HOUR, 14 * HOUR])
    later = LANDMARK + (index - 3) * 12 * HOUR
    offset = np.where(index < 3, first_day[np.minimum(index, 2)], later)
    offset += np.where(index > 0, rng.integers(0, 60, len(stay)) * MINUTE, 0)
    return _occasions(stays, stay, index, offset)


def lab_rounds(rng: np.random.Generator, stays: Stays) -> Occasions:
    """Laboratory results: about an hour after admission, then on each morning before the end of the stay."""
    first_morning = (stays.admit // DAY + 1) * DAY + 6 * HOUR
    mornings = np.maximum(0, (stays.end - first_morning) // DAY + 1)
    stay, index = _repeated(1 + mornings)
    minutes = rng.integers(0, 40, len(stay)) * MINUTE
    admission = 50 * MINUTE + minutes
    morning = first_morning[stay] + (index - 1) * DAY + minutes - stays.admit[stay]
    return _occasions(stays, stay, index, np.where(index == 0, admission, morning))


def _repeated(counts: Integers) -> tuple[Integers, Integers]:
    """Row and running number of each repetition."""
    row = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return row, np.arange(len(row)) - starts[row]


def _occasions(stays: Stays, stay: Integers, index: Integers, offset: Integers) -> Occasions:
    """State at each moment: in the first 24 hours it is X alone, later it improves, or worsens before death.

    Instability shows by half at first and in full after the first day; readmission has no other trace
    before discharge.
    """
    kept = stays.admit[stay] + offset < stays.end[stay]
    stay, index, offset = stay[kept], index[kept], offset[kept]
    days = np.maximum(0.0, (offset - LANDMARK) / DAY)
    severity = stays.severity[stay]
    recovering = severity * np.exp(-days / 6)
    worsening = severity + 0.35 * days
    return Occasions(
        visit=stay,
        patient=stays.patient[stay],
        time=stays.admit[stay] + offset,
        setting=np.where(index == 0, ADMISSION, WARD),
        severity=np.where(stays.outcome[stay] == DIED, worsening, recovering),
        instability=stays.instability[stay] * np.where(offset > LANDMARK, 1.0, 0.5),
    )


def outpatient_rounds(visit: Integers, patient: Integers, time: Integers) -> Occasions:
    """One round of everything at each outpatient visit."""
    count = len(visit)
    return Occasions(visit, patient, time, np.full(count, OUTPATIENT), np.zeros(count), np.zeros(count))


def measure(
    rng: np.random.Generator, events: Events, occasions: Occasions, patients: Patients, levels: Floats,
    hospitals: Hospitals, vocabulary: Vocabulary, *, panels: frozenset[str],
) -> dict[str, Floats]:  # fmt: skip
    """Add the results of the panels asked for.

    Args:
        rng: drawn from in a fixed order.
        events: where results are added.
        occasions: when.
        patients: who.
        levels: of `subject_levels`.
        hospitals: what they order, their codes and units.
        vocabulary: positions of codes.
        panels: which panels.

    Returns:
        Values in reference units by measurement, NaN where nothing was measured; one entry per occasion.
    """
    hospital = patients.hospital[occasions.patient]
    kind = patients.phenotype[occasions.patient]
    frailty = patients.frailty[occasions.patient]
    ordered: dict[str, Booleans] = {}
    for panel in PANELS:
        if panel in panels:
            ordered[panel] = _ordered(rng, panel, occasions, kind, hospital, hospitals)
    results: dict[str, Floats] = {}
    for index, m in enumerate(MEASUREMENTS):
        if m.panel not in ordered:
            continue
        score = (
            by_phenotype(m.offsets)[kind]
            + m.severity * occasions.severity
            + m.frailty * frailty
            + m.instability * occasions.instability
            + levels[occasions.patient, index]
        )
        constant = m.key == "height"
        noise = rng.standard_normal(len(score))
        score = score + (0.0 if constant else NOISE_SD * noise)
        if m.kind == "BODY":
            score = score + np.where(patients.female[occasions.patient], -0.8, 0.6)
        value = m.mean + m.sd * score
        value = np.clip(np.exp(np.minimum(value, 12.0)) if m.log else value, m.floor, m.ceiling)
        here = np.flatnonzero(ordered[m.panel])
        results[m.key] = np.where(ordered[m.panel], value, np.nan)
        system = hospitals.si_units[hospital[here]]
        code = vocabulary.measurement[index, hospitals.naming[hospital[here]], system]
        written = np.empty(len(here))
        for units, unit in enumerate(m.units):
            rows = system == units
            written[rows] = np.round(value[here][rows] * unit.factor + unit.shift, unit.decimals)
        events.add(occasions.visit[here], occasions.time[here], code, written)
    return results


def _ordered(
    rng: np.random.Generator, panel: str, occasions: Occasions, kind: Integers, hospital: Integers,
    hospitals: Hospitals,
) -> Booleans:  # fmt: skip
    logit = np.array(PANELS[panel])[occasions.setting]
    logit = logit + by_phenotype(PANEL_OFFSETS.get(panel, {}))[kind]
    selectivity = BASE_SELECTIVITY.get(panel, 0.0) + hospitals.order_selectivity[hospital]
    logit = logit + hospitals.order_shift[hospital] + selectivity * occasions.severity
    return np.asarray(rng.random(len(logit)) < sigmoid(logit))
