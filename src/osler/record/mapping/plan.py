"""A spec meets a source: which tables are there, which are missing, and how each will be read."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from osler.base.errors import InputError
from osler.record.mapping.database import count, reading
from osler.record.mapping.files import SourceFiles, TableFiles
from osler.record.mapping.query import Query, make_query
from osler.record.mapping.relation import open_relation
from osler.record.mapping.scope import Bound, Scope, join_keys
from osler.record.mapping.spec import ALL_COLUMNS, Dictionary, MappingSpec, Table
from osler.record.mapping.spec_event import STATIC, Offset
from osler.record.mapping.sql import quoted

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Plan:
    """How a source will be read.

    Attributes:
        spec: the spec.
        source: the source's tables.
        bound: table of the spec -> its files; without a relation where the source lacks it.
        dictionaries: dictionary -> its files, likewise.
        queries: table that makes events -> how it is read.
        ignored: table whose rows make no events -> reason.
        unread: tables of the source that the spec does not name.
        where: what to call the spec in an error.
    """

    spec: MappingSpec
    source: SourceFiles
    bound: dict[str, Bound]
    dictionaries: dict[str, Bound]
    queries: dict[str, Query]
    ignored: dict[str, str]
    unread: tuple[str, ...]
    where: str

    @property
    def absent(self) -> list[str]:
        """Optional tables that would have made events, if the source had them."""
        return [n for n, bound in self.bound.items() if bound.relation is None and self.spec.tables[n].events]

    @property
    def dates(self) -> str:
        """What the dates are: as the spec says, else relative if the source has offsets only, else real."""
        if self.spec.dates is not None:
            return self.spec.dates
        times = [
            one
            for query in self.queries.values()
            for event in query.scope.table.events
            for one in event.time or query.scope.table.time
            if one != STATIC and _is_there(one, query.scope)
        ]
        counted = [isinstance(one, Offset) and one.from_a_day for one in times]
        return "relative" if counted and all(counted) else "real"

    def scope(self, name: str) -> Scope:
        """The columns of a table's rows, of which none has been asked for yet."""
        return Scope(name, self.spec.tables[name], self.bound, self.dictionaries, where=self.where)

    def files(self) -> list[Path]:
        """All files that the dataset depends on, sorted."""
        return sorted(path for paths in self.source.tables.values() for path in paths)


def _is_there(one: str | Offset, scope: Scope) -> bool:
    return any(scope.has(name) for name in (one.columns if isinstance(one, Offset) else (one,)))


def make_plan(
    spec: MappingSpec, source: SourceFiles, connection: "duckdb.DuckDBPyConnection", *, where: str
) -> Plan:
    """Find the tables of a spec, look at their columns, and put the queries together. No row is read.

    Args:
        spec: the spec.
        source: the source's tables.
        connection: a database.
        where: what to call the spec in an error.

    Raises:
        InputError: a required table is missing, a table lacks a column, or an expression does not fit.
    """
    found = {name: _files_of(name, table, spec, source, where) for name, table in spec.tables.items()}
    bound = {
        name: Bound(None)
        if files is None
        else _bind(name, spec.tables[name], spec, files[1], connection, where)
        for name, files in found.items()
    }
    described = {name: source.find(one.file) for name, one in spec.dictionaries.items()}
    dictionaries = {
        name: Bound(None)
        if files is None
        else _bind_dictionary(name, spec.dictionaries[name], files[1], connection, where)
        for name, files in described.items()
    }
    queries: dict[str, Query] = {}
    for name, table in spec.tables.items():
        if bound[name].relation is not None and table.events:
            scope = Scope(name, table, bound, dictionaries, where=where)
            first = sum(len(query.rules) for query in queries.values())
            queries[name] = make_query(scope, spec, first_rule=first)
    named = {path for files in (*found.values(), *described.values()) if files for path in files[1].paths}
    unread = [key for key, paths in source.tables.items() if not named.intersection(paths)]
    ignored = {n: t.ignore for n, t in spec.tables.items() if t.ignore and bound[n].relation is not None}
    return Plan(
        spec=spec,
        source=source,
        bound=bound,
        dictionaries=dictionaries,
        queries=queries,
        ignored=ignored,
        unread=tuple(unread),
        where=where,
    )


