"""How clusters differ from the rest: a heat map of the largest differences, and the table behind it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from osler.reports.blocks import Block, Column, Details, Figure, Figures, Row, Table
from osler.reports.figures.heat import HeatRow, heat_figure
from osler.reports.formats import number
from osler.reports.runfiles import RunFiles
from osler.reports.suppress import is_small

_ROWS = 16
_MOST_CLUSTERS = 10
_TITLE = "What sets clusters apart"
_NUMBERS = ("numeric", "ordinal")


def effect_blocks(
    run: RunFiles,
    name: str,
    folder: str,
    *,
    arm: str,
    k: int,
    hidden: Sequence[bool],
    facts: Mapping[str, Any],
) -> list[Block]:
    """The heat map and the table of the variables that differ most; nothing where there are no effects.

    Args:
        run: the run.
        name: unique on the page.
        folder: of the clustering.
        arm: name of the arm.
        k: number of clusters that it chose.
        hidden: of each cluster, whether it is too small to be described.
        facts: `phenotypes.json`, for the samples of a patient.
    """
    file = f"{folder}/effects.parquet"
    found = run.frame(file)
    if found is None or found.is_empty():
        return []
    own = found.filter(pl.col("arm") == arm, pl.col("k") == k, pl.col("smd").is_finite())
    shown = [number for number in range(k) if not hidden[number]][:_MOST_CLUSTERS]
    # What is counted are samples, of which a patient may have several.
    each = math.ceil(int(facts.get("n_samples") or 1) / max(int(facts.get("n_patients") or 1), 1))
    least = run.min_cell * each
    cells: dict[str, dict[int, dict[str, Any]]] = {}
    for row in own.to_dicts():
        if row["cluster"] in shown and is_safe(row, min_cell=least):
            cells.setdefault(_words(row), {})[row["cluster"]] = row
    ranked = sorted(cells, key=lambda words: -max(abs(row["smd"]) for row in cells[words].values()))
    first: dict[str, str] = {}  # of the levels of a variable, the one that differs most
    for words in ranked:
        first.setdefault(next(iter(cells[words].values()))["variable"], words)
    chosen = [words for words in first.values() if _reaches(cells[words])][:_ROWS]
    if not chosen:
        return []
    rows = [
        HeatRow(words, tuple(cells[words][c]["smd"] if c in cells[words] else None for c in shown))
        for words in chosen
    ]
    gist = "Standardised differences to the rest, largest first: " + "; ".join(
        f"{row.label}: "
        + ", ".join(
            f"cluster {c} {number(value, 1, signed=True)}"
            for c, value in zip(shown, row.values, strict=True)
            if value is not None
        )
        for row in rows[:5]
    )
    caption = (
        "Difference of each cluster to the rest in standard deviations. Clusters that were made from these "
        "variables, or from text about them, differ in them by construction."
    )
    svg = heat_figure(f"effects-{name}", [str(c) for c in shown], rows, title=_TITLE, gist=gist)
    return [
        Figures((Figure(svg, _TITLE, gist, caption, (file,)),)),
        Details("Differences with intervals", (_table(cells, chosen, shown, file),)),
    ]


def is_safe(row: Mapping[str, Any], *, min_cell: int) -> bool:
    """Whether an effect rests on no small group, inside or outside.

    Examples:
        >>> flag = {"kind": "flag", "n_inside": 80, "n_outside": 900}
        >>> few = {**flag, "carriers_inside": 4, "carriers_outside": 60}
        >>> is_safe(few, min_cell=10), is_safe({**few, "carriers_inside": 40}, min_cell=10)
        (False, True)
    """
    sides = [(row["n_inside"], row["carriers_inside"]), (row["n_outside"], row["carriers_outside"])]
    if any(n <= min_cell for n, _ in sides):
        return False
    if row["kind"] in _NUMBERS:
        return True
    counts = [count for n, carriers in sides for count in (carriers, n - carriers)]
    return not any(is_small(count, min_cell=min_cell) for count in counts)


def _words(row: Mapping[str, Any]) -> str:
    label = str(row["label"])
    return f"{label}: {row['level']}" if row["level"] else label


def _reaches(cells: Mapping[int, Mapping[str, Any]]) -> bool:
    """Whether a difference shows when it is rounded."""
    return any(abs(row["smd"]) >= 0.05 for row in cells.values())


def _table(
    cells: Mapping[str, Mapping[int, Mapping[str, Any]]],
    chosen: Sequence[str],
    shown: Sequence[int],
    file: str,
) -> Table:
    rows = tuple(
        Row((words, *(_interval(cells[words][c]) if c in cells[words] else "–" for c in shown)))
        for words in chosen
    )
    columns = (Column("Variable", numeric=False), *(Column(f"Cluster {c}") for c in shown))
    notes = ("Cohen's d with its 95 % interval. Variables that few patients have, or lack, are left out.",)
    return Table(_TITLE, columns, rows, files=(file,), notes=notes)


def _interval(row: Mapping[str, Any]) -> str:
    low, high = (number(row[name], 2, signed=True) for name in ("low", "high"))
    return f"{number(row['smd'], 2, signed=True)} ({low} to {high})"
