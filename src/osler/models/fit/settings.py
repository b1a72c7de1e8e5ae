"""What a person may ask of an adaptation."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from osler.base.errors import InputError
from osler.base.settings import Settings

LEARNING_RATES = {"lora": 2e-4, "full": 2e-5}


class FitSettings(Settings):
    """How an encoder is adapted.

    Attributes:
        objective: `contrastive` (two random views of a record find each other among the batch), `mlm`
            (masked tokens are told from their surroundings) or `supervised` (a boolean label is told from
            the vector of the record).
        method: `lora` (small matrices beside the linear layers learn) or `full` (all weights learn).
        rank: rank of the matrices of LoRA.
        alpha: their update is scaled by alpha / rank.
        targets: ends of the names of the linear layers that LoRA stands beside; None: all of them.
        epochs: passes over the texts.
        steps: most steps, whatever the epochs say; None: no limit.
        batch: records of a step (`mlm`: windows).
        learning_rate: highest learning rate; None: 2e-4 for LoRA, 2e-5 for full. It rises over the warm-up
            and then falls to 0 in a straight line.
        head_learning_rate: the same for the head of `mlm` and `supervised`, which is thrown away.
        warmup: share of the steps over which the learning rates rise.
        weight_decay: of AdamW, on matrices only.
        temperature: by which cosines are divided (`contrastive`).
        statement_dropout: probability that a view leaves a statement out (`contrastive`).
        masked: share of tokens that are to be told (`mlm`).
        seed: fixes everything drawn.
        memory: GiB that the intermediate values of a step may take; above it, parts of the step are computed
            twice. The result does not depend on it.
        threads: parts of a step computed at a time; None: one per core. The result does not depend on it.

    Examples:
        >>> FitSettings(method="full").peak_learning_rate
        2e-05
    """

    objective: Literal["contrastive", "mlm", "supervised"] = "contrastive"
    method: Literal["lora", "full"] = "lora"
    rank: int = Field(default=8, ge=1, le=1024)
    alpha: float = Field(default=32, gt=0)
    targets: tuple[str, ...] | None = Field(default=None, min_length=1)
    epochs: int = Field(default=1, ge=1, le=10_000)
    steps: int | None = Field(default=None, ge=1)
    batch: int = Field(default=32, ge=2)
    learning_rate: float | None = Field(default=None, gt=0, le=1)
    head_learning_rate: float = Field(default=1e-3, gt=0, le=1)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    weight_decay: float = Field(default=0.01, ge=0)
    temperature: float = Field(default=0.05, gt=0)
    statement_dropout: float = Field(default=0.5, ge=0, lt=1)
    masked: float = Field(default=0.15, gt=0, lt=1)
    seed: int = Field(default=0, ge=0, lt=2**63)
    memory: float = Field(default=4.0, gt=0)
    threads: int | None = Field(default=None, ge=1)

    @property
    def peak_learning_rate(self) -> float:
        """The highest learning rate of the encoder's weights."""
        return self.learning_rate or LEARNING_RATES[self.method]

    def shaping(self) -> dict[str, Any]:
        """The settings that the result depends on, JSON-ready."""
        return self.model_dump(mode="json", exclude={"memory", "threads"})


# Settings that say something for one method or objective alone.
_ONLY_FOR = {
    "rank": ("method", ("lora",)),
    "alpha": ("method", ("lora",)),
    "targets": ("method", ("lora",)),
    "temperature": ("objective", ("contrastive",)),
    "statement_dropout": ("objective", ("contrastive",)),
    "masked": ("objective", ("mlm",)),
    "head_learning_rate": ("objective", ("mlm", "supervised")),
}


def parse_fit_settings(values: Mapping[str, Any], *, where: str) -> FitSettings:
    """Build settings from what a person gave, and refuse what would have no effect.

    Args:
        values: names and values; None stands for not given.
        where: what to call the place in an error.

    Raises:
        InputError: a wrong value, or a setting of another method or objective.

    Examples:
        >>> parse_fit_settings({"rank": 4, "seed": None}, where="here").rank
        4
    """
    given = {name: value for name, value in values.items() if value is not None}
    settings = FitSettings.parse(given, where=where)
    for name in given:
        field, allowed = _ONLY_FOR.get(name, ("objective", (settings.objective,)))
        chosen = getattr(settings, field)
        if chosen not in allowed:
            raise InputError(
                f"'{name}' says nothing for {field} '{chosen}'",
                where=where,
                allowed=[f"{field} {one}" for one in allowed],
                remedy=f"leave '{name}' out, or choose one of these",
            )
    return settings
