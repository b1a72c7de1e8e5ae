"""Latent correlations against planted ones, the bivariate normal integral, and edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

from osler.measure.latent import latent_correlation, normal_scores, positive_definite


def test_planted_correlations_come_back_through_any_kind_of_variable() -> None:
    truth = np.array([[1, 0.5, -0.3, 0.7], [0.5, 1, 0.2, 0.4], [-0.3, 0.2, 1, 0], [0.7, 0.4, 0, 1.0]])
    rng = np.random.default_rng(0)
    z = rng.multivariate_normal(np.zeros(4), truth, 40_000)
    x = z.copy()
    x[:, 0] = np.exp(2 * z[:, 0])
    x[:, 1] = z[:, 1] > 1.2
    x[:, 2] = np.digitize(z[:, 2], [-1.0, 0.0, 0.5])
    x[:, 3] = z[:, 3] > -0.5
    x[rng.random(x.shape) < 0.2] = np.nan
    np.testing.assert_allclose(latent_correlation(x), truth, atol=0.03)


@pytest.mark.parametrize("table", [[[50, 20], [10, 40]], [[90, 8], [12, 10]], [[20, 60], [70, 10]]])
def test_two_flags_have_the_tetrachoric_correlation(table: list[list[int]]) -> None:
    counts = np.array(table)
    x = np.array([(i, j) for i in (0, 1) for j in (0, 1) for _ in range(counts[i, j])], dtype=float)
    ends = norm.ppf(counts.sum(axis=1)[0] / counts.sum()), norm.ppf(counts.sum(axis=0)[0] / counts.sum())

    def surplus(rho: float) -> float:
        return float(multivariate_normal.cdf(ends, cov=[[1, rho], [rho, 1]])) - counts[0, 0] / counts.sum()

    assert latent_correlation(x)[0, 1] == pytest.approx(brentq(surplus, -0.95, 0.95), abs=0.01)


def test_shrinking_takes_off_noise_and_leaves_what_is_strong() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(300, 40))
    noise[:, 1] = 0.8 * noise[:, 0] + 0.6 * noise[:, 1]
    plain, shrunk = latent_correlation(noise), latent_correlation(noise, shrink=True)
    off = ~np.eye(40, dtype=bool)
    off[:2, :2] = False
    assert (shrunk[off] ** 2).sum() < 0.6 * (plain[off] ** 2).sum()
    assert shrunk[0, 1] == pytest.approx(plain[0, 1], abs=0.01)


def test_normal_scores_are_the_means_of_their_intervals() -> None:
    rng = np.random.default_rng(2)
    z = rng.normal(size=200_000)
    levels = np.digitize(z, [-0.7, 0.4])
    scores = normal_scores(levels.astype(float))
    for level in range(3):
        assert scores[levels == level][0] == pytest.approx(z[levels == level].mean(), abs=0.02)


@given(
    st.lists(st.lists(st.sampled_from([0.0, 1.0, 2.5, np.nan]), min_size=3, max_size=3), max_size=60),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_any_table_gives_a_matrix_that_can_be_made_positive_definite(
    rows: list[list[float]], shrink: bool
) -> None:
    matrix = latent_correlation(np.array(rows, dtype=float).reshape(-1, 3), shrink=shrink)
    assert np.isfinite(matrix).all()
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-6)
    raised = positive_definite(matrix)
    assert np.linalg.eigvalsh(raised)[0] > 0
    np.testing.assert_allclose(raised.diagonal(), 1.0)
    assert np.abs(raised).max() <= 1 + 1e-9


def test_columns_without_spread_or_values_have_correlation_zero() -> None:
    x = np.column_stack([np.arange(50.0), np.ones(50), np.full(50, np.nan)])
    np.testing.assert_array_equal(latent_correlation(x), np.eye(3))
