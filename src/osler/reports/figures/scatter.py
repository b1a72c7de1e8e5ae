"""Patients as points in a plane (private page only)."""

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from osler.reports.figures.canvas import COLOURS, drawing


@dataclass(frozen=True)
class Points:
    """Points of one kind: `x` and `y` of shape [n], a label in words, a colour role of the canvas."""

    label: str
    colour: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]


def scatter_figure(name: str, kinds: list[Points], *, title: str, gist: str) -> Markup:
    """Points by kind, later kinds on top, with the labels in the colour of their points below the plane."""
    rows = -(-len(kinds) // 3)
    foot = 14 + 15 * rows
    with drawing(name, title=title, gist=gist, height=300 + foot, margins=(6, 6, 6, foot)) as surface:
        axes = surface.axes
        for kind in kinds:
            axes.plot(
                kind.x, kind.y, linestyle="none", marker="o", markersize=3.2, markeredgewidth=0, alpha=0.7,
                color=COLOURS[kind.colour],
            )  # fmt: skip
        for place, kind in enumerate(kinds):
            row, column = divmod(place, 3)
            words = "muted" if kind.colour == "faint" else kind.colour
            axes.annotate(
                f"● {kind.label}", (column / 3, 0), xytext=(0, -18 - 15 * row), xycoords="axes fraction",
                textcoords="offset points", fontsize=10, color=COLOURS[words], annotation_clip=False,
            )  # fmt: skip
        axes.set_xticks([])
        axes.set_yticks([])
        axes.margins(0.03)
        for spine in axes.spines.values():
            spine.set_visible(True)
    return surface.svg
