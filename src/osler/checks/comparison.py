"""Do the tables of a comparison of phenotypes speak of the arms that it names, in numbers that can be?"""

import polars as pl

from osler.base.files import read_json
from osler.checks.files import read_whole
from osler.checks.finding import BROKEN, OK, Finding, counted, example, listed
from osler.checks.place import Place

# Table -> columns with the name of an arm, and column -> smallest and largest number in it.
_TABLES: dict[str, tuple[tuple[str, ...], dict[str, tuple[float, float]]]] = {
    "scores": (("arm",), {"silhouette_micro": (-1, 1), "silhouette_macro": (-1, 1)}),
    "agreement": (("arm", "other_arm"), {"adjusted_rand": (-1, 1)}),
    "flow": (("arm", "other_arm"), {"share": (0, 1)}),
    "artefacts": (("arm",), {"value": (-1, float("inf"))}),
    "permutation": (("arm",), {"p": (0, 1)}),
    "separation": (("arm",), {"p": (0, 1), "jaccard_min": (0, 1)}),
}
_REMEDY = "compare the phenotypes again"


def check(place: Place) -> list[Finding]:
    """Files, columns, names of arms, and numbers in their range."""
    facts = read_json(place.path / "compare.json")
    arms = list(facts.get("arms") or {})
    findings = [found for name in _TABLES for found in _of_table(place, name, arms) if found is not None]
    told = f"{counted(len(arms), 'arm')} side by side"
    return findings or [Finding(OK, told, file=str(place.path / "compare.json"))]


def _of_table(place: Place, name: str, arms: list[str]) -> list[Finding]:
    path = place.path / f"{name}.parquet"
    frame = read_whole(path)
    named, ranges = _TABLES[name]
    missing = [column for column in (*named, *ranges) if column not in frame.columns]
    if missing:
        what = f"{name}: columns are missing: {listed(missing)}"
        return [_broken(what, path, missing[0], len(missing))]
    wrong = [
        (
            column,
            frame.filter(~pl.col(column).is_in(arms)).height,
            f"{name}: rows about arms that are not compared",
        )
        for column in named
    ] + [
        (
            column,
            frame.filter(~pl.col(column).is_between(low, high)).height,
            f"{name}: numbers outside {low:g} to {high:g}",
        )
        for column, (low, high) in ranges.items()
    ]
    return [_broken(what, path, column, count) for column, count, what in wrong if count]


def _broken(what: str, path: object, column: str, count: int) -> Finding:
    return Finding(
        BROKEN, what, file=str(path), column=column, count=count, example=example(file=path), remedy=_REMEDY
    )
