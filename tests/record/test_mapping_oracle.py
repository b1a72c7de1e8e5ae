"""A mapping against a second, plain implementation of what its spec says, on random tables of every kind."""

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mapping_support import check_conservation, events_of, ingest, spec_of, write_table

from osler.base.errors import InputError

SPEC = """
timezone: Europe/Paris
missing: [NA]
subjects: {table: people, id: person}
sites: {table: houses, id: house, name: name}
dictionaries:
  items: {file: items, key: item}
tables:
  people:
    required: true
    subject: person
    time: static
    availability: at once
    events:
      - {code: MEDS_BIRTH, time: born, section: demographics}
      - {code: "GENDER//{sex}", section: demographics}
  houses: {ignore: names of the sites}
  stays:
    subject: person
    visit: stay
    site: house
    time: came
    availability: at once
    events:
      - {code: "HOSPITAL_ADMISSION//{kind}", section: visits, where: kind <> 'day'}
      - {code: HOSPITAL_DISCHARGE, time: went, section: visits}
  labs:
    subject: person
    visit: stay
    midnight: date
    join: {stay: {table: stays, by: stay}}
    lookup: {item: {dictionary: items, by: item}}
    time: [taken, {origin: stay.came, minutes: after}]
    availability: stored
    leave_out:
      - {where: status = 'wrong', reason: entered in error}
    events:
      - code: ["LAB//{item.label}", "LAB//{item}"]
        value: value
        text: []
        unit: "{unit}"
        section: labs
"""

COLUMNS = {
    "people": ["person", "born", "sex"],
    "stays": ["stay", "person", "house", "kind", "came", "went"],
    "labs": ["person", "stay", "item", "taken", "after", "stored", "value", "unit", "status"],
    "items": ["item", "label"],
    "houses": ["house", "name"],
}
PARIS = ZoneInfo("Europe/Paris")
people = st.fixed_dictionaries(
    {
        "person": st.sampled_from(["1", "2", "3"]),
        "born": st.sampled_from(["1950-02-03", "1990-12-31 08:15:00", None]),
        "sex": st.sampled_from(["F", "M", " F ", "NA", None]),
    }
)
moments = st.sampled_from(
    [None, "NA", "2020-01-01", "2020-01-01 00:00:00", "2020-01-02T03:04:05", "2020-07-01T10:00:00Z",
     "2020-07-01 10:00:00.250+05:30", "2020-03-01 7:05"]
)  # fmt: skip
stays = st.fixed_dictionaries(
    {
        "stay": st.sampled_from(["10", "11", "12.0", "A9"]),
        "person": st.sampled_from(["1", "2.0", "9", None]),
        "house": st.sampled_from(["h1", "h2", "h3", None]),
        "kind": st.sampled_from(["urgent", "day", None]),
        "came": moments,
        "went": moments,
    }
)
labs = st.fixed_dictionaries(
    {
        "person": st.sampled_from(["1", "2", "3", "9", None]),
        "stay": st.sampled_from(["10", "12", "99", None]),
        "item": st.sampled_from(["7", "8", "9", None]),
        "taken": moments,
        "after": st.sampled_from([None, "90", "-30.5"]),
        "stored": moments,
        "value": st.sampled_from([None, "4.5", "-1e3", "high", "nan", "NA", "  7 "]),
        "unit": st.sampled_from([None, "mg/dL", "kg"]),
        "status": st.sampled_from([None, "ok", "wrong"]),
    }
)
ITEMS = [{"item": "7", "label": "Seven"}, {"item": "8", "label": None}]
HOUSES = [
    {"house": "h1", "name": "North"},
    {"house": "h2", "name": "South"},
    {"house": "h3", "name": "South"},
]


def cell(value: str | None) -> str | None:
    bare = None if value is None else value.strip(" ")
    return None if bare in (None, "", "NA") else bare


def identifier(value: str | None) -> str | None:
    bare = cell(value)
    return bare[:-2] if bare and bare.endswith(".0") and bare[:-2].isdigit() else bare


