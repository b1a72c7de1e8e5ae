"""The table of metrics and the cluster indices."""

import json

import numpy as np
import pytest

from osler.measure.clusters import cluster_indices, macro_mean, silhouettes
from osler.measure.table import COLUMNS, MetricRow, metrics_frame, metrics_objects

CONTRACT = (
    "task split fold k replicate representation head group level metric value low high interval n n_events "
    "against p p_holm file"
)


def test_columns_are_those_of_the_contract() -> None:
    assert " ".join(COLUMNS) == CONTRACT
    frame = metrics_frame([MetricRow(task="death", metric="auroc", value=0.8, low=0.7, high=float("inf"))])
    assert frame.columns == CONTRACT.split()
    assert dict(frame.schema) == COLUMNS
    assert frame["high"][0] is None
    assert metrics_frame([]).columns == CONTRACT.split()


def test_objects_are_json_with_null_for_absent() -> None:
    rows = metrics_objects(metrics_frame([MetricRow(task="t", metric="m", value=float("nan"), n=3)]))
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert list(rows[0]) == CONTRACT.split()
    assert rows[0]["value"] is None
    assert rows[0]["n"] == 3


def brute_silhouettes(X: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    distance = np.sqrt(((X[:, None] - X[None]) ** 2).sum(axis=-1))
    values = []
    for i, own in enumerate(cluster):
        mates = (cluster == own) & (np.arange(len(X)) != i)
        if not mates.any():
            values.append(0.0)
            continue
        a = distance[i, mates].mean()
        b = min(distance[i, cluster == other].mean() for other in set(cluster) - {own})
        values.append((b - a) / max(a, b))
    return np.array(values)


def test_silhouettes_by_brute_force_micro_and_macro() -> None:
    rng = np.random.default_rng(0)
    cluster = np.array([0] * 30 + [1] * 5 + [2])
    X = rng.normal(size=(36, 3)) + cluster[:, None]
    expected = brute_silhouettes(X, cluster)
    assert silhouettes(X, cluster) == pytest.approx(expected)
    indices = cluster_indices(X, cluster)
    assert indices.silhouette_micro == pytest.approx(expected.mean())
    means = [expected[cluster == one].mean() for one in range(3)]
    assert indices.silhouette_macro == pytest.approx(np.mean(means))
    assert macro_mean(expected, cluster) == pytest.approx(np.mean(means))


def test_davies_bouldin_and_calinski_harabasz_by_hand() -> None:
    X = np.array([[0.0], [2.0], [10.0], [14.0]])
    indices = cluster_indices(X, [0, 0, 1, 1])
    assert indices.davies_bouldin == pytest.approx((1 + 2) / 11)
    between, within = 2 * 5.5**2 * 2, 2 * 1 + 2 * 4
    assert indices.calinski_harabasz == pytest.approx(between / 1 / (within / 2))


def test_one_cluster_has_no_index() -> None:
    indices = cluster_indices(np.zeros((4, 2)), [0, 0, 0, 0])
    assert np.isnan([indices.silhouette_micro, indices.davies_bouldin]).all()
