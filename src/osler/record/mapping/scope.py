"""What a row of a table offers: its own columns, those of joined tables, and dictionaries."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from osler.base.errors import InputError
from osler.record.mapping.expressions import parse_expression, renamed
from osler.record.mapping.layers import Layers
from osler.record.mapping.relation import Relation, as_words
from osler.record.mapping.spec import LeaveToOther, Table
from osler.record.mapping.sql import as_id, quoted
from osler.record.mapping.template import Name, parse_name

_ROW = "row"  # stands before the table's own columns in SQL


@dataclass(frozen=True)
class Value:
    """A column of the row in SQL.

    Attributes:
        sql: the column.
        family: of its type (`osler.record.mapping.sql`).
        name: the column as the spec names it.
    """

    sql: str
    family: str
    name: str


@dataclass(frozen=True)
class Bound:
    """A table of the spec with its files.

    Attributes:
        relation: the table as SQL, or None when the source lacks it.
        families: family of each column's type, by lower-case name.
    """

    relation: Relation | None
    families: dict[str, str] = field(default_factory=dict)


class Scope:
    """The columns of one table's rows; remembers which of them are used.

    Args:
        name: of the table in the spec.
        table: its mapping.
        bound: all tables of the spec, with their files.
        dictionaries: all dictionaries, with theirs.
        where: what to call the spec in an error.
    """

    def __init__(
        self, name: str, table: Table, bound: dict[str, Bound], dictionaries: dict[str, Bound], *, where: str
    ) -> None:
        self.name = name
        self.table = table
        self.where = where
        self.dictionaries = dictionaries
        self._tables = bound
        self._own = bound[name]
        self._joined = {alias: bound[join.table] for alias, join in table.join.items()}
        self._used: dict[str | None, dict[str, None]] = {None: {}, **{alias: {} for alias in table.join}}
        self._words: dict[str | None, dict[str, None]] = {None: {}, **{alias: {} for alias in table.join}}
        self._verbatim: set[str] = set()
        self._layers = Layers()
        self.once = self._layers.once

    @property
    def relation(self) -> Relation:
        """The table itself."""
        assert self._own.relation is not None, "only tables that the source has are mapped"
        return self._own.relation

    def leaves_out(self, leave: LeaveToOther) -> bool:
        """Whether a rule of `leave_out` holds for this source."""
        return leave.told_by is None or self._tables[leave.told_by].relation is not None

    def place(self, key: str) -> str:
        """What to call a key of this table in an error."""
        return f"{self.where}: tables.{self.name}.{key}"

    def value(self, name: Name | str, *, key: str, verbatim: bool = False) -> Value:
        """A column of the row.

        Args:
            name: of the column.
            key: key of the spec that names it, for errors.
            verbatim: whether its text is not trimmed.

        Raises:
            InputError: there is no such column, or no join of that name.
        """
        parsed = self._own_name(name)
        bound = self._table_of(parsed, key)
        self._used[parsed.alias][parsed.column.lower()] = None
        if verbatim and parsed.alias is None:
            self._verbatim.add(parsed.column.lower())
        column = parsed.column.lower()
        if bound.relation is not None and not bound.relation.has(column):
            self._require_optional(bound.relation, parsed.column, key)
        family = bound.families.get(column, "null")
        return Value(_flat(parsed.alias, column), "text" if family == "null" else family, str(parsed))

    def identifier(self, name: Name | str, *, key: str) -> str:
        """A column of the row as an id, in SQL."""
        value = self.value(name, key=key)
        return self.once(as_id(value.sql, value.family))

    def has(self, name: str) -> bool:
        """Whether the source has a column (an optional one may be absent)."""
        parsed = parse_name(name)
        if parsed.alias is None or self.relation.has(name):
            return self.relation.has(name)
        relation = self._joined[parsed.alias].relation if parsed.alias in self._joined else None
        return relation is not None and relation.has(parsed.column)

    def expression(self, sql: str, *, key: str) -> str:
        """A condition of the row in SQL, in which columns of files are text; null counts as false."""
        place = self.place(key)
        parsed = parse_expression(sql, where=place)
        names = {}
        for column in parsed.columns:
            name = self._own_name(column)
            relation = self._table_of(name, key).relation
            if relation is not None and relation.derives(name.column):
                self.value(name, key=key)
                names[column] = [_plain(name.alias, name.column)]
                continue
            if relation is not None and not relation.has(name.column):
                self._require_optional(relation, name.column, key)
            self._words[name.alias][name.column.lower()] = None
            names[column] = [_plain(name.alias, as_words(name.column))]
        return self.once(f"coalesce({renamed(parsed, names, where=place)}, false)")

    def _own_name(self, name: Name | str) -> Name:
        """A name as parsed; a column of the table may have a dot in its name."""
        parsed = name if isinstance(name, Name) else parse_name(name)
        return Name(str(parsed)) if self.relation.has(str(parsed)) else parsed

    def _table_of(self, name: Name, key: str) -> Bound:
        if name.alias is None:
            return self._own
        if name.alias not in self._joined:
            hint = " (a lookup stands in templates only)" if name.alias in self.table.lookup else ""
            raise InputError(
                f"{key}: there is no join '{name.alias}'{hint}",
                where=self.place(key),
                allowed=self._joined,
                remedy="name the join under `join`, or mend the name",
            )
        return self._joined[name.alias]

    def _require_optional(self, relation: Relation, column: str, key: str) -> None:
        if relation.may_lack(column):
            return
        raise InputError(
            f"table '{relation.name}' has no column '{column}'",
            where=f"{relation.files.paths[0]} (asked for by {self.place(key)})",
            allowed=relation.columns,
            remedy="the source differs from the spec: rename the column, or write a spec that `extends` this "
            "one and names it, or lists it under `optional`",
        )

    def require_one(self, names: Iterable[str], *, key: str) -> None:
        """Refuse a table that has none of some columns; that the source lacks a joined table is no fault.

        Raises:
            InputError: names them, and the columns that there are.
        """
        names = list(names)
        if not any(self.has(name) or self._comes_from_nowhere(name) for name in names):
            lacks = (
                f"has no column '{names[0]}'"
                if len(names) == 1
                else f"has none of the columns {', '.join(names)}"
            )
            raise InputError(
                f"table '{self.name}' {lacks}",
                where=f"{self.relation.files.paths[0]} (asked for by {self.place(key)})",
                allowed=self.relation.columns,
                remedy=f"name the column in `{key}` of a spec that `extends` this one",
            )

    def _comes_from_nowhere(self, name: str) -> bool:
        """Whether a column is of a joined table that the source lacks; it has no value then."""
        alias = self._own_name(name).alias
        return alias in self._joined and self._joined[alias].relation is None

    def source(self, *, more: str = "") -> str:
        """The table with all columns and expressions that were asked for, as a sub-query in brackets.

        Args:
            more: another JOIN clause, on columns of the table as `identifier` gives them.
        """
        clauses = []
        for alias, join in reversed(self.table.join.items()):  # a key may come from a join before it
            if self._is_used(alias):
                for name in join.by:
                    self.value(name, key=f"join.{alias}.by")
        for alias, join in self.table.join.items():
            if not self._is_used(alias):
                continue
            here = [self.value(name, key=f"join.{alias}.by") for name in join.by]
            matches = [
                f"{as_id(own.sql, own.family)} = {_flat(alias, f'key {n}')}" for n, own in enumerate(here)
            ]
            clauses.append(f"LEFT JOIN ({self._joined_sql(alias)}) ON {' AND '.join(matches)}")
        own = self.relation.sql(self._used[None], words=self._words[None], verbatim=self._verbatim)
        columns = [*self._used[None], *map(as_words, self._words[None])]
        renamed_ = ", ".join(f"{quoted(name)} AS {_flat(None, name)}" for name in columns)
        joined = " ".join([f"(SELECT {renamed_} FROM ({own}))", *clauses, more])
        return self._layers.over(f"(SELECT * FROM {joined})")

    def _joined_sql(self, alias: str) -> str:
        """A joined table with its keys as text; without rows when the source lacks it."""
        bound, join = self._joined[alias], self.table.join[alias]
        used = [*self._used[alias], *map(as_words, self._words[alias])]
        names = {name: _flat(alias, name) for name in used}
        keys = [f"key {n}" for n in range(len(join.by))]
        if bound.relation is None:
            nulls = [f"CAST(NULL AS VARCHAR) AS {_flat(alias, name)}" for name in (*used, *keys)]
            return f"SELECT {', '.join(nulls)} WHERE false"
        values = join_keys(bound, list(join.by.values()), where=self.place(f"join.{alias}"))
        inner = bound.relation.sql([*self._used[alias], *join.by.values()], words=self._words[alias])
        columns = [f"{quoted(name)} AS {flat}" for name, flat in names.items()]
        columns += [f"{value} AS {_flat(alias, key)}" for value, key in zip(values, keys, strict=True)]
        return f"SELECT {', '.join(columns)} FROM ({inner})"

    def used_joins(self) -> dict[str, tuple[Bound, list[str]]]:
        """The joined tables that are used, with their keys."""
        return {
            alias: (self._joined[alias], list(join.by.values()))
            for alias, join in self.table.join.items()
            if self._is_used(alias) and self._joined[alias].relation is not None
        }

    def used_columns(self) -> list[str]:
        """The table's own columns that are used, as the spec names them, lower case."""
        return list(dict.fromkeys([*self._used[None], *self._words[None]]))

    def _is_used(self, alias: str) -> bool:
        return bool(self._used[alias] or self._words[alias])


def _plain(alias: str | None, column: str) -> str:
    """The name of a column in SQL, by which it is known whatever table it comes from."""
    return f"{alias or _ROW}.{column.lower()}"


def _flat(alias: str | None, column: str) -> str:
    return quoted(_plain(alias, column))


def join_keys(bound: Bound, columns: list[str], *, where: str) -> list[str]:
    """The keys of a joined table as text, in SQL.

    Raises:
        InputError: the table lacks one of them.
    """
    assert bound.relation is not None
    for column in columns:
        if not bound.relation.has(column):
            raise InputError(
                f"table '{bound.relation.name}' has no column '{column}'",
                where=f"{bound.relation.files.paths[0]} (asked for by {where})",
                allowed=bound.relation.columns,
                remedy="mend the name in `by`",
            )
    return [as_id(quoted(name.lower()), bound.families[name.lower()]) for name in columns]
