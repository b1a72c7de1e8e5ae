"""Units: one spelling, the way they are read, and conversion by factors that clinicians know by heart."""

import itertools

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.record.unit_conversion import structure
from osler.record.unit_terms import atoms, entries, terms_of
from osler.record.units import Conversion, conversion, readable, ucum

SPELLINGS = {
    "mg/dL": "mg/dL mg/dl MG/DL Mg/dL mg%",
    "g/dL": "g/dl GM/DL gm/dL G/DL g% gm%",
    "ug/dL": "mcg/dL ug/dl µg/dL μg/dL UG/DL MCG/DL",
    "mm[Hg]": "mmHg MMHG mmhg mm(hg) mm/hg mmHg. mm[Hg] torr",
    "cm[H2O]": "cmH2O cmH20 CM/H2O cm/H2O cmH?O cmH₂O",
    "10*3/uL": "K/uL k/cmm K/MM3 thou/mcL thou/cumm TH/uL THS/uL x10E3/uL 10E3/mcL 10^3/uL 10*3/uL 10(3)mcL "
    "x10(3)/mcL 10³/µL 103/uL 1000/uL k/mm³ Thousand/uL 10**3/uL",
    "10*6/uL": "M/uL MIL/CMM mil/mcL mi/cumm mill/uL x10(6)/mcL 10(6)/mcL Million/uL m/uL",
    "10*9/L": "10e9/L 10*9/l 10^9/L x10^9/L 10⁹/L E9/L GPt/L",
    "10*12/L": "10*12/l x10E12/L T/L",
    "10*3": "x10(3) 10*3",
    "/uL": "/cumm /uL cells/uL {cells}/uL #/uL cells/mm3",
    "meq/L": "mEq/L MEQ/L meq/l",
    "meq": "mEq. meq",
    "mmol/L": "MMOL/L mmol/l mm/l MM/L mM millimol/L",
    "umol/L": "µmol/L mcmol/L UMOL/L micromol/L uM",
    "U/h": "units/hour units/hr U/h",
    "U/L": "u/l Units/L unit/L unit(s)/L",
    "[IU]/L": "IU/L iu/l [IU]/L",
    "u[IU]/mL": "uIU/mL mcIU/mL µIU/ml",
    "uU/mL": "mcU/ml mcUnits/mL uU/mL",
    "m[IU]/L": "mIU/L m[IU]/L mIU/l",
    "/min": "bpm BPM beats/min insp/min breaths/min b/min /MIN {beats}/min RPM brpm",
    "Cel": "degC °C ºC DegC C C. c Celsius CELSIUS &#176;C ℃",
    "[degF]": "°F degF F Fahrenheit &#176;F",
    "[lb_av]": "lbs lb pounds",
    "[in_i]": "inches inch Inch in",
    "%": "percent % %THB %cv",
    "s": "sec Secs SECONDS second(s) seconds",
    "ug/kg/min": "mcg/kg/min ug/kg/min µg/kg/min MCG/KG/MIN",
    "mL/h": "mL/hour ml/hr ML/HR cc/hr mls/hr",
    "mm/h": "mm/hr MM/HR MM/hr. mm/Hr",
    "mL": "ml mL ML mls MLS cc",
    "fL": "fl FL fL U3",
    "pg": "PG uug pg",
    "mg/d": "mg/day mg/24HR MG/24HR mg/24h mg/(24.h)",
    "mosm/kg": "mOsm/kg MOSM/KG",
    "kg/m2": "kg/m2 kg/m^2 kg/m² kg/sqm",
    "mL/min/{1.73_m2}": "mL/min/1.73m2 mL/min/{1.73_m2} mL/min/1.73m²",
    "dyn.s/cm5": "dynes*sec/cm5 dyn·s/cm⁵",
    "mg/kg/h": "mg/kg/hr mg/(kg.h)",
    "ng/mL{FEU}": "ng/mL{FEU} ng/mlFEU",
    "{score}": "{score} (score) points",
    "[pH]": "pH [pH]",
    "a": "years yr",
}
APART = {
    "mm Hg": "mm[Hg]",
    "cm H2O": "cm[H2O]",
    "Deg C": "Cel",
    "Deg. F": "[degF]",
    "k/mm cu": "10*3/uL",
    "X 10 3": "10*3",
    "10^3 cells/uL": "10*3/uL",
    "10^3/µL\t": "10*3/uL",
    "beats per minute": "/min",
    "per minute": "/min",
    "MICRO IU/ML": "u[IU]/mL",
    "International Units": "[IU]",
    "mOsm/kg H2O": "mosm/kg",
    "g/100 mL": "g/dL",
    "ng/mL FEU": "ng/mL{FEU}",
    "% Sat.": "%",
    "mL/min/1.73 m²": "mL/min/{1.73_m2}",
    "mg\u200b/dL": "mg/dL",
}
NO_UNIT = ("", " ", "None", "none", "Ratio", "no unit", "n/a", "N/A", "{ratio}", "null", "-")
UNKNOWN = ("TAB", "MD to order daily dose", "mL SC", "10", "dose", "mg PE", "//", "mg/", "a.b", "G/X", "€")


