# ruff: noqa: E501 - a table: one event per line
"""eICU becomes events: what each row of a small source stands for, event by event."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from eicu_tables import SUBJECTS, TABLES, UNIT_ADMITTED, rows_of, write_eicu
from mapping_support import attrition_of, check_conservation, events_of, left_out, write_table
from meds import DataSchema

from osler.base.errors import InputError
from osler.checks.doctor import examine
from osler.record.dataset import open_dataset
from osler.record.sources import ingest

# Unit stay (#: a hospital stay) ~ minute of the unit stay (or time) ~ code ~ number ~ unit ~ words ~ site
EVENTS = """
    #100 ~  ~ GENDER//F ~  ~  ~  ~ 7
    #100 ~  ~ RACE//White ~  ~  ~  ~ 7
    #100 ~ 1923-07-01 00:00 ~ MEDS_BIRTH ~  ~  ~  ~ 7
    #100 ~ 2014-01-01 08:00 ~ HOSPITAL_ADMISSION//Emergency department ~  ~  ~  ~ 7
    #100 ~ 2014-01-01 08:00 ~ HOSPITAL_BEDS//500 or more ~  ~  ~  ~ 7
    #100 ~ 2014-01-01 08:00 ~ HOSPITAL_REGION//South ~  ~  ~  ~ 7
    #100 ~ 2014-01-01 08:00 ~ HOSPITAL_TEACHING//yes ~  ~  ~  ~ 7
    1 ~ 0 ~ BODY//height ~ 160 ~ cm ~  ~ 7
    1 ~ 0 ~ BODY//weight ~ 70.5 ~ kg ~  ~ 7
    1 ~ 0 ~ CARE_LEVEL//Admission ~  ~  ~  ~ 7
    #100 ~ 2014-01-01 09:00 ~ FIRST_ICU_ADMISSION ~  ~  ~  ~ 7
    1 ~ 0 ~ ICU_ADMISSION//Medical-surgical intensive care ~  ~  ~  ~ 7
    1 ~ 0 ~ ICU_ADMISSION_SOURCE//Emergency department ~  ~  ~  ~ 7
    1 ~ 15 ~ ADMISSION_DIAGNOSIS//Non-operative|Cardiovascular|Sepsis, pulmonary
    1 ~ 15 ~ ADMISSION_QUESTION//Operating room before or within 4 hours of admission ~  ~  ~ no
    1 ~ 20 ~ EXAM//BP (systolic) Lowest ~ 88 ~ mm[Hg]
    1 ~ 20 ~ EXAM//Cardiovascular/Auscultation/Heart Sounds/S2 ~  ~  ~ S2 split
    1 ~ 20 ~ EXAM//FiO2% ~  ~ % ~ room air
    1 ~ 20 ~ EXAM//GCS total ~ 14
    1 ~ 20 ~ EXAM//GCS verbal ~ 4
    1 ~ 20 ~ EXAM//Pulmonary/Auscultation/Rales/Location/Posterior Lung Field(s)/Left/lower
    1 ~ 20 ~ EXAM//Skin/Print "within normal limits" ~  ~  ~ within normal limits
    1 ~ 20 ~ EXAM//Skin/Rash/rash
    1 ~ 20 ~ EXAM//Urine ~ 300 ~ mL
    1 ~ 20 ~ EXAM//Weight Current ~ 71 ~ kg
    1 ~ 25 ~ LAB//potassium ~ 4.1 ~ mmol/L
    1 ~ 30 ~ DIAGNOSIS//cardiovascular|shock / hypotension|sepsis|severe ~  ~  ~ primary diagnosis
    1 ~ 33 ~ ALLERGY//Metformin HCl
    1 ~ 33 ~ ALLERGY//Other ~  ~  ~ Walnut shells of my aunt
    1 ~ 33 ~ ALLERGY//Penicillins
    1 ~ 34 ~ HOME_DRUG//HICL 1820 ~  ~  ~ 81 mg, daily
    1 ~ 34 ~ HOME_DRUG//HICL 3660
    1 ~ 35 ~ VITAL//noninvasivediastolic ~ 58 ~ mm[Hg]
    1 ~ 35 ~ VITAL//noninvasivemean ~ 77 ~ mm[Hg]
    1 ~ 35 ~ VITAL//noninvasivesystolic ~ 117 ~ mm[Hg]
    1 ~ 45 ~ HISTORY//Organ Systems/Cardiovascular (R)/Congestive Heart Failure/CHF - class II
    1 ~ 45 ~ HISTORY//Organ Systems/Neurologic/Strokes/multiple/multiple
    1 ~ 50 ~ CARE_PLAN//Care Limitation//End of life discussion
    1 ~ 50 ~ FAMILY_HISTORY//coronary artery disease
    1 ~ 50 ~ HISTORY//Known allergies ~  ~  ~ yes
    1 ~ 50 ~ HISTORY//Platelets (units) ~ 2
    1 ~ 50 ~ HISTORY//Smoking ~  ~  ~ denies smoking
    1 ~ 50 ~ PROBLEM//Sepsis ~  ~  ~ major
    1 ~ 50 ~ PROCEDURE//Intubation//O2 sats ~  ~  ~ O2 sats stable throughout
    1 ~ 50 ~ SYMPTOM//asthma or wheezing ~  ~  ~ denies asthma/wheezing
    1 ~ 50 ~ SYMPTOM//skin system ~  ~  ~ negative
    1 ~ 60 ~ TREATMENT//pulmonary|ventilation and oxygenation|mechanical ventilation
    1 ~ 61 ~ TREATMENT//infectious diseases|medications|therapeutic antibacterials|vancomycin
    1 ~ 80 ~ CARE_PLAN//Care Limitation//Do not resuscitate
    1 ~ 80 ~ CARE_PLAN//Goal Rate ~ 50
    1 ~ 80 ~ CARE_PLAN//Ordered Protocols//Sepsis bundle
    1 ~ 80 ~ CARE_PLAN//Ventilation ~  ~  ~ spontaneous - adequate
    1 ~ 85 ~ CARE_PLAN//Goal//Respiratory ~  ~  ~ Wean from ventilator, active
    1 ~ 86 ~ CARE_PLAN//Infection//Lung ~  ~  ~ probable infection, empiric
    1 ~ 90 ~ MICROBIOLOGY//Blood, Venipuncture//taken
    1 ~ 100 ~ DRUG//HICL 1866 ~  ~  ~ 650 mg, by mouth, every 6 hours, as needed
    1 ~ 130 ~ DRUG//HICL 1866 ~  ~  ~ intravenous, once
    1 ~ 130 ~ DRUG//HICL 3660 ~  ~  ~ 40 mg, by mouth, daily
    1 ~ 130 ~ DRUG//HICL 99999 ~  ~  ~ 20 mEq
    1 ~ 130 ~ DRUG//Sodium chloride ~  ~  ~ 1,000 mL, intravenous, continuous
    1 ~ 155 ~ NURSING//Heart Rate ~ 90 ~ /min
    1 ~ 155 ~ NURSING//Non-Invasive BP Systolic ~ 118 ~ mm[Hg]
    1 ~ 155 ~ NURSING//Sedation Scale ~  ~  ~ calm
    1 ~ 155 ~ NURSING//Temperature ~ 98.6 ~ [degF]
    1 ~ 165 ~ NURSING//Neurologic//Level of Consciousness ~  ~  ~ Alert
    1 ~ 170 ~ NURSING_CARE//Hygiene/ADLs//Bath ~  ~  ~ Complete
    1 ~ 200 ~ INFUSION//Norepinephrine ~ 5 ~ ug/min
    1 ~ 201 ~ INFUSION//Norepinephrine//by weight ~ 0.1 ~ ug/kg/min
    1 ~ 202 ~ INFUSION//Norepinephrine//by volume ~ 15 ~ mL/h
    1 ~ 203 ~ INFUSION//Norepinephrine//unit not stated ~ 1.9
    1 ~ 204 ~ INFUSION//Propofol
    1 ~ 205 ~ INFUSION//Normal saline ~ 75 ~ mL/h
    1 ~ 225 ~ RESPIRATORY//FiO2 ~ 40 ~ %
    1 ~ 225 ~ RESPIRATORY//Vent Mode ~  ~  ~ SIMV
    1 ~ 260 ~ FLOWSHEET//Bodyweight (kg) ~ 70.1 ~ kg
    1 ~ 260 ~ OUTPUT//Urine ~ 350 ~ mL
    1 ~ 310 ~ LAB//FiO2 ~ 40 ~ %
    1 ~ 310 ~ LAB//RBC ~ 4.84 ~ 10*6/uL
    1 ~ 310 ~ LAB//Temperature ~ 37.5 ~ Cel
    1 ~ 310 ~ LAB//WBC x 1000 ~ 12.5 ~ 10*3/uL
    1 ~ 310 ~ LAB//ionized calcium ~ 1.20006 ~ mmol/L
    1 ~ 310 ~ LAB//troponin - I ~  ~ ng/L ~ <20
    1 ~ 400 ~ LAB//custom//Rapid flu ~  ~  ~ negative
    1 ~ 400 ~ LAB//custom//Zinc ~ 70
    1 ~ 500 ~ PROCEDURE//Ventilation started
    1 ~ 500 ~ RESPIRATORY//airway ~  ~  ~ Oral ETT, 22 @ teeth
    1 ~ 500 ~ RESPIRATORY//airway size ~ 7.5
    1 ~ 700 ~ CARE_PLAN//Care Limitation//End of life discussion
    1 ~ 800 ~ PROCEDURE//Ventilation ended
    1 ~ 800 ~ RESPIRATORY//cuff pressure ~ 25 ~ cm[H2O]
    1 ~ 1440 ~ APACHE//activetx ~  ~  ~ yes
    1 ~ 1440 ~ APACHE//bun ~ 22 ~ mg/dL
    1 ~ 1440 ~ APACHE//creatinine ~ 1.1 ~ mg/dL
    1 ~ 1440 ~ APACHE//eyes ~ 4
    1 ~ 1440 ~ APACHE//glucose ~ 96 ~ mg/dL
    1 ~ 1440 ~ APACHE//heartrate ~ 104 ~ /min
    1 ~ 1440 ~ APACHE//hematocrit ~ 34.4 ~ %
    1 ~ 1440 ~ APACHE//meanbp ~ 56 ~ mm[Hg]
    1 ~ 1440 ~ APACHE//metastaticcancer ~  ~  ~ yes
    1 ~ 1440 ~ APACHE//motor ~ 6
    1 ~ 1440 ~ APACHE//respiratoryrate ~ 28 ~ /min
    1 ~ 1440 ~ APACHE//sodium ~ 138 ~ mmol/L
    1 ~ 1440 ~ APACHE//temperature ~ 36.4 ~ Cel
    1 ~ 1440 ~ APACHE//vent ~  ~  ~ yes
    1 ~ 1440 ~ APACHE//wbc ~ 12.5 ~ 10*3/uL
    2 ~ 0 ~ BODY//height ~ 160 ~ cm ~  ~ 7
    2 ~ 0 ~ CARE_LEVEL//Step-down ~  ~  ~  ~ 7
    2 ~ 0 ~ ICU_ADMISSION//Medical-surgical intensive care ~  ~  ~  ~ 7
    2 ~ 0 ~ ICU_ADMISSION_SOURCE//Intensive care, stepped down ~  ~  ~  ~ 7
    1 ~ 1440 ~ ICU_DISCHARGE//Step-down unit ~  ~  ~  ~ 7
    2 ~ 35 ~ VITAL//heartrate ~ 88 ~ /min
    2 ~ 35 ~ VITAL//icp ~ 9 ~ mm[Hg]
    2 ~ 35 ~ VITAL//respiration ~ 18 ~ /min
    2 ~ 35 ~ VITAL//sao2 ~ 97 ~ %
    2 ~ 35 ~ VITAL//st1 ~ 0.1 ~ mm
    2 ~ 35 ~ VITAL//systemicdiastolic ~ 60 ~ mm[Hg]
    2 ~ 35 ~ VITAL//systemicmean ~ 80 ~ mm[Hg]
    2 ~ 35 ~ VITAL//systemicsystolic ~ 120 ~ mm[Hg]
    2 ~ 35 ~ VITAL//temperature ~ 37.2 ~ Cel
    2 ~ 40 ~ DIAGNOSIS//cardiovascular|vascular disorders|hypertension ~  ~  ~ other diagnosis
    2 ~ 90 ~ MICROBIOLOGY//Stool//taken
    2 ~ 310 ~ LAB//FiO2 ~ 50 ~ %
    2 ~ 310 ~ LAB//ionized calcium ~ 1.2 ~ mmol/L
    2 ~ 1440 ~ BODY//weight ~ 68 ~ kg ~  ~ 7
    2 ~ 1440 ~ ICU_DISCHARGE//Floor ~  ~  ~  ~ 7
    1 ~ 4410 ~ MICROBIOLOGY//Blood, Venipuncture//organism ~  ~  ~ Staphylococcus aureus
    1 ~ 4410 ~ MICROBIOLOGY//Staphylococcus aureus//oxacillin ~  ~  ~ sensitive
    #100 ~ 2014-01-04 20:20 ~ HOSPITAL_DISCHARGE//Skilled nursing facility ~  ~  ~  ~ 7
    2 ~ 4410 ~ MICROBIOLOGY//Stool//organism ~  ~  ~ no growth
    #101 ~  ~ ETHNICITY//Hispanic or Latino ~  ~  ~  ~ 8
    #101 ~  ~ GENDER//F ~  ~  ~  ~ 8
    #101 ~ 1969-07-01 00:00 ~ MEDS_BIRTH ~  ~  ~  ~ 8
    3 ~ -20 ~ ADMISSION_DIAGNOSIS//Operative|Cardiovascular|Mitral valve repair
    3 ~ -20 ~ ADMISSION_QUESTION//Ejection fraction before the operation (%) ~ 55
    3 ~ -20 ~ ADMISSION_QUESTION//Elective surgery ~  ~  ~ yes
    3 ~ 0 ~ CARE_LEVEL//Readmission ~  ~  ~  ~ 8
    #101 ~ 2015-01-01 23:00 ~ FIRST_ICU_ADMISSION ~  ~  ~  ~ 8
    #101 ~ 2015-01-01 23:00 ~ HOSPITAL_TEACHING//no ~  ~  ~  ~ 8
    3 ~ 0 ~ ICU_ADMISSION//Cardiothoracic intensive care ~  ~  ~  ~ 8
    3 ~ 0 ~ ICU_ADMISSION_SOURCE//Operating room ~  ~  ~  ~ 8
    3 ~ 10 ~ HISTORY//Past History Obtain Options/No Health Problems
    #101 ~ 2015-01-01 23:30 ~ HOSPITAL_ADMISSION ~  ~  ~  ~ 8
    3 ~ 35 ~ VITAL//cardiacinput ~ 2.5 ~ L/min/m2
    3 ~ 35 ~ VITAL//cardiacoutput ~ 5.5 ~ L/min
    3 ~ 35 ~ VITAL//paop ~ 19 ~ mm[Hg]
    3 ~ 35 ~ VITAL//pvr ~ 87 ~ dyn.s/cm5
    3 ~ 35 ~ VITAL//pvri ~ 155 ~ dyn.s.m2/cm5
    3 ~ 35 ~ VITAL//svr ~ 967 ~ dyn.s/cm5
    3 ~ 35 ~ VITAL//svri ~ 1924 ~ dyn.s.m2/cm5
    3 ~ 700 ~ CARE_PLAN//Care Limitation//End of life discussion
    3 ~ 900 ~ DIAGNOSIS//toxicology|drug overdose ~  ~  ~ major diagnosis
    3 ~ 901 ~ DIAGNOSIS//neurologic|altered mental status / pain|pain ~  ~  ~ other diagnosis
    3 ~ 1000 ~ ICU_DISCHARGE//Died ~  ~  ~  ~ 8
    3 ~ 1000 ~ MEDS_DEATH ~  ~  ~  ~ 8
    #101 ~ 2015-01-02 17:20 ~ HOSPITAL_DISCHARGE//Died ~  ~  ~  ~ 8
    4 ~ 0 ~ CARE_LEVEL//Transfer ~  ~  ~  ~ 8
    #102 ~ 2015-01-01 01:00 ~ FIRST_ICU_ADMISSION ~  ~  ~  ~ 8
    #102 ~ 2015-01-01 01:00 ~ HOSPITAL_ADMISSION ~  ~  ~  ~ 8
    #102 ~ 2015-01-01 01:00 ~ HOSPITAL_TEACHING//no ~  ~  ~  ~ 8
    4 ~ 0 ~ ICU_ADMISSION//Medical intensive care ~  ~  ~  ~ 8
    4 ~ 100 ~ ICU_DISCHARGE ~  ~  ~  ~ 8
    #102 ~ 2015-01-01 04:20 ~ HOSPITAL_STAY_END ~  ~  ~  ~ 8
    #103 ~  ~ GENDER//M ~  ~  ~  ~ 8
    #103 ~  ~ RACE//Other or unknown ~  ~  ~  ~ 8
    #103 ~ 2014-07-01 00:00 ~ MEDS_BIRTH ~  ~  ~  ~ 8
    5 ~ 0 ~ CARE_LEVEL//Admission ~  ~  ~  ~ 8
    #103 ~ 2015-01-01 02:00 ~ FIRST_ICU_ADMISSION ~  ~  ~  ~ 8
    #103 ~ 2015-01-01 02:00 ~ HOSPITAL_ADMISSION//Floor ~  ~  ~  ~ 8
    #103 ~ 2015-01-01 02:00 ~ HOSPITAL_TEACHING//no ~  ~  ~  ~ 8
    5 ~ 0 ~ ICU_ADMISSION//Surgical intensive care ~  ~  ~  ~ 8
    5 ~ 0 ~ ICU_ADMISSION_SOURCE//Floor ~  ~  ~  ~ 8
    5 ~ 100 ~ ICU_DISCHARGE//Died ~  ~  ~  ~ 8
    #103 ~ 2015-01-01 05:20 ~ HOSPITAL_DISCHARGE//Home ~  ~  ~  ~ 8
