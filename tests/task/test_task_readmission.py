"""Readmission against plain Python, the choices of death and censoring, and the edges of the window."""

import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meds_folder import ADMISSION, DEATH, DISCHARGE, START, event, rows_of_stays, write_dataset
from stay_oracle import death_of, is_code, stays_of

from osler.base.errors import InputError
from osler.task.families import readmission
from osler.task.families.readmission import ReadmissionSettings
from osler.task.label import make_labels, parse_task

ALWAYS = [event(9, 0, ADMISSION), event(9, 30, DISCHARGE), event(9, 2000, "LAB//K")]
tasks = st.builds(
    ReadmissionSettings,
    censoring=st.sampled_from(["drop", "negative"]),
    follow_up=st.sampled_from(["record", "dataset"]),
    death=st.sampled_from(["negative", "composite", "exclude"]),
    merge_hours=st.sampled_from([None, 0.0, 5.0]),
    horizon_days=st.sampled_from([1, 30]),
)


def record_end(rows: list[Any]) -> datetime | None:
    return max((row[1] for row in rows if row[1] is not None and not is_code(row[2], DEATH)), default=None)


def oracle(rows: list[Any], task: ReadmissionSettings) -> list[tuple[Any, ...]]:
    stays, _ = stays_of(rows, merge_hours=task.merge_hours)
    found = []
    for stay in stays:
        has_death, death = death_of(rows, stay.subject)
        if stay.discharged is None or stay.reason is not None:
            reason = stay.reason or readmission.OPEN
            found.append((stay.subject, stay.visit, reason, None))
            continue
        others = [
            other.admitted
            for other in stays
            if other.subject == stay.subject
            and other.admitted is not None
            and stay.admitted is not None
            and other.admitted > stay.admitted
            and other.reason != "continues the stay before (transfer)"
        ]
        back = min(others, default=None)
        time = stay.discharged.replace(hour=23, minute=59, second=0, microsecond=0)
        opens, closes = time + timedelta(minutes=1), time + timedelta(days=task.horizon_days)
        if death is not None and death <= stay.discharged:
            reason = readmission.DIED_INSIDE
        elif death is not None and death <= time:
            reason = readmission.DIED_THAT_DAY
        elif back is not None and back <= opens:
            reason = readmission.BACK
        elif has_death and death is None:
            reason = readmission.DEATH_UNTIMED
        else:
            reason = None
        readmitted = back is not None and opens < back <= closes and (death is None or back <= death)
        died = death is not None and death <= closes and not readmitted
        mine = [row for row in rows if row[0] == stay.subject] if task.follow_up == "record" else rows
        end = record_end(mine)
        lost = not readmitted and not died and (end is None or end < closes)
        if reason is None and died and task.death == "exclude":
            reason = readmission.DIED_IN_WINDOW
        if reason is None and lost and task.censoring == "drop":
            reason = readmission.CENSORED
        label = readmitted or (died and task.death == "composite") if reason is None else None
        found.append((stay.subject, stay.visit, reason, label))
    return sorted(found, key=repr)


