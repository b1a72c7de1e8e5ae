"""When each row of a table was: declared dates, or the order of visits where there are none.

A date says what was known when all of it was over: a day counts as 23:59 of that day, a month or a year as
23:59 of its last day.
"""

from pathlib import Path

import polars as pl

from osler.base.errors import InputError
from osler.record.sources.table_read import ROW
from osler.record.sources.table_settings import TimeSettings

UNDATED_START = pl.datetime(2000, 1, 1)
_DATE = r"^\d{4}-\d{2}-\d{2}$"
_END_OF_DAY = pl.duration(hours=23, minutes=59)
_ISO = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_HOURS = ("%H", "%I", "%T", "%R", "%X", "%c", "%s")
_WHOLE_DATES = ("%F", "%D", "%x", "%c", "%s", "%v")
_DAYS = ("%d", "%e", "%j", *_WHOLE_DATES)
_MONTHS = ("%m", "%b", "%B", "%h", *_DAYS)


def undated_times(frame: pl.DataFrame) -> pl.Series:
    """2000-01-01 + (rank of the visit within its subject) days.

    Visits rank by their number, and where they have none by their order in the table.

    Args:
        frame: `_row, subject_id`, and `visit, visit_id` where there are visits.
    """
    numbers = "visit" in frame.columns and frame["visit"].cast(pl.Int64, strict=False).null_count() == 0
    by = pl.col("visit_id") if numbers else pl.col(ROW)
    rank = by.rank("ordinal").over("subject_id").cast(pl.Int64) - 1
    return frame.select(time=UNDATED_START.cast(pl.Datetime("us")) + pl.duration(days=rank))["time"]


def declared_times(frame: pl.DataFrame, time: TimeSettings, source: Path) -> pl.Series:
    """The declared date of each row, at its end where it has no time of day.

    Args:
        frame: `_row, date` (text, not null).
        time: the column and how it is written.
        source: the table's file, for errors.

    Raises:
        InputError: dates that cannot be read.
    """
    made = frame.select(ROW, time=_moment(time))
    wrong = made.filter(pl.col("time").is_null())
    if wrong.height:
        raise InputError(
            f"dates that cannot be read ({first_rows(wrong)})",
            where=f"{source}, column {time.column}",
            count=wrong.height,
            remedy="write dates as YYYY-MM-DD or YYYY-MM-DD HH:MM:SS, or give `time: {column, format}`, with "
            "`months` where the months have names of another language",
        )
    return made["time"]


def first_rows(frame: pl.DataFrame) -> str:
    """The first rows of a frame, counted from 1 below the header."""
    return "data rows " + ", ".join(str(row + 1) for row in frame[ROW].head(5))


def _moment(time: TimeSettings) -> pl.Expr:
    text = pl.col("date")
    if time.format is None:
        iso = text.str.replace("T", " ", literal=True)
        moment = pl.coalesce(iso.str.to_datetime(form, strict=False, time_unit="us") for form in _ISO)
        return pl.when(text.str.contains(_DATE)).then(moment + _END_OF_DAY).otherwise(moment)
    form = time.format
    if time.months:
        # Longer names first, so that `sept` is not read as `sep` and a rest.
        numbers = {name: f"{place:02d}" for place, names in enumerate(time.months, 1) for name in names}
        names = sorted(numbers, key=len, reverse=True)
        text = text.str.replace_many(
            names, [numbers[name] for name in names], ascii_case_insensitive=True, leftmost=True
        )
        for mark in ("%b", "%B", "%h"):
            form = form.replace(mark, "%m")
    if any(mark in form for mark in _DAYS):
        moment = text.str.to_datetime(form, strict=False, time_unit="us")
        return moment if any(mark in form for mark in _HOURS) else moment + _END_OF_DAY
    rest = "-01" if any(mark in form for mark in _MONTHS) else "-12-01"
    moment = (text + rest).str.to_datetime(
        form + ("-%d" if rest == "-01" else "-%m-%d"), strict=False, time_unit="us"
    )
    return moment.dt.month_end().dt.truncate("1d") + _END_OF_DAY
