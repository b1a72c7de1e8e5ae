"""MIMIC-III becomes events; what each row of a small one stands for is written out by hand."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from mapping_support import (
    attrition_of,
    cells,
    check_conservation,
    codes_of,
    events_of,
    left_out,
    told_cells,
    write_table,
)
from meds import DataSchema
from mimic3_tables import TABLES, rows_of, write_mimic3
from mimic4_tables import mimic4

from osler.base.errors import InputError
from osler.checks.doctor import examine
from osler.record.dataset import open_dataset
from osler.record.sources import ingest
from osler.record.sources.recognise import recognise

# subject | time | code | number | unit | words (/ for a new line) | visit
EVENTS = """
    1 |  | GENDER//M |  |  |  |
    1 | 2100-05-04 00:00 | MEDS_BIRTH |  |  |  |
    1 | 2170-03-01 05:10 | ED_ADMISSION |  |  |  | 101
    1 | 2170-03-01 06:00 | LAB//50971 | 4.1 | mmol/L |  | 101
    1 | 2170-03-01 06:00 | LAB//51003 | 10 | ng/L | <10 | 101
    1 | 2170-03-01 07:00 | LAB//51508 |  |  | yellow | 101
    1 | 2170-03-01 07:20 | LAB//50820 | 7.31 |  | abnormal | 101
    1 | 2170-03-01 08:00 | ADMISSION_DIAGNOSIS |  |  | upper GI bleed, s/p CABG | 101
    1 | 2170-03-01 08:00 | HOSPITAL_ADMISSION//Emergency department |  |  | as an emergency | 101
    1 | 2170-03-01 08:00 | INSURANCE//Medicare |  |  |  | 101
    1 | 2170-03-01 08:00 | LANGUAGE//English |  |  |  | 101
    1 | 2170-03-01 08:00 | MARITAL_STATUS//married |  |  |  | 101
    1 | 2170-03-01 08:00 | RACE//White |  |  | Russian | 101
    1 | 2170-03-01 08:00 | RELIGION//Jehovah's Witness |  |  |  | 101
    1 | 2170-03-01 08:05 | SERVICE//CMED |  |  |  | 101
    1 | 2170-03-01 08:30 | ED_DISCHARGE |  |  |  | 101
    1 | 2170-03-01 09:00 | ICU_ADMISSION//Medical Intensive Care Unit (MICU) |  |  |  | 101
    1 | 2170-03-01 10:07 | INFUSION//221906 | 0.05 | ug/kg/min |  | 101
    1 | 2170-03-01 10:12 | BODY//weight | 80.5 | kg |  | 101
    1 | 2170-03-01 10:12 | CHART//220739 | 4 |  | Spontaneously | 101
    1 | 2170-03-01 10:12 | CHART//224650 |  |  | None | 101
    1 | 2170-03-01 10:12 | CHART//225664 | 144 |  |  | 101
    1 | 2170-03-01 10:12 | CHART//228100 |  |  | yes | 101
    1 | 2170-03-01 10:12 | VITAL//heart_rate | 104 | /min |  | 101
    1 | 2170-03-01 10:12 | VITAL//temperature | 37 | Cel |  | 101
    1 | 2170-03-01 10:30 | SPECIMEN//URINE |  |  |  | 101
    1 | 2170-03-01 11:00 | OUTPUT//226559 | 60 | mL |  | 101
    1 | 2170-03-01 11:20 | PROCEDURE//225459 |  |  |  | 101
    1 | 2170-03-01 12:00 | INPUT//221906 | 1.2 | mg |  | 101
    1 | 2170-03-01 12:01 | INFUSION//221906 | 0.1 | ug/kg/min |  | 101
    1 | 2170-03-01 12:10 | PROCEDURE//224275//started |  |  | Right Femoral | 101
    1 | 2170-03-01 12:15 | SINCE//224187 | 2 | d |  | 101
    1 | 2170-03-01 13:05 | INPUT//225166 | 20 | meq |  | 101
    1 | 2170-03-01 13:40 | NOTE//nursing note |  |  | Resting. | 101
    1 | 2170-03-01 15:00 | INFUSION//221906 |  |  | stopped | 101
    1 | 2170-03-01 15:00 | INPUT//221906 | 3 | mg |  | 101
    1 | 2170-03-01 23:59 | SPECIMEN//SPUTUM |  |  |  | 101
    1 | 2170-03-02 08:00 | CALLOUT//MED |  |  | telemetry, precautions for MRSA | 101
    1 | 2170-03-02 10:30 | PROCEDURE//225792 | 24 | h |  | 101
    1 | 2170-03-02 13:00 | CALLOUT_CANCELLED |  |  |  | 101
    1 | 2170-03-02 23:59 | DRUG_ORDER//0.9% Sodium Chloride |  |  | 1000 mL, intravenous | 101
    1 | 2170-03-02 23:59 | DRUG_ORDER//Heparin |  |  | 5,000 units, subcutaneous | 101
    1 | 2170-03-02 23:59 | DRUG_ORDER//Morphine Sulfate |  |  | 2-4 mg, intravenous | 101
    1 | 2170-03-02 23:59 | DRUG_ORDER//Vancomycin |  |  | 1000 mg, intravenous | 101
    1 | 2170-03-02 23:59 | NOTE//echocardiography report |  |  | Normal left ventricle. | 101
    1 | 2170-03-03 10:00 | TRANSFER//Coronary Care Unit (CCU) |  |  |  | 101
    1 | 2170-03-04 10:30 | MICROBIOLOGY//ESCHERICHIA COLI//AMPICILLIN |  |  | resistant, MIC >=32 | 101
    1 | 2170-03-04 10:30 | MICROBIOLOGY//ESCHERICHIA COLI//GENTAMICIN |  |  | susceptible, MIC <=1 | 101
    1 | 2170-03-04 10:30 | MICROBIOLOGY//URINE |  |  | Escherichia coli | 101
    1 | 2170-03-04 12:00 | PROCEDURE//224275 | 72 | h | Right Femoral | 101
    1 | 2170-03-04 23:59 | MICROBIOLOGY//SPUTUM |  |  | no growth | 101
    1 | 2170-03-05 14:20 | CPT4/99291 |  |  |  | 101
    1 | 2170-03-05 14:20 | DRG//APR//1692 |  |  | severity 2 of 4, risk of mortality 3 of 4 | 101
    1 | 2170-03-05 14:20 | DRG//MS//237 |  |  |  | 101
    1 | 2170-03-05 14:20 | HOSPITAL_DISCHARGE//Died |  |  |  | 101
    1 | 2170-03-05 14:20 | ICD9CM/414.01 |  |  | primary diagnosis | 101
    1 | 2170-03-05 14:20 | ICD9CM/V45.81 |  |  |  | 101
    1 | 2170-03-05 14:20 | ICD9PROC/38.93 |  |  |  | 101
    1 | 2170-03-05 14:20 | MEDS_DEATH |  |  |  | 101
    1 | 2170-03-05 14:20 | NOTE//discharge summary |  |  | Admission Date: [**2170-3-1**] | 101
    1 | 2170-03-05 15:00 | ICU_DISCHARGE//Coronary Care Unit (CCU) |  |  |  | 101
    2 |  | GENDER//F |  |  |  |
    2 | 2089-02-10 00:00 | MEDS_BIRTH |  |  |  |
    2 | 2179-11-30 09:00 | NOTE//radiology report |  |  | No pneumonia. |
    2 | 2179-12-01 10:00 | LAB//51022 | 55 | mg/dL |  |
    2 | 2179-12-01 10:00 | LAB//51478 |  | mg/dL | negative |
    2 | 2180-02-10 09:00 | ETHNICITY//Hispanic or Latino |  |  | Puerto Rican | 201
    2 | 2180-02-10 09:00 | HOSPITAL_ADMISSION//Physician referral |  |  | as planned | 201
    2 | 2180-02-10 09:00 | INSURANCE//Private |  |  |  | 201
    2 | 2180-02-10 09:00 | LANGUAGE//Other |  |  |  | 201
    2 | 2180-02-10 09:05 | TRANSFER//Ward |  |  |  | 201
    2 | 2180-02-12 12:00 | HOSPITAL_DISCHARGE//Home with home care |  |  |  | 201
    2 | 2180-02-12 23:59 | NOTE//discharge summary addendum |  |  | An addendum. | 201
    2 | 2181-01-05 10:00 | ADMISSION_DIAGNOSIS |  |  | chest pain | 202
    2 | 2181-01-05 10:00 | HOSPITAL_ADMISSION |  |  | urgently | 202
    2 | 2181-01-05 10:00 | INSURANCE//Medicare |  |  |  | 202
    2 | 2181-01-05 10:00 | MARITAL_STATUS//widowed |  |  |  | 202
    2 | 2181-01-05 10:00 | RACE//Unknown |  |  |  | 202
    2 | 2181-01-06 11:00 | HOSPITAL_DISCHARGE//Against medical advice |  |  |  | 202
    2 | 2181-01-06 11:00 | ICD9CM/038.9 |  |  | primary diagnosis | 202
    2 | 2181-01-07 23:59 | CPT4/94002 |  |  |  | 202
    2 | 2181-07-01 23:59 | MEDS_DEATH |  |  |  |
    3 |  | GENDER//M |  |  |  |
    3 | 2150-01-02 00:00 | MEDS_BIRTH |  |  |  |
    3 | 2150-01-02 03:00 | ADMISSION_DIAGNOSIS |  |  | newborn | 301
    3 | 2150-01-02 03:00 | HOSPITAL_ADMISSION//Premature birth |  |  | newborn | 301
    3 | 2150-01-02 03:00 | INSURANCE//Medicaid |  |  |  | 301
    3 | 2150-01-02 03:00 | LANGUAGE//Spanish |  |  |  | 301
    3 | 2150-01-02 03:00 | RACE//Black or African American |  |  | Cape Verdean | 301
    3 | 2150-01-02 03:00 | RELIGION//Catholic |  |  |  | 301
    3 | 2150-01-02 03:10 | ICU_ADMISSION//Neonatal Intensive Care Unit (NICU) |  |  |  | 301
    3 | 2150-01-02 04:10 | BODY//weight | 2.5 | kg |  | 301
    3 | 2150-01-02 04:10 | CHART//212 |  |  | Normal Sinus | 301
    3 | 2150-01-02 04:10 | VITAL//heart_rate | 150 | /min |  | 301
    3 | 2150-01-02 04:10 | VITAL//temperature | 37 | Cel |  | 301
    3 | 2150-01-02 05:20 | INFUSION//30047 | 0.1 | ug/kg/min |  | 301
    3 | 2150-01-02 06:05 | INFUSION//30047 |  | ug/kg/min | stopped | 301
    3 | 2150-01-02 06:05 | INPUT//30015 | 12.5 | mL |  | 301
    3 | 2150-01-04 10:00 | HOSPITAL_DISCHARGE//Home |  |  |  | 301
