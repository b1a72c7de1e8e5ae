"""Deriving columns, leaving rows out, words for codes, months and ages: against plain Python."""

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.base.errors import InputError
from osler.record.check import check_dataset
from osler.record.dataset import open_dataset
from osler.record.sources.table import ATTRITION, ingest_table
from osler.record.sources.table_spec import TableSpec
from osler.record.sources.table_words import words_of

START = dt.datetime(2000, 1, 1)
COUNTS = ["step", "reason", "n_rows", "n_subjects"]


def _spec(**values: Any) -> TableSpec:
    return TableSpec.parse({"subject": "id", **values}, where="spec.yaml")


def _csv(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _events(folder: Path) -> pl.DataFrame:
    dataset = open_dataset(folder)
    check_dataset(dataset)
    return pl.concat([dataset.read(shard) for shard in dataset.shards])


def _cells(folder: Path) -> dict[tuple[int, str], Any]:
    """(subject, column) -> number or word."""
    value = pl.coalesce(pl.col("text_value"), pl.col("numeric_value").cast(pl.String))
    rows = _events(folder).select("subject_id", pl.col("code").str.strip_prefix("COL//"), value)
    return {(subject, column): value for subject, column, value in rows.iter_rows()}


def _levels(folder: Path, column: str) -> list[str] | None:
    found = open_dataset(folder).codes.filter(code=f"COL//{column}")["levels"].item()
    return None if found is None else list(found)


cell = st.sampled_from(["", "NA", "1", "2", "2.0", "x"])


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(1, 5), cell, cell, cell), min_size=1, max_size=14),
    shard_subjects=st.integers(1, 3),
)
def test_derived_columns_excluded_rows_and_words_equal_plain_python(tmp_path_factory, rows, shard_subjects):
    """Visits of subjects scattered over the table, in small shards."""
    folder = tmp_path_factory.mktemp("table")
    source = folder / "t.csv"
    with source.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "visit", "a", "b", "c"])
        writer.writerows((subject, place, a, b, c) for place, (subject, a, b, c) in enumerate(rows))
    spec = _spec(
        visit="visit",
        derive={"pair": "a || '-' || b", "c": "CASE WHEN a = 'x' THEN 'of a' ELSE c END"},
        leave_out=[
            {"where": "b = 'x'", "reason": "b is x"},
            {"where": "pair = '1-1' OR a IS NULL", "reason": "1-1, or no a"},
        ],
        recode={"a": {"2": "two"}, "[bc]": {"1": "one"}},
        types={"a": "categorical", "b": "categorical"},
        shard_subjects=shard_subjects,
    )
    expected, out, left = [], [0, 0], 0
    for place, (subject, *cells) in enumerate(rows):
        a, b, c = (None if value in ("", "NA") else value for value in cells)
        pair = f"{a}-{b}" if a and b else None
        c = "of a" if a == "x" else c
        if b == "x":
            out[0] += 1
        elif pair == "1-1" or a is None:
            out[1] += 1
        else:
            left += 1
            a, b, c = (
                "two" if a in ("2", "2.0") else a,
                "one" if b == "1" else b,
                "one" if c == "1" else c,
            )
            found = {"a": a, "b": b, "c": c, "pair": pair}
            expected += [(subject, place, n, value) for n, value in found.items() if value is not None]
    if not left:
        with pytest.raises(InputError, match="no row of the table is left") as caught:
            ingest_table(source, spec, folder / "out")
        assert f"{out[0]} (b is x)" in str(caught.value)
        return
    ingest_table(source, spec, folder / "out")
    events = _events(folder / "out")
    names = pl.col("code").str.strip_prefix("COL//")
    assert sorted(events.select("subject_id", "visit_id", names, "text_value").iter_rows()) == sorted(
        expected
    )
    attrition = pl.read_parquet(folder / "out" / ATTRITION)
    assert attrition.filter(step="left out").select("reason", "n_rows").rows() == [
        ("b is x", out[0]),
        ("1-1, or no a", out[1]),
    ]
    assert attrition.filter(step="read")["n_rows"].item() == len(rows) == left + sum(out)
    assert attrition.filter(step="kept").select("n_rows", "n_events").row(0) == (left, len(expected))


