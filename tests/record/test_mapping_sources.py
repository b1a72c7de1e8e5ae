"""The same tables in any form and any memory give the same bytes; what is wrong with them is named."""

import datetime as dt
import gzip
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from mapping_support import (
    attrition_of,
    check_conservation,
    events_of,
    ingest,
    spec_of,
    summary_of,
    write_table,
)
from meds import DataSchema

from osler.base.errors import InputError
from osler.base.hashing import hash_file
from osler.record.dataset import open_dataset

SPEC = """
subjects: {table: people, id: person}
tables:
  people:
    required: true
    subject: person
    time: static
    availability: at once
    events: [{code: "GENDER//{sex}", section: demographics}]
  values:
    subject: person
    time: taken
    availability: at once
    events: [{code: "LAB//{item}", number: value, unit: "{unit}", section: labs, description: "Test {item}"}]
  texts:
    subject: person
    note_id: id
    time: written
    availability: at once
    events: [{code: "NOTE//{kind}", text: text, kind: note, section: notes, needs_value: true}]
"""
PEOPLE = [{"person": str(n), "sex": "FM"[n % 2]} for n in range(1, 41)]
VALUES = [
    {"person": str(n % 40 + 1), "taken": f"2020-01-{n % 28 + 1:02d} {n % 24:02d}:00:00", "item": str(n % 3),
     "value": str(n / 4), "unit": "mg"} for n in range(500)
]  # fmt: skip
TEXTS = [
    {
        "person": "1",
        "id": "8",
        "written": "2020-02-01 10:00:00",
        "kind": "discharge",
        "text": ' He said "no",\n\tand left. 🙂 \n',
    },
    {"person": "2", "id": "7", "written": "2020-02-01", "kind": "discharge", "text": "   "},
]


def tables(folder: Path, *, form: str = "csv") -> Path:
    for name, rows in (("people", PEOPLE), ("values", VALUES), ("texts", TEXTS)):
        write_table(folder, name, rows, form=form)
    return folder


def shards(out: Path) -> list[str]:
    return [hash_file(path) for path in sorted((out / "data").glob("*.parquet"))]


@pytest.mark.parametrize("form", ["csv.gz", "tsv", "parquet"])
def test_the_kind_of_file_makes_no_difference(tmp_path: Path, form: str) -> None:
    ingest(tables(tmp_path / "a"), spec_of(SPEC), tmp_path / "plain")
    ingest(tables(tmp_path / "b", form=form), spec_of(SPEC), tmp_path / "other")
    assert shards(tmp_path / "plain") == shards(tmp_path / "other")
    codes = [pl.read_parquet(tmp_path / name / "metadata" / "codes.parquet") for name in ("plain", "other")]
    assert codes[0].equals(codes[1])


def test_typed_parquet_is_read_as_its_text_would_be(tmp_path: Path) -> None:
    ingest(tables(tmp_path / "a"), spec_of(SPEC), tmp_path / "plain")
    typed = pl.DataFrame(VALUES).with_columns(
        pl.col("person").cast(pl.Float64), pl.col("taken").str.to_datetime(), pl.col("value").cast(pl.Float32)
    )
    tables(tmp_path / "b")
    (tmp_path / "b" / "values.csv").unlink()
    typed.write_parquet(tmp_path / "b" / "VALUES.parquet")
    ingest(tmp_path / "b", spec_of(SPEC), tmp_path / "other")
    assert shards(tmp_path / "plain") == shards(tmp_path / "other")


def test_parts_of_a_table_are_one_table(tmp_path: Path) -> None:
    ingest(tables(tmp_path / "a"), spec_of(SPEC), tmp_path / "plain")
    tables(tmp_path / "b")
    (tmp_path / "b" / "values.csv").unlink()
    for part in range(3):
        write_table(tmp_path / "b" / "values", f"part-{part}", VALUES[part::3])
    ingest(tmp_path / "b", spec_of(SPEC), tmp_path / "other")
    assert shards(tmp_path / "plain") == shards(tmp_path / "other")


