"""Effects of one cluster against the rest, beside statsmodels, coverage by simulation, and edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.measure.effects import eta_squared, log_odds_ratio, mean_difference, proportion_difference

NAN = float("nan")


def test_difference_of_proportions_equals_statsmodels() -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    inside = np.arange(70) < 30
    value = np.concatenate([np.arange(30) < 21, np.arange(40) < 10]).astype(float)
    found = proportion_difference(inside, value)
    low, high = proportion.confint_proportions_2indep(21, 30, 10, 40, method="newcomb", compare="diff")
    assert (found.low, found.high) == pytest.approx((low, high))


def test_log_odds_ratio_equals_statsmodels_on_counts_with_a_half_added() -> None:
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    inside = np.arange(70) < 30
    value = np.concatenate([np.arange(30) < 21, np.arange(40) < 10]).astype(float)
    found = log_odds_ratio(inside, value)
    table = tables.Table2x2(np.array([[21.5, 9.5], [10.5, 30.5]]))
    assert found.value == pytest.approx(table.log_oddsratio)
    assert (found.low, found.high) == pytest.approx(table.log_oddsratio_confint())


def test_eta_squared_equals_statsmodels() -> None:
    oneway = pytest.importorskip("statsmodels.stats.oneway")
    rng = np.random.default_rng(0)
    cluster = rng.integers(0, 3, 90)
    value = rng.normal(size=90) + 0.6 * cluster
    found = eta_squared(cluster, value)
    groups = [value[cluster == c] for c in range(3)]
    between = sum(len(g) * (g.mean() - value.mean()) ** 2 for g in groups)
    assert found.value == pytest.approx(between / ((value - value.mean()) ** 2).sum())
    statistic = between / 2 / (sum(((g - g.mean()) ** 2).sum() for g in groups) / 87)
    limits = np.array(oneway.confint_noncentrality(statistic, (2, 87)))
    assert (found.low, found.high) == pytest.approx(tuple(limits / (limits + 90)), rel=1e-3)


@pytest.mark.parametrize(("n", "share"), [(1317, 0.57), (1338, 0.56), (1352, 0.55)])
def test_the_interval_of_a_large_share_where_the_distribution_underflows(n: int, share: float) -> None:
    statistic = (n - 2) * share / (1 - share)
    cluster = np.arange(n) % 2
    noise = np.random.default_rng(0).normal(size=n)
    for c in (0, 1):
        noise[cluster == c] -= noise[cluster == c].mean()
    shift = cluster - cluster.mean()
    value = noise + shift * np.sqrt(share / (1 - share) * (noise**2).sum() / (shift**2).sum())
    found = eta_squared(cluster, value)
    assert found.value == pytest.approx(share)
    assert found.low < share < found.high
    # By drawing: F of populations at the limits lies beyond the statistic in a fortieth of the samples.
    rng = np.random.default_rng(1)
    for limit, above in ((found.low, 0.025), (found.high, 0.975)):
        drawn = rng.noncentral_f(1, n - 2, n * limit / (1 - limit), 40_000)
        assert (drawn > statistic).mean() == pytest.approx(above, abs=0.004)


def test_the_interval_of_the_mean_difference_covers() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(1_000):
        inside = np.arange(100) < 20
        effect = mean_difference(inside, rng.normal(size=100) + 0.8 * inside)
        hits += effect.low <= 0.8 <= effect.high
    assert 0.93 <= hits / 1_000 <= 0.975


def test_mean_difference_is_that_of_the_descriptions_of_clusters() -> None:
    from osler.phenotyping.describe import Differences
    from osler.represent.features import dense_features

    rng = np.random.default_rng(2)
    cluster = rng.integers(0, 2, 60)
    matrix = (rng.normal(size=(60, 1)) + cluster[:, None]).astype(np.float32)
    described = Differences(dense_features("x", matrix, ["a"]), group=np.arange(60)).of(
        cluster, k=2, arm="kmeans", show=1
    )
    row = described.filter(described["cluster"] == 1).row(0, named=True)
    found = mean_difference(cluster == 1, matrix[:, 0])
    assert (found.value, found.low, found.high) == pytest.approx((row["smd"], row["low"], row["high"]))


def test_what_cannot_be_estimated_is_nan() -> None:
    inside = np.array([True] * 6 + [False] * 6)
    assert np.isnan(mean_difference(inside, np.full(12, 0.1 + 0.2)).value)
    assert np.isnan(mean_difference(inside, np.array([1.0] * 4 + [NAN] * 2 + [2.0] * 6)).value)
    assert np.isnan(proportion_difference(inside, np.array([NAN] * 6 + [1.0] * 6)).value)
    assert np.isnan(log_odds_ratio(inside, np.full(12, NAN)).value)
    assert np.isnan(eta_squared(inside.astype(int), np.full(12, 3.0)).value)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 1.0, NAN])), max_size=25))
@settings(max_examples=80, deadline=None)
def test_limits_enclose_the_value_and_samples_are_counted(samples: list[tuple[bool, float]]) -> None:
    inside = np.array([i for i, _ in samples], dtype=bool)
    value = np.array([v for _, v in samples])
    for effect in (f(inside, value) for f in (mean_difference, proportion_difference, log_odds_ratio)):
        assert effect.n_inside + effect.n_outside + effect.missing == len(samples)
        assert np.isnan(effect.value) or effect.low <= effect.value <= effect.high