def test_the_attrition_table_accounts_for_every_row(tmp_path):
    source = _csv(
        tmp_path, "id,when,x,why\n1,2020-01-01,5,\n2,2020-01-02,,\n3,,6,\n4,2020-01-04,7,no\n,2020-01-05,8,\n"
    )
    spec = _spec(
        time="when", drop={"why": "a remark"}, leave_out=[{"where": "why = 'no'", "reason": "refused"}]
    )
    summary = ingest_table(source, spec, tmp_path / "out")
    attrition = pl.read_parquet(tmp_path / "out" / ATTRITION)
    assert attrition.schema == {
        "table": pl.String,
        "step": pl.String,
        "reason": pl.String,
        "n_rows": pl.Int64,
        "n_events": pl.Int64,
        "n_subjects": pl.Int64,
    }
    assert attrition["table"].unique().to_list() == ["t.csv"]
    assert attrition.select(COUNTS).rows() == [
        ("read", "rows of the table", 5, 4),
        ("left out", "refused", 1, 1),
        ("left out", "no subject in column id", 1, 0),
        ("left out", "no value in any column", 1, 1),
        ("left out", "no date in column when", 1, 1),
        ("kept", "rows that made events", 1, 1),
    ]
    assert attrition["n_events"].to_list() == [None] * 5 + [1]
    assert summary["attrition"] == attrition.to_dicts()
    assert (summary["n_read"], summary["n_rows"]) == (5, 1)


def test_a_mended_spec_may_go_to_the_same_folder(tmp_path):
    source = _csv(tmp_path, "id,x\n1,5\n2,y\n")
    with pytest.raises(InputError, match="data rows 2"):
        ingest_table(source, _spec(types={"x": "numeric"}), tmp_path / "out")
    ingest_table(source, _spec(types={"x": "numeric"}, missing="y"), tmp_path / "out")
    assert _cells(tmp_path / "out") == {(1, "x"): "5.0"}


def test_a_condition_that_never_holds_is_seen(tmp_path):
    source = _csv(tmp_path, "id,x\n1,5\n2,6\n")
    rules = [{"where": "x = '7'", "reason": "seven"}, {"where": "NULL", "reason": "nothing"}]
    with pytest.raises(InputError, match="no condition"):
        ingest_table(source, _spec(leave_out=rules), tmp_path / "wrong")
    rules[1]["where"] = "x = NULL"
    summary = ingest_table(source, _spec(leave_out=rules), tmp_path / "out")
    assert [(one["reason"], one["n_rows"]) for one in summary["attrition"] if one["step"] == "left out"] == [
        ("seven", 0),
        ("nothing", 0),
    ]


def test_rows_of_a_subject_that_lie_apart_come_together_with_derived_columns(tmp_path):
    """Names that differ by case only, and one with a dot, keep their places."""
    source = _csv(tmp_path, "id,v,A,a,num.co\n1,1,p,q,5\n2,1,r,s,6\n1,2,t,u,7\n")
    spec = _spec(visit="v", derive={"double": '2 * CAST("num.co" AS INTEGER)'}, shard_subjects=1)
    ingest_table(source, spec, tmp_path / "out")
    rows = _events(tmp_path / "out").select("subject_id", "visit_id", "code", "text_value", "numeric_value")
    assert sorted(row for row in rows.iter_rows() if row[0] == 1) == [
        (1, 1, "COL//A", "p", None),
        (1, 1, "COL//a", "q", None),
        (1, 1, "COL//double", None, 10.0),
        (1, 1, "COL//num.co", None, 5.0),
        (1, 2, "COL//A", "t", None),
        (1, 2, "COL//a", "u", None),
        (1, 2, "COL//double", None, 14.0),
        (1, 2, "COL//num.co", None, 7.0),
    ]


