"""Everything that is found out about one arm: indices, stability, the k chosen, verdicts, cards, outcomes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osler.measure.stability import Stability
from osler.phenotyping.assess import (
    STABILITY,
    VERDICTS,
    bootstrap_arms,
    judge,
    prediction_strengths,
    references,
    stability_table,
)
from osler.phenotyping.cards import EFFECTS, TESTS, effect_table, test_table
from osler.phenotyping.choose import Choice, choose_k
from osler.phenotyping.classes import CLASSES, METHOD, RESIDUALS, class_tables
from osler.phenotyping.clustered import Clustered
from osler.phenotyping.contrast import Contrast, contrast_facts, find_contrast
from osler.phenotyping.data import ArmInput
from osler.phenotyping.gates import SUPPORTED, Verdict, partition_verdict
from osler.phenotyping.partition import Array
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.spaces import FittedSpace
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
    "classes": CLASSES,
    "residuals": RESIDUALS,
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
    clustered: Sequence[Clustered],
    data: ArmInput,
    labels: Labels,
    *,
    settings: PhenotypeSettings,
    lengths: Mapping[str, Array],
    described: TypedTable | None,
    step: Callable[[int], None] = lambda done: None,
) -> list[Results]:
    """Assess and describe the partitions of arms; those that share a space are repeated together.

    Args:
        clustered: the arms.
        data: the samples.
        labels: the same samples with the outcome that is held out.
        settings: how.
        lengths: by name, how long each record is [n].
        described: variables that describe clusters; None: they are not described.
        step: called with 1 after each bootstrap.

    Returns:
        One per arm, in their order.
    """
    assessed: dict[int, _Assessed] = {}
    for places in _together(clustered):
        of_space = [clustered[place] for place in places]
        found = _assess(of_space, data, labels, settings=settings, lengths=lengths, step=step)
        assessed |= dict(zip(places, found, strict=True))
    return [
        _describe(one, assessed[place], data, labels, settings=settings, described=described)
        for place, one in enumerate(clustered)
    ]


def _together(clustered: Sequence[Clustered]) -> list[list[int]]:
    """Places of the arms that are repeated together: of one space, and at the same k."""
    groups: dict[Any, list[int]] = {}
    for place, one in enumerate(clustered):
        groups.setdefault((one.arm.space_key, one.arm.slow), []).append(place)
    return list(groups.values())


@dataclass(frozen=True)
class _Assessed:
    """What repeats say of one arm.

    Attributes:
        indices: by k.
        stability: by k.
        choice: the k chosen.
        contrast: the cluster, of any k, whose outcome differs most.
        verdicts: by k, of the k chosen and of that of the contrast.
        verdict_table: the same as a table, or None.
    """

    indices: pl.DataFrame
    stability: dict[int, Stability]
    choice: Choice
    contrast: Contrast | None
    verdicts: dict[int, list[Verdict]]
    verdict_table: pl.DataFrame | None


def _assess(
    found: Sequence[Clustered],
    data: ArmInput,
    labels: Labels,
    *,
    settings: PhenotypeSettings,
    lengths: Mapping[str, Array],
    step: Callable[[int], None],
) -> list[_Assessed]:
    """Repeat the arms of one space: halves, bootstraps, data sets without clusters."""
    # A repeat is one run: how far runs from other seeds agree is known by now.
    classes = settings.lca.model_copy(update={"starts": settings.lca.refit_starts})
    repeated = settings.model_copy(update={"seeds": 1, "lca": classes})
    halves: dict[bytes, FittedSpace] = {}
    strengths = [
        prediction_strengths(one, data, settings=repeated, spaces=halves) if settings.splits else {}
        for one in found
    ]
    halves.clear()

    def chosen(stability: Sequence[dict[int, Stability]]) -> list[tuple[pl.DataFrame, Choice]]:
        tables = [
            _indices(one, strength, own, settings=settings, lengths=lengths)
            for one, strength, own in zip(found, strengths, stability, strict=True)
        ]
        return [(table, _choice(one, table, settings)) for one, table in zip(found, tables, strict=True)]

    stability: list[dict[int, Stability]] = [{} for _ in found]
    slow = found[0].arm.slow
    draws = settings.slow_bootstraps if slow else settings.bootstraps
    contrasts = [find_contrast(one, labels) for one in found]
    known = chosen(stability)
    if draws:
        # Of slow arms two k are repeated: the one that is chosen without, and that of the contrast.
        ks = [list(one.partitions) for one in found]
        if slow:
            ks = [_both(choice, of) for (_, choice), of in zip(known, contrasts, strict=True)]
        group = labels.samples["group_id"].to_numpy()
        stability = bootstrap_arms(found, data, ks, group=group, settings=repeated, step=step)
        if slow:
            first = [choice.k for _, choice in known]
            own = zip(stability, first, strict=True)
            known = chosen([{k: one[k]} if k is not None else {} for one, k in own])
            known = [
                (table, Choice(k, stable=choose_k(table.filter(pl.col("k") == k), min_share=0).stable))
                for (table, _), k in zip(known, first, strict=True)
            ]
        else:
            known = chosen(stability)
    wanted = [
        [k for k in _both(choice, of) if k in own]
        for (_, choice), of, own in zip(known, contrasts, stability, strict=True)
    ]
    judged = _judged(found, data, wanted, stability, lengths, repeated)
    return [
        _Assessed(table, own, choice, of, *verdicts)
        for (table, choice), own, of, verdicts in zip(known, stability, contrasts, judged, strict=True)
    ]


def _both(choice: Choice, contrast: Contrast | None) -> list[int]:
    """The k chosen, and that of the contrast."""
    found = {choice.k, None if contrast is None else contrast.k}
    return sorted(k for k in found if k is not None)


def _choice(found: Clustered, indices: pl.DataFrame, settings: PhenotypeSettings) -> Choice:
    choice = choose_k(indices, min_share=settings.min_share)
    return Choice(next(iter(found.partitions)), stable=choice.stable) if found.arm.finds_k else choice


def _judged(
    found: Sequence[Clustered],
    data: ArmInput,
    ks: Sequence[Sequence[int]],
    stability: Sequence[dict[int, Stability]],
    lengths: Mapping[str, Array],
    settings: PhenotypeSettings,
) -> list[tuple[dict[int, list[Verdict]], pl.DataFrame | None]]:
    """Verdicts on the clusters of some k of each arm of a space."""
    draws = settings.slow_references if found[0].arm.slow else settings.references
    wanted = [(i, k) for i, own in enumerate(ks) for k in own]
    if not draws or not wanted:
        return [({}, None) for _ in found]
    compared = references([found[i] for i, _ in wanted], data, [k for _, k in wanted], settings=settings)
    length, missing = _length(lengths, data), _missing(data)
    verdicts: list[dict[int, list[Verdict]]] = [{} for _ in found]
    tables: list[list[pl.DataFrame]] = [[] for _ in found]
    for (i, k), reference in zip(wanted, compared, strict=True):
        verdicts[i][k], table = judge(
            found[i],
            k,
            stability[i][k],
            reference,
            length=length,
            missing=missing,
            seed=settings.seed,
        )
        tables[i].append(table)
    return [
        (own, pl.concat(some).sort("k", "cluster") if some else None)
        for own, some in zip(verdicts, tables, strict=True)
    ]


def _describe(
    found: Clustered,
    assessed: _Assessed,
    data: ArmInput,
    labels: Labels,
    *,
    settings: PhenotypeSettings,
    described: TypedTable | None,
) -> Results:
    """Tables and facts of one arm."""
    name, choice = found.arm.name, assessed.choice
    tables = {"stability": stability_table(name, assessed.stability)} if assessed.stability else {}
    facts: dict[str, Any] = {
        "chosen_k": choice.k,
        "stable": choice.stable,
        "silhouette_micro": None,
        "sizes": [],
    }
    supported: list[bool] | None = None
    if assessed.verdict_table is not None:
        tables["verdicts"] = assessed.verdict_table
    if assessed.contrast is not None:
        of = assessed.contrast
        facts["contrast"] = contrast_facts(
            found,
            of,
            labels,
            stability=assessed.stability.get(of.k),
            verdicts=assessed.verdicts.get(of.k),
            described=described,
        )
    if choice.k is not None:
        own = found.partitions[choice.k]
        if choice.k in assessed.verdicts:
            verdicts = assessed.verdicts[choice.k]
            supported = [one.outcome == SUPPORTED for one in verdicts]
            whole = partition_verdict(verdicts)
            facts |= {"verdict": whole.outcome, "reason": whole.reason}
        else:
            facts |= {"verdict": NOT_ASSESSED, "reason": "no bootstraps or no reference were asked for"}
        row = assessed.indices.filter(pl.col("k") == choice.k).row(0, named=True)
        facts["silhouette_micro"] = row["silhouette_micro"]
        facts["sizes"] = np.bincount(own.cluster[own.cluster >= 0], minlength=choice.k).tolist()
        if found.arm.method == METHOD:
            tables |= class_tables(found, data, choice.k, settings=settings)
        if described is not None:
            used = np.full(len(described.variables), found.arm.needs_table)
            tables["effects"] = effect_table(name, own.cluster, described, used=used)
            tables["tests"] = test_table(name, own.cluster, described, used=np.ones_like(used))
            tree = surrogate(own.cluster, described, seed=settings.seed)
            facts["surrogate"] = None if tree is None else vars(tree)
    return Results(
        name=name,
        choice=choice,
        indices=assessed.indices.with_columns((pl.col("k") == (choice.k or -1)).alias("chosen")),
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
        known = all_k is not None and len(all_k.jaccard) > 0
        row["jaccard_min"] = float(all_k.jaccard.min()) if all_k and known else float("nan")
        row["jaccard_mean"] = float(all_k.jaccard.mean()) if all_k and known else float("nan")
        row["dissolved_max"] = float(all_k.dissolved.max()) if all_k and known else float("nan")
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