def test_spellings_of_sources_become_one():
    for unit, written in SPELLINGS.items():
        got = ucum(pl.Series(written.split())).to_list()
        assert got == [unit] * len(got), (unit, written.split(), got)
    assert ucum(pl.Series(list(APART))).to_list() == list(APART.values())
    assert ucum(pl.Series([*NO_UNIT, None])).null_count() == len(NO_UNIT) + 1


def test_what_is_not_known_is_only_trimmed():
    assert ucum(pl.Series([f"  {unit} " for unit in UNKNOWN])).to_list() == list(UNKNOWN)


def test_series_keep_their_order_and_nulls():
    units = pl.Series("u", ["K/uL", None, "mmHg", "K/uL", "puff", None])
    assert ucum(units).to_list() == ["10*3/uL", None, "mm[Hg]", "10*3/uL", "puff", None]
    for empty in (
        pl.Series([], dtype=pl.String),
        pl.Series([None, None], dtype=pl.String),
        pl.Series([None]),
    ):
        assert ucum(empty).to_list() == readable(empty).to_list() == [None] * len(empty)


PARTS = st.sampled_from([*" ".join(SPELLINGS.values()).split(), *APART, *NO_UNIT, *UNKNOWN])
MADE = st.text(alphabet=st.sampled_from("mgdLlkKuUµ³3 10*^/.()[]{}%xeEhr°CF-1²"), max_size=12)


@settings(deadline=None, max_examples=500)
@given(st.lists(st.one_of(PARTS, MADE, st.tuples(PARTS, PARTS).map("/".join)), max_size=20))
def test_spelling_twice_is_spelling_once(units):
    once = ucum(pl.Series(units, dtype=pl.String))
    assert ucum(once).equals(once)


@pytest.mark.parametrize(
    ("unit", "read"),
    [
        ("mm[Hg]", "mmHg"),
        ("Cel", "°C"),
        ("[degF]", "°F"),
        ("10*3/uL", "10^3/µL"),
        ("10*9/L", "10^9/L"),
        ("ug", "µg"),
        ("meq/L", "mEq/L"),
        ("mosm/kg", "mOsm/kg"),
        ("[lb_av]", "lb"),
        ("[in_i]", "in"),
        ("m[IU]/L", "mIU/L"),
        ("kg/m2", "kg/m²"),
        ("mL/min/{1.73_m2}", "mL/min/1.73 m²"),
        ("dyn.s/cm5", "dyn·s/cm⁵"),
        ("dyn.s.cm-5/m2", "dyn·s·cm⁻⁵/m²"),
        ("mg/d", "mg/day"),
        ("d", "days"),
        ("ug/kg/min", "µg/kg/min"),
        ("/min", "/min"),
        ("/[HPF]", "/HPF"),
        ("{copies}/mL", "copies/mL"),
        ("mg/g{creat}", "mg/g"),
        ("ng/mL{FEU}", "ng/mL FEU"),
        ("cm[H2O]", "cmH2O"),
        ("%", "%"),
        ("{score}", None),
        ("{T-score}", None),
        ("1", None),
        ("[pH]", None),
        ("puff", "puff"),
        ("mmHg", "mmHg"),
        ("mg/dl", "mg/dl"),
    ],
)
def test_units_read_as_clinicians_write_them(unit, read):
    assert readable(pl.Series([unit])).item() == read


def test_what_is_read_can_be_spelled_again():
    whole = [unit for unit in SPELLINGS if unit not in ("{score}", "[pH]", "10*3")]
    units = pl.Series([*whole, *(unit for unit in atoms() if unit not in ("[pH]", "K"))])
    assert ucum(readable(units)).to_list() == units.to_list()
    assert readable(readable(units)).equals(readable(units))


