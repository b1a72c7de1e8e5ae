"""A table of notes becomes note events, alone or in a dataset that is there; texts stay byte for byte."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from mapping_support import attrition_of, check_conservation, events_of, spec_of, write_table
from mapping_support import ingest as ingest_tables
from meds import DataSchema

from osler.base.errors import InputError
from osler.checks.doctor import examine
from osler.record.dataset import open_dataset
from osler.record.sources import ingest

MEGABYTE = 1_000_000
TEXTS = {
    "quotes": 'He said "no", then \'yes\', then ""both"".',
    "lines": "First.\n\n  Second.\r\nThird.\n",
    "tabs": "\tIndented\tand\ttabbed\t",
    "blanks": "   blanks before and after   ",
    "emoji": "Pain 😀→😖, 38\u202f°C, naïve, 发热, \u00a0",
    "commas": "a, b; c | d \\ e",
    "number": "12.50",
    "large": 'Sentence with a "quote" and a line.\n' * (MEGABYTE // 36),
}


def notes(**more: Any) -> list[dict[str, Any]]:
    """A note of each text, a day each."""
    return [
        {
            "subject_id": "7",
            "time": f"2020-01-{day:02} 08:00:00",
            "kind": "progress_note",
            "text": text,
            "note_id": str(100 + day),
            **more,
        }
        for day, text in enumerate(TEXTS.values(), start=1)
    ]


def texts(out: Path) -> list[str]:
    return [row["text_value"] for row in events_of(out) if row["code"].startswith("NOTE//")]


def test_the_large_text_is_a_megabyte() -> None:
    assert len(TEXTS["large"].encode()) > 0.97 * MEGABYTE


@pytest.mark.parametrize("form", ["csv", "csv.gz", "tsv", "tsv.gz", "parquet"])
def test_texts_are_kept_byte_for_byte(tmp_path: Path, form: str) -> None:
    file = write_table(tmp_path, "letters", notes(), form=form)
    ingest("notes", file, None, tmp_path / "out")
    assert [text.encode() for text in texts(tmp_path / "out")] == [text.encode() for text in TEXTS.values()]
    check_conservation(tmp_path / "out")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A dataset with a stay of subject 7, its zone New York."""
    row = {"person": "7", "time": "2020-01-01 07:00:00", "house": "North"}
    write_table(tmp_path / "stays", "stays", [row])
    spec = """
timezone: America/New_York
tables:
  stays:
    subject: person
    site: house
    time: time
    availability: at once
    events: [{code: HOSPITAL_ADMISSION, description: Admitted, section: visits}]
"""
    ingest_tables(tmp_path / "stays", spec_of(spec), tmp_path / "d")
    return tmp_path / "d"


def test_notes_are_added_to_the_subjects_that_are_there(dataset: Path, tmp_path: Path) -> None:
    file = write_table(tmp_path / "n", "notes", notes(hadm_id="55"))
    summary = ingest("notes", file, None, dataset, append=True)
    assert summary["appended"]
    opened = open_dataset(dataset)
    assert opened.subjects is not None
    assert opened.subjects["source_id"].to_list() == ["7"]
    found = events_of(dataset)
    assert found[0]["code"] == "HOSPITAL_ADMISSION"
    assert texts(dataset) == list(TEXTS.values())
    told = [row for row in found if row["code"].startswith("NOTE//")]
    assert {(row["code"], row["visit_id"], row["site"]) for row in told} == {
        ("NOTE//progress_note", 55, None)
    }
    assert [row["note_id"] for row in told] == list(range(101, 109))
    words = {row["code"]: row for row in opened.codes.iter_rows(named=True)}
    note = words["NOTE//progress_note"]
    assert (note["description"], note["kind"], note["section"]) == ("Progress note", "note", "notes")


