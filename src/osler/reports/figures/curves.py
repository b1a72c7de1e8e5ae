"""ROC, precision-recall and calibration curves on fixed grids."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from osler.reports.figures.canvas import COLOURS, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Curve:
    """One curve: `x` and `y` of shape [points]; `low` and `high` where it has a band.

    `label` is written in the figure; `colour` is a role of the canvas. The chief curve is drawn thicker, with
    its band.
    """

    label: str
    colour: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None
    chief: bool = False
    dashed: bool = False


def roc_figure(name: str, curves: list[Curve], *, gist: str) -> Markup:
    """True positive rate over false positive rate, with the diagonal of chance."""
    with drawing(name, title="ROC curves", gist=gist, height=350) as surface:
        axes = surface.axes
        axes.plot([0, 1], [0, 1], color=COLOURS["rule"], linewidth=1, linestyle=(0, (4, 3)))
        _curves(axes, curves)
        _unit_square(axes, "1 − specificity (false positive rate)", "Sensitivity (true positive rate)")
        _key(axes, curves, x=0.985, y=0.02, above=True)
    return surface.svg


def pr_figure(name: str, curves: list[Curve], *, prevalence: float | None, gist: str) -> Markup:
    """Precision over recall, with the line of a test that knows nothing (the prevalence)."""
    with drawing(name, title="Precision-recall curves", gist=gist, height=350) as surface:
        axes = surface.axes
        if prevalence is not None:
            axes.axhline(prevalence, color=COLOURS["rule"], linewidth=1, linestyle=(0, (4, 3)))
            below = prevalence > 0.06
            axes.text(
                0.01, prevalence + (-0.012 if below else 0.012), f"prevalence {100 * prevalence:.1f} %",
                color=COLOURS["muted"], fontsize=9.5, va="top" if below else "bottom",
            )  # fmt: skip
        _curves(axes, curves)
        _unit_square(axes, "Recall (sensitivity)", "Precision (positive predictive value)")
        _key(axes, curves, x=0.985, y=0.985, above=False)
    return surface.svg


def calibration_figure(name: str, curves: list[Curve], *, gist: str) -> Markup:
    """Observed over predicted risk, with the diagonal of perfect calibration."""
    points = np.concatenate([np.concatenate([curve.x, curve.y]) for curve in curves])
    top = float(np.max(points[np.isfinite(points)], initial=0.0)) or 1.0
    limit = next((edge for edge in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8) if top <= edge), 1.0)
    with drawing(name, title="Calibration curves", gist=gist, height=350) as surface:
        axes = surface.axes
        axes.plot([0, limit], [0, limit], color=COLOURS["rule"], linewidth=1, linestyle=(0, (4, 3)))
        _curves(axes, curves)
        axes.set_xlim(0, limit)
        axes.set_ylim(0, limit)
        step = {0.1: 0.02, 0.2: 0.05, 0.3: 0.1, 0.4: 0.1, 0.5: 0.1, 0.6: 0.2, 0.8: 0.2}.get(limit, 0.25)
        ticks = [step * number for number in range(round(limit / step) + 1)]
        labels = [f"{100 * tick:.3g} %" for tick in ticks]
        axes.set_xticks(ticks, labels)
        axes.set_yticks(ticks, labels)
        axes.set_xlabel("Predicted risk")
        axes.set_ylabel("Observed share with the event")
        _key(axes, curves, x=0.02, y=0.985, above=False, left=True)
    return surface.svg


def _curves(axes: "Axes", curves: list[Curve]) -> None:
    for curve in sorted(curves, key=lambda one: one.chief):
        colour = COLOURS[curve.colour]
        if curve.chief and curve.low is not None and curve.high is not None:
            axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.16, linewidth=0)
        axes.plot(
            curve.x, curve.y, color=colour, linewidth=2.4 if curve.chief else 1.5,
            linestyle=(0, (5, 2)) if curve.dashed else "solid",
        )  # fmt: skip


def _unit_square(axes: "Axes", x_label: str, y_label: str) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.005)
    labels = ["0", "0.25", "0.5", "0.75", "1"]
    axes.set_xticks(_TICKS, labels)
    axes.set_yticks(_TICKS, labels)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)


def _key(axes: "Axes", curves: list[Curve], *, x: float, y: float, above: bool, left: bool = False) -> None:
    """Labels in the colour of their curve, stacked in the empty corner: no legend to decode."""
    step = 0.052
    ordered = list(reversed(curves)) if above else curves
    for number, curve in enumerate(ordered):
        axes.text(
            x, y + (number if above else -number) * step, curve.label, transform=axes.transAxes,
            color=COLOURS[curve.colour], ha="left" if left else "right", va="bottom" if above else "top",
            fontsize=10, fontweight="bold" if curve.chief else "normal",
        )  # fmt: skip
