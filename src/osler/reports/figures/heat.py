"""A heat map of differences: a row per variable, a column per cluster, the number in every cell."""

from dataclasses import dataclass

from markupsafe import Markup

from osler.reports.figures.canvas import COLOURS, drawing

_ROW, _LABEL, _HEAD = 19.0, 168.0, 22.0
_FULL = 1.5  # difference of the fullest colour
_LONGEST = 27  # characters of a label; the table below it has the whole


@dataclass(frozen=True)
class HeatRow:
    """A variable: its label, and a difference per column; None is left blank."""

    label: str
    values: tuple[float | None, ...]


def heat_figure(name: str, columns: list[str], rows: list[HeatRow], *, title: str, gist: str) -> Markup:
    """Cells coloured by sign and size.

    Args:
        name: unique on the page.
        columns: heads of the columns.
        rows: from top to bottom.
        title: what the figure is.
        gist: what it shows, in words.
    """
    from matplotlib.patches import Rectangle

    height = _HEAD + _ROW * len(rows) + 6
    with drawing(name, title=title, gist=gist, height=height, margins=(_LABEL, 6, _HEAD, 6)) as surface:
        axes = surface.axes
        axes.set_xlim(0, len(columns))
        axes.set_ylim(len(rows), 0)
        axes.axis("off")
        for place, column in enumerate(columns):
            axes.text(
                place + 0.5, -0.3, column, ha="center", va="bottom", fontsize=10, color=COLOURS["muted"]
            )
        for line, row in enumerate(rows):
            axes.annotate(
                shortened(row.label), (0, line + 0.5), xytext=(-6, 0), textcoords="offset points",
                ha="right", va="center", fontsize=10, annotation_clip=False,
            )  # fmt: skip
            for place, value in enumerate(row.values):
                if value is None:
                    continue
                colour = COLOURS["series-1" if value > 0 else "series-2"]
                strength = 0.75 * min(abs(value) / _FULL, 1.0)
                axes.add_patch(
                    Rectangle(
                        (place + 0.03, line + 0.05), 0.94, 0.9, facecolor=colour, edgecolor="none",
                        alpha=strength,
                    )
                )  # fmt: skip
                axes.text(place + 0.5, line + 0.5, f"{value:+.1f}", ha="center", va="center", fontsize=9.5)
    return surface.svg


def shortened(label: str) -> str:
    """A label that fits beside the cells.

    Examples:
        >>> shortened("What is the child's source of drinking water?")
        "What is the child's source…"
    """
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1].rstrip()}…"