def test_memory_makes_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osler.record.mapping.job.EVENTS_PER_SHARD", 100)
    source = tables(tmp_path / "a")
    ingest(source, spec_of(SPEC), tmp_path / "much")
    ingest(source, spec_of(SPEC), tmp_path / "little", memory=500_000_000)
    assert shards(tmp_path / "much") == shards(tmp_path / "little")
    assert len(shards(tmp_path / "much")) > 2


def test_what_is_written_is_meds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    monkeypatch.setattr("osler.record.mapping.job.EVENTS_PER_SHARD", 100)
    ingest(tables(tmp_path / "a"), spec_of(SPEC), tmp_path / "out")
    for path in sorted((tmp_path / "out" / "data").glob("*.parquet")):
        DataSchema.validate(pq.read_table(path))
    dataset = open_dataset(tmp_path / "out")
    assert dataset.splits is not None
    assert dataset.splits.height == 40
    assert {row["code"] for row in events_of(tmp_path / "out")} == set(dataset.codes["code"])
    check_conservation(tmp_path / "out")


def test_notes_are_kept_to_the_letter(tmp_path: Path) -> None:
    ingest(tables(tmp_path / "a"), spec_of(SPEC), tmp_path / "out")
    notes = [row for row in events_of(tmp_path / "out") if row["code"] == "NOTE//discharge"]
    assert [note["text_value"] for note in notes] == [TEXTS[0]["text"]]
    assert notes[0]["time"] == dt.datetime(2020, 2, 1, 10)
    assert notes[0]["note_id"] == 8
    left = [
        row for row in attrition_of(tmp_path / "out") if row["table"] == "texts" and row["step"] == "left out"
    ]
    assert [(row["reason"], row["n_rows"]) for row in left] == [("no value", 1)]


def test_a_limit_takes_the_first_subjects_and_counts_the_rest(tmp_path: Path) -> None:
    ingest(tables(tmp_path / "a"), spec_of(SPEC), tmp_path / "out", limit=3)
    assert {row["subject_id"] for row in events_of(tmp_path / "out")} == {1, 2, 3}
    beyond = [row for row in attrition_of(tmp_path / "out") if row["reason"] == "subject is beyond --limit"]
    assert {row["table"]: row["n_rows"] for row in beyond} == {"people": 37, "values": 500 - 3 * 13 + 1 - 1}
    check_conservation(tmp_path / "out")


