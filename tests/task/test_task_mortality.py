"""Death in hospital against plain Python, and what must not change with the future."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meds_folder import ADMISSION, DEATH, DISCHARGE, at, event, rows_of_stays, write_dataset
from stay_oracle import death_of, stays_of

from osler.base.errors import InputError
from osler.task.families import mortality
from osler.task.families.mortality import MortalitySettings
from osler.task.label import make_labels

ALWAYS = [event(9, 0, ADMISSION), event(9, 100, DISCHARGE), event(9, 90, DEATH)]
tasks = st.builds(
    MortalitySettings,
    after_hours=st.sampled_from([0.0, 5.0, 24.0]),
    admissions=st.sampled_from(["all", "first"]),
    tolerance_hours=st.sampled_from([0.0, 5.0, 24.0]),
    merge_hours=st.sampled_from([None, 0.0, 5.0]),
    death_ends_stay=st.booleans(),
)


def oracle(rows: list[Any], task: MortalitySettings) -> list[tuple[Any, ...]]:
    stays, _ = stays_of(rows, merge_hours=task.merge_hours)
    found = []
    for stay in stays:
        mine = [other for other in stays if other.subject == stay.subject and other.admitted is not None]
        has_death, death = death_of(rows, stay.subject)
        if stay.admitted is None:
            found.append((stay.subject, None, stay.visit, stay.reason, None))
            continue
        end = stay.discharged
        last = stay.admitted == max(other.admitted for other in mine)
        alone = sum(other.admitted == stay.admitted for other in mine) == 1
        if task.death_ends_stay and stay.reason is None and end is None and last and alone:
            end = death if death is not None and death >= stay.admitted else None
        time = stay.admitted + timedelta(hours=task.after_hours)
        own = [other.admitted for other in mine if other.reason is None]
        reason = stay.reason
        if reason is None and task.admissions == "first" and stay.admitted != min(own):
            reason = mortality.LATER
        if reason is None and death is not None and death <= time:
            reason = mortality.DIED
        if reason is None and end is not None and end <= time:
            reason = mortality.LEFT
        if reason is None and end is None:
            reason = mortality.OPEN_DIED if has_death else mortality.OPEN
        if reason is None and has_death and death is None:
            reason = mortality.DEATH_UNTIMED
        label = None
        if reason is None:
            label = (
                death is not None and end is not None and death <= end + timedelta(hours=task.tolerance_hours)
            )
        found.append((stay.subject, time, stay.visit, reason, label))
    return sorted(found, key=repr)


def drawn(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    rows = frame.select("subject_id", "prediction_time", "visit_id", "reason", "boolean_value").rows()
    return sorted([(*row[:4], None if row[3] is not None else row[4]) for row in rows], key=repr)


@settings(max_examples=80, deadline=None)
@given(rows=rows_of_stays, task=tasks, shards=st.integers(1, 2))
def test_equals_plain_python(rows: list[Any], task: MortalitySettings, shards: int) -> None:
    rows = [*rows, *ALWAYS]
    with tempfile.TemporaryDirectory() as folder:
        result = mortality.draw(write_dataset(Path(folder), rows, shards=shards), task)
    assert drawn(result.frame) == oracle(rows, task)
    assert {text: part.height for text, part in result.noted}["discharges without an admission"] == (
        stays_of(rows, merge_hours=task.merge_hours)[1]
    )


@settings(max_examples=30, deadline=None)
@given(rows=rows_of_stays, task=tasks)
def test_attrition_adds_up(rows: list[Any], task: MortalitySettings) -> None:
    with tempfile.TemporaryDirectory() as folder:
        dataset = write_dataset(Path(folder) / "d", [*rows, *ALWAYS])
        labels = make_labels(dataset, Path(folder) / "l", settings=task)
    counts = {
        step: labels.attrition.filter(pl.col("step") == step)["n_samples"].sum()
        for step in ("found", "excluded", "kept")
    }
    assert counts["found"] - counts["excluded"] == counts["kept"] == labels.frame.height
    keys = labels.frame.select("subject_id", "prediction_time")
    assert keys.equals(keys.unique().sort("subject_id", "prediction_time"))
    assert labels.samples.select("subject_id", "prediction_time").equals(keys)


@settings(max_examples=25, deadline=None)
@given(rows=rows_of_stays, later=rows_of_stays)
def test_the_future_changes_no_sample(rows: list[Any], later: list[Any]) -> None:
    """Other events after the prediction time: the same site and groups for every sample that is in both."""
    task = MortalitySettings(after_hours=5)
    groups = {"groups": {"ward": {"column": "ward"}, "lab": {"prefix": "LAB//"}}}
    future = [
        (1, None if row[1] is None else row[1] + timedelta(hours=2000), *row[2:]) for row in later if row[1]
    ]
    with tempfile.TemporaryDirectory() as folder:
        one = write_dataset(Path(folder) / "a", [*rows, *ALWAYS], osler=groups)
        two = write_dataset(Path(folder) / "b", [*rows, *ALWAYS, *future], osler=groups)
        before = make_labels(one, Path(folder) / "la", settings=task).samples
        after = make_labels(two, Path(folder) / "lb", settings=task).samples
    kept = after.join(
        before.select("subject_id", "prediction_time"), on=["subject_id", "prediction_time"], how="semi"
    )
    both = before.join(
        kept.select("subject_id", "prediction_time"), on=["subject_id", "prediction_time"], how="semi"
    )
    assert both.drop("visit_id").equals(kept.drop("visit_id"))


def test_edges(tmp_path: Path) -> None:
    rows = [
        *(event(1, 0, ADMISSION), event(1, 24, DISCHARGE)),  # leaves at the landmark itself
        *(event(2, 0, ADMISSION), event(2, 24, DEATH), event(2, 30, DISCHARGE)),  # dies at the landmark
        *(
            event(3, 0, ADMISSION),
            event(3, 30, DISCHARGE),
            event(3, 54, DEATH),
        ),  # at the end of the tolerance
        *(event(4, 0, ADMISSION), event(4, 30, DISCHARGE), event(4, 55, DEATH)),  # just after it
        *(event(5, 0, ADMISSION), event(5, 30, DISCHARGE)),
        *(event(6, 0, ADMISSION), event(6, 40, DEATH)),
        *(event(7, 0, ADMISSION),),
        *(event(8, 0, ADMISSION), event(8, 30, DISCHARGE), event(8, None, DEATH)),
    ]
    result = mortality.draw(write_dataset(tmp_path, rows), MortalitySettings())
    reasons = dict(result.frame.select("subject_id", "reason").rows())
    labels = dict(
        result.frame.filter(pl.col("reason").is_null()).select("subject_id", "boolean_value").rows()
    )
    assert reasons[1] == mortality.LEFT
    assert reasons[2] == mortality.DIED
    assert reasons[6] == mortality.OPEN_DIED
    assert reasons[7] == mortality.OPEN
    assert reasons[8] == mortality.DEATH_UNTIMED
    assert labels == {3: True, 4: False, 5: False}
    assert {text: part.height for text, part in result.noted}[
        "deaths after the discharge, within the tolerance"
    ] == 1
    ended = mortality.draw(write_dataset(tmp_path / "again", rows), MortalitySettings(death_ends_stay=True))
    assert ended.frame.filter((pl.col("subject_id") == 6) & pl.col("boolean_value")).height == 1


def test_prediction_time_is_exact(tmp_path: Path) -> None:
    rows = [event(1, 0.25, ADMISSION), event(1, 90, DISCHARGE), event(1, 80, DEATH)]
    labels = make_labels(
        write_dataset(tmp_path / "d", rows), tmp_path / "l", settings=MortalitySettings(after_hours=1.5)
    )
    assert labels.frame.row(0) == (1, at(1.75), True)
    assert labels.task["prevalence"] == 1
    assert "one class" in labels.task["warnings"][0]


@pytest.mark.parametrize("missing", [ADMISSION, DISCHARGE, DEATH])
def test_datasets_without_the_codes_are_refused(tmp_path: Path, missing: str) -> None:
    rows = [event(1, 0, "LAB//K"), *(row for row in ALWAYS if row[2] != missing)]
    with pytest.raises(InputError, match=missing):
        make_labels(write_dataset(tmp_path / "d", rows), tmp_path / "l", settings=MortalitySettings())


def test_undated_datasets_are_refused(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", ALWAYS, osler={"undated": True})
    with pytest.raises(InputError, match="no dates"):
        make_labels(dataset, tmp_path / "l", settings=MortalitySettings())


def test_empty_cohorts_are_refused_with_the_attrition(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", ALWAYS)
    with pytest.raises(InputError, match=f"{mortality.LEFT}|{mortality.DIED} 1"):
        make_labels(dataset, tmp_path / "l", settings=MortalitySettings(after_hours=1000))
