"""Clustering the samples of a task in one representation, over a range of k.

The outcome is held out: it meets the clusters only in the table of outcomes. k is chosen by a stated rule,
and the summary says what that rule does not show.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json, write_json, write_parquet
from osler.base.hashing import hash_json
from osler.base.output import Output
from osler.base.progress import bar
from osler.phenotyping import describe
from osler.phenotyping.arms import ARMS
from osler.phenotyping.arms import arm as load_arm
from osler.phenotyping.data import ArmInput
from osler.phenotyping.model import save_model
from osler.phenotyping.partition import Array, Partition
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.spaces import vectors
from osler.phenotyping.spaces.vectors import project
from osler.phenotyping.tables import choose_k, indices_row, member_table, outcome_table
from osler.record.schema import SAMPLE_KEY
from osler.represent.features import Features
from osler.task.labels import Labels
from osler.task.samples import count_patients

FORMAT_VERSION = 1
VERSION = 2
RULE = (
    "the highest mean silhouette among the k whose smallest cluster holds at least {share:.0%} of the samples"
)
CAUTION = (
    "The silhouette compares numbers of clusters within this representation only. It does not show that "
    "there are clusters: a continuum, too, is divided into k parts. Whether a phenotype is supported was "
    "not assessed."
)


@dataclass(frozen=True)
class PhenotypesSummary:
    """What a clustering came to.

    Attributes:
        path: the folder.
        representation: name of the representation.
        chosen: arm -> k chosen, or None where no k meets the rule.
        n_samples: number of samples.
        silhouette: arm -> mean silhouette of the chosen k.
        sizes: arm -> sizes of the clusters of the chosen k.
        caution: what the numbers do not show.
    """

    path: Path
    representation: str
    chosen: dict[str, int | None]
    n_samples: int
    silhouette: dict[str, float | None]
    sizes: dict[str, list[int]]
    caution: str


def fit_phenotypes(
    labels: Labels,
    features: Features,
    out: Path,
    *,
    settings: PhenotypeSettings,
    variables: Features | None = None,
    lengths: Mapping[str, Array] | None = None,
    source: Mapping[str, Any] | None = None,
) -> PhenotypesSummary:
    """Cluster the samples of a task; a folder that holds this work already is only read.

    Args:
        labels: the samples, and the outcome that is held out.
        features: the representation; one row per sample, in the order of `labels.frame`.
        out: folder of the results.
        settings: how.
        variables: interpretable features of the same samples to describe the clusters by; None: `features`
            where it has value columns, else clusters are not described.
        lengths: by name, a measure of how long each record is [n]; tells clusters of length from clusters of
            content. A sparse representation brings the number of its stored cells by itself.
        source: what the representation was made from (encoder, pooling), kept with the model.

    Returns:
        The summary, read back from the folder.

    Raises:
        InputError: rows do not match, or there are fewer distinct samples than clusters.
    """
    if features.n_samples != labels.frame.height:
        raise InputError(
            f"representation '{features.name}' does not have one row per sample ({labels.frame.height:,})",
            count=features.n_samples,
            remedy="make it for these labels",
        )
    if variables is None and bool(np.any(features.value_columns)):
        variables = features
    lengths = dict(lengths or {})
    if hasattr(features.matrix, "indptr"):
        lengths["stored cells"] = np.diff(features.matrix.indptr)
    job = Output(out, key=_key(labels, features, settings, variables, lengths, source))
    if not job.complete:
        with job as part:
            _write(
                part, labels, features, settings=settings, variables=variables, lengths=lengths, source=source
            )
    return read_summary(out)


def read_summary(path: Path) -> PhenotypesSummary:
    """The summary of a folder of phenotypes."""
    stored = read_json(path / "phenotypes.json")
    arms = stored["arms"]
    return PhenotypesSummary(
        path=path,
        representation=stored["representation"],
        chosen={name: facts["chosen_k"] for name, facts in arms.items()},
        n_samples=stored["n_samples"],
        silhouette={name: facts["silhouette_micro"] for name, facts in arms.items()},
        sizes={name: facts["sizes"] for name, facts in arms.items()},
        caution=stored["caution"],
    )


def _write(
    part: Path,
    labels: Labels,
    features: Features,
    *,
    settings: PhenotypeSettings,
    variables: Features | None,
    lengths: Mapping[str, Array],
    source: Mapping[str, Any] | None,
) -> None:
    _require_vectors(settings)
    fitted = vectors.fit(ArmInput(features=features), settings=settings, seed=settings.seed)
    space = fitted.points.euclidean()
    _require_distinct(space, settings, features.name)
    scored = _draw(len(space), settings)
    group = labels.samples["group_id"].to_numpy()
    differences = describe.Differences(variables, group=group) if variables is not None else None
    low, high = settings.k
    rows, outcomes, members, described = [], [], [], []
    partitions: dict[tuple[str, int], Partition] = {}
    with bar("clusters", total=len(settings.arms) * (high - low + 1)) as step:
        for name in settings.arms:
            for k in range(low, high + 1):
                partition = load_arm(name).divide(fitted.points, k, settings=settings, seed=settings.seed)
                partitions[name, k] = partition
                rows.append(indices_row(name, k, partition, space=space, scored=scored, lengths=lengths))
                outcomes.append(outcome_table(name, k, partition, labels))
                members.append(member_table(name, k, partition, labels))
                if differences is not None:
                    described.append(
                        differences.of(partition.cluster, k=k, arm=name, show=settings.variables)
                    )
                step(1)
    indices = pl.DataFrame(rows, schema_overrides={"length": pl.String}).with_columns(
        pl.col(pl.Float64).fill_nan(None)
    )
    chosen: dict[str, int | None] = {
        name: choose_k(indices.filter(pl.col("arm") == name), min_share=settings.min_share)
        for name in settings.arms
    }
    is_chosen = pl.struct("arm", "k").is_in(
        [{"arm": name, "k": k} for name, k in chosen.items() if k is not None]
    )
    write_parquet(part / "indices.parquet", indices.with_columns(is_chosen.alias("chosen")))
    write_parquet(part / "outcomes.parquet", pl.concat(outcomes))
    write_parquet(part / "phenotypes.parquet", pl.concat(members), private=True)
    write_parquet(
        part / "describe.parquet", pl.concat(described) if described else pl.DataFrame(schema=describe.SCHEMA)
    )
    flat = project(space)
    places = labels.frame.select(SAMPLE_KEY).with_columns(x=pl.Series(flat[:, 0]), y=pl.Series(flat[:, 1]))
    write_parquet(part / "map.parquet", places, private=True)
    saved = save_model(
        part,
        features=features,
        transformer=fitted.transformer,
        space=fitted.space,
        partitions=partitions,
        chosen=chosen,
        source=source,
    )
    write_json(
        part / "phenotypes.json",
        {
            "format_version": FORMAT_VERSION,
            "task": labels.name,
            "representation": features.name,
            "settings": settings.plain(),
            "n_samples": len(space),
            **count_patients(group, labels.frame["boolean_value"].to_numpy()),
            "n_scored": len(scored),
            "dimensions": int(space.shape[1]),
            "rate": labels.n_events / labels.frame.height,
            "described_by": variables.name if variables is not None else None,
            "lengths": list(lengths),
            "saved": saved,
            "arms": {name: _facts(name, k, indices, partitions) for name, k in chosen.items()},
            "rule": RULE.format(share=settings.min_share),
            "supported": None,
            "caution": CAUTION,
        },
    )


def _facts(
    name: str, k: int | None, indices: pl.DataFrame, partitions: Mapping[tuple[str, int], Partition]
) -> dict[str, Any]:
    if k is None:
        return {"chosen_k": None, "silhouette_micro": None, "sizes": []}
    row = indices.filter((pl.col("arm") == name) & (pl.col("k") == k)).row(0, named=True)
    return {
        "chosen_k": k,
        "silhouette_micro": row["silhouette_micro"],
        "sizes": np.bincount(partitions[name, k].cluster, minlength=k).tolist(),
    }


def _require_vectors(settings: PhenotypeSettings) -> None:
    others = [name for name in settings.arms if load_arm(name).needs_table]
    if others:
        raise InputError(
            f"these arms cluster typed variables, and a representation was given: {', '.join(others)}",
            where="phenotype.arms",
            allowed=[name for name, one in ARMS.items() if not one.needs_table],
            remedy="name arms on a representation",
        )


def _require_distinct(space: Array, settings: PhenotypeSettings, representation: str) -> None:
    if not np.isfinite(space).all():
        raise InputError(
            f"representation '{representation}' has missing or infinite values",
            count=int((~np.isfinite(space)).any(axis=1).sum()),
            remedy="cluster a representation without missing values",
        )
    distinct = len(np.unique(space, axis=0))
    if distinct <= settings.k[1]:
        raise InputError(
            f"{distinct:,} distinct samples cannot make {settings.k[1]} clusters",
            where=f"representation '{representation}', phenotype.k",
            allowed=[f"at most {distinct - 1}"] if distinct > 2 else [],
            remedy="lower the largest k, or take more samples",
        )


def _draw(n: int, settings: PhenotypeSettings) -> Array:
    if n <= settings.scored:
        return np.arange(n)
    rng = np.random.default_rng([settings.seed, n])
    return np.sort(rng.choice(n, settings.scored, replace=False))


def _key(
    labels: Labels,
    features: Features,
    settings: PhenotypeSettings,
    variables: Features | None,
    lengths: Mapping[str, Array],
    source: Mapping[str, Any] | None,
) -> str:
    return hash_json(
        {
            "labels": labels.hash,
            "features": matrix_hash(features),
            "variables": matrix_hash(variables) if variables is not None else None,
            "lengths": {name: np.asarray(length, dtype=float).tolist() for name, length in lengths.items()},
            "settings": settings.plain(),
            "source": None if source is None else dict(source),
            "version": VERSION,
        }
    )


def matrix_hash(features: Features) -> str:
    """Hash of the name, the columns and every cell of a representation."""
    from osler.base.hashing import hash_bytes

    matrix = features.matrix
    if hasattr(matrix, "indptr"):
        parts = [matrix.data, matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64)]
    else:
        parts = [matrix]
    cells = [hash_bytes(np.ascontiguousarray(part).tobytes()) for part in parts]
    return hash_json({"name": features.name, "names": list(features.names), "cells": cells})
