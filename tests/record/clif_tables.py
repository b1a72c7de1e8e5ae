# ruff: noqa: E501 - a table: one row per line
"""A small CLIF source with every table and every trap, made of rows that no patient has."""

from pathlib import Path
from typing import Any

from mapping_support import write_table

# Patient 1 has no date of birth and dies on a stay that ends on a date; patient 2 is spelled as CLIF 3.0
# spells and dies on a day of which no time is known; patient 3 is still in hospital; that patient 4 died is
# known from the disposition only; patient 9 is not in the table of patients.
TABLES: dict[str, str] = {
    "patient": """
        patient_id | race_category | ethnicity_category | sex_category | birth_date | death_dttm | language_category
        1 | White | Non-Hispanic | Male | | 2020-01-05 22:30:00+00:00 | English
        2 | black_or_african_american | hispanic | female | 1960-02-03 | 2021-07-09 00:00:00+00:00 | haitian_creole
        3 | Unknown | Unknown | Unknown | 1990-05-06 | |
        4 | | | Female | 1950-01-01 | |
    """,
    "hospitalization": """
        patient_id | hospitalization_id | admission_dttm | discharge_dttm | age_at_admission | admission_type_name | admission_type_category | discharge_name | discharge_category
        1 | 11 | 2020-01-01 08:00:00+00:00 | 2020-01-05 00:00:00+00:00 | 60 | EMER | ed | DEAD | Expired
        1 | 10 | 2018-06-01 10:00:00+00:00 | 2018-06-03 10:00:00+00:00 | 59 | | osh | HOME | Home
        2 | 20 | 2021-03-01 09:00:00+00:00 | 2021-03-04 12:00:00+00:00 | 61 | | elective | | ama
        3 | 30 | 2022-02-02 02:00:00+00:00 | | 31 | | other | | Still Admitted
        4 | 40 | 2019-09-09 09:09:00+00:00 | 2019-09-10 10:10:00+00:00 | 69 | | | | expired
        9 | 90 | 2019-09-09 09:09:00+00:00 | 2019-09-10 10:10:00+00:00 | 69 | | ed | | Missing
    """,
    "adt": """
        hospitalization_id | hospital_id | in_dttm | out_dttm | location_name | location_category | location_type
        11 | north | 2020-01-01 06:00:00+00:00 | 2020-01-01 08:30:00+00:00 | ED 1 | ed |
        11 | north | 2020-01-01 08:30:00+00:00 | 2020-01-02 09:00:00+00:00 | MICU | icu | medical_icu
        11 | south | 2020-01-02 09:00:00+00:00 | 2020-01-03 09:00:00+00:00 | Unit 7 | icu |
        11 | south | 2020-01-03 09:00:00+00:00 | 2020-01-05 00:00:00+00:00 | Ward 5 | ward |
        20 | south | 2021-03-01 09:00:00+00:00 | 2021-03-04 12:00:00+00:00 | Delivery | l&d |
    """,
    "vitals": """
        hospitalization_id | recorded_dttm | vital_name | vital_category | vital_value | meas_site_name
        11 | 2020-01-01 09:00:00+00:00 | Temperature F | temp_c | 38.4 | Oral
        11 | 2020-01-01 09:00:00+00:00 | Pulse | heart_rate | 101 |
        11 | 2020-01-01 09:00:00+00:00 | ART BP | sbp | 88 |
        11 | 2020-01-01 09:00:00+00:00 | Weight | weight_kg | 80.5 |
        11 | 2020-01-01 09:00:00+00:00 | Height | height_cm | 170 |
        11 | 2020-01-01 10:00:00+00:00 | Pulse | heart_rate | |
        20 | 2021-03-01 10:00:00+00:00 | ICP | intracranial_pressure | 12 |
    """,
    "labs": """
        hospitalization_id | lab_order_dttm | lab_collect_dttm | lab_result_dttm | lab_name | lab_category | lab_value | lab_value_numeric | reference_unit | lab_specimen_category | lab_loinc_code
        11 | 2020-01-01 08:10:00+00:00 | 2020-01-01 08:20:00+00:00 | 2020-01-01 09:30:00+00:00 | K | potassium | 4.1 | 4.1 | mmol/L | blood/plasma/serum |
        11 | 2020-01-01 08:10:00+00:00 | 2020-01-01 08:20:00+00:00 | 2020-01-01 08:15:00+00:00 | Lactate | lactate | ___ | 2 | mmol/L | |
        11 | | | 2020-01-01 11:00:00+00:00 | Trop | troponin_t | <6. | | ng/L | |
        11 | | 2020-01-01 12:00:00+00:00 | 2020-01-01 12:40:00+00:00 | Hgb | hemoglobin | UNABLE  TO REPORT. | | g/dL | |
        11 | | 2020-01-01 12:00:00+00:00 | 2020-01-01 12:40:00+00:00 | Mono | monocytes_percent | 5.5 | 5.5 | % | |
        11 | | 2020-01-01 12:00:00+00:00 | 2020-01-01 12:40:00+00:00 | INR | inr | ___ | | (no units) | |
        11 | | 2020-01-01 13:00:00+00:00 | 2020-01-01 14:00:00+00:00 | Glucose | glucose_serum | 60 | 60 | mg/dL | csf |
        20 | | 2021-03-01 13:00:00+00:00 | 2021-03-01 14:00:00+00:00 | LDH | pleural_ldh | 300 | 300 | u/l | pleural |
        20 | | 2021-03-01 13:00:00+00:00 | 2021-03-01 14:00:00+00:00 | Zinc | | 70 | 70 | ug/dL | | 5763-8
        20 | | 2021-03-01 13:00:00+00:00 | 2021-03-01 14:00:00+00:00 | Local test | other | pos | | | |
    """,
    "medication_admin_continuous": """
        hospitalization_id | med_order_id | admin_dttm | med_name | med_category | med_group | med_dose | med_dose_unit | mar_action_name | mar_action_category
        11 | 5 | 2020-01-01 10:00:00+00:00 | NE 8 mg | norepinephrine | vasoactives | 0.1 | mcg/kg/min | Begin | start
        11 | 5 | 2020-01-01 12:00:00+00:00 | NE 8 mg | norepinephrine | vasoactives | 0 | mcg/kg/min | End | stop
    """,
    "medication_admin_intermittent": """
        hospitalization_id | admin_dttm | med_name | med_category | med_route_category | med_dose | med_dose_unit | mar_action_category | mar_action_group
        11 | 2020-01-01 11:00:00+00:00 | Zosyn | piperacillin_tazobactam | iv | 4.5 | g | given | administered
        11 | 2020-01-01 17:00:00+00:00 | Zosyn | piperacillin_tazobactam | iv | 4.5 | g | not_given | not_administered
        20 | 2021-03-01 11:00:00+00:00 | Folic acid | | enteral | 1 | mg | given |
    """,
    "medication_orders": """
        hospitalization_id | order_start_dttm | ordered_dttm | med_category | med_order_status_name | med_route_name | med_dose | med_dose_unit | med_frequency | prn
        11 | 2020-01-01 11:00:00+00:00 | 2020-01-01 10:30:00+00:00 | acetaminophen | given | Oral | 650 | mg | Every 6 hours | 1
    """,
    "respiratory_support": """
        hospitalization_id | recorded_dttm | device_name | device_category | mode_category | tracheostomy | fio2_set | lpm_set | peep_set | tidal_volume_obs
        11 | 2020-01-01 10:00:00+00:00 | ETT | IMV | Pressure Support/CPAP | True | 0.4 | | 5 | 450
        20 | 2021-03-01 10:00:00+00:00 | HFNC | hfnc | | 0 | | 30 | |
        20 | 2021-03-01 11:00:00+00:00 | | | | | | | |
    """,
    "patient_assessments": """
        hospitalization_id | recorded_dttm | assessment_name | assessment_category | numerical_value | categorical_value | text_value
        11 | 2020-01-01 10:00:00+00:00 | x | gcs_total | 15 | |
        11 | 2020-01-01 10:00:00+00:00 | x | gcs_verbal | 0 | |
        11 | 2020-01-01 10:00:00+00:00 | x | RASS | -1 | | -1 Awakens to voice
        11 | 2020-01-01 10:00:00+00:00 | x | braden_activity | 1 | Bedfast |
        11 | 2020-01-01 10:00:00+00:00 | x | cam_total | | Negative |
        11 | 2020-01-01 10:00:00+00:00 | x | sat_screen_performed | 1 | |
        11 | 2020-01-01 10:00:00+00:00 | x | sbt_delivery_pass_fail | 0 | |
        11 | 2020-01-01 11:00:00+00:00 | x | RASS | | |
    """,
    "position": """
        hospitalization_id | recorded_dttm | position_name | position_category
        11 | 2020-01-01 10:00:00+00:00 | Left Side | not_prone
        11 | 2020-01-01 11:00:00+00:00 | Prone | prone
    """,
    "code_status": """
        patient_id | start_dttm | code_status_name | code_status_category
        1 | 2020-01-04 10:00:00+00:00 | No CPR | DNR/DNI
        2 | 2021-03-01 10:00:00+00:00 | Full | presume_full
    """,
    "crrt_therapy": """
        hospitalization_id | recorded_dttm | crrt_mode_category | blood_flow_rate | dialysate_flow_rate | ultrafiltration_out
        11 | 2020-01-03 10:00:00+00:00 | cvvhdf | 12000 | 800 | 100
        11 | 2020-01-03 11:00:00+00:00 | | 200 | |
    """,
    "hospital_diagnosis": """
        hospitalization_id | diagnosis_code | diagnosis_code_format | diagnosis_primary | poa_present
        11 | A419 | ICD10CM | 1 | 1
        11 | I469 | ICD10CM | 0 | 0
        10 | 4019 | ICD9CM | 0 |
        30 | A419 | ICD10CM | 1 | 1
    """,
    "patient_procedures": """
        hospitalization_id | procedure_code | procedure_code_format | procedure_billed_dttm
        11 | 5A1D70Z | ICD10PCS | 2020-01-03 00:00:00+00:00
        10 | 3897 | ICD9 | 2018-06-10 00:00:00+00:00
        20 | 99291 | CPT |
    """,
    "patient_diagnosis": """
        patient_id | hospitalization_id | diagnosis_code | diagnosis_code_format | source_type | start_dttm
        2 | 20 | E119 | ICD10CM | medical_history | 2015-01-01 00:00:00+00:00
    """,
    "microbiology_culture": """
        patient_id | hospitalization_id | organism_id | order_dttm | collect_dttm | result_dttm | fluid_category | method_category | organism_name | organism_category
        1 | 11 | 7 | | 2020-01-01 08:30:00+00:00 | 2020-01-03 12:00:00+00:00 | blood_buffy | culture | E coli | escherichia_coli
        1 | 11 | | | 2020-01-01 08:30:00+00:00 | 2020-01-04 12:00:00+00:00 | genito_urinary_tract | culture | none | no_growth
        1 | 11 | | | 2020-01-01 08:30:00+00:00 | 2020-01-01 13:00:00+00:00 | blood_buffy | gram_stain | GNR | gram_negative_rod
    """,
    "microbiology_nonculture": """
        patient_id | hospitalization_id | collect_dttm | result_dttm | fluid_category | method_category | micro_order_name | organism_category | result_name | result_category
        1 | 11 | 2020-01-01 08:30:00+00:00 | 2020-01-01 20:00:00+00:00 | respiratory_tract | pcr | COVID | sars_cov2 | Positive | detected
    """,
    "microbiology_susceptibility": """
        organism_id | antimicrobial_name | antimicrobial_category | sensitivity_name | susceptibility_name | susceptibility_category
        7 | Meropenem | meropenem | MIC <=1 | S | susceptible
        7 | Amp | ampicillin | | R | non_susceptible
        7 | Zinc | | | | NA
        8 | Amp | ampicillin | | R | non_susceptible
    """,
    "invasive_hemodynamics": """
        hospitalization_id | recorded_dttm | measure_name | measure_category | measure_value
        11 | 2020-01-02 10:00:00+00:00 | Swan | pcwp | 18
        11 | 2020-01-02 10:00:00+00:00 | Swan | cardiac_output_fick | 4.5
    """,
    "ecmo_mcs": """
        hospitalization_id | recorded_dttm | device_name | device_category | mcs_group | ecmo_configuration_category | control_parameter_category | control_parameter_value | flow | sweep_set | fdO2_set
        11 | 2020-01-02 10:00:00+00:00 | CardioHelp | cardiohelp_ecmo | ecmo | vv | rpm | 3000 | 4.2 | 3 | 0.9
    """,
    "mcs": """
        hospitalization_id | recorded_dttm | support_category | device_name | device_category | config_category | setting_category | setting_value
        20 | 2021-03-02 10:00:00+00:00 | lvad | Impella CP | impella | cp | pump_flow | 3.1
    """,
    "intermittent_dialysis": """
        hospitalization_id | recorded_dttm | blood_flow_rate | net_ultrafiltration_out
        20 | 2021-03-02 10:00:00+00:00 | 300 | 2000
    """,
    "intake_output": """
        hospitalization_id | intake_dttm | fluid_name | amount | in_out_flag
        11 | 2020-01-02 10:00:00+00:00 | Saline | 500 | 1
        11 | 2020-01-02 10:00:00+00:00 | Urine | 80 | 0
        11 | 2020-01-02 10:00:00+00:00 | Urine | 80 |
    """,
    "input": """
        hospitalization_id | recorded_dttm | input_name | input_category | input_volume
        20 | 2021-03-02 10:00:00+00:00 | LR | iv_crystalloid | 1000
    """,
    "output": """
        hospitalization_id | recorded_dttm | output_name | output_category | output_volume
        20 | 2021-03-02 10:00:00+00:00 | Foley | indwelling_urinary_catheter | 250
    """,
    "key_icu_orders": """
        hospitalization_id | order_dttm | order_name | order_category | order_status_name
        11 | 2020-01-02 10:00:00+00:00 | PT | pt_evaluation | completed
        11 | 2020-01-02 11:00:00+00:00 | PT | pt_evaluation | canceled
    """,
    "therapy_details": """
        hospitalization_id | session_start_dttm | therapy_element_name | therapy_element_category | therapy_element_value
        11 | 2020-01-02 12:00:00+00:00 | Sat at edge | sitting_time | 10
    """,
    "transfusion": """
        hospitalization_id | transfusion_start_dttm | transfusion_end_dttm | component_name | attribute_name | volume_transfused | volume_units
        11 | 2020-01-02 10:00:00+00:00 | 2020-01-02 12:00:00+00:00 | Red Blood Cells | Irradiated | 300 | mL
    """,
    "line": """
        hospitalization_id | line_id | placed_dttm | removed_dttm | line_category | line_site | lumen_count
        11 | 1 | 2020-01-01 09:00:00+00:00 | 2020-01-04 09:00:00+00:00 | cvc | right_ij | 3
    """,
    "drain": """
        hospitalization_id | drain_id | placed_dttm | removed_dttm | drain_category | anatomical_location
        20 | 1 | 2021-03-01 09:30:00+00:00 | | foley |
    """,
    "airway": """
        hospitalization_id | airway_id | placed_dttm | removed_dttm | airway_category | airway_size | is_cuffed
        11 | 1 | 2020-01-01 09:30:00+00:00 | | ett | 7.5 | 1
    """,
    "ed_encounter": """
        hospitalization_id | ed_encounter_id | ed_arrival_dttm | arrival_mode_category | triage_acuity_category | triage_dttm | chief_complaint_name | ed_disposition_category
        11 | 1 | 2020-01-01 06:00:00+00:00 | ambulance | level_2 | 2020-01-01 06:10:00+00:00 | Short of breath | admitted
    """,
    "patient_attributes": """
        patient_id | recorded_dttm | attribute_category | attribute_value_category
        2 | 2021-03-01 09:10:00+00:00 | smoking_status | former
    """,
    "place_based_index": """
        hospitalization_id | index_name | index_value | index_version
        20 | Area Deprivation Index | 42 | 2019
    """,
    "radiology": """
        patient_id | radiology_accession | radiology_order_dttm | radiology_report_dttm | radiology_order_name | radiology_modality_category | radiology_report_text
        1 | 501 | 2020-01-01 09:00:00+00:00 | 2020-01-01 10:30:00+00:00 | CT CHEST | ct | No embolus.
    """,
    "clinical_notes_facts": """
        hospitalization_id | note_id | revision_id | note_type | note_type_category | note_status | creation_dttm | revision_dttm | service_date
        11 | 601 | 1 | PN | progress_note | signed | 2020-01-02 08:00:00+00:00 | 2020-01-02 09:00:00+00:00 | 2020-01-02
        11 | 601 | 2 | PN | progress_note | incomplete | 2020-01-02 08:00:00+00:00 | 2020-01-02 08:30:00+00:00 | 2020-01-02
    """,
    "clinical_notes_text": """
        hospitalization_id | note_id | revision_id | note_text
        11 | 601 | 1 | Better today.
        11 | 601 | 2 | Bett
    """,
    "sensitivity": """
        culture_id | antibiotic | sensitivity | mic
        7 | Penicillin | Resistant | 4
    """,
    "clinical_trial": """
        hospitalization_id | trial_id | arm_id
        11 | T1 | A
    """,
    "provider": """
        hospitalization_id | provider_id | start_dttm
        11 | 77 | 2020-01-01 08:00:00+00:00
    """,
    "validated_diagnosis": """
        hospitalization_id | diagnosis_category | diagnosis_status
        11 | sepsis | confirmed
    """,
    "scores": """
        hospitalization_id | model_id | recorded_dttm | score_value
        11 | 1 | 2020-01-01 08:00:00+00:00 | 0.7
    """,
    "model_registry": """
        model_id | model_name
        1 | deterioration
    """,
}  # fmt: skip


def rows_of(table: str) -> list[dict[str, Any]]:
    """The rows of a table."""
    header, *lines = (
        [cell.strip() for cell in line.split("|")] for line in TABLES[table].strip().splitlines()
    )
    return [{name: cell or None for name, cell in zip(header, line, strict=True)} for line in lines]


def write_clif(
    folder: Path, *, prefix: str = "clif_", form: str = "csv", without: tuple[str, ...] = ()
) -> Path:
    """The source in a folder, with the names of its files beginning as CLIF says or not."""
    for table in TABLES:
        if table not in without:
            write_table(folder, f"{prefix}{table}", rows_of(table), form=form)
    return folder