def test_a_note_is_known_when_it_was_stored(tmp_path: Path) -> None:
    rows = [
        {"subject_id": "7", "charttime": "2020-01-02 08:00:00", "storetime": "2020-01-03 09:00:00"},
        {"subject_id": "7", "charttime": "2020-01-04 08:00:00", "storetime": "2020-01-01 09:00:00"},
        {"subject_id": "7", "charttime": "2020-01-05 08:00:00", "storetime": None},
        {"subject_id": "7", "charttime": None, "chartdate": "2020-01-06", "storetime": None},
        {"subject_id": "7", "charttime": None, "chartdate": None, "storetime": "2020-01-07 08:00:00"},
    ]
    rows = [{"chartdate": None, **row, "text": "x"} for row in rows]
    ingest("notes", write_table(tmp_path, "notes", rows), None, tmp_path / "out")
    assert [row["time"] for row in events_of(tmp_path / "out")] == [
        dt.datetime(2020, 1, 3, 9),
        dt.datetime(2020, 1, 4, 8),
        dt.datetime(2020, 1, 5, 8),
        dt.datetime(2020, 1, 6, 23, 59),
    ]
    left = {
        row["reason"]: row["n_rows"] for row in attrition_of(tmp_path / "out") if row["step"] == "left out"
    }
    assert left == {"no time": 1}


def test_what_is_no_note_is_left_out_with_the_reason(tmp_path: Path) -> None:
    row = {"subject_id": "7", "time": "2020-01-01 08:00:00", "text": "x", "iserror": None, "status": "final"}
    rows = [row, {**row, "text": None}, {**row, "iserror": "1"}, {**row, "status": "retracted"},
            {**row, "subject_id": None}]  # fmt: skip
    ingest("notes", write_table(tmp_path, "notes", rows), None, tmp_path / "out")
    check_conservation(tmp_path / "out")
    left = {
        row["reason"]: row["n_rows"] for row in attrition_of(tmp_path / "out") if row["step"] == "left out"
    }
    assert left == {"no value": 1, "entered in error": 2, "no subject": 1}
    assert [row["code"] for row in events_of(tmp_path / "out")] == ["NOTE//note"]


def test_columns_have_the_names_that_records_give_them(tmp_path: Path) -> None:
    """The tables of MIMIC-III, MIMIC-IV-Note and OMOP are known by their own names."""
    tables = {
        "NOTEEVENTS": {"ROW_ID": "1", "SUBJECT_ID": "7", "HADM_ID": "5", "CHARTDATE": "2020-01-01",
                       "CHARTTIME": "2020-01-01 08:00:00", "CATEGORY": "Nursing", "TEXT": "x"},
        "discharge_notes": {"note_id": "7-DS-1", "subject_id": "7", "hadm_id": "5", "note_type": "Nursing",
                            "charttime": "2020-01-01 08:00:00", "text": "x"},
        "note": {"note_id": "1", "person_id": "7", "visit_occurrence_id": "5", "note_type": "Nursing",
                 "note_datetime": "2020-01-01 08:00:00", "note_text": "x"},
    }  # fmt: skip
    for name, row in tables.items():
        ingest("notes", write_table(tmp_path / name, name, [row]).parent, None, tmp_path / f"out {name}")
        (one,) = events_of(tmp_path / f"out {name}")
        assert (one["subject_id"], one["visit_id"], one["code"]) == (7, 5, "NOTE//Nursing")
        assert one["time"] == dt.datetime(2020, 1, 1, 8)
        assert one["note_id"] is not None


def test_a_title_of_a_patient_is_no_name_of_a_kind(tmp_path: Path) -> None:
    rows = [{**notes()[0], "title": "Letter about Mrs Doe"}]
    ingest("notes", write_table(tmp_path, "notes", rows), None, tmp_path / "out")
    assert open_dataset(tmp_path / "out").codes["description"].to_list() == ["Progress note"]


