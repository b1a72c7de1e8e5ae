"""Settings of clustering."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from osler.base.settings import Settings
from osler.models.servers.address import is_server
from osler.represent.settings import TypedSettings

ArmName = Literal[
    "kmeans",
    "spherical",
    "mixture",
    "famd+kmeans",
    "famd+pam",
    "umap2+kmeans",
    "umap2+pam",
    "umap10+kmeans",
    "umap10+pam",
    "gower+pam",
    "kprototypes",
    "lca",
    "hdbscan",
]


# Folders below `phenotypes/<task>/` that are of no representation: the variables, and all side by side.
VARIABLES, COMPARE_FOLDER = RESERVED = ("variables", "compare")


class LatentClassSettings(Settings):
    """How latent classes are fitted.

    Attributes:
        starts: random starts of the main fit.
        refit_starts: random starts of a repeat: a bootstrap, a half, a data set without clusters.
        short: iterations of each start before the best are chosen; the first half is annealed.
        finalists: share of the starts, the best after the short run, that go on until they converge.
        iterations: most iterations until then.
        tolerance: an iteration that gains less (log likelihood) is the last.
        same: log likelihoods that differ by less are the same solution.
        prior: samples with the margins of the table that are added to each class, so that no share is 0 and
            no class is empty.
        floor: smallest variance of a number in a class, as a share of its variance in the table. A class of
            one repeated value (0 children lost) would else outweigh all other variables.
        ratio_draws: tables drawn to test the chosen classes against one class less; the smallest p is one
            over one more than so many. 0: no test.

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
    ratio_draws: int = Field(default=19, ge=0, le=1000)


class CompareSettings(Settings):
    """How the partitions of all arms of a task are set beside each other.

    Attributes:
        scored: at most so many samples (drawn once) enter the silhouettes, whose cost is quadratic.
        order: at most so many texts (drawn once) are encoded again with their statements in another order,
            for representations by documents; 0: none.
        draws: permutations of the outcome.

    Examples:
        >>> CompareSettings(order=0).draws
        10000
    """

    scored: int = Field(default=2000, ge=50)
    order: int = Field(default=500, ge=0)
    draws: int = Field(default=10_000, ge=10_000)


FEWEST_REFERENCES = 19


class PhenotypeSettings(Settings):
    """How samples are clustered.

    Attributes:
        arms: spaces with methods of clustering, as `phenotyping/arms` names them.
        k: smallest and largest number of clusters.
        seed: seed of everything random.
        seeds: independent runs per k, of which the tightest counts; their agreement is reported.
        starts: starts per run.
        scaling: `standardise` each column, `normalise` each row to length 1, `none`; `auto` normalises
            dense vectors and leaves the rest, whose columns the representation has scaled itself.
        components: a sparse representation with more columns than this is reduced to so many by truncated
            SVD.
        famd_components: components of the factor analysis of mixed data.
        neighbours: neighbours of a sample in the graph of UMAP, and samples that make a place dense for
            HDBSCAN.
        sample_limit: arms other than k-means, spherical k-means and mixtures are fitted on at most so many
            samples (drawn once); the rest are assigned.
        min_share: share of the samples that the smallest cluster must hold for its k to be chosen, and
            that a cluster of HDBSCAN must hold.
        splits: how often the samples are halved for prediction strength; 0: never.
        bootstraps: bootstraps of patients in which the whole arm is refitted at every k; 0: none, and no
            cluster is called supported.
        slow_bootstraps: the same for arms on UMAP and k-prototypes, at the chosen k only.
        references: data sets without clusters on which the arm is refitted at the chosen k; 19 or more, or 0.
        slow_references: the same for arms on UMAP and k-prototypes.
        scored: at most so many samples (drawn once) enter the indices, whose cost is quadratic.
        variables: number of variables shown per cluster and direction.
        exemplars: patients near the middle of each chosen cluster whose text is kept with the results; 0:
            none.
        names: `rule`, or the address of a chat model that names clusters, `http://HOST:PORT/v1#MODEL`; what
            it writes is accepted only where all of it is on the card, else the name by rule stands.
        lca: how latent classes are fitted.
        table: which variables are clustered by the arms on variables, and describe the clusters of all.
    """

    arms: Annotated[tuple[ArmName, ...], Field(min_length=1)] = ("kmeans",)
    k: tuple[int, int] = (2, 10)
    seed: int = Field(default=0, ge=0)
    seeds: int = Field(default=5, ge=1, le=100)
    starts: int = Field(default=4, ge=1, le=1000)
    scaling: Literal["auto", "standardise", "normalise", "none"] = "auto"
    components: int = Field(default=50, ge=2)
    famd_components: int = Field(default=10, ge=1)
    neighbours: int = Field(default=15, ge=2)
    sample_limit: int = Field(default=10_000, ge=100)
    min_share: float = Field(default=0.05, ge=0, lt=0.5)
    splits: int = Field(default=5, ge=0, le=100)
    bootstraps: int = Field(default=50, ge=0, le=1000)
    slow_bootstraps: int = Field(default=20, ge=0, le=1000)
    references: int = Field(default=50, ge=0, le=1000)
    slow_references: int = Field(default=19, ge=0, le=1000)
    scored: int = Field(default=5000, ge=100)
    variables: int = Field(default=8, ge=0)
    exemplars: int = Field(default=3, ge=0, le=100)
    names: str = "rule"
    lca: LatentClassSettings = LatentClassSettings()
    table: TypedSettings = TypedSettings()

    @model_validator(mode="after")
    def _are_possible(self) -> "PhenotypeSettings":
        if self.names != "rule" and not is_server(self.names):
            raise ValueError("names: give `rule` or the address of a chat model, http://HOST:PORT/v1#MODEL")
        low, high = self.k
        if not 2 <= low <= high:
            raise ValueError("k: give the smallest (2 or more) and the largest number of clusters")
        for name in ("references", "slow_references"):
            if 0 < getattr(self, name) < FEWEST_REFERENCES:
                raise ValueError(f"{name}: fewer than {FEWEST_REFERENCES} cannot give a p of .05; 0 is none")
        return self
