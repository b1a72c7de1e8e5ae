"""Which columns of a table become events, which stand beside them, and which cells mean missing."""

import polars as pl

from osler.base.errors import InputError
from osler.record import schema
from osler.record.sources.table_patterns import Patterns
from osler.record.sources.table_read import ROW
from osler.record.sources.table_spec import EVERY_COLUMN, TableSpec

_TAKEN = {*schema.EVENT_TYPES, ROW}


def choose_columns(spec: TableSpec, patterns: Patterns) -> tuple[list[str], list[str]]:
    """Columns that become events, and columns that are written beside every event."""
    dropped = set(patterns.all(spec.drop, "drop"))
    hidden = set(patterns.all(spec.identifier, "identifier"))
    if spec.subject is not None:
        hidden.add(patterns.one(spec.subject, "subject"))
    single = {"group": spec.group, "visit": spec.visit, "site": spec.site}
    keys = {name: patterns.one(name, key) for key, name in single.items() if name is not None}
    if spec.time is not None:
        keys[spec.time.column] = patterns.one(spec.time.column, "time")
    wanted = {
        **dict.fromkeys(patterns.all(spec.outcome, "outcome"), "outcome"),
        **dict.fromkeys(patterns.all(spec.after, "after"), "after"),
        **dict.fromkeys(patterns.all(spec.intervention, "intervention"), "intervention"),
        **dict.fromkeys(patterns.all(spec.baseline, "baseline"), "baseline"),
    }
    for name, declared in wanted.items():
        other = "drop" if name in dropped else "identifier" if name in hidden else None
        if other or name in keys:
            raise InputError(
                f"column '{name}' is declared both `{declared}` and `{other or 'a key of the row'}`",
                where=patterns.where,
                remedy="keep one of the two in the spec",
            )
    extensions = [spec.site] if spec.site else []
    for key, group in spec.groups.items():
        if group.column is not None and group.column not in extensions:
            extensions.append(patterns.one(group.column, f"groups.{key}.column"))
    taken = sorted(_TAKEN & set(extensions))
    if taken:
        raise InputError(
            f"the site or group column '{taken[0]}' has the name of a MEDS column",
            where=patterns.where,
            count=len(taken),
            remedy="rename it in the table",
        )
    told = told_otherwise(spec)
    left_out = dropped | hidden | set(keys) | (told - set(wanted))
    used = [name for name in patterns.columns if name not in left_out]
    if not used and not told:
        raise InputError("no column is left to become events", where=patterns.where, remedy="see `drop`")
    return used, extensions


def told_otherwise(spec: TableSpec) -> set[str]:
    """Columns that `MEDS_BIRTH` and `GENDER//` say in full; as events of their own they would be told twice.

    With several visits the age stays: `MEDS_BIRTH` comes from the first of them.
    """
    age = {spec.age.column} if spec.age and spec.visit is None else set()
    return age | ({spec.sex.column} if spec.sex else set())


def clean(
    table: pl.LazyFrame, spec: TableSpec, patterns: Patterns
) -> tuple[pl.LazyFrame, dict[str, int], dict[str, int]]:
    """The table with values that mean missing made null: those of some columns only, and sentinels.

    Args:
        table: the staged table (strings, null where a value means missing in every column).
        spec: its `missing` and `sentinels`.
        patterns: resolves names against the table.

    Returns:
        The table, the number of cells by column of `missing`, and by column of `sentinels`.
    """
    words = {
        n: cells
        for key, cells in spec.missing.items()
        if key != EVERY_COLUMN
        for n in patterns.all([key], "missing")
    }
    numbers = {n: list(v) for key, v in spec.sentinels.items() for n in patterns.all([key], "sentinels")}
    hits = [
        *((name, pl.col(name).is_in(list(cells))) for name, cells in words.items()),
        *((n, pl.col(n).cast(pl.Float64, strict=False).is_in(values)) for n, values in numbers.items()),
    ]
    if not hits:
        return table, {}, {}
    counts = table.select(hit.sum().alias(str(place)) for place, (_, hit) in enumerate(hits)).collect().row(0)
    wrong: dict[str, pl.Expr] = {}
    for name, hit in hits:
        wrong[name] = wrong[name] | hit if name in wrong else hit
    cleaned = table.with_columns(
        pl.when(~hit.fill_null(value=False)).then(pl.col(name)).alias(name) for name, hit in wrong.items()
    )
    found = [(name, int(count or 0)) for (name, _), count in zip(hits, counts, strict=True)]
    return cleaned, dict(found[: len(words)]), dict(found[len(words) :])
