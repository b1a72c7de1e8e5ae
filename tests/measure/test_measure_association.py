"""Tests of clusters against variables, beside scipy, statsmodels and every table with the same margins."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, fisher_exact, kruskal
from scipy.stats.contingency import association

from osler.measure.association import cramers_v, dunn, level_test, rank_test
from osler.measure.compare import benjamini_hochberg, holm

NAN = float("nan")


def counted(table: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    cells = [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]
    return np.array([i for i, _ in cells]), np.array([float(j) for _, j in cells])


def test_chi_squared_and_v_equal_scipy() -> None:
    table = [[20, 15, 30], [25, 40, 12]]
    found = level_test(*counted(table), corrected=False)
    expected = chi2_contingency(table, correction=False)
    assert found.test == "chi-squared"
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.df == expected.dof
    assert found.v == pytest.approx(association(np.array(table), method="cramer"))


def test_a_sparse_table_of_two_by_two_is_fishers() -> None:
    table = [[3, 1], [2, 30]]
    found = level_test(*counted(table))
    assert found.test == "fisher exact"
    assert found.p == pytest.approx(fisher_exact(table).pvalue)
    assert found.smallest_expected == pytest.approx(4 * 5 / 36)


def test_monte_carlo_agrees_with_every_table_of_the_same_margins() -> None:
    table = np.array([[4, 0, 1], [0, 3, 2]])
    found = level_test(*counted(table.tolist()), draws=60_000, seed=1)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    expected = np.outer(rows, columns) / table.sum()
    observed = ((table - expected) ** 2 / expected).sum()
    from math import comb

    total = extreme = 0
    for first in product(*(range(c + 1) for c in columns)):
        if sum(first) == rows[0]:
            ways = int(np.prod([comb(int(c), int(x)) for c, x in zip(columns, first, strict=True)]))
            one = np.array([first, columns - np.array(first)])
            total += ways
            extreme += ways * (((one - expected) ** 2 / expected).sum() >= observed - 1e-9)
    assert found.test == "monte carlo"
    assert found.p == pytest.approx(extreme / total, abs=0.006)


def test_the_corrected_v_is_near_zero_by_chance_where_the_plain_one_is_not() -> None:
    rng = np.random.default_rng(0)
    pairs = [
        (cramers_v(table, corrected=False), cramers_v(table))
        for table in (
            np.histogram2d(rng.integers(0, 5, 100), rng.integers(0, 6, 100), bins=(5, 6))[0]
            for _ in range(200)
        )
    ]
    plain, corrected = np.mean(pairs, axis=0)
    assert plain > 0.18
    assert corrected < 0.06


def test_the_corrected_v_is_bergsmas_formula() -> None:
    table = np.array([[20, 15, 30], [25, 40, 12]])
    n, r, c = table.sum(), 2, 3
    phi = chi2_contingency(table, correction=False).statistic / n - (r - 1) * (c - 1) / (n - 1)
    side = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    assert cramers_v(table) == pytest.approx((phi / side) ** 0.5)


def test_missing_values_and_noise_are_left_out_and_counted() -> None:
    cluster = np.array([0] * 30 + [1] * 30 + [-1] * 9)
    level = np.array([0.0, 1.0] * 34 + [NAN])
    level[[3, 40]] = NAN
    found = level_test(cluster, level)
    assert (found.n, found.missing) == (58, 2)
    assert rank_test(cluster, level).n == 58


def test_kruskal_wallis_equals_scipy() -> None:
    rng = np.random.default_rng(1)
    cluster, value = rng.integers(0, 4, 80), rng.integers(0, 6, 80).astype(float)
    found = rank_test(cluster, value)
    expected = kruskal(*[value[cluster == c] for c in range(4)])
    assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert found.epsilon_squared == pytest.approx(expected.statistic / 79)


def test_dunn_of_two_clusters_is_kruskal_wallis() -> None:
    rng = np.random.default_rng(2)
    cluster, value = rng.integers(0, 2, 50), rng.integers(0, 5, 50).astype(float)
    pair = dunn(cluster, value)[0]
    assert pair.z**2 == pytest.approx(rank_test(cluster, value).statistic)
    assert pair.p == pytest.approx(rank_test(cluster, value).p)


def test_dunn_of_three_clusters_by_hand() -> None:
    value = np.array([1.0, 2, 2, 5, 6, 7, 7, 7, 9])
    cluster = np.repeat([0, 1, 2], 3)
    ranks = [1, 2.5, 2.5, 4, 5, 7, 7, 7, 9]
    means = np.array(ranks).reshape(3, 3).mean(axis=1)
    variance = 9 * 10 / 12 - ((2**3 - 2) + (3**3 - 3)) / (12 * 8)
    pairs = dunn(cluster, value)
    by_hand = [(means[a] - means[b]) / (variance * 2 / 3) ** 0.5 for a, b in ((0, 1), (0, 2), (1, 2))]
    assert [pair.z for pair in pairs] == pytest.approx(by_hand)
    assert [pair.p_holm for pair in pairs] == pytest.approx(holm([pair.p for pair in pairs]).tolist())


@given(st.lists(st.tuples(st.integers(-1, 2), st.sampled_from([0.0, 1.0, 2.0, NAN])), max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_samples_give_numbers_in_their_range(samples: list[tuple[int, float]]) -> None:
    cluster = np.array([c for c, _ in samples], dtype=int)
    value = np.array([v for _, v in samples])
    table, ranks = level_test(cluster, value, draws=99), rank_test(cluster, value)
    assert table.n + table.missing == (cluster != -1).sum()
    for p in (table.p, ranks.p, *(pair.p for pair in dunn(cluster, value))):
        assert np.isnan(p) or 0 <= p <= 1
    assert np.isnan(table.v) or 0 <= table.v <= 1
    assert np.isnan(ranks.epsilon_squared) or 0 <= ranks.epsilon_squared <= 1 + 1e-9


@given(st.lists(st.one_of(st.floats(0, 1), st.just(NAN)), max_size=12))
@settings(max_examples=60, deadline=None)
def test_corrections_equal_statsmodels(p: list[float]) -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    raw = np.array(p, dtype=float)
    known = ~np.isnan(raw)
    for own, name in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        corrected = own(raw)
        assert np.isnan(corrected[~known]).all()
        if known.any():
            expected = multitest.multipletests(raw[known], method=name)[1]
            np.testing.assert_allclose(corrected[known], expected)
