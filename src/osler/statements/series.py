"""The last values of measured quantities, newest first, with limits, slope or days before."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osler.statements.book import Book
from osler.statements.lines import position_lists
from osler.statements.packing import factor, factor_text, ragged
from osler.statements.person import Person
from osler.statements.pick import neighbours
from osler.statements.ranges import HIGH, LOW, NORMAL, marks
from osler.statements.spec import Style
from osler.statements.spelling import no_texts, with_empty
from osler.statements.values import NO_VALUE, numbers_at, slope_ids, unit_ids, value_ids
from osler.statements.view import DAY, NO_TIME, View

_MARK_WORDS = {LOW: " (low)", NORMAL: " (normal)", HIGH: " (high)"}


@dataclass(frozen=True)
class Series:
    """What lines say of the last events of their code.

    Attributes:
        value, values: id of each line's value, and the distinct values.
        unit, units: id of each line's unit, and the distinct units.
        sources: Arrow list array of the positions behind each line.
    """

    value: np.ndarray
    values: pl.Series
    unit: np.ndarray
    units: pl.Series
    sources: Any


def series_of(
    view: View,
    book: Book,
    style: Style,
    person: Person,
    picked: tuple[np.ndarray, np.ndarray],
    *,
    undated: bool,
) -> Series:
    """Join the last values of each line's code: those with a number in the same unit as the latest one.

    Args:
        view: the visible events.
        book: the code book.
        style: how many values, in which sections, with limits, slope or days before.
        person: age and sex of each sample, for the limits.
        picked: sample and position of each line.
        undated: whether times only order the events; then neither slope nor days.
    """
    sample, place = picked
    everything = np.arange(view.size)
    unit, units = unit_ids(view, everything, book)
    number, has_number = numbers_at(view, everything)
    section = book.section[view.code]
    measured = has_number & ~book.text_first[view.code] & ~_in(book, style.values_not_in, section)
    visits = _in(book, style.days_before_in, section) & (view.time != NO_TIME) & (not undated)
    measured &= ~visits
    key = np.where(measured, unit + 1, 0)
    before = neighbours(view, measured | visits, "previous", within=key)

    line, at = _last_events(
        view, sample, place, before, np.where((measured | visits)[place], style.values, 1)
    )
    value, values, is_number = value_ids(view, at, book)
    mark = np.zeros(len(at), dtype=np.int32)
    if style.ranges:
        limited = measured[at] & is_number
        mark[limited] = marks(
            book,
            person,
            sample=sample[line[limited]],
            code=view.code[at[limited]],
            unit=unit[at[limited]],
            units=units,
            number=number[at[limited]],
        )
    ago = np.where(visits[at], (view.prediction[sample[line]] - view.time[at]) // DAY, -1)
    piece, pieces = _pieces(value, values, mark, ago)
    slope, slopes = np.zeros(len(place), dtype=np.int32), with_empty(no_texts())
    if style.slope and not undated:
        slope, slopes = _slopes(view, place, line, at, number, measured[place])
    joined, texts = _joined(line, piece, pieces, slope, slopes)
    return Series(
        value=joined,
        values=texts,
        unit=unit[place],
        units=units,
        sources=position_lists(np.bincount(line, minlength=len(place)), at),
    )


def _in(book: Book, names: tuple[str, ...], section: np.ndarray) -> np.ndarray:
    """Whether the section of each event is among some."""
    chosen = np.array([name in names for name in book.sections])
    return np.asarray(chosen[section])


def _last_events(
    view: View, sample: np.ndarray, place: np.ndarray, before: np.ndarray, most: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Line and position of the last events behind each line, newest first, inside the look-back window."""
    lines, places = [np.arange(len(place))], [place]
    line, at = lines[0], place
    for back in range(1, int(most.max(initial=1))):
        earlier = before[at]
        inside = (earlier >= view.low[sample[line]]) | (
            (earlier >= view.start[sample[line]]) & (earlier < view.fixed[sample[line]])
        )
        going = (earlier >= 0) & inside & (most[line] > back)
        line, at = line[going], earlier[going]
        lines.append(line)
        places.append(at)
    line, at = np.concatenate(lines), np.concatenate(places)
    order = np.argsort(line, kind="stable")
    return line[order], at[order]


