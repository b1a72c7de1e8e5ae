"""Do texts, statements and lines belong together?"""

import hashlib

import polars as pl

from osler.checks.files import read_whole
from osler.checks.finding import BROKEN, OK, Example, Finding, example, listed
from osler.checks.place import Place
from osler.record.schema import SAMPLE_KEY
from osler.statements.read import PARTS, Texts, open_texts

_ID_DIGITS = 32
_REMEDY = "make the texts again with `osler text`"


def check(place: Place) -> list[Finding]:
    """One text per sample, every line a known statement, statements named by their hash, offsets that fit."""
    texts = open_texts(place.path)
    findings = [finding for shard in texts.shards for finding in _shard(texts, shard)]
    if findings:
        return findings
    counts = texts.info["counts"]
    what = f"{counts['n_samples']:,} texts, {counts['n_statements']:,} distinct statements"
    return [Finding(OK, what, file=str(place.path))]


def _shard(texts: Texts, shard: str) -> list[Finding]:
    missing = [part for part in PARTS if not texts.file(part, shard).is_file()]
    if missing:
        file = texts.file(missing[0], shard)
        return [
            Finding(
                BROKEN,
                f"files of a shard are missing: {listed(missing)}",
                file=str(file),
                count=len(missing),
                example=example(file=file),
                remedy=_REMEDY,
            )
        ]
    text, statements, lines = (read_whole(texts.file(part, shard)) for part in PARTS)
    repeated = text.filter(~pl.struct(SAMPLE_KEY).is_first_distinct())
    strange = lines.join(statements, on="statement_id", how="anti")
    hashed = statements["text"].map_elements(
        lambda value: hashlib.sha256(value.encode()).hexdigest()[:_ID_DIGITS], return_dtype=pl.String
    )
    misnamed = statements.filter(hashed != statements["statement_id"])
    placed = lines.join(
        text.unique(SAMPLE_KEY).select(*SAMPLE_KEY, size=pl.col("text").str.len_chars()),
        on=SAMPLE_KEY,
        how="left",
    )
    outside = placed.filter(
        pl.col("size").is_null() | (pl.col("char_start") < 0) | (pl.col("char_end") > pl.col("size"))
    )
    problems = (
        ("texts", repeated, "samples have more than one text"),
        ("lines", strange, "lines of statements that are not listed"),
        ("statements", misnamed, "statements whose id is not the hash of their text"),
        ("lines", outside, "lines that lie outside their text"),
    )
    return [
        Finding(
            BROKEN,
            what,
            file=str(texts.file(part, shard)),
            count=rows.height,
            example=_example(rows),
            remedy=_REMEDY,
        )
        for part, rows, what in problems
        if rows.height
    ]


def _example(rows: pl.DataFrame) -> Example:
    """The ids of the first row: of its sample, else of its statement."""
    ids = [name for name in (*SAMPLE_KEY, "statement_id") if name in rows.columns]
    return example(**rows.select(ids).row(0, named=True))
