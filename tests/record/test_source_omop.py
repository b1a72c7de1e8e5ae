"""OMOP of both versions and all spellings becomes the same events; the real tables lose no row."""

import datetime as dt
import gzip
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from mapping_support import attrition_of, check_conservation, events_of, left_out, write_table

from osler.record.dataset import open_dataset
from osler.record.sources import ingest

CONCEPTS = [
    (201820, "Diabetes mellitus", "SNOMED", "73211009"),
    (201826, "Type 2 diabetes mellitus", "SNOMED", "44054006"),
    (44833365, "Diabetes mellitus without complication", "ICD9CM", "250.00"),
    (3004249, "Systolic blood pressure", "LOINC", "8480-6"),
    (8876, "millimeter mercury column", "UCUM", "mm[Hg]"),
    (1127433, "acetaminophen 325 MG Oral Tablet", "RxNorm", "313782"),
    (4216130, "Appendectomy", "SNOMED", "80146002"),
    (8863, "Skilled Nursing Facility", "CMS Place of Service", "31"),
    (45877994, "Yes", "LOINC", "LA33-6"),
    (4275495, "Tobacco smoking behavior - finding", "SNOMED", "365981007"),
    (43054909, "Tobacco smoking status", "LOINC", "72166-2"),
    (706391, "Discharge summary", "Note Type", "OMOP1"),
]
PEOPLE = [
    {"person_id": 11, "gender_concept_id": 8507, "year_of_birth": 1950, "month_of_birth": 3,
     "day_of_birth": 9, "birth_datetime": "1950-03-09 04:05:00", "race_concept_id": 8527,
     "ethnicity_concept_id": 38003564,
     "care_site_id": 5, "gender_source_value": "m"},
    {"person_id": 12, "gender_concept_id": 0, "year_of_birth": 1970, "month_of_birth": "", "day_of_birth": "",
     "birth_datetime": "", "race_concept_id": 0, "ethnicity_concept_id": 0, "care_site_id": "",
     "gender_source_value": "F"},
]  # fmt: skip
VISITS = [
    {"visit_occurrence_id": 101, "person_id": 11, "visit_concept_id": 9201, "care_site_id": 6,
     "visit_start_date": "2020-01-01", "visit_start_datetime": "2020-01-01 08:30:00",
     "visit_end_date": "2020-01-05", "visit_end_datetime": "2020-01-05 17:00:00",
     "to_id": 8863, "to_text": "snf"},
    {"visit_occurrence_id": 102, "person_id": 12, "visit_concept_id": 9203, "care_site_id": "",
     "visit_start_date": "2020-02-01", "visit_start_datetime": "2020-02-01 00:00:00",
     "visit_end_date": "2020-02-01", "visit_end_datetime": "", "to_id": 0, "to_text": ""},
]  # fmt: skip


