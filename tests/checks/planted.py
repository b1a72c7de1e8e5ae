"""A sound dataset, written as it is or with something changed in it."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from osler.record.splits import default_splits
from osler.record.write import write_events, write_metadata

START = dt.datetime(2020, 3, 1, 8, 15)
SUBJECTS = 60
HOUR = dt.timedelta(hours=1)
BOOK = {
    "MEDS_BIRTH": ("Birth", None),
    "MEDS_DEATH": ("Death", None),
    "GENDER//F": ("Sex: female", None),
    "GENDER//M": ("Sex: male", None),
    "HOSPITAL_ADMISSION//EMERGENCY": ("Emergency admission", None),
    "HOSPITAL_DISCHARGE//HOME": ("Discharge home", None),
    "ICD10CM//J18.9": ("Pneumonia, unspecified organism", None),
    "LAB//GLU": ("Glucose", "mg/dL"),
    "LAB//NA": ("Sodium", "mmol/L"),
    "LAB//FACTOR": ("Activity of factor VIII", "%"),
    "VITAL//HR": ("Heart rate", "/min"),
    "NOTE//progress": ("Progress note", None),
}


def sound_events(subjects: int = SUBJECTS, *, seed: int = 0) -> pl.DataFrame:
    """Events of some stays; one subject in ten dies, two hospitals, one note each."""
    random = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for subject in range(1, subjects + 1):
        start = START + dt.timedelta(days=subject)
        hospital = "north" if subject % 2 else "south"

        def add(
            code: str, time: dt.datetime | None, *, who: int = subject, site: str = hospital, **more: Any
        ) -> None:
            unit = BOOK[code][1]
            rows.append(
                {"subject_id": who, "time": time, "code": code, "unit": unit, "hospital": site, **more}
            )

        add("MEDS_BIRTH", dt.datetime(1950, 1, 1) + dt.timedelta(days=subject))
        add("GENDER//F" if subject % 3 else "GENDER//M", None)
        add("HOSPITAL_ADMISSION//EMERGENCY", start)
        for hour in range(1, 13):
            for code, mean, spread in (
                ("LAB//GLU", 120.0, 0.2),
                ("LAB//NA", 140.0, 0.02),
                ("LAB//FACTOR", 90.0, 0.25),
                ("VITAL//HR", 80.0, 0.15),
            ):
                value = round(float(mean * np.exp(spread * random.standard_normal())), 3)
                add(code, start + hour * HOUR, numeric_value=value)
        add("NOTE//progress", start + 5 * HOUR, text_value=f"Patient {subject} feels better.")
        add("HOSPITAL_DISCHARGE//HOME", start + 72 * HOUR)
        add("ICD10CM//J18.9", start + 72 * HOUR)
        if subject % 10 == 0:
            add("MEDS_DEATH", start + 96 * HOUR)
    types = {"numeric_value": pl.Float32, "text_value": pl.String, "time": pl.Datetime("us")}
    return pl.DataFrame(rows, schema_overrides=types, infer_schema_length=None)


def write_dataset(folder: Path, events: pl.DataFrame, **metadata: Any) -> Path:
    """Write events in two shards with all metadata; `metadata` replaces arguments of `write_metadata`."""
    half = events["subject_id"].max() // 2
    write_events(folder, "0", events.filter(pl.col("subject_id") <= half))
    write_events(folder, "1", events.filter(pl.col("subject_id") > half))
    subjects = events.select(pl.col("subject_id").unique().sort()).with_columns(group_id="subject_id")
    book = pl.DataFrame({"code": list(BOOK), "description": [words for words, _ in BOOK.values()]})
    given = {
        "name": "planted",
        "codes": book,
        "used": events["code"].drop_nulls().unique(),
        "splits": default_splits(subjects),
        "subjects": subjects,
        "site_columns": ("hospital",),
        "extension_columns": ("unit", "hospital"),
    }
    write_metadata(folder, **{**given, **metadata})
    return folder


def rewrite(path: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Change a Parquet file; a column whose type does not change keeps its Arrow type."""
    before, stored = pl.read_parquet(path), pq.read_schema(path)
    after = change(before)
    table = after.to_arrow()
    for place, name in enumerate(after.columns):
        if name in before.columns and before.schema[name] == after.schema[name]:
            table = table.set_column(place, name, table[name].cast(stored.field(name).type))
    pq.write_table(table, path)
