"""Curves on fixed grids: ROC and precision-recall averaged over folds, calibration over all rows."""

import numpy as np
import polars as pl

from osler.measure.calibration import Curve, flexible_calibration
from osler.measure.ranking import Floats
from osler.measure.resample import bootstrap
from osler.prediction.plan import Plan
from osler.prediction.scoring import CURVE_GRID, Part, mean_curves

CURVE_DRAWS = 500  # pointwise bands are read by eye
CALIBRATION_DRAWS = 200  # each refits the curve
SCHEMA = {
    "kind": pl.String(),
    "x": pl.Float64(),
    "y": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}


def stacked(plan: Plan, probabilities: list[Floats]) -> tuple[np.ndarray, Floats, np.ndarray]:
    """Outcomes, predictions and groups of the held-out rows of all splits, one after the other.

    Calibration is that of single fits: the mean over repeats would be less extreme than any of them.
    """
    rows = np.concatenate([split.test for split in plan.splits])
    return plan.y[rows], np.concatenate(probabilities), plan.group[rows]


def calibration_curve(plan: Plan, probabilities: list[Floats], *, seed: int) -> Curve | None:
    """Flexible calibration curve of one model, None when its predictions do not vary."""
    y, p, group = stacked(plan, probabilities)
    return flexible_calibration(y, p, group=group, draws=CALIBRATION_DRAWS, seed=seed)


def curves_frame(
    parts: list[Part], group: np.ndarray, calibration: Curve | None, *, seed: int
) -> pl.DataFrame:
    """All curves of one model: `kind` (roc, pr, calibration), `x`, `y`, pointwise limits `low` and `high`.

    Args:
        parts: held-out samples of each split with the predictions.
        group: group of each held-out sample of the task, [n].
        calibration: the calibration curve, if there is one.
        seed: seed of the draws.
    """
    if not any(part.both_classes for part in parts):
        return no_curves()
    curve = mean_curves(parts)
    at = curve(np.ones((len(group), 1)))[:, 0]
    drawn = bootstrap(group, {"curve": curve}, draws=CURVE_DRAWS, seed=seed)["curve"]
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=1)
    size = len(CURVE_GRID)
    found = [
        ("roc", CURVE_GRID, at[:size], low[:size], high[:size]),
        ("pr", CURVE_GRID, at[size:], low[size:], high[size:]),
    ]
    if calibration is not None:
        found.append(("calibration", calibration.x, calibration.y, calibration.low, calibration.high))
    return pl.concat(
        pl.DataFrame({"kind": [kind] * len(x), "x": x, "y": y, "low": a, "high": b}, schema=SCHEMA)
        for kind, x, y, a, b in found
    )


def no_curves() -> pl.DataFrame:
    """The same table without rows, for too few events."""
    return pl.DataFrame(schema=SCHEMA)
