"""`osler ingest` and `osler doctor` on a source: what is said, and exit codes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from osler.record.dataset import open_dataset

PERSON = "person_id,gender_concept_id,year_of_birth\n11,8507,1950\n12,8532,1960\n13,8532,1970\n"
MEASUREMENT = (
    "person_id,measurement_concept_id,measurement_date,value_as_number\n"
    "11,3004249,2020-03-01,121\n12,3004249,2020-03-02,119\n12,3004249,2020-03-03,118\n"
)
CONDITION = (
    "person_id,condition_concept_id,condition_start_date,condition_source_value\n11,44833365,2020-03-01,\n"
)


@pytest.fixture
def omop(tmp_path: Path) -> Path:
    folder = tmp_path / "omop"
    folder.mkdir()
    (folder / "PERSON.csv").write_text(PERSON)
    (folder / "MEASUREMENT.csv").write_text(MEASUREMENT)
    (folder / "CONDITION_OCCURRENCE.csv").write_text(CONDITION)
    (folder / "CONCEPT.csv").write_text(
        "concept_id,concept_name,vocabulary_id,concept_code,standard_concept,invalid_reason\n"
        "3004249,Systolic blood pressure,LOINC,8480-6,S,\n44833365,,ICD9CM,401.9,,\n"
    )
    return folder


def test_explain_says_what_is_read_and_writes_nothing(
    osler: Callable[..., Any], omop: Path, tmp_path: Path
) -> None:
    told = osler("ingest", "omop", omop, "--explain")
    assert told.code == 0
    assert "measurement  <- MEASUREMENT.csv" in told.out
    assert "known at the latest of" in told.out
    assert {path.name for path in tmp_path.iterdir()} == {"omop"}
    plain = json.loads(osler("ingest", "omop", omop, "--explain", "--json").out)
    assert plain["subjects"]


def test_the_summary_and_its_json(osler: Callable[..., Any], omop: Path, tmp_path: Path) -> None:
    told = osler("ingest", "omop", omop, "-o", tmp_path / "d")
    assert told.code == 0
    assert "n_subjects" in told.out
    assert "tables that the source lacks, skipped: visit_occurrence" in told.err
    plain = json.loads(osler("ingest", "omop", omop, "-o", tmp_path / "d", "--json").out)
    assert (plain["n_subjects"], plain["n_rows"], plain["format"]) == (3, 7, "omop")
    assert osler("doctor", tmp_path / "d").code == 0


def _subjects(path: Path) -> int:
    return pl.read_parquet(path / "data" / "*.parquet")["subject_id"].n_unique()


def test_limit_and_append(osler: Callable[..., Any], omop: Path, tmp_path: Path) -> None:
    assert osler("ingest", "omop", omop, "-o", tmp_path / "d", "--limit", 1).code == 0
    assert _subjects(tmp_path / "d") == 1
    more = tmp_path / "more"
    more.mkdir()
    (more / "person.csv").write_text(PERSON.replace("11,", "14,"))
    assert osler("ingest", "omop", more, "-o", tmp_path / "d").code == 2
    assert osler("ingest", "omop", more, "-o", tmp_path / "d", "--append").code == 0
    assert _subjects(tmp_path / "d") == 4
    assert osler("doctor", tmp_path / "d").code == 0


def test_titles_come_from_files_of_the_user(osler: Callable[..., Any], omop: Path, tmp_path: Path) -> None:
    (tmp_path / "titles.csv").write_text("icd9,title\n4019,Unspecified essential hypertension\n")
    done = osler("ingest", "omop", omop, "-o", tmp_path / "d", "--vocabulary", tmp_path / "titles.csv")
    assert done.code == 0, done.err
    words = dict(open_dataset(tmp_path / "d").codes.select("code", "description").rows())
    assert words["ICD9CM/401.9"] == "Unspecified essential hypertension"


def _change(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("MEASUREMENT.csv", "2020-03-02", "2020-02-30", "measurement_date (data row 2)"),
        ("MEASUREMENT.csv", "119", "a lot", "in column value_as_number (data row 2)"),
        ("MEASUREMENT.csv", "measurement_date", "date", "measurement_date"),
        ("MEASUREMENT.csv", "119\n", "119,7\n", "MEASUREMENT.csv, line 3"),
        ("MEASUREMENT.csv", "12,3004249", '"12,3004249', "a quotation mark without its partner"),
        ("PERSON.csv", "person_id", "patient", "table 'person' has no column 'person_id'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_source_is_named_and_nothing_is_left(
    osler: Callable[..., Any], omop: Path, tmp_path: Path, name: str, old: str, new: str, says: str
) -> None:
    _change(omop, name, old, new)
    told = osler("ingest", "omop", omop, "-o", tmp_path / "d")
    assert told.code == 2
    assert says in told.err
    assert "remedy" in told.err
    assert not (tmp_path / "d" / "metadata").exists()
    assert osler("doctor", omop).code == 3
    (omop / name).write_text((omop / name).read_text().replace(new, old))
    assert osler("ingest", "omop", omop, "-o", tmp_path / "d").code == 0


def test_rows_that_cannot_be_read_are_dropped_when_asked_to(
    osler: Callable[..., Any], omop: Path, tmp_path: Path
) -> None:
    _change(omop, "MEASUREMENT.csv", "2020-03-02", "2020-02-30")
    assert osler("ingest", "omop", omop, "-o", tmp_path / "d", "--bad-rows", "drop").code == 0
    rows = pl.read_parquet(tmp_path / "d" / "metadata" / "attrition.parquet").to_dicts()
    left = {row["reason"]: row["n_rows"] for row in rows if row["step"] == "left out"}
    assert left == {"a time that cannot be read": 1}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["ingest", "omopp", "omop", "-o", "d"], "unknown format 'omopp'"),
        (["ingest", "omop", "nowhere", "-o", "d"], "no such"),
        (["ingest", "omop", "omop"], "no folder for the dataset"),
        (["ingest", "tables", "omop", "-o", "d"], "needs a spec"),
        (["ingest", "omop", "omop", "-o", "d", "--spec", "none.yaml"], "no such file"),
        (["ingest", "omop", "omop", "-o", "d", "--memory", "plenty"], "--memory"),
        (["ingest", "omop", "omop", "-o", "d", "--memory", "1MB"], "memory"),
        (["ingest", "omop", "omop", "-o", "d", "--limit", "0"], "limit"),
        (["ingest", "omop", "omop", "-o", "d", "--timezone", "Mars/Base"], "Mars/Base"),
        (["ingest", "omop", "omop", "-o", "d", "--bad-rows", "perhaps"], "'refuse' or 'drop'"),
        (["ingest", "omop", "omop", "-o", "d", "--vocabulary", "none.csv"], "none.csv"),
        (["ingest", "omop", "omop", "-o", "d", "--vocabulary-sha256", "icd9cm-32=00"], "fetched"),
        (["ingest", "omop", "omop", "-o", "d", "--append"], "no such folder"),
        (["ingest", "fhir", "omop", "-o", "d"], "no file of resources"),
        (["ingest", "mimic4", "omop", "-o", "d"], "required table"),
        (["ingest", "table", "omop/PERSON.csv", "-o", "d", "--limit", "3"], "limit"),
        (["ingest", "omop", "postgresql://nobody@localhost:1/none", "-o", "d"], "the database refused"),
        (["doctor", "omop", "--format", "table"], "table"),
        (["doctor", "omop", "--format", "unheard"], "unknown format"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_named(
    osler: Callable[..., Any], omop: Path, tmp_path: Path, words: list[str], says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    told = osler(*words)
    assert told.code == 2, told.err
    assert says.lower() in told.err.lower()
    assert not (tmp_path / "d").exists()


def test_the_doctor_knows_a_source_before_it_is_ingested(
    osler: Callable[..., Any], omop: Path, tmp_path: Path
) -> None:
    told = osler("doctor", omop, "--json")
    report = json.loads(told.out)
    assert told.code == 0
    assert report["kind"] == "source"
    assert any("would become events" in finding["what"] for finding in report["findings"])
    assert {path.name for path in tmp_path.iterdir()} == {"omop"}
    _change(omop, "MEASUREMENT.csv", "2020-03-02", "someday")
    told = osler("doctor", omop)
    assert told.code == 3
    assert "data row 2" in " ".join(told.out.split())  # its lines are as wide as the terminal
    assert "someday" not in told.out + told.err
    (omop / "PERSON.csv").unlink()
    assert osler("doctor", omop).code == 2  # nothing tells what the folder is
    told = osler("doctor", omop, "--format", "omop")
    assert told.code == 3
    assert "required table 'person' is missing" in " ".join(told.out.split())