def _files_of(
    name: str, table: Table, spec: MappingSpec, source: SourceFiles, where: str
) -> tuple[str, TableFiles] | None:
    """The files of a table. A source that is one file is the one table that the spec requires."""
    names = table.file or (name,)
    required = [key for key, one in spec.tables.items() if one.required]
    if source.root.is_file() and required == [name]:
        names = ("*",)
    found = source.find(names)
    if found is None and table.required:
        raise InputError(
            f"the required table '{name}' is missing",
            where=source.root,
            allowed=[f"{one}.csv[.gz], .tsv[.gz] or .parquet, any case" for one in names],
            remedy=f"name the folder that holds it; found: {', '.join(source.tables)}{source.aside()} "
            f"(spec: {where})",
        )
    return found


def _bind(
    name: str,
    table: Table,
    spec: MappingSpec,
    files: TableFiles,
    connection: "duckdb.DuckDBPyConnection",
    where: str,
) -> Bound:
    missing = dict(table.missing)
    if spec.missing:
        missing[ALL_COLUMNS] = (*missing.get(ALL_COLUMNS, ()), *spec.missing)
    relation = open_relation(
        name,
        files,
        connection,
        optional=table.optional,
        derive=table.derive,
        missing=missing,
        recode=table.recode,
        has_notes=any(event.kind == "note" for event in table.events),
        where=f"{where}: tables.{name}",
    )
    for key, columns in (("missing", table.missing), ("recode", table.recode)):
        for column in columns:
            if "*" not in column and not relation.has(column) and not relation.may_lack(column):
                raise InputError(
                    f"table '{name}' has no column '{column}'",
                    where=f"{files.paths[0]} (asked for by {where}: tables.{name}.{key})",
                    allowed=relation.columns,
                    remedy="mend the name in the spec",
                )
    return Bound(relation, relation.families(connection))


def _bind_dictionary(
    name: str,
    dictionary: Dictionary,
    files: TableFiles,
    connection: "duckdb.DuckDBPyConnection",
    where: str,
) -> Bound:
    relation = open_relation(
        name,
        files,
        connection,
        optional=dictionary.optional,
        derive=dictionary.derive,
        missing={},
        recode={},
        quote=dictionary.quote,
        where=f"{where}: dictionaries.{name}",
    )
    bound = Bound(relation, relation.families(connection))
    join_keys(bound, list(dictionary.key), where=f"{where}: dictionaries.{name}")
    return bound


def check_joins(plan: Plan, connection: "duckdb.DuckDBPyConnection") -> None:
    """Refuse joined tables in which a key occurs twice: they would make more rows than there are.

    Raises:
        InputError: names the table, its key and how many keys are concerned.
    """
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for query in plan.queries.values():
        for alias, (bound, columns) in query.scope.used_joins().items():
            relation = bound.relation
            if relation is None or (relation.name, tuple(columns)) in seen:
                continue
            seen.add((relation.name, tuple(columns)))
            keys = join_keys(bound, columns, where=query.scope.place(f"join.{alias}"))
            inner = relation.sql(columns)
            named = ", ".join(f"{key} AS k{n}" for n, key in enumerate(keys))
            places = ", ".join(f"k{n}" for n in range(len(keys)))
            with reading(*relation.files.paths):
                repeated = count(
                    connection,
                    f"SELECT count(*) FROM (SELECT {places} FROM (SELECT {named} FROM ({inner})) "
                    f"WHERE {' AND '.join(f'k{n} IS NOT NULL' for n in range(len(keys)))} "
                    f"GROUP BY {places} HAVING count(*) > 1)",
                )
            if repeated:
                raise InputError(
                    f"table '{relation.name}' has several rows for one {' and '.join(map(quoted, columns))}",
                    where=relation.files.paths[0],
                    count=repeated,
                    remedy="keep one row for each; the rows of other tables are joined with it",
                )
