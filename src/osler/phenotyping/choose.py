"""How many clusters: one rule for every arm, stated in the report, never the silhouette alone."""

import math
from dataclasses import dataclass

import polars as pl

# Mean bootstrap Jaccard from which a cluster is called stable (Hennig 2007).
STABLE = 0.75
# Prediction strength that well separated clusters reach (Tibshirani, Walther 2005).
STRONG = 0.8
RULE = (
    "Of the k whose smallest cluster holds at least {share:.0%} of the samples: the largest at which every "
    f"cluster comes back in bootstraps (mean Jaccard {STABLE} or more, where it was measured) and prediction "
    f"strength is {STRONG} or more within its standard error. Where there is none: the k at which the "
    "smaller of the two is largest; such a partition is not stable. The silhouette takes no part."
)


@dataclass(frozen=True)
class Choice:
    """The k that was chosen.

    Attributes:
        k: number of clusters; None where every k has a cluster that is too small.
        stable: whether every cluster comes back and prediction strength is high.
    """

    k: int | None
    stable: bool


def choose_k(indices: pl.DataFrame, *, min_share: float) -> Choice:
    """Apply the rule to the indices of one arm.

    Args:
        indices: `k, min_share, jaccard_min, prediction_strength, prediction_strength_error` of one arm; what
            was not measured is null.
        min_share: share of the samples that the smallest cluster must hold.

    Examples:
        >>> table = pl.DataFrame({
        ...     "k": [2, 3, 4], "min_share": [0.4, 0.2, 0.01],
        ...     "jaccard_min": [0.9, 0.8, 0.9], "prediction_strength": [0.95, 0.79, 0.9],
        ...     "prediction_strength_error": [0.01, 0.02, 0.01],
        ... })
        >>> choose_k(table, min_share=0.05)
        Choice(k=3, stable=True)
        >>> choose_k(table.head(2).with_columns(jaccard_min=pl.Series([0.6, 0.5])), min_share=0.05)
        Choice(k=2, stable=False)
    """
    best: tuple[float, int] | None = None
    largest: int | None = None
    for row in indices.sort("k").iter_rows(named=True):
        if row["min_share"] < min_share:
            continue
        jaccard, strength = row["jaccard_min"], row["prediction_strength"]
        known = [value for value in (jaccard, strength) if value is not None and not math.isnan(value)]
        if not known:
            continue
        reached = strength is not None and strength + (row["prediction_strength_error"] or 0) >= STRONG
        if (jaccard is None or jaccard >= STABLE) and reached:
            largest = int(row["k"])
        if best is None or min(known) > best[0]:
            best = min(known), int(row["k"])
    if largest is not None:
        return Choice(largest, stable=True)
    return Choice(best[1] if best is not None else None, stable=False)
