"""All arms side by side: oracles for scores, a planted cause of clusters exposed, a calibrated test."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, silhouette_samples

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.phenotyping.beside import compare_phenotypes
from osler.phenotyping.data import ArmInput
from osler.phenotyping.fit import fit_phenotypes
from osler.phenotyping.gain import permutation_table, separation_table
from osler.phenotyping.settings import VARIABLES, CompareSettings, PhenotypeSettings
from osler.phenotyping.sources import Source
from osler.phenotyping.spaces import famd, gower
from osler.represent.features import Features, dense_features
from osler.represent.typed import TypedTable, Variable
from osler.task.labels import Labels, open_labels

N = 240
QUICK = PhenotypeSettings(
    k=(2, 3), seeds=1, starts=2, splits=2, bootstraps=3, references=0, slow_bootstraps=2
)
ON_TABLE = QUICK.model_copy(update={"arms": ("famd+kmeans", "gower+pam", "kprototypes", "umap2+kmeans")})


def labels_of(folder: Path, positive: np.ndarray) -> Labels:
    folder.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(
        {
            "subject_id": np.arange(len(positive)),
            "prediction_time": [datetime(2020, 1, 1) + timedelta(days=i) for i in range(len(positive))],
            "boolean_value": positive,
        }
    ).write_parquet(folder / "labels.parquet")
    return open_labels(folder)


def vectors_of(matrix: np.ndarray) -> Features:
    return dense_features("document", matrix, [f"v{i}" for i in range(matrix.shape[1])])


@pytest.fixture(scope="module")
def compared(mixed: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A clinical difference over many directions, texts cut off in half of the samples in a second source."""
    folder = tmp_path_factory.mktemp("beside")
    table, truth = mixed(N, seed=4, clusters=2, missing=0.05)
    rng = np.random.default_rng(5)
    words = np.where(rng.random(N) < 0.5, 60, 300) + rng.integers(0, 40, N)
    cut = np.maximum(words - 256, 0).astype(float)
    clinical = 3.0 * rng.normal(size=16) * truth[:, None] + rng.normal(size=(N, 16))
    by_length = rng.normal(size=(N, 16)) + 8.0 * (cut > 0)[:, None]
    labels = labels_of(folder / "labels", rng.random(N) < np.where(truth == 1, 0.6, 0.1))
    traces = {"tokens of the text": words.astype(float), "tokens cut off": cut}

    def moved(base: np.ndarray, noise: float) -> Callable[[np.ndarray, Path], Features]:
        return lambda rows, scratch: vectors_of(base[rows] + noise * rng.normal(size=(len(rows), 16)))

    sources = []
    for name, matrix, noise in (
        ("meaning", clinical, 0.1),
        ("cut", by_length, 0.1),
        ("order", clinical, 30.0),
    ):
        data = ArmInput(table=table, features=vectors_of(matrix))
        fit_phenotypes(labels, data.features, folder / name, settings=QUICK, table=table)
        given = traces if name != "order" else {}
        sources.append(Source(name, folder / name, data, given, embedded=True, reorder=moved(matrix, noise)))
    fit_phenotypes(labels, None, folder / VARIABLES, settings=ON_TABLE, table=table)
    sources.append(Source(VARIABLES, folder / VARIABLES, ArmInput(table=table)))
    out = folder / "compare"
    how = CompareSettings(scored=150, order=100)
    summary = compare_phenotypes(labels, sources, out, settings=how)
    return {
        "summary": summary,
        **{file.stem: pl.read_parquet(file) for file in out.glob("*.parquet")},
        "labels": labels,
        "sources": sources,
        "truth": truth,
        "table": table,
        "out": out,
        "settings": how,
    }


def members(compared: dict[str, Any], label: str, k: int) -> np.ndarray:
    source, arm = label.split("/")
    frame = pl.read_parquet(compared["out"].parent / source / "phenotypes.parquet")
    return frame.filter(pl.col("arm") == arm, pl.col("k") == k)["cluster"].to_numpy()


