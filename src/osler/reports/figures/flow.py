"""Flow between partitions of the same patients: a bar for each, ribbons from one to the next below it."""

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from osler.reports.figures.canvas import COLOURS, SERIES, drawing

_ROW = 66.0
_BAR = 0.2  # height of a bar, in rows
_HEAD, _END = 0.3, 0.78  # rows above the first bar, and of the last row that are left out
_GAP = 0.012  # between the clusters of a bar, in widths
_NARROW = 0.045  # a segment below this width has no room for its number


@dataclass(frozen=True)
class Bar:
    """One partition: words above it, and its clusters from left to right with the share of each."""

    label: str
    clusters: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Ribbon:
    """A share of all that is in one cluster of a bar and in one of the next bar."""

    bar: int
    cluster: str
    next_cluster: str
    share: float


def flow_figure(name: str, bars: list[Bar], ribbons: list[Ribbon], *, title: str, gist: str) -> Markup:
    """Bars from top to bottom; a ribbon has the colour of the cluster that it comes from.

    Args:
        name: unique on the page.
        bars: from top to bottom; the shares of a bar add up to at most 1.
        ribbons: in any order; those of one cluster add up to at most its share.
        title: what the figure is.
        gist: what it shows, in words.
    """
    from matplotlib.patches import Rectangle

    widest = max(len(bar.clusters) for bar in bars)
    room = 1 - _GAP * (widest - 1)
    with drawing(
        name, title=title, gist=gist, height=_ROW * (len(bars) - _END + _HEAD) + 8, margins=(8, 8, 4, 4)
    ) as surface:
        axes = surface.axes
        axes.set_xlim(0, 1)
        axes.set_ylim(len(bars) - _END, -_HEAD)
        axes.axis("off")
        places = [_places(bar, room) for bar in bars]
        starts = [{one: left for one, (left, _) in place.items()} for place in places]
        ends = [dict(start) for start in starts]
        for ribbon in sorted(ribbons, key=lambda one: (one.bar, *_order(bars, one))):
            top, bottom = starts[ribbon.bar], ends[ribbon.bar + 1]
            width = ribbon.share * room
            left, below = top[ribbon.cluster], bottom[ribbon.next_cluster]
            top[ribbon.cluster] += width
            bottom[ribbon.next_cluster] += width
            axes.add_patch(_ribbon(left, below, width, ribbon.bar, _colour(bars[ribbon.bar], ribbon.cluster)))
        for row, (bar, place) in enumerate(zip(bars, places, strict=True)):
            words: dict[str, Any] = {"fontsize": 10, "va": "center"}
            axes.text(0, row - 0.14, bar.label, ha="left", color=COLOURS["muted"], **words)
            for cluster, (left, width) in place.items():
                colour = COLOURS[_colour(bar, cluster)]
                axes.add_patch(Rectangle((left, row), width, _BAR, facecolor=colour, edgecolor="none"))
                if width >= _NARROW:
                    axes.text(left + width / 2, row + _BAR / 2, cluster, ha="center", **words)
    return surface.svg


def _places(bar: Bar, room: float) -> dict[str, tuple[float, float]]:
    """Left edge and width of each cluster."""
    found, left = {}, 0.0
    for cluster, share in bar.clusters:
        found[cluster] = left, share * room
        left += share * room + _GAP
    return found


def _order(bars: list[Bar], ribbon: Ribbon) -> tuple[int, int]:
    """Ribbons lie side by side in the order of the clusters, so that few cross."""
    names = [[cluster for cluster, _ in bars[ribbon.bar + step].clusters] for step in (0, 1)]
    return names[0].index(ribbon.cluster), names[1].index(ribbon.next_cluster)


def _colour(bar: Bar, cluster: str) -> str:
    names = [name for name, _ in bar.clusters]
    return SERIES[names.index(cluster) % len(SERIES)] if cluster.isdigit() else "faint"


def _ribbon(left: float, below: float, width: float, row: int, colour: str) -> Any:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    top, bottom = row + _BAR, row + 1.0
    middle = (top + bottom) / 2
    points = [
        (left, top), (left, middle), (below, middle), (below, bottom),
        (below + width, bottom), (below + width, middle), (left + width, middle), (left + width, top),
        (left, top),
    ]  # fmt: skip
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    return PathPatch(Path(points, codes), facecolor=COLOURS[colour], edgecolor="none", alpha=0.38)
