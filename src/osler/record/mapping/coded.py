"""Fields with few distinct values: codes with what describes them, units, words that are looked up.

A row yields a *key*: the number of the field, of the choice of template that applies, and the values of the
columns in it. What a key means is found out once per distinct key, when all rows have been read: templates
are filled in, dictionaries are looked up. So a dictionary of millions of entries is read once, and rows carry
a number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from osler.base.errors import InputError
from osler.record.mapping.scope import Scope
from osler.record.mapping.spec_event import Term
from osler.record.mapping.sql import literal
from osler.record.mapping.template import Name, parse_template

_BETWEEN = "\x1f"
_NOTHING = "\x1e"


@dataclass(frozen=True)
class Looked:
    """A column of a dictionary's entry.

    Attributes:
        dictionary: its name.
        column: the column.
        places: where in the key the values are that the entry is looked up by.
    """

    dictionary: str
    column: str
    places: tuple[int, ...]


Piece = str | int | Looked  # text, the value at a place of the key, what an entry says


@dataclass(frozen=True)
class Choice:
    """One template of a field.

    Attributes:
        pieces: what it is made of.
        vocabulary: pieces of the vocabulary, where it is a term.
    """

    pieces: tuple[Piece, ...]
    vocabulary: tuple[Piece, ...] | None = None

    @property
    def looks_up(self) -> bool:
        """Whether it may turn out that it does not apply, because a dictionary has no such entry."""
        return any(isinstance(piece, Looked) for piece in (*(self.vocabulary or ()), *self.pieces))

    @property
    def places(self) -> tuple[int, ...]:
        """Places of the key that have to have a value."""
        found: dict[int, None] = {}
        for piece in (*(self.vocabulary or ()), *self.pieces):
            found.update(
                dict.fromkeys(
                    [piece] if isinstance(piece, int) else piece.places if isinstance(piece, Looked) else ()
                )
            )
        return tuple(found)


@dataclass
class Field:
    """A field under construction: its key's columns, and the choices of each of its parts.

    Attributes:
        number: what its keys begin with.
        scope: the table's columns.
        columns: SQL of each place of the key, as text.
        parts: name of the part (`code`, `description`, ...) -> its choices, in order.
    """

    number: int
    scope: Scope
    columns: list[str] = field(default_factory=list)
    parts: dict[str, tuple[Choice, ...]] = field(default_factory=dict)

    def add(self, part: str, choices: Sequence[str | Term], *, key: str, column: str | None = None) -> None:
        """Add a part.

        Args:
            part: its name.
            choices: templates or terms, in order of preference.
            key: key of the spec, for errors.
            column: what `{column}` stands for.
        """
        self.parts[part] = tuple(self._choice(choice, key, column) for choice in choices)

    def _choice(self, choice: str | Term, key: str, column: str | None) -> Choice:
        if isinstance(choice, Term):
            code = self._pieces(choice.code, f"{key}.code", column)
            return Choice(code, vocabulary=self._pieces(choice.vocabulary, f"{key}.vocabulary", column))
        return Choice(self._pieces(choice, key, column))

    def _pieces(self, template: str, key: str, column: str | None) -> tuple[Piece, ...]:
        pieces = parse_template(template, where=self.scope.place(key))
        return tuple(
            piece if isinstance(piece, str) else column if str(piece) == "column" and column else
            self._named(piece, key)
            for piece in pieces
        )  # fmt: skip

    def _named(self, name: Name, key: str) -> Piece:
        lookups = self.scope.table.lookup
        if name.alias is None or name.alias not in lookups:
            return self._place(self.scope.identifier(name, key=key))
        lookup = lookups[name.alias]
        places = []
        for by in lookup.by:
            places.append(self._place(self.scope.identifier(by, key=f"lookup.{name.alias}.by")))
        dictionary = self.scope.dictionaries[lookup.dictionary].relation
        if dictionary is not None and not (dictionary.has(name.column) or dictionary.may_lack(name.column)):
            raise InputError(
                f"dictionary '{lookup.dictionary}' has no column '{name.column}'",
                where=f"{dictionary.files.paths[0]} (asked for by {self.scope.place(key)})",
                allowed=dictionary.columns,
                remedy="mend the name in the spec",
            )
        return Looked(lookup.dictionary, name.column.lower(), tuple(places))

    def _place(self, sql: str) -> int:
        if sql not in self.columns:
            self.columns.append(sql)
        return self.columns.index(sql)

    def key_sql(self, part: str) -> str:
        """SQL of the key: null where no choice of the leading part has all its columns.

        Of the columns of the leading part, only those of the choice that applies are in the key, so that rows
        which differ in the others share it; those of the choices after it as well where it looks something
        up, which a dictionary may not have. Columns that only other parts need are always in it.

        Args:
            part: the leading part.
        """
        choices = self.parts[part]
        elsewhere = {
            place
            for name, found in self.parts.items()
            if name != part
            for one in found
            for place in one.places
        }
        leading = {place for choice in choices for place in choice.places} - elsewhere
        cases = []
        for n, choice in enumerate(choices):
            have = " AND ".join(f"{self.columns[place]} IS NOT NULL" for place in choice.places)
            later = {p for other in choices[n + 1 :] if choice.looks_up for p in other.places}
            key = self._joined(set(choice.places), leading - later)
            if not have:
                cases.append(f"ELSE {key}")
                break
            cases.append(f"WHEN {have} THEN {key}")
        whole = cases[0].startswith("ELSE ")  # the first choice needs no column at all
        sql = cases[0].removeprefix("ELSE ") if whole else f"CASE {' '.join(cases)} END"
        return self.scope.once(sql)

    def _joined(self, given: set[int], absent: set[int]) -> str:
        """SQL of a key: the number and the values, with what stands between them; constants run together.

        Args:
            given: places that have a value.
            absent: places that are not in the key, unless they are given.
        """
        parts, constant = [], str(self.number)
        for place, column in enumerate(self.columns):
            constant += _BETWEEN
            if place in absent and place not in given:
                constant += _NOTHING
                continue
            parts.append(literal(constant))
            parts.append(column if place in given else f"coalesce({column}, {literal(_NOTHING)})")
            constant = ""
        return " || ".join([*parts, literal(constant)] if constant else parts)


def number_of(key: str) -> int:
    """The number of the field that a key belongs to."""
    return int(key.partition(_BETWEEN)[0])


def values_of(key: str, field_: Field) -> list[str | None]:
    """The values in a key, in the order of the field's columns.

    Raises:
        InputError: a value has the control character in it that separates values.
    """
    parts = key.split(_BETWEEN)[1:]
    if len(parts) != len(field_.columns):
        raise InputError(
            "a value has a control character in it (unit separator, 0x1F)",
            where=field_.scope.relation.files.paths[0],
            remedy="remove it from the source",
        )
    return [None if part == _NOTHING else part for part in parts]


Entry = Callable[[str, tuple[str, ...]], dict[str, str | None]]


def filled(
    choices: Sequence[Choice], values: Sequence[str | None], entry: Entry
) -> tuple[str, str | None] | None:
    """The first choice that is complete: its text, and its vocabulary where it is a term.

    Args:
        choices: of one part.
        values: of the key.
        entry: gives the entry of a dictionary by its key; empty when there is none.
    """
    for choice in choices:
        text = _text(choice.pieces, values, entry)
        vocabulary = None if choice.vocabulary is None else _text(choice.vocabulary, values, entry)
        if text is not None and (choice.vocabulary is None or vocabulary is not None):
            return text, vocabulary
    return None


def _text(pieces: Sequence[Piece], values: Sequence[str | None], entry: Entry) -> str | None:
    texts: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            texts.append(piece)
            continue
        if isinstance(piece, int):
            found = values[piece]
        else:
            by = tuple(values[place] or "" for place in piece.places)
            found = entry(piece.dictionary, by).get(piece.column)
        if found is None or not found.strip():
            return None
        texts.append(found)
    return "".join(texts)
