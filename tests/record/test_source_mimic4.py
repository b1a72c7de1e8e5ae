"""MIMIC-IV becomes events; what each row of a small one stands for is written out by hand."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from mapping_support import (
    attrition_of,
    cells,
    check_conservation,
    codes_of,
    left_out,
    told_cells,
    write_table,
)
from meds import DataSchema
from mimic4_tables import ed, hosp, icu, mimic4, note

from osler.base.errors import InputError
from osler.checks.doctor import examine
from osler.record.dataset import open_dataset
from osler.record.sources import ingest

# subject | time | code | number | unit | words (/ for a new line) | visit
EVENTS = """
    10 |  | GENDER//F |  |  |  |
    10 |  | PERIOD//2014 - 2016 |  |  |  |
    10 | 2059-01-01 00:00 | MEDS_BIRTH |  |  |  |
    10 | 2150-01-02 10:00 | ETHNICITY//Hispanic or Latino |  |  | Puerto Rican | 100
    10 | 2150-01-02 10:00 | HOSPITAL_ADMISSION//Emergency department |  |  | as an emergency | 100
    10 | 2150-01-02 10:00 | INSURANCE//Medicare |  |  |  | 100
    10 | 2150-01-02 10:00 | MARITAL_STATUS//widowed |  |  |  | 100
    10 | 2150-01-05 08:00 | DRG//APR//720 |  |  | severity 4 of 4, risk of mortality 3 of 4 | 100
    10 | 2150-01-05 08:00 | HOSPITAL_DISCHARGE//Died |  |  |  | 100
    10 | 2150-01-05 08:00 | ICD10CM/I10 |  |  |  | 100
    10 | 2150-01-05 08:00 | ICD10PCS/0BH17EZ |  |  |  | 100
    10 | 2150-01-05 08:00 | MEDS_DEATH |  |  |  | 100
    20 |  | GENDER//M |  |  |  |
    20 |  | PERIOD//2011 - 2013 |  |  |  |
    20 | 2090-01-01 00:00 | MEDS_BIRTH |  |  |  |
    20 | 2129-03-01 06:00 | ED_ADMISSION |  |  |  | 902
    20 | 2129-03-01 07:00 | ED_DISCHARGE |  |  |  | 902
    20 | 2130-01-10 23:59 | BODY//bmi | 28.7 | kg/m2 |  |
    20 | 2130-01-10 23:59 | BODY//height | 177.8 | cm |  |
    20 | 2130-01-10 23:59 | BODY//weight | 90.7185 | kg |  |
    20 | 2130-01-10 23:59 | CLINIC//eGFR |  |  | >60 |
    20 | 2130-01-10 23:59 | VITAL//blood_pressure |  |  | refused |
    20 | 2130-01-10 23:59 | VITAL//dbp | 70 | mm[Hg] | standing (1 min) |
    20 | 2130-01-10 23:59 | VITAL//dbp | 80 | mm[Hg] |  |
    20 | 2130-01-10 23:59 | VITAL//sbp | 110 | mm[Hg] | standing (1 min) |
    20 | 2130-01-10 23:59 | VITAL//sbp | 120 | mm[Hg] |  |
    20 | 2130-02-01 12:00 | LAB//51478 |  | mg/dL | negative |
    20 | 2130-02-02 12:00 | LAB//51053 |  | mg/dL | HEMOLYZED SPECIMEN, [removed] |
    20 | 2130-03-01 06:00 | ED_ADMISSION |  |  | by ambulance | 200
    20 | 2130-03-01 06:00 | RACE//White |  |  | Russian | 200
    20 | 2130-03-01 06:00 | TRIAGE//acuity | 2 |  |  | 200
    20 | 2130-03-01 06:00 | TRIAGE//chief complaint |  |  | Chest pain, sob | 200
    20 | 2130-03-01 06:00 | VITAL//dbp | 80 | mm[Hg] |  | 200
    20 | 2130-03-01 06:00 | VITAL//heart_rate | 100 | /min |  | 200
    20 | 2130-03-01 06:00 | VITAL//pain |  |  | unable to assess | 200
    20 | 2130-03-01 06:00 | VITAL//respiratory_rate | 20 | /min |  | 200
    20 | 2130-03-01 06:00 | VITAL//sbp | 120 | mm[Hg] |  | 200
    20 | 2130-03-01 06:00 | VITAL//spo2 | 97 | % |  | 200
    20 | 2130-03-01 06:00 | VITAL//temperature | 37 | Cel |  | 200
    20 | 2130-03-01 06:30 | HOME_DRUG//aspirin |  |  |  | 200
    20 | 2130-03-01 07:00 | VITAL//heart_rate | 90 | /min |  | 200
    20 | 2130-03-01 07:00 | VITAL//pain |  |  | 13 (outside the scale) | 200
    20 | 2130-03-01 07:00 | VITAL//rhythm |  |  | Sinus Rhythm | 200
    20 | 2130-03-01 07:30 | DRUG_DISPENSED//Aspirin |  |  |  | 200
    20 | 2130-03-01 08:00 | VITAL//pain | 5 |  |  | 200
    20 | 2130-03-01 08:40 | NOTE//radiology report |  |  | No fracture. |
    20 | 2130-03-01 09:00 | HOSPITAL_ADMISSION//Physician referral |  |  | as planned | 200
    20 | 2130-03-01 09:00 | INSURANCE//Other |  |  |  | 200
    20 | 2130-03-01 09:00 | LANGUAGE//English |  |  |  | 200
    20 | 2130-03-01 09:00 | RACE//White |  |  | Russian | 200
    20 | 2130-03-01 09:05 | SERVICE//CMED |  |  |  | 200
    20 | 2130-03-01 09:30 | ED_DISCHARGE |  |  | admitted | 200
    20 | 2130-03-01 09:30 | ICD9CM/401.9 |  |  | primary diagnosis of the emergency department | 200
    20 | 2130-03-01 09:30 | ICD9CM/786.50 |  |  | diagnosis of the emergency department | 200
    20 | 2130-03-01 09:30 | TRANSFER//PACU |  |  |  | 200
    20 | 2130-03-01 10:00 | SPECIMEN//SPUTUM |  |  |  |
    20 | 2130-03-01 10:00 | SPECIMEN//URINE |  |  |  | 200
    20 | 2130-03-01 10:35 | LAB//50809 | 101 | mg/dL |  | 200
    20 | 2130-03-01 11:00 | LAB//50931 | 128 | mg/dL | abnormal | 200
    20 | 2130-03-01 12:00 | ICU_ADMISSION//Medical Intensive Care Unit (MICU) |  |  |  | 200
    20 | 2130-03-01 12:55 | ORDER//Radiology//CT Scan |  |  |  | 200
    20 | 2130-03-01 13:00 | DRUG_ORDER//Oxycodone |  |  | 5-10 mg, by mouth or nasogastric tube | 200
    20 | 2130-03-01 13:05 | PROCEDURE//225402 |  |  |  | 200
    20 | 2130-03-01 13:10 | INFUSION//221906 | 0.05 | ug/kg/min |  | 200
    20 | 2130-03-01 13:15 | PROCEDURE//224275//started |  |  | Left Ulnar | 200
    20 | 2130-03-01 13:20 | BODY//weight | 90 | kg |  | 200
    20 | 2130-03-01 13:20 | CHART//220739 | 3 |  | To Speech | 200
    20 | 2130-03-01 13:20 | CHART//225103 |  |  |  | 200
    20 | 2130-03-01 13:20 | CHART//225103 |  |  | no | 200
    20 | 2130-03-01 13:20 | CHART//225664 | 140 |  |  | 200
    20 | 2130-03-01 13:20 | VITAL//heart_rate | 88 | /min |  | 200
    20 | 2130-03-01 13:20 | VITAL//temperature | 37 | Cel |  | 200
    20 | 2130-03-01 13:25 | DRUG_ORDER//Vancomycin |  |  | 1000 mg, intravenous, 2 times in 24 hours | 200
    20 | 2130-03-01 13:55 | ORDER//Nutrition |  |  | discontinued | 200
    20 | 2130-03-01 14:02 | DOSE//Vancomycin | 1000 | mg | intravenous | 200
    20 | 2130-03-01 14:02 | DRUG//Vancomycin |  |  |  | 200
    20 | 2130-03-01 14:05 | DRUG_ORDER//Insulin |  |  | subcutaneous, once in 24 hours | 200
    20 | 2130-03-01 14:20 | VITAL//heart_rate | 300 | /min | marked with a warning | 200
    20 | 2130-03-01 14:55 | CODE_STATUS//do not resuscitate, do not intubate |  |  |  | 200
    20 | 2130-03-01 14:55 | ORDER//General Care//Code status |  |  |  | 200
    20 | 2130-03-01 14:55 | ORDER//Tubes & Drains type |  |  | Chest tube | 200
    20 | 2130-03-01 15:00 | INPUT//221906 | 0.5 | mg |  | 200
    20 | 2130-03-01 15:10 | INFUSION//221906 | 0.1 | ug/kg/min |  | 200
    20 | 2130-03-01 15:30 | INPUT//221906 | 0.1 | mg |  | 200
    20 | 2130-03-01 16:00 | DRUG_ORDER//0.9% Sodium Chloride |  |  | 1000 mL, intravenous | 200
    20 | 2130-03-01 16:00 | SINCE//224288 | 2 | d |  | 200
    20 | 2130-03-01 16:00 | SINCE//225754 |  |  | 1 day ahead | 200
    20 | 2130-03-01 17:00 | INFUSION//221906 |  |  | stopped | 200
    20 | 2130-03-01 17:00 | INPUT//221906 | 1 | mg |  | 200
    20 | 2130-03-01 18:00 | DRUG_ORDER//TPN |  |  |  | 200
    20 | 2130-03-01 18:00 | OUTPUT//226559 | 600 | mL |  | 200
    20 | 2130-03-01 18:42 | OUTPUT//226588 | 50 | mL |  | 200
    20 | 2130-03-01 22:30 | PROCEDURE//225792 | 9 | h |  | 200
    20 | 2130-03-01 23:59 | SPECIMEN//BLOOD CULTURE |  |  |  |
    20 | 2130-03-02 02:10 | DRUG_NOT_GIVEN//Vancomycin |  |  |  | 200
    20 | 2130-03-02 11:00 | LAB//50931 | 0.5 | mg/dL | <0.5 | 200
    20 | 2130-03-02 12:00 | ICU_DISCHARGE//Surgical Intensive Care Unit (SICU) |  |  |  | 200
    20 | 2130-03-02 12:00 | TRANSFER//Med/Surg |  |  |  | 200
    20 | 2130-03-02 14:10 | DRUG//Vancomycin |  |  | delayed | 200
    20 | 2130-03-02 14:10 | INFUSION//Vancomycin | 200 | mL/h |  | 200
    20 | 2130-03-02 15:00 | DRUG_CHARTED//Vancomycin |  |  | stopped | 200
    20 | 2130-03-03 09:00 | MICROBIOLOGY//ESCHERICHIA COLI//AMPICILLIN |  |  | resistant, MIC >=32 | 200
    20 | 2130-03-03 09:00 | MICROBIOLOGY//ESCHERICHIA COLI//CEFTRIAXONE |  |  | susceptible, MIC <=1 | 200
    20 | 2130-03-03 09:00 | MICROBIOLOGY//ESCHERICHIA COLI//PENICILLIN G |  |  | intermediate | 200
    20 | 2130-03-03 09:00 | MICROBIOLOGY//URINE CULTURE//URINE |  |  | Escherichia coli; >=100,000/ML | 200
    20 | 2130-03-03 13:00 | PROCEDURE//224275 | 48 | h | Left Ulnar | 200
    20 | 2130-03-04 12:00 | DRG//HCFA//280 |  |  |  | 200
    20 | 2130-03-04 12:00 | HOSPITAL_DISCHARGE//Home with home care |  |  |  | 200
    20 | 2130-03-04 12:00 | ICD9CM/401.9 |  |  | primary diagnosis | 200
    20 | 2130-03-04 12:00 | ICD9PROC/96.04 |  |  |  | 200
    20 | 2130-03-05 09:00 | NOTE//discharge summary |  |  | /Name:  ___//Went home. | 200
    20 | 2130-03-06 07:00 | MICROBIOLOGY//Blood Culture, Routine//BLOOD CULTURE |  |  | No growth |
    20 | 2130-03-06 23:59 | NOTE//discharge summary addendum |  |  | More. | 200
    20 | 2130-04-30 23:59 | MICROBIOLOGY//ACID FAST CULTURE//SPUTUM |  |  | No mycobacteria |
    20 | 2130-06-01 09:00 | HOSPITAL_ADMISSION |  |  | for observation | 201
    20 | 2130-06-01 09:00 | INSURANCE//Other |  |  |  | 201
    20 | 2130-06-01 09:00 | LANGUAGE//English |  |  |  | 201
    20 | 2130-06-01 09:00 | RACE//Unknown |  |  | declined to answer | 201
    20 | 2130-06-01 19:00 | HOSPITAL_DISCHARGE |  |  |  | 201
    20 | 2130-06-01 23:59 | CPT4/99219 |  |  |  | 201
    20 | 2130-06-01 23:59 | HCPCS/G0378 |  |  |  | 201
    20 | 2131-01-01 23:59 | MEDS_DEATH |  |  |  |
    30 |  | GENDER//F |  |  |  |
    30 |  | PERIOD//2011 - 2013 |  |  |  |
    30 | 2115-01-01 00:00 | MEDS_BIRTH |  |  |  |
    30 | 2140-05-05 20:00 | ED_ADMISSION |  |  |  | 910
    30 | 2140-05-05 20:00 | RACE//Black or African American |  |  | Cape Verdean | 910
    30 | 2140-05-05 20:00 | TRIAGE//acuity | 3 |  |  | 910
    30 | 2140-05-05 20:00 | VITAL//temperature | 37.2 | Cel |  | 910
    30 | 2140-05-05 23:30 | ED_DISCHARGE |  |  | eloped | 910
