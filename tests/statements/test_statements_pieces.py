"""The small parts: sentences, numbers, ages, limits of normal, packed sorts, names."""

import hashlib
import itertools
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statement_cases import BOOK, START, frame_of, sample_frame
from statement_oracle import age_text

from osler.base.errors import InputError
from osler.models.tokenizer import load_tokenizer
from osler.record.measurements import measurements
from osler.record.units import ucum
from osler.statements.names import Names
from osler.statements.packing import factor, factor_text, grouped, laid_out, order_by
from osler.statements.person import age_words
from osler.statements.ranges import reference_ranges, reference_unit
from osler.statements.render import render_shard
from osler.statements.sentences import split_sentences
from osler.statements.settings import TextSettings
from osler.statements.values import number_ids, slope_ids

NOTE = st.text(alphabet=st.sampled_from("ab A.!?:;-1 2\n\t)Dr"), max_size=80)


@settings(deadline=None, max_examples=200)
@given(NOTE)
def test_sentences_keep_every_character_that_is_not_white(note):
    spans = split_sentences(note)
    assert all(note[start:end] == note[start:end].strip() != "" for start, end in spans)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))
    outside = "".join(
        note[a:b] for a, b in zip([0, *(e for _, e in spans)], [*(s for s, _ in spans), None], strict=True)
    )
    assert not outside.strip()


@pytest.mark.parametrize(
    ("note", "sentences"),
    [
        ("He fell. No fracture.", ["He fell.", "No fracture."]),
        ("Seen by Dr. Ann Lee, e.g. today.", ["Seen by Dr. Ann Lee, e.g. today."]),
        ("Temp 38.5. BP 90/60!", ["Temp 38.5.", "BP 90/60!"]),
        ("PLAN:\n1. aspirin 81 mg\n2. rest", ["PLAN:", "1. aspirin 81 mg", "2. rest"]),
        (
            "The patient was admitted with a three day history of cough and\nfever. Better now.",
            ["The patient was admitted with a three day history of cough and\nfever.", "Better now."],
        ),
        ("Allergies: none\nMedications: none", ["Allergies: none", "Medications: none"]),
        ("first\n\n\nsecond", ["first", "second"]),
        ("Is it worse? Yes (much.) Done", ["Is it worse?", "Yes (much.)", "Done"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_of_clinical_notes(note, sentences):
    assert [note[start:end] for start, end in split_sentences(note)] == sentences


@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_are_rounded_as_python_rounds(numbers):
    ids, texts = number_ids(np.array(numbers, dtype=np.float32))
    plain = [format(number, ".2f").rstrip("0").rstrip(".") for number in numbers]
    assert texts.gather(ids).to_list() == ["0" if text == "-0" else text for text in plain]
    assert texts.n_unique() == len(texts)


@settings(deadline=None, max_examples=150)
@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2020, 12, 31)),
    st.timedeltas(timedelta(0), timedelta(days=366 * 120)),
)
def test_age_is_that_of_the_calendar(birth, gone):
    words = age_words(
        pl.Series([birth], dtype=pl.Datetime("us")), pl.Series([birth + gone], dtype=pl.Datetime("us"))
    )
    assert words.item() == age_text(birth, birth + gone)


@pytest.mark.parametrize(
    ("years", "words"), [(1.9, "22 months"), (2.01, "2 years"), (89.5, "89 years"), (90.1, "over 89 years")]
)
def test_age_at_its_limits(years, words):
    birth = datetime(1900, 1, 1)
    at = birth + timedelta(days=years * 365.25)
    assert age_words(pl.Series([birth]), pl.Series([at])).item() == words


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**40), st.integers(0, 2**30)), max_size=40))
def test_packed_sorts_equal_plain_sorts(rows):
    keys = [np.array([row[i] for row in rows], dtype=np.int64) for i in range(3)]
    for used in (keys[:1], keys[:2], keys):
        plain = sorted(range(len(rows)), key=lambda i: [key[i] for key in used])
        order, same = grouped(*used)
        assert order.tolist() == order_by(*used).tolist() == plain
        values = [tuple(key[i] for key in used) for i in plain]
        assert same.tolist() == [i > 0 and values[i] == values[i - 1] for i in range(len(values))]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from([0, 1, 5, 99_000, 2**40, -3])))
