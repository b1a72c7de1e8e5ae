"""Values of the metrics over bootstrap draws, for every fold of every model at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from osler.measure.probability import squared_error, surprise
from osler.measure.ranking import Floats, Ranking
from osler.prediction.plan import Plan

CURVE_GRID = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class Part:
    """Held-out samples of one split with the predictions of one model.

    Attributes:
        rows: positions among the held-out samples of the task, [m].
        y: outcomes, bool [m].
        p: predicted probabilities, [m].
    """

    replicate: int
    fold: int
    rows: NDArray[np.int64]
    y: NDArray[np.bool_]
    p: Floats

    @property
    def both_classes(self) -> bool:
        """Whether there are events and non-events, so that samples can be ranked."""
        return bool(self.y.any() and not self.y.all())


def make_parts(plan: Plan, probabilities: list[Floats]) -> list[Part]:
    """One part per split of the plan."""
    held_out = plan.held_out
    return [
        Part(split.repeat, split.fold, np.searchsorted(held_out, split.test), plan.y[split.test], probability)
        for split, probability in zip(plan.splits, probabilities, strict=True)
    ]


def ranked(parts: list[Part], method: Callable[[Ranking, Floats], Floats]) -> Callable[[Floats], Floats]:
    """A statistic of weights [n, b] that gives a ranking measure of each part, [s, b]; NaN for one class."""
    rankings = [Ranking(part.y, part.p, rows=part.rows) for part in parts]

    def statistic(weight: Floats) -> Floats:
        return np.stack([method(ranking, weight) for ranking in rankings])

    return statistic


def averaged(
    parts: list[Part], loss: Callable[[NDArray[np.bool_], Floats], Floats], n: int
) -> Callable[[Floats], Floats]:
    """A statistic of weights [n, b] that gives the mean loss of each part, [s, b]."""
    from scipy import sparse

    number = np.repeat(np.arange(len(parts)), [len(part.rows) for part in parts])
    cells = number, np.concatenate([part.rows for part in parts])
    values = np.concatenate([loss(part.y, part.p) for part in parts])
    losses = sparse.csr_matrix((values, cells), shape=(len(parts), n))
    inside = sparse.csr_matrix((np.ones(len(values)), cells), shape=(len(parts), n))

    def statistic(weight: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            return np.asarray((losses @ weight) / (inside @ weight))

    return statistic


def statistics(parts: list[Part], n: int) -> dict[str, Callable[[Floats], Floats]]:
    """The four measures of each part by name."""
    return {
        "auroc": ranked(parts, Ranking.auroc),
        "auprc": ranked(parts, Ranking.average_precision),
        "brier": averaged(parts, squared_error, n),
        "log_loss": averaged(parts, surprise, n),
    }


def mean_curves(parts: list[Part]) -> Callable[[Floats], Floats]:
    """A statistic that gives the ROC and the precision-recall curve, each the mean over parts, [2 g, b].

    Vertical averaging (Fawcett, Pattern Recognit Lett 2006;27:861): folds are not pooled, because the scores
    of different fits lie on different scales.
    """
    rankings = [Ranking(part.y, part.p, rows=part.rows) for part in parts if part.both_classes]

    def statistic(weight: Floats) -> Floats:
        both = [
            np.concatenate([ranking.roc(weight, CURVE_GRID), ranking.precision_recall(weight, CURVE_GRID)])
            for ranking in rankings
        ]
        return mean_over_parts(np.stack(both))

    return statistic


def mean_over_parts(value: Floats) -> Floats:
    """Mean over the first axis, leaving out parts without a value; NaN where no part has one."""
    there = np.isfinite(value)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(there, value, 0.0).sum(axis=0) / there.sum(axis=0))
