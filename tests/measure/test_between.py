"""Shares of an outcome between clusters: equal to leaving patients out one by one, and 0 by chance."""

import numpy as np
import pytest

from osler.measure.between import between_shares


def eta(cluster: np.ndarray, y: np.ndarray) -> float:
    total = ((y - y.mean()) ** 2).sum()
    parts = [((y[cluster == c].mean() - y.mean()) ** 2) * (cluster == c).sum() for c in np.unique(cluster)]
    return float(sum(parts) / total)


def test_leaving_each_patient_out_by_hand() -> None:
    rng = np.random.default_rng(0)
    group = rng.integers(0, 25, 80)
    labels = np.column_stack([rng.integers(-1, 3, 80), rng.integers(0, 2, 80)])
    y = (rng.random(80) < 0.3).astype(float)
    found = between_shares(labels, y, group=group)
    patients = np.unique(group)
    without = [[eta(labels[group != g, m], y[group != g]) for m in (0, 1)] for g in patients]
    np.testing.assert_allclose(found.plain, [eta(labels[:, m], y) for m in (0, 1)])
    np.testing.assert_allclose(found.without, without)
    gap = np.array(without) @ [1, -1]
    count, whole = len(patients), eta(labels[:, 0], y) - eta(labels[:, 1], y)
    difference = found.difference(0, 1)
    assert difference.value == pytest.approx(count * whole - (count - 1) * gap.mean())
    error = np.sqrt((count - 1) / count * ((gap - gap.mean()) ** 2).sum())
    assert difference.high - difference.value == pytest.approx(1.959964 * error)


def test_chance_adds_nothing_though_patients_repeat_and_clusters_are_many() -> None:
    rng = np.random.default_rng(1)
    plain, fair = [], []
    for _ in range(200):
        patient = np.arange(300) // 3
        cluster = rng.integers(0, 8, 100)[patient]
        y = (rng.random(100) < 0.2).astype(float)[patient]
        found = between_shares(cluster, y, group=patient)
        plain.append(found.plain[0])
        fair.append(found.of(0).value)
    assert np.mean(plain) > 0.05
    assert abs(np.mean(fair)) < 0.012


def test_intervals_hold_the_truth() -> None:
    rng = np.random.default_rng(2)
    size, rate = np.array([0.7, 0.2, 0.1]), np.array([0.1, 0.3, 0.6])
    mean = float((size * rate).sum())
    truth = float((size * (rate - mean) ** 2).sum() / (mean * (1 - mean)))
    held = []
    for _ in range(200):
        cluster = rng.choice(3, 300, p=size)
        y = (rng.random(300) < rate[cluster]).astype(float)
        found = between_shares(cluster, y).of(0)
        held.append(found.low <= truth <= found.high)
    assert np.mean(held) > 0.9


def test_an_outcome_that_does_not_vary_has_no_share() -> None:
    assert np.isnan(between_shares(np.arange(10) % 2, np.ones(10)).of(0).value)
