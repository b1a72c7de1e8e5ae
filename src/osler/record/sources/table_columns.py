"""What each column of a table becomes: code, kind, description, section, unit, levels, role and timing."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from osler.base.errors import InputError
from osler.record import schema
from osler.record.sources.dictionary import Fact, split_option, split_unit, tidy
from osler.record.sources.table_patterns import Patterns
from osler.record.sources.table_spec import TableSpec
from osler.record.sources.table_values import Profile, guess_kind, levels_of, require_numbers
from osler.record.sources.table_words import Recoding

CODE_PREFIX = "COL//"


@dataclass(frozen=True)
class Column:
    """One column of the table as a code.

    Attributes:
        name: of the column.
        kind: numeric, ordinal, categorical or flag.
        description: what it says.
        section: where it belongs, or None.
        unit: of a numeric column, or None.
        role: baseline, intervention, or outcome (whatever else was known only after t0).
        later: whether it was known only after t0.
        levels: its values in order (numeric: empty).
        recode: value of the table -> text value of the event, where they differ.
        question: of a checkbox option: the name of its group, else None.
        question_text: the question of that group.
    """

    name: str
    kind: str
    description: str
    section: str | None
    unit: str | None
    role: str
    later: bool
    levels: tuple[str, ...]
    recode: dict[str, str]
    question: str | None = None
    question_text: str | None = None

    @property
    def code(self) -> str:
        """`COL//<name>`."""
        return CODE_PREFIX + self.name


def plan_columns(
    table: pl.LazyFrame,
    names: list[str],
    *,
    spec: TableSpec,
    patterns: Patterns,
    facts: dict[str, Fact],
    recodings: dict[str, Recoding],
    profiles: dict[str, Profile],
    source: Path,
) -> list[Column]:
    """Decide what each column becomes.

    Args:
        table: the cleaned table (strings, null where missing).
        names: columns that become events.
        spec: what the columns mean.
        patterns: resolves names against the table.
        facts: what the dictionary says.
        recodings: what the spec calls the cells of some columns.
        profiles: what the values look like.
        source: the table's file, for errors.

    Returns:
        One `Column` per name, in the order of the dictionary (unless that of the table is asked for), then of
        the table.

    Raises:
        InputError: a numeric column with other values or with NaN or infinite ones, a value outside the
            declared levels, a checkbox option with other values, or one column declared in two ways
            (outcome and intervention; recoded, and numeric or a checkbox).
    """
    outcome = set(patterns.all(spec.outcome, "outcome"))
    after = set(patterns.all(spec.after, "after"))
    done = set(patterns.all(spec.intervention, "intervention"))
    _require_apart(outcome & done, "outcome", "intervention", patterns.where)
    kinds = {name: kind for key, kind in spec.types.items() for name in patterns.all([key], "types")}
    ordered = {patterns.one(name, "levels"): levels for name, levels in spec.levels.items()}
    units = {patterns.one(name, "units"): unit for name, unit in spec.units.items()}
    labels = {patterns.one(name, "labels"): label for name, label in spec.labels.items()}
    sections = {n: section for key, section in spec.sections.items() for n in patterns.all([key], "sections")}
    columns = []
    for name in names:
        question = _question(name, spec)
        fact = facts.get(name) or _option_fact(name, question, facts, spec)
        declared: str | None = "ordinal" if name in ordered else kinds.get(name)
        declared = declared or ("numeric" if name in units else None)  # only a quantity has a unit
        if name in recodings:
            _require_words({name} & kinds.keys() | {name} & units.keys(), declared, patterns.where)
            declared = declared or ("ordinal" if fact.kind == "ordinal" else "categorical")
        declared = declared or ("flag" if question else fact.kind)
        kind = declared or guess_kind(profiles[name])
        label = labels.get(name) or fact.label or name.replace("_", " ").strip()
        unit = None
        if kind == "numeric":
            require_numbers(table, name, profiles[name], source, declared=declared is not None)
            label, unit = split_unit(label)
        option = split_option(label) if kind == "flag" and question else None
        levels, recode = levels_of(
            table,
            name,
            kind,
            fact=fact,
            recoding=recodings.get(name, Recoding()),
            ordered=ordered.get(name),
            spec=spec,
            source=source,
            profile=profiles[name],
        )
        later = name in outcome or name in after
        role = "intervention" if name in done else "outcome" if later else "baseline"
        columns.append(
            Column(
                name=name,
                kind=kind,
                description=option[1] if option else tidy(label),
                section=sections.get(name) or fact.section,
                unit=units.get(name) or unit,
                role=role,
                later=later,
                levels=levels,
                recode=recode,
                question=question if kind == "flag" else None,
                question_text=option[0] if option else None,
            )
        )
    by_table = spec.dictionary is not None and spec.dictionary.order == "table"
    place = {} if by_table else {name: index for index, name in enumerate(facts)}
    return sorted(columns, key=lambda c: place.get(c.name, place.get(c.question or "", len(place))))


def code_book(columns: list[Column], special: pl.DataFrame) -> pl.DataFrame:
    """The rows of `codes.parquet`: special codes, then columns, each checkbox question before its options."""
    rows: list[dict[str, object]] = []
    seen: set[str] = set()
    for column in columns:
        if column.question is not None and column.question not in seen:
            seen.add(column.question)
            rows.append(
                {
                    "code": CODE_PREFIX + column.question,
                    "description": column.question_text or column.question.replace("_", " ").strip(),
                    "section": column.section,
                    "role": column.role,
                }
            )
        rows.append(
            {
                "code": column.code,
                "description": column.description,
                "parent_codes": None if column.question is None else [CODE_PREFIX + column.question],
                "kind": column.kind,
                "levels": list(column.levels) or None,
                "section": column.section,
                "unit": column.unit,
                "role": column.role,
            }
        )
    book = pl.DataFrame(rows, schema=schema.CODE_TYPES)
    return pl.concat([special.match_to_schema(book.schema, missing_columns="insert"), book])


def _question(name: str, spec: TableSpec) -> str | None:
    """The group of a checkbox option: `symptoms` for `symptoms___3`."""
    if spec.checkbox is None:
        return None
    stem, separator, option = name.rpartition(spec.checkbox.separator)
    return stem if separator and stem and option else None


def _option_fact(name: str, question: str | None, facts: dict[str, Fact], spec: TableSpec) -> Fact:
    """What the dictionary says of an option when it has a row for the question only."""
    if question is None or question not in facts or spec.checkbox is None:
        return Fact()
    group = facts[question]
    option = dict(group.levels).get(name.rpartition(spec.checkbox.separator)[2])
    label = f"{group.label or question} [{option}]" if option else group.label
    return Fact(label=label, section=group.section, timing=group.timing)


def _require_words(columns: set[str], declared: str | None, where: str) -> None:
    """A column whose cells get words is no number and no checkbox."""
    if columns and declared in ("numeric", "flag"):
        raise InputError(
            f"column '{min(columns)}' is declared {declared}, and its values are recoded as words",
            where=where,
            count=len(columns),
            remedy="keep its type (or unit), or its `recode` or `lookup`",
        )


def _require_apart(both: set[str], one: str, other: str, where: str) -> None:
    if both:
        raise InputError(
            f"column '{min(both)}' is declared both {one} and {other}",
            where=where,
            count=len(both),
            remedy="keep one of the two in the spec",
        )
