"""How a new cohort lies among the clusters of a fit: shares and typicality of both, side by side."""

import math
from typing import Any

from osler.measure.intervals import Interval
from osler.measure.shares import cluster_means, cluster_shares, shares_test
from osler.phenotyping.assigning import Assignment
from osler.phenotyping.model import Model
from osler.phenotyping.partition import Array


def drift(model: Model, found: Assignment, *, group: Array, seed: int = 0) -> dict[str, Any]:
    """Shares and mean typicality of each cluster in the fit and in new samples, and a test of the shares.

    Args:
        model: the clustering.
        found: the new samples' clusters.
        group: patient of each new sample [n].
        seed: of the draws.

    The fitted samples are taken as they would be assigned, so that like is compared with like: exemplars give
    back most of the fitted clusters, not all.

    Returns:
        `clusters`: of each, its `fit` and `new` share and mean typicality with limits. `typicality`: the mean
        over all samples of both: a half in the fit, a little less for new samples of the same kind (the
        clusters were made to fit the others), and less the more unlike they are. `test`: that both cohorts
        have the same shares (`SharesTest`); it holds for other patients than the fitted ones.
    """
    saved = model.partitions[found.arm, found.k]
    sides = {
        "fit": (saved.cluster, saved.typicality, model.patient),
        "new": (found.cluster, found.typicality, group),
    }
    clusters: list[dict[str, Any]] = [{"cluster": number} for number in range(found.k)]
    typical = {}
    for side, (cluster, typicality, patient) in sides.items():
        shares = cluster_shares(cluster, found.k, group=patient, seed=seed)
        whole, means = cluster_means(typicality, cluster, found.k, group=patient, seed=seed)
        typical[side] = _plain(whole)
        for number, (share, mean) in enumerate(zip(shares, means, strict=True)):
            n = int((cluster == number).sum())
            clusters[number][side] = {"n": n, "share": _plain(share), "typicality": _plain(mean)}
    test = shares_test(saved.cluster, found.cluster, first_group=model.patient, second_group=group, seed=seed)
    return {
        "clusters": clusters,
        "typicality": typical,
        "test": {
            "name": test.test,
            "statistic": known(test.statistic),
            "p": known(test.p),
            "cramers_v": known(test.v),
        },
    }


def known(value: float) -> float | None:
    """A number for JSON; None for what is not known."""
    return float(value) if math.isfinite(value) else None


def _plain(interval: Interval) -> dict[str, Any]:
    limits = {name: known(getattr(interval, name)) for name in ("value", "low", "high")}
    return {**limits, "interval": interval.method}
