"""What is true of the patients and never written down: phenotype, frailty, severity, and both outcomes.

A stay ends in one of three ways: death in hospital, discharge with readmission within 30 days, discharge
without. Given the latent X of the stay the two logits are linear. Everything the record shows before a
prediction time depends on X alone, so that the true probability is the Bayes-optimal prediction for anybody
who knows X, and an upper bound for readers of the record.

Prevalence shift is exact rejection sampling: a drawn (X, Y) is kept with probability w(Y) / max w. For a
first stay X is the whole patient; for later stays the persistent part of X is given and only the stay's own
part is drawn again.
"""

import numpy as np

from osler.simulate import phenotypes
from osler.simulate.hospitals import Hospitals, Integers
from osler.simulate.outcomes import accepted, draw_outcome, sigmoid
from osler.simulate.people import (
    DAY,
    DIED,
    ETHNICITIES,
    HOUR,
    INSURANCES,
    LANDMARK,
    MINUTE,
    NEITHER,
    RACES,
    READMITTED,
    Booleans,
    Patients,
    Stays,
)
from osler.simulate.phenotypes import Floats

_EPOCH_YEAR_2012 = 15_340  # days from 1970-01-01 to 2012-01-01
_FIRST_ADMISSIONS = 2_900  # days over which first admissions are spread
_MOST_LATER_STAYS = 10
_EARLY_DEATH = 0.12
_RACE_SHARES = (0.62, 0.17, 0.07, 0.06, 0.08)
_ETHNICITY_SHARES = (0.80, 0.12, 0.08)
_INSURANCE_YOUNG = (0.56, 0.06, 0.22, 0.10, 0.06)
_INSURANCE_OLD = (0.10, 0.82, 0.03, 0.01, 0.04)


def draw_latent(
    hospitals: Hospitals, subjects: int, seed: np.random.SeedSequence, *, hospital: Integers | None = None
) -> tuple[Patients, Stays]:
    """Draw subjects and all their stays.

    Args:
        hospitals: H hospitals.
        subjects: number of subjects.
        seed: fixes everything.
        hospital: hospital of each subject; drawn by size when absent.

    Returns:
        Patients in order; stays sorted by subject and number.
    """
    rng = np.random.default_rng(seed)
    if hospital is None:
        hospital = rng.choice(hospitals.count, size=subjects, p=hospitals.size)
    nobody = np.zeros(subjects, dtype=np.int64)
    patients = _draw_patients(rng, hospitals, hospital)
    admit = _first_admission(rng, subjects)
    severity, instability = _draw_stay(rng, patients)
    outcome, logits = draw_outcome(rng, hospitals, patients, patients.age, severity, instability, nobody)
    pending = np.flatnonzero(~accepted(rng, hospitals, hospital, outcome))
    while pending.size:
        again = _draw_patients(rng, hospitals, hospital[pending])
        new_severity, new_instability = _draw_stay(rng, again)
        new_outcome, new_logits = draw_outcome(
            rng, hospitals, again, again.age, new_severity, new_instability, nobody[pending]
        )
        for name in ("phenotype", "age", "female", "frailty", "insurance", "race", "ethnicity"):
            getattr(patients, name)[pending] = getattr(again, name)
        severity[pending], instability[pending] = new_severity, new_instability
        outcome[pending], logits[pending] = new_outcome, new_logits
        pending = pending[~accepted(rng, hospitals, hospital[pending], new_outcome)]
    patients.birth = admit - (patients.age * 365.25 * DAY).astype(np.int64)
    patients.birth -= patients.birth % DAY
    patients.death = np.full(subjects, -1, dtype=np.int64)
    patients.follow_up = np.full(subjects, -1, dtype=np.int64)

    active = np.arange(subjects)
    history: list[Integers] = []  # admission times by stay number, -1 where there is none
    waves: list[Stays] = []
    number = 1
    while active.size:
        here = _subset(patients, active)
        age = (admit - here.birth) / (365.25 * DAY)
        recent = _recent(history, active, admit)
        if number > 1:
            severity, instability, outcome, logits = _draw_later(rng, hospitals, here, age, recent)
        end, landmark = _draw_end(rng, here, admit, severity, outcome, logits[:, 0])
        waves.append(
            Stays(
                patient=active,
                number=np.full(active.size, number),
                admit=admit,
                end=end,
                age=age,
                severity=severity,
                instability=instability,
                recent=recent,
                outcome=outcome,
                death_logit=logits[:, 0],
                landmark_logit=landmark,
                readmission_logit=logits[:, 1],
            )
        )
        seen = np.full(subjects, -1, dtype=np.int64)
        seen[active] = admit
        history.append(seen)
        goes_on, next_admit = _draw_next(rng, patients, here, active, end, outcome, number)
        active, admit = active[goes_on], next_admit[goes_on]
        number += 1
    return patients, _joined(waves)