def source(folder: Path, *, version: str = "5.4", **form: Any) -> Path:
    """One hospital stay with everything in it, and an emergency visit."""
    tables: dict[str, list[dict[str, Any]]] = {
        "care_site": [
            {"care_site_id": 5, "care_site_name": "North"}, {"care_site_id": 6, "care_site_name": "South"},
        ],
        "person": PEOPLE,
        "concept": [
            {"concept_id": key, "concept_name": name, "vocabulary_id": vocabulary, "concept_code": code,
             "standard_concept": None if vocabulary == "ICD9CM" else "S", "invalid_reason": None}
            for key, name, vocabulary, code in CONCEPTS
        ],
        "concept_ancestor": [
            {"ancestor_concept_id": 201820, "descendant_concept_id": 201826, "min_levels_of_separation": 1,
             "max_levels_of_separation": 1},
        ],
        "visit_occurrence": [
            {name if not name.startswith("to_") else discharge(version, name): value
             for name, value in row.items()} for row in VISITS
        ],
        "condition_occurrence": [
            {"person_id": 11, "condition_concept_id": 201826, "condition_start_date": "2020-01-01",
             "condition_source_concept_id": 44833365, "condition_source_value": "250.00",
             "visit_occurrence_id": 101},
            {"person_id": 11, "condition_concept_id": 0, "condition_start_date": "2020-01-02",
             "condition_source_concept_id": 44833365, "condition_source_value": "250.00",
             "visit_occurrence_id": ""},
            {"person_id": 11, "condition_concept_id": 0, "condition_start_date": "2020-01-03",
             "condition_source_concept_id": 0, "condition_source_value": "local 7",
             "visit_occurrence_id": 101},
            {"person_id": 99, "condition_concept_id": 201826, "condition_start_date": "2020-01-01",
             "condition_source_concept_id": 0, "condition_source_value": "", "visit_occurrence_id": ""},
        ],
        "procedure_occurrence": [
            {"person_id": 11, "procedure_concept_id": 4216130, "procedure_date": "2020-01-02",
             "visit_occurrence_id": 101},
        ],
        "drug_exposure": [
            {"person_id": 11, "drug_concept_id": 1127433, "drug_exposure_start_date": "2020-01-02",
             "drug_exposure_start_datetime": "2020-01-02 00:00:00", "sig": "one at night"},
        ],
        "measurement": [
            {"person_id": 11, "measurement_concept_id": 3004249, "measurement_date": "2020-01-01",
             "measurement_datetime": "2020-01-01 09:15:00", "value_as_number": "121.0",
             "operator_concept_id": 0, "unit_concept_id": 8876, "visit_occurrence_id": 101},
            {"person_id": 11, "measurement_concept_id": 3004249, "measurement_date": "2020-01-01",
             "measurement_datetime": "2020-01-01 09:20:00", "value_as_number": "60",
             "operator_concept_id": 4171756, "unit_concept_id": 8876, "visit_occurrence_id": 101},
            {"person_id": 11, "measurement_concept_id": 3004249, "measurement_date": "",
             "measurement_datetime": "", "value_as_number": "60", "operator_concept_id": 0,
             "unit_concept_id": 8876, "visit_occurrence_id": 101},
        ],
        "observation": [
            {"person_id": 12, "observation_concept_id": 4275495, "observation_date": "2020-02-01",
             "value_as_concept_id": 45877994},
            {"person_id": 12, "observation_concept_id": 4275495, "observation_date": "2020-02-02",
             "value_as_concept_id": 0},
            {"person_id": 12, "observation_concept_id": 43054909, "observation_date": "2020-02-02",
             "value_as_concept_id": 0},
        ],
        "death": [{"person_id": 11, "death_date": "2020-06-01", "cause_concept_id": 201826}],
        "note": [
            {"note_id": 9, "person_id": 11, "note_date": "2020-01-05", "note_datetime": "2020-01-05 16:00:00",
             "note_class_concept_id": 706391, "note_text": "Went home.\n  Well.", "visit_occurrence_id": 101},
            {"note_id": 10, "person_id": 11, "note_date": "2020-01-05", "note_datetime": "",
             "note_class_concept_id": 706391, "note_text": "", "visit_occurrence_id": 101},
        ],
        "payer_plan_period": [
            {"person_id": 11, "payer_plan_period_start_date": "2019-01-01", "payer_source_value": "Medicare"},
        ],
        "observation_period": [{"person_id": 11}],
    }  # fmt: skip
    for name, rows in tables.items():
        save(folder, name, rows, **form)
    return folder


def discharge(version: str, name: str) -> str:
    """How a version of the CDM calls where a patient went."""
    stem = "discharged_to" if version == "5.4" else "discharge_to"
    return f"{stem}_{'concept_id' if name == 'to_id' else 'source_value'}"


def save(
    folder: Path,
    name: str,
    rows: list[dict[str, Any]],
    *,
    upper: bool = False,
    form: str = "csv",
    parts: bool = False,
) -> None:
    if upper:
        rows = [{column.upper(): value for column, value in row.items()} for row in rows]
        name = name.upper()
    rows = [{column: None if value == "" else value for column, value in row.items()} for row in rows]
    if parts:
        for number, row in enumerate(rows):
            write_table(folder / name, f"part-{number:03}", [row], columns=list(rows[0]), form=form)
    else:
        write_table(folder, name, rows, form=form)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("omop")
    ingest("omop", source(folder / "files"), None, folder / "out")
    return folder / "out"


def told(out: Path) -> list[tuple[Any, ...]]:
    names = ("subject_id", "time", "code", "numeric_value", "unit", "text_value", "visit_id", "site")
    return [tuple(row.get(name) for name in names) for row in events_of(out)]


