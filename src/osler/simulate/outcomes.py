"""Both outcomes of a stay: true logits from the latent X, and resampling by the outcome."""

import numpy as np

from osler.simulate import phenotypes
from osler.simulate.hospitals import Hospitals, Integers
from osler.simulate.people import DIED, NEITHER, READMITTED, SELF_PAY, Booleans, Patients
from osler.simulate.phenotypes import Floats


def design(
    phenotype: Integers, age: Floats, severity: Floats, instability: Floats, frailty: Floats,
    recent: Integers, self_pay: Booleans,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Design matrices of both outcomes, without intercept: columns `DEATH_TERMS` and `READMISSION_TERMS`."""
    contrasts = (phenotype[:, None] == np.arange(1, len(phenotypes.KEYS))).astype(np.float64)
    death = np.column_stack([(age - 65) / 10, severity, frailty, contrasts])
    readmission = np.column_stack([instability, frailty, recent, self_pay, contrasts])
    return death, readmission


def draw_outcome(
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


def accepted(
    rng: np.random.Generator, hospitals: Hospitals, hospital: Integers, outcome: Integers
) -> Booleans:
    weights = np.exp(
        np.column_stack([hospitals.death_odds, hospitals.readmission_odds, np.zeros(hospitals.count)])
    )
    weights /= weights.max(axis=1, keepdims=True)
    return np.asarray(rng.random(len(outcome)) < weights[hospital, outcome])


def linear(coefficients: Floats, hospital: Integers, x: Floats) -> Floats:
    """Logit of each row under the coefficients of its hospital (NumPy alone: no BLAS threads in the sum)."""
    chosen = coefficients[hospital]
    return np.asarray(chosen[:, 0] + (chosen[:, 1:] * x).sum(axis=1))


def sigmoid(logit: Floats | float) -> Floats:
    """The logistic function."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(logit, dtype=np.float64))))