def _pieces(
    value: np.ndarray, values: pl.Series, mark: np.ndarray, ago: np.ndarray
) -> tuple[np.ndarray, pl.Series]:
    """One value each: `138`, `138 (low)`, `12 days before`, `yes (12 days before)`; id 0 says nothing."""
    days, distinct_days = factor(ago)
    key = (value.astype(np.int64) * 4 + mark) * len(distinct_days) + days
    ids, keys = factor(key)
    rest, day_at = np.divmod(keys, max(len(distinct_days), 1))
    value_at, mark_at = np.divmod(rest, 4)
    said = pl.Series([_days_before(day) for day in distinct_days.tolist()], dtype=pl.String)
    words = pl.Series([_MARK_WORDS.get(code, "") for code in range(4)], dtype=pl.String)
    frame = pl.DataFrame(
        {"value": values.gather(value_at), "mark": words.gather(mark_at), "said": said.gather(day_at)}
    )
    has_value, has_said = pl.col("value") != "", pl.col("said") != ""
    text = (
        pl.when(~has_said)
        .then(pl.concat_str("value", "mark"))
        .when(has_value)
        .then(pl.concat_str("value", pl.lit(" ("), "said", pl.lit(")")))
        .otherwise("said")
    )
    texts = frame.select(text.alias("piece"))["piece"]
    again, distinct = factor_text(with_empty(texts))
    return again[ids + 1], distinct


def _days_before(days: int) -> str:
    if days < 0:
        return ""
    if days == 0:
        return "same day"
    return "1 day before" if days == 1 else f"{days} days before"


def _slopes(
    view: View, place: np.ndarray, line: np.ndarray, at: np.ndarray, number: np.ndarray, measured: np.ndarray
) -> tuple[np.ndarray, pl.Series]:
    """Change per day through the values of each line by least squares; needs two different times."""
    n = len(measured)
    known = measured[line] & (view.time[at] != NO_TIME)
    line, at = line[known], at[known]
    count = np.bincount(line, minlength=n)
    day = (view.time[at] - view.time[place[line]]) / DAY
    value = number[at]
    size = np.maximum(count, 1)
    day = day - (np.bincount(line, weights=day, minlength=n) / size)[line]
    value = value - (np.bincount(line, weights=value, minlength=n) / size)[line]
    spread = np.bincount(line, weights=day * day, minlength=n)
    shared = np.bincount(line, weights=day * value, minlength=n)
    able = spread > 0
    ids, spelled = slope_ids(shared[able] / spread[able])
    sign = (
        pl.when((pl.col("s") != "0") & ~pl.col("s").str.starts_with("-"))
        .then(pl.lit("+"))
        .otherwise(pl.lit(""))
    )
    texts = spelled.to_frame("s").select(
        pl.concat_str(pl.lit(" ("), sign, "s", pl.lit(" per day)")).alias("slope")
    )["slope"]
    slope = np.zeros(n, dtype=np.int32)
    slope[able] = ids + 1
    return slope, with_empty(texts)


def _joined(
    line: np.ndarray, piece: np.ndarray, pieces: pl.Series, slope: np.ndarray, slopes: pl.Series
) -> tuple[np.ndarray, pl.Series]:
    """The pieces of each line with commas between them, then its slope; id 0 says nothing."""
    said = piece != NO_VALUE
    line, piece = line[said], piece[said]
    n = len(slope)
    count = np.bincount(line, minlength=n)
    _, nth = ragged(count)
    ids, texts = np.zeros(n, dtype=np.int64), with_empty(no_texts())
    for back in range(int(count.max(initial=0))):
        added = np.zeros(n, dtype=np.int64)
        added[line[nth == back]] = piece[nth == back]
        ids, texts = _appended(ids, texts, added, pieces, comma=True)
    ids, texts = _appended(ids, texts, slope, slopes, comma=False)
    again, distinct = factor_text(with_empty(texts))
    return again[ids + 1], distinct


def _appended(
    ids: np.ndarray, texts: pl.Series, more: np.ndarray, endings: pl.Series, *, comma: bool
) -> tuple[np.ndarray, pl.Series]:
    """Texts with an ending each; only distinct pairs are spelled."""
    found, keys = factor(ids.astype(np.int64) * len(endings) + more)
    old, new = np.divmod(keys, len(endings))
    both = (pl.col("old") != "") & (pl.col("new") != "")
    between = pl.when(both).then(pl.lit(", ")).otherwise(pl.lit("")) if comma else pl.lit("")
    frame = pl.DataFrame({"old": texts.gather(old), "new": endings.gather(new)})
    return found, frame.select(pl.concat_str("old", between, "new").alias("text"))["text"]
