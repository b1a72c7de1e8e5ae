"""Clusterings of variables are saved whole: the fitted samples get their clusters back, arm by arm."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixed_tables import mixed_table
from test_phenotypes_command import run
from test_phenotypes_fit import labels_of

from osler.base.errors import InputError
from osler.measure.intervals import wilson
from osler.phenotyping.arms import ARMS
from osler.phenotyping.assign import assign_samples
from osler.phenotyping.assigning import assign
from osler.phenotyping.clustered import cluster_arms
from osler.phenotyping.data import ArmInput
from osler.phenotyping.fit import fit_phenotypes
from osler.phenotyping.model import PRIVATE, Model, load_model, save_model, sorted_distances
from osler.phenotyping.partition import typicality, typicality_among
from osler.phenotyping.settings import PhenotypeSettings
from osler.represent.typed import TypedTable

ON_VARIABLES = [name for name, one in ARMS.items() if one.needs_table]
CLOSED = [name for name in ON_VARIABLES if ARMS[name].closed_form]
PLAIN = PhenotypeSettings.parse(
    {
        "arms": ON_VARIABLES, "k": [2, 3], "seeds": 2, "starts": 2, "splits": 0, "bootstraps": 0,
        "slow_bootstraps": 0, "references": 0, "slow_references": 0, "famd_components": 4,
        "sample_limit": 180, "lca": {"starts": 8, "refit_starts": 2},
    },
    where="test",
)  # fmt: skip

Dataset = Callable[..., Path]
Fitted = tuple[Path, Model, TypedTable, pl.DataFrame]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """Every arm on variables, fitted on 180 of 240 samples with missing values."""
    folder = tmp_path_factory.mktemp("fitted")
    table, truth = mixed_table(240, missing=0.08)
    labels = labels_of(folder / "l", truth == 0)
    fit_phenotypes(labels, None, folder / "p", settings=PLAIN, table=table)
    members = pl.read_parquet(folder / "p" / "phenotypes.parquet")
    return folder, load_model(folder / "p"), table, members


def of(members: pl.DataFrame, arm: str, k: int) -> tuple[np.ndarray, np.ndarray]:
    own = members.filter(pl.col("arm") == arm, pl.col("k") == k)
    return own["cluster"].fill_null(-1).to_numpy(), own["typicality"].fill_null(np.nan).to_numpy()


def test_every_arm_and_k_is_saved(fitted: Fitted) -> None:
    _, model, _, members = fitted
    found = set(members.select("arm", "k").unique().iter_rows())
    assert set(model.partitions) == found
    assert {arm for arm, _ in found} == set(ON_VARIABLES)
    assert [model.partitions[key].by_exemplars for key in sorted(found)] == [
        not ARMS[arm].closed_form for arm, _ in sorted(found)
    ]


@pytest.mark.parametrize("arm", CLOSED)
def test_a_closed_form_gives_the_fitted_partition(fitted: Fitted, arm: str) -> None:
    _, model, table, members = fitted
    rows = np.random.default_rng(1).permutation(240)
    for k in (2, 3):
        expected, typical = of(members, arm, k)
        found = assign(model, table.take(rows), arm=arm, k=k)
        assert found.cluster.tolist() == expected[rows].tolist()
        np.testing.assert_allclose(found.typicality, typical[rows], atol=0.02)
        assert (found.unseen, found.absent, found.empty) == (0, 0, 0)


@pytest.mark.parametrize("arm", [name for name in ON_VARIABLES if name not in CLOSED])
def test_exemplars_give_the_share_that_they_state(fitted: Fitted, arm: str) -> None:
    _, model, table, members = fitted
    own_rows = np.sort(np.random.default_rng([0, 240]).choice(240, 180, replace=False))
    others = np.setdiff1d(np.arange(240), own_rows)
    for name, k in model.partitions:
        if name != arm:
            continue
        expected, typical = of(members, arm, k)
        found = assign(model, table, arm=arm, k=k)
        assert found.cluster[others].tolist() == expected[others].tolist()
        inside = own_rows[expected[own_rows] >= 0]
        same = found.cluster == expected
        assert same[inside].mean() == model.partitions[arm, k].agreement
        assert same[inside].mean() > 0.9
        np.testing.assert_allclose(found.typicality[same], typical[same], atol=0.02)


def test_a_new_patient_with_missing_and_unseen_levels(fitted: Fitted) -> None:
    _, model, table, _ = fitted
    variables = tuple(
        replace(one, levels=("never seen", *one.levels)) if one.kind == "categorical" else one
        for one in table.variables
    )
    shifted = table.values[:3] + table.of_kind("categorical")
    shifted[0, table.of_kind("categorical")] = 0.0  # a level that no fitted sample has
    shifted[1, :] = np.nan
    expected = table.take([0, 1, 2]).values.copy()
    expected[0, table.of_kind("categorical")] = np.nan
    expected[1, :] = np.nan
    for arm, k in model.partitions:
        found = assign(model, TypedTable(variables, shifted), arm=arm, k=k)
        read = assign(model, TypedTable(table.variables, expected), arm=arm, k=k)
        assert found.cluster.tolist() == read.cluster.tolist()
        assert found.empty == 1
        assert ((found.typicality >= 0) & (found.typicality <= 1)).all()


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(12)), st.sampled_from(CLOSED))
def test_the_order_of_variables_does_not_matter(fitted: Fitted, order: list[int], arm: str) -> None:
    _, model, table, members = fitted
    other = TypedTable(tuple(table.variables[i] for i in order), table.values[:, order])
    assert assign(model, other, arm=arm, k=3).cluster.tolist() == of(members, arm, 3)[0].tolist()


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    missing=st.sampled_from([0.0, 0.1, 0.6]),
    only=st.sampled_from(["all", "flag", "numeric", "categorical"]),
    arm=st.sampled_from(CLOSED),
)
def test_any_fitted_table_gets_its_partition_back(seed: int, missing: float, only: str, arm: str) -> None:
    table, _ = mixed_table(90, seed=seed, missing=missing)
    if only != "all":
        table = table.keep(table.of_kind(only))
    data = ArmInput(table=table)
    how = PLAIN.model_copy(update={"arms": (arm,), "k": (3, 3)})
    with TemporaryDirectory() as folder:
        clustered = cluster_arms(data, settings=how)
        save_model(Path(folder), data=data, clustered=clustered, settings=how, chosen={arm: 3}, supported={},
                   source=None, group=np.arange(90))  # fmt: skip
        model = load_model(folder)
    rows = np.random.default_rng(seed).permutation(90)
    found = assign(model, table.take(rows))
    assert found.cluster.tolist() == clustered[0].partitions[3].cluster[rows].tolist()
    # One by one, too: a sample's cluster does not depend on who comes with it.
    assert assign(model, table.take(rows[:1])).cluster.tolist() == found.cluster[:1].tolist()


def test_what_is_refused(fitted: Fitted) -> None:
    _, model, table, _ = fitted
    for arm in ON_VARIABLES:
        with pytest.raises(InputError, match="lack variables that were clustered: n0") as caught:
            assign(model, table.keep(np.arange(12) > 0), arm=arm, k=2 if arm != "hdbscan" else None)
        assert caught.value.count == 1
    kinds = (replace(table.variables[0], kind="flag"), *table.variables[1:])
    with pytest.raises(InputError, match="n0"):
        assign(model, TypedTable(kinds, table.values), arm="lca", k=2)
    with pytest.raises(InputError, match="k 7"):
        assign(model, table, arm="lca", k=7)


def test_a_clustering_of_another_format_is_refused(fitted: Fitted, tmp_path: Path) -> None:
    stored = json.loads((fitted[0] / "p" / "model" / "model.json").read_text())
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.json").write_text(json.dumps({**stored, "format_version": 1}))
    with pytest.raises(InputError, match="saved in format 1"):
        load_model(tmp_path)


def test_files_are_private_and_say_so(fitted: Fitted, tmp_path: Path) -> None:
    folder, model, table, _ = fitted
    for file in ("model.json", "model.npz"):
        assert (folder / "p" / "model" / file).stat().st_mode & 0o077 == 0
    assert json.loads((folder / "p" / "model" / "model.json").read_text())["private"] == PRIVATE
    samples = pl.DataFrame({"subject_id": range(240), "prediction_time": [datetime(2020, 1, 1)] * 240})
    told = assign_samples(model, table, samples, tmp_path / "q", arm="umap2+pam", k=2)
    assert told["by"] == "exemplars"
    assert told["agreement with the fit"] == model.partitions["umap2+pam", 2].agreement
    assert told["cells known"] == told["cells known in the fit"]
    assert (tmp_path / "q" / "phenotypes.parquet").stat().st_mode & 0o077 == 0
    again = assign_samples(model, table, samples, tmp_path / "q", arm="umap2+pam", k=2)
    assert again == told


def test_typicality_among_saved_distances_is_that_of_the_fit() -> None:
    rng = np.random.default_rng(0)
    cluster, distance = rng.integers(0, 3, 400), rng.gamma(2, size=400).round(1)
    saved = sorted_distances(cluster, distance, 3)
    assert typicality_among(saved, cluster, distance).tolist() == typicality(cluster, distance).tolist()
    many = sorted_distances(np.zeros(5000, dtype=int), rng.random(5000), 1)
    assert many.shape == (1, 1001)
    assert abs(typicality_among(many, np.array([0]), np.array([0.25]))[0] - 0.75) < 0.02


def test_the_command_gives_the_fitted_partition(saved: tuple[Path, Path, Path], tmp_path: Path) -> None:
    folder, labels, model = saved
    fitted = pl.read_parquet(model / "phenotypes.parquet")
    for arm in ("kprototypes", "famd+pam"):
        told = run("assign", model, folder, "--labels", labels, "--arm", arm, "--k", 2, "-o", tmp_path / arm)
        expected = fitted.filter(pl.col("arm") == arm)
        found = pl.read_parquet(tmp_path / arm / "phenotypes.parquet")
        assert found.drop("typicality").equals(expected.drop("typicality"))
        assert (found["typicality"] - expected["typicality"]).abs().max() < 0.02
        assert told["by"] == "closed form"
        assert told["variables absent"] == []
    # Without labels, at the end of each record, and without any outcome.
    told = run("assign", model, folder, "--k", 2, "-o", tmp_path / "end")
    assert told["sizes"] == [80, 40]


def test_a_dataset_with_unseen_levels_is_assigned_and_reported(
    saved: tuple[Path, Path, Path], dataset: Dataset, tmp_path: Path
) -> None:
    other = dataset("levels", ward="hospice")
    told = run("assign", saved[2], other, "--labels", saved[1], "--k", 2, "-o", tmp_path / "q")
    assert told["samples outside the levels"] == {"WARD": 1}
    assert told["sizes"] == [80, 40]


def test_a_dataset_without_a_variable(
    saved: tuple[Path, Path, Path], dataset: Dataset, tmp_path: Path
) -> None:
    other = dataset("absent", lacks="LAB//K")
    arguments = ("assign", saved[2], other, "--labels", saved[1], "--k", 2)
    with pytest.raises(InputError, match="lacks 1 of 3 variables that were clustered: LAB//K") as caught:
        run(*arguments, "-o", tmp_path / "q")
    assert (caught.value.count, caught.value.where) == (1, str(other))
    assert "--allow-absent" in str(caught.value)
    told = run(*arguments, "--allow-absent", "-o", tmp_path / "r")
    assert told["variables absent"] == ["LAB//K"]
    assert told["sizes"] == [80, 40]
    # A code that no record has is a flag of 0, not an absent variable.
    told = run("assign", saved[2], dataset("flag", lacks="CODE//00"), "--k", 2, "-o", tmp_path / "s")
    assert told["variables absent"] == ["CODE//00"]


@pytest.mark.parametrize(
    "book",
    [
        {"code": "LAB//K", "kind": "categorical"},
        {"code": "WARD", "kind": "categorical", "levels": ["north", "south"]},
    ],
)
def test_another_code_book_is_refused(
    saved: tuple[Path, Path, Path], dataset: Dataset, tmp_path: Path, book: dict[str, Any]
) -> None:
    other = dataset("book", book=book)
    with pytest.raises(InputError, match=f"means something else .* {book['code']}") as caught:
        run("assign", saved[2], other, "--labels", saved[1], "--k", 2, "-o", tmp_path / "q")
    assert caught.value.count == 1
    with pytest.raises(InputError, match="of variables"):
        run("assign", saved[2], saved[0], "--vectors", saved[0], "--k", 2, "-o", tmp_path / "q")


def test_drift_of_shares_and_typicality(fitted: Fitted, tmp_path: Path) -> None:
    _, model, table, members = fitted
    samples = pl.DataFrame({"subject_id": range(240), "prediction_time": [datetime(2020, 1, 1)] * 240})
    same = assign_samples(model, table, samples, tmp_path / "same", arm="lca", k=3)["drift"]
    cluster, typical = of(members, "lca", 3)
    assert same["test"]["statistic"] == pytest.approx(0)
    for number, row in enumerate(same["clusters"]):
        share = wilson(int((cluster == number).sum()), 240)
        for side in ("fit", "new"):
            found = row[side]["share"]
            assert (found["value"], found["low"], found["high"]) == (share.value, share.low, share.high)
        assert row["fit"]["typicality"]["value"] == pytest.approx(typical[cluster == number].mean(), abs=1e-6)
    assert same["typicality"]["new"]["value"] == pytest.approx(typical.mean(), abs=0.01)
    # Other patients: the largest cluster gone, numbers further out.
    rows = np.flatnonzero(cluster > 0)
    values = table.values[rows] + 100 * table.of_kind("numeric")
    other = assign_samples(
        model,
        TypedTable(table.variables, values),
        samples.head(len(rows)),
        tmp_path / "other",
        arm="lca",
        k=3,
    )["drift"]
    assert other["test"]["p"] < 0.001
    assert other["typicality"]["new"]["high"] < same["typicality"]["fit"]["low"]


@pytest.mark.parametrize("arm", ["umap2+pam", "hdbscan"])
def test_the_fitted_samples_of_exemplars_do_not_drift_from_themselves(
    fitted: Fitted, tmp_path: Path, arm: str
) -> None:
    _, model, table, _ = fitted
    samples = pl.DataFrame({"subject_id": range(240), "prediction_time": [datetime(2020, 1, 1)] * 240})
    k = max(number for name, number in model.partitions if name == arm)
    same = assign_samples(model, table, samples, tmp_path / arm, arm=arm, k=k)["drift"]
    assert same["test"]["statistic"] == pytest.approx(0)
    for row in same["clusters"]:
        assert row["fit"]["n"] == row["new"]["n"]
        assert row["fit"]["typicality"]["value"] == pytest.approx(row["new"]["typicality"]["value"], abs=1e-6)


def test_drift_of_patients_with_several_samples(fitted: Fitted, tmp_path: Path) -> None:
    _, model, table, _ = fitted
    times = [datetime(2020, 1, 1 + i % 3) for i in range(240)]
    samples = pl.DataFrame({"subject_id": [i // 3 for i in range(240)], "prediction_time": times})
    told = assign_samples(model, table, samples, tmp_path / "q", arm="kprototypes", k=2)["drift"]
    assert told["test"]["name"] == "permutation of patients"
    assert told["clusters"][0]["new"]["share"]["interval"] == "bootstrap of patients"
    assert told["clusters"][0]["fit"]["share"]["interval"] == "wilson"
