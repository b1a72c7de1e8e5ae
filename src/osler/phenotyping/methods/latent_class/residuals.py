"""Local dependence: pairs of variables that are related more within the classes than independence allows."""

import numpy as np
import polars as pl

from osler.phenotyping.methods.latent_class.indicators import Layout, layout_of
from osler.phenotyping.methods.latent_class.model import posterior
from osler.phenotyping.partition import Array
from osler.represent.typed import TypedTable

# Cells that are expected to hold less than this many samples are judged as if they were expected to hold it.
_CELL = 1.0


def bivariate_residuals(model: dict[str, Array], table: TypedTable, *, top: int = 20) -> pl.DataFrame:
    """The pairs of variables that the classes leave most related.

    Two variables with levels: Pearson's chi-squared of the observed two-way table against that of the model,
    divided by its degrees of freedom (Vermunt and Magidson 2016); samples in which both are known count, with
    the classes that they have on average. A cell expected to hold less than one sample is divided by one, so
    that no single sample makes a pair. Two numbers: n r^2, where r is the correlation of their z-scores
    within the classes. Both are about 1 where there is no dependence; over 4 is commonly looked at. A number
    and a variable with levels are not compared.

    Args:
        model: of `lca.fit`.
        table: the samples of the fit.
        top: how many pairs.

    Returns:
        One row per pair, the largest residual first: `first` and `second` (names of the variables), `kind`
        (`levels` or `numbers`), `n` (samples in which both are known), `residual`, and `strength` (Cramer's V
        of the chi-squared, 0 or more; r with its sign).

    Raises:
        InputError: the variables of the table are not those of the model.
    """
    layout = layout_of(table)
    probability = posterior(model, table)
    parts = [_levels(model, table, layout, probability), _numbers(model, table, layout, probability)]
    names = np.array([variable.name for variable in table.variables], dtype=object)
    frames = [
        pl.DataFrame(
            {
                "first": names[first].tolist(),
                "second": names[second].tolist(),
                "kind": [kind] * len(first),
                "n": n.astype(np.int64),
                "residual": residual,
                "strength": strength,
            },
            schema_overrides={"first": pl.String, "second": pl.String, "kind": pl.String},
        )
        for kind, (first, second, n, residual, strength) in zip(("levels", "numbers"), parts, strict=True)
    ]
    return pl.concat(frames).sort("residual", descending=True, maintain_order=True).head(top)


_Pairs = tuple[Array, Array, Array, Array, Array]


def _levels(model: dict[str, Array], table: TypedTable, layout: Layout, probability: Array) -> _Pairs:
    """Pairs of variables with two or more levels seen: columns of the table, n, residual, Cramer's V."""
    seen = np.flatnonzero(model["weight"] @ model["share"] > 0)
    column = layout.column[seen]
    share = model["share"][:, seen]
    hot = (table.values[:, column] == layout.level[seen]).astype(float)
    variables, of_level = np.unique(column, return_inverse=True)
    belongs = (of_level[:, None] == np.arange(len(variables))).astype(float)
    known = hot @ belongs
    chi = np.zeros((len(seen), len(seen)))
    expected = np.zeros_like(chi)
    for weight, shares in zip(probability.T, share, strict=True):
        together = (known * weight[:, None]).T @ known
        expected += together[np.ix_(of_level, of_level)] * np.outer(shares, shares)
    np.divide((hot.T @ hot - expected) ** 2, np.maximum(expected, _CELL), out=chi)
    both, total = known.T @ known, belongs.T @ chi @ belongs
    free = belongs.sum(axis=0) - 1
    first, second = np.triu_indices(len(variables), 1)
    use = (free[first] > 0) & (free[second] > 0) & (both[first, second] > 0)
    first, second = first[use], second[use]
    n, chi_squared = both[first, second], total[first, second]
    strength = np.sqrt(chi_squared / n / np.minimum(free[first], free[second]))
    residual = chi_squared / (free[first] * free[second])
    return variables[first], variables[second], n, residual, strength


def _numbers(model: dict[str, Array], table: TypedTable, layout: Layout, probability: Array) -> _Pairs:
    """Pairs of numeric variables: columns of the table, n, n r^2, r."""
    use = np.flatnonzero(np.isfinite(model["mean"]).all(axis=0))
    columns = layout.numeric[use]
    values = table.values[:, columns]
    known = ~np.isnan(values)
    shape = (len(use), len(use))
    product, square = np.zeros(shape), np.zeros(shape)
    for weight, mean, variance in zip(
        probability.T, model["mean"][:, use], model["variance"][:, use], strict=True
    ):
        z = np.where(known, (values - mean) / np.sqrt(variance), 0.0)
        product += (z * weight[:, None]).T @ z
        square += (z**2 * weight[:, None]).T @ known
    first, second = np.triu_indices(len(use), 1)
    n = (known.T.astype(float) @ known)[first, second]
    spread = np.sqrt(square[first, second] * square[second, first])
    pairs = spread > 0
    first, second, n = first[pairs], second[pairs], n[pairs]
    r = product[first, second] / spread[pairs]
    return columns[first], columns[second], n, n * r**2, r
