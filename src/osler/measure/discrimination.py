"""Discrimination: does a higher score mean a more likely event?"""

import numpy as np
from numpy.typing import ArrayLike

from osler.measure.ranking import Floats, Ranking


def auroc(y: ArrayLike, score: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """Area under the ROC curve: probability that an event outranks a non-event, ties counting one half.

    Args:
        y: outcomes, bool [n].
        score: scores, finite [n].
        weight: sample weights, not negative [n]; default all one.

    Returns:
        A value in 0..1, NaN when there is only one class.

    Examples:
        >>> auroc([False, False, True, True], [0.1, 0.4, 0.35, 0.8])
        0.75
    """
    return float(Ranking(y, score).auroc(_column(y, weight))[0])


def auprc(y: ArrayLike, score: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """Area under the precision-recall curve as average precision (no interpolation).

    Davis and Goadrich, ICML 2006: linear interpolation between its points is too optimistic.

    Args:
        y: outcomes, bool [n].
        score: scores, finite [n].
        weight: sample weights, not negative [n]; default all one.

    Returns:
        A value in 0..1, NaN when there is only one class. Chance level is the prevalence.

    Examples:
        >>> round(auprc([False, False, True, True], [0.1, 0.4, 0.35, 0.8]), 4)
        0.8333
    """
    return float(Ranking(y, score).average_precision(_column(y, weight))[0])


def _column(y: ArrayLike, weight: ArrayLike | None) -> Floats:
    if weight is None:
        return np.ones((len(np.asarray(y)), 1))
    return np.asarray(weight, dtype=np.float64)[:, None]
