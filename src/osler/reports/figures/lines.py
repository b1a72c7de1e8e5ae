"""An index over the number of clusters, one line per arm."""

from dataclasses import dataclass

from markupsafe import Markup

from osler.reports.figures.canvas import COLOURS, drawing


@dataclass(frozen=True)
class Series:
    """One line, labelled at its right end."""

    label: str
    colour: str
    x: list[int]
    y: list[float]


def index_figure(name: str, series: list[Series], *, title: str, gist: str, axis: str) -> Markup:
    """Lines over k with a point at each k and the label at the right end of each line."""
    places = sorted({x for one in series for x in one.x})
    values = [y for one in series for y in one.y]
    low, high = min([*values, 0.0]), max([*values, 0.0])
    room = 0.08 * max(high - low, 1e-3)
    with drawing(name, title=title, gist=gist, height=260, margins=(42, 96, 10, 40)) as surface:
        axes = surface.axes
        axes.axhline(0, color=COLOURS["rule"], linewidth=1)
        for one in series:
            colour = COLOURS[one.colour]
            axes.plot(one.x, one.y, color=colour)
            axes.plot(one.x, one.y, "o", color=colour, markersize=5, markeredgewidth=0)
        for place, one in zip(_apart([one.y[-1] for one in series], 0.075 * (high - low + 2 * room)), series, strict=True):
            axes.annotate(
                one.label, (one.x[-1], place), xytext=(8, 0), textcoords="offset points",
                color=COLOURS[one.colour], va="center", fontsize=10, annotation_clip=False,
            )  # fmt: skip
        axes.set_ylim(low - room, high + room)
        axes.set_xticks(places)
        axes.set_xlabel("Number of clusters k")
        axes.set_ylabel(axis)
    return surface.svg


def _apart(places: list[float], gap: float) -> list[float]:
    """Move labels up just enough that no two are closer than `gap`.

    Examples:
        >>> _apart([0.0, 0.05, 1.0], 0.1)
        [0.0, 0.1, 1.0]
    """
    moved = list(places)
    last: float | None = None
    for index in sorted(range(len(places)), key=lambda one: places[one]):
        if last is not None and moved[index] - last < gap:
            moved[index] = last + gap
        last = moved[index]
    return moved
