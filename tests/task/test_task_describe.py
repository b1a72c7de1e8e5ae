"""Table 1 against plain Python: latest values, levels, missing, standardised differences."""

import math
import statistics
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from meds_folder import ADMISSION, DEATH, DISCHARGE, event, write_dataset

from osler.task.describe import table_one
from osler.task.families.mortality import MortalitySettings
from osler.task.families.outcome import OutcomeSettings
from osler.task.label import make_labels

GROUPS = {"groups": {"sex": {"prefix": "GENDER//", "values": {"F": "female"}}}}


def cohort() -> list[Any]:
    rows = []
    for subject in range(1, 13):
        dies = subject % 4 == 0
        rows += [
            event(subject, -24 * 365.25 * (20 + subject), "MEDS_BIRTH"),
            event(subject, None, f"GENDER//{'F' if subject % 3 else 'M'}"),
            event(subject, -100, ADMISSION, hospital="A"),
            event(subject, -90, DISCHARGE, hospital="A"),
            event(subject, 0, ADMISSION, hospital="B" if subject > 8 else "A"),
            event(subject, 1, "LAB//K", number=3.0),
            event(subject, 2, "LAB//K", number=3.0 + subject / 10),
            event(subject, 30, "LAB//K", number=99.0),  # after the prediction time
            *([event(subject, 3, "LAB//NA", number=130.0 + subject)] if subject % 2 else []),
            event(subject, 40, "LAB//LATE", number=1.0),
            *([event(subject, 60, DEATH)] if dies else []),
            event(subject, 60, DISCHARGE),
        ]
    return rows


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    folder = tmp_path_factory.mktemp("table")
    dataset = write_dataset(folder / "d", cohort(), shards=2, osler=GROUPS)
    task = MortalitySettings()
    labels = make_labels(dataset, folder / "l", settings=task)
    # The first stay is too short, so each subject has one sample, 24 h after the second admission.
    assert labels.frame.height == 12
    return table_one(dataset, labels)


def one(
    table: pl.DataFrame, variable: str, group: str = "overall", level: str | None = None
) -> dict[str, Any]:
    found = table.filter((pl.col("variable") == variable) & (pl.col("group") == group))
    if level is not None:
        found = found.filter(pl.col("level") == level)
    return found.row(0, named=True)


def test_numbers(table: pl.DataFrame) -> None:
    age = one(table, "age (years)")
    assert age["n"] == 12
    assert age["value"] == pytest.approx(26.5 + 1 / 365.25, abs=1e-6)
    latest = {subject: 3.0 + subject / 10 for subject in range(1, 13)}
    potassium = one(table, "LAB K")
    assert potassium["value"] == pytest.approx(statistics.median(latest.values()))
    died = [value for subject, value in latest.items() if subject % 4 == 0]
    lived = [value for subject, value in latest.items() if subject % 4]
    spread = math.sqrt((statistics.variance(died) + statistics.variance(lived)) / 2)
    assert potassium["smd"] == pytest.approx(
        (statistics.mean(died) - statistics.mean(lived)) / spread, rel=1e-5
    )
    assert one(table, "LAB K", "positive")["n"] == 3
    assert one(table, "LAB K", "positive")["smd"] is None
    sodium = one(table, "LAB NA", "negative")
    assert (sodium["n"], sodium["n_missing"]) == (6, 3)
    assert one(table, "hospital admissions")["value"] == 2
    # Sex, two admissions, a discharge and two or three values; birth is no event of the record.
    assert (one(table, "events in the record")["low"], one(table, "events in the record")["high"]) == (6, 7)


def test_levels(table: pl.DataFrame) -> None:
    female = one(table, "sex", level="female")
    assert (female["n"], female["value"]) == (8, pytest.approx(8 / 12))
    p, q = 2 / 3, 6 / 9
    assert female["smd"] == pytest.approx((p - q) / math.sqrt((p * (1 - p) + q * (1 - q)) / 2), abs=1e-12)
    assert one(table, "site", "overall", "B")["n"] == 4


