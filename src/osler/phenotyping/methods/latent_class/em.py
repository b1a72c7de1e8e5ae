"""Expectation-maximisation of a mixture with local independence, many starts at a time."""

from dataclasses import dataclass

import numpy as np

from osler.phenotyping.methods.latent_class.indicators import Margins, Statistics
from osler.phenotyping.partition import Array
from osler.phenotyping.settings import LatentClassSettings

# Cells of a block of responsibilities: 1 MB, which stays in the cache.
_CELLS = 1 << 17
# The hottest start sees its log densities divided by this at first.
_HEAT = 20.0


@dataclass(frozen=True)
class Classes:
    """Parameters of s mixtures of k classes; numbers are standardised.

    Attributes:
        weight: float64 [s, k], positive, each row adds up to 1.
        share: float64 [s, k, l'] of each level that takes part.
        mean: float64 [s, k, m'].
        variance: float64 [s, k, m'].
    """

    weight: Array
    share: Array
    mean: Array
    variance: Array

    def take(self, starts: Array) -> "Classes":
        """Some of the mixtures."""
        return Classes(self.weight[starts], self.share[starts], self.mean[starts], self.variance[starts])

    def coefficients(self) -> Array:
        """What the log density of a class gives each statistic: float64 [s, k, l' + 3 m']."""
        precision = 1 / self.variance
        constant = -0.5 * (np.log(2 * np.pi * self.variance) + self.mean**2 * precision)
        return np.concatenate([np.log(self.share), constant, self.mean * precision, -0.5 * precision], axis=2)


def join(several: list[Classes]) -> Classes:
    """The mixtures of all, which have the same number of classes."""
    parts = zip(*(vars(classes).values() for classes in several), strict=True)
    return Classes(*(np.concatenate(part) for part in parts))


@dataclass(frozen=True)
class Climb:
    """Where EM has come to.

    Attributes:
        classes: parameters of the s mixtures.
        likelihood: float64 [s], log likelihood of the samples with standardised numbers.
        objective: float64 [s], what EM maximises: the log likelihood with that of the samples added.
        iterations: int64 [s].
        converged: bool [s].
    """

    classes: Classes
    likelihood: Array
    objective: Array
    iterations: Array
    converged: Array


