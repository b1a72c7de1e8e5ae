"""How far the held-out outcome differs between the clusters of each arm, beside how stable they are.

The partitions of all arms, every k and every cluster are tested together, so that who looks at all of them
finds nothing by looking often (METHODS 20). The share of the outcome between clusters is corrected for what
chance adds, which is more where there are more clusters, and compared between partitions that are stable
alike, on the same patients.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from osler.measure.between import BetweenShares, between_shares
from osler.measure.intervals import Interval
from osler.measure.permutation import max_statistic_test
from osler.phenotyping.choose import STABLE as JACCARD
from osler.phenotyping.compare import Key
from osler.phenotyping.partition import Array

SEPARATION: dict[str, pl.DataType] = {
    "arm": pl.String(),
    "k": pl.Int64(),
    "chosen": pl.Boolean(),
    "explained": pl.Float64(),
    "explained_low": pl.Float64(),
    "explained_high": pl.Float64(),
    "p": pl.Float64(),
    "jaccard_min": pl.Float64(),
    "jaccard_mean": pl.Float64(),
    "stability": pl.String(),
    "against": pl.String(),
    "less": pl.Float64(),
    "less_low": pl.Float64(),
    "less_high": pl.Float64(),
}
PERMUTATION: dict[str, pl.DataType] = {
    "arm": pl.String(),
    "k": pl.Int64(),
    "cluster": pl.Int64(),
    "n": pl.Int64(),
    "z": pl.Float64(),
    "p": pl.Float64(),
}
STABLE, UNSTABLE, UNKNOWN = f"at least {JACCARD:g}", f"below {JACCARD:g}", "not assessed"
_NOTHING = Interval(float("nan"), float("nan"), float("nan"), "none")


def permutation_table(
    partitions: Mapping[Key, Array], outcome: Array, *, group: Array, draws: int, seed: int
) -> pl.DataFrame:
    """One test of the outcome for each cluster, corrected over all of them: `PERMUTATION`.

    Args:
        partitions: by arm and k, cluster of each sample, int [n], -1 noise.
        outcome: 0 and 1, [n].
        group: patient of each sample, [n].
        draws: permutations of patients, at least 10,000.
        seed: seed of the permutations.

    Returns:
        `z` is the number of events less that expected, in standard deviations over permutations; `p` is two
        sided and null where permuting cannot change the number.
    """
    keys = list(partitions)
    if not keys:
        return pl.DataFrame(schema=PERMUTATION)
    found = max_statistic_test(
        np.column_stack([partitions[key] for key in keys]), outcome, group=group, draws=draws, seed=seed
    )
    rows = [
        (*keys[place], int(cluster), int(size), float(z[0]), float(p[0]))
        for place, cluster, size, z, p in zip(
            found.partition.tolist(), found.cluster, found.size, found.z, found.p, strict=True
        )
    ]
    table = pl.DataFrame(rows, schema=PERMUTATION, orient="row")
    return table.with_columns(pl.col(pl.Float64).fill_nan(None))


def separation_table(
    partitions: Mapping[Key, Array],
    outcome: Array,
    *,
    group: Array,
    chosen: Sequence[Key],
    stability: Mapping[Key, tuple[float | None, float | None]],
    permutation: pl.DataFrame,
) -> pl.DataFrame:
    """Separation of the outcome by each partition, beside its stability: `SEPARATION`.

    Args:
        partitions: by arm and k, cluster of each sample, int [n], -1 noise, which counts as one more cluster.
        outcome: 0 and 1, [n].
        group: patient of each sample, [n].
        chosen: partitions whose k was chosen; they are compared with each other.
        stability: by arm and k, mean bootstrap Jaccard of the least stable cluster and over all clusters.
        permutation: of all partitions, as `permutation_table` gives it.

    Returns:
        `explained`, the share of the variance of the outcome between clusters without what chance adds, with
        its 95 % interval; `p`, the least corrected p of its clusters; of chosen partitions `less`, how much
        less they explain than `against`, the one that explains most among those of the same `stability`.
    """
    keys = list(partitions)
    if not keys:
        return pl.DataFrame(schema=SEPARATION)
    shares = between_shares(np.column_stack([partitions[key] for key in keys]), outcome, group=group)
    least = permutation.group_by("arm", "k").agg(pl.col("p").min())
    p = {(arm, k): value for arm, k, value in least.iter_rows()}
    band = {key: _band(stability.get(key, (None, None))[0]) for key in keys}
    leader = _leaders(keys, shares, set(chosen), band)
    rows: list[tuple[Any, ...]] = []
    for place, key in enumerate(keys):
        own = shares.of(place)
        first = leader.get(band[key]) if key in chosen else None
        less = _NOTHING if first in (None, place) else shares.difference(int(str(first)), place)
        against = None if first in (None, place) else _named(keys[int(str(first))])
        jaccard = stability.get(key, (None, None))
        rows.append(
            (
                *(*key, key in chosen),
                *(own.value, own.low, own.high, p.get(key)),
                *(*jaccard, band[key]),
                *(against, less.value, less.low, less.high),
            )
        )
    table = pl.DataFrame(rows, schema=SEPARATION, orient="row")
    return table.with_columns(pl.col(pl.Float64).fill_nan(None))


def _named(key: Key) -> str:
    return f"{key[0]}, k = {key[1]}"


def _band(jaccard: float | None) -> str:
    if jaccard is None:
        return UNKNOWN
    return STABLE if jaccard >= JACCARD else UNSTABLE


def _leaders(
    keys: list[Key], shares: BetweenShares, chosen: set[Key], band: Mapping[Key, str]
) -> dict[str, int]:
    """Of each band the chosen partition that explains most."""
    leaders: dict[str, int] = {}
    for place, key in enumerate(keys):
        value = shares.of(place).value
        if key not in chosen or np.isnan(value):
            continue
        first = leaders.get(band[key])
        if first is None or value > shares.of(first).value:
            leaders[band[key]] = place
    return leaders
