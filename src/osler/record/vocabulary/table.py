"""Tables of codes and titles: CSV or TSV with a column of codes and one of titles, known by their names."""

import re
from functools import partial

import polars as pl

from osler.record.vocabulary.codes import canonical_codes, local_key
from osler.record.vocabulary.guess import guess_vocabulary
from osler.record.vocabulary.names import DIAGNOSIS, PROCEDURE, known_prefix
from osler.record.vocabulary.source_file import FOUND, LONG_TITLE, TitleFile
from osler.record.vocabulary.tabular import Tabular, database, query, quoted, rows_of

_CODES = ("code", "icdcode", "icd", "conceptcode", "dx", "dxcode", "diagnosiscode", "procedurecode")
_VOCABULARIES = (
    "vocabulary",
    "vocabularyid",
    "system",
    "codesystem",
    "codingsystem",
    "icdversion",
    "version",
)
_TITLES = ("title", "description", "desc", "display", "label", "name", "meaning", "conceptname")


def recognise_table(file: Tabular, lines: list[str]) -> TitleFile | None:
    """A table of codes and titles, or None.

    Args:
        file: its columns.
        lines: its first lines, the header first.
    """
    code = _code_column(file.columns)
    title = _title_column(file.columns, code) if code else None
    if code is None or title is None:
        return None
    says = next((name for name in file.columns if _bare(name) in _VOCABULARIES), None)
    rows = [row for row in rows_of(lines[1:], file.delimiter) if len(row) == len(file.columns)]
    cells = {name: [row[place] for row in rows] for place, name in enumerate(file.columns)}
    if says is None:
        vocabulary = _vocabulary(code, cells[code])
        if vocabulary is None:
            return None
        vocabularies: tuple[str, ...] = (vocabulary,)
        look_up = partial(_look_up, file, code, title, vocabulary=vocabulary)
    else:
        vocabularies = ()
        kind = _kind(cells[says], cells[code])
        look_up = partial(_look_up, file, code, title, says=says, kind=kind)
    return TitleFile(
        path=file.path,
        form=f"table of codes and titles, columns {code} and {title}",
        vocabularies=vocabularies,
        long=max((len(cell.strip()) for cell in cells[title]), default=0) >= LONG_TITLE,
        look_up=look_up,
    )


def wanted_keys(codes: pl.Series) -> pl.DataFrame:
    """`code, key`: codes, and what all spellings of the part behind their vocabulary share."""
    local = pl.col("code").str.extract(r"^[^/]+/([^/].*)$", 1)
    return codes.alias("code").to_frame().with_columns(key=local_key(local)).drop_nulls()


def key_of(column: str) -> str:
    """SQL of `local_key` for a column."""
    return f"replace(replace(replace(upper({column}), '.', ''), '-', ''), ' ', '')"


def _look_up(
    file: Tabular,
    code: str,
    title: str,
    codes: pl.Series,
    *,
    vocabulary: str | None = None,
    says: str | None = None,
    kind: str = DIAGNOSIS,
) -> pl.DataFrame:
    if vocabulary is not None:
        codes = codes.filter(codes.str.starts_with(f"{vocabulary}/"))
    wanted = wanted_keys(codes)
    if not wanted.height:
        return pl.DataFrame(schema=FOUND)
    named = quoted(says) if says else "NULL::VARCHAR"
    sql = (
        f"SELECT {quoted(code)} AS code, trim({quoted(title)}) AS description, {named} AS vocabulary "
        f"FROM {{table}} WHERE {key_of(quoted(code))} IN (SELECT key FROM wanted) "
        f"AND trim({quoted(title)}) <> ''"
    )
    with database() as connection:
        rows = query(connection, sql, [file], wanted=wanted.select("key"))
    names = rows["vocabulary"] if says else pl.Series([vocabulary] * rows.height, dtype=pl.String)
    return (
        rows.select(code=canonical_codes(names, rows["code"], kind=kind), description=pl.col("description"))
        .filter(pl.col("code").is_in(wanted["code"].implode()))
        .sort("code", -pl.col("description").str.len_chars().cast(pl.Int64), "description")
        .unique("code", keep="first", maintain_order=True)
    )


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _code_column(columns: tuple[str, ...]) -> str | None:
    """The column that names a vocabulary, else one that is called a code."""
    for name in columns:
        if _named_vocabulary(name):
            return name
    return next((name for name in columns if _bare(name) in _CODES), None)


def _named_vocabulary(column: str) -> str | None:
    bare = _bare(column)
    return known_prefix(bare) or known_prefix(
        bare.removesuffix("code").removesuffix("num").removesuffix("id")
    )


def _title_column(columns: tuple[str, ...], code: str) -> str | None:
    """A long title, else a title, else a short one; `icd9_label` is a title of the column `icd9`."""
    stem = _bare(code).removesuffix("code").removesuffix("num")
    ranks: dict[int, str] = {}
    for name in columns:
        bare = _bare(name)
        own = bare.removeprefix(stem) if stem else bare
        if bare in ("long", "longcommonname") or (bare.startswith("long") and bare[4:] in _TITLES):
            ranks.setdefault(0, name)
        elif bare in _TITLES or own in _TITLES:
            ranks.setdefault(1, name)
        elif bare in ("short", "shortname") or (bare.startswith("short") and bare[5:] in _TITLES):
            ranks.setdefault(2, name)
    return ranks[min(ranks)] if ranks else None


def _vocabulary(column: str, codes: list[str]) -> str | None:
    """The vocabulary that the column's name says; `icd9`, `icd10` and `code` are judged by the codes."""
    named = _named_vocabulary(column)
    revision_only = named is not None and named.startswith("ICD") and named not in ("ICD9PROC", "ICD10PCS")
    return guess_vocabulary(codes) if named is None or revision_only else named


def _kind(names: list[str], codes: list[str]) -> str:
    """Whether the codes of a table that says the revision of ICD in each row are of procedures."""
    for revision, procedures in (("9", "ICD9PROC"), ("10", "ICD10PCS")):
        mine = [code for name, code in zip(names, codes, strict=True) if name.strip() == revision]
        if mine:
            return PROCEDURE if guess_vocabulary(mine) == procedures else DIAGNOSIS
    return DIAGNOSIS