"""

LEFT_OUT = {
    ("admissions", "subject is not in the table of subjects"): 1,
    ("transfers", "a discharge, told by admissions"): 1,
    ("transfers", "the beginning of a stay in intensive care, told by icustays"): 1,
    ("labevents", "no value"): 1,
    ("labevents", "subject is not in the table of subjects"): 1,
    ("microbiologyevents", "test was cancelled"): 1,
    ("prescriptions", "the solution that another drug is given in, or its container"): 1,
    ("inputevents_cv", "no value"): 1,
    ("inputevents_mv", "cancelled"): 1,
    ("inputevents_mv", "rewritten by a later row"): 1,
    ("outputevents", "marked as an error"): 1,
    ("procedureevents_mv", "cancelled"): 1,
    ("procedureevents_mv", "rewritten by a later row"): 1,
    ("datetimeevents", "marked as an error"): 1,
    ("datetimeevents", "no value"): 1,
    ("chartevents", "a laboratory result, told by labevents"): 2,
    ("chartevents", "a limit of an alarm, not a measurement"): 1,
    ("chartevents", "marked as an error"): 1,
    ("chartevents", "no value"): 1,
    ("diagnoses_icd", "no code"): 1,
    ("noteevents", "marked as an error"): 1,
}
# An organism stands in a row per antibiotic, an order may stand twice; `dod` repeats a death.
TOLD_ONCE = {"microbiologyevents": 2, "patients": 1, "prescriptions": 1}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mimic3")
    ingest("mimic3", write_mimic3(folder / "files"), None, folder / "out")
    return folder / "out"


def test_every_row_becomes_the_events_it_stands_for(out: Path) -> None:
    assert told_cells(out) == cells(EVENTS)


@pytest.mark.parametrize("how", [{"form": "csv.gz", "lower": True}, {"form": "parquet"}], ids=str)
def test_spellings_make_no_difference(out: Path, tmp_path: Path, how: dict[str, Any]) -> None:
    ingest("mimic3", write_mimic3(tmp_path / "files", **how), None, tmp_path / "out")
    assert told_cells(tmp_path / "out") == told_cells(out)
    assert open_dataset(tmp_path / "out").codes.equals(open_dataset(out).codes)


def test_what_is_left_out_says_why(out: Path) -> None:
    check_conservation(out)
    found = attrition_of(out)
    assert left_out(out) == LEFT_OUT
    once = {r["table"]: r["n_events"] for r in found if r["step"] == "told once"}
    assert once == TOLD_ONCE
    read = {r["table"]: r["n_rows"] for r in found if r["step"] in ("read", "not read")}
    assert {name: read[name.lower()] for name in TABLES} == {name: len(rows_of(name)) for name in TABLES}


def test_those_above_89_are_91_at_their_first_stay(out: Path) -> None:
    """The births of such subjects were put 300 years before it, those of others are their own."""
    born = {row["subject_id"]: row["time"] for row in events_of(out) if row["code"] == "MEDS_BIRTH"}
    first = dt.datetime(2180, 2, 10, 9)  # of woman 2
    assert born[2] == dt.datetime(2180 - 91, 2, 10)
    assert dt.timedelta(days=91 * 365) < first - born[2] < dt.timedelta(days=91 * 366)
    assert born[1] == dt.datetime(2100, 5, 4)


def test_no_code_of_a_stay_is_seen_before_its_end(out: Path) -> None:
    """A stay that was closed hours before its death ends with it."""
    ends = {"101": "2170-03-05 14:20", "201": "2180-02-12 12:00", "202": "2181-01-06 11:00"}
    ends["301"] = "2150-01-04 10:00"
    families = ("ICD", "DRG//", "CPT4", "NOTE//discharge", "HOSPITAL_DISCHARGE")
    seen = [row for row in told_cells(out) if row[2].startswith(families)]
    assert len(seen) == 14
    assert all(row[1] >= ends[row[6]] for row in seen)
    died = {row[0]: row[1] for row in told_cells(out) if row[2] == "MEDS_DEATH"}
    assert died == {"1": "2170-03-05 14:20", "2": "2181-07-01 23:59"}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("LAB//51478", "Glucose, urine"),
        ("LAB//50820", "pH"),
        ("LAB//51022", "Glucose, Joint Fluid"),
        ("ICD9CM/414.01", "Coronary atherosclerosis of native coronary artery"),
        ("ICD9PROC/38.93", "Venous catheterization, not elsewhere classified"),
        ("DRG//MS//237", "Billing group (DRG): Major cardiovasc procedures with MCC"),
        ("CPT4/99291", "Billed service: critical care services"),
        ("VITAL//heart_rate", "Heart rate"),
        ("OUTPUT//226559", "Urine output: Foley"),
        ("PROCEDURE//224275//started", "20 Gauge (peripheral line), started"),
        ("SINCE//224187", "Time since: PICC Line Insertion"),
        ("CALLOUT//MED", "Ready to leave intensive care, to: medicine"),
        ("HOSPITAL_ADMISSION//Premature birth", "Admitted to hospital at premature birth"),
        ("NOTE//echocardiography report", "Echocardiography report"),
    ],
)
def test_codes_are_called_by_words(out: Path, code: str, words: str) -> None:
    assert codes_of(out)[code]["description"] == words


def test_what_both_systems_chart_has_one_code_and_unit(out: Path) -> None:
    """MetaVision's degree sign was lost and CareVue spells its own way: both are degrees Fahrenheit."""
    book = codes_of(out)
    warm = [row for row in events_of(out) if row["code"] == "VITAL//temperature"]
    assert [(row["numeric_value"], row["unit"], row["original_unit"]) for row in warm] == [
        (37, "Cel", "[degF]")
    ] * 2
    assert (book["VITAL//temperature"]["section"], book["CHART//225664"]["section"]) == ("vitals", "labs")
    assert (book["CHART//220739"]["kind"], book["LAB//50971"]["parent_codes"]) == (
        "ordinal",
        ["LOINC/2823-3"],
    )


