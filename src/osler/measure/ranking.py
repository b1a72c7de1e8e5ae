"""Who outranks whom: sorted once, then counted under any number of sample weights.

AUROC, average precision and both curves are sums over the events of how much weight lies above and below each
of them. The order is found once; a bootstrap draw is a column of weights, so that ten thousand draws cost a
few cumulative sums and no sorting.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """Weights around each event (one row per event, in ascending order of score; one column per draw).

    Attributes:
        event: weight of the event itself, [m, b].
        below: weight of non-events with a lower score, [m, b].
        upto: weight of non-events with a lower or equal score, [m, b].
        non_events: weight of all non-events, [b].
    """

    event: Floats
    below: Floats
    upto: Floats
    non_events: Floats


class Ranking:
    """The order of scores among events and non-events.

    Args:
        y: outcomes, bool [n].
        score: scores or probabilities, higher means more likely, finite [n].
        rows: position of each sample in the weight matrices, int [n]; default 0 ... n-1. It lets a fold be
            weighted by the draws of the whole cohort.
    """

    def __init__(self, y: ArrayLike, score: ArrayLike, *, rows: ArrayLike | None = None) -> None:
        outcome = np.asarray(y, dtype=bool)
        scores = np.asarray(score, dtype=np.float64)
        where = np.arange(len(outcome)) if rows is None else np.asarray(rows)
        order = np.argsort(scores, kind="stable")
        events, others = order[outcome[order]], order[~outcome[order]]
        self.n_events, self.n_non_events = len(events), len(others)
        self._event_rows, self._other_rows = where[events], where[others]
        high, low = scores[events], scores[others]
        left, right = np.searchsorted(low, high, "left"), np.searchsorted(low, high, "right")
        # Only the sums of non-events between neighbouring events matter: at most 2 m + 1 segments.
        cuts = np.unique(np.concatenate([[0], left, right]))
        self._cuts = cuts[cuts < len(low)]
        self._left, self._right = np.searchsorted(self._cuts, left), np.searchsorted(self._cuts, right)
        self._first_equal = np.searchsorted(high, high, "left")

    @property
    def one_class(self) -> bool:
        """Whether events or non-events are absent, so that nothing can be ranked."""
        return self.n_events == 0 or self.n_non_events == 0

    def counts(self, weight: Floats) -> Counts:
        """Weights around each event.

        Args:
            weight: one row per sample, one column per draw, [n, b].
        """
        segments = np.add.reduceat(weight[self._other_rows], self._cuts, axis=0)
        total = np.zeros((len(segments) + 1, weight.shape[1]))
        np.cumsum(segments, axis=0, out=total[1:])
        return Counts(weight[self._event_rows], total[self._left], total[self._right], total[-1])

    def auroc(self, weight: Floats) -> Floats:
        """Weighted probability that an event outranks a non-event (ties one half), [b]; NaN for one class."""
        if self.one_class:
            return np.full(weight.shape[1], np.nan)
        counts = self.counts(weight)
        wins = np.einsum("mb,mb->b", counts.event, counts.below + counts.upto) / 2
        with np.errstate(invalid="ignore"):
            return np.asarray(wins / (counts.event.sum(axis=0) * counts.non_events))

    def average_precision(self, weight: Floats) -> Floats:
        """Weighted mean of the precision at each event, [b]; NaN for one class."""
        if self.one_class:
            return np.full(weight.shape[1], np.nan)
        counts = self.counts(weight)
        true = self._events_at_or_above(counts.event)
        false = counts.non_events - counts.below
        with np.errstate(invalid="ignore"):
            precision = np.where(counts.event > 0, true / (true + false), 0.0)
            value = np.einsum("mb,mb->b", counts.event, precision) / counts.event.sum(axis=0)
        value[counts.non_events == 0] = np.nan
        return np.asarray(value)

    def roc(self, weight: Floats, grid: Floats) -> Floats:
        """Sensitivity at each false positive rate of the grid, [g, b]; ties are in the middle of a step."""
        counts = self.counts(weight)
        with np.errstate(invalid="ignore", divide="ignore"):
            rate = 1 - (counts.below + counts.upto) / (2 * counts.non_events)
            share = counts.event / counts.event.sum(axis=0)
        return _cumulative(rate, share, grid)

    def precision_recall(self, weight: Floats, grid: Floats) -> Floats:
        """Precision at the highest threshold that reaches each recall of the grid, [g, b]."""
        counts = self.counts(weight)
        true = self._events_at_or_above(counts.event)
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = true / (true + counts.non_events - counts.below)
            recall = true / counts.event.sum(axis=0)
        # Recall falls along the rows, so the last event that still reaches a level is found by counting.
        reached = _cumulative(-recall, np.ones_like(recall), -grid[::-1])[::-1].astype(np.int64)
        return np.asarray(np.take_along_axis(precision, np.maximum(reached - 1, 0), axis=0))

    def _events_at_or_above(self, event: Floats) -> Floats:
        before = np.zeros((len(event) + 1, event.shape[1]))
        np.cumsum(event, axis=0, out=before[1:])
        return np.asarray(before[-1] - before[self._first_equal])


def _cumulative(value: Floats, share: Floats, grid: Floats) -> Floats:
    """Share of weight with a value at or below each grid point, per column."""
    columns = value.shape[1]
    cell = np.searchsorted(grid + 1e-12, np.nan_to_num(value, nan=np.inf), "left")
    flat = np.bincount(
        (cell * columns + np.arange(columns)).ravel(), share.ravel(), minlength=(len(grid) + 1) * columns
    )
    return np.cumsum(flat.reshape(-1, columns)[: len(grid)], axis=0)
