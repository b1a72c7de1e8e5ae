"""Sites and groups of samples against plain Python: ties, facts without time, values that come too late."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meds_folder import START, event, write_dataset

from osler.base.errors import InputError
from osler.task.groups import groups_of
from osler.task.samples import sample_table
from osler.task.sites import sites_of

rows_of_facts = st.lists(
    st.builds(
        lambda subject, hours, code, number, text, hospital, ward: event(
            subject, hours, code, number=number, text=text, hospital=hospital, ward=ward
        ),
        st.integers(1, 3),
        st.sampled_from([None, 0.0, 1.0, 2.0]),
        st.sampled_from(["GENDER//F", "GENDER//M", "GENDER//", "LAB//K", "RACE//X"]),
        st.sampled_from([None, 1.0, 2.5]),
        st.sampled_from([None, "a", "b"]),
        st.sampled_from([None, "A", "B", " "]),
        st.sampled_from([None, "w1", "w2"]),
    ),
    min_size=1,
    max_size=14,
)
GROUPS = {
    "sex": {"prefix": "GENDER//", "values": {"F": "female", "M": "male"}},
    "ward": {"column": "ward", "values": {"w1": "surgery"}},
}


def order(row: Any) -> tuple[Any, ...]:
    """The canonical order of two events of a subject, nulls first."""
    _, time, code, number, text, visit, *_ = row
    return (
        *(time is not None, time or START, code),
        *(number is not None, number or 0.0, text is not None, text or ""),
        *(visit is not None, visit or 0),
    )


def last(rows: list[Any], subject: int, time: Any, value: Any) -> Any:
    seen = [row for row in rows if row[0] == subject and (row[1] is None or row[1] <= time)]
    valued = [row for row in seen if value(row) is not None]
    return value(max(valued, key=order)) if valued else None


def sex(row: Any) -> str | None:
    if not row[2].startswith("GENDER//"):
        return None
    rest = row[2].removeprefix("GENDER//")
    number = None if row[3] is None else ("1" if row[3] == 1 else str(row[3]))
    return rest or row[4] or number


@settings(max_examples=80, deadline=None)
@given(rows=rows_of_facts, shards=st.integers(1, 2))
def test_equals_plain_python(rows: list[Any], shards: int) -> None:
    # Rows that tie in the canonical order but differ in the column asked for have no order to test.
    rows = list({(*order(row), row[0]): row for row in rows}.values())
    samples = pl.DataFrame(
        [(s, START + timedelta(hours=h)) for s in (2, 1, 3, 4) for h in (2, 0, -1, 1)],
        schema={"subject_id": pl.Int64, "prediction_time": pl.Datetime("us")},
        orient="row",
    )
    with tempfile.TemporaryDirectory() as folder:
        dataset = write_dataset(Path(folder), rows, shards=shards, osler={"groups": GROUPS})
        sites = sites_of(dataset, samples).to_list()
        groups = groups_of(dataset, samples)
    for i, (subject, time) in enumerate(samples.rows()):
        site = last(rows, subject, time, lambda row: (row[6] or "").strip() or None)
        assert sites[i] == (site or "unknown")
        named = {"F": "female", "M": "male"}
        found = last(rows, subject, time, sex)
        assert groups["sex"][i] == named.get(found, found or "unknown")
        ward = last(rows, subject, time, lambda row: row[7])
        assert groups["ward"][i] == {"w1": "surgery"}.get(ward, ward or "unknown")


def test_persons_with_several_subjects(tmp_path: Path) -> None:
    rows = [event(1, 0, "LAB//K", visit=7), event(2, 0, "LAB//K")]
    dataset = write_dataset(tmp_path, rows, group_ids={1: 100})
    samples = pl.DataFrame({"subject_id": [2, 1], "prediction_time": [START, START], "visit_id": [None, 7]})
    table = sample_table(dataset, samples.with_columns(pl.col("visit_id").cast(pl.Int64)))
    assert table.columns == ["subject_id", "prediction_time", "group_id", "site", "visit_id"]
    assert table.select("subject_id", "group_id", "visit_id").rows() == [(2, 2, None), (1, 100, 7)]


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ({"prefix": "A//", "column": "b"}, "either"),
        ({}, "either"),
        ({"prefix": "A//", "colour": "b"}, "colour: unknown key"),
    ],
)
def test_declarations_that_cannot_be_read(tmp_path: Path, group: Any, message: str) -> None:
    dataset = write_dataset(tmp_path, [event(1, 0, "LAB//K")], osler={"groups": {"g": group}})
    samples = pl.DataFrame({"subject_id": [1], "prediction_time": [START]})
    with pytest.raises(InputError, match=message):
        groups_of(dataset, samples)


def test_names_of_groups_that_are_taken(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path, [event(1, 0, "LAB//K")], osler={"groups": {"site": {"column": "ward"}}})
    with pytest.raises(InputError, match="cannot be called 'site'"):
        groups_of(dataset, pl.DataFrame({"subject_id": [1], "prediction_time": [START]}))
