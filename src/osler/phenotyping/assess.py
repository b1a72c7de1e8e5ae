"""What is known of an arm's partitions: whether their clusters come back, and a verdict on each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from osler.measure.stability import Stability, Strength
from osler.phenotyping import exemplars
from osler.phenotyping.clustered import Clustered, assign_new, shown
from osler.phenotyping.data import ArmInput
from osler.phenotyping.evidence import evidence, input_reference, reference_separations
from osler.phenotyping.gates import Verdict, cluster_verdicts
from osler.phenotyping.partition import Array, Partition
from osler.phenotyping.points import Points
from osler.phenotyping.reference import vector_reference
from osler.phenotyping.repeat import bootstraps, strengths
from osler.phenotyping.separation import table_coordinates
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.spaces import FittedSpace

STABILITY: dict[str, pl.DataType] = {
    "arm": pl.String(),
    "k": pl.Int64(),
    "cluster": pl.Int64(),
    "jaccard": pl.Float64(),
    "dissolved": pl.Float64(),
    "bootstraps": pl.Int64(),
}
VERDICTS: dict[str, pl.DataType] = {
    "arm": pl.String(),
    "k": pl.Int64(),
    "cluster": pl.Int64(),
    "verdict": pl.String(),
    "reason": pl.String(),
    "explained": pl.Float64(),
    "p_reference": pl.Float64(),
    "gap": pl.Float64(),
}


def prediction_strengths(
    found: Clustered, data: ArmInput, *, settings: PhenotypeSettings, spaces: dict[bytes, FittedSpace]
) -> dict[int, Strength]:
    """Prediction strength of every k of an arm; of one that finds k by itself there is none.

    Args:
        found: the arm.
        data: the samples.
        settings: of a repeat.
        spaces: the space fitted on each half, shared by arms of one space.
    """
    if found.arm.finds_k:
        return {}

    def assign(own: Partition, fitted: FittedSpace, fitted_on: ArmInput, new: ArmInput) -> Array:
        by = None if found.arm.closed_form else exemplars.fit(shown(fitted_on), own)
        return assign_new(found.arm, fitted, own, new, by)[0]

    return strengths(
        found.arm,
        assign,
        data.take(found.rows),
        list(found.partitions),
        splits=settings.splits,
        settings=settings,
        spaces=spaces,
    )


def bootstrap_arms(
    found: Sequence[Clustered],
    data: ArmInput,
    ks: Sequence[Sequence[int]],
    *,
    group: Array,
    settings: PhenotypeSettings,
    step: Callable[[int], None],
) -> list[dict[int, Stability]]:
    """Stability of some k of each of the arms of one space, on the samples that they were fitted on."""
    rows = found[0].rows
    return bootstraps(
        [one.arm for one in found],
        data.take(rows),
        [{k: one.partitions[k].cluster[rows] for k in own} for one, own in zip(found, ks, strict=True)],
        group=group[rows],
        draws=settings.slow_bootstraps if found[0].arm.slow else settings.bootstraps,
        settings=settings,
        step=step,
    )


@dataclass(frozen=True)
class Reference:
    """What clusters are compared with.

    Attributes:
        coordinates: the samples in the space in which clusters are scored, float64 [n, q].
        separations: of the clusters of an arm in each data set without clusters, float64 [k, 4] each.
    """

    coordinates: Array
    separations: list[Array]


def references(
    found: Sequence[Clustered], data: ArmInput, ks: Sequence[int], *, settings: PhenotypeSettings
) -> list[Reference]:
    """Data sets without clusters, clustered by each of the arms of one space with its own k.

    Arms on variables are refitted on drawn tables. Arms on vectors are refitted on vectors drawn in the
    fitted space: what is before it may be sparse and has no normal reference.
    """
    fitted_on = data.take(found[0].rows)
    draws = settings.slow_references if found[0].arm.slow else settings.references
    arms = [(one.arm, k) for one, k in zip(found, ks, strict=True)]

    def divided(points: Points, seed: int) -> list[Array]:
        return [one.divide(points, k, settings=settings, seed=seed).cluster for one, k in arms]

    if arms[0][0].needs_table:

        def on_table(samples: ArmInput, seed: int) -> list[Array]:
            return divided(arms[0][0].fit_space(samples, settings=settings, seed=seed).points, seed)

        def scored(samples: ArmInput) -> Array:
            return table_coordinates(samples.variables())

        coordinates = scored(fitted_on)
        drawn = input_reference(ArmInput(table=fitted_on.variables()))
        separations = reference_separations(drawn, on_table, scored, draws=draws, seed=settings.seed)
    else:
        own = found[0].fitted.points.euclidean()
        coordinates = own.astype(np.float64)
        separations = reference_separations(
            vector_reference(own).draw,
            lambda points, seed: divided(Points(coordinates=points), seed),
            lambda points: points.astype(np.float64),
            draws=draws,
            seed=settings.seed,
        )
    return [Reference(coordinates, one) for one in separations]


def judge(
    found: Clustered,
    k: int,
    stability: Stability,
    reference: Reference,
    *,
    length: Array,
    missing: Array,
    seed: int,
) -> tuple[list[Verdict], pl.DataFrame]:
    """The verdict on each cluster of a partition (`osler.phenotyping.gates`).

    Args:
        found: the arm.
        k: number of clusters.
        stability: of its bootstraps.
        reference: of its data sets without clusters.
        length: how long each record or text is, [n].
        missing: which values are missing, bool [n, p]; p may be 0.
        seed: of folds and halves.

    Returns:
        The verdicts, and a row for each: `VERDICTS`.
    """
    rows, own = found.rows, found.partitions[k].cluster
    known = evidence(
        own[rows],
        stability=stability,
        coordinates=reference.coordinates,
        reference=reference.separations,
        length=length[rows],
        missing=missing[rows],
        seed=seed,
    )
    verdicts = cluster_verdicts(known)
    table = pl.DataFrame(
        [
            (found.arm.name, k, number, verdict.outcome, verdict.reason, *numbers)
            for number, (verdict, *numbers) in enumerate(
                zip(verdicts, known.explained, known.p, known.gap, strict=True)
            )
        ],
        schema=VERDICTS,
        orient="row",
    )
    return verdicts, table.with_columns(pl.col(pl.Float64).fill_nan(None))


def stability_table(name: str, stability: Mapping[int, Stability]) -> pl.DataFrame:
    """A row for each cluster that was bootstrapped: `STABILITY`."""
    rows = [
        (name, k, number, *numbers)
        for k, one in stability.items()
        for number, numbers in enumerate(zip(one.jaccard, one.dissolved, one.runs, strict=True))
    ]
    return pl.DataFrame(rows, schema=STABILITY, orient="row").with_columns(pl.col(pl.Float64).fill_nan(None))