def test_factor_gives_dense_ids(values):
    ids, distinct = factor(np.array(values, dtype=np.int64))
    assert distinct[ids].tolist() == values
    assert len(distinct) == len(set(values))
    texts = pl.Series([None if value < 0 else str(value) for value in values], dtype=pl.String)
    ids, words = factor_text(texts)
    assert [None if i < 0 else words[int(i)] for i in ids] == texts.to_list()
    assert len(words) == texts.drop_nulls().n_unique()


def test_ranges_are_laid_out():
    numbers, what = laid_out(np.array([4, 9, 0]), np.array([6, 3, 1]), np.array([7, 8, 9]))
    assert (numbers.tolist(), what.tolist()) == ([4, 5, 0], [7, 7, 9])


def test_names_are_sha256_also_when_remembered():
    names = Names()
    for texts in (["a", "b", "ü"], ["b", "c", "a"], ["c"], []):
        wanted = "".join(hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts)
        assert names.of(pl.Series(texts, dtype=pl.String)) == wanted


@pytest.mark.parametrize(
    ("description", "unit", "found"),
    [
        ("Hemoglobin [Mass/volume] in Blood", "g/dL", ("haemoglobin", "g/dL")),
        ("Platelet count", "10*3/uL", ("platelets", "10*9/L")),
        ("White blood cells", "10*9/L", ("white blood cells", "10*9/L")),
        ("RBC", "10*6/uL", ("red blood cells", "10*12/L")),
        ("Potassium, whole blood", "meq/L", ("potassium", "mmol/L")),
        ("Glucose", "mmol/L", ("glucose", "mmol/L")),
        ("Temperature", "[degF]", ("temperature", "[degF]")),
        ("Calcium", "meq/L", None),  # two charges: the number is another
        ("Hemoglobin A1c", "%", None),
        ("Sodium chloride 0.9 %", "mmol/L", None),
        ("Natriuretic peptide", "pg/mL", None),
        ("Sodium, urine", "mmol/L", None),
        ("Platelets", "puff", None),
    ],
)
def test_reference_values_hold_for_numbers_as_they_are(description, unit, found):
    assert reference_unit("X", description, unit) == found


def test_reference_ranges_are_sane():
    table = reference_ranges()
    assert (table["low"] < table["high"]).all()
    assert (table["years_from"] < table["years_to"]).all()
    key = ["concept", "unit"]
    for _, group in table.group_by(key):
        for sex in ("male", "female"):
            bands = group.filter(pl.col("sex").is_null() | (pl.col("sex") == sex)).sort("years_from")
            assert (bands["years_to"].shift(1) <= bands["years_from"]).drop_nulls().all(), group
    assert table["unit"].equals(ucum(table["unit"]))
    assert set(table["concept"]) <= {known.concept for known in measurements()}
    for concept, unit in table.select(key).unique().rows():
        name = concept.replace("urea nitrogen", "BUN")
        assert reference_unit("X", name, unit) == (concept, unit)


