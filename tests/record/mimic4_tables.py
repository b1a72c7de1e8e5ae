"""A small MIMIC-IV: made-up rows of every table, with the traps of the real ones."""

from pathlib import Path
from typing import Any

from mapping_support import write_table

Rows = list[dict[str, Any]]


def rows(header: str, *lines: str) -> Rows:
    """Rows out of lines whose cells stand between bars."""
    names = [name.strip() for name in header.split("|")]
    cells = [[cell.strip() or None for cell in line.split("|")] for line in lines]
    assert all(len(found) == len(names) for found in cells), header
    return [dict(zip(names, found, strict=True)) for found in cells]


def hosp() -> dict[str, Rows]:
    """The hospital: woman 10 died (her stay was closed at 00:00 of that day), man 20 went home."""
    return {
        "patients": rows(
            "subject_id|gender|anchor_age|anchor_year|anchor_year_group|dod",
            "10|F|91|2150|2014 - 2016|2150-01-05",
            "20|M|40|2130|2011 - 2013|2131-01-01",
            "30|F|25|2140|2011 - 2013|",
        ),
        "admissions": rows(
            "subject_id|hadm_id|admittime|dischtime|deathtime|admission_type|admission_location"
            "|discharge_location|insurance|language|marital_status|race|hospital_expire_flag",
            "10|100|2150-01-02 10:00:00|2150-01-05 00:00:00|2150-01-05 08:00:00|EW EMER.|EMERGENCY ROOM"
            "|DIED|Medicare|?|WIDOWED|HISPANIC/LATINO - PUERTO RICAN|1",
            "20|200|2130-03-01 09:00:00|2130-03-04 12:00:00||ELECTIVE|PHYSICIAN REFERRAL"
            "|HOME HEALTH CARE|Other|ENGLISH||WHITE - RUSSIAN|0",
            "20|201|2130-06-01 09:00:00|2130-06-01 19:00:00||AMBULATORY OBSERVATION"
            "|INFORMATION NOT AVAILABLE||Other|ENGLISH||PATIENT DECLINED TO ANSWER|0",
        ),
        "transfers": rows(
            "subject_id|hadm_id|transfer_id|eventtype|careunit|intime|outtime",
            "20|200|901|ED|Emergency Department|2130-03-01 06:00:00|2130-03-01 09:30:00",
            "20||902|ED|Emergency Department|2129-03-01 06:00:00|2129-03-01 07:00:00",
            "20|200|903|admit|PACU|2130-03-01 09:30:00|2130-03-01 12:00:00",
            "20|200|904|transfer|Medical Intensive Care Unit (MICU)|2130-03-01 12:00:00|2130-03-02 12:00:00",
            "20|200|905|transfer|Med/Surg|2130-03-02 12:00:00|2130-03-04 12:00:00",
            "20|200|906|discharge||2130-03-04 12:00:00|",
        ),
        "services": rows(
            "subject_id|hadm_id|transfertime|prev_service|curr_service",
            "20|200|2130-03-01 09:05:00||CMED",
        ),
        "d_labitems": rows(
            "itemid|label|fluid|category",
            "50809|Glucose|Blood|Blood Gas",
            "50931|Glucose|Blood|Chemistry",
            "51478|Glucose, Urine|Urine|Hematology",
            "51053|Glucose|Pleural|Chemistry",
        ),
        "labevents": rows(
            "labevent_id|subject_id|hadm_id|itemid|charttime|storetime|value|valuenum|valueuom"
            "|ref_range_lower|ref_range_upper|flag|priority|comments",
            "1|20|200|50931|2130-03-01 10:00:00|2130-03-01 11:00:00|128|128|mg/dL|70|105|abnormal|STAT|",
            "2|20|200|50931|2130-03-02 10:00:00|2130-03-02 11:00:00|<0.5|0.5|mg/dL|70|105|abnormal||___",
            "3|20||51478|2130-02-01 10:00:00|2130-02-01 12:00:00|NEG||mg/dL||||ROUTINE|",
            "4|20||51053|2130-02-01 10:00:00|2130-02-02 12:00:00|___||mg/dL|||||HEMOLYZED  SPECIMEN, ___.",
            "5|20|200|50809|2130-03-01 10:00:00|2130-03-01 10:05:00|___||mg/dL|||||",
            "6|20|200|50809|2130-03-01 10:30:00|2130-03-01 10:35:00|101|101|mg/dL|||||___",
        ),
        "microbiologyevents": rows(
            "microevent_id|subject_id|hadm_id|chartdate|charttime|spec_type_desc|storedate|storetime"
            "|test_name|org_name|ab_name|dilution_text|interpretation|comments",
            *(
                f"{n}|20|200|2130-03-01 00:00:00|2130-03-01 10:00:00|URINE|2130-03-03 00:00:00"
                f"|2130-03-03 09:00:00|URINE CULTURE|ESCHERICHIA COLI|{drug}|>=100,000/ML."
                for n, drug in enumerate(("AMPICILLIN|=>32|R", "PENICILLIN G||I", "CEFTRIAXONE|<=1|S"))
            ),
            "4|20||2130-03-01 00:00:00||BLOOD CULTURE|2130-03-06 00:00:00|2130-03-06 07:00:00"
            "|Blood Culture, Routine|||||NO GROWTH.",
            "5|20||2130-03-01 00:00:00|2130-03-01 10:00:00|SPUTUM|||ACID FAST CULTURE|||||NO MYCOBACTERIA.",
            "6|20||2130-03-01 00:00:00|2130-03-01 10:00:00|SPUTUM|2130-03-02 00:00:00|2130-03-02 10:00:00"
            "|GRAM STAIN|CANCELLED||||TEST CANCELLED",
            "7|20||2130-03-01 00:00:00|2130-03-01 10:00:00|SPUTUM|2130-03-02 00:00:00|2130-03-02 10:00:00"
            "|GRAM STAIN|||||___",
        ),
        "omr": rows(
            "subject_id|chartdate|seq_num|result_name|result_value",
            "20|2130-01-10|1|Blood Pressure|120/80",
            "20|2130-01-10|2|Blood Pressure Standing (1 min)|110 / 70",
            "20|2130-01-10|3|Blood Pressure|refused",
            "20|2130-01-10|1|Weight (Lbs)|200",
            "20|2130-01-10|1|Height (Inches)|70",
            "20|2130-01-10|1|BMI (kg/m2)|28.7",
            "20|2130-01-10|1|eGFR|>60",
        ),
        "prescriptions": rows(
            "subject_id|hadm_id|pharmacy_id|poe_id|starttime|drug_type|drug|dose_val_rx|dose_unit_rx"
            "|doses_per_24_hrs|route",
            "20|200|1|20-1|2130-03-01 13:00:00|MAIN|Oxycodone|5-10|mg||PO/NG",
            "20|200|2|20-2|2130-03-01 13:00:00|MAIN|Vancomycin|1000|mg|2.0|IV",
            "20|200|2|20-2|2130-03-01 13:00:00|BASE|SW|200|mL||",
            "20|200|5|20-4|2130-03-01 16:00:00|BASE|NS|1000|mL||IV",
            "20|200|5|20-4|2130-03-01 16:00:00|BASE|Bag|1|BAG||IV",
            "20|200|6|20-4|2130-03-01 16:00:00|BASE|NS|1000|mL||IV",
            "20|200|3|20-3||MAIN|Insulin|0|UNIT|1|SC",
        ),
        "pharmacy": rows(
            "subject_id|hadm_id|pharmacy_id|starttime|entertime|medication|proc_type|status",
            "20|200|1|2130-03-01 13:00:00|2130-03-01 12:40:00|Oxycodone|Unit Dose|Expired",
            "20|200|2|2130-03-01 13:00:00|2130-03-01 13:25:00|Vancomycin|IV Piggyback|Discontinued",
            "20|200|3|2130-03-01 14:00:00|2130-03-01 14:05:00|Insulin|Unit Dose|Discontinued",
            "20|200|4|2130-03-01 18:00:00|2130-03-01 15:00:00||TPN|Discontinued",
            "20|200|5|2130-03-01 16:00:00|2130-03-01 15:00:00||IV Large Volume|Discontinued",
            "20|200|6|2130-03-01 16:00:00|2130-03-01 15:00:00||IV Large Volume|Discontinued",
        ),
        "emar": rows(
            "subject_id|hadm_id|emar_id|charttime|storetime|medication|event_txt",
            "20|200|20-1|2130-03-01 14:00:00|2130-03-01 14:02:00|Vancomycin|Administered",
            "20|200|20-2|2130-03-02 02:00:00|2130-03-02 02:10:00|Vancomycin|Not Given",
            "20|200|20-3|2130-03-02 14:00:00|2130-03-02 14:10:00|Vancomycin|Delayed Administered",
            "20|200|20-4|2130-03-02 15:00:00|2130-03-02 15:00:00|Vancomycin|Stopped",
        ),
        "emar_detail": rows(
            "subject_id|emar_id|emar_seq|dose_given|dose_given_unit|product_description|infusion_rate"
            "|infusion_rate_unit|route",
            "20|20-1|1||||||",
            "20|20-1|1|1,000|mg|Vancomycin 1g bag|||IV",
            "20|20-3|1|___||Vancomycin 1g bag|200|mL/hr|IV",
            "20|20-9|9|5|mg|Lost|||",
        ),
        "poe": rows(
            "poe_id|poe_seq|subject_id|hadm_id|ordertime|order_type|order_subtype|transaction_type",
            "20-1|1|20|200|2130-03-01 12:39:00|Medications||New",
            "20-5|5|20|200|2130-03-01 12:50:00|Lab||New",
            "20-6|6|20|200|2130-03-01 12:55:00|Radiology|CT Scan|New",
            "20-7|7|20|200|2130-03-01 13:55:00|Nutrition||D/C",
            "20-8|8|20|200|2130-03-01 14:55:00|General Care|Code status|New",
        ),
        "poe_detail": rows(
            "poe_id|poe_seq|subject_id|field_name|field_value",
            "20-8|8|20|Code status|Do not resuscitate (DNR/DNI)",
            "20-8|8|20|Tubes & Drains type|Chest  tube",
            "20-8|8|20|Consult Status Time|2130-03-01 14:55:03",
            "20-99|99|20|Admit to|Surgery",
        ),
        "d_icd_diagnoses": rows(
            "icd_code|icd_version|long_title",
            "4019|9|Unspecified essential hypertension",
            "I10|10|Essential (primary) hypertension",
        ),
        "diagnoses_icd": rows(
            "subject_id|hadm_id|seq_num|icd_code|icd_version",
            "20|200|1|4019|9",
            "10|100|2|I10|10",
        ),
        "d_icd_procedures": rows("icd_code|icd_version|long_title", "9604|9|Insertion of a tube"),
        "procedures_icd": rows(
            "subject_id|hadm_id|seq_num|chartdate|icd_code|icd_version",
            "20|200|1|2130-03-02|9604|9",
            "10|100|1|2150-01-03|0BH17EZ|10",
        ),
        "drgcodes": rows(
            "subject_id|hadm_id|drg_type|drg_code|description|drg_severity|drg_mortality",
            "10|100|APR|720|SEPTICEMIA & DISSEMINATED INFECTIONS W/O MV|4|3",
            "20|200|HCFA|280|AMI, DISCHARGED ALIVE W MCC||",
        ),
        "d_hcpcs": rows(
            "code|category|long_description|short_description",
            "G0378|1|Hospital observation service, per hour|Hospital observation per hr",
        ),
        "hcpcsevents": rows(
            "subject_id|hadm_id|chartdate|hcpcs_cd|seq_num|short_description",
            "20|201|2130-06-01|G0378|1|Hospital observation per hr",
            "20|201|2130-06-01|99219|2|Observation",
        ),
        "provider": rows("provider_id", "P1", "P2"),
    }


