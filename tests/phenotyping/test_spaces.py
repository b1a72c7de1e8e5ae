"""Spaces of mixed variables: they agree with a library or with brute force, and survive bad columns."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.base.errors import InputError
from osler.phenotyping.columns import Columns
from osler.phenotyping.data import ArmInput
from osler.phenotyping.impute import Imputation, fit_imputation
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.spaces import famd, gower, table, vectors
from osler.represent.features import dense_features
from osler.represent.typed import TypedTable, Variable

HOW = PhenotypeSettings()
Make = Callable[..., tuple[TypedTable, np.ndarray]]


def spoil(made: TypedTable) -> TypedTable:
    """A constant column, two columns without any value, and a row without any value."""
    values = made.values.copy()
    values[:, 0] = 7.0
    values[:, 1] = values[:, 6] = np.nan
    values[3] = np.nan
    return replace(made, values=values)


def by_hand(fitted: TypedTable, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Gower's distance, cell by cell."""
    out = np.ones((len(left), len(right)))
    for a, one in enumerate(left):
        for b, other in enumerate(right):
            total = count = 0.0
            for j, variable in enumerate(fitted.variables):
                if np.isnan(one[j]) or np.isnan(other[j]):
                    continue
                count += 1
                if variable.kind == "numeric":
                    known = fitted.values[~np.isnan(fitted.values[:, j]), j]
                    low, high = known.min(), known.max()
                    ends = np.clip([one[j], other[j]], low, high)
                    total += abs(ends[0] - ends[1]) / (high - low) if high > low else 0.0
                elif variable.kind == "ordinal":
                    total += abs(one[j] - other[j]) / (len(variable.levels) - 1)
                else:
                    total += one[j] != other[j]
            out[a, b] = total / count if count else 1.0
    return out


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_gower_equals_brute_force(mixed: Make, missing: float) -> None:
    made, _ = mixed(60, missing=missing)
    other = mixed(23, seed=5, missing=missing)[0]
    for one in (made, spoil(made)):
        space = gower.fit(ArmInput(table=one), settings=HOW, seed=0)
        found, expected = space.points.distances, by_hand(one, one.values, one.values)
        assert found is not None
        assert found.dtype == np.float32
        assert np.array_equal(found, found.T)
        assert np.array_equal(np.diag(found), np.zeros(60))
        off = ~np.eye(60, dtype=bool)
        np.testing.assert_allclose(found[off], expected[off], atol=1e-6)
        placed = space.place(ArmInput(table=other)).distances
        np.testing.assert_allclose(placed, by_hand(one, other.values, one.values), atol=1e-6)
        loaded = gower.GowerMeasure.from_arrays(space.arrays())
        assert np.array_equal(loaded.between(other.values, one.values), placed)
    assert space.n_apart >= 59


def test_gower_of_repeated_samples_equals_brute_force(mixed: Make) -> None:
    made = spoil(mixed(40, missing=0.3)[0])
    rows = np.random.default_rng(3).integers(0, 40, 90)
    values = made.values[rows]
    values[[5, 17, 60]] = np.nan
    found, apart = gower.fit_measure(made).within(values)
    expected = by_hand(made, values, values)
    off = ~np.eye(90, dtype=bool)
    np.testing.assert_allclose(found[off], expected[off], atol=1e-6)
    assert np.array_equal(np.diag(found), np.zeros(90))
    known = ~np.isnan(values)
    assert apart == int(np.triu(~(known[:, None] & known[None]).any(axis=2), 1).sum())


