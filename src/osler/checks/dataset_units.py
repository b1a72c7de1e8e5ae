"""Are the numbers of a code in one unit, and do all of them say it?"""

import polars as pl

from osler.checks.finding import WARNING, Finding, counted, example, listed, percent
from osler.checks.place import Place

BARE = 0.01  # share of a code's numbers without a unit, where others have one


def check(place: Place) -> list[Finding]:
    """Codes with several units; numbers without a unit in codes that have one."""
    if place.survey is None:
        return []
    units = place.survey.units
    return [*_several(place, units), *_bare(place, units)]


def _several(place: Place, units: pl.DataFrame) -> list[Finding]:
    # Units that a number does not change between (mmol/L and meq/L of sodium) are as one.
    scale = pl.struct("target", "factor", "offset")
    by_scale = (
        units.filter("stated")
        .group_by("code", scale.alias("scale"))
        .agg(
            pl.col("n_numbers").sum(),
            pl.col("ucum").sort_by("n_numbers").last(),
            pl.col("unit").sort_by("n_numbers").last(),
            pl.col("with_number").sort_by("n_numbers").last(),
        )
        .sort("code", "n_numbers", "ucum", descending=[False, True, False])
    )
    usual = pl.struct("code").is_first_distinct()
    mixed = by_scale.filter(pl.len().over("code") > 1)
    other = mixed.filter(~usual)
    if other.is_empty():
        return []
    codes = mixed.group_by("code", maintain_order=True).agg(
        named=pl.format("{} {}", pl.col("ucum").fill_null("(none)"), "n_numbers").str.join(", "),
        n=pl.col("n_numbers").slice(1).sum(),
    )
    codes = codes.sort("n", "code", descending=[True, False])
    first = other.filter(code=codes["code"][0]).row(0, named=True)
    return [
        Finding(
            WARNING,
            f"numbers in several units, of {counted(codes.height, 'code')}: "
            + listed(f"{code} ({named})" for code, named, _ in codes.iter_rows()),
            file=str(place.path),
            column="unit",
            count=int(other["n_numbers"].sum()),
            example=example(subject_id=first["with_number"], code=first["code"], unit=first["unit"]),
            remedy="convert them in the source's spec, or give each unit its own code: texts, counts and "
            "models compare the bare numbers",
        )
    ]


def _bare(place: Place, units: pl.DataFrame) -> list[Finding]:
    some = pl.col("stated").any().over("code")
    bare = units.with_columns(total=pl.col("n_numbers").sum().over("code"), some=some).filter(
        ~pl.col("stated") & pl.col("some") & (pl.col("n_numbers") >= BARE * pl.col("total"))
    )
    if bare.is_empty():
        return []
    bare = bare.sort("n_numbers", "code", descending=[True, False])
    named = listed(
        f"{code} ({percent(n, total)})"
        for code, n, total in bare.select("code", "n_numbers", "total").iter_rows()
    )
    first = bare.row(0, named=True)
    return [
        Finding(
            WARNING,
            f"numbers without a unit, of {counted(bare.height, 'code')} whose others have one: {named}",
            file=str(place.path),
            column="unit",
            count=int(bare["n_numbers"].sum()),
            example=example(subject_id=first["with_number"], code=first["code"]),
            remedy="say the unit in the source's spec where it is known; else treat the number as missing",
        )
    ]
