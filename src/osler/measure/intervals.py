"""Intervals: proportions, observed to expected, and the AUROC with few events or repeated rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from osler.measure.discrimination import auroc
from osler.measure.ranking import Floats, Ranking
from osler.measure.resample import bootstrap, group_positions, percentile_interval

FEW_EVENTS = 50  # below it the percentile bootstrap covers too little (METHODS 10)


@dataclass(frozen=True)
class Interval:
    """A value with its limits and the name of the method that made them."""

    value: float
    low: float
    high: float
    method: str


def wilson(events: float, n: float, *, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a proportion (JASA 1927;22:209).

    Args:
        events: number of events, 0..n.
        n: number of trials; 0 gives NaN.
        confidence: coverage.

    Examples:
        >>> interval = wilson(0, 10)
        >>> round(interval.low, 4), round(interval.high, 4)
        (0.0, 0.2775)
    """
    from scipy.stats import norm

    if n == 0:
        return Interval(float("nan"), float("nan"), float("nan"), "wilson")
    z = float(norm.ppf((1 + confidence) / 2))
    share = events / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    low = 0.0 if events == 0 else max(0.0, centre - half)
    high = 1.0 if events == n else min(1.0, centre + half)
    return Interval(share, low, high, "wilson")


def observed_expected(observed: int, expected: float, *, confidence: float = 0.95) -> Interval:
    """Ratio of observed to expected events with exact Poisson limits (Ulm, Am J Epidemiol 1990;131:373).

    Args:
        observed: number of observed events.
        expected: sum of the predicted probabilities, above 0; else NaN.
        confidence: coverage.

    Examples:
        >>> ratio = observed_expected(10, 8.0)
        >>> round(ratio.value, 3), round(ratio.low, 3), round(ratio.high, 3)
        (1.25, 0.599, 2.299)
    """
    from scipy.stats import chi2

    if not expected > 0:
        return Interval(float("nan"), float("nan"), float("nan"), "exact poisson")
    tail = (1 - confidence) / 2
    low = 0.0 if observed == 0 else float(chi2.ppf(tail, 2 * observed)) / 2
    high = float(chi2.ppf(1 - tail, 2 * observed + 2)) / 2
    return Interval(observed / expected, low / expected, high / expected, "exact poisson")


def placements(y: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats]:
    """Share of the other class that each event outranks [m] and that outranks each non-event [n - m].

    Ties count one half. DeLong's structural components (Biometrics 1988;44:837), from ranks in O(n log n)
    (Sun and Xu, IEEE Signal Process Lett 2014;21:1389). Rows keep the order of the samples of their class.
    """
    outcome, scores = np.asarray(y, dtype=bool), np.asarray(score, dtype=np.float64)
    events, others = scores[outcome], scores[~outcome]
    sorted_events, sorted_others = np.sort(events), np.sort(others)
    below = np.searchsorted(sorted_others, events, "left") + np.searchsorted(sorted_others, events, "right")
    above = 2 * len(events) - (
        np.searchsorted(sorted_events, others, "left") + np.searchsorted(sorted_events, others, "right")
    )
    return below / (2 * len(others)), above / (2 * len(events))


def delong_variance(y: ArrayLike, score: ArrayLike) -> float:
    """DeLong's variance of the AUROC for independent samples (Biometrics 1988;44:837).

    Needs two events and two non-events, else NaN.
    """
    event, other = placements(y, score)
    if min(len(event), len(other)) < 2:
        return float("nan")
    return float(event.var(ddof=1) / len(event) + other.var(ddof=1) / len(other))


