# ruff: noqa: E501, FBT003 - a table: one row per line
"""What is measured: laboratory tests, vital signs and body measures, and how each follows from the latent state.

In standard deviations a value is the sum of the phenotype's offset, the latent scales times their weights, a constant of the
subject and noise. Local names and units are those of the three simulated code systems.
"""

from typing import NamedTuple

import numpy as np

from osler.simulate.phenotypes import KEYS, Floats


class Unit(NamedTuple):
    """A unit: value in it = (value in the first unit) * factor + shift, rounded to `decimals`."""

    name: str
    factor: float
    decimals: int
    shift: float = 0.0


class Measurement(NamedTuple):
    """One measured quantity.

    Attributes:
        key: name in the reference code system, and of the code.
        kind: LAB, VITAL or BODY.
        panel: what it is ordered with.
        words: description in each code system.
        local: code in the second and third code system (laboratory tests only).
        units: reference unit and the other one (the same where both agree).
        low, high: limits of normal in the reference unit; None where there is none.
        mean, sd: of an otherwise well subject; of the natural logarithm when `log`.
        severity, frailty, instability: weights of the latent scales, in standard deviations.
        offsets: offset by phenotype, in standard deviations.
        floor, ceiling: values are clipped to these.
    """

    key: str
    kind: str
    panel: str
    words: tuple[str, str, str]
    local: tuple[str, str]
    units: tuple[Unit, Unit]
    low: float | None
    high: float | None
    mean: float
    sd: float
    log: bool
    severity: float
    frailty: float
    instability: float
    offsets: dict[str, float]
    floor: float
    ceiling: float


def _lab(
    key: str, panel: str, words: tuple[str, str, str], local: tuple[str, str], units: tuple[Unit, ...],
    normal: tuple[float | None, float | None], law: tuple[float, float, str],
    weights: tuple[float, float, float], offsets: dict[str, float], limits: tuple[float, float],
) -> Measurement:  # fmt: skip
    mean, sd, scale = law
    both = (units[0], units[-1])
    return Measurement(
        key, "LAB", panel, words, local, both, *normal, float(np.log(mean)) if scale == "log" else mean, sd,
        scale == "log", *weights, offsets, *limits,
    )  # fmt: skip


def _vital(
    key: str, words: str, unit: Unit, normal: tuple[float | None, float | None], law: tuple[float, float],
    weights: tuple[float, float, float], offsets: dict[str, float], limits: tuple[float, float],
    *, kind: str = "VITAL", panel: str = "vitals",
) -> Measurement:  # fmt: skip
    return Measurement(
        key, kind, panel, (words, words, words), ("", ""), (unit, unit), *normal, *law, False, *weights, offsets,
        *limits,
    )  # fmt: skip


_MMOL = Unit("mmol/L", 1.0, 1)

