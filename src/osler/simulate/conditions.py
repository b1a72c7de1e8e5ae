# ruff: noqa: E501, FBT003 - a table: one row per line
"""Conditions: ICD-10-CM and ICD-9-CM codes with short wordings of our own, and how often each phenotype has them."""

from typing import NamedTuple

import numpy as np

from osler.simulate.phenotypes import KEYS, Floats


class Condition(NamedTuple):
    """One condition.

    Attributes:
        key: short name.
        icd10, icd9: codes.
        words: description.
        chronic: whether it stays with the subject.
        base: probability for a phenotype that `by` does not name.
        by: probability by phenotype.
        slope: change of the logit with frailty (chronic) or severity (acute).
    """

    key: str
    icd10: str
    icd9: str
    words: str
    chronic: bool
    base: float
    by: dict[str, float]
    slope: float = 0.0


def _chronic(key: str, codes: str, words: str, base: float, slope: float = 0.0, **by: float) -> Condition:
    icd10, icd9 = codes.split()
    return Condition(key, icd10, icd9, words, True, base, by, slope)


def _acute(key: str, codes: str, words: str, base: float, slope: float = 0.0, **by: float) -> Condition:
    icd10, icd9 = codes.split()
    return Condition(key, icd10, icd9, words, False, base, by, slope)


