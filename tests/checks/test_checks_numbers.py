"""Units, numbers of two units in one column, numbers that cannot be: what is planted, what is sound."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from planted import BOOK, sound_events, write_dataset

from osler.checks.doctor import examine
from osler.checks.mixed_units import other_units
from osler.checks.mixture import Mixture, explain_impossible, find_mixture
from osler.checks.numbers import PER_DECADE, SENTINELS
from osler.checks.survey import Survey
from osler.record.measurements import plausible

GLUCOSE, SODIUM, ACTIVITY = (pl.col("code") == code for code in ("LAB//GLU", "LAB//NA", "LAB//FACTOR"))
SOME = pl.col("subject_id").is_in([3, 4])


def binned(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positive numbers as the doctor counts them."""
    bins, counts = np.unique(np.round(np.log10(values) * PER_DECADE), return_counts=True)
    return 10.0 ** (bins / PER_DECADE), counts


def limits_of(words: str) -> tuple[float, float]:
    row = plausible(pl.DataFrame({"code": ["x"], "description": [words]})).row(0, named=True)
    return row["low"], row["high"]


# --- units ---


def test_several_units_in_a_code(plant, only):
    unit = pl.when(GLUCOSE & SOME).then(pl.lit("g/L")).otherwise("unit")
    value = pl.when(GLUCOSE & SOME).then(pl.col("numeric_value") / 100).otherwise("numeric_value")
    found = only(plant(lambda f: f.with_columns(unit=unit, numeric_value=value)), "dataset_units")
    assert (found["count"], found["column"]) == (24, "unit")
    assert found["example"] == {"subject_id": 3, "code": "LAB//GLU", "unit": "g/L"}
    assert "LAB//GLU (mg/dL 696, g/L 24)" in found["what"]


@pytest.mark.parametrize("unit", ["mg/dl", "MG/DL", " mg/dL"])
def test_spellings_of_a_unit_are_no_other_unit(plant, unit):
    spelled = pl.when(GLUCOSE & SOME).then(pl.lit(unit)).otherwise("unit")
    assert examine(plant(lambda f: f.with_columns(unit=spelled)))["status"] == "ok"


def test_units_with_the_same_numbers_are_no_other_unit(plant):
    same = pl.when(SODIUM & SOME).then(pl.lit("meq/L")).otherwise("unit")
    assert examine(plant(lambda f: f.with_columns(unit=same)))["status"] == "ok"


def test_numbers_without_their_unit(plant, only):
    bare = pl.when(~(GLUCOSE & SOME)).then("unit")
    found = only(plant(lambda f: f.with_columns(unit=bare)), "dataset_units")
    assert (found["count"], found["example"]) == (24, {"subject_id": 3, "code": "LAB//GLU"})
    assert "3.3 %" in found["what"]
    # One in a hundred is forgiven; a code without any unit says it in the code book or nowhere.
    few = pl.when(~(GLUCOSE & (pl.col("subject_id") == 3) & (pl.col("numeric_value") > 130))).then("unit")
    assert examine(plant(lambda f: f.with_columns(unit=few)))["status"] == "ok"
    assert examine(plant(lambda f: f.with_columns(unit=pl.lit(None, pl.String))))["status"] == "ok"


# --- two units under one ---


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_numbers_in_another_unit_are_found(plant, only, share):
    subjects = max(3, round(60 * share))
    slipped = GLUCOSE & (pl.col("subject_id") <= subjects)
    value = pl.when(slipped).then(pl.col("numeric_value") / 18.016).otherwise("numeric_value")
    found = only(plant(lambda f: f.with_columns(numeric_value=value)), "dataset_mixed")
    assert "mg/dL fit mmol/L, factor 18.02" in found["what"]
    assert (found["count"], found["column"]) == (12 * subjects, "numeric_value")
    assert found["example"] == {"subject_id": 1, "code": "LAB//GLU", "unit": "mg/dL"}


CASES = {
    # words: unit, median, spread of the logarithm, other unit
    "Glucose": ("mg/dL", 110, 0.25, "mmol/L"),
    "Creatinine": ("mg/dL", 1.1, 0.5, "umol/L"),
    "Hemoglobin": ("g/dL", 11, 0.2, "g/L"),
    "Calcium": ("mg/dL", 8.8, 0.09, "mmol/L"),
    "Cholesterol": ("mg/dL", 180, 0.25, "mmol/L"),
    "Temperature": ("Cel", 37, 0.02, "[degF]"),
    "Height": ("cm", 168, 0.06, "[in_i]"),
    "WBC": ("10*3/uL", 9, 0.5, "/uL"),
    "pCO2": ("mm[Hg]", 40, 0.2, "kPa"),
    "Weight": ("kg", 78, 0.2, "[lb_av]"),
    "Bilirubin": ("mg/dL", 0.8, 0.9, "umol/L"),
    "CRP": ("mg/L", 30, 1.4, "mg/dL"),
}
TOO_WIDE = ("Weight", "Bilirubin", "CRP")  # the humps of these overlap: no rule on numbers alone tells them