def test_every_table_becomes_the_events_it_stands_for(plain: Path) -> None:
    day = dt.datetime(2020, 1, 1)
    late = dt.timedelta(hours=23, minutes=59)
    left = dt.datetime(2020, 1, 5, 17)
    assert told(plain) == [
        (11, None, "ETHNICITY//Not Hispanic or Latino", None, None, None, None, "North"),
        (11, None, "GENDER//M", None, None, None, None, "North"),
        (11, None, "RACE//White", None, None, None, None, "North"),
        (11, dt.datetime(1950, 3, 9, 4, 5), "MEDS_BIRTH", None, None, None, None, "North"),
        (11, dt.datetime(2019, 1, 1) + late, "INSURANCE//Medicare", None, None, None, None, None),
        (11, day.replace(hour=8, minute=30), "HOSPITAL_ADMISSION", None, None, None, 101, "South"),
        (11, day.replace(hour=9, minute=15), "LOINC/8480-6", 121, "mm[Hg]", None, 101, None),
        (11, day.replace(hour=9, minute=20), "LOINC/8480-6", 60, "mm[Hg]", "<60", 101, None),
        (11, dt.datetime(2020, 1, 2) + late, "ICD9CM/250.00", None, None, None, None, None),
        (11, dt.datetime(2020, 1, 2) + late, "RxNorm/313782", None, None, "one at night", None, None),
        (11, left.replace(hour=16), "NOTE//Discharge summary", None, None, "Went home.\n  Well.", 101, None),
        (11, left, "CONDITION//local 7", None, None, None, 101, None),
        (11, left, "HOSPITAL_DISCHARGE//Skilled Nursing Facility", None, None, None, 101, "South"),
        (11, left, "SNOMED/44054006", None, None, None, 101, None),
        (11, left, "SNOMED/80146002", None, None, None, 101, None),
        (11, dt.datetime(2020, 6, 1) + late, "CAUSE_OF_DEATH//SNOMED/44054006", None, None, None, None, None),
        (11, dt.datetime(2020, 6, 1) + late, "MEDS_DEATH", None, None, None, None, None),
        (12, None, "GENDER//F", None, None, None, None, None),
        (12, dt.datetime(1970, 1, 1), "MEDS_BIRTH", None, None, None, None, None),
        (12, dt.datetime(2020, 2, 1) + late, "ED_ADMISSION", None, None, None, 102, None),
        (12, dt.datetime(2020, 2, 1) + late, "ED_DISCHARGE", None, None, None, 102, None),
        (12, dt.datetime(2020, 2, 1) + late, "SNOMED/365981007", None, None, "Yes", None, None),
        (12, dt.datetime(2020, 2, 2) + late, "LOINC/72166-2", None, None, "not recorded", None, None),
        (12, dt.datetime(2020, 2, 2) + late, "SNOMED/365981007", None, None, None, None, None),
    ]  # fmt: skip


def test_what_is_left_out_says_why(plain: Path) -> None:
    check_conservation(plain)
    left = left_out(plain)
    assert left == {
        ("condition_occurrence", "subject is not in the table of subjects"): 1,
        ("measurement", "no time"): 1,
        ("note", "no value"): 1,
    }


@pytest.mark.parametrize(
    "how",
    [
        {"version": "5.3"},
        {"upper": True, "form": "csv.gz"},
        {"form": "parquet", "upper": True},
        {"parts": True},
        {"parts": True, "form": "parquet"},
        {"form": "tsv"},
    ],
    ids=str,
)
def test_versions_and_spellings_make_no_difference(plain: Path, tmp_path: Path, how: dict[str, Any]) -> None:
    ingest("omop", source(tmp_path / "files", **how), None, tmp_path / "out")
    assert told(tmp_path / "out") == told(plain)
    assert open_dataset(tmp_path / "out").codes.equals(open_dataset(plain).codes)


def test_codes_have_the_names_of_their_concepts_and_their_ancestors(plain: Path) -> None:
    codes = {row["code"]: row for row in open_dataset(plain).codes.iter_rows(named=True)}
    assert codes["SNOMED/44054006"]["description"] == "Type 2 diabetes mellitus"
    assert codes["SNOMED/44054006"]["parent_codes"] == ["SNOMED/73211009"]
    assert codes["ICD9CM/250.00"]["description"] == "Diabetes mellitus without complication"
    assert codes["SNOMED/73211009"]["description"] == "Diabetes mellitus"
    assert codes["CONDITION//local 7"]["description"] == "local 7"


