"""CLIF of every version becomes events; what each table stands for is written out by hand."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from clif_tables import TABLES, rows_of, write_clif
from mapping_support import attrition_of, check_conservation, events_of, left_out, write_table
from meds import DataSchema

from osler.base.errors import InputError
from osler.checks.doctor import examine
from osler.record.dataset import open_dataset
from osler.record.sources import ingest

# subject | time | code | number | unit | words | visit | site
EVENTS = """
    1 |  | ETHNICITY//Not Hispanic or Latino |  |  |  |  |
    1 |  | GENDER//M |  |  |  |  |
    1 |  | LANGUAGE//English |  |  |  |  |
    1 |  | RACE//White |  |  |  |  |
    1 | 1959-06-01 16:00 | MEDS_BIRTH |  |  |  | 10 |
    1 | 2018-06-01 10:00 | HOSPITAL_ADMISSION//Other hospital |  |  |  | 10 |
    1 | 2018-06-03 10:00 | HOSPITAL_DISCHARGE//Home |  |  |  | 10 |
    1 | 2018-06-03 10:00 | ICD9CM/401.9 |  |  |  | 10 |
    1 | 2018-06-10 23:59 | ICD9PROC/38.97 |  |  |  | 10 |
    1 | 2020-01-01 06:00 | ED_ADMISSION |  |  |  | 11 | north
    1 | 2020-01-01 06:00 | ED_ARRIVAL |  |  | ambulance | 11 |
    1 | 2020-01-01 06:10 | TRIAGE//acuity | 2 |  |  | 11 |
    1 | 2020-01-01 06:10 | TRIAGE//chief complaint |  |  | Short of breath | 11 |
    1 | 2020-01-01 08:00 | HOSPITAL_ADMISSION//Emergency department |  |  |  | 11 |
    1 | 2020-01-01 08:20 | LAB//lactate | 2 | mmol/L |  | 11 |
    1 | 2020-01-01 08:30 | ED_DISCHARGE |  |  |  | 11 | north
    1 | 2020-01-01 08:30 | ICU_ADMISSION//Medical |  |  |  | 11 | north
    1 | 2020-01-01 09:00 | BODY//height | 170 | cm |  | 11 |
    1 | 2020-01-01 09:00 | BODY//weight | 80.5 | kg |  | 11 |
    1 | 2020-01-01 09:00 | PROCEDURE//placed//central venous catheter |  |  | right internal jugular | 11 |
    1 | 2020-01-01 09:00 | VITAL//heart_rate | 101 | /min |  | 11 |
    1 | 2020-01-01 09:00 | VITAL//sbp | 88 | mm[Hg] |  | 11 |
    1 | 2020-01-01 09:00 | VITAL//temperature | 38.4 | Cel |  | 11 |
    1 | 2020-01-01 09:30 | LAB//potassium | 4.1 | mmol/L |  | 11 |
    1 | 2020-01-01 09:30 | PROCEDURE//placed//endotracheal tube |  |  | size 7.5, cuffed | 11 |
    1 | 2020-01-01 10:00 | ASSESSMENT//braden_activity | 1 |  | bedfast | 11 |
    1 | 2020-01-01 10:00 | ASSESSMENT//cam_total |  |  | negative | 11 |
    1 | 2020-01-01 10:00 | ASSESSMENT//gcs_total | 15 |  |  | 11 |
    1 | 2020-01-01 10:00 | ASSESSMENT//gcs_verbal |  |  | not testable | 11 |
    1 | 2020-01-01 10:00 | ASSESSMENT//rass | -1 |  | awakens to voice | 11 |
    1 | 2020-01-01 10:00 | ASSESSMENT//sat_screen_performed |  |  | yes | 11 |
    1 | 2020-01-01 10:00 | ASSESSMENT//sbt_delivery_pass_fail |  |  | fail | 11 |
    1 | 2020-01-01 10:00 | INFUSION//norepinephrine | 0.1 | ug/kg/min | started | 11 |
    1 | 2020-01-01 10:00 | POSITION//not prone |  |  | left side | 11 |
    1 | 2020-01-01 10:00 | RESPIRATORY//device |  |  | invasive mechanical ventilation | 11 |
    1 | 2020-01-01 10:00 | RESPIRATORY//fio2_set | 0.4 | 1 |  | 11 |
    1 | 2020-01-01 10:00 | RESPIRATORY//mode |  |  | pressure support or CPAP | 11 |
    1 | 2020-01-01 10:00 | RESPIRATORY//peep_set | 5 | cm[H2O] |  | 11 |
    1 | 2020-01-01 10:00 | RESPIRATORY//tidal_volume_obs | 450 | mL |  | 11 |
    1 | 2020-01-01 10:00 | RESPIRATORY//tracheostomy |  |  |  | 11 |
    1 | 2020-01-01 10:30 | DRUG_ORDER//acetaminophen | 650 | mg | oral, every 6 hours, as needed | 11 |
    1 | 2020-01-01 10:30 | NOTE//radiology//ct |  |  | No embolus. |  |
    1 | 2020-01-01 11:00 | DRUG//piperacillin tazobactam | 4.5 | g | intravenous | 11 |
    1 | 2020-01-01 11:00 | LAB//troponin_t | 6 | ng/L | <6 | 11 |
    1 | 2020-01-01 11:00 | POSITION//prone |  |  |  | 11 |
    1 | 2020-01-01 12:00 | INFUSION//norepinephrine | 0 | ug/kg/min | stopped | 11 |
    1 | 2020-01-01 12:40 | LAB//hemoglobin |  | g/dL | Unable to report. | 11 |
    1 | 2020-01-01 12:40 | LAB//monocytes_percent | 5.5 | % |  | 11 |
    1 | 2020-01-01 13:00 | MICROBIOLOGY//Gram stain//blood buffy |  |  | Gram negative rod | 11 |
    1 | 2020-01-01 14:00 | LAB//glucose_serum//cerebrospinal fluid | 60 | mg/dL |  | 11 |
    1 | 2020-01-01 20:00 | MICROBIOLOGY//pcr//sars cov2//respiratory tract |  |  | detected | 11 |
    1 | 2020-01-02 09:00 | ICU_ADMISSION |  |  | Unit 7 | 11 | south
    1 | 2020-01-02 09:00 | ICU_DISCHARGE//Medical |  |  |  | 11 | north
    1 | 2020-01-02 09:00 | NOTE//progress |  |  | Better today. | 11 |
    1 | 2020-01-02 10:00 | HEMODYNAMICS//cardiac_output_fick | 4.5 | L/min |  | 11 |
    1 | 2020-01-02 10:00 | HEMODYNAMICS//pcwp | 18 | mm[Hg] |  | 11 |
    1 | 2020-01-02 10:00 | INPUT//saline | 500 | mL |  | 11 |
    1 | 2020-01-02 10:00 | MCS//flow | 4.2 | L/min |  | 11 |
    1 | 2020-01-02 10:00 | MCS//oxygen | 0.9 | 1 |  | 11 |
    1 | 2020-01-02 10:00 | MCS//rpm | 3000 | /min |  | 11 |
    1 | 2020-01-02 10:00 | MCS//support |  |  | ECMO, VV | 11 |
    1 | 2020-01-02 10:00 | MCS//sweep_gas | 3 | L/min |  | 11 |
    1 | 2020-01-02 10:00 | ORDER//pt evaluation |  |  |  | 11 |
    1 | 2020-01-02 10:00 | OUTPUT//urine | 80 | mL |  | 11 |
    1 | 2020-01-02 12:00 | THERAPY//sitting time | 10 |  |  | 11 |
    1 | 2020-01-02 12:00 | TRANSFUSION//red blood cells | 300 | mL | irradiated | 11 |
    1 | 2020-01-03 09:00 | ICU_DISCHARGE |  |  |  | 11 | south
    1 | 2020-01-03 09:00 | TRANSFER//ward |  |  | Ward 5 | 11 | south
    1 | 2020-01-03 10:00 | CRRT//blood_flow | 200 | mL/min |  | 11 |
    1 | 2020-01-03 10:00 | CRRT//dialysate_flow_rate | 800 | mL/h |  | 11 |
    1 | 2020-01-03 10:00 | CRRT//mode |  |  | venovenous hemodiafiltration (CVVHDF) | 11 |
    1 | 2020-01-03 10:00 | CRRT//ultrafiltration | 100 | mL/h |  | 11 |
    1 | 2020-01-03 11:00 | CRRT//blood_flow | 200 | mL/min |  | 11 |
    1 | 2020-01-03 12:00 | MICROBIOLOGY//culture//blood buffy |  |  | Escherichia coli | 11 |
    1 | 2020-01-03 12:00 | MICROBIOLOGY//susceptibility//ampicillin |  |  | non-susceptible | 11 |
    1 | 2020-01-03 12:00 | MICROBIOLOGY//susceptibility//meropenem |  |  | susceptible, MIC <=1 | 11 |
    1 | 2020-01-04 09:00 | PROCEDURE//removed//central venous catheter |  |  |  | 11 |
    1 | 2020-01-04 10:00 | CODE_STATUS//do not resuscitate, do not intubate |  |  |  |  |
    1 | 2020-01-04 12:00 | MICROBIOLOGY//culture//genito urinary tract |  |  | no growth | 11 |
    1 | 2020-01-05 22:30 | HOSPITAL_DISCHARGE//Died |  |  |  | 11 |
    1 | 2020-01-05 22:30 | MEDS_DEATH |  |  |  |  |
    1 | 2020-01-05 23:59 | ICD10CM/A41.9 |  |  | primary diagnosis, present on admission | 11 |
    1 | 2020-01-05 23:59 | ICD10CM/I46.9 |  |  | not present on admission | 11 |
    1 | 2020-01-05 23:59 | ICD10PCS/5A1D70Z |  |  |  | 11 |
    2 |  | ETHNICITY//Hispanic or Latino |  |  |  |  |
    2 |  | GENDER//F |  |  |  |  |
    2 |  | LANGUAGE//Haitian creole |  |  |  |  |
    2 |  | RACE//Black or African American |  |  |  |  |
    2 | 1960-02-03 00:00 | MEDS_BIRTH |  |  |  |  |
    2 | 2021-03-01 09:00 | HOSPITAL_ADMISSION//Elective |  |  |  | 20 |
    2 | 2021-03-01 09:00 | PLACE//Area Deprivation Index | 42 |  |  | 20 |
    2 | 2021-03-01 09:00 | TRANSFER//l&d |  |  |  | 20 | south
    2 | 2021-03-01 09:10 | ATTRIBUTE//smoking status |  |  | former |  |
    2 | 2021-03-01 09:30 | PROCEDURE//placed//urinary catheter |  |  |  | 20 |
    2 | 2021-03-01 10:00 | CODE_STATUS//presumed full code |  |  |  |  |
    2 | 2021-03-01 10:00 | RESPIRATORY//device |  |  | high-flow nasal cannula | 20 |
    2 | 2021-03-01 10:00 | RESPIRATORY//lpm_set | 30 | L/min |  | 20 |
    2 | 2021-03-01 10:00 | VITAL//intracranial_pressure | 12 | mm[Hg] |  | 20 |
    2 | 2021-03-01 11:00 | DRUG//Folic acid | 1 | mg | by mouth or feeding tube | 20 |
    2 | 2021-03-01 14:00 | LAB//Local test |  |  | pos | 20 |
    2 | 2021-03-01 14:00 | LAB//pleural_ldh | 300 | U/L |  | 20 |
    2 | 2021-03-01 14:00 | LOINC/5763-8 | 70 | ug/dL |  | 20 |
    2 | 2021-03-02 10:00 | DIALYSIS//blood_flow_rate | 300 | mL/min |  | 20 |
    2 | 2021-03-02 10:00 | DIALYSIS//net_ultrafiltration_out | 2000 | mL |  | 20 |
    2 | 2021-03-02 10:00 | INPUT//iv crystalloid | 1000 | mL |  | 20 |
    2 | 2021-03-02 10:00 | MCS//pump_flow | 3.1 |  | LVAD, Impella CP | 20 |
    2 | 2021-03-02 10:00 | OUTPUT//indwelling urinary catheter | 250 | mL |  | 20 |
    2 | 2021-03-04 12:00 | CPT4/99291 |  |  |  | 20 |
    2 | 2021-03-04 12:00 | HOSPITAL_DISCHARGE//Against medical advice |  |  |  | 20 |
    2 | 2021-03-04 12:00 | ICD10CM/E11.9 |  |  | medical history | 20 |
    2 | 2021-07-09 23:59 | MEDS_DEATH |  |  |  |  |
    3 |  | ETHNICITY//Unknown |  |  |  |  |
    3 |  | RACE//Unknown |  |  |  |  |
    3 | 1990-05-06 00:00 | MEDS_BIRTH |  |  |  |  |
    3 | 2022-02-02 02:00 | HOSPITAL_ADMISSION |  |  |  | 30 |
    4 |  | GENDER//F |  |  |  |  |
    4 | 1950-01-01 00:00 | MEDS_BIRTH |  |  |  |  |
    4 | 2019-09-09 09:09 | HOSPITAL_ADMISSION |  |  |  | 40 |
    4 | 2019-09-10 10:10 | HOSPITAL_DISCHARGE//Died |  |  |  | 40 |
    4 | 2019-09-10 10:10 | MEDS_DEATH |  |  |  | 40 |
