"""Synthea's CSV export of several versions becomes the same record; any folder of CSV does with a spec."""

import csv
import datetime as dt
import gzip
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from mapping_support import attrition_of, check_conservation, events_of, summary_of, write_table
from meds import DataSchema

from osler.base.errors import InputError
from osler.checks.doctor import examine
from osler.record.dataset import open_dataset
from osler.record.sources import ingest

SNOMED = "http://snomed.info/sct"
ANN, BOB = "aaaaaaaa-0000-4000-8000-00000000000a", "bbbbbbbb-0000-4000-8000-00000000000b"
STAY, CHECK, ED = "e0000000-0000-4000-8000-000000000001", "e0000000-0000-4000-8000-000000000002", "e-3"
ICU = "e0000000-0000-4000-8000-000000000004"

# Columns of the export as its pages list them; those that came later than version 2 are marked.
LATER = {
    "patients": ("MIDDLE", "FIPS", "INCOME"),
    "conditions": ("SYSTEM",),
    "procedures": ("SYSTEM", "START", "STOP"),
    "observations": ("CATEGORY",),
    "allergies": ("SYSTEM", "TYPE", "CATEGORY", "REACTION1", "DESCRIPTION1", "SEVERITY1", "REACTION2",
                  "DESCRIPTION2", "SEVERITY2"),
}  # fmt: skip
COLUMNS = {
    "patients": "Id BIRTHDATE DEATHDATE SSN DRIVERS PASSPORT PREFIX FIRST MIDDLE LAST SUFFIX MAIDEN MARITAL "
    "RACE ETHNICITY GENDER BIRTHPLACE ADDRESS CITY STATE COUNTY FIPS ZIP LAT LON HEALTHCARE_EXPENSES "
    "HEALTHCARE_COVERAGE INCOME",
    "encounters": "Id START STOP PATIENT ORGANIZATION PROVIDER PAYER ENCOUNTERCLASS CODE DESCRIPTION "
    "BASE_ENCOUNTER_COST TOTAL_CLAIM_COST PAYER_COVERAGE REASONCODE REASONDESCRIPTION",
    "conditions": "START STOP PATIENT ENCOUNTER SYSTEM CODE DESCRIPTION",
    "observations": "DATE PATIENT ENCOUNTER CATEGORY CODE DESCRIPTION VALUE UNITS TYPE",
    "medications": "START STOP PATIENT PAYER ENCOUNTER CODE DESCRIPTION BASE_COST PAYER_COVERAGE DISPENSES "
    "TOTALCOST REASONCODE REASONDESCRIPTION",
    "procedures": "START STOP PATIENT ENCOUNTER SYSTEM CODE DESCRIPTION BASE_COST REASONCODE "
    "REASONDESCRIPTION",
    "immunizations": "DATE PATIENT ENCOUNTER CODE DESCRIPTION BASE_COST",
    "allergies": "START STOP PATIENT ENCOUNTER CODE SYSTEM DESCRIPTION TYPE CATEGORY REACTION1 DESCRIPTION1 "
    "SEVERITY1 REACTION2 DESCRIPTION2 SEVERITY2",
    "careplans": "Id START STOP PATIENT ENCOUNTER CODE DESCRIPTION REASONCODE REASONDESCRIPTION",
    "devices": "START STOP PATIENT ENCOUNTER CODE DESCRIPTION UDI",
    "supplies": "DATE PATIENT ENCOUNTER CODE DESCRIPTION QUANTITY",
    "imaging_studies": "Id DATE PATIENT ENCOUNTER SERIES_UID BODYSITE_CODE BODYSITE_DESCRIPTION "
    "MODALITY_CODE MODALITY_DESCRIPTION INSTANCE_UID SOP_CODE SOP_DESCRIPTION PROCEDURE_CODE",
    "organizations": "Id NAME ADDRESS CITY STATE ZIP LAT LON PHONE REVENUE UTILIZATION",
    "payers": "Id NAME OWNERSHIP ADDRESS CITY STATE_HEADQUARTERED ZIP PHONE AMOUNT_COVERED REVENUE",
    "payer_transitions": "PATIENT MEMBERID START_DATE END_DATE PAYER SECONDARY_PAYER PLAN_OWNERSHIP "
    "OWNER_NAME",
    "providers": "Id ORGANIZATION NAME GENDER SPECIALITY ADDRESS CITY STATE ZIP LAT LON ENCOUNTERS "
    "PROCEDURES",
    "claims": "Id PATIENTID PROVIDERID PRIMARYPATIENTINSURANCEID DIAGNOSIS1 CURRENTILLNESSDATE SERVICEDATE",
    "claims_transactions": "ID CLAIMID CHARGEID PATIENTID TYPE AMOUNT METHOD FROMDATE TODATE",
}
Row = dict[str, Any]
In = {"PATIENT": ANN, "ENCOUNTER": STAY}


