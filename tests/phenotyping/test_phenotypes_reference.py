"""The reference has the margins, correlations and missing cells of the data, and none of its clusters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.base.errors import InputError
from osler.phenotyping.cohorts import KINDS, simulate_cohort
from osler.phenotyping.data import ArmInput
from osler.phenotyping.evidence import input_reference
from osler.phenotyping.gap import valley
from osler.phenotyping.reference import table_reference, vector_reference
from osler.phenotyping.separation import table_coordinates
from osler.represent.features import Features, dense_features
from osler.represent.typed import TypedTable, Variable


def same_margins(data: TypedTable, drawn: TypedTable) -> None:
    for value, other in zip(data.values.T, drawn.values.T, strict=True):
        np.testing.assert_array_equal(np.isnan(value), np.isnan(other))
        np.testing.assert_array_equal(np.sort(value[~np.isnan(value)]), np.sort(other[~np.isnan(other)]))


@pytest.mark.parametrize("kind", ["planted easy", "gradient", "skewed"])
def test_a_draw_has_the_values_and_the_missing_cells_of_the_data(kind: str) -> None:
    table = simulate_cohort(kind, n=150, seed=3).table
    reference = table_reference(table)
    first = reference.draw(0)
    same_margins(table, first)
    np.testing.assert_array_equal(first.values, reference.draw(0).values)
    assert (np.nan_to_num(first.values) != np.nan_to_num(reference.draw(1).values)).any()


@pytest.mark.parametrize("kind", ["continuum", "gradient", "planted moderate"])
def test_a_large_draw_has_the_correlations_of_the_data(kind: str) -> None:
    table = simulate_cohort(kind, n=3_000, seed=1).table
    drawn = table_reference(table).draw(0, n=20_000)
    own, other = (np.corrcoef(table_coordinates(t).T) for t in (table, drawn))
    off = ~np.eye(len(own), dtype=bool)
    # What is left is the sampling error of the data, about 1 / sqrt(3,000), and what the series approximates.
    assert np.sqrt(np.mean((own[off] - other[off]) ** 2)) < 0.03
    assert np.corrcoef(own[off], other[off])[0, 1] > 0.95
    for value, new in zip(table.values.T, drawn.values.T, strict=True):
        assert np.nanmean(new) == pytest.approx(np.nanmean(value), abs=0.06 * np.nanstd(value))
        assert np.isnan(new).mean() == pytest.approx(np.isnan(value).mean(), abs=0.03)


def test_what_missing_cells_say_about_values_is_kept() -> None:
    rng = np.random.default_rng(0)
    severity = rng.normal(size=(2_000, 1))
    values = severity + rng.normal(size=(2_000, 4))
    absent = (severity[:, 0] + rng.normal(size=2_000)) < 0
    values[absent, 2:] = np.nan  # a panel that the less ill do not get
    table = TypedTable(tuple(Variable(f"v{i}", f"V{i}", "numeric") for i in range(4)), values)
    drawn = table_reference(table).draw(0).values
    assert (np.isnan(drawn[:, 2]) == np.isnan(drawn[:, 3])).all()
    gap = np.mean(values[absent, 0]) - np.mean(values[~absent, 0])
    assert np.mean(drawn[absent, 0]) - np.mean(drawn[~absent, 0]) == pytest.approx(gap, abs=0.15)


def test_two_clusters_go_in_and_none_comes_out() -> None:
    rng = np.random.default_rng(1)
    side = rng.integers(0, 2, 1_000)
    values = rng.normal(size=(1_000, 12)) + 1.5 * side[:, None]
    table = TypedTable(tuple(Variable(f"v{i}", f"V{i}", "numeric") for i in range(12)), values)
    drawn = table_reference(table).draw(0).values

    def along(matrix: np.ndarray) -> float:
        score = matrix.mean(axis=1)
        low, high = np.percentile(score, [25, 75])
        return valley((score - low) / (high - low))

    assert along(values) > 0.5
    assert along(drawn) < 0.05


def test_vectors_keep_their_mean_covariance_and_length() -> None:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(4_000, 6)) @ rng.normal(size=(6, 6)) + 3
    reference = vector_reference(vectors)
    drawn = reference.draw(0, n=60_000)
    assert drawn.dtype == np.float32
    scale = np.abs(np.cov(vectors.T)).max()
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(vectors.T), atol=0.05 * scale)
    np.testing.assert_allclose(drawn.mean(axis=0), vectors.mean(axis=0), atol=0.1)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    on_sphere = vector_reference(unit.astype(np.float32)).draw(0)
    assert on_sphere.shape == unit.shape
    np.testing.assert_allclose(np.linalg.norm(on_sphere, axis=1), 1, atol=1e-5)


def test_two_clusters_of_vectors_become_one() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(800, 20))
    vectors[:400, 0] += 8
    drawn = vector_reference(vectors).draw(0)
    assert valley((vectors[:, 0]) / 8) > 0.5
    assert valley((drawn[:, 0]) / 8) < 0.05


LEVELS = st.sampled_from([0.0, 1.0, 2.0, np.nan])


@given(st.lists(st.tuples(LEVELS, LEVELS, LEVELS, LEVELS), min_size=1, max_size=40), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_any_table_can_be_drawn(rows: list[tuple[float, ...]], seed: int) -> None:
    kinds = ("numeric", "ordinal", "categorical", "flag")
    table = TypedTable(tuple(Variable(kind, kind, kind) for kind in kinds), np.array(rows))
    same_margins(table, table_reference(table).draw(seed))


def test_a_reference_of_what_arms_take() -> None:
    table = simulate_cohort("continuum", n=60).table
    dense = dense_features("words", np.random.default_rng(0).normal(size=(60, 4)), list("abcd"))
    drawn = input_reference(ArmInput(table=table, features=dense))(1)
    same_margins(table, drawn.variables())
    assert drawn.representation().matrix.shape == (60, 4)
    from scipy import sparse

    counts = Features(
        "counts", sparse.csr_matrix((60, 4)), list("abcd"), lambda: None, np.zeros(4, dtype=bool)
    )
    with pytest.raises(InputError, match="sparse"):
        input_reference(ArmInput(features=counts))


@pytest.mark.parametrize("kind", KINDS)
def test_cohorts_are_mixed_have_missing_values_and_a_seed(kind: str) -> None:
    one, again, other = (simulate_cohort(kind, n=300, seed=s) for s in (5, 5, 6))
    np.testing.assert_array_equal(one.table.values, again.table.values)
    assert not np.array_equal(one.table.values, other.table.values, equal_nan=True)
    assert {variable.kind for variable in one.table.variables} == {
        "numeric",
        "ordinal",
        "categorical",
        "flag",
    }
    assert 0.02 < np.isnan(one.table.values).mean() < 0.4
    assert one.length.shape == (300,)
    assert (one.length > 0).all()
    planted = np.bincount(one.truth) / 300
    assert planted.tolist() == ([0.44, 0.3, 0.2, 0.06] if kind.startswith("planted") else [1.0])
    with pytest.raises(InputError):
        simulate_cohort("clusters")  # type: ignore[arg-type]
