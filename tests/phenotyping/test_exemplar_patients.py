"""Exemplar patients: the nearest of each cluster by plain Python, one sample per patient, with their text."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from mixed_tables import mixed_table
from test_assign_variables import ON_VARIABLES, PLAIN
from test_phenotypes_fit import labels_of

from osler.base.files import read_json, write_json, write_parquet
from osler.phenotyping.arms import ARMS
from osler.phenotyping.clustered import cluster_arms
from osler.phenotyping.data import ArmInput
from osler.phenotyping.fit import fit_phenotypes
from osler.phenotyping.nearest import EXEMPLARS, as_text, exemplar_table, nearest_patients
from osler.represent.typed import TypedTable, Variable


@pytest.mark.parametrize("arm", ON_VARIABLES)
def test_the_nearest_of_each_cluster_are_distinct_patients(arm: str) -> None:
    table, _ = mixed_table(160, missing=0.05)
    how = PLAIN.model_copy(update={"arms": (arm,), "k": (3, 3)})
    found = cluster_arms(ArmInput(table=table), settings=how)[0]
    k = next(iter(found.partitions))
    own = found.partitions[k]
    group = np.arange(160) // 2
    chosen = nearest_patients(found, k, group=group, most=4)
    for number in range(k):
        rows = [row for cluster, _, row in chosen if cluster == number]
        assert len({int(group[row]) for row in rows}) == len(rows) <= 4
        assert (own.cluster[rows] == number).all()
        if ARMS[arm].closed_form:
            expected: list[int] = []
            members = np.flatnonzero(own.cluster == number)
            for row in sorted(members, key=lambda row: (own.distance[row], row)):
                if group[row] not in group[expected]:
                    expected.append(int(row))
            assert rows == expected[:4]
        else:
            central = found.exemplars[k]
            assert rows[0] == central.rows[central.arrays["exemplar_cluster"] == number][0]
    if arm == "gower+pam":
        first = [row for _, rank, row in chosen if rank == 1]
        assert (own.distance[first] == 0).all()  # the medoid itself


def test_text_where_there_is_one_else_the_variables(tmp_path: Path) -> None:
    table, _ = mixed_table(120)
    labels = labels_of(tmp_path / "l", np.arange(120) % 3 == 0)
    keys = labels.frame.select("subject_id", "prediction_time").head(60)
    folder = tmp_path / "texts"
    write_parquet(
        folder / "texts" / "0.parquet",
        keys.with_columns(
            text=pl.format("record of {}", "subject_id"), n_tokens=3, n_statements=1, n_dropped=0
        ),
    )
    write_json(
        folder / "texts.json", {"format_version": 1, "shards": ["0"], "samples": "labels", "settings": {}}
    )
    write_json(folder / "manifest.json", {"key": "k", "files": {}})
    how = PLAIN.model_copy(update={"arms": ("kprototypes",), "k": (2, 2), "splits": 2, "exemplars": 30})
    fit_phenotypes(labels, None, tmp_path / "p", settings=how, table=table, texts=folder)
    file = tmp_path / "p" / "exemplars.parquet"
    assert file.stat().st_mode & 0o077 == 0
    found = pl.read_parquet(file)
    assert found.schema == EXEMPLARS
    assert found.group_by("cluster").len()["len"].to_list() == [30, 30]
    for row in found.iter_rows(named=True):
        if row["subject_id"] < 60:
            assert (row["written_from"], row["text"]) == ("text", f"record of {row['subject_id']}")
        else:
            assert row["written_from"] == "variables"
            assert row["text"] == as_text(table, row["subject_id"])
    assert {"text", "variables"} == set(found["written_from"])
    assert found.filter(pl.col("rank") == 1)["typicality"].to_list() == [1.0, 1.0]
    assert read_json(tmp_path / "p" / "phenotypes.json")["arms"]["kprototypes"]["chosen_k"] == 2


def test_variables_as_text() -> None:
    variables = (
        Variable("K", "Potassium", "numeric", unit="mmol/L"),
        Variable("W", "Ward", "categorical", ("north", "south")),
        Variable("F", "Fever", "flag"),
        Variable("C", "Coma (recorded)", "flag", recorded=True),
        Variable("N", "Nothing", "numeric"),
    )
    table = TypedTable(variables, np.array([[4.25, 1, 0, 0, np.nan], [5, 0, 1, 1, 2]]))
    assert as_text(table, 0) == "Potassium: 4.25 mmol/L\nWard: south\nFever: no"
    assert as_text(table, 1).splitlines()[2:] == ["Fever: yes", "Coma (recorded): yes", "Nothing: 2"]


def test_without_text_and_variables_there_is_no_text() -> None:
    from osler.represent.features import dense_features

    rng = np.random.default_rng(0)
    features = dense_features("doc", rng.normal(size=(60, 4)).astype(np.float32), list("abcd"))
    how = PLAIN.model_copy(update={"arms": ("kmeans",), "k": (2, 2)})
    found = cluster_arms(ArmInput(features=features), settings=how)[0]
    samples = pl.DataFrame(
        {"subject_id": range(60), "prediction_time": [None] * 60},
        schema={"subject_id": pl.Int64, "prediction_time": pl.Datetime("us")},
    )
    made = exemplar_table(found, 2, samples, group=np.arange(60), most=2, texts=None, table=None)
    assert made["text"].null_count() == made["written_from"].null_count() == made.height == 4
