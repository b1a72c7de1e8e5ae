"""A saved clustering gives new samples the clusters that fitting gave them."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import sparse
from test_phenotypes_fit import QUICK, counts, labels_of, names, planted

from osler.base.errors import InputError
from osler.phenotyping.assign import assign_samples
from osler.phenotyping.assigning import assign
from osler.phenotyping.fit import fit_phenotypes
from osler.phenotyping.model import Model, load_model
from osler.phenotyping.store import pack, unpack
from osler.represent.features import Features, dense_features
from osler.represent.pool import StatementPool


def statements(n: int = 300, pool: str = "idf") -> tuple[Features, np.ndarray]:
    """Samples of two kinds, told apart by which statements they have."""
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, n)
    matrix = (rng.random((n, 40)) < np.where(np.arange(40)[None, :] % 2 == truth[:, None], 0.5, 0.05)).astype(
        float
    )
    vectors = rng.normal(size=(40, 16)).astype(np.float32)
    return pooled(matrix, vectors, [f"id{i:02d}" for i in range(40)], pool=pool), truth


def pooled(matrix: Any, vectors: np.ndarray, ids: list[str], *, pool: Any) -> Features:
    return Features(
        name="statement",
        matrix=sparse.csr_matrix(matrix, dtype=np.float32),
        names=ids,
        make_transformer=lambda: StatementPool(vectors=vectors, pool=pool),
        value_columns=np.zeros(len(ids), dtype=bool),
    )


def fitted(
    folder: Path, features: Features, positive: np.ndarray, **changes: Any
) -> tuple[Model, pl.DataFrame]:
    labels = labels_of(folder / "l", positive)
    fit_phenotypes(labels, features, folder / "p", settings=QUICK.model_copy(update=changes))
    return load_model(folder / "p"), pl.read_parquet(folder / "p" / "phenotypes.parquet")


def select(features: Features, rows: np.ndarray, columns: np.ndarray | None = None) -> Features:
    matrix = features.matrix[rows]
    if columns is None:
        return Features(**{**vars(features), "matrix": matrix})
    ids = [features.names[i] for i in columns]
    return Features(**{**vars(features), "matrix": matrix[:, columns], "names": ids})


def check_round_trip(model: Model, members: pl.DataFrame, features: Features) -> None:
    rows = np.arange(features.n_samples)[::-3]
    for k in (2, 4):
        found = assign(model, select(features, rows), k=k)
        expected = members.filter(pl.col("k") == k)
        assert found.cluster.tolist() == expected["cluster"].to_numpy()[rows].tolist()
        np.testing.assert_allclose(found.typicality, expected["typicality"].to_numpy()[rows], atol=0.01)
        assert (found.unseen, found.absent) == (0, 0)


@pytest.mark.parametrize("scaling", ["auto", "standardise"])
def test_dense_vectors(tmp_path: Path, scaling: str) -> None:
    _, vectors, positive = planted()
    features = dense_features("document", vectors, names(12))
    model, members = fitted(tmp_path, features, positive, scaling=scaling)
    check_round_trip(model, members, features)
    with pytest.raises(InputError, match="other columns"):
        assign(model, dense_features("document", vectors[:, :5], names(5)))
    with pytest.raises(InputError, match="knows only 0%"):
        assign(model, dense_features("document", vectors, [f"y{i}" for i in range(12)]))


def test_counts_whatever_the_order_of_columns(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    kind = rng.integers(0, 3, 300)
    matrix = rng.poisson(0.2 + 3 * (np.arange(70)[None, :] % 3 == kind[:, None]))
    matrix[:, 60:] = (rng.random((300, 10)) < 0.6) * (5 + kind[:, None])
    columns = [f"c{i:02d}|ever|{'count' if i < 60 else 'last'}" for i in range(70)]
    features = counts(matrix, columns, [i >= 60 for i in range(70)])
    model, members = fitted(tmp_path, features, kind == 0)
    assert model.reader.space.components is not None
    check_round_trip(model, members, features)
    shuffled = rng.permutation(70)
    found = assign(model, select(features, np.arange(300), shuffled), k=3)
    assert found.cluster.tolist() == members.filter(pl.col("k") == 3)["cluster"].to_list()
    fewer = select(features, np.arange(300), np.arange(69))
    renamed = Features(**{**vars(fewer), "names": ["new|ever|count", *fewer.names[1:]]})
    partly = assign(model, renamed, k=3)
    assert (partly.unseen, partly.absent) == (1, 2)


@pytest.mark.parametrize("pool", ["mean", "idf"])
def test_statements_by_the_weights_of_the_first_samples(tmp_path: Path, pool: str) -> None:
    features, truth = statements(pool=pool)
    model, members = fitted(tmp_path, features, truth == 1)
    check_round_trip(model, members, features)
    # Other samples with other statements: known ones keep their weight, new ones weigh as unseen.
    transformer = features.make_linear().fit(features.matrix)
    weights = dict(zip(features.names, transformer.steps[0].weights_.tolist(), strict=True))
    ids = [*features.names[5:], "zz"]
    vectors = np.vstack([transformer.steps[0].vectors[5:], np.ones((1, 16), dtype=np.float32)])
    matrix = np.hstack([features.matrix.toarray()[:50, 5:], np.ones((50, 1))])
    found = assign(model, pooled(matrix, vectors, ids, pool=pool), k=2)
    unseen = 1.0 if pool == "mean" else np.log(301) + 1
    raw = (matrix * np.array([weights.get(name, unseen) for name in ids])) @ vectors
    raw /= np.linalg.norm(raw, axis=1, keepdims=True)
    centres = model.partitions["kmeans", 2].arrays["centres"]
    nearest = ((raw[:, None, :] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
    assert found.cluster.tolist() == nearest.tolist()
    assert (found.unseen, found.absent) == (1, 5)


def test_files_of_assigned_samples(tmp_path: Path) -> None:
    _, vectors, positive = planted()
    features = dense_features("document", vectors, names(12))
    labels = labels_of(tmp_path / "l", positive)
    source = {"encoder": "a", "unit": "document"}
    fit_phenotypes(labels, features, tmp_path / "p", settings=QUICK, source=source)
    model = load_model(tmp_path / "p")
    summary = assign_samples(model, features, labels.samples, tmp_path / "q", source=source)
    assert summary["k"] == 4
    assert summary["source checked"]
    written = pl.read_parquet(tmp_path / "q" / "phenotypes.parquet")
    expected = pl.read_parquet(tmp_path / "p" / "phenotypes.parquet").filter(pl.col("k") == 4)
    assert written.equals(expected)
    with pytest.raises(InputError, match="encoder differ"):
        assign_samples(model, features, labels.samples, tmp_path / "r", source={**source, "encoder": "b"})
    for file in ("model.json", "model.npz"):
        assert (tmp_path / "p" / "model" / file).stat().st_mode & 0o077 == 0


def test_what_was_not_fitted_is_refused(tmp_path: Path) -> None:
    _, vectors, positive = planted()
    features = dense_features("document", vectors, names(12))
    model, _ = fitted(tmp_path, features, positive)
    with pytest.raises(InputError, match="k 9"):
        assign(model, features, k=9)
    with pytest.raises(InputError, match="fitted on 'document'"):
        assign(model, dense_features("other", vectors, names(12)))
    with pytest.raises(InputError, match="no saved clustering"):
        load_model(tmp_path / "l")


def test_store_takes_no_other_class() -> None:
    with pytest.raises(TypeError, match="no saved form"):
        pack({1, 2}, {})
    arrays: dict[str, Any] = {}
    value = [1, "a", None, True, (0.5, float("nan")), np.array(["x"], dtype=object)]
    back = unpack(pack(value, arrays), arrays)
    assert back[:4] == value[:4]
    assert back[4][0] == 0.5
    assert np.isnan(back[4][1])
    assert back[5].tolist() == ["x"]
    with pytest.raises(KeyError):
        unpack({"class": "Popen", "state": {}}, {})
