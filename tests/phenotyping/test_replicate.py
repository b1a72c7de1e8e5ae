"""Cards on a second cohort: numbers against brute force, planted clusters replicate, noise does not."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from mixed_tables import mixed_table
from scipy.stats import kendalltau
from test_assign_variables import PLAIN
from test_phenotypes_command import run
from test_phenotypes_fit import labels_of

from osler.base.errors import InputError
from osler.measure.stability import weakest_pairs
from osler.phenotyping.cards import card_columns, effect_table
from osler.phenotyping.fit import fit_phenotypes
from osler.phenotyping.replicate import replicate
from osler.phenotyping.second_cohort import cards_beside, correlations, tau_of_rates, weighted_differences
from osler.represent.features import dense_features
from osler.represent.typed import TypedTable


def smd_of(table: TypedTable, cluster: np.ndarray) -> pl.DataFrame:
    return effect_table("lca", cluster, table, used=np.ones(len(table.variables), dtype=bool))


def test_weighted_differences_equal_those_of_the_drawn_rows() -> None:
    table, truth = mixed_table(80, missing=0.3)
    cluster = np.where(np.arange(80) % 9 == 0, -1, truth)
    columns = np.stack([value for _, (_, _, value) in card_columns(table)], axis=1)
    weight = np.random.default_rng(0).integers(0, 3, (80, 4)).astype(float)
    found = weighted_differences(columns, cluster, 3, weight)
    for draw in range(4):
        rows = np.repeat(np.arange(80), weight[:, draw].astype(int))
        drawn = smd_of(table.take(rows), cluster[rows])
        expected = drawn.sort("cluster", maintain_order=True)["smd"].fill_null(np.nan).to_numpy()
        np.testing.assert_allclose(found[:, :, draw].ravel(), expected, rtol=1e-9, atol=1e-12)


def test_correlation_and_order_equal_numpy_and_scipy() -> None:
    table, truth = mixed_table(200, missing=0.1)
    other, cluster = mixed_table(150, seed=3, missing=0.1)
    fit, new = smd_of(table, truth), smd_of(other, cluster)
    both = cards_beside(fit, new)
    related = correlations(fit, other, cluster, 3, group=np.arange(150), seed=0)
    for number in range(3):
        own = both.filter(pl.col("cluster") == number).drop_nulls(["smd_fit", "smd_new"])
        expected = np.corrcoef(own["smd_fit"], own["smd_new"])[0, 1]
        assert related[number]["value"] == pytest.approx(expected)
        assert related[number]["n"] == own.height
        assert related[number]["low"] <= expected <= related[number]["high"]
    for row in both.drop_nulls(["smd_fit", "smd_new"]).iter_rows(named=True):
        assert row["same_sign"] == (row["smd_fit"] * row["smd_new"] > 0)
        assert row["in_interval"] == (row["low_fit"] <= row["smd_new"] <= row["high_fit"])
    positive = np.random.default_rng(1).random(150) < 0.2 + 0.2 * cluster
    rates = np.array([positive[cluster == number].mean() for number in range(3)])
    for fit_rates in ([0.1, 0.2, 0.3], [0.3, 0.2, 0.1], [0.2, 0.3, 0.1]):
        tau = tau_of_rates(np.array(fit_rates), cluster, positive, group=np.arange(150), seed=0)
        assert tau["value"] == pytest.approx(kendalltau(fit_rates, rates).statistic)


def test_the_interval_of_a_correlation_is_as_wide_as_cohorts_differ() -> None:
    table, truth = mixed_table(2700)
    rng = np.random.default_rng(0)
    values = table.values.copy()
    for column in values.T:  # most of what tells the clusters apart is lost
        moved = rng.random(len(column)) < 0.85
        column[moved] = rng.permutation(column[moved])
    weak = TypedTable(table.variables, values)
    fit = smd_of(weak.take(range(200)), truth[:200])
    found, reach = [], []
    for start in range(200, 2700, 125):
        rows = np.arange(start, start + 125)
        one = correlations(fit, weak.take(rows), truth[rows], 3, group=rows, seed=0)[0]
        found.append(np.arctanh(one["value"]))
        reach.append((np.arctanh(one["high"]) - np.arctanh(one["low"])) / (2 * 1.96))
    assert 0.6 < np.mean(reach) / np.std(found, ddof=1) < 1.6


def test_weakest_pairs_equals_enumeration() -> None:
    rng = np.random.default_rng(0)
    own, assigned = rng.integers(-1, 3, 40), rng.integers(-1, 4, 40)
    shares = []
    for name in range(3):
        rows = np.flatnonzero(own == name)
        pairs = [(i, j) for i in rows for j in rows if i != j]
        shares.append(np.mean([assigned[i] == assigned[j] != -1 for i, j in pairs]))
    assert weakest_pairs(own, assigned) == pytest.approx(min(shares))


def cohort(seed: int, n: int = 240) -> tuple[TypedTable, np.ndarray, np.ndarray]:
    """Samples of the same planted clusters, and an outcome that the smallest has most."""
    table, truth = mixed_table(480, missing=0.05)
    rows = np.arange(n) + n * seed
    positive = np.random.default_rng([seed, 1]).random(n) < np.array([0.1, 0.3, 0.7])[truth[rows]]
    return table.take(rows), truth[rows], positive


@pytest.mark.parametrize("arm", ["lca", "gower+pam", "umap2+pam", "hdbscan"])
def test_planted_clusters_replicate(tmp_path: Path, arm: str) -> None:
    table, _, positive = cohort(0)
    other, truth, outcome = cohort(1)
    how = PLAIN.model_copy(update={"arms": (arm,), "k": (3, 3), "splits": 2})
    fit_phenotypes(labels_of(tmp_path / "l", positive), None, tmp_path / "p", settings=how, table=table)
    second = labels_of(tmp_path / "m", outcome)
    told = replicate(tmp_path / "p", second, other, other, tmp_path / "q")
    members = pl.read_parquet(tmp_path / "q" / "phenotypes.parquet")["cluster"].to_numpy()
    rates = pl.read_parquet(tmp_path / "q" / "outcomes_beside.parquet")
    assert told["k"] == 3
    for number, one in enumerate(told["clusters"]):
        assert one["correlation"]["value"] > 0.9
        assert one["same_sign"] > 0.8
        # HDBSCAN leaves samples out, exemplars assign every one.
        assert one["jaccard"] > (0.6 if arm == "hdbscan" else 0.85)
        assert one["new"]["n"] == (members == number).sum() == rates["n_new"][number]
        assert rates["n_events_new"][number] == outcome[members == number].sum()
        assert truth[members == number].std() < 0.5
    assert told["fresh fit"]["prediction_strength"] > 0.7
    assert told["fresh fit"]["clusters"] == 3 or arm == "hdbscan"
    assert told["outcome order"]["value"] == 1
    assert told["drift"]["test"]["p"] > 0.001
    assert told["subject ids that the fit has too"] == 240
    assert (tmp_path / "q" / "phenotypes.parquet").stat().st_mode & 0o077 == 0


def test_a_cohort_without_the_clusters_does_not_replicate(tmp_path: Path) -> None:
    table, _, positive = cohort(0)
    other, _, outcome = cohort(1)
    rng = np.random.default_rng(0)
    values = np.stack([rng.permutation(column) for column in other.values.T], axis=1)
    mixed_up = TypedTable(other.variables, values)
    how = PLAIN.model_copy(update={"arms": ("lca",), "k": (3, 3), "splits": 2})
    fit_phenotypes(labels_of(tmp_path / "l", positive), None, tmp_path / "p", settings=how, table=table)
    second = labels_of(tmp_path / "m", rng.permutation(outcome))
    told = replicate(tmp_path / "p", second, mixed_up, mixed_up, tmp_path / "q")
    assert told["fresh fit"]["adjusted_rand"] < 0.5
    assert min(one["in_interval"] for one in told["clusters"]) < 0.5
    assert told["drift"]["typicality"]["new"]["high"] < told["drift"]["typicality"]["fit"]["low"]


def test_a_clustering_of_vectors_has_cards_of_variables(tmp_path: Path) -> None:
    table, truth, positive = cohort(0)
    other, kinds, outcome = cohort(1)
    rng = np.random.default_rng(0)

    def vectors(kind: np.ndarray) -> Any:
        drawn = (4 * np.eye(3, 6)[kind] + 0.3 * rng.normal(size=(len(kind), 6))).astype(np.float32)
        return dense_features("doc", drawn, list("abcdef"))

    how = PLAIN.model_copy(update={"arms": ("kmeans",), "k": (3, 3), "splits": 2})
    first = labels_of(tmp_path / "l", positive)
    fit_phenotypes(first, vectors(truth), tmp_path / "p", settings=how, table=table)
    second = labels_of(tmp_path / "m", outcome)
    told = replicate(tmp_path / "p", second, vectors(kinds), other, tmp_path / "q")
    assert min(one["correlation"]["value"] for one in told["clusters"]) > 0.9
    assert told["fresh fit"]["adjusted_rand"] > 0.95
    fit_phenotypes(first, vectors(truth), tmp_path / "bare", settings=how)
    with pytest.raises(InputError, match="no cards"):
        replicate(tmp_path / "bare", second, vectors(kinds), other, tmp_path / "r")


def test_an_arm_without_a_chosen_k_has_no_cards(tmp_path: Path) -> None:
    table, _, positive = cohort(0)
    how = PLAIN.model_copy(update={"arms": ("gower+pam",), "k": (3, 3), "min_share": 0.4})
    labels = labels_of(tmp_path / "l", positive)
    fit_phenotypes(labels, None, tmp_path / "p", settings=how, table=table)
    with pytest.raises(InputError, match="no number of clusters was chosen for arm 'gower\\+pam'"):
        replicate(tmp_path / "p", labels, table, table, tmp_path / "q")


def test_the_command(saved: tuple[Path, Path, Path], tmp_path: Path) -> None:
    folder, labels, model = saved
    told = run("replicate", model, labels, "--dataset", folder, "-o", tmp_path / "q")
    assert [one["new"]["n"] for one in told["clusters"]] == [80, 40]
    assert all(one["correlation"]["value"] == pytest.approx(1) for one in told["clusters"])
    assert told["fresh fit"]["adjusted_rand"] == 1
    from typer.testing import CliRunner

    from osler.cli.phenotype import app

    shown = CliRunner().invoke(
        app, ["replicate", str(model), str(labels), "--dataset", str(folder), "-o", str(tmp_path / "q")]
    )
    assert shown.stdout.splitlines()[0].startswith("cluster  share fit")
    assert shown.stdout.splitlines()[1].split()[0] == "0"
