"""Agreement, silhouettes from distances and stability, beside scikit-learn and plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, silhouette_samples
from sklearn.metrics.pairwise import euclidean_distances

from osler.measure import clusters
from osler.measure.agreement import agreement, match_labels, overlap
from osler.measure.clusters import cluster_indices, distance_silhouettes, macro_mean
from osler.measure.stability import bootstrap_stability, prediction_strength

LABELS = st.lists(st.integers(-1, 3), min_size=1, max_size=25)


def test_silhouettes_from_distances_equal_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(120, 4)), rng.integers(0, 4, 120)
    labels[labels == 3] = 0
    labels[7] = 3  # the only sample of its cluster
    x[20:30] = x[20]  # duplicates
    distances = euclidean_distances(x).astype(np.float32)
    expected = silhouette_samples(distances, labels, metric="precomputed")
    monkeypatch.setattr(clusters, "BLOCK", 17)
    found = distance_silhouettes(distances, labels)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert macro_mean(found, labels) == pytest.approx(
        np.mean([expected[labels == c].mean() for c in range(4)]), abs=1e-5
    )


def test_noise_enters_no_index() -> None:
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(60, 3)), rng.integers(0, 3, 60)
    noisy = labels.copy()
    noisy[::5] = -1
    kept = noisy != -1
    found = distance_silhouettes(euclidean_distances(x), noisy)
    assert np.isnan(found[~kept]).all()
    np.testing.assert_allclose(found[kept], silhouette_samples(x[kept], labels[kept]), atol=1e-9)
    assert cluster_indices(x, noisy) == cluster_indices(x[kept], labels[kept])
    assert np.isnan(distance_silhouettes(euclidean_distances(x), np.full(60, -1))).all()
    assert np.isnan(distance_silhouettes(euclidean_distances(x), np.zeros(60, dtype=int))).all()


def test_indices_of_identical_points_are_numbers() -> None:
    labels = np.array([0, 0, 1, 1])
    assert distance_silhouettes(np.zeros((4, 4)), labels).tolist() == [0.0] * 4


@given(LABELS, st.integers(0, 100))
@settings(max_examples=60, deadline=None)
def test_agreement_equals_scikit_learn_without_noise(first: list[int], seed: int) -> None:
    a = np.array(first)
    b = np.random.default_rng(seed).integers(-1, 3, len(a))
    kept = (a != -1) & (b != -1)
    found = agreement(a, b)
    assert (found.n, found.left_out) == (kept.sum(), (~kept).sum())
    if kept.any():
        assert found.adjusted_rand == pytest.approx(adjusted_rand_score(a[kept], b[kept]))
        expected = adjusted_mutual_info_score(a[kept], b[kept])
        assert found.adjusted_mutual_information == pytest.approx(expected)
    else:
        assert np.isnan(found.adjusted_rand)
    shared = overlap(a, b)
    for i, row in enumerate(shared.rows):
        for j, column in enumerate(shared.columns):
            assert shared.count[i, j] == ((a == row) & (b == column)).sum()
    np.testing.assert_allclose(shared.flow.sum(axis=1), 1.0)


@given(LABELS, st.permutations(range(4)))
@settings(max_examples=60, deadline=None)
def test_matching_undoes_other_names(labels: list[int], names: list[int]) -> None:
    a = np.array(labels)
    renamed = np.array([names[c] if c >= 0 else -1 for c in labels])
    assert match_labels(a, renamed).tolist() == a.tolist()


def test_matching_keeps_clusters_apart_when_there_are_more() -> None:
    matched = match_labels([0, 0, 0, 1, 1], [5, 5, 7, 9, 9])
    assert matched[0] == 0
    assert matched[3] == 1
    assert len(set(matched.tolist())) == 3


@given(st.lists(st.integers(-1, 2), min_size=3, max_size=15), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_jaccard_equals_plain_sets(labels: list[int], seed: int) -> None:
    cluster = np.array(labels)
    rng = np.random.default_rng(seed)
    runs = []
    for _ in range(4):
        rows = rng.integers(0, len(cluster), len(cluster))
        other = rng.integers(-1, 3, len(cluster))  # one label per sample, so that copies agree
        runs.append((rows, other[rows]))
    found = bootstrap_stability(cluster, runs)
    for c in range(int(cluster.max(initial=-1)) + 1):
        values = []
        for rows, other in runs:
            drawn = set(rows.tolist())
            own = {i for i in drawn if cluster[i] == c}
            by_sample = dict(zip(rows.tolist(), other.tolist(), strict=True))
            sets = [{i for i in drawn if by_sample[i] == name} for name in range(3)]
            if own:
                values.append(max(len(own & s) / len(own | s) for s in sets))
        assert found.runs[c] == len(values)
        if values:
            assert found.jaccard[c] == pytest.approx(np.mean(values))
            assert found.dissolved[c] == pytest.approx(np.mean([v < 0.5 for v in values]))
        else:
            assert np.isnan(found.jaccard[c])


def test_a_partition_that_comes_back_is_stable() -> None:
    cluster = np.repeat([0, 1, 2], [20, 10, 5])
    rng = np.random.default_rng(2)
    runs = [(rows, (cluster[rows] + 1) % 3) for rows in (rng.integers(0, 35, 35) for _ in range(10))]
    found = bootstrap_stability(cluster, runs)
    assert found.jaccard.tolist() == [1.0] * 3
    assert found.dissolved.tolist() == [0.0] * 3


def test_prediction_strength_equals_plain_loops_over_pairs() -> None:
    x = np.random.default_rng(3).normal(size=41)
    seen = []

    def fit(rows, seed):
        cut = np.median(x[rows]) + 0.3
        seen.append((rows, cut))
        return (x[rows] > cut).astype(int), lambda others: (x[others] > cut).astype(int)

    found = prediction_strength(41, fit, splits=3, seed=4)
    values = []
    for split in range(3):
        halves = seen[2 * split : 2 * split + 2]
        assert sorted(np.concatenate([halves[0][0], halves[1][0]]).tolist()) == list(range(41))
        for (rows, cut), (_, other) in (halves, halves[::-1]):
            shares = []
            for side in (0, 1):
                inside = [i for i in rows if (x[i] > cut) == side]
                pairs = [(x[i] > other) == (x[j] > other) for i in inside for j in inside if i != j]
                if pairs:
                    shares.append(np.mean(pairs))
            values.append(min(shares))
    assert found.values == pytest.approx(values)
    assert found.mean == pytest.approx(np.mean(values))


def test_prediction_strength_tells_clusters_from_none() -> None:
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(5)
    apart = np.concatenate([rng.normal(size=(60, 2)), rng.normal(size=(60, 2)) + 8])

    def strength(points: np.ndarray, k: int) -> float:
        def fit(rows, seed):
            model = KMeans(k, n_init=3, random_state=seed).fit(points[rows])
            return model.labels_, lambda others: model.predict(points[others])

        return prediction_strength(len(points), fit, splits=3, seed=1).mean

    assert strength(apart, 2) > 0.95
    assert strength(apart, 4) < 0.8


def test_noise_and_lone_samples_have_no_strength() -> None:
    def noise(rows, seed):
        return np.full(len(rows), -1), lambda others: np.full(len(others), -1)

    assert np.isnan(prediction_strength(10, noise, splits=2).mean)

    def half_noise(rows, seed):
        return np.zeros(len(rows), dtype=int), lambda others: np.full(len(others), -1)

    assert prediction_strength(10, half_noise, splits=2).mean == 0.0
