"""Latent class analysis of mixed variables: within a class the variables are independent.

A number is normal with its own mean and variance in each class, a variable with levels (ordinal, categorical,
flag) has shares of its own; what is missing contributes nothing (full information maximum likelihood).
Lazarsfeld and Henry (1968); mixed indicators: Vermunt and Magidson (2002). Starts: short runs of all, of
which the best go on (em-EM of Biernacki, Celeux and Govaert 2003).
"""

import math

import numpy as np

from osler.base.errors import InputError
from osler.phenotyping.methods.latent_class.em import Classes, Climb, Em, join
from osler.phenotyping.methods.latent_class.indicators import margins_of, statistics_of
from osler.phenotyping.methods.latent_class.model import arrays_of, log_joint, posterior, shortfall
from osler.phenotyping.partition import Array, Partition, order_by_size
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings

__all__ = ["assign", "fit", "posterior"]


def fit(
    points: Points,
    k: int,
    *,
    settings: PhenotypeSettings,
    seed: int,
    warm: dict[str, Array] | None = None,
) -> Partition:
    """Latent classes of samples; each sample is in the class that is most probable for it.

    Args:
        points: with a table; variables with one value take no part.
        k: number of classes, 1 or more. A class may come to hold no sample.
        settings: `lca` says how.
        seed: of the random starts.
        warm: a model of the same variables and k to start from beside `refit_starts` random starts, for a
            bootstrap. It is one of the finalists. None: `starts` random starts.

    Returns:
        The partition. `distance` is `shortfall`, model arrays are as in `arrays_of`. Facts:
        `log_likelihood` (of the samples, at the estimates, in the units of the table), `n_parameters`, `aic`,
        `bic`, `entropy` (1 less the entropy of the posteriors divided by its most, 1 for k = 1),
        `mean_posterior` (of the members of a class, the smallest of the classes with members),
        `smallest_share`, `starts`, `finalists`, `best_replicated` (finalists that came to the best, itself
        included), `iterations` and `converged` of the best.

    Raises:
        InputError: there is no table, k is not in 1..n, or no variable differs between samples.

    Examples:
        >>> from osler.represent.typed import TypedTable, Variable
        >>> flags = tuple(Variable(name, name, "flag") for name in ("fever", "cough", "coma"))
        >>> table = TypedTable(flags, np.array([[1.0, 1.0, 0.0]] * 6 + [[0.0, 0.0, 1.0]] * 4))
        >>> found = fit(Points(table=table), 2, settings=PhenotypeSettings(), seed=0)
        >>> found.cluster.tolist()
        [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    table, own = points.variables(), settings.lca
    if not 1 <= k <= table.n_samples:
        raise InputError(
            f"{table.n_samples:,} samples cannot make {k} latent classes",
            allowed=[f"1 to {table.n_samples}"],
            remedy="lower k, or take more samples",
        )
    margins = margins_of(table)
    with threadpool_limits(1):
        em = Em(statistics_of(table.values, margins), margins, own)
        starts = own.starts if warm is None else own.refit_starts
        found = _search(em, k, starts, np.random.default_rng([seed, k]), _guess(em, warm, points))
        best = int(np.argmax(found.objective))
        model = arrays_of(found.classes.take(np.array([best])), margins)
        probability = posterior(model, table)
        order = order_by_size(probability.argmax(axis=1), k)
        model = {name: array[order] for name, array in model.items()}
        probability = probability[:, order]
        cluster = probability.argmax(axis=1)
        distance = shortfall(model, table, cluster)
        likelihood = float(np.logaddexp.reduce(log_joint(model, table), axis=1).sum())
    n_parameters = k - 1 + k * margins.n_parameters
    facts = {
        "log_likelihood": likelihood,
        "n_parameters": float(n_parameters),
        "aic": 2 * n_parameters - 2 * likelihood,
        "bic": n_parameters * float(np.log(table.n_samples)) - 2 * likelihood,
        **_certainty(probability, cluster),
        "starts": float(starts),
        "finalists": float(len(found.objective)),
        "best_replicated": float((found.objective >= found.objective[best] - own.same).sum()),
        "iterations": float(found.iterations[best]),
        "converged": float(found.converged[best]),
    }
    return Partition(cluster=cluster, distance=distance, model=model, facts=facts)


def assign(model: dict[str, Array], points: Points) -> tuple[Array, Array]:
    """The most probable class of each sample, and how far it is from the most likely sample of that class.

    Args:
        model: of `fit`.
        points: samples with the variables of the fit; values may be missing.

    Returns:
        cluster int64 [n], distance float64 [n] (`shortfall`).

    Raises:
        InputError: the variables are not those of the model.
    """
    from threadpoolctl import threadpool_limits

    table = points.variables()
    with threadpool_limits(1):
        cluster = posterior(model, table).argmax(axis=1)
        return cluster, shortfall(model, table, cluster)


def _guess(em: Em, warm: dict[str, Array] | None, points: Points) -> Classes | None:
    """Parameters after one M-step from the posteriors under a model."""
    if warm is None:
        return None
    return em.begin(posterior(warm, points.variables()).T[None])


def _search(em: Em, k: int, starts: int, rng: np.random.Generator, guess: Classes | None) -> Climb:
    """Short runs of random starts, then the best of them and the guess until they converge."""
    half = em.settings.short // 2
    short = em.climb(em.anneal(em.random(starts, k, rng), half), em.settings.short - half)
    count = math.ceil(starts * em.settings.finalists)
    finalists = np.argsort(-short.objective, kind="stable")[:count]
    classes = short.classes.take(finalists)
    if guess is not None:
        classes = join([guess, classes])
    return em.climb(classes, em.settings.iterations)


def _certainty(probability: Array, cluster: Array) -> dict[str, float]:
    """How surely samples belong to their classes."""
    n, k = probability.shape
    size = np.bincount(cluster, minlength=k)
    own = np.bincount(cluster, weights=probability.max(axis=1), minlength=k)
    spread = -float((probability * np.log(np.maximum(probability, 1e-300))).sum())
    return {
        "entropy": 1 - spread / (n * float(np.log(k))) if k > 1 else 1.0,
        "mean_posterior": float((own[size > 0] / size[size > 0]).min()),
        "smallest_share": float(size.min() / n),
    }
