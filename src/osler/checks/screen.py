"""Which single codes tell an outcome too well? Each code that samples see is scored alone against the label.

A code is scored in up to three ways: whether it was recorded, its last number, and its last number or word
as a level with the event rate of that level (learned on other folds, so that many rare levels show nothing).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osler.measure.intervals import Interval, logit_auroc_interval

FEW = 10  # events, and non-events, that a score needs among the samples that it is judged on
TELLING = 0.90  # an AUROC that a single code has hardly ever before the outcome
STRONG = 0.80  # what whole models reach; the lower limit of a single code above it is suspicious
ALPHA = 0.05
FOLDS = 5
LEVELS = 64  # distinct numbers up to which each is a level of its own; more of them are binned
BINS = 32

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Suspect:
    """A code that tells the outcome too well.

    Attributes:
        code: the code.
        by: `recorded`, `number` or `level`.
        auroc: area under the ROC curve with its 95 % interval, at least 0.5.
        sample: row number of a sample in which the code was recorded.
    """

    code: str
    by: str
    auroc: Interval
    sample: int


def suspects(seen: pl.DataFrame, y: Flags, fold: NDArray[np.int64]) -> list[Suspect]:
    """Codes that separate events from non-events better than is believable.

    The rule: an AUROC of at least 0.90, or one whose 95 % interval lies above 0.80 as a whole, and in either
    case one that differs from 0.5 (p < 0.05 by its standard error under no difference, Mann and Whitney 1947,
    after Bonferroni's correction for all scores).

    Args:
        seen: what each sample sees last of each code: `sample` (row number), `code`, `number` (Float64, null
            where it is none) and `word` (any integer that stands for a text, null where there is none). One
            row per sample and code.
        y: outcomes, bool [n]; the samples are independent.
        fold: fold of each sample, 0..4 [n].

    Returns:
        The best score of each code that meets the rule, the strongest first.
    """
    scored = [
        (code, by, rows, on, score)
        for code, rows, number, word in _codes(seen)
        for by, on, score in _scores(rows, number, word, y, fold)
    ]
    found: dict[str, Suspect] = {}
    for code, by, rows, on, score in scored:
        interval = _interval(y[on], score, tests=len(scored), either_way=by != "level")
        if interval is None or (code in found and found[code].auroc.value >= interval.value):
            continue
        found[code] = Suspect(code, by, interval, int(rows[0]))
    return sorted(found.values(), key=lambda one: (-one.auroc.value, one.code))


def _codes(seen: pl.DataFrame) -> list[tuple[str, NDArray[np.int64], Floats, NDArray[np.int64]]]:
    """Code, rows of the samples that have it, their numbers (NaN for none) and words (0 for none)."""
    ordered = seen.sort("code", "sample")
    codes = ordered["code"].rle()
    ends = np.cumsum(codes.struct.field("len").to_numpy())
    rows = ordered["sample"].cast(pl.Int64).to_numpy()
    numbers = ordered["number"].fill_null(float("nan")).to_numpy()
    words = (ordered["word"].rank("dense").cast(pl.Int64).fill_null(0)).to_numpy()
    parts = (np.split(array, ends[:-1]) for array in (rows, numbers, words))
    return list(zip(codes.struct.field("value").to_list(), *parts, strict=True))


def _scores(
    rows: NDArray[np.int64], number: Floats, word: NDArray[np.int64], y: Flags, fold: NDArray[np.int64]
) -> list[tuple[str, NDArray[np.int64], Floats]]:
    """The scores of a code that could meet the rule: name, rows judged, score of each of them."""
    everyone = np.arange(len(y))
    scores = []
    n_events, n_others = int(y.sum()), int((~y).sum())
    events, others = int(y[rows].sum()), int((~y[rows]).sum())
    measured = np.flatnonzero(~np.isnan(number))
    if min(int(y[rows[measured]].sum()), int((~y[rows[measured]]).sum())) >= FEW:
        scores.append(("number", rows[measured], number[measured]))
    # Samples without the code are tied with each other: that bounds what the other scores can reach.
    best = 1 - (1 - events / n_events) * (1 - others / n_others) / 2
    if (
        min(n_events, n_others) < FEW
        or max(best, 0.5 + abs(events / n_events - others / n_others) / 2) < STRONG
    ):
        return scores
    recorded = np.zeros(len(y))
    recorded[rows] = 1.0
    scores.append(("recorded", everyone, recorded))
    level = np.zeros(len(y), dtype=np.int64)
    level[rows] = _levels(number, word)
    if len(np.unique(level)) > 2 or len(rows) == len(y):
        scores.append(("level", everyone, _rates(level, y, fold)))
    return scores


def _levels(number: Floats, word: NDArray[np.int64]) -> NDArray[np.int64]:
    """A level from 1 for each value: of a number itself or its bin, else of a word, else `recorded`."""
    has = ~np.isnan(number)
    values = np.unique(number[has])
    if len(values) > LEVELS:
        values = np.unique(np.quantile(number[has], np.linspace(0, 1, BINS + 1)[1:-1]))
    placed = np.searchsorted(values, np.where(has, number, 0.0), side="right")
    return np.where(has, 2 + placed, 3 + len(values) + word).astype(np.int64)


def _rates(level: NDArray[np.int64], y: Flags, fold: NDArray[np.int64]) -> Floats:
    """Event rate of each sample's level on the other folds, drawn a little to the overall rate."""
    _, place = np.unique(level, return_inverse=True)
    k = int(place.max()) + 1
    score = np.zeros(len(y))
    for held_out in range(FOLDS):
        test = fold == held_out
        if test.all() or not test.any():
            continue
        n = np.bincount(place[~test], minlength=k)
        events = np.bincount(place[~test], y[~test], minlength=k)
        score[test] = ((events + y[~test].mean()) / (n + 1))[place[test]]
    return score


def _interval(y: Flags, score: Floats, *, tests: int, either_way: bool) -> Interval | None:
    """The AUROC when it meets the rule; turned to be at least 0.5 where low scores may speak for the event.

    A rate of other folds speaks for it when it is high; under chance it is a little lower for the events.
    """
    from scipy.stats import norm, rankdata

    m, n = int(y.sum()), int((~y).sum())
    ranks = rankdata(score)
    area = (ranks[y].sum() - m * (m + 1) / 2) / (m * n)
    turned = score
    if area < 0.5 and either_way:
        turned, area = -score, 1 - area
    if area < STRONG:
        return None
    _, ties = np.unique(score, return_counts=True)
    tied = float((ties.astype(np.float64) ** 3 - ties).sum()) / ((m + n) * (m + n - 1))
    error = np.sqrt((m + n + 1 - tied) / (12 * m * n))
    chance = 2 * float(norm.sf((area - 0.5) / error)) * tests
    interval = logit_auroc_interval(y, turned)
    return interval if chance < ALPHA and (area >= TELLING or interval.low >= STRONG) else None