def record() -> dict[str, list[Row]]:
    """A stay with everything in it, an intensive care that follows, a check-up, and an emergency visit."""
    return {
        "organizations": [{"Id": "o-1", "NAME": "North Hospital"}],
        "payers": [{"Id": "i-1", "NAME": "Medicare"}, {"Id": "i-2", "NAME": "NO_INSURANCE"}],
        "payer_transitions": [{"PATIENT": ANN, "START_DATE": "2000-01-01T00:00:00Z", "PAYER": "i-1"}],
        "providers": [{"Id": "d-1", "NAME": "Dr A"}],
        "claims": [{"Id": "c-1", "PATIENTID": ANN}],
        "claims_transactions": [{"ID": "t-1", "PATIENTID": ANN, "AMOUNT": 3}],
        "patients": [
            {"Id": ANN, "BIRTHDATE": "1950-03-09", "DEATHDATE": "2020-06-01", "FIRST": "Ann", "LAST": "A",
             "RACE": "black", "ETHNICITY": "nonhispanic", "GENDER": "F", "HEALTHCARE_EXPENSES": 99.5},
            {"Id": BOB, "BIRTHDATE": "1980-01-02", "FIRST": "Bob", "LAST": "B", "RACE": "white",
             "ETHNICITY": "hispanic", "GENDER": "M"},
        ],
        "encounters": [
            {"Id": STAY, "START": "2020-01-01T08:30:00Z", "STOP": "2020-01-05T17:00:00Z", "PATIENT": ANN,
             "ORGANIZATION": "o-1", "PAYER": "i-1", "ENCOUNTERCLASS": "inpatient", "CODE": 1,
             "DESCRIPTION": "Admission (procedure)", "REASONCODE": 233604007,
             "REASONDESCRIPTION": "Pneumonia (disorder)"},
            {"Id": ICU, "START": "2020-01-05T17:00:00Z", "STOP": "2020-01-06T09:00:00Z", "PATIENT": ANN,
             "ORGANIZATION": "o-1", "ENCOUNTERCLASS": "inpatient", "CODE": 305351004,
             "DESCRIPTION": "Admission to intensive care unit (procedure)"},
            {"Id": CHECK, "START": "2020-03-01T10:00:00Z", "STOP": "2020-03-01T10:15:00Z", "PATIENT": BOB,
             "PAYER": "i-2", "ENCOUNTERCLASS": "wellness", "CODE": 162673000,
             "DESCRIPTION": "General examination of patient (procedure)"},
            {"Id": ED, "START": "2020-04-01T23:00:00Z", "STOP": "2020-04-02T01:00:00Z", "PATIENT": BOB,
             "PAYER": "i-9", "ENCOUNTERCLASS": "emergency", "CODE": 50849002, "DESCRIPTION": "Emergency"},
        ],
        "conditions": [
            {**In, "START": "2020-01-01", "SYSTEM": SNOMED, "CODE": 233604007,
             "DESCRIPTION": "Pneumonia (disorder)"},
            {"START": "2020-03-02", "PATIENT": BOB, "ENCOUNTER": CHECK, "SYSTEM": "SNOMED-CT",
             "CODE": 59621000, "DESCRIPTION": "Essential hypertension (disorder)"},
            {"START": "2020-01-01", "PATIENT": "nobody", "CODE": 1, "DESCRIPTION": "x"},
        ],
        "observations": [
            {**In, "DATE": "2020-01-01T09:00:00Z", "CATEGORY": "vital-signs", "CODE": "8480-6",
             "DESCRIPTION": "Systolic Blood Pressure", "VALUE": "121.0", "UNITS": "mm[Hg]",
             "TYPE": "numeric"},
            {**In, "DATE": "2020-01-01T09:05:00Z", "CATEGORY": "laboratory", "CODE": "5778-6",
             "DESCRIPTION": "Color of Urine", "VALUE": "Cloudy urine (finding)", "UNITS": "{nominal}",
             "TYPE": "text"},
            {**In, "DATE": "2020-01-01T09:06:00Z", "CATEGORY": "survey", "CODE": "44261-6",
             "DESCRIPTION": "Score", "VALUE": "3", "UNITS": "null", "TYPE": "numeric"},
            {**In, "DATE": "2020-01-01T09:07:00Z", "CATEGORY": "social-history", "CODE": "1-8",
             "DESCRIPTION": "House number", "VALUE": "3", "UNITS": "null", "TYPE": "text"},
            {**In, "DATE": "2020-01-01T09:08:00Z", "CATEGORY": "laboratory", "CODE": "718-7",
             "DESCRIPTION": "Hemoglobin", "VALUE": None, "UNITS": "g/dL", "TYPE": "numeric"},
            {"DATE": "2020-03-09T00:00:00Z", "PATIENT": ANN, "CODE": "QALY", "DESCRIPTION": "QALY",
             "VALUE": "69.2", "UNITS": "a", "TYPE": "numeric"},
        ],
        "medications": [
            {**In, "START": "2020-01-01T10:00:00Z", "STOP": "2020-01-09T00:00:00Z", "PAYER": "i-1",
             "CODE": 313782, "DESCRIPTION": "Acetaminophen 325 MG Oral Tablet", "DISPENSES": 12,
             "REASONCODE": 233604007, "REASONDESCRIPTION": "Pneumonia (disorder)"},
        ],
        "procedures": [
            {**In, "START": "2020-01-02T11:00:00Z", "STOP": "2020-01-02T11:40:00Z", "SYSTEM": SNOMED,
             "CODE": 399208008, "DESCRIPTION": "Plain X-ray of chest (procedure)"},
        ],
        "immunizations": [
            {"DATE": "2020-03-01T10:05:00Z", "PATIENT": BOB, "ENCOUNTER": CHECK, "CODE": 140,
             "DESCRIPTION": "Influenza"},
        ],
        "allergies": [
            {"START": "2020-03-01", "PATIENT": BOB, "ENCOUNTER": CHECK, "CODE": 762952008,
             "SYSTEM": "SNOMED-CT", "DESCRIPTION": "Peanut (substance)", "TYPE": "allergy",
             "REACTION1": 1, "DESCRIPTION1": "Wheal", "SEVERITY1": "MILD", "REACTION2": 2,
             "DESCRIPTION2": "Cough", "SEVERITY2": None},
        ],
        "careplans": [
            {"Id": "k-1", "START": "2020-01-03", **In, "CODE": 53950000,
             "DESCRIPTION": "Respiratory therapy (procedure)",
             "REASONDESCRIPTION": "Pneumonia (disorder)"},
        ],
        "devices": [{**In, "START": "2020-01-03T12:00:00Z", "CODE": 449071006,
                     "DESCRIPTION": "Mechanical ventilator (physical object)", "UDI": "u"}],
        "supplies": [{**In, "DATE": "2020-01-03", "CODE": 409534002,
                      "DESCRIPTION": "Disposable cap (physical object)", "QUANTITY": 2}],
        "imaging_studies": [
            {"Id": "s-1", "DATE": "2020-01-02T11:00:00Z", **In, "SERIES_UID": "1.2",
             "BODYSITE_CODE": 51185008, "BODYSITE_DESCRIPTION": "Thoracic structure (body structure)",
             "MODALITY_CODE": "DX", "MODALITY_DESCRIPTION": "Digital Radiography", "PROCEDURE_CODE": 1},
        ],
    }  # fmt: skip


