"""Typed tables against a plain-Python oracle: kinds, ties, levels, families, ages; no leakage."""

import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typed_oracle import Table

from osler.base.errors import InputError
from osler.record.dataset import open_dataset
from osler.record.schema import CODE_TYPES
from osler.record.write import write_events, write_metadata
from osler.represent.settings import TypedSettings
from osler.represent.typed import Variable, share_missing
from osler.represent.typed_read import typed_table

T0 = datetime(2020, 1, 1)
DAY = timedelta(days=1)
SCHEMA = {
    "subject_id": pl.Int64,
    "time": pl.Datetime("us"),
    "code": pl.String,
    "numeric_value": pl.Float32,
    "text_value": pl.String,
}
BOOK = [
    {"code": "MEDS_BIRTH"},
    {"code": "NUM", "kind": "numeric", "unit": "mg", "section": "labs"},
    {"code": "ORD", "kind": "ordinal", "levels": ["low", "mid", "high"]},
    {"code": "GRADE", "kind": "ordinal"},
    {"code": "CAT", "kind": "categorical"},
    {"code": "COL//q", "kind": None, "role": "baseline"},
    {"code": "COL//q___1", "kind": "flag", "levels": ["Unchecked", "Checked"], "parent_codes": ["COL//q"]},
    {"code": "COL//word", "kind": "categorical", "levels": ["x", "y"], "role": "baseline"},
    {"code": "COL//given", "kind": "flag", "role": "intervention"},
    {"code": "COL//end", "kind": "numeric", "role": "outcome"},
    {"code": "ID", "role": "identifier"},
    {"code": "YES", "kind": "flag"},
]
CODES = [row["code"] for row in BOOK] + [
    *("OPEN", "OPEN2", "SEEN", "GENDER//F", "GENDER//M", "RACE//a", "RACE", "NOTE//n", "MEDS_DEATH"),
    "COL//free",
]
WORDS = {
    "ORD": ["low", "mid", "high", "odd"],
    "GRADE": ["2", "10"],
    "YES": ["No", "yes"],
    "COL//q___1": ["Checked", "Unchecked", "?"],
}
TEXTS = ["x", " y ", "", "low", "high", "Checked", "Unchecked", "No", "yes", "2", "10", "z"]


def make_dataset(folder, rows, *, shards=2, undated=False, book=BOOK):
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    for shard in range(shards):
        part = frame.filter(pl.col("subject_id") % shards == shard)
        if part.height or shard == 0:
            write_events(folder, f"train/{shard}", part)
    codes = pl.DataFrame(book, schema=CODE_TYPES)
    write_metadata(folder, name="d", codes=codes, used=frame["code"].unique(), settings={"undated": undated})
    # As written by hand: what the book does not describe is not in it.
    codes.write_parquet(folder / "metadata" / "codes.parquet")
    return open_dataset(folder)


def samples_of(keys):
    return pl.DataFrame(
        keys, schema={"subject_id": pl.Int64, "prediction_time": pl.Datetime("us")}, orient="row"
    )


def make(rows, keys, **changes):
    with tempfile.TemporaryDirectory() as folder:
        dataset = make_dataset(Path(folder), rows)
        return typed_table(dataset, samples_of(keys), settings=TypedSettings(**changes))


def here(rows):
    """Every subject of the samples has an event, which no table shows."""
    return rows + [(subject, T0, "ID", None, None) for subject in range(6)]


moments = st.sampled_from(
    [T0 + i * DAY for i in range(0, 75, 15)] + [T0 + 60 * DAY + timedelta(microseconds=1)]
)
events = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.none() | moments,
        st.sampled_from(CODES),
        st.none() | st.sampled_from([0.0, 1.5, -2.0, 3.0, float("nan"), float("inf")]),
        st.none() | st.sampled_from(TEXTS),
    ),
    max_size=60,
)
sample_keys = st.lists(st.tuples(st.integers(0, 5), moments), min_size=1, max_size=8, unique=True)
wishes = st.fixed_dictionaries(
    {
        "min_share": st.sampled_from([0.0, 0.2, 0.4]),
        "max_levels": st.sampled_from([2, 20]),
        "lookback": st.sampled_from([None, None, 15.0, 30.0]),
        "interventions": st.booleans(),
        "exclude": st.sampled_from([(), ("q*",), ("GENDER", "ag?"), ("OPEN", "GENDER//M")]),
    }
)


