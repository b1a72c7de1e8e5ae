"""Forest plots: one row per estimate with its interval, the words above the line they belong to."""

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from osler.reports.figures.canvas import COLOURS, drawing

_ROW = 36.0


@dataclass(frozen=True)
class Estimate:
    """One row: words on the left, numbers on the right, a point and its interval below them.

    `colour` is a role of the canvas: `good`, `bad` or `muted`.
    """

    label: str
    numbers: str
    value: float
    low: float
    high: float
    colour: str = "ink"


def forest_figure(
    name: str, rows: list[Estimate], *, title: str, gist: str, reference: float, axis: str,
    left: str = "", right: str = "", signed: bool = False,
) -> Markup:  # fmt: skip
    """Estimates around a reference line.

    Args:
        name: unique on the page.
        rows: from top to bottom.
        title: what the figure is.
        gist: what it shows, in words.
        reference: where the line of no difference (or of the whole) stands.
        axis: label of the axis.
        left: what lies left of the line, for instance `worse`.
        right: what lies right of it.
        signed: whether ticks carry a plus sign.
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ends = [edge for row in rows for edge in (row.low, row.high, row.value)] + [reference]
    reach = max(max(ends) - min(ends), 1e-6)
    lowest, highest = min(ends) - 0.06 * reach, max(ends) + 0.06 * reach
    head = 22 if left or right else 6
    height = head + _ROW * len(rows) + 46
    with drawing(name, title=title, gist=gist, height=height, margins=(8, 8, head, 40)) as surface:
        axes = surface.axes
        axes.set_xlim(lowest, highest)
        axes.set_ylim(len(rows) - 0.1, -0.05)
        axes.axvline(reference, color=COLOURS["rule"], linewidth=1)
        for place, row in enumerate(rows):
            line = place + 0.68
            colour = COLOURS[row.colour]
            axes.plot([row.low, row.high], [line, line], color=colour, linewidth=2.2)
            axes.plot([row.value], [line], "o", color=colour, markersize=6.5, markeredgewidth=0)
            words: dict[str, Any] = {
                "transform": axes.get_yaxis_transform(),
                "va": "center",
                "fontsize": 10.5,
            }
            axes.text(0, place + 0.28, row.label, ha="left", **words)
            axes.text(1, place + 0.28, row.numbers, ha="right", color=colour, **words)
        above: dict[str, Any] = {
            "transform": axes.transAxes,
            "va": "bottom",
            "fontsize": 9.5,
            "color": COLOURS["muted"],
        }
        if left:
            axes.text(0, 1.0 + 4 / (height - head - 40), f"← {left}", ha="left", **above)
        if right:
            axes.text(1, 1.0 + 4 / (height - head - 40), f"{right} →", ha="right", **above)
        axes.spines["left"].set_visible(False)
        axes.set_yticks([])
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value, signed=signed)))
        axes.set_xlabel(axis)
    return surface.svg


def _tick(value: float, *, signed: bool) -> str:
    text = f"{value:.6g}" if abs(value) > 1e-12 else "0"
    sign = "+" if signed and value > 1e-12 else ""
    return (sign + text).replace("-", "−")
