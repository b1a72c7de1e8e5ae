"""Views, pooling and joins: what is fitted sees training rows only, and absent is not zero."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone

from osler.base.errors import InputError
from osler.represent.features import Features, dense_features
from osler.represent.instruction import TASKS, instruction
from osler.represent.joined import joined_features, total_variance
from osler.represent.pool import StatementPool
from osler.represent.vocabulary import CountVocabulary

NAMES = ["A|ever|count", "A|ever|last", "A|ever|max", "B|ever|count"]
VALUES = np.array([False, True, True, False])


def counts_features(matrix):
    from functools import partial

    make = partial(CountVocabulary, min_samples=1, names=NAMES, value_columns=VALUES)
    return Features("counts", matrix, NAMES, make, VALUES)


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    measured = rng.random(60) < 0.7
    columns = [
        measured * rng.integers(1, 5, 60),
        np.where(measured, rng.normal(100, 20, 60), 0),
        np.where(measured, rng.normal(130, 20, 60), 0),
        rng.integers(0, 3, 60),
    ]
    matrix = sparse.csr_matrix(np.column_stack(columns).astype(np.float32))
    zero = np.flatnonzero(measured)[0]
    matrix[zero, 1] = 0.0  # a measured zero
    matrix = sparse.csr_matrix(matrix)
    matrix.data[matrix.indptr[zero] : matrix.indptr[zero + 1]][1] = 0.0
    return counts_features(matrix), measured


def test_linear_view_standardises_what_was_measured(features):
    counts, measured = features
    view = counts.make_linear()
    out = view.fit_transform(counts.matrix).toarray()
    names = view.get_feature_names_out().tolist()
    assert names == [*NAMES, "A|ever|measured"]
    assert np.array_equal(out[:, 4], measured)
    for column in (1, 2):
        assert np.allclose(out[~measured, column], 0)
        assert out[measured, column].mean() == pytest.approx(0, abs=1e-5)
        assert out[measured, column].std() == pytest.approx(1, abs=1e-4)
    assert out[:, [0, 3]].max(axis=0).tolist() == [1, 1]
    assert not view.value_columns_.any()


def test_tree_view_says_missing_and_keeps_zero(features):
    counts, measured = features
    view = counts.make_trees()
    out = view.fit_transform(counts.matrix)
    assert isinstance(out, np.ndarray)
    assert out.dtype == np.float32
    assert np.array_equal(np.isnan(out[:, 1]), ~measured)
    assert (out[measured, 1] == 0).sum() == 1
    assert not np.isnan(out[:, [0, 3]]).any()


def test_tree_view_stays_sparse_where_dense_is_too_large(features, monkeypatch):
    monkeypatch.setattr("osler.represent.features.TREES_LIMIT", 60 * 4 * 4 - 1)
    counts, _ = features
    view = counts.make_trees()
    assert sparse.issparse(view.fit_transform(counts.matrix[:10]))
    assert sparse.issparse(view.transform(counts.matrix[10:12]))
    assert view.value_columns_.tolist() == VALUES.tolist()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_what_is_fitted_does_not_see_test_rows(seed):
    rng = np.random.default_rng(seed)
    dense = rng.integers(0, 4, (40, 4)).astype(np.float32) * (rng.random((40, 4)) < 0.5)
    other = dense.copy()
    other[30:] = rng.integers(0, 90, (10, 4))
    train = []
    for matrix in (sparse.csr_matrix(dense), sparse.csr_matrix(other)):
        counts = counts_features(matrix)
        vectors = np.eye(4, dtype=np.float32)
        statements = Features(
            "s",
            matrix,
            list("abcd"),
            lambda v=vectors: StatementPool(vectors=v, pool="idf"),
            np.zeros(4, bool),
        )
        joined = joined_features([counts, statements])
        for make in (joined.make_linear, joined.make_trees, joined.make_transformer):
            transformer = make()
            transformer.fit(joined.matrix[:30])
            train.append(transformer.transform(joined.matrix[:30]))
    for a, b in zip(train[:3], train[3:], strict=True):
        whole = [x.toarray() if sparse.issparse(x) else x for x in (a, b)]
        assert np.array_equal(*whole, equal_nan=True)


def test_pool_equals_plain_numpy_and_weighs_by_training_rows():
    rng = np.random.default_rng(1)
    X = rng.integers(0, 3, (20, 7)).astype(np.float32)
    X[3] = 0
    vectors = rng.normal(size=(7, 5)).astype(np.float32)
    for kind in ("mean", "idf"):
        pool = clone(StatementPool(vectors=vectors, pool=kind)).fit(sparse.csr_matrix(X[:12]))
        assert pool.vectors is vectors
        frequency = (X[:12] > 0).sum(axis=0)
        weights = np.log(13 / (1 + frequency)) + 1 if kind == "idf" else np.ones(7)
        expected = (X * weights) @ vectors
        length = np.linalg.norm(expected, axis=1, keepdims=True)
        expected = np.divide(expected, length, out=np.zeros_like(expected), where=length > 0)
        assert np.allclose(pool.transform(sparse.csr_matrix(X)), expected, atol=1e-6)
    with pytest.raises(ValueError, match="columns"):
        StatementPool(vectors=vectors).fit(sparse.csr_matrix(X[:, :3]))


def test_joined_blocks_weigh_the_same(features):
    counts, _ = features
    rng = np.random.default_rng(2)
    vectors = dense_features("doc", rng.normal(5, 30, (60, 3)), ["u", "v", "w"])
    joined = joined_features([counts, vectors])
    linear = joined.make_linear()
    out = linear.fit_transform(joined.matrix)
    assert total_variance(out[:, :5]) == pytest.approx(1, rel=1e-4)
    assert total_variance(out[:, 5:]) == pytest.approx(1, rel=1e-4)
    names = linear.get_feature_names_out().tolist()
    assert names[0] == "counts:A|ever|count"
    assert names[-1] == "doc:w"
    trees = joined.make_trees().fit(joined.matrix).transform(joined.matrix)
    assert np.array_equal(trees[:, 4:], vectors.matrix)
    assert np.isnan(trees[:, 1]).any()
    both = joined_features([vectors, vectors])
    assert isinstance(both.make_linear().fit_transform(both.matrix), np.ndarray)


def test_joining_needs_two_parts_of_the_same_samples(features):
    counts, _ = features
    with pytest.raises(InputError, match="two parts"):
        joined_features([counts])
    with pytest.raises(InputError, match="samples"):
        joined_features([counts, dense_features("d", np.zeros((3, 1)), ["x"])])


def test_instructions_have_versions_and_hashes(tmp_path):
    made = [instruction(name) for name in ("none", "generic", *(f"task:{task}" for task in TASKS))]
    assert len({one.hash for one in made}) == len(made)
    assert all(one.version == 1 for one in made)
    with pytest.raises(InputError, match="task:mortality"):
        instruction("task:nothing")
    (tmp_path / "empty").write_text(" ")
    with pytest.raises(InputError, match="empty"):
        instruction(str(tmp_path / "empty"))
    (tmp_path / "latin").write_bytes("ä".encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        instruction(str(tmp_path / "latin"))
