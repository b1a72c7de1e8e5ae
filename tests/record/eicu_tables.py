# ruff: noqa: E501 - a table: one row per line
"""A small eICU source with every table and every trap, made of rows that no patient has."""

import datetime as dt
from pathlib import Path
from typing import Any

from mapping_support import write_table

# Person 001-1 has two hospital stays: 100 with unit stays 1 and 2, and 101 with unit stay 3, whose unit was reached
# before the hospital was entered and where the patient died. Of stay 102 nearly nothing is known. In stay 103 the
# patient died by the unit's account and went home by the hospital's.
TABLES: dict[str, str] = {
    "patient": """
        patientunitstayid ~ patienthealthsystemstayid ~ uniquepid ~ gender ~ age ~ ethnicity ~ hospitalid ~ wardid ~ apacheadmissiondx ~ admissionheight ~ hospitaladmittime24 ~ hospitaladmitoffset ~ hospitaladmitsource ~ hospitaldischargeyear ~ hospitaldischargetime24 ~ hospitaldischargeoffset ~ hospitaldischargelocation ~ hospitaldischargestatus ~ unittype ~ unitadmittime24 ~ unitadmitsource ~ unitvisitnumber ~ unitstaytype ~ admissionweight ~ dischargeweight ~ unitdischargetime24 ~ unitdischargeoffset ~ unitdischargelocation ~ unitdischargestatus
        1 ~ 100 ~ 001-1 ~ Female ~ > 89 ~ Caucasian ~ 7 ~ 70 ~ Sepsis, pulmonary ~ 160 ~ 08:00:00 ~ -60 ~ Emergency Department ~ 2014 ~ 19:20:00 ~ 5000 ~ Skilled Nursing Facility ~ Alive ~ Med-Surg ICU ~ 09:00:00 ~ Emergency Department ~ 1 ~ admit ~ 70.5 ~ ~ 09:00:00 ~ 1440 ~ Step-Down Unit (SDU) ~ Alive
        2 ~ 100 ~ 001-1 ~ Female ~ > 89 ~ Caucasian ~ 7 ~ 70 ~ ~ 160 ~ 08:00:00 ~ -1500 ~ Emergency Department ~ 2014 ~ 19:20:00 ~ 3560 ~ Skilled Nursing Facility ~ Alive ~ Med-Surg ICU ~ 09:00:00 ~ ICU to SDU ~ 2 ~ stepdown/other ~ ~ 68 ~ 09:00:00 ~ 1440 ~ Floor ~ Alive
        3 ~ 101 ~ 001-1 ~ Female ~ 45 ~ Hispanic ~ 8 ~ 80 ~ ~ ~ 23:30:00 ~ 30 ~ ~ 2015 ~ 17:20:00 ~ 1100 ~ Death ~ Expired ~ CTICU ~ 23:00:00 ~ Operating Room ~ 1 ~ readmit ~ ~ ~ 15:40:00 ~ 1000 ~ Death ~ Expired
        4 ~ 102 ~ 001-2 ~ ~ ~ ~ 8 ~ 80 ~ ~ ~ 01:00:00 ~ 0 ~ ~ 2015 ~ 04:20:00 ~ 200 ~ ~ ~ MICU ~ 01:00:00 ~ ~ 1 ~ transfer ~ ~ ~ 02:40:00 ~ 100 ~ ~ Alive
        5 ~ 103 ~ 001-3 ~ Male ~ 0 ~ Other/Unknown ~ 8 ~ 80 ~ ~ ~ 02:00:00 ~ 0 ~ Floor ~ 2015 ~ 05:20:00 ~ 200 ~ Home ~ Alive ~ SICU ~ 02:00:00 ~ Floor ~ 1 ~ admit ~ ~ ~ 03:40:00 ~ 100 ~ Death ~ Expired
    """,
    "hospital": """
        hospitalid ~ numbedscategory ~ teachingstatus ~ region
        7 ~ >= 500 ~ t ~ South
        8 ~ ~ FALSE ~
    """,
    "admissionDx": """
        admissiondxid ~ patientunitstayid ~ admitdxenteredoffset ~ admitdxpath ~ admitdxname ~ admitdxtext
        1 ~ 1 ~ 15 ~ admission diagnosis|All Diagnosis|Non-operative|Diagnosis|Cardiovascular|Sepsis, pulmonary ~ Sepsis, pulmonary ~ Sepsis, pulmonary
        2 ~ 1 ~ 15 ~ admission diagnosis|Non-operative Organ Systems|Organ System|Cardiovascular ~ Cardiovascular ~ Cardiovascular
        3 ~ 1 ~ 15 ~ admission diagnosis|Was the patient admitted from the O.R. or went to the O.R. within 4 hours of admission?|No ~ No ~ No
        4 ~ 3 ~ -20 ~ admission diagnosis|All Diagnosis|Operative|Diagnosis|Cardiovascular|Mitral valve repair ~ Mitral valve repair ~ Mitral valve repair
        5 ~ 3 ~ -20 ~ admission diagnosis|Additional APACHE  Information|Pre-op ejection fraction (%)|specified ~ specified ~ 55
        6 ~ 3 ~ -20 ~ admission diagnosis|Elective|Yes ~ Yes ~ Yes
    """,
    "diagnosis": """
        diagnosisid ~ patientunitstayid ~ activeupondischarge ~ diagnosisoffset ~ diagnosisstring ~ icd9code ~ diagnosispriority
        1 ~ 1 ~ True ~ 30 ~ cardiovascular|shock / hypotension|sepsis|severe ~ 995.92, R65.2 ~ Primary
        2 ~ 2 ~ False ~ 40 ~ cardiovascular|vascular disorders|hypertension ~ 401.9, I10 ~ Other
        3 ~ 3 ~ True ~ 900 ~ toxicology|drug overdose ~ E980.2, E87.2,V62.84 ~ Major
        4 ~ 3 ~ True ~ 901 ~ neurologic|altered mental status / pain|pain ~ ~ Other
    """,
    "treatment": """
        treatmentid ~ patientunitstayid ~ treatmentoffset ~ treatmentstring ~ activeupondischarge
        1 ~ 1 ~ 60 ~ pulmonary|ventilation and oxygenation|mechanical ventilation ~ True
        2 ~ 1 ~ 61 ~ infectious diseases|medications|therapeutic antibacterials|vancomycin ~ False
    """,
    "pastHistory": """
        pasthistoryid ~ patientunitstayid ~ pasthistoryoffset ~ pasthistoryenteredoffset ~ pasthistorynotetype ~ pasthistorypath ~ pasthistoryvalue ~ pasthistoryvaluetext
        1 ~ 1 ~ 10 ~ 45 ~ Admission ~ notes/Progress Notes/Past History/Past History Obtain Options/Performed ~ Performed ~ Performed
        2 ~ 1 ~ 10 ~ 45 ~ Admission ~ notes/Progress Notes/Past History/Organ Systems/Cardiovascular (R)/Congestive Heart Failure/CHF - class II ~ CHF - class II ~ CHF - class II
        3 ~ 1 ~ 10 ~ 45 ~ Admission ~ notes/Progress Notes/Past History/Organ Systems/Neurologic/Strokes/multiple/multiple ~ multiple ~ multiple
        4 ~ 3 ~ 10 ~ 5 ~ Admission ~ notes/Progress Notes/Past History/Past History Obtain Options/No Health Problems ~ No Health Problems ~ NoHealthProblems
    """,
    "physicalExam": """
        physicalexamid ~ patientunitstayid ~ physicalexamoffset ~ physicalexampath ~ physicalexamvalue ~ physicalexamtext
        1 ~ 1 ~ 20 ~ notes/Progress Notes/Physical Exam/Physical Exam Obtain Options/Performed - Structured ~ Performed - Structured ~ Performed - Structured
        2 ~ 1 ~ 20 ~ notes/Progress Notes/Physical Exam/Physical Exam/Constitutional/Vital Sign and Physiological Data/BP (systolic)/BP (systolic) Lowest ~ BP (systolic) Lowest ~ 88
        3 ~ 1 ~ 20 ~ notes/Progress Notes/Physical Exam/Physical Exam/Constitutional/Weight and I&O/Weight (kg)/Current ~ Current ~ 71
        4 ~ 1 ~ 20 ~ notes/Progress Notes/Physical Exam/Physical Exam/Constitutional/Weight and I&O/I&&O (ml)/Intake Total ~ Intake Total ~ 0
        5 ~ 1 ~ 20 ~ notes/Progress Notes/Physical Exam/Physical Exam/Constitutional/Weight and I&O/I&&O (ml)/Urine ~ Urine ~ 300
        6 ~ 1 ~ 20 ~ notes/Progress Notes/Physical Exam/Physical Exam/Neurologic/GCS/Score/scored ~ scored ~ scored
        7 ~ 1 ~ 20 ~ notes/Progress Notes/Physical Exam/Physical Exam/Neurologic/GCS/Verbal Score/4 ~ 4 ~ 4
        8 ~ 1 ~ 20 ~ notes/Progress Notes/Physical Exam/Physical Exam/Neurologic/GCS/14 ~ 14 ~ 14
        9 ~ 1 ~ 20 ~ notes/Progress Notes/Physical Exam/Physical Exam/Cardiovascular/Auscultation/Heart Sounds/S2/S2 split ~ S2 split ~ S2 split
        10 ~ 1 ~ 20 ~ notes/Progress Notes/Physical Exam/Physical Exam/Pulmonary/Auscultation/Rales/Location/Posterior Lung Field(s)/Left/lower ~ lower ~ lower
        11 ~ 1 ~ 20 ~ notes/Progress Notes/Physical Exam/Physical Exam/Skin/Print "within normal limits"/within normal limits ~ within normal limits ~
        12 ~ 1 ~ 20 ~ notes/Progress Notes/Physical Exam/Physical Exam/Skin/Rash/rash ~ rash ~ rash
        13 ~ 1 ~ 20 ~ notes/Progress Notes/Physical Exam/Physical Exam/Constitutional/Vital Sign and Physiological Data/FiO2%/FiO2% ~ FiO2% ~ room air
    """,
    "note": """
        noteid ~ patientunitstayid ~ noteoffset ~ noteenteredoffset ~ notetype ~ notepath ~ notevalue ~ notetext
        1 ~ 1 ~ 5 ~ 50 ~ Admission ~ notes/Progress Notes/Assessment and Plan/View Options/System View ~ System View ~ SystemView
        2 ~ 1 ~ 5 ~ 50 ~ Admission ~ notes/Shared/View and Save/Save Options/Print/Copies/Copies ~ Copies ~ 1
        3 ~ 1 ~ 5 ~ 50 ~ Admission ~ notes/Progress Notes/Admission Page One/Skip Screen Options 1/Include Review of Systems ~ Include Review of Systems ~ Include Review of Systems
        4 ~ 1 ~ 5 ~ 50 ~ Admission ~ notes/Progress Notes/Social History / Family History/Social History/Social History/Smoking Status/denies smoking ~ denies smoking ~ denies smoking
        5 ~ 1 ~ 5 ~ 50 ~ Admission ~ notes/Progress Notes/Social History / Family History/Family History/Family History/CAD/CAD ~ CAD ~ CAD
        6 ~ 1 ~ 5 ~ 50 ~ Admission ~ notes/Progress Notes/Social History / Family History/Social History/Social History Obtain Options/Performed ~ Performed ~ Performed
        7 ~ 1 ~ 5 ~ 50 ~ Admission ~ notes/Progress Notes/Review Of Systems/Systems/Pulmonary/Asthma / Wheezing/denies asthma/wheezing ~ denies asthma/wheezing ~ denies asthma/wheezing
        8 ~ 1 ~ 5 ~ 50 ~ Admission ~ notes/Progress Notes/Review Of Systems/Systems/Skin/Print "Negative"/negative ~ negative ~
        9 ~ 1 ~ 5 ~ 50 ~ Intubation ~ notes/Procedure Notes/Intubation/Evaluation/O2 sats/O2 sats stable throughout ~ O2 sats stable throughout ~ O2 sats stable throughout
        10 ~ 1 ~ 5 ~ 50 ~ Intubation ~ notes/Procedure Notes/Intubation/Technical Description/Cricoid pressure applied/Cricoid pressure applied ~ Cricoid pressure applied ~ Cricoid pressure applied
        11 ~ 1 ~ 5 ~ 50 ~ Intubation ~ notes/Procedure Notes/Shared/Time-Out Process/Time-Out performed ~ Time-Out performed ~ Time-Out performed
        12 ~ 1 ~ 5 ~ 50 ~ Brief Progress ~ notes/Progress Notes/Interventions/Major/Sepsis - evaluation and management ~ Sepsis - evaluation and management ~ Sepsis - evaluation and management
        13 ~ 1 ~ 5 ~ 50 ~ Brief Progress ~ notes/Progress Notes/Interventions/Major/End of life / care limitation discussion ~ End of life / care limitation discussion ~ End of life / care limitation discussion
        14 ~ 1 ~ 5 ~ 50 ~ Brief Progress ~ notes/Progress Notes/Interventions/Minor/Other/Other ~ Other ~ Other
        15 ~ 1 ~ 5 ~ 50 ~ Admission ~ notes/Progress Notes/Allergies / Preadmission Medications/Allergies/Yes ~ Yes ~ Yes
        16 ~ 1 ~ 5 ~ 50 ~ Admission ~ notes/Progress Notes/Surgery/Operative Status/Fluids/Platelets (units)/Platelets (units) ~ Platelets (units) ~ 2
    """,
    "allergy": """
        allergyid ~ patientunitstayid ~ allergyoffset ~ allergyenteredoffset ~ drugname ~ allergytype ~ allergyname ~ drughiclseqno
        1 ~ 1 ~ 12 ~ 33 ~ METFORMIN HCL ~ Drug ~ METFORMIN HCL ~ 4763
        2 ~ 1 ~ 12 ~ 33 ~ ~ Non Drug ~ PCN ~
        3 ~ 1 ~ 12 ~ 33 ~ ~ Non Drug ~ Walnut shells of my aunt ~
        4 ~ 1 ~ 12 ~ 33 ~ ~ Non Drug ~ See Cerner ~
    """,
    "admissionDrug": """
        admissiondrugid ~ patientunitstayid ~ drugoffset ~ drugenteredoffset ~ drugname ~ drugdosage ~ drugunit ~ drugadmitfrequency ~ drughiclseqno
        1 ~ 1 ~ 12 ~ 34 ~ ASPIRIN ~ 81.0000 ~ mg ~ daily ~ 1820
        2 ~ 1 ~ 12 ~ 34 ~ LASIX ~ 0.0000 ~ ~ ~ 3660
    """,
    "medication": """
        medicationid ~ patientunitstayid ~ drugorderoffset ~ drugstartoffset ~ drugivadmixture ~ drugordercancelled ~ drugname ~ drughiclseqno ~ dosage ~ routeadmin ~ frequency ~ prn ~ drugstopoffset ~ gtc
        1 ~ 1 ~ 100 ~ 70 ~ No ~ No ~ ACETAMINOPHEN 325 MG PO TABS ~ 1866 ~ 650 MG ~ PO ~ Q6H PRN ~ Yes ~ 900 ~ 2
        2 ~ 1 ~ 100 ~ 130 ~ No ~ No ~ ~ 1866 ~ PYXIS ~ IV ~ Once ~ No ~ 900 ~ 2
        3 ~ 1 ~ 100 ~ 130 ~ No ~ Yes ~ HEPARIN ~ 2810 ~ 5000 UNITS ~ SC ~ BID ~ No ~ 900 ~ 2
        4 ~ 1 ~ 100 ~ 130 ~ No ~ No ~ ~ 3660 ~ 40 mg ~ Oral ~ Daily ~ No ~ 900 ~ 2
        5 ~ 1 ~ 100 ~ 130 ~ No ~ No ~ ~ 99999 ~ 20 mEq ~ ~ ~ No ~ 900 ~ 2
        6 ~ 1 ~ 100 ~ 130 ~ No ~ No ~ ~ ~ 1 mL ~ IV ~ ~ No ~ 900 ~ 2
        7 ~ 1 ~ 100 ~ 130 ~ Yes ~ No ~ 1000 ML FLEX CONT : SODIUM CHLORIDE 0.9 % IV SOLN ~ ~ 1,000 mL ~ IV ~ Continuous ~ No ~ 900 ~ 2
    """,
    "infusionDrug": """
        infusiondrugid ~ patientunitstayid ~ infusionoffset ~ drugname ~ drugrate ~ infusionrate ~ drugamount ~ volumeoffluid ~ patientweight
        1 ~ 1 ~ 200 ~ Norepinephrine (mcg/min) ~ 5 ~ 18.8 ~ 4 ~ 250 ~
        2 ~ 1 ~ 201 ~ Norepinephrine (mcg/kg/min) ~ 0.1 ~ ~ ~ ~ 70
        3 ~ 1 ~ 202 ~ Norepinephrine (ml/hr) ~ 15 ~ ~ ~ ~
        4 ~ 1 ~ 203 ~ Norepinephrine () ~ 1.9 ~ ~ ~ ~
        5 ~ 1 ~ 204 ~ Propofol ~ ~ ~ ~ ~
        6 ~ 1 ~ 205 ~ NSS (ml/hr) ~ 75 ~ ~ ~ ~
    """,
    "lab": """
        labid ~ patientunitstayid ~ labresultoffset ~ labtypeid ~ labname ~ labresult ~ labresulttext ~ labmeasurenamesystem ~ labmeasurenameinterface ~ labresultrevisedoffset
        1 ~ 1 ~ -30 ~ 1 ~ potassium ~ 4.1 ~ 4.1 ~ mmol/L ~ MEQ/L ~ 25
        2 ~ 1 ~ 300 ~ 3 ~ WBC x 1000 ~ 12.5 ~ 12.5 ~ K/mcL ~ 10*3/uL ~ 310
        3 ~ 1 ~ 300 ~ 1 ~ troponin - I ~ ~ <0.02 ~ ng/mL ~ ng/mL ~ 310
        4 ~ 1 ~ 300 ~ 7 ~ FiO2 ~ 4000 ~ 40.0 ~ % ~ ~ 310
        5 ~ 2 ~ 300 ~ 7 ~ FiO2 ~ 0.5 ~ .5 ~ % ~ ~ 310
        6 ~ 1 ~ 300 ~ 1 ~ ionized calcium ~ 4.80962 ~ 1.2 ~ mg/dL ~ mmol/L ~ 310
        7 ~ 2 ~ 300 ~ 1 ~ ionized calcium ~ 1.2 ~ 1.2 ~ mg/dL ~ mg/dL ~ 310
        8 ~ 1 ~ 300 ~ 3 ~ RBC ~ ~ 4.84 ~ M/mcL ~ ~ 310
        9 ~ 1 ~ 300 ~ 7 ~ Temperature ~ 37.5 ~ 37.5 ~ &#176;C ~ ~ 310
        10 ~ 1 ~ 300 ~ 1 ~ sodium ~ ~ ~ mmol/L ~ ~ 310
        11 ~ 99 ~ 300 ~ 1 ~ sodium ~ 140 ~ 140 ~ mmol/L ~ ~ 310
    """,
    "customLab": """
        customlabid ~ patientunitstayid ~ labotheroffset ~ labothertypeid ~ labothername ~ labotherresult ~ labothervaluetext
        1 ~ 1 ~ 400 ~ 1 ~ Zinc ~ 70 ~ 70
        2 ~ 1 ~ 400 ~ 1 ~ Rapid flu ~ negative ~
    """,
    "microLab": """
        microlabid ~ patientunitstayid ~ culturetakenoffset ~ culturesite ~ organism ~ antibiotic ~ sensitivitylevel
        1 ~ 1 ~ 90 ~ Blood, Venipuncture ~ Staphylococcus aureus ~ oxacillin ~ Sensitive
        2 ~ 2 ~ 90 ~ Stool ~ no growth ~ ~
    """,
    "vitalAperiodic": """
        vitalaperiodicid ~ patientunitstayid ~ observationoffset ~ noninvasivesystolic ~ noninvasivediastolic ~ noninvasivemean ~ paop ~ cardiacoutput ~ cardiacinput ~ svr ~ svri ~ pvr ~ pvri
        1 ~ 1 ~ 35 ~ 117 ~ 58 ~ 77 ~ ~ ~ ~ ~ ~ ~
        2 ~ 1 ~ 36 ~ ~ ~ ~ ~ ~ ~ ~ ~ ~
        3 ~ 3 ~ 35 ~ ~ ~ ~ 19 ~ 5.5 ~ 2.5 ~ 967 ~ 1924 ~ 87 ~ 155
    """,
    "vitalPeriodic": """
        vitalperiodicid ~ patientunitstayid ~ observationoffset ~ temperature ~ sao2 ~ heartrate ~ respiration ~ cvp ~ etco2 ~ systemicsystolic ~ systemicdiastolic ~ systemicmean ~ pasystolic ~ padiastolic ~ pamean ~ st1 ~ st2 ~ st3 ~ icp
        1 ~ 2 ~ 35 ~ 37.2 ~ 97 ~ 88 ~ 18 ~ ~ ~ 120 ~ 60 ~ 80 ~ ~ ~ ~ 0.1 ~ ~ ~ 9
    """,
    "apacheApsVar": """
        apacheapsvarid ~ patientunitstayid ~ intubated ~ vent ~ dialysis ~ eyes ~ motor ~ verbal ~ meds ~ urine ~ wbc ~ temperature ~ respiratoryrate ~ sodium ~ heartrate ~ meanbp ~ ph ~ hematocrit ~ creatinine ~ albumin ~ pao2 ~ pco2 ~ bun ~ glucose ~ bilirubin ~ fio2
        1 ~ 1 ~ 0 ~ 1 ~ 0 ~ 4 ~ 6 ~ -1 ~ 0 ~ -1 ~ 12.5 ~ 36.4 ~ 28 ~ 138 ~ 104 ~ 56 ~ -1 ~ 34.4 ~ 1.1 ~ -1 ~ -1 ~ -1 ~ 22 ~ 96 ~ -1.0 ~ -1
    """,
    "apachePredVar": """
        apachepredvarid ~ patientunitstayid ~ sicuday ~ saps3day1 ~ diedinhospital ~ dischargelocation ~ aids ~ hepaticfailure ~ lymphoma ~ metastaticcancer ~ leukemia ~ immunosuppression ~ cirrhosis ~ electivesurgery ~ activetx ~ ima ~ midur ~ oobventday1 ~ oobintubday1 ~ diabetes ~ thrombolytics ~ ejectfx ~ var03hspxlos
        1 ~ 1 ~ 1 ~ 0 ~ 1 ~ 9 ~ 0 ~ 0 ~ 0 ~ 1 ~ 0 ~ 0 ~ 0 ~ ~ 1 ~ 0 ~ 0 ~ 0 ~ 0 ~ 0 ~ 0 ~ 55 ~ 0
    """,
    "apachePatientResult": """
        apachepatientresultsid ~ patientunitstayid ~ apachescore ~ predictedhospitalmortality ~ actualhospitalmortality
        1 ~ 1 ~ 49 ~ 0.03 ~ EXPIRED
    """,
    "carePlanGeneral": """
        cplgeneralid ~ patientunitstayid ~ activeupondischarge ~ cplitemoffset ~ cplgroup ~ cplitemvalue
        1 ~ 1 ~ True ~ 80 ~ Care Limitation ~ Do not resuscitate
        2 ~ 1 ~ True ~ 80 ~ Ventilation ~ Spontaneous - adequate
        3 ~ 1 ~ True ~ 80 ~ Ordered Protocols ~ Sepsis bundle
        4 ~ 1 ~ True ~ 80 ~ Airway ~
        5 ~ 1 ~ True ~ 80 ~ Family/Health Care Proxy/Contact Info ~ Spouse
        6 ~ 1 ~ True ~ 80 ~ Goal Rate ~ 50
    """,
    "carePlanEOL": """
        cpleolid ~ patientunitstayid ~ cpleolsaveoffset ~ cpleoldiscussionoffset ~ activeupondischarge
        1 ~ 3 ~ 700 ~ 650 ~ True
        2 ~ 1 ~ 700 ~ ~ True
    """,
    "carePlanGoal": """
        cplgoalid ~ patientunitstayid ~ cplgoaloffset ~ cplgoalcategory ~ cplgoalvalue ~ cplgoalstatus ~ activeupondischarge
        1 ~ 1 ~ 85 ~ Respiratory ~ Wean from ventilator ~ Active ~ True
    """,
    "carePlanInfectiousDisease": """
        cplinfectid ~ patientunitstayid ~ activeupondischarge ~ cplinfectdiseaseoffset ~ infectdiseasesite ~ infectdiseaseassessment ~ responsetotherapy ~ treatment
        1 ~ 1 ~ True ~ 86 ~ Lung ~ Probable infection ~ ~ Empiric
    """,
    "carePlanCareProvider": """
        cplcareprovderid ~ patientunitstayid ~ careprovidersaveoffset ~ providertype ~ specialty
        1 ~ 1 ~ 5 ~ Primary ~ cardiology
    """,
    "intakeOutput": """
        intakeoutputid ~ patientunitstayid ~ intakeoutputoffset ~ intaketotal ~ outputtotal ~ dialysistotal ~ nettotal ~ intakeoutputentryoffset ~ cellpath ~ celllabel ~ cellvaluenumeric ~ cellvaluetext
        1 ~ 1 ~ 240 ~ 0 ~ 350 ~ 0 ~ -350 ~ 260 ~ flowsheet|Flowsheet Cell Labels|I&O|Output (ml)|Urine ~ Urine ~ 350.0000 ~ 350
        2 ~ 1 ~ 240 ~ 0 ~ 350 ~ 0 ~ -350 ~ 260 ~ flowsheet|Flowsheet Cell Labels|I&O|Weight|Bodyweight (kg) ~ Bodyweight (kg) ~ 70.1000 ~ 70.1
    """,
    "nurseCharting": """
        nursingchartid ~ patientunitstayid ~ nursingchartoffset ~ nursingchartentryoffset ~ nursingchartcelltypecat ~ nursingchartcelltypevallabel ~ nursingchartcelltypevalname ~ nursingchartvalue
        1 ~ 1 ~ 150 ~ 155 ~ Vital Signs ~ Heart Rate ~ Heart Rate ~ 90
        2 ~ 1 ~ 150 ~ 155 ~ Vital Signs ~ Temperature ~ Temperature (F) ~ 98.6
        3 ~ 1 ~ 150 ~ 155 ~ Vital Signs ~ Non-Invasive BP ~ Non-Invasive BP Systolic ~ 118
        4 ~ 1 ~ 150 ~ 155 ~ Other Vital Signs and Infusions ~ Sedation Scale ~ Value ~ calm
        5 ~ 1 ~ 150 ~ 155 ~ Scores ~ Pain Score ~ Pain Score ~
    """,
    "nurseAssessment": """
        nurseassessid ~ patientunitstayid ~ nurseassessoffset ~ nurseassessentryoffset ~ cellattributepath ~ celllabel ~ cellattribute ~ cellattributevalue
        1 ~ 1 ~ 160 ~ 165 ~ flowsheet|Flowsheet Cell Labels|Nursing Assessment|Neurologic ~ Neurologic ~ Level of Consciousness ~ Alert
    """,
    "nurseCare": """
        nursecareid ~ patientunitstayid ~ celllabel ~ nursecareoffset ~ nursecareentryoffset ~ cellattributepath ~ cellattribute ~ cellattributevalue
        1 ~ 1 ~ Hygiene/ADLs ~ 170 ~ 168 ~ flowsheet|Flowsheet Cell Labels|Nursing Care|Hygiene ~ Bath ~ Complete
    """,
    "respiratoryCare": """
        respcareid ~ patientunitstayid ~ respcarestatusoffset ~ airwaytype ~ airwaysize ~ airwayposition ~ cuffpressure ~ ventstartoffset ~ ventendoffset
        1 ~ 1 ~ 500 ~ Oral ETT ~ 7.5 ~ 22 @ teeth ~ ~ 210 ~ 0
        2 ~ 1 ~ 800 ~ ~ ~ ~ 25.0 ~ 0 ~ 790
    """,
    "respiratoryCharting": """
        respchartid ~ patientunitstayid ~ respchartoffset ~ respchartentryoffset ~ respcharttypecat ~ respchartvaluelabel ~ respchartvalue
        1 ~ 1 ~ 220 ~ 225 ~ respFlowSettings ~ FiO2 ~ 40%
        2 ~ 1 ~ 220 ~ 225 ~ respFlowPtVentData ~ Vent Mode ~ SIMV
    """,
}  # fmt: skip

