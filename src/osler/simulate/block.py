"""One block of subjects: its shard of events and its truth, a pure function of settings and block number."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from osler.record import schema
from osler.simulate import phenotypes
from osler.simulate.care import Care, add_outpatient_events, add_stay_events, draw_care
from osler.simulate.events import Events, Visits
from osler.simulate.hospitals import Hospitals, Integers
from osler.simulate.latent import draw_latent
from osler.simulate.measure import (
    VITAL_PANELS,
    lab_rounds,
    measure,
    outpatient_rounds,
    subject_levels,
    vital_rounds,
)
from osler.simulate.measurements import ADMISSION, PANELS
from osler.simulate.outcomes import sigmoid
from osler.simulate.people import (
    DAY,
    ETHNICITIES,
    HOUR,
    LANDMARK,
    MINUTE,
    RACES,
    READMITTED,
    SELF_PAY,
    Patients,
    Stays,
)
from osler.simulate.phenotypes import Floats
from osler.simulate.settings import SimulateSettings
from osler.simulate.summaries import summaries
from osler.simulate.vocabulary import NOTE, vocabulary

FIRST_SUBJECT = 1_000_001
VISITS_PER_SUBJECT = (
    1000  # visit_id = subject_id * 1000 + number; 0 is the first outpatient visit, 999 the last
)
_SEEN_BEFORE = 0.85
_NOTE_AT_DISCHARGE = 0.6


@dataclass(frozen=True)
class Block:
    """Events and truth of one block."""

    events: pl.DataFrame
    patients: pl.DataFrame
    outcomes: pl.DataFrame


def make_block(settings: SimulateSettings, hospitals: Hospitals, block: int, subjects: int) -> Block:
    """Simulate block number `block` of `subjects` subjects.

    Each part has its own random stream: switching a cause that acts on the record alone leaves the truth as
    it was.
    """
    seed = settings.seed if settings.patient_seed is None else settings.patient_seed
    latent, care_seed, outside, vitals, labs, written = np.random.SeedSequence(
        seed, spawn_key=(1, block)
    ).spawn(6)
    patients, stays = draw_latent(hospitals, subjects, latent)
    care = draw_care(np.random.default_rng(care_seed), patients, stays)
    first = FIRST_SUBJECT + block * settings.block
    subject_id = first + np.arange(subjects)
    vocab = vocabulary()

    rng = np.random.default_rng(outside)
    out_patient, out_number, out_time = _outpatient_visits(rng, patients, stays)
    patient = np.concatenate([stays.patient, out_patient])
    number = np.concatenate([stays.number, out_number])
    visits = Visits(
        subject_id=subject_id[patient],
        visit_id=subject_id[patient] * VISITS_PER_SUBJECT + number,
        hospital=patients.hospital[patient],
    )
    events = Events(visits)
    out_visit = len(stays.admit) + np.arange(len(out_patient))
    add_outpatient_events(rng, events, out_visit, out_patient, out_time, patients, care, hospitals, vocab)
    add_stay_events(
        np.random.default_rng(care_seed.spawn(1)[0]), events, patients, stays, care, hospitals, vocab
    )

    admission = {}
    lab_panels = frozenset(PANELS) - VITAL_PANELS
    for stream, panels, rounds in (
        (vitals, VITAL_PANELS, vital_rounds),
        (labs, lab_panels, lab_rounds),
    ):
        rng = np.random.default_rng(stream)
        levels = subject_levels(rng, subjects)
        occasions = rounds(rng, stays)
        found = measure(rng, events, occasions, patients, levels, hospitals, vocab, panels=panels)
        start = occasions.setting == ADMISSION
        for name, values in found.items():
            admission[name] = np.full(len(stays.admit), np.nan)
            admission[name][occasions.visit[start]] = values[start]
        ready = out_time + (0 if panels is VITAL_PANELS else 4 * HOUR)
        outpatient = outpatient_rounds(out_visit, out_patient, ready)
        measure(rng, events, outpatient, patients, levels, hospitals, vocab, panels=panels)

    rng = np.random.default_rng(written)
    sites = hospitals.names
    notes = _notes(rng, patients, stays, care, hospitals, visits, admission)
    frame = pl.concat([events.frame(vocab, sites), _static(patients, subject_id), notes], how="diagonal")
    return Block(
        events=frame,
        patients=_patient_truth(patients, subject_id, sites),
        outcomes=_outcome_truth(patients, stays, subject_id, sites),
    )


def _outpatient_visits(
    rng: np.random.Generator, patients: Patients, stays: Stays
) -> tuple[Integers, Integers, Integers]:
    """A visit before the first stay for most subjects; one after the last stay for those alive then."""
    first = stays.admit[stays.number == 1]
    before = first - rng.integers(20, 300, len(first)) * DAY
    before = before // DAY * DAY + rng.integers(8 * 60, 17 * 60, len(first)) * MINUTE
    seen = np.flatnonzero(rng.random(len(first)) < _SEEN_BEFORE)
    after = np.flatnonzero(patients.follow_up >= 0)
    return (
        np.concatenate([seen, after]),
        np.concatenate([np.zeros(len(seen), np.int64), np.full(len(after), VISITS_PER_SUBJECT - 1)]),
        np.concatenate([before[seen], patients.follow_up[after]]),
    )


def _static(patients: Patients, subject_id: Integers) -> pl.DataFrame:
    """Birth, sex, race, ethnicity and death. What is fixed at birth has no time; no hospital is named."""
    count = len(subject_id)
    nowhen = pl.repeat(None, count, dtype=pl.Datetime("us"), eager=True)
    coded = (
        (pl.Series(patients.birth).cast(pl.Datetime("us")), [schema.BIRTH], np.zeros(count, np.int64)),
        (nowhen, ["GENDER//M", "GENDER//F"], patients.female.astype(np.int64)),
        (nowhen, [f"RACE//{name}" for name in RACES], patients.race),
        (nowhen, [f"ETHNICITY//{name}" for name in ETHNICITIES], patients.ethnicity),
    )
    frames = [
        pl.DataFrame(
            {"subject_id": subject_id, "time": time, "code": pl.Series(codes).gather(pl.Series(rows))}
        )
        for time, codes, rows in coded
    ]
    dead = np.flatnonzero(patients.death >= 0)
    frames.append(
        pl.DataFrame(
            {
                "subject_id": subject_id[dead],
                "time": pl.Series(patients.death[dead]).cast(pl.Datetime("us")),
                "code": pl.repeat(schema.DEATH, len(dead), dtype=pl.String, eager=True),
            }
        )
    )
    return pl.concat(frames)


def _notes(
    rng: np.random.Generator, patients: Patients, stays: Stays, care: Care, hospitals: Hospitals,
    visits: Visits, admission: dict[str, Floats],
) -> pl.DataFrame:  # fmt: skip
    """Discharge summaries; most can be read at discharge, the others within 18 hours."""
    count = len(stays.admit)
    late = rng.random(count) >= _NOTE_AT_DISCHARGE
    delay = np.where(late, rng.integers(1, 18 * 60, count) * MINUTE, 0)
    visit_id = visits.visit_id[:count]
    return pl.DataFrame(
        {
            "subject_id": visits.subject_id[:count],
            "time": pl.Series(stays.end + delay).cast(pl.Datetime("us")),
            "code": pl.repeat(NOTE, count, dtype=pl.String, eager=True),
            "text_value": summaries(rng, patients, stays, care, hospitals, admission),
            "visit_id": visit_id,
            "note_id": visit_id,
            "site": pl.Series(hospitals.names).gather(pl.Series(visits.hospital[:count])),
        }
    )


def _patient_truth(patients: Patients, subject_id: Integers, sites: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "subject_id": subject_id,
            "site": pl.Series(sites).gather(pl.Series(patients.hospital)),
            "phenotype": pl.Series(phenotypes.NAMES).gather(pl.Series(patients.phenotype)),
            "frailty": patients.frailty,
            "age_first": patients.age,
            "female": patients.female,
            "self_pay": patients.insurance == SELF_PAY,
            "death_time": pl.Series(patients.death).replace(-1, None).cast(pl.Datetime("us")),
        }
    )


def _outcome_truth(patients: Patients, stays: Stays, subject_id: Integers, sites: list[str]) -> pl.DataFrame:
    """Death is predicted 24 hours after admission, readmission at 23:59 of the day of discharge."""
    here = stays.patient
    still = stays.end - stays.admit > LANDMARK
    times = {
        "admission_time": stays.admit,
        "end_time": stays.end,
        "death_prediction_time": np.where(still, stays.admit + 24 * HOUR, -1),
        "readmission_prediction_time": np.where(stays.died, -1, (stays.end // DAY + 1) * DAY - MINUTE),
    }
    alive = pl.Series(~stays.died)
    readmission = pl.Series(stays.readmission_logit)
    frame = pl.DataFrame(
        {
            "subject_id": subject_id[here],
            "visit_id": subject_id[here] * VISITS_PER_SUBJECT + stays.number,
            "site": pl.Series(sites).gather(pl.Series(patients.hospital[here])),
            "stay": stays.number,
            **{name: pl.Series(t).replace(-1, None).cast(pl.Datetime("us")) for name, t in times.items()},
            "phenotype": pl.Series(phenotypes.NAMES).gather(pl.Series(patients.phenotype[here])),
            "age": stays.age,
            "frailty": patients.frailty[here],
            "self_pay": patients.insurance[here] == SELF_PAY,
            "severity": stays.severity,
            "instability": stays.instability,
            "recent_admissions": stays.recent,
            "death_logit_at_admission": stays.death_logit,
            "death_logit": stays.landmark_logit,
            "death_probability": sigmoid(stays.landmark_logit),
            "death": stays.died,
            "readmission_logit": readmission,
            "readmission_probability": sigmoid(stays.readmission_logit),
            "readmission": stays.outcome == READMITTED,
        }
    )
    landmark, discharged = pl.Series(still), alive
    return frame.with_columns(
        *(pl.when(landmark).then(name).alias(name) for name in ("death_logit", "death_probability")),
        *(
            pl.when(discharged).then(name).alias(name)
            for name in ("readmission_logit", "readmission_probability", "readmission")
        ),
    )