"""


def expected() -> list[tuple[Any, ...]]:
    """The events as they are written above."""
    found = []
    for line in EVENTS.strip().splitlines():
        cells: list[Any] = [cell.strip() or None for cell in line.split(" |")]
        subject, time, code, number, unit, words, visit, site = cells + [None] * (8 - len(cells))
        when = dt.datetime.strptime(time, "%Y-%m-%d %H:%M") if time else None
        value = None if number is None else float(number)
        found.append((int(subject), when, code, value, unit, words, int(visit) if visit else None, site))
    return found


def told(out: Path) -> list[tuple[Any, ...]]:
    """The events of a dataset in the same shape; 32 bits hold some seven digits."""
    names = ("subject_id", "time", "code", "numeric_value", "unit", "text_value", "visit_id", "site")
    rows = [[row.get(name) for name in names] for row in events_of(out)]
    return [(*row[:3], None if row[3] is None else round(row[3], 4), *row[4:]) for row in rows]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clif")
    ingest("clif", write_clif(folder / "files"), None, folder / "out")
    return folder / "out"


def test_every_table_becomes_the_events_it_stands_for(plain: Path) -> None:
    assert told(plain) == expected()


def test_every_table_of_the_test_is_known_to_the_spec_and_read_or_ignored(plain: Path) -> None:
    steps = {(row["table"], row["step"]) for row in attrition_of(plain)}
    assert {table for table, step in steps if step in ("read", "not read")} == set(TABLES)
    ignored = {"clinical_notes_facts", "sensitivity", "clinical_trial", "provider", "validated_diagnosis",
               "scores", "model_registry"}  # fmt: skip
    assert {table for table, step in steps if step == "not read"} == ignored


def test_what_is_left_out_says_why(plain: Path) -> None:
    check_conservation(plain)
    left = left_out(plain)
    assert left == {
        ("hospitalization", "subject is not in the table of subjects"): 1,
        ("vitals", "no value"): 1,
        ("labs", "no value"): 1,
        ("medication_admin_intermittent", "not given"): 1,
        ("respiratory_support", "no value"): 1,
        ("patient_assessments", "no value"): 1,
        ("hospital_diagnosis", "the stay has not ended: its codes are given at discharge"): 1,
        ("microbiology_susceptibility", "no subject"): 1,
        ("microbiology_susceptibility", "no value"): 1,
        ("intake_output", "neither intake nor output"): 1,
        ("key_icu_orders", "canceled"): 1,
        ("clinical_notes_text", "not finished"): 1,
    }


def test_codes_have_words_that_a_clinician_reads(plain: Path) -> None:
    words = dict(open_dataset(plain).codes.select("code", "description").rows())
    assert words["GENDER//F"] == "Sex: F"
    assert words["HOSPITAL_ADMISSION//Other hospital"] == "Admitted to hospital from another hospital"
    assert words["HOSPITAL_DISCHARGE//Home"] == "Discharged from hospital to home"
    assert words["HOSPITAL_DISCHARGE//Died"] == "Died in hospital"
    assert words["ICU_ADMISSION//Medical"] == "Admitted to intensive care (medical)"
    assert words["LAB//glucose_serum//cerebrospinal fluid"] == "Glucose, cerebrospinal fluid"
    assert words["LAB//pleural_ldh"] == "LDH, pleural fluid"
    assert words["LOINC/5763-8"] == "Zinc"
    assert words["DRUG//piperacillin tazobactam"] == "Piperacillin/tazobactam"
    assert words["DRUG//Folic acid"] == "Folic acid"
    assert words["MICROBIOLOGY//culture//blood buffy"] == "Culture, blood"
    assert words["ASSESSMENT//braden_activity"] == "Braden Scale, activity"
    bare = [code for code, text in words.items() if not text or "_" in text]
    assert bare == []


def test_a_birth_is_the_latest_that_fits_every_age_at_admission(plain: Path) -> None:
    born = {row["subject_id"]: row["time"] for row in events_of(plain) if row["code"] == "MEDS_BIRTH"}
    for stay in rows_of("hospitalization"):
        if stay["patient_id"] != "1":
            continue
        admitted = dt.datetime.fromisoformat(stay["admission_dttm"]).replace(tzinfo=None)
        assert (admitted - born[1]) / dt.timedelta(days=365.25) >= int(stay["age_at_admission"])
    assert min(born.values()) == dt.datetime(1950, 1, 1)  # stated: the ages of the others are not asked


@pytest.mark.parametrize(
    "how", [{"prefix": ""}, {"form": "parquet"}, {"form": "csv.gz", "prefix": "CLIF_"}], ids=str
)
def test_names_and_kinds_of_files_make_no_difference(
    plain: Path, tmp_path: Path, how: dict[str, Any]
) -> None:
    ingest("clif", write_clif(tmp_path / "files", **how), None, tmp_path / "out")
    assert told(tmp_path / "out") == told(plain)
    assert open_dataset(tmp_path / "out").codes.equals(open_dataset(plain).codes)


def test_times_are_told_in_the_zone_that_is_asked_for(plain: Path, tmp_path: Path) -> None:
    ingest("clif", write_clif(tmp_path / "files"), None, tmp_path / "out", timezone="Etc/GMT+5")
    moved = {row[2]: row[1] for row in told(tmp_path / "out") if row[0] == 1}
    there = {row[2]: row[1] for row in told(plain) if row[0] == 1}
    for code in ("HOSPITAL_ADMISSION//Emergency department", "LAB//potassium", "MEDS_DEATH"):
        assert there[code] - moved[code] == dt.timedelta(hours=5)


def test_columns_of_earlier_versions_are_read_alike(tmp_path: Path) -> None:
    """2.0 writes device_rate, sweep and fdO2, 2.1 in places `ultrafilteration_out`, 3.0 measurement_value."""
    stay = {"hospitalization_id": "11", "recorded_dttm": "2020-01-02 10:00:00+00:00"}
    ecmo = {"device_category": "ECMO", "device_metric_name": "RPMs", "device_rate": "3000", "sweep": "3"}
    wedge = {"measurement_category": "pcwp", "measurement_value": "18"}
    files = write_clif(tmp_path / "files", without=("ecmo_mcs", "crrt_therapy", "invasive_hemodynamics"))
    write_table(files, "ecmo_mcs", [{**stay, **ecmo, "flow": "4.2", "fdO2": "0.9"}])
    write_table(files, "crrt_therapy", [{**stay, "ultrafilteration_out": "100"}])
    write_table(files, "invasive_hemodynamics", [{**stay, **wedge}])
    ingest("clif", files, None, tmp_path / "out")
    found = {row[2]: row[3] for row in told(tmp_path / "out")}
    asked = {"MCS//rpms": 3000, "MCS//sweep_gas": 3, "MCS//flow": 4.2, "MCS//oxygen": 0.9,
             "CRRT//ultrafiltration": 100, "HEMODYNAMICS//pcwp": 18}  # fmt: skip
    assert {code: found[code] for code in asked} == asked


def test_only_patients_and_stays_are_required(tmp_path: Path) -> None:
    others = tuple(set(TABLES) - {"patient", "hospitalization"})
    files = write_clif(tmp_path / "files", without=others)
    summary = ingest("clif", files, None, tmp_path / "out")
    assert {"labs", "vitals", "adt", "clinical_notes_text"} <= set(summary["not_found"])
    with pytest.raises(InputError, match="hospitalization"):
        ingest("clif", write_clif(tmp_path / "b", without=("hospitalization",)), None, tmp_path / "c")


def test_a_renamed_column_is_named(tmp_path: Path) -> None:
    files = write_clif(tmp_path / "files", without=("vitals",))
    rows = [{{"vital_category": "vital_type"}.get(name, name): cell for name, cell in row.items()}
            for row in rows_of("vitals")]  # fmt: skip
    write_table(files, "clif_vitals", rows)
    with pytest.raises(InputError) as caught:
        ingest("clif", files, None, tmp_path / "out")
    assert "vital_category" in str(caught.value)
    assert "vital_type" in str(caught.value)


def test_a_date_that_cannot_be_read_is_named_with_its_row(tmp_path: Path) -> None:
    files = write_clif(tmp_path / "files", without=("position",))
    rows = rows_of("position")
    rows[1]["recorded_dttm"] = "soon"
    write_table(files, "clif_position", rows)
    with pytest.raises(InputError) as caught:
        ingest("clif", files, None, tmp_path / "out")
    assert "clif_position.csv" in str(caught.value)
    assert "recorded_dttm" in str(caught.value)
    assert "data row 2" in str(caught.value)


def test_the_dataset_is_valid_and_the_doctor_finds_nothing_broken(plain: Path) -> None:
    for shard in open_dataset(plain).shards:
        DataSchema.validate(pq.read_table(shard.path))
    report = examine(plain)
    assert report["n_broken"] == 0
    warned = {one["check"] for one in report["findings"] if one["status"] == "warning"}
    # Codes of ICD, which CLIF does not describe, and sites of one patient.
    assert warned == {"dataset_codes", "dataset_sites"}


def test_a_limit_keeps_its_decimal_point(tmp_path: Path) -> None:
    """Where a site leaves out lab_value_numeric the number is read out of the words."""
    files = write_clif(tmp_path / "files", without=("labs",))
    row = {**dict.fromkeys(rows_of("labs")[0]), **rows_of("labs")[0], "lab_value_numeric": None}
    troponin = {**row, "lab_category": "troponin_t", "reference_unit": "ng/mL", "lab_value": "<.01"}
    lactate = {**row, "lab_category": "lactate", "reference_unit": "mmol/L", "lab_value": " .9. "}
    write_table(files, "clif_labs", [troponin, lactate])
    ingest("clif", files, None, tmp_path / "out")
    found = {row[2]: row[3:6] for row in told(tmp_path / "out") if row[2].startswith("LAB//")}
    assert [round(value[0], 3) for value in found.values()] == [0.9, 10.0]


def test_a_diagnosis_of_a_fatal_stay_is_not_seen_before_the_death(tmp_path: Path) -> None:
    files = write_clif(tmp_path / "files", without=("patient_diagnosis",))
    stay = next(row for row in rows_of("hospitalization") if row["discharge_category"].lower() == "expired")
    rows = [
        {"patient_id": stay["patient_id"], "hospitalization_id": stay["hospitalization_id"],
         "diagnosis_code": "A41.9", "diagnosis_code_format": "ICD10CM", "source_type": "encounter_dx",
         "start_dttm": stay["admission_dttm"]},
    ]  # fmt: skip
    write_table(files, "clif_patient_diagnosis", rows)
    ingest("clif", files, None, tmp_path / "out")
    found = told(tmp_path / "out")
    died = next(row[1] for row in found if row[2] == "MEDS_DEATH" and str(row[0]) == stay["patient_id"])
    seen = [row[1] for row in found if row[2] == "ICD10CM/A41.9" and row[5] == "diagnosis of the encounter"]
    assert seen
    assert all(time >= died for time in seen)
