"""Clustering the samples of a task, by their variables or one representation, over a range of k.

The outcome is held out: it meets the clusters only in the table of outcomes. k is chosen by a stated rule,
and the summary says what that rule does not show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json, write_json, write_parquet
from osler.base.hashing import hash_json
from osler.base.output import Output
from osler.base.progress import bar, note
from osler.models.servers.chat import Chat
from osler.phenotyping import describe
from osler.phenotyping.arms import ARMS
from osler.phenotyping.arms import arm as load_arm
from osler.phenotyping.choose import RULE
from osler.phenotyping.chosen import write_chosen
from osler.phenotyping.clustered import Clustered, cluster_arms
from osler.phenotyping.data import ArmInput
from osler.phenotyping.follow_up import FollowUp
from osler.phenotyping.model import save_model
from osler.phenotyping.names import open_namer
from osler.phenotyping.partition import Array
from osler.phenotyping.results import TABLES, results_of
from osler.phenotyping.separation import table_coordinates
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.spaces.vectors import project
from osler.record.schema import SAMPLE_KEY
from osler.represent.features import Features
from osler.represent.typed import TypedTable
from osler.statements.read import open_texts
from osler.task.labels import Labels
from osler.task.samples import count_patients

FORMAT_VERSION = 1
VERSION = 5
CAUTION = (
    "The silhouette compares numbers of clusters within one space only. It does not show that there are "
    "clusters: a continuum, too, is divided into k parts. A cluster is called a phenotype only where it "
    "passes the gates."
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
        verdict: arm -> `supported`, `severity stratum`, `not supported` or `not assessed`.
        caution: what the numbers do not show.
    """

    path: Path
    representation: str
    chosen: dict[str, int | None]
    n_samples: int
    silhouette: dict[str, float | None]
    sizes: dict[str, list[int]]
    verdict: dict[str, str | None]
    caution: str


def fit_phenotypes(
    labels: Labels,
    features: Features | None,
    out: Path,
    *,
    settings: PhenotypeSettings,
    table: TypedTable | None = None,
    variables: Features | None = None,
    lengths: Mapping[str, Array] | None = None,
    source: Mapping[str, Any] | None = None,
    follow: FollowUp | None = None,
    texts: Path | None = None,
    cautions: Sequence[str] = (),
) -> PhenotypesSummary:
    """Cluster the samples of a task; a folder that holds this work already is only read.

    Args:
        labels: the samples, and the outcome that is held out.
        features: the representation; one row per sample, in the order of `labels.frame`. None: the variables
            of `table` are clustered.
        out: folder of the results.
        settings: how.
        table: the variables of the same samples: clustered where there is no representation, and described
            in either case.
        variables: interpretable features of the same samples to describe the clusters by; None: `features`
            where it has value columns.
        lengths: by name, a measure of how long each record is [n]; tells clusters of length from clusters of
            content. A sparse representation brings the number of its stored cells by itself.
        source: what the representation was made from (encoder, pooling), kept with the model.
        follow: follow-up of the same samples, for survival by cluster; None: it is not looked at.
        texts: folder of texts of the samples, for the exemplar patients; None: they are written from the
            variables of `table`.
        cautions: what of the input may make clusters that are not of the patients
            (`osler.phenotyping.cautions`); told before the work begins and kept with the result.

    Returns:
        The summary, read back from the folder.

    Raises:
        InputError: rows do not match, an arm takes what was not given, or there are fewer distinct samples
            than clusters.
    """
    data = ArmInput(table=table, features=features)
    for given in (features, table):
        if given is not None and given.n_samples != labels.frame.height:
            raise InputError(
                f"'{data.name}' does not have one row per sample ({labels.frame.height:,})",
                count=given.n_samples,
                remedy="make it for these labels",
            )
    _require_arms(settings, data)
    if variables is None and features is not None and bool(np.any(features.value_columns)):
        variables = features
    lengths = dict(lengths or {})
    if features is not None and hasattr(features.matrix, "indptr"):
        lengths["stored cells"] = np.diff(features.matrix.indptr)
    job = Output(out, key=_key(labels, data, settings, variables, lengths, source, follow, texts, cautions))
    if not job.complete:
        require_distinct(data, settings)
        for sentence in cautions:
            note(sentence)
        chat = open_namer(settings.names)
        with job as part:
            _write(
                part,
                labels,
                data,
                settings=settings,
                variables=variables,
                lengths=lengths,
                source=source,
                follow=follow,
                texts=texts,
                chat=chat,
                cautions=cautions,
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
        verdict={name: facts.get("verdict") for name, facts in arms.items()},
        caution=stored["caution"],
    )


