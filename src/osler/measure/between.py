"""How much of an outcome lies between the clusters of partitions that took no part of it, side by side.

The share of the variance between clusters (eta squared) is above 0 by chance alone, the more so the more
clusters there are, so partitions with other numbers of clusters could not be compared. The jackknife over
patients takes that bias out and gives intervals and paired differences that know which samples belong to one
patient (Efron and Stein, Ann Stat 1981;9:586; Miller, Biometrika 1974;61:1).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from osler.measure.intervals import Interval
from osler.measure.ranking import Floats
from osler.measure.resample import group_positions

_METHOD = "jackknife"


@dataclass(frozen=True)
class BetweenShares:
    """Shares of an outcome between the clusters of m partitions.

    Attributes:
        plain: eta squared of each partition [m].
        without: the same without each group in turn [groups, m].
    """

    plain: Floats
    without: Floats

    def of(self, partition: int, *, confidence: float = 0.95) -> Interval:
        """The share of one partition without what chance adds; it may be below 0: no more than chance."""
        return _jackknife(self.plain[partition], self.without[:, partition], confidence)

    def difference(self, first: int, second: int, *, confidence: float = 0.95) -> Interval:
        """Share of the first partition less that of the second, from the same patients."""
        return _jackknife(
            self.plain[first] - self.plain[second],
            self.without[:, first] - self.without[:, second],
            confidence,
        )


def between_shares(labels: ArrayLike, outcome: ArrayLike, *, group: ArrayLike | None = None) -> BetweenShares:
    """Share of the variance of an outcome between clusters, for each partition and without each patient.

    Samples that are noise (-1) count as one more cluster: all partitions are then measured on the same
    samples.

    Args:
        labels: partitions, int [n] or [n, m].
        outcome: 0 and 1, or numbers, [n].
        group: patient of each sample, [n]; None: each sample its own.

    Examples:
        >>> labels = np.column_stack([np.arange(40) // 20, np.arange(40) % 2])
        >>> found = between_shares(labels, (np.arange(40) >= 20).astype(float))
        >>> round(found.of(0).value, 3), found.of(1).value < 0
        (1.0, True)
    """
    columns = np.atleast_2d(np.asarray(labels, dtype=np.int64).T).T
    value = np.asarray(outcome, dtype=np.float64)
    value = value - value.mean() if len(value) else value
    position, groups = group_positions(np.arange(len(value)) if group is None else group)
    n = np.bincount(position, minlength=groups).astype(np.float64)
    total = np.bincount(position, value, minlength=groups)
    squares = np.bincount(position, value**2, minlength=groups)
    left, rest = len(value) - n, value.sum() - total
    plain, without = np.empty(columns.shape[1]), np.empty((groups, columns.shape[1]))
    for m, labels_m in enumerate(columns.T):
        whole, each = _between(labels_m, value, position, groups)
        mean = value.sum() ** 2 / max(len(value), 1)
        plain[m] = _share(whole - mean, (value**2).sum() - mean)
        with np.errstate(divide="ignore", invalid="ignore"):
            means = np.where(left > 0, rest**2 / left, 0.0)
        without[:, m] = _share(each - means, (value**2).sum() - squares - means)
    return BetweenShares(plain, without)


def _between(cluster: ArrayLike, value: Floats, position: ArrayLike, groups: int) -> tuple[float, Floats]:
    """Sum over clusters of (sum of the outcome)^2 / size: of all samples, and without each group [groups]."""
    names, place = np.unique(np.asarray(cluster), return_inverse=True)
    size = np.bincount(place).astype(np.float64)
    total = np.bincount(place, value).astype(np.float64)
    cells, cell = np.unique(np.asarray(position) * len(names) + place, return_inverse=True)
    owner, of = cells // len(names), cells % len(names)
    n_cell, total_cell = np.bincount(cell), np.bincount(cell, value)
    kept = size[of] - n_cell
    with np.errstate(divide="ignore", invalid="ignore"):
        after = np.where(kept > 0, (total[of] - total_cell) ** 2 / kept, 0.0)
    change = after - total[of] ** 2 / size[of]
    whole = float((total**2 / size).sum())
    return whole, whole + np.bincount(owner, change, minlength=groups).astype(np.float64)


def _share(between: ArrayLike, total: ArrayLike) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(np.asarray(total) > 1e-12, np.divide(between, total), np.nan))


def _jackknife(plain: float, without: Floats, confidence: float) -> Interval:
    from scipy.stats import norm

    groups = len(without)
    if groups < 2 or not np.isfinite(plain) or not np.isfinite(without).all():
        return Interval(float("nan"), float("nan"), float("nan"), _METHOD)
    value = groups * plain - (groups - 1) * float(without.mean())
    error = float(np.sqrt((groups - 1) / groups * ((without - without.mean()) ** 2).sum()))
    reach = float(norm.ppf((1 + confidence) / 2)) * error
    return Interval(float(value), float(value - reach), float(value + reach), _METHOD)