def test_zoned_times_are_told_in_the_zone_of_the_dataset(dataset: Path, tmp_path: Path) -> None:
    rows = [{**notes()[0], "time": "2020-01-01T13:00:00Z"}]
    file = write_table(tmp_path / "n", "notes", rows)
    with pytest.raises(InputError, match="zone America/New_York, those of the source in Europe/Paris"):
        ingest("notes", file, None, dataset, append=True, timezone="Europe/Paris")
    ingest("notes", file, None, dataset, append=True)
    assert [row["time"] for row in events_of(dataset)][-1] == dt.datetime(2020, 1, 1, 8)
    assert open_dataset(dataset).settings["timezone"] == "America/New_York"


@pytest.mark.parametrize("dates", ["real", "shifted"])
def test_notes_have_the_dates_of_the_dataset(dataset: Path, tmp_path: Path, dates: str) -> None:
    file = dataset / "metadata" / "dataset.json"
    plain = json.loads(file.read_text())
    plain["osler"]["dates"] = dates
    file.write_text(json.dumps(plain))
    ingest("notes", write_table(tmp_path / "n", "notes", notes()), None, dataset, append=True)
    assert open_dataset(dataset).settings["dates"] == dates


def test_dates_that_a_spec_states_must_be_those_of_the_dataset(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("extends: notes\ndates: shifted\n")
    file = write_table(tmp_path / "n", "notes", notes())
    with pytest.raises(InputError, match="dates of the dataset are real, those of the source shifted"):
        ingest("notes", file, tmp_path / "spec.yaml", dataset, append=True)


def test_a_table_without_text_or_subject_is_refused_by_name(tmp_path: Path) -> None:
    for column in ("text", "subject_id", "time"):
        rows = [{("x" if name == column else name): cell for name, cell in row.items()} for row in notes()]
        file = write_table(tmp_path / column, "notes", rows)
        with pytest.raises(InputError) as caught:
            ingest("notes", file, None, tmp_path / "out")
        assert column in str(caught.value)
        assert not (tmp_path / "out" / "metadata").exists()


def test_the_dataset_is_valid_and_the_doctor_finds_nothing_broken(dataset: Path, tmp_path: Path) -> None:
    ingest("notes", write_table(tmp_path / "n", "notes", notes()), None, dataset, append=True)
    for shard in open_dataset(dataset).shards:
        DataSchema.validate(pq.read_table(shard.path))
    assert examine(dataset)["n_broken"] == 0


@pytest.mark.real
def test_1_206_real_reports_stay_byte_for_byte(real_data: Path, tmp_path: Path) -> None:
    lines = (real_data / "notes" / "mtsamples_dev.jsonl").read_text(encoding="utf-8").splitlines()
    reports = [json.loads(line) for line in lines]
    rows = [
        {"patient": n, "date": "2020-01-01", "kind": one["specialties"][0], "text": one["transcription"]}
        for n, one in enumerate(reports)
    ]
    for form in ("csv", "parquet"):
        file = write_table(tmp_path / form, "reports", rows, form=form)
        ingest("notes", file, None, tmp_path / f"out {form}")
        found = {row["subject_id"]: row["text_value"] for row in events_of(tmp_path / f"out {form}")}
        assert found == {
            n: one["transcription"] for n, one in enumerate(reports) if one["transcription"].strip()
        }
        assert examine(tmp_path / f"out {form}")["n_broken"] == 0
    assert pl.read_parquet(tmp_path / "parquet" / "reports.parquet").height == 1_206


def test_a_note_is_known_when_it_is_signed_whatever_its_columns_are_called(tmp_path: Path) -> None:
    (tmp_path / "letters.csv").write_text(
        'person,id,written,signed,type,body\n1,5,2020-03-05 10:00,2020-03-05 18:20,Letter,"Went home."\n'
    )
    ingest("notes", tmp_path / "letters.csv", None, tmp_path / "d")
    (note,) = events_of(tmp_path / "d")
    assert (note["time"], note["code"], note["text_value"], note["note_id"]) == (
        dt.datetime(2020, 3, 5, 18, 20),
        "NOTE//Letter",
        "Went home.",
        5,
    )