MEASUREMENTS: tuple[Measurement, ...] = (
    _vital("weight", "Body weight", Unit("kg", 1, 1), (None, None), (78, 15), (0, -0.3, 0),
           {"diabetes": 0.7, "heart": 0.4, "frail": -0.8, "cancer": -0.5}, (35, 190), kind="BODY", panel="weight"),
    _vital("height", "Body height", Unit("cm", 1, 0), (None, None), (170, 8), (0, -0.1, 0), {"frail": -0.5},
           (140, 205), kind="BODY", panel="height"),
    _vital("heart_rate", "Heart rate", Unit("/min", 1, 0), (60, 100), (80, 13), (0.8, 0.1, 0.45),
           {"heart": 0.2, "sepsis": 0.3}, (35, 190)),
    _vital("systolic_pressure", "Systolic blood pressure", Unit("mmHg", 1, 0), (90, 140), (130, 17),
           (-0.7, 0, -0.3), {"diabetes": 0.6, "heart": -0.3, "liver": -0.4}, (55, 230)),
    _vital("diastolic_pressure", "Diastolic blood pressure", Unit("mmHg", 1, 0), (60, 90), (76, 10),
           (-0.6, -0.2, -0.2), {"diabetes": 0.3, "liver": -0.3}, (30, 130)),
    _vital("respiratory_rate", "Respiratory rate", Unit("/min", 1, 0), (12, 20), (17, 3), (0.9, 0, 0.45),
           {"copd": 1.0, "heart": 0.5}, (8, 45)),
    _vital("oxygen_saturation", "Oxygen saturation", Unit("%", 1, 0), (94, 100), (97, 1.8), (-0.6, -0.1, -0.5),
           {"copd": -2.2, "heart": -0.6}, (70, 100)),
    _vital("temperature", "Body temperature", Unit("Cel", 1, 1), (36.0, 37.8), (36.9, 0.45), (0.45, -0.1, 0.2),
           {"sepsis": 0.4, "cancer": 0.2}, (34.0, 41.0)),
    _lab("sodium", "chemistry", ("Sodium", "Sodium, serum or plasma", "Na S/P"), ("NA", "2010"), (_MMOL._replace(decimals=0),),
         (135, 145), (139, 3, ""), (-0.2, -0.2, -0.4), {"heart": -0.5, "liver": -1.2}, (112, 160)),
    _lab("potassium", "chemistry", ("Potassium", "Potassium, serum or plasma", "K S/P"), ("K", "2011"), (_MMOL,),
         (3.5, 5.1), (4.1, 0.45, ""), (0.2, 0, 0.2), {"diabetes": 1.0, "liver": -0.4}, (2.3, 7.2)),
    _lab("bicarbonate", "chemistry", ("Bicarbonate", "Carbon dioxide, total", "HCO3 S/P"), ("CO2", "2013"),
         (_MMOL._replace(decimals=0),), (22, 29), (25, 2.6, ""), (-0.8, 0, 0), {"copd": 1.5, "diabetes": -0.8},
         (8, 44)),
    _lab("urea_nitrogen", "chemistry", ("Urea nitrogen", "Urea, serum or plasma", "UREA S/P"), ("BUN", "2020"),
         (Unit("mg/dL", 1, 0), Unit("mmol/L", 0.357, 1)), (7, 20), (15, 0.38, "log"), (0.7, 0.4, 0.2),
         {"diabetes": 2.0, "heart": 1.0, "frail": 0.6}, (3, 180)),
    _lab("creatinine", "chemistry", ("Creatinine", "Creatinine, serum or plasma", "CREAT S/P"), ("CREA", "2021"),
         (Unit("mg/dL", 1, 2), Unit("umol/L", 88.4, 0)), (0.6, 1.2), (0.9, 0.28, "log"), (0.6, 0.1, 0.15),
         {"diabetes": 3.2, "heart": 1.1, "frail": 0.4, "liver": 0.3}, (0.3, 14)),
    _lab("glucose", "chemistry", ("Glucose", "Glucose, serum or plasma", "GLUC S/P"), ("GLU", "2030"),
         (Unit("mg/dL", 1, 0), Unit("mmol/L", 0.0555, 1)), (70, 140), (105, 0.2, "log"), (0.4, 0, 0.1),
         {"diabetes": 2.6, "liver": -0.3}, (35, 700)),
    _lab("hemoglobin", "blood count", ("Hemoglobin", "Haemoglobin, blood", "HGB BLD"), ("HGB", "3001"),
         (Unit("g/dL", 1, 1), Unit("g/L", 10, 0)), (12, 16.5), (13.4, 1.4, ""), (-0.3, -0.6, -0.3),
         {"diabetes": -1.4, "cancer": -2.0, "liver": -1.2, "frail": -0.5}, (5, 19)),
    _lab("leukocytes", "blood count", ("Leukocytes", "White cell count", "WBC BLD"), ("WBC", "3002"),
         (Unit("10*9/L", 1, 1), Unit("10*9/L", 1, 1)), (4, 11), (8.2, 0.33, "log"), (0.8, 0, 0.4),
         {"cancer": -1.8, "copd": 0.4, "sepsis": 0.4}, (0.3, 60)),
    _lab("platelets", "blood count", ("Platelets", "Platelet count", "PLT BLD"), ("PLT", "3003"),
         (Unit("10*9/L", 1, 0), Unit("10*9/L", 1, 0)), (150, 400), (240, 0.28, "log"), (-0.4, 0, 0),
         {"liver": -3.0, "cancer": -1.5}, (8, 900)),
    _lab("albumin", "liver", ("Albumin", "Albumin, serum or plasma", "ALB S/P"), ("ALB", "2040"),
         (Unit("g/dL", 1, 1), Unit("g/L", 10, 0)), (3.5, 5.0), (4.0, 0.4, ""), (-0.6, -0.8, -0.2),
         {"liver": -2.0, "cancer": -1.0, "sepsis": -0.6, "frail": -0.4}, (1.2, 5.4)),
    _lab("bilirubin", "liver", ("Bilirubin, total", "Bilirubin, total, serum", "BILI T S/P"), ("TBIL", "2041"),
         (Unit("mg/dL", 1, 1), Unit("umol/L", 17.1, 0)), (0.2, 1.2), (0.6, 0.45, "log"), (0.35, 0, 0),
         {"liver": 3.2}, (0.1, 45)),
    _lab("alanine_aminotransferase", "liver", ("Alanine aminotransferase", "ALT, serum", "ALT S/P"), ("ALT", "2042"),
         (Unit("U/L", 1, 0), Unit("U/L", 1, 0)), (7, 45), (24, 0.5, "log"), (0.3, -0.2, 0), {"liver": 1.3},
         (4, 3000)),
    _lab("inr", "liver", ("Prothrombin time (INR)", "INR, plasma", "INR PPP"), ("INR", "3010"),
         (Unit("1", 1, 1), Unit("1", 1, 1)), (0.8, 1.2), (1.08, 0.12, "log"), (0.5, 0.1, 0),
         {"liver": 3.0, "heart": 1.5}, (0.8, 9)),
    _lab("lactate", "lactate", ("Lactate", "Lactate, blood", "LACT BLD"), ("LAC", "2050"),
         (Unit("mmol/L", 1, 1), Unit("mg/dL", 9.01, 0)), (0.5, 2.0), (1.3, 0.38, "log"), (1.0, 0, 0),
         {"sepsis": 0.5, "liver": 0.7}, (0.4, 18)),
    _lab("c_reactive_protein", "inflammation", ("C-reactive protein", "CRP, serum", "CRP S/P"), ("CRP", "2060"),
         (Unit("mg/L", 1, 0), Unit("mg/dL", 0.1, 1)), (0, 10), (14, 1.0, "log"), (0.8, 0.1, 0.4),
         {"sepsis": 0.8, "cancer": 0.6, "copd": 0.4}, (1, 450)),
    _lab("nt_pro_bnp", "heart", ("NT-proBNP", "Natriuretic peptide NT-proBNP", "NTPROBNP S/P"), ("BNPN", "2070"),
         (Unit("pg/mL", 1, 0), Unit("pmol/L", 0.118, 0)), (0, 300), (160, 0.9, "log"), (0.4, 0.4, 0.4),
         {"heart": 3.3, "diabetes": 1.0, "copd": 0.5, "frail": 0.7}, (10, 70000)),
    _lab("troponin_t", "heart", ("Troponin T, high sensitivity", "Troponin T hs", "TROPT HS"), ("TNTH", "2071"),
         (Unit("ng/L", 1, 0), Unit("ng/L", 1, 0)), (0, 14), (9, 0.8, "log"), (0.6, 0.3, 0.1),
         {"heart": 1.6, "diabetes": 1.2}, (3, 9000)),
    _lab("hemoglobin_a1c", "glycation", ("Hemoglobin A1c", "HbA1c, blood", "A1C BLD"), ("A1C", "3020"),
         (Unit("%", 1, 1), Unit("mmol/mol", 10.929, 0, -23.5)), (4.0, 5.7), (5.5, 0.09, "log"), (0, 0, 0),
         {"diabetes": 4.0}, (4.0, 14.5)),
)  # fmt: skip

