"""One subject's events as a person reads them: when, what, how much."""

from datetime import datetime, timedelta

import polars as pl

from osler.base.errors import InputError
from osler.record.dataset import ROW, Dataset
from osler.record.schema import DEATH
from osler.record.units import readable

_ALMOST_A_DAY = timedelta(days=1) - timedelta(microseconds=1)


def find_subject(dataset: Dataset, name: str) -> int:
    """The subject that a person means: by `subject_id`, else by the id of the source.

    Args:
        dataset: the dataset.
        name: what the person wrote.

    Raises:
        InputError: there is no such subject.
    """
    if name.lstrip("-").isdigit():
        number = int(name)
        if -(2**63) <= number < 2**63 and _has(dataset, number):
            return number
    if dataset.subjects is not None and "source_id" in dataset.subjects.columns:
        found = dataset.subjects.filter(pl.col("source_id").cast(pl.String) == name)["subject_id"]
        if found.len() == 1:
            return int(found.item())
    raise InputError(
        f"no subject {name}",
        where=dataset.path,
        remedy="name a subject_id of this dataset, or the id of its source",
    )


def parse_moment(dataset: Dataset, times: pl.Series, text: str) -> datetime:
    """The time that a person means.

    Args:
        dataset: the dataset.
        times: times of the subject's events.
        text: ISO 8601; a date means the end of that day. In an undated dataset the number of a moment of the
            timeline, 1 for the first.

    Raises:
        InputError: the text is no time, or no such moment.
    """
    moments = times.drop_nulls().unique().sort()
    if dataset.undated and text.isdigit():
        if not 1 <= int(text) <= moments.len():
            raise InputError(
                f"no moment {text}",
                where="--at",
                allowed=range(1, moments.len() + 1),
                remedy="name one of these",
            )
        found: datetime = moments[int(text) - 1]
        return found
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"'{text}' is no time",
            where="--at",
            remedy="write 2020-03-01 or 2020-03-01T08:30"
            + (" or the number of a moment" if dataset.undated else ""),
        ) from error
    if moment.tzinfo is not None:
        raise InputError("times of MEDS have no time zone", where="--at", remedy="leave the time zone out")
    if dataset.undated and moment not in moments:
        raise InputError(
            "times of this dataset only order its events, a date means nothing here",
            where="--at",
            allowed=range(1, moments.len() + 1),
            remedy="name the number of a moment",
        )
    date_only = len(text.strip()) <= len("2020-03-01") and "T" not in text and ":" not in text
    return moment + _ALMOST_A_DAY if date_only else moment


def last_moment(events: pl.DataFrame) -> datetime | None:
    """The time of a subject's last event that is no death, or None when nothing is dated."""
    found = events.filter(~pl.col("code").str.starts_with(DEATH))["time"].max()
    return found if isinstance(found, datetime) else None


def timeline(dataset: Dataset, events: pl.DataFrame, *, at: datetime | None = None) -> pl.DataFrame:
    """Events of one subject in the order of time, described by the code book.

    Args:
        dataset: the dataset.
        events: of the subject, as `Dataset.subject` gives them.
        at: only events at or before this time, and those without a time.

    Returns:
        `row` (position in the dataset), `time`, `moment` (1 for the first time, null without one), `section`,
        `description`, `value`, `unit` (as it reads), `words` (beside a number); facts without a time first,
        then by time, then as in the code book.
    """
    book = _described(dataset.codes)
    moment = pl.col("time").rank("dense").cast(pl.Int64).alias("moment")
    seen = pl.lit(value=True) if at is None else pl.col("time").is_null() | (pl.col("time") <= at)
    number = pl.col("numeric_value").map_elements(lambda value: f"{value:.7g}", return_dtype=pl.String)
    # A limit ("<0.5") says more than its number; other words stand beside it.
    is_limit = pl.col("text_value").str.contains("^[<>≤≥]")
    both = pl.col("numeric_value").is_not_null() & pl.col("text_value").is_not_null() & ~is_limit
    value = pl.when(both).then(number).otherwise(pl.coalesce(pl.col("text_value"), number))
    rows = (
        events.with_columns(moment)
        .filter(seen)
        .join(book, on="code", how="left", maintain_order="left")
        .sort("time", "_place", ROW, nulls_last=False)
        .select(
            ROW,
            "time",
            "moment",
            "section",
            "description",
            value.alias("value"),
            pl.when(value.is_not_null()).then(pl.coalesce("unit", "book_unit")).alias("unit"),
            pl.when(both).then(pl.col("text_value")).alias("words"),
        )
    )
    return rows.with_columns(unit=readable(rows["unit"]))


def _described(codes: pl.DataFrame) -> pl.DataFrame:
    """The code book with the question before the option of a checkbox."""
    book = codes.with_row_index("_place").with_columns(_parent=pl.col("parent_codes").list.first())
    questions = book.select(_parent="code", _question="description")
    book = book.join(questions, on="_parent", how="left", maintain_order="left")
    option = (pl.col("kind") == "flag") & pl.col("_question").is_not_null()
    described = pl.when(option).then(pl.format("{} [{}]", "_question", "description"))
    return book.select(
        "code", described.otherwise("description").alias("description"), "section", "_place", book_unit="unit"
    )


def _has(dataset: Dataset, subject_id: int) -> bool:
    here = dataset.scan().filter(pl.col("subject_id") == subject_id).select("subject_id").limit(1)
    return here.collect(engine="streaming").height > 0