def _draw_patients(rng: np.random.Generator, hospitals: Hospitals, hospital: Integers) -> Patients:
    count = len(hospital)
    edges = np.cumsum(hospitals.mix, axis=1)[hospital]
    kind = np.minimum((rng.random(count)[:, None] > edges).sum(axis=1), len(phenotypes.KEYS) - 1)
    age = phenotypes.column("age")[kind] + hospitals.age_shift[hospital]
    age = np.clip(age + phenotypes.column("age_sd")[kind] * rng.standard_normal(count), 18.5, 97.0)
    frailty = phenotypes.column("frailty")[kind] + 0.2 * (age - 65) / 10 + 0.6 * rng.standard_normal(count)
    share = rng.random(count)
    old, young = np.cumsum(_INSURANCE_OLD), np.cumsum(_INSURANCE_YOUNG)
    insurance = np.where(age >= 65, np.searchsorted(old, share), np.searchsorted(young, share))
    return Patients(
        hospital=hospital,
        phenotype=kind,
        age=age,
        female=rng.random(count) < phenotypes.column("female")[kind],
        frailty=frailty,
        insurance=np.minimum(insurance, len(INSURANCES) - 1),
        race=rng.choice(len(RACES), size=count, p=_RACE_SHARES),
        ethnicity=rng.choice(len(ETHNICITIES), size=count, p=_ETHNICITY_SHARES),
        birth=np.empty(0, np.int64),
    )


def _draw_stay(rng: np.random.Generator, patients: Patients) -> tuple[Floats, Floats]:
    severity = phenotypes.column("severity")[patients.phenotype] + rng.standard_normal(
        len(patients.phenotype)
    )
    instability = 0.2 * severity + rng.standard_normal(len(severity))
    return severity, instability


def _draw_later(
    rng: np.random.Generator, hospitals: Hospitals, patients: Patients, age: Floats, recent: Integers
) -> tuple[Floats, Floats, Integers, Floats]:
    count = len(age)
    severity, instability = np.empty(count), np.empty(count)
    outcome, logits = np.empty(count, dtype=np.int64), np.empty((count, 2))
    pending = np.arange(count)
    while pending.size:
        here = _subset(patients, pending)
        severity[pending], instability[pending] = _draw_stay(rng, here)
        outcome[pending], logits[pending] = draw_outcome(
            rng, hospitals, here, age[pending], severity[pending], instability[pending], recent[pending]
        )
        pending = pending[~accepted(rng, hospitals, here.hospital, outcome[pending])]
    return severity, instability, outcome, logits


def _first_admission(rng: np.random.Generator, count: int) -> Integers:
    day = _EPOCH_YEAR_2012 + rng.integers(0, _FIRST_ADMISSIONS, count)
    return np.asarray(day * DAY + rng.integers(0, 24 * 60, count) * MINUTE, dtype=np.int64)


