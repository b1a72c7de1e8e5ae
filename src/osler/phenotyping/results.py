"""Everything that is found out about one arm: indices, stability, the k chosen, verdicts, cards, outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osler.measure.stability import Stability
from osler.phenotyping.assess import (
    STABILITY,
    VERDICTS,
    bootstrap_arm,
    judge,
    prediction_strengths,
    stability_table,
)
from osler.phenotyping.cards import EFFECTS, TESTS, effect_table, test_table
from osler.phenotyping.choose import Choice, choose_k
from osler.phenotyping.clustered import Clustered
from osler.phenotyping.data import ArmInput
from osler.phenotyping.gates import SUPPORTED, partition_verdict
from osler.phenotyping.partition import Array
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.surrogate import surrogate
from osler.phenotyping.tables import indices_row, member_table, outcome_table
from osler.represent.typed import TypedTable
from osler.task.labels import Labels

# Tables by file name, beside those of every clustering.
TABLES: dict[str, dict[str, pl.DataType]] = {
    "stability": STABILITY,
    "verdicts": VERDICTS,
    "effects": EFFECTS,
    "tests": TESTS,
}
NOT_ASSESSED = "not assessed"


@dataclass(frozen=True)
class Results:
    """What is known of one arm.

    Attributes:
        name: of the arm.
        choice: the k chosen.
        indices: a row per k.
        outcomes: a row per k and cluster.
        members: a row per k and sample.
        tables: by the names of `TABLES`, where there is one.
        supported: of each cluster of the k chosen, whether it is a phenotype by the gates; None: not judged.
        facts: of the chosen partition, as `phenotypes.json` has them.
    """

    name: str
    choice: Choice
    indices: pl.DataFrame
    outcomes: pl.DataFrame
    members: pl.DataFrame
    tables: dict[str, pl.DataFrame]
    supported: list[bool] | None
    facts: dict[str, Any]


def results_of(
    found: Clustered,
    data: ArmInput,
    labels: Labels,
    *,
    settings: PhenotypeSettings,
    lengths: Mapping[str, Array],
    described: TypedTable | None,
    step: Any = lambda done: None,
) -> Results:
    """Assess and describe the partitions of one arm.

    Args:
        found: the arm.
        data: the samples.
        labels: the same samples with the outcome that is held out.
        settings: how.
        lengths: by name, how long each record is [n].
        described: variables that describe clusters; None: they are not described.
        step: called with 1 after each bootstrap.
    """
    name, group = found.arm.name, labels.samples["group_id"].to_numpy()
    # A repeat is one run: how far runs from other seeds agree is known by now.
    classes = settings.lca.model_copy(update={"starts": settings.lca.refit_starts})
    repeated = settings.model_copy(update={"seeds": 1, "lca": classes})
    strength = prediction_strengths(found, data, settings=repeated) if settings.splits else {}
    stability: dict[int, Stability] = {}
    early = not found.arm.slow and settings.bootstraps > 0
    if early:
        stability = bootstrap_arm(
            found, data, list(found.partitions), group=group, settings=repeated, step=step
        )
    indices = _indices(found, strength, stability, settings=settings, lengths=lengths)
    choice = choose_k(indices, min_share=settings.min_share)
    if found.arm.finds_k:
        choice = Choice(next(iter(found.partitions)), stable=choice.stable)
    if not early and choice.k is not None and settings.slow_bootstraps > 0:
        stability = bootstrap_arm(found, data, [choice.k], group=group, settings=repeated, step=step)
        indices = _indices(found, strength, stability, settings=settings, lengths=lengths)
        choice = Choice(choice.k, stable=choose_k(indices, min_share=settings.min_share).stable)
    tables = {"stability": stability_table(name, stability)} if stability else {}
    facts: dict[str, Any] = {
        "chosen_k": choice.k,
        "stable": choice.stable,
        "silhouette_micro": None,
        "sizes": [],
    }
    supported: list[bool] | None = None
    if choice.k is not None:
        own = found.partitions[choice.k]
        references = settings.slow_references if found.arm.slow else settings.references
        if choice.k in stability and references:
            verdicts, tables["verdicts"] = judge(
                found,
                data,
                choice.k,
                stability[choice.k],
                length=_length(lengths, data),
                missing=_missing(data),
                settings=repeated,
            )
            supported = [one.outcome == SUPPORTED for one in verdicts]
            whole = partition_verdict(verdicts)
            facts |= {"verdict": whole.outcome, "reason": whole.reason}
        else:
            facts |= {"verdict": NOT_ASSESSED, "reason": "no bootstraps or no reference were asked for"}
        row = indices.filter(pl.col("k") == choice.k).row(0, named=True)
        facts["silhouette_micro"] = row["silhouette_micro"]
        facts["sizes"] = np.bincount(own.cluster[own.cluster >= 0], minlength=choice.k).tolist()
        if described is not None:
            used = np.full(len(described.variables), found.arm.needs_table)
            tables["effects"] = effect_table(name, own.cluster, described, used=used)
            tables["tests"] = test_table(name, own.cluster, described, used=np.ones_like(used))
            tree = surrogate(own.cluster, described, seed=settings.seed)
            facts["surrogate"] = None if tree is None else vars(tree)
    return Results(
        name=name,
        choice=choice,
        indices=indices.with_columns((pl.col("k") == (choice.k or -1)).alias("chosen")),
        outcomes=pl.concat([outcome_table(name, k, own, labels) for k, own in found.partitions.items()]),
        members=pl.concat(
            [
                member_table(name, k, own, labels, supported if k == choice.k else None)
                for k, own in found.partitions.items()
            ]
        ),
        tables=tables,
        supported=supported,
        facts=facts,
    )


def _indices(
    found: Clustered,
    strength: Mapping[int, Any],
    stability: Mapping[int, Stability],
    *,
    settings: PhenotypeSettings,
    lengths: Mapping[str, Array],
) -> pl.DataFrame:
    m = len(found.rows)
    scored = np.arange(m)
    if m > settings.scored:
        scored = np.sort(np.random.default_rng([settings.seed, m]).choice(m, settings.scored, replace=False))
    rows = []
    for k, own in found.partitions.items():
        row = indices_row(
            found.arm.name,
            k,
            own,
            points=found.fitted.points,
            rows=found.rows,
            scored=scored,
            lengths=lengths,
        )
        one, all_k = strength.get(k), stability.get(k)
        row["prediction_strength"] = one.mean if one is not None else float("nan")
        row["prediction_strength_error"] = one.error if one is not None else float("nan")
        row["jaccard_min"] = float(all_k.jaccard.min(initial=1)) if all_k is not None else float("nan")
        row["jaccard_mean"] = (
            float(all_k.jaccard.mean()) if all_k is not None and len(all_k.jaccard) else float("nan")
        )
        row["dissolved_max"] = float(all_k.dissolved.max(initial=0)) if all_k is not None else float("nan")
        rows.append(row)
    return pl.DataFrame(rows, schema_overrides={"length": pl.String}).with_columns(
        pl.col(pl.Float64).fill_nan(None)
    )


def _length(lengths: Mapping[str, Array], data: ArmInput) -> Array:
    """How long each record is: the first measure given, else the number of known variables."""
    if lengths:
        return np.asarray(next(iter(lengths.values())), dtype=np.float64)
    if data.table is not None:
        return np.asarray((~np.isnan(data.table.values)).sum(axis=1), dtype=np.float64)
    return np.zeros(data.n_samples)


def _missing(data: ArmInput) -> Array:
    if data.table is None:
        return np.zeros((data.n_samples, 0), dtype=bool)
    return np.asarray(np.isnan(data.table.values))
