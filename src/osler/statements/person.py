"""Age and sex at the prediction time, which every style states and no budget drops."""

import numpy as np
import polars as pl

from osler.statements.book import Book
from osler.statements.counting import Counter
from osler.statements.lines import Lines
from osler.statements.packing import factor_text
from osler.statements.spec import AGE, SEX, Style
from osler.statements.spelling import Parts, spell
from osler.statements.view import NO_TIME, View

_MONTHS_UNDER = 2  # years below which age is told in months
_OLDEST = 89  # years above which age is not told: exact ages of the very old identify (HIPAA safe harbour)


def age_words(birth: pl.Series, at: pl.Series) -> pl.Series:
    """Age in completed years, in completed months under two years, capped above 89.

    Args:
        birth: times of birth [n].
        at: times at which the age is asked [n], not before birth.

    Examples:
        >>> from datetime import datetime
        >>> age_words(pl.Series([datetime(2000, 3, 1)]), pl.Series([datetime(2001, 2, 28)])).to_list()
        ['11 months']
    """
    later, earlier = pl.col("at"), pl.col("birth")
    rest = [
        time - time.dt.truncate("1mo") for time in (later, earlier)
    ]  # a month is complete when its day and hour are reached
    months = (
        (later.dt.year() - earlier.dt.year()) * 12
        + (later.dt.month().cast(pl.Int32) - earlier.dt.month().cast(pl.Int32))
        - (rest[0] < rest[1]).cast(pl.Int32)
    )
    years = months // 12
    words = (
        pl.when(months == 1)
        .then(pl.lit("1 month"))
        .when(years < _MONTHS_UNDER)
        .then(months.cast(pl.String) + " months")
        .when(years > _OLDEST)
        .then(pl.lit(f"over {_OLDEST} years"))
        .otherwise(years.cast(pl.String) + " years")
    )
    return pl.DataFrame({"birth": birth, "at": at}).select(words.alias("age"))["age"]


def person_lines(
    view: View, book: Book, style: Style, counter: Counter, *, drop: frozenset[str]
) -> list[Lines]:
    """Lines `Age: N years` and `Sex: ...` of each sample that they are known for.

    Args:
        view: the visible events.
        book: the code book.
        style: the text style.
        counter: counts tokens.
        drop: sections left out.
    """
    lines = []
    if AGE not in drop:
        sample, place = _last_seen(view, book.is_birth[view.code] & (view.time != NO_TIME))
        birth = pl.Series(view.time[place]).cast(pl.Datetime("us"))
        at = view.samples["prediction_time"].gather(sample)
        lines.append(_stated("Age", age_words(birth, at), 0, sample, place, style, counter))
    if SEX not in drop:
        sample, place = _last_seen(view, book.is_sex[view.code])
        lines.append(_stated("Sex", book.sex.gather(view.code[place]), 1, sample, place, style, counter))
    return lines


def _last_seen(view: View, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Samples that see a wanted event, whatever the look-back, and the last one that each sees."""
    last = np.append(np.maximum.accumulate(np.where(wanted, np.arange(view.size), -1)), -1)
    place = np.where(view.high > view.start, last[view.high - 1], -1)
    sample = np.flatnonzero(place >= view.start)
    return sample, place[sample]


def _stated(
    name: str,
    words: pl.Series,
    rank: int,
    sample: np.ndarray,
    place: np.ndarray,
    style: Style,
    counter: Counter,
) -> Lines:
    ids, values = factor_text(words)
    zero = np.zeros(len(sample), dtype=np.int32)
    parts = Parts(
        name=zero,
        names=pl.Series([name]),
        unit=zero - 1,
        units=pl.Series([], dtype=pl.String),
        value=ids + 1,
        values=pl.concat([pl.Series([""], dtype=pl.String), values]),
    )
    statement, statements = spell(parts, style, counter)
    return Lines(
        sample=sample,
        place=place,
        rank=zero + rank,
        section=zero + rank,
        statement=statement,
        statements=statements,
    )