def icu() -> dict[str, Rows]:
    """Intensive care."""
    stay = "20|200|800"
    return {
        "icustays": rows(
            "subject_id|hadm_id|stay_id|first_careunit|last_careunit|intime|outtime|los",
            f"{stay}|Medical Intensive Care Unit (MICU)|Surgical Intensive Care Unit (SICU)"
            "|2130-03-01 12:00:00|2130-03-02 12:00:00|1",
        ),
        "d_items": rows(
            "itemid|label|abbreviation|linksto|category|unitname|param_type",
            "220045|Heart Rate|HR|chartevents|Routine Vital Signs|bpm|Numeric",
            "223761|Temperature Fahrenheit|T|chartevents|Routine Vital Signs|°F|Numeric",
            "226512|Admission Weight (Kg)|W|chartevents|General|kg|Numeric",
            "220739|GCS - Eye Opening|GCS|chartevents|Neurological|None|Text",
            "220635|Magnesium|Mg|chartevents|Labs|None|Numeric",
            "225664|Glucose finger stick|GFS|chartevents|Labs|None|Numeric",
            "220046|Heart rate Alarm - High|HR A|chartevents|Alarms|bpm|Numeric",
            "225103|IV access  prior to admission|IV|chartevents|Adm History/FHPA|None|Checkbox",
            "224288|Arterial line Insertion Date|A|datetimeevents|Access Lines - Invasive|None|Date and time",
            "225754|20 Gauge Insertion Date|G|datetimeevents|Access Lines - Peripheral|None|Date and time",
            "221906|Norepinephrine|N|inputevents|Medications|mg|Solution",
            "226559|Foley|F|outputevents|Output|mL|Numeric",
            "226588|Chest Tube #1|C|outputevents|Output|mL|Numeric",
            "225792|Invasive Ventilation|V|procedureevents|2-Ventilation|None|Processes",
            "224275|20 Gauge|20|procedureevents|Access Lines - Peripheral|None|Processes",
            "225402|EKG|EKG|procedureevents|4-Procedures|None|Processes",
        ),
        "chartevents": rows(
            "subject_id|hadm_id|stay_id|charttime|storetime|itemid|value|valuenum|valueuom|warning",
            f"{stay}|2130-03-01 13:00:00|2130-03-01 13:20:00|220045|88|88|bpm|0",
            f"{stay}|2130-03-01 14:00:00|2130-03-01 14:20:00|220045|300|300|bpm|1",
            f"{stay}|2130-03-01 13:00:00|2130-03-01 13:20:00|223761|98.6|98.6|°F|0",
            f"{stay}|2130-03-01 13:00:00|2130-03-01 13:20:00|226512|90|90|kg|0",
            f"{stay}|2130-03-01 13:00:00|2130-03-01 13:20:00|220739|To Speech|3||0",
            f"{stay}|2130-03-01 13:00:00|2130-03-01 13:20:00|220635|2.1|2.1|mg/dL|0",
            f"{stay}|2130-03-01 13:00:00|2130-03-01 13:20:00|225664|140|140||0",
            f"{stay}|2130-03-01 13:00:00|2130-03-01 13:20:00|220046|120|120|bpm|0",
            f"{stay}|2130-03-01 13:00:00|2130-03-01 13:20:00|225103|1|1||0",
            f"{stay}|2130-03-01 13:00:00|2130-03-01 13:20:00|225103|0|0||0",
            f"{stay}|2130-03-01 13:00:00|2130-03-01 13:20:00|220045|||bpm|0",
        ),
        "datetimeevents": rows(
            "subject_id|hadm_id|stay_id|charttime|storetime|itemid|value|valueuom|warning",
            f"{stay}|2130-03-01 16:00:00|2130-03-01 16:00:00|224288|2130-02-27 00:00:00|Date|0",
            f"{stay}|2130-03-01 16:00:00|2130-03-01 16:00:00|225754|2130-03-02 00:00:00|Date|0",
        ),
        "inputevents": rows(
            "subject_id|hadm_id|stay_id|starttime|endtime|storetime|itemid|amount|amountuom|rate|rateuom"
            "|orderid|statusdescription",
            f"{stay}|2130-03-01 13:00:00|2130-03-01 15:00:00|2130-03-01 13:10:00|221906|0.5|mg|0.05"
            "|mcg/kg/min|1|ChangeDose/Rate",
            f"{stay}|2130-03-01 15:00:00|2130-03-01 17:00:00|2130-03-01 15:10:00|221906|1|mg|0.1"
            "|mcg/kg/min|1|Stopped",
            f"{stay}|2130-03-01 15:00:00|2130-03-01 15:01:00|2130-03-01 15:30:00|221906|0.1|mg|||2"
            "|FinishedRunning",
            f"{stay}|2130-03-01 15:00:00|2130-03-01 16:00:00|2130-03-01 15:30:00|221906|9|mg|||3|Rewritten",
        ),
        "outputevents": rows(
            "subject_id|hadm_id|stay_id|charttime|storetime|itemid|value|valueuom",
            f"{stay}|2130-03-01 18:00:00|2130-03-01 17:42:00|226559|600|ml",
            f"{stay}|2130-03-01 18:00:00|2130-03-01 18:42:00|226588|50|ml",
        ),
        "procedureevents": rows(
            "subject_id|hadm_id|stay_id|starttime|endtime|storetime|itemid|value|valueuom|location"
            "|statusdescription",
            f"{stay}|2130-03-01 13:00:00|2130-03-01 22:00:00|2130-03-01 22:30:00|225792|540|min|"
            "|FinishedRunning",
            f"{stay}|2130-03-01 13:00:00|2130-03-03 13:00:00|2130-03-01 13:15:00|224275|2|day|Left Ulnar."
            "|Stopped",
            f"{stay}|2130-03-01 13:00:00|2130-03-01 13:01:00|2130-03-01 13:05:00|225402|1|None|"
            "|FinishedRunning",
        ),
        "ingredientevents": rows("subject_id|itemid|amount", "20|220490|5"),
        "caregiver": rows("caregiver_id", "1"),
    }