def test_derived_columns_may_be_keys_groups_and_the_age(tmp_path):
    source = _csv(tmp_path, "n,born,seen,ward\n7,1950,1990,a\n8,1960,1990,b\n")
    spec = TableSpec.parse(
        {
            "subject": "patient",
            "site": "place",
            "derive": {
                "patient": "'P' || n",
                "place": "upper(ward)",
                "years": "CAST(seen AS INTEGER) - CAST(born AS INTEGER)",
                "blank": "'  '",
            },
            "age": {"column": "years", "unit": "years"},
            "drop": {"[nbsw]*": "told otherwise"},
        },
        where="spec.yaml",
    )
    ingest_table(source, spec, tmp_path / "out")
    dataset = open_dataset(tmp_path / "out")
    assert dataset.subjects is not None
    assert sorted(dataset.subjects["source_id"]) == ["P7", "P8"]
    events = _events(tmp_path / "out")
    assert set(events["code"]) == {"MEDS_BIRTH"}
    born = dict(events.join(dataset.subjects, on="subject_id").select("source_id", "time").iter_rows())
    assert born == {"P7": dt.datetime(1960, 1, 1), "P8": dt.datetime(1970, 1, 1)}


@pytest.mark.parametrize(
    ("spec", "says", "where", "count"),
    [
        ({"derive": {"z": "y + 1"}}, "no column 'y'", "spec, derive.z", None),
        ({"derive": {"z": "current_date"}}, "no column 'current_date'", "derive.z", None),
        ({"derive": {"z": "x +"}}, "not an SQL expression", "derive.z", None),
        ({"derive": {"z": "(SELECT 1)"}}, "a sub-query", "derive.z", None),
        ({"derive": {"z": "sum(x) OVER ()"}}, "a window function", "derive.z", None),
        ({"derive": {"z": "random()"}}, "the function random", "derive.z", None),
        ({"derive": {"z": "sum(CAST(x AS DOUBLE))"}}, "not an expression of one row", "derive.z", None),
        ({"derive": {"z": "x + 1 ORDER BY 1"}}, "more than one SQL expression", "derive.z", None),
        ({"derive": {"z": "CAST(b AS INTEGER) + 1 -- fine"}}, "fails on cells .data rows 3", "derive.z", 1),
        ({"derive": {"z": "num.co"}}, "not an expression of one row", "derive.z", None),
        ({"derive": {"X": "id"}}, "does not tell 'X' and x apart", "spec", 1),
        ({"leave_out": [{"where": "x", "reason": "r"}]}, "no condition", "leave_out.0.where", None),
        (
            {"leave_out": [{"where": "CAST(w AS INT) > 1", "reason": "r"}]},
            "data rows 1, 2, 3",
            "leave_out.0",
            3,
        ),
        ({"leave_out": [{"where": "z = '1'", "reason": "r"}]}, "no column 'z'", "leave_out.0", None),
        ({"recode": {"q": {"a": "b"}}}, "recode: 'q' matches no column", "spec", None),
        ({"recode": {"x": {"1": "one"}}, "types": {"x": "numeric"}}, "declared numeric", "spec", 1),
        ({"recode": {"x": {"1": "one"}}, "units": {"x": "mm"}}, "declared numeric", "spec", 1),
        ({"recode": {"x": {"1": "one"}}, "levels": {"x": ["one"]}}, "outside its levels", "column x", 2),
        ({"missing": {"q": "1"}}, "missing: 'q' matches no column", "spec", None),
        ({"lookup": {"x": {"path": "no.csv", "key": "a", "label": "b"}}}, "second table 'no.csv'", "", None),
        ({"lookup": {"x": {"path": "l.csv", "key": "a", "label": "c"}}}, "no column 'c'", "l.csv", None),
        ({"lookup": {"x": {"path": "l.csv", "key": "c", "label": "b"}}}, "no column 'c'", "l.csv", None),
        (
            {"lookup": {"x": {"path": "l.csv", "key": "a + 'q'", "label": "b"}}},
            "not an expression",
            "l.csv",
            None,
        ),
    ],
)
def test_wrong_words_say_what_where_and_how_to_mend_it(tmp_path, spec, says, where, count):
    _csv(tmp_path, "a,b\n1,One\n", "l.csv")
    source = _csv(tmp_path, "id,x,b,w,num.co\n1,1,1,secret,5\n2,2,2,secret,6\n3,3,secret,secret,7\n")
    with pytest.raises(InputError, match=says) as caught:
        ingest_table(source, _spec(**spec), tmp_path / "out")
    assert caught.value.remedy
    assert caught.value.count == count
    assert where in str(caught.value.where)
    assert "secret" not in str(caught.value)


