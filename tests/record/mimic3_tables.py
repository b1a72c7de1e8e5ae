# ruff: noqa: E501 - a table: one row per line
"""A small MIMIC-III with every table and every trap, made of rows that no patient has."""

from pathlib import Path
from typing import Any

from mapping_support import write_table

# Patient 1 dies in a stay that was closed hours before; patient 2 is above 89 at the first of two stays and dies at
# home; patient 3 is born in the hospital; patient 9 is not in the table of patients.
TABLES: dict[str, str] = {
    "PATIENTS": """
        ROW_ID | SUBJECT_ID | GENDER | DOB | DOD | DOD_HOSP | DOD_SSN | EXPIRE_FLAG
        1 | 1 | M | 2100-05-04 00:00:00 | 2170-03-05 00:00:00 | 2170-03-05 00:00:00 | | 1
        2 | 2 | F | 1880-02-10 00:00:00 | 2181-07-01 00:00:00 | | 2181-07-01 00:00:00 | 1
        3 | 3 | M | 2150-01-02 00:00:00 | | | | 0
    """,
    "ADMISSIONS": """
        ROW_ID | SUBJECT_ID | HADM_ID | ADMITTIME | DISCHTIME | DEATHTIME | ADMISSION_TYPE | ADMISSION_LOCATION | DISCHARGE_LOCATION | INSURANCE | LANGUAGE | RELIGION | MARITAL_STATUS | ETHNICITY | EDREGTIME | EDOUTTIME | DIAGNOSIS | HOSPITAL_EXPIRE_FLAG | HAS_CHARTEVENTS_DATA
        1 | 1 | 101 | 2170-03-01 08:00:00 | 2170-03-05 00:00:00 | 2170-03-05 14:20:00 | EMERGENCY | EMERGENCY ROOM ADMIT | DEAD/EXPIRED | Medicare | ENGL | JEHOVAH'S WITNESS | MARRIED | WHITE - RUSSIAN | 2170-03-01 05:10:00 | 2170-03-01 08:30:00 | UPPER GI BLEED;S/P CABG | 1 | 1
        2 | 2 | 201 | 2180-02-10 09:00:00 | 2180-02-12 12:00:00 | | ELECTIVE | PHYS REFERRAL/NORMAL DELI | HOME HEALTH CARE | Private | *BEN | NOT SPECIFIED | UNKNOWN (DEFAULT) | HISPANIC/LATINO - PUERTO RICAN | | | | 0 | 0
        3 | 2 | 202 | 2181-01-05 10:00:00 | 2181-01-06 11:00:00 | | URGENT | ** INFO NOT AVAILABLE ** | LEFT AGAINST MEDICAL ADVI | Medicare | | | WIDOWED | UNKNOWN/NOT SPECIFIED | | | CHEST PAIN | 0 | 1
        4 | 3 | 301 | 2150-01-02 03:00:00 | 2150-01-04 10:00:00 | | NEWBORN | CLINIC REFERRAL/PREMATURE | HOME | Medicaid | SPAN | CATHOLIC | | BLACK/CAPE VERDEAN | | | NEWBORN | 0 | 1
        5 | 9 | 901 | 2150-01-02 03:00:00 | 2150-01-04 10:00:00 | | EMERGENCY | EMERGENCY ROOM ADMIT | HOME | Private | | | | ASIAN | | | NEWBORN | 0 | 1
    """,
    "ICUSTAYS": """
        ROW_ID | SUBJECT_ID | HADM_ID | ICUSTAY_ID | DBSOURCE | FIRST_CAREUNIT | LAST_CAREUNIT | FIRST_WARDID | LAST_WARDID | INTIME | OUTTIME | LOS
        1 | 1 | 101 | 1001 | metavision | MICU | CCU | 50 | 7 | 2170-03-01 09:00:00 | 2170-03-05 15:00:00 | 4.25
        2 | 3 | 301 | 3001 | carevue | NICU | NICU | 26 | 26 | 2150-01-02 03:10:00 | |
    """,
    "TRANSFERS": """
        ROW_ID | SUBJECT_ID | HADM_ID | ICUSTAY_ID | DBSOURCE | EVENTTYPE | PREV_CAREUNIT | CURR_CAREUNIT | PREV_WARDID | CURR_WARDID | INTIME | OUTTIME | LOS
        1 | 1 | 101 | 1001 | metavision | admit | | MICU | | 50 | 2170-03-01 09:00:00 | 2170-03-03 10:00:00 | 49
        2 | 1 | 101 | 1001 | metavision | transfer | MICU | CCU | 50 | 7 | 2170-03-03 10:00:00 | 2170-03-05 15:00:00 | 53
        3 | 1 | 101 | | metavision | discharge | CCU | | 7 | | 2170-03-05 15:00:00 | |
        4 | 2 | 201 | | metavision | admit | | | | 4 | 2180-02-10 09:05:00 | 2180-02-12 12:00:00 | 51
    """,
    "SERVICES": """
        ROW_ID | SUBJECT_ID | HADM_ID | TRANSFERTIME | PREV_SERVICE | CURR_SERVICE
        1 | 1 | 101 | 2170-03-01 08:05:00 | | CMED
    """,
    "CALLOUT": """
        ROW_ID | SUBJECT_ID | HADM_ID | SUBMIT_WARDID | SUBMIT_CAREUNIT | CURR_WARDID | CURR_CAREUNIT | CALLOUT_WARDID | CALLOUT_SERVICE | REQUEST_TELE | REQUEST_RESP | REQUEST_CDIFF | REQUEST_MRSA | REQUEST_VRE | CALLOUT_STATUS | CALLOUT_OUTCOME | DISCHARGE_WARDID | ACKNOWLEDGE_STATUS | CREATETIME | UPDATETIME | ACKNOWLEDGETIME | OUTCOMETIME | FIRSTRESERVATIONTIME | CURRENTRESERVATIONTIME
        1 | 1 | 101 | 50 | MICU | 50 | MICU | 1 | MED | 1 | 0 | 0 | 1 | 0 | Inactive | Cancelled | | Acknowledged | 2170-03-02 08:00:00 | 2170-03-02 08:00:00 | | 2170-03-02 13:00:00 | |
    """,
    "LABEVENTS": """
        ROW_ID | SUBJECT_ID | HADM_ID | ITEMID | CHARTTIME | VALUE | VALUENUM | VALUEUOM | FLAG
        1 | 1 | 101 | 50971 | 2170-03-01 06:00:00 | 4.1 | 4.1 | mEq/L |
        2 | 1 | 101 | 51003 | 2170-03-01 06:00:00 | <0.01 | 0.01 | ng/mL |
        3 | 1 | 101 | 51508 | 2170-03-01 07:00:00 | YELLOW | | |
        4 | 1 | 101 | 51508 | 2170-03-01 07:10:00 | ___ | | |
        5 | 1 | 101 | 50820 | 2170-03-01 07:20:00 | 7.31 | 7.31 | units | abnormal
        6 | 2 | | 51478 | 2179-12-01 10:00:00 | NEG | | mg/dL |
        7 | 2 | | 51022 | 2179-12-01 10:00:00 | 55 | 55 | mg/dL |
        8 | 9 | | 50971 | 2179-12-01 10:00:00 | 4 | 4 | mEq/L |
    """,
    "D_LABITEMS": """
        ROW_ID | ITEMID | LABEL | FLUID | CATEGORY | LOINC_CODE
        1 | 50971 | Potassium | Blood | Chemistry | 2823-3
        2 | 51003 | Troponin T | Blood | Chemistry |
        3 | 51508 | Urine Color | Urine | Hematology |
        4 | 50820 | pH | BLOOD | BLOOD GAS | 11558-4
        5 | 51478 | Glucose | Urine | Hematology |
        6 | 51022 | Glucose, Joint Fluid | Joint Fluid | Chemistry |
    """,
    "MICROBIOLOGYEVENTS": """
        ROW_ID | SUBJECT_ID | HADM_ID | CHARTDATE | CHARTTIME | SPEC_ITEMID | SPEC_TYPE_DESC | ORG_ITEMID | ORG_NAME | ISOLATE_NUM | AB_ITEMID | AB_NAME | DILUTION_TEXT | DILUTION_COMPARISON | DILUTION_VALUE | INTERPRETATION
        1 | 1 | 101 | 2170-03-01 00:00:00 | 2170-03-01 10:30:00 | 70079 | URINE | 80002 | ESCHERICHIA COLI | 1 | 90004 | AMPICILLIN | =>32 | => | 32 | R
        2 | 1 | 101 | 2170-03-01 00:00:00 | 2170-03-01 10:30:00 | 70079 | URINE | 80002 | ESCHERICHIA COLI | 1 | 90012 | GENTAMICIN | <=1 | <= | 1 | S
        3 | 1 | 101 | 2170-03-01 00:00:00 | | 70062 | SPUTUM | | | | | | | | |
        4 | 1 | 101 | 2170-03-01 00:00:00 | 2170-03-01 11:00:00 | 70079 | URINE | 80293 | CANCELLED | | | | | | |
    """,
    "PRESCRIPTIONS": """
        ROW_ID | SUBJECT_ID | HADM_ID | ICUSTAY_ID | STARTDATE | ENDDATE | DRUG_TYPE | DRUG | DRUG_NAME_POE | DRUG_NAME_GENERIC | FORMULARY_DRUG_CD | GSN | NDC | PROD_STRENGTH | DOSE_VAL_RX | DOSE_UNIT_RX | FORM_VAL_DISP | FORM_UNIT_DISP | ROUTE
        1 | 1 | 101 | | 2170-03-02 00:00:00 | 2170-03-04 00:00:00 | MAIN | Vancomycin | Vancomycin | Vancomycin | VANC1F | 009331 | 00338355248 | 1g Frozen Bag | 1000 | mg | 200 | mL | IV
        2 | 1 | 101 | | 2170-03-02 00:00:00 | 2170-03-04 00:00:00 | BASE | Iso-Osmotic Dextrose | | | VANCBASE | | 0 | 200mL | 200 | ml | 200 | ml | IV
        3 | 1 | 101 | | 2170-03-02 00:00:00 | 2170-03-03 00:00:00 | MAIN | Morphine Sulfate | | | MORP2I | | | 2mg Syringe | 2-4 | mg | 1-2 | SYR | IV
        4 | 1 | 101 | | 2170-03-02 00:00:00 | 2170-03-04 00:00:00 | MAIN | Vancomycin | Vancomycin | Vancomycin | VANC1F | 009331 | 00338355248 | 1g Frozen Bag | 1000 | mg | 200 | mL | IV
        5 | 1 | 101 | | 2170-03-02 00:00:00 | | MAIN | Heparin | | | | | | | 5,000 | UNIT | 1 | mL | SC
        6 | 1 | 101 | | 2170-03-02 00:00:00 | | BASE | NS | | | | | | | 1000 | mL | 1000 | mL | IV
    """,
    "INPUTEVENTS_CV": """
        ROW_ID | SUBJECT_ID | HADM_ID | ICUSTAY_ID | CHARTTIME | ITEMID | AMOUNT | AMOUNTUOM | RATE | RATEUOM | STORETIME | CGID | ORDERID | LINKORDERID | STOPPED | NEWBOTTLE | ORIGINALAMOUNT | ORIGINALAMOUNTUOM | ORIGINALROUTE | ORIGINALRATE | ORIGINALRATEUOM | ORIGINALSITE
        1 | 3 | 301 | 3001 | 2150-01-02 05:00:00 | 30047 | | | 0.1 | mcgkgmin | 2150-01-02 05:20:00 | 7 | 1 | 1 | | 1 | | | | | |
        2 | 3 | 301 | 3001 | 2150-01-02 06:00:00 | 30047 | | | | mcgkgmin | 2150-01-02 06:05:00 | 7 | 1 | 1 | D/C'd | | | | | | |
        3 | 3 | 301 | 3001 | 2150-01-02 06:00:00 | 30015 | 12.5 | ml | | | 2150-01-02 06:05:00 | 7 | 2 | 2 | | | | | | | |
        4 | 3 | 301 | 3001 | 2150-01-02 07:00:00 | 30015 | | | | | 2150-01-02 07:05:00 | 7 | 2 | 2 | | | | | | | |
    """,
    "INPUTEVENTS_MV": """
        ROW_ID | SUBJECT_ID | HADM_ID | ICUSTAY_ID | STARTTIME | ENDTIME | ITEMID | AMOUNT | AMOUNTUOM | RATE | RATEUOM | STORETIME | CGID | ORDERID | LINKORDERID | ORDERCATEGORYNAME | SECONDARYORDERCATEGORYNAME | ORDERCOMPONENTTYPEDESCRIPTION | ORDERCATEGORYDESCRIPTION | PATIENTWEIGHT | TOTALAMOUNT | TOTALAMOUNTUOM | ISOPENBAG | CONTINUEINNEXTDEPT | CANCELREASON | STATUSDESCRIPTION | COMMENTS_EDITEDBY | COMMENTS_CANCELEDBY | COMMENTS_DATE | ORIGINALAMOUNT | ORIGINALRATE
        1 | 1 | 101 | 1001 | 2170-03-01 10:00:00 | 2170-03-01 12:00:00 | 221906 | 1.2 | mg | 0.05 | mcg/kg/min | 2170-03-01 10:07:00 | 8 | 1 | 1 | 01-Drips | | Main order parameter | Continuous Med | 80 | | | 0 | 0 | 0 | ChangeDose/Rate | | | | 8 | 0.05
        2 | 1 | 101 | 1001 | 2170-03-01 12:00:00 | 2170-03-01 15:00:00 | 221906 | 3 | mg | 0.1 | mcg/kg/min | 2170-03-01 12:01:00 | 8 | 2 | 1 | 01-Drips | | Main order parameter | Continuous Med | 80 | | | 0 | 0 | 0 | Stopped | | | | 8 | 0.1
        3 | 1 | 101 | 1001 | 2170-03-01 12:00:00 | 2170-03-01 12:30:00 | 221906 | 9 | mg | 0.9 | mcg/kg/min | 2170-03-01 12:01:00 | 8 | 3 | 1 | 01-Drips | | Main order parameter | Continuous Med | 80 | | | 0 | 0 | 0 | Rewritten | RN | | | 8 | 0.9
        4 | 1 | 101 | 1001 | 2170-03-01 13:00:00 | 2170-03-01 13:01:00 | 225166 | 20 | mEq | | | 2170-03-01 13:05:00 | 8 | 4 | 4 | 06-Insulin | | Main order parameter | Drug Push | 80 | | | 0 | 0 | 0 | FinishedRunning | | | | 20 | 20
        5 | 1 | 101 | 1001 | 2170-03-01 13:00:00 | 2170-03-01 13:01:00 | 225166 | 20 | mEq | | | 2170-03-01 13:05:00 | 8 | 5 | 5 | 06-Insulin | | Main order parameter | Drug Push | 80 | | | 0 | 0 | 1 | FinishedRunning | | MD | | 20 | 20
    """,
    "OUTPUTEVENTS": """
        ROW_ID | SUBJECT_ID | HADM_ID | ICUSTAY_ID | CHARTTIME | ITEMID | VALUE | VALUEUOM | STORETIME | CGID | STOPPED | NEWBOTTLE | ISERROR
        1 | 1 | 101 | 1001 | 2170-03-01 11:00:00 | 226559 | 60 | mL | 2170-03-01 10:58:00 | 8 | | |
        2 | 1 | 101 | 1001 | 2170-03-01 12:00:00 | 226559 | 600 | mL | 2170-03-01 12:10:00 | 8 | | | 1
    """,
    "PROCEDUREEVENTS_MV": """
        ROW_ID | SUBJECT_ID | HADM_ID | ICUSTAY_ID | STARTTIME | ENDTIME | ITEMID | VALUE | VALUEUOM | LOCATION | LOCATIONCATEGORY | STORETIME | CGID | ORDERID | LINKORDERID | ORDERCATEGORYNAME | SECONDARYORDERCATEGORYNAME | ORDERCATEGORYDESCRIPTION | ISOPENBAG | CONTINUEINNEXTDEPT | CANCELREASON | STATUSDESCRIPTION | COMMENTS_EDITEDBY | COMMENTS_CANCELEDBY | COMMENTS_DATE
        1 | 1 | 101 | 1001 | 2170-03-01 10:00:00 | 2170-03-02 10:00:00 | 225792 | 1440 | min | | | 2170-03-02 10:30:00 | 8 | 1 | 1 | Ventilation | | ContinuousProcess | 1 | 0 | 0 | FinishedRunning | | |
        2 | 1 | 101 | 1001 | 2170-03-01 11:00:00 | 2170-03-01 11:01:00 | 225459 | 1 | None | | | 2170-03-01 11:20:00 | 8 | 2 | 2 | Imaging | | Task | 0 | 0 | 0 | FinishedRunning | | |
        3 | 1 | 101 | 1001 | 2170-03-01 12:00:00 | 2170-03-04 12:00:00 | 224275 | 3 | day | Right Femoral. | Peripheral | 2170-03-01 12:10:00 | 8 | 3 | 3 | Peripheral Lines | | ContinuousProcess | 1 | 0 | 0 | FinishedRunning | | |
        4 | 1 | 101 | 1001 | 2170-03-01 12:00:00 | 2170-03-01 12:01:00 | 225459 | 1 | None | | | 2170-03-01 12:20:00 | 8 | 2 | 2 | Imaging | | Task | 0 | 0 | 2 | FinishedRunning | | |
        5 | 1 | 101 | 1001 | 2170-03-01 13:00:00 | 2170-03-01 13:01:00 | 225459 | 1 | None | | | 2170-03-01 13:20:00 | 8 | 2 | 2 | Imaging | | Task | 0 | 0 | 0 | Rewritten | | |
    """,
    "DATETIMEEVENTS": """
        ROW_ID | SUBJECT_ID | HADM_ID | ICUSTAY_ID | ITEMID | CHARTTIME | STORETIME | CGID | VALUE | VALUEUOM | WARNING | ERROR | RESULTSTATUS | STOPPED
        1 | 1 | 101 | 1001 | 224187 | 2170-03-01 12:00:00 | 2170-03-01 12:15:00 | 8 | 2170-02-27 00:00:00 | Date | 0 | 0 | |
        2 | 1 | 101 | 1001 | 224187 | 2170-03-01 12:00:00 | 2170-03-01 12:15:00 | 8 | 2107-02-27 00:00:00 | Date | 0 | 1 | |
        3 | 1 | 101 | 1001 | 224187 | 2170-03-01 13:00:00 | 2170-03-01 13:15:00 | 8 | | Date | 0 | 0 | |
    """,
    "CHARTEVENTS": """
        ROW_ID | SUBJECT_ID | HADM_ID | ICUSTAY_ID | ITEMID | CHARTTIME | STORETIME | CGID | VALUE | VALUENUM | VALUEUOM | WARNING | ERROR | RESULTSTATUS | STOPPED
        1 | 1 | 101 | 1001 | 220045 | 2170-03-01 10:00:00 | 2170-03-01 10:12:00 | 8 | 104 | 104 | bpm | 1 | 0 | |
        2 | 1 | 101 | 1001 | 220045 | 2170-03-01 10:30:00 | 2170-03-01 10:31:00 | 8 | 1040 | 1040 | bpm | 0 | 1 | |
        3 | 1 | 101 | 1001 | 220739 | 2170-03-01 10:00:00 | 2170-03-01 10:12:00 | 8 | Spontaneously | 4 | | 0 | 0 | |
        4 | 1 | 101 | 1001 | 227442 | 2170-03-01 10:00:00 | 2170-03-01 10:12:00 | 8 | 4.1 | 4.1 | mEq/L | 0 | 0 | |
        5 | 1 | 101 | 1001 | 225664 | 2170-03-01 10:00:00 | 2170-03-01 10:12:00 | 8 | 144 | 144 | | 0 | 0 | |
        6 | 1 | 101 | 1001 | 220046 | 2170-03-01 10:00:00 | 2170-03-01 10:12:00 | 8 | 130 | 130 | bpm | 0 | 0 | |
        7 | 1 | 101 | 1001 | 226512 | 2170-03-01 10:00:00 | 2170-03-01 10:12:00 | 8 | 80.5 | 80.5 | kg | 0 | 0 | |
        8 | 1 | 101 | 1001 | 223761 | 2170-03-01 10:00:00 | 2170-03-01 10:12:00 | 8 | 98.6 | 98.6 | ?F | 0 | 0 | |
        9 | 1 | 101 | 1001 | 228100 | 2170-03-01 10:00:00 | 2170-03-01 10:12:00 | 8 | 1 | 1 | | 0 | 0 | |
        10 | 1 | 101 | 1001 | 224650 | 2170-03-01 10:00:00 | 2170-03-01 10:12:00 | 8 | None | | | 0 | 0 | |
        11 | 3 | 301 | 3001 | 211 | 2150-01-02 04:00:00 | 2150-01-02 04:10:00 | 7 | 150 | 150 | BPM | | | | NotStopd
        12 | 3 | 301 | 3001 | 212 | 2150-01-02 04:00:00 | 2150-01-02 04:10:00 | 7 | Normal Sinus | | | | | | NotStopd
        13 | 3 | 301 | 3001 | 829 | 2150-01-02 04:00:00 | 2150-01-02 04:10:00 | 7 | 4.1 | 4.1 | mEq/L | | | | NotStopd
        14 | 3 | 301 | 3001 | 678 | 2150-01-02 04:00:00 | 2150-01-02 04:10:00 | 7 | 98.6 | 98.6 | Deg. F | | | | NotStopd
        15 | 3 | 301 | 3001 | 763 | 2150-01-02 04:00:00 | 2150-01-02 04:10:00 | 7 | 2.5 | 2.5 | | | | | NotStopd
        16 | 3 | 301 | 3001 | 212 | 2150-01-02 05:00:00 | 2150-01-02 05:10:00 | 7 | | | | | | | NotStopd
    """,
    "D_ITEMS": """
        ROW_ID | ITEMID | LABEL | ABBREVIATION | DBSOURCE | LINKSTO | CATEGORY | UNITNAME | PARAM_TYPE | CONCEPTID
        1 | 220045 | Heart Rate | HR | metavision | chartevents | Routine Vital Signs | bpm | Numeric |
        2 | 220739 | GCS - Eye Opening | Eye Opening | metavision | chartevents | Neurological | | Text |
        3 | 227442 | Potassium (serum) | Potassium (serum) | metavision | chartevents | Labs | None | Numeric |
        4 | 225664 | Glucose finger stick | Glucose FS | metavision | chartevents | Labs | None | Numeric |
        5 | 220046 | Heart rate Alarm - High | HR Alarm - High | metavision | chartevents | Alarms | bpm | Numeric |
        6 | 226512 | Admission Weight (Kg) | Admission Weight (Kg) | metavision | chartevents | General | kg | Numeric |
        7 | 223761 | Temperature Fahrenheit | Temperature F | metavision | chartevents | Routine Vital Signs | ?F | Numeric |
        8 | 228100 | 20 Gauge placed in outside facility | | metavision | chartevents | Access Lines - Peripheral | | Checkbox |
        9 | 224650 | Ectopy Type 1 | Ectopy Type 1 | metavision | chartevents | Routine Vital Signs | | Text |
        10 | 211 | Heart Rate | | carevue | chartevents | | | |
        11 | 212 | Heart Rhythm | | carevue | chartevents | | | |
        12 | 829 | Potassium (3.5-5.3) | | carevue | chartevents | Chemistry | | |
        13 | 678 | Temperature F | | carevue | chartevents | | | |
        14 | 763 | Daily Weight | | carevue | chartevents | | | |
        15 | 30047 | Levophed | | carevue | inputevents_cv | | | |
        16 | 30015 | D5/.45NS | | carevue | inputevents_cv | | | |
        17 | 221906 | Norepinephrine | Norepinephrine | metavision | inputevents_mv | Medications | mg | Solution |
        18 | 225166 | Potassium Chloride | KCL | metavision | inputevents_mv | Medications | mEq | Solution |
        19 | 226559 | Foley | Foley | metavision | outputevents | Output | mL | Numeric |
        20 | 225792 | Invasive Ventilation | Invasive Ventilation | metavision | procedureevents_mv | 2-Ventilation | | Process |
        21 | 225459 | Chest X-Ray | Chest X-Ray | metavision | procedureevents_mv | 5-Imaging | | Process |
        22 | 224275 | 20 Gauge | 20 Gauge | metavision | procedureevents_mv | Access Lines - Peripheral | | Process |
        23 | 224187 | PICC Line Insertion Date | PICC Line Insertion Date | metavision | datetimeevents | Access Lines - Invasive | | Date time |
    """,
    "DIAGNOSES_ICD": """
        ROW_ID | SUBJECT_ID | HADM_ID | SEQ_NUM | ICD9_CODE
        1 | 1 | 101 | 1 | 41401
        2 | 1 | 101 | 2 | V4581
        3 | 1 | 101 | 3 |
        4 | 2 | 202 | 1 | 0389
    """,
    "PROCEDURES_ICD": """
        ROW_ID | SUBJECT_ID | HADM_ID | SEQ_NUM | ICD9_CODE
        1 | 1 | 101 | 1 | 3893
    """,
    "D_ICD_DIAGNOSES": """
        ROW_ID | ICD9_CODE | SHORT_TITLE | LONG_TITLE
        1 | 41401 | Crnry athrscl natve vssl | Coronary atherosclerosis of native coronary artery
        2 | 0389 | Septicemia NOS | Unspecified septicemia
    """,
    "D_ICD_PROCEDURES": """
        ROW_ID | ICD9_CODE | SHORT_TITLE | LONG_TITLE
        1 | 3893 | Venous cath NEC | Venous catheterization, not elsewhere classified
    """,
    "DRGCODES": """
        ROW_ID | SUBJECT_ID | HADM_ID | DRG_TYPE | DRG_CODE | DESCRIPTION | DRG_SEVERITY | DRG_MORTALITY
        1 | 1 | 101 | MS | 237 | MAJOR CARDIOVASC PROCEDURES W MCC | |
        2 | 1 | 101 | APR | 1692 | Major Thoracic & Abdominal Vascular Procedures | 2 | 3
    """,
    "CPTEVENTS": """
        ROW_ID | SUBJECT_ID | HADM_ID | COSTCENTER | CHARTDATE | CPT_CD | CPT_NUMBER | CPT_SUFFIX | TICKET_ID_SEQ | SECTIONHEADER | SUBSECTIONHEADER | DESCRIPTION
        1 | 1 | 101 | ICU | | 99291 | 99291 | | 1 | Evaluation and management | Critical care services |
        2 | 2 | 202 | Resp | 2181-01-07 00:00:00 | 94002 | 94002 | | | Medicine | Pulmonary | VENT MGMT, 1ST DAY (INVASIVE)
    """,
    "D_CPT": """
        ROW_ID | CATEGORY | SECTIONRANGE | SECTIONHEADER | SUBSECTIONRANGE | SUBSECTIONHEADER | CODESUFFIX | MINCODEINSUBSECTION | MAXCODEINSUBSECTION
        1 | 1 | 99201-99499 | Evaluation and management | 99291-99292 | Critical care services | | 99291 | 99292
    """,
    "NOTEEVENTS": """
        ROW_ID | SUBJECT_ID | HADM_ID | CHARTDATE | CHARTTIME | STORETIME | CATEGORY | DESCRIPTION | CGID | ISERROR | TEXT
        501 | 1 | 101 | 2170-03-04 | | | Discharge summary | Report | | | Admission Date: [**2170-3-1**]
        502 | 2 | 201 | 2180-02-12 | | | Discharge summary | Addendum | | | An addendum.
        503 | 1 | 101 | 2170-03-01 | 2170-03-01 13:00:00 | 2170-03-01 13:40:00 | Nursing/other | Report | 8 | | Resting.
        504 | 1 | 101 | 2170-03-02 | 2170-03-02 13:00:00 | 2170-03-02 13:40:00 | Physician  | Resident note | 8 | 1 | Wrong patient.
        505 | 1 | 101 | 2170-03-02 | | | Echo | Report | | | Normal left ventricle.
        506 | 2 | | 2179-11-30 | 2179-11-30 09:00:00 | | Radiology | CHEST (PA & LAT) | | | No pneumonia.
    """,
    "CAREGIVERS": """
        ROW_ID | CGID | LABEL | DESCRIPTION
        1 | 8 | RN | Registered Nurse
    """,
}


def rows_of(table: str) -> list[dict[str, Any]]:
    """The rows of a table."""
    header, *lines = (
        [cell.strip() for cell in line.split("|")] for line in TABLES[table].strip().splitlines()
    )
    return [{name: cell or None for name, cell in zip(header, line, strict=True)} for line in lines]


def write_mimic3(
    folder: Path, *, form: str = "csv", lower: bool = False, without: tuple[str, ...] = ()
) -> Path:
    """The source in a folder; `lower` spells files and columns as the demo does."""
    for table in TABLES:
        if table not in without:
            rows = [
                {name.lower() if lower else name: cell for name, cell in row.items()}
                for row in rows_of(table)
            ]
            write_table(folder, table.lower() if lower else table, rows, form=form)
    return folder
