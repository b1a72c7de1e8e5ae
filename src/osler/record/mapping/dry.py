"""Reading a source through and writing nothing: what an ingest would leave out, and what refuse."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from osler.base.errors import InputError
from osler.record.mapping.collect import Counts, account, refuse_bad
from osler.record.mapping.database import database, reading
from osler.record.mapping.files import list_source
from osler.record.mapping.options import IngestOptions, divide
from osler.record.mapping.plan import check_joins, make_plan
from osler.record.mapping.query import Query
from osler.record.mapping.spec import MappingSpec
from osler.record.mapping.subjects import find_subjects

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class DryRun:
    """What an ingest would find.

    Attributes:
        counts: what would become of the rows of each table.
        refused: what an ingest would refuse, table by table.
        n_subjects: how many subjects there are.
        not_found: optional tables that the source lacks.
        unread: tables of the source that the spec does not name.
        set_aside: files that could hold tables and are not read -> why.
    """

    counts: dict[str, Counts]
    refused: list[InputError]
    n_subjects: int
    not_found: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    set_aside: dict[str, str] = field(default_factory=dict)


def read_through(folder: Path, spec: MappingSpec, scratch: Path, *, where: str) -> DryRun:
    """Read every row of a source as an ingest would.

    Args:
        folder: the source.
        spec: the spec.
        scratch: folder for what the database spills.
        where: what to call the spec in an error.

    Raises:
        InputError: a required table or a column is missing, or there are no subjects; what is wrong with
            single tables is in `refused`.
    """
    with database(scratch, memory=divide(IngestOptions().memory, cores=2).database, threads=2) as connection:
        plan = make_plan(spec, list_source(folder), connection, where=where)
        refused: list[InputError] = []
        try:
            check_joins(plan, connection)
        except InputError as error:
            refused.append(error)
        subjects = find_subjects(plan, connection, key=b"any", limit=None)
        counts = {}
        for name, query in plan.queries.items():
            try:
                counts[name] = _counts(query, connection)
                refuse_bad(name, query, counts[name], connection)
            except InputError as error:
                refused.append(error)
        return DryRun(
            counts=counts,
            refused=refused,
            n_subjects=subjects.height,
            not_found=plan.absent,
            unread=list(plan.unread),
            set_aside=plan.source.set_aside,
        )


def _counts(query: Query, connection: "duckdb.DuckDBPyConnection") -> Counts:
    states = ["row_state", *dict.fromkeys(query.outputs[f"{rule.number}.state"] for rule in query.rules)]
    named = ", ".join(states)
    with reading(*query.scope.relation.files.paths):
        rows = connection.sql(f"SELECT {named}, count(*) FROM ({query.sql}) GROUP BY {named}").fetchall()
    counts = Counts()
    account(rows, states, query, counts)
    return counts