def test_gower_in_blocks_is_the_same(mixed: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = mixed(90, missing=0.2)
    measure = gower.fit_measure(made)
    whole, across = measure.within(made.values), measure.between(made.values, made.values[:40])
    monkeypatch.setattr(gower, "_BLOCK_BYTES", 8 * 90 * 7)
    blocks = measure.within(made.values)
    np.testing.assert_allclose(blocks[0], whole[0], atol=1e-7)
    assert blocks[1] == whole[1]
    np.testing.assert_allclose(measure.between(made.values, made.values[:40]), across, atol=1e-7)


def frame(made: TypedTable) -> Any:
    import pandas as pd

    numeric = made.of_kind("numeric", "ordinal")
    columns = {variable.name: made.values[:, j] for j, variable in enumerate(made.variables)}
    levels = {variable.name: str for j, variable in enumerate(made.variables) if not numeric[j]}
    return pd.DataFrame(columns).astype(levels)


def test_famd_equals_prince_on_complete_data(mixed: Make) -> None:
    import prince

    made, _ = mixed(200)
    space = famd.fit(ArmInput(table=made), settings=HOW, seed=0)
    library = prince.FAMD(n_components=10, engine="scipy").fit(frame(made))
    expected = library.transform(frame(made)).to_numpy()
    found = space.points.euclidean()
    signs = np.sign((found * expected).sum(axis=0))
    np.testing.assert_allclose(found, expected * signs, atol=1e-8)
    np.testing.assert_allclose(space.variances, library.eigenvalues_, atol=1e-8)
    np.testing.assert_allclose(space.share, library.percentage_of_variance_ / 100, atol=1e-8)


def test_famd_places_and_saves(mixed: Make) -> None:
    made, _ = mixed(150, missing=0.1)
    space = famd.fit(ArmInput(table=made), settings=HOW, seed=0)
    again = famd.load(space.arrays())
    placed = again.place(ArmInput(table=made.take([5, 5, 149]))).euclidean()
    np.testing.assert_allclose(placed, space.points.euclidean()[[5, 5, 149]], atol=1e-12)
    few = HOW.model_copy(update={"famd_components": 3})
    assert famd.fit(ArmInput(table=made), settings=few, seed=0).points.euclidean().shape == (150, 3)


def test_famd_of_bad_columns(mixed: Make) -> None:
    bad = spoil(mixed(80)[0])
    space = famd.fit(ArmInput(table=bad), settings=HOW, seed=0)
    assert np.isfinite(space.points.euclidean()).all()
    constant = TypedTable(bad.variables[:1], np.full((9, 1), 0.1))
    with pytest.raises(InputError, match="no variable varies"):
        famd.fit(ArmInput(table=constant), settings=HOW, seed=0)
    for kinds in (("numeric",), ("categorical", "flag")):
        one_kind = mixed(80)[0]
        one_kind = one_kind.keep(one_kind.of_kind(*kinds))
        assert np.isfinite(famd.fit(ArmInput(table=one_kind), settings=HOW, seed=0).points.euclidean()).all()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["numeric", "ordinal", "categorical", "flag"]),
    st.lists(st.one_of(st.none(), st.integers(0, 3)), min_size=1, max_size=12),
)
def test_imputation_is_what_it_says(kind: Any, cells: list[int | None]) -> None:
    known = [min(cell, 1) if kind == "flag" else cell for cell in cells if cell is not None]
    column = [np.nan if cell is None else float(min(cell, 1) if kind == "flag" else cell) for cell in cells]
    levels = () if kind in ("numeric", "flag") else ("a", "b", "c", "d")
    made = TypedTable((Variable("v", "v", kind, levels),), np.array(column)[:, None])
    expected = {
        "numeric": float(np.median(known)) if known else 0.0,
        "ordinal": float(sorted(known)[(len(known) - 1) // 2]) if known else 0.0,
        "categorical": 4.0,
        "flag": float(sum(known) > len(known) / 2),
    }[kind]
    fitted = fit_imputation(made)
    filled = Imputation.from_arrays(fitted.arrays()).apply(made)[:, 0]
    assert filled.tolist() == [expected if np.isnan(cell) else cell for cell in column]


def test_variables_of_other_samples_are_matched_by_name(mixed: Make) -> None:
    made, _ = mixed(30)
    columns = Columns.from_arrays(Columns.of(made).arrays())
    assert columns == Columns.of(made)
    order = np.random.default_rng(0).permutation(len(made.variables))
    ward = made.variables[5]
    renamed = replace(ward, levels=(*reversed(ward.levels), "new"))
    values = made.values.copy()
    values[:, 5] = len(ward.levels) - 1 - values[:, 5]
    values[0, 5] = len(ward.levels)
    variables = [*made.variables[:5], renamed, *made.variables[6:]]
    other = TypedTable(tuple(variables[i] for i in order), values[:, order])
    aligned = columns.align(other)
    assert np.isnan(aligned[0, 5])
    expected = made.values.copy()
    expected[0, 5] = np.nan
    assert np.array_equal(aligned, expected, equal_nan=True)
    space = table.load(table.fit(ArmInput(table=made), settings=HOW, seed=0).arrays())
    placed = space.place(ArmInput(table=other)).variables()
    assert placed.variables == made.variables
    assert np.array_equal(placed.values, expected, equal_nan=True)
    with pytest.raises(InputError, match="lack variables"):
        columns.align(made.keep(np.arange(len(made.variables)) > 0))


def test_vectors_are_placed_as_they_were_fitted() -> None:
    matrix = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    features = dense_features("doc", matrix, list("abcdef"))
    for scaling in ("auto", "standardise", "none"):
        how = HOW.model_copy(update={"scaling": scaling})
        space = vectors.fit(ArmInput(features=features), settings=how, seed=0)
        new = ArmInput(features=dense_features("doc", matrix[7:9], list("abcdef")))
        assert np.array_equal(space.place(new).euclidean(), space.points.euclidean()[7:9])
    with pytest.raises(InputError, match="other columns"):
        space.place(ArmInput(features=dense_features("doc", matrix[:, :5], list("abcde"))))


def test_what_a_space_needs(mixed: Make) -> None:
    matrix = np.zeros((3, 2), dtype=np.float32)
    without_table = ArmInput(features=dense_features("doc", matrix, ["a", "b"]))
    for space in (famd, gower, table):
        with pytest.raises(InputError, match="typed variables"):
            space.fit(without_table, settings=HOW, seed=0)
    with pytest.raises(InputError, match="representation"):
        vectors.fit(ArmInput(table=mixed(9)[0]), settings=HOW, seed=0)
