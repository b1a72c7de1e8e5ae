"""Cards and outcomes of two cohorts beside each other, cluster by cluster."""

from typing import Any

import numpy as np
import polars as pl

from osler.measure.effects import FEWEST
from osler.measure.ranking import Floats
from osler.measure.resample import bootstrap, percentile_interval
from osler.phenotyping.cards import card_columns
from osler.phenotyping.drift import known
from osler.phenotyping.partition import Array
from osler.represent.typed import TypedTable

_KEY = ["arm", "k", "cluster", "variable", "level"]
_CARD = ("n_inside", "inside", "outside", "smd", "low", "high")
_RATE = ("n", "n_events", "rate", "low", "high")
_DRAWS = 1000
_Z = 1.959963984540054


def cards_beside(fit: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Each effect of a fit beside that of a new cohort.

    Args:
        fit: as `cards.effect_table` gives them.
        new: the same variables and clusters of another cohort.

    Returns:
        `arm, k, cluster, variable, level, label, kind, used`, then `n_inside, inside, outside, smd, low,
        high` with `_fit` and `_new`, `same_sign` of the standardised differences, and `in_interval`: whether
        the new one lies within the interval of the fit's. Null where a cohort has no effect.
    """
    renamed = {name: f"{name}_new" for name in _CARD}
    both = fit.select(*_KEY, "label", "kind", "used", *_CARD).rename({name: f"{name}_fit" for name in _CARD})
    both = both.join(
        new.select(*_KEY, *_CARD).rename(renamed), on=_KEY, how="left", nulls_equal=True,
        maintain_order="left",
    )  # fmt: skip
    first, second = pl.col("smd_fit"), pl.col("smd_new")
    return both.with_columns(
        same_sign=first.sign() == second.sign(),
        in_interval=(pl.col("low_fit") <= second) & (second <= pl.col("high_fit")),
    )


def outcomes_beside(fit: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """The outcome by cluster in both cohorts.

    Args:
        fit: as `tables.outcome_table` gives it, of one arm and k.
        new: the same of another cohort.

    Returns:
        `arm, k, cluster`, then `n, n_events, rate, low, high` with `_fit` and `_new`, by cluster.
    """
    key = ["arm", "k", "cluster"]
    sides = [
        table.select(*key, *_RATE).rename({name: f"{name}_{side}" for name in _RATE})
        for side, table in (("fit", fit), ("new", new))
    ]
    return sides[0].join(sides[1], on=key, how="left").sort("cluster")


def correlations(
    fit: pl.DataFrame, table: TypedTable, cluster: Array, k: int, *, group: Array, seed: int
) -> list[dict[str, Any]]:
    """Correlation, over variables and levels, of the effects of a fit with those of a new cohort.

    Args:
        fit: effects of the fit, of one arm and k.
        table: the variables of the new cohort.
        cluster: its clusters, int [n].
        k: number of clusters.
        group: patient of each new sample [n].
        seed: of the bootstraps of new patients; the fit's effects stay as they are.

    Returns:
        Of each cluster `value, low, high` (Pearson's) and `n`, the effects that both have. The interval is
        normal on Fisher's scale, its standard error that of the bootstraps: their percentiles would lie too
        low, since drawing again adds noise to the new effects once more. The correlation is that of
        estimates; noise in the effects of either cohort lowers it.
    """
    named = [(variable.name, level, value) for _, (variable, level, value) in card_columns(table)]
    stored = {(row["cluster"], row["variable"], row["level"]): row["smd"] for row in fit.to_dicts()}
    first = np.array(
        [[stored.get((number, name, level)) for name, level, _ in named] for number in range(k)], dtype=float
    )
    columns = np.stack([value for _, _, value in named], axis=1)

    def related(weight: Floats) -> Floats:
        return _pearson(first, weighted_differences(columns, cluster, k, weight))

    value = related(np.ones((len(cluster), 1)))[:, 0]
    drawn = bootstrap(group, {"r": related}, draws=_DRAWS, seed=seed)["r"]
    second = weighted_differences(columns, cluster, k, np.ones((len(cluster), 1)))[:, :, 0]
    n = (np.isfinite(first) & np.isfinite(second)).sum(axis=1)
    return [
        {"value": known(value[number]), **_fisher_limits(value[number], drawn[number]), "n": int(n[number])}
        for number in range(k)
    ]


def weighted_differences(columns: Array, cluster: Array, k: int, weight: Floats) -> Floats:
    """Standardised differences of each cluster to the rest (`measure.effects.mean_difference`), weighted.

    Args:
        columns: float [n, q], NaN where not known.
        cluster: int [n], -1 noise.
        k: number of clusters.
        weight: how often each sample counts, float [n, b].

    Returns:
        float64 [k, q, b]; NaN below 5 known samples on a side, and without spread.
    """
    seen = ~np.isnan(columns)
    shift = np.where(seen, columns, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    value = np.where(seen, columns - shift, 0.0)
    parts = [seen.astype(np.float64), value, value**2]
    whole = [part.T @ weight for part in parts]
    out = np.empty((k, columns.shape[1], weight.shape[1]))
    for number in range(k):
        rows = cluster == number
        inside = [part[rows].T @ weight[rows] for part in parts]
        sides = [_moments(*inside), _moments(*(a - b for a, b in zip(whole, inside, strict=True)))]
        (n_in, mean_in, variance_in), (n_out, mean_out, variance_out) = sides
        spread = np.sqrt((variance_in + variance_out) / 2)
        usable = (n_in >= FEWEST) & (n_out >= FEWEST) & (spread > 0)
        out[number] = np.divide(mean_in - mean_out, spread, out=np.full(spread.shape, np.nan), where=usable)
    return out


def tau_of_rates(
    fit: Array, cluster: Array, positive: Array, *, group: Array, seed: int
) -> dict[str, float | None]:
    """Whether clusters stand in the same order of the outcome: Kendall's tau-a of their rates.

    Args:
        fit: rate of each cluster in the fit, float [k].
        cluster: clusters of the new samples, int [n].
        positive: their outcome, bool [n].
        group: patient of each [n].
        seed: of the bootstraps of new patients.

    Returns:
        `value, low, high`: 1 the same order, -1 the reverse.
    """
    hot = (cluster == np.arange(len(fit))[:, None]).astype(np.float64)
    first, second = np.triu_indices(len(fit), 1)

    def tau(weight: Floats) -> Floats:
        size = hot @ weight
        rate = np.divide((hot * positive) @ weight, size, out=np.full(size.shape, np.nan), where=size > 0)
        order = np.sign(fit[first] - fit[second])[:, None] * np.sign(rate[first] - rate[second])
        return np.asarray(order.mean(axis=0))

    value = tau(np.ones((len(cluster), 1)))[0]
    drawn = bootstrap(group, {"tau": tau}, draws=_DRAWS, seed=seed)["tau"]
    return {"value": known(value), **_limits(drawn)}


def _moments(n: Floats, total: Floats, squares: Floats) -> tuple[Floats, Floats, Floats]:
    mean = total / np.maximum(n, 1)
    variance = np.maximum(squares - n * mean**2, 0.0) / np.maximum(n - 1, 1)
    # What rounding leaves of a constant is no spread.
    return n, mean, np.where(variance > 1e-12 * squares / np.maximum(n, 1), variance, 0.0)


def _pearson(first: Floats, second: Floats) -> Floats:
    """Correlation over q of [k, q] with [k, q, b]: float64 [k, b]; NaN with fewer than three."""
    both = np.isfinite(first)[:, :, None] & np.isfinite(second)
    n = both.sum(axis=1, keepdims=True)
    x = np.where(both, np.nan_to_num(first)[:, :, None], 0.0)
    y = np.where(both, np.nan_to_num(second), 0.0)
    x = np.where(both, x - x.sum(axis=1, keepdims=True) / np.maximum(n, 1), 0.0)
    y = np.where(both, y - y.sum(axis=1, keepdims=True) / np.maximum(n, 1), 0.0)
    below = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    usable = (n[:, 0] >= 3) & (below > 0)
    return np.asarray(np.divide((x * y).sum(axis=1), below, out=np.full(below.shape, np.nan), where=usable))


def _fisher_limits(value: float, drawn: Floats) -> dict[str, float | None]:
    """Limits of a correlation from bootstraps of it; a correlation of 1 has no spread on Fisher's scale."""
    kept = drawn[np.isfinite(drawn) & (np.abs(drawn) < 1)]
    if not np.isfinite(value) or abs(value) > 1 - 1e-9 or len(kept) < 2:
        return {"low": None, "high": None}
    middle, reach = np.arctanh(value), _Z * float(np.arctanh(kept).std(ddof=1))
    return {"low": float(np.tanh(middle - reach)), "high": float(np.tanh(middle + reach))}


def _limits(drawn: Floats) -> dict[str, float | None]:
    low, high = percentile_interval(drawn)
    return {"low": known(low), "high": known(high)}
