"""Shares of clusters in two cohorts against SciPy, statsmodels and enumeration."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import chi2_contingency
from statsmodels.stats.proportion import proportion_confint

from osler.measure.shares import cluster_means, cluster_shares, shares_test


def test_one_sample_per_patient_is_wilson_and_chi_squared() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.choice(4, 300, p=[0.4, 0.3, 0.2, 0.1]), rng.choice(4, 200, p=[0.3, 0.3, 0.3, 0.1])
    first[:5] = -1
    shares = cluster_shares(first, 4, group=np.arange(300))
    for number, share in enumerate(shares):
        low, high = proportion_confint((first == number).sum(), 295, method="wilson")
        assert share.value == (first == number).sum() / 295
        assert (share.low, share.high) == (pytest.approx(low), pytest.approx(high))
    found = shares_test(first, second, first_group=np.arange(300), second_group=np.arange(200))
    table = np.stack([np.bincount(first[first >= 0], minlength=4), np.bincount(second, minlength=4)])
    expected = chi2_contingency(table, correction=False)
    assert found.test == "chi-squared"
    assert (found.statistic, found.p) == (
        pytest.approx(expected.statistic),
        pytest.approx(expected.pvalue),
    )


def test_permutation_of_patients_equals_enumeration() -> None:
    first, one = np.array([0, 0, 0, 1, 0, 0]), np.array([1, 1, 1, 2, 3, 3])
    second, other = np.array([1, 1, 1, 0, 1, 2, 1]), np.array([1, 1, 2, 2, 3, 4, 4])
    by_patient = [np.bincount(first[one == i], minlength=3) for i in (1, 2, 3)]
    by_patient += [np.bincount(second[other == i], minlength=3) for i in (1, 2, 3, 4)]
    total = np.sum(by_patient, axis=0)

    def statistic(rows: tuple[int, ...]) -> float:
        counts = np.sum([by_patient[i] for i in rows], axis=0)
        return float(chi2_contingency(np.stack([counts, total - counts]), correction=False).statistic)

    own = statistic((0, 1, 2))
    every = [statistic(rows) >= own - 1e-9 for rows in combinations(range(7), 3)]
    found = shares_test(first, second, first_group=one, second_group=other, draws=20_000)
    assert found.test == "permutation of patients"
    assert found.statistic == pytest.approx(own)
    assert found.p == pytest.approx(np.mean(every), abs=0.015)
    with pytest.raises(ValueError, match="10,000"):
        shares_test(first, second, first_group=one, second_group=other, draws=100)


def test_repeated_rows_do_not_pretend_to_be_independent() -> None:
    rng = np.random.default_rng(1)
    cluster = rng.integers(0, 2, 60)
    once = cluster_shares(cluster, 2, group=np.arange(60))[0]
    copied = cluster_shares(np.repeat(cluster, 5), 2, group=np.repeat(np.arange(60), 5))[0]
    assert copied.method == "bootstrap of patients"
    assert copied.value == pytest.approx(once.value)
    assert copied.high - copied.low == pytest.approx(once.high - once.low, rel=0.15)
    a, b = rng.integers(0, 2, 40), rng.integers(0, 2, 40)
    apart = shares_test(
        np.repeat(a, 5),
        np.repeat(b, 5),
        first_group=np.repeat(range(40), 5),
        second_group=np.repeat(range(40), 5),
    )
    assert apart.p == pytest.approx(
        chi2_contingency([np.bincount(a), np.bincount(b)], correction=False).pvalue, abs=0.25
    )


def test_means_by_cluster_equal_plain_python() -> None:
    rng = np.random.default_rng(2)
    cluster, value = rng.integers(-1, 3, 200), rng.random(200)
    whole, each = cluster_means(value, cluster, 4, group=np.arange(200), draws=4000)
    assert whole.value == pytest.approx(value[cluster >= 0].mean())
    for number in range(3):
        inside = value[cluster == number]
        half = 1.96 * inside.std() / len(inside) ** 0.5
        assert each[number].value == pytest.approx(inside.mean())
        assert each[number].high - each[number].low == pytest.approx(2 * half, rel=0.1)
    assert np.isnan(each[3].value)
    none, empty = cluster_means([], [], 1, group=[])
    assert np.isnan(none.value)
    assert np.isnan(empty[0].low)


def test_no_test_where_there_is_nothing_to_compare() -> None:
    assert shares_test([0, 0], [0, 0], first_group=[1, 1], second_group=[1, 2]).test == "none"
    assert shares_test([0, 0], [0, 0], first_group=[1, 2], second_group=[1, 2]).test == "none"
