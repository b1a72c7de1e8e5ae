"""What is known of an arm's partitions: whether their clusters come back, and a verdict on each."""

from collections.abc import Callable, Mapping

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
    found: Clustered, data: ArmInput, *, settings: PhenotypeSettings
) -> dict[int, Strength]:
    """Prediction strength of every k of an arm; of one that finds k by itself there is none."""
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
    )


def bootstrap_arm(
    found: Clustered,
    data: ArmInput,
    ks: list[int],
    *,
    group: Array,
    settings: PhenotypeSettings,
    step: Callable[[int], None],
) -> dict[int, Stability]:
    """Stability of some k of an arm over bootstraps of patients, on the samples that it was fitted on."""
    rows = found.rows
    clusters = {k: found.partitions[k].cluster[rows] for k in ks}
    draws = settings.slow_bootstraps if found.arm.slow else settings.bootstraps
    return bootstraps(
        found.arm, data.take(rows), clusters, group=group[rows], draws=draws, settings=settings, step=step
    )


def judge(
    found: Clustered,
    data: ArmInput,
    k: int,
    stability: Stability,
    *,
    length: Array,
    missing: Array,
    settings: PhenotypeSettings,
) -> tuple[list[Verdict], pl.DataFrame]:
    """The verdict on each cluster of a partition (`osler.phenotyping.gates`).

    Args:
        found: the arm.
        data: the samples.
        k: number of clusters.
        stability: of its bootstraps.
        length: how long each record or text is, [n].
        missing: which values are missing, bool [n, p]; p may be 0.
        settings: `references`, the number of data sets without clusters.

    Returns:
        The verdicts, and a row for each: `VERDICTS`.
    """
    rows, own = found.rows, found.partitions[k].cluster
    draws = settings.slow_references if found.arm.slow else settings.references
    coordinates, reference = _reference(found, data.take(rows), k, draws=draws, settings=settings)
    known = evidence(
        own[rows],
        stability=stability,
        coordinates=coordinates,
        reference=reference,
        length=length[rows],
        missing=missing[rows],
        seed=settings.seed,
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


def _reference(
    found: Clustered, data: ArmInput, k: int, *, draws: int, settings: PhenotypeSettings
) -> tuple[Array, list[Array]]:
    """Coordinates in which clusters are scored, and separations of the same arm on data without clusters.

    Arms on variables are refitted on drawn tables. Arms on vectors are refitted on vectors drawn in the
    fitted space: what is before it may be sparse and has no normal reference.
    """
    if found.arm.needs_table:

        def on_table(samples: ArmInput, seed: int) -> Array:
            fitted = found.arm.fit_space(samples, settings=settings, seed=seed)
            return found.arm.divide(fitted.points, k, settings=settings, seed=seed).cluster

        def scored(samples: ArmInput) -> Array:
            return table_coordinates(samples.variables())

        drawn = input_reference(ArmInput(table=data.variables()))
        return scored(data), reference_separations(drawn, on_table, scored, draws=draws, seed=settings.seed)

    def on_vectors(points: Array, seed: int) -> Array:
        return found.arm.divide(Points(coordinates=points), k, settings=settings, seed=seed).cluster

    own = found.fitted.points.euclidean()
    reference = vector_reference(own)
    return own.astype(np.float64), reference_separations(
        reference.draw, on_vectors, lambda points: points.astype(np.float64), draws=draws, seed=settings.seed
    )


def stability_table(name: str, stability: Mapping[int, Stability]) -> pl.DataFrame:
    """A row for each cluster that was bootstrapped: `STABILITY`."""
    rows = [
        (name, k, number, *numbers)
        for k, one in stability.items()
        for number, numbers in enumerate(zip(one.jaccard, one.dissolved, one.runs, strict=True))
    ]
    return pl.DataFrame(rows, schema=STABILITY, orient="row").with_columns(pl.col(pl.Float64).fill_nan(None))
