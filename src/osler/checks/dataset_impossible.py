"""Are there numbers that no living patient has, or that stand for "missing"?

Limits are those of `osler.record.measurements`, in the unit of the numbers. Numbers that fit another unit are
told of by `dataset_mixed` and not again here.
"""

from typing import Any

import polars as pl

from osler.checks.finding import WARNING, Finding, example, listed, percent
from osler.checks.mixed_units import unit_that_fits
from osler.checks.numbers import AMOUNT, MEASUREMENT, PER_DECADE, PERCENTAGE
from osler.checks.place import Place

SEEN = 0.005  # share of a code's numbers at which one number is more than a chance
FEWEST = 5
RARE = 0.01  # beyond it, percentages outside 0 to 100 and negative amounts are what the quantity can be
GUESSED = 0.10  # beyond it, a unit that nobody stated is taken to be another one
MOST = 0.5  # beyond it, the unit is more likely to be wrong than the numbers
WRONG_UNIT = "unit"
_PAIR = ["code", "unit"]
_AS_MISSING = "treat them as missing in the source's spec (`missing`, `sentinels`), or correct them"
# What is said of numbers beyond their limits, by the rule that they break.
_TOLD = {
    WRONG_UNIT: (
        "codes most of whose numbers no living patient has, in the unit that is stated",
        "write the right unit in the source's spec",
    ),
    MEASUREMENT: ("numbers that no living patient has", _AS_MISSING),
    PERCENTAGE: ("percentages outside 0 to 100", "correct them, or the unit, in the source"),
    AMOUNT: ("negative numbers of what cannot be less than nothing", _AS_MISSING),
}


def check(place: Place) -> list[Finding]:
    """Sentinels, numbers beyond the limits, percentages outside 0 to 100, negative amounts."""
    if place.survey is None:
        return []
    survey, file = place.survey, str(place.path)
    marked = sentinels(survey.numbers)
    numbers = survey.numbers.join(marked, on=[*_PAIR, "sentinel"], how="anti", nulls_equal=True)
    numbers = _without_mixtures(numbers, survey.mixtures)
    beyond = beyond_limits(survey.units, numbers)
    fitting = []
    for pair in beyond.iter_rows(named=True):
        of_pair = (pl.col("code") == pair["code"]) & pl.col("unit").eq_missing(
            pl.lit(pair["unit"], pl.String)
        )
        wrong = pair["rule"] == WRONG_UNIT
        fitting.append(unit_that_fits(pair, numbers.filter(of_pair)) if wrong else None)
    beyond = beyond.with_columns(fitting=pl.Series(fitting, dtype=pl.String))
    findings = [] if marked.is_empty() else [_missing(marked, file)]
    for rule, (what, remedy) in _TOLD.items():
        rows = beyond.filter(pl.col("rule") == rule)
        if rows.height:
            findings.append(_beyond(rows, what, remedy, file))
    return findings


def sentinels(numbers: pl.DataFrame) -> pl.DataFrame:
    """Numbers such as -1 or 999 that stand for "missing".

    A negative one makes up at least 0.5 % of its code's numbers, is there five times or more, and other
    negative numbers are at most a tenth as frequent; a positive one likewise, and other numbers above two
    thirds of it are at most a tenth as frequent.

    Args:
        numbers: of `count_numbers`.

    Returns:
        `code, unit, sentinel, n, total, subject_id`, the most frequent first.
    """
    marked = numbers.filter(pl.col("sentinel").is_not_null()).select(*_PAIR, "sentinel", "n", "subject_id")
    others = numbers.filter(pl.col("sentinel").is_null()).select(*_PAIR, "sign", "bin", other="n")
    total = numbers.group_by(_PAIR).agg(total=pl.col("n").sum())
    mark = pl.col("sentinel")
    far = ((mark.abs() / 1.5).log10() * PER_DECADE).round()
    near = pl.when(mark < 0).then(pl.col("sign") < 0).otherwise((pl.col("sign") > 0) & (pl.col("bin") > far))
    around = (
        marked.join(others, on=_PAIR, how="inner", nulls_equal=True)
        .group_by(*_PAIR, "sentinel")
        .agg(near=pl.col("other").filter(near).sum())
    )
    return (
        marked.join(total, on=_PAIR, nulls_equal=True)
        .join(around, on=[*_PAIR, "sentinel"], nulls_equal=True)
        .filter(
            (pl.col("n") >= FEWEST)
            & (pl.col("n") >= SEEN * pl.col("total"))
            & (10 * pl.col("near") <= pl.col("n"))
        )
        .select(*_PAIR, "sentinel", "n", "total", "subject_id")
        .sort("n", "code", "sentinel", descending=[True, False, False])
    )