def check(table, report, expected):
    assert [variable.name for variable in table.variables] == list(expected.columns)
    for variable, values in zip(table.variables, table.values.T, strict=True):
        kind, levels, recorded, wanted = expected.columns[variable.name]
        assert (variable.kind, variable.levels, variable.recorded) == (kind, levels, recorded)
        np.testing.assert_allclose(values, wanted, rtol=1e-6)
    assert {k: sorted(v) for k, v in report.left_out.items()} == {
        k: sorted(v) for k, v in expected.left_out.items()
    }
    assert {k: list(v) for k, v in report.recorded.items()} == expected.recorded
    assert report.passed_over == expected.passed_over
    assert report.outside == expected.outside


@settings(deadline=None, max_examples=100)
@given(events, sample_keys, wishes)
def test_tables_equal_the_oracle(rows, keys, wanted):
    table, report = make(here(rows), keys, **wanted)
    expected = Table(here(rows), keys, BOOK, TypedSettings(**wanted))
    check(table, report, expected)
    assert sum(report.counts().values()) == sum(map(len, report.left_out.values()))


def test_larger_tables_equal_the_oracle():
    kinds = set()
    for seed in range(8):
        rng = np.random.default_rng(seed)
        codes = [*CODES, *(f"LAB//{i}" for i in range(4)), *(f"FOUND//{i}" for i in range(3))]
        rows = [(int(s), T0, "ID", None, None) for s in range(40)]
        for code in codes:
            likely = rng.random()
            # Some codes have only numbers, only texts or neither; some have few texts.
            valued, texts = rng.choice([0.0, 0.5, 1.0], 2)
            words = rng.choice(TEXTS, int(rng.integers(1, 5)))
            if code in WORDS:
                words, texts = WORDS[code], 1.0
            for subject in np.flatnonzero(rng.random(40) < likely).tolist():
                for _ in range(int(rng.integers(1, 4))):
                    time = T0 + int(rng.integers(0, 9)) * DAY if rng.random() < 0.9 else None
                    value = float(rng.integers(0, 4)) if rng.random() < valued else None
                    text = str(rng.choice(words)) if rng.random() < texts else None
                    rows.append((subject, time, code, value, text))
        keys = [(s, T0 + day * DAY) for s in range(40) for day in rng.choice(9, 1 + s % 2, False).tolist()]
        wanted = {"min_share": 0.1, "max_levels": 3, "lookback": 4.0 if seed % 2 else None}
        table, report = make(rows, keys, **wanted)
        check(table, report, Table(rows, keys, BOOK, TypedSettings(**wanted)))
        kinds |= {(variable.kind, variable.recorded) for variable in table.variables}
        kinds |= {*report.left_out, *report.recorded}
    assert kinds >= {("numeric", False), ("ordinal", False), ("categorical", False)}
    assert kinds >= {("flag", False), ("flag", True), "free text", "one value only", "levels too rare"}


def later(rows, keys):
    latest = {}
    for subject, moment in keys:
        latest[subject] = max(latest.get(subject, moment), moment)
    return [r for r in rows if r[1] is not None and r[0] in latest and r[1] > latest[r[0]]]


@settings(deadline=None, max_examples=40)
@given(events, sample_keys, events, wishes, st.randoms(use_true_random=False))
def test_what_happens_after_the_prediction_time_changes_nothing(rows, keys, added, wanted, random):
    future = later(rows, keys)
    past = here([row for row in rows if row not in future])
    changed = [(s, t + DAY, code + "!", 7.0, "new") for s, t, code, _, _ in future[::2]]
    fresh = past + changed + later(added, keys)
    random.shuffle(fresh)
    table, report = make(here(rows), keys, **wanted)
    other, other_report = make(fresh, keys, **wanted)
    assert other.variables == table.variables
    assert np.array_equal(other.values, table.values, equal_nan=True)
    assert other_report == report


