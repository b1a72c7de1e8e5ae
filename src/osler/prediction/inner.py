"""Folds inside the training rows: by group, with the groups that have an event dealt out evenly."""

import numpy as np
from numpy.typing import NDArray

from osler.measure.resample import group_positions


def inner_folds(y: np.ndarray, groups: np.ndarray, *, folds: int, seed: int) -> NDArray[np.int64]:
    """Fold of each row; fewer folds when there are fewer groups with (or without) an event.

    Args:
        y: outcomes, bool [n].
        groups: group of each row, [n].
        folds: folds wanted, 2 or more.
        seed: seed of the shuffle.

    Raises:
        ValueError: fewer than 2 groups with an event, or fewer than 2 without.

    Examples:
        >>> fold = inner_folds(np.array([1, 1, 0, 0, 0], bool), np.array([1, 2, 3, 4, 4]), folds=5, seed=0)
        >>> sorted(set(fold.tolist())), bool(fold[3] == fold[4])
        ([0, 1], True)
    """
    position, n_groups = group_positions(groups)
    has_event = np.bincount(position, np.asarray(y, dtype=np.float64), minlength=n_groups) > 0
    rng = np.random.default_rng([seed, 7])
    with_event = rng.permutation(np.flatnonzero(has_event))
    without = rng.permutation(np.flatnonzero(~has_event))
    possible = min(folds, len(with_event), len(without))
    if possible < 2:
        raise ValueError("inner folds need two groups with an event and two without")
    fold = np.empty(n_groups, dtype=np.int64)
    fold[with_event] = np.arange(len(with_event)) % possible
    fold[without] = np.arange(len(without)) % possible
    return fold[position]