def export(folder: Path, tables: Mapping[str, Sequence[Row]], *, version: int = 3, form: str = "csv") -> Path:
    for name, given in tables.items():
        rows = given
        columns = [c for c in COLUMNS[name].split() if version == 3 or c not in LATER.get(name, ())]
        if version == 2 and name == "procedures":
            columns = ["DATE", *columns]
            rows = [{**row, "DATE": row["START"]} for row in given]
        write_table(folder, name, rows, columns=columns, form=form)
    return folder


def told(out: Path) -> list[tuple[Any, ...]]:
    """The events by the id of their subject in the source, in the order of time."""
    ids = dict(open_dataset(out).subjects.select("subject_id", "source_id").rows())
    names = ("time", "code", "numeric_value", "unit", "text_value", "site")
    rows = [(ids[row["subject_id"]], *(row.get(name) for name in names)) for row in events_of(out)]
    return sorted(rows, key=lambda row: (row[0], row[1] or dt.datetime.min, row[2], str(row[3:])))


def at(month: int, day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2020, month, day, hour, minute)


NORTH = "North Hospital"
TOLD = [
    (ANN, None, "ETHNICITY//Not Hispanic or Latino", None, None, None, None),
    (ANN, None, "GENDER//F", None, None, None, None),
    (ANN, None, "RACE//Black or African American", None, None, None, None),
    (ANN, dt.datetime(1950, 3, 9), "MEDS_BIRTH", None, None, None, None),
    (ANN, at(1, 1, 8, 30), "HOSPITAL_ADMISSION", None, None, None, NORTH),
    (ANN, at(1, 1, 8, 30), "INSURANCE//Medicare", None, None, None, NORTH),
    (ANN, at(1, 1, 8, 30), "VISIT_REASON//233604007", None, None, None, NORTH),
    (ANN, at(1, 1, 9), "LOINC/8480-6", 121, "mm[Hg]", None, None),
    (ANN, at(1, 1, 9, 5), "LOINC/5778-6", None, None, "Cloudy urine", None),
    (ANN, at(1, 1, 9, 6), "LOINC/44261-6", 3, None, None, None),
    (ANN, at(1, 1, 9, 7), "LOINC/1-8", None, None, "3", None),
    (ANN, at(1, 1, 10), "RxNorm/313782", None, None, "for Pneumonia", None),
    (ANN, at(1, 2, 11), "IMAGING//DX//51185008", None, None, None, None),
    (ANN, at(1, 2, 11, 40), "SNOMED/399208008", None, None, None, None),
    (ANN, at(1, 3, 12), "DEVICE//449071006", None, None, None, None),
    (ANN, at(1, 3, 23, 59), "CAREPLAN//53950000", None, None, "for Pneumonia", None),
    (ANN, at(1, 3, 23, 59), "SUPPLY//409534002", 2, None, None, None),
    (ANN, at(1, 5, 17), "HOSPITAL_ADMISSION", None, None, None, NORTH),
    (ANN, at(1, 5, 17), "HOSPITAL_DISCHARGE", None, None, None, NORTH),
    (ANN, at(1, 5, 17), "ICU_ADMISSION", None, None, None, NORTH),
    (ANN, at(1, 5, 17), "SNOMED/233604007", None, None, None, None),
    (ANN, at(1, 6, 9), "HOSPITAL_DISCHARGE", None, None, None, NORTH),
    (ANN, at(1, 6, 9), "ICU_DISCHARGE", None, None, None, NORTH),
    (ANN, at(6, 1, 23, 59), "MEDS_DEATH", None, None, None, None),
    (BOB, None, "ETHNICITY//Hispanic or Latino", None, None, None, None),
    (BOB, None, "GENDER//M", None, None, None, None),
    (BOB, None, "RACE//White", None, None, None, None),
    (BOB, dt.datetime(1980, 1, 2), "MEDS_BIRTH", None, None, None, None),
    (BOB, at(3, 1, 10), "INSURANCE//No insurance", None, None, None, None),
    (BOB, at(3, 1, 10), "VISIT//General examination of patient", None, None, None, None),
    (BOB, at(3, 1, 10, 5), "CVX/140", None, None, None, None),
    (BOB, at(3, 1, 23, 59), "ALLERGY//762952008", None, None, "Wheal (mild), Cough", None),
    (BOB, at(3, 2, 23, 59), "SNOMED/59621000", None, None, None, None),
    (BOB, at(4, 1, 23), "ED_ADMISSION", None, None, None, None),
    (BOB, at(4, 2, 1), "ED_DISCHARGE", None, None, None, None),
]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthea")
    ingest("synthea-csv", export(folder / "csv", record()), None, folder / "out")
    return folder / "out"


