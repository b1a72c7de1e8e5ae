"""Age and sex at the prediction time, which every style states and no budget drops."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from osler.statements.book import Book
from osler.statements.counting import Counter
from osler.statements.lines import Lines
from osler.statements.packing import factor_text
from osler.statements.spec import AGE, SEX, Style
from osler.statements.spelling import Parts, no_texts, spell, with_empty
from osler.statements.view import DAY, NO_TIME, View

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


@dataclass(frozen=True)
class Person:
    """Who each sample is about; arrays are [n_samples].

    Attributes:
        birth_place: position of the birth event that the sample sees, -1 for none.
        sex_place: position of the event that states the sex, -1 for none.
        years: age in years of 365.25 days, NaN where it is not known.
        sex: `female`, `male` or another word; null where it is not known.
    """

    birth_place: np.ndarray
    sex_place: np.ndarray
    years: np.ndarray
    sex: pl.Series


def person_of(view: View, book: Book) -> Person:
    """Age and sex at the prediction times, whatever the look-back.

    Args:
        view: the visible events.
        book: the code book.
    """
    births, sexes = np.flatnonzero(book.is_birth[view.code]), np.flatnonzero(book.is_sex[view.code])
    born = _last_seen(view, births[view.time[births] != NO_TIME])
    stated = _last_seen(view, sexes)
    known = born >= 0
    years = np.full(len(born), np.nan)
    years[known] = (view.prediction[known] - view.time[born[known]]) / (365.25 * DAY)
    words = book.sex.gather(np.append(view.code, 0)[stated])
    sex = pl.DataFrame({"sex": words, "known": stated >= 0}).select(pl.when("known").then("sex"))["sex"]
    return Person(birth_place=born, sex_place=stated, years=years, sex=sex)


def person_lines(
    view: View, person: Person, style: Style, counter: Counter, *, drop: frozenset[str]
) -> list[Lines]:
    """Lines `Age: N years` and `Sex: ...` of each sample that they are known for.

    Args:
        view: the visible events.
        person: age and sex of each sample.
        style: the text style.
        counter: counts tokens.
        drop: sections left out.
    """
    lines = []
    if AGE not in drop:
        sample = np.flatnonzero(person.birth_place >= 0)
        place = person.birth_place[sample]
        birth = pl.Series(view.time[place]).cast(pl.Datetime("us"))
        words = age_words(birth, view.samples["prediction_time"].gather(sample))
        lines.append(_stated("Age", words, 0, sample, place, style, counter))
    if SEX not in drop:
        sample = np.flatnonzero(person.sex_place >= 0)
        place = person.sex_place[sample]
        lines.append(_stated("Sex", person.sex.gather(sample), 1, sample, place, style, counter))
    return lines


def _last_seen(view: View, places: np.ndarray) -> np.ndarray:
    """[n_samples] the last of some positions that each sample sees, -1 for none."""
    last = np.append(places, -1)[np.searchsorted(places, view.high) - 1]
    return np.where(last >= view.start, last, -1)


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
        units=no_texts(),
        value=ids + 1,
        values=with_empty(values),
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
