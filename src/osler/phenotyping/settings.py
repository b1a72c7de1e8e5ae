"""Settings of clustering."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from osler.base.settings import Settings


class PhenotypeSettings(Settings):
    """How samples are clustered.

    Attributes:
        arms: methods of clustering (`kmeans`).
        k: smallest and largest number of clusters.
        seed: seed of everything random.
        seeds: independent runs per k, of which the tightest counts; their agreement is reported.
        starts: starts per run.
        scaling: `standardise` each column, `normalise` each row to length 1, `none`; `auto` normalises
            dense vectors and leaves the rest, whose columns the representation has scaled itself.
        components: a sparse representation with more columns than this is reduced to so many by truncated
            SVD.
        min_share: share of the samples that the smallest cluster must hold for its k to be chosen.
        scored: at most so many samples (drawn once) enter the indices, whose cost is quadratic.
        variables: number of variables shown per cluster and direction.
    """

    arms: Annotated[tuple[Literal["kmeans"], ...], Field(min_length=1)] = ("kmeans",)
    k: tuple[int, int] = (2, 10)
    seed: int = Field(default=0, ge=0)
    seeds: int = Field(default=5, ge=1, le=100)
    starts: int = Field(default=4, ge=1, le=1000)
    scaling: Literal["auto", "standardise", "normalise", "none"] = "auto"
    components: int = Field(default=50, ge=2)
    min_share: float = Field(default=0.05, ge=0, lt=0.5)
    scored: int = Field(default=5000, ge=100)
    variables: int = Field(default=8, ge=0)

    @model_validator(mode="after")
    def _k_is_a_range(self) -> "PhenotypeSettings":
        low, high = self.k
        if not 2 <= low <= high:
            raise ValueError("k: give the smallest (2 or more) and the largest number of clusters")
        return self
