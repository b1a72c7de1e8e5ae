"""Clustering: planted groups are found, tables equal plain Python, the same bytes, the outcome held out."""

import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from osler.base.errors import InputError
from osler.measure.intervals import wilson
from osler.phenotyping.choose import STABLE, STRONG, Choice, choose_k
from osler.phenotyping.describe import Differences
from osler.phenotyping.fit import fit_phenotypes
from osler.phenotyping.partition import order_by_size, typicality
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.spaces.vectors import project
from osler.phenotyping.tables import explained_by
from osler.represent.features import Features, dense_features
from osler.task.labels import Labels, open_labels

QUICK = PhenotypeSettings(k=(2, 6), seeds=2, starts=3, splits=2, bootstraps=8, references=19)


def labels_of(folder: Path, positive: np.ndarray) -> Labels:
    folder.mkdir(parents=True, exist_ok=True)
    n = len(positive)
    pl.DataFrame(
        {
            "subject_id": np.arange(n),
            "prediction_time": [datetime(2020, 1, 1) + timedelta(days=i) for i in range(n)],
            "boolean_value": positive,
        }
    ).write_parquet(folder / "labels.parquet")
    return open_labels(folder)


def planted(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Four groups of unequal size in 12 dimensions, each with its own rate of the outcome."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    middle = 4 * np.eye(4, 12)
    vectors = (middle[truth] + rng.normal(size=(n, 12)) * 0.5).astype(np.float32)
    return truth, vectors, rng.random(n) < np.array([0.05, 0.1, 0.3, 0.6])[truth]


def names(p: int) -> list[str]:
    return [f"x{i}" for i in range(p)]


def counts(matrix: Any, columns: list[str], value: list[bool]) -> Features:
    from osler.represent.vocabulary import CountVocabulary

    is_value = np.array(value)
    return Features(
        name="counts",
        matrix=sparse.csr_matrix(matrix, dtype=np.float32),
        names=columns,
        make_transformer=lambda: CountVocabulary(min_samples=1, names=columns, value_columns=is_value),
        value_columns=is_value,
    )


@pytest.mark.parametrize("scaling", ["auto", "standardise", "none"])
def test_planted_groups_are_found(tmp_path: Path, scaling: str) -> None:
    from sklearn.metrics import adjusted_rand_score

    truth, vectors, positive = planted()
    labels = labels_of(tmp_path / "l", positive)
    how = QUICK.model_copy(update={"scaling": scaling})
    summary = fit_phenotypes(labels, dense_features("doc", vectors, names(12)), tmp_path / "p", settings=how)
    assert summary.chosen == {"kmeans": 4}
    members = pl.read_parquet(tmp_path / "p" / "phenotypes.parquet").filter(pl.col("k") == 4)
    assert adjusted_rand_score(truth, members["cluster"]) > 0.95
    assert summary.sizes["kmeans"] == sorted(np.bincount(truth), reverse=True)
    assert members["supported"].all()
    assert summary.verdict == {"kmeans": "supported"}
    assert pl.read_parquet(tmp_path / "p" / "phenotypes.parquet")["supported"].null_count() == 4 * 400
    stability = pl.read_parquet(tmp_path / "p" / "stability.parquet").filter(pl.col("k") == 4)
    assert stability["jaccard"].min() > 0.95
    assert stability["bootstraps"].to_list() == [8] * 4
    # The partition of the cluster whose outcome differs most is judged too.
    verdicts = pl.read_parquet(tmp_path / "p" / "verdicts.parquet").filter(pl.col("k") == 4)
    assert verdicts["verdict"].to_list() == ["supported"] * 4
    assert verdicts["p_reference"].max() == 1 / 20
    assert "does not show" in summary.caution
    indices = pl.read_parquet(tmp_path / "p" / "indices.parquet")
    assert indices.filter("chosen")["k"].to_list() == [4]
    assert indices.filter("chosen")["seed_agreement"].item() > 0.95


def test_tables_equal_plain_python(tmp_path: Path) -> None:
    _, vectors, positive = planted()
    labels = labels_of(tmp_path / "l", positive)
    fit_phenotypes(labels, dense_features("doc", vectors, names(12)), tmp_path / "p", settings=QUICK)
    members = pl.read_parquet(tmp_path / "p" / "phenotypes.parquet")
    outcomes = pl.read_parquet(tmp_path / "p" / "outcomes.parquet")
    assert outcomes.height == sum(range(2, 7))
    for row in outcomes.iter_rows(named=True):
        inside = ((members["k"] == row["k"]) & (members["cluster"] == row["cluster"])).to_numpy()
        who = members.filter(pl.Series(inside))["subject_id"].to_numpy()
        events = int(positive[who].sum())
        expected = wilson(events, len(who))
        assert (row["n"], row["n_events"]) == (len(who), events)
        assert (row["rate"], row["low"], row["high"]) == (expected.value, expected.low, expected.high)
    for k in range(2, 7):
        sizes = outcomes.filter(pl.col("k") == k)["n"].to_list()
        assert sizes == sorted(sizes, reverse=True)
    places = pl.read_parquet(tmp_path / "p" / "map.parquet")
    assert places.columns == ["subject_id", "prediction_time", "x", "y"]
    assert (tmp_path / "p" / "map.parquet").stat().st_mode & 0o077 == 0


def test_the_outcome_does_not_move_the_clusters(tmp_path: Path) -> None:
    _, vectors, positive = planted()
    found = []
    for name, outcome in (("a", positive), ("b", ~positive)):
        labels = labels_of(tmp_path / name, outcome)
        fit_phenotypes(
            labels, dense_features("doc", vectors, names(12)), tmp_path / f"p{name}", settings=QUICK
        )
        found.append((tmp_path / f"p{name}" / "phenotypes.parquet").read_bytes())
    assert found[0] == found[1]


def test_the_same_bytes_and_nothing_redone(tmp_path: Path) -> None:
    from osler.base.output import content_hash

    _, vectors, positive = planted()
    labels = labels_of(tmp_path / "l", positive)
    features = dense_features("doc", vectors, names(12))
    first = fit_phenotypes(labels, features, tmp_path / "a", settings=QUICK)
    fit_phenotypes(labels, features, tmp_path / "b", settings=QUICK)
    assert content_hash(tmp_path / "a") == content_hash(tmp_path / "b")
    stamp = (tmp_path / "a" / "phenotypes.json").stat().st_mtime_ns
    assert fit_phenotypes(labels, features, tmp_path / "a", settings=QUICK) == first
    assert (tmp_path / "a" / "phenotypes.json").stat().st_mtime_ns == stamp


def test_sparse_counts_are_reduced_and_described(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 300)
    rare = (rng.random((300, 80)) < 0.1).astype(float)
    told = np.where(truth == 1, rng.poisson(6, 300), rng.poisson(0.3, 300)) + (rng.random((300, 30)) < 0.2).T
    value = rng.normal(7 + 3 * truth, 1.0)
    measured = rng.random(300) < 0.7
    matrix = np.column_stack([rare, told.T, np.where(measured, value, 0)])
    columns = [f"CODE//{i}|ever|count" for i in range(110)] + ["LAB//K|ever|last"]
    features = counts(matrix, columns, [False] * 110 + [True])
    labels = labels_of(tmp_path / "l", truth == 1)
    how = QUICK.model_copy(update={"variables": 100})
    summary = fit_phenotypes(labels, features, tmp_path / "p", settings=how)
    assert summary.chosen == {"kmeans": 2}
    found = pl.read_parquet(tmp_path / "p" / "describe.parquet").filter(pl.col("k") == 2)
    potassium = found.filter(pl.col("variable") == "LAB//K|ever|last")
    assert potassium["n_inside"].sum() == 2 * measured.sum() - potassium["n_outside"].sum()
    assert potassium["smd"].abs().min() > 1.5
    indices = pl.read_parquet(tmp_path / "p" / "indices.parquet")
    assert set(indices["length"]) == {"stored cells"}
    assert indices["length_explained"].is_between(0, 1).all()


def test_no_k_is_chosen_where_each_has_a_tiny_cluster(tmp_path: Path) -> None:
    _, vectors, positive = planted()
    vectors[:2] = 100.0 * np.arange(1, 3)[:, None]
    labels = labels_of(tmp_path / "l", positive)
    how = QUICK.model_copy(update={"min_share": 0.45, "scaling": "none"})
    summary = fit_phenotypes(labels, dense_features("doc", vectors, names(12)), tmp_path / "p", settings=how)
    assert summary.chosen == {"kmeans": None}
    assert not pl.read_parquet(tmp_path / "p" / "indices.parquet")["chosen"].any()


def test_what_cannot_be_clustered(tmp_path: Path) -> None:
    labels = labels_of(tmp_path / "l", np.arange(20) % 2 == 0)
    same = np.zeros((20, 3), dtype=np.float32)
    with pytest.raises(InputError, match="distinct samples"):
        fit_phenotypes(labels, dense_features("doc", same, names(3)), tmp_path / "p", settings=QUICK)
    hole = np.random.default_rng(0).normal(size=(20, 3))
    hole[3, 1] = np.nan
    with pytest.raises(InputError, match="missing or infinite") as error:
        fit_phenotypes(labels, dense_features("doc", hole, names(3)), tmp_path / "q", settings=QUICK)
    assert "count: 1" in str(error.value)
    with pytest.raises(InputError, match="one row per sample"):
        fit_phenotypes(labels, dense_features("doc", hole[:5], names(3)), tmp_path / "r", settings=QUICK)


def test_settings_from_a_study_file() -> None:
    assert PhenotypeSettings.parse({"arms": ["kmeans"], "k": [2, 8]}, where="phenotype").k == (2, 8)
    for values, message in (
        ({"k": [5, 3]}, "k: give"),
        ({"k": [1, 3]}, "k: give"),
        ({"arms": ["famd"]}, "arms"),
    ):
        with pytest.raises(InputError, match=message):
            PhenotypeSettings.parse(values, where="phenotype")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=30))