CONDITIONS: tuple[Condition, ...] = (
    _chronic("hypertension", "I10 401.9", "high blood pressure", 0.3, 0.3, diabetes=0.8, heart=0.7, frail=0.6, well=0.2),
    _chronic("hyperlipidemia", "E78.5 272.4", "raised blood lipids", 0.25, diabetes=0.6, heart=0.5, well=0.15),
    _chronic("diabetes", "E11.9 250.00", "type 2 diabetes", 0.1, diabetes=0.35, heart=0.25, well=0.04),
    _chronic("diabetic_kidney", "E11.22 250.40", "type 2 diabetes with kidney disease", 0.004, diabetes=0.9),
    _chronic("kidney_3", "N18.30 585.3", "chronic kidney disease, stage 3", 0.05, 0.3, diabetes=0.55, heart=0.25, well=0.01),
    _chronic("kidney_end", "N18.6 585.6", "end-stage kidney disease", 0.004, diabetes=0.16, well=0.0005),
    _chronic("diabetic_nerve", "E11.42 250.60", "type 2 diabetes with nerve disease", 0.005, diabetes=0.35),
    _chronic("insulin_use", "Z79.4 V58.67", "long-term use of insulin", 0.02, diabetes=0.55, well=0.005),
    _chronic("systolic_failure", "I50.22 428.22", "chronic systolic heart failure", 0.02, heart=0.6, well=0.002),
    _chronic("diastolic_failure", "I50.32 428.32", "chronic diastolic heart failure", 0.03, heart=0.4, diabetes=0.08, well=0.002),
    _chronic("coronary", "I25.10 414.01", "coronary artery disease", 0.12, heart=0.6, diabetes=0.3, well=0.04),
    _chronic("old_infarction", "I25.2 412", "old myocardial infarction", 0.03, heart=0.3, well=0.01),
    _chronic("atrial_fibrillation", "I48.91 427.31", "atrial fibrillation", 0.1, 0.3, heart=0.5, frail=0.25, well=0.03),
    _chronic("copd", "J44.9 496", "chronic obstructive pulmonary disease", 0.06, copd=0.92, heart=0.15, well=0.02),
    _chronic("respiratory_chronic", "J96.11 518.83", "chronic respiratory failure", 0.005, 0.5, copd=0.25, well=0.001),
    _chronic("home_oxygen", "Z99.81 V46.2", "dependence on oxygen", 0.01, 0.5, copd=0.35, well=0.001),
    _chronic("smoking", "F17.210 305.1", "nicotine dependence", 0.12, -0.2, copd=0.6, liver=0.4),
    _chronic("past_infection", "Z86.19 V12.09", "personal history of severe infection", 0.01, sepsis=0.85),
    _chronic("dementia", "F03.90 294.20", "dementia", 0.02, 0.9, frail=0.4, well=0.002),
    _chronic("falls", "R29.6 V15.88", "repeated falls", 0.04, 1.2, frail=0.45, liver=0.15, well=0.01),
    _chronic("debility", "R54 797", "age-related physical debility", 0.03, 1.4, frail=0.6, well=0.005),
    _chronic("osteoporosis", "M81.0 733.00", "osteoporosis", 0.06, 0.4, frail=0.4, well=0.04),
    _chronic("malnutrition", "E46 263.9", "malnutrition", 0.04, 1.0, frail=0.2, cancer=0.25, liver=0.2, well=0.005),
    _chronic("lung_cancer", "C34.90 162.9", "lung cancer", 0.006, cancer=0.35, copd=0.03, well=0.001),
    _chronic("colon_cancer", "C18.9 153.9", "colon cancer", 0.006, cancer=0.35, well=0.002),
    _chronic("breast_cancer", "C50.919 174.9", "breast cancer", 0.006, cancer=0.3, well=0.003),
    _chronic("bone_metastasis", "C79.51 198.5", "cancer spread to bone", 0.001, 0.5, cancer=0.3, well=0.0002),
    _chronic("cancer_anemia", "D63.0 285.22", "anemia in cancer", 0.002, 0.4, cancer=0.4, well=0.0005),
    _chronic("cirrhosis", "K70.30 571.2", "alcoholic cirrhosis of the liver", 0.003, liver=0.85),
    _chronic("alcohol", "F10.20 303.90", "alcohol dependence", 0.03, -0.2, liver=0.9, well=0.03),
    _chronic("portal_hypertension", "K76.6 572.3", "portal hypertension", 0.001, 0.4, liver=0.45),
    _chronic("varices", "I85.00 456.1", "esophageal varices", 0.001, 0.3, liver=0.35),
    _chronic("depression", "F32.9 311", "depression", 0.15, 0.2, liver=0.3, frail=0.25),
    _chronic("reflux", "K21.9 530.81", "gastro-esophageal reflux", 0.2),
    _chronic("obesity", "E66.9 278.00", "obesity", 0.15, -0.3, diabetes=0.4, frail=0.04),
    _chronic("sleep_apnea", "G47.33 327.23", "obstructive sleep apnea", 0.08, heart=0.2, copd=0.15, diabetes=0.15),
    _chronic("hypothyroidism", "E03.9 244.9", "hypothyroidism", 0.1),
    _chronic("knee_arthrosis", "M17.9 715.36", "osteoarthritis of the knee", 0.14, 0.2, frail=0.3),
    _acute("heart_failure_acute", "I50.23 428.23", "acute on chronic systolic heart failure", 0.01, 0.2, heart=0.3),
    _acute("infarction", "I21.4 410.71", "non-ST elevation myocardial infarction", 0.02, 0.2, heart=0.07, diabetes=0.05),
    _acute("copd_acute", "J44.1 491.21", "acute exacerbation of chronic obstructive pulmonary disease", 0.004, 0.2, copd=0.3),
    _acute("respiratory_acute", "J96.01 518.81", "acute respiratory failure with hypoxia", 0.04, 1.3, copd=0.15, heart=0.08),
    _acute("pneumonia", "J18.9 486", "pneumonia", 0.07, 0.5, copd=0.12, frail=0.14, sepsis=0.12),
    _acute("sepsis", "A41.9 038.9", "sepsis", 0.03, 1.2, sepsis=0.14, cancer=0.08, frail=0.06),
    _acute("septic_shock", "R65.21 785.52", "septic shock", 0.005, 1.7, sepsis=0.04, cancer=0.02),
    _acute("urinary_infection", "N39.0 599.0", "urinary tract infection", 0.08, 0.2, frail=0.2, diabetes=0.12, sepsis=0.15),
    _acute("cellulitis", "L03.90 682.9", "cellulitis", 0.03, diabetes=0.08),
    _acute("kidney_acute", "N17.9 584.9", "acute kidney failure", 0.07, 0.9, diabetes=0.22, heart=0.15, sepsis=0.14),
    _acute("hyponatremia", "E87.1 276.1", "low blood sodium", 0.06, 0.4, heart=0.12, liver=0.2, frail=0.1),
    _acute("hyperkalemia", "E87.5 276.7", "high blood potassium", 0.03, 0.5, diabetes=0.14),
    _acute("hypotension", "I95.9 458.9", "low blood pressure", 0.04, 1.0, heart=0.08),
    _acute("delirium", "F05 293.0", "delirium", 0.03, 0.5, frail=0.2, liver=0.12, well=0.01),
    _acute("hip_fracture", "S72.009A 820.8", "fracture of the neck of the femur", 0.008, frail=0.12, well=0.005),
    _acute("pressure_ulcer", "L89.159 707.03", "pressure ulcer over the sacrum", 0.01, 0.6, frail=0.08, sepsis=0.04),
    _acute("dysphagia", "R13.10 787.20", "difficulty swallowing", 0.01, 0.2, frail=0.08, cancer=0.05),
    _acute("neutropenia", "D70.1 288.03", "neutropenia due to cancer chemotherapy", 0.0005, 0.4, cancer=0.25),
    _acute("chemotherapy", "Z51.11 V58.11", "planned chemotherapy", 0.0005, -0.8, cancer=0.2),
    _acute("hepatic_failure", "K72.90 572.2", "liver failure with encephalopathy", 0.001, 0.7, liver=0.25),
    _acute("ascites", "R18.8 789.59", "ascites", 0.005, 0.3, liver=0.4, cancer=0.04),
    _acute("alcohol_withdrawal", "F10.239 291.81", "alcohol withdrawal", 0.003, liver=0.25),
    _acute("thrombocytopenia", "D69.6 287.5", "low platelet count", 0.02, 0.4, liver=0.35, cancer=0.2),
    _acute("anemia", "D64.9 285.9", "anemia", 0.1, 0.2, diabetes=0.25, frail=0.2),
    _acute("appendicitis", "K35.80 540.9", "acute appendicitis", 0.0005, well=0.06),
    _acute("gallstones", "K80.20 574.20", "gallstones", 0.01, well=0.08),
    _acute("chest_pain", "R07.9 786.50", "chest pain", 0.03, -0.4, well=0.1, heart=0.06),
    _acute("fainting", "R55 780.2", "fainting", 0.02, -0.3, well=0.05, frail=0.06),
)  # fmt: skip

