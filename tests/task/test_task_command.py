"""`osler label`: tasks by name, by options and by YAML file; real tables."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
from meds_folder import ADMISSION, DEATH, DISCHARGE, event, write_dataset
from typer.testing import CliRunner

from osler.base.errors import InputError
from osler.cli import label

app = typer.Typer()
app.command()(label.command)


def run(*arguments: object) -> Any:
    result = CliRunner().invoke(app, [str(argument) for argument in (*arguments, "--json")])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return json.loads(result.stdout)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    rows = []
    for subject in range(10):
        rows += [event(subject, 0, ADMISSION), event(subject, 40, DISCHARGE), event(subject, 3000, "LAB//K")]
        rows += [event(subject, 40, DEATH)] if subject < 3 else []
        rows += [event(subject, 200, ADMISSION), event(subject, 240, DISCHARGE)] if subject > 7 else []
    write_dataset(tmp_path / "d", rows)
    return tmp_path / "d"


def test_by_name_and_options(dataset: Path, tmp_path: Path) -> None:
    told = run(
        dataset, "mortality", "-o", tmp_path / "a", "--set", "after_hours=12", "--set", "admissions=first"
    )
    assert (told["task"], told["samples"], told["events"]) == ("mortality", 10, 3)
    assert told["excluded"] == {"not the first admission": 2}
    told = run(dataset, "readmission", "-o", tmp_path / "b")
    assert (told["samples"], told["events"]) == (9, 2)


def test_by_file(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_text("use: readmission\nhorizon_days: 2\ndeath: composite\n")
    told = run(dataset, tmp_path / "task.yaml", "-o", tmp_path / "a")
    assert (told["samples"], told["events"]) == (9, 0)
    assert "one class" in told["warnings"][0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sepsis",), "unknown task"),
        (("mortality", "--set", "after_hours"), "no setting"),
        (("mortality", "--set", "after_hours=long"), "after_hours"),
        (("mortality", "--set", "after_hours=[1"), "not valid YAML"),
        (("mortality", "--column", "died"), "column: unknown key"),
        (("outcome", "--column", "died"), "no declared outcome"),
    ],
)
def test_what_is_refused(dataset: Path, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(dataset, *arguments, "-o", tmp_path / "a")


@pytest.mark.real
def test_the_sepsis_table(real_data: Path, tmp_path: Path) -> None:
    from osler.record.sources import ingest
    from osler.task.describe import table_one
    from osler.task.labels import open_labels

    source = real_data / "pediatric_sepsis_uganda" / "pediatric_sepsis_dev.csv"
    spec = Path(__file__).parents[2] / "examples" / "specs" / "sepsis.yaml"
    ingest("table", source, spec, tmp_path / "d")
    told = run(tmp_path / "d", "outcome", "--column", "inhospital_mortality", "-o", tmp_path / "l")
    assert (told["samples"], told["events"]) == (1879, 83)
    with pytest.raises(InputError, match="not supported yet"):
        run(tmp_path / "d", "outcome", "--column", "lengthadm", "-o", tmp_path / "m")
    from osler.record.dataset import open_dataset

    table = table_one(open_dataset(tmp_path / "d"), open_labels(tmp_path / "l"))
    raw = pl.read_csv(source, infer_schema_length=None, null_values=["NA", ""])
    weight = table.filter((pl.col("code") == "COL//weight_kg_adm") & (pl.col("group") == "overall"))
    assert weight["value"].item() == pytest.approx(raw["weight_kg_adm"].median(), rel=1e-6)
    assert weight["n_missing"].item() == raw["weight_kg_adm"].null_count()
