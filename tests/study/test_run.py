"""What a run leaves behind: the cohort, the numbers and the page agree."""

import json
from pathlib import Path

import polars as pl
from typer.testing import CliRunner

from osler.cli.main import app
from osler.study.run import run_study
from osler.study.schema import read_study

TEMPORAL = """
osler: 1
name: temporal
dataset: {simulate: {subjects: 300, hospitals: 3, seed: 2}}
tasks: {readmission: {use: readmission}}
splits: {scheme: temporal, held_out: 0.4}
representations: {counts: {kind: counts}}
predict: {heads: [lr], compare_to: null}
"""


def test_samples_across_the_cut_leave_the_cohort_and_are_counted(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(TEMPORAL)
    run_study(read_study(tmp_path / "study.yaml"), tmp_path / "out")
    whole = json.loads((tmp_path / "out/labels/readmission/task.json").read_text())
    kept = json.loads((tmp_path / "out/cohort/readmission/task.json").read_text())
    attrition = pl.read_parquet(tmp_path / "out/cohort/readmission/attrition.parquet")
    across = attrition.filter(pl.col("reason").str.contains("other side of the split"))["n_samples"].sum()
    assert across > 0
    assert kept["n_samples"] == whole["n_samples"] - across
    table = pl.read_parquet(tmp_path / "out/table_one/readmission/table_one.parquet")
    age = table.filter(pl.col("code") == "MEDS_BIRTH", pl.col("group") == "overall")
    assert age["n"].sum() + age["n_missing"].sum() == kept["n_samples"]
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert f"{kept['n_samples']:,}" in page
    assert "cohort/readmission/attrition.parquet" in page


def test_the_files_of_a_run_are_those_of_the_contract(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(TEMPORAL)
    run_study(read_study(tmp_path / "study.yaml"), tmp_path / "out")
    splits = pl.read_parquet(tmp_path / "out/splits.parquet")
    assert {"split_id", "repeat", "fold", "subject_id", "split"} <= set(splits.columns)
    metrics = json.loads((tmp_path / "out/metrics.json").read_text())
    assert pl.read_parquet(tmp_path / "out/metrics.parquet").to_dicts() == metrics
    auroc = next(row for row in metrics if row["metric"] == "auroc" and row["fold"] == "mean")
    assert auroc["low"] <= auroc["value"] <= auroc["high"]
    for name in {row["file"] for row in metrics} - {None}:
        assert (tmp_path / "out" / name).is_file()


STATEMENTS = """
osler: 1
name: placed
dataset: {simulate: {subjects: 60, hospitals: 2, seed: 2}}
tasks: {readmission: {use: readmission}}
splits: {folds: 2}
texts: {main: {budget: 256}}
representations: {st: {kind: statement, text: main, dtype: float32}}
predict: {heads: [lr], compare_to: null}
"""


def test_where_a_study_encodes_is_told_and_changes_nothing(tmp_path: Path, monkeypatch) -> None:
    import osler.represent.encode as encode

    (tmp_path / "study.yaml").write_text(STATEMENTS)
    seen = []
    opened = encode.open_engine

    def watched(name, *, dtype, settings):
        seen.append(settings)
        return opened(name, dtype=dtype, settings=settings)

    monkeypatch.setattr(encode, "open_engine", watched)
    for workers in (1, 2):
        options = ["--workers", str(workers), "--device", "cpu", "-o", str(tmp_path / f"out{workers}")]
        done = CliRunner().invoke(app, ["run", str(tmp_path / "study.yaml"), *options])
        assert done.exit_code == 0, done.output
    assert [(one.workers, one.device) for one in seen] == [(1, "cpu"), (2, "cpu")]
    one, two = (
        next((tmp_path / name / "vectors/st/statement").rglob("*.parquet")).read_bytes()
        for name in ("out1", "out2")
    )
    assert one == two
