"""Diagnoses, medications, procedures, intensive care, and the events that open and close each stay."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from osler.simulate.conditions import CONDITIONS, INDEX, probabilities, reasons
from osler.simulate.events import Events
from osler.simulate.hospitals import Hospitals, Integers
from osler.simulate.outcomes import sigmoid
from osler.simulate.people import DAY, HOUR, MINUTE, Booleans, Patients, Stays
from osler.simulate.phenotypes import Floats, column
from osler.simulate.treatments import MEDICATIONS, PROCEDURES, Medication, Procedure
from osler.simulate.vocabulary import DISCHARGE_PLACES, Vocabulary

Table = NDArray[np.bool_]

_CHRONIC = np.array([condition.chronic for condition in CONDITIONS])
_SLOPE = np.array([condition.slope for condition in CONDITIONS])
_INTENSIVE_MEDICATIONS = [m.key in ("norepinephrine", "propofol") for m in MEDICATIONS]
_INTENSIVE_PROCEDURES = [p.key in ("central_line", "ventilation") for p in PROCEDURES]
_DIED = DISCHARGE_PLACES.index("DIED")
_CODED_CHRONIC, _CODED_ACUTE, _CODED_OUTPATIENT = 0.85, 0.95, 0.8
_HOME_TAKEN = 0.93
_MOST_MORNINGS = 3


@dataclass(frozen=True)
class Care:
    """What is done and known, as tables of yes and no.

    Attributes:
        chronic: [subjects, conditions].
        acute: [stays, conditions], the reason for admission among them.
        reason: [stays] row of the condition that led to the admission.
        home: [subjects, medications] taken at home.
        ward: [stays, medications] given in hospital.
        done: [stays, procedures].
        intensive: [stays].
        kind: [stays] position in `ADMISSION_TYPES`.
        place: [stays] position in `DISCHARGE_PLACES`.
    """

    chronic: Table
    acute: Table
    reason: Integers
    home: Table
    ward: Table
    done: Table
    intensive: Booleans
    kind: Integers
    place: Integers


def draw_care(rng: np.random.Generator, patients: Patients, stays: Stays) -> Care:
    """Draw what happens in each stay; it depends on the latent state, never on the readmission to come."""
    table = np.log(probabilities() / (1 - probabilities()))
    kind = patients.phenotype
    frailty = patients.frailty - column("frailty")[kind]
    chronic = rng.random((len(kind), len(CONDITIONS))) < sigmoid(table[kind] + _SLOPE * frailty[:, None])
    chronic &= _CHRONIC
    chronic[:, INDEX["breast_cancer"]] &= patients.female
    stay_kind = kind[stays.patient]
    severity = stays.severity - column("severity")[stay_kind]
    acute = rng.random((len(stay_kind), len(CONDITIONS))) < sigmoid(
        table[stay_kind] + _SLOPE * severity[:, None]
    )
    acute &= ~_CHRONIC
    shares = np.cumsum(reasons(), axis=1)[stay_kind]
    reason = np.minimum((rng.random(len(stay_kind))[:, None] > shares).sum(axis=1), len(CONDITIONS) - 1)
    acute[np.arange(len(reason)), reason] = True
    present = chronic[stays.patient] | acute
    home = _led_to(rng, MEDICATIONS, chronic, np.zeros(len(kind)))
    home &= np.array([medication.home for medication in MEDICATIONS])
    ward = _led_to(rng, MEDICATIONS, present, stays.severity)
    ward &= ~np.array([medication.home for medication in MEDICATIONS])
    done = _led_to(rng, PROCEDURES, present, stays.severity)
    needs_intensive = ward[:, _INTENSIVE_MEDICATIONS].any(axis=1) | done[:, _INTENSIVE_PROCEDURES].any(axis=1)
    share = rng.random((len(reason), 4))
    elective = np.where(reason == INDEX["chemotherapy"], 0.9, 0.04)
    admission = np.where(share[:, 0] < elective, 1, np.where(share[:, 1] < 0.06, 2, 0))
    nursing = sigmoid(-2.0 + 1.1 * patients.frailty[stays.patient])
    place = np.where(share[:, 2] < nursing, 2, np.where(share[:, 3] < 0.2, 1, 0))
    return Care(
        chronic=chronic,
        acute=acute,
        reason=reason,
        home=home,
        ward=ward,
        done=done,
        intensive=needs_intensive | (rng.random(len(reason)) < sigmoid(-2.8 + 1.3 * stays.severity)),
        kind=admission,
        place=np.where(stays.died, _DIED, place),
    )


def _led_to(
    rng: np.random.Generator, treatments: tuple[Medication, ...] | tuple[Procedure, ...], present: Table,
    severity: Floats,
) -> Table:  # fmt: skip
    """[rows, treatments] whether each treatment is given, by the conditions present and by severity."""
    columns = []
    for treatment in treatments:
        rows = [INDEX[name] for name in treatment.conditions]
        chance = np.where(present[:, rows].any(axis=1), treatment.given, treatment.otherwise)
        logit = np.log(np.clip(chance, 1e-6, 1 - 1e-6) / np.clip(1 - chance, 1e-6, 1))
        columns.append(rng.random(len(present)) < sigmoid(logit + treatment.severity * severity))
    return np.column_stack(columns)


def add_stay_events(
    rng: np.random.Generator, events: Events, patients: Patients, stays: Stays, care: Care,
    hospitals: Hospitals, vocabulary: Vocabulary,
) -> None:  # fmt: skip
    """Admission, insurance, intensive care, medications, procedures, and at discharge the coded diagnoses."""
    count = len(stays.admit)
    stay = np.arange(count)
    events.add(stay, stays.admit, vocabulary.admission[care.kind])
    events.add(stay, stays.admit, vocabulary.insurance[patients.insurance[stays.patient]])
    _add_intensive(rng, events, stays, care, vocabulary)
    taken = care.home[stays.patient] & (rng.random((count, len(MEDICATIONS))) < _HOME_TAKEN)
    rows, medication = np.nonzero(taken)
    _add_before_end(
        events, stays, rows, stays.admit[rows] + 2 * HOUR + 7 * MINUTE, vocabulary.medication[medication]
    )
    _add_ward_medications(rng, events, stays, care, vocabulary)
    rows, procedure = np.nonzero(care.done)
    when = stays.admit[rows] + rng.integers(30, 40 * 60, len(rows)) * MINUTE
    _add_before_end(events, stays, rows, when, vocabulary.procedure[procedure])
    noted = rng.random((count, len(CONDITIONS)))
    coded = care.chronic[stays.patient] & (noted < _CODED_CHRONIC) | care.acute & (noted < _CODED_ACUTE)
    coded[stay, care.reason] = True
    rows, condition = np.nonzero(coded)
    revision = (hospitals.icd[patients.hospital[stays.patient[rows]]] == 9).astype(np.int64)
    events.add(rows, stays.end[rows], vocabulary.condition[condition, revision])
    events.add(stay, stays.end, vocabulary.discharge[care.place])


def _add_intensive(
    rng: np.random.Generator, events: Events, stays: Stays, care: Care, vocabulary: Vocabulary
) -> None:
    rows = np.flatnonzero(care.intensive)
    start = stays.admit[rows] + rng.integers(30, 8 * 60, len(rows)) * MINUTE
    leave = start + rng.integers(24 * 60, 96 * 60, len(rows)) * MINUTE
    _add_before_end(events, stays, rows, start, vocabulary.position["ICU_ADMISSION//MEDICAL"])
    _add_before_end(events, stays, rows, leave, vocabulary.position["ICU_DISCHARGE//MEDICAL"])


def _add_ward_medications(
    rng: np.random.Generator, events: Events, stays: Stays, care: Care, vocabulary: Vocabulary
) -> None:
    """The first dose within 12 hours, then the morning rounds at 08:00, all medications of a stay at once."""
    rows, medication = np.nonzero(care.ward)
    start = stays.admit[rows] + rng.integers(60, 12 * 60, len(rows)) * MINUTE
    _add_before_end(events, stays, rows, start, vocabulary.medication[medication])
    for morning in range(1, _MOST_MORNINGS + 1):
        when = (stays.admit[rows] // DAY + morning) * DAY + 8 * HOUR
        later = when > start
        _add_before_end(
            events, stays, rows[later], when[later], vocabulary.medication[medication[later]]
        )  # fmt: skip


def _add_before_end(
    events: Events, stays: Stays, rows: Integers, when: Integers, code: Integers | int
) -> None:
    kept = when < stays.end[rows]
    events.add(rows[kept], when[kept], code if isinstance(code, int) else code[kept])


def add_outpatient_events(
    rng: np.random.Generator, events: Events, visit: Integers, patient: Integers, time: Integers,
    patients: Patients, care: Care, hospitals: Hospitals, vocabulary: Vocabulary,
) -> None:  # fmt: skip
    """The visit itself, insurance, chronic conditions and home medications, all at one time."""
    events.add(visit, time, vocabulary.position["VISIT//OUTPATIENT"])
    events.add(visit, time, vocabulary.insurance[patients.insurance[patient]])
    noted = rng.random((len(visit), len(CONDITIONS))) < _CODED_OUTPATIENT
    rows, condition = np.nonzero(care.chronic[patient] & noted)
    revision = (hospitals.icd[patients.hospital[patient[rows]]] == 9).astype(np.int64)
    events.add(visit[rows], time[rows], vocabulary.condition[condition, revision])
    rows, medication = np.nonzero(care.home[patient])
    events.add(visit[rows], time[rows], vocabulary.medication[medication])