@settings(deadline=None, max_examples=20)
@given(events, sample_keys)
def test_the_variables_of_one_table_are_read_of_other_samples(rows, keys):
    with tempfile.TemporaryDirectory() as folder:
        dataset = make_dataset(Path(folder), here(rows))
        table, report = typed_table(dataset, samples_of(keys))
        again, again_report = typed_table(dataset, samples_of(keys), like=table.variables)
        assert again.variables == table.variables
        assert np.array_equal(again.values, table.values, equal_nan=True)
        assert (again_report.passed_over, again_report.outside) == (report.passed_over, report.outside)
        half, _ = typed_table(dataset, samples_of(keys[::2]), like=table.variables)
        assert np.array_equal(half.values, table.values[::2], equal_nan=True)


def test_given_variables_that_the_dataset_lacks_or_may_not_show(tmp_path):
    rows = [(0, T0, "COL//word", None, "z"), (1, T0, "COL//word", None, "y"), (0, T0, "COL//end", 3.0, None)]
    like = [
        Variable("COL//word", "", "categorical", ("y", "x")),
        Variable("gone", "", "numeric"),
        Variable("seen", "", "flag", recorded=True),
        Variable("COL//end", "", "numeric"),
        Variable("MEDS_BIRTH", "Age", "numeric"),
    ]
    dataset = make_dataset(tmp_path, rows)
    table, report = typed_table(dataset, samples_of([(0, T0), (1, T0)]), like=like)
    nan = np.nan
    np.testing.assert_array_equal(table.values, [[nan, nan, 0, nan, nan], [0, nan, 0, nan, nan]])
    assert report.absent == ("gone", "seen", "COL//end")
    assert report.outside == {"COL//word": 1}


def test_labels_units_sections_and_roles(tmp_path):
    rows = []
    for subject in range(4):
        mark = "Checked" if subject % 2 else "Unchecked"
        rows += [
            (subject, T0, "COL//q___1", None, mark),
            (subject, T0, "COL//given", None, "yes" if subject % 2 else "no"),
            (subject, None, f"GENDER//{'FM'[subject % 2]}", None, None),
            (subject, T0, "NUM", float(subject), None),
        ]
    rows += [(0, T0, "HISTORY", None, "smoker"), (1, T0, "DRUG", None, "1 mg"), (2, T0, "DRUG", None, "2 mg")]
    dataset = make_dataset(tmp_path, rows)
    keys = samples_of([(subject, T0) for subject in range(4)])
    wanted = TypedSettings(interventions=True, exclude=("nothing*", "COL//q"), min_share=0.2, max_levels=2)
    table, report = typed_table(dataset, keys, settings=wanted)
    found = {variable.name: variable for variable in table.variables}
    assert found["COL//q___1"].label == "COL q: COL q 1"
    assert found["COL//given"].role == "intervention"
    assert (found["NUM"].unit, found["NUM"].section) == ("mg", "labs")
    assert (found["GENDER"].label, found["GENDER"].levels) == ("Sex", ("F", "M"))
    assert found["HISTORY"].label == "HISTORY: smoker"
    assert found["DRUG"].kind == "categorical"
    assert report.unmatched == ("nothing*", "COL//q")
    table, report = typed_table(dataset, keys, settings=wanted.model_copy(update={"min_share": 0.4}))
    assert report.recorded == {"levels too rare": ("DRUG",)}
    assert "DRUG (recorded)" in {variable.label for variable in table.variables}


def test_wrong_requests_are_refused(tmp_path):
    dataset = make_dataset(tmp_path / "a", here([]), undated=True)
    with pytest.raises(InputError, match="undated"):
        typed_table(dataset, samples_of([(0, T0)]), settings=TypedSettings(lookback=3.0))
    with pytest.raises(InputError, match="does not have"):
        typed_table(dataset, samples_of([(77, T0)]))
    make_dataset(tmp_path / "b", here([]))
    write_events(tmp_path / "b", "train/9", pl.DataFrame(here([]), schema=SCHEMA, orient="row"))
    with pytest.raises(InputError, match="more than one shard"):
        typed_table(open_dataset(tmp_path / "b"), samples_of([(0, T0)]))
    table, report = typed_table(dataset, samples_of([]))
    assert (table.n_samples, table.variables) == (0, ())
    assert report.counts() == {"outcome": 1, "identifier": 1, "intervention": 1}


