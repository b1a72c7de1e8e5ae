"""The latent phenotypes and the coefficients of the two outcomes, at the reference hospital.

The numbers are our own, chosen to be clinically plausible: about 6 % of stays end in death, about 15 % of
survivors come back within 30 days, and the Bayes-optimal AUROC is near .85 for death and .74 for
readmission.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Phenotype(NamedTuple):
    """One kind of patient.

    Attributes:
        name: the clinical name.
        share: proportion of subjects at the reference hospital.
        age, age_sd: age in years at the first admission.
        frailty, severity: means of the two latent scales (standard deviation about 0.7 and 1).
        death, readmission: effect on the logit of each outcome.
        female: proportion of women.
    """

    name: str
    share: float
    age: float
    age_sd: float
    frailty: float
    severity: float
    death: float
    readmission: float
    female: float


PHENOTYPES: dict[str, Phenotype] = {
    "well": Phenotype("otherwise well", 0.24, 48, 17, -0.5, -0.4, -0.5, -0.5, 0.52),
    "diabetes": Phenotype("diabetes with kidney disease", 0.14, 64, 11, 0.1, 0.0, 0.1, 0.4, 0.45),
    "heart": Phenotype("heart failure", 0.14, 73, 11, 0.2, 0.1, 0.2, 0.5, 0.46),
    "copd": Phenotype("chronic obstructive pulmonary disease", 0.13, 68, 10, 0.1, 0.1, 0.1, 0.3, 0.48),
    "sepsis": Phenotype("sepsis survivor", 0.09, 66, 14, 0.2, 0.3, 0.3, 0.3, 0.49),
    "frail": Phenotype("frail elderly", 0.11, 84, 6, 0.6, 0.0, 0.4, 0.2, 0.63),
    "cancer": Phenotype("cancer under treatment", 0.08, 63, 12, 0.2, 0.2, 0.6, 0.5, 0.53),
    "liver": Phenotype("alcohol-related liver disease", 0.07, 55, 10, 0.1, 0.1, 0.4, 0.4, 0.33),
}
KEYS = tuple(PHENOTYPES)
NAMES = tuple(phenotype.name for phenotype in PHENOTYPES.values())


def column(field: str) -> Floats:
    """One attribute of all phenotypes, in their order."""
    return np.array([getattr(phenotype, field) for phenotype in PHENOTYPES.values()], dtype=np.float64)


# Columns of the design matrices, without the intercept. Phenotype terms are contrasts with "well".
_CONTRASTS = tuple(f"phenotype_{key}" for key in KEYS[1:])
DEATH_TERMS = ("age", "severity", "frailty", *_CONTRASTS)
READMISSION_TERMS = ("instability", "frailty", "recent_admissions", "self_pay", *_CONTRASTS)

DEATH_INTERCEPT = -4.25
READMISSION_INTERCEPT = -2.95


def death_coefficients() -> Floats:
    """Coefficients of `DEATH_TERMS`: age per decade from 65, the latent scales per unit."""
    effects = column("death")
    return np.array([0.25, 1.25, 0.40, *(effects[1:] - effects[0])])


def readmission_coefficients() -> Floats:
    """Coefficients of `READMISSION_TERMS`: admissions of the last year counted up to 3, self-pay 0 or 1."""
    effects = column("readmission")
    return np.array([0.65, 0.35, 0.35, 0.30, *(effects[1:] - effects[0])])
