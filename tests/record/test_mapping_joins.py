"""Joins one after the other: the key of a joined table may be a column of a table joined before it."""

from pathlib import Path

import pytest
from mapping_support import attrition_of, events_of, ingest, spec_of, write_table

from osler.base.errors import InputError

SPEC = """
tables:
  values:
    subject: person
    join:
      stay: {table: stays, by: stay}
      who: {table: people, by: {stay.patient: id}}
    time: time
    availability: who.died
    events: [{code: A}]
  stays: {ignore: joined}
  people: {ignore: joined}
"""


def source(folder: Path) -> Path:
    values = [{"person": "1", "stay": stay, "time": "2020-01-01 08:00:00"} for stay in ("s1", "s2", "s3")]
    write_table(folder, "values", values)
    write_table(folder, "stays", [{"stay": "s1", "patient": "p"}, {"stay": "s2", "patient": "q"}])
    people = [{"id": "p", "died": "2020-01-03 09:00:00"}, {"id": "q", "died": None}]
    write_table(folder, "people", people)
    return folder


def test_a_key_may_be_a_column_of_an_earlier_join(tmp_path: Path) -> None:
    ingest(source(tmp_path / "a"), spec_of(SPEC), tmp_path / "out")
    times = sorted(str(row["time"]) for row in events_of(tmp_path / "out"))
    # s2 has a patient without a date, s3 is in no table.
    assert times == ["2020-01-01 08:00:00", "2020-01-01 08:00:00", "2020-01-03 09:00:00"]


@pytest.mark.parametrize("key", ["who.id", "stay.stay"])
def test_a_key_of_a_later_join_is_refused(tmp_path: Path, key: str) -> None:
    spec = SPEC.replace("by: stay}", f"by: {{{key}: stay}}}}")
    with pytest.raises(InputError, match=rf"join\.stay\.by: '{key}' is no column of a table joined before"):
        ingest(source(tmp_path / "a"), spec_of(spec), tmp_path / "out")


@pytest.mark.parametrize("what", ["subject", "time"])
def test_rows_that_need_a_table_which_is_absent_are_left_out(tmp_path: Path, what: str) -> None:
    """A source without its optional table `stays` is read; rows that need it are counted."""
    columns = {"subject": "person", "time": "time"} | {what: f"stay.{what}"}
    spec = SPEC.replace("subject: person", f"subject: {columns['subject']}")
    spec = spec.replace("    time: time", f"    time: {columns['time']}")
    folder = source(tmp_path / "a")
    (folder / "stays.csv").unlink()
    write_table(folder, "other", [{"person": "1", "time": "2020-01-01"}])
    spec += "  other: {subject: person, time: time, availability: at once, events: [{code: B}]}\n"
    ingest(folder, spec_of(spec), tmp_path / "out")
    assert [row["code"] for row in events_of(tmp_path / "out")] == ["B"]
    rows = attrition_of(tmp_path / "out")
    left = [(r["table"], r["reason"], r["n_rows"]) for r in rows if r["step"] == "left out"]
    assert left == [("values", f"no {what}", 3)]
