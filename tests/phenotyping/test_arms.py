"""The table of arms, the maps by UMAP, and exemplars."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from osler.base.errors import InputError
from osler.phenotyping import exemplars
from osler.phenotyping.arms import ARMS, arm
from osler.phenotyping.data import ArmInput
from osler.phenotyping.partition import Partition
from osler.phenotyping.points import Points
from osler.phenotyping.settings import ArmName, PhenotypeSettings
from osler.phenotyping.spaces import umap
from osler.represent.features import dense_features
from osler.represent.typed import TypedTable

HOW = PhenotypeSettings(seeds=2, starts=2, famd_components=2)
Make = Callable[..., tuple[TypedTable, np.ndarray]]
ON_TABLES = ["famd+kmeans", "famd+pam", "gower+pam", "kprototypes"]
ON_MAPS = ["umap2+kmeans", "umap2+pam", "umap10+kmeans", "umap10+pam", "hdbscan"]


def test_settings_name_every_arm() -> None:
    assert set(get_args(ArmName)) == set(ARMS)
    assert {name for name, one in ARMS.items() if one.needs_table} >= {*ON_TABLES, *ON_MAPS}
    assert arm("umap2+kmeans").space_key == arm("umap2+pam").space_key != arm("umap10+pam").space_key


@pytest.mark.parametrize("name", ON_TABLES)
def test_arms_find_planted_clusters_and_assign_new_samples(mixed: Make, name: str) -> None:
    made, truth = mixed(400, missing=0.05)
    one = arm(name)
    fitted = one.fit_space(ArmInput(table=made.take(range(300))), settings=HOW, seed=1)
    partition = one.divide(fitted.points, 3, settings=HOW, seed=1)
    assert adjusted_rand_score(truth[:300], partition.cluster) > 0.9
    new = ArmInput(table=made.take(range(300, 400)))
    cluster, distance = one.assign(partition.model, one.place(fitted, new))
    assert adjusted_rand_score(truth[300:], cluster) > 0.9
    assert distance.shape == (100,)
    back, _ = one.assign(partition.model, one.place(fitted, ArmInput(table=made.take(range(300)))))
    assert np.array_equal(back, partition.cluster)


def test_arms_on_vectors() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 200)
    matrix = (4 * np.eye(3, 6)[truth] + 0.3 * rng.normal(size=(200, 6))).astype(np.float32)
    data = ArmInput(features=dense_features("doc", matrix, list("abcdef")))
    for name in ("kmeans", "spherical", "mixture"):
        one = arm(name)
        fitted = one.fit_space(data, settings=HOW, seed=0)
        partition = one.divide(fitted.points, 3, settings=HOW, seed=0)
        assert adjusted_rand_score(truth, partition.cluster) > 0.9
        assert np.array_equal(one.assign(partition.model, one.place(fitted, data))[0], partition.cluster)


def test_arms_on_maps(mixed: Make) -> None:
    made, truth = mixed(260, missing=0.05)
    data = ArmInput(table=made)
    spaces = {}
    for name in ON_MAPS:
        one = arm(name)
        if one.space_key not in spaces:
            spaces[one.space_key] = one.fit_space(data, settings=HOW, seed=0)
        fitted = spaces[one.space_key]
        partition = one.divide(fitted.points, 3, settings=HOW, seed=0)
        member = partition.cluster >= 0
        assert adjusted_rand_score(truth[member], partition.cluster[member]) > 0.9
        assert not one.closed_form
        with pytest.raises(InputError, match="exemplars"):
            one.place(fitted, data)
        found = exemplars.fit(Points(table=made), partition)
        assert found.agreement > 0.95
    again = arm("umap2+pam").fit_space(data, settings=HOW, seed=0).points.euclidean()
    first = spaces[arm("umap2+pam").space_key].points.euclidean()
    assert np.array_equal(again, first)
    assert np.isfinite(first).all()
    other = arm("umap2+pam").fit_space(data, settings=HOW, seed=1).points.euclidean()
    assert not np.array_equal(other, first)
    assert spaces[arm("hdbscan").space_key].points.euclidean().shape == (260, 10)


def test_maps_of_copies_and_of_few_samples(mixed: Make) -> None:
    made, truth = mixed(120, missing=0.1)
    rows = np.random.default_rng(0).integers(0, 120, 240)
    places = umap.fit(ArmInput(table=made.take(rows)), settings=HOW, seed=0).points.euclidean()
    assert np.isfinite(places).all()
    for row in np.unique(rows):
        assert len(np.unique(places[rows == row], axis=0)) == 1
    partition = arm("umap2+kmeans").divide(Points(coordinates=places), 3, settings=HOW, seed=0)
    assert adjusted_rand_score(truth[rows], partition.cluster) > 0.9
    few = umap.fit(ArmInput(table=made.take([0, 1, 2, 3, 3])), settings=HOW, seed=0, dimensions=10)
    assert few.points.euclidean().shape == (5, 10)
    with pytest.raises(InputError, match="three distinct"):
        umap.fit(ArmInput(table=made.take([0, 0, 1])), settings=HOW, seed=0)


def test_a_map_of_a_graph_that_falls_apart(mixed: Make) -> None:
    made, _ = mixed(90)
    values = made.values.copy()
    values[:30, :6] = np.nan
    values[30:, 6:] = np.nan
    apart = TypedTable(made.variables, values)
    places = umap.fit(ArmInput(table=apart), settings=HOW, seed=0).points.euclidean()
    assert np.isfinite(places).all()


def test_the_graph_equals_that_of_umap_learn(mixed: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = mixed(60, missing=0.1)
    values = made.values.copy()
    values[:8, :] = values[0]
    values[1:8, 9:] = np.nan  # at distance 0 from the first, and from each other
    rows, near = umap._neighbours(TypedTable(made.variables, values), 6)
    with umap._quiet_umap():
        from umap import umap_

        for name in ("smooth_knn_dist", "compute_membership_strengths"):  # compiling them takes longer
            monkeypatch.setattr(umap_, name, getattr(umap_, name).py_func)
        expected = umap_.fuzzy_simplicial_set(
            values, 6, np.random.RandomState(0), "precomputed", knn_indices=rows, knn_dists=near
        )[0]
    assert (near[0] == 0).all()
    np.testing.assert_allclose(umap.fuzzy_graph(rows, near).toarray(), expected.toarray(), atol=1e-4)


def test_compiled_functions_stay_out_of_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert umap._compiled() == tmp_path / "osler" / "numba"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    found = umap._compiled()
    assert found.is_dir()
    assert found.name.startswith("osler-numba-")
    found.rmdir()


def by_hand(points: np.ndarray, chosen: np.ndarray, owner: np.ndarray) -> list[int]:
    """The cluster whose five nearest exemplars are nearest on average, sample by sample."""
    out = []
    for row in points:
        near = {
            c: np.mean(sorted(float(np.linalg.norm(row - e)) for e in chosen[owner == c])[:5])
            for c in set(owner.tolist())
        }
        out.append(min(near, key=lambda c: (near[c], c)))
    return out


def test_exemplars_of_vectors_equal_brute_force() -> None:
    rng = np.random.default_rng(0)
    space = rng.normal(size=(90, 3))
    cluster = (space[:, 0] > 0).astype(np.int64) + (space[:, 0] > 1)
    cluster[::10] = -1
    partition = Partition(cluster=cluster, distance=np.zeros(90), model={})
    found = exemplars.fit(Points(coordinates=space), partition, most=6)
    for c in range(3):
        members = np.flatnonzero(cluster == c)
        mean = [np.mean([np.linalg.norm(space[i] - space[j]) for j in members]) for i in members]
        expected = members[np.argsort(mean, kind="stable")[:6]]
        assert found.rows[found.arrays["exemplar_cluster"] == c].tolist() == expected.tolist()
    new = rng.normal(size=(40, 3))
    assigned, distance = exemplars.assign(found.arrays, Points(coordinates=new))
    assert assigned.tolist() == by_hand(new, space[found.rows], cluster[found.rows])
    assert (distance > 0).all()
    inside = cluster >= 0
    back = np.array(by_hand(space[inside], space[found.rows], cluster[found.rows]))
    assert found.agreement == (back == cluster[inside]).mean()


def test_exemplars_of_no_cluster_and_of_lone_members() -> None:
    space = np.array([[0.0], [0.1], [9.0]])
    noise = Partition(cluster=np.full(3, -1), distance=np.zeros(3), model={})
    with pytest.raises(InputError, match="no cluster"):
        exemplars.fit(Points(coordinates=space), noise)
    lone = Partition(cluster=np.array([0, 0, 1]), distance=np.zeros(3), model={})
    found = exemplars.fit(Points(coordinates=space), lone)
    assert found.agreement == found.agreement_rand == 1.0
