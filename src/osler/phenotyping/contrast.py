"""The cluster whose outcome differs most from that of the others, at any number of clusters.

The rule by which k is chosen does not see the outcome, and a small group with a clinical meaning may lie in
another partition than the one chosen. So for each arm the cluster, of any k, whose outcome stands out most is
judged by the same gates, and told with what they say. The outcome picks which cluster that is, so its rate
flatters; the test of `compare` is corrected for every cluster that was looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osler.measure.stability import Stability
from osler.phenotyping.cards import effect_table
from osler.phenotyping.clustered import Clustered
from osler.phenotyping.gates import Gates, Verdict
from osler.phenotyping.names import name_table
from osler.phenotyping.tables import outcome_table
from osler.represent.typed import TypedTable
from osler.task.labels import Labels


@dataclass(frozen=True)
class Contrast:
    """A cluster of one arm.

    Attributes:
        k: number of clusters of its partition.
        cluster: which of them.
    """

    k: int
    cluster: int


def find_contrast(found: Clustered, labels: Labels, *, share: float = Gates().share) -> Contrast | None:
    """The cluster whose rate of the outcome is most standard errors away from that of the others.

    Args:
        found: the arm.
        labels: the samples, with the outcome.
        share: smallest share of the samples of a cluster that counts.

    Returns:
        The first of the smallest k among equals; None where no cluster is large enough, or the outcome is the
        same for all.
    """
    positive = labels.frame["boolean_value"].to_numpy().astype(np.float64)
    n, rate = len(positive), float(positive.mean())
    best, largest = None, 0.0
    for k, own in sorted(found.partitions.items()):
        for cluster in range(k):
            inside = own.cluster == cluster
            size = int(inside.sum())
            if not share * n <= size < n or not 0 < rate < 1:
                continue
            error = (rate * (1 - rate) * (1 / size + 1 / (n - size))) ** 0.5
            apart = abs(float(positive[inside].mean() - positive[~inside].mean())) / error
            if apart > largest:
                best, largest = Contrast(k, cluster), apart
    return best


def contrast_facts(
    found: Clustered,
    contrast: Contrast,
    labels: Labels,
    *,
    stability: Stability | None,
    verdicts: Sequence[Verdict] | None,
    described: TypedTable | None,
) -> dict[str, Any]:
    """What is told of the cluster.

    Args:
        found: the arm.
        contrast: the cluster.
        labels: the samples, with the outcome.
        stability: of its partition; None: it was not repeated.
        verdicts: of its partition; None: it was not judged.
        described: the variables that name it; None: it has no name.

    Returns:
        `k, cluster, n, n_events, rate, low, high` (Wilson's), patients as `tables.outcome_table` counts them,
        `jaccard`, `verdict`, `reason`, `name`.
    """
    k, cluster = contrast.k, contrast.cluster
    own = found.partitions[k]
    row = outcome_table(found.arm.name, k, own, labels).filter(pl.col("cluster") == cluster)
    facts = {name: value for name, value in row.row(0, named=True).items() if name != "arm"}
    facts["jaccard"] = None if stability is None else float(stability.jaccard[cluster])
    facts["verdict"] = None if verdicts is None else verdicts[cluster].outcome
    facts["reason"] = None if verdicts is None else verdicts[cluster].reason
    facts["name"] = None
    if described is not None:
        used = np.full(len(described.variables), found.arm.needs_table)
        effects = effect_table(found.arm.name, own.cluster, described, used=used)
        facts["name"] = name_table(effects, found.arm.name, k, None)["name"][cluster]
    return facts
