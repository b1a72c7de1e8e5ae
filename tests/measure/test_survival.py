"""Survival against statsmodels and a plain loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from osler.measure.survival import kaplan_meier, log_rank

PATIENT = st.tuples(st.integers(1, 12), st.booleans(), st.integers(0, 2))


@settings(max_examples=60, deadline=None)
@given(st.lists(PATIENT, min_size=1, max_size=40))
def test_the_curve_equals_a_plain_loop(patients: list[tuple[int, bool, int]]) -> None:
    time, event = [one[0] for one in patients], [one[1] for one in patients]
    curve = kaplan_meier(time, event)
    survival = 1.0
    expected = []
    for moment in sorted({t for t, died in zip(time, event, strict=True) if died}):
        at_risk = sum(t >= moment for t in time)
        died = sum(t == moment and e for t, e in zip(time, event, strict=True))
        survival *= 1 - died / at_risk
        expected.append((moment, at_risk, died, survival))
    found = zip(curve.time, curve.at_risk, curve.events, curve.survival, strict=True)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other)
    assert ((curve.low <= curve.survival + 1e-12) & (curve.survival <= curve.high + 1e-12)).all()


def test_curve_and_interval_equal_statsmodels() -> None:
    rng = np.random.default_rng(0)
    time, event = rng.exponential(10, 200).round(1) + 0.1, rng.random(200) < 0.6
    curve, other = kaplan_meier(time, event), SurvfuncRight(time, event)
    np.testing.assert_allclose(curve.time, other.surv_times)
    np.testing.assert_allclose(curve.survival, other.surv_prob)
    assert curve.at_risk.tolist() == other.n_risk.tolist()
    inner = (curve.survival > 0) & (curve.survival < 1)
    # The same interval from statsmodels' standard error.
    log = np.log(curve.survival[inner])
    error = other.surv_prob_se[inner] / (curve.survival[inner] * np.abs(log))
    np.testing.assert_allclose(curve.low[inner], np.exp(-np.exp(np.log(-log) + 1.959964 * error)), rtol=1e-6)
    np.testing.assert_allclose(curve.high[inner], np.exp(-np.exp(np.log(-log) - 1.959964 * error)), rtol=1e-6)
    assert curve.at([0.0, curve.time[3], 1e9])[0].tolist() == [1.0, curve.survival[3], curve.survival[-1]]


@settings(max_examples=40, deadline=None)
@given(st.lists(PATIENT, min_size=6, max_size=60))
def test_log_rank_equals_statsmodels(patients: list[tuple[int, bool, int]]) -> None:
    time, event, group = (np.array(column) for column in zip(*patients, strict=True))
    found = log_rank(time, event, group)
    if len(np.unique(group)) < 2 or not event.any():
        assert np.isnan(found.p)
        return
    assert found.df <= len(np.unique(group)) - 1
    if found.df < len(np.unique(group)) - 1:
        return  # statsmodels takes no singular variance
    statistic, p = survdiff(time, event.astype(int), group)
    assert (found.statistic, found.p) == (pytest.approx(statistic), pytest.approx(p))


@pytest.mark.parametrize("c", [2, 3, 5])
def test_degrees_of_freedom_of_many_times(c: int) -> None:
    rng = np.random.default_rng(c)
    time, event, group = rng.exponential(200.0, 600), rng.random(600) < 0.3, rng.integers(0, c, 600)
    found = log_rank(time, event, group)
    statistic, p = survdiff(time, event.astype(int), group)
    assert found.df == c - 1
    assert (found.statistic, found.p) == (pytest.approx(statistic), pytest.approx(p))


def test_nobody_dies() -> None:
    curve = kaplan_meier([1, 2, 3], [False] * 3)
    assert len(curve.time) == 0
    assert curve.at([0, 5])[0].tolist() == [1, 1]
    assert np.isnan(log_rank([1, 2], [False, False], [0, 1]).p)
