"""What the gates judge, gathered with any pipeline: bootstraps, reference data sets, length and missing
values."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from osler.base.errors import InputError
from osler.base.parallel import map_pieces
from osler.measure.stability import Stability
from osler.phenotyping.data import ArmInput
from osler.phenotyping.explained import explained_by_traces
from osler.phenotyping.gap import gaps
from osler.phenotyping.gates import Evidence, Gates, beyond_reference
from osler.phenotyping.partition import Array
from osler.phenotyping.reference import table_reference, vector_reference
from osler.phenotyping.separation import axis_share, separation

DRAWS = 50

Data = TypeVar("Data")


def reference_separations(
    draw: Callable[[int], Data],
    pipelines: Callable[[Data, int], Sequence[Array]],
    coordinates: Callable[[Data], Array],
    *,
    share: float = Gates().share,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[list[Array]]:
    """Separation of the clusters that pipelines find in each reference data set.

    Clusters too small to be supported do not count, in the reference as in the data: a handful of samples
    with a rare level stand far apart in any data, and would hide a phenotype of many.

    Args:
        draw: takes a seed, gives a reference data set.
        pipelines: takes samples and a seed, gives the cluster of each sample by each pipeline, every one with
            the number of clusters of the partition that is judged.
        coordinates: gives the space in which clusters are scored, the same function as for the data.
        share: smallest share of the samples of a cluster that counts.
        draws: reference data sets; 19 or more, or no cluster can have a p of .05.
        seed: seed of the first.

    Returns:
        Of each pipeline, for each data set float64 [k, 4].
    """

    def run(number: int) -> list[Array]:
        data = draw(seed + number)
        space = coordinates(data)
        return [_counted(space, cluster, share) for cluster in pipelines(data, seed + number)]

    found = list(map_pieces(run, range(draws)))
    return [list(one) for one in zip(*found, strict=True)]


def evidence(
    cluster: Array,
    *,
    stability: Stability,
    coordinates: Array,
    reference: list[Array],
    length: Array,
    missing: Array,
    share: float = Gates().share,
    seed: int = 0,
) -> Evidence:
    """The numbers of one partition.

    Args:
        cluster: int [n], labels 0..k-1, -1 noise.
        stability: of `refit`.
        coordinates: the samples in the space in which clusters are scored, float [n, q].
        reference: of `reference_separations`.
        length: length of each text or record, [n].
        missing: which values are missing, bool [n, p].
        share: as given to `reference_separations`; p of a smaller cluster is NaN.
        seed: seed of the folds and halves.
    """
    k = len(stability.jaccard)
    return Evidence(
        size=np.bincount(cluster[cluster >= 0], minlength=k),
        n=len(cluster),
        jaccard=stability.jaccard,
        dissolved=stability.dissolved,
        explained=explained_by_traces(cluster, length=length, missing=missing, seed=seed),
        p=beyond_reference(_counted(coordinates, cluster, share), reference),
        gap=gaps(coordinates, cluster, seed=seed),
        axis=axis_share(coordinates, cluster),
    )


def input_reference(data: ArmInput) -> Callable[[int], ArmInput]:
    """Draws reference data sets in the form in which arms take them; table and vectors independently.

    Args:
        data: the samples: a table, dense vectors, or both.

    Raises:
        InputError: the representation is sparse: counts have no normal reference; cluster the table, or the
            representation reduced to dense coordinates.
    """
    features = data.features
    if features is not None and not isinstance(features.matrix, np.ndarray):
        raise InputError(
            f"a sparse representation ({features.name}) has no reference without clusters",
            remedy="give dense vectors, or the variables as a table",
        )
    table = None if data.table is None else table_reference(data.table)
    vectors = None if features is None else vector_reference(features.matrix)

    def draw(seed: int) -> ArmInput:
        return ArmInput(
            table=None if table is None else table.draw(seed),
            features=None
            if features is None or vectors is None
            else replace(features, matrix=vectors.draw(seed)),
        )

    return draw


def _counted(coordinates: Array, cluster: Array, share: float) -> Array:
    """Separation of each cluster; NaN for one with a smaller share of the samples."""
    found = separation(coordinates, cluster)
    size = np.bincount(cluster[cluster >= 0], minlength=len(found))
    found[~(size >= share * len(cluster))] = np.nan
    return found
