"""Second pass: of each resource the last version is kept, and references become ids, by joins out of core."""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from osler.base.errors import InputError
from osler.record.sources.fhir.parquet import ROW_GROUP, parquet_rows
from osler.record.sources.fhir.queries import Keyed, table_query
from osler.record.sources.fhir.staged import DELETED, KEYS, STAGED, TEXTS
from osler.record.sources.fhir.tables import PROBLEM, TABLES, TARGETS
from osler.record.sources.fhir.texts import TextReader

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# Tables that others take columns over from come first.
_FIRST = ("organization", "location", "medication", "encounter")
_SOURCE = {"site": "encounter"}  # of a table that is not staged itself
_MEMORY_OF_A_THREAD = 128 << 20  # bytes; below that, the database's sorts and joins fail


@dataclass
class Kept:
    """What was kept of one table.

    Attributes:
        rows: rows written.
        resources: resources that they tell of.
        repeated: resources that a later version replaced.
        deleted: resources that the source says are deleted.
        problems: column -> what is said in it -> rows, for the columns that say why something is missing.
    """

    rows: int = 0
    resources: int = 0
    repeated: int = 0
    deleted: int = 0
    problems: dict[str, Counter[str]] = field(default_factory=dict)


def finish(
    staged: Path, into: Path, *, staged_rows: dict[str, int], memory: int
) -> tuple[dict[str, Kept], int]:
    """Write the tables from the staged ones.

    Args:
        staged: folder of the staged tables, each a Parquet file.
        staged_rows: staged table -> its rows.
        into: folder of the tables.
        memory: bytes that the database may take; beyond that it works on disk, in `staged`.

    Returns:
        Table -> what was kept of it; and the number of patients whose resources are told under another id,
        because the source says that they were merged into that one.

    Raises:
        InputError: patients of two servers share an id.
    """
    with _database(staged, memory) as database, TextReader(staged / TEXTS) as texts:
        _refuse_two_servers(database)
        for name, table in TABLES.items():
            if table.resource is not None:
                _choose_versions(database, name, table.resource, is_empty=not staged_rows[name])
        looked_up = _prepare_keys(database)
        kept = {"patient": _write(database, "patient", table_query("patient", looked_up), texts, into)}
        merged = _prepare_survivors(database)
        for name in (*_FIRST, *(name for name in TABLES if name not in (*_FIRST, "patient"))):
            is_empty = not staged_rows.get(_SOURCE.get(name, name))
            query = "" if is_empty else table_query(name, looked_up, has_merged=bool(merged))
            kept[name] = _write(database, name, query, texts, into)
    return {name: kept[name] for name in TABLES}, merged


def _database(staged: Path, memory: int) -> "duckdb.DuckDBPyConnection":
    import duckdb

    threads = max(1, min(os.cpu_count() or 1, memory // _MEMORY_OF_A_THREAD))
    database = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "memory_limit": f"{memory}B",
            "temp_directory": str(staged / "spill"),
            "threads": threads,
        },
    )
    database.execute("SET TimeZone = 'UTC'")  # what a time without a zone means
    for name in STAGED:
        _view(database, f"staged_{name}", staged / f"{name}.parquet")
    return database


def _view(database: "duckdb.DuckDBPyConnection", name: str, path: Path) -> None:
    quoted = str(path).replace("'", "''")
    database.execute(f"CREATE TEMP VIEW \"{name}\" AS SELECT * FROM read_parquet('{quoted}')")


def _refuse_two_servers(database: "duckdb.DuckDBPyConnection") -> None:
    """Two patients of two servers may bear the same id; as versions of one they would become one patient."""
    found = database.execute(
        "SELECT count(*), min(id), min(one), min(other) FROM ("
        "SELECT id, min(server) AS one, max(server) AS other FROM staged_patient "
        "WHERE server IS NOT NULL GROUP BY id HAVING one <> other)"
    ).fetchone()
    if found and found[0]:
        raise InputError(
            f"the same Patient is there from two servers, {found[2]} and {found[3]}",
            where=f"Patient/{found[1]}",
            count=found[0],
            remedy="read the exports of the servers apart: one id can mean two people there",
        )


def _choose_versions(database: "duckdb.DuckDBPyConnection", name: str, kind: str, *, is_empty: bool) -> None:
    """Make the table of the places that are not kept, with the reason.

    Of the versions of a resource the last is kept: by the number of its version, else by the time of its last
    change, else by its place. A deletion ends the versions before it: those with a smaller number, else those
    that changed before, else all.
    """
    if is_empty:
        database.execute(f'CREATE TEMP TABLE "unkept_{name}" (place BIGINT, reason VARCHAR)')
        return
    database.execute(
        f"""
        CREATE TEMP TABLE "unkept_{name}" AS
        WITH several AS (
            SELECT id FROM "staged_{name}" WHERE id IS NOT NULL GROUP BY id HAVING min(place) <> max(place)
            UNION SELECT id FROM staged_{DELETED} WHERE kind = $kind
        ), found AS (
            SELECT DISTINCT id, place, version, try_cast(updated AS TIMESTAMPTZ) AS updated
            FROM "staged_{name}" WHERE id IN (SELECT id FROM several)
        ), gone AS (
            SELECT DISTINCT f.place FROM found f JOIN staged_{DELETED} d ON d.kind = $kind AND d.id = f.id
            WHERE coalesce(f.version < d.version, f.updated <= try_cast(d.updated AS TIMESTAMPTZ), true)
        ), ranked AS (
            SELECT place, row_number() OVER (
                PARTITION BY id ORDER BY version DESC NULLS LAST, updated DESC NULLS LAST, place DESC
            ) AS age
            FROM found
        )
        SELECT r.place, CASE WHEN r.age > 1 THEN 'repeated' ELSE 'deleted' END AS reason
        FROM ranked r LEFT JOIN gone g USING (place) WHERE r.age > 1 OR g.place IS NOT NULL
        """,
        {"kind": kind},
    )


