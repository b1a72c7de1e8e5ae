"""Titles that a clinician likes to read: capitals to sentence case, well-known abbreviations spelled out.

Some files of ICD-9 titles hold capitals of 24 characters (`OPEN WOUND VAGINA-COMPL`). Only what can mean one
thing is spelled out; any other word stays as it is written, in lower case.
"""

import re

_CAPITALS = """
    ABO ADHD AIDS ALS AMI ARDS ASD BCG BMI BPH CA CABG CHF CKD CMV CNS COPD CPAP CSF CT CVA CVD DIC DM
    DMI DMII DNA DNR DTP DVT EBV ECG EEG EKG ENT ESRD GERD GI GU GVHD HBV HCV HIV HPV HSV HTLV ICU IUD
    IUGR LOC LSD MI MRI MRSA MSSA MV NEC NOS OB OCD PDA PE PID PKU PPD PSA PTCA PTSD PVD RBC RNA RSV
    SARS SIRS SLE STD TB TIA TMJ TPN UTI VSD WBC II III IV VI VII VIII IX XI XII
"""
_ACRONYMS = frozenset(_CAPITALS.split())
# Names of persons that have lost their apostrophe.
_NAMES = ("ALZHEIMERS", "BURKITTS", "CROHNS", "CUSHINGS", "HODGKINS", "KAPOSIS", "PARKINSONS", "RAYNAUDS")
_MEANINGS = {
    "ABN": "abnormal", "ABNORM": "abnormal", "ABORT": "abortion", "AC": "acute", "ACQ": "acquired",
    "ADV": "adverse", "ANOM": "anomaly", "ANTEPAR": "antepartum", "ANTEPART": "antepartum",
    "BEN": "benign", "BILAT": "bilateral", "CERV": "cervical", "CHR": "chronic", "CHRN": "chronic",
    "CLOS": "closed", "COMPLIC": "complication", "CONCUSS": "concussion", "CONG": "congenital",
    "CONGEN": "congenital", "CONTUS": "contusion", "DEFIC": "deficiency", "DEG": "degree",
    "DISLOC": "dislocation", "DISLOCAT": "dislocation", "DX": "diagnosis", "EFF": "effect",
    "FAM": "family", "FX": "fracture", "HEMORR": "hemorrhage", "HMRHG": "hemorrhage", "HX": "history of",
    "INJ": "injury", "LACER": "laceration", "LACERAT": "laceration", "LEUK": "leukemia",
    "MAL": "malignant", "MALIG": "malignant", "MALIGN": "malignant", "MULT": "multiple",
    "NEO": "neoplasm", "NEOPL": "neoplasm", "OBSTR": "obstruction", "OPN": "open", "OT": "other",
    "OTH": "other", "PERIPH": "peripheral", "PERS": "personal", "POIS": "poisoning",
    "POISN": "poisoning", "POSTPAR": "postpartum", "POSTPART": "postpartum", "PREG": "pregnancy",
    "PULM": "pulmonary", "PULMON": "pulmonary", "REMISS": "remission", "RESP": "respiratory",
    "RMSION": "remission", "RUPT": "rupture", "SHLDER": "shoulder", "SYND": "syndrome",
    "TRAUM": "traumatic", "ULC": "ulcer", "UNDET": "undetermined", "UNILAT": "unilateral",
    "UNKN": "unknown", "UNS": "unspecified", "UNSP": "unspecified", "UNSPEC": "unspecified",
    "VACCIN": "vaccination", "W": "with", "WO": "without",
}  # fmt: skip
_SLASHED = (
    (re.compile(r"\bW/O\b"), "WO"),
    (re.compile(r"\bW/\s*(?=\w)"), "W "),
    (re.compile(r"\bD/T\b"), "DUE TO"),
    (re.compile(r"\bP/P\b"), "POSTPAR"),
    (re.compile(r"\s*&\s*"), " AND "),
)
_VALIDITY = re.compile(r"(?:\s*\((?:begin|end)\b[^)]*\))+\s*$", re.IGNORECASE)
_LOST_APOSTROPHE = re.compile(r"(?<=[A-Z])-s\b")
_WORD = re.compile(r"[A-Z]+(?:'S)?(?![a-z])")
_UNSPECIFIED = re.compile(r"\s*-\s*(?=unspecified\b)")


def readable(title: str) -> str:
    """A title without quotes around it and its validity note; one in capitals in sentence case.

    Args:
        title: of a code of ICD.

    Returns:
        The title. Letters that were not all capitals stay as they are.

    Examples:
        >>> readable("MRSA SEPTICEMIA (Begin 2008)"), readable("PRIM TB COMPLEX-UNSPEC")
        ('MRSA septicemia', 'Prim TB complex, unspecified')
        >>> readable("HX COLONIC POLYPS"), readable("KLINEFELTER-s SYNDROME"), readable("Typhoid fever")
        ('History of colonic polyps', "Klinefelter's syndrome", 'Typhoid fever')
    """
    title = " ".join(title.split())
    if len(title) > 1 and title[0] == title[-1] == "'":
        title = title[1:-1].strip()
    title = _VALIDITY.sub("", title)
    capitals = _LOST_APOSTROPHE.sub("'S", title)
    if capitals != capitals.upper() or not re.search("[A-Z]", capitals):
        return title
    for pattern, words in _SLASHED:
        capitals = pattern.sub(words, capitals)
    text = _UNSPECIFIED.sub(", ", _WORD.sub(_word, capitals))
    return text[:1].upper() + text[1:]


def _word(found: re.Match[str]) -> str:
    word = found[0]
    if word in _MEANINGS:
        return _MEANINGS[word]
    if word in _ACRONYMS or len(word) == 1:
        return word
    if word in _NAMES:
        return word[:-1].capitalize() + "'s"
    if word.endswith("'S"):
        return word.capitalize()
    return word.lower()