def test_order_and_typicality(rows: list[tuple[int, int]]) -> None:
    cluster, distance = np.array([c for c, _ in rows]), np.array([float(d) for _, d in rows])
    order = order_by_size(cluster, 4).tolist()
    first = {c: [i for i, (other, _) in enumerate(rows) if other == c][:1] or [99] for c in range(4)}
    assert order == sorted(range(4), key=lambda c: (-(cluster == c).sum(), first[c], c))
    for i, share in enumerate(typicality(cluster, distance)):
        mine = distance[cluster == cluster[i]]
        assert share == pytest.approx((mine >= distance[i]).mean())


some = st.sampled_from([0.4, 0.74, 0.75, 0.79, 0.8, 0.9, None])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(2, 6), st.sampled_from([0.01, 0.05, 0.2]), some, some, st.sampled_from([0.0, 0.02])
        ),
        min_size=1,
        max_size=6,
        unique_by=lambda row: row[0],
    )
)
def test_choice_of_k(rows: list[tuple[int, float, float | None, float | None, float]]) -> None:
    names = ["k", "min_share", "jaccard_min", "prediction_strength", "prediction_strength_error"]
    frame = pl.DataFrame(
        rows, schema=dict(zip(names, [pl.Int64, *[pl.Float64] * 4], strict=True)), orient="row"
    )
    allowed = [row for row in rows if row[1] >= 0.05]
    stable = [
        k
        for k, _, jaccard, strength, error in allowed
        if (jaccard is None or jaccard >= STABLE) and strength is not None and strength + error >= STRONG
    ]
    measured = [
        (-min(value for value in (jaccard, strength) if value is not None), k)
        for k, _, jaccard, strength, _ in allowed
        if (jaccard, strength) != (None, None)
    ]
    if stable:
        expected = Choice(max(stable), stable=True)
    else:
        expected = Choice(min(measured)[1] if measured else None, stable=False)
    assert choose_k(frame, min_share=0.05) == expected