def test_a_source_without_its_vocabulary_still_has_sexes_and_races(tmp_path: Path) -> None:
    files = source(tmp_path / "files")
    for name in ("concept", "concept_ancestor"):
        (files / f"{name}.csv").unlink()
    ingest("omop", files, None, tmp_path / "out")
    codes = {code for _, _, code, *_ in told(tmp_path / "out")}
    assert {"GENDER//M", "RACE//White", "CONDITION//250.00", "MEASUREMENT//3004249", "DRUG//1127433"} <= codes


@pytest.mark.real
def test_the_real_tables_lose_no_row(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "synthea27nj_omop"
    ingest("omop", folder, None, tmp_path / "out")
    check_conservation(tmp_path / "out")
    read = {row["table"]: row["n_rows"] for row in attrition_of(tmp_path / "out") if row["step"] == "read"}
    for table, rows in read.items():
        path = folder / f"{table.upper()}.csv.gz"
        assert rows == pl.read_csv(gzip.decompress(path.read_bytes()), infer_schema=False).height, table


@pytest.mark.real
def test_no_diagnosis_is_seen_before_its_visit_ends(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "synthea27nj_omop"
    ingest("omop", folder, None, tmp_path / "out")
    ends = {
        int(row["visit_occurrence_id"]): row["visit_end_date"]
        for row in pl.read_csv(
            gzip.decompress((folder / "VISIT_OCCURRENCE.csv.gz").read_bytes()), infer_schema=False
        ).rename(str.lower).iter_rows(named=True)
    }  # fmt: skip
    book = open_dataset(tmp_path / "out").codes
    coded = set(book.filter(pl.col("section").is_in(["conditions", "procedures"]))["code"])
    seen = [row for row in events_of(tmp_path / "out") if row["code"] in coded and row["visit_id"]]
    assert len(seen) > 1_000
    assert all(str(row["time"].date()) >= ends[row["visit_id"]] for row in seen)


def one(tmp_path: Path, table: str, row: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What a table of one row tells of person 11."""
    files = source(tmp_path / "files")
    (files / f"{table}.csv").unlink(missing_ok=True)
    ingest("omop", files, None, tmp_path / "without")
    save(files, table, [{"person_id": 11, **row}])
    ingest("omop", files, None, tmp_path / "with")
    before = told(tmp_path / "without")
    return [row for row in told(tmp_path / "with") if row not in before]


def test_a_detail_without_its_concept_is_no_intensive_care(tmp_path: Path) -> None:
    detail = {"visit_detail_concept_id": "", "visit_occurrence_id": 101,
              "visit_detail_start_date": "2020-01-02", "visit_detail_end_date": "2020-01-03"}  # fmt: skip
    assert one(tmp_path, "visit_detail", detail) == []


def test_a_visit_of_no_concept_is_told_by_what_the_source_called_it(tmp_path: Path) -> None:
    visit = {"visit_occurrence_id": 103, "visit_concept_id": 0, "visit_source_value": "Day ward",
             "visit_start_date": "2020-03-01", "visit_end_date": "2020-03-01"}  # fmt: skip
    found = [row for row in one(tmp_path, "visit_occurrence", visit) if row[6] == 103]
    assert [row[2] for row in found] == ["VISIT//Day ward"]


@pytest.mark.parametrize(
    ("written", "words"), [("5.5 mmol/L", None), ("<5.5 mmol/L", "<99.09"), ("5.5", None)]
)
def test_what_the_source_wrote_says_only_what_the_number_does_not(
    tmp_path: Path, written: str, words: str | None
) -> None:
    row = {
        "measurement_concept_id": 0, "measurement_source_value": "Glucose", "measurement_date": "2020-01-03",
        "value_as_number": "5.5", "value_source_value": written, "unit_source_value": "mmol/L",
    }  # fmt: skip
    found = [row for row in one(tmp_path, "measurement", row) if row[2] == "MEASUREMENT//Glucose"]
    assert [(round(row[3], 2), row[4], row[5]) for row in found] == [(99.09, "mg/dL", words)]
