"""Whose each row of a table is, and when: subject, person, visit, t0, and the rows that are left out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from osler.base.errors import InputError
from osler.record.identifiers import integer_ids
from osler.record.sources.table_read import ROW
from osler.record.sources.table_spec import TableSpec, TimeSettings

UNDATED_START = pl.datetime(2000, 1, 1)
_DATE = r"^\d{4}-\d{2}-\d{2}$"
_END_OF_DAY = pl.duration(hours=23, minutes=59)


@dataclass(frozen=True)
class Rows:
    """The rows that are kept, by shard.

    Attributes:
        frame: `_row, subject_id, group_id, visit_id, time, shard`, sorted by shard, then by row of the table.
        subjects: `subject_id, source_id, group_id`.
        attrition: one entry per step: step, reason, n_rows, n_subjects (left after the step).
    """

    frame: pl.DataFrame
    subjects: pl.DataFrame
    attrition: list[dict[str, object]]


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
    time = spec.time_settings
    keys = [("subject", spec.subject), ("group", spec.group), ("visit", spec.visit)]
    named = [pl.col(column).alias(name) for name, column in keys if column is not None]
    if spec.subject is None:
        named.append((pl.col(ROW) + 1).cast(pl.String).alias("subject"))
    date = [pl.col(time.column).alias("date")] if time else []
    empty = pl.all_horizontal(pl.col(valued).is_null()) if valued else pl.lit(value=True)
    frame = table.select(ROW, *named, *date, empty=empty).collect(engine="streaming")
    attrition: list[dict[str, object]] = []

    def leave_out(rows: pl.DataFrame, keep: pl.Expr, reason: str) -> pl.DataFrame:
        kept = rows.filter(keep)
        if kept.height < rows.height:
            attrition.append(_step("left out", reason, rows.height - kept.height, rows, kept))
        return kept

    attrition.append(_step("read", "rows of the table", frame.height, None, frame))
    frame = leave_out(frame, pl.col("subject").is_not_null(), f"no subject in column {spec.subject}")
    frame = leave_out(frame, ~pl.col("empty"), "no value in any column")
    if time:
        frame = leave_out(frame, pl.col("date").is_not_null(), f"no date in column {time.column}")
    if frame.is_empty():
        raise InputError(
            "no row of the table is left", where=source, remedy="check `subject`, `time` and `missing`"
        )
    attrition.append(_step("kept", "rows that became events", frame.height, None, frame))
    frame = _with_ids(frame, spec, key, source)
    frame = frame.with_columns(time=_dated(frame, time, source) if time else _undated(frame))
    order = frame.select(pl.col("subject_id").unique(maintain_order=True)).with_row_index("place")
    frame = frame.join(order, on="subject_id", how="left", maintain_order="left")
    frame = frame.with_columns(shard=pl.col("place") // spec.shard_subjects)
    frame = frame.sort("shard", ROW).select(
        ROW, "subject_id", "group_id", "visit_id", "time", "shard", "subject"
    )
    subjects = frame.group_by("subject_id", maintain_order=True).agg(
        source_id=pl.col("subject").first(), group_id=pl.col("group_id").first()
    )
    return Rows(frame=frame.drop("subject"), subjects=subjects, attrition=attrition)


def _step(
    step: str, reason: str, count: int, before: pl.DataFrame | None, after: pl.DataFrame
) -> dict[str, object]:
    left = after["subject"].drop_nulls().n_unique()
    lost = None if before is None else before["subject"].drop_nulls().n_unique() - left
    return {"step": step, "reason": reason, "n_rows": count, "n_subjects": left if lost is None else lost}


def _with_ids(frame: pl.DataFrame, spec: TableSpec, key: Callable[[], bytes], source: Path) -> pl.DataFrame:
    """Source ids as whole numbers, after checking that the keys fit together."""
    if spec.visit is None:
        twice = frame["subject"].is_duplicated()
        if twice.any():
            raise InputError(
                f"subjects have more than one row ({_first_rows(frame.filter(twice))})",
                where=f"{source}, column {spec.subject}",
                count=frame.filter(twice)["subject"].n_unique(),
                remedy="name the column of visits in `visit`, or keep one row per subject",
            )
    else:
        _require_complete(frame, "visit", spec.visit, source)
        twice = frame.select(pl.struct("subject", "visit").is_duplicated()).to_series()
        if twice.any():
            raise InputError(
                f"visits have more than one row ({_first_rows(frame.filter(twice))})",
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
            f"rows without a {name} ({_first_rows(frame.filter(pl.col(name).is_null()))})",
            where=f"{source}, column {column}",
            count=missing,
            remedy=f"fill the column, or leave `{name}` out of the spec",
        )


def _undated(frame: pl.DataFrame) -> pl.Expr:
    """2000-01-01 + (rank of the visit within its subject) days.

    Visits rank by their number, and where they have none by their order in the table.
    """
    numbers = "visit" in frame.columns and frame["visit"].cast(pl.Int64, strict=False).null_count() == 0
    by = pl.col("visit_id") if numbers else pl.col(ROW)
    rank = by.rank("ordinal").over("subject_id").cast(pl.Int64) - 1
    return UNDATED_START.cast(pl.Datetime("us")) + pl.duration(days=rank)


def _dated(frame: pl.DataFrame, time: TimeSettings, source: Path) -> pl.Expr:
    """The declared date; one without a time of day counts as 23:59, when all of that day is known."""
    text = pl.col("date")
    if time.format is not None:
        moment = text.str.to_datetime(time.format, strict=False, time_unit="us")
        day_only = pl.lit(not any(mark in time.format for mark in ("%H", "%I", "%T", "%R", "%X", "%c", "%s")))
    else:
        iso = text.str.replace("T", " ", literal=True)
        moment = pl.coalesce(
            iso.str.to_datetime(form, strict=False, time_unit="us")
            for form in ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")
        )
        day_only = text.str.contains(_DATE)
    wrong = frame.filter(moment.is_null())
    if wrong.height:
        raise InputError(
            f"dates that cannot be read ({_first_rows(wrong)})",
            where=f"{source}, column {time.column}",
            count=wrong.height,
            remedy="write dates as YYYY-MM-DD or YYYY-MM-DD HH:MM:SS, or give `time: {column, format}`",
        )
    return pl.when(day_only).then(moment + _END_OF_DAY).otherwise(moment)


def _first_rows(frame: pl.DataFrame) -> str:
    return "data rows " + ", ".join(str(row + 1) for row in frame[ROW].head(5))
