"""The latest event of each variable that a sample may see: runs of one subject and one variable, bisected.

Events are sorted once; what a sample sees of a run is a range of positions, and nothing after the prediction
time is looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from osler.represent.segments import NO_TIME, bisect_right, pairs
from osler.statements.packing import order_by

_DAY = 86_400_000_000
# Pairs of sample and run handled at once: bounds the memory of one step to some 50 MB.
_PAIRS = 250_000


@dataclass(frozen=True)
class Runs:
    """Events of some subjects in runs of one subject and one variable, in canonical order within a run.

    Attributes:
        order: int64 [n_events] the place of each event among those that were given.
        subjects: int64 [n_subjects] ids, ascending.
        first: int64 [n_subjects + 1] the runs of subject i are first[i]:first[i + 1].
        slot: int64 [n_runs] which variable.
        start: int64 [n_runs + 1] the events of run j are start[j]:start[j + 1].
        time: int64 [n_events] microseconds, `NO_TIME` for none.
    """

    order: np.ndarray
    subjects: np.ndarray
    first: np.ndarray
    slot: np.ndarray
    start: np.ndarray
    time: np.ndarray

    def last(self, readable: np.ndarray) -> np.ndarray:
        """For each event the position of the last readable one up to it, over all runs; -1 for none.

        Args:
            readable: bool [n_events], in the order of the runs.
        """
        return np.maximum.accumulate(np.where(readable, np.arange(len(readable)), -1))


@dataclass(frozen=True)
class Seen:
    """What some samples see of the runs of their subjects; arrays are [n_pairs].

    Attributes:
        sample: place of the sample among those that were given.
        slot: which variable.
        begin: where the run begins.
        fixed: where its facts without a time end.
        low: where its events inside the lookback begin.
        stop: where those that happened by the prediction time end.
    """

    sample: np.ndarray
    slot: np.ndarray
    begin: np.ndarray
    fixed: np.ndarray
    low: np.ndarray
    stop: np.ndarray

    def latest(self, last: np.ndarray) -> np.ndarray:
        """Position of the latest event that `Runs.last` calls readable, int64 [n_pairs]; -1: none."""
        inside = np.where(self.stop > self.low, last[self.stop - 1], -1)
        inside[inside < self.low] = -1
        facts = np.where(self.fixed > self.begin, last[self.fixed - 1], -1)
        facts[facts < self.begin] = -1
        return np.where(inside >= 0, inside, facts)


def make_runs(subject_id: np.ndarray, time: np.ndarray, slot: np.ndarray) -> Runs:
    """Sort events into runs.

    Args:
        subject_id: int64 [n_events], ascending.
        time: int64 [n_events] microseconds, `NO_TIME` for none; events are in canonical order.
        slot: int64 [n_events], >= 0.

    Examples:
        >>> runs = make_runs(np.array([4, 4, 4]), np.array([1, 2, 3]), np.array([1, 0, 1]))
        >>> runs.order.tolist(), runs.slot.tolist(), runs.start.tolist()
        ([1, 0, 2], [0, 1], [0, 1, 3])
    """
    n_events = len(subject_id)
    new_subject = np.ones(n_events, dtype=bool)
    new_subject[1:] = subject_id[1:] != subject_id[:-1]
    subject = np.cumsum(new_subject) - 1
    order = order_by(subject, slot)
    subject, slot = subject[order], slot[order]
    new = np.ones(n_events, dtype=bool)
    new[1:] = (subject[1:] != subject[:-1]) | (slot[1:] != slot[:-1])
    starts = np.flatnonzero(new)
    subjects = subject_id[new_subject]
    return Runs(
        order=order,
        subjects=subjects,
        first=np.searchsorted(subject[starts], np.arange(len(subjects) + 1)),
        slot=slot[starts],
        start=np.append(starts, n_events),
        time=time[order],
    )


def seen_by(
    runs: Runs, subject_id: np.ndarray, limit: np.ndarray, *, lookback: float | None
) -> Iterator[Seen]:
    """What each sample sees of each run of its subject, some samples at a time; runs of which it sees nothing
    are left out.

    An event is seen when its time is at or before `limit` (and less than `lookback` days before it), or when
    it has no time.

    Args:
        runs: the events.
        subject_id: int64 [n_samples].
        limit: int64 [n_samples] prediction times, microseconds.
        lookback: days; None: any.
    """
    there = np.flatnonzero(np.isin(subject_id, runs.subjects))
    subject = np.searchsorted(runs.subjects, subject_id[there])
    sizes = np.cumsum(runs.first[subject + 1] - runs.first[subject])
    at = 0
    while at < len(subject):
        done = int(sizes[at - 1]) if at else 0
        end = max(int(np.searchsorted(sizes, done + _PAIRS, side="right")), at + 1)
        yield _seen(runs, there[at:end], subject[at:end], limit, lookback)
        at = end


def _seen(
    runs: Runs, rows: np.ndarray, subject: np.ndarray, limit: np.ndarray, lookback: float | None
) -> Seen:
    pair, run = pairs(runs.first, subject)
    sample = rows[pair]
    begin, until = runs.start[run], limit[sample]
    stop = bisect_right(runs.time, begin, runs.start[run + 1], until)
    fixed = bisect_right(runs.time, begin, stop, np.full(len(begin), NO_TIME))
    low = fixed
    if lookback is not None:
        low = np.maximum(fixed, bisect_right(runs.time, begin, stop, until - round(lookback * _DAY)))
    kept = np.flatnonzero((fixed > begin) | (stop > low))
    return Seen(sample[kept], runs.slot[run[kept]], begin[kept], fixed[kept], low[kept], stop[kept])
