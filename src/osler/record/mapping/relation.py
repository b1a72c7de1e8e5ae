"""A table of the source as an SQL relation: columns cleaned and recoded, and those derived from them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING

from osler.base.errors import InputError
from osler.record.mapping.expressions import parse_expression, renamed
from osler.record.mapping.files import TableFiles, header_of
from osler.record.mapping.sql import TEXT, as_text, family_of, literal, quoted, without_missing

if TYPE_CHECKING:
    import duckdb

# Bytes of the longest line and of a buffer: a reader holds several buffers per thread.
_LINES = (2 * 1024 * 1024, 8 * 1024 * 1024)
_LONG_LINES = (16 * 1024 * 1024, 32 * 1024 * 1024)


@dataclass(frozen=True)
class Relation:
    """A table of the source.

    Attributes:
        name: its name in the spec.
        files: its files.
        types: column as its file spells it -> DuckDB's type.
        optional: columns that may be absent, or patterns of them.
        derive: new column -> expression.
        missing: column, or pattern of columns -> values that mean missing.
        recode: column, or pattern of columns -> value -> value.
        quote: whether text may stand in quotation marks.
        has_notes: whether lines may be as long as notes are.
        where: what to call the spec in an error.
    """

    name: str
    files: TableFiles
    types: dict[str, str]
    optional: tuple[str, ...] = ()
    derive: dict[str, str] = field(default_factory=dict)
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    recode: dict[str, dict[str, str]] = field(default_factory=dict)
    quote: bool = True
    has_notes: bool = False
    where: str = "spec"

    @cached_property
    def _spelling(self) -> dict[str, str]:
        """Columns by their lower-case name."""
        return {name.lower(): name for name in self.types}

    def has(self, column: str) -> bool:
        """Whether the table has a column, or the spec derives one of that name; case does not matter."""
        return column.lower() in self._spelling or column.lower() in self._derived

    def may_lack(self, column: str) -> bool:
        """Whether the spec says that some sources lack a column."""
        return any(_fits(column, pattern) for pattern in self.optional)

    @property
    def columns(self) -> list[str]:
        """Names of all columns, those of the file first."""
        return [*self.types, *(name for name in self.derive if name.lower() not in self._spelling)]

    def sql(self, needed: Iterable[str], *, words: Iterable[str] = (), verbatim: Iterable[str] = ()) -> str:
        """A SELECT of some columns, each under its lower-case name.

        Args:
            needed: columns of the file or derived ones, in any case.
            words: columns of the file that are needed as text, under the name that `as_words` gives.
            verbatim: columns of `needed` whose text is not trimmed.

        Returns:
            SQL.
        """
        wanted = list(dict.fromkeys(name.lower() for name in needed))
        worded = dict.fromkeys(name.lower() for name in words)
        shown = [*wanted, *(as_words(name) for name in worded)]
        derived = self._closure(wanted)
        for name in derived:
            worded.update(dict.fromkeys(c for c in self._reads(name) if not self._is_derived(c, before=name)))
        exact = {name.lower() for name in verbatim}
        raw = [name for name in wanted if name not in derived]
        columns = [f"{self._cleaned(name, verbatim=name in exact)} AS {quoted(name)}" for name in raw]
        columns += [f"{self._as_text(name)} AS {quoted(as_words(name))}" for name in worded]
        source = f"SELECT {', '.join(columns) or '1 AS nothing'} FROM {self.scan}"
        for name in derived:
            source = f"SELECT *, {self._derivation(name)} AS {quoted(name)} FROM ({source})"
        return f"SELECT {', '.join(map(quoted, shown)) or '1 AS nothing'} FROM ({source})"

    @cached_property
    def _derived(self) -> dict[str, str]:
        return {name.lower(): sql for name, sql in self.derive.items()}

    def _reads(self, name: str) -> list[str]:
        """Columns that a derived column reads, lower case."""
        expression = parse_expression(self._derived[name], where=f"{self.where}: derive.{name}")
        return [column.lower() for column in expression.columns]

    def _is_derived(self, column: str, *, before: str) -> bool:
        """Whether an expression means a derived column: one that stands before it in the spec."""
        names = list(self._derived)
        return column in names[: names.index(before)]

    def _derivation(self, name: str) -> str:
        """The expression of a derived column; columns of the file are text in it."""
        place = f"{self.where}: derive.{name}"
        expression = parse_expression(self._derived[name], where=place)
        names = {
            column: [column.lower() if self._is_derived(column.lower(), before=name) else as_words(column)]
            for column in expression.columns
        }
        return renamed(expression, names, where=place)

    def _closure(self, wanted: list[str]) -> list[str]:
        """The derived columns that are needed, also by other derived ones, in the order of the spec."""
        found: set[str] = set()
        todo = [name for name in wanted if name in self._derived]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += [c for c in self._reads(name) if self._is_derived(c, before=name)]
        return [name for name in self._derived if name in found]

    def reads(self, columns: Iterable[str]) -> set[str]:
        """The columns of the file that some columns are made of, lower case; optional ones may be absent."""
        wanted = [name.lower() for name in columns]
        derived = self._closure(wanted)
        read = {name for name in wanted if name not in derived}
        for name in derived:
            read.update(column for column in self._reads(name) if not self._is_derived(column, before=name))
        return read

    def derives(self, column: str) -> bool:
        """Whether a column is a derived one."""
        return column.lower() in self._derived

    def check_derived(self) -> None:
        """Refuse derived columns that read columns which are not there.

        Raises:
            InputError: names the derived column, the column that is missing, and those that there are.
        """
        known = list(self._spelling)
        for name in self._derived:
            missing = [c for c in self._reads(name) if c not in known and not self.may_lack(c)]
            if missing:
                raise InputError(
                    f"derive.{name} reads '{missing[0]}', which the table does not have",
                    where=f"{self.files.paths[0]} ({self.where})",
                    allowed=[*self.types, *(n for n in self._derived if n in known)],
                    remedy="mend the name in the spec; a derived column can read those that stand before it",
                )
            known.append(name)

    @property
    def scan(self) -> str:
        """The files as they are."""
        paths = "[" + ", ".join(literal(str(path)) for path in self.files.paths) + "]"
        if self.files.is_parquet:
            return f"read_parquet({paths}, union_by_name = true)"
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in self.types)
        quote = '"' if self.quote else ""
        line, held = _LONG_LINES if self.has_notes else _LINES
        return (
            f"read_csv({paths}, columns = {{{columns}}}, header = true, auto_detect = false, "
            f"delim = {literal(self.files.separator or ',')}, quote = {literal(quote)}, "
            f"escape = {literal(quote)}, nullstr = '', max_line_size = {line}, buffer_size = {held})"
        )

    def _cleaned(self, name: str, *, verbatim: bool = False) -> str:
        if name not in self._spelling:
            return "NULL"
        column, kind = quoted(self._spelling[name]), self.types[self._spelling[name]]
        marks = [mark for key, found in self.missing.items() if _fits(name, key) for mark in found]
        sql = without_missing(column, kind, marks, trim=not verbatim)
        changes = {
            old: new for key, found in self.recode.items() if _fits(name, key) for old, new in found.items()
        }
        if not changes:
            return sql
        text = as_text(sql, family_of(kind))
        cases = " ".join(f"WHEN {literal(old)} THEN {literal(new)}" for old, new in changes.items())
        return f"CASE {text} {cases} ELSE {text} END"

    def _as_text(self, name: str) -> str:
        if name not in self._spelling:
            return f"CAST(NULL AS {TEXT})"
        recoded = any(_fits(name, key) for key in self.recode)
        family = "text" if recoded else family_of(self.types[self._spelling[name]])
        return as_text(self._cleaned(name), family)

    def families(self, connection: "duckdb.DuckDBPyConnection") -> dict[str, str]:
        """Family of each column's type as `sql` gives it, by lower-case name.

        Raises:
            InputError: a derived column's expression does not fit the types of the columns.
        """
        import duckdb

        self.check_derived()
        names = [name.lower() for name in self.columns]
        try:
            return self._families(names, connection)
        except duckdb.Error:
            families: dict[str, str] = {}
        for name in names:  # one by one, to find the one at fault
            try:
                families |= self._families([name], connection)
            except duckdb.Error as error:
                raise InputError(
                    f"derive.{name} is not understood: {str(error).splitlines()[0]}",
                    where=f"{self.files.paths[0]} ({self.where})",
                    remedy="mend the expression; columns are text in it: cast them (`year::int`)",
                ) from error
        return families

    def _families(self, names: list[str], connection: "duckdb.DuckDBPyConnection") -> dict[str, str]:
        described = connection.sql(f"DESCRIBE {self.sql(names)}").fetchall()
        return {name: family_of(str(kind)) for name, (_, kind, *_) in zip(names, described, strict=True)}


def as_words(column: str) -> str:
    """The name of a column's text."""
    return f"words of {column.lower()}"


