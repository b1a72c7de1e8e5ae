"""Pairing of admissions and discharges against plain Python, instant by instant."""

from datetime import datetime
from typing import Any

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st
from meds_folder import ADMISSION, DISCHARGE, SCHEMA, event
from stay_oracle import stays_of

from osler.task.stays import hospital_stays

one_subject = st.lists(
    st.builds(
        lambda hours, code, visit: event(1, hours, code, visit=visit),
        st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.0]),
        st.sampled_from([ADMISSION, DISCHARGE]),
        st.sampled_from([None, None, None, 1, 2]),
    ),
    max_size=9,
)


@settings(max_examples=300, deadline=None)
@given(rows=one_subject, merge_hours=st.sampled_from([None, 0.0, 1.0]))
@example([event(1, 0, ADMISSION), event(1, 1, DISCHARGE), event(1, 1, ADMISSION)], None)
@example([event(1, 1, ADMISSION), event(1, 1, DISCHARGE), event(1, 2, DISCHARGE)], None)
@example([event(1, 0, ADMISSION), event(1, 0, DISCHARGE)], None)
def test_equals_plain_python(rows: list[Any], merge_hours: float | None) -> None:
    events = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    found = hospital_stays(events, admission=ADMISSION, discharge=DISCHARGE, merge_hours=merge_hours)
    expected, orphans = stays_of(rows, merge_hours=merge_hours)
    told = found.frame.select("subject_id", "visit_id", "admitted", "discharged", "reason").rows()
    wanted = [(stay.subject, stay.visit, stay.admitted, stay.discharged, stay.reason) for stay in expected]

    def order(row: tuple[Any, ...]) -> tuple[datetime, str]:
        return row[2], repr(row)

    assert sorted(told, key=order) == sorted(wanted, key=order)
    assert found.orphans.height == orphans
