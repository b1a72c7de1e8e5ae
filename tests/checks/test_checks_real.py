"""The doctor on real cohorts: silent on what is legitimate, loud on what is known to leak."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from osler.checks.doctor import examine
from osler.record.dataset import open_dataset
from osler.record.sources.table import ingest_table
from osler.record.sources.table_spec import TableSpec
from osler.task.label import make_labels, parse_task

pytestmark = pytest.mark.real
SPECS = Path(__file__).parents[2] / "examples" / "specs"
COHORTS = {
    # spec: (table, outcome, value that counts as the event; None: the usual ones)
    "sepsis": ("pediatric_sepsis_uganda/pediatric_sepsis_dev.csv", "inhospital_mortality", None),
    "ist": ("ist/IST_dev.csv.gz", "ID14", None),
    "support2": ("support2/support2.csv", "hospdead", None),
    "uci_diabetes": ("uci_diabetes130/diabetic_data_dev.csv.gz", "readmitted", "within 30 days"),
}


def _labelled(
    folder: Path, source: Path, spec: Path | TableSpec, outcome: str, *, positive: str | None
) -> tuple[Path, Path]:
    ingest_table(source, spec, folder / "dataset")
    task: dict[str, Any] = {"use": "outcome", "column": outcome}
    if positive is not None:
        task["positive"] = positive
    make_labels(open_dataset(folder / "dataset"), folder / "labels", settings=parse_task(task, where="task"))
    return folder / "dataset", folder / "labels"


def _told(path: Path, **options: Any) -> dict[str, list[dict[str, Any]]]:
    """What is not ok, by check."""
    told: dict[str, list[dict[str, Any]]] = {}
    for finding in examine(path, **options)["findings"]:
        if finding["status"] != "ok":
            told.setdefault(finding["check"], []).append(finding)
    return told


@pytest.mark.parametrize("name", COHORTS)
def test_legitimate_columns_do_not_alarm(real_data, tmp_path, name):
    table, outcome, positive = COHORTS[name]
    dataset, labels = _labelled(
        tmp_path, real_data / table, SPECS / f"{name}.yaml", outcome, positive=positive
    )
    of_dataset, of_labels = _told(dataset), _told(labels, dataset=dataset)
    every = [finding for told in (of_dataset, of_labels) for found in told.values() for finding in found]
    assert all(finding["status"] == "warning" for finding in every), every
    assert of_dataset.keys() <= {"dataset_sites", "dataset_impossible"}
    assert of_labels.keys() <= {"label_sites"}
    if name == "ist":
        deaths = pl.read_csv(real_data / table, infer_schema_length=None).filter(pl.col("SET14D") == 1)
        deaths = deaths.group_by("HOSPNUM").agg(pl.col("ID14").sum())
        many = deaths.filter(pl.col("ID14") >= 10).height
        assert of_labels["label_sites"][0]["count"] == deaths.height - many
        assert many == 26


LEAKS = {
    "ist": (
        {"site": "HOSPNUM", "outcome": ["ID14"], "missing": ["", "."], "types": {"ID14": "categorical"}},
        # Known at randomisation; everything else came later.
        "AGE SEX RDELAY RCONSC RSLEEP RATRIAL RCT RVISINF RHEP24 RASP3 RSBP STYPE "
        "DAYLOCAL HOURLOCAL MINLOCAL "
        "RDEF1 RDEF2 RDEF3 RDEF4 RDEF5 RDEF6 RDEF7 RDEF8 RXASP RXHEP RDATE COUNTRY CNTRYNUM",
        {"DDEADD", "FDEADD", "TD", "FU2_DONE", "OCCODE", "ONDRUG"},
    ),
    "support2": (
        {"outcome": ["hospdead"], "missing": ["", "NA"], "types": {"hospdead": "categorical"}},
        "age sex race edu income dzgroup dzclass num.co scoma hday diabetes dementia "
        "ca meanbp wblc hrt resp temp "
        "pafi alb bili crea sod ph glucose bun urine adlp adls aps",
        {"d.time", "sfdm2"},
    ),
}


@pytest.mark.parametrize("name", LEAKS)
def test_columns_that_leak_are_named(real_data, tmp_path, name):
    values, legitimate, leaks = LEAKS[name]
    table, outcome, _ = COHORTS[name]
    spec = TableSpec.parse(values, where="spec")
    dataset, labels = _labelled(tmp_path, real_data / table, spec, outcome, positive=None)
    told = _told(labels, dataset=dataset)["label_leaks"]
    words = [word for finding in told for word in finding["what"].split()]
    named = {word.removeprefix("COL//") for word in words if word.startswith("COL//")}
    assert sum(finding["count"] for finding in told) == len(named)
    assert named >= leaks
    assert named.isdisjoint(legitimate.split())
    # What their names say is found without any label.
    (suspected,) = _told(dataset)["dataset_outcomes"]
    assert suspected["count"] >= 4
