# ruff: noqa: FBT003 - a table: one row per line
"""Medications and procedures, and the conditions or states that lead to them."""

from typing import NamedTuple


class Medication(NamedTuple):
    """One medication.

    Attributes:
        key: generic name, part of the code.
        words: description.
        home: whether it is taken at home (for the chronic conditions named), else given in hospital.
        conditions: conditions that lead to it.
        given: probability when one of them is present.
        otherwise: probability when none is.
        severity: change of the logit with severity (hospital medications only).
    """

    key: str
    words: str
    home: bool
    conditions: tuple[str, ...]
    given: float
    otherwise: float
    severity: float = 0.0


def _home(key: str, words: str, conditions: str, given: float, otherwise: float = 0.002) -> Medication:
    return Medication(key, words, True, tuple(conditions.split()), given, otherwise)


def _ward(
    key: str, words: str, conditions: str, given: float, otherwise: float = 0.004, severity: float = 0.0
) -> Medication:
    return Medication(key, words, False, tuple(conditions.split()), given, otherwise, severity)


MEDICATIONS: tuple[Medication, ...] = (
    _home("metformin", "metformin 500 mg tablet", "diabetes", 0.6),
    _home("insulin_glargine", "insulin glargine", "insulin_use", 0.9),
    _home("lisinopril", "lisinopril 10 mg tablet", "hypertension diabetic_kidney systolic_failure", 0.5),
    _home("amlodipine", "amlodipine 5 mg tablet", "hypertension", 0.35),
    _home("furosemide", "furosemide 40 mg tablet", "systolic_failure diastolic_failure cirrhosis", 0.75),
    _home("spironolactone", "spironolactone 25 mg tablet", "systolic_failure cirrhosis", 0.45),
    _home(
        "metoprolol",
        "metoprolol succinate 50 mg tablet",
        "systolic_failure coronary atrial_fibrillation",
        0.6,
    ),
    _home("apixaban", "apixaban 5 mg tablet", "atrial_fibrillation", 0.6),
    _home("atorvastatin", "atorvastatin 40 mg tablet", "hyperlipidemia coronary", 0.65),
    _home("aspirin", "aspirin 81 mg tablet", "coronary old_infarction", 0.7, 0.05),
    _home("albuterol", "albuterol inhaler", "copd", 0.8, 0.03),
    _home("tiotropium", "tiotropium inhaler", "copd", 0.6),
    _home("sevelamer", "sevelamer 800 mg tablet", "kidney_end", 0.7),
    _home("epoetin", "epoetin alfa injection", "kidney_end cancer_anemia", 0.5),
    _home("gabapentin", "gabapentin 300 mg capsule", "diabetic_nerve", 0.6, 0.03),
    _home("calcium_vitamin_d", "calcium with vitamin D tablet", "osteoporosis", 0.7, 0.05),
    _home("donepezil", "donepezil 10 mg tablet", "dementia", 0.4),
    _home("sertraline", "sertraline 50 mg tablet", "depression", 0.6, 0.02),
    _home("omeprazole", "omeprazole 20 mg capsule", "reflux varices", 0.65, 0.05),
    _home("levothyroxine", "levothyroxine 75 ug tablet", "hypothyroidism", 0.9),
    _home("lactulose", "lactulose syrup", "portal_hypertension", 0.7),
    _home("rifaximin", "rifaximin 550 mg tablet", "portal_hypertension", 0.4),
    _home("thiamine", "thiamine 100 mg tablet", "alcohol", 0.6),
    _home("ondansetron", "ondansetron 4 mg tablet", "lung_cancer colon_cancer breast_cancer", 0.6, 0.01),
    _home("morphine", "morphine sulfate 15 mg tablet", "bone_metastasis", 0.7, 0.005),
    _ward("heparin", "heparin 5000 units injection", "", 0.0, 0.55),
    _ward("acetaminophen", "acetaminophen 500 mg tablet", "", 0.0, 0.6),
    _ward("furosemide_iv", "furosemide injection", "heart_failure_acute ascites", 0.85, 0.03),
    _ward("ceftriaxone", "ceftriaxone 1 g injection", "pneumonia urinary_infection sepsis", 0.6, 0.04),
    _ward("azithromycin", "azithromycin 500 mg", "pneumonia copd_acute", 0.55, 0.01),
    _ward(
        "vancomycin", "vancomycin injection", "sepsis septic_shock neutropenia cellulitis", 0.55, 0.03, 0.5
    ),
    _ward(
        "piperacillin", "piperacillin-tazobactam injection", "sepsis septic_shock neutropenia", 0.6, 0.03, 0.5
    ),
    _ward("prednisone", "prednisone 40 mg tablet", "copd_acute", 0.85, 0.02),
    _ward("norepinephrine", "norepinephrine infusion", "septic_shock", 0.8, 0.01, 1.4),
    _ward("propofol", "propofol infusion", "respiratory_acute", 0.15, 0.008, 1.4),
    _ward("insulin_lispro", "insulin lispro injection", "diabetic_kidney insulin_use", 0.75, 0.05),
    _ward("lorazepam", "lorazepam injection", "alcohol_withdrawal", 0.8, 0.02),
    _ward("filgrastim", "filgrastim injection", "neutropenia", 0.7, 0.001),
    _ward("dexamethasone", "dexamethasone 4 mg", "chemotherapy bone_metastasis", 0.6, 0.01),
    _ward("potassium_chloride", "potassium chloride", "heart_failure_acute", 0.4, 0.1),
    _ward("haloperidol", "haloperidol injection", "delirium", 0.4, 0.005),
)


