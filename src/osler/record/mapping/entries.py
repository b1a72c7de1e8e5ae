"""Entries of dictionaries: each dictionary is read once, for the keys that occur."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from osler.record.mapping.coded import Field, Looked, values_of
from osler.record.mapping.database import reading
from osler.record.mapping.scope import Bound
from osler.record.mapping.sql import as_id, as_text, quoted

if TYPE_CHECKING:
    import duckdb

Key = tuple[str, ...]


class Entries:
    """Entries by dictionary and key.

    Args:
        entries: dictionary -> key -> column -> value.
    """

    def __init__(self, entries: dict[str, dict[Key, dict[str, str | None]]]) -> None:
        self._entries = entries

    def __call__(self, dictionary: str, key: Key) -> dict[str, str | None]:
        """The entry of a key; empty when there is none."""
        return self._entries.get(dictionary, {}).get(key, {})


def look_up(
    keys: Iterable[tuple[str, Field]],
    dictionaries: dict[str, Bound],
    names: Mapping[str, Sequence[str]],
    connection: "duckdb.DuckDBPyConnection",
) -> Entries:
    """Look up what the keys of fields ask for.

    Args:
        keys: keys of events with the field that each belongs to.
        dictionaries: the dictionaries with their files.
        names: dictionary -> its key columns.
        connection: a database.

    Raises:
        InputError: a dictionary cannot be read to its end.
    """
    wanted: dict[str, set[Key]] = {}
    columns: dict[str, dict[str, None]] = {}
    for key, field in keys:
        values = values_of(key, field)
        for piece in _looked(field):
            by = [values[place] for place in piece.places]
            if all(value is not None for value in by):
                wanted.setdefault(piece.dictionary, set()).add(tuple(str(value) for value in by))
                columns.setdefault(piece.dictionary, {})[piece.column] = None
    return Entries(
        {
            name: _read(dictionaries[name], names[name], list(columns[name]), sorted(found), connection)
            for name, found in wanted.items()
            if dictionaries[name].relation is not None
        }
    )


def _looked(field: Field) -> list[Looked]:
    pieces = (
        piece
        for choices in field.parts.values()
        for choice in choices
        for piece in (*(choice.vocabulary or ()), *choice.pieces)
    )
    return [piece for piece in pieces if isinstance(piece, Looked)]


def _read(
    bound: Bound,
    key: Sequence[str],
    columns: list[str],
    wanted: list[Key],
    connection: "duckdb.DuckDBPyConnection",
) -> dict[Key, dict[str, str | None]]:
    relation = bound.relation
    assert relation is not None, "dictionaries that the source lacks are left out"
    here = pl.DataFrame(
        {f"k{n}": [one[n] for one in wanted] for n in range(len(key))},
        schema={f"k{n}": pl.String for n in range(len(key))},
    )
    connection.register("_wanted", here.to_arrow())
    keys = [as_id(quoted(name.lower()), bound.families[name.lower()]) for name in key]
    shown = [as_text(quoted(name), bound.families.get(name, "text")) for name in columns]
    matches = " AND ".join(f"{one} = _wanted.k{n}" for n, one in enumerate(keys))
    selected = ", ".join(
        [*(f"_wanted.k{n}" for n in range(len(key))), *(f"{one} AS c{n}" for n, one in enumerate(shown))]
    )
    inner = relation.sql([*columns, *(name.lower() for name in key)])
    try:
        with reading(*relation.files.paths):
            rows = connection.sql(
                f"SELECT DISTINCT {selected} FROM ({inner}) JOIN _wanted ON {matches} ORDER BY ALL DESC"
            ).fetchall()
    finally:
        connection.unregister("_wanted")
    # Of several entries of a key the first in the order of their text counts, wherever it stands in the file.
    return {tuple(row[: len(key)]): dict(zip(columns, row[len(key) :], strict=True)) for row in rows}
