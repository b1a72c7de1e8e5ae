"""Resampling of groups (patients, hospitals) with replacement, as columns of sample weights.

A draw keeps or repeats all samples of a group together, so repeated rows of a patient do not pretend to be
independent (METHODS 2, 11). Statistics read weights, so no sample is ever copied.
"""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osler.measure.ranking import Floats

CELLS = 2**21  # weights held at a time by one worker: 16 MiB

Statistic = Callable[[Floats], Floats]
"""Takes weights [n, b], gives one value per draw [b] or several [s, b]."""


def group_positions(group: ArrayLike) -> tuple[NDArray[np.int64], int]:
    """Position of each sample's group among the distinct groups [n], and the number of groups."""
    distinct, position = np.unique(np.asarray(group), return_inverse=True)
    return position.astype(np.int64), len(distinct)


def draw_weights(group: ArrayLike, *, draws: int, seed: int) -> Floats:
    """Weights of all draws at once: how often the group of each sample was drawn, [n, draws].

    Args:
        group: group of each sample (integers or strings), [n].
        draws: number of bootstrap draws.
        seed: seed of the draws.

    Examples:
        >>> weight = draw_weights([1, 1, 2, 3], draws=5, seed=0)
        >>> weight.shape, bool((weight[0] == weight[1]).all()), set((weight[1:].sum(axis=0)).tolist())
        ((4, 5), True, {3.0})
    """
    position, n_groups = group_positions(group)
    width = _width(len(position), draws)
    chunks = [
        _weights(position, n_groups, start=start, draws=min(width, draws - start), seed=seed)
        for start in range(0, draws, width)
    ]
    return np.concatenate(chunks, axis=1)


def bootstrap(
    group: ArrayLike,
    statistics: Mapping[str, Statistic],
    *,
    draws: int,
    seed: int,
) -> dict[str, Floats]:
    """Values of several statistics over the same draws of groups: comparisons between them are paired.

    Args:
        group: group of each sample, [n].
        statistics: functions of weights [n, b] that give [b] or [s, b].
        draws: number of bootstrap draws.
        seed: seed; the same seed gives the same draws, whatever the number of cores.

    Returns:
        For each statistic [draws] or [s, draws]. NaN marks a draw without both classes.
    """
    position, n_groups = group_positions(group)
    width = _width(len(position), draws)
    starts = range(0, draws, width)

    def work(start: int) -> dict[str, Floats]:
        weight = _weights(position, n_groups, start=start, draws=min(width, draws - start), seed=seed)
        return {name: statistic(weight) for name, statistic in statistics.items()}

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        parts = list(pool.map(work, starts))
    return {name: np.concatenate([part[name] for part in parts], axis=-1) for name in statistics}


def percentile_interval(values: Floats, *, confidence: float = 0.95) -> tuple[float, float]:
    """Central percentiles of the draws that have a value; NaN when none has."""
    kept = values[np.isfinite(values)]
    if len(kept) == 0:
        return float("nan"), float("nan")
    tail = (1 - confidence) / 2
    low, high = np.quantile(kept, [tail, 1 - tail])
    return float(low), float(high)


def _width(n: int, draws: int) -> int:
    return max(1, min(draws, CELLS // max(n, 1)))


def _weights(position: NDArray[np.int64], n_groups: int, *, start: int, draws: int, seed: int) -> Floats:
    # Each chunk has a seed of its own, so that workers may take them in any order.
    rng = np.random.default_rng([seed, start])
    drawn = rng.integers(0, n_groups, (draws, n_groups))
    drawn += np.arange(draws)[:, None] * n_groups
    times = np.bincount(drawn.ravel(), minlength=draws * n_groups).reshape(draws, n_groups)
    return np.ascontiguousarray(times.T.astype(np.float64)[position])
