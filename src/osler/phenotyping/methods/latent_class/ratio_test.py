"""Bootstrap likelihood ratio test of one more class (McLachlan 1987)."""

from dataclasses import dataclass

import numpy as np

from osler.base.errors import InputError
from osler.base.parallel import map_pieces
from osler.phenotyping.methods import lca
from osler.phenotyping.methods.latent_class.indicators import layout_of
from osler.phenotyping.partition import Array, Partition
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings
from osler.represent.typed import TypedTable


@dataclass(frozen=True)
class RatioTest:
    """The outcome of a test.

    Attributes:
        k: number of classes of the larger model; the smaller has one less.
        statistic: twice the difference of the log likelihoods.
        p: (1 + draws with a statistic at least as large) / (1 + draws).
        drawn: float64 [draws], the statistics of the tables drawn from the smaller model.
    """

    k: int
    statistic: float
    p: float
    drawn: Array


def ratio_test(
    points: Points,
    smaller: Partition,
    larger: Partition,
    *,
    settings: PhenotypeSettings,
    seed: int,
    draws: int = 99,
) -> RatioTest:
    """Whether k classes fit better than k - 1 classes by more than chance gives.

    Tables are drawn from the smaller model, with the same values missing, and both models are fitted to each:
    from the fitted model and `refit_starts` random starts. Fewer starts than the main fit had may miss the
    best larger model of a table and make p too small; a p near the limit calls for more `refit_starts`.

    Args:
        points: the samples of the fits.
        smaller: classes of `lca.fit` with k - 1.
        larger: classes of `lca.fit` with k.
        settings: how, `lca`.
        seed: of the draws and the starts.
        draws: number of tables; the smallest possible p is 1 / (1 + draws).

    Raises:
        InputError: the larger model does not have one class more, or draws is not positive.
    """
    k = len(larger.model["weight"])
    if len(smaller.model["weight"]) != k - 1:
        raise InputError(
            f"models of {len(smaller.model['weight'])} and {k} classes cannot be compared",
            remedy="give models of k - 1 and k classes",
        )
    if draws < 1:
        raise InputError(f"{draws} draws give no p-value", remedy="give 1 or more; 99 are common")
    table = points.variables()

    def run(number: int) -> float:
        made = Points(table=simulate(smaller.model, table, rng=np.random.default_rng([seed, number])))
        fits = [
            lca.fit(made, len(start.model["weight"]), settings=settings, seed=seed, warm=start.model)
            for start in (smaller, larger)
        ]
        return _statistic(*fits)

    drawn = np.array(list(map_pieces(run, range(draws))))
    statistic = _statistic(smaller, larger)
    p = (1 + int((drawn >= statistic).sum())) / (1 + draws)
    return RatioTest(k=k, statistic=statistic, p=p, drawn=drawn)


def _statistic(smaller: Partition, larger: Partition) -> float:
    return 2 * (larger.facts["log_likelihood"] - smaller.facts["log_likelihood"])


def simulate(model: dict[str, Array], table: TypedTable, *, rng: np.random.Generator) -> TypedTable:
    """Samples drawn from a model, with the same cells missing as in a table.

    Args:
        model: of `lca.fit`.
        table: as many samples, of the variables of the fit; variables that took no part stay as they are.
        rng: source of randomness.

    Raises:
        InputError: the variables of the table are not those of the model.
    """
    layout = layout_of(table)
    n = table.n_samples
    kind = rng.choice(len(model["weight"]), n, p=model["weight"])
    values = table.values.copy()
    mean, variance = model["mean"][kind], model["variance"][kind]
    numbers = rng.normal(size=mean.shape) * np.sqrt(variance) + mean
    values[:, layout.numeric] = np.where(np.isnan(mean), values[:, layout.numeric], numbers)
    for column in np.unique(layout.column):
        own = np.flatnonzero(layout.column == column)
        above = np.cumsum(model["share"][:, own], axis=1)[kind]
        if above[0, -1] > 0:
            drawn = (rng.random((n, 1)) * above[:, -1:] >= above).sum(axis=1)
            values[:, column] = layout.level[own[np.minimum(drawn, len(own) - 1)]]
    values[np.isnan(table.values)] = np.nan
    return TypedTable(table.variables, values)