def _found(words: str, values: np.ndarray) -> Mixture | None:
    return find_mixture(*binned(values), other_units("x", words, CASES[words][0]), limits=limits_of(words))


def _mixed(words: str, share: float, seed: int, n: int = 2000) -> np.ndarray:
    unit, median, spread, other = CASES[words]
    random = np.random.default_rng([seed, round(100 * share)])
    values = median * np.exp(spread * random.standard_normal(n))
    how = dict(other_units("x", words, unit))[other]
    k = round(share * n)
    values[:k] = (values[:k] - how.offset) / how.factor
    return values


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_which_conversions_are_found(share):
    found = {words: [_found(words, _mixed(words, share, seed)) for seed in range(10)] for words in CASES}
    for words, mixtures in found.items():
        right = [one is not None and one.unit == CASES[words][3] for one in mixtures]
        if words in TOO_WIDE:
            assert not any(one is not None for one in mixtures), words
        else:
            assert sum(right) >= 9, (words, share, right)
            assert all(abs(one.n - 2000 * share) <= 2 for one in mixtures if one is not None)


def _single_hump(words: str, seed: int) -> np.ndarray:
    """Log-normal, heavy-tailed, skewed or coarsely rounded numbers of one unit."""
    _, median, spread, _ = CASES[words]
    random = np.random.default_rng([seed, 1])
    n, shape = int(random.choice([60, 300, 1000, 10_000])), seed % 4
    z = [
        random.standard_normal(n),
        random.standard_t(4, n),
        (random.gamma(2, 1, n) - 2) / np.sqrt(2),
        random.standard_normal(n),
    ][shape]
    values = median * np.exp(spread * random.uniform(0.5, 2) * z)
    if shape == 3:
        values = np.round(values / (median / 8)) * (median / 8)
    return values[values > 0]


def test_no_false_alarm_on_a_single_hump():
    alarms = [
        (words, seed) for words in CASES for seed in range(200) if _found(words, _single_hump(words, seed))
    ]
    assert alarms == []


@pytest.mark.parametrize(
    ("words", "unit", "humps"),
    [
        # Patients with and without dialysis; newborns and adults; arterial and venous blood.
        ("Creatinine", "mg/dL", ((0.9, 0.15), (7.5, 0.15))),
        ("Height", "cm", ((50, 0.04), (168, 0.06))),
        ("Weight", "kg", ((3.2, 0.15), (78, 0.2))),
        ("pO2", "mm[Hg]", ((40, 0.1), (95, 0.12))),
        ("TSH", "m[IU]/L", ((0.02, 0.3), (2, 0.4))),
    ],
)
def test_no_false_alarm_on_two_kinds_of_patients(words, unit, humps):
    for seed in range(50):
        random = np.random.default_rng(seed)
        values = np.concatenate([m * np.exp(s * random.standard_normal(500)) for m, s in humps])
        assert find_mixture(*binned(values), other_units("x", words, unit), limits=limits_of(words)) is None


