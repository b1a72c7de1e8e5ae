"""Methods: planted clusters are found, they agree with brute force and libraries, seeds repeat."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from osler.base.errors import InputError
from osler.phenotyping.data import ArmInput
from osler.phenotyping.methods import hdbscan, kmeans, kprototypes, mixture, pam, runs, spherical
from osler.phenotyping.partition import Partition
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.spaces import gower
from osler.represent.typed import TypedTable, Variable

HOW = PhenotypeSettings(seeds=2, starts=3)
ON_COORDINATES = (kmeans, spherical, mixture, pam)
Make = Callable[..., tuple[TypedTable, np.ndarray]]


def planted(n: int = 300, seed: int = 0) -> tuple[Points, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    space = 5 * np.eye(3, 8)[truth] + rng.normal(size=(n, 8)) * 0.5
    return Points(coordinates=space.astype(np.float32)), truth


def same(one: Partition, other: Partition) -> bool:
    return (
        np.array_equal(one.cluster, other.cluster)
        and np.array_equal(one.distance, other.distance)
        and one.model.keys() == other.model.keys()
        and all(np.array_equal(one.model[name], other.model[name]) for name in one.model)
    )


def by_size(cluster: np.ndarray) -> bool:
    size = np.bincount(cluster[cluster >= 0])
    return bool((np.diff(size) <= 0).all())


@pytest.mark.parametrize("method", ON_COORDINATES)
def test_planted_clusters_in_coordinates(method: Any) -> None:
    points, truth = planted()
    partition = method.fit(points, 3, settings=HOW, seed=4)
    assert adjusted_rand_score(truth, partition.cluster) > 0.95
    assert by_size(partition.cluster)
    assert partition.cluster.dtype == np.int64
    assert partition.distance.dtype == np.float64
    assert partition.facts["seed_agreement"] > 0.95
    assert same(partition, method.fit(points, 3, settings=HOW, seed=4))
    cluster, distance = method.assign(partition.model, points)
    assert np.array_equal(cluster, partition.cluster)
    np.testing.assert_allclose(distance, partition.distance, atol=1e-5)
    with pytest.raises(InputError, match="coordinates"):
        method.fit(Points(), 3, settings=HOW, seed=4)


@pytest.mark.parametrize("method", ON_COORDINATES)
def test_as_many_clusters_as_distinct_samples(method: Any) -> None:
    distinct = np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.1]], dtype=np.float32)
    points = Points(coordinates=np.repeat(distinct, [5, 3, 2], axis=0))
    partition = method.fit(points, 3, settings=HOW, seed=0)
    assert partition.cluster.tolist() == [0] * 5 + [1] * 3 + [2] * 2


@pytest.mark.parametrize("method", [kmeans, spherical, mixture])
def test_many_samples_go_by_a_draw(method: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "LARGE", 200)
    monkeypatch.setattr(runs, "DRAWN", 100)
    points, truth = planted(1000)
    partition = method.fit(points, 3, settings=HOW, seed=4)
    assert adjusted_rand_score(truth, partition.cluster) > 0.95
    assert same(partition, method.fit(points, 3, settings=HOW, seed=4))


def test_spherical_equals_a_step_by_step_loop() -> None:
    rng = np.random.default_rng(2)
    space = rng.normal(size=(60, 4)).astype(np.float32)
    space[7] = 0.0
    partition = spherical.fit(Points(coordinates=space), 4, settings=HOW, seed=0)
    centres = partition.model["centres"].astype(np.float64)
    length = np.linalg.norm(space, axis=1)
    for i, row in enumerate(space):
        cosines = [float(row @ centre) / length[i] if length[i] else 0.0 for centre in centres]
        assert partition.cluster[i] == int(np.argmax(cosines))
        assert partition.distance[i] == pytest.approx(1 - max(cosines), abs=1e-6)
    for c, centre in enumerate(centres):  # a fixed point: each centre is the direction of its members' sum
        members = np.flatnonzero((partition.cluster == c) & (length > 0))
        total = sum(space[i].astype(np.float64) / length[i] for i in members)
        np.testing.assert_allclose(centre, total / np.linalg.norm(total), atol=1e-5)
    assert partition.facts["inertia"] == pytest.approx(partition.distance.sum(), rel=1e-5)


def test_mixture_equals_its_density_by_hand() -> None:
    from scipy.stats import multivariate_normal

    points, _ = planted(120)
    partition = mixture.fit(points, 3, settings=HOW, seed=0)
    model = partition.model
    flat = (points.euclidean() - model["center"]) @ model["axes"]
    parts = [
        weight * multivariate_normal(mean, np.diag(variance)).pdf(flat)
        for weight, mean, variance in zip(model["weights"], model["means"], model["variances"], strict=True)
    ]
    density = np.sum(parts, axis=0)
    np.testing.assert_allclose(partition.distance, -np.log(density), atol=1e-8)
    assert partition.facts["log_likelihood"] == pytest.approx(np.log(density).sum())
    free = 3 * 2 * flat.shape[1] + 2
    assert partition.facts["bic"] == pytest.approx(free * np.log(120) - 2 * np.log(density).sum())
    assert np.argmax(parts, axis=0).tolist() == partition.cluster.tolist()
    assert 0.95 < partition.facts["entropy"] <= 1
    np.testing.assert_allclose(flat.std(axis=0)[0], 1.0, atol=1e-6)


def test_mixture_takes_32_components_of_many_columns() -> None:
    space = np.random.default_rng(0).normal(size=(200, 50)).astype(np.float32)
    partition = mixture.fit(Points(coordinates=space), 2, settings=HOW, seed=0)
    assert partition.model["means"].shape == (2, 32)
    assert partition.model["axes"].shape == (50, 32)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 4))
def test_pam_is_the_best_of_all_medoids(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    space = rng.normal(size=(9, 2))
    points = Points(coordinates=space)
    distances = np.linalg.norm(space[:, None] - space[None], axis=2)
    best = min(distances[:, list(rows)].min(axis=1).sum() for rows in itertools.combinations(range(9), k))
    partition = pam.fit(points, k, settings=PhenotypeSettings(seeds=20), seed=seed)
    assert partition.facts["inertia"] == pytest.approx(best, rel=1e-5)
    assert partition.cluster[partition.model["medoids"]].tolist() == list(range(k))


def test_pam_on_gower_finds_and_assigns(mixed: Make) -> None:
    import kmedoids

    made, truth = mixed(240, missing=0.1)
    points = gower.fit(ArmInput(table=made), settings=HOW, seed=0).points
    partition = pam.fit(points, 3, settings=HOW, seed=0)
    assert adjusted_rand_score(truth, partition.cluster) > 0.9
    assert by_size(partition.cluster)
    library = kmedoids.fasterpam(points.distances, 3, init="build", random_state=0, n_cpu=1)
    assert partition.facts["inertia"] <= float(library.loss) * (1 + 1e-6)
    for given_points in (Points(table=made), Points(distances=points.distances)):
        cluster, distance = pam.assign(partition.model, given_points)
        assert (cluster == partition.cluster).mean() > 0.99
        np.testing.assert_allclose(distance, partition.distance, atol=1e-6)
    with pytest.raises(InputError, match="distances or coordinates"):
        pam.assign(partition.model, Points())


def test_hdbscan_finds_its_number_and_noise() -> None:
    points, truth = planted(400)
    space = np.vstack([points.euclidean(), 40 + 30 * np.eye(8)]).astype(np.float32)
    partition = hdbscan.fit(Points(coordinates=space), 7, settings=HOW, seed=0)
    assert partition.facts["n_clusters"] == 3
    assert (partition.cluster[-8:] == -1).all()
    assert partition.facts["noise_share"] == (partition.cluster == -1).mean()
    member = partition.cluster[:400] >= 0
    assert adjusted_rand_score(truth[member], partition.cluster[:400][member]) > 0.95
    assert by_size(partition.cluster)
    middle = space[partition.cluster == 1].mean(axis=0)
    expected = np.linalg.norm(space[partition.cluster == 1] - middle, axis=1)
    np.testing.assert_allclose(partition.distance[partition.cluster == 1], expected, atol=1e-5)
    with pytest.raises(InputError, match="exemplars"):
        hdbscan.assign(partition.model, points)


def test_hdbscan_without_a_cluster() -> None:
    for n in (2, 30):
        space = np.random.default_rng(0).uniform(size=(n, 3))
        how = PhenotypeSettings(min_share=0.49)
        partition = hdbscan.fit(Points(coordinates=space), 2, settings=how, seed=0)
        assert partition.facts["n_clusters"] == 0
        assert (partition.cluster == -1).all()


def cost_by_hand(made: TypedTable, model: dict[str, np.ndarray]) -> np.ndarray:
    """Cost of each sample in each cluster, cell by cell."""
    numeric = np.flatnonzero(made.of_kind("numeric", "ordinal"))
    others = np.flatnonzero(~made.of_kind("numeric", "ordinal"))
    out = np.zeros((made.n_samples, len(model["means"])))
    for i, row in enumerate(made.values):
        for c in range(out.shape[1]):
            for place, j in enumerate(numeric):
                if not np.isnan(row[j]):
                    scaled = (row[j] - model["center"][place]) / model["scale"][place]
                    out[i, c] += (scaled - model["means"][c, place]) ** 2
            for place, j in enumerate(others):
                if not np.isnan(row[j]) and row[j] != model["modes"][c, place]:
                    out[i, c] += model["gamma"]
    return out


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_kprototypes_is_a_fixed_point_by_brute_force(mixed: Make, missing: float) -> None:
    made, truth = mixed(150, missing=missing)
    partition = kprototypes.fit(Points(table=made), 3, settings=HOW, seed=0)
    model = partition.model
    assert adjusted_rand_score(truth, partition.cluster) > 0.9
    assert by_size(partition.cluster)
    assert same(partition, kprototypes.fit(Points(table=made), 3, settings=HOW, seed=0))
    assert float(model["gamma"]) == pytest.approx(0.5)
    cost = cost_by_hand(made, model)
    assert cost.argmin(axis=1).tolist() == partition.cluster.tolist()
    np.testing.assert_allclose(partition.distance**2, cost.min(axis=1), atol=1e-9)
    assert partition.facts["inertia"] == pytest.approx(cost.min(axis=1).sum())
    numeric = made.of_kind("numeric", "ordinal")
    scaled = (made.values[:, numeric] - model["center"]) / model["scale"]
    for c in range(3):
        members = partition.cluster == c
        np.testing.assert_allclose(model["means"][c], np.nanmean(scaled[members], axis=0), atol=1e-9)
        for place, j in enumerate(np.flatnonzero(~numeric)):
            known = made.values[members, j]
            counts = np.bincount(known[~np.isnan(known)].astype(int))
            assert counts[int(model["modes"][c, place])] == counts.max()


def test_cost_of_kprototypes_never_rises(mixed: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = mixed(150, missing=0.3, clusters=4)
    costs = []
    for steps in range(1, 12):
        monkeypatch.setattr(kprototypes, "_MOST_STEPS", steps)
        one = PhenotypeSettings(seeds=1, starts=1)
        costs.append(kprototypes.fit(Points(table=made), 6, settings=one, seed=3).facts["inertia"])
    assert (np.diff(costs) <= 1e-9).all()
    assert costs[0] > costs[-1]


def test_kprototypes_of_bad_columns() -> None:
    kinds = [("numeric", ()), ("numeric", ()), ("categorical", ("a", "b", "c")), ("flag", ()), ("flag", ())]
    variables = tuple(Variable(f"v{i}", f"v{i}", kind, levels) for i, (kind, levels) in enumerate(kinds))
    rows = [[1.0, np.nan, 0, 1, np.nan], [1.0, np.nan, 1, 0, np.nan], [1.0, np.nan, 2, 1, np.nan]]
    values = np.repeat(np.array(rows), [4, 3, 2], axis=0)
    made = TypedTable(variables, np.vstack([values, np.full((1, 5), np.nan)]))
    partition = kprototypes.fit(Points(table=made), 3, settings=HOW, seed=0)
    assert partition.cluster[:9].tolist() == [0] * 4 + [1] * 3 + [2] * 2
    assert partition.distance[-1] == 0
    assert np.isfinite(partition.model["means"]).all()
    assert float(partition.model["gamma"]) == 1.0
