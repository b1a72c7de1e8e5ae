"""Between the passes: what the codes, units and sites that occurred mean, once for each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from osler.record import schema
from osler.record.mapping.coded import Field, filled, number_of, values_of
from osler.record.mapping.collect import Collected
from osler.record.mapping.database import reading
from osler.record.mapping.entries import Entries, look_up
from osler.record.mapping.plan import Plan
from osler.record.mapping.rule import CODE, LABEL, UNIT, Rule

if TYPE_CHECKING:
    import duckdb

_FACTS = {
    "number": pl.UInt32(), "text": pl.String(), "vocabulary": pl.String(), "description": pl.String(),
    "parents": pl.List(pl.String()), "low": pl.Float64(), "high": pl.Float64(), "section": pl.String(),
    "kind": pl.String(), "role": pl.String(), "path": pl.String(), "once": pl.Boolean(),
    "of_moment": pl.Boolean(), "label_first": pl.Boolean(), "rule": pl.Int64(), "table": pl.String(),
    "described_by": pl.Int64(),
}  # fmt: skip


@dataclass(frozen=True)
class Meanings:
    """What the numbers that events carry stand for.

    Attributes:
        codes: one row per number of a code: `number, code, description, parents, low, high, section, kind,
            role, path, once, of_moment (whether it is told once a moment), label_first, rule, table,
            described_by` (place of the template that describes it among those of its rule).
        units: unit of each number as the source writes it; the first is that of 0, none.
        labels: words of each number likewise.
        sites: site of each number likewise.
    """

    codes: pl.DataFrame
    units: list[str | None]
    labels: list[str | None]
    sites: list[str | None]


def find_meanings(plan: Plan, collected: Collected, connection: "duckdb.DuckDBPyConnection") -> Meanings:
    """Fill in the templates of all keys that occurred; each dictionary is read once.

    Args:
        plan: how the source was read.
        collected: what was gathered.
        connection: a database.

    Raises:
        InputError: a dictionary cannot be read to its end.
    """
    rules = {rule.number: (name, rule) for name, query in plan.queries.items() for rule in query.rules}
    keyed: list[tuple[str, Field]] = []
    for texts, part in (
        (collected.codes.texts, CODE),
        (collected.units.texts, UNIT),
        (collected.labels.texts, LABEL),
    ):
        keyed += [(key, _field(rules[number_of(key)][1], part)) for key in texts]
    names = {name: dictionary.key for name, dictionary in plan.spec.dictionaries.items()}
    entries = look_up(keyed, plan.dictionaries, names, connection)
    rows = [
        _facts(number, key, *rules[number_of(key)], entries)
        for number, key in enumerate(collected.codes.texts, start=1)
    ]
    codes = pl.DataFrame(rows, schema=_FACTS, orient="row")
    return Meanings(
        codes=_with_codes(codes),
        units=[None, *(_word(key, rules, UNIT, entries) for key in collected.units.texts)],
        labels=[None, *(_word(key, rules, LABEL, entries) for key in collected.labels.texts)],
        sites=[None, *_site_names(plan, collected.sites.texts, connection)],
    )


def _field(rule: Rule, part: str) -> Field:
    field = {CODE: rule.coded, UNIT: rule.unit, LABEL: rule.label}[part]
    assert field is not None, "a key belongs to a field"
    return field


def _word(key: str, rules: dict[int, tuple[str, Rule]], part: str, entries: Entries) -> str | None:
    field = _field(rules[number_of(key)][1], part)
    found = filled(field.parts[part], values_of(key, field), entries)
    return None if found is None else found[0].strip() or None


def _facts(number: int, key: str, table: str, rule: Rule, entries: Entries) -> tuple[object, ...]:
    values = values_of(key, rule.coded)

    def said(part: str) -> str | None:
        found = filled(rule.coded.parts[part], values, entries)
        return None if found is None else found[0]

    code = filled(rule.coded.parts[CODE], values, entries)
    if code is None:  # the dictionary lacks it and the spec says no more: nothing is lost
        code = "//".join([table.upper(), *(value for value in values if value)]), None
    parents = [filled([choice], values, entries) for choice in rule.coded.parts["parents"]]
    describes = [filled([choice], values, entries) is not None for choice in rule.coded.parts["description"]]
    return (
        number,
        code[0],
        code[1],
        said("description"),
        [parent[0] for parent in parents if parent is not None],
        _number(said("low")),
        _number(said("high")),
        rule.section,
        rule.kind,
        rule.event.role,
        rule.event.path,
        rule.event.once is True,
        rule.event.once == "moment",
        rule.label_first,
        rule.number,
        table,
        describes.index(True) if any(describes) else None,
    )


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _with_codes(codes: pl.DataFrame) -> pl.DataFrame:
    """Terms of vocabularies in their one spelling."""
    from osler.record.vocabulary import canonical_codes

    named = pl.Series([None] * codes.height, dtype=pl.String)
    for kind in ("diagnosis", "procedure"):
        here = (codes["section"] == schema.PROCEDURES).fill_null(value=False)
        here = here if kind == "procedure" else ~here
        named = canonical_codes(codes["vocabulary"], codes["text"], kind=kind).zip_with(here, named)
    return codes.with_columns(code=named.fill_null(codes["text"])).drop("text", "vocabulary")


def _site_names(plan: Plan, ids: Sequence[str], connection: "duckdb.DuckDBPyConnection") -> list[str]:
    """What each site is called: its name, with the id where several share it, else the id."""
    sites = plan.spec.sites
    if sites is None or not ids or plan.bound[sites.table].relation is None:
        return list(ids)
    scope = plan.scope(sites.table)
    key, name = scope.identifier(sites.id, key="sites.id"), scope.identifier(sites.name, key="sites.name")
    with reading(*scope.relation.files.paths):
        rows = connection.sql(
            f"SELECT DISTINCT {key}, {name} FROM {scope.source()} ORDER BY ALL DESC"
        ).fetchall()
    named = {site: title for site, title in rows if site is not None and title is not None}
    titles = list(named.values())
    return [
        site
        if site not in named
        else f"{named[site]} ({site})"
        if titles.count(named[site]) > 1
        else named[site]
        for site in ids
    ]
