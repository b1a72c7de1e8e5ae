"""Who is in the dataset: the ids of the source, their numbers, their persons, and what --limit lets in."""

from typing import TYPE_CHECKING

import polars as pl

from osler.base.errors import InputError
from osler.base.progress import note
from osler.record.identifiers import hashed_id, integer_ids
from osler.record.mapping.database import reading
from osler.record.mapping.plan import Plan
from osler.record.mapping.query import IDS, subject_sql

if TYPE_CHECKING:
    import duckdb


def find_subjects(
    plan: Plan,
    connection: "duckdb.DuckDBPyConnection",
    *,
    key: bytes,
    limit: int | None,
    hashed: bool | None = None,
) -> pl.DataFrame:
    """The subjects of a source, from its table of subjects, else from all tables; registered as `_ids`.

    Args:
        plan: how the source is read.
        connection: a database; gets the table `_ids` with `source, id, kept`.
        key: hashes ids that are no whole numbers.
        limit: only so many subjects, the first in the order of their ids; None: all.
        hashed: whether all ids are hashed (False: none may be), as in the dataset that is continued;
            None: all where one is no whole number.

    Returns:
        `source_id` (text), `subject_id`, `group_id`, `kept`, sorted by `subject_id`.

    Raises:
        InputError: there are no subjects, ids clash or do not go with those of the dataset that is
            continued, or a subject belongs to several persons.
    """
    listed = _listed(plan, connection)
    if listed.is_empty():
        raise InputError(
            "no subjects",
            where=plan.source.root,
            remedy="check the column of the subject in the spec, and whether the tables have rows",
        )
    several = listed.group_by("source_id").agg(pl.col("group").n_unique()).filter(pl.col("group") > 1)
    if several.height:
        raise InputError(
            "subjects belong to more than one person",
            where=plan.source.root,
            count=several.height,
            remedy="check `subjects.group` in the spec: one subject is one person",
        )
    listed = listed.unique("source_id", keep="first", maintain_order=True)
    if hashed is False:
        _check_whole(listed["source_id"], plan)
    frame = _numbered(listed, "source_id", "subject_id", key, hashed=bool(hashed))
    frame = _grouped(frame, key, hashed=bool(hashed)).sort("subject_id")
    kept = pl.lit(value=True) if limit is None else pl.int_range(pl.len()) < limit
    frame = frame.select("source_id", "subject_id", "group_id", kept=kept)
    ids = frame.select(source="source_id", id="subject_id", kept="kept").to_arrow()
    connection.register("_ids_here", ids)
    connection.execute(f"CREATE OR REPLACE TABLE {IDS} AS SELECT * FROM _ids_here")
    connection.unregister("_ids_here")
    return frame


def _listed(plan: Plan, connection: "duckdb.DuckDBPyConnection") -> pl.DataFrame:
    """`source_id, group` of every subject, text, sorted; group is null where the spec has none."""
    subjects = plan.spec.subjects
    if subjects is None:
        parts = []
        scopes = [plan.scope(name) for name in plan.queries]
        for scope in scopes:
            source_id = subject_sql(scope)
            parts.append(f"SELECT {source_id} AS source_id FROM {scope.source()}")
        sql = f"SELECT source_id, NULL::VARCHAR AS person FROM ({' UNION ALL '.join(parts)})"
    else:
        scope = plan.scope(subjects.table)
        scopes = [scope]
        source_id = scope.identifier(subjects.id, key="subject")
        person = scope.identifier(subjects.group, key="subject") if subjects.group else "NULL::VARCHAR"
        sql = f"SELECT {source_id} AS source_id, {person} AS person FROM {scope.source()}"
    with reading(*(path for scope in scopes for path in scope.relation.files.paths)):
        table = connection.sql(
            f"SELECT DISTINCT source_id, person FROM ({sql}) WHERE source_id IS NOT NULL ORDER BY ALL"
        ).to_arrow_table()
    return pl.DataFrame(pl.from_arrow(table)).select("source_id", group=pl.col("person"))


def _check_whole(ids: pl.Series, plan: Plan) -> None:
    """Refuse ids that are no whole numbers: with them all would be hashed, and known subjects told twice."""
    others = ids.cast(pl.Int64, strict=False).null_count()
    if others:
        raise InputError(
            "subject ids that are no whole numbers, in a dataset whose ids are",
            where=plan.source.root,
            count=others,
            remedy="give these subjects whole numbers, or ingest both sources together",
        )


def _grouped(frame: pl.DataFrame, key: bytes, *, hashed: bool) -> pl.DataFrame:
    """`group_id` beside `group`: the number of the person; who has none is a group of their own."""
    alone = frame["group"].is_null()
    if alone.all():
        return frame.with_columns(group_id="subject_id")
    persons = _numbered(frame.filter(~alone), "group", "group_id", key, hashed=hashed)
    if not alone.any():
        return persons
    note(f"subjects without a person, each a group of its own: {int(alone.sum()):,}")
    own = [hashed_id(f"no person: {one}", key=key) for one in frame.filter(alone)["source_id"]]
    rest = frame.filter(alone).with_columns(group_id=pl.Series(own, dtype=pl.Int64))
    return pl.concat([persons, rest])


def _numbered(frame: pl.DataFrame, name: str, target: str, key: bytes, *, hashed: bool) -> pl.DataFrame:
    ids = integer_ids(frame[name], key=key, hashed=hashed)
    return frame.join(
        ids.rename({"source_id": name, "id": target}), on=name, how="left", maintain_order="left"
    )