class Procedure(NamedTuple):
    """One procedure: as a ward medication is given, so it is done."""

    key: str
    words: str
    conditions: tuple[str, ...]
    given: float
    otherwise: float
    severity: float


def _done(
    key: str, words: str, conditions: str, given: float, otherwise: float, severity: float = 0.0
) -> Procedure:
    return Procedure(key, words, tuple(conditions.split()), given, otherwise, severity)


PROCEDURES: tuple[Procedure, ...] = (
    _done("chest_x_ray", "chest X-ray", "pneumonia heart_failure_acute copd_acute", 0.9, 0.45, 0.3),
    _done("electrocardiogram", "electrocardiogram", "chest_pain infarction atrial_fibrillation", 0.9, 0.5),
    _done("echocardiogram", "echocardiogram", "heart_failure_acute infarction", 0.6, 0.06),
    _done("ct_head", "CT scan of the head", "delirium fainting falls", 0.4, 0.04),
    _done("ct_abdomen", "CT scan of the abdomen", "appendicitis gallstones ascites", 0.6, 0.06),
    _done("central_line", "central venous catheter", "septic_shock", 0.7, 0.02, 1.2),
    _done("ventilation", "invasive mechanical ventilation", "respiratory_acute", 0.12, 0.008, 1.4),
    _done("hemodialysis", "hemodialysis", "kidney_end", 0.9, 0.003, 0.6),
    _done("paracentesis", "paracentesis", "ascites", 0.6, 0.001),
    _done("endoscopy", "upper gastrointestinal endoscopy", "varices", 0.3, 0.02),
    _done("transfusion", "transfusion of red cells", "anemia cancer_anemia", 0.2, 0.02, 0.3),
    _done("hip_repair", "surgical repair of the hip", "hip_fracture", 0.9, 0.0005),
    _done("appendectomy", "removal of the appendix", "appendicitis", 0.95, 0.0002),
    _done("cholecystectomy", "removal of the gallbladder", "gallstones", 0.5, 0.0005),
    _done("chemotherapy", "infusion of chemotherapy", "chemotherapy", 0.95, 0.0005),
    _done("coronary_angiography", "coronary angiography", "infarction", 0.7, 0.01),
)
