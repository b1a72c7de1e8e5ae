"""What the values of a column look like, which of them are levels, and which do not fit."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from osler.base.errors import InputError
from osler.record.sources.dictionary import Fact
from osler.record.sources.table_read import ROW
from osler.record.sources.table_settings import CheckboxSettings
from osler.record.sources.table_spec import TableSpec
from osler.record.sources.table_words import Recoding, dictionary_words

CHECKED, UNCHECKED = "Checked", "Unchecked"
_AT_ONCE = 10  # columns
MOST_LEVELS = 200  # a column with more values than this is text rather than a choice


@dataclass(frozen=True)
class Profile:
    """What the values of a column look like.

    Attributes:
        values: cells that are not missing.
        distinct: different values.
        not_numbers: values that are no number.
        not_finite: values that are NaN, infinite or too large for 32 bits.
        padded: numbers with leading zeros, which are labels rather than quantities.
    """

    values: int
    distinct: int
    not_numbers: int
    not_finite: int
    padded: int


def profile(table: pl.LazyFrame, names: list[str]) -> dict[str, Profile]:
    """Look at the values of columns, some columns at a time: distinct values are held in memory.

    Args:
        table: the cleaned table (strings, null where missing).
        names: of the columns.
    """
    found: dict[str, Profile] = {}
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        facts = table.select(_facts(name) for name in some).collect(engine="streaming").row(0, named=True)
        found.update((name, Profile(**facts[name])) for name in some)
    return found


def _facts(name: str) -> pl.Expr:
    text, number = pl.col(name), pl.col(name).cast(pl.Float64, strict=False)
    return pl.struct(
        values=text.count(),
        distinct=text.drop_nulls().n_unique(),
        not_numbers=(text.is_not_null() & number.is_null()).sum(),
        not_finite=(~number.cast(pl.Float32).is_finite()).sum(),
        padded=text.str.contains(r"^-?0\d").sum(),
    ).alias(name)


def guess_kind(facts: Profile) -> str:
    """Numeric where all values are numbers without leading zeros, else categorical."""
    return "numeric" if facts.values and not facts.not_numbers and not facts.padded else "categorical"


def require_numbers(table: pl.LazyFrame, name: str, facts: Profile, source: Path, *, declared: bool) -> None:
    """Refuse a numeric column with other values, naming rows and counts but never the values.

    Raises:
        InputError: values that are no numbers, or NaN, infinite or too large for 32 bits.
    """
    number = pl.col(name).cast(pl.Float64, strict=False)
    if facts.not_numbers:
        wrong = pl.col(name).is_not_null() & number.is_null()
        raise InputError(
            f"numeric column '{name}' has values that are no numbers ({_rows(table, wrong)})",
            where=f"{source}, column {name}",
            count=facts.not_numbers,
            remedy="name the marker in `missing`, mend the values, or give another type in `types`",
        )
    if facts.not_finite:
        wrong = ~number.cast(pl.Float32).is_finite()
        how = "declared" if declared else "found to be"
        raise InputError(
            f"column '{name}', {how} numeric, has NaN, infinite or too large values ({_rows(table, wrong)})",
            where=f"{source}, column {name}",
            count=facts.not_finite,
            remedy="name the marker in `missing` or `sentinels`, or mend the values",
        )


def _rows(table: pl.LazyFrame, wrong: pl.Expr) -> str:
    """The first rows with a wrong value, counted from 1 below the header. The values stay unsaid."""
    first = table.filter(wrong).select(ROW).head(5).collect()[ROW].to_list()
    return "data rows " + ", ".join(str(row + 1) for row in first)


def levels_of(
    table: pl.LazyFrame,
    name: str,
    kind: str,
    *,
    fact: Fact,
    recoding: Recoding,
    ordered: tuple[str, ...] | None,
    spec: TableSpec,
    source: Path,
    profile: Profile,
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The values of a column in order, and how values of the table are spelled in events.

    Args:
        table: the cleaned table.
        name: of the column.
        kind: numeric, ordinal, categorical or flag.
        fact: what the dictionary says of it.
        recoding: what the spec calls its cells.
        ordered: its values as the spec orders them, or None.
        spec: what the columns mean.
        source: the table's file, for errors.
        profile: what its values look like.

    Returns:
        Levels (empty for numbers and for free text), and value of the table -> text value where they differ.

    Raises:
        InputError: a value outside the declared levels, or of a checkbox that is neither checked nor
            unchecked.
    """
    if kind == "numeric":
        return (), {}
    if kind == "flag":
        box = spec.checkbox or CheckboxSettings()
        marks = {**dict.fromkeys(box.unchecked, UNCHECKED), **dict.fromkeys(box.checked, CHECKED)}
        _require_values(
            table, name, list(marks), source, remedy="give it another type in `types`, or see `checkbox`"
        )
        return (UNCHECKED, CHECKED), marks
    words = recoding.words
    by_dictionary = bool(fact.levels) and not words and ordered is None
    if profile.distinct > MOST_LEVELS and ordered is None and not by_dictionary:
        return (), words
    cells = _observed(table, name)
    if by_dictionary:
        words = dictionary_words(cells, fact)
        wrong = [cell for cell in cells if cell not in words]
        allowed = [label for _, label in fact.levels]
        remedy = "complete the dictionary, or give `levels` or `recode` in the spec"
        _refuse(table, name, wrong, allowed, source, remedy=remedy)
        return tuple(allowed), words
    spelled = list(dict.fromkeys(words.get(cell, cell) for cell in cells))
    if ordered is not None:
        wrong = [cell for cell in cells if words.get(cell, cell) not in ordered]
        _refuse(table, name, wrong, list(ordered), source, remedy="complete `levels` in the spec")
        return ordered, words
    known = [word for word in recoding.order if word in spelled]
    return (*known, *(word for word in spelled if word not in known)), words


def _observed(table: pl.LazyFrame, name: str) -> list[str]:
    values = table.select(pl.col(name).drop_nulls().unique()).collect()[name].sort()
    numbers = values.cast(pl.Float64, strict=False)
    return list(values if numbers.null_count() else values.gather(numbers.arg_sort()))


def _require_values(table: pl.LazyFrame, name: str, allowed: list[str], source: Path, *, remedy: str) -> None:
    wrong = [cell for cell in _observed(table, name) if cell not in allowed]
    _refuse(table, name, wrong, allowed, source, remedy=remedy)


def _refuse(
    table: pl.LazyFrame, name: str, cells: list[str], allowed: list[str], source: Path, *, remedy: str
) -> None:
    """Refuse a column because of some of its cells; the cells stay unsaid."""
    if cells:
        wrong = pl.col(name).is_in(cells)
        raise InputError(
            f"column '{name}' has values outside its levels ({_rows(table, wrong)})",
            where=f"{source}, column {name}",
            count=int(table.select(wrong.sum()).collect().item() or 0),
            allowed=allowed,
            remedy=remedy,
        )
