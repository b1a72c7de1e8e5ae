"""Runs from several starts: their seeds, their agreement, and how many samples first runs look at."""

from collections.abc import Sequence

import numpy as np

from osler.phenotyping.partition import Array

# Above so many samples, starts are compared on a draw, and each run's best start goes on with all samples
# (Bradley, Fayyad 1998).
LARGE = 50_000
DRAWN = 20_000


def state(*numbers: int) -> int:
    """A seed for a library, made of whole numbers.

    Examples:
        >>> state(0, 1, 2) == state(0, 1, 2), state(0, 1, 2) == state(0, 2, 1)
        (True, False)
    """
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint32)[0])


def seed_agreement(best: Array, others: Sequence[Array]) -> float:
    """Mean adjusted Rand index of the other runs with the best; NaN where there is no other.

    Examples:
        >>> seed_agreement(np.array([0, 0, 1]), [np.array([1, 1, 0])])
        1.0
    """
    from sklearn.metrics import adjusted_rand_score

    if not others:
        return float("nan")
    return float(np.mean([adjusted_rand_score(best, other) for other in others]))


def first_rows(n: int, seed: int) -> Array | None:
    """The samples on which starts are compared: int64 [20,000], or None (all) up to 50,000 samples."""
    if n <= LARGE:
        return None
    return np.sort(np.random.default_rng([seed, n]).choice(n, DRAWN, replace=False))
