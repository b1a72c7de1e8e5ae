"""A source that continues a dataset gives what both sources together would have given."""

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from mapping_support import check_conservation, events_of, write_table
from test_mapping_resume import SPEC

from osler.base.errors import InputError
from osler.record.dataset import open_dataset
from osler.record.mapping.options import IngestOptions
from osler.record.sources import ingest

PEOPLE = [{"person": name, "sex": "F"} for name in ("a", "b", "c")]


def values(people: str, start: int) -> list[dict[str, Any]]:
    return [
        {"person": person, "taken": f"2020-01-0{start + n} 08:00:00", "item": str(n), "value": str(n)}
        for person in people
        for n in range(3)
    ]


def source(folder: Path, people: list[dict[str, Any]], rows: list[dict[str, Any]]) -> Path:
    write_table(folder, "people", people, columns=["person", "sex"])
    write_table(folder, "values", rows)
    return folder


def spec(tmp_path: Path, text: str = SPEC) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    return path


def plain(out: Path) -> list[tuple[Any, ...]]:
    """Events by the source's id of their subject."""
    subjects = open_dataset(out).subjects
    assert subjects is not None
    names = dict(subjects.select("subject_id", "source_id").iter_rows())
    rows = [
        (
            names[row["subject_id"]],
            row["time"] or dt.datetime.min,
            row["code"],
            row["numeric_value"] or 0,
            row["unit"],
        )
        for row in events_of(out)
    ]
    return sorted(rows, key=str)


def test_appending_gives_what_both_sources_together_give(tmp_path: Path) -> None:
    first = source(tmp_path / "one", PEOPLE[:2], values("ab", 1))
    second = source(tmp_path / "two", PEOPLE[2:], values("c", 4))
    both = source(tmp_path / "both", PEOPLE, [*values("ab", 1), *values("c", 4)])
    written = spec(tmp_path)
    ingest("tables", first, written, tmp_path / "d")
    ids = dict(open_dataset(tmp_path / "d").subjects.select("source_id", "subject_id").iter_rows())  # type: ignore[union-attr]
    ingest("tables", second, written, tmp_path / "d", append=True)
    ingest("tables", both, written, tmp_path / "whole")
    assert plain(tmp_path / "d") == plain(tmp_path / "whole")
    after = dict(open_dataset(tmp_path / "d").subjects.select("source_id", "subject_id").iter_rows())  # type: ignore[union-attr]
    assert {name: after[name] for name in ids} == ids
    assert len(open_dataset(tmp_path / "d").settings["ingested"]) == 2


def test_rows_of_known_subjects_go_to_them(tmp_path: Path) -> None:
    written = spec(tmp_path)
    ingest("tables", source(tmp_path / "one", PEOPLE, values("abc", 1)), written, tmp_path / "d")
    splits = open_dataset(tmp_path / "d").splits
    ingest(
        "tables", source(tmp_path / "two", PEOPLE[:1], values("a", 4)), written, tmp_path / "d", append=True
    )
    dataset = open_dataset(tmp_path / "d")
    assert dataset.subjects is not None
    assert dataset.subjects.height == 3
    assert dataset.splits is not None
    assert dataset.splits.equals(splits)
    counts = pl.DataFrame(events_of(tmp_path / "d"))["subject_id"].value_counts()
    assert sorted(counts["count"]) == [4, 4, 8]


def test_births_and_deaths_are_told_once_over_both(tmp_path: Path) -> None:
    text = SPEC.replace(
        '{code: "GENDER//{sex}", section: demographics}', "{code: MEDS_DEATH, time: died, section: visits}"
    )
    text = text.replace("time: static", "time: died")
    written = spec(tmp_path, text)
    for name, died in (("one", "2021-05-02"), ("two", "2021-05-01 10:00:00")):
        write_table(tmp_path / name, "people", [{"person": "a", "died": died}])
        write_table(tmp_path / name, "values", values("a", 1 if name == "one" else 4))
    ingest("tables", tmp_path / "one", written, tmp_path / "d")
    ingest("tables", tmp_path / "two", written, tmp_path / "d", append=True)
    deaths = [row["time"] for row in events_of(tmp_path / "d") if row["code"] == "MEDS_DEATH"]
    assert deaths == [dt.datetime(2021, 5, 1, 10)]


def test_notes_continue_a_dataset_that_has_sites_and_another_spec(tmp_path: Path) -> None:
    text = SPEC.replace(
        "    subject: person\n    time: taken", "    subject: person\n    site: house\n    time: taken"
    )
    rows = [{**row, "house": "h1"} for row in values("abc", 1)]
    ingest("tables", source(tmp_path / "one", PEOPLE, rows), spec(tmp_path, text), tmp_path / "d")
    write_table(tmp_path / "two", "notes", [{"who": "a", "when": "2020-02-01 08:00:00", "text": "Well."}])
    other = tmp_path / "notes.yaml"
    other.write_text(
        "tables: {notes: {subject: who, time: when, availability: at once, events: "
        "[{code: NOTE//visit, text: text, kind: note, section: notes}]}}"
    )
    ingest("tables", tmp_path / "two", other, tmp_path / "d", append=True)
    dataset = open_dataset(tmp_path / "d")
    assert dataset.site_columns == ("site",)
    found = events_of(tmp_path / "d")
    assert [row["text_value"] for row in found if row["code"] == "NOTE//visit"] == ["Well."]
    assert {row["site"] for row in found if row["code"].startswith("LAB")} == {"h1"}
    assert len(dataset.codes) == len({row["code"] for row in found})


def test_what_cannot_be_appended_is_refused(tmp_path: Path) -> None:
    written = spec(tmp_path)
    first = source(tmp_path / "one", PEOPLE, values("abc", 1))
    with pytest.raises(InputError, match="no such folder"):
        ingest("tables", first, written, tmp_path / "d", append=True)
    ingest("tables", first, written, tmp_path / "d")
    with pytest.raises(InputError, match="in the dataset already"):
        ingest("tables", first, written, tmp_path / "d", append=True)
    second = source(tmp_path / "two", PEOPLE, values("abc", 4))
    with pytest.raises(InputError, match="dates of the dataset are real, those of the source shifted"):
        ingest("tables", second, spec(tmp_path, "dates: shifted\n" + SPEC), tmp_path / "d", append=True)
    check_conservation(tmp_path / "d")


def test_what_is_added_to_a_dataset_is_counted_and_a_limited_source_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = spec(tmp_path)
    first = source(tmp_path / "one", PEOPLE, values("abc", 1))
    ingest("tables", first, written, tmp_path / "d", options=IngestOptions(limit=2))
    with pytest.raises(InputError, match="in the dataset already, the first 2 subjects of it"):
        ingest("tables", first, written, tmp_path / "d", append=True)
    more = source(tmp_path / "two", [*PEOPLE, {"person": "d", "sex": "M"}], values("abcd", 4))
    ingest("tables", more, written, tmp_path / "d", append=True)
    assert "2 are in the dataset, 2 are new" in capsys.readouterr().err


def test_nothing_is_appended_to_subjects_that_are_only_rows(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("age,died\n60,0\n70,1\n")
    settings = tmp_path / "table.yaml"
    settings.write_text("baseline: [age]\noutcome: [died]\n")
    ingest("table", table, settings, tmp_path / "d")
    notes = tmp_path / "letters.csv"
    notes.write_text("person,written,signed,type,body\n1,2020-01-01,2020-01-02,Letter,Well.\n")
    with pytest.raises(InputError, match="are rows of a table"):
        ingest("notes", notes, None, tmp_path / "d", append=True)