def test_the_table_is_sound():
    for entry in entries():
        assert terms_of(entry.unit) is not None, entry.unit
        assert ucum(pl.Series([entry.unit])).item() == entry.unit
        spelled = ucum(pl.Series(entry.spellings, dtype=pl.String)).to_list()
        assert spelled == [entry.unit] * len(spelled), (entry.unit, spelled)
        assert not entry.kind or structure(entry.unit) is not None


# What the conversion tables of textbooks say: from, to, molar mass, valence, factor as printed there.
CLINICAL = [
    ("glucose", "mmol/L", "mg/dL", 180.156, 0, 18.016),
    ("creatinine", "mg/dL", "umol/L", 113.12, 0, 88.42),
    ("bilirubin", "mg/dL", "umol/L", 584.66, 0, 17.10),
    ("urea nitrogen", "mmol/L", "mg/dL", 28.014, 0, 2.801),
    ("calcium", "mmol/L", "mg/dL", 40.078, 2, 4.008),
    ("cholesterol", "mmol/L", "mg/dL", 386.65, 0, 38.67),
    ("triglycerides", "mmol/L", "mg/dL", 885.7, 0, 88.57),
    ("uric acid", "mg/dL", "umol/L", 168.11, 0, 59.48),
    ("magnesium", "mmol/L", "mg/dL", 24.305, 2, 2.431),
    ("magnesium", "meq/L", "mmol/L", 24.305, 2, 0.5),
    ("calcium", "meq/L", "mg/dL", 40.078, 2, 2.004),
    ("sodium", "meq/L", "mmol/L", 22.99, 1, 1),
    ("potassium", "mg/dL", "mmol/L", 39.098, 1, 1 / 3.91),
    ("phosphate", "mg/dL", "mmol/L", 30.974, 0, 0.3229),
    ("lactate", "mg/dL", "mmol/L", 90.08, 1, 0.1110),
    ("iron", "ug/dL", "umol/L", 55.845, 0, 0.1791),
    ("free thyroxine", "ng/dL", "pmol/L", 776.87, 0, 12.87),
    ("cortisol", "ug/dL", "nmol/L", 362.46, 0, 27.59),
    ("vitamin B12", "pg/mL", "pmol/L", 1355.37, 0, 0.7378),
    ("25-hydroxyvitamin D", "ng/mL", "nmol/L", 400.64, 0, 2.496),
    ("ammonia", "ug/dL", "umol/L", 17.031, 0, 0.5872),
    ("haemoglobin", "g/dL", "g/L", None, 0, 10),
    ("haemoglobin", "g/dL", "mmol/L", 16114, 0, 0.6206),
    ("haematocrit", "L/L", "%", None, 0, 100),
    ("fraction", "1", "%", None, 0, 100),
    ("oxygen content", "mL/dL", "%", None, 0, 1),
    ("platelets", "10*3/uL", "10*9/L", None, 0, 1),
    ("red cells", "10*6/uL", "10*12/L", None, 0, 1),
    ("CD4 cells", "/uL", "10*9/L", None, 0, 0.001),
    ("troponin", "ng/mL", "ng/L", None, 0, 1000),
    ("ferritin", "ng/mL", "ug/L", None, 0, 1),
    ("CRP", "mg/dL", "mg/L", None, 0, 10),
    ("pCO2", "kPa", "mm[Hg]", None, 0, 7.50062),
    ("airway pressure", "cm[H2O]", "mm[Hg]", None, 0, 0.73556),
    ("pressure", "[psi]", "kPa", None, 0, 6.894757),
    ("weight", "[lb_av]", "kg", None, 0, 0.45359237),
    ("weight", "[oz_av]", "g", None, 0, 28.3495),
    ("height", "[in_i]", "cm", None, 0, 2.54),
    ("height", "[ft_i]", "m", None, 0, 0.3048),
    ("enzyme", "ukat/L", "U/L", None, 0, 60),
    ("enzyme", "[IU]/L", "U/L", None, 0, 1),
    ("TSH", "uU/mL", "m[IU]/L", None, 0, 1),
    ("infusion", "ug/kg/min", "mg/kg/h", None, 0, 0.06),
    ("infusion", "mL/h", "mL/min", None, 0, 1 / 60),
    ("infusion", "U/min", "U/h", None, 0, 60),
    ("urine", "mL/d", "mL/h", None, 0, 1 / 24),
    ("volume", "mm3", "uL", None, 0, 1),
    ("volume", "um3", "fL", None, 0, 1),
    ("energy", "kcal", "kJ", None, 0, 4.184),
    ("time", "d", "h", None, 0, 24),
    ("resistance", "dyn.s.cm-5", "dyn.s/cm5", None, 0, 1),
]


