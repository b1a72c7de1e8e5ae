"""Tables out of a PostgreSQL database: copied to files in one snapshot, then read like any others."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osler.base.errors import InputError
from osler.base.files import atomic_path
from osler.base.progress import bar
from osler.record.mapping.spec import MappingSpec

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql

_URL = re.compile(r"^postgres(?:ql)?://", re.IGNORECASE)
_SHOWN = ("options", "host", "hostaddr", "port", "dbname", "user")  # of the parameters of a URL
_SYSTEM = ("information_schema", "pg_catalog", "pg_toast")


def is_database_url(source: str) -> bool:
    """Whether a source is the URL of a PostgreSQL database.

    Examples:
        >>> is_database_url("postgresql://me@localhost/cdm"), is_database_url("data/omop")
        (True, False)
    """
    return bool(_URL.match(source))


def stage_database(url: str, spec: MappingSpec, folder: Path) -> str:
    """Copy the tables that a spec asks for out of a database, as CSV files.

    All tables are read in one transaction that sees one state of the database and changes nothing. Rows go
    from the server to the file as they come: memory does not grow with the tables.

    Args:
        url: of the database; `?options=-csearch_path%3Dcdm` chooses a schema where a table is in several.
        spec: names the tables.
        folder: where the files go.

    Returns:
        The name of the database.

    Raises:
        InputError: psycopg is not installed, the server cannot be reached or refuses, or a table is in
            several schemas.
    """
    try:
        import psycopg
        from psycopg import sql
    except ImportError as error:
        raise InputError(
            "reading a database needs the package psycopg",
            remedy="install it: pip install 'osler[postgres]'",
        ) from error
    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise InputError(  # its message may quote the password
            "the URL of the database is not understood",
            where=address(url),
            remedy="write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, in the password %23 for #, %2F for "
            "/, %3F for ? and %40 for @",
        ) from None
    try:
        with psycopg.connect(url) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            connection.execute("SET LOCAL datestyle = 'ISO, YMD'")
            connection.execute("SET LOCAL timezone = 'UTC'")
            connection.execute("SET LOCAL extra_float_digits = 1")
            wanted = _wanted(spec)
            counted = {name.lower() for name, table in spec.tables.items() if table.ignore is not None}
            places = _places(connection, wanted, url)
            found = {name: places[name] for name in wanted if name in places}
            with bar("copying", total=len(found)) as step:
                for name, (schema, table) in found.items():
                    columns = sql.SQL("1 AS row" if name in counted else "*")
                    query = sql.SQL("SELECT {} FROM {}").format(columns, sql.Identifier(schema, table))
                    _copy(connection, query, folder / f"{name}.csv")
                    step(1)
            return str(connection.info.dbname)
    except psycopg.Error as error:
        said = str(error).strip().split("\n")[0]
        raise InputError(
            f"the database refused: {said}",
            where=address(url),
            remedy="check the URL, the rights to read the tables, and that the server runs",
        ) from error


def _wanted(spec: MappingSpec) -> list[str]:
    """Names of the tables and dictionaries of a spec, lower case, without folders."""
    listed = [name for key, table in spec.tables.items() for name in (table.file or (key,))]
    listed += [name for dictionary in spec.dictionaries.values() for name in dictionary.file]
    listed += list(spec.vocabulary)
    return list(dict.fromkeys(name.lower().rpartition("/")[2] for name in listed if "*" not in name))


def _places(
    connection: "psycopg.Connection[Any]", wanted: Sequence[str], url: str
) -> dict[str, tuple[str, str]]:
    """Wanted table, lower case -> schema and table. Schemas of the search path go first."""
    rows = connection.execute(
        "SELECT table_schema, table_name, array_position(current_schemas(false), table_schema::name) "
        "FROM information_schema.tables WHERE NOT table_schema = ANY(%s) ORDER BY 3 NULLS LAST, 1, 2",
        [list(_SYSTEM)],
    ).fetchall()
    places: dict[str, tuple[str, str]] = {}
    ranks: dict[str, int | None] = {}
    for schema, table, rank in rows:
        name = str(table).lower()
        if name not in wanted:
            continue
        if name in places and rank is None and ranks[name] is None:
            raise InputError(
                f"table '{table}' is in several schemas: {places[name][0]}, {schema}",
                where=address(url),
                remedy="choose one: add ?options=-csearch_path%3DSCHEMA to the URL",
            )
        if name not in places:
            places[name], ranks[name] = (str(schema), str(table)), rank
    return places


def _copy(connection: "psycopg.Connection[Any]", query: "sql.Composed", path: Path) -> None:
    from psycopg import sql

    with (
        atomic_path(path, private=True) as temporary,
        temporary.open("wb") as file,
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("COPY ({}) TO STDOUT WITH (FORMAT csv, HEADER)").format(query)) as copy,
    ):
        for block in copy:
            file.write(block)


def address(url: str) -> str:
    """The URL as it may be shown and stored: without the password.

    Whatever the URL is like, nothing that stands between the name of the user and the last @ is shown.

    Examples:
        >>> address("postgresql://me:secret@host/cdm?options=-csearch_path%3Dv5&password=secret")
        'postgresql://me@host/cdm?options=-csearch_path%3Dv5'
    """
    user, at, rest = _URL.sub("", url).rpartition("@")
    place, _, query = rest.partition("?")
    shown = [part for part in query.split("&") if part.partition("=")[0] in _SHOWN]
    return f"postgresql://{user.partition(':')[0]}{at}{place}{'?' if shown else ''}{'&'.join(shown)}"
