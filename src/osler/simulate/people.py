"""Patients and stays as arrays, and the constants of time and coding that they use."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from osler.simulate.hospitals import Integers
from osler.simulate.phenotypes import Floats

Booleans = NDArray[np.bool_]

DAY = 86_400_000_000
HOUR = DAY // 24
MINUTE = HOUR // 60
LANDMARK = 24 * HOUR
DIED, READMITTED, NEITHER = 0, 1, 2

INSURANCES = ("COMMERCIAL", "MEDICARE", "MEDICAID", "SELF_PAY", "UNKNOWN")
SELF_PAY = INSURANCES.index("SELF_PAY")
RACES = ("WHITE", "BLACK", "ASIAN", "OTHER", "UNKNOWN")
ETHNICITIES = ("NOT_HISPANIC", "HISPANIC", "UNKNOWN")


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
