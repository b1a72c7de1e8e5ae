"""A declared outcome column: rows, values, and what is refused."""

import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meds_folder import at, event, write_dataset

from osler.base.errors import InputError
from osler.record.schema import UNKNOWN
from osler.task.families.outcome import OutcomeSettings, label_values
from osler.task.label import make_labels

ROLES = {"COL//hr": "baseline", "COL//sex": "baseline", "COL//died": "outcome", "COL//abx": "intervention"}
UNDATED = {"undated": True}


def row(subject: int, day: int, died: Any, *, visit: int | None = None, baseline: bool = True) -> list[Any]:
    """One row of a table, as ingest writes it: baseline at t0, the outcome twelve hours later."""
    hours = 24.0 * day
    events = [event(subject, hours, "COL//hr", number=80, visit=visit)] if baseline else []
    if isinstance(died, str):
        events.append(event(subject, hours + 12, "COL//died", text=died, visit=visit))
    elif died is not None:
        events.append(event(subject, hours + 12, "COL//died", number=died, visit=visit))
    return events


def label(folder: Path, rows: list[Any], **values: Any) -> Any:
    dataset = write_dataset(folder / "d", rows, codes=ROLES, osler=UNDATED)
    return make_labels(dataset, folder / "l", settings=OutcomeSettings(column="died", **values))


tables = st.lists(
    st.tuples(
        st.integers(1, 5), st.integers(0, 3), st.sampled_from(["yes", "no", None, 1.0, 0.0]), st.booleans()
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda entry: entry[:2],
)


@settings(max_examples=40, deadline=None)
@given(table=tables, with_visits=st.booleans(), shards=st.integers(1, 2))
def test_equals_plain_python(table: list[Any], with_visits: bool, shards: int) -> None:
    rows = row(9, 0, "yes")
    expected = [(9, at(0), None, True)]
    for subject, day, died, baseline in table:
        visit = 10 * subject + day if with_visits else None
        rows += row(subject, day, died, visit=visit, baseline=baseline)
        if died is not None:
            expected.append((subject, at(24.0 * day), visit, died in ("yes", 1.0)))
    with tempfile.TemporaryDirectory() as folder:
        dataset = write_dataset(Path(folder) / "d", rows, shards=shards, codes=ROLES, osler=UNDATED)
        labels = make_labels(dataset, Path(folder) / "l", settings=OutcomeSettings(column="died"))
    joined = labels.samples.with_columns(labels.frame["boolean_value"])
    found = joined.select("subject_id", "prediction_time", "visit_id", "boolean_value").rows()
    assert found == sorted(expected, key=lambda entry: entry[:2])
    missing = labels.attrition.filter(pl.col("reason") == "outcome missing")["n_samples"].item()
    assert missing == sum(died is None and baseline for _, _, died, baseline in table)
    empty = labels.attrition.filter(pl.col("reason") == "rows without any baseline value")["n_samples"].item()
    assert empty == sum(died is not None and not baseline for _, _, died, baseline in table)


def test_values_that_need_the_word_of_the_user(tmp_path: Path) -> None:
    rows = [*row(1, 0, "1"), *row(2, 0, "2")]
    with pytest.raises(InputError, match=r"1 \(1 rows\), 2 \(1 rows\)") as error:
        label(tmp_path, rows)
    assert "positive" in str(error.value)
    labels = label(tmp_path / "again", rows, positive=2)
    assert labels.frame["boolean_value"].to_list() == [False, True]
    assert labels.task["values"] == {"1": False, "2": True}
    assert labels.task["description"]["label"] == "died is 2"


def test_classes_and_counts_are_not_supported_yet(tmp_path: Path) -> None:
    rows = [*row(1, 0, "<30"), *row(2, 0, ">30"), *row(3, 0, "NO")]
    with pytest.raises(InputError, match="not supported yet"):
        label(tmp_path, rows)
    labels = label(tmp_path / "again", rows, positive="<30")
    assert labels.frame["boolean_value"].to_list() == [True, False, False]


@pytest.mark.parametrize(
    ("values", "positive", "missing", "expected"),
    [
        (["Yes", " no"], None, (), [True, False]),
        (["1", "0", "1.0"], None, (), [True, False, True]),
        (["True", "false"], None, (), [True, False]),
        (["Died", "Alive"], None, (), [True, False]),
        (["Yes", "No"], True, (), [True, False]),
        (["Yes", "No"], False, (), [False, True]),
        (["Yes", "No", "unknown"], None, ("Unknown",), [True, False, None]),
        (["3", "1", "2"], (2, 3), (), [True, False, True]),
        (["0"], None, (), [False]),
    ],
)
def test_spellings(values: list[str], positive: Any, missing: Any, expected: list[bool | None]) -> None:
    task = OutcomeSettings(column="x", positive=positive, missing=missing)
    assert list(label_values(dict.fromkeys(values, 1), settings=task).values()) == expected


def test_a_positive_value_that_does_not_occur(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no row has one of the values"):
        label(tmp_path, row(1, 0, "no"), positive="Died")


def test_unknown_columns_name_the_declared_ones(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", row(1, 0, "yes"), codes=ROLES)
    with pytest.raises(InputError, match="allowed: died"):
        make_labels(dataset, tmp_path / "l", settings=OutcomeSettings(column="dead"))


def test_outcomes_without_a_time_would_leak(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without a time"):
        label(tmp_path, [*row(1, 0, "yes"), event(1, None, "COL//died", text="yes")])


def test_conflicting_labels_are_refused_and_identical_ones_collapse(tmp_path: Path) -> None:
    twice = [*row(1, 0, "yes", visit=1), *row(1, 0, "yes", visit=2), *row(2, 0, "no")]
    labels = label(tmp_path, twice)
    assert labels.frame.height == 2
    assert labels.attrition.filter(pl.col("reason") == "identical duplicates")["n_samples"].item() == 1
    with pytest.raises(InputError, match="conflicting") as error:
        label(tmp_path / "again", [*row(1, 0, "yes", visit=1), *row(1, 0, "no", visit=2)])
    assert "count: 1" in str(error.value)


def test_later_events_change_no_sample(tmp_path: Path) -> None:
    rows = [*row(1, 0, "yes"), *row(2, 0, "no")]
    later = [event(1, 11, "COL//abx", text="given", hospital="B"), event(2, 13, "COL//abx", hospital="C")]
    one = label(tmp_path / "a", rows)
    two = label(tmp_path / "b", rows + later)
    assert one.samples.equals(two.samples)
    assert set(one.samples["site"]) == {UNKNOWN}