def test_units_are_spelled_alike_and_originals_kept(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    write_table(folder, "people", PEOPLE)
    rows = [
        {"person": "1", "taken": "2020-01-01 08:00:00", "item": "Glucose", "value": "5", "unit": "mmol/l"},
        {"person": "1", "taken": "2020-01-01 09:00:00", "item": "Glucose", "value": "90", "unit": "MG/DL"},
        {"person": "1", "taken": "2020-01-01 10:00:00", "item": "Glucose", "value": "91", "unit": "mg/dL"},
    ]
    write_table(folder, "values", rows)
    spec = spec_of(SPEC.replace('description: "Test {item}"', 'description: "{item}"'))
    ingest(folder, spec, tmp_path / "out")
    found = [row for row in events_of(tmp_path / "out") if row["code"] == "LAB//Glucose"]
    assert [row["unit"] for row in found] == ["mg/dL"] * 3
    assert found[0]["numeric_value"] == pytest.approx(5 * 18.016, rel=1e-3)
    assert [(row["original_value"], row["original_unit"]) for row in found] == [
        (5, "mmol/l"),
        (None, "MG/DL"),
        (None, None),
    ]
    assert [entry["code"] for entry in summary_of(tmp_path / "out")["conversions"]] == ["LAB//Glucose"]
    ingest(folder, spec, tmp_path / "kept", convert_units=False)
    kept = [row for row in events_of(tmp_path / "kept") if row["code"] == "LAB//Glucose"]
    assert [(row["numeric_value"], row["unit"]) for row in kept] == [
        (5, "mmol/L"),
        (90, "mg/dL"),
        (91, "mg/dL"),
    ]


def wrong(folder: Path, *, spec: str = SPEC, **options: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        ingest(folder, spec_of(spec), folder.parent / "out", **options)
    assert not (folder.parent / "out" / "metadata").exists()
    return caught.value


def test_a_missing_optional_table_is_reported_and_a_required_one_refused(tmp_path: Path) -> None:
    tables(tmp_path / "a")
    (tmp_path / "a" / "texts.csv").unlink()
    assert ingest(tmp_path / "a", spec_of(SPEC), tmp_path / "d")["not_found"] == ["texts"]
    (tmp_path / "a" / "people.csv").unlink()
    error = wrong(tmp_path / "a")
    assert "required table 'people' is missing" in str(error)
    assert "values" in str(error)


def test_a_changed_column_name_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    tables(tmp_path / "a")
    write_table(
        tmp_path / "a",
        "values",
        [{**row, "result": row["value"]} for row in VALUES],
        columns=["person", "taken", "item", "result", "unit"],
    )
    error = wrong(tmp_path / "a")
    assert "table 'values' has no column 'value'" in str(error)
    assert "result" in str(error)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("taken", "2020-13-01 08:00:00", "a time that cannot be read in column taken (data row 251)"),
        ("taken", "yesterday", "a time that cannot be read in column taken (data row 251)"),
        ("taken", "infinity", "a time that cannot be read in column taken (data row 251)"),
        ("value", "12,5", "a number that cannot be read in column value (data row 251)"),
        ("value", "1e39", "a number that cannot be read in column value (data row 251)"),
    ],
)
def test_a_value_that_cannot_be_read_is_named_by_its_row(
    tmp_path: Path, column: str, value: str, says: str
) -> None:
    tables(tmp_path / "a")
    rows = [dict(row) for row in VALUES]
    rows[250][column] = value
    write_table(tmp_path / "a", "values", rows)
    error = wrong(tmp_path / "a")
    assert says in str(error)
    assert error.count == 1
    assert "values.csv" in str(error)
    assert value not in str(error)
    ingest(tmp_path / "a", spec_of(SPEC), tmp_path / "dropped", bad_rows="drop")
    left = [
        row
        for row in attrition_of(tmp_path / "dropped")
        if row["step"] == "left out" and row["table"] == "values"
    ]
    assert [row["n_rows"] for row in left] == [1]
    check_conservation(tmp_path / "dropped")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("person,taken,item,value,unit\n1,2020-01-01 08:00:00,1,2\n", "a row has 4 cells, the header has 5"),
        ("person,taken,item,value,unit\n1,2020-01-01 08:00:00,1,2,mg,secret\n", "a row has 6 cells"),
        (
            'person,taken,item,value,unit\n1,2020-01-01 08:00:00,"1,2,mg\n',
            "quotation mark without its partner",
        ),
        ("person,taken,item,value,unit\n1,2020-01-01 08:00:00,1,2,secret\xff\n", "not UTF-8"),
        ("person,taken,item,value,value\n", "column 'value' is there twice"),
        ("\n", "the file has no header"),
    ],
)
def test_a_broken_file_is_named_without_its_text(tmp_path: Path, body: str, says: str) -> None:
    tables(tmp_path / "a")
    (tmp_path / "a" / "values.csv").write_bytes(body.encode("latin-1"))
    error = wrong(tmp_path / "a")
    assert says in str(error)
    assert "values.csv" in str(error)
    assert "secret" not in str(error)


def test_files_that_could_hold_tables_and_are_not_read_are_named(tmp_path: Path) -> None:
    folder = tables(tmp_path / "a")
    (folder / "texts.csv").write_bytes(b"")
    (folder / "older.zip").write_bytes(b"PK")
    (folder / "LICENSE.md").write_text("free")
    summary = ingest(folder, spec_of(SPEC), tmp_path / "d")
    assert summary["set_aside"] == ["older.zip", "texts.csv"]
    assert summary["not_read"]["texts.csv"] == "an empty file"
    assert summary["not_read"]["older.zip"] == "files .zip are not read"
    assert summary["not_found"] == ["texts"]
    (folder / "people.csv").write_bytes(b"")
    error = wrong(folder)
    assert "required table 'people' is missing" in str(error)
    assert "people.csv: an empty file" in str(error)


