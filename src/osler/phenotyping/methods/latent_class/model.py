"""A fitted mixture as arrays, and what it says of samples."""

import numpy as np

from osler.base.errors import InputError
from osler.phenotyping.methods.latent_class.em import Classes, normalise, weights_of
from osler.phenotyping.methods.latent_class.indicators import (
    Layout,
    Margins,
    layout_of,
    make_margins,
    statistics_of,
)
from osler.phenotyping.partition import Array
from osler.represent.typed import TypedTable

# Rows whose statistics are held at once.
_ROWS = 8192


def arrays_of(classes: Classes, margins: Margins) -> dict[str, Array]:
    """The model of one mixture.

    Args:
        classes: with s = 1.
        margins: of the samples of the fit.

    Returns:
        `weight` [k], `share` [k, l] of every level of every variable with levels (0: not seen in the fit),
        `mean` and `variance` [k, m] of every numeric variable, in its unit (NaN: took no part).
    """
    k = classes.weight.shape[1]
    share = np.tile(margins.share, (k, 1))
    share[:, margins.levels] = classes.share[0]
    numbers, scale = margins.numbers, margins.scale[margins.numbers]
    mean, variance = np.full((2, k, len(margins.scale)), np.nan)
    mean[:, numbers] = classes.mean[0] * scale + margins.centre[numbers]
    variance[:, numbers] = classes.variance[0] * scale**2
    return {"weight": classes.weight[0], "share": share, "mean": mean, "variance": variance}


def read(model: dict[str, Array], table: TypedTable) -> tuple[Classes, Margins]:
    """The parameters of a model, numbers standardised by the mixture's own mean and variance.

    Raises:
        InputError: the variables of the table are not those of the model.
    """
    layout = layout_of(table)
    _require_same(model, layout)
    weight, mean, variance = model["weight"], model["mean"], model["variance"]
    centre = weight @ mean
    scale = np.sqrt(weight @ (variance + (mean - centre) ** 2))
    margins = make_margins(layout, weight @ model["share"], centre, scale)
    numbers = margins.numbers
    classes = Classes(
        weight=weight[None],
        share=model["share"][None][:, :, margins.levels],
        mean=((mean - centre) / scale)[None][:, :, numbers],
        variance=(variance / scale**2)[None][:, :, numbers],
    )
    return classes, margins


def _require_same(model: dict[str, Array], layout: Layout) -> None:
    expected = (model["share"].shape[1], model["mean"].shape[1])
    found = (len(layout.column), len(layout.numeric))
    if expected != found:
        raise InputError(
            f"the table has {found[1]} numeric variables and {found[0]} levels of others, "
            f"the latent classes {expected[1]} and {expected[0]}",
            remedy="give the variables of the fit, in its order and with its levels",
        )


def log_joint(model: dict[str, Array], table: TypedTable) -> Array:
    """Log of weight times density of each sample in each class, in the units of the table: float64 [n, k].

    What is missing contributes nothing (full information), nor does a level that the fit has not seen.

    Raises:
        InputError: the variables of the table are not those of the model.
    """
    classes, margins = read(model, table)
    numbers = margins.numbers
    unit = ~np.isnan(table.values[:, margins.layout.numeric[numbers]]) @ np.log(margins.scale[numbers])
    parts = [np.empty((0, len(model["weight"])))]
    for low in range(0, table.n_samples, _ROWS):
        statistics = statistics_of(table.values[low : low + _ROWS], margins)
        parts.append(statistics.compact @ weights_of(classes, statistics)[0].T)
    return np.asarray(np.concatenate(parts) - unit[:, None])


def posterior(model: dict[str, Array], table: TypedTable) -> Array:
    """Probability of each class given what is known of each sample: float64 [n, k], rows add up to 1.

    A sample of which nothing is known gets the weights of the classes.

    Args:
        model: of `lca.fit`.
        table: samples with the variables of the fit.

    Raises:
        InputError: the variables of the table are not those of the model.
    """
    joint = np.ascontiguousarray(log_joint(model, table).T)[None]
    normalise(joint)
    return np.ascontiguousarray(joint[0].T)


def shortfall(model: dict[str, Array], table: TypedTable, cluster: Array) -> Array:
    """How far each sample is from the most likely sample of its class: float64 [n], 0 or more.

    The log density of the class at its most likely values of the variables that are known of the sample, less
    the log density of the sample, divided by the number of these variables; for a number that is half of its
    squared z-score in the class. A sample with more missing values is not nearer for it. A sample of which
    nothing is known gets what its class expects.

    Args:
        model: of `lca.fit`.
        table: samples.
        cluster: int [n], the class of each.
    """
    classes, margins = read(model, table)
    column = margins.layout.column[margins.levels]
    log_share = np.log(classes.share[0])
    lost = np.empty_like(log_share)
    for variable in np.unique(column):
        own = column == variable
        lost[:, own] = log_share[:, own].max(axis=1, keepdims=True) - log_share[:, own]
    mean, variance = classes.mean[0], classes.variance[0]
    coefficients = np.hstack([lost, 0.5 * mean**2 / variance, -mean / variance, 0.5 / variance])
    variables = len(np.unique(column)) + len(margins.numbers)
    expected = ((classes.share[0] * lost).sum(axis=1) + 0.5 * len(margins.numbers)) / max(variables, 1)
    found = np.array(expected[cluster])
    for low in range(0, table.n_samples, _ROWS):
        rows = slice(low, low + _ROWS)
        statistics = statistics_of(table.values[rows], margins)
        each = statistics.compact @ (coefficients @ statistics.expand.T).T
        first = np.flatnonzero(np.diff(column, prepend=-1))
        known = statistics.compact[:, statistics.known[first]].sum(axis=1)
        known += (~np.isnan(table.values[rows][:, margins.layout.numeric[margins.numbers]])).sum(axis=1)
        total = np.take_along_axis(each, cluster[rows, None], axis=1)[:, 0]
        np.divide(np.maximum(total, 0.0), known, out=found[rows], where=known > 0)
    return found
