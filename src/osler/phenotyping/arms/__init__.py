"""Arms: methods of clustering, one file each; a new one is a file and a line here.

An arm is a module with `fit(space, k, *, settings) -> Partition` and `assign(model, space) -> clusters,
distances`; `space` is dense [n, d], `model` the arrays that its `fit` put into the partition.
"""

from importlib import import_module
from typing import Protocol

from osler.phenotyping.partition import Array, Partition
from osler.phenotyping.settings import PhenotypeSettings

ARMS: dict[str, str] = {"kmeans": "osler.phenotyping.arms.kmeans"}


class Arm(Protocol):
    """What an arm's module offers."""

    def fit(self, space: Array, k: int, *, settings: PhenotypeSettings) -> Partition:
        """Divide the samples into k clusters."""
        ...

    def assign(self, model: dict[str, Array], space: Array) -> tuple[Array, Array]:
        """Cluster and distance of each sample in the same space."""
        ...


def arm(name: str) -> Arm:
    """The module of an arm."""
    module: Arm = import_module(ARMS[name])
    return module