def _fits(name: str, pattern: str) -> bool:
    """Whether a column is meant by a name or a pattern of names; case does not matter."""
    return fnmatchcase(name.lower(), pattern.lower())


def open_relation(
    name: str,
    files: TableFiles,
    connection: "duckdb.DuckDBPyConnection",
    *,
    optional: tuple[str, ...] = (),
    derive: dict[str, str],
    missing: dict[str, tuple[str, ...]],
    recode: dict[str, dict[str, str]],
    quote: bool = True,
    has_notes: bool = False,
    where: str,
) -> Relation:
    """Look at the columns of a table's files.

    Args:
        name: of the table in the spec.
        files: its files.
        connection: a database that reads Parquet footers.
        optional, derive, missing, recode, quote, has_notes: as in `Relation`.
        where: what to call the spec in an error.

    Raises:
        InputError: the files cannot be read, or their headers differ.
    """
    types = _parquet_types(files, connection) if files.is_parquet else _text_types(files)
    quote = quote or files.separator != "\t"
    return Relation(
        name=name,
        files=files,
        types=types,
        optional=optional,
        derive=derive,
        missing=missing,
        recode=recode,
        quote=quote,
        has_notes=has_notes,
        where=where,
    )


def _parquet_types(files: TableFiles, connection: "duckdb.DuckDBPyConnection") -> dict[str, str]:
    import duckdb

    for path in files.paths:
        try:
            connection.sql(f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))})")
        except duckdb.Error as error:
            raise InputError(
                "not readable as Parquet", where=path, remedy="write or copy it again"
            ) from error
    paths = "[" + ", ".join(literal(str(path)) for path in files.paths) + "]"
    try:
        rows = connection.sql(
            f"DESCRIBE SELECT * FROM read_parquet({paths}, union_by_name = true)"
        ).fetchall()
    except duckdb.Error as error:
        raise InputError(
            "the files of the table do not fit together",
            where=files.paths[0].parent,
            count=len(files.paths),
            remedy=f"write them with the same types: {str(error).splitlines()[0]}",
        ) from error
    return {str(name): str(kind) for name, kind, *_ in rows}


def _text_types(files: TableFiles) -> dict[str, str]:
    headers = [header_of(path, files.separator or ",") for path in files.paths]
    for path, header in zip(files.paths, headers, strict=True):
        if header != headers[0]:
            raise InputError(
                f"the header differs from that of {files.paths[0].name}",
                where=path,
                allowed=headers[0],
                remedy="write the parts of a table with the same columns in the same order",
            )
    return dict.fromkeys(headers[0], TEXT)