def test_another_database_is_told_which_are_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="postgresql://"):
        ingest(Path("mysql://me@host/cdm"), spec_of(SPEC), tmp_path / "d")


def test_the_case_of_endings_does_not_matter(tmp_path: Path) -> None:
    folder = tables(tmp_path / "a")
    packed = gzip.compress((folder / "texts.csv").read_bytes())
    (folder / "texts.csv").unlink()
    (folder / "TEXTS.CSV.GZ").write_bytes(packed)
    assert not ingest(folder, spec_of(SPEC), tmp_path / "d")["not_found"]


def test_a_cut_off_archive_is_refused(tmp_path: Path) -> None:
    tables(tmp_path / "a", form="csv.gz")
    whole = (tmp_path / "a" / "values.csv.gz").read_bytes()
    (tmp_path / "a" / "values.csv.gz").write_bytes(whole[: len(whole) // 2])
    assert "cannot be read" in str(wrong(tmp_path / "a"))


def test_a_key_that_occurs_twice_in_a_joined_table_is_refused(tmp_path: Path) -> None:
    tables(tmp_path / "a")
    write_table(tmp_path / "a", "people", [*PEOPLE, PEOPLE[0]])
    joined = (
        "    join: {who: {table: people, by: person}}\n    leave_out: [{where: who.sex = 'X', reason: x}]\n"
    )
    spec = SPEC.replace("    time: taken\n", joined + "    time: taken\n")
    error = wrong(tmp_path / "a", spec=spec)
    assert "'people' has several rows for one" in str(error)
    assert error.count == 1


def test_ids_that_are_no_numbers_are_hashed_and_kept_apart(tmp_path: Path) -> None:
    people = [{"person": name, "sex": "F"} for name in ("A1", "7", "x")]
    values = [{**VALUES[0], "person": name} for name in ("A1", "7", "x", "unknown")]
    write_table(
        tmp_path / "a", "texts", [{**TEXTS[0], "person": "7", "id": name} for name in ("n1", "8", "008")]
    )
    write_table(tmp_path / "a", "people", people)
    write_table(tmp_path / "a", "values", values)
    ingest(tmp_path / "a", spec_of(SPEC), tmp_path / "out")
    dataset = open_dataset(tmp_path / "out")
    assert dataset.subjects is not None
    assert set(dataset.subjects["source_id"]) == {"A1", "7", "x"}
    assert all(subject > 2**32 for subject in dataset.subjects["subject_id"])
    notes = {row["note_id"] for row in events_of(tmp_path / "out") if row["note_id"] is not None}
    assert 8 in notes
    assert len(notes) == 3
    assert (tmp_path / "out" / "metadata" / "key").stat().st_mode & 0o777 == 0o600
    unknown = [
        row["n_rows"]
        for row in attrition_of(tmp_path / "out")
        if "not in the table of subjects" in row["reason"]
    ]
    assert unknown == [1]
    check_conservation(tmp_path / "out")


def test_a_subject_of_two_persons_is_refused(tmp_path: Path) -> None:
    write_table(
        tmp_path / "a",
        "people",
        [{"person": "1", "sex": "F", "who": "p"}, {"person": "1", "sex": "F", "who": "q"}],
    )
    error = wrong(tmp_path / "a", spec=SPEC.replace("id: person}", "id: person, group: who}"))
    assert "more than one person" in str(error)


def test_tables_that_the_spec_does_not_know_are_counted(tmp_path: Path) -> None:
    tables(tmp_path / "a")
    write_table(tmp_path / "a", "extra", [{"x": "1"}, {"x": "2"}])
    (tmp_path / "a" / "broken.parquet").write_bytes(b"no parquet")
    ingest(tmp_path / "a", spec_of(SPEC), tmp_path / "out")
    not_read = {
        row["table"]: row["n_rows"] for row in attrition_of(tmp_path / "out") if row["step"] == "not read"
    }
    assert not_read == {"extra": 2, "broken": None}