def beyond_limits(units: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """Pairs of code and unit with numbers beyond their limits.

    Args:
        units: of `pair_units`.
        numbers: of `count_numbers`, those that stand for "missing" left out.

    Returns:
        `code, description, unit, ucum, rule, low, high, n, beyond, subject_id`, most numbers first; `rule` is
        `unit` where most numbers of a measurement lie beyond. Percentages and amounts are left out where more
        than 1 % lie beyond, and measurements whose unit is assumed where more than 10 % do.
    """
    counted = numbers.group_by(_PAIR).agg(
        pl.col("n").sum(),
        beyond=(pl.col("n_low").fill_null(0) + pl.col("n_high").fill_null(0)).sum(),
        subject_id=pl.min_horizontal("with_low", "with_high").min(),
    )
    facts = units.select(*_PAIR, "description", "ucum", "rule", "low", "high", "assumed")
    measured = pl.col("rule") == MEASUREMENT
    most = pl.when(~measured).then(RARE).when("assumed").then(GUESSED).otherwise(1.0)
    wrong_unit = measured & (pl.col("beyond") > MOST * pl.col("n"))
    return (
        counted.filter(pl.col("beyond") > 0)
        .join(facts, on=_PAIR, nulls_equal=True)
        .filter(pl.col("beyond") <= most * pl.col("n"))
        .with_columns(rule=pl.when(wrong_unit).then(pl.lit(WRONG_UNIT)).otherwise("rule"))
        .drop("assumed")
        .sort("beyond", "code", descending=[True, False])
    )


def _without_mixtures(numbers: pl.DataFrame, mixtures: pl.DataFrame) -> pl.DataFrame:
    """Numbers that another unit explains are beyond no limit."""
    sides = mixtures.group_by(_PAIR).agg(high=pl.col("above").any(), low=(~pl.col("above")).any())
    joined = numbers.join(sides, on=_PAIR, how="left", nulls_equal=True)
    return joined.with_columns(
        pl.when(~pl.col(side).fill_null(value=False)).then(column).otherwise(None).alias(column)
        for side in ("low", "high")
        for column in (f"n_{side}", f"with_{side}")
    )


def _missing(marked: pl.DataFrame, file: str) -> Finding:
    first = marked.row(0, named=True)
    named = listed(
        f"{row['code']} {row['sentinel']:g} ({percent(row['n'], row['total'])})"
        for row in marked.iter_rows(named=True)
    )
    return Finding(
        WARNING,
        f'numbers that look like a mark for "missing": {named}',
        file=file,
        column="numeric_value",
        count=int(marked["n"].sum()),
        example=example(subject_id=first["subject_id"], code=first["code"], unit=first["unit"]),
        remedy="name them as missing in the source's spec (a table: `sentinels`), and ingest again",
    )


def _beyond(rows: pl.DataFrame, what: str, remedy: str, file: str) -> Finding:
    first = rows.row(0, named=True)
    named = listed(
        f"{row['code']} {row['beyond']:,} ({_possible(row)})" for row in rows.iter_rows(named=True)
    )
    return Finding(
        WARNING,
        f"{what}: {named}",
        file=file,
        column="numeric_value",
        count=int(rows["beyond"].sum()),
        example=example(subject_id=first["subject_id"], code=first["code"], unit=first["unit"]),
        remedy=remedy,
    )


def _possible(row: dict[str, Any]) -> str:
    unit = "" if row["ucum"] is None else f" {row['ucum']}"
    reach = f"from {row['low']:g}" if row["high"] is None else f"{row['low']:.4g} to {row['high']:.4g}"
    fitting = "" if row["fitting"] is None else f"; they would be in {row['fitting']}"
    return f"possible: {reach}{unit}{fitting}"