INDEX = {measurement.key: index for index, measurement in enumerate(MEASUREMENTS)}
SUBJECT_SD, NOISE_SD = 0.45, 0.5

# Logit of an order by panel: at admission, on a ward morning, at an outpatient visit.
PANELS: dict[str, tuple[float, float, float]] = {
    "chemistry": (3.5, 1.4, 1.0),
    "blood count": (3.5, 0.9, 0.4),
    "liver": (0.6, -1.6, -1.0),
    "lactate": (-0.6, -2.6, -9.0),
    "inflammation": (0.2, -1.0, -2.0),
    "heart": (-0.6, -2.8, -2.5),
    "glycation": (-2.0, -5.0, -0.5),
    "vitals": (3.5, 3.5, 2.0),
    "weight": (2.0, -2.0, 2.0),
    "height": (0.5, -9.0, 0.0),
}
ADMISSION, WARD, OUTPATIENT = 0, 1, 2

# Panels that a phenotype asks for more often than others.
PANEL_OFFSETS: dict[str, dict[str, float]] = {
    "liver": {"liver": 2.0, "cancer": 1.0},
    "heart": {"heart": 2.2, "copd": 0.6},
    "glycation": {"diabetes": 2.5},
    "inflammation": {"sepsis": 0.8, "copd": 0.5},
    "lactate": {"sepsis": 0.8},
}
BASE_SELECTIVITY = {"lactate": 0.8, "liver": 0.3, "inflammation": 0.3, "heart": 0.3}


def by_phenotype(offsets: dict[str, float]) -> Floats:
    """Offsets as an array in the order of the phenotypes."""
    return np.array([offsets.get(key, 0.0) for key in KEYS])
