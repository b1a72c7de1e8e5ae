"""Partitions of all arms side by side: the same spaces for all, equal to scikit-learn and to counting."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, silhouette_samples

from osler.phenotyping.compare import agreement_table, distances_of, flow_table, score_everywhere
from osler.phenotyping.points import Points

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)) + 1000.0
Y = RNG.normal(size=(60, 2))
APART = np.abs(Y[:, :1] - Y[:, :1].T).astype(np.float32)
ONE = np.repeat([0, 1, 2], 20)
OTHER = np.where(X[:, 0] > 1000, 0, 1)
NOISY = np.where(np.arange(60) < 5, -1, OTHER)
PARTITIONS = {("a", 3): ONE, ("b", 2): OTHER, ("c", 2): NOISY}


def test_distances_are_exact_far_from_the_origin_too():
    rows = np.array([3, 7, 50])
    expected = np.linalg.norm(X[rows][:, None] - X[rows][None, :], axis=2)
    assert distances_of(Points(coordinates=X), rows) == pytest.approx(expected, abs=1e-5)
    assert np.array_equal(distances_of(Points(distances=APART), rows), APART[np.ix_(rows, rows)])


def test_every_partition_is_scored_in_every_space():
    rows = np.arange(0, 60, 2)
    spaces = {"x": Points(coordinates=X), "y": Points(distances=APART)}
    scores = score_everywhere(PARTITIONS, spaces, {"a": "x", "b": "y"}, rows=rows)
    assert scores.height == 6
    found = {(row["arm"], row["space"]): row for row in scores.iter_rows(named=True)}
    value = silhouette_samples(X[rows], ONE[rows])
    assert found["a", "x"]["silhouette_micro"] == pytest.approx(value.mean(), abs=1e-5)
    macro = np.mean([value[ONE[rows] == one].mean() for one in range(3)])
    assert found["a", "x"]["silhouette_macro"] == pytest.approx(macro, abs=1e-5)
    kept = rows[NOISY[rows] >= 0]
    value = silhouette_samples(APART[np.ix_(kept, kept)], NOISY[kept], metric="precomputed")
    assert found["c", "y"]["silhouette_micro"] == pytest.approx(value.mean(), abs=1e-5)
    assert [found[key]["own"] for key in (("a", "x"), ("a", "y"), ("b", "y"))] == [True, False, True]
    single = score_everywhere({("d", 1): np.zeros(60, dtype=int)}, spaces, {}, rows=rows)
    assert single["silhouette_micro"].null_count() == 2


def test_agreement_and_flow():
    table = agreement_table(PARTITIONS)
    assert table.height == 3
    first = table.row(0, named=True)
    assert (first["arm"], first["other_arm"], first["n"]) == ("a", "b", 60)
    assert first["adjusted_rand"] == pytest.approx(adjusted_rand_score(ONE, OTHER))
    flow = flow_table(PARTITIONS)
    cells = {(row["arm"], row["cluster"], row["other_cluster"]): row for row in flow.iter_rows(named=True)}
    for one in range(3):
        for other in range(2):
            n = int(((one == ONE) & (other == OTHER)).sum())
            assert cells["a", one, other]["n"] == n
            assert cells["a", one, other]["share"] == pytest.approx(n / 20)
    assert cells["b", 0, -1]["n"] == int(((OTHER == 0) & (NOISY == -1)).sum())
    assert flow.filter(arm="a")["n"].sum() == 60
