"""Everything that is found out about one arm: indices, stability, the k chosen, verdicts, cards, outcomes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osler.phenotyping.assess import STABILITY, VERDICTS, stability_table
from osler.phenotyping.assessed import Assessed, assess
from osler.phenotyping.cards import EFFECTS, TESTS, effect_table, test_table
from osler.phenotyping.choose import Choice
from osler.phenotyping.classes import CLASSES, METHOD, RESIDUALS, class_tables
from osler.phenotyping.clustered import Clustered
from osler.phenotyping.contrast import contrast_facts
from osler.phenotyping.data import ArmInput
from osler.phenotyping.gates import SUPPORTED, partition_verdict
from osler.phenotyping.partition import Array
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.surrogate import surrogate
from osler.phenotyping.tables import member_table, outcome_table
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
    assessed: dict[int, Assessed] = {}
    for places in _together(clustered):
        of_space = [clustered[place] for place in places]
        found = assess(of_space, data, labels, settings=settings, lengths=lengths, step=step)
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


def _describe(
    found: Clustered,
    assessed: Assessed,
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
