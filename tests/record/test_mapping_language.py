"""The words of a spec: what is misspelt is refused with its key, what is said is found by --explain."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from mapping_support import events_of, ingest, spec_of, write_table

from osler.base.errors import InputError
from osler.record.dataset import open_dataset
from osler.record.mapping.files import list_source, stem_of
from osler.record.sources.explain import explain_source, told
from osler.record.sources.specs import BUILT_IN, extended, read_spec

ROWS = [{"person": "1", "time": "2020-01-01 08:00:00", "item": "x", "value": "1", "b": "2"}]


def table(**changes: Any) -> dict[str, Any]:
    base = {
        "subject": "person",
        "time": "time",
        "availability": "at once",
        "events": [{"code": "LAB//{item}", "value": "value"}],
    }
    return {"tables": {"values": {**base, **changes}}}


def refused(values: dict[str, Any], tmp_path: Path) -> str:
    write_table(tmp_path / "a", "values", ROWS)
    with pytest.raises(InputError) as caught:
        ingest(tmp_path / "a", spec_of(yaml.safe_dump(values)), tmp_path / "out")
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"subjct": "person"}, "tables.values.subjct: unknown key"),
        ({"availability": None}, "give `availability`"),
        ({"time": []}, "give `time`"),
        ({"subject": []}, "give `subject`"),
        ({"ignore": "why not"}, "makes no events"),
        ({"time": {"origin": "2000-01-01"}}, "exactly one of seconds, minutes, hours, days"),
        (
            {"join": {"s": {"table": "stays", "by": "stay"}}},
            "tables.values.join.s.table: there is no 'stays'",
        ),
        ({"lookup": {"i": {"dictionary": "items", "by": "item"}}}, "there is no 'items'"),
        ({"events": [{"code": "x", "value": "value", "number": "value"}]}, "at most one of number, value"),
        ({"events": [{"code": "x", "kind": "lab"}]}, "kind: 'lab' (allowed: numeric"),
        ({"events": [{"code": "LAB//{item", "value": "value"}]}, "brace without its partner"),
        ({"events": [{"code": "LAB//{itm}"}]}, "table 'values' has no column 'itm'"),
        ({"events": [{"code": "LAB//{s.item}"}]}, "there is no join 's'"),
        ({"time": "value"}, None),
        ({"time": "tme"}, "has no column 'tme'"),
        ({"leave_out": [{"where": "value >", "reason": "x"}]}, "not an SQL expression"),
        ({"leave_out": [{"where": "value ORDER BY 1", "reason": "x"}]}, "more than one SQL expression"),
        ({"leave_out": [{"where": "value IN (SELECT 1)", "reason": "x"}]}, "a sub-query"),
        ({"leave_out": [{"where": "random() > 1", "reason": "x"}]}, "the function random()"),
        ({"derive": {"d": "max(value)"}}, None),
        ({"derive": {"d": "nope + 1"}}, "derive.d reads 'nope'"),
        ({"derive": {"d": "date_trunc(value)"}}, "derive.d is not understood"),
        ({"missing": {"nope": ["1"]}}, "has no column 'nope'"),
        ({"recode": {"nope": {"1": "2"}}}, "has no column 'nope'"),
        ({"midnight": "noon"}, "midnight"),
    ],
)
def test_what_is_misspelt_is_refused_with_its_place(
    changes: dict[str, Any], says: str | None, tmp_path: Path
) -> None:
    told_ = refused(table(**changes), tmp_path)
    assert says is None or says in told_
    assert "values" in told_
    assert not (tmp_path / "out" / "metadata").exists()


def test_an_aggregate_would_lose_rows_and_is_refused(tmp_path: Path) -> None:
    assert "derive.d" in refused(table(derive={"d": "max(value)"}, events=[{"code": "X//{d}"}]), tmp_path)


def test_text_that_an_expression_cannot_convert_is_not_shown(tmp_path: Path) -> None:
    write_table(tmp_path / "a", "values", [{**ROWS[0], "value": "secret"}])
    spec = yaml.safe_dump(table(leave_out=[{"where": "value::INT > 1", "reason": "large"}]))
    with pytest.raises(InputError) as caught:
        ingest(tmp_path / "a", spec_of(spec), tmp_path / "out")
    assert "TRY_CAST" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_derived_column_may_take_the_name_of_a_column(tmp_path: Path) -> None:
    write_table(tmp_path / "a", "values", ROWS)
    spec = """
tables:
  values:
    subject: person
    time: time
    availability: at once
    derive: {value: "value::INT + 10", twice: "value * 2"}
    events: [{code: A, number: value}, {code: B, number: twice}]
"""
    ingest(tmp_path / "a", spec_of(spec), tmp_path / "out")
    assert {row["code"]: row["numeric_value"] for row in events_of(tmp_path / "out")} == {"A": 11, "B": 22}


def test_columns_of_a_wide_table_are_events(tmp_path: Path) -> None:
    write_table(
        tmp_path / "a", "values", [{"person": "1", "time": "2020-01-01", "hr": "80", "pain": "UA", "t": None}]
    )
    spec = """
tables:
  values:
    subject: person
    time: time
    availability: at once
    optional: [spo2]
    events:
      - code: "VITAL//{column}"
        columns:
          hr: {description: Heart rate, unit: /min}
          pain: Pain
          t: Temperature
          spo2: Oxygen saturation