@pytest.mark.parametrize(("what", "source", "target", "molar_mass", "valence", "factor"), CLINICAL)
def test_factors_are_those_of_the_textbooks(what, source, target, molar_mass, valence, factor):
    there = conversion(source, target, molar_mass=molar_mass, valence=valence)
    back = conversion(target, source, molar_mass=molar_mass, valence=valence)
    assert there is not None, what
    assert back is not None, what
    assert there.factor == pytest.approx(factor, rel=5e-4)
    assert there.factor * back.factor == pytest.approx(1, rel=1e-12)
    assert there.offset == back.offset == 0


@pytest.mark.parametrize(
    ("celsius", "fahrenheit", "kelvin"),
    [(37, 98.6, 310.15), (0, 32, 273.15), (-40, -40, 233.15), (100, 212, 373.15)],
)
def test_temperatures(celsius, fahrenheit, kelvin):
    scales = {"Cel": celsius, "[degF]": fahrenheit, "K": kelvin}
    for (source, value), (target, wanted) in itertools.product(scales.items(), repeat=2):
        how = conversion(source, target)
        assert value * how.factor + how.offset == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("mg/dL", "mmol/L"),  # the substance is not known
        ("mg/dL", "mg"),
        ("mmol/mol", "%"),  # glycated haemoglobin in IFCC units
        ("mg/g", "%"),
        ("ug/kg/min", "/min"),
        ("ug/kg/min", "ug/min"),
        ("ng/mL", "ng/mL{FEU}"),
        ("mL/min", "mL/min/{1.73_m2}"),
        ("mosm/kg", "mosm/L"),
        ("mosm/kg", "mmol/kg"),
        ("{score}", "%"),
        ("10*3", "%"),
        ("10*3", "10*3/uL"),
        ("mL/m2", "cm"),
        ("Cel/min", "[degF]/min"),
        ("puff", "mL"),
        ("U/L", "umol/L"),
        ("", "mL"),
        ("kg", "cm"),
    ],
)
def test_what_cannot_be_converted_is_not(source, target):
    assert conversion(source, target) is None
    assert conversion(target, source) is None


def test_equivalents_need_a_charge():
    assert conversion("meq/L", "mmol/L", valence=0) is None
    assert conversion("meq/L", "meq/L", valence=0) == Conversion(1, 0)
    assert conversion("puff", "puff") == Conversion(1, 0)
    assert not Conversion(1, 0).changes
    assert Conversion(1.8, 32).changes


UNITS = st.sampled_from(
    [unit for unit in atoms() if unit not in ("K", "Cel", "[degF]")]
    + [
        "mg/dL",
        "g/L",
        "mmol/L",
        "umol/L",
        "meq/L",
        "10*3/uL",
        "10*9/L",
        "/uL",
        "L/L",
        "1",
        "kg/m2",
        "mL/min",
        "L/h",
    ]
)


@settings(deadline=None, max_examples=400)
@given(UNITS, UNITS, UNITS, st.floats(1, 1000), st.integers(0, 3))
def test_conversions_fit_together(one, two, three, molar_mass, valence):
    known = {"molar_mass": round(molar_mass, 3), "valence": valence}
    there, back = conversion(one, two, **known), conversion(two, one, **known)
    assert (there is None) == (back is None)
    if there is not None:
        assert there.factor * back.factor == pytest.approx(1, rel=1e-9)
        onward, straight = conversion(two, three, **known), conversion(one, three, **known)
        assert (onward is None) == (straight is None)
        if onward is not None:
            assert there.factor * onward.factor == pytest.approx(straight.factor, rel=1e-9)


def test_prefixes_are_powers_of_ten():
    for unit, (prefix, entry) in atoms().items():
        if prefix:
            powers = {"k": 1e3, "d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
            assert conversion(unit, entry.unit).factor == pytest.approx(powers[prefix], rel=1e-12)
