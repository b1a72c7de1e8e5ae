"""Whether there are fewer samples between a cluster and its neighbours than in them: a gap, not a cut.

The reference has a normal continuum, and severity need not be normal: slices of a skewed one stand further
apart than those of the reference, however continuous it is. What they never have is a valley of density
between them. For each pair of clusters the samples are projected onto the direction between the two means,
in whitened coordinates (that of a ridge discriminant), learned on one half of the samples and read off the
other, so that the direction has not seen what it is judged on. The gap is how far the smoothed density falls
between the means, below the lower of the two peaks: 0 is none, 1 an empty space. A cluster's gap is the
smallest to any other.
"""

import numpy as np

from osler.measure.agreement import NOISE
from osler.phenotyping.partition import Array
from osler.phenotyping.separation import whitened

FEWEST = 20  # samples of a cluster below which its density is not known
WIDTH = (
    1.4  # of the kernel, in units of Silverman's: wide enough that the noise of a flat density is no valley
)
_STEP = 0.025
_REACH = 0.75  # how far beyond the two means, in distances between them, a peak may lie


def gaps(coordinates: Array, cluster: Array, *, seed: int = 0) -> Array:
    """The gap of each cluster.

    Args:
        coordinates: float [n, q].
        cluster: int [n], labels 0..k-1, -1 noise.
        seed: seed of the halves.

    Returns:
        float64 [k], 0..1; NaN for a cluster with fewer than 20 samples or without another of 20.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> one, two = rng.normal(size=(400, 3)), rng.normal(size=(400, 3))
        >>> two[200:, 0] += 6
        >>> continuum = gaps(one, (one[:, 0] > 0).astype(int))
        >>> apart = gaps(two, np.repeat([0, 1], 200))
        >>> bool(continuum.max() < 0.1), bool(apart.min() > 0.5)
        (True, True)
    """
    k = int(cluster.max(initial=NOISE)) + 1
    found = np.full(k, np.nan)
    points = whitened(coordinates)
    if points.shape[1] == 0:
        return found
    half = np.random.default_rng(seed).permutation(len(points)) % 2
    rows = [[np.flatnonzero((cluster == c) & (half == side)) for c in range(k)] for side in (0, 1)]
    large = [c for c in range(k) if len(rows[0][c]) + len(rows[1][c]) >= FEWEST]
    large = [c for c in large if min(len(rows[0][c]), len(rows[1][c])) > 0]
    means = [{c: points[rows[side][c]].mean(axis=0) for c in large} for side in (0, 1)]
    for place, one in enumerate(large):
        for other in large[:place]:
            projected = []
            for side in (0, 1):
                learned = means[1 - side]
                direction = learned[one] - learned[other]
                read = np.concatenate([rows[side][one], rows[side][other]])
                length = float(direction @ direction)
                if length > 0:
                    projected.append((points[read] - learned[other]) @ direction / length)
            gap = valley(np.concatenate(projected)) if projected else 0.0
            for c in (one, other):
                found[c] = gap if np.isnan(found[c]) else min(found[c], gap)
    return found


def valley(position: Array) -> float:
    """How far the smoothed density falls between 0 and 1 below the lower of the peaks at either side.

    Args:
        position: of the samples of two clusters on the line between their means, which are at 0 and 1: [n].

    Examples:
        >>> close = np.linspace(-0.1, 0.1, 50)
        >>> valley(np.concatenate([close, 1 + close])) > 0.5, valley(np.linspace(0, 1, 100)) < 0.1
        (True, True)
        >>> valley(np.zeros(5))
        0.0
    """
    low, high = np.percentile(position, [25, 75])
    deviation = float(position.std())
    spread = min(deviation, float(high - low) / 1.34) or deviation
    if not spread > 0:
        return 0.0
    width = WIDTH * 0.9 * spread * len(position) ** -0.2
    grid = np.arange(-_REACH, 1 + _REACH + _STEP / 2, _STEP)
    edges = np.append(grid - _STEP / 2, grid[-1] + _STEP / 2)
    counts = np.histogram(np.clip(position, grid[0], grid[-1]), edges)[0]
    density = np.exp(-0.5 * ((grid[:, None] - grid[None, :]) / width) ** 2) @ counts
    left, right = np.maximum.accumulate(density), np.maximum.accumulate(density[::-1])[::-1]
    peak = np.minimum(left, right)
    depth = 1 - np.divide(density, peak, out=np.ones_like(density), where=peak > 0)
    return float(depth[(grid > 0) & (grid < 1)].max())