def test_values_after_the_prediction_time_are_not_shown(table: pl.DataFrame) -> None:
    assert "LAB LATE" not in set(table.filter(pl.col("n") > 0)["variable"])
    assert table.filter(pl.col("variable") == "LAB K")["high"].max() < 99


def test_tables_show_their_baseline_columns(tmp_path: Path) -> None:
    roles = {
        "COL//hr": "baseline",
        "COL//cough": "baseline",
        "COL//abx": "intervention",
        "COL//died": "outcome",
    }
    rows = []
    for subject in range(20):
        rows += [event(subject, 0, "COL//hr", number=60.0 + subject)] if subject else []
        rows += [event(subject, 0, "COL//cough", text="Checked" if subject % 2 else "Unchecked")]
        rows += [event(subject, 12, "COL//abx", text="yes")]
        rows += [event(subject, 12, "COL//died", text="yes" if subject < 5 else "no")]
    dataset = write_dataset(tmp_path / "d", rows, codes=roles, osler={"undated": True})
    book = dataset.codes.with_columns(
        pl.when(pl.col("code") == "COL//hr").then(pl.lit("numeric")).otherwise(pl.lit("flag")).alias("kind")
    )
    book.write_parquet(tmp_path / "d" / "metadata" / "codes.parquet")
    del dataset.__dict__["codes"]
    labels = make_labels(dataset, tmp_path / "l", settings=OutcomeSettings(column="died"))
    found = table_one(dataset, labels)
    assert list(dict.fromkeys(found["code"].drop_nulls())) == ["COL//hr", "COL//cough"]
    assert one(found, "COL hr")["n_missing"] == 1
    assert one(found, "COL hr")["kind"] == "numeric"
    assert one(found, "COL cough", level="Checked")["n"] == 10
    assert table_one(dataset, labels, columns=1)["code"].drop_nulls().unique().to_list() == ["COL//hr"]


def test_many_levels_are_counted_together(tmp_path: Path) -> None:
    rows = []
    for subject in range(40):
        site = f"s{subject % 20:02d}" if subject >= 20 else "s00"
        rows += [event(subject, 0, ADMISSION, hospital=site), event(subject, 50, DISCHARGE, hospital=site)]
        rows += [event(subject, 49, DEATH)] if subject % 2 else []
    dataset = write_dataset(tmp_path / "d", rows)
    labels = make_labels(dataset, tmp_path / "l", settings=MortalitySettings())
    sites = table_one(dataset, labels).filter((pl.col("variable") == "site") & (pl.col("group") == "overall"))
    assert sites.height == 12
    assert sites["level"][0] == "s00"
    assert sites["level"][-1] == "other levels (9)"
    assert sites["n"].sum() == 40


def test_events_after_the_prediction_time_change_nothing(table: pl.DataFrame, tmp_path: Path) -> None:
    later = [
        row
        for subject in range(1, 13)
        for row in (
            event(subject, 25, "LAB//NEW", number=1.0),
            event(subject, 26, "LAB//NA", number=2.0),
            event(subject, 27, "GENDER//X"),
            event(subject, 28, "LAB//NEW2", hospital="C", number=1.0),
        )
    ]
    dataset = write_dataset(tmp_path / "d", [*cohort(), *later], shards=2, osler=GROUPS)
    labels = make_labels(dataset, tmp_path / "l", settings=MortalitySettings())
    assert table_one(dataset, labels).equals(table)


def test_a_birth_after_the_prediction_time_gives_no_age(tmp_path: Path) -> None:
    rows = [row for row in cohort() if row[2] != "MEDS_BIRTH" or row[0] < 12]
    dataset = write_dataset(tmp_path / "d", [*rows, event(12, 25, "MEDS_BIRTH")])
    age = one(
        table_one(dataset, make_labels(dataset, tmp_path / "l", settings=MortalitySettings())), "age (years)"
    )
    assert (age["n"], age["n_missing"]) == (11, 1)
    assert age["low"] > 20
