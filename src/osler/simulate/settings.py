"""What to simulate: how many subjects and hospitals, and how strongly each cause sets the hospitals apart."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from osler.base.errors import InputError
from osler.base.settings import Settings

CAUSES = ("case_mix", "prevalence", "mechanism", "coding", "missingness", "note_style")
MODERATE = 1.0
STRONGEST = 3.0


class SimulateSettings(Settings):
    """Settings of a simulated multi-hospital record.

    Args:
        subjects: number of subjects; 2,000 when `events` is not given either.
        events: number of events to come near to (within a few per cent), instead of `subjects`.
        hospitals: number of hospitals, 1 to 500.
        seed: fixes the hospitals and, unless `patient_seed` is given, the patients.
        patient_seed: fixes the patients alone: the same hospitals with fresh patients.
        causes: strength of each cause of difference between hospitals: 0 = off, 1 = moderate, up to 3.
            Causes that are not named are moderate; `SimulateSettings.only(cause)` switches the others off.
        block: subjects per shard. It is part of the seed: another block size gives other patients.

    Examples:
        >>> SimulateSettings(subjects=100, causes={"coding": 0.0}).strength("coding")
        0.0
        >>> SimulateSettings.only("coding").strength("case_mix")
        0.0
    """

    subjects: Annotated[int, Field(ge=1)] | None = None
    events: Annotated[int, Field(ge=1)] | None = None
    hospitals: Annotated[int, Field(ge=1, le=500)] = 6
    seed: Annotated[int, Field(ge=0)] = 0
    patient_seed: Annotated[int, Field(ge=0)] | None = None
    causes: dict[str, float] = Field(default_factory=lambda: dict.fromkeys(CAUSES, MODERATE))
    block: Annotated[int, Field(ge=1, le=20_000)] = 1000

    @field_validator("causes")
    @classmethod
    def _known_causes(cls, causes: dict[str, float]) -> dict[str, float]:
        unknown = sorted(set(causes) - set(CAUSES))
        if unknown:
            raise ValueError(f"no cause {', '.join(unknown)}; allowed: {', '.join(CAUSES)}")
        for name, strength in causes.items():
            if not 0.0 <= strength <= STRONGEST:
                raise ValueError(f"strength of {name} is {strength}; allowed: 0 to {STRONGEST:g}")
        return {name: float(causes.get(name, MODERATE)) for name in CAUSES}

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.subjects is not None and self.events is not None:
            raise ValueError("`subjects` and `events` are both given; give one")
        return self

    @classmethod
    def only(
        cls,
        cause: str | None,
        *,
        strength: float = MODERATE,
        subjects: int | None = None,
        hospitals: int = 6,
        seed: int = 0,
    ) -> Self:
        """Settings with one cause switched on and the others off; None switches all off."""
        causes = {name: strength if name == cause else 0.0 for name in CAUSES}
        return cls(subjects=subjects, hospitals=hospitals, seed=seed, causes=causes)

    def strength(self, cause: str) -> float:
        """Strength of one cause."""
        return self.causes[cause]


def parse_causes(options: Sequence[str], *, only: str | None = None) -> dict[str, float]:
    """Strengths from options of the form `NAME=STRENGTH`.

    Args:
        options: for instance `["coding=2", "case_mix=0"]`.
        only: the one cause that stays on (moderate unless `options` says otherwise); None leaves all on.

    Raises:
        InputError: an unknown cause, or a strength that is no number from 0 to 3.

    Examples:
        >>> parse_causes(["coding=2"], only="coding")["coding"]
        2.0
    """
    for name in (only, *(option.partition("=")[0] for option in options)):
        if name is not None and name not in CAUSES:
            raise InputError(f"no cause '{name}'", allowed=CAUSES, remedy="name one of the six causes")
    causes = (
        dict.fromkeys(CAUSES, MODERATE) if only is None else dict.fromkeys(CAUSES, 0.0) | {only: MODERATE}
    )
    for option in options:
        name, _, text = option.partition("=")
        try:
            strength = float(text)
        except ValueError:
            strength = -1.0
        if not 0.0 <= strength <= STRONGEST:
            raise InputError(
                f"strength of '{name}' is '{text}'",
                allowed=[f"a number from 0 to {STRONGEST:g}"],
                remedy="write for instance --cause coding=1",
            )
        causes[name] = strength
    return causes
