"""What is reported of latent classes beside their clusters: fit by k, one class less, dependence left."""

import polars as pl

from osler.phenotyping.clustered import Clustered
from osler.phenotyping.data import ArmInput
from osler.phenotyping.methods import lca
from osler.phenotyping.methods.latent_class.adequacy import adequacy
from osler.phenotyping.methods.latent_class.ratio_test import ratio_test
from osler.phenotyping.methods.latent_class.residuals import bivariate_residuals
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings

METHOD = "lca"
CLASSES: dict[str, pl.DataType] = {
    "arm": pl.String(),
    "k": pl.Int64(),
    "log_likelihood": pl.Float64(),
    "n_parameters": pl.Int64(),
    "aic": pl.Float64(),
    "bic": pl.Float64(),
    "entropy": pl.Float64(),
    "mean_posterior": pl.Float64(),
    "smallest_share": pl.Float64(),
    "starts": pl.Int64(),
    "best_replicated": pl.Int64(),
    "converged": pl.Boolean(),
    "unmet": pl.String(),
    "p_of_one_less": pl.Float64(),
}
RESIDUALS: dict[str, pl.DataType] = {
    "arm": pl.String(),
    "k": pl.Int64(),
    "first": pl.String(),
    "second": pl.String(),
    "kind": pl.String(),
    "n": pl.Int64(),
    "residual": pl.Float64(),
    "strength": pl.Float64(),
}
_FACTS = tuple(CLASSES)[2:11]


def class_tables(
    found: Clustered, data: ArmInput, k: int, *, settings: PhenotypeSettings
) -> dict[str, pl.DataFrame]:
    """Tables of an arm of latent classes.

    Args:
        found: the arm.
        data: the samples.
        k: the number of classes chosen; it alone is tested against one class less, and its pairs are shown.
        settings: `lca`, of which `ratio_draws` is the number of tables drawn for the test; 0: no test.

    Returns:
        `classes`, a row per k: likelihood and information criteria, entropy, the smallest mean posterior of a
        class, the conditions of `adequacy` that are not met, and p of one class less (bootstrap likelihood
        ratio test, McLachlan 1987). `residuals`, the pairs of variables that the chosen classes leave most
        related.
    """
    points = Points(table=data.take(found.rows).variables())
    p = None
    if settings.lca.ratio_draws:
        smaller = found.partitions.get(k - 1) or lca.fit(points, k - 1, settings=settings, seed=settings.seed)
        p = ratio_test(
            points,
            smaller,
            found.partitions[k],
            settings=settings,
            seed=settings.seed,
            draws=settings.lca.ratio_draws,
        ).p
    name = found.arm.name
    rows = [
        (
            name,
            number,
            *(own.facts[fact] for fact in _FACTS),
            bool(own.facts["converged"]),
            ", ".join(one.name for one in adequacy(own.facts) if not one.holds),
            p if number == k else None,
        )
        for number, own in found.partitions.items()
    ]
    residuals = bivariate_residuals(found.partitions[k].model, points.variables())
    return {
        "classes": pl.DataFrame(rows, schema=CLASSES, orient="row", strict=False),
        "residuals": residuals.with_columns(arm=pl.lit(name), k=pl.lit(k, dtype=pl.Int64)).select(
            pl.col(column).cast(kind) for column, kind in RESIDUALS.items()
        ),
    }
