"""Common measurements: recognised by code and name, their limits, and the plan of conversions."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.record.measurement_names import read_name
from osler.record.measurements import (
    measurement_of,
    measurements,
    plan_conversions,
    plausible,
    section_of,
)
from osler.record.unit_terms import terms_of
from osler.record.units import conversion, ucum

NAMES = {
    "heart rate": "Heart Rate|HR|heart_rate|Pulse rate|heartrate",
    "respiratory rate": "Respiratory Rate|RespRate|resp_rate_obs|Respiratory Rate (Total)|respiratory_rate",
    "systolic blood pressure": "Systolic blood pressure|NISysABP|SysABP|ART BP Systolic|sbp|"
    "noninvasivesystolic|Non Invasive Blood Pressure systolic|Manual Blood Pressure Systolic Left|"
    "Intravascular systolic",
    "diastolic blood pressure": "Diastolic Blood Pressure|NIDiasABP|Arterial Blood Pressure diastolic|dbp",
    "mean blood pressure": "Mean blood pressure|MAP|NIMAP|Arterial Blood Pressure mean|meanbp|ART BP Mean",
    "temperature": "Body temperature|Temp|Temperature Fahrenheit|temp_c|Axillary temperature (Celsius)",
    "oxygen saturation": "SpO2|O2 saturation pulseoxymetry|O2 Sat (%)|Oxygen saturation (measure 1)|o2sat|"
    "Oxygen saturation in Arterial blood by Pulse oximetry",
    "Glasgow coma score": "GCS|gcs_total|Glasgow coma score total",
    "Glasgow coma score eye": "GCS - Eye Opening|gcs_eye",
    "inspired oxygen fraction": "FiO2|fio2_set|Inspired O2 Fraction",
    "ventilator rate": "Respiratory Rate (Set)|Vent Rate|resp_rate_set",
    "height": "Body height|height_cm|Height (Inches)|Height or length (in cm)",
    "weight": "Body Weight|weight_kg|Weight (Lbs)|Admission Weight (Kg)|Daily Weight",
    "body mass index": "Body mass index (BMI) [Ratio]|BMI (kg/m2)|BMI",
    "sodium": "Sodium|Na|Sodium, Whole Blood|Sodium (serum) (soft)|Sodium [Moles/volume] in Serum or Plasma",
    "potassium": "Potassium|K|Potassium (whole blood)|LAB potassium",
    "bicarbonate": "Bicarbonate|HCO3|Total CO2|Carbon dioxide, total [Moles/volume] in Blood|HCO3 (serum)",
    "calcium": "calcium_total|Calcium, Total|Calcium non-ionized|Calcium [Mass/volume] in Blood",
    "ionised calcium": "ionized calcium|Free Calcium|calcium_ionized",
    "urea nitrogen": "BUN|Urea Nitrogen|Urea nitrogen [Mass/volume] in Serum or Plasma|blood urea nitrogen",
    "creatinine": "Creatinine|Creatinine (serum)|Creatinine [Mass/\u200bvolume] in Serum or Plasma",
    "glucose": "Glucose|bedside glucose|Glucose [Mass/volume] in Blood|glucose_serum|Blood glucose (mmol/L)|"
    "Glucose finger stick (range 70-100)|Glucose [Mass/volume] in Capillary blood by Glucometer",
    "haemoglobin A1c": "HbA1c|% Hemoglobin A1c|Hemoglobin A1c/Hemoglobin.total in Blood",
    "lactate": "Lactate|Lactic Acid|Lactate level (mmol/L)",
    "bilirubin": "total bilirubin|Bilirubin, Total|Bilirubin.total [Mass/volume] in Serum or Plasma",
    "direct bilirubin": "direct bilirubin|Bilirubin, Direct|bilirubin_conjugated",
    "alanine aminotransferase": "ALT (SGPT)|Alanine Aminotransferase (ALT)|ALT",
    "alkaline phosphatase": "alkaline phos.|Alkaline Phosphatase|ALP",
    "creatine kinase MB": "CPK-MB|CK-MB|Creatine Kinase, MB Isoenzyme",
    "troponin I": "troponin - I|TroponinI|Troponin I.cardiac [Mass/volume] in Serum or Plasma",
    "troponin T": "Troponin-T|TroponinT|troponin_t",
    "haemoglobin": "Hgb|Hemoglobin|Haemoglobin|Hemoglobin [Mass/volume] in Blood",
    "haematocrit": "Hct|HCT|Hematocrit (%)|Hematocrit [Volume Fraction] of Blood by Automated count",
    "white blood cells": "WBC x 1000|White Blood Cells|WBC Auto (Bld) [#/Vol]|Leukocytes [#/volume] in Blood",
    "red blood cells": "RBC|Red Blood Cells|Erythrocytes [#/volume] in Blood by Automated count",
    "platelets": "platelets x 1000|Platelet Count|Platelets [#/volume] in Blood by Automated count",
    "red cell distribution width": "RDW|Erythrocyte distribution width [Ratio] by Automated count",
    "red cell distribution width SD": "RDW-SD|Erythrocyte distribution width [Entitic volume]",
    "mean corpuscular haemoglobin": "MCH|MCH [Entitic mass] by Automated count",
    "mean corpuscular haemoglobin concentration": "MCHC|MCHC [Mass/volume] by Automated count",
    "neutrophils": "Absolute Neutrophil Count|neutrophils_absolute|Absolute Count - Neuts",
    "neutrophil fraction": "-polys|Neutrophils|neutrophils_percent|Differential-Neuts",
    "lymphocyte fraction": "-lymphs|Lymphocytes, Percent|Lymphocytes/100 leukocytes in Blood by Manual count",
    "eosinophils": "Eosinophil Count|Eos#|Eosinophils [#/volume] in Blood by Automated count",
    "prothrombin time": "PT|Prothrombin time (PT)",
    "international normalised ratio": "PT - INR|INR(PT)|INR in Platelet poor plasma by Coagulation assay",
    "activated partial thromboplastin time": "PTT|aPTT in Blood by Coagulation assay",
    "blood pH": "pH|ph_arterial|PH (Venous)|pH of Arterial blood",
    "partial pressure of carbon dioxide": "paCO2|Arterial CO2 Pressure|pco2_venous|"
    "Carbon dioxide [Partial pressure] in Arterial blood",
    "partial pressure of oxygen": "paO2|Arterial O2 pressure|PO2 (Mixed Venous)",
    "arterial oxygen saturation": "SaO2|so2_arterial|Arterial O2 Saturation",
    "venous oxygen saturation": "so2_central_venous|Mixed Venous O2% Sat|SvO2|ScvO2 Central Venous O2% Sat",
    "HDL cholesterol": "HDL|Cholesterol in HDL [Mass/volume] in Serum or Plasma|Cholesterol, HDL",
    "free thyroxine": "free T4|Thyroxine (T4) free [Mass/volume] in Serum or Plasma|Thyroxine (T4), Free",
    "thyrotropin": "TSH|Thyroid Stimulating Hormone|Thyrotropin [Units/volume] in Serum or Plasma",
    "C-reactive protein": "CRP|CRP-hs|C Reactive Protein (CRP)",
    "transferrin saturation": "Fe/TIBC Ratio|Iron saturation [Mass Fraction] in Serum or Plasma",
}
NO_MEASUREMENTS = """
Glucose, Urine|glucose - CSF|Creatinine, Ascites|urinary sodium|Sodium, Stool|WBC's in urine
Glucose [Mass/volume] in Urine by Test strip|Bilirubin.total [Presence] in Urine by Test strip|Base Deficit
pH of Urine by Test strip|SpO2 Desat Limit|Creatinine Clearance|Glucose tolerance|Blood Pressure Sitting
Potassium, Body Fluid|Heart Rate Alarm - Low|SaO2 < 90% > 2 min|(Albumin)|Temperature Site|Plasma Hemoglobin
Aspirin|Platelet distribution width [Entitic volume] in Blood by Automated count
Body mass index (BMI) [Percentile] Per age and sex|Microalbumin/Creatinine [Mass Ratio] in Urine|CPK-MB INDEX
Sodium chloride 0.9 %|Potassium Chloride|Calcium Gluconate|Albumin 5%|Natriuretic peptide
Hemoglobin.gastrointestinal [Presence] in Stool by Immunologic method|Urine|Blood||Lactate Dehydrogenase, CSF
"""


def test_names_of_sources_are_recognised():
    for concept, names in NAMES.items():
        got = {name: measurement_of("X", name) for name in names.split("|")}
        assert {name: known and known.concept for name, known in got.items()} == dict.fromkeys(got, concept)


def test_other_names_are_not():
    for name in NO_MEASUREMENTS.strip().replace("\n", "|").split("|"):
        assert measurement_of("X", name) is None, name
        assert section_of("X", name) is None


def test_codes_of_loinc_go_first():
    for code in ("LOINC/2160-0", "LOINC//2160-0", "LAB//LOINC/2160-0", "loinc/2160-0"):
        assert measurement_of(code, "Something else").concept == "creatinine"
        assert measurement_of(code, None).unit == "mg/dL"
    assert measurement_of("LOINC/14682-9", None).unit == "umol/L"
    assert measurement_of("LOINC/14749-6", "Glucose").unit == "mmol/L"
    assert measurement_of("LOINC/17863-2", None).unit == "mg/dL"  # ionised calcium by mass
    # A code that the table lacks: a display may hide urine, a full name does not.
    assert measurement_of("LOINC/5792-7", "Glucose") is None
    assert measurement_of("LOINC/5792-7", None) is None
    assert measurement_of("LOINC/99999-9", "Glucose [Mass/volume] in Venous blood").concept == "glucose"
    assert measurement_of("XLOINC/2160-0", None) is None


def test_a_name_states_its_property():
    assert measurement_of("X", "Calcium [Moles/volume] in Serum or Plasma").unit == "mmol/L"
    assert measurement_of("X", "Calcium [Mass/volume] in Serum or Plasma").unit == "mg/dL"
    assert measurement_of("X", "Calcium.ionized [Mass/volume] in Blood").unit == "mg/dL"
    assert measurement_of("X", "Calcium.ionized [Moles/volume] in Blood").unit == "mmol/L"


def test_without_a_description_the_code_is_read():
    assert measurement_of("LAB//potassium", None).concept == "potassium"
    assert measurement_of("HR", None).concept == "heart rate"
    assert measurement_of("RX//HR//1", None) is None
    assert section_of("VITAL//HR", None) == "vitals"


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("Weight (Lbs)", "[lb_av]"),
        ("Temperature Fahrenheit", "[degF]"),
        ("temp_c", "Cel"),
        ("Height (in cm)", "cm"),
        ("Lactate level (mmol/L)", "mmol/L"),
        ("Glucose, mg/dl", "mg/dL"),
        ("Chest tube (L)", None),
        ("INR(PT)", None),
        ("Height or length", None),
        ("cm", None),
        ("Pain (score)", None),
    ],
)
def test_units_in_names(name, unit):
    assert read_name(name).unit == unit


def test_the_table_is_sound():
    table = measurements()
    assert len(table) >= 100
    assert len({known.concept for known in table}) == len(table)
    for known in table:
        assert known.section in ("vitals", "labs", "body")
        assert known.low < known.high, known
        assert known.valence in (0, 1, 2)
        if known.unit is not None:
            assert terms_of(known.unit) is not None
            assert ucum(pl.Series([known.unit])).item() == known.unit


def test_codes_stand_once_and_have_their_check_digit():
    from osler.record.measurements import _table

    by_code, by_other_code, by_name, _ = _table()
    assert not set(by_code) & set(by_other_code)
    for code in (*by_code, *by_other_code):
        digits, check = code.split("-")
        doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits))]
        assert (-sum(one // 10 + one % 10 for one in doubled)) % 10 == int(check), code
    # Every other unit of the table was convertible, and its limits are those of the usual one.
    others = [(usual, other) for usual, other in by_name.values() if other is not None]
    assert {id(other) for _, other in others} == {id(other) for other in by_other_code.values()}
    for usual, other in others:
        if usual.concept != "haemoglobin A1c":
            how = conversion(usual.unit, other.unit, molar_mass=usual.molar_mass, valence=usual.valence)
            assert (other.low, other.high) == pytest.approx((usual.low * how.factor, usual.high * how.factor))


def test_every_name_has_one_concept():
    import csv
    import re
    from importlib.resources import files

    lines = files("osler.record").joinpath("measurements.csv").read_text(encoding="utf-8").splitlines()
    patterns = {row["concept"]: row["names"] for row in csv.DictReader(x for x in lines if x[0] != "#")}
    for concept, names in NAMES.items():
        for name in names.split("|"):
            phrase = next(p for p in read_name(name).phrases if re.fullmatch(patterns[concept], p))
            assert [one for one, names in patterns.items() if re.fullmatch(names, phrase)] == [concept]


def plan(*rows):
    names = ("code", "description", "unit", "n")
    kinds = {"code": pl.String, "description": pl.String, "unit": pl.String, "n": pl.Int64}
    return plan_conversions(pl.DataFrame([dict(zip(names, row, strict=True)) for row in rows], schema=kinds))


def steps(*rows):
    return plan(*rows).select("ucum", "target", "factor", "offset").rows()


def test_known_measurements_go_to_their_unit():
    rows = [
        ("LOINC/2160-0", "Creatinine", "umol/l", 90),
        ("LOINC/2160-0", "Creatinine", "MG/DL", 1),
        ("LOINC/14682-9", "Creatinine", "mg/dl", 5),
        ("K", "Potassium", "mEq/L", 3),
        ("MG", "Magnesium", "meq/L", 3),
        ("TEMP", "Temperature", "°F", 3),
        ("WBC", "WBC", "G/L", 3),
        ("WBC", "WBC", "X 10 3", 3),
        ("RBC", "RBC", "T/L", 3),
        ("RBC", "RBC", "x10 (6)", 3),
        ("HCT", "Hematocrit", "L/L", 3),
        ("A1C", "HbA1c", "mmol/mol", 3),
        ("TSH", "TSH", "mcU/ml", 3),
        ("ALT", "ALT", "IU/L", 3),
    ]
    made = steps(*rows)
    assert [step[1] for step in made] == [
        *("mg/dL", "mg/dL", "umol/L", "mmol/L", "mg/dL", "Cel", "10*3/uL", "10*3/uL", "10*6/uL", "10*6/uL"),
        *("%", "%", "m[IU]/L", "U/L"),
    ]
    factors = [0.011312, 1, 88.40, 1, 1.21525, 5 / 9, 1, 1, 1, 1, 100, 0.09148, 1, 1]
    assert [step[2] for step in made] == pytest.approx(factors, rel=1e-4)
    assert [step[3] for step in made] == pytest.approx([0] * 5 + [-160 / 9] + [0] * 5 + [2.152] + [0] * 2)


def test_glycated_haemoglobin_is_not_a_fraction_of_moles():
    # NGSP 6.5 % is IFCC 48 mmol/mol, 7.5 % is 58, 9.0 % is 75 (tables of the NGSP).
    _, _, factor, offset = steps(("A", "Hemoglobin A1c", "mmol/mol", 1))[0]
    assert [round(ifcc * factor + offset, 1) for ifcc in (48, 58, 75)] == [6.5, 7.5, 9.0]
    assert steps(("LOINC/59261-8", None, "%", 1))[0][1] == "mmol/mol"


def test_other_codes_go_to_their_most_frequent_unit():
    rows = [("X", "Load", "lb", 5), ("X", "Load", "KG", 3), ("X", "Load", "kg", 3), ("X", "Load", "cm", 9)]
    assert [step[1] for step in steps(*rows)] == ["kg", "kg", "kg", "cm"]
    # A tie goes by the alphabet, whatever the order of the rows.
    tie = [("X", "Load", "mg", 2), ("X", "Load", "g", 2)]
    assert [step[1] for step in steps(*tie)] == [step[1] for step in steps(*tie[::-1])] == ["g", "g"]
    apart = [("X", "Salt", "meq", 5), ("X", "Salt", "mmol", 3), ("Y", "Salt", "mol", 1)]
    assert [step[1] for step in steps(*apart)] == ["meq", "mmol", "mol"]


def test_what_cannot_be_converted_stays():
    rows = [
        ("D", "D-dimer", "ug/mL FEU", 5),
        ("D", "D-dimer", "ng/mL FEU", 9),
        ("D", "D-dimer", "ug/mL", 1),
        ("E", "MCHC", "%", 1),
        ("F", "Albumin", "puff", 1),
        ("G", "Albumin", "G/L", 1),
        ("F", "Albumin", None, 1),
        ("P", "pH", "units", 1),
        ("P", "pH", "mmHg", 1),
        ("S", "GCS", "{score}", 1),
    ]
    assert [step[1] for step in steps(*rows)] == [
        *("ng/mL{FEU}", "ng/mL{FEU}", "ng/mL", "%", "puff", "g/dL", None, None, "mm[Hg]", None)
    ]


def test_a_name_that_states_a_unit_keeps_the_number():
    rows = [
        ("T", "Temperature Fahrenheit", "°F", 1),
        ("T2", "Temperature Celsius", "°F", 1),
        ("W", "Weight (Lbs)", "lb", 1),
        ("W", "Weight (Lbs)", None, 1),
        ("L", "Load (kg)", "lb", 1),
        ("L", "Load (kg)", "kg", 5),
        ("C", "WBC (K/uL)", "10^9/L", 1),
    ]
    assert [step[1:] for step in steps(*rows)] == [
        ("[degF]", 1, 0),
        ("[degF]", 1, 0),
        ("[lb_av]", 1, 0),
        (None, 1, 0),
        ("[lb_av]", 1, 0),
        ("kg", 1, 0),
        ("10*3/uL", 1, 0),
    ]


def test_the_plan_keeps_rows_and_columns():
    rows = pl.DataFrame({"code": ["A"], "description": ["K"], "unit": ["mEq/L"], "n": [1], "site": ["s"]})
    made = plan_conversions(rows)
    assert made.select(rows.columns).equals(rows)
    assert made.columns == [*rows.columns, "ucum", "target", "factor", "offset"]
    nothing = plan_conversions(rows.clear())
    assert nothing.height == 0
    assert dict(nothing.schema)["target"] == pl.String


CODES = st.sampled_from([("A", "Creatinine"), ("B", "Load"), ("C", "Weight (Lbs)"), ("D", "pH"), ("E", None)])
WRITTEN = st.sampled_from(
    [None, "mg/dl", "MG/DL", "umol/L", "kg", "lb", "g", "units", "°F", "C", "puff", "1", "%"]
)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(CODES, WRITTEN, st.integers(0, 5)), max_size=12), st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_rows(rows, random):
    rows = [(code, description, unit, n) for (code, description), unit, n in rows]
    shuffled = random.sample(rows, len(rows))
    first, second = plan(*rows), plan(*shuffled)
    assert sorted(first.rows(), key=repr) == sorted(second.rows(), key=repr)
    for code in first.filter(pl.col("unit").is_null() & pl.col("target").is_not_null())["code"]:
        beside = first.filter((pl.col("code") == code) & (pl.col("n") > 0))["ucum"].drop_nulls()
        assert beside.n_unique() == 1  # nothing else could be meant
    # After the plan no two units of a code could still be brought together.
    for (_,), group in first.drop_nulls("target").group_by("code"):
        if "(" not in (group["description"][0] or ""):
            targets = group["target"].unique().to_list()
            pairs = [(a, b) for a in targets for b in targets if a < b]
            assert all(conversion(a, b, valence=0) is None for a, b in pairs)


def test_limits_of_the_living():
    names = ["pH", "Temperature", "Potassium", "Weight (Lbs)", "Aspirin", "MUAC (in mm)", "INR"]
    codes = pl.DataFrame({"code": list("ABCDEFG"), "description": names})
    made = {row[0]: row[1:] for row in plausible(codes).rows()}
    assert set(made) == set("ABCDFG")
    assert made["A"] == (None, 6.3, 8.0)
    assert made["B"] == ("Cel", 14, 45)
    assert made["C"] == ("mmol/L", 0.5, 15)
    assert made["D"][0] == "[lb_av]"
    assert made["D"][2] == pytest.approx(700 / 0.45359237)
    assert made["F"] == ("mm", pytest.approx(30), pytest.approx(1000))
    assert plausible(codes.clear()).height == 0


# Values that patients survived or that laboratories print for healthy people lie inside the limits.
SEEN_IN_LIFE = [
    *(
        ("Sodium", 98),
        ("Sodium", 190),
        ("Potassium", 1.2),
        ("Potassium", 14),
        ("Glucose", 12),
        ("Glucose", 2656),
    ),
    *(
        ("pH", 6.49),
        ("pH", 7.9),
        ("Temperature", 14.2),
        ("Temperature", 44),
        ("Hemoglobin", 0.7),
        ("Lactate", 30),
    ),
    *(("Creatinine", 53), ("Heart Rate", 300), ("Platelets", 1), ("WBC", 1000), ("CK (CPK)", 2_000_000)),
    *(
        ("Systolic blood pressure", 300),
        ("Weight", 0.25),
        ("Weight", 635),
        ("Height", 251),
        ("GCS", 3),
        ("INR", 20),
    ),
]


@pytest.mark.parametrize(("name", "value"), SEEN_IN_LIFE)
def test_extremes_of_life_are_no_errors(name, value):
    known = measurement_of("X", name)
    assert known.low <= value <= known.high


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pH", 735),
        ("Temperature", 98.6),
        ("FiO2", 0.5),
        ("Systolic blood pressure", 0),
        ("Weight", -1),
        ("K", 22.9),
    ],
)
def test_errors_of_recording_are_outside(name, value):
    known = measurement_of("X", name)
    assert not known.low <= value <= known.high
