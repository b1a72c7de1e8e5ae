"""Survival where time is known: Kaplan-Meier's curve with its interval, and the log-rank test."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osler.measure.ranking import Floats

# A direction of the variance with a smaller share of the largest is rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class SurvivalCurve:
    """A curve at the t times at which an event occurs.

    Attributes:
        time: float64 [t], ascending.
        at_risk: int64 [t], followed until then or longer.
        events: int64 [t], events at that time.
        survival: float64 [t], probability of no event until then and at it.
        low: float64 [t], lower limit of the interval on the scale of log(-log), pointwise.
        high: float64 [t], upper limit.
    """

    time: Floats
    at_risk: NDArray[np.int64]
    events: NDArray[np.int64]
    survival: Floats
    low: Floats
    high: Floats

    def at(self, times: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Survival and its limits at any times: three float64 [m]; 1 before the first event."""
        place = np.searchsorted(self.time, np.asarray(times, dtype=np.float64), "right")
        found = (np.concatenate([[1.0], one])[place] for one in (self.survival, self.low, self.high))
        survival, low, high = found
        return survival, low, high


@dataclass(frozen=True)
class LogRank:
    """The log-rank test of c groups: `statistic` on `df` degrees of freedom, NaN where nothing is tested."""

    statistic: float
    df: int
    p: float


def kaplan_meier(time: ArrayLike, event: ArrayLike, *, confidence: float = 0.95) -> SurvivalCurve:
    """Kaplan and Meier's estimate (JASA 1958;53:457) with Greenwood's variance.

    Limits are those of log(-log S) (Kalbfleisch and Prentice 1980, section 1.3); where S is 0 they are those
    of the time before.

    Args:
        time: time of the event or of the end of follow-up, above 0, [n].
        event: whether the event occurred then, [n].
        confidence: coverage at each time.

    Examples:
        >>> curve = kaplan_meier([1, 2, 2, 3], [True, True, False, False])
        >>> curve.time.tolist(), curve.at_risk.tolist(), curve.survival.round(3).tolist()
        ([1.0, 2.0], [4, 3], [0.75, 0.5])
    """
    from scipy.stats import norm

    times, died = np.asarray(time, dtype=np.float64), np.asarray(event, dtype=bool)
    moments, events = np.unique(times[died], return_counts=True)
    at_risk = len(times) - np.searchsorted(np.sort(times), moments, "left")
    survival = np.cumprod(1 - events / np.maximum(at_risk, 1), dtype=np.float64)
    left = at_risk - events
    variance = np.cumsum(np.divide(events, at_risk * left, out=np.zeros(len(moments)), where=left > 0))
    inner = survival > 0
    reach = np.zeros(len(moments))
    log = np.log(np.where(inner, survival, 0.5))
    reach[inner] = norm.ppf((1 + confidence) / 2) * np.sqrt(variance[inner]) / np.abs(log[inner])
    low = np.where(inner, np.where(inner, survival, 0.5) ** np.exp(reach), 0.0)
    high = np.where(inner, np.where(inner, survival, 0.5) ** np.exp(-reach), np.nan)
    if len(high) and not inner[-1]:
        high[-1] = high[-2] if len(high) > 1 else 1.0
    return SurvivalCurve(moments, at_risk.astype(np.int64), events.astype(np.int64), survival, low, high)


def log_rank(time: ArrayLike, event: ArrayLike, group: ArrayLike) -> LogRank:
    """Test that survival is the same in all groups (Mantel, Cancer Chemother Rep 1966;50:163).

    Args:
        time: time of the event or of the end of follow-up, [n].
        event: whether the event occurred then, [n].
        group: group of each sample, [n].

    Examples:
        >>> found = log_rank([1, 2, 3, 4, 5, 6], [True] * 6, [0, 0, 0, 1, 1, 1])
        >>> round(found.statistic, 3), found.df, round(found.p, 3)
        (5.052, 1, 0.025)
    """
    from scipy.stats import chi2

    times, died = np.asarray(time, dtype=np.float64), np.asarray(event, dtype=bool)
    names, place = np.unique(np.asarray(group), return_inverse=True)
    c = len(names)
    moments = np.unique(times[died])
    if c < 2 or not len(moments):
        return LogRank(float("nan"), 0, float("nan"))
    at_risk, events = np.zeros((2, len(moments), c))
    for number in range(c):
        own = place == number
        at_risk[:, number] = own.sum() - np.searchsorted(np.sort(times[own]), moments, "left")
        events[:, number] = np.bincount(np.searchsorted(moments, times[own & died]), minlength=len(moments))
    n, d = at_risk.sum(axis=1), events.sum(axis=1)
    share = at_risk / n[:, None]
    scale = d * (n - d) / np.maximum(n - 1, 1)
    variance = np.diag((scale[:, None] * share).sum(axis=0)) - (scale[:, None] * share).T @ share
    # The differences add up to 0, so one group is told by the others and left out.
    difference = (events - d[:, None] * share).sum(axis=0)[:-1]
    variance = variance[:-1, :-1]
    df = int(np.linalg.matrix_rank(variance, hermitian=True, rtol=_ROUNDING))
    statistic = float(difference @ np.linalg.pinv(variance, hermitian=True, rtol=_ROUNDING) @ difference)
    return LogRank(statistic, df, float(chi2.sf(statistic, df)) if df else float("nan"))
