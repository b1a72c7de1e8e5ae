"""Cards of clusters: how each differs from the rest in every variable, and what goes with the partition.

Variables that took part in the clustering get effects with intervals and no p-value: the clusters were made
to differ in them (METHODS 20). Variables that took no part get the p-value of a test too, corrected over
them.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from osler.measure.association import level_test, rank_test
from osler.measure.compare import benjamini_hochberg, holm
from osler.measure.effects import mean_difference, proportion_difference
from osler.phenotyping.naming import CardRow
from osler.phenotyping.partition import Array
from osler.represent.typed import TypedTable, Variable

EFFECTS: dict[str, pl.DataType] = {
    "arm": pl.String(),
    "k": pl.Int64(),
    "cluster": pl.Int64(),
    "variable": pl.String(),
    "label": pl.String(),
    "level": pl.String(),
    "kind": pl.String(),
    "section": pl.String(),
    "unit": pl.String(),
    "used": pl.Boolean(),
    "n_inside": pl.Int64(),
    "n_outside": pl.Int64(),
    "missing": pl.Int64(),
    "carriers_inside": pl.Int64(),
    "carriers_outside": pl.Int64(),
    "inside": pl.Float64(),
    "outside": pl.Float64(),
    "smd": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "difference": pl.Float64(),
    "difference_low": pl.Float64(),
    "difference_high": pl.Float64(),
}
TESTS: dict[str, pl.DataType] = {
    "arm": pl.String(),
    "k": pl.Int64(),
    "variable": pl.String(),
    "label": pl.String(),
    "kind": pl.String(),
    "used": pl.Boolean(),
    "test": pl.String(),
    "n": pl.Int64(),
    "missing": pl.Int64(),
    "effect": pl.String(),
    "value": pl.Float64(),
    "p": pl.Float64(),
    "p_holm": pl.Float64(),
    "p_bh": pl.Float64(),
}


def effect_table(arm: str, cluster: Array, table: TypedTable, *, used: Array) -> pl.DataFrame:
    """How each cluster differs from the rest in every variable, level by level.

    Args:
        arm: name of the arm.
        cluster: int [n], -1 noise.
        table: the variables, those that took no part among them.
        used: which of them took part in the clustering, bool [p].

    Returns:
        A row per cluster and variable, or level of a categorical one. `inside`, `outside`: means of numbers
        and of places of ordered levels, shares of flags and levels. `smd`: standardised difference with
        `low`, `high` (Cohen's d). `difference`: of shares, with Newcombe's interval; null for numbers.
        `carriers`: samples with the flag or level.
    """
    k = int(cluster.max(initial=-1)) + 1
    rows = []
    for place, (variable, level, value) in card_columns(table):
        seen = ~np.isnan(value)
        share = variable.kind in ("flag", "categorical")
        for number in range(k):
            inside = cluster == number
            effect = mean_difference(inside, value)
            one, other = value[inside & seen], value[~inside & seen]
            apart = proportion_difference(inside, value) if share and len(one) and len(other) else None
            rows.append(
                (
                    arm,
                    k,
                    number,
                    variable.name,
                    variable.label,
                    level,
                    variable.kind,
                    variable.section,
                    variable.unit,
                    bool(used[place]),
                    effect.n_inside,
                    effect.n_outside,
                    effect.missing,
                    int(one.sum()) if share else None,
                    int(other.sum()) if share else None,
                    float(one.mean()) if len(one) else None,
                    float(other.mean()) if len(other) else None,
                    *_known(effect.value, effect.low, effect.high),
                    *(_known(apart.value, apart.low, apart.high) if apart else (None, None, None)),
                )
            )
    return pl.DataFrame(rows, schema=EFFECTS, orient="row")


def test_table(arm: str, cluster: Array, table: TypedTable, *, used: Array) -> pl.DataFrame:
    """How far each variable goes with the partition.

    Args:
        arm: name of the arm.
        cluster: int [n], -1 noise.
        table: the variables.
        used: which of them took part in the clustering, bool [p].

    Returns:
        A row per variable: Kruskal-Wallis with epsilon squared for numbers and ordered levels, chi-squared,
        Fisher's or a Monte Carlo test with Cramer's V for levels and flags. `p`, `p_holm` and `p_bh`
        (Benjamini and Hochberg 1995, over the variables that took no part) are null for those that took
        part.
    """
    k = int(cluster.max(initial=-1)) + 1
    rows = []
    for variable, value, took_part in zip(table.variables, table.values.T, used, strict=True):
        if variable.kind in ("numeric", "ordinal"):
            rank = rank_test(cluster, value)
            found = ("kruskal-wallis", rank.n, rank.missing, "epsilon squared", rank.epsilon_squared, rank.p)
        else:
            level = level_test(cluster, value)
            found = (level.test, level.n, level.missing, "cramer's v", level.v, level.p)
        *facts, effect, p = found
        p = float("nan") if took_part else p
        names = (variable.name, variable.label, variable.kind, bool(took_part))
        rows.append((arm, k, *names, *facts, *_known(effect), *_known(p), None, None))
    made = pl.DataFrame(rows, schema=TESTS, orient="row")
    tested = made["p"].is_not_null()
    if not tested.any():
        return made
    known = made.filter(tested)["p"].to_numpy()
    places = np.flatnonzero(tested.to_numpy())
    corrected = {"p_holm": holm(known), "p_bh": benjamini_hochberg(known)}
    for name, values in corrected.items():
        whole = np.full(made.height, np.nan)
        whole[places] = values
        made = made.with_columns(pl.Series(name, whole).fill_nan(None))
    return made


def card_rows(effects: pl.DataFrame, cluster: int, *, rows: int, least: float = 0.2) -> list[CardRow]:
    """The findings that set a cluster apart most, as numbered rows.

    Args:
        effects: of one partition, as `effect_table` gives them.
        cluster: which cluster.
        rows: how many at most; one per variable.
        least: smallest standardised difference that is a finding (Cohen: .2 is small).
    """
    shown = (
        effects.filter(pl.col("cluster") == cluster, pl.col("smd").abs() >= least)
        .sort(pl.col("smd").abs(), "variable", "level", descending=[True, False, False], nulls_last=True)
        .unique("variable", keep="first", maintain_order=True)
        .head(rows)
    )
    return [_card_row(number, row) for number, row in enumerate(shown.iter_rows(named=True), 1)]


def _card_row(number: int, row: dict[str, object]) -> CardRow:
    label = str(row["label"]) + (f": {row['level']}" if row["level"] is not None else "")
    numeric = row["kind"] in ("numeric", "ordinal")
    inside, outside = float(str(row["inside"])), float(str(row["outside"]))
    if numeric:
        unit = f" {row['unit']}" if row["unit"] else ""
        text = f"{label}: mean {inside:.3g}{unit} (others {outside:.3g})"
    else:
        text = f"{label}: {100 * inside:.0f}% (others {100 * outside:.0f}%)"
    return CardRow(number, label, "over" if float(str(row["smd"])) > 0 else "under", numeric, text)


def card_columns(table: TypedTable) -> Iterator[tuple[int, tuple[Variable, str | None, Array]]]:
    """Columns of numbers: a variable's place, itself, its level, and the values; one column per level."""
    for place, (variable, value) in enumerate(zip(table.variables, table.values.T, strict=True)):
        if variable.kind != "categorical":
            yield place, (variable, None, value)
            continue
        for number, level in enumerate(variable.levels):
            column = np.where(np.isnan(value), np.nan, (value == number).astype(float))
            yield place, (variable, level, column)


def _known(*values: float) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