def test_the_dataset_is_valid_and_the_doctor_finds_nothing_broken(out: Path) -> None:
    for shard in open_dataset(out).shards:
        DataSchema.validate(pq.read_table(shard.path))
    assert examine(out)["n_broken"] == 0


def test_the_versions_of_mimic_are_told_apart(tmp_path: Path) -> None:
    assert recognise(write_mimic3(tmp_path / "three"))[0] == "mimic3"
    assert recognise(mimic4(tmp_path / "four"))[0] == "mimic4"


def test_missing_tables_are_skipped_or_refused(tmp_path: Path) -> None:
    files = write_mimic3(tmp_path / "files", without=("NOTEEVENTS", "ICUSTAYS"))
    summary = ingest("mimic3", files, None, tmp_path / "out")
    assert {"noteevents", "icustays"} <= set(summary["not_found"])
    care = "TRANSFER//Medical Intensive Care Unit (MICU)"
    assert ["1", "2170-03-01 09:00", care, "", "", "", "101"] in told_cells(tmp_path / "out")
    with pytest.raises(InputError, match="admissions"):
        ingest("mimic3", write_mimic3(tmp_path / "none", without=("ADMISSIONS",)), None, tmp_path / "refused")


def test_a_renamed_column_and_a_bad_date_are_refused(tmp_path: Path) -> None:
    files = write_mimic3(tmp_path / "files", without=("SERVICES",))
    service = rows_of("SERVICES")[0]
    write_table(files, "SERVICES", [{**service, "TRANSFERTIME": "2170-03-41 08:05:00"}])
    with pytest.raises(InputError, match=r"transfertime \(data row 1\)"):
        ingest("mimic3", files, None, tmp_path / "out")
    moved = {"MOVED" if name == "TRANSFERTIME" else name: cell for name, cell in service.items()}
    write_table(files, "SERVICES", [moved])
    with pytest.raises(InputError, match="transfertime"):
        ingest("mimic3", files, None, tmp_path / "again")