def test_every_arm_is_scored_in_every_space_as_scikit_learn_does(compared: dict[str, Any]) -> None:
    scores = compared["scores"]
    assert compared["summary"].spaces == ["gower", "famd", "meaning", "cut", "order"]
    shared = scores.filter(pl.col("space").is_in(compared["summary"].spaces))
    assert shared.height == 7 * 2 * 5
    rows = np.sort(np.random.default_rng([0, N]).choice(N, 150, replace=False))
    data = ArmInput(table=compared["table"])
    apart = gower.fit_measure(data.variables()).within(compared["table"].values)[0]
    flat = famd.fit(data, settings=QUICK, seed=0).points.euclidean()
    unit = compared["sources"][1].data.features.matrix.astype(float)
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    for label, k in (("cut/kmeans", 2), ("variables/kprototypes", 3), ("meaning/kmeans", 3)):
        cluster = members(compared, label, k)[rows]
        expected = {
            "gower": silhouette_samples(
                apart[np.ix_(rows, rows)].astype(float), cluster, metric="precomputed"
            ),
            "famd": silhouette_samples(flat[rows], cluster),
            "cut": silhouette_samples(unit[rows], cluster),
        }
        for space, value in expected.items():
            row = shared.row(
                by_predicate=(pl.col("arm") == label) & (pl.col("k") == k) & (pl.col("space") == space),
                named=True,
            )
            assert row["silhouette_micro"] == pytest.approx(value.mean(), abs=1e-4)
            macro = np.mean([value[cluster == c].mean() for c in np.unique(cluster)])
            assert row["silhouette_macro"] == pytest.approx(macro, abs=1e-4)
            assert row["own"] == (space == label.split("/")[0])
    own = scores.filter("own").group_by("arm").len()
    assert dict(own.iter_rows()) == {
        **{f"{name}/kmeans": 2 for name in ("meaning", "cut", "order")},
        **{f"variables/{arm}": 2 for arm in ("famd+kmeans", "gower+pam", "umap2+kmeans")},
    }
    fitted = pl.read_parquet(compared["out"].parent / VARIABLES / "indices.parquet")
    umap = scores.filter(pl.col("space") == "umap2").sort("k")
    assert umap["silhouette_micro"].equals(
        fitted.filter(pl.col("arm") == "umap2+kmeans").sort("k")["silhouette_micro"]
    )


def test_agreement_is_that_of_scikit_learn(compared: dict[str, Any]) -> None:
    agreement = compared["agreement"]
    assert agreement.height == 7 * 6 / 2
    for row in agreement.iter_rows(named=True):
        one = members(compared, row["arm"], row["k"])
        other = members(compared, row["other_arm"], row["other_k"])
        assert row["adjusted_rand"] == pytest.approx(adjusted_rand_score(one, other))
        assert row["adjusted_mutual_information"] == pytest.approx(adjusted_mutual_info_score(one, other))
    flow = (
        compared["flow"]
        .group_by("arm", "other_arm", maintain_order=True)
        .agg(pl.col("n", "n_patients").sum())
    )
    assert flow["n"].to_list() == flow["n_patients"].to_list() == [N] * 6


def test_clusters_of_cut_texts_are_exposed_and_clinical_ones_are_not(compared: dict[str, Any]) -> None:
    artefacts = compared["summary"].artefacts
    assert adjusted_rand_score(compared["truth"], members(compared, "meaning/kmeans", 2)) > 0.9
    assert artefacts["meaning/kmeans"] == []
    assert "tokens cut off" in artefacts["cut/kmeans"]
    assert artefacts["order/kmeans"] == ["order of the statements"]
    assert all(not artefacts[name] for name in artefacts if name.startswith("variables/"))
    chosen = pl.col("k") == pl.col("arm").replace_strict(compared["summary"].arms, return_dtype=pl.Int64)
    frame = compared["artefacts"].filter(chosen)
    value = {(row["arm"], row["test"], row["what"]): row["value"] for row in frame.iter_rows(named=True)}
    removed = "without what traces predict"
    assert value["meaning/kmeans", "made again", removed] > 0.9
    assert value["cut/kmeans", "made again", removed] < 0.1
    assert value["cut/kmeans", "direction 1 follows", "tokens cut off"] > 0.5
    assert value["meaning/kmeans", "direction 1 follows", "tokens cut off"] < 0.1
    whole = frame.filter(pl.col("test") == "between clusters", pl.col("what") == "missing values")
    assert whole.select("arm").n_unique() == 7


def test_the_partition_of_the_highest_silhouette_is_tested_too(compared: dict[str, Any]) -> None:
    facts = read_json(compared["out"] / "compare.json")["arms"]
    tested = set(compared["artefacts"].select("arm", "k").unique().iter_rows())
    expected = set()
    for source in compared["sources"]:
        fitted = pl.read_parquet(compared["out"].parent / source.name / "indices.parquet")
        for arm in fitted["arm"].unique():
            label, own = f"{source.name}/{arm}", fitted.filter(pl.col("arm") == arm)
            chosen = facts[label]["k"]
            expected.add((label, chosen))
            if own["silhouette_micro"].null_count() < own.height:
                highest = own["k"][int(own["silhouette_micro"].arg_max())]
                expected.add((label, highest))
                assert (facts[label]["highest"] or {"k": chosen})["k"] == highest
    assert tested == expected