@dataclass(frozen=True)
class Em:
    """EM for the samples of one fit.

    To the sums of each class `prior` samples are added that have the margins of the table: the estimates are
    the most probable ones under a Dirichlet prior for shares and weights and a normal-inverse-gamma prior for
    numbers (the Bayes constants of Vermunt and Magidson 2016 are of this kind).

    Attributes:
        statistics: of the samples.
        margins: of the samples.
        settings: how.
    """

    statistics: Statistics
    margins: Margins
    settings: LatentClassSettings

    def expect(self, classes: Classes, power: Array | None = None) -> tuple[Array, Array]:
        """The E-step, with what the M-step needs of it.

        Args:
            classes: parameters.
            power: float64 [s], each joint density is raised to it (annealing); None: 1.

        Returns:
            log likelihood float64 [s], and sums of the columns of `compact` over the samples, by
            responsibility, float64 [s, k, q].
        """
        compact = self.statistics.compact
        s, k = classes.weight.shape
        weights = weights_of(classes, self.statistics)
        if power is not None:
            weights *= power[:, None, None]
        flat = np.ascontiguousarray(weights.reshape(s * k, -1))
        sums = np.zeros_like(flat)
        likelihood = np.zeros(s)
        step = max(128, _CELLS // (s * k))
        for low in range(0, len(compact), step):
            block = compact[low : low + step]
            joint = (flat @ block.T).reshape(s, k, -1)
            likelihood += normalise(joint).sum(axis=1)
            sums += joint.reshape(s * k, -1) @ block
        return likelihood, sums.reshape(s, k, -1)

    def maximise(self, sums: Array, *, prior: float | None = None) -> Classes:
        """The M-step.

        Args:
            sums: float64 [s, k, q], as `expect` gives them.
            prior: samples added to each class; None: those of the settings.
        """
        margins = self.margins
        prior = self.settings.prior if prior is None else prior
        levels, m = len(margins.levels), len(margins.numbers)
        weight = sums[:, :, 0] + prior
        weight /= weight.sum(axis=1, keepdims=True)
        full = sums @ self.statistics.expand + prior * margins.mean
        # The sum of the most frequent level is a difference, and may be a rounding error below 0.
        count = np.maximum(full[:, :, :levels], prior * margins.mean[:levels])
        share = count / (sums[:, :, self.statistics.known] + prior)
        known, first, second = (full[:, :, levels + i * m : levels + (i + 1) * m] for i in range(3))
        mean = first / known
        variance = np.maximum(second / known - mean**2, self.settings.floor)
        return Classes(weight, share, mean, variance)

    def penalty(self, classes: Classes) -> Array:
        """Log likelihood of the samples that `maximise` adds: float64 [s]."""
        inside = classes.coefficients() @ self.margins.mean + np.log(classes.weight)
        return self.settings.prior * np.asarray(inside.sum(axis=1))

    def begin(self, responsibility: Array) -> Classes:
        """Parameters from responsibilities, float [s, k, n]."""
        return self.maximise(responsibility @ self.statistics.compact)

    def random(self, s: int, k: int, rng: np.random.Generator) -> Classes:
        """Parameters of s mixtures; each class lies between one sample, drawn for it, and the margins."""
        n = len(self.statistics.compact)
        rows = np.stack([rng.choice(n, k, replace=False) for _ in range(s)])
        return self.maximise(self.statistics.compact[rows], prior=1.0)

    def anneal(self, classes: Classes, iterations: int) -> Classes:
        """Deterministic annealing (Ueda and Nakano 1998): from blurred responsibilities to sharp ones.

        With many variables the responsibilities of a random start are all but 0 and 1 after one step, and EM
        stops at the next hill. The starts differ in how hot they begin: the first sees its log densities
        divided by 20, the last as they are.
        """
        hottest = np.geomspace(1 / _HEAT, 1.0, len(classes.weight))
        for step in np.linspace(1.0, 0.0, iterations):
            classes = self.maximise(self.expect(classes, hottest**step)[1])
        return classes

    def climb(self, classes: Classes, iterations: int) -> Climb:
        """EM until an iteration gains less than the tolerance; a mixture at rest is not computed on."""
        s = len(classes.weight)
        best = Classes(*(part.copy() for part in vars(classes).values()))
        likelihood, objective = np.full(s, -np.inf), np.full(s, -np.inf)
        used = np.zeros(s, dtype=np.int64)
        active = np.arange(s)
        for step in range(iterations + 1):
            found, sums = self.expect(classes)
            value = found + self.penalty(classes)
            for part, whole in zip(vars(classes).values(), vars(best).values(), strict=True):
                whole[active] = part
            going = value - objective[active] > self.settings.tolerance
            likelihood[active], objective[active], used[active] = found, value, step
            active = active[going]
            if not len(active) or step == iterations:
                break
            classes = self.maximise(sums[going])
        return Climb(best, likelihood, objective, used, ~np.isin(np.arange(s), active))


def weights_of(classes: Classes, statistics: Statistics) -> Array:
    """What the log of weight times density gives each column of `compact`: float64 [s, k, q]."""
    weights = np.asarray(classes.coefficients() @ statistics.expand.T)
    weights[:, :, 0] += np.log(classes.weight)
    return weights


def normalise(joint: Array) -> Array:
    """Turn log joint densities [s, k, n] into responsibilities, in place; returns log densities [s, n]."""
    top = joint.max(axis=1)
    joint -= top[:, None, :]
    np.exp(joint, out=joint)
    total = joint.sum(axis=1)
    joint /= total[:, None, :]
    top += np.log(total)
    return np.asarray(top)