def test_names_that_sql_cannot_tell_apart_are_refused_where_they_are_used(tmp_path):
    source = _csv(tmp_path, "id,A,a\n1,p,q\n")
    for wrong in ({"derive": {"z": "a || 'x'"}}, {"derive": {"a": "'x'"}}):
        with pytest.raises(InputError, match="apart"):
            ingest_table(source, _spec(**wrong), tmp_path / "out")


def test_words_for_codes_in_the_order_of_the_spec(tmp_path):
    source = _csv(tmp_path, "id,c,f,n,free\n1,b,1.0,2,u\n2,a,0,1,v\n3,z,,3,w\n")
    spec = _spec(
        recode={
            "*": {"nothing": "nothing"},
            "c": {"a": "alpha", "b": "beta"},
            "f": {0: False, 1: True},
            "n": {},
        },
        types={"n": "numeric"},
    )
    with pytest.raises(InputError, match="declared numeric"):
        ingest_table(source, spec, tmp_path / "wrong")
    spec = _spec(recode={"c": {"b": "beta", "a": "alpha"}, "f": {0: False, 1: True}}, types={"c": "ordinal"})
    summary = ingest_table(source, spec, tmp_path / "out")
    cells = _cells(tmp_path / "out")
    assert [cells[subject, "c"] for subject in (1, 2, 3)] == ["beta", "alpha", "z"]
    assert (cells[1, "f"], cells[2, "f"]) == ("yes", "no")
    assert _levels(tmp_path / "out", "c") == ["beta", "alpha", "z"]
    assert _levels(tmp_path / "out", "f") == ["no", "yes"]
    kinds = open_dataset(tmp_path / "out").codes.filter(pl.col("code").str.starts_with("COL//"))
    assert dict(kinds.select("code", "kind").iter_rows()) == {
        "COL//c": "ordinal",
        "COL//f": "categorical",
        "COL//n": "numeric",
        "COL//free": "categorical",
    }
    unnamed = [f["columns"] for f in summary["findings"] if "`recode` does not name" in f["what"]]
    assert unnamed == [["c"]]


def test_yaml_takes_yes_and_no_for_true_and_false(tmp_path):
    import yaml

    source = _csv(tmp_path, "id,a,b,c,d\n1,Yes,No,NO,x\n2,No,no,yes,\n")
    block = """
      subject: id
      missing: {b: No, "*": x}
      recode: {a: {Yes: No, No: Yes}, c: {yes: one, no: none}}
      levels: {c: [none, one]}
    """
    ingest_table(source, TableSpec.parse(yaml.safe_load(block), where="spec"), tmp_path / "out")
    cells = _cells(tmp_path / "out")
    assert cells == {(1, "a"): "no", (2, "a"): "yes", (1, "c"): "none", (2, "c"): "one"}


def test_values_of_one_column_that_become_no_event_are_counted(tmp_path):
    source = _csv(tmp_path, "id,a,b,c\n1,No,No,-1\n2,Up,No,5\n3,U,yes,-1.0\n")
    spec = _spec(missing={"a": ["No", "U"]}, sentinels={"c": [-1]}, derive={"d": "coalesce(a, 'none')"})
    summary = ingest_table(source, spec, tmp_path / "out")
    assert summary["missing"] == {"a": 2}
    assert summary["sentinels"] == {"c": 2}
    cells = _cells(tmp_path / "out")
    assert {key: value for key, value in cells.items() if key[1] in "ac"} == {(2, "a"): "Up", (2, "c"): "5.0"}
    assert cells[1, "b"] == "No"
    assert [cells[subject, "d"] for subject in (1, 2, 3)] == ["none", "Up", "none"]  # sees what is missing


