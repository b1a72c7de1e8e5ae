"""Distance between predicted probabilities and outcomes."""

import numpy as np
from numpy.typing import ArrayLike

from osler.measure.ranking import Floats

# A certain and wrong prediction would cost infinitely much; the bound is stated because it enters the value.
CLIP = 1e-7


def squared_error(y: ArrayLike, probability: ArrayLike) -> Floats:
    """Squared distance of each prediction from its outcome, [n]."""
    return np.asarray((np.asarray(probability, dtype=np.float64) - np.asarray(y, dtype=bool)) ** 2)


def surprise(y: ArrayLike, probability: ArrayLike) -> Floats:
    """Negative log-likelihood of each outcome in nats, [n]; probabilities are clipped to [1e-7, 1 - 1e-7]."""
    p = np.clip(np.asarray(probability, dtype=np.float64), CLIP, 1 - CLIP)
    return -np.log(np.where(np.asarray(y, dtype=bool), p, 1 - p))


def brier(y: ArrayLike, probability: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """Brier score: mean squared distance between probability and outcome; 0 is perfect.

    Args:
        y: outcomes, bool [n].
        probability: predicted probabilities in 0..1, [n].
        weight: sample weights, [n].

    Examples:
        >>> round(brier([False, True], [0.2, 0.6]), 4)
        0.1
    """
    return _mean(squared_error(y, probability), weight)


def log_loss(y: ArrayLike, probability: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """Mean negative log-likelihood in nats; 0 is perfect. Probabilities are clipped to [1e-7, 1 - 1e-7].

    Args:
        y: outcomes, bool [n].
        probability: predicted probabilities in 0..1, [n].
        weight: sample weights, [n].

    Examples:
        >>> round(log_loss([False, True], [0.5, 0.5]), 4)
        0.6931
    """
    return _mean(surprise(y, probability), weight)


def _mean(value: Floats, weight: ArrayLike | None) -> float:
    if weight is None:
        return float(value.mean())
    return float(np.average(value, weights=np.asarray(weight, dtype=np.float64)))