def drawn(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    rows = frame.select("subject_id", "visit_id", "reason", "boolean_value").rows()
    return sorted([(*row[:3], None if row[2] is not None else row[3]) for row in rows], key=repr)


@settings(max_examples=100, deadline=None)
@given(rows=rows_of_stays, task=tasks, shards=st.integers(1, 2))
def test_equals_plain_python(rows: list[Any], task: ReadmissionSettings, shards: int) -> None:
    rows = [*rows, *ALWAYS]
    with tempfile.TemporaryDirectory() as folder:
        result = readmission.draw(write_dataset(Path(folder), rows, shards=shards), task)
    assert drawn(result.frame) == oracle(rows, task)
    kept = result.frame.filter(pl.col("reason").is_null())
    assert result.sensitivity is not None
    chosen = result.sensitivity.filter("chosen").row(0, named=True)
    assert (chosen["n"], chosen["n_events"]) == (kept.height, int(kept["boolean_value"].sum()))
    assert kept.filter(pl.col("prediction_time") < pl.col("discharged")).height <= kept.height


@settings(max_examples=25, deadline=None)
@given(rows=rows_of_stays)
def test_the_sensitivity_table_is_what_each_choice_gives(rows: list[Any]) -> None:
    rows = [*rows, *ALWAYS]
    with tempfile.TemporaryDirectory() as folder:
        dataset = write_dataset(Path(folder), rows)
        table = readmission.draw(dataset, ReadmissionSettings()).sensitivity
    assert table is not None
    assert table.height == 9
    for row in table.iter_rows(named=True):
        task = ReadmissionSettings(
            censoring=row["censoring"], follow_up=row["follow_up"] or "record", death=row["death"]
        )
        labels = [label for *_, reason, label in oracle(rows, task) if reason is None]
        assert (row["n"], row["n_events"]) == (len(labels), sum(labels))


def test_edges_of_the_window(tmp_path: Path) -> None:
    """Discharged at 10:00 of the first day, so predicted at 23:59: the window is hours (24, 23:59 + 720]."""
    back = {1: 24.0, 2: 24.0 + 1 / 3600, 3: 720 + 23 + 59 / 60, 4: 720 + 24.0, 5: 12.0}
    rows = []
    for subject, hours in back.items():
        rows += [
            event(subject, 0, ADMISSION),
            event(subject, 10, DISCHARGE),
            event(subject, hours, ADMISSION),
        ]
        rows += [event(subject, hours + 1, DISCHARGE), event(subject, 3000, "LAB//K")]
    result = readmission.draw(write_dataset(tmp_path, rows), ReadmissionSettings())
    index = result.frame.filter(pl.col("admitted") == START)
    assert dict(index.select("subject_id", "reason").rows()) == {
        1: readmission.BACK,
        2: None,
        3: None,
        4: None,
        5: readmission.BACK,
    }
    labels = dict(index.filter(pl.col("reason").is_null()).select("subject_id", "boolean_value").rows())
    assert labels == {2: True, 3: True, 4: False}
    assert set(index["prediction_time"].dt.to_string("%H:%M:%S")) == {"23:59:00"}


def test_transfers_continue_the_stay(tmp_path: Path) -> None:
    rows = [
        *(event(1, 0, ADMISSION), event(1, 10, DISCHARGE), event(1, 34, ADMISSION), event(1, 60, DISCHARGE)),
        event(1, 3000, "LAB//K"),
    ]
    dataset = write_dataset(tmp_path, rows)
    apart = readmission.draw(dataset, ReadmissionSettings())
    assert apart.frame.filter(pl.col("reason").is_null())["boolean_value"].to_list() == [True, False]
    assert {text: part.height for text, part in apart.noted}[
        "readmissions within 24 h of the discharge (may be transfers)"
    ] == 1
    joined = readmission.draw(dataset, ReadmissionSettings(merge_hours=24))
    kept = joined.frame.filter(pl.col("reason").is_null())
    assert kept["boolean_value"].to_list() == [False]
    assert "24 h" in joined.description.cohort


def test_files_and_warning(tmp_path: Path) -> None:
    rows = [*ALWAYS]
    for subject in range(20, 24):
        rows += [event(subject, 0, ADMISSION), event(subject, 10, DISCHARGE)]
    dataset = write_dataset(tmp_path / "d", rows)
    labels = make_labels(dataset, tmp_path / "l", settings=ReadmissionSettings(follow_up="record"))
    assert labels.frame.height == 1
    assert "4 discharges were dropped" in labels.task["warnings"][0]
    assert pl.read_parquet(tmp_path / "l" / "sensitivity.parquet").height == 9
    assert set(labels.task["description"]) == {
        "cohort", "prediction_time", "window", "label", "exclusions", "why"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"), [("censoring", "ipcw"), ("death", "competing"), ("death", "maybe")]
)
def test_what_is_not_built_is_refused(key: str, value: str) -> None:
    with pytest.raises(InputError, match=key):
        parse_task({"use": "readmission", key: value}, where="the task")


def test_undated_datasets_are_refused(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", ALWAYS, osler={"undated": True})
    with pytest.raises(InputError, match="days"):
        make_labels(dataset, tmp_path / "l", settings=ReadmissionSettings())
