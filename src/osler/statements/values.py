"""Values as text: numbers rounded to two decimals, words kept, each distinct value spelled once."""

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.record.units import readable
from osler.statements.book import Book, one_line
from osler.statements.packing import factor, factor_text
from osler.statements.view import View

NO_VALUE = 0
_EXACT = 2.0**53
_SLOW = 0.1
_LIMIT = r"^[<>≤≥]=?\s*[0-9.]"


def spell_numbers(scaled: np.ndarray, *, decimals: int = 2) -> pl.Series:
    """Whole numbers of hundredths (or finer) as decimal text without trailing zeros.

    Args:
        scaled: int64 [n], the numbers times `10 ** decimals`.
        decimals: digits after the point, at least 1.

    Examples:
        >>> spell_numbers(np.array([13800, 450, -5, 0])).to_list()
        ['138', '4.5', '-0.05', '0']
        >>> spell_numbers(np.array([12, -1000]), decimals=4).to_list()
        ['0.0012', '-0.1']
    """
    one = 10**decimals
    size = pl.col("h").abs()
    whole, rest = (size // one).cast(pl.String), size % one
    digits = rest.cast(pl.String).str.pad_start(decimals, "0").str.strip_chars_end("0")
    text = pl.when(rest == 0).then(whole).otherwise(pl.concat_str(whole, pl.lit("."), digits))
    signed = pl.when(pl.col("h") < 0).then("-" + text).otherwise(text)
    return pl.DataFrame({"h": scaled}, schema={"h": pl.Int64}).select(signed.alias("value"))["value"]


def number_ids(numbers: np.ndarray) -> tuple[np.ndarray, pl.Series]:
    """Ids of numbers that read the same, and how they read.

    Args:
        numbers: finite floats [n]. A float32 times 100 is exact in a float64, so the rounding is that of
            `format(number, ".2f")`: to the nearest, ties to even.

    Returns:
        int32 [n] and the distinct texts.

    Examples:
        >>> ids, texts = number_ids(np.array([1.0, 2.5, 1.001]))
        >>> ids.tolist(), texts.to_list()
        ([0, 1, 0], ['1', '2.5'])
    """
    scaled = np.rint(numbers.astype(np.float64) * 100)
    huge = np.abs(scaled) >= _EXACT
    if not huge.any():
        ids, distinct = factor(scaled.astype(np.int64))
        return ids, spell_numbers(distinct)
    ids, distinct = factor(numbers.astype(np.float64).view(np.int64))
    spelled = [format(number, ".2f").rstrip("0").rstrip(".") for number in distinct.view(np.float64).tolist()]
    return factor_text(
        pl.Series(["0" if text == "-0" else text for text in spelled], dtype=pl.String).gather(ids)
    )


def slope_ids(slopes: np.ndarray) -> tuple[np.ndarray, pl.Series]:
    """As `number_ids`, with four decimals below a tenth: slow changes per day add up over months.

    Args:
        slopes: finite floats [n].

    Returns:
        int32 [n] and the texts; one text may stand twice.

    Examples:
        >>> ids, texts = slope_ids(np.array([28.413, 0.00123, -0.00001]))
        >>> texts.gather(ids).to_list()
        ['28.41', '0.0012', '0']
    """
    slow = np.abs(slopes) < _SLOW
    ids = np.empty(len(slopes), dtype=np.int32)
    ids[~slow], texts = number_ids(slopes[~slow])
    found, distinct = factor(np.rint(slopes[slow] * 10_000).astype(np.int64))
    ids[slow] = found + len(texts)
    return ids, pl.concat([texts, spell_numbers(distinct, decimals=4)])


def value_ids(view: View, positions: np.ndarray, book: Book) -> tuple[np.ndarray, pl.Series, np.ndarray]:
    """The value that each event is shown with.

    The number stands before the word, for ordinal and categorical codes the word before the number; a word
    that is a limit (`<0.5`) stands before the number of the limit.

    Args:
        view: the visible events.
        positions: which of them, int64 [n].
        book: the code book.

    Returns:
        int32 [n], `NO_VALUE` where there is none; the distinct texts, the first of them empty; and whether a
        number is shown, bool [n].

    Raises:
        InputError: a number is NaN or infinite.
    """
    ids = np.zeros(len(positions), dtype=np.int32)
    texts = pl.Series([""], dtype=pl.String)
    number, is_number = numbers_at(view, positions)
    if view.events["text_value"].null_count() == view.events.height:
        word_ids, words = np.full(len(positions), -1), texts.clear()
    else:
        word_ids, words = clean_ids(view.column("text_value", positions))
    is_limit = np.append(words.str.contains(_LIMIT).to_numpy(), np.False_)  # the last: id -1, none
    is_word = (word_ids >= 0) & (book.text_first[view.code[positions]] | ~is_number | is_limit[word_ids])
    is_number &= ~is_word
    if is_number.any():
        found, spelled = number_ids(number[is_number])
        ids[is_number] = found + 1
        texts = pl.concat([texts, spelled])
    if is_word.any():
        ids[is_word] = word_ids[is_word] + len(texts)
        texts = pl.concat([texts, words])
    return ids, texts, is_number


def numbers_at(view: View, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numeric values of events, float64 [n] (0 where there is none), and whether there is one, bool [n]."""
    column = view.column("numeric_value", positions)
    known = column.is_not_null().to_numpy()
    number = column.fill_null(0).cast(pl.Float64).to_numpy()
    wrong = len(number) - int(np.isfinite(number).sum())
    if wrong:
        raise InputError(
            "numeric_value is NaN or infinite",
            where="column numeric_value",
            count=wrong,
            remedy="write null where there is no number",
        )
    return number, known.copy()


def unit_ids(view: View, positions: np.ndarray, book: Book) -> tuple[np.ndarray, pl.Series]:
    """The unit of each event, else of its code: int32 [n], -1 for none, and the units as they read."""
    own_ids, own = clean_ids(view.column("unit", positions))
    code_ids, of_code = factor_text(book.unit)
    shared, units = factor_text(pl.concat([readable(own), of_code]))
    shared = np.append(shared, np.int32(-1))  # so that id -1, none, stays -1
    of_event, of_code_ids = shared[: len(own)], np.append(shared[len(own) : -1], np.int32(-1))
    by_code = of_code_ids[code_ids][view.code[positions]]
    if len(own) == 0:
        return by_code, units
    return np.where(own_ids >= 0, of_event[own_ids], by_code), units


def clean_ids(texts: pl.Series) -> tuple[np.ndarray, pl.Series]:
    """Ids of texts brought to one line each: int32 [n], -1 for none, and the distinct texts."""
    ids, raw = factor_text(texts)
    cleaned, distinct = factor_text(one_line(raw))
    return np.append(cleaned, np.int32(-1))[ids], distinct
