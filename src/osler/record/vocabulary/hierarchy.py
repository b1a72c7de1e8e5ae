"""Parents of ICD codes by the structure of the code: subcategory, category, chapter.

Nothing but the code is needed, so roll-up works without any vocabulary file. In ICD-10-CM the letters `X`
that fill a code up to its seventh character are no level of their own (`M80.00XA` belongs to `M80.00`); with
this rule every structural ancestor of the billable codes of the 2018 and 2021 releases is a code of that
release, but for H54.512 (of H54.512A).
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import polars as pl

# What a code that may have a parent looks like.
_FORMS = {
    "ICD10CM": re.compile(r"[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?"),
    "ICD9CM": re.compile(r"(?:\d{3}|V\d{2}|E\d{3})(?:\.\d{1,2})?"),
    "ICD9PROC": re.compile(r"\d{2}(?:\.\d{1,2})?"),
    "ICD10PCS": re.compile(r"[0-9A-HJ-NP-Z]{2,7}"),
}
_TABLE = 3  # characters of an ICD-10-PCS code that name its table: section, body system, operation


def parents_of(code: str) -> str | None:
    """The immediate parent of a code by its structure.

    Args:
        code: as `canonical` spells it.

    Returns:
        The parent: of ICD-9-CM and ICD-10-CM codes up to the chapter, of ICD-9 procedures up to their first
        two digits, of ICD-10-PCS the table (three characters), then the section (one). None for chapters,
        sections and every other code.

    Examples:
        >>> parents_of("ICD10CM/E11.65"), parents_of("ICD10CM/E11"), parents_of("ICD10CM/M80.00XA")
        ('ICD10CM/E11.6', 'ICD10CM/E00-E89', 'ICD10CM/M80.00')
        >>> parents_of("ICD9CM/250.01"), parents_of("ICD9CM/V45"), parents_of("ICD10PCS/0SRC0J9")
        ('ICD9CM/250.0', 'ICD9CM/V01-V91', 'ICD10PCS/0SR')
        >>> parents_of("LOINC/718-7") is None
        True
    """
    vocabulary, _, local = code.partition("/")
    parent: str | None
    if vocabulary not in _FORMS or not _FORMS[vocabulary].fullmatch(local):
        return None
    if vocabulary == "ICD10PCS":
        parent = local[:_TABLE] if len(local) > _TABLE else local[0]
    else:
        parent = _shorter(local) or _chapter(vocabulary, local)
    return f"{vocabulary}/{parent}" if parent else None


def lineage(code: str) -> Iterator[str]:
    """The structural ancestors of a code, the nearest first.

    Examples:
        >>> list(lineage("ICD9CM/250.01"))
        ['ICD9CM/250.0', 'ICD9CM/250', 'ICD9CM/240-279']
    """
    parent = parents_of(code)
    while parent is not None:
        yield parent
        parent = parents_of(parent)


def ancestors(codes: pl.Series) -> pl.DataFrame:
    """Every edge that rolling up by structure needs, each once.

    Args:
        codes: strings; nulls and codes without a parent add nothing.

    Returns:
        `code, parent`, sorted: the codes with their parents, the parents with theirs, up to the top.

    Examples:
        >>> ancestors(pl.Series(["ICD10CM/I50.9", "ICD10CM/I50.1", "other"])).rows()[1:]
        [('ICD10CM/I50.1', 'ICD10CM/I50'), ('ICD10CM/I50.9', 'ICD10CM/I50')]
    """
    edges: dict[str, str] = {}
    for start in codes.drop_nulls().unique().to_list():
        code = start
        while code not in edges and (parent := parents_of(code)) is not None:
            edges[code] = parent
            code = parent
    frame = {"code": list(edges), "parent": list(edges.values())}
    return pl.DataFrame(frame, schema={"code": pl.String, "parent": pl.String}).sort("code")


@cache
def chapters() -> dict[str, str]:
    """Code and description, in our words, of the chapters of ICD and the sections of ICD-10-PCS.

    Examples:
        >>> chapters()["ICD9CM/390-459"]
        'Diseases of the circulatory system'
    """
    with files("osler.record.vocabulary").joinpath("chapters.csv").open("rb") as file:
        return dict(pl.read_csv(file, infer_schema=False).iter_rows())


def _shorter(local: str) -> str | None:
    """A code without its last character, its padding and its dot; None for a category."""
    category, _, rest = local.partition(".")
    if not rest:
        return None
    rest = rest[:-1].rstrip("X") if len(category) + len(rest) == 7 else rest[:-1]
    return f"{category}.{rest}" if rest else category


def _chapter(vocabulary: str, category: str) -> str | None:
    for first, last in _ranges().get(vocabulary, ()):
        if len(category) == len(first) and first <= category <= last:
            return f"{first}-{last}"
    return None


@cache
def _ranges() -> dict[str, list[tuple[str, str]]]:
    ranges: dict[str, list[tuple[str, str]]] = {}
    for code in chapters():
        vocabulary, _, local = code.partition("/")
        first, dash, last = local.partition("-")
        if dash:
            ranges.setdefault(vocabulary, []).append((first, last))
    return ranges
