"""Times as sources write them: what is read, in which zone, and what is refused."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from mapping_support import attrition_of, check_conservation, events_of, ingest, spec_of, write_table

from osler.base.errors import InputError

SPEC = """
timezone: {zone}
tables:
  values:
    subject: person
    time: at
    availability: at once
    {more}
    events: [{{code: "A"}}]
"""


def told(tmp_path: Path, at: str, *, zone: str = "America/Chicago", more: str = "") -> str:
    """When an event is told that a source dates so."""
    write_table(tmp_path / "a", "values", [{"person": "1", "at": at}])
    ingest(tmp_path / "a", spec_of(SPEC.format(zone=zone, more=more)), tmp_path / "d")
    return f"{events_of(tmp_path / 'd')[0]['time']:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("at", "time"),
    [
        ("2020-01-02 08:30:00", "2020-01-02 08:30"),
        ("2020-01-02T08:30", "2020-01-02 08:30"),
        ("2020/1/2 8:30", "2020-01-02 08:30"),
        ("2020-01-02 08:30:00.1234567", "2020-01-02 08:30"),
        ("2020-01-02", "2020-01-02 23:59"),
        ("2020-01-02T08:30:00Z", "2020-01-02 02:30"),
        ("2020-01-02 08:30:00 UTC", "2020-01-02 02:30"),
        ("2020-01-02 08:30:00.5 +0000", "2020-01-02 02:30"),
        ("2020-01-02 8:30Z", "2020-01-02 02:30"),
        ("2020-01-02T08:30:00-05", "2020-01-02 07:30"),
        ("2020-07-02T08:30:00+05:30", "2020-07-01 22:00"),
    ],
)
def test_a_time_is_read_and_told_in_the_declared_zone(tmp_path: Path, at: str, time: str) -> None:
    assert told(tmp_path, at) == time


@pytest.mark.parametrize(
    "at",
    [
        "2020-01-02 8:30 PM",
        "2020-01-02 08:30:00 PM",
        "2020-01-02 08:30:00 EST",
        "2020-01-02 08:30 America/New_York",
        "2020-01-02 08:30:00 or so",
        "12-05-20",
        "1/2/20 08:30",
        "02.01.2020",
        "2020-02-30",
        "2020-01-02 25:00",
    ],
)
def test_what_would_be_read_as_another_time_is_refused(tmp_path: Path, at: str) -> None:
    with pytest.raises(InputError, match="a time that cannot be read in column at") as caught:
        told(tmp_path, at)
    assert "time_formats" in str(caught.value)


@pytest.mark.parametrize("at", ["2020-01-01T00:00:00Z", "2020-01-01 00:00", "2020-01-01T00:00:00.000-06:00"])
def test_a_midnight_that_means_a_date_is_the_date_that_is_written(tmp_path: Path, at: str) -> None:
    assert told(tmp_path, at, more="midnight: date") == "2020-01-01 23:59"


def test_a_midnight_of_parquet_is_a_date_in_its_zone_or_in_that_of_the_dataset(tmp_path: Path) -> None:
    at = [dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2020, 1, 5, 6, tzinfo=dt.UTC)]
    at.append(dt.datetime(2020, 1, 7, 15, tzinfo=dt.UTC))
    (tmp_path / "a").mkdir()
    pl.DataFrame({"person": [1, 1, 1], "at": at}).write_parquet(tmp_path / "a" / "values.parquet")
    spec = spec_of(SPEC.format(zone="America/Chicago", more="midnight: date"))
    ingest(tmp_path / "a", spec, tmp_path / "d")
    found = [f"{row['time']:%d %H:%M}" for row in events_of(tmp_path / "d")]
    assert found == ["01 23:59", "05 23:59", "07 09:00"]


def test_a_row_kept_without_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    spec = """
    tables:
      visits:
        subject: person
        time: began
        availability: at once
        events: [{code: IN}, {code: OUT, time: ended}, {code: SCORE, number: score}]
    """
    rows = [
        {"person": "1", "began": "2020-01-01 08:00:00", "ended": "soon", "score": "many"},
        {"person": "1", "began": "2020-01-02 08:00:00", "ended": "2020-01-03 08:00:00", "score": "3"},
        {"person": "1", "began": "never", "ended": "later", "score": "4"},
    ]
    write_table(tmp_path / "a", "visits", rows)
    ingest(tmp_path / "a", spec_of(spec), tmp_path / "d", bad_rows="drop")
    check_conservation(tmp_path / "d")
    found = attrition_of(tmp_path / "d")
    assert {(row["step"], row["reason"], row["n_rows"]) for row in found} == {
        ("read", "rows of the table", 3),
        ("kept", "rows that made events", 2),
        ("left out", "a time that cannot be read", 1),
        ("kept in part", "a time that cannot be read: without that event", 1),
        ("kept in part", "a number that cannot be read: without that event", 1),
    }
