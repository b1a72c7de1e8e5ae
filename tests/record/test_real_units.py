"""Units and measurements of the real sources: what is known, and that no number is converted wrongly."""

import re

import polars as pl
import pytest

from osler.record.measurements import measurement_of, plan_conversions, plausible
from osler.record.unit_terms import terms_of
from osler.record.units import readable, ucum

pytestmark = pytest.mark.real


def strings(path):
    return pl.read_csv(path, infer_schema_length=0)


def values_of(frame, *, code, description, unit, value):
    """Events with a number as `code, description, unit, value`."""
    number = pl.col(value).cast(pl.Float64, strict=False)
    made = frame.select(code=code, description=description, unit=unit, value=number).drop_nulls("value")
    return made.with_columns(pl.col("code", "unit").cast(pl.String))


def eicu_labs(real_data):
    # The unit of the number is the system's; the interface's is what the laboratory once sent.
    labs = strings(real_data / "eicu_demo" / "lab_169stay_subset.csv.gz")
    name = pl.col("labname")
    return values_of(labs, code=name, description=name, unit="labmeasurenamesystem", value="labresult")


def clif_labs(real_data):
    labs = pl.read_parquet(real_data / "mimic4_demo" / "clif" / "clif_labs.parquet")
    name = pl.col("lab_category")
    return values_of(labs, code=name, description=name, unit="reference_unit", value="lab_value_numeric")


def omop(real_data):
    folder = real_data / "synthea27nj_omop"
    concepts = strings(folder / "CONCEPT.csv.gz")
    rows = strings(folder / "MEASUREMENT.csv.gz").rename(str.upper)
    rows = rows.join(concepts, left_on="MEASUREMENT_CONCEPT_ID", right_on="concept_id")
    code = pl.concat_str("vocabulary_id", pl.lit("/"), "concept_code")
    return values_of(
        rows, code=code, description="concept_name", unit="UNIT_SOURCE_VALUE", value="VALUE_AS_NUMBER"
    )


def fhir(real_data):
    rows = strings(real_data / "synthea_fhir_r4" / "tables" / "observations.csv.gz")
    description = pl.col("description").first().over("code")
    return values_of(
        rows, code="LOINC/" + pl.col("code"), description=description, unit="unit", value="value"
    )


def clif_doses(real_data):
    doses = pl.read_parquet(real_data / "mimic4_demo" / "clif" / "clif_medication_admin_continuous.parquet")
    drug = pl.col("med_category")
    return values_of(doses, code=drug, description=drug, unit="med_dose_unit", value="med_dose")


def infusions(real_data):
    rows = strings(real_data / "eicu_demo" / "infusiondrug.csv.gz").with_columns(
        drug=pl.col("drugname").str.replace(r"\s*\([^()]*\)\s*$", ""),
        unit=pl.col("drugname").str.extract(r"\(([^()]*)\)\s*$"),
    )
    return values_of(rows, code="drug", description="drug", unit="unit", value="drugrate")


def planned(events):
    plan = plan_conversions(events.group_by("code", "description", "unit").agg(n=pl.len()))
    return events.join(plan, on=["code", "description", "unit"], nulls_equal=True).with_columns(
        converted=pl.col("value") * pl.col("factor") + pl.col("offset")
    )


SOURCES = [eicu_labs, clif_labs, omop, fhir, clif_doses, infusions]


@pytest.mark.parametrize("source", SOURCES)
def test_units_of_real_numbers_are_known(real_data, source):
    units = source(real_data).drop_nulls("unit")
    spelled = ucum(units["unit"])
    known = [unit is None or terms_of(unit) is not None for unit in spelled.unique().to_list()]
    assert all(known), spelled.unique().to_list()
    assert readable(spelled.drop_nulls()).drop_nulls().str.contains(r"[\[\]{}*]").sum() == 0


def prescriptions(real_data):
    doses = strings(real_data / "mimic4_demo" / "hosp" / "prescriptions.csv.gz")
    return values_of(doses, code="drug", description="drug", unit="dose_unit_rx", value="dose_val_rx")


def clif_single_doses(real_data):
    doses = pl.read_parquet(real_data / "mimic4_demo" / "clif" / "clif_medication_admin_intermittent.parquet")
    drug = pl.col("med_category")
    return values_of(doses, code=drug, description=drug, unit="med_dose_unit", value="med_dose")