def test_a_few_impossible_numbers_that_another_unit_explains():
    values = np.array([0.21, 0.4, 0.5, 0.6, 1.0, 21.0, 40.0, 50.0, 60.0, 100.0])
    beyond = np.array([1, 2, 1, 1, 2, 0, 0, 0, 0, 0])
    within = np.array([0, 0, 0, 0, 0, 3, 5, 4, 6, 3])
    fraction = other_units("x", "FiO2", "%")
    assert explain_impossible(values, beyond, within, fraction) == ("1", 100.0)
    assert explain_impossible(values, beyond // 2, within, fraction) is None  # too few
    assert explain_impossible(values * np.where(beyond > 0, 0.01, 1), beyond, within, fraction) is None


def test_standardised_numbers_are_no_mixture(plant):
    """Mean 0, no unit: neither impossible nor mixed."""
    z = (pl.col("numeric_value").rank() / pl.col("numeric_value").count() - 0.5).over("code") * 5
    path = plant(lambda f: f.with_columns(numeric_value=z, unit=pl.lit(None, pl.String)))
    assert examine(path)["status"] == "ok", examine(path)["findings"]


# --- impossible numbers ---


def _first(value: float, code: pl.Expr, n: int = 3) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """The first numbers of a code become another."""
    order = pl.col("numeric_value").cum_count().over("subject_id", "code")
    early = code & (pl.col("subject_id") == 3) & (order <= n)
    return lambda f: f.with_columns(numeric_value=pl.when(early).then(value).otherwise("numeric_value"))


@pytest.mark.parametrize(
    ("value", "code", "words"),
    [
        (5000.0, GLUCOSE, "no living patient"),
        (-4.0, pl.col("code") == "VITAL//HR", "no living patient"),
        (500.0, ACTIVITY, None),  # 90 % of normal at the median, above 100 in many: a quantity that can be
        (-5.0, ACTIVITY, None),
    ],
)
def test_numbers_beyond_what_is_possible(plant, only, value, code, words):
    path = plant(_first(value, code))
    if words is None:
        assert examine(path)["status"] == "ok"
        return
    found = only(path, "dataset_impossible")
    assert words in found["what"]
    assert (found["count"], found["example"]["subject_id"]) == (3, 3)


def test_percentages_and_amounts_of_what_is_not_known(plant, only):
    book = {**BOOK, "LAB//X": ("Some share", "%"), "LAB//Y": ("Some protein", "mg/dL")}
    codes = pl.DataFrame({"code": list(book), "description": [words for words, _ in book.values()]})

    def change(value: float, code: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
        def add(f: pl.DataFrame) -> pl.DataFrame:
            more = f.filter(ACTIVITY).with_columns(
                code=pl.lit(code),
                unit=pl.lit(book[code][1]),
                numeric_value=(pl.col("numeric_value") / 4).clip(1, 99),
            )
            return pl.concat([f, _first(value, pl.col("code") == code)(more)])

        return add

    found = only(plant(change(120.0, "LAB//X"), codes=codes), "dataset_impossible")
    assert ("percentages" in found["what"], found["count"], found["example"]["subject_id"]) == (True, 3, 3)
    found = only(plant(change(-0.5, "LAB//Y"), codes=codes), "dataset_impossible")
    assert ("negative" in found["what"], found["count"], found["example"]["subject_id"]) == (True, 3, 3)


@pytest.mark.parametrize("value", [-1.0, 999.0, -9.0, 9999.0])
def test_marks_for_missing(plant, only, value):
    found = only(plant(_first(value, GLUCOSE, n=12)), "dataset_impossible")
    assert 'mark for "missing"' in found["what"]
    assert f"LAB//GLU {value:g} (1.7 %)" in found["what"]
    assert (found["count"], found["example"]) == (12, {"subject_id": 3, "code": "LAB//GLU", "unit": "mg/dL"})


def test_a_unit_that_is_wrong_for_all(plant, only):
    wrong = pl.when(GLUCOSE).then(pl.lit("g/dL")).otherwise("unit")
    found = only(plant(lambda f: f.with_columns(unit=wrong)), "dataset_impossible")
    assert "most of whose numbers" in found["what"]
    assert "they would be in mg/dL" in found["what"]
    assert found["count"] == 720


def test_numbers_are_counted_as_plain_python_counts(tmp_path):
    random = np.random.default_rng(5)
    events = sound_events(20)
    marks = random.choice([*SENTINELS, 0.0, -3.5, 4000.0, 1e-7, np.nan], events.height)
    odd = pl.Series(np.where(random.random(events.height) < 0.3, marks, np.nan)).fill_nan(None)
    value = pl.coalesce(odd, "numeric_value").cast(pl.Float32)
    events = events.with_columns(numeric_value=pl.when(pl.col("unit").is_not_null()).then(value))
    survey = Survey(write_dataset(tmp_path / "d", events))
    limits = {
        (row["code"], row["unit"]): (row["low"], row["high"]) for row in survey.units.iter_rows(named=True)
    }
    expected: dict[tuple, list[int]] = {}
    rows = events.select("code", "unit", "numeric_value").drop_nulls("numeric_value").iter_rows()
    for code, unit, number in rows:
        low, high = limits[code, unit]
        sign = (number > 0) - (number < 0)
        size = round(np.log10(abs(number)) * PER_DECADE) if number else 0
        mark = number if number in SENTINELS else None
        row = expected.setdefault((code, unit, mark, sign, size), [0, 0, 0])
        row[0] += 1
        row[1] += low is not None and number < low
        row[2] += high is not None and number > high
    counted = survey.numbers.select("code", "unit", "sentinel", "sign", "bin", "n", "n_low", "n_high")
    found = {row[:5]: [row[5], row[6] or 0, row[7] or 0] for row in counted.iter_rows()}
    assert found == expected


# --- real data ---


def _as_dataset(folder: Path, frame: pl.DataFrame) -> Path:
    """Numbers of a source as they are: `who, words, unit, value`, in a dataset of their own."""
    ids = frame.select(pl.col("who").unique().sort()).with_row_index("subject_id", offset=1)
    minutes = pl.duration(minutes=pl.int_range(pl.len()) % 500_000)
    events = frame.join(ids, on="who").select(
        pl.col("subject_id").cast(pl.Int64),
        time=pl.datetime(2020, 1, 1, 12, 30, time_unit="us") + minutes,
        code=pl.concat_str(pl.lit("LAB//"), "words"),
        numeric_value=pl.col("value").cast(pl.Float32),
        unit=pl.col("unit").cast(pl.String),
    )
    events = events.drop_nulls(["numeric_value", "code"])
    book = events.select(pl.col("code").unique()).with_columns(description=pl.col("code").str.slice(5))
    return write_dataset(
        folder, events, codes=book, site_columns=(), extension_columns=("unit",), splits=None, subjects=None
    )


def _examined(path: Path) -> dict[str, str]:
    """What the checks of numbers said, by check."""
    wanted = ("dataset_units", "dataset_mixed", "dataset_impossible")
    return {f["check"]: f["what"] for f in examine(path)["findings"] if f["check"] in wanted}


@pytest.mark.real
def test_real_laboratory_values_of_eicu(real_data, tmp_path):
    raw = pl.read_csv(real_data / "eicu_demo" / "lab_169stay_subset.csv.gz", infer_schema_length=None)
    frame = raw.select(
        who="patientunitstayid", words="labname", unit="labmeasurenamesystem", value="labresult"
    )
    said = _examined(_as_dataset(tmp_path, frame))
    # Some hospitals write the inspired fraction, and ionised calcium in mmol/L; of 119 tests no other alarms.
    fio2 = frame.filter(words="FiO2")["value"]
    calcium = frame.filter(words="ionized calcium", unit="mg/dL")["value"]
    assert said.pop("dataset_mixed").count("factor") == 2
    assert (fio2 <= 1).sum() >= 20
    assert 5 <= (calcium < 1.2).sum() < 20
    assert said.keys() == {"dataset_impossible"}
    assert f"FiO2 {(fio2 > 100).sum()} " in said["dataset_impossible"]


@pytest.mark.real
def test_real_laboratory_values_of_clif_do_not_alarm(real_data, tmp_path):
    raw = pl.read_parquet(real_data / "mimic4_demo" / "clif" / "clif_labs.parquet")
    frame = raw.select(
        who="hospitalization_id", words="lab_name", unit="reference_unit", value="lab_value_numeric"
    )
    assert _examined(_as_dataset(tmp_path, frame)) == {}


@pytest.mark.real
def test_real_values_of_synthea(real_data, tmp_path):
    raw = pl.read_csv(
        real_data / "synthea_fhir_r4" / "tables" / "observations.csv.gz", infer_schema_length=None
    )
    frame = raw.select(
        who="patient_id",
        words=pl.concat_str(pl.lit("LOINC//"), "code"),
        unit="unit",
        value="value",
    )
    said = _examined(_as_dataset(tmp_path, frame))
    # The generator writes total protein in g/dL with the numbers of g/L.
    protein = frame.filter(words="LOINC//2885-2", unit="g/dL")["value"]
    wrong = f"2885-2 {(protein > 25).sum()} (possible: 0.5 to 25 g/dL; they would be in g/L)"
    assert wrong in said["dataset_impossible"]
    assert said["dataset_impossible"].count("possible:") == 1
    assert "dataset_mixed" not in said


@pytest.mark.real
def test_real_series_of_physionet(real_data, tmp_path):
    raw = pl.read_parquet(real_data / "physionet2012" / "events_a.parquet")
    frame = raw.select(who="RecordID", words="Parameter", unit=pl.lit(None, pl.String), value="Value")
    said = _examined(_as_dataset(tmp_path, frame))
    # Pressures of 0, temperatures of an empty probe, acidities of 735: known traps of these data.
    assert said.keys() == {"dataset_impossible"}
    for words in ("DiasABP", "SysABP", "Weight"):
        assert words in said["dataset_impossible"]