"""

LEFT_OUT = {
    ("transfers", "a discharge, told by admissions"): 1,
    ("transfers", "a stay in the emergency department, told by edstays"): 1,
    ("transfers", "the beginning of a stay in intensive care, told by icustays"): 1,
    ("labevents", "no value"): 1,
    ("microbiologyevents", "test was cancelled"): 1,
    ("prescriptions", "a container, not a drug"): 1,
    ("prescriptions", "the solution that another drug is given in, or its container"): 1,
    ("pharmacy", "the same order as in prescriptions, which has its drugs and doses"): 5,
    ("emar_detail", "its time stands in emar, which is not there"): 1,
    ("emar_detail", "no dose and no rate in it: emar says that it was given"): 1,
    ("poe", "an order of drugs, told by prescriptions"): 1,
    ("poe", "an order of laboratory tests, told by their results"): 1,
    ("poe_detail", "a time without more"): 1,
    ("poe_detail", "its time stands in poe, which is not there"): 1,
    ("chartevents", "a laboratory result, told by labevents"): 1,
    ("chartevents", "a limit of an alarm, not a measurement"): 1,
    ("chartevents", "no value"): 1,
    ("inputevents", "rewritten by a later row"): 1,
}
# An organism stands in a row per antibiotic, a drug in a row per class; `dod` repeats a death.
TOLD_ONCE = {"medrecon": 1, "microbiologyevents": 5, "patients": 1, "prescriptions": 1, "pyxis": 1}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mimic4")
    ingest("mimic4", mimic4(folder / "files"), None, folder / "out")
    return folder / "out"


def test_every_row_becomes_the_events_it_stands_for(out: Path) -> None:
    assert told_cells(out) == cells(EVENTS)


def test_what_is_left_out_says_why(out: Path) -> None:
    check_conservation(out)
    found = attrition_of(out)
    assert left_out(out) == LEFT_OUT
    assert {r["table"]: r["n_events"] for r in found if r["step"] == "told once"} == TOLD_ONCE
    read = {r["table"]: r["n_rows"] for r in found if r["step"] in ("read", "not read")}
    for tables in (hosp(), icu(), ed(), note()):
        assert {name: read[name] for name in tables} == {name: len(rows) for name, rows in tables.items()}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("LAB//50931", "Glucose"),
        ("LAB//50809", "Glucose, whole blood"),
        ("LAB//51478", "Glucose, Urine"),
        ("LAB//51053", "Glucose, pleural fluid"),
        (
            "ICD9CM/401.9",
            "Unspecified essential hypertension",
        ),  # not the shorter title of the emergency department
        ("ICD9CM/786.50", "Chest pain, unspecified"),
        ("ICD9PROC/96.04", "Insertion of a tube"),
        ("HCPCS/G0378", "Hospital observation service, per hour"),
        ("CPT4/99219", "Observation"),
        ("DRG//HCFA//280", "Billing group (DRG): Acute myocardial infarction, discharged alive with MCC"),
        ("MICROBIOLOGY//URINE CULTURE//URINE", "Urine culture"),
        ("MICROBIOLOGY//ACID FAST CULTURE//SPUTUM", "Acid fast culture, sputum"),
        ("MICROBIOLOGY//ESCHERICHIA COLI//PENICILLIN G", "Escherichia coli, response to penicillin G"),
        ("PROCEDURE//225792", "Invasive Ventilation, duration"),
        ("PROCEDURE//224275//started", "20 Gauge (peripheral line), started"),
        ("SINCE//225754", "Time since: 20 Gauge peripheral line Insertion"),
        ("OUTPUT//226559", "Urine output: Foley"),
        ("VITAL//heart_rate", "Heart rate"),
        ("CHART//225103", "IV access prior to admission"),
        ("SERVICE//CMED", "In the care of: cardiac medicine"),
        ("NOTE//discharge summary", "Discharge summary"),
    ],
)
def test_codes_are_called_by_words(out: Path, code: str, words: str) -> None:
    assert codes_of(out)[code]["description"] == words


def test_codes_have_limits_parents_and_sections(out: Path) -> None:
    book = codes_of(out)
    assert (book["LAB//50931"]["low"], book["LAB//50931"]["high"]) == (70, 105)
    assert book["PROCEDURE//225792"]["parent_codes"] == ["PROCEDURE//Ventilation"]
    both = ["DRUG_CLASS//Platelet Aggregation Inhibitors", "DRUG_CLASS//Salicylate Analgesics"]
    assert book["HOME_DRUG//aspirin"]["parent_codes"] == both
    sections = {
        "CHART//225664": "labs",
        "VITAL//heart_rate": "vitals",
        "BODY//weight": "body",
        "CHART//220739": "other",
    }
    assert {code: book[code]["section"] for code in sections} == sections


def test_the_same_time_of_death_whatever_table_tells_it(out: Path, tmp_path: Path) -> None:
    """In hospital to the minute, else at the end of the day; a stay closed before it tells nothing."""
    died = {row[0]: row[1] for row in told_cells(out) if row[2] == "MEDS_DEATH"}
    assert died == {"10": "2150-01-05 08:00", "20": "2131-01-01 23:59"}
    assert [
        row for row in told_cells(out) if row[0] == "10" and "2150-01-05 00:00" <= row[1] < died["10"]
    ] == []


def test_a_hospital_without_its_other_modules(out: Path, tmp_path: Path) -> None:
    """Transfers tell of the emergency department and of intensive care then; the rest is the same."""
    files = mimic4(tmp_path / "files", without=("icu", "ed", "note", "hosp/poe", "hosp/emar"))
    summary = ingest("mimic4", files, None, tmp_path / "out")
    check_conservation(tmp_path / "out")
    found = told_cells(tmp_path / "out")
    assert ["20", "2130-03-01 06:00", "ED_ADMISSION", "", "", "", "200"] in found
    care = "TRANSFER//Medical Intensive Care Unit (MICU)"
    assert ["20", "2130-03-01 12:00", care, "", "", "", "200"] in found
    families = ("LAB//", "MICROBIOLOGY//", "HOSPITAL_", "ICD", "DRUG_ORDER//", "MEDS_")
    assert [r for r in found if r[2].startswith(families)] == [
        r for r in told_cells(out) if r[2].startswith(families) and "emergency department" not in r[5]
    ]
    assert {"chartevents", "emar", "poe", "edstays", "discharge"} <= set(summary["not_found"])
    left = left_out(tmp_path / "out")
    assert left["poe_detail", "its time stands in poe, which is not there"] == 4


def test_the_dataset_is_valid_and_the_doctor_finds_nothing_broken(out: Path) -> None:
    for shard in open_dataset(out).shards:
        DataSchema.validate(pq.read_table(shard.path))
    assert examine(out)["n_broken"] == 0


def test_a_missing_required_table_is_refused(tmp_path: Path) -> None:
    files = mimic4(tmp_path / "files", without=("hosp/admissions",))
    with pytest.raises(InputError, match="admissions"):
        ingest("mimic4", files, None, tmp_path / "out")


def test_a_renamed_column_is_refused(tmp_path: Path) -> None:
    files = mimic4(tmp_path / "files", without=("hosp/labevents",))
    rows = [
        {{"itemid": "item"}.get(name, name): value for name, value in row.items()}
        for row in hosp()["labevents"]
    ]
    write_table(files / "hosp", "labevents", rows, form="csv.gz")
    with pytest.raises(InputError, match="itemid"):
        ingest("mimic4", files, None, tmp_path / "out")


def test_a_bad_date_is_refused_with_its_row(tmp_path: Path) -> None:
    files = mimic4(tmp_path / "files", without=("hosp/services",))
    rows = [*hosp()["services"], {**hosp()["services"][0], "transfertime": "2130-13-01 09:05:00"}]
    write_table(files / "hosp", "services", rows, form="csv.gz")
    with pytest.raises(InputError, match=r"transfertime \(data row 2\)"):
        ingest("mimic4", files, None, tmp_path / "out")


def test_weights_in_pounds_are_not_taken_for_kilograms(tmp_path: Path) -> None:
    """The dictionary has no unit for them, and some rows have none either."""
    files = mimic4(tmp_path / "files", without=("icu/d_items", "icu/chartevents"))
    item = {
        **icu()["d_items"][0],
        "itemid": "226531",
        "label": "Admission Weight (lbs.)",
        "category": "General",
    }
    row = {**icu()["chartevents"][0], "itemid": "226531", "value": "180", "valuenum": "180", "valueuom": None}
    write_table(files / "icu", "d_items", [{**item, "unitname": "None"}])
    write_table(files / "icu", "chartevents", [row])
    ingest("mimic4", files, None, tmp_path / "out")
    assert [row[3:5] for row in told_cells(tmp_path / "out") if row[2] == "BODY//weight" and row[0] == "20"][
        -1
    ] == [
        "81.6466",
        "kg",
    ]


def test_what_another_table_would_tell_is_told_where_that_is_not_there(tmp_path: Path) -> None:
    without = ("hosp/labevents", "hosp/pharmacy", "hosp/prescriptions")
    files = mimic4(tmp_path / "files", without=without)
    solution = {**hosp()["prescriptions"][0], "drug_type": "BASE", "drug": "NS", "dose_unit_rx": "mL"}
    orders = [{**solution, "dose_val_rx": "1000"}, {**solution, "dose_val_rx": "100"}]
    ingest("mimic4", files, None, tmp_path / "out")
    assert [row[3] for row in told_cells(tmp_path / "out") if row[2] == "CHART//220635"] == ["2.1"]
    write_table(files / "hosp", "prescriptions", orders)
    ingest("mimic4", files, None, tmp_path / "with-orders")
    found = [row[5] for row in told_cells(tmp_path / "with-orders") if row[2].startswith("DRUG_ORDER//0.9%")]
    assert len(found) == 1
    assert found[0].startswith("1000 mL")