def ed() -> dict[str, Rows]:
    """The emergency department; stay 901 is transfer 901 of the hospital, 910 had no admission."""
    return {
        "edstays": rows(
            "subject_id|hadm_id|stay_id|intime|outtime|gender|race|arrival_transport|disposition",
            "20|200|901|2130-03-01 06:00:00|2130-03-01 09:30:00|M|WHITE - RUSSIAN|AMBULANCE|ADMITTED",
            "30||910|2140-05-05 20:00:00|2140-05-05 23:30:00|F|BLACK/CAPE VERDEAN|UNKNOWN|ELOPED",
        ),
        "triage": rows(
            "subject_id|stay_id|temperature|heartrate|resprate|o2sat|sbp|dbp|pain|acuity|chiefcomplaint",
            "20|901|98.6|100|20|97|120|80|UA|2|CHEST PAIN, SOB",
            "30|910|37.2|||||||3|",
        ),
        "vitalsign": rows(
            "subject_id|stay_id|charttime|temperature|heartrate|resprate|o2sat|sbp|dbp|rhythm|pain",
            "20|901|2130-03-01 07:00:00||90|||||Sinus Rhythm|13",
            "20|901|2130-03-01 08:00:00||||||||5/10",
        ),
        "pyxis": rows(
            "subject_id|stay_id|charttime|med_rn|name|gsn_rn|gsn",
            "20|901|2130-03-01 07:30:00|1|Aspirin|1|4380",
            "20|901|2130-03-01 07:30:00|1|Aspirin|2|4381",
        ),
        "medrecon": rows(
            "subject_id|stay_id|charttime|name|gsn|ndc|etc_rn|etccode|etcdescription",
            "20|901|2130-03-01 06:30:00|*aspirin|1|1|1|10|Salicylate Analgesics",
            "20|901|2130-03-01 06:30:00|*aspirin|1|1|2|11|Platelet Aggregation Inhibitors",
        ),
        "diagnosis": rows(
            "subject_id|stay_id|seq_num|icd_code|icd_version|icd_title",
            "20|901|1|4019|9|HYPERTENSION NOS",
            "20|901|2|78650|9|CHEST PAIN,UNSPECIFIED",
        ),
    }