def _prepare_keys(database: "duckdb.DuckDBPyConnection") -> Keyed:
    """Make the tables that references are looked up in: by id, and by key, in one Bundle or anywhere.

    Returns:
        The types of resources that have keys there.
    """
    for name, table in TABLES.items():
        if table.resource in TARGETS:
            database.execute(
                f'CREATE TEMP TABLE "known_{table.resource}" AS SELECT DISTINCT id FROM "staged_{name}" s '
                f'ANTI JOIN "unkept_{name}" u USING (place) WHERE id IS NOT NULL'
            )
    known = " UNION ALL ".join(
        f"SELECT '{kind}' AS kind, id FROM \"known_{kind}\"" for kind in sorted(TARGETS)
    )
    database.execute(
        f"CREATE TEMP TABLE living AS SELECT kind, key, bundle, id FROM staged_{KEYS} "
        f"SEMI JOIN ({known}) USING (kind, id)"
    )
    database.execute(
        "CREATE TEMP TABLE in_bundle AS SELECT kind, bundle, key, min(id) AS id, count(DISTINCT id) AS n "
        "FROM living WHERE bundle IS NOT NULL GROUP BY ALL"
    )
    # A key of type and id means the server of its Bundle, so it counts in that Bundle only.
    database.execute(
        "CREATE TEMP TABLE anywhere AS SELECT kind, key, min(id) AS id, count(DISTINCT id) AS n FROM living "
        "WHERE NOT starts_with(key, kind || '/') GROUP BY ALL"
    )
    return Keyed(
        *(
            frozenset(kind for (kind,) in database.execute(f"SELECT DISTINCT kind FROM {name}").fetchall())
            for name in ("in_bundle", "anywhere")
        )
    )


def _prepare_survivors(database: "duckdb.DuckDBPyConnection") -> int:
    """Make the table of merged patients, each with the one that is left at the end of his chain.

    A chain that ends nowhere, or bites its own tail, leaves its patients as they are.

    Returns:
        Its rows.
    """
    steps = dict(
        database.execute(
            "SELECT id, replaced_by FROM patient "
            "WHERE replaced_by IS NOT NULL AND replaced_by_problem IS NULL"
        ).fetchall()
    )
    survivors = []
    for merged in steps:
        last, seen = steps[merged], {merged}
        while last in steps and last not in seen:
            seen.add(last)
            last = steps[last]
        if last not in seen:
            survivors.append((merged, last))
    database.execute("CREATE TEMP TABLE survivors (id VARCHAR, survivor VARCHAR)")
    if survivors:
        database.executemany("INSERT INTO survivors VALUES (?, ?)", survivors)
    return len(survivors)


def _write(
    database: "duckdb.DuckDBPyConnection", name: str, query: str, texts: TextReader, into: Path
) -> Kept:
    """Write a table; without a query it has no rows."""
    kept = Kept()
    table, path = TABLES[name], into / f"{name}.parquet"
    last: tuple[int, int] | None = None
    with parquet_rows(path, table.columns) as rows:
        for batch in database.sql(query).to_arrow_reader(ROW_GROUP) if query else ():
            for part in texts.get(batch, list(table.columns)):
                rows.add(part)
            if table.resource is not None and batch.num_rows:
                added, last = _count_resources(batch, last)
                kept.resources += added
            for column in table.columns:
                if column.endswith(PROBLEM):
                    _count_values(batch, column, kept.problems)
    kept.rows = rows.rows
    _view(database, name, path)
    if table.resource is not None and query:
        counts = dict(
            database.execute(f'SELECT reason, count(*) FROM "unkept_{name}" GROUP BY reason').fetchall()
        )
        kept.repeated, kept.deleted = counts.get("repeated", 0), counts.get("deleted", 0)
    return kept


def _count_resources(batch: "pa.RecordBatch", last: tuple[int, int] | None) -> tuple[int, tuple[int, int]]:
    """Resources that begin in a batch whose rows are in order, and the place of its last row."""
    import numpy as np

    file, row = (batch.column(name).to_numpy() for name in ("file", "row"))
    changes = np.count_nonzero((np.diff(file) != 0) | (np.diff(row) != 0))
    starts = (int(file[0]), int(row[0])) != last
    return int(changes) + int(starts), (int(file[-1]), int(row[-1]))


def _count_values(batch: "pa.RecordBatch", column: str, counts: dict[str, Counter[str]]) -> None:
    import pyarrow.compute as pc

    values = batch.column(column)
    if values.null_count < len(values):
        for found in pc.value_counts(values.drop_null()).to_pylist():
            counts.setdefault(column, Counter())[found["values"]] += found["counts"]