def _draw_end(
    rng: np.random.Generator, patients: Patients, admit: Integers, severity: Floats, outcome: Integers,
    death_logit: Floats,
) -> tuple[Integers, Floats]:  # fmt: skip
    """End of each stay, and the logit of death among those still in hospital after 24 hours.

    Stays shorter than 24 h have a known probability, given death (constant) and given survival (falls with
    severity): the landmark's logit is that of admission plus the log of the ratio of being still there.
    """
    count = len(admit)
    short_given_alive = sigmoid(-2.4 - 0.7 * severity)
    short_given_death = np.full(count, _EARLY_DEATH)
    landmark = death_logit + np.log1p(-short_given_death) - np.log1p(-short_given_alive)
    died = outcome == DIED
    short = rng.random(count) < np.where(died, short_given_death, short_given_alive)
    share = rng.random(count)
    days = np.exp(1.1 + 0.25 * severity + 0.2 * patients.frailty + 0.6 * rng.standard_normal(count))
    days = np.minimum(days, 45.0)
    hour = rng.integers(9 * 60, 19 * 60, count) * MINUTE
    long_alive = (admit // DAY + np.ceil(days).astype(np.int64)) * DAY + hour
    long_alive += np.where(long_alive < admit + LANDMARK + HOUR, DAY, 0)
    long_death = admit + LANDMARK + HOUR + ((days * DAY) // MINUTE).astype(np.int64) * MINUTE
    short_end = admit + 2 * HOUR + ((share * 21 * 60).astype(np.int64)) * MINUTE
    return np.where(short, short_end, np.where(died, long_death, long_alive)), landmark


def _draw_next(
    rng: np.random.Generator, patients: Patients, here: Patients, active: Integers, end: Integers,
    outcome: Integers, number: int,
) -> tuple[Booleans, Integers]:  # fmt: skip
    """Who comes back and when; fills death and follow-up of those who do not."""
    count = len(active)
    minutes = rng.random((count, 5))
    within_30_days = end + DAY + (minutes[:, 0] * 28.5 * 24 * 60).astype(np.int64) * MINUTE
    later = end + 31 * DAY + (-np.log1p(-minutes[:, 1]) * 240 * 24 * 60).astype(np.int64) * MINUTE
    dies_later = rng.random(count) < sigmoid(-3.4 + 0.8 * here.frailty)
    comes_later = rng.random(count) < (0.62 if number <= _MOST_LATER_STAYS else 0.0)
    neither = outcome == NEITHER
    after = neither & dies_later
    patients.death[active[outcome == DIED]] = end[outcome == DIED]
    deaths = end + 2 * DAY + (-np.log1p(-minutes[:, 2]) * 90 * 24 * 60).astype(np.int64) * MINUTE
    patients.death[active[after]] = deaths[after]
    stops = neither & ~dies_later & ~comes_later
    visits = end + 32 * DAY + (-np.log1p(-minutes[:, 3]) * 90 * 24 * 60).astype(np.int64) * MINUTE
    patients.follow_up[active[stops]] = visits[stops]
    goes_on = (outcome == READMITTED) | (neither & ~dies_later & comes_later)
    return goes_on, np.where(outcome == READMITTED, within_30_days, later)


def _recent(history: list[Integers], active: Integers, admit: Integers) -> Integers:
    count = np.zeros(len(active), dtype=np.int64)
    for seen in history[-3:]:
        before = seen[active]
        count += (before >= 0) & (admit - before <= 365 * DAY)
    return count


def _subset(patients: Patients, rows: Integers) -> Patients:
    columns = {name: getattr(patients, name) for name in Patients.__dataclass_fields__}
    return Patients(**{name: values[rows] if len(values) else values for name, values in columns.items()})


def _joined(waves: list[Stays]) -> Stays:
    columns = {
        name: np.concatenate([getattr(wave, name) for wave in waves]) for name in Stays.__dataclass_fields__
    }
    order = np.lexsort((columns["number"], columns["patient"]))
    return Stays(**{name: values[order] for name, values in columns.items()})