def moment(value: str | None, *, birth: bool = False, midnight_is_date: bool = False) -> dt.datetime | None:
    bare = cell(value)
    if bare is None:
        return None
    bare = bare.replace("T", " ").replace("Z", "+00:00").replace(" 7:05", " 07:05")
    time = dt.datetime.fromisoformat(bare)
    if time.tzinfo is not None:
        time = time.astimezone(PARIS).replace(tzinfo=None)
    date_only = len(bare) == 10 or (midnight_is_date and time.time() == dt.time(0))
    return time + dt.timedelta(hours=23, minutes=59) if date_only and not birth else time


def site(house: str | None) -> str | None:
    return {"h1": "North", "h2": "South (h2)", "h3": "South (h3)"}.get(house or "")


def oracle(tables: dict[str, list[dict[str, Any]]]) -> list[tuple[Any, ...]]:
    """(subject, time, code, number, text, visit, site) of every event, sorted."""
    known = {cell(row["person"]) for row in tables["people"]}
    found: list[tuple[Any, ...]] = []
    births: dict[int, dt.datetime] = {}
    for row in tables["people"]:
        subject, born, sex = int(row["person"]), moment(row["born"], birth=True), cell(row["sex"])
        if born is not None:
            births[subject] = min(born, births.get(subject, born))
        if sex is not None:
            found.append((subject, None, f"GENDER//{sex}", None, None, None, None))
    found += [(subject, born, "MEDS_BIRTH", None, None, None, None) for subject, born in births.items()]
    came: dict[str, dt.datetime | None] = {}
    for row in tables["stays"]:
        stay, person = identifier(row["stay"]), identifier(row["person"])
        came[str(stay)] = moment(row["came"])
        if person not in known:
            continue
        beside = (stay, site(cell(row["house"])))
        kind, start, end = cell(row["kind"]), moment(row["came"]), moment(row["went"])
        if kind not in (None, "day") and start is not None:
            found.append((int(person), start, f"HOSPITAL_ADMISSION//{kind}", None, None, *beside))
        if end is not None:
            found.append((int(person), end, "HOSPITAL_DISCHARGE", None, None, *beside))
    for row in tables["labs"]:
        person, item = identifier(row["person"]), identifier(row["item"])
        if cell(row["status"]) == "wrong" or person not in known or item is None:
            continue
        time = moment(row["taken"], midnight_is_date=True)
        start = came.get(str(identifier(row["stay"])))
        if time is None and cell(row["after"]) is not None and start is not None:
            time = start + dt.timedelta(minutes=float(row["after"]))
        if time is None:
            continue
        stored = moment(row["stored"], midnight_is_date=True)
        time = max(time, stored) if stored is not None else time
        label = {"7": "Seven"}.get(item, item)
        number, text = None, cell(row["value"])
        if text is not None and text not in ("high", "nan"):
            number, text = float(text), None
        found.append((int(person), time, f"LAB//{label}", number, text, identifier(row["stay"]), None))
    return sorted(found, key=lambda event: [(value is not None, str(value)) for value in event])


def numbered(events: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The same of a dataset; hashed visits are told apart from whole ones by a letter."""
    rows = [
        (
            event["subject_id"],
            event["time"],
            event["code"],
            event["numeric_value"],
            event["text_value"],
            None if event["visit_id"] is None else "A9" if event["visit_id"] > 99 else str(event["visit_id"]),
            event.get("site"),
        )
        for event in events
    ]
    return sorted(rows, key=lambda event: [(value is not None, str(value)) for value in event])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(people, min_size=1, max_size=4),
    st.lists(stays, max_size=4, unique_by=lambda row: identifier(row["stay"])),
    st.lists(labs, max_size=6),
    st.sampled_from(["csv", "csv.gz", "tsv", "parquet"]),
)
def test_events_are_those_of_a_plain_implementation(
    who: list[dict[str, Any]], visits: list[dict[str, Any]], values: list[dict[str, Any]], form: str
) -> None:
    tables = {"people": who, "stays": visits, "labs": values, "items": ITEMS, "houses": HOUSES}
    expected = oracle(tables)
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "source", Path(folder) / "out"
        for name, rows in tables.items():
            write_table(source, name, rows, columns=COLUMNS[name], form=form)
        if not expected:
            with pytest.raises(InputError, match="no row of the source made an event"):
                ingest(source, spec_of(SPEC), out)
            return
        ingest(source, spec_of(SPEC), out)
        assert numbered(events_of(out)) == expected
        check_conservation(out)
