"""Arms: a space and a method of clustering each, as data; a new one is a line here.

How an arm is used:

    one = arm("famd+pam")
    fitted = one.fit_space(data, settings=settings, seed=0)      # everything learned before the clusters
    partition = one.divide(fitted.points, 4, settings=settings, seed=0)
    clusters, distances = one.assign(partition.model, one.place(fitted, other))

Arms with the same `space_key` share a fitted space. Arms without a closed form (`closed_form` is False)
assign new samples by exemplars (`phenotyping/exemplars.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from osler.base.errors import InputError
from osler.phenotyping.data import ArmInput
from osler.phenotyping.partition import Array, Partition
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.spaces import FittedSpace

# Spaces of variables in which new samples have a place.
_RESTORED = ("famd", "table")


@dataclass(frozen=True)
class Arm:
    """A way of clustering.

    Attributes:
        name: its name in settings and results.
        space: name of the space (`phenotyping/spaces/<space>.py`).
        method: name of the method (`phenotyping/methods/<method>.py`).
        options: further arguments of the space's `fit`.
    """

    name: str
    space: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def space_key(self) -> tuple[Any, ...]:
        """What tells spaces apart: arms with the same key may share a fitted space."""
        return (self.space, *sorted(self.options.items()))

    @property
    def needs_table(self) -> bool:
        """Whether it clusters typed variables; else a representation."""
        return self.space != "vectors"

    @property
    def closed_form(self) -> bool:
        """Whether it assigns new samples itself; else by exemplars."""
        return self.space != "umap"

    @property
    def finds_k(self) -> bool:
        """Whether it finds the number of clusters itself, so that one fit stands for every k."""
        return self.method == "hdbscan"

    @property
    def scales(self) -> bool:
        """Whether it is fitted on any number of samples; else on at most `sample_limit`."""
        return self.space == "vectors"

    @property
    def slow(self) -> bool:
        """Whether a repeat takes so long that fewer are made, at the chosen k only."""
        return self.space == "umap" or self.method == "kprototypes"

    def fit_space(self, data: ArmInput, *, settings: PhenotypeSettings, seed: int) -> FittedSpace:
        """Fit the space on some samples.

        Raises:
            InputError: the samples lack the table or the representation.
        """
        module = import_module(f"osler.phenotyping.spaces.{self.space}")
        fitted: FittedSpace = module.fit(data, settings=settings, seed=seed, **self.options)
        return fitted

    def divide(self, points: Points, k: int, *, settings: PhenotypeSettings, seed: int) -> Partition:
        """Divide the samples of a space into k clusters; the same seed gives the same partition."""
        found: Partition = self._method().fit(points, k, settings=settings, seed=seed)
        return found

    def place(self, fitted: FittedSpace | None, data: ArmInput) -> Points:
        """New samples as `assign` needs them.

        Raises:
            InputError: the space has no closed form, or the samples lack what it needs.
        """
        if self.space == "gower":  # distances to the medoids only, not to every fitted sample
            return Points(table=data.variables())
        if fitted is None:
            raise InputError(f"arm '{self.name}' has no fitted space", remedy="fit the arm")
        return fitted.place(data)

    def keep(self, fitted: FittedSpace) -> dict[str, Array]:
        """What `restore` needs of a fitted space; empty where partitions hold all that `assign` needs."""
        return fitted.arrays() if self.space in _RESTORED else {}

    def restore(self, arrays: dict[str, Array]) -> FittedSpace | None:
        """The space that `keep` describes, for `place`; None where `assign` needs none."""
        if self.space not in _RESTORED:
            return None
        found: FittedSpace = import_module(f"osler.phenotyping.spaces.{self.space}").load(arrays)
        return found

    def assign(self, model: dict[str, Array], points: Points) -> tuple[Array, Array]:
        """Cluster int64 [n] and distance float64 [n] of samples in the fitted space.

        Args:
            model: the arrays of a partition.
            points: the samples, as `place` gives them.

        Raises:
            InputError: the method has no closed form.
        """
        found: tuple[Array, Array] = self._method().assign(model, points)
        return found

    def _method(self) -> Any:
        return import_module(f"osler.phenotyping.methods.{self.method}")


ARMS: dict[str, Arm] = {
    one.name: one
    for one in (
        Arm("kmeans", "vectors", "kmeans"),
        Arm("spherical", "vectors", "spherical"),
        Arm("mixture", "vectors", "mixture"),
        Arm("famd+kmeans", "famd", "kmeans"),
        Arm("famd+pam", "famd", "pam"),
        Arm("umap2+kmeans", "umap", "kmeans", {"dimensions": 2}),
        Arm("umap2+pam", "umap", "pam", {"dimensions": 2}),
        Arm("umap10+kmeans", "umap", "kmeans", {"dimensions": 10}),
        Arm("umap10+pam", "umap", "pam", {"dimensions": 10}),
        Arm("gower+pam", "gower", "pam"),
        Arm("kprototypes", "table", "kprototypes"),
        Arm("lca", "table", "lca"),
        Arm("hdbscan", "umap", "hdbscan", {"dimensions": 10}),
    )
}


def arm(name: str) -> Arm:
    """The arm of a name.

    Examples:
        >>> arm("famd+pam").space, arm("famd+pam").method, arm("hdbscan").closed_form
        ('famd', 'pam', False)
    """
    return ARMS[name]
