"""The hospitals: their sizes, and the parameters by which each cause sets them apart.

A cause that is off leaves its parameters at the reference. Definitions follow METHODS of the project:
*prevalence* resamples by the outcome with P(X|Y) fixed; *mechanism* changes coefficients at fixed
prevalence; *case_mix* changes P(X) with P(Y|X) fixed. Prevalence and mechanism act on both outcomes.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osler.simulate import phenotypes
from osler.simulate.phenotypes import Floats
from osler.simulate.settings import SimulateSettings

Integers = NDArray[np.int64]

NAMINGS = 3
TEMPLATES = 3
REFERENCE_LENGTH = 0.55


@dataclass(frozen=True)
class Hospitals:
    """Parameters of H hospitals; each array has H rows.

    Attributes:
        size: [H] share of the subjects, sums to 1.
        mix: [H, phenotypes] phenotype shares (case_mix).
        age_shift: [H] years added to the mean age of each phenotype (case_mix).
        death_odds, readmission_odds: [H] log of the resampling weight of each outcome (prevalence).
        death, readmission: [H, 1 + terms] intercept and coefficients (mechanism).
        icd: [H] 10 or 9, the ICD-CM revision (coding).
        naming: [H] 0 to 2, the local code system of the laboratory (coding).
        si_units: [H] 1 where the laboratory reports the other unit (coding).
        order_shift: [H] shift of the logit of an order (missingness).
        order_selectivity: [H] change of that logit per unit of severity (missingness).
        template: [H] 0 to 2, layout of the discharge summary (note_style).
        length: [H] 0 to 1, share of its optional sentences that are written (note_style).
    """

    size: Floats
    mix: Floats
    age_shift: Floats
    death_odds: Floats
    readmission_odds: Floats
    death: Floats
    readmission: Floats
    icd: Integers
    naming: Integers
    si_units: Integers
    order_shift: Floats
    order_selectivity: Floats
    template: Integers
    length: Floats

    @property
    def count(self) -> int:
        """Number of hospitals."""
        return len(self.size)

    @property
    def names(self) -> list[str]:
        """Names, as in the `site` column."""
        width = max(2, len(str(self.count)))
        return [f"hospital_{number:0{width}d}" for number in range(1, self.count + 1)]

    def frame(self) -> pl.DataFrame:
        """One row per hospital: site, size and every parameter."""
        columns: dict[str, object] = {
            "site": self.names,
            "size": self.size,
            **{f"mix_{key}": self.mix[:, index] for index, key in enumerate(phenotypes.KEYS)},
            "age_shift": self.age_shift,
            "prevalence_death_log_odds": self.death_odds,
            "prevalence_readmission_log_odds": self.readmission_odds,
        }
        for outcome, terms, values in (
            ("death", phenotypes.DEATH_TERMS, self.death),
            ("readmission", phenotypes.READMISSION_TERMS, self.readmission),
        ):
            for index, term in enumerate(("intercept", *terms)):
                columns[f"{outcome}_{term}"] = values[:, index]
        columns |= {
            "icd": self.icd,
            "lab_naming": self.naming,
            "lab_other_units": self.si_units.astype(bool),
            "order_shift": self.order_shift,
            "order_selectivity": self.order_selectivity,
            "note_template": self.template,
            "note_length": self.length,
        }
        return pl.DataFrame(columns)


def draw_hospitals(settings: SimulateSettings) -> Hospitals:
    """Draw the hospitals of the settings; mechanism's intercepts are still those of the reference.

    Parameters are spread evenly over their range and dealt to the hospitals at random, so that few
    hospitals differ as surely as many do. Each parameter has its own stream: switching one cause leaves the
    others as they were.
    """
    count = settings.hospitals
    streams = iter(np.random.SeedSequence(settings.seed, spawn_key=(0,)).spawn(32))

    def stream() -> np.random.Generator:
        return np.random.default_rng(next(streams))

    def normal(cause: str, scale: float, columns: int = 1) -> Floats:
        rng = stream()
        scores = np.column_stack([rng.permutation(_normal_scores(count)) for _ in range(columns)])
        return settings.strength(cause) * scale * scores

    def graded(cause: str, scale: float) -> Floats:
        grades = np.linspace(0.0, 1.0, count) if count > 1 else np.zeros(1)
        return settings.strength(cause) * scale * stream().permutation(grades)

    def chosen(cause: str, levels: int) -> Integers:
        return _dealt(stream(), count, levels, settings.strength(cause))

    sizes = np.exp(0.6 * stream().permutation(_normal_scores(count)))
    mix = phenotypes.column("share") * np.exp(normal("case_mix", 0.7, len(phenotypes.KEYS)))
    return Hospitals(
        size=sizes / sizes.sum(),
        mix=mix / mix.sum(axis=1, keepdims=True),
        age_shift=normal("case_mix", 5.0)[:, 0],
        death_odds=normal("prevalence", 0.5)[:, 0],
        readmission_odds=normal("prevalence", 0.4)[:, 0],
        death=_coefficients(
            phenotypes.DEATH_INTERCEPT,
            phenotypes.death_coefficients(),
            normal("mechanism", 0.4, len(phenotypes.DEATH_TERMS)),
        ),
        readmission=_coefficients(
            phenotypes.READMISSION_INTERCEPT,
            phenotypes.readmission_coefficients(),
            normal("mechanism", 0.4, len(phenotypes.READMISSION_TERMS)),
        ),
        icd=np.array([10, 9])[chosen("coding", 2)],
        naming=chosen("coding", NAMINGS),
        si_units=chosen("coding", 2),
        order_shift=-graded("missingness", 1.5),
        order_selectivity=graded("missingness", 0.6),
        template=chosen("note_style", TEMPLATES),
        length=np.clip(REFERENCE_LENGTH + normal("note_style", 0.25)[:, 0], 0.05, 1.0),
    )


def _coefficients(intercept: float, reference: Floats, change: Floats) -> Floats:
    """[H, 1 + terms]: small coefficients move as much as middling ones do, large ones in proportion."""
    scale = np.clip(np.abs(reference), 0.4, None)
    slopes = reference + change * scale
    return np.column_stack([np.full(len(change), intercept), slopes])


def _normal_scores(count: int) -> Floats:
    """Evenly spaced quantiles of the standard normal: mean 0, the same spread for every seed."""
    law = NormalDist()
    return np.array([law.inv_cdf((rank + 0.5) / count) for rank in range(count)])


def _dealt(rng: np.random.Generator, count: int, levels: int, strength: float) -> Integers:
    """A level for each hospital: all 0 at strength 0, equally frequent from moderate strength on."""
    deviating = min(1.0, strength) * (levels - 1) / levels * count
    number = min(count - 1, int(np.ceil(deviating - 1e-9)))
    values = np.zeros(count, dtype=np.int64)
    values[:number] = 1 + np.arange(number) % (levels - 1)
    return rng.permutation(values)
