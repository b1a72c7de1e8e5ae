"""Settings of clustering."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from osler.base.settings import Settings


class LatentClassSettings(Settings):
    """How latent classes are fitted.

    Attributes:
        starts: random starts of the main fit.
        refit_starts: random starts of a fit that is also given a model to start from (a bootstrap).
        short: iterations of each start before the best are chosen; the first half is annealed.
        finalists: share of the starts, the best after the short run, that go on until they converge.
        iterations: most iterations until then.
        tolerance: an iteration that gains less (log likelihood) is the last.
        same: log likelihoods that differ by less are the same solution.
        prior: samples with the margins of the table that are added to each class, so that no share is 0 and
            no class is empty.
        floor: smallest variance of a number in a class, as a share of its variance in the table. A class of
            one repeated value (0 children lost) would else outweigh all other variables.

    Examples:
        >>> LatentClassSettings(starts=200).finalists
        0.25
    """

    starts: int = Field(default=100, ge=1, le=10_000)
    refit_starts: int = Field(default=6, ge=1, le=10_000)
    short: int = Field(default=30, ge=2)
    finalists: float = Field(default=0.25, gt=0, le=1)
    iterations: int = Field(default=2000, ge=1)
    tolerance: float = Field(default=1e-4, ge=0)
    same: float = Field(default=0.1, gt=0)
    prior: float = Field(default=1.0, gt=0)
    floor: float = Field(default=0.05, gt=0, lt=1)


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
        lca: how latent classes are fitted.
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
    lca: LatentClassSettings = LatentClassSettings()

    @model_validator(mode="after")
    def _k_is_a_range(self) -> "PhenotypeSettings":
        low, high = self.k
        if not 2 <= low <= high:
            raise ValueError("k: give the smallest (2 or more) and the largest number of clusters")
        return self
