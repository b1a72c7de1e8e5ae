"""What is set side by side: folders of fitted phenotypes, each with what its arms clustered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.phenotyping.arms import arm as load_arm
from osler.phenotyping.compare import Key
from osler.phenotyping.data import ArmInput
from osler.phenotyping.partition import Array
from osler.phenotyping.settings import PhenotypeSettings
from osler.record.schema import SAMPLE_KEY
from osler.represent.features import Features
from osler.task.labels import Labels

FAMD, GOWER = "famd", "gower"

Reorder = Callable[[Array, Path], Features]
"""Takes rows of the samples and a folder for what is temporary, gives the representation of the same texts
with their statements in another order."""


@dataclass(frozen=True)
class Source:
    """One folder of `fit_phenotypes` and what it clustered.

    Attributes:
        name: name of the representation, or `variables`; unique among the sources.
        folder: the folder.
        data: the samples as they were clustered: variables, and the representation where it is one.
        traces: by name, a number per sample [n] that should not make clusters: tokens of the text, statements
            and tokens cut off.
        embedded: whether the representation is vectors of an encoder.
        reorder: makes the vectors of the same texts in another order; None where order is nothing to them.
    """

    name: str
    folder: Path
    data: ArmInput
    traces: Mapping[str, Array] = field(default_factory=dict)
    embedded: bool = False
    reorder: Reorder | None = None

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Content of `phenotypes.json`.

        Raises:
            InputError: the folder is none of `fit_phenotypes`.
        """
        path = self.folder / "phenotypes.json"
        if not path.is_file():
            raise InputError(
                "no fitted phenotypes",
                where=self.folder,
                remedy="name a folder that `osler phenotype fit` wrote",
            )
        found: dict[str, Any] = read_json(path)
        return found

    @cached_property
    def settings(self) -> PhenotypeSettings:
        """How its arms were fitted."""
        return PhenotypeSettings.parse(self.facts["settings"], where=str(self.folder / "phenotypes.json"))

    @cached_property
    def indices(self) -> pl.DataFrame:
        """`indices.parquet`."""
        return pl.read_parquet(self.folder / "indices.parquet")

    @property
    def chosen(self) -> list[Key]:
        """The partitions whose k was chosen, in the order of the arms; not those without a cluster."""
        arms = self.facts["arms"].items()
        return [(self.label(arm), facts["chosen_k"]) for arm, facts in arms if facts["chosen_k"]]

    @property
    def highest(self) -> list[Key]:
        """Of each arm the partition with the highest silhouette in its own space, which papers choose."""
        known = self.indices.filter(pl.col("silhouette_micro").is_not_null())
        best = known.sort("silhouette_micro", "k", descending=[True, False]).unique("arm", keep="first")
        found = dict(best.select("arm", "k").iter_rows())
        return [(self.label(arm), int(found[arm])) for arm in self.facts["arms"] if arm in found]

    @property
    def tested(self) -> list[Key]:
        """The partitions that meet the artefact tests: the chosen, and those of the highest silhouette."""
        return list(dict.fromkeys([*self.chosen, *self.highest]))

    def label(self, arm: str) -> str:
        """What an arm is called beside those of other sources: `counts/kmeans`."""
        return f"{self.name}/{arm}"

    def space_of(self, arm: str) -> str | None:
        """The space in which an arm clusters, as scores call it; None where it has none."""
        space = load_arm(arm).space
        if space == "umap":
            return f"umap{load_arm(arm).options['dimensions']}"
        return {"vectors": self.name, "famd": FAMD, "gower": GOWER}.get(space)

    def partitions(self, labels: Labels) -> dict[Key, Array]:
        """Every partition, by the label of its arm and k: cluster of each sample, int64 [n], -1 noise.

        Args:
            labels: the samples that were clustered.

        Raises:
            InputError: other samples were clustered.
        """
        members = pl.read_parquet(self.folder / "phenotypes.parquet")
        found: dict[Key, Array] = {}
        for (arm, k), part in members.group_by("arm", "k", maintain_order=True):
            if not part.select(SAMPLE_KEY).equals(labels.frame.select(SAMPLE_KEY)):
                raise InputError(
                    "these are clusters of other samples",
                    where=self.folder,
                    count=part.height,
                    remedy=f"name phenotypes that were fitted on these {labels.frame.height:,} labels",
                )
            cluster = part["cluster"].fill_null(-1).to_numpy().astype(np.int64)
            found[self.label(str(arm)), int(str(k))] = cluster
        return found