"""
    ingest(tmp_path / "a", spec_of(spec), tmp_path / "out")
    found = {
        row["code"]: (row["numeric_value"], row["text_value"], row["unit"])
        for row in events_of(tmp_path / "out")
    }
    assert found == {"VITAL//hr": (80, None, "/min"), "VITAL//pain": (None, "UA", None)}


def test_the_next_choice_counts_where_a_dictionary_has_no_entry(tmp_path: Path) -> None:
    rows = [{**ROWS[0], "item": item, "b": b} for item, b in (("1", "one"), ("2", "two"), ("3", None))]
    write_table(tmp_path / "a", "values", rows)
    write_table(tmp_path / "a", "items", [{"id": "1", "name": "Sodium"}])
    changes = {
        "lookup": {"i": {"dictionary": "items", "by": "item"}},
        "events": [{"code": ["LAB//{i.name}", "OTHER//{b}", "ITEM//{item}"], "description": "{b}!"}],
    }
    spec = {**table(**changes), "dictionaries": {"items": {"file": "items", "key": "id"}}}
    ingest(tmp_path / "a", spec_of(yaml.safe_dump(spec)), tmp_path / "out")
    book = dict(open_dataset(tmp_path / "out").codes.select("code", "description").rows())
    assert book == {"LAB//Sodium": "one!", "OTHER//two": "two!", "ITEM//3": "ITEM 3"}


def test_paths_make_parents(tmp_path: Path) -> None:
    write_table(tmp_path / "a", "values", [{**ROWS[0], "item": "heart|failure|acute"}])
    events = [{"code": "DX//{item}", "path": "|", "section": "conditions"}]
    spec = yaml.safe_dump(table(events=events))
    ingest(tmp_path / "a", spec_of(spec), tmp_path / "out")
    book = pl.read_parquet(tmp_path / "out" / "metadata" / "codes.parquet")
    parents = {code: list(up or []) for code, up in book.select("code", "parent_codes").iter_rows()}
    assert parents == {
        "DX//heart|failure|acute": ["DX//heart|failure"],
        "DX//heart|failure": ["DX//heart"],
        "DX//heart": [],
    }


def test_explain_says_what_is_read_and_writes_nothing(tmp_path: Path) -> None:
    write_table(tmp_path / "a", "values", ROWS)
    write_table(tmp_path / "a", "other", [{"x": "1"}])
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        yaml.safe_dump(
            table(optional=["unit"], events=[{"code": "LAB//{item}", "value": "value", "unit": "{unit}"}])
        )
    )
    before = sorted(tmp_path.rglob("*"))
    explained = explain_source("tables", tmp_path / "a", spec)
    assert sorted(tmp_path.rglob("*")) == before
    found = explained["tables"]["values"]
    assert found["columns_read"] == ["person", "time", "item", "value"]
    assert found["columns_unused"] == ["b"]
    assert found["columns_absent"] == ["unit"]
    assert explained["not_read"] == ["other"]
    lines = "\n".join(told(explained))
    assert "LAB//{item}" in lines
    assert "columns unused: b" in lines


def test_a_spec_extends_another_key_by_key(tmp_path: Path) -> None:
    changed = extended(
        {"timezone": "Europe/Paris", "tables": {"note": None, "person": {"required": False}}},
        base="omop",
        where="x",
    )
    assert "note" not in changed["tables"]
    assert changed["tables"]["person"]["subject"] == "person_id"
    assert changed["tables"]["person"]["required"] is False
    spec = tmp_path / "spec.yaml"
    spec.write_text("extends: omop\ntimezone: Mars/Olympus\n")
    with pytest.raises(InputError, match="no time zone 'Mars/Olympus'"):
        read_spec("tables", spec)
    spec.write_text("extends: nope\n")
    with pytest.raises(InputError, match="no built-in spec 'nope'"):
        read_spec("tables", spec)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_spec_is_understood(name: str) -> None:
    spec, _ = read_spec(name, None)
    assert spec.about
    assert any(table.required for table in spec.tables.values())
    for key, entry in spec.tables.items():
        assert (
            entry.ignore
            or entry.events
            or any(join.table == key for other in spec.tables.values() for join in other.join.values())
        ), f"{key} is neither read, nor joined, nor ignored with a reason"


def test_files_are_found_in_any_case_depth_and_form(tmp_path: Path) -> None:
    for name in (
        "HOSP/Admissions.CSV",
        "icu/d_items.csv.gz",
        "person/part-0.parquet",
        "person/part-1.parquet",
        "x/LICENSE.txt",
        ".hidden.csv",
        "readme.md",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("a,b\n")
    found = list_source(tmp_path)
    assert {key: len(paths) for key, paths in found.tables.items()} == {
        "hosp/admissions": 1,
        "icu/d_items": 1,
        "person": 2,
    }
    for asked in ("hosp/admissions", "admissions", "elsewhere/ADMISSIONS", "adm*"):
        named = found.find([asked])
        assert named is not None, asked
        assert named[0] == "hosp/admissions"
    assert found.find(["nope"]) is None
    assert stem_of(Path("a.parquet.gz")) is None


def test_a_source_without_tables_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(InputError, match="no tables"):
        list_source(tmp_path / "a")
    with pytest.raises(InputError, match="no such file or folder"):
        list_source(tmp_path / "b")
