"""Mechanism shift: coefficients change, prevalence stays. The intercepts that keep it are solved here.

For each hospital a pool of patients with its own case mix is drawn. The rate of each outcome under the
reference coefficients is the target; the hospital's intercept is moved until its own coefficients give that
rate. Because readmissions feed back on later stays, the pool is drawn again under the solved coefficients
and the step repeated.
"""

from dataclasses import replace

import numpy as np

from osler.simulate import phenotypes
from osler.simulate.hospitals import Hospitals, Integers, draw_hospitals
from osler.simulate.latent import draw_latent
from osler.simulate.outcomes import design, sigmoid
from osler.simulate.people import DIED, SELF_PAY, Patients, Stays
from osler.simulate.phenotypes import Floats
from osler.simulate.settings import SimulateSettings

_POOL = 60_000  # subjects of all hospitals together
_LEAST_PER_HOSPITAL = 600
_ROUNDS = 2
_HALVINGS = 40


def hospitals_of(settings: SimulateSettings) -> Hospitals:
    """The hospitals of the settings, intercepts solved."""
    hospitals = draw_hospitals(settings)
    if settings.strength("mechanism") == 0 or hospitals.count == 1:
        return hospitals
    none = np.zeros(hospitals.count)
    unweighted = replace(hospitals, death_odds=none, readmission_odds=none)
    reference = replace(
        unweighted,
        death=_reference(hospitals.count, phenotypes.DEATH_INTERCEPT, phenotypes.death_coefficients()),
        readmission=_reference(
            hospitals.count, phenotypes.READMISSION_INTERCEPT, phenotypes.readmission_coefficients()
        ),
    )
    target = _rates(reference, settings)
    for _ in range(_ROUNDS):
        unweighted = _solve(unweighted, settings, target)
    return replace(hospitals, death=unweighted.death, readmission=unweighted.readmission)


def _reference(count: int, intercept: float, slopes: Floats) -> Floats:
    return np.tile(np.concatenate([[intercept], slopes]), (count, 1))


def _pool(hospitals: Hospitals, settings: SimulateSettings) -> tuple[Patients, Stays]:
    each = max(_LEAST_PER_HOSPITAL, _POOL // hospitals.count)
    hospital = np.repeat(np.arange(hospitals.count), each)
    seed = np.random.SeedSequence(settings.seed, spawn_key=(2,))
    return draw_latent(hospitals, len(hospital), seed, hospital=hospital)


def _rates(hospitals: Hospitals, settings: SimulateSettings) -> tuple[Floats, Floats]:
    """Mean true probability by hospital: of death over all stays, of readmission over survivors."""
    patients, stays = _pool(hospitals, settings)
    site = patients.hospital[stays.patient]
    alive = ~stays.died
    return (
        mean_by(site, sigmoid(stays.death_logit), hospitals.count),
        mean_by(site[alive], sigmoid(stays.readmission_logit[alive]), hospitals.count),
    )


def _solve(hospitals: Hospitals, settings: SimulateSettings, target: tuple[Floats, Floats]) -> Hospitals:
    patients, stays = _pool(hospitals, settings)
    site = patients.hospital[stays.patient]
    here = stays.patient
    x_death, x_readmission = design(
        patients.phenotype[here], stays.age, stays.severity, stays.instability, patients.frailty[here],
        stays.recent, patients.insurance[here] == SELF_PAY,
    )  # fmt: skip
    alive = stays.outcome != DIED
    death, readmission = hospitals.death.copy(), hospitals.readmission.copy()
    death[:, 0] = _intercepts(site, (death[site, 1:] * x_death).sum(axis=1), target[0])
    slopes = (readmission[site, 1:] * x_readmission).sum(axis=1)
    readmission[:, 0] = _intercepts(site[alive], slopes[alive], target[1])
    return replace(hospitals, death=death, readmission=readmission)


def _intercepts(site: Integers, slopes: Floats, target: Floats) -> Floats:
    """Bisection for all hospitals at once: the mean probability rises with the intercept."""
    low, high = np.full(len(target), -15.0), np.full(len(target), 15.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        too_low = mean_by(site, sigmoid(slopes + middle[site]), len(target)) < target
        low, high = np.where(too_low, middle, low), np.where(too_low, high, middle)
    return np.asarray((low + high) / 2)


def mean_by(group: Integers, values: Floats, count: int) -> Floats:
    """Mean of the values of each group; NaN for an empty one."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.bincount(group, values, count) / np.bincount(group, minlength=count))
