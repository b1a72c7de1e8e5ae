"""Factor analysis of mixed data (Pagès 2004): one principal component analysis of mixed variables.

Numeric variables, and ordinal ones on their levels, are standardised; each level of a categorical variable or
flag is an indicator x, coded (x - p) / sqrt(p) with p the share of the level, so that a variable weighs what
it tells and not what it has levels. The singular value decomposition is exact: the randomised one that
`prince` takes by default misses the smaller components by up to a tenth, and `prince` refuses tables of one
kind of variable. Missing values are filled as `phenotyping/impute.py` declares.
"""

from dataclasses import dataclass

import numpy as np

from osler.base.errors import InputError
from osler.phenotyping.columns import one_hot
from osler.phenotyping.data import ArmInput
from osler.phenotyping.impute import Imputation, fit_imputation
from osler.phenotyping.partition import Array
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings
from osler.represent.typed import TypedTable

# A component with less than this share of the variance of the first is rounding error.
_LEAST = 1e-10
_BLOCK = 8192


@dataclass(frozen=True)
class FamdSpace:
    """A factor analysis as it was fitted.

    Attributes:
        points: the samples that it was fitted on, in d components.
        imputation: what stands for missing values.
        center: float64 [q]; mean of a numeric column, share of a level.
        scale: float64 [q]; deviation of a numeric column, square root of the share of a level; 1 where 0.
        axes: float64 [q, d].
        variances: float64 [d], of the components, the largest first.
        share: float64 [d], their share of the variance of all q columns.
    """

    points: Points
    imputation: Imputation
    center: Array
    scale: Array
    axes: Array
    variances: Array
    share: Array

    def place(self, data: ArmInput) -> Points:
        """Other samples on the same axes.

        A level that no fitted sample has is none of the fitted ones.

        Raises:
            InputError: no table, or it lacks a variable.
        """
        return Points(coordinates=_coordinates(self, data.variables()))

    def arrays(self) -> dict[str, Array]:
        """What `place` needs."""
        return {
            **self.imputation.arrays(),
            "center": self.center,
            "scale": self.scale,
            "axes": self.axes,
            "variances": self.variances,
            "share": self.share,
        }


def fit(data: ArmInput, *, settings: PhenotypeSettings, seed: int) -> FamdSpace:
    """Fit the factor analysis.

    Args:
        data: its table.
        settings: `famd_components`.
        seed: not used; nothing here is random.

    Returns:
        The space; coordinates float64 [n, d], d at most `famd_components` and the rank of the table. The
        largest loading of each axis is positive.

    Raises:
        InputError: there is no table, or no variable varies.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    table = data.variables()
    imputation = fit_imputation(table)
    coded = _coded(imputation, imputation.apply(table))
    center = coded.mean(axis=0)
    numeric = imputation.columns.of_kind("numeric", "ordinal").sum()
    scale = np.concatenate([coded[:, :numeric].std(axis=0), np.sqrt(center[numeric:])])
    scale[:numeric][scale[:numeric] <= 1e-12 * np.abs(center[:numeric])] = 0
    flat = scale == 0
    scale[flat] = 1.0
    coded = (coded - center) / scale
    coded[:, flat] = 0.0
    with threadpool_limits(limits=1):  # the same bytes however many threads there are
        values, axes = np.linalg.eigh(coded.T @ coded / len(coded))
    order = np.argsort(values)[::-1][: settings.famd_components]
    order = order[values[order] > _LEAST * max(float(values.max()), _LEAST)]
    if len(order) == 0:
        raise InputError("no variable varies among the samples", remedy="cluster other variables or samples")
    axes = axes[:, order]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(len(order))])
    space = FamdSpace(
        points=Points(),
        imputation=imputation,
        center=center,
        scale=scale,
        axes=np.ascontiguousarray(axes * signs),
        variances=values[order],
        share=values[order] / values.sum(),
    )
    return FamdSpace(**{**vars(space), "points": Points(coordinates=_coordinates(space, table))})


def load(arrays: dict[str, Array]) -> FamdSpace:
    """The space that `FamdSpace.arrays` describes; it has no samples of its own."""
    rest = {name: arrays[name] for name in ("center", "scale", "axes", "variances", "share")}
    return FamdSpace(points=Points(), imputation=Imputation.from_arrays(arrays), **rest)


def _coded(imputation: Imputation, values: Array) -> Array:
    """Numeric and ordinal columns, then one column per level of the others: float64 [n, q]."""
    columns = imputation.columns
    numeric = columns.of_kind("numeric", "ordinal")
    counts = columns.counts() + columns.of_kind("categorical")  # the level "missing"
    return np.hstack([values[:, numeric], one_hot(values[:, ~numeric], counts[~numeric])])


def _coordinates(space: FamdSpace, table: TypedTable) -> Array:
    from threadpoolctl import threadpool_limits

    values = space.imputation.apply(table)
    blocks = []
    with threadpool_limits(limits=1):
        for start in range(0, len(values), _BLOCK):
            coded = _coded(space.imputation, values[start : start + _BLOCK])
            blocks.append(((coded - space.center) / space.scale) @ space.axes)
    return np.vstack([np.empty((0, space.axes.shape[1])), *blocks])