# When each unit stay began: 1 January at the hour of the hospital admission, an hour later, ...
UNIT_ADMITTED = {
    1: dt.datetime(2014, 1, 1, 9, 0),
    2: dt.datetime(2014, 1, 2, 9, 0),
    3: dt.datetime(2015, 1, 1, 23, 0),
    4: dt.datetime(2015, 1, 1, 1, 0),
    5: dt.datetime(2015, 1, 1, 2, 0),
}
SUBJECTS = {1: 100, 2: 100, 3: 101, 4: 102, 5: 103}


def rows_of(table: str) -> list[dict[str, Any]]:
    """The rows of a table; cells stand between tildes, since paths have bars in them."""
    header, *lines = (
        [cell.strip() for cell in line.split("~")] for line in TABLES[table].strip().splitlines()
    )
    return [{name: cell or None for name, cell in zip(header, line, strict=True)} for line in lines]


def write_eicu(
    folder: Path, *, form: str = "csv", case: str = "as is", without: tuple[str, ...] = ()
) -> Path:
    """The source in a folder; `case` is `lower` for names as the demo spells them, `upper` for the database."""
    for table in TABLES:
        if table in without:
            continue
        rows = rows_of(table)
        if case == "upper":
            rows = [{name.upper(): cell for name, cell in row.items()} for row in rows]
        name = table.lower() if case == "lower" else table.upper() if case == "upper" else table
        write_table(folder, name, rows, form=form)
    return folder
