"""The max-statistic test beside every permutation of a few samples, its level, its power, and groups."""

from itertools import permutations

import numpy as np
import pytest

from osler.measure.permutation import max_statistic_test

DRAWS = 10_000


def brute_force(labels: np.ndarray, value: np.ndarray, orders: list[np.ndarray]) -> np.ndarray:
    """p of each cluster over all permutations, from plain loops."""
    names = [(j, c) for j in range(labels.shape[1]) for c in np.unique(labels[:, j]) if c != -1]
    sums = np.array([[value[o][labels[:, j] == c].sum() for j, c in names] for o in orders])
    z = (sums - sums.mean(axis=0)) / sums.std(axis=0)
    largest = np.abs(z).max(axis=1)
    own = np.array([value[labels[:, j] == c].sum() for j, c in names])
    observed = np.abs((own - sums.mean(axis=0)) / sums.std(axis=0))
    return (largest[:, None] >= observed[None, :] - 1e-9).mean(axis=0)


def test_p_is_that_of_all_permutations() -> None:
    labels = np.array([[0, 0, 0, 1, 1, 1, 2], [0, 1, 0, 1, -1, -1, -1]]).T
    value = np.array([0.0, 1.0, 0.5, 3.0, 4.0, 9.0, 2.0])
    expected = brute_force(labels, value, [np.array(o) for o in permutations(range(7))])
    found = max_statistic_test(labels, value, draws=40_000, seed=1)
    np.testing.assert_allclose(found.p[:, 0], expected, atol=0.01)


def test_groups_move_whole_among_those_of_their_size() -> None:
    group = np.array([1, 1, 2, 2, 3, 3, 4, 5, 6])
    labels = np.array([[0, 1, 0, 0, 1, 1, 0, 1, 1]]).T
    value = np.array([1.0, 0, 1, 1, 0, 0, 1, 0, 0])
    pairs, ones = np.array([[0, 1], [2, 3], [4, 5]]), np.array([6, 7, 8])
    orders = []
    for a in permutations(range(3)):
        for b in permutations(range(3)):
            order = np.empty(9, dtype=int)
            order[pairs] = pairs[list(a)]
            order[ones] = ones[list(b)]
            orders.append(order)
    expected = brute_force(labels, value, orders)
    found = max_statistic_test(labels, value, group=group, draws=40_000, seed=2)
    np.testing.assert_allclose(found.p[:, 0], expected, atol=0.01)


def test_p_is_uniform_where_nothing_goes_together() -> None:
    rng = np.random.default_rng(3)
    smallest = []
    for seed in range(40):
        labels = np.column_stack([rng.integers(0, k, 50) for k in (2, 3, 4)])
        found = max_statistic_test(labels, rng.normal(size=50), seed=seed)
        smallest.append(float(np.nanmin(found.p)))
    assert np.mean(smallest) == pytest.approx(0.5, abs=0.13)
    assert np.mean(np.array(smallest) <= 0.1) <= 0.22


def test_an_outcome_that_goes_with_one_cluster_is_found_there_only() -> None:
    rng = np.random.default_rng(4)
    labels = np.column_stack([rng.permutation(np.arange(400) // 100), rng.integers(0, 5, 400)])
    dead = rng.random(400) < np.where(labels[:, 0] == 2, 0.4, 0.08)
    found = max_statistic_test(labels, np.column_stack([dead, rng.normal(size=400)]).astype(float))
    hit = (found.partition == 0) & (found.cluster == 2)
    assert found.p[hit, 0] <= 0.001
    assert found.p[found.partition == 1].min() > 0.05
    assert found.p[:, 1].min() > 0.05


def test_repeated_samples_of_a_patient_are_no_evidence() -> None:
    rng = np.random.default_rng(5)
    small = 0
    for seed in range(40):
        group = np.repeat(np.arange(12), 10)
        labels = rng.integers(0, 2, 12)[group]
        outcome = rng.integers(0, 2, 12)[group].astype(float)
        p = max_statistic_test(labels, outcome, group=group, seed=seed).p
        small += bool((np.nan_to_num(p, nan=1.0) <= 0.05).any())
    assert small <= 6


def test_missing_outcomes_say_nothing_and_constants_have_no_p() -> None:
    labels = np.arange(40) % 2
    value = np.where(np.arange(40) < 30, labels.astype(float), np.nan)
    found = max_statistic_test(labels, np.column_stack([value, np.ones(40), np.full(40, np.nan)]))
    assert found.z[1, 0] == pytest.approx(15 * 0.5 / np.sqrt(7.5 / 40 * 20 * 20 / 39))
    assert np.isnan(found.p[:, 1:]).all()
    whole = max_statistic_test(np.zeros(40, dtype=int), np.arange(40.0))
    assert np.isnan(whole.p).all()


def test_the_same_seed_gives_the_same_p_and_few_draws_are_refused() -> None:
    labels, value = np.arange(30) % 3, np.random.default_rng(6).normal(size=30)
    assert (max_statistic_test(labels, value).p == max_statistic_test(labels, value).p).all()
    with pytest.raises(ValueError, match="10,000"):
        max_statistic_test(labels, value, draws=999)