@pytest.mark.parametrize(
    ("source", "share", "others"),
    [
        # Tablets, bags, puffs: doses that are counted, no units of measurement.
        (prescriptions, 0.910, {"BAG", "TAB", "Appl", "PUFF", "VIAL", "CAP", "dose"}),
        (clif_single_doses, 0.745, {"dose"}),
    ],
)
def test_counted_doses_stay_as_they_are_written(real_data, source, share, others):
    units = source(real_data).drop_nulls("unit")["unit"]
    spelled = ucum(units)
    known = {unit: unit is None or terms_of(unit) is not None for unit in spelled.unique().to_list()}
    is_known = spelled.replace_strict(list(known), list(known.values()), return_dtype=pl.Boolean)
    assert is_known.mean() == pytest.approx(share, abs=0.001)
    assert others <= set(spelled.filter(~is_known)) <= set(units.str.strip_chars())


# Every conversion that changes numbers, as looked at one by one: code -> UCUM of the source -> target.
CHANGES = {
    "eicu_labs": {
        ("CRP", "mg/dL", "mg/L"),
        ("ammonia", "ug/dL", "umol/L"),
        ("ionized calcium", "mg/dL", "mmol/L"),
        ("troponin - I", "ng/mL", "ng/L"),
        ("troponin - T", "ng/mL", "ng/L"),
    },
    "clif_labs": {("calcium_ionized", "mg/dL", "mmol/L")},
    "omop": set(),
    "fhir": {("LOINC/10834-0", "g/dL", "g/L")},
    "clif_doses": {("insulin", "U/min", "U/h")},
    "infusions": {
        ("Angiomax", "mg/kg/min", "mg/kg/h"),
        ("Esomeprazole", "mg/min", "mg/h"),
        ("Propofol", "mg/kg/min", "ug/kg/min"),
        ("Vasopressin", "U/h", "U/min"),
    },
}


@pytest.mark.parametrize("source", SOURCES)
def test_only_these_numbers_change(real_data, source):
    plan = planned(source(real_data))
    changed = plan.filter((pl.col("factor") != 1) | (pl.col("offset") != 0))
    assert set(changed.select("code", "ucum", "target").unique().rows()) == CHANGES[source.__name__]
    assert plan.filter(pl.col("unit").is_null() & pl.col("target").is_not_null()).is_empty()


@pytest.mark.parametrize("source", [eicu_labs, clif_labs, omop, fhir])
def test_conversion_brings_no_value_out_of_its_limits(real_data, source):
    plan = planned(source(real_data))
    limits = plausible(plan.select("code", "description").unique()).rename({"unit": "target"})
    held = plan.join(limits, on=["code", "target"], nulls_equal=True)
    outside = held.filter(~pl.col("converted").is_between("low", "high"))
    # Errors of the sources themselves, see the units they were recorded with: oxygen as a fraction or times a
    # hundred, ionised calcium in mmol/L among mg/dL, one Fahrenheit, total protein in g/L called g/dL.
    known = {"FiO2", "ionized calcium", "Temperature", "LOINC/2885-2"}
    assert set(outside["code"].unique()) <= known
    converted = outside.filter((pl.col("factor") != 1) | (pl.col("offset") != 0))
    assert converted.height <= 8
    assert set(converted["code"].unique()) <= {"ionized calcium"}


@pytest.mark.parametrize(("source", "least"), [(eicu_labs, 0.97), (clif_labs, 1.0), (omop, 0.9), (fhir, 0.9)])
def test_most_numbers_are_of_known_measurements(real_data, source, least):
    events = source(real_data)
    pairs = events.select("code", "description").unique().rows()
    known = {code for code, description in pairs if measurement_of(code, description) is not None}
    assert events["code"].is_in(sorted(known)).mean() >= least


def test_names_of_loinc_say_what_its_codes_say(real_data):
    """The table's two ways of recognition agree wherever the real sources give code and full name."""
    concepts = strings(real_data / "synthea27nj_omop" / "CONCEPT.csv.gz").filter(
        pl.col("vocabulary_id") == "LOINC"
    )
    observed = strings(real_data / "synthea_fhir_r4" / "tables" / "observations.csv.gz")
    pairs = {*concepts.select("concept_code", "concept_name").rows()}
    pairs |= set(observed.select("code", "description").unique().rows())
    agreed = 0
    for code, name in pairs:
        by_code, by_name = measurement_of(f"LOINC/{code}", None), measurement_of("X", name)
        if by_code is None or by_name is None:
            continue
        # 2708-6 is LOINC's saturation of vital signs, whatever its name says of the artery.
        assert by_code == by_name or code == "2708-6", (code, name)
        agreed += 1
    assert agreed >= 100


def test_specimens_other_than_blood_are_left_alone(real_data):
    items = strings(real_data / "mimic4_demo" / "hosp" / "d_labitems.csv.gz").drop_nulls("label")
    elsewhere = re.compile(r"urine|csf|ascites|pleural|joint|stool|fluid|marrow", re.IGNORECASE)
    named = [label for label in items["label"] if elsewhere.search(label)]
    assert len(named) > 200
    assert [label for label in named if measurement_of("X", label)] == []