@pytest.mark.parametrize(
    ("sex", "years", "value", "mark"),
    [("F", 40, 12.1, "normal"), ("M", 40, 12.1, "low"), ("F", 1, 11.0, "normal"), (None, 40, 12.1, None)],
)
def test_marks_depend_on_age_and_sex(sex, years, value, mark):
    codes = BOOK.with_columns(
        description=pl.when(pl.col("code") == "LAB//y").then(pl.lit("Haemoglobin")).otherwise("description")
    )
    rows = [
        {"code": "MEDS_BIRTH", "time": START - timedelta(days=366 * years)},
        {"code": "LAB//y", "time": START, "numeric_value": value, "unit": "g/dL"},
    ]
    rows += [{"code": f"GENDER//{sex}", "time": None}] if sex else []
    blank = {"subject_id": 1, "numeric_value": None, "text_value": None, "unit": None}
    made = render_shard(
        frame_of([{**blank, **row} for row in rows]),
        codes,
        sample_frame([(1, 1)]),
        TextSettings(style="markdown"),
        load_tokenizer("minilm"),
    )
    said = f"Haemoglobin (g/dL): {value:g}" + (f" ({mark})" if mark else "")
    assert made.frame("texts")["text"].item().endswith(said)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("10*3/uL", "10^3/µL"),
        ("thou/cumm", "thou/cumm"),
        ("mm[Hg]", "mmHg"),
        ("Cel", "°C"),
        ("meq/L", "mEq/L"),
    ],
)
@pytest.mark.parametrize("style", ["list-recent", "markdown"])
def test_units_are_shown_as_they_read(style, written, read):
    row = {"subject_id": 1, "time": START, "code": "LAB//x", "numeric_value": 3.0, "text_value": None}
    made = render_shard(
        frame_of([{**row, "unit": written}]),
        BOOK,
        sample_frame([(1, 1)]),
        TextSettings(style=style),
        load_tokenizer("minilm"),
    )
    assert made.frame("texts")["text"].item().endswith(f"Marker X ({read}): 3")


def test_a_unit_that_says_nothing_is_left_out():
    row = {"subject_id": 1, "time": START, "code": "LAB//x", "numeric_value": 3.0, "text_value": None}
    for style in ("list-recent", "json"):
        made = render_shard(
            frame_of([{**row, "unit": "{score}"}]),
            BOOK,
            sample_frame([(1, 1)]),
            TextSettings(style=style),
            load_tokenizer("minilm"),
        )
        text = made.frame("texts")["text"].item()
        assert "unit" not in text
        assert "Marker X: 3" in text or '"Marker X", "value": "3"' in text


def test_limits_hold_in_the_unit_of_the_book_however_it_is_written():
    codes = BOOK.with_columns(
        unit=pl.when(pl.col("code") == "LAB//x").then(pl.lit("mm[Hg]")).otherwise("unit")
    )
    row = {"subject_id": 1, "code": "LAB//x", "numeric_value": 9.0, "text_value": None}
    rows = [
        {**row, "time": START, "unit": "mm[Hg]"},
        {**row, "time": START + timedelta(minutes=1), "unit": "mmHg"},
        {**row, "time": START + timedelta(minutes=2), "unit": None},
    ]
    made = render_shard(
        frame_of(rows),
        codes,
        sample_frame([(1, 1)]),
        TextSettings(style="markdown"),
        load_tokenizer("minilm"),
    )
    assert made.frame("texts")["text"].item().endswith("Marker X (mmHg): 9 (high), 9 (high), 9 (high)")


def test_numbers_that_are_none_are_refused():
    row = {"subject_id": 1, "time": START, "code": "LAB//y", "text_value": None, "unit": None}
    with pytest.raises(InputError, match="NaN or infinite"):
        render_shard(
            frame_of([{**row, "numeric_value": float("nan")}]),
            BOOK,
            sample_frame([(1, 1)]),
            TextSettings(),
            load_tokenizer("minilm"),
        )


def test_codes_that_the_book_lacks_are_refused():
    row = {
        "subject_id": 1,
        "time": START,
        "code": "NEW",
        "text_value": None,
        "unit": None,
        "numeric_value": None,
    }
    with pytest.raises(InputError, match="not in the code book"):
        render_shard(frame_of([row]), BOOK, sample_frame([(1, 1)]), TextSettings(), load_tokenizer("minilm"))


@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_slow_slopes_keep_four_decimals(slopes):
    ids, texts = slope_ids(np.array(slopes))
    for slope, text in zip(slopes, texts.gather(ids).to_list(), strict=True):
        assert float(text) == pytest.approx(slope, abs=0.000051 if abs(slope) < 0.1 else 0.0051)
        assert "." not in text or text[-1] not in ".0"
