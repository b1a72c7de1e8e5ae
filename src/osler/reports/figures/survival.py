"""Survival over days, a line per cluster."""

from markupsafe import Markup

from osler.reports.figures.canvas import COLOURS, SERIES, drawing
from osler.reports.figures.curves import Curve

_BANDS = 4  # with more curves bands only cover each other


def survival_figure(name: str, curves: list[Curve], *, title: str, gist: str) -> Markup:
    """A line per cluster through the points that may be shown, with its band where there are few.

    Args:
        name: unique on the page.
        curves: days and survival; colours are taken in order.
        title: what the figure is.
        gist: what it shows, in words.
    """
    lowest = min(float(curve.y.min()) for curve in curves)
    with drawing(name, title=title, gist=gist, height=300) as surface:
        axes = surface.axes
        for curve in curves:
            colour = COLOURS[curve.colour]
            if curve.low is not None and curve.high is not None and len(curves) <= _BANDS:
                axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.14, linewidth=0)
            axes.plot(curve.x, curve.y, color=colour)
            axes.plot(curve.x, curve.y, "o", color=colour, markersize=3, markeredgewidth=0)
            axes.annotate(
                curve.label, (curve.x[-1], curve.y[-1]), xytext=(4, 0), textcoords="offset points",
                color=colour, fontsize=10, va="center", annotation_clip=False,
            )  # fmt: skip
        axes.set_xlim(0, 1.18 * max(float(curve.x[-1]) for curve in curves))
        axes.set_ylim(max(0.0, lowest - 0.08), 1.01)
        axes.set_xlabel("Days from the prediction time")
        axes.set_ylabel("Alive")
    return surface.svg


def colour_of(place: int) -> str:
    """The colour of the cluster at this place."""
    return SERIES[place % len(SERIES)]
