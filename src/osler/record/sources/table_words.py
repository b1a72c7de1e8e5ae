"""What the cells of a column are called in words: by the spec, a second table or the data dictionary."""

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from osler.base.errors import InputError
from osler.record.mapping.expressions import parse_expression
from osler.record.mapping.sql import quoted
from osler.record.sources.dictionary import Fact
from osler.record.sources.table_patterns import Patterns
from osler.record.sources.table_read import collect_strings
from osler.record.sources.table_settings import LookupSettings
from osler.record.sources.table_spec import TableSpec, find_beside
from osler.record.sources.table_sql import ordered_database


@dataclass(frozen=True)
class Recoding:
    """What the spec makes of the cells of a column.

    Attributes:
        words: cell -> word, for the cells that occur and have one.
        order: the words in the order of the spec; empty for those of a second table.
        unnamed: how many different cells keep their own words.
    """

    words: dict[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    unnamed: int = 0


def recodings(
    table: pl.LazyFrame,
    names: list[str],
    spec: TableSpec,
    patterns: Patterns,
    *,
    folders: list[Path],
    folder: Path,
) -> dict[str, Recoding]:
    """Words for the cells of the columns that `recode` and `lookup` name.

    Args:
        table: the cleaned table (strings, null where missing).
        names: columns that become events.
        spec: what the columns mean.
        patterns: resolves names against the table.
        folders: where a second table may lie.
        folder: of the staged table.

    Returns:
        Column -> its recoding.

    Raises:
        InputError: a second table is absent or wrong.
    """
    named = {name: words for key, words in spec.recode.items() for name in patterns.all([key], "recode")}
    looked = {name: one for key, one in spec.lookup.items() for name in patterns.all([key], "lookup")}
    wanted = [name for name in names if name in named or name in looked]
    if not wanted:
        return {}
    found = {name: table.select(pl.col(name).drop_nulls().unique()).collect()[name] for name in wanted}
    labels = {one.model_dump_json(): _labels(one, folders, folder) for one in looked.values()}
    made = {}
    for name in wanted:
        cells = sorted(found[name])
        words = words_of(cells, named.get(name, {}))
        if name in looked:
            labelled = labels[looked[name].model_dump_json()]
            words = {**{cell: labelled[cell] for cell in cells if cell in labelled}, **words}
        made[name] = Recoding(
            words=words,
            order=tuple(dict.fromkeys(named.get(name, {}).values())),
            unnamed=0 if name in looked else sum(cell not in words for cell in cells),
        )
    return made


def words_of(cells: list[str], recode: dict[str, str]) -> dict[str, str]:
    """The words of cells; a number is the same number however it is written.

    Args:
        cells: distinct cells.
        recode: value -> word.

    Examples:
        >>> words_of(["1.0", "0", "x"], {"1": "yes", "0": "no"})
        {'1.0': 'yes', '0': 'no'}
    """
    numbers = {_number(value): word for value, word in recode.items()}
    numbers.pop(None, None)
    made = {cell: recode.get(cell, numbers.get(_number(cell))) for cell in cells}
    return {cell: word for cell, word in made.items() if word is not None}


def dictionary_words(cells: list[str], fact: Fact) -> dict[str, str]:
    """The labels of cells by the data dictionary; a cell that is a label already keeps it."""
    codes = dict(fact.levels)
    return words_of(cells, {**{label: label for label in codes.values()}, **codes})


def lookup_file(lookup: LookupSettings, folders: list[Path]) -> Path | None:
    """The file of a second table; None where it is absent and may be.

    Raises:
        InputError: it is absent and may not be.
    """
    try:
        return find_beside(lookup.path, folders, what="the second table")
    except InputError:
        if lookup.optional:
            return None
        raise


def _labels(lookup: LookupSettings, folders: list[Path], folder: Path) -> dict[str, str]:
    """Value -> label, for the values whose rows agree on it."""
    path = lookup_file(lookup, folders)
    if path is None:
        return {}
    second = collect_strings(path)
    if lookup.label not in second.columns:
        raise InputError(
            f"the second table has no column '{lookup.label}'",
            where=path,
            allowed=second.columns,
            remedy="mend `label` in the `lookup` of the spec",
        )
    parts = []
    for sql in lookup.key:
        for column in parse_expression(sql, where=f"lookup, key of {path.name}").columns:
            if column.lower() not in [name.lower() for name in second.columns]:
                raise InputError(
                    f"the second table has no column '{column}'",
                    where=path,
                    allowed=second.columns,
                    remedy="mend `key` in the `lookup` of the spec",
                )
        parts.append(
            f"SELECT CAST((\n{sql}\n) AS VARCHAR) AS key, {quoted(lookup.label)} AS label FROM second"
        )
    query = f"""
        SELECT key, min(label) AS label FROM ({" UNION ALL ".join(parts)})
        WHERE key IS NOT NULL AND label IS NOT NULL GROUP BY key HAVING count(DISTINCT label) = 1"""
    import duckdb

    with ordered_database(folder) as base:
        base.register("second", second.to_arrow())
        try:
            return dict(base.execute(query).fetchall())
        except duckdb.Error as error:
            raise InputError(
                f"not an expression for the rows of the second table: {', '.join(lookup.key)}",
                where=path,
                remedy="mend `key` in the `lookup` of the spec; cells are text",
            ) from error


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number == number else None
