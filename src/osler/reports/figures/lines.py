"""An index over the number of clusters."""

from markupsafe import Markup

from osler.reports.figures.canvas import COLOURS, drawing


def index_figure(
    name: str,
    ks: list[int],
    values: list[float],
    *,
    colour: str,
    chosen: int | None,
    title: str,
    gist: str,
    axis: str,
) -> Markup:
    """A line over k with a point at each k and a ring around the one that is shown in full.

    Args:
        name: unique on the page.
        ks: numbers of clusters, ascending.
        values: the index at each.
        colour: a role of the canvas.
        chosen: the k with the ring.
        title: what the figure is.
        gist: what it shows, in words.
        axis: label of the index.
    """
    from matplotlib.ticker import MaxNLocator

    low, high = min([*values, 0.0]), max([*values, 0.0])
    room = 0.12 * max(high - low, 1e-3)
    with drawing(name, title=title, gist=gist, height=230) as surface:
        axes = surface.axes
        axes.axhline(0, color=COLOURS["rule"], linewidth=1)
        axes.plot(ks, values, color=COLOURS[colour])
        axes.plot(ks, values, "o", color=COLOURS[colour], markersize=5, markeredgewidth=0)
        if chosen in ks:
            place = ks.index(chosen)
            axes.plot(
                [chosen], [values[place]], "o", markersize=12, markerfacecolor="none", markeredgewidth=1.4,
                markeredgecolor=COLOURS["ink"],
            )  # fmt: skip
            axes.annotate(
                f"k = {chosen}: {values[place]:.3f}", (chosen, values[place]),
                xytext=(10, 8) if place <= len(ks) // 2 else (-10, 8), textcoords="offset points",
                ha="left" if place <= len(ks) // 2 else "right", fontsize=10, annotation_clip=False,
            )  # fmt: skip
        axes.set_ylim(low - (room if low < 0 else 0), high + 2 * room)
        axes.set_xlim(ks[0] - 0.4, ks[-1] + 0.4)
        axes.set_xticks(ks)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
        axes.set_xlabel("Number of clusters k")
        axes.set_ylabel(axis)
    return surface.svg
