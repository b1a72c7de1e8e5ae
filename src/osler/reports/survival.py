"""Survival by cluster: curves, numbers at risk and the log-rank test, with small cells left out.

A curve gives away how many die between two of its points, so points are joined until more than `min_cell`
patients have died between them; a number at risk is shown only where it and what left it are no small cells.
"""

from typing import Any

import numpy as np
import polars as pl

from osler.reports.blocks import Block, Column, Figure, Figures, Paragraph, Row, Table
from osler.reports.figures.curves import Curve
from osler.reports.figures.survival import colour_of, survival_figure
from osler.reports.formats import count, percent
from osler.reports.runfiles import RunFiles
from osler.reports.suppress import is_small

_TITLE = "Survival by cluster"
_COLUMNS = 5  # times at which the numbers at risk stand
_SENTENCE = (
    "From the prediction time to death, or to the last event of the record: whoever leaves is followed no "
    "longer, and what becomes of them later is not known. A patient with several samples counts once, by the "
    "first."
)


def survival_blocks(
    run: RunFiles, name: str, folder: str, *, arm: str, k: int, facts: dict[str, Any]
) -> list[Block]:
    """Curves of the clusters that an arm chose, or the sentence that says why there are none.

    Args:
        run: the run.
        name: unique on the page.
        folder: of the clustering.
        arm: name of the arm.
        k: number of clusters that it chose.
        facts: the `survival` of `phenotypes.json`.
    """
    own = dict(facts.get(arm) or {})
    files = (f"{folder}/survival.parquet", f"{folder}/phenotypes.json")
    if own.get("unknown"):
        return [Paragraph(f"Survival is not drawn: {own['unknown']}.", files[1:], tone="note")]
    found = run.frame(files[0]) if own else None
    if found is None or found.is_empty():
        return []
    rows = found.filter(pl.col("arm") == arm, pl.col("k") == k)
    parts = [rows.filter(pl.col("cluster") == number).sort("days") for number in range(k)]
    if any(_is_told(part, run.min_cell) for part in parts):
        few = "in a cluster so few patients die, or so few live, that the number is suppressed"
        return [Paragraph(f"Survival is not drawn: {few}.", files, tone="note")]
    curves = [_curve(number, part, run.min_cell) for number, part in enumerate(parts)]
    shown = [curve for curve in curves if len(curve.x) > 1]
    blocks: list[Block] = []
    if shown:
        ends = "; ".join(
            f"{one.label} {percent(one.y[-1])} alive after {one.x[-1]:.3g} days" for one in shown
        )
        gist = f"Kaplan-Meier estimates: {ends}."
        caption = f"{_SENTENCE} {_test(own)} Each part of a line covers 0 or more than {run.min_cell} deaths."
        svg = survival_figure(f"survival-{name}", shown, title=_TITLE, gist=gist)
        blocks.append(Figures((Figure(svg, _TITLE, gist, caption, files),)))
    return [*blocks, _at_risk(parts, run.min_cell, files)]


def kept_points(deaths: np.ndarray, at_risk: np.ndarray, *, min_cell: int) -> list[int]:
    """Points of a curve that may be shown: none or more than `min_cell` deaths between one and the next.

    Args:
        deaths: int [t], deaths until each time.
        at_risk: int [t], at risk at each.
        min_cell: largest count that is hidden.

    Examples:
        >>> kept_points(np.array([0, 0, 4, 12, 12, 13]), np.array([50, 48, 44, 30, 20, 8]), min_cell=10)
        [0, 1, 3, 4]
    """
    kept = [0]
    for place in range(1, len(deaths)):
        if at_risk[place] <= min_cell:
            break
        if not is_small(int(deaths[place] - deaths[kept[-1]]), min_cell=min_cell):
            kept.append(place)
    return kept


def _curve(number: int, part: pl.DataFrame, min_cell: int) -> Curve:
    kept = kept_points(part["deaths"].to_numpy(), part["at_risk"].to_numpy(), min_cell=min_cell)
    days, alive, low, high = (part[name].to_numpy()[kept] for name in ("days", "survival", "low", "high"))
    return Curve(f"cluster {number}", colour_of(number), days, alive, low, high)


def _is_told(part: pl.DataFrame, min_cell: int) -> bool:
    """Whether a cluster has so few deaths, or so few others, that a curve tells of persons."""
    deaths, n = int(part["deaths"].max() or 0), int(part["at_risk"].max() or 0)  # type: ignore[arg-type]
    return any(is_small(value, min_cell=min_cell) for value in (n, deaths, n - deaths))


def _at_risk(parts: list[pl.DataFrame], min_cell: int, files: tuple[str, ...]) -> Table:
    places = np.linspace(0, parts[0].height - 1, _COLUMNS).round().astype(int)
    rows = []
    for number, part in enumerate(parts):
        values = part["at_risk"].to_numpy()[places]
        cells: list[str | None] = []
        last = None
        for value in values.tolist():
            small = is_small(value, min_cell=min_cell)
            small |= last is not None and is_small(last - value, min_cell=min_cell)
            cells.append(None if small else count(value))
            last = last if small else value
        rows.append(Row((f"cluster {number}", *cells)))
    times = parts[0]["days"].to_numpy()[places]
    columns = (Column("Cluster", numeric=False), *(Column(f"day {time:.3g}") for time in times))
    return Table("Patients at risk", columns, tuple(rows), files=files)


def _test(own: dict[str, Any]) -> str:
    test = own.get("log_rank") or {}
    if test.get("p") is None:
        return "The log-rank test has nothing to compare."
    p = test.get("p_holm", test["p"])
    said = "below .001" if p < 0.001 else f"{p:.3f}"
    return f"Log-rank test: p {said}, corrected for the arms (Holm)."
