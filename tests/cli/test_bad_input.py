"""Bad input of every kind: exit code 2 and a message that says what, where, how many and what to do."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

START = datetime(2020, 1, 1)
STUDY = """
osler: 1
name: s
dataset: {{path: {dataset}}}
tasks: {{death: {{use: mortality}}}}
splits: {{scheme: kfold, folds: 2, repeats: 1}}
representations: {{counts: {{kind: counts}}}}
predict: {{heads: [lr], compare_to: counts+lr}}
"""
TABLE_STUDY = """
osler: 1
name: t
dataset: {{format: table, source: {table}, spec: {spec}}}
tasks: {{death: {{use: outcome, column: died}}}}
splits: {{scheme: kfold, folds: 2, repeats: 1}}
representations: {{counts: {{kind: counts}}}}
predict: {{heads: [lr], compare_to: counts+lr}}
"""
SPEC = "subject: id\noutcome: [died]\n"


def _events(*, deaths: int = 10, subjects: int = 40) -> pl.DataFrame:
    """Each subject: a stay of four days with a lab value each day; the first `deaths` die on the third."""
    rows: list[tuple[int, datetime, str, float | None]] = []
    for subject in range(subjects):
        start = START + timedelta(days=subject)
        rows.append((subject, start, "HOSPITAL_ADMISSION//ED", None))
        rows += [
            (subject, start + timedelta(days=day, hours=1), "LAB//K", 3.0 + subject % 3) for day in range(4)
        ]
        if subject < deaths:
            rows.append((subject, start + timedelta(days=3, hours=2), "MEDS_DEATH", None))
        rows.append((subject, start + timedelta(days=3, hours=3), "HOSPITAL_DISCHARGE//HOME", None))
    schema = {
        "subject_id": pl.Int64,
        "time": pl.Datetime("us"),
        "code": pl.String,
        "numeric_value": pl.Float32,
    }
    return pl.DataFrame(rows, schema=schema, orient="row").sort("subject_id", "time")


def _run_dataset(osler: Callable[..., Any], folder: Path, *shards: pl.DataFrame, study: str = STUDY) -> Any:
    data = folder / "meds" / "data"
    data.mkdir(parents=True)
    for index, shard in enumerate(shards):
        shard.write_parquet(data / f"{index}.parquet")
    (folder / "study.yaml").write_text(study.format(dataset=folder / "meds"))
    return osler("run", folder / "study.yaml", "-o", folder / "out")


def _run_table(osler: Callable[..., Any], folder: Path, table: bytes, spec: str = SPEC) -> Any:
    (folder / "patients.csv").write_bytes(table)
    (folder / "spec.yaml").write_text(spec)
    study = TABLE_STUDY.format(table=folder / "patients.csv", spec=folder / "spec.yaml")
    (folder / "study.yaml").write_text(study)
    return osler("run", folder / "study.yaml", "-o", folder / "out")


def _refused(told: Any, *words: str) -> None:
    assert told.code == 2, told.err
    assert "Traceback" not in told.err
    message = told.err[told.err.index("osler: ") :]
    for word in words:
        assert word in message, f"{word!r} is not in: {message}"
    assert "remedy: " in message


def test_the_good_dataset_runs(osler: Callable[..., Any], tmp_path: Path) -> None:
    told = _run_dataset(osler, tmp_path, _events())
    assert told.code == 0, told.err


def test_missing_column(osler: Callable[..., Any], tmp_path: Path) -> None:
    _refused(_run_dataset(osler, tmp_path, _events().drop("code")), "'code'", "0.parquet")


def test_wrong_type(osler: Callable[..., Any], tmp_path: Path) -> None:
    events = _events().with_columns(pl.col("subject_id").cast(pl.String))
    _refused(_run_dataset(osler, tmp_path, events), "subject_id", "string", "0.parquet")


def test_subject_in_two_shards(osler: Callable[..., Any], tmp_path: Path) -> None:
    _refused(_run_dataset(osler, tmp_path, _events(), _events(subjects=3)), "1.parquet", "count: 3")


def test_unsorted_times(osler: Callable[..., Any], tmp_path: Path) -> None:
    events = _events().sort("subject_id", "time", descending=[False, True])
    _refused(_run_dataset(osler, tmp_path, events), "0.parquet", "time", "count: ")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers(osler: Callable[..., Any], tmp_path: Path, value: float) -> None:
    events = _events().with_columns(
        pl.when(pl.int_range(pl.len()) == 5)
        .then(pl.lit(value, pl.Float32))
        .otherwise("numeric_value")
        .alias("numeric_value")
    )
    _refused(_run_dataset(osler, tmp_path, events), "0.parquet", "numeric_value", "count: 1")


def test_null_codes(osler: Callable[..., Any], tmp_path: Path) -> None:
    events = _events().with_columns(pl.when(pl.int_range(pl.len()) > 5).then("code"))
    _refused(_run_dataset(osler, tmp_path, events), "0.parquet", "code", "count: 6")


def test_unknown_codes_leave_the_cohort_empty(osler: Callable[..., Any], tmp_path: Path) -> None:
    events = _events().with_columns(pl.col("code").str.replace("HOSPITAL_", "MYSTERY_"))
    _refused(_run_dataset(osler, tmp_path, events), "HOSPITAL_ADMISSION")


def test_one_class_only(osler: Callable[..., Any], tmp_path: Path) -> None:
    _refused(_run_dataset(osler, tmp_path, _events(deaths=40)), "death", "one class")


def test_no_event_of_the_outcome(osler: Callable[..., Any], tmp_path: Path) -> None:
    _refused(_run_dataset(osler, tmp_path, _events(deaths=0)), "no event has the code MEDS_DEATH")


def test_a_broken_shard(osler: Callable[..., Any], tmp_path: Path) -> None:
    data = tmp_path / "meds" / "data"
    data.mkdir(parents=True)
    (data / "0.parquet").write_bytes(b"no parquet at all")
    (tmp_path / "study.yaml").write_text(STUDY.format(dataset=tmp_path / "meds"))
    _refused(osler("run", tmp_path / "study.yaml", "-o", tmp_path / "out"), "0.parquet", "Parquet")


def _table(died: list[str], sex: str = "f") -> bytes:
    rows = [f"{index},{20 + index},{sex},{value}" for index, value in enumerate(died)]
    return ("id,age,sex,died\n" + "\n".join(rows) + "\n").encode()


def test_the_good_table_runs(osler: Callable[..., Any], tmp_path: Path) -> None:
    told = _run_table(osler, tmp_path, _table(["yes", "no"] * 20))
    assert told.code == 0, told.err


def test_outcome_column_is_missing(osler: Callable[..., Any], tmp_path: Path) -> None:
    told = _run_table(osler, tmp_path, _table(["1", "0"] * 20), "subject: id\noutcome: [dead]\n")
    _refused(told, "dead", "spec.yaml", "allowed: id, age, sex, died")


def test_table_is_not_utf8(osler: Callable[..., Any], tmp_path: Path) -> None:
    table = _table(["1", "0"] * 20).replace(b",f,", b",\xe9,")
    _refused(_run_table(osler, tmp_path, table), "UTF-8", "patients.csv")


def test_table_is_cut_off(osler: Callable[..., Any], tmp_path: Path) -> None:
    _refused(_run_table(osler, tmp_path, _table(["1", "0"] * 20)[:-4]), "fewer cells", "lines 41", "count: 1")


def test_table_is_empty(osler: Callable[..., Any], tmp_path: Path) -> None:
    _refused(_run_table(osler, tmp_path, b"id,age,sex,died\n"), "patients.csv")


def test_two_rows_of_one_subject(osler: Callable[..., Any], tmp_path: Path) -> None:
    table = _table(["1", "0"] * 20) + b"3,50,f,0\n"
    _refused(_run_table(osler, tmp_path, table), "patients.csv", "id", "count: ")


def test_outcome_of_three_classes(osler: Callable[..., Any], tmp_path: Path) -> None:
    _refused(_run_table(osler, tmp_path, _table(["home", "ward", "dead"] * 15)), "died", "not supported yet")


def test_outcome_that_counts(osler: Callable[..., Any], tmp_path: Path) -> None:
    _refused(_run_table(osler, tmp_path, _table([str(n) for n in range(40)])), "died", "not supported yet")


def test_outcome_of_one_class(osler: Callable[..., Any], tmp_path: Path) -> None:
    _refused(_run_table(osler, tmp_path, _table(["no"] * 40)), "one class")


def test_the_output_folder_is_somebody_elses(osler: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("x")
    _refused(_run_dataset(osler, tmp_path, _events()), "other files", str(tmp_path / "out"))


def test_the_output_cannot_be_written(osler: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    told = osler("simulate", "--subjects", "1", "-o", tmp_path / "file" / "out")
    _refused(told, "the output folder cannot be made", str(tmp_path / "file"))


def test_a_task_that_is_none(osler: Callable[..., Any], tmp_path: Path) -> None:
    study = STUDY.replace("use: mortality", "use: mortalit")
    _refused(
        _run_dataset(osler, tmp_path, _events(), study=study),
        "tasks.death: use: no 'mortalit' (allowed: 'outcome', 'mortality', 'readmission')",
    )


def test_a_baseline_that_is_no_model(osler: Callable[..., Any], tmp_path: Path) -> None:
    study = STUDY.replace("compare_to: counts+lr", "compare_to: count+lr")
    _refused(_run_dataset(osler, tmp_path, _events(), study=study), "\n    predict.compare_to: ")


def test_a_file_where_a_folder_is_needed(osler: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    for words in (("doctor", tmp_path / "a.csv"), ("show", tmp_path / "a.csv", "1")):
        _refused(osler(*words), "a file, where a folder is needed")


def test_labels_of_another_dataset_with_the_same_ids_give_a_warning(
    osler: Callable[..., Any], tmp_path: Path
) -> None:
    for name, value in (("a", 3.0), ("b", 4.0)):
        (tmp_path / name / "data").mkdir(parents=True)
        events = _events().with_columns(pl.lit(value, dtype=pl.Float32).alias("numeric_value"))
        events.write_parquet(tmp_path / name / "data" / "0.parquet")
    labels = tmp_path / "labels"
    assert osler("label", tmp_path / "a", "mortality", "-o", labels).code == 0
    for name, warned in (("a", False), ("b", True)):
        told = osler("text", tmp_path / name, labels, "-o", tmp_path / f"texts-{name}")
        assert told.code == 0
        assert ("these labels were not made from" in told.err) == warned
        seen = osler("doctor", labels, "--dataset", tmp_path / name).out
        assert ("these labels were not made from" in seen) == warned