INDEX = {condition.key: index for index, condition in enumerate(CONDITIONS)}

# The reason for admission: share by phenotype.
REASONS: dict[str, dict[str, float]] = {
    "well": {"chest_pain": 0.22, "gallstones": 0.2, "appendicitis": 0.16, "pneumonia": 0.14, "urinary_infection": 0.12,
             "fainting": 0.1, "cellulitis": 0.06},
    "diabetes": {"kidney_acute": 0.28, "cellulitis": 0.18, "hyperkalemia": 0.14, "urinary_infection": 0.14,
                 "infarction": 0.12, "pneumonia": 0.14},
    "heart": {"heart_failure_acute": 0.55, "infarction": 0.15, "chest_pain": 0.1, "pneumonia": 0.1, "kidney_acute": 0.1},
    "copd": {"copd_acute": 0.55, "pneumonia": 0.25, "respiratory_acute": 0.2},
    "sepsis": {"sepsis": 0.35, "pneumonia": 0.25, "urinary_infection": 0.25, "cellulitis": 0.15},
    "frail": {"hip_fracture": 0.22, "pneumonia": 0.2, "urinary_infection": 0.2, "delirium": 0.18, "fainting": 0.2},
    "cancer": {"chemotherapy": 0.3, "neutropenia": 0.25, "sepsis": 0.15, "pneumonia": 0.15, "dysphagia": 0.15},
    "liver": {"hepatic_failure": 0.28, "ascites": 0.27, "alcohol_withdrawal": 0.3, "pneumonia": 0.15},
}  # fmt: skip


def probabilities() -> Floats:
    """[phenotypes, conditions] probability at the mean of the latent scale."""
    return np.array([[c.by.get(key, c.base) for c in CONDITIONS] for key in KEYS])


def reasons() -> Floats:
    """[phenotypes, conditions] probability of being the reason for admission."""
    table = np.zeros((len(KEYS), len(CONDITIONS)))
    for row, key in enumerate(KEYS):
        for name, share in REASONS[key].items():
            table[row, INDEX[name]] = share
    return np.asarray(table / table.sum(axis=1, keepdims=True))