def note() -> dict[str, Rows]:
    """Notes."""
    return {
        "discharge": [
            {"note_id": "20-DS-1", "subject_id": 20, "hadm_id": 200, "note_type": "DS", "note_seq": 1,
             "charttime": "2130-03-04 00:00:00", "storetime": "2130-03-05 09:00:00",
             "text": " \nName:  ___\n\nWent home."},
            {"note_id": "20-AD-2", "subject_id": 20, "hadm_id": 200, "note_type": "AD", "note_seq": 2,
             "charttime": "2130-03-06 00:00:00", "storetime": None, "text": "More."},
        ],
        "radiology": [
            {"note_id": "20-RR-1", "subject_id": 20, "hadm_id": None, "note_type": "RR", "note_seq": 1,
             "charttime": "2130-03-01 07:10:00", "storetime": "2130-03-01 08:40:00", "text": "No fracture."},
        ],
        "radiology_detail": rows("note_id|subject_id|field_name|field_value", "20-RR-1|20|exam_code|C1"),
    }  # fmt: skip


def mimic4(folder: Path, *, without: tuple[str, ...] = ()) -> Path:
    """Write the tables, each in the folder of its module.

    Args:
        folder: new.
        without: modules (`ed`) or tables (`hosp/poe`) that are not written.
    """
    for module, tables in (("hosp", hosp()), ("icu", icu()), ("ed", ed()), ("note", note())):
        for name, found in tables.items():
            if module not in without and f"{module}/{name}" not in without:
                write_table(folder / module, name, found, form="csv.gz")
    return folder