def obuchowski_variance(y: ArrayLike, score: ArrayLike, group: ArrayLike) -> float:
    """Obuchowski's variance of the AUROC for clustered samples (Biometrics 1997;53:567).

    With one sample per group it is the variance of Obuchowski's special case, DeLong's up to the factors
    of small samples.

    Args:
        y: outcomes, bool [n].
        score: scores, [n].
        group: group (patient) of each sample, [n].
    """
    outcome = np.asarray(y, dtype=bool)
    position, n_groups = group_positions(group)
    event, other = placements(outcome, score)
    area = float(event.mean())
    events = np.bincount(position[outcome], minlength=n_groups)
    others = np.bincount(position[~outcome], minlength=n_groups)
    with_event, with_other = int((events > 0).sum()), int((others > 0).sum())
    if min(with_event, with_other) < 2:
        return float("nan")
    of_events = np.bincount(position[outcome], event, minlength=n_groups) - events * area
    of_others = np.bincount(position[~outcome], other, minlength=n_groups) - others * area
    m, n = len(event), len(other)
    s_event = with_event / ((with_event - 1) * m) * float(of_events @ of_events)
    s_other = with_other / ((with_other - 1) * n) * float(of_others @ of_others)
    both = n_groups / (n_groups - 1) * float(of_events @ of_others)
    return s_event / m + s_other / n + 2 * both / (m * n)


def logit_auroc_interval(
    y: ArrayLike, score: ArrayLike, *, group: ArrayLike | None = None, confidence: float = 0.95
) -> Interval:
    """AUROC with a logit-scale interval: DeLong's variance, Obuchowski's when a group has several rows.

    Below 50 events (of the smaller class; groups when clustered) the quantile is Student's t with events - 1
    degrees of freedom, else normal (METHODS 10). When all pairs are ranked alike the variance is 0 and says
    nothing: the limit is then that of a binomial share of the smaller class with no failure.

    Args:
        y: outcomes, bool [n].
        score: scores, [n].
        group: group of each sample, [n]; default: all independent.
        confidence: coverage.

    Returns:
        NaN limits below two (groups with) events or non-events.
    """
    from scipy.stats import norm, t

    outcome = np.asarray(y, dtype=bool)
    value = auroc(outcome, score)
    groups = np.arange(len(outcome)) if group is None else np.asarray(group)
    clustered = len(np.unique(groups)) < len(groups)
    smaller = min(len(np.unique(groups[outcome])), len(np.unique(groups[~outcome])))
    few = smaller < FEW_EVENTS
    method = ("logit-obuchowski" if clustered else "logit-delong") + ("-t" if few else "")
    if smaller < 2:
        return Interval(value, float("nan"), float("nan"), method)
    tail = (1 - confidence) / 2
    if value in (0.0, 1.0):
        reach = tail ** (1 / smaller)
        low, high = (reach, 1.0) if value == 1.0 else (0.0, 1 - reach)
        return Interval(value, low, high, method)
    variance = obuchowski_variance(outcome, score, groups) if clustered else delong_variance(outcome, score)
    error = float(np.sqrt(max(variance, 0.0))) / (value * (1 - value))
    quantile = float(t.ppf(1 - tail, smaller - 1)) if few else float(norm.ppf(1 - tail))
    centre = float(np.log(value / (1 - value)))
    limits = [1 / (1 + float(np.exp(-(centre + sign * quantile * error)))) for sign in (-1, 1)]
    return Interval(value, limits[0], limits[1], method)


def auroc_interval(
    y: ArrayLike, score: ArrayLike, *, group: ArrayLike, draws: int, seed: int, confidence: float = 0.95
) -> Interval:
    """AUROC with the interval that fits its number of events (METHODS 10).

    Below 50 groups with an event (or without): on the logit scale with t quantiles. Above: percentiles of the
    bootstrap of groups.

    Args:
        y: outcomes, bool [n].
        score: scores, [n].
        group: group of each sample, [n].
        draws: bootstrap draws.
        seed: seed of the draws.
        confidence: coverage.
    """
    outcome, groups = np.asarray(y, dtype=bool), np.asarray(group)
    if min(len(np.unique(groups[outcome])), len(np.unique(groups[~outcome]))) < FEW_EVENTS:
        return logit_auroc_interval(outcome, score, group=groups, confidence=confidence)
    ranking = Ranking(outcome, score)
    drawn = bootstrap(groups, {"auroc": ranking.auroc}, draws=draws, seed=seed)["auroc"]
    low, high = percentile_interval(drawn, confidence=confidence)
    return Interval(auroc(outcome, score), low, high, "bootstrap")
