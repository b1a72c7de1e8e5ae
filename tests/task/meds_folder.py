"""Small MEDS datasets for the tests of tasks: rows in plain Python, written as a folder."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import strategies as st

from osler.record.dataset import Dataset, open_dataset

START = datetime(2020, 1, 1)
SCHEMA = {
    "subject_id": pl.Int64,
    "time": pl.Datetime("us"),
    "code": pl.String,
    "numeric_value": pl.Float32,
    "text_value": pl.String,
    "visit_id": pl.Int64,
    "hospital": pl.String,
    "ward": pl.String,
}
ADMISSION, DISCHARGE, DEATH = "HOSPITAL_ADMISSION", "HOSPITAL_DISCHARGE", "MEDS_DEATH"


def at(hours: float | None) -> datetime | None:
    """A time so many hours after the start."""
    return None if hours is None else START + timedelta(hours=hours)


def event(
    subject: int,
    hours: float | None,
    code: str,
    *,
    number: float | None = None,
    text: str | None = None,
    visit: int | None = None,
    hospital: str | None = None,
    ward: str | None = None,
) -> tuple[Any, ...]:
    """One row; the time in hours after the start."""
    return (subject, at(hours), code, number, text, visit, hospital, ward)


def write_dataset(
    folder: Path,
    rows: Sequence[tuple[Any, ...]],
    *,
    shards: int = 1,
    codes: dict[str, str] | None = None,
    osler: dict[str, Any] | None = None,
    group_ids: dict[int, int] | None = None,
    splits: dict[int, str] | None = None,
) -> Dataset:
    """Write rows as a MEDS dataset, subjects dealt to shards, and open it.

    Args:
        folder: an empty folder.
        rows: rows of `event`.
        shards: number of shards.
        codes: code -> role, the code book.
        osler: Osler's block of dataset.json.
        group_ids: subject -> person.
        splits: subject -> split.
    """
    (folder / "data").mkdir(parents=True)
    (folder / "metadata").mkdir()
    frame = pl.DataFrame(list(rows), schema=SCHEMA, orient="row")
    for shard in range(shards):
        part = frame.filter(pl.col("subject_id") % shards == shard)
        part.sort("subject_id", "time", nulls_last=False).write_parquet(folder / "data" / f"{shard}.parquet")
    metadata = {"dataset_name": "test", "site_id_columns": ["hospital"], "osler": osler or {}}
    (folder / "metadata" / "dataset.json").write_text(json.dumps(metadata))
    if codes:
        book = pl.DataFrame({"code": list(codes), "role": list(codes.values())})
        book.write_parquet(folder / "metadata" / "codes.parquet")
    if group_ids:
        people = pl.DataFrame({"subject_id": list(group_ids), "group_id": list(group_ids.values())})
        people.write_parquet(folder / "metadata" / "subjects.parquet")
    if splits:
        sides = pl.DataFrame({"subject_id": list(splits), "split": list(splits.values())})
        sides.write_parquet(folder / "metadata" / "subject_splits.parquet")
    return open_dataset(folder)


# Few distinct times, so that ties are the rule: at the landmark, between discharge and admission, with the
# death.
times = st.sampled_from([None, 0.0, 0.0, 5.0, 10.0, 10.0, 24.0, 29.0, 34.0, 34.0, 48.0, 770.0])
rows_of_stays = st.lists(
    st.builds(
        lambda subject, hours, code, visit, hospital: event(
            subject, hours, code, visit=visit, hospital=hospital
        ),
        st.integers(1, 2),
        times,
        st.sampled_from(
            [
                ADMISSION,
                ADMISSION,
                f"{ADMISSION}//ED",
                DISCHARGE,
                DISCHARGE,
                f"{DISCHARGE}//HOME",
                DEATH,
                "LAB//K",
            ]
        ),
        st.sampled_from([None, None, None, 1, 2]),
        st.sampled_from([None, "A", "B", ""]),
    ),
    min_size=3,
    max_size=16,
)
