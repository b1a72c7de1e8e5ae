"""Every arm over the range of k: one space per arm, shared where arms share it, and a partition per k."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from osler.base.parallel import map_pieces
from osler.phenotyping import exemplars
from osler.phenotyping.arms import Arm, arm
from osler.phenotyping.data import ArmInput
from osler.phenotyping.partition import Array, Partition
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.spaces import FittedSpace


@dataclass(frozen=True)
class Clustered:
    """What one arm made of the samples.

    Attributes:
        arm: the arm.
        fitted: its space.
        rows: int64 [m], the samples it was fitted on; the others were assigned.
        partitions: k -> clusters of all samples. An arm that finds k by itself has one.
        exemplars: k -> what assigns new samples, for arms without a closed form; else empty.
    """

    arm: Arm
    fitted: FittedSpace
    rows: Array
    partitions: Mapping[int, Partition]
    exemplars: Mapping[int, exemplars.Exemplars]


def cluster_arms(
    data: ArmInput, *, settings: PhenotypeSettings, step: Callable[[int], None] = lambda done: None
) -> list[Clustered]:
    """Fit the arms of the settings.

    Args:
        data: the samples.
        settings: arms, k, seeds.
        step: called with 1 after each partition.

    Returns:
        One per arm, in the order of the settings.

    Raises:
        InputError: the samples lack what an arm needs.
    """
    spaces: dict[tuple[Any, ...], tuple[FittedSpace, Array]] = {}
    low, high = settings.k
    found = []
    for name in settings.arms:
        one = arm(name)
        if one.space_key not in spaces:
            rows = sampled(data.n_samples, one, settings)
            fitted_on = data if len(rows) == data.n_samples else data.take(rows)
            spaces[one.space_key] = one.fit_space(fitted_on, settings=settings, seed=settings.seed), rows
        fitted, rows = spaces[one.space_key]
        points = fitted.points

        def divide(k: int, one: Arm = one, points: Points = points) -> Partition:
            return one.divide(points, k, settings=settings, seed=settings.seed)

        partitions: dict[int, Partition] = {}
        chosen: dict[int, exemplars.Exemplars] = {}
        ks: Sequence[int] = [low] if one.finds_k else range(low, high + 1)
        for k, divided in zip(ks, map_pieces(divide, ks), strict=True):
            own = divided
            number = int(own.cluster.max(initial=-1)) + 1 if one.finds_k else k
            if not one.closed_form and (own.cluster >= 0).any():
                near = shown(data.take(rows))
                chosen[number] = exemplars.fit(near, own)
                # The map has no place for new samples: typicality is measured as they are assigned.
                own = replace(own, distance=exemplars.distances(chosen[number].arrays, near, own.cluster))
            partitions[number] = spread(one, fitted, own, data, rows, chosen.get(number))
            step(1)
        found.append(Clustered(one, fitted, rows, partitions, chosen))
    return found


def sampled(n: int, one: Arm, settings: PhenotypeSettings) -> Array:
    """Samples that an arm is fitted on: all, or a draw of `sample_limit` where it does not scale."""
    if one.scales or n <= settings.sample_limit:
        return np.arange(n)
    rng = np.random.default_rng([settings.seed, n])
    return np.sort(rng.choice(n, settings.sample_limit, replace=False))


def shown(data: ArmInput) -> Points:
    """Samples as exemplars are compared with them: their variables, or else their vectors."""
    if data.table is not None:
        return Points(table=data.table)
    return Points(coordinates=np.asarray(data.representation().matrix))


def assign_new(
    one: Arm, fitted: FittedSpace, own: Partition, data: ArmInput, by: exemplars.Exemplars | None
) -> tuple[Array, Array]:
    """Cluster and distance of samples that an arm was not fitted on."""
    if by is not None:
        return exemplars.assign(by.arrays, shown(data))
    return one.assign(own.model, one.place(fitted, data))


def spread(
    one: Arm,
    fitted: FittedSpace,
    own: Partition,
    data: ArmInput,
    rows: Array,
    by: exemplars.Exemplars | None,
) -> Partition:
    """A partition of some samples as one of all: the others are assigned."""
    if len(rows) == data.n_samples:
        return own
    others = np.setdiff1d(np.arange(data.n_samples), rows)
    cluster = np.empty(data.n_samples, dtype=np.int64)
    distance = np.empty(data.n_samples)
    cluster[rows], distance[rows] = own.cluster, own.distance
    cluster[others], distance[others] = assign_new(one, fitted, own, data.take(others), by)
    return replace(own, cluster=cluster, distance=distance)
