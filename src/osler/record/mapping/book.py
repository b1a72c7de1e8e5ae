"""The code book of a source, and the units that its values are given in."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from osler.record import schema
from osler.record.codebook import words_of_code
from osler.record.mapping.resolve import Meanings
from osler.record.vocabulary.hierarchy import ancestors, chapters

if TYPE_CHECKING:
    from osler.record.vocabulary.vocabulary import Vocabulary

_MEASURED = (schema.VITALS, schema.LABS, schema.BODY)
_TALLIES = {
    "number": pl.UInt32(),
    "unit_number": pl.UInt32(),
    "n_numbers": pl.Int64(),
    "n_words": pl.Int64(),
    "n": pl.Int64(),
}
_SHARED_RANGE = 0.95  # of the rows of a code that state a range
_NUMERIC_SHARE = 0.5  # a code most of whose valued events are numbers is a numeric one


@dataclass(frozen=True)
class CodeBook:
    """What the codes of a dataset mean.

    Attributes:
        codes: columns of `CODE_TYPES`, in the order in which codes are listed.
        units: one row per number of code and of unit: `code_number, unit_number, unit` (UCUM, null for
            none), `original` (as the source writes it), `factor, offset` of its values.
    """

    codes: pl.DataFrame
    units: pl.DataFrame


def make_book(
    meanings: Meanings,
    pairs: dict[tuple[int, int], list[int]],
    *,
    vocabulary: "Vocabulary | None",
    convert: bool,
) -> CodeBook:
    """Describe every code that occurs, and decide the unit of every pair of code and unit.

    A description comes from the source's dictionary, else from a vocabulary, else from the words of the code.

    Args:
        meanings: what the numbers stand for.
        pairs: number of code and of unit -> events with a number, with words only, all.
        vocabulary: vocabulary files that describe codes, or None.
        convert: whether values of common measurements are converted to one unit; units are spelled as UCUM
            in any case.
    """
    tallies = [(code, unit, *n) for (code, unit), n in sorted(pairs.items())]
    counts = pl.DataFrame(tallies, schema=_TALLIES, orient="row")
    spelled = pl.DataFrame(
        {"unit_number": range(len(meanings.units)), "source_unit": meanings.units},
        schema={"unit_number": pl.UInt32, "source_unit": pl.String},
    )
    facts = meanings.codes.join(
        counts.group_by("number").agg(pl.col("n_numbers", "n_words", "n").sum()), on="number"
    )
    book = _described(facts, vocabulary)
    valued = (
        counts.join(meanings.codes.select("number", "code"), on="number")
        .join(spelled, on="unit_number")
        .join(book.select("code", "description"), on="code", how="left")
    )
    units = _converted(valued) if convert else _spelled(valued)
    codes = _with_ranges(_with_units(book, units), facts, units)
    return CodeBook(
        codes=codes.select(schema.CODE_TYPES.keys()),
        units=units.select("unit", "original", "factor", "offset", "unit_number", code_number="number").sort(
            "code_number", "unit_number"
        ),
    )


def _described(facts: pl.DataFrame, vocabulary: "Vocabulary | None") -> pl.DataFrame:
    """One row per code, then its ancestors; sections in order, then rules, then codes.

    Of several descriptions of a code the one that its event lists first counts, of those the most frequent.
    """
    by_code = facts.sort("n", "rule", "description", descending=[True, False, False], nulls_last=True)
    first = {name: pl.col(name).drop_nulls().first() for name in ("section", "kind", "role", "path")}
    preferred = pl.col("description").sort_by("described_by", nulls_last=True, maintain_order=True)
    first["description"] = preferred.drop_nulls().first()
    book = by_code.group_by("code", maintain_order=True).agg(
        **first,
        rule=pl.col("rule").min(),
        parents=pl.col("parents").explode().drop_nulls(),
        n_numbers=pl.col("n_numbers").sum(),
        n_words=pl.col("n_words").sum(),
    )
    book = _sectioned(_with_vocabulary(book, vocabulary)).with_columns(pl.coalesce("kind", _kind_of_values()))
    place = {section: n for n, section in enumerate(schema.SECTIONS)}
    order = pl.col("section").replace_strict(place, default=len(place) - 0.5, return_dtype=pl.Float64)
    book = book.sort(order, "rule", "code")
    edges = _edges(book, vocabulary)
    book = pl.concat([book, _ancestors(book, edges, vocabulary)], how="diagonal")
    parents = edges.group_by("code").agg(parent_codes=pl.col("parent").sort())
    return book.join(parents, on="code", how="left", maintain_order="left")


def _with_vocabulary(book: pl.DataFrame, vocabulary: "Vocabulary | None") -> pl.DataFrame:
    """Descriptions out of the vocabulary where the source has none."""
    if vocabulary is None:
        return book
    bare = book.filter(pl.col("description").is_null())["code"]
    found = vocabulary.describe(bare).rename({"description": "_found"})
    book = book.join(found, on="code", how="left", maintain_order="left")
    return book.with_columns(pl.coalesce("description", "_found").alias("description")).drop("_found")


def _sectioned(book: pl.DataFrame) -> pl.DataFrame:
    """Vital signs, body measures and laboratory values told apart; a source often has them in one table.

    Where the spec names no section at all, they are known by their code or name too.
    """
    from osler.record.measurements import section_of

    maybe = book.filter(pl.col("section").is_in(_MEASURED) | pl.col("section").is_null())
    known = [
        section_of(code, description) for code, description in maybe.select("code", "description").iter_rows()
    ]
    found = pl.DataFrame(
        {"code": maybe["code"], "_known": known}, schema={"code": pl.String, "_known": pl.String}
    )
    return (
        book.join(found, on="code", how="left", maintain_order="left")
        .with_columns(pl.coalesce("_known", "section").alias("section"))
        .drop("_known")
    )


def _kind_of_values() -> pl.Expr:
    valued = pl.col("n_numbers") + pl.col("n_words")
    return (
        pl.when((valued > 0) & (pl.col("n_numbers") >= _NUMERIC_SHARE * valued))
        .then(pl.lit("numeric"))
        .when(pl.col("n_words") > 0)
        .then(pl.lit("categorical"))
    )


def _ancestors(book: pl.DataFrame, edges: pl.DataFrame, vocabulary: "Vocabulary | None") -> pl.DataFrame:
    """Rows for parents that are no codes of the data, with what they are called."""
    known = book["code"].implode()
    others = edges.filter(~pl.col("parent").is_in(known))["parent"].unique().sort()
    rows = pl.DataFrame({"code": others}, schema={"code": pl.String}).with_columns(
        description=pl.lit(None, dtype=pl.String)
    )
    rows = _with_vocabulary(rows, vocabulary)
    titles = chapters()
    own = pl.col("code").replace_strict(titles, default=None, return_dtype=pl.String)
    sections = (
        edges.join(book.select("code", "section"), on="code")
        .group_by("parent")
        .agg(pl.col("section").mode().sort().first())
    )
    last = pl.col("code").str.split("//").list.last().str.split("|").list.last()
    described = pl.coalesce("description", own, pl.when(pl.col("code").str.contains(r"//|\|")).then(last))
    return rows.with_columns(description=described).join(
        sections.rename({"parent": "code"}), on="code", how="left", maintain_order="left"
    )


def _edges(book: pl.DataFrame, vocabulary: "Vocabulary | None") -> pl.DataFrame:
    """`code, parent`: every edge of the hierarchy, up to the top."""
    stated = book.select("code", parent="parents").explode("parent").drop_nulls()
    paths = []
    for code, separator in book.select("code", "path").drop_nulls().iter_rows():
        while separator in code:
            parent = code.rpartition(separator)[0]
            paths.append((code, parent))
            code = parent  # noqa: PLW2901  (walks up the path)
    by_path = pl.DataFrame(paths, schema={"code": pl.String, "parent": pl.String}, orient="row")
    # Parents that the source states stand below others too.
    codes = pl.concat([book["code"], stated["parent"].rename("code")]).unique().sort()
    known = ancestors(codes) if vocabulary is None else vocabulary.parents(codes)
    return pl.concat([stated, by_path, known]).unique().sort("code", "parent")


def _spelled(valued: pl.DataFrame) -> pl.DataFrame:
    """Units as UCUM spells them, values as they are."""
    from osler.record.units import ucum

    return valued.select(
        "number", "unit_number", "code", "n_numbers", "n",
        factor=pl.lit(1.0), offset=pl.lit(0.0), unit=ucum(valued["source_unit"]), original="source_unit",
    )  # fmt: skip


def _converted(valued: pl.DataFrame) -> pl.DataFrame:
    from osler.record.measurements import plan_conversions

    asked = (
        valued.with_columns(description=pl.coalesce("description", words_of_code()))
        .group_by("code", "source_unit")
        .agg(pl.col("description").first(), n=pl.col("n_numbers").sum())
        .sort("code", "source_unit")
        .select("code", "description", unit="source_unit", n="n")
    )
    planned = plan_conversions(asked).select("code", "target", "factor", "offset", source_unit="unit")
    return valued.join(planned, on=["code", "source_unit"], how="left", nulls_equal=True).select(
        "number",
        "unit_number",
        "code",
        "n_numbers",
        "n",
        "factor",
        "offset",
        unit="target",
        original="source_unit",
    )


def _with_units(book: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """The code book with the most frequent unit of each code.

    Where numbers were converted and others of the code have no unit, the code has none either: nobody knows
    what the latter are in.
    """
    unknown = pl.col("unit").is_null() & (pl.col("n_numbers") > 0)
    converted = (pl.col("factor") != 1) | (pl.col("offset") != 0)
    unclear = (unknown.any() & converted.any()).over("code")
    usual = (
        units.filter(pl.col("unit").is_not_null() & ~unclear)
        .group_by("code", "unit")
        .agg(pl.col("n").sum())
        .sort("n", "unit", descending=[True, False])
        .unique("code", keep="first", maintain_order=True)
        .select("code", "unit")
    )
    return book.join(usual, on="code", how="left", maintain_order="left").with_columns(
        levels=pl.lit(None, dtype=pl.List(pl.String))
    )


def _with_ranges(book: pl.DataFrame, facts: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """The code book with reference ranges in the unit of each code, where nearly all of its rows share one.

    Ranges that differ by sex, age or laboratory hold for a row and not for a code. A range belongs to the
    unit of the numbers beside it, and is converted like them; beside several units it says nothing.
    """
    kind = pl.struct("unit", "factor", "offset")
    beside = (
        units.filter(pl.col("n_numbers") > 0)
        .group_by("number")
        .agg(pl.col("unit", "factor", "offset").first(), _kinds=kind.n_unique())
        .filter(pl.col("_kinds") == 1)
    )
    limits = (pl.col(name) * pl.col("factor") + pl.col("offset") for name in ("low", "high"))
    ranges = (
        facts.filter(pl.any_horizontal(pl.col("low", "high").is_not_null()))
        .join(beside, on="number")
        .join(book.select("code", usual="unit"), on="code")
        .filter(pl.col("unit").eq_missing(pl.col("usual")))
        .with_columns(limits)
        .group_by("code", "low", "high")
        .agg(pl.col("n").sum())
        .filter(pl.col("n") >= _SHARED_RANGE * pl.col("n").sum().over("code"))
    )
    return book.join(ranges.select("code", "low", "high"), on="code", how="left", maintain_order="left")