def test_every_table_becomes_the_events_it_stands_for(plain: Path) -> None:
    assert told(plain) == TOLD


def test_what_is_left_out_says_why(plain: Path) -> None:
    check_conservation(plain)
    rows = [row for row in attrition_of(plain) if row["step"] == "left out"]
    assert {(row["table"], row["reason"]): row["n_rows"] for row in rows} == {
        ("conditions", "subject is not in the table of subjects"): 1,
        ("observations", "no value"): 1,
        ("observations", "quality of life as the simulation reckons it"): 1,
    }
    assert set(summary_of(plain)["not_read"]) == {
        "claims", "claims_transactions", "organizations", "payers", "payer_transitions", "providers",
    }  # fmt: skip


def test_codes_read_well(plain: Path) -> None:
    words = dict(open_dataset(plain).codes.select("code", "description").rows())
    assert words["SNOMED/233604007"] == "Pneumonia"
    assert words["VISIT_REASON//233604007"] == "Reason for the visit: Pneumonia"
    assert words["ALLERGY//762952008"] == "Allergy or intolerance to Peanut"
    assert words["IMAGING//DX//51185008"] == "Digital Radiography: Thoracic structure"
    assert words["DEVICE//449071006"] == "Device: Mechanical ventilator"
    assert words["CAREPLAN//53950000"] == "Care plan: Respiratory therapy"
    assert words["CVX/140"] == "Immunization: Influenza"
    sections = dict(open_dataset(plain).codes.select("code", "section").rows())
    assert (sections["LOINC/8480-6"], sections["LOINC/5778-6"], sections["LOINC/1-8"]) == (
        "vitals", "labs", "other",
    )  # fmt: skip