def _write(
    part: Path,
    labels: Labels,
    data: ArmInput,
    *,
    settings: PhenotypeSettings,
    variables: Features | None,
    lengths: Mapping[str, Array],
    source: Mapping[str, Any] | None,
    follow: FollowUp | None,
    texts: Path | None,
    chat: Chat | None,
    cautions: Sequence[str],
) -> None:
    group = labels.samples["group_id"].to_numpy()
    low, high = settings.k
    with bar("clusters", total=len(settings.arms) * (high - low + 1)) as step:
        clustered = cluster_arms(data, settings=settings, step=step)
    found = results_of(clustered, data, labels, settings=settings, lengths=lengths, described=data.table)
    differences = describe.Differences(variables, group=group) if variables is not None else None
    described = [
        differences.of(partition.cluster, k=k, arm=one.arm.name, show=settings.variables)
        for one in clustered
        for k, partition in one.partitions.items()
        if differences is not None and (partition.cluster >= 0).all()
    ]
    chosen = {one.name: one.choice.k for one in found}
    survival = write_chosen(
        part,
        clustered,
        found,
        labels,
        data,
        most=settings.exemplars,
        texts=texts,
        follow=follow,
        chat=chat,
    )
    write_parquet(part / "indices.parquet", pl.concat([one.indices for one in found]))
    write_parquet(part / "outcomes.parquet", pl.concat([one.outcomes for one in found]))
    write_parquet(part / "phenotypes.parquet", pl.concat([one.members for one in found]), private=True)
    for name, schema in TABLES.items():
        tables = [one.tables[name] for one in found if name in one.tables]
        write_parquet(part / f"{name}.parquet", pl.concat(tables) if tables else pl.DataFrame(schema=schema))
    write_parquet(
        part / "describe.parquet", pl.concat(described) if described else pl.DataFrame(schema=describe.SCHEMA)
    )
    flat = project(_flat(clustered, data))
    places = labels.frame.select(SAMPLE_KEY).with_columns(x=pl.Series(flat[:, 0]), y=pl.Series(flat[:, 1]))
    write_parquet(part / "map.parquet", places, private=True)
    saved = save_model(
        part,
        data=data,
        clustered=clustered,
        settings=settings,
        chosen=chosen,
        supported={one.name: one.supported for one in found if one.supported is not None},
        source=source,
        group=group,
    )
    write_json(
        part / "phenotypes.json",
        {
            "format_version": FORMAT_VERSION,
            "task": labels.name,
            "representation": data.name,
            "settings": settings.plain(),
            "n_samples": data.n_samples,
            **count_patients(group, labels.frame["boolean_value"].to_numpy()),
            "n_scored": min(settings.scored, data.n_samples),
            "rate": labels.n_events / labels.frame.height,
            "described_by": variables.name if variables is not None else None,
            "lengths": list(lengths),
            "saved": saved,
            "survival": survival,
            "arms": {one.name: one.facts for one in found},
            "rule": RULE.format(share=settings.min_share),
            "caution": CAUTION,
            "cautions": list(cautions),
        },
    )


def _flat(clustered: Sequence[Clustered], data: ArmInput) -> Array:
    """Coordinates of all samples for the map: of the first arm that has them for all, else the variables."""
    for one in clustered:
        coordinates = one.fitted.points.coordinates
        if coordinates is not None and len(coordinates) == data.n_samples:
            return coordinates
    return table_coordinates(data.variables())


def _require_arms(settings: PhenotypeSettings, data: ArmInput) -> None:
    on_table = data.features is None
    others = [name for name in settings.arms if load_arm(name).needs_table != on_table]
    if others:
        given, needed = ("variables", "a representation") if on_table else ("a representation", "variables")
        raise InputError(
            f"these arms cluster {needed}, and {given} were given: {', '.join(others)}",
            where="phenotype.arms",
            allowed=[name for name, one in ARMS.items() if one.needs_table == on_table],
            remedy=f"name arms on {given}",
        )


def require_distinct(data: ArmInput, settings: PhenotypeSettings) -> None:
    """Refuse fewer distinct samples than clusters, and a representation with missing values."""
    matrix = data.variables().values if data.features is None else data.features.matrix
    stored = matrix if isinstance(matrix, np.ndarray) else matrix.data
    if data.features is not None and not np.isfinite(stored).all():
        raise InputError(
            f"representation '{data.name}' has missing or infinite values",
            count=int((~np.isfinite(stored)).sum()),
            remedy="cluster a representation without missing values",
        )
    distinct = len(_distinct(matrix))
    if distinct <= settings.k[1]:
        raise InputError(
            f"{distinct:,} distinct samples cannot make {settings.k[1]} clusters",
            where=f"'{data.name}', phenotype.k",
            allowed=[f"at most {distinct - 1}"] if distinct > 2 else [],
            remedy="lower the largest k, or take more samples",
        )


def _distinct(matrix: Any) -> set[bytes]:
    """Rows that differ, by their bytes."""
    if isinstance(matrix, np.ndarray):
        whole = np.ascontiguousarray(matrix)
        return {row.tobytes() for row in whole}
    sparse = matrix.tocsr()
    ends = sparse.indptr
    return {sparse.indices[a:b].tobytes() + sparse.data[a:b].tobytes() for a, b in pairwise(ends)}


def _key(
    labels: Labels,
    data: ArmInput,
    settings: PhenotypeSettings,
    variables: Features | None,
    lengths: Mapping[str, Array],
    source: Mapping[str, Any] | None,
    follow: FollowUp | None,
    texts: Path | None,
    cautions: Sequence[str],
) -> str:
    return hash_json(
        {
            "labels": labels.hash,
            "features": None if data.features is None else matrix_hash(data.features),
            "table": None if data.table is None else table_hash(data.table),
            "variables": matrix_hash(variables) if variables is not None else None,
            "lengths": {name: np.asarray(length, dtype=float).tolist() for name, length in lengths.items()},
            "settings": settings.plain(),
            "source": None if source is None else dict(source),
            "texts": None if texts is None else open_texts(texts).hash,
            "follow": None if follow is None else follow.hash,
            "cautions": list(cautions),
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


def table_hash(table: TypedTable) -> str:
    """Hash of the variables and every value of a typed table."""
    from dataclasses import asdict

    from osler.base.hashing import hash_bytes

    cells = hash_bytes(np.ascontiguousarray(table.values).tobytes())
    return hash_json({"variables": [asdict(variable) for variable in table.variables], "cells": cells})