def test_variables_are_clustered_by_the_classical_arms_and_described(tmp_path: Path) -> None:
    from osler.phenotyping.cohorts import simulate_cohort

    cohort = simulate_cohort("planted easy", n=300, seed=0)
    labels = labels_of(tmp_path / "l", cohort.truth == 0)
    arms = ("famd+kmeans", "gower+pam", "kprototypes", "lca")
    how = QUICK.model_copy(
        update={"arms": arms, "k": (2, 4), "slow_bootstraps": 3, "bootstraps": 4, "references": 19}
    )
    summary = fit_phenotypes(labels, None, tmp_path / "p", settings=how, table=cohort.table)
    assert summary.representation == "variables"
    assert list(summary.chosen) == list(arms)
    members = pl.read_parquet(tmp_path / "p" / "phenotypes.parquet")
    from sklearn.metrics import adjusted_rand_score

    for name, k in summary.chosen.items():
        cluster = members.filter(pl.col("arm") == name, pl.col("k") == k)["cluster"].to_numpy()
        # Distances between samples see less of a pattern over many variables than models of it do.
        least = 0.2 if name in ("gower+pam", "kprototypes") else 0.8
        assert adjusted_rand_score(cohort.truth, cluster) > least, name
    effects = pl.read_parquet(tmp_path / "p" / "effects.parquet")
    assert set(effects["variable"]) == {variable.name for variable in cohort.table.variables}
    assert (
        pl.read_parquet(tmp_path / "p" / "tests.parquet")["p"].null_count()
        == len(effects["variable"].unique()) * 4
    )
    again = fit_phenotypes(labels, None, tmp_path / "q", settings=how, table=cohort.table)
    assert again.sizes == summary.sizes
    with pytest.raises(InputError, match="cluster a representation"):
        fit_phenotypes(labels, None, tmp_path / "r", settings=QUICK, table=cohort.table)
    with pytest.raises(InputError, match="cluster variables"):
        fit_phenotypes(
            labels,
            dense_features("doc", np.eye(300), names(300)),
            tmp_path / "s",
            settings=how,
            table=cohort.table,
        )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=2, max_size=30))