def test_events_know_their_encounter(plain: Path) -> None:
    visits: dict[str, set[Any]] = {}
    for row in events_of(plain):
        visits.setdefault(row["code"], set()).add(row["visit_id"])
    stay = visits["VISIT_REASON//233604007"]
    assert len(stay) == 1
    assert None not in stay
    for code in (
        "SNOMED/233604007",
        "LOINC/8480-6",
        "RxNorm/313782",
        "SNOMED/399208008",
        "SUPPLY//409534002",
    ):
        assert visits[code] == stay
    assert visits["MEDS_DEATH"] == {None}
    assert visits["HOSPITAL_ADMISSION"] > stay


def test_nothing_of_a_person_is_told_that_names_them(plain: Path) -> None:
    said = {str(row["text_value"]) for row in events_of(plain)} | set(
        open_dataset(plain).codes["description"]
    )
    assert not any("Ann" in one.split() or "Bob" in one.split() for one in said)


@pytest.mark.parametrize("form", ["csv.gz", "parquet"])
def test_kinds_of_files_make_no_difference(plain: Path, tmp_path: Path, form: str) -> None:
    ingest("synthea-csv", export(tmp_path / "csv", record(), form=form), None, tmp_path / "out")
    assert told(tmp_path / "out") == TOLD


def test_an_export_of_an_older_version_has_the_same_record(tmp_path: Path) -> None:
    ingest("synthea-csv", export(tmp_path / "csv", record(), version=2), None, tmp_path / "out")

    def older(row: tuple[Any, ...]) -> tuple[Any, ...]:
        if row[2] == "SNOMED/399208008":  # when a procedure ended was not told
            return (row[0], at(1, 2, 11), *row[2:])
        return (*row[:5], None, row[6]) if row[2].startswith("ALLERGY") else row  # nor reactions

    assert Counter(told(tmp_path / "out")) == Counter(map(older, TOLD))


