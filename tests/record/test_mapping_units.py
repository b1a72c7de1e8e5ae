"""Numbers without a unit, and reference ranges, where numbers of the code are converted."""

from pathlib import Path
from typing import Any

from mapping_support import events_of, ingest, spec_of, write_table

from osler.record.dataset import open_dataset

SPEC = """
tables:
  labs:
    subject: person
    time: at
    availability: at once
    events:
      - code: "LAB//{test}"
        description: "{test}"
        number: value
        unit: "{unit}"
        low: "{low}"
        high: "{high}"
        section: labs
"""


def values(tmp_path: Path, rows: list[tuple[str, str, str, str, str]]) -> dict[str, dict[str, Any]]:
    """The code book of rows of test, value, unit, low and high; their events are in the dataset."""
    names = ("test", "value", "unit", "low", "high")
    listed = [
        {"person": "1", "at": f"2020-01-01 08:{n:02d}:00", **dict(zip(names, row, strict=True))}
        for n, row in enumerate(rows)
    ]
    write_table(tmp_path / "a", "labs", listed)
    ingest(tmp_path / "a", spec_of(SPEC), tmp_path / "d")
    return {row["code"]: row for row in open_dataset(tmp_path / "d").codes.iter_rows(named=True)}


def numbers(tmp_path: Path) -> list[tuple[float, str | None, float | None]]:
    found = events_of(tmp_path / "d")
    return [(round(row["numeric_value"], 2), row["unit"], row["original_value"]) for row in found]


def test_a_number_without_unit_is_in_the_only_one_that_its_code_has(tmp_path: Path) -> None:
    values(tmp_path, [("Glucose", "5", "mmol/L", "", ""), ("Glucose", "6", "", "", "")])
    assert numbers(tmp_path) == [(90.08, "mg/dL", 5.0), (108.09, "mg/dL", 6.0)]


def test_where_a_code_has_several_units_a_number_without_one_keeps_none(tmp_path: Path) -> None:
    rows = [
        ("Glucose", "5", "mmol/L", "", ""),
        ("Glucose", "90", "mg/dL", "", ""),
        ("Glucose", "6", "", "", ""),
    ]
    book = values(tmp_path, rows)
    assert numbers(tmp_path) == [(90.08, "mg/dL", 5.0), (90.0, "mg/dL", None), (6.0, None, None)]
    assert book["LAB//Glucose"]["unit"] is None  # it would be shown beside the last one


def test_what_is_not_converted_stays_as_it_is(tmp_path: Path) -> None:
    book = values(tmp_path, [("Load", "5", "kg", "", ""), ("Load", "6", "", "", "")])
    assert [(row["numeric_value"], row["unit"]) for row in events_of(tmp_path / "d")] == [
        (5, "kg"),
        (6, None),
    ]
    assert book["LAB//Load"]["unit"] == "kg"


def test_ranges_are_converted_with_the_numbers_beside_them(tmp_path: Path) -> None:
    rows = [("Glucose", "5", "mmol/L", "3.9", "5.5")] * 3 + [("Glucose", "90", "mg/dL", "", "")]
    book = values(tmp_path, rows)["LAB//Glucose"]
    assert (round(book["low"], 1), round(book["high"], 1), book["unit"]) == (70.3, 99.1, "mg/dL")


def test_a_range_that_not_all_rows_share_holds_for_no_code(tmp_path: Path) -> None:
    """Men and women have their own, and so have laboratories."""
    rows = [("Load", "5", "kg", "13.7", "17.5")] * 3 + [("Load", "6", "kg", "11.2", "15.7")]
    book = values(tmp_path, rows)["LAB//Load"]
    assert (book["low"], book["high"]) == (None, None)


def test_a_range_is_taken_whole_and_from_one_unit(tmp_path: Path) -> None:
    rows = [("Load", "5", "kg", "", "9")] * 2 + [("Load", "7", "stones", "1", "2")]
    book = values(tmp_path, rows)["LAB//Load"]
    assert (book["low"], book["high"]) == (None, 9.0)
