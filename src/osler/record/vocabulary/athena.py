"""CONCEPT, CONCEPT_ANCESTOR and CONCEPT_RELATIONSHIP of the OMOP vocabularies, as Athena exports them.

CONCEPT has seven million rows, CONCEPT_ANCESTOR more than ten times as many: they are streamed, and only the
rows of the codes asked for, and of their ancestors, are kept.
"""

from dataclasses import dataclass
from functools import partial

import polars as pl

from osler.record.vocabulary.codes import canonical_codes
from osler.record.vocabulary.source_file import FOUND, TitleFile
from osler.record.vocabulary.table import key_of, wanted_keys
from osler.record.vocabulary.tabular import Tabular, database, query

CONCEPT = (
    "concept_id",
    "concept_name",
    "vocabulary_id",
    "standard_concept",
    "concept_code",
    "invalid_reason",
)
ANCESTOR = ("ancestor_concept_id", "descendant_concept_id", "min_levels_of_separation")
RELATIONSHIP = ("concept_id_1", "concept_id_2", "relationship_id", "invalid_reason")
# Headers of the tables of an export that say nothing about titles or parents of codes.
_OTHERS = (
    ("vocabulary_id", "vocabulary_name"),
    ("domain_id", "domain_name"),
    ("concept_class_id", "concept_class_name"),
    ("relationship_id", "relationship_name"),
    ("concept_id", "concept_synonym_name"),
    ("drug_concept_id", "ingredient_concept_id"),
)
_EDGES = {"code": pl.String(), "parent": pl.String()}


@dataclass(frozen=True)
class Concepts:
    """The tables of one export.

    Attributes:
        concept: the files of CONCEPT.
        ancestor: those of CONCEPT_ANCESTOR, if there.
        relationship: those of CONCEPT_RELATIONSHIP, if there.
    """

    concept: tuple[Tabular, ...]
    ancestor: tuple[Tabular, ...] = ()
    relationship: tuple[Tabular, ...] = ()


def is_table(file: Tabular, columns: tuple[str, ...]) -> bool:
    """Whether a file has all columns of a table."""
    return set(columns) <= set(file.columns)


def is_other(file: Tabular) -> bool:
    """Whether a file is a table of an export that is of no use here.

    Examples:
        >>> from osler.record.vocabulary.tabular import text_table
        >>> is_other(text_table("DOMAIN.csv", "domain_id\\tdomain_name\\tdomain_concept_id"))
        True
    """
    return any(is_table(file, columns) for columns in _OTHERS)


def concept_titles(concept: Tabular) -> TitleFile:
    """CONCEPT as a file of titles."""
    return TitleFile(
        path=concept.path,
        form="OMOP vocabulary table CONCEPT",
        vocabularies=(),
        long=True,
        look_up=partial(_look_up, (concept,)),
    )


def concept_parents(tables: Concepts, codes: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Edges from codes to their parents, and from these to theirs, up to the top.

    Args:
        tables: the export.
        codes: distinct strings without nulls, as `canonical` spells them.

    Returns:
        Two frames `code, parent`: the edges of CONCEPT_ANCESTOR (one level), and those from a code to the
        standard concepts that CONCEPT_RELATIONSHIP says it maps to.
    """
    with database() as connection:
        asked = _asked(tables.concept, codes)
        start = asked.select("id")
        mapped = pl.DataFrame(schema={"child": pl.Int64(), "parent": pl.Int64()})
        if tables.relationship and asked.height:
            sql = (
                "SELECT DISTINCT concept_id_1::BIGINT AS child, concept_id_2::BIGINT AS parent FROM {table} "
                "WHERE relationship_id = 'Maps to' AND coalesce(invalid_reason, '') = '' "
                "AND concept_id_1 <> concept_id_2 AND concept_id_1::BIGINT IN (SELECT id FROM start)"
            )
            mapped = query(connection, sql, tables.relationship, start=start)
            start = pl.concat([start, mapped.select(id="parent")]).unique()
        edges = mapped.clear()
        if tables.ancestor and start.height:
            closure = (
                "SELECT DISTINCT ancestor_concept_id::BIGINT AS id FROM {table} "
                "WHERE descendant_concept_id::BIGINT IN (SELECT id FROM start)"
            )
            within = pl.concat([start, query(connection, closure, tables.ancestor, start=start)]).unique()
            steps = (
                "SELECT DISTINCT descendant_concept_id::BIGINT AS child, "
                "ancestor_concept_id::BIGINT AS parent FROM {table} WHERE min_levels_of_separation = '1' "
                "AND descendant_concept_id::BIGINT IN (SELECT id FROM within)"
            )
            edges = query(connection, steps, tables.ancestor, within=within)
        ids = pl.concat([edges["child"], edges["parent"], mapped["child"], mapped["parent"]]).unique()
        if not ids.len():
            return pl.DataFrame(schema=_EDGES), pl.DataFrame(schema=_EDGES)
        sql = (
            "SELECT concept_id::BIGINT AS id, vocabulary_id, concept_code FROM {table} "
            "WHERE concept_id::BIGINT IN (SELECT id FROM ids)"
        )
        rows = query(connection, sql, tables.concept, ids=ids.alias("id").to_frame())
    names = rows.select("id", code=canonical_codes(rows["vocabulary_id"], rows["concept_code"]))
    return _by_code(edges, names), _by_code(mapped, names)


def _look_up(concept: tuple[Tabular, ...], codes: pl.Series) -> pl.DataFrame:
    rows = _rows(concept, codes, "trim(concept_name) AS description", "trim(concept_name) <> ''")
    return (
        rows.sort("code", "invalid", "standard", "id")
        .unique("code", keep="first", maintain_order=True)
        .select(*FOUND)
    )


def _asked(concept: tuple[Tabular, ...], codes: pl.Series) -> pl.DataFrame:
    return _rows(concept, codes, "'' AS description", "true").select("id", "code").unique()


def _rows(concept: tuple[Tabular, ...], codes: pl.Series, also: str, condition: str) -> pl.DataFrame:
    """Rows of CONCEPT whose code is one of the codes: `code, id, invalid, standard` and one more column."""
    wanted = wanted_keys(codes)
    sql = (
        f"SELECT vocabulary_id, concept_code, {also}, concept_id::BIGINT AS id, "
        "coalesce(invalid_reason, '') <> '' AS invalid, coalesce(standard_concept, '') <> 'S' AS standard "
        f"FROM {{table}} WHERE {key_of('concept_code')} IN (SELECT key FROM wanted) AND {condition}"
    )
    with database() as connection:
        rows = query(connection, sql, concept, wanted=wanted.select("key"))
    spelled = rows.with_columns(code=canonical_codes(rows["vocabulary_id"], rows["concept_code"]))
    return spelled.filter(pl.col("code").is_in(wanted["code"].implode()))


def _by_code(edges: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    named = edges.join(names.rename({"id": "child"}), on="child").join(
        names.rename({"id": "parent", "code": "name"}), on="parent"
    )
    pairs = named.select("code", parent="name").drop_nulls().unique().sort("code", "parent")
    return pairs.filter(pl.col("code") != pl.col("parent"))