def test_absent_tables_are_told_and_the_patients_are_needed(tmp_path: Path) -> None:
    few = {name: rows for name, rows in record().items() if name in ("patients", "encounters", "conditions")}
    export(tmp_path / "csv", few)
    summary = ingest("synthea-csv", tmp_path / "csv", None, tmp_path / "out")
    assert set(summary["not_found"]) == {
        "observations", "medications", "procedures", "immunizations", "allergies", "careplans", "devices",
        "supplies", "imaging_studies",
    }  # fmt: skip
    sites = {row[6] for row in told(tmp_path / "out")}
    assert sites == {None, "o-1"}
    (tmp_path / "csv" / "patients.csv").unlink()
    with pytest.raises(InputError, match="the required table 'patients' is missing"):
        ingest("synthea-csv", tmp_path / "csv", None, tmp_path / "again")


@pytest.mark.parametrize(
    ("table", "row", "says"),
    [
        ("encounters", {"Id": "e-9", "START": "01/02/2020"}, ["START", "row 2"]),
        ("encounters", {}, ['several rows for one "Id"']),
        ("observations", {"VALUE": "high", "TYPE": "numeric"}, ["amount", "row 2"]),
        ("medications", {"Start date": "2020-01-01"}, ["has no column 'START'", "Start date"]),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, table: str, row: Row, says: list[str]) -> None:
    tables = record()
    export(tmp_path / "csv", tables)
    rows = [tables[table][0], {**tables[table][0], **row}]
    columns = COLUMNS[table].split()
    if "Start date" in row:
        columns[columns.index("START")] = "Start date"
    write_table(tmp_path / "csv", table, rows, columns=columns)
    with pytest.raises(InputError) as caught:
        ingest("synthea-csv", tmp_path / "csv", None, tmp_path / "out")
    assert all(one in str(caught.value) for one in (*says, table))


# Any folder of CSV with a spec of one's own: the tables that someone made of Synthea's FHIR export.

OWN = """
about: tables made of Synthea's FHIR export
subjects: {table: patients, id: patient_id}
tables:
  patients:
    required: true
    subject: patient_id
    recode: {gender: {male: M, female: F}}
    time: static
    availability: at once
    events:
      - {code: MEDS_BIRTH, description: Birth, time: birthDate, section: demographics}
      - {code: "GENDER//{gender}", description: "Sex: {gender}", section: demographics}
      - {code: MEDS_DEATH, description: Death, time: deceased, section: visits, role: outcome}
  encounters:
    subject: patient_id
    visit: encounter_id
    site: organization
    time: start
    availability: at once
    events:
      - {code: HOSPITAL_ADMISSION, description: Admitted, where: cls = 'IMP', section: visits}
      - {code: HOSPITAL_DISCHARGE, description: Discharged, where: cls = 'IMP', time: end, section: visits}
      - {code: "VISIT//{description}", description: "{description}", where: cls <> 'IMP', section: visits}
  conditions:
    subject: patient_id
    visit: encounter_id
    join: {visit: {table: encounters, by: encounter_id}}
    time: onset
    availability: visit.end
    events:
      - {code: {vocabulary: "{system}", code: "{code}"}, description: "{description}", section: conditions}
  observations:
    subject: patient_id
    visit: encounter_id
    time: time
    availability: at once
    events:
      - code: {vocabulary: LOINC, code: "{code}"}
        description: "{description}"
        number: value
        text: value_text
        unit: "{unit}"
        section: labs
  medications:
    subject: patient_id
    visit: encounter_id
    time: authoredOn
    availability: at once
    events: [{code: {vocabulary: RxNorm, code: "{code}"}, description: "{description}", section: medications}]
  procedures:
    subject: patient_id
    visit: encounter_id
    time: start
    availability: end
    events: [{code: {vocabulary: SNOMED, code: "{code}"}, description: "{description}", section: procedures}]
  immunizations:
    subject: patient_id
    visit: encounter_id
    time: date
    availability: at once
    events: [{code: {vocabulary: CVX, code: "{code}"}, description: "{description}", section: medications}]
  allergies:
    subject: patient_id
    time: date
    availability: at once
    events: [{code: "ALLERGY//{code}", description: "{description}", section: conditions}]
"""


@pytest.fixture(scope="module")
def real(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    (folder / "own.yaml").write_text(OWN)
    ingest("tables", real_data / "synthea_fhir_r4" / "tables", folder / "own.yaml", folder / "out")
    return folder / "out"


def rows_of(real_data: Path, table: str) -> list[dict[str, str]]:
    with gzip.open(real_data / "synthea_fhir_r4" / "tables" / f"{table}.csv.gz", "rt", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.real
def test_a_folder_of_tables_loses_no_row_with_a_spec_of_ones_own(real_data: Path, real: Path) -> None:
    check_conservation(real)
    read = {row["table"]: row["n_rows"] for row in attrition_of(real) if row["step"] == "read"}
    assert read == {table: len(rows_of(real_data, table)) for table in read}
    assert len(read) == 8
    left = {(row["table"], row["reason"]) for row in attrition_of(real) if row["step"] == "left out"}
    assert left == set()
    codes = Counter(row["code"] for row in events_of(real))
    drugs = Counter(f"RxNorm/{row['code']}" for row in rows_of(real_data, "medications"))
    vaccines = Counter(f"CVX/{row['code']}" for row in rows_of(real_data, "immunizations"))
    assert {code: codes[code] for code in drugs + vaccines} == drugs + vaccines


@pytest.mark.real
def test_no_condition_is_seen_before_its_encounter_ends(real_data: Path, real: Path) -> None:
    ids = dict(open_dataset(real).subjects.select("source_id", "subject_id").rows())
    ends = {row["encounter_id"]: row["end"] for row in rows_of(real_data, "encounters")}
    wanted = Counter()
    for row in rows_of(real_data, "conditions"):
        known = max(moment(row["onset"]), moment(ends[row["encounter_id"]]))
        wanted[ids[row["patient_id"]], known, f"SNOMED/{row['code']}"] += 1
    conditions = {code for _, _, code in wanted}
    procedures = {f"SNOMED/{row['code']}" for row in rows_of(real_data, "procedures")}
    assert len(wanted) > 1_000
    found = Counter(
        (row["subject_id"], row["time"], row["code"])
        for row in events_of(real)
        if row["code"] in conditions - procedures
    )
    assert found == Counter({key: n for key, n in wanted.items() if key[2] not in procedures})


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC).replace(tzinfo=None)


@pytest.mark.real
def test_the_dataset_of_a_spec_of_ones_own_is_sound(real: Path) -> None:
    assert examine(real)["n_broken"] == 0
    dataset = open_dataset(real)
    for shard in dataset.shards:
        DataSchema.validate(pq.read_table(shard.path))
    assert dataset.codes.filter(pl.col("description").is_null()).is_empty()
