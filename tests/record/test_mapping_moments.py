"""`once: moment`: of what is said at one moment, nothing that only repeats what another event says."""

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mapping_support import attrition_of, check_conservation, events_of, ingest, spec_of, write_table

from osler.base.errors import InputError

SPEC = """
tables:
  results:
    subject: person
    visit: visit
    time: time
    availability: at once
    events:
      - {code: "CULTURE//{fluid}", text: organism, once: moment}
      - {code: TAKEN, once: moment}
      - {code: "RESPONSE//{drug}", number: dilution, unit: mg/L, where: drug IS NOT NULL}
  given:
    subject: person
    visit: visit
    time: time
    availability: at once
    events:
      - {code: "CULTURE//{fluid}", once: moment}
"""
COLUMNS = ("person", "visit", "time", "fluid", "organism", "drug", "dilution")
Row = tuple[str, str, str | None, str | None, str | None, str | None]


def ingested(folder: Path, rows: list[Row], bare: list[tuple[str, str, str]]) -> Counter[tuple[object, ...]]:
    """Events as tuples: subject, visit, hour, code, number, words."""
    results = [
        dict(zip(COLUMNS, (one[0], "7", f"2020-01-01 0{one[1]}:00:00", *one[2:]), strict=True))
        for one in rows
    ]
    write_table(folder / "a", "results", results, columns=COLUMNS)
    given_rows = [
        {"person": person, "visit": "7", "time": f"2020-01-01 0{hour}:00:00", "fluid": fluid}
        for person, hour, fluid in bare
    ]
    write_table(folder / "a", "given", given_rows, columns=COLUMNS[:4])
    ingest(folder / "a", spec_of(SPEC), folder / "out")
    return Counter(
        (str(e["subject_id"]), e["time"].hour, e["code"], e["numeric_value"], e["text_value"])
        for e in events_of(folder / "out")
    )


def test_an_organism_that_was_tested_for_two_drugs_is_told_once(tmp_path: Path) -> None:
    rows: list[Row] = [
        ("1", "8", "urine", "E. coli", "ampicillin", "8"),
        ("1", "8", "urine", "E. coli", "cefazolin", "2"),
        ("1", "8", "urine", "yeast", None, None),
        ("1", "9", "urine", "E. coli", "ampicillin", "8"),
        ("1", "9", "urine", "E. coli", "ampicillin", "8"),
    ]
    found = ingested(tmp_path, rows, [("1", "8", "urine"), ("1", "7", "urine"), ("2", "8", "urine")])
    assert found == {
        ("1", 8, "CULTURE//urine", None, "E. coli"): 1,
        ("1", 8, "CULTURE//urine", None, "yeast"): 1,
        ("1", 9, "CULTURE//urine", None, "E. coli"): 1,
        ("1", 7, "CULTURE//urine", None, None): 1,
        ("2", 8, "CULTURE//urine", None, None): 1,
        ("1", 8, "TAKEN", None, None): 1,
        ("1", 9, "TAKEN", None, None): 1,
        ("1", 8, "RESPONSE//ampicillin", 8.0, None): 1,
        ("1", 8, "RESPONSE//cefazolin", 2.0, None): 1,
        ("1", 9, "RESPONSE//ampicillin", 8.0, None): 2,  # not asked for: what the source says twice stays
    }
    told = {
        row["table"]: row["n_events"] for row in attrition_of(tmp_path / "out") if row["step"] == "told once"
    }
    assert told == {"results": 2 + 3, "given": 1}
    check_conservation(tmp_path / "out")


words = st.none() | st.sampled_from(["x", "y"])
row = st.tuples(
    st.sampled_from("12"), st.sampled_from("34"), st.sampled_from("uv"), words, st.none(), st.none()
)
bare_row = st.tuples(st.sampled_from("12"), st.sampled_from("34"), st.sampled_from("uv"))


@given(rows=st.lists(row, max_size=12), bare=st.lists(bare_row, max_size=6))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_as_plain_python_does_it(
    rows: list[Row], bare: list[tuple[str, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    said: dict[tuple[object, ...], set[str | None]] = {}
    for person, hour, fluid, organism, *_ in [*rows, *((*one, None) for one in bare)]:
        said.setdefault((person, int(hour), f"CULTURE//{fluid}"), set()).add(organism)
    expected: Counter[tuple[object, ...]] = Counter()
    for key, values in said.items():
        for value in values if values == {None} else values - {None}:
            expected[*key, None, value] += 1
    expected.update({(person, int(hour), "TAKEN", None, None) for person, hour, *_ in rows})
    if rows or bare:
        assert ingested(tmp_path_factory.mktemp("rows"), rows, bare) == expected


def test_visits_and_units_keep_events_apart(tmp_path: Path) -> None:
    rows = [
        {"person": "1", "visit": visit, "time": "2020-01-01 08:00:00", "dose": dose, "unit": unit}
        for visit, dose, unit in (
            ("7", "5", "mg"),
            ("8", "5", "mg"),
            ("7", "5", "g"),
            ("7", "5", "mg"),
            ("9", "", ""),
        )
    ]
    write_table(tmp_path / "a", "given", rows)
    spec = spec_of(
        "tables: {given: {subject: person, visit: visit, time: time, availability: at once, "
        "events: [{code: DRUG, number: dose, unit: '{unit}', once: moment}]}}"
    )
    ingest(tmp_path / "a", spec, tmp_path / "out", convert_units=False)
    found = [(e["visit_id"], e["numeric_value"], e["unit"]) for e in events_of(tmp_path / "out")]
    assert sorted(found, key=str) == [(7, 5.0, "g"), (7, 5.0, "mg"), (8, 5.0, "mg"), (9, None, None)]
    assert {e["time"] for e in events_of(tmp_path / "out")} == {dt.datetime(2020, 1, 1, 8)}


def test_another_word_is_refused() -> None:
    with pytest.raises(InputError, match="once"):
        spec_of(SPEC.replace("once: moment", "once: hour"))
