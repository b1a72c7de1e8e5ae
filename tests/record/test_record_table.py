"""A table becomes MEDS events: against plain Python, and every way in which the input can be wrong."""

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.base.errors import InputError
from osler.record.check import check_dataset
from osler.record.dataset import open_dataset
from osler.record.sources import ingest
from osler.record.sources.table import ATTRITION, ingest_table
from osler.record.sources.table_spec import TableSpec, read_table_spec

START = dt.datetime(2000, 1, 1)
HALF_DAY = dt.timedelta(hours=12)


def _spec(**values: Any) -> TableSpec:
    return TableSpec.parse({"subject": "id", **values}, where="spec")


def _csv(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def _events(folder: Path) -> pl.DataFrame:
    dataset = open_dataset(folder)
    check_dataset(dataset)
    return pl.concat([dataset.read(shard) for shard in dataset.shards])


def _values(folder: Path) -> dict[tuple[int, str], Any]:
    """(subject, code) -> number or text."""
    rows = _events(folder).select(
        "subject_id", "code", pl.coalesce(pl.col("text_value"), "numeric_value").alias("v")
    )
    return {(subject, code.removeprefix("COL//")): value for subject, code, value in rows.iter_rows()}


SIMPLE = """id,age_m,sex,temp,ward,died,days,box___1,box___2
1,18,Male,37.5,A,0,3,Checked,Unchecked
2,NA,Female,,B,1,-85,Unchecked,NA
3,30.5,Male, 38 ,A,0,5,Checked,Checked
"""
SIMPLE_SPEC: dict[str, Any] = {
    "age": {"column": "age_m", "unit": "months"},
    "sex": {"column": "sex", "values": {"Male": "M", "Female": "F"}},
    "outcome": ["died"],
    "after": "days",
    "sentinels": {"days": [-85]},
    "groups": {"sex": {"prefix": "GENDER//", "values": {"M": "male"}}, "ward": {"column": "ward"}},
}


def test_a_small_table_by_hand(tmp_path):
    source = _csv(tmp_path, SIMPLE)
    out = tmp_path / "out"
    summary = ingest_table(source, _spec(**SIMPLE_SPEC), out)
    events = _events(out)
    times = {
        (subject, code): time
        for subject, code, time in events.select("subject_id", "code", "time").iter_rows()
    }
    assert times[1, "MEDS_BIRTH"] == dt.datetime(1998, 7, 1)  # 18 months before
    assert times[3, "MEDS_BIRTH"] == dt.datetime(1997, 7, 1) - dt.timedelta(days=14)  # 30 and a half
    assert (2, "MEDS_BIRTH") not in times
    assert times[2, "GENDER//F"] is None
    assert (2, "COL//sex") not in times  # GENDER// says it
    assert times[2, "COL//died"] == START + HALF_DAY
    assert times[1, "COL//days"] == START + HALF_DAY
    assert (2, "COL//days") not in times  # the sentinel
    values = _values(out)
    assert values[3, "temp"] == "38.0"
    assert (2, "temp") not in values
    assert (2, "box___2") not in values
    assert values[1, "box___2"] == "Unchecked"
    assert values[1, "died"] == "0.0"
    assert events.filter(pl.col("code") == "COL//temp")["ward"].to_list() == ["A", "A"]
    codes = open_dataset(out).codes
    assert codes.filter(code="COL//box___1")["parent_codes"].item().to_list() == ["COL//box"]
    assert codes.filter(code="COL//box___1")["kind"].item() == "flag"
    assert codes["code"].to_list().index("COL//box") == codes["code"].to_list().index("COL//box___1") - 1
    assert codes.filter(code="COL//died")["role"].item() == "outcome"
    assert codes.filter(code="COL//ward")["levels"].item().to_list() == ["A", "B"]
    dataset = open_dataset(out)
    assert dataset.undated
    assert dataset.settings["groups"]["sex"] == {"prefix": "GENDER//", "values": {"M": "male"}}
    assert dataset.splits is not None
    assert dataset.splits["subject_id"].to_list() == [1, 2, 3]
    assert summary["n_events"] == events.height
    assert summary["sentinels"] == {"days": 1}
    assert not (out / "metadata" / "key").exists()  # no id had to be hashed
    # The same again does nothing and says the same.
    before = (out / "manifest.json").read_bytes()
    assert ingest_table(source, _spec(**SIMPLE_SPEC), out) == summary
    assert (out / "manifest.json").read_bytes() == before


def test_it_passes_the_foreign_validator(tmp_path):
    from meds import CodeMetadataSchema, DataSchema, SubjectSplitSchema

    ingest_table(_csv(tmp_path, SIMPLE), _spec(**SIMPLE_SPEC), tmp_path / "out")
    for shard in open_dataset(tmp_path / "out").shards:
        DataSchema.validate(pq.read_table(shard.path))
    CodeMetadataSchema.validate(pq.read_table(tmp_path / "out/metadata/codes.parquet"))
    SubjectSplitSchema.validate(pq.read_table(tmp_path / "out/metadata/subject_splits.parquet"))


cell = st.sampled_from(["", "NA", "1", "2.5", "-3"])
word = st.sampled_from(["", "NA", "x", "y z", "é"])


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 6), cell, word, cell, word), min_size=1, max_size=14),
    shard_subjects=st.integers(1, 3),
)
def test_events_are_the_cells_with_a_value(tmp_path_factory, rows, shard_subjects):
    """Several visits per subject, scattered over the table, in small shards."""
    folder = tmp_path_factory.mktemp("table")
    source = folder / "t.csv"
    with source.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["visit", "id", "num", "word", "late", "site"])
        writer.writerows((100 - number, *row) for number, row in enumerate(rows))
    expected = []
    # Visits rank by their number; rows without any value are left out and do not count.
    kept = [(100 - n, *row) for n, row in enumerate(rows) if any(v not in ("", "NA") for v in row[1:4])]
    for visit, subject, num, text, late, site in kept:
        rank = sum(other[1] == subject and other[0] < visit for other in kept)
        t0 = START + dt.timedelta(days=rank)
        place = None if site in ("", "NA") else site
        for name, value, time in (("num", num, t0), ("late", late, t0 + HALF_DAY)):
            if value not in ("", "NA"):
                expected.append((subject, time, f"COL//{name}", float(value), None, visit, place))
        if text not in ("", "NA"):
            expected.append((subject, t0, "COL//word", None, text, visit, place))
    spec = _spec(
        visit="visit",
        site="site",
        after=["late"],
        types={"num": "numeric", "late": "numeric", "word": "categorical"},
        shard_subjects=shard_subjects,
    )
    if not kept:
        with pytest.raises(InputError, match="no row"):
            ingest_table(source, spec, folder / "out")
        return
    summary = ingest_table(source, spec, folder / "out")
    events = _events(folder / "out")
    wanted = ("subject_id", "time", "code", "numeric_value", "text_value", "visit_id", "site")
    assert sorted(map(repr, events.select(wanted).iter_rows())) == sorted(map(repr, expected))
    assert events["unit"].null_count() == events.height
    dataset = open_dataset(folder / "out")
    assert dataset.site_columns == ("site",)
    assert len(dataset.shards) == -(-summary["n_subjects"] // shard_subjects)
    left_out = [step for step in summary["attrition"] if step["step"] == "left out"]
    assert sum(step["n_rows"] for step in left_out) == len(rows) - len(kept)


def test_a_parquet_source_gives_the_same_events(tmp_path):
    source = _csv(tmp_path, SIMPLE)
    parquet = tmp_path / "t.parquet"
    frame = pl.read_csv(source, null_values=["NA"])
    frame.with_columns(pl.col("temp").str.strip_chars().cast(pl.Float64)).write_parquet(parquet)
    ingest_table(source, _spec(**SIMPLE_SPEC), tmp_path / "a")
    ingest_table(parquet, _spec(**SIMPLE_SPEC), tmp_path / "b")
    assert _events(tmp_path / "a").equals(_events(tmp_path / "b"))


def test_tsv_bom_gzip_and_quotes(tmp_path):
    import gzip

    text = '\ufeffid\tnote\n1\t"two\nlines, and ""quotes"""\n2\tplain\n'
    (tmp_path / "t.tsv.gz").write_bytes(gzip.compress(text.encode()))
    ingest_table(tmp_path / "t.tsv.gz", _spec(), tmp_path / "out")
    assert _values(tmp_path / "out") == {(1, "note"): 'two\nlines, and "quotes"', (2, "note"): "plain"}


def test_dates_date_only_rows_and_rows_without_a_date(tmp_path):
    source = _csv(
        tmp_path, "id,when,x\n1,2020-03-01,5\n2,2020-03-01T08:30,6\n3,2020-03-01 08:30:15.5,7\n4,,8\n"
    )
    summary = ingest_table(source, _spec(time="when"), tmp_path / "out")
    events = _events(tmp_path / "out")
    assert events["time"].to_list() == [
        dt.datetime(2020, 3, 1, 23, 59),
        dt.datetime(2020, 3, 1, 8, 30),
        dt.datetime(2020, 3, 1, 8, 30, 15, 500_000),
    ]
    assert not open_dataset(tmp_path / "out").undated
    left_out = [step for step in summary["attrition"] if step["step"] == "left out"]
    assert [(one["reason"], one["n_rows"], one["n_subjects"]) for one in left_out] == [
        ("no date in column when", 1, 1)
    ]
    wrong = _csv(tmp_path, "id,when,x\n1,03/01/2020,5\n2,2020-03-01,6\n", "w.csv")
    with pytest.raises(InputError, match="data rows 1") as caught:
        ingest_table(wrong, _spec(time="when"), tmp_path / "w")
    assert caught.value.count == 1
    good = _csv(tmp_path, "id,when,x\n1,03/01/2020,5\n", "g.csv")
    ingest_table(good, _spec(time={"column": "when", "format": "%m/%d/%Y"}), tmp_path / "g")
    assert _events(tmp_path / "g")["time"].item() == dt.datetime(2020, 3, 1, 23, 59)


def test_a_table_without_ids_numbers_its_rows(tmp_path):
    source = _csv(tmp_path, "x,y\n5,\n,\n6,\n")
    ingest_table(source, TableSpec.parse({}, where="spec"), tmp_path / "out")
    assert set(_values(tmp_path / "out")) == {(1, "x"), (3, "x")}
    with pytest.raises(InputError, match="`visit` needs `subject`"):
        TableSpec.parse({"visit": "v"}, where="spec")


def test_ids_that_are_no_numbers_are_hashed_with_the_key(tmp_path):
    text = "id,person,x\nA1,p,5\nA2,p,6\nB1,q,7\n"
    source = _csv(tmp_path, text)
    (tmp_path / "secret").write_bytes(b"0123")
    spec = _spec(group="person", key="secret")
    ingest_table(source, spec, tmp_path / "a")
    ingest_table(source, spec, tmp_path / "b")
    first, second = open_dataset(tmp_path / "a"), open_dataset(tmp_path / "b")
    assert first.hash == second.hash
    assert first.subjects is not None
    assert first.subjects.sort("source_id")["source_id"].to_list() == ["A1", "A2", "B1"]
    assert first.subjects["group_id"].n_unique() == 2
    assert (first.subjects["subject_id"] >= 0).all()
    assert (tmp_path / "a/metadata/key").read_bytes() == b"0123"
    other = _csv(tmp_path, text.replace("7", "8"), "other.csv")
    ids = {"a": set(first.subjects["subject_id"])}
    for name, table in {"c": source, "d": source, "e": other}.items():
        ingest_table(table, _spec(group="person"), tmp_path / name)
        ids[name] = set(open_dataset(tmp_path / name).subjects["subject_id"])
    assert ids["c"] == ids["d"]  # the same source: the same ids, folds and numbers
    assert not ids["c"] & ids["e"]
    assert not ids["c"] & ids["a"]


DICTIONARY = """Name,Label,Kind
late,Blood lactate (in mmol/L) (optional),Continuous (Lab)
temp,Temperature (Celsius),Continuous (Vital signs)
sx___1,Symptoms (check all)?[Rash (any)],Categorical(History)
sx___2,Symptoms (check all)?[Cough],Categorical(History)
grade,Grade,Ordinal(History)
gone,Not in the table,Categorical(History)
"""


def _dictionary_spec(**more: Any) -> dict[str, Any]:
    return {
        "dictionary": {
            "path": "d.csv",
            "variable": "Name",
            "label": "Label",
            "group": {"column": "Kind", "pattern": r"\(([^()]*)\)"},
            "type": {"column": "Kind", "pattern": r"^(\w+)"},
            "remove": [r"\(optional\)", r"\(check all\)"],
            **more,
        }
    }


def test_the_dictionary_gives_order_labels_units_sections_and_parents(tmp_path):
    _csv(tmp_path, DICTIONARY, "d.csv")
    source = _csv(tmp_path, "id,temp,sx___1,sx___2,late,grade,extra\n1,37,1,0,2.5,low,q\n2,38,0,1,3,high,q\n")
    spec = _spec(**_dictionary_spec(), levels={"grade": ["low", "mid", "high"]})
    summary = ingest_table(source, spec, tmp_path / "out")
    codes = open_dataset(tmp_path / "out").codes.rows_by_key("code", named=True, unique=True)
    assert list(codes) == [
        f"COL//{name}" for name in ("late", "temp", "sx", "sx___1", "sx___2", "grade", "extra")
    ]
    assert codes["COL//late"]["description"] == "Blood lactate"
    assert codes["COL//late"]["unit"] == "mmol/L"
    assert codes["COL//late"]["section"] == "Lab"
    assert codes["COL//temp"]["unit"] == "Celsius"
    assert codes["COL//sx"]["description"] == "Symptoms?"
    assert codes["COL//sx___1"]["description"] == "Rash (any)"
    assert codes["COL//sx___1"]["parent_codes"] == ["COL//sx"]
    assert codes["COL//grade"]["kind"] == "ordinal"
    assert codes["COL//grade"]["levels"] == ["low", "mid", "high"]
    assert codes["COL//extra"]["description"] == "extra"
    assert _values(tmp_path / "out")[1, "sx___1"] == "Checked"
    units = _events(tmp_path / "out").filter(pl.col("code") == "COL//temp")["unit"]
    assert units.to_list() == ["Celsius", "Celsius"]
    found = {finding["what"]: finding["columns"] for finding in summary["findings"]}
    assert found["variables of the dictionary that the table lacks"] == ["gone"]
    assert found["columns that the dictionary lacks"] == ["extra"]
    assert found["columns with one value only"] == ["extra"]


def test_levels_of_the_dictionary_recode_values(tmp_path):
    _csv(tmp_path, 'v,l,c\nsmoke,Smokes,"1, Yes | 2, No"\nsx,Symptoms?,"1, Rash | 2, Cough"\n', "d.csv")
    source = _csv(tmp_path, "id,smoke,sx___1,sx___2\n1,1,1,0\n2,2,0,0\n")
    spec = _spec(
        dictionary={"path": "d.csv", "variable": "v", "label": "l", "levels": "c"},
        types={"smoke": "categorical"},
    )
    summary = ingest_table(source, spec, tmp_path / "out")
    assert _values(tmp_path / "out")[2, "smoke"] == "No"
    codes = open_dataset(tmp_path / "out").codes.rows_by_key("code", named=True, unique=True)
    assert codes["COL//smoke"]["levels"] == ["Yes", "No"]
    assert codes["COL//sx___2"]["description"] == "Cough"
    assert codes["COL//sx"]["description"] == "Symptoms?"
    assert not [f for f in summary["findings"] if "dictionary" in f["what"]]


def test_columns_that_look_like_outcomes_are_reported(tmp_path, capsys):
    header = "id,death_date,los_days,hospital_mortality,weightloss,Discharge,closed,siblings_died,icu_los,"
    header += "hospdead,studied,surv2m"
    source = _csv(tmp_path, header + "\n1,1,2,3,4,5,6,7,8,9,0,1\n2,2,3,4,5,6,7,8,9,0,1,2\n")
    summary = ingest_table(
        source, _spec(baseline=["siblings_died"], outcome=["hospital_mortality"]), tmp_path / "o"
    )
    finding = next(f for f in summary["findings"] if "outcome" in f["what"])
    assert finding["columns"] == ["death_date", "los_days", "Discharge", "icu_los", "hospdead", "surv2m"]
    assert finding["count"] == 6
    assert "outcome" in finding["remedy"]
    captured = capsys.readouterr()
    assert "suggests an outcome: 6" in captured.err
    assert captured.out == ""


def test_columns_that_may_name_a_person_are_reported(tmp_path):
    rows = "".join(f"{i},Name {i},{'AB'[i % 2]},{i / 7}\n" for i in range(30))
    source = _csv(tmp_path, "id,who,ward,lab\n" + rows)
    summary = ingest_table(source, TableSpec.parse({"subject": "id"}, where="spec"), tmp_path / "out")
    found = [finding for finding in summary["findings"] if "names, ids or free text" in finding["what"]]
    assert [finding["columns"] for finding in found] == [["who"]]


def test_columns_collected_later_are_reported(tmp_path):
    _csv(tmp_path, "v,l,when\na,A,Follow-up\nb,B,Admission\nc,C,within 8hrs of admission\n", "d.csv")
    source = _csv(tmp_path, "id,a,b,c\n1,1,2,3\n2,2,3,4\n")
    spec = _spec(dictionary={"path": "d.csv", "variable": "v", "label": "l", "timing": "when"})
    findings = ingest_table(source, spec, tmp_path / "out")["findings"]
    assert [f["columns"] for f in findings] == [["a", "c"]]


@pytest.mark.parametrize(
    ("text", "spec", "says", "count"),
    [
        ("id,x\n1,5\n2,abc\n3,?\n", {"types": {"x": "numeric"}}, "numeric column 'x'.*data rows 2, 3", 2),
        ("id,x\n1,5\n2,inf\n3,NaN\n", {"missing": []}, "NaN, infinite or too large.*data rows 2, 3", 2),
        ("id,x\n1,5\n2,1e60\n", {}, "too large.*data rows 2", 1),
        ("id,x\n1,5\n1,6\n1,7\n2,3\n", {}, "more than one row.*data rows 1, 2, 3", 1),
        ("id,v,x\n1,1,5\n1,1,6\n", {"visit": "v"}, "visits have more than one row", 1),
        ("id,v,x\n1,,5\n1,1,6\n", {"visit": "v"}, "rows without a visit", 1),
        ("id,g,v,x\n1,a,1,5\n1,b,2,6\n", {"visit": "v", "group": "g"}, "more than one person", 1),
        ("id,x\n", {}, "has no rows", None),
        ("", {}, "file is empty", None),
        ("id,x,x\n1,2,3\n", {}, "column 'x' is there twice", 1),
        ("id,x\n1,2,3\n2,3\n4,5,6,7\n", {}, r"more cells than the 2 columns.*lines 2, 4", 2),
        ("id,x\n1,2\n", {"subject": "idd"}, "subject: the table has no column 'idd'", None),
        ("id,x\n1,2\n", {"after": ["y*"]}, r"after: 'y\*' matches no column", None),
        ("id,x\n1,2\n", {"drop": {"z": "why"}}, "drop: 'z' matches no column", None),
        (
            "id,x\n1,2\n",
            {"age": {"column": "a", "unit": "years"}},
            "age.column: the table has no column",
            None,
        ),
        ("id,x,y\n1,2,3\n", {"drop": {"x": "why"}, "outcome": ["x"]}, "declared both", None),
        (
            "id,x\n1,2\n",
            {"outcome": ["x"], "intervention": ["x"]},
            "declared both outcome and intervention",
            1,
        ),
        ("id,x\n1,-2\n2,4\n", {"age": {"column": "x", "unit": "years"}}, "ages.*data rows 1", 1),
        ("id,s\n1,M\n2,X\n", {"sex": {"column": "s", "values": {"M": "M"}}}, "sexes.*data rows 2", 1),
        ("id,g\n1,a\n2,c\n", {"levels": {"g": ["a", "b"]}}, "outside its levels.*data rows 2", 1),
        ("id,b___1\n1,Checked\n2,maybe\n", {}, "outside its levels.*data rows 2", 1),
        ("id,x,code\n1,2,h\n", {"site": "code"}, "name of a MEDS column", 1),
        ("id,x\n1,2\n", {"site": "id2"}, "site: the table has no column 'id2'", None),
        (
            "id,x\n1,2\n",
            {"dictionary": {"path": "no.csv", "variable": "v", "label": "l"}},
            "dictionary 'no.csv'",
            None,
        ),
        ("id,x\n1,2\n7,3\n007,4\n", {}, "same id", 1),
    ],
)
def test_wrong_input_says_what_where_and_how_to_mend_it(tmp_path, text, spec, says, count):
    source = _csv(tmp_path, text)
    with pytest.raises(InputError, match=says) as caught:
        ingest_table(source, _spec(**spec), tmp_path / "out")
    assert caught.value.remedy
    assert caught.value.count == count
    assert caught.value.where or "no.csv" in caught.value.what
    for secret in ("abc", "maybe"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("dictionary", "settings_", "says"),
    [
        ("v,l\nx,X\nx,Y\n", {}, "described twice"),
        ("v,m\nx,X\n", {}, "no column 'l'"),
        ("v,l\nx,X\n", {"group": {"column": "l", "pattern": "("}}, "no regular expression"),
        ("v,l\nx,X\n", {"group": {"column": "l", "pattern": "X"}}, "has no group"),
        ("v,l\nx,X\n", {"group": {"column": "l", "pattern": "(z)"}}, "finds nothing"),
    ],
)
def test_a_wrong_dictionary(tmp_path, dictionary, settings_, says):
    _csv(tmp_path, dictionary, "d.csv")
    source = _csv(tmp_path, "id,x\n1,2\n")
    spec = _spec(dictionary={"path": "d.csv", "variable": "v", "label": "l", **settings_})
    with pytest.raises(InputError, match=says) as caught:
        ingest_table(source, spec, tmp_path / "out")
    assert "d.csv" in str(caught.value)
    assert caught.value.remedy


def test_not_utf8_names_byte_and_line(tmp_path):
    source = tmp_path / "t.csv"
    source.write_bytes("id,x\n1,caf\xe9\n2,\xe9\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"byte 10 \(line 2\)") as caught:
        ingest_table(source, _spec(), tmp_path / "out")
    assert caught.value.count == 2
    assert "iconv" in str(caught.value.remedy)


def test_the_spec_refuses_unknown_keys_and_formats(tmp_path):
    _csv(tmp_path, "subject: id\nsubjct: x\nage: {column: a, unit: weeks}\n", "s.yaml")
    with pytest.raises(InputError, match=r"subjct: unknown key") as caught:
        read_table_spec(tmp_path / "s.yaml")
    assert "age.unit" in str(caught.value)
    with pytest.raises(InputError, match="unknown format 'sas'"):
        ingest("sas", tmp_path, None, tmp_path / "out")
    with pytest.raises(InputError, match="needs a spec"):
        ingest("table", tmp_path / "t.csv", None, tmp_path / "out")
    with pytest.raises(InputError, match="no such file"):
        ingest("table", tmp_path / "t.csv", tmp_path / "s2.yaml", tmp_path / "out")


def test_a_killed_run_ends_with_the_same_bytes(tmp_path, monkeypatch):
    source = _csv(tmp_path, SIMPLE)
    spec = _spec(**SIMPLE_SPEC, shard_subjects=1)
    ingest_table(source, spec, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(
            "osler.record.sources.table.write_metadata",
            lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt),
        )
        with pytest.raises(KeyboardInterrupt):
            ingest_table(source, spec, tmp_path / "killed")
    ingest_table(source, spec, tmp_path / "killed")
    names = {p.relative_to(tmp_path / "whole") for p in (tmp_path / "whole").rglob("*") if p.is_file()}
    assert names == {
        p.relative_to(tmp_path / "killed") for p in (tmp_path / "killed").rglob("*") if p.is_file()
    }
    for name in names - {Path("metadata/dataset.json")}:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes()


@pytest.mark.real
def test_the_sepsis_table(tmp_path, real_data):
    folder = real_data / "pediatric_sepsis_uganda"
    spec = Path(__file__).parents[2] / "examples" / "specs" / "sepsis.yaml"
    summary = ingest_table(folder / "pediatric_sepsis_dev.csv", spec, tmp_path / "out")
    with (folder / "pediatric_sepsis_dev.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (folder / "data_dictionary.csv").open(newline="", encoding="utf-8") as file:
        described = {row["Variable Name"]: row for row in csv.DictReader(file)}
    events = _events(tmp_path / "out")
    assert summary["n_subjects"] == len(rows) == 1879
    columns = [name for name in rows[0] if name != "studyid_adm"]
    filled = {name: sum(row[name] not in ("", "NA") for row in rows) for name in columns}
    filled["lengthadm"] -= sum(row["lengthadm"] == "-85" for row in rows)
    for told_otherwise in ("agecalc_adm", "sex_adm"):
        columns.remove(told_otherwise)
        assert filled.pop(told_otherwise) == 1879
    counts = dict(events["code"].value_counts().iter_rows())
    assert {name: counts.get(f"COL//{name}", 0) for name in columns} == filled
    assert counts["MEDS_BIRTH"] == 1879
    assert counts["GENDER//F"] + counts["GENDER//M"] == 1879
    assert summary["n_events"] == events.height == sum(filled.values()) + 2 * 1879
    attrition = pl.read_parquet(tmp_path / "out" / ATTRITION)
    assert attrition.select("step", "n_rows", "n_events", "n_subjects").rows() == [
        ("read", 1879, None, 1879),
        ("kept", 1879, events.height, 1879),
    ]
    deaths = events.filter((pl.col("code") == "COL//inhospital_mortality") & (pl.col("text_value") == "1"))
    assert deaths.height == 83
    assert set(deaths["time"]) == {START + HALF_DAY}
    # What is at t0 is what the README of the data calls legitimate.
    at_t0 = set(events.filter(pl.col("time") == START)["code"].str.strip_prefix("COL//").unique())
    allowed = {n for n in columns if "_adm" in n and not n.startswith(("admitabx", "lactate2"))}
    assert at_t0 == allowed
    assert not events["code"].str.contains("studyid").any()
    codes = open_dataset(tmp_path / "out").codes.rows_by_key("code", named=True, unique=True)
    groups = {"Patient details", "Clinical", "Social", "Laboratory", "Recording data"}
    for name in columns:
        entry = codes[f"COL//{name}"]
        assert entry["section"] in groups
        assert entry["section"] in described[name]["Variable Type"]
        if "___" in name:
            stem = name.rpartition("___")[0]
            assert entry["parent_codes"] == [f"COL//{stem}"]
            label = described[name]["Field Label"]
            assert entry["description"] == label.rpartition("[")[2].rstrip("]").strip()
            assert label.startswith(codes[f"COL//{stem}"]["description"].split("?")[0].split(".")[0])
    assert codes["COL//lactate_mmolpl_adm"]["description"] == "Lactate level"
    assert codes["COL//lactate_mmolpl_adm"]["unit"] == "mmol/L"
    order = [code.removeprefix("COL//") for code in codes if code.removeprefix("COL//") in described]
    assert order == [name for name in described if name in set(columns)]
    assert [f["what"] for f in summary["findings"]] == ["columns with one value only"]


def test_a_unit_makes_a_column_numeric_and_numbers_with_strangers_are_reported(tmp_path, capsys):
    rows = [f"{row},{row / 10},{row / 10}" for row in range(1, 41)]
    rows[3] = "4,0.4,high"
    source = _csv(tmp_path, "id,a,b\n" + "\n".join(rows))
    ingest_table(source, _spec(), tmp_path / "reported")
    told = " ".join(capsys.readouterr().err.split())
    assert "columns of numbers in which a few values are none, taken as categories: 1 (b)" in told
    with pytest.raises(InputError, match=r"'b' has values that are no numbers \(data rows 4\)"):
        ingest_table(source, _spec(units={"b": "mg/dL"}), tmp_path / "refused")


def test_a_header_without_a_name_or_with_another_separator(tmp_path):
    with pytest.raises(InputError, match=r"columns without a name \(column 1 of the header\)"):
        ingest_table(_csv(tmp_path, ",id,a\n0,1,2\n1,2,3\n"), _spec(), tmp_path / "nameless")
    with pytest.raises(InputError, match="separated by ';'"):
        ingest_table(_csv(tmp_path, "id;a;b\n1;2;3\n"), _spec(), tmp_path / "separator")
