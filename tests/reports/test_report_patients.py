"""One patient with many samples is one patient: no count of them is on the shareable page."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import fabricated_run as fabricated
import numpy as np
import polars as pl
import pytest

from osler.base.files import read_json, write_json, write_parquet
from osler.phenotyping.fit import fit_phenotypes
from osler.phenotyping.settings import PhenotypeSettings
from osler.record.dataset import Dataset, open_dataset
from osler.reports.report import write_report
from osler.represent.features import dense_features
from osler.task.describe import table_one
from osler.task.families.mortality import MortalitySettings
from osler.task.label import make_labels
from osler.task.labels import Labels

MANY = 17  # stays of subject 1, more than a small cell
WARDS = {"groups": {"ward": {"prefix": "WARD//", "values": {"A": "alpha", "B": "beta", "C": "gamma"}}}}


def write_cohort(folder: Path) -> Dataset:
    """Ninety subjects with one stay each, and one with many, alone on its ward; a third die."""
    start = datetime(2020, 1, 1)
    rows = []
    for subject in range(1, 92):
        ward = "C" if subject == 1 else "AB"[subject % 2]
        rows.append((subject, None, f"WARD//{ward}"))
        for stay in range(MANY if subject == 1 else 1):
            admitted = start + timedelta(days=10 * stay)
            rows.append((subject, admitted, "HOSPITAL_ADMISSION"))
            rows.append((subject, admitted + timedelta(days=3), "HOSPITAL_DISCHARGE"))
        if subject % 3 == 0:
            rows.append((subject, start + timedelta(days=2), "MEDS_DEATH"))
    (folder / "data").mkdir(parents=True)
    (folder / "metadata").mkdir()
    events = pl.DataFrame(
        rows, schema={"subject_id": pl.Int64, "time": pl.Datetime("us"), "code": pl.String}, orient="row"
    ).with_columns(numeric_value=pl.lit(None, dtype=pl.Float32))
    events = events.sort("subject_id", "time", nulls_last=False, maintain_order=True)
    events.write_parquet(folder / "data" / "0.parquet")
    write_json(folder / "metadata" / "dataset.json", {"dataset_name": "wards", "osler": WARDS})
    return open_dataset(folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Labels]:
    """A run folder with the files that the rooms write for this cohort."""
    folder = tmp_path_factory.mktemp("wards")
    dataset = write_cohort(folder / "dataset")
    run = folder / "run"
    write_json(run / "study.json", {**fabricated.study(), "representations": {"counts": {"kind": "counts"}}})
    task = fabricated.TASK
    labels = make_labels(dataset, run / "labels" / task, settings=MortalitySettings())
    write_parquet(run / "table_one" / task / "table_one.parquet", table_one(dataset, labels))
    # Three clusters far apart: the wards.
    ward = labels.samples["ward"].replace_strict({"alpha": 0, "beta": 1, "gamma": 2}).to_numpy()
    noise = np.random.default_rng(0).normal(0, 0.1, (len(ward), 3))
    places = (10.0 * np.eye(3)[ward] + noise).astype(np.float32)
    features = dense_features("counts", places, ["a", "b", "c"])
    settings = PhenotypeSettings(k=(3, 3), seeds=2, starts=3, min_share=0.05)
    fit_phenotypes(labels, features, run / "phenotypes" / task / "counts", settings=settings)
    return run, labels


def section(page: str, name: str) -> str:
    found = re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)
    assert found
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found.group()))


def test_the_files_count_patients(made):
    run, labels = made
    task = fabricated.TASK
    assert labels.frame.height == 90 + MANY
    described = read_json(run / "labels" / task / "task.json")
    assert [described[f"n_{name}"] for name in ("patients", "event_patients", "other_patients")] == [
        91,
        30,
        61,
    ]
    table = pl.read_parquet(run / "table_one" / task / "table_one.parquet")
    gamma = table.filter(pl.col("level") == "gamma", pl.col("group") == "overall").row(0, named=True)
    assert (gamma["n"], gamma["n_patients"], gamma["n_missing_patients"]) == (MANY, 1, 0)
    place = run / "phenotypes" / task / "counts"
    outcomes = pl.read_parquet(place / "outcomes.parquet").sort("n")
    assert outcomes["n"].to_list() == [MANY, 45, 45]
    assert outcomes["n_patients"].to_list() == [1, 45, 45]
    assert outcomes["n_event_patients"].to_list() == [0, 15, 15]
    assert outcomes["n_other_patients"].to_list() == [1, 30, 30]
    assert read_json(place / "phenotypes.json")["n_patients"] == 91


def test_many_stays_of_one_patient_are_not_shown(made):
    run, _ = made
    page = write_report(run).read_text()
    table = section(page, "table-one")
    assert "gamma" not in table
    assert not re.search(rf"\b{MANY} \(", table)
    clusters = section(page, "phenotypes")
    assert not re.search(rf"cluster \d+ {MANY} ", clusters)
    # Its complement goes with it; one cluster stays.
    assert clusters[clusters.index("Clusters of counts") : clusters.index("every k")].count(" 45 ") == 1
    assert re.search(r"\b30 with the event", section(page, "cohort"))


def test_in_older_runs_samples_count(made, tmp_path):
    import shutil

    run = tmp_path / "run"
    shutil.copytree(made[0], run)
    for file in (*run.glob("table_one/*/*.parquet"), *run.glob("phenotypes/*/*/outcomes.parquet")):
        frame = pl.read_parquet(file)
        write_parquet(file, frame.select(name for name in frame.columns if not name.endswith("_patients")))
    page = write_report(run).read_text()
    assert "gamma" in section(page, "table-one")
    assert re.search(rf"cluster \d+ {MANY} ", section(page, "phenotypes"))


def test_events_of_few_patients_are_nowhere(tmp_path):
    run = fabricated.make_run(tmp_path, events=108)
    task = run / "labels" / fabricated.TASK / "task.json"
    few = {"n_event_patients": 6, "n_other_patients": 900}
    write_json(task, {**read_json(task), **few})
    note = {"notes": ["108 events among the held-out samples"]}
    write_json(run / "predictions" / fabricated.TASK / "predictions.json", {**few, **note})
    page = write_report(run).read_text()
    for name in ("summary", "cohort", "discrimination"):
        assert not re.search(r"\b108\b", section(page, name))
    assert "too few patients" in section(page, "summary")
    assert "prevalence)" not in section(page, "discrimination")
    assert "roc-mortality" not in page


def test_a_warning_does_not_count_what_the_flow_hides(tmp_path):
    run = fabricated.make_run(tmp_path, small=True)
    task = run / "labels" / fabricated.TASK / "task.json"
    # 24 without an outcome are hidden, for they would give the three duplicates away.
    write_json(task, {**read_json(task), "warnings": ["24 have no outcome", "41 were discharged before"]})
    cohort = section(write_report(run).read_text(), "cohort")
    assert "24 have no outcome" not in cohort
    assert "41 were discharged before" in cohort


def test_other_choices_are_rounded_to_what_few_patients_hold(tmp_path):
    run = fabricated.make_run(tmp_path)
    file = run / "labels" / fabricated.TASK / "sensitivity.parquet"
    write_parquet(file, pl.read_parquet(file).with_columns(most_per_subject=30))
    choices = section(write_report(run).read_text(), "cohort")
    assert "negative 1,800 under 300 –" in choices
    assert "rounded to 300" in choices


def test_texts_over_the_budget_count_their_subjects(tmp_path):
    run = fabricated.make_run(tmp_path)
    file = next((run / "texts" / "main" / "texts").glob("*.parquet"))
    texts = pl.read_parquet(file)
    assert "were over the budget" in section(write_report(run).read_text(), "text")
    one = pl.when(pl.col("n_dropped") > 0).then(1).otherwise("subject_id").alias("subject_id")
    write_parquet(file, texts.with_columns(one))
    assert "over the budget is suppressed" in section(write_report(run).read_text(), "text")


def test_a_variable_that_few_patients_carry_sets_no_cluster_apart(tmp_path):
    run = fabricated.make_run(tmp_path)
    assert "hiv: Positive" in section(write_report(run).read_text(), "phenotypes")
    for file in run.glob("phenotypes/*/*/describe.parquet"):
        few = pl.when(pl.col("variable").str.contains("hiv")).then(2).otherwise(400)
        write_parquet(file, pl.read_parquet(file).with_columns(carriers_inside=few, carriers_outside=400))
    words = section(write_report(run).read_text(), "phenotypes")
    assert "hiv: Positive" not in words
    assert "hr" in words