def test_a_second_table_says_what_values_mean(tmp_path):
    _csv(
        tmp_path,
        "code,title\n010,Tuberculosis\n0101,Tuberculosis\n020,Plague\n0201,Bubonic plague\n,x\n5,\n",
        "codes.csv",
    )
    source = _csv(tmp_path, "id,d,e\n1,010,0201\n2,020,010\n3,0101,99\n4,5,5\n")
    look = {"path": "codes.csv", "key": ["code", "left(code, 3)"], "label": "title"}
    spec = _spec(lookup={"d": look, "e": look}, recode={"e": {"99": "unknown"}})
    summary = ingest_table(source, spec, tmp_path / "out")
    cells = _cells(tmp_path / "out")
    # 020 is Plague by itself and Bubonic plague by the first digits of 0201: no single label.
    assert [cells[s, "d"] for s in (1, 2, 3, 4)] == ["Tuberculosis", "020", "Tuberculosis", "5"]
    assert [cells[s, "e"] for s in (1, 2, 3, 4)] == ["Bubonic plague", "Tuberculosis", "unknown", "5"]
    assert not [f for f in summary["findings"] if "recode" in f["what"]]
    # Another content of the second table is another dataset; one that may be absent leaves the values.
    before = (tmp_path / "out" / "manifest.json").read_bytes()
    (tmp_path / "codes.csv").unlink()
    spec = _spec(lookup={"d": {**look, "optional": True}})
    ingest_table(source, spec, tmp_path / "absent")
    assert _cells(tmp_path / "absent")[1, "d"] == "010"
    _csv(tmp_path, "code,title\n010,TB\n", "codes.csv")
    ingest_table(source, spec, tmp_path / "present")
    assert _cells(tmp_path / "present")[1, "d"] == "TB"
    assert before != (tmp_path / "present" / "manifest.json").read_bytes()


def test_numbers_are_the_same_however_they_are_written():
    assert words_of(["1", "1.0", "01", "nan", "x"], {"1": "one", "nan": "none"}) == {
        "1": "one",
        "1.0": "one",
        "01": "one",
        "nan": "none",
    }


LEAP, LAST = "2020-02-29 23:59", "1999-12-31 23:59"
POLISH = ["sty", "lut", "mar", "kwi", "maj", "cze", "lip", "sie", "wrz", "paz", "lis", "gru"]
GERMAN = [
    "jan",
    ["feb", "februar", "fév"],
    "mär",
    "apr",
    "mai",
    "jun",
    "jul",
    "aug",
    "sep",
    "okt",
    "nov",
    "dez",
]


@pytest.mark.parametrize(
    ("time", "cells", "expected"),
    [
        ({"format": "%Y-%m"}, ["2020-02", "1999-12"], [LEAP, LAST]),
        ({"format": "%Y"}, ["2020", "1999"], ["2020-12-31 23:59", LAST]),
        ({"format": "%d.%m.%Y"}, ["29.02.2020", "31.12.1999"], [LEAP, LAST]),
        ({"format": "%d.%m.%Y %H:%M"}, ["01.02.2020 08:30", "31.12.1999 23:59"], ["2020-02-01 08:30", LAST]),
        ({"format": "%b-%y", "months": GERMAN}, ["fév-20", "DEZ-99"], [LEAP, LAST]),
        ({"format": "%d %B %Y", "months": GERMAN}, ["29 februar 2020", "31 dez 1999"], [LEAP, LAST]),
    ],
)
def test_a_date_is_the_end_of_what_it_names(tmp_path, time, cells, expected):
    months = [
        "jan",
        ["feb", "februar", "fév"],
        "mär",
        "apr",
        "mai",
        "jun",
        "jul",
        "aug",
        "sep",
        "okt",
        "nov",
        "dez",
    ]
    if "months" in time:
        time = {**time, "months": months}
    source = _csv(tmp_path, "id,when,x\n" + "".join(f"{n},{one},5\n" for n, one in enumerate(cells)))
    ingest_table(source, _spec(time={"column": "when", **time}), tmp_path / "out")
    found = _events(tmp_path / "out")["time"].dt.strftime("%Y-%m-%d %H:%M").to_list()
    assert found == expected


def test_wrong_months_are_refused(tmp_path):
    source = _csv(tmp_path, "id,when,x\n1,lis-95,5\n2,xyz-95,5\n")
    time = {"column": "when", "format": "%b-%y", "months": POLISH}
    with pytest.raises(InputError, match=r"cannot be read \(data rows 2\)") as caught:
        ingest_table(source, _spec(time=time), tmp_path / "out")
    assert "months" in str(caught.value.remedy)
    for wrong, says in (
        ({"months": POLISH[:11]}, "11 are named"),
        ({"months": [*POLISH[:11], "STY"]}, "'sty' is named twice"),
        ({"format": "%m-%y"}, "no %b"),
    ):
        with pytest.raises(InputError, match=f"time.*{says}"):
            _spec(time={**time, **wrong})


