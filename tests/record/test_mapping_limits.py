"""A limit in words (`<0.01`) goes to the unit that the numbers beside it go to."""

from pathlib import Path

import pytest
from mapping_support import events_of, ingest, spec_of, write_table

SPEC = """
tables:
  labs:
    subject: person
    time: time
    availability: at once
    events:
      - {code: "LAB//{test}", description: "{test}", number: number, text: words, unit: "{unit}"}
"""
# test, number, unit, words -> words in the unit of the dataset
CASES = [
    ("Troponin T", "0.01", "ng/mL", "<0.01", "<10"),
    ("Troponin T", "2.5", "ng/mL", "2.50", None),  # repeats the number
    ("Troponin T", "25", "ng/mL", ">= 25", ">=25000"),
    ("Troponin T", None, "ng/mL", "<.01", "<10"),
    ("Troponin T", "12", "ng/L", "<12", "<12"),
    ("Troponin T", "1", "ng/mL", "<1 on two days", "<1 on two days"),  # no limit alone
    ("Creatinine", "88.4", "umol/L", "<88.4", "<1"),  # 0.99998
    ("Creatinine", "0.2", "mg/dL", "<0.2", "<0.2"),
    ("Body temperature", "95", "[degF]", "<95", "<35"),
    ("Sodium", None, "mmol/L", "low", "low"),
]


def source(folder: Path) -> Path:
    rows = [
        {
            "person": "1",
            "time": f"2020-01-{n:02} 08:00:00",
            "test": test,
            "number": number,
            "unit": unit,
            "words": words,
        }
        for n, (test, number, unit, words, _) in enumerate(CASES, start=1)
    ]
    write_table(folder, "labs", rows)
    return folder


def test_limits_are_told_in_the_unit_of_the_dataset(tmp_path: Path) -> None:
    ingest(source(tmp_path / "a"), spec_of(SPEC), tmp_path / "out")
    found = {event["time"].day: event for event in events_of(tmp_path / "out")}
    for n, (test, number, _, words, expected) in enumerate(CASES, start=1):
        assert found[n]["text_value"] == expected, (test, words)
        if (
            number is not None
            and expected is not None
            and expected[1:].replace("=", "").replace(".", "").isdigit()
        ):
            assert found[n]["numeric_value"] == pytest.approx(float(expected.strip("<>=")), rel=1e-3)


def test_where_nothing_is_converted_limits_stay_as_they_are(tmp_path: Path) -> None:
    ingest(source(tmp_path / "a"), spec_of(SPEC), tmp_path / "out", convert_units=False)
    found = {event["time"].day: event["text_value"] for event in events_of(tmp_path / "out")}
    assert [found[n] for n in (1, 3, 9)] == ["<0.01", ">= 25", "<95"]
