"""A mixture of normal distributions with diagonal covariances, fitted by EM (Dempster, Laird, Rubin 1977).

It is fitted on at most 32 principal components of the samples, because the number of parameters grows with
the columns and neighbouring columns of an embedding are correlated. All components are divided by the
deviation of the first, so that the floor of the variances is relative. Each run starts from k-means++; of
runs from several seeds the one of greatest likelihood counts. Above 50,000 samples the starts of a run are
compared on 20,000 of them, and the best goes on with all, for at most 25 steps.
"""

from typing import Any

import numpy as np

from osler.phenotyping.methods.runs import first_rows, seed_agreement, state
from osler.phenotyping.partition import Array, Partition, order_by_size
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings

COMPONENTS = 32
_BLOCK = 8192
_STEPS, _STEPS_LARGE = 200, 25
_FLOOR = 1e-6


def fit(points: Points, k: int, *, settings: PhenotypeSettings, seed: int) -> Partition:
    """Divide the samples by the distribution that each most probably came from.

    Args:
        points: coordinates [n, d].
        k: number of distributions, at most the number of distinct samples. One that is the most probable of
            no sample is an empty cluster.
        settings: `seeds` and `starts`.
        seed: seed of the starts.

    Returns:
        A partition with `means` and `variances` [k, c], `weights` [k], and `center` [d] and `axes` [d, c] of
        the components; its distance is the negative log density of the mixture at the sample (in the
        components, natural logarithm). Facts: `log_likelihood` (sum), `bic` (smaller is better), `entropy`
        (1 less the entropy of the posteriors divided by its most: 1 is certain), `seed_agreement`.

    Raises:
        InputError: the space has no coordinates.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    space = points.euclidean()
    with threadpool_limits(limits=1):  # the same bytes however many threads there are
        frame = _components(space)
        flat = _project(space, frame)
        drawn = first_rows(len(flat), seed)
        runs = [
            _run(flat, drawn, k, starts=settings.starts, random=state(seed, run, k))
            for run in range(settings.seeds)
        ]
        labels = [_posteriors(flat, run)[0].argmax(axis=1) for run in runs]
    best = max(range(len(runs)), key=lambda run: runs[run][1])
    order = order_by_size(labels[best], k)
    model = {name: np.ascontiguousarray(array[order]) for name, array in runs[best][0].items()}
    cluster, distance = assign({**model, **frame}, points)
    log_likelihood = -float(distance.sum())
    parameters = 2 * k * flat.shape[1] + k - 1
    posterior = _posteriors(flat, (model, 0.0))[0]
    spread = -float((posterior * np.log(np.maximum(posterior, 1e-300))).sum())
    return Partition(
        cluster=cluster,
        distance=distance,
        model={**model, **frame},
        facts={
            "log_likelihood": log_likelihood,
            "bic": parameters * float(np.log(len(flat))) - 2 * log_likelihood,
            "entropy": 1 - spread / (len(flat) * float(np.log(k))) if k > 1 else 1.0,
            "seed_agreement": seed_agreement(
                labels[best], [label for i, label in enumerate(labels) if i != best]
            ),
        },
    )


def assign(model: dict[str, Array], points: Points) -> tuple[Array, Array]:
    """Send each sample to the distribution of greatest posterior probability.

    Args:
        model: what `fit` made.
        points: coordinates [n, d].

    Returns:
        Cluster int64 [n] and the negative log density of the mixture, float64 [n]; it may be negative.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        flat = _project(points.euclidean(), model)
        posterior, density = _posteriors(flat, (model, 0.0))
    return posterior.argmax(axis=1), -density


def _components(space: Array) -> dict[str, Array]:
    """Mean of the samples and the axes of the principal components, divided by the first's deviation."""
    center = space.mean(axis=0, dtype=np.float64)
    products = np.zeros((space.shape[1], space.shape[1]))
    for start in range(0, len(space), _BLOCK):
        block = space[start : start + _BLOCK] - center
        products += block.T @ block
    values, axes = np.linalg.eigh(products / len(space))
    order = np.argsort(values)[::-1][:COMPONENTS]
    kept = order[values[order] > 1e-10 * max(float(values.max()), 1e-300)]
    if len(kept) == 0:
        kept = order[:1]
    axes = axes[:, kept]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(len(kept))])
    deviation = float(np.sqrt(max(values.max(), 0.0))) or 1.0
    return {"center": center, "axes": np.ascontiguousarray(axes * signs / deviation)}


def _project(space: Array, frame: dict[str, Array]) -> Array:
    flat = np.empty((len(space), frame["axes"].shape[1]))
    for start in range(0, len(space), _BLOCK):
        flat[start : start + _BLOCK] = (space[start : start + _BLOCK] - frame["center"]) @ frame["axes"]
    return flat


def _run(
    flat: Array, drawn: Array | None, k: int, *, starts: int, random: int
) -> tuple[dict[str, Array], float]:
    """Means, variances and weights of the best of some starts, and the mean log density."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    how: dict[str, Any] = {"n_components": k, "covariance_type": "diag", "reg_covar": _FLOOR}
    few = flat if drawn is None else flat[drawn]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the bound on steps is stated
        found = GaussianMixture(
            **how, n_init=starts, init_params="k-means++", max_iter=_STEPS, random_state=random
        ).fit(few)
        if drawn is not None:
            found = GaussianMixture(
                **how,
                max_iter=_STEPS_LARGE,
                init_params="random_from_data",  # replaced by what follows
                random_state=random,
                weights_init=found.weights_,
                means_init=found.means_,
                precisions_init=found.precisions_,
            ).fit(flat)
    model = {"means": found.means_, "variances": found.covariances_, "weights": found.weights_}
    return model, float(found.lower_bound_)


def _posteriors(flat: Array, run: tuple[dict[str, Array], float]) -> tuple[Array, Array]:
    """Posterior probability of each distribution [n, k], and the log density of the mixture [n]."""
    from scipy.special import logsumexp

    means, variances, weights = (run[0][name] for name in ("means", "variances", "weights"))
    log = np.empty((len(flat), len(weights)))
    for c in range(len(weights)):
        constant = np.log(weights[c]) - 0.5 * np.log(2 * np.pi * variances[c]).sum()
        log[:, c] = constant - 0.5 * ((flat - means[c]) ** 2 / variances[c]).sum(axis=1)
    density = logsumexp(log, axis=1)
    return np.exp(log - density[:, None]), density
