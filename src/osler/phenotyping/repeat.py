"""An arm repeated: over bootstraps and over halves of the samples, the whole pipeline refitted each time.

What comes before the number of clusters (imputation, scaling, reduction, distances) is fitted once per draw
and shared by every k.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from osler.base.parallel import map_pieces
from osler.measure.resample import group_positions
from osler.measure.stability import Stability, Strength, bootstrap_stability, prediction_strength
from osler.phenotyping.data import ArmInput
from osler.phenotyping.partition import Array, Partition
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.spaces import FittedSpace


class RepeatedArm(Protocol):
    """What repeating needs of an arm."""

    def fit_space(self, data: ArmInput, *, settings: PhenotypeSettings, seed: int) -> FittedSpace:
        """Everything before the number of clusters."""

    def divide(self, points: Points, k: int, *, settings: PhenotypeSettings, seed: int) -> Partition:
        """Divide the samples into k clusters."""


def bootstrap_rows(group: Array, *, draw: int, seed: int) -> Array:
    """Rows of one bootstrap of groups, ascending: int64 [m]; a group drawn twice has its rows twice."""
    position, n_groups = group_positions(group)
    order = np.argsort(position, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(position, minlength=n_groups))])
    drawn = np.sort(np.random.default_rng([seed, draw]).integers(0, n_groups, n_groups))
    return np.concatenate([order[start[i] : start[i + 1]] for i in drawn])


def bootstraps(
    arms: Sequence[RepeatedArm],
    data: ArmInput,
    clusters: Sequence[Mapping[int, Array]],
    *,
    group: Array,
    draws: int,
    settings: PhenotypeSettings,
    step: Callable[[int], None] = lambda done: None,
) -> list[dict[int, Stability]]:
    """Stability of the clusters of arms that share a space.

    Args:
        arms: the arms.
        data: the samples.
        clusters: of each arm, k -> cluster of each sample, int [n].
        group: patient of each sample [n].
        draws: bootstraps of patients.
        settings: of the arms; their seed is the first of the bootstraps.
        step: called with 1 after each.

    Returns:
        Of each arm, k -> Jaccard and dissolution of each cluster.
    """

    def run(draw: int) -> tuple[Array, list[dict[int, Array]]]:
        rows = bootstrap_rows(group, draw=draw, seed=settings.seed)
        seed = settings.seed + 1 + draw
        points = arms[0].fit_space(data.take(rows), settings=settings, seed=seed).points
        return rows, [
            {k: arm.divide(points, k, settings=settings, seed=seed).cluster.astype(np.int16) for k in own}
            for arm, own in zip(arms, clusters, strict=True)
        ]

    runs = []
    for one in map_pieces(run, range(draws)):
        runs.append(one)
        step(1)
    return [
        {k: bootstrap_stability(own[k], [(rows, found[i][k]) for rows, found in runs]) for k in own}
        for i, own in enumerate(clusters)
    ]


def strengths(
    arm: RepeatedArm,
    assign: Callable[[Partition, FittedSpace, ArmInput, ArmInput], Array],
    data: ArmInput,
    ks: Sequence[int],
    *,
    splits: int,
    settings: PhenotypeSettings,
    spaces: dict[bytes, FittedSpace],
) -> dict[int, Strength]:
    """Prediction strength of every k (Tibshirani, Walther 2005), each half fitted once for all k.

    Args:
        arm: the arm.
        assign: gives the cluster of samples (the last argument) that a partition was not fitted on; it is
            also given the space and the samples that it was.
        data: the samples.
        ks: numbers of clusters.
        splits: how often the samples are halved.
        settings: of the arm.
        spaces: the space fitted on each half, by its rows; filled here, and shared by arms of one space.
    """

    def fitted(k: int) -> Callable[[Array, int], tuple[Array, Callable[[Array], Array]]]:
        def fit(rows: Array, seed: int) -> tuple[Array, Callable[[Array], Array]]:
            key = rows.tobytes()
            if key not in spaces:
                spaces[key] = arm.fit_space(data.take(rows), settings=settings, seed=seed)
            space = spaces[key]
            found = arm.divide(space.points, k, settings=settings, seed=seed)
            return found.cluster, lambda others: assign(found, space, data.take(rows), data.take(others))

        return fit

    return {k: prediction_strength(data.n_samples, fitted(k), splits=splits, seed=settings.seed) for k in ks}
