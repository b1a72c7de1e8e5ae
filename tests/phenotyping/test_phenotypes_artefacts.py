"""Artefact tests on vectors whose cause is planted: one direction of length, or many of meaning."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import cosine_distances
from threadpoolctl import threadpool_limits

from osler.phenotyping.artefacts import (
    explained_traces,
    fully_whitened,
    order_test,
    remade_partitions,
    without_directions,
)


def two_means(matrix: np.ndarray) -> np.ndarray:
    with threadpool_limits(1):
        return KMeans(2, n_init=3, random_state=0).fit_predict(matrix)


def test_directions_are_those_of_scikit_learn() -> None:
    x = np.random.default_rng(0).normal(size=(80, 6)) * [5, 3, 2, 1, 1, 1] + 4
    pca = PCA().fit(x)
    axes = pca.components_[:2]
    centred = x - x.mean(axis=0)
    np.testing.assert_allclose(without_directions(x, 2), centred - centred @ axes.T @ axes, atol=1e-9)
    np.testing.assert_allclose(without_directions(x, 0), centred)
    np.testing.assert_allclose(without_directions(x, 6), 0, atol=1e-9)
    expected = PCA(whiten=True).fit_transform(x) * np.sqrt(80 / 79)
    np.testing.assert_allclose(np.abs(fully_whitened(x)), np.abs(expected), atol=1e-9)


def test_a_partition_by_one_direction_does_not_survive_and_one_by_many_does() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 400)
    long = rng.integers(0, 2, 400)
    meaning = rng.normal(size=(400, 12)) + 3.0 * truth[:, None]
    cut = meaning.copy()
    cut[:, 0] += 60.0 * long
    by_length = remade_partitions(cut, two_means)
    assert [row.change for row in by_length][-1] == "whitened"
    assert by_length[0].removed > 0.8
    assert by_length[0].adjusted_rand < 0.1
    spread = np.concatenate([meaning, rng.normal(size=(400, 1)) * 12], axis=1)
    by_meaning = remade_partitions(spread, two_means, original=truth, removed=(1,))
    assert by_meaning[0].adjusted_rand > 0.9


def test_variables_of_the_text_explain_what_they_make() -> None:
    rng = np.random.default_rng(2)
    cluster = rng.integers(0, 3, 300)
    found = explained_traces(
        cluster, {"words": 100.0 * cluster + rng.normal(size=300), "missing": rng.normal(size=300)}
    )
    assert found["words"].value > 0.99
    assert found["missing"].high < 0.1


def test_order_by_brute_force() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 5)) + 3.0 * rng.integers(0, 2, (60, 1))
    y = x + 0.3 * rng.normal(size=x.shape)
    found = order_test(x, y, two_means)
    apart = cosine_distances(x)[np.triu_indices(60, 1)].mean()
    moved = np.array([cosine_distances(x[[i]], y[[i]])[0, 0] for i in range(60)])
    assert found.moved == pytest.approx(moved.mean())
    assert found.ratio == pytest.approx(moved.mean() / apart)
    one, other = two_means(x), two_means(y)
    assert found.changed == pytest.approx(min((one != other).mean(), (one == other).mean()))


def test_vectors_that_are_all_alike_change_nothing() -> None:
    x = np.ones((10, 3))
    assert fully_whitened(x).shape == (10, 0)
    assert without_directions(x, 2).tolist() == np.zeros((10, 3)).tolist()