def test_more_separation_is_found_where_it_was_planted(compared: dict[str, Any]) -> None:
    frame = compared["separation"].filter("chosen")
    found = {row["arm"]: row for row in frame.iter_rows(named=True)}
    y = compared["labels"].frame["boolean_value"].to_numpy().astype(float)
    cluster = members(compared, "meaning/kmeans", found["meaning/kmeans"]["k"])
    between = sum((y[cluster == c].mean() - y.mean()) ** 2 * (cluster == c).sum() for c in np.unique(cluster))
    plain = between / ((y - y.mean()) ** 2).sum()
    assert found["meaning/kmeans"]["explained"] == pytest.approx(plain, abs=0.02)
    assert found["meaning/kmeans"]["p"] < 0.001
    assert found["cut/kmeans"]["explained"] < 0.03
    assert found["cut/kmeans"]["less_low"] > 0
    fitted = pl.read_parquet(compared["out"].parent / "cut" / "indices.parquet").filter("chosen")
    assert found["cut/kmeans"]["jaccard_min"] == fitted["jaccard_min"][0]


def test_the_test_is_calibrated_over_all_arms() -> None:
    rng = np.random.default_rng(6)
    partitions = {(f"a{i}", k): rng.integers(0, k, 120) for i in range(4) for k in (2, 3, 4)}
    group, small = np.arange(120), 0
    for seed in range(40):
        y = (rng.random(120) < 0.3).astype(float)
        table = permutation_table(partitions, y, group=group, draws=10_000, seed=seed)
        small += bool(table["p"].min() < 0.05)
    assert small <= 6  # P(more) = .004 where the level is held


def test_those_that_are_stable_alike_are_compared() -> None:
    rng = np.random.default_rng(7)
    truth = rng.integers(0, 2, 200)
    y = (rng.random(200) < 0.2 + 0.5 * truth).astype(float)
    partitions = {
        ("a", 2): truth,
        ("b", 2): rng.integers(0, 2, 200),
        ("c", 2): rng.integers(0, 2, 200),
        ("d", 3): np.full(200, -1),
    }
    group = np.arange(200)
    tested = {key: own for key, own in partitions.items() if key[0] != "d"}
    table = separation_table(
        tested,
        y,
        group=group,
        chosen=list(partitions),
        stability={("a", 2): (0.9, 0.95), ("b", 2): (0.8, 0.9), ("c", 2): (0.6, 0.7)},
        permutation=permutation_table(tested, y, group=group, draws=10_000, seed=0),
    )
    assert table["against"].to_list() == [None, "a, k = 2", None]
    assert table["stability"].to_list() == ["at least 0.75", "at least 0.75", "below 0.75"]
    row = table.row(1, named=True)
    assert row["less"] == pytest.approx(table["explained"][0] - table["explained"][1])
    assert row["less_low"] > 0


def test_the_same_work_is_only_read_and_other_samples_are_refused(
    compared: dict[str, Any], tmp_path: Path
) -> None:
    again = compare_phenotypes(
        compared["labels"], compared["sources"], compared["out"], settings=compared["settings"]
    )
    assert again.arms == compared["summary"].arms
    with pytest.raises(InputError, match="result of another command"):
        compare_phenotypes(compared["labels"], compared["sources"], compared["out"], seed=1)
    other = labels_of(tmp_path / "other", np.arange(N - 1) % 2 == 0)
    with pytest.raises(InputError, match="other samples"):
        compare_phenotypes(other, compared["sources"], tmp_path / "x")
    with pytest.raises(InputError, match="same name"):
        compare_phenotypes(compared["labels"], compared["sources"][:1] * 2, tmp_path / "y")


def test_an_arm_that_finds_no_cluster_is_fitted_and_left_out(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(200, 3))
    table = TypedTable(tuple(Variable(f"x{i}", f"x{i}", "numeric") for i in range(3)), values)
    labels = labels_of(tmp_path / "labels", np.arange(200) % 3 == 0)
    how = QUICK.model_copy(update={"arms": ("hdbscan", "gower+pam"), "min_share": 0.3, "neighbours": 40})
    fitted = fit_phenotypes(labels, None, tmp_path / "fitted", settings=how, table=table)
    assert fitted.sizes["hdbscan"] == []
    outcomes = pl.read_parquet(tmp_path / "fitted" / "outcomes.parquet")
    assert outcomes["arm"].unique().to_list() == ["gower+pam"]
    source = Source(VARIABLES, tmp_path / "fitted", ArmInput(table=table))
    told = compare_phenotypes(labels, [source], tmp_path / "compare", settings=CompareSettings(scored=100))
    assert told.arms == {"variables/hdbscan": 0, "variables/gower+pam": fitted.chosen["gower+pam"]}
    assert list(told.artefacts) == list(told.separation) == ["variables/gower+pam"]
