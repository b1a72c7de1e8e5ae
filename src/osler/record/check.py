"""Checking a MEDS dataset before it is used: what MEDS requires and every stage relies on.

One streamed pass over three columns of each shard; memory grows with the number of subjects, not of events.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.record.dataset import Dataset, Shard

BATCH_ROWS = 1_000_000


@dataclass(frozen=True)
class Problem:
    """Something in a dataset that MEDS does not allow.

    Attributes:
        what: what was found, in one sentence.
        file: the shard, or the folder when several shards are concerned.
        column: the column that it was found in.
        count: how many rows or subjects are concerned.
        remedy: what to do about it.
        subject_id: one of the subjects concerned, where there is one.
    """

    what: str
    file: Path
    column: str
    count: int
    remedy: str
    subject_id: int | None = None


def check_dataset(dataset: Dataset) -> None:
    """Refuse a dataset that breaks a rule of MEDS on which text, labels and counts rely.

    Args:
        dataset: an open dataset.

    Raises:
        InputError: a subject in two shards, rows of a subject apart from each other, times out of order
            within a subject, a null `subject_id` or `code`, a NaN or infinite `numeric_value`. The error
            names file, column, count and remedy of the first problem, and how many more there are.
    """
    problems = find_problems(dataset)
    if not problems:
        return
    first = problems[0]
    more = f" ({len(problems) - 1} more: run `osler doctor`)" if len(problems) > 1 else ""
    raise InputError(
        first.what + more,
        where=f"{first.file}, column {first.column}",
        count=first.count,
        remedy=first.remedy,
    )


def find_problems(dataset: Dataset) -> list[Problem]:
    """All problems that `check_dataset` looks for, shard by shard, then across shards.

    Args:
        dataset: an open dataset.

    Returns:
        One `Problem` per shard and rule that is broken; empty when all is well.
    """
    problems: list[Problem] = []
    starts: list[np.ndarray] = []
    for shard in dataset.shards:
        found, ids = _check_shard(shard)
        problems += found
        starts.append(np.unique(ids))
    return problems + _shared_subjects(dataset, starts)


def _check_shard(shard: Shard) -> tuple[list[Problem], np.ndarray]:
    """Problems of one shard, and the ids of its subjects (one per run of rows)."""
    counts = dict.fromkeys(("null_subject", "null_code", "unsorted", "not_finite"), 0)
    subjects: dict[str, int] = {}

    def count(rule: str, concerned: pl.Series) -> None:
        counts[rule] += concerned.len()
        if rule not in subjects and concerned.count():
            subjects[rule] = int(concerned.drop_nulls()[0])

    starts: list[np.ndarray] = []
    last: pl.DataFrame | None = None
    for batch in _batches(shard):
        ids = batch["subject_id"]
        count("null_subject", ids.filter(ids.is_null()))
        count("null_code", ids.filter(batch["code"].is_null()))
        count("not_finite", ids.filter(~batch["numeric_value"].is_finite()))
        keys = batch.select("subject_id", "time")
        joined = keys if last is None else pl.concat([last, keys])
        same = pl.col("subject_id").eq_missing(pl.col("subject_id").shift(1))
        earlier = pl.col("time") < pl.col("time").shift(1)
        null_late = pl.col("time").is_null() & pl.col("time").shift(1).is_not_null()
        marks = joined.select(
            "subject_id", same=same, unsorted=same & (earlier.fill_null(value=False) | null_late)
        )
        marks = marks.slice(0 if last is None else 1)
        if last is None and marks.height:
            # The first row of a shard has nothing before it, also when its subject is null.
            marks[0, "same"] = False
            marks[0, "unsorted"] = False
        count("unsorted", marks.filter("unsorted")["subject_id"])
        starts.append(marks.filter(~pl.col("same"))["subject_id"].drop_nulls().to_numpy())
        last = keys.tail(1)
    begun = np.concatenate(starts) if starts else np.empty(0, dtype=np.int64)
    distinct, times = np.unique(begun, return_counts=True)
    counts["apart"] = len(begun) - len(distinct)
    if counts["apart"]:
        subjects["apart"] = int(distinct[times > 1][0])
    found = [_problem(shard, rule, n, subjects.get(rule)) for rule, n in counts.items() if n]
    return found, begun


def _batches(shard: Shard) -> Iterator[pl.DataFrame]:
    import pyarrow.parquet as pq

    columns = [name for name in ("subject_id", "time", "code", "numeric_value") if name in shard.columns]
    with pq.ParquetFile(shard.path) as file:
        # A column without nulls need not be read: `code` is the widest one, and the footer tells.
        if not _may_have_nulls(file, "code"):
            columns.remove("code")
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=columns):
            frame = pl.DataFrame(pl.from_arrow(batch))
            yield frame.with_columns(
                pl.col("subject_id").cast(pl.Int64),
                pl.col("time").cast(pl.Datetime("us")),
                pl.lit("").alias("code") if "code" not in columns else pl.col("code"),
                pl.col("numeric_value").cast(pl.Float32)
                if "numeric_value" in columns
                else pl.lit(None, dtype=pl.Float32).alias("numeric_value"),
            )


def _may_have_nulls(file: "pq.ParquetFile", column: str) -> bool:  # type: ignore[name-defined]  # noqa: F821
    footer = file.metadata
    place = file.schema_arrow.names.index(column)
    for group in range(footer.num_row_groups):
        chunk = footer.row_group(group).column(place)
        facts = chunk.statistics
        if chunk.path_in_schema != column or facts is None or not facts.has_null_count or facts.null_count:
            return True
    return False


def _problem(shard: Shard, rule: str, count: int, subject: int | None) -> Problem:
    what, column, remedy = _RULES[rule]
    return Problem(what=what, file=shard.path, column=column, count=count, remedy=remedy, subject_id=subject)


_RULES = {
    "null_subject": (
        "rows without a subject_id",
        "subject_id",
        "give every row its subject, or leave it out",
    ),
    "null_code": ("rows without a code", "code", "give every row its code, or leave it out"),
    "apart": (
        "the rows of a subject are not together",
        "subject_id",
        "sort each shard by subject_id and time (null times first)",
    ),
    "unsorted": (
        "times are out of order within a subject",
        "time",
        "sort each shard by subject_id and time (null times first)",
    ),
    "not_finite": (
        "numeric values are NaN or infinite",
        "numeric_value",
        "write null where there is no value",
    ),
}


def _shared_subjects(dataset: Dataset, subjects: list[np.ndarray]) -> list[Problem]:
    every = np.concatenate(subjects) if subjects else np.empty(0, dtype=np.int64)
    ids, times = np.unique(every, return_counts=True)
    shared = ids[times > 1]
    if not len(shared):
        return []
    holders = [
        shard for shard, here in zip(dataset.shards, subjects, strict=True) if np.isin(shared[0], here)
    ]
    named = ", ".join(f"{shard.name}.parquet" for shard in holders[:3])
    return [
        Problem(
            what=f"subjects are in more than one shard (subject {shared[0]} in {named})",
            file=dataset.path,
            column="subject_id",
            count=len(shared),
            remedy="put all rows of a subject into one shard",
            subject_id=int(shared[0]),
        )
    ]