def test_many_samples_of_many_runs_go_block_by_block(monkeypatch):
    from osler.represent import latest

    rng = np.random.default_rng(0)
    rows = here(
        [
            (int(s), T0 + int(d) * DAY, f"OPEN{int(c)}", float(v), None)
            for s, d, c, v in zip(*rng.integers(0, 6, (4, 400)), strict=True)
        ]
    )
    keys = [(subject, T0 + day * DAY) for subject in range(6) for day in range(6)]
    whole, _ = make(rows, keys)
    monkeypatch.setattr(latest, "_PAIRS", 7)
    blocks, _ = make(rows, keys)
    assert np.array_equal(blocks.values, whole.values, equal_nan=True)


def test_share_missing():
    table, _ = make(
        [(0, T0, "NUM", 1.0, None), (1, T0, "NUM", 2.0, None), *here([])], [(i, T0) for i in range(6)]
    )
    assert share_missing(table).tolist() == [pytest.approx(4 / 6)]
    assert share_missing(table.take(np.array([], dtype=int))).tolist() == [0.0]


@pytest.fixture(scope="module")
def sepsis(real_data, tmp_path_factory):
    from osler.record.sources import ingest

    source = real_data / "pediatric_sepsis_uganda" / "pediatric_sepsis_dev.csv"
    spec = Path(__file__).parents[2] / "examples" / "specs" / "sepsis.yaml"
    out = tmp_path_factory.mktemp("sepsis") / "d"
    ingest("table", source, spec, out)
    raw = pl.read_csv(source, infer_schema_length=None, null_values=["NA", ""])
    return open_dataset(out), raw


@pytest.mark.real
def test_the_sepsis_table_is_the_file_cell_by_cell(sepsis):
    dataset, raw = sepsis
    subjects = raw["studyid_adm"].to_list()
    t0 = datetime(2000, 1, 1)
    table, report = typed_table(
        dataset, samples_of([(s, t0) for s in subjects]), settings=TypedSettings(exclude=("sqi*",))
    )
    assert table.n_samples == 1879
    names = [variable.name for variable in table.variables]
    assert set(report.left_out["outcome"]) == {
        *("COL//inhospital_mortality", "COL//lengthadm", "COL//lactate2_mmolpl_adm")
    }
    assert len(report.left_out["intervention"]) == 22
    assert report.left_out["none of the other options of its group"] == ("COL//comorbidity_adm___11",)
    assert not any("admitabx" in name or "sqi" in name for name in names)
    assert report.passed_over == report.outside == {}
    kinds = [variable.kind for variable in table.variables]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"numeric": 20, "categorical": 49, "flag": 39}
    checked = 0
    for variable, values in zip(table.variables, table.values.T, strict=True):
        if not variable.name.startswith("COL//"):
            continue
        cells = raw[variable.name.removeprefix("COL//")]
        assert np.array_equal(np.isnan(values), cells.is_null().to_numpy())
        if variable.kind == "numeric":
            np.testing.assert_allclose(values, cells.cast(pl.Float64).to_numpy(), rtol=1e-6)
        else:
            levels = variable.levels or ("Unchecked", "Checked")
            said = [None if np.isnan(v) else levels[int(v)] for v in values]
            assert said == cells.cast(pl.String).str.strip_chars().to_list()
        checked += 1
    assert checked == 106
    ages = table.values[:, names.index("MEDS_BIRTH")]
    np.testing.assert_allclose(ages, raw["agecalc_adm"].cast(pl.Float64).to_numpy() / 12, atol=0.01)
    sex = table.values[:, names.index("GENDER")]
    assert [("F", "M")[int(v)] for v in sex] == [word[0] for word in raw["sex_adm"]]


@pytest.mark.real
def test_with_interventions_after_they_were_given(sepsis):
    dataset, raw = sepsis
    keys = samples_of([(s, datetime(2000, 1, 1, 12)) for s in raw["studyid_adm"]])
    table, report = typed_table(dataset, keys, settings=TypedSettings(interventions=True))
    given = [variable for variable in table.variables if variable.role == "intervention"]
    assert given
    assert all(variable.kind == "flag" and variable.name.startswith("COL//admitabx") for variable in given)
    assert "COL//lengthadm" in report.left_out["outcome"]
