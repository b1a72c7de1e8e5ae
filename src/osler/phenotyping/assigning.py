"""New samples sent to the clusters of a saved clustering; nothing is fitted again."""

from dataclasses import dataclass

import numpy as np

from osler.base.errors import InputError
from osler.phenotyping import exemplars
from osler.phenotyping.arms import arm as load_arm
from osler.phenotyping.frozen_table import FrozenTable, known_share
from osler.phenotyping.frozen_vectors import FrozenVectors
from osler.phenotyping.model import Model
from osler.phenotyping.partition import Array, typicality_among
from osler.phenotyping.points import Points
from osler.represent.features import Features
from osler.represent.typed import TypedTable


@dataclass(frozen=True)
class Assignment:
    """Clusters of new samples.

    Attributes:
        arm: name of the arm.
        k: number of clusters.
        cluster: int64 [n]; never noise.
        distance: float64 [n], to the middle of the cluster, or to its exemplars.
        typicality: float64 [n], share of the cluster's fitted members that lie at least as far; 1 is nearer
            than all, 0 farther than all.
        unseen: columns of the new samples that the model does not know; they were not used (or, for
            statements, weighed as unseen ones). Of variables always 0: only known ones are read.
        absent: columns of the model that the new samples lack.
        supported: bool [k], whether each cluster is a phenotype by the gates; None: it was not judged.
        known_share: share of the cells of the new samples that lie in columns that the model knows; of
            variables, share of the cells that have a value.
        empty: samples of which nothing is known: their cluster says nothing.
    """

    arm: str
    k: int
    cluster: Array
    distance: Array
    typicality: Array
    unseen: int
    absent: int
    known_share: float
    empty: int
    supported: Array | None


def assign(
    model: Model, given: Features | TypedTable, *, arm: str | None = None, k: int | None = None
) -> Assignment:
    """Send new samples to the clusters of a model.

    Args:
        model: the clustering.
        given: the same representation of the new samples, or the same variables.
        arm: name of the arm; None: the first.
        k: number of clusters; None: the one that was chosen.

    Raises:
        InputError: another representation, an arm or k that was not fitted, no k was chosen, or the columns
            are absent or mostly unknown.
    """
    name = given.name if isinstance(given, Features) else "variables"
    if name != model.representation:
        raise InputError(
            f"the clustering was fitted on '{model.representation}', not on '{name}'",
            remedy="make the same representation of the new samples",
        )
    arm, k = model.choose(arm, k)
    saved = model.partitions[arm, k]
    points, facts = _read(model, arm, given)
    by = exemplars.assign if saved.by_exemplars else load_arm(arm).assign
    cluster, distance = by(saved.arrays, points)
    judged = arm in model.supported and k == model.chosen[arm]
    return Assignment(
        arm=arm,
        k=k,
        cluster=cluster,
        distance=distance,
        typicality=typicality_among(saved.distances, cluster, distance),
        supported=np.array(model.supported[arm]) if judged else None,
        **vars(facts),
    )


@dataclass(frozen=True)
class _Known:
    """What a model knows of new samples, as `Assignment` has it."""

    unseen: int
    absent: int
    known_share: float
    empty: int


def _read(model: Model, arm: str, given: Features | TypedTable) -> tuple[Points, _Known]:
    reader = model.reader
    if isinstance(reader, FrozenTable) and isinstance(given, TypedTable):
        points = reader.place(arm, given)
        names = {variable.name for variable in given.variables}
        return points, _Known(
            unseen=0,
            absent=sum(variable.name not in names for variable in reader.variables),
            known_share=known_share(given),
            empty=int(np.isnan(given.values).all(axis=1).sum()),
        )
    if not isinstance(reader, FrozenVectors) or not isinstance(given, Features):
        raise TypeError("a representation is read as a representation, variables as variables")
    known, share = reader.known(given)
    stored = np.diff(given.matrix.indptr) if hasattr(given.matrix, "indptr") else np.ones(1)
    return reader.place(given), _Known(
        unseen=int((~known).sum()),
        absent=len(set(reader.names) - set(given.names)),
        known_share=share,
        empty=int((stored == 0).sum()),
    )