def test_variance_of_length_explained(rows: list[tuple[int, int]]) -> None:
    cluster, length = np.array([c for c, _ in rows]), np.array([float(v) for _, v in rows])
    total = sum((v - length.mean()) ** 2 for v in length)
    within = sum(
        sum((v - length[cluster == c].mean()) ** 2 for v in length[cluster == c]) for c in set(cluster)
    )
    found = explained_by(length, cluster)
    assert math.isnan(found) if total == 0 else found == pytest.approx(1 - within / total, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.sampled_from([0.0, 1e4]))
def test_differences_equal_plain_numpy(seed: int, shift: float) -> None:
    rng = np.random.default_rng(seed)
    n, p = 60, 5
    stored = rng.random((n, p)) < 0.6
    matrix = sparse.csr_matrix(np.where(stored, rng.normal(size=(n, p)) + shift + 1, 0).astype(np.float32))
    features = counts(matrix, [f"v{i}|ever|last" for i in range(p)], [True, True, True, False, False])
    cluster = rng.integers(0, 3, n)
    group = rng.integers(0, n // 2, n)
    found = Differences(features, group=group).of(cluster, k=3, arm="kmeans", show=p)
    dense = matrix.toarray().astype(np.float64)
    for row in found.iter_rows(named=True):
        i = int(row["variable"][1])
        for side, inside in (("inside", True), ("outside", False)):
            carriers = group[stored[:, i] & ((cluster == row["cluster"]) == inside)]
            assert row[f"carriers_{side}"] == len(set(carriers.tolist()))
        use = dense[:, i] != 0 if features.value_columns[i] else np.ones(n, dtype=bool)
        inside, outside = (
            dense[use & (cluster == row["cluster"]), i],
            dense[use & (cluster != row["cluster"]), i],
        )
        spread = math.sqrt((inside.var(ddof=1) + outside.var(ddof=1)) / 2)
        smd = (inside.mean() - outside.mean()) / spread
        error = math.sqrt(1 / len(inside) + 1 / len(outside) + smd**2 / (2 * (len(inside) + len(outside))))
        assert (row["n_inside"], row["n_outside"]) == (len(inside), len(outside))
        assert row["mean_inside"] == pytest.approx(inside.mean(), rel=1e-6)
        assert row["smd"] == pytest.approx(smd, rel=1e-4, abs=1e-6)
        assert row["low"] == pytest.approx(smd - 1.959964 * error, rel=1e-4, abs=1e-4)
        assert (row["direction"] == "over") == (smd > 0)
    for part in found.partition_by("cluster", "direction"):
        assert part["smd"].abs().is_sorted(descending=True)
        assert part["rank"].to_list() == list(range(part.height))


def test_the_map_has_the_same_bytes_on_any_number_of_threads() -> None:
    from threadpoolctl import threadpool_limits

    space = np.random.default_rng(0).normal(size=(400, 384)).astype(np.float32)
    maps = []
    for threads in (1, 4):
        with threadpool_limits(limits=threads):
            maps.append(project(space).tobytes())
    assert maps[0] == maps[1]


def test_every_arm_on_a_representation_is_fitted_and_saved(tmp_path: Path) -> None:
    from osler.phenotyping.assigning import assign
    from osler.phenotyping.model import load_model

    _, vectors, positive = planted()
    labels = labels_of(tmp_path / "l", positive)
    features = dense_features("doc", vectors, names(12))
    arms = ("kmeans", "spherical", "mixture")
    summary = fit_phenotypes(
        labels, features, tmp_path / "p", settings=QUICK.model_copy(update={"arms": arms})
    )
    assert summary.chosen == dict.fromkeys(arms, 4)
    members = pl.read_parquet(tmp_path / "p" / "phenotypes.parquet")
    model = load_model(tmp_path / "p")
    for name in arms:
        for k in range(2, 7):
            found = assign(model, features, arm=name, k=k)
            fitted = members.filter((pl.col("arm") == name) & (pl.col("k") == k))["cluster"]
            assert found.cluster.tolist() == fitted.to_list()


def test_arms_on_variables_are_refused_for_a_representation(tmp_path: Path) -> None:
    _, vectors, positive = planted()
    labels = labels_of(tmp_path / "l", positive)
    how = QUICK.model_copy(update={"arms": ("kmeans", "gower+pam")})
    with pytest.raises(InputError, match="gower\\+pam"):
        fit_phenotypes(labels, dense_features("doc", vectors, names(12)), tmp_path / "p", settings=how)


def test_an_empty_cluster_is_described_as_such(tmp_path: Path) -> None:
    from osler.phenotyping.partition import Partition
    from osler.phenotyping.tables import indices_row, outcome_table

    _, vectors, positive = planted()
    labels = labels_of(tmp_path / "l", positive)
    cluster = (vectors[:, 0] > 2).astype(np.int64)
    partition = Partition(cluster=cluster, distance=np.zeros(400), model={})
    row = indices_row(
        "mixture",
        3,
        partition,
        points=Points(coordinates=vectors),
        rows=np.arange(400),
        scored=np.arange(400),
        lengths={},
    )
    assert (row["min_size"], math.isnan(row["inertia"])) == (0, True)
    table = outcome_table("mixture", 3, partition, labels)
    assert table["n"].to_list()[2] == 0
    assert table["n"].sum() == 400