"""


def expected() -> list[tuple[Any, ...]]:
    """The events as they are written above."""
    found = []
    for line in EVENTS.strip().splitlines():
        cells: list[Any] = [cell.strip() or None for cell in line.split("~")]
        stay, minute, code, number, unit, words, site = cells + [None] * (7 - len(cells))
        subject, visit, time = int(stay.lstrip("#")), None, None
        if not stay.startswith("#"):
            visit = subject
            subject, time = SUBJECTS[visit], UNIT_ADMITTED[visit] + dt.timedelta(minutes=int(minute))
        elif minute is not None:
            time = dt.datetime.fromisoformat(minute)
        value = None if number is None else float(number)
        found.append((subject, time, code, value, unit, words, visit, site))
    return found


def told(out: Path) -> list[tuple[Any, ...]]:
    """The events of a dataset in the same shape; 32 bits hold some seven digits."""
    names = ("subject_id", "time", "code", "numeric_value", "unit", "text_value", "visit_id", "site")
    rows = [[row.get(name) for name in names] for row in events_of(out)]
    return [(*row[:3], None if row[3] is None else float(f"{row[3]:.6g}"), *row[4:]) for row in rows]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("eicu")
    ingest("eicu", write_eicu(folder / "files"), None, folder / "out")
    return folder / "out"


def test_every_table_becomes_the_events_it_stands_for(plain: Path) -> None:
    assert told(plain) == expected()


def test_every_table_is_known_to_the_spec_and_read_or_ignored(plain: Path) -> None:
    steps = {(row["table"], row["step"]) for row in attrition_of(plain)}
    known = {table for table, step in steps if step in ("read", "not read")}
    # `hospital_stay` is the table of unit stays once more, `home` the drugs taken at home as a dictionary.
    assert known == {*(table.lower() for table in TABLES), "hospital_stay", "home"}
    ignored = {"hospital", "apachepatientresult", "careplancareprovider", "home"}
    assert {table for table, step in steps if step == "not read"} == ignored


def test_what_is_left_out_says_why(plain: Path) -> None:
    check_conservation(plain)
    left = left_out(plain)
    assert left == {
        ("admissiondx", "organ system, which the path of the diagnosis says too"): 1,
        ("pasthistory", "says only that the history was taken, or not"): 1,
        ("physicalexam", "says only that the examination was performed, or not"): 1,
        ("physicalexam", "says only that the Glasgow coma scale was scored"): 1,
        ("physicalexam", "no fluid charted, the form fills in 0"): 1,
        ("note", "navigation and layout of the form"): 3,
        ("note", "says only that the history was taken, or not"): 1,
        ("note", "billing and checklist of a procedure"): 1,
        ("note", "technique of a procedure"): 1,
        ("note", "an intervention without a problem"): 1,
        ("allergy", "refers to another system"): 1,
        ("medication", "order was cancelled"): 1,
        ("medication", "no drug is named"): 1,
        ("lab", "no value"): 1,
        ("lab", "no subject"): 1,
        ("vitalaperiodic", "no value"): 1,
        ("careplangeneral", "a heading without an item"): 1,
        ("careplangeneral", "who gives care and whom to ask"): 1,
        ("nursecharting", "no value"): 1,
    }


def test_what_rows_repeat_is_told_once(plain: Path) -> None:
    again = {row["table"]: row["n_events"] for row in attrition_of(plain) if row["step"] == "told once"}
    # Both unit stays of stay 100 hold its birth, sex, race, region, beds, teaching, first admission to a unit,
    # admission and discharge; the death in stay 101 is told by the unit and by the hospital.
    assert again == {"hospital_stay": 9 + 1}


def test_a_person_is_the_group_of_several_hospital_stays(plain: Path) -> None:
    dataset = open_dataset(plain)
    groups = dict(dataset.subjects.select("subject_id", "group_id").iter_rows())
    assert groups[100] == groups[101]
    assert len(set(groups.values())) == 3
    assert dataset.settings["dates"] == "relative"
    assert set(dataset.settings["groups"]) == {"sex", "race", "ethnicity", "region", "beds", "teaching"}


def test_what_is_known_of_the_hospital_is_shown_in_no_text(plain: Path) -> None:
    roles = dict(open_dataset(plain).codes.select("code", "role").iter_rows())
    hidden = {code for code, role in roles.items() if role == "identifier"}
    assert hidden == {
        "HOSPITAL_REGION//South", "HOSPITAL_BEDS//500 or more", "HOSPITAL_TEACHING//yes",
        "HOSPITAL_TEACHING//no", "FIRST_ICU_ADMISSION",
    }  # fmt: skip


def test_codes_have_words_that_a_clinician_reads(plain: Path) -> None:
    book = open_dataset(plain).codes
    words = dict(book.select("code", "description").rows())
    assert (
        words["HOSPITAL_ADMISSION//Emergency department"] == "Admitted to hospital from: emergency department"
    )
    assert (
        words["ICU_ADMISSION//Cardiothoracic intensive care"]
        == "Admitted to the unit: cardiothoracic intensive care"
    )
    assert (
        words["ADMISSION_DIAGNOSIS//Operative|Cardiovascular|Mitral valve repair"]
        == "Admitted after surgery: Mitral valve repair"
    )
    assert words["DIAGNOSIS//cardiovascular|shock / hypotension|sepsis|severe"] == "Sepsis, severe"
    assert words["DIAGNOSIS//toxicology|drug overdose"] == "Drug overdose"
    assert words["TREATMENT//infectious diseases|medications|therapeutic antibacterials|vancomycin"] == (
        "Treatment: therapeutic antibacterials, vancomycin"
    )
    history = "HISTORY//Organ Systems/"
    assert words[f"{history}Cardiovascular (R)/Congestive Heart Failure/CHF - class II"] == (
        "Past history: congestive heart failure, class II"
    )
    assert words[f"{history}Neurologic/Strokes/multiple/multiple"] == "Past history: strokes, multiple"
    assert words["EXAM//BP (systolic) Lowest"] == "Systolic blood pressure, lowest (examination)"
    assert (
        words["EXAM//Cardiovascular/Auscultation/Heart Sounds/S2"]
        == "Cardiovascular examination, heart sounds, S2"
    )
    assert words["EXAM//Pulmonary/Auscultation/Rales/Location/Posterior Lung Field(s)/Left/lower"] == (
        "Pulmonary examination, rales: posterior lung, left, lower"
    )
    assert words["EXAM//Skin/Rash/rash"] == "Skin examination: rash"
    assert words["DRUG//HICL 1866"] == "Acetaminophen"
    assert words["DRUG//HICL 3660"] == "Lasix"  # named by the drugs taken at home
    assert words["DRUG//HICL 99999"] == "A drug without a name"
    assert words["INFUSION//Norepinephrine//by weight"] == "Norepinephrine infusion, by weight"
    assert words["CARE_PLAN//Care Limitation//Do not resuscitate"] == "Care limitation: do not resuscitate"
    shown = book.filter(book["code"].is_in([row[2] for row in told(plain)]))
    bare = [text for text in shown["description"] if not text or any(mark in text for mark in "_|{}")]
    assert bare == []


def test_codes_of_icd_stand_above_the_problems_of_the_bedside(plain: Path) -> None:
    parents = dict(open_dataset(plain).codes.select("code", "parent_codes").rows())
    assert parents["DIAGNOSIS//cardiovascular|shock / hypotension|sepsis|severe"] == [
        "DIAGNOSIS//cardiovascular|shock / hypotension|sepsis", "ICD10CM/R65.2", "ICD9CM/995.92",
    ]  # fmt: skip
    assert parents["DIAGNOSIS//toxicology|drug overdose"] == [
        "DIAGNOSIS//toxicology", "ICD10CM/E87.2", "ICD9CM/E980.2", "ICD9CM/V62.84",
    ]  # fmt: skip
    assert parents["ICD9CM/995.92"] == ["ICD9CM/995.9"]


@pytest.mark.parametrize(
    "how",
    [{"case": "lower", "form": "csv.gz"}, {"case": "upper"}, {"form": "parquet"}, {"case": "lower", "form": "tsv"}],
    ids=str,
)  # fmt: skip
def test_names_and_kinds_of_files_make_no_difference(
    plain: Path, tmp_path: Path, how: dict[str, Any]
) -> None:
    ingest("eicu", write_eicu(tmp_path / "files", **how), None, tmp_path / "out")
    assert told(tmp_path / "out") == told(plain)
    assert open_dataset(tmp_path / "out").codes.equals(open_dataset(plain).codes)


LATER: dict[str, dict[str, str]] = {
    "apachePredVar": {"diedinhospital": "0", "dischargelocation": "4", "sicuday": "5", "saps3day1": "77", "var03hspxlos": "9"},
    "apachePatientResult": {"apachescore": "99", "predictedhospitalmortality": "0.99", "actualhospitalmortality": "ALIVE"},
    "diagnosis": {"activeupondischarge": "False"},
    "treatment": {"activeupondischarge": "True"},
    "medication": {"drugstopoffset": "1"},
    "carePlanGeneral": {"activeupondischarge": "False"},
    "patient": {
        "hospitaldischargelocation": "Home", "hospitaldischargestatus": "Alive", "hospitaldischargeoffset": "9000",
        "unitdischargelocation": "Floor", "unitdischargestatus": "Alive", "dischargeweight": "55",
    },
}  # fmt: skip


def test_nothing_that_is_known_later_shows_before_a_unit_stay_ends(plain: Path, tmp_path: Path) -> None:
    files = write_eicu(tmp_path / "files", without=tuple(LATER))
    for table, changes in LATER.items():
        write_table(files, table, [{**row, **changes} for row in rows_of(table)])
    ingest("eicu", files, None, tmp_path / "out")
    # The earliest end of a unit stay of each hospital stay: of 100 after 24 hours, of 101 after 1,000 minutes.
    ends = {100: 1440, 101: 1000, 102: 100, 103: 100}
    first = {
        subject: min(UNIT_ADMITTED[stay] for stay, of in SUBJECTS.items() if of == subject)
        for subject in ends
    }

    def before(out: Path) -> list[tuple[Any, ...]]:
        return [
            row for row in told(out)
            if row[1] is None or row[1] < first[row[0]] + dt.timedelta(minutes=ends[row[0]])
        ]  # fmt: skip

    assert before(tmp_path / "out") == before(plain)
    assert told(tmp_path / "out") != told(plain)


def test_a_stay_whose_end_is_unknown_has_no_discharge(plain: Path) -> None:
    codes = {row[2] for row in told(plain) if row[0] == 102}
    assert "HOSPITAL_STAY_END" in codes
    assert not any(code.startswith("HOSPITAL_DISCHARGE") for code in codes)


def test_only_the_table_of_stays_is_required(tmp_path: Path) -> None:
    others = tuple(set(TABLES) - {"patient"})
    summary = ingest("eicu", write_eicu(tmp_path / "files", without=others), None, tmp_path / "out")
    assert {"lab", "nursecharting", "admissiondrug"} <= set(summary["not_found"])
    assert summary["n_subjects"] == 4
    with pytest.raises(InputError, match="patient"):
        ingest("eicu", write_eicu(tmp_path / "b", without=("patient",)), None, tmp_path / "c")


def test_a_part_of_the_laboratory_is_found_under_another_name(plain: Path, tmp_path: Path) -> None:
    files = write_eicu(tmp_path / "files", without=("lab",))
    write_table(files, "lab_two_stays_subset", rows_of("lab"))
    ingest("eicu", files, None, tmp_path / "out")
    assert told(tmp_path / "out") == told(plain)


def test_a_renamed_column_is_named(tmp_path: Path) -> None:
    files = write_eicu(tmp_path / "files", without=("treatment",))
    rows = [{{"treatmentoffset": "offset"}.get(name, name): cell for name, cell in row.items()}
            for row in rows_of("treatment")]  # fmt: skip
    write_table(files, "treatment", rows)
    with pytest.raises(InputError) as caught:
        ingest("eicu", files, None, tmp_path / "out")
    assert "treatmentoffset" in str(caught.value)


@pytest.mark.parametrize(
    ("table", "column"),
    [("treatment", "treatmentoffset"), ("lab", "labresultrevisedoffset"), ("patient", "hospitaladmittime24")],
)
def test_a_time_that_cannot_be_read_is_named_with_its_row(tmp_path: Path, table: str, column: str) -> None:
    files = write_eicu(tmp_path / "files", without=(table,))
    rows = rows_of(table)
    rows[1][column] = "soon"
    write_table(files, table, rows)
    with pytest.raises(InputError) as caught:
        ingest("eicu", files, None, tmp_path / "out")
    assert f"{table}.csv" in str(caught.value)
    assert "data row 2" in str(caught.value)


def test_the_dataset_is_valid_and_the_doctor_finds_nothing_broken(plain: Path) -> None:
    for shard in open_dataset(plain).shards:
        DataSchema.validate(pq.read_table(shard.path))
    report = examine(plain)
    assert report["n_broken"] == 0
    warned = {one["check"] for one in report["findings"] if one["status"] == "warning"}
    assert warned == {"dataset_sites"}  # hospitals of one and of three stays
