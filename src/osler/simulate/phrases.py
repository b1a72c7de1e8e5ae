# ruff: noqa: E501 - a table: one sentence per line
"""The wordings of discharge summaries; all of them are our own."""

from osler.simulate.conditions import CONDITIONS, INDEX

# What brought the patient in, by reason for admission.
PRESENTATIONS: dict[str, str] = {
    "heart_failure_acute": "increasing shortness of breath, swollen legs and weight gain over several days",
    "infarction": "pressing chest pain that spread to the left arm",
    "copd_acute": "worsening cough with thick sputum and shortness of breath",
    "respiratory_acute": "severe shortness of breath and low oxygen saturation",
    "pneumonia": "fever, productive cough and shortness of breath",
    "sepsis": "fever, shaking chills and confusion",
    "urinary_infection": "burning on urination, fever and flank pain",
    "cellulitis": "a red, warm and painful lower leg",
    "kidney_acute": "falling urine output, nausea and tiredness",
    "hyperkalemia": "muscle weakness and palpitations",
    "delirium": "new confusion and restlessness at night",
    "hip_fracture": "hip pain after a fall at home, unable to stand",
    "dysphagia": "difficulty swallowing and weight loss",
    "neutropenia": "fever ten days after chemotherapy",
    "chemotherapy": "a planned cycle of chemotherapy",
    "hepatic_failure": "drowsiness, confusion and jaundice",
    "ascites": "a swollen abdomen and loss of appetite",
    "alcohol_withdrawal": "tremor, sweating and agitation after stopping alcohol",
    "appendicitis": "pain in the right lower abdomen with vomiting",
    "gallstones": "cramping pain in the right upper abdomen after meals",
    "chest_pain": "chest pain on exertion",
    "fainting": "a brief loss of consciousness",
}

# A finding that is denied, and the conditions with which it must not be denied.
NEGATIVES: tuple[tuple[str, str], ...] = (
    ("chest pain", "infarction chest_pain"),
    ("fever", "pneumonia sepsis urinary_infection neutropenia cellulitis"),
    ("shortness of breath", "heart_failure_acute copd_acute respiratory_acute pneumonia"),
    ("abdominal pain", "appendicitis gallstones ascites urinary_infection"),
    ("vomiting", "appendicitis kidney_acute gallstones"),
    ("headache", ""),
    ("blood in the stool", ""),
    ("diarrhea", ""),
    ("skin rash", "cellulitis"),
    ("double vision", ""),
    ("calf tenderness", "cellulitis"),
    ("neck stiffness", ""),
)

ALLERGIES = (
    "No known drug allergies.",
    "Allergic to sulfonamides (rash).",
    "No known drug allergies.",
    "Does not tolerate codeine.",
)
LIVING = (
    "Lives alone.",
    "Lives with family.",
    "Lives with a partner.",
    "Receives help at home twice a week.",
)
FAMILY = (
    "Father had coronary artery disease.", "Mother had type 2 diabetes.", "A sister had breast cancer.",
    "No family history of clotting disorders.",
)  # fmt: skip
FOLLOW_UP = (
    "Primary care visit in one week.", "Primary care visit in two weeks.", "Clinic visit in two to four weeks.",
    "Primary care visit within ten days, with repeat laboratory tests.",
)  # fmt: skip
DAYS = (
    "remained stable and was out of bed", "was seen by physical therapy", "ate and drank well",
    "needed no change of treatment", "slept poorly but had no new complaints", "was seen by the dietitian",
    "walked the corridor with help", "had laboratory tests repeated",
)  # fmt: skip
EXTRAS: tuple[str, ...] = (
    "Vaccination against influenza was offered.",
    "Medications were reviewed with the pharmacist.",
    "The patient was taught the signs that should prompt a call.",
    "There was no evidence of deep vein thrombosis.",
    "Diet: regular, low in salt.",
    "The family was informed about the course.",
    "Possible drug interaction was considered and excluded.",
    "Goals of care were discussed with the patient.",
)

# The telegraphic layout shortens these, longest first.
ABBREVIATIONS: dict[str, str] = {
    "The patient ": "Pt ",
    "the patient ": "pt ",
    " without ": " w/o ",
    " with ": " w/ ",
    "history of ": "h/o ",
    "shortness of breath": "SOB",
    "blood pressure": "BP",
    "admission": "adm",
    "laboratory tests": "labs",
    "intensive care unit": "ICU",
    "chronic obstructive pulmonary disease": "COPD",
    "type 2 diabetes": "T2DM",
    "chronic kidney disease": "CKD",
    "atrial fibrillation": "AF",
    "urinary tract infection": "UTI",
    "coronary artery disease": "CAD",
    "myocardial infarction": "MI",
}


def presentations() -> list[str]:
    """What brought the patient in, by row of the condition."""
    return [PRESENTATIONS.get(condition.key, condition.words) for condition in CONDITIONS]


def forbidden(names: str) -> list[int]:
    """Rows of the conditions named."""
    return [INDEX[name] for name in names.split()]
