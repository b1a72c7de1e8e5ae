"""Whose each row of a table is, and when: subject, person, visit, t0, and the rows that are left out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from osler.base.errors import InputError
from osler.record.identifiers import integer_ids
from osler.record.mapping.attrition import KEPT, READ
from osler.record.mapping.attrition import LEFT_OUT as OUT
from osler.record.sources.table_read import LEFT_OUT, ROW
from osler.record.sources.table_spec import TableSpec
from osler.record.sources.table_time import declared_times, first_rows, undated_times

_ROWS, _CELLS = 5_000, 500_000  # of a shard, which is held in memory as events


@dataclass(frozen=True)
class Rows:
    """The rows that are kept, by shard.

    Attributes:
        frame: `_row, subject_id, group_id, visit_id, time, shard`, sorted by shard, then by row of the table.
        subjects: `subject_id, source_id, group_id`.
        complete: whether every row of the table is kept.
        attrition: one entry per step: step, reason, n_rows, n_subjects (lost by it, or there when rows are
            read or kept).
    """

    frame: pl.DataFrame
    subjects: pl.DataFrame
    complete: bool
    attrition: list[dict[str, Any]]


def place_rows(
    table: pl.LazyFrame, *, spec: TableSpec, valued: list[str], key: Callable[[], bytes], source: Path
) -> Rows:
    """Read the key columns of a table and say for each row whose it is and when.

    Args:
        table: the cleaned table (strings, null where missing, `_row`).
        spec: which columns are keys.
        valued: columns that become events; a row without a value in any of them is left out.
        key: gives the dataset's key; called only when ids have to be hashed.
        source: the table's file, for errors.

    Raises:
        InputError: two rows of a subject (or of a visit), a missing or contradicting key, a date that cannot
            be read, or no row left.
    """
    time = spec.time
    keys = [("subject", spec.subject), ("group", spec.group), ("visit", spec.visit)]
    named = [pl.col(column).alias(name) for name, column in keys if column is not None]
    if spec.subject is None:
        named.append((pl.col(ROW) + 1).cast(pl.String).alias("subject"))
    date = [pl.col(time.column).alias("date")] if time else []
    rule = [LEFT_OUT] if spec.leave_out else []
    empty = pl.all_horizontal(pl.col(valued).is_null()) if valued else pl.lit(value=True)
    frame = table.select(ROW, *named, *date, *rule, empty=empty).collect(engine="streaming")
    attrition: list[dict[str, Any]] = [_step(READ, "rows of the table", frame.height, frame)]

    def leave_out(rows: pl.DataFrame, keep: pl.Expr, reason: str, *, always: bool = False) -> pl.DataFrame:
        kept = rows.filter(keep)
        gone = rows.height - kept.height
        if gone or always:
            lost = _subjects(rows) - _subjects(kept)
            attrition.append({"step": OUT, "reason": reason, "n_rows": gone, "n_subjects": lost})
        return kept

    for number, one in enumerate(spec.leave_out):
        # Said also of no row, so that a condition that never holds is seen.
        frame = leave_out(frame, pl.col(LEFT_OUT).ne_missing(number), one.reason, always=True)
    frame = leave_out(frame, pl.col("subject").is_not_null(), f"no subject in column {spec.subject}")
    frame = leave_out(frame, ~pl.col("empty"), "no value in any column")
    if time:
        frame = leave_out(frame, pl.col("date").is_not_null(), f"no date in column {time.column}")
    if frame.is_empty():
        raise InputError(
            "no row of the table is left",
            where=source,
            count=int(attrition[0]["n_rows"]),
            remedy="check `subject`, `time`, `missing` and `leave_out`; left out were "
            + ", ".join(f"{step['n_rows']:,} ({step['reason']})" for step in attrition[1:]),
        )
    attrition.append(_step(KEPT, "rows that made events", frame.height, frame))
    frame = _with_ids(frame, spec, key, source)
    frame = frame.with_columns(declared_times(frame, time, source) if time else undated_times(frame))
    frame = frame.join(_shards(frame, spec, len(valued)), on="subject_id", how="left", maintain_order="left")
    frame = frame.sort("shard", ROW).select(
        ROW, "subject_id", "group_id", "visit_id", "time", "shard", "subject"
    )
    subjects = frame.group_by("subject_id", maintain_order=True).agg(
        source_id=pl.col("subject").first(), group_id=pl.col("group_id").first()
    )
    complete = frame.height == attrition[0]["n_rows"]
    return Rows(frame=frame.drop("subject"), subjects=subjects, complete=complete, attrition=attrition)


def _shards(frame: pl.DataFrame, spec: TableSpec, n_columns: int) -> pl.DataFrame:
    """The shard of each subject, subjects in the order of their first row: `subject_id, shard`."""
    subjects = frame.group_by("subject_id", maintain_order=True).len()
    if spec.shard_subjects:
        shard = pl.int_range(pl.len()) // spec.shard_subjects
    else:
        rows = max(1, min(_ROWS, _CELLS // max(1, n_columns)))
        shard = ((pl.col("len").cum_sum() - pl.col("len")) // rows).rank("dense") - 1
    return subjects.select("subject_id", shard=shard.cast(pl.UInt32))


def _step(step: str, reason: str, count: int, rows: pl.DataFrame) -> dict[str, Any]:
    return {"step": step, "reason": reason, "n_rows": count, "n_subjects": _subjects(rows)}


def _subjects(rows: pl.DataFrame) -> int:
    return int(rows["subject"].drop_nulls().n_unique())


def _with_ids(frame: pl.DataFrame, spec: TableSpec, key: Callable[[], bytes], source: Path) -> pl.DataFrame:
    """Source ids as whole numbers, after checking that the keys fit together."""
    if spec.visit is None:
        twice = frame["subject"].is_duplicated()
        if twice.any():
            raise InputError(
                f"subjects have more than one row ({first_rows(frame.filter(twice))})",
                where=f"{source}, column {spec.subject}",
                count=frame.filter(twice)["subject"].n_unique(),
                remedy="name the column of visits in `visit`, or keep one row per subject",
            )
    else:
        _require_complete(frame, "visit", spec.visit, source)
        twice = frame.select(pl.struct("subject", "visit").is_duplicated()).to_series()
        if twice.any():
            raise InputError(
                f"visits have more than one row ({first_rows(frame.filter(twice))})",
                where=f"{source}, columns {spec.subject} and {spec.visit}",
                count=frame.filter(twice).select("subject", "visit").n_unique(),
                remedy="keep one row per visit",
            )
    frame = _join_ids(frame, "subject", "subject_id", key)
    if spec.visit is None:
        frame = frame.with_columns(visit_id=pl.lit(None, dtype=pl.Int64))
    else:
        frame = _join_ids(frame, "visit", "visit_id", key)
    if spec.group is None:
        return frame.with_columns(group_id="subject_id")
    _require_complete(frame, "group", spec.group, source)
    several = frame.group_by("subject_id").agg(pl.col("group").n_unique()).filter(pl.col("group") > 1)
    if several.height:
        raise InputError(
            "subjects belong to more than one person",
            where=f"{source}, column {spec.group}",
            count=several.height,
            remedy="one subject is one person; check `subject` and `group`",
        )
    return _join_ids(frame, "group", "group_id", key)


def _join_ids(frame: pl.DataFrame, name: str, target: str, key: Callable[[], bytes]) -> pl.DataFrame:
    source_ids = frame[name]
    numbers = source_ids.cast(pl.Int64, strict=False).null_count() == 0
    ids = integer_ids(source_ids, key=b"" if numbers else key())
    ids = ids.rename({"source_id": name, "id": target})
    return frame.join(ids, on=name, how="left", maintain_order="left")


def _require_complete(frame: pl.DataFrame, name: str, column: str, source: Path) -> None:
    missing = frame[name].null_count()
    if missing:
        raise InputError(
            f"rows without a {name} ({first_rows(frame.filter(pl.col(name).is_null()))})",
            where=f"{source}, column {column}",
            count=missing,
            remedy=f"fill the column, or leave `{name}` out of the spec",
        )