@settings(max_examples=60, deadline=None)
@given(
    age=st.floats(0, 110, allow_nan=False).map(lambda value: round(value, 3)),
    day=st.dates(dt.date(1990, 1, 1), dt.date(2030, 1, 1)),
    unit=st.sampled_from(["years", "months"]),
)
def test_an_age_of_n_years_is_n_completed_years(tmp_path_factory, age, day, unit):
    """Whatever the day: a birthday that comes a day late would make everyone of 73 a person of 72."""
    folder = tmp_path_factory.mktemp("age")
    source = _csv(folder, f"id,when,age\n1,{day},{age}\n")
    ingest_table(source, _spec(time="when", age={"column": "age", "unit": unit}), folder / "out")
    born = _events(folder / "out").filter(code="MEDS_BIRTH")["time"].item()
    seen = dt.datetime.combine(day, dt.time(23, 59))
    months = (seen.year - born.year) * 12 + seen.month - born.month
    last = (seen + dt.timedelta(minutes=1)).day == 1  # the last day of a month completes it
    months -= 0 if last or (seen.day, seen.time()) >= (born.day, born.time()) else 1
    assert (months // 12 if unit == "years" else months) == int(age)


def test_impossible_ages_are_refused(tmp_path):
    source = _csv(tmp_path, "id,age\n1,50\n2,999\n3,inf\n")
    with pytest.raises(InputError, match=r"0 to 150 years \(data rows 2, 3\)"):
        ingest_table(source, _spec(age={"column": "age", "unit": "years"}), tmp_path / "out")


def test_codes_in_the_order_of_the_table(tmp_path):
    _csv(tmp_path, "v,l\na,A\nb,B\n", "d.csv")
    source = _csv(tmp_path, "id,b,a\n1,1,2\n")
    for order, expected in (("dictionary", ["COL//a", "COL//b"]), ("table", ["COL//b", "COL//a"])):
        spec = _spec(dictionary={"path": "d.csv", "variable": "v", "label": "l", "order": order})
        ingest_table(source, spec, tmp_path / order)
        assert open_dataset(tmp_path / order).codes["code"].to_list() == expected


def test_described_columns_and_columns_with_gaps_are_no_findings(tmp_path):
    _csv(tmp_path, "v,l\na,A\n", "d.csv")
    source = _csv(tmp_path, "id,a,b,c\n1,1,yes,\n2,2,yes,\n3,3,yes,on\n")
    spec = _spec(dictionary={"path": "d.csv", "variable": "v", "label": "l"}, labels={"b": "B"})
    found = {f["what"]: f["columns"] for f in ingest_table(source, spec, tmp_path / "out")["findings"]}
    assert found == {"columns that the dictionary lacks": ["c"], "columns with one value only": ["b"]}


def test_a_wide_table_has_smaller_shards(tmp_path):
    names = [f"x{number}" for number in range(400)]
    rows = [",".join([str(row), *["1"] * 400]) for row in range(1300)]
    source = _csv(tmp_path, ",".join(["id", *names]) + "\n" + "\n".join(rows) + "\n")
    ingest_table(source, _spec(), tmp_path / "out")
    sizes = [
        pl.read_parquet(shard.path)["subject_id"].n_unique()
        for shard in open_dataset(tmp_path / "out").shards
    ]
    assert sizes == [1250, 50]


def test_subjects_with_many_visits_have_shards_of_their_own(tmp_path):
    rows = [f"{subject},{visit},1" for visit in range(3000) for subject in (1, 2, 3)]
    source = _csv(tmp_path, "id,v,x\n" + "\n".join(rows) + "\n")
    ingest_table(source, _spec(visit="v"), tmp_path / "out")
    found = [
        pl.read_parquet(shard.path)["subject_id"].value_counts()
        for shard in open_dataset(tmp_path / "out").shards
    ]
    assert [sorted(counts.iter_rows()) for counts in found] == [[(1, 3000), (2, 3000)], [(3, 3000)]]
