"""The gates: their numbers by brute force, their verdicts, and their promise on a few simulated cohorts."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from osler.measure.stability import bootstrap_stability
from osler.phenotyping.cohorts import WITHOUT, simulate_cohort
from osler.phenotyping.evidence import evidence, reference_separations
from osler.phenotyping.explained import explained_by_traces
from osler.phenotyping.gap import gaps, valley
from osler.phenotyping.gates import (
    Evidence,
    Gates,
    beyond_reference,
    cluster_verdicts,
    partition_verdict,
)
from osler.phenotyping.reference import table_reference
from osler.phenotyping.repeat import bootstrap_rows
from osler.phenotyping.separation import axis_share, separation, table_coordinates, whitened
from osler.represent.typed import TypedTable

KNOWN = Evidence(
    size=np.array([60, 40]),
    n=100,
    jaccard=np.array([0.9, 0.9]),
    dissolved=np.zeros(2),
    explained=np.array([0.6, 0.6]),
    p=np.array([0.02, 0.02]),
    gap=np.array([0.4, 0.4]),
    axis=0.9,
)


def outcomes(**changes: object) -> list[str]:
    return [verdict.outcome for verdict in cluster_verdicts(replace(KNOWN, **changes))]


def test_each_gate_alone_holds_a_cluster_back() -> None:
    assert outcomes() == ["supported", "supported"]
    assert outcomes(size=np.array([60, 4])) == ["supported", "not supported"]
    assert outcomes(jaccard=np.array([0.74, 0.75])) == ["not supported", "supported"]
    assert outcomes(explained=np.array([0.6, 0.81])) == ["supported", "not supported"]
    assert outcomes(p=np.array([0.02, 0.06])) == ["supported", "severity stratum"]
    assert outcomes(gap=np.array([0.02, 0.4])) == ["severity stratum", "supported"]
    assert outcomes(p=np.array([0.5, 0.5]), axis=0.5) == ["not supported", "not supported"]


@pytest.mark.parametrize("name", ["jaccard", "explained", "p", "gap"])
def test_a_number_that_is_not_known_supports_nothing(name: str) -> None:
    assert "supported" not in outcomes(**{name: np.full(2, np.nan)})


def test_reasons_say_what_was_found_and_the_limit() -> None:
    reasons = [
        cluster_verdicts(replace(KNOWN, size=np.array([60, 4])))[1].reason,
        cluster_verdicts(replace(KNOWN, explained=np.array([0.6, 0.93])))[1].reason,
        cluster_verdicts(replace(KNOWN, p=np.array([0.5, 0.5]), axis=0.2))[0].reason,
        cluster_verdicts(replace(KNOWN, gap=np.array([0.02, 0.4]), axis=0.2))[0].reason,
    ]
    assert reasons[0] == "too small: 4 samples, 4.0%, below 5%"
    assert "0.93, above 0.80" in reasons[1]
    assert "p = 0.50" in reasons[2]
    assert reasons[3].startswith("no gap: density falls by 0.02")
    assert cluster_verdicts(KNOWN, Gates(share=0.5))[1].outcome == "not supported"


def test_a_partition_has_the_best_verdict_of_its_clusters() -> None:
    def partition(**changes: object) -> str:
        return partition_verdict(cluster_verdicts(replace(KNOWN, **changes))).outcome

    assert partition(p=np.array([0.5, 0.02])) == "supported"
    assert partition(p=np.array([0.5, 0.5])) == "severity stratum"
    assert partition(p=np.array([0.5, 0.5]), jaccard=np.array([0.9, 0.3])) == "not supported"
    assert partition_verdict([]).outcome == "not supported"


def test_p_counts_data_sets_whose_largest_cluster_reaches_the_cluster() -> None:
    rng = np.random.default_rng(0)
    reference = [rng.normal(size=(int(rng.integers(1, 4)), 1)) for _ in range(39)]
    observed = np.array([[2.0], [0.1], [np.nan]])
    largest = np.array([values.max() for values in reference])
    p = beyond_reference(observed, reference)
    assert p[:2].tolist() == pytest.approx([(1 + (largest >= v).sum()) / 40 for v in (2.0, 0.1)])
    assert np.isnan(p[2])
    assert beyond_reference(np.array([[0.5]]), [np.zeros((0, 1))] * 19).tolist() == [0.05]
    assert beyond_reference(np.zeros((0, 2)), reference).tolist() == []


def test_the_smallest_p_is_uniform_when_the_data_are_one_of_the_reference() -> None:
    rng = np.random.default_rng(1)
    low = 0
    for _ in range(400):
        sets = [rng.normal(size=(3, 4)) * [1, 5, 1, 0.1] for _ in range(20)]
        low += bool(beyond_reference(sets[0], sets[1:]).min() <= 0.1)
    assert low / 400 == pytest.approx(0.1, abs=0.045)


def test_separation_by_plain_loops() -> None:
    rng = np.random.default_rng(2)
    x, cluster = rng.normal(size=(90, 5)) * [3, 1, 1, 1, 2], rng.integers(-1, 3, 90)

    def share(one: np.ndarray, other: np.ndarray) -> float:
        between = ((one.mean(axis=0) - other.mean(axis=0)) ** 2).sum() / 4
        return between / (between + (one.var(axis=0).sum() + other.var(axis=0).sum()) / 2)

    found = separation(x, cluster)
    covariance = np.cov(x.T, bias=True)
    values, vectors = np.linalg.eigh(covariance)
    white = (x - x.mean(axis=0)) @ vectors / np.sqrt(0.3 * values + 0.7 * values.mean())
    np.testing.assert_allclose(np.abs(whitened(x)), np.abs(white))
    for c in range(3):
        for place, y in ((0, x), (1, white)):
            assert found[c, place] == pytest.approx(share(y[cluster == c], y[cluster != c]))
            nearest = min(share(y[cluster == c], y[cluster == d]) for d in range(3) if d != c)
            assert found[c, place + 2] == pytest.approx(nearest)


def test_separation_of_nothing_is_nan() -> None:
    assert np.isnan(separation(np.ones((6, 2)), np.array([0, 0, 1, 1, 1, -1]))).all()
    assert np.isnan(separation(np.arange(6.0)[:, None], np.zeros(6, dtype=int))).all()
    assert separation(np.arange(6.0)[:, None], np.full(6, -1)).shape == (0, 4)
    with_empty = separation(np.arange(6.0)[:, None], np.array([0, 0, 0, 2, 2, 2]))
    assert np.isnan(with_empty[1]).all()
    assert np.isfinite(with_empty[[0, 2]]).all()


def test_axis_share_tells_a_row_from_a_triangle() -> None:
    rng = np.random.default_rng(3)
    cluster = np.repeat([0, 1, 2], 200)
    noise = 0.1 * rng.normal(size=(600, 2))
    row = np.array([[-1.0, 0], [0, 0], [1, 0]])[cluster]
    triangle = np.array([[1.0, 0], [-0.5, 0.866], [-0.5, -0.866]])[cluster]
    assert axis_share(row + noise, cluster) > 0.99
    assert axis_share(triangle + noise, cluster) == pytest.approx(0.5, abs=0.05)
    assert np.isnan(axis_share(noise, np.zeros(600, dtype=int)))


@pytest.mark.parametrize("skew", ["normal", "exponential", "uniform"])
def test_cutting_any_continuum_leaves_no_gap(skew: str) -> None:
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        factor = {
            "normal": rng.normal(size=(600, 1)),
            "exponential": rng.exponential(size=(600, 1)),
            "uniform": 3.4 * rng.random((600, 1)),
        }[skew]
        x = factor + 0.8 * rng.normal(size=(600, 10))
        score = x.mean(axis=1)
        found.append(gaps(x, (score > np.quantile(score, 0.6)).astype(int)).max())
    assert np.quantile(found, 0.9) < 0.15


def test_a_small_cluster_has_a_gap_and_a_tiny_one_none_known() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(600, 8))
    cluster = (np.arange(600) < 36).astype(int)
    x[:36] += 2.5
    assert gaps(x, cluster).min() > 0.3
    assert np.isnan(gaps(x, (np.arange(600) < 8).astype(int))).all()
    assert np.isnan(gaps(np.ones((50, 2)), np.arange(50) % 2)).all()
    assert valley(np.array([1.0])) == 0.0


def test_length_and_missing_values_are_found_in_whatever_form() -> None:
    rng = np.random.default_rng(5)
    cluster = rng.integers(0, 3, 600)
    length = rng.normal(200, 20, 600)
    nothing = rng.random((600, 6)) < 0.1
    chance = explained_by_traces(cluster, length=length, missing=nothing)
    assert chance.max() < 0.65
    panel = nothing.copy()
    panel[:, 4] = cluster == 1
    assert explained_by_traces(cluster, length=length, missing=panel)[1] > 0.95
    middle = 200.0 + 50 * (cluster - 1) + rng.normal(size=600)  # cluster 1 lies between the others
    assert explained_by_traces(cluster, length=middle, missing=nothing)[1] > 0.95
    lone = np.where(np.arange(600) < 3, 1, 0)
    assert np.isnan(explained_by_traces(lone, length=length, missing=nothing)).all()
    alike = explained_by_traces(cluster, length=np.ones(600), missing=np.zeros((600, 2), dtype=bool))
    assert alike.tolist() == [0.5] * 3


def kmeans(k: int):
    def pipeline(table: TypedTable, seed: int) -> np.ndarray:
        found = KMeans(k, n_init=2, random_state=seed).fit_predict(table_coordinates(table))
        return np.argsort(np.argsort(-np.bincount(found, minlength=k), kind="stable"))[found]

    return pipeline


def judge(kind: str, seed: int, k: int) -> str:
    with threadpool_limits(1):
        cohort = simulate_cohort(kind, n=400, seed=seed)
        table, pipeline = cohort.table, kmeans(k)
        cluster = pipeline(table, 0)

        def bootstrap(draw: int) -> tuple[np.ndarray, np.ndarray]:
            rows = bootstrap_rows(np.arange(400), draw=draw, seed=0)
            return rows, pipeline(table.take(rows), draw)

        known = evidence(
            cluster,
            stability=bootstrap_stability(cluster, map(bootstrap, range(10))),
            coordinates=table_coordinates(table),
            reference=reference_separations(
                table_reference(table).draw,
                lambda data, seed: [pipeline(data, seed)],
                table_coordinates,
                draws=19,
            )[0],
            length=cohort.length,
            missing=np.isnan(table.values),
        )
    return partition_verdict(cluster_verdicts(known)).outcome


def test_planted_phenotypes_are_supported() -> None:
    assert [judge("planted easy", seed, 3) for seed in (0, 1)] == ["supported"] * 2


@pytest.mark.parametrize("kind", WITHOUT)
def test_no_phenotype_is_supported_where_there_is_none(kind: str) -> None:
    assert "supported" not in [judge(kind, seed, 2) for seed in (0, 1)]


def test_clusters_too_small_to_be_supported_do_not_count() -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=(100, 4))
    cluster = (x[:, 0] > 0).astype(int)
    cluster[:3], x[:3] = 2, 50.0

    def found(share: float) -> list[np.ndarray]:
        return reference_separations(
            lambda seed: x, lambda data, seed: [cluster], lambda data: data, share=share, draws=2
        )[0]

    assert np.isnan(found(0.05)[0]).all(axis=1).tolist() == [False, False, True]
    assert np.isfinite(found(0.03)[1]).all()
    known = evidence(
        cluster,
        stability=bootstrap_stability(cluster, [(np.arange(100), cluster)]),
        coordinates=x,
        reference=found(0.05),
        length=np.ones(100),
        missing=np.zeros((100, 0), dtype=bool),
    )
    assert np.isnan(known.p).tolist() == [False, False, True]
    assert known.size.tolist() == [int((cluster == c).sum()) for c in range(3)]


def test_bootstraps_draw_whole_patients() -> None:
    group = np.repeat(np.arange(20), 3)
    drawn = [bootstrap_rows(group, draw=draw, seed=4) for draw in range(5)]
    for rows in drawn:
        assert len(rows) == 60
        counts = np.bincount(rows, minlength=60).reshape(20, 3)
        assert (counts == counts[:, :1]).all()
    assert len({rows.tobytes() for rows in drawn}) == 5
    assert np.array_equal(drawn[3], bootstrap_rows(group, draw=3, seed=4))
