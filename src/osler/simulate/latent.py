"""What is true of the patients and never written down: phenotype, frailty, severity, and both outcomes.

A stay ends in one of three ways: death in hospital, discharge with readmission within 30 days, discharge
without. Given the latent X of the stay the two logits are linear. Everything the record shows before a
prediction time depends on X alone, so that the true probability is the Bayes-optimal prediction for anybody
who knows X, and an upper bound for readers of the record.

Prevalence shift is exact rejection sampling: a drawn (X, Y) is kept with probability w(Y) / max w. For a
first stay X is the whole patient; for later stays the persistent part of X is given and only the stay's own
part is drawn again.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from osler.simulate import phenotypes
from osler.simulate.hospitals import Hospitals, Integers
from osler.simulate.phenotypes import Floats

Booleans = NDArray[np.bool_]

DAY = 86_400_000_000
HOUR = DAY // 24
MINUTE = HOUR // 60
EPOCH_YEAR_2012 = 15_340  # days from 1970-01-01 to 2012-01-01
FIRST_ADMISSIONS = 2_900  # days over which first admissions are spread
MOST_LATER_STAYS = 10
LANDMARK = 24 * HOUR
EARLY_DEATH = 0.12
DIED, READMITTED, NEITHER = 0, 1, 2

INSURANCES = ("COMMERCIAL", "MEDICARE", "MEDICAID", "SELF_PAY", "UNKNOWN")
SELF_PAY = INSURANCES.index("SELF_PAY")
RACES = ("WHITE", "BLACK", "ASIAN", "OTHER", "UNKNOWN")
ETHNICITIES = ("NOT_HISPANIC", "HISPANIC", "UNKNOWN")
_RACE_SHARES = (0.62, 0.17, 0.07, 0.06, 0.08)
_ETHNICITY_SHARES = (0.80, 0.12, 0.08)
_INSURANCE_YOUNG = (0.56, 0.06, 0.22, 0.10, 0.06)
_INSURANCE_OLD = (0.10, 0.82, 0.03, 0.01, 0.04)


@dataclass
class Patients:
    """Persistent facts; each array has one entry per subject. Times are microseconds since 1970."""

    hospital: Integers
    phenotype: Integers
    age: Floats
    female: Booleans
    frailty: Floats
    insurance: Integers
    race: Integers
    ethnicity: Integers
    birth: Integers
    death: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    follow_up: Integers = field(default_factory=lambda: np.empty(0, np.int64))


@dataclass
class Stays:
    """Hospital stays by subject, then number; each array has one entry per stay.

    Attributes:
        patient: row in `Patients`.
        number: 1 for the first stay of a subject.
        admit, end: admission, and discharge or death.
        age: years at admission.
        severity, instability: latent scales of this stay.
        recent: admissions within the 365 days before this one, at most 3.
        outcome: `DIED`, `READMITTED` or `NEITHER`.
        death_logit: true logit of death in hospital at admission.
        landmark_logit: the same at 24 hours, given that the patient is still in hospital.
        readmission_logit: true logit of readmission within 30 days, given discharge alive.
    """

    patient: Integers
    number: Integers
    admit: Integers
    end: Integers
    age: Floats
    severity: Floats
    instability: Floats
    recent: Integers
    outcome: Integers
    death_logit: Floats
    landmark_logit: Floats
    readmission_logit: Floats

    @property
    def died(self) -> Booleans:
        """Whether the stay ended in death."""
        return np.asarray(self.outcome == DIED)


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
    outcome, logits = _draw_outcome(rng, hospitals, patients, patients.age, severity, instability, nobody)
    pending = np.flatnonzero(~_accepted(rng, hospitals, hospital, outcome))
    while pending.size:
        again = _draw_patients(rng, hospitals, hospital[pending])
        new_severity, new_instability = _draw_stay(rng, again)
        new_outcome, new_logits = _draw_outcome(
            rng, hospitals, again, again.age, new_severity, new_instability, nobody[pending]
        )
        for name in ("phenotype", "age", "female", "frailty", "insurance", "race", "ethnicity"):
            getattr(patients, name)[pending] = getattr(again, name)
        severity[pending], instability[pending] = new_severity, new_instability
        outcome[pending], logits[pending] = new_outcome, new_logits
        pending = pending[~_accepted(rng, hospitals, hospital[pending], new_outcome)]
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


def design(
    phenotype: Integers, age: Floats, severity: Floats, instability: Floats, frailty: Floats,
    recent: Integers, self_pay: Booleans,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Design matrices of both outcomes, without intercept: columns `DEATH_TERMS` and `READMISSION_TERMS`."""
    contrasts = (phenotype[:, None] == np.arange(1, len(phenotypes.KEYS))).astype(np.float64)
    death = np.column_stack([(age - 65) / 10, severity, frailty, contrasts])
    readmission = np.column_stack([instability, frailty, recent, self_pay, contrasts])
    return death, readmission


def _draw_outcome(
    rng: np.random.Generator, hospitals: Hospitals, patients: Patients, age: Floats, severity: Floats,
    instability: Floats, recent: Integers,
) -> tuple[Integers, Floats]:  # fmt: skip
    """Outcome by the unweighted logits, and the true logits after resampling by the outcome."""
    x_death, x_readmission = design(
        patients.phenotype,
        age,
        severity,
        instability,
        patients.frailty,
        recent,
        patients.insurance == SELF_PAY,
    )
    death = linear(hospitals.death, patients.hospital, x_death)
    readmission = linear(hospitals.readmission, patients.hospital, x_readmission)
    dies = rng.random(len(death)) < sigmoid(death)
    returns = rng.random(len(death)) < sigmoid(readmission)
    outcome = np.where(dies, DIED, np.where(returns, READMITTED, NEITHER))
    w_death = hospitals.death_odds[patients.hospital]
    w_readmission = hospitals.readmission_odds[patients.hospital]
    survivors = 1 + sigmoid(readmission) * np.expm1(w_readmission)  # mean weight of those who survive
    return outcome, np.column_stack([death + w_death - np.log(survivors), readmission + w_readmission])


def _accepted(
    rng: np.random.Generator, hospitals: Hospitals, hospital: Integers, outcome: Integers
) -> Booleans:
    weights = np.exp(
        np.column_stack([hospitals.death_odds, hospitals.readmission_odds, np.zeros(hospitals.count)])
    )
    weights /= weights.max(axis=1, keepdims=True)
    return np.asarray(rng.random(len(outcome)) < weights[hospital, outcome])


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
        outcome[pending], logits[pending] = _draw_outcome(
            rng, hospitals, here, age[pending], severity[pending], instability[pending], recent[pending]
        )
        pending = pending[~_accepted(rng, hospitals, here.hospital, outcome[pending])]
    return severity, instability, outcome, logits


def _first_admission(rng: np.random.Generator, count: int) -> Integers:
    day = EPOCH_YEAR_2012 + rng.integers(0, FIRST_ADMISSIONS, count)
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
    short_given_death = np.full(count, EARLY_DEATH)
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
    comes_later = rng.random(count) < (0.62 if number <= MOST_LATER_STAYS else 0.0)
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


def linear(coefficients: Floats, hospital: Integers, x: Floats) -> Floats:
    """Logit of each row under the coefficients of its hospital (NumPy alone: no BLAS threads in the sum)."""
    chosen = coefficients[hospital]
    return np.asarray(chosen[:, 0] + (chosen[:, 1:] * x).sum(axis=1))


def sigmoid(logit: Floats | float) -> Floats:
    """The logistic function."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(logit, dtype=np.float64))))
