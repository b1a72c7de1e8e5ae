"""Do the numbers of one code and unit fall into two groups that differ by a factor between two units?

Two units in one column look like this: the distribution, on a logarithmic scale, has two humps with hardly
anything between them, and the one, converted, lies on the other. A single hump, however wide or skewed, has
no hollow; two kinds of patients may make two humps, which do not lie on each other when converted. Where
there are too few numbers for a hump, or it has another shape, numbers that are impossible in the stated unit
and ordinary in another one tell as much.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from osler.record.units import Conversion

FEWEST = 20  # numbers in the smaller group
LEAST = 0.01  # its share
SMALLEST = 1.5  # ratio between numbers in two units; nearer units cannot be told apart
HOLLOW = 0.25  # numbers at the emptiest place between the groups, as a share of those amid the smaller one
COARSE = 2.0  # steps of rounding that a hollow is wide
CHANCE = 1e-6  # probability of such a hollow in a single hump
NEAR = 0.35  # distance of the medians after conversion, in robust standard deviations
ALIKE = 1.8  # ratio of the spreads of the groups after conversion
IMPOSSIBLE = 5  # numbers beyond the limits that another unit has to explain, at the least
STEP = 0.005  # of the logarithm: that of the magnitudes that numbers are counted in
FINE = 2 * STEP  # a spread that magnitudes can tell

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Others = Sequence[tuple[str, Conversion]]
Limits = tuple[float, float]


@dataclass(frozen=True)
class Mixture:
    """Numbers in two units.

    Attributes:
        unit: the other unit, in UCUM.
        factor: what one of the other unit is in the stated one.
        n: numbers in the other unit.
        above: whether those are the larger numbers.
        cut: what separates the groups.
    """

    unit: str
    factor: float
    n: int
    above: bool
    cut: float


def find_mixture(
    values: Floats, counts: Counts, others: Others, *, limits: Limits | None = None
) -> Mixture | None:
    """The other unit in which some of the numbers are, or None.

    Args:
        values: positive numbers, ascending, [k].
        counts: how often each (or one near it) was measured, [k].
        others: units that the quantity is reported in, and how a number in that unit is converted to the
            stated one.
        limits: what is possible in the stated unit; None: not known. Numbers in the stated unit lie within.

    Returns:
        Of several units the one that leaves the smaller group to be converted, then the one whose groups are
        nearest to each other after conversion.
    """
    if counts.sum() < 2 * FEWEST:
        return None
    found = [one for unit, how in others if (one := _fit(values, counts, unit, how, limits)) is not None]
    return min(found, key=lambda one: one[:2])[2] if found else None


def explain_impossible(
    values: Floats, beyond: Counts, within: Counts, others: Others
) -> tuple[str, float] | None:
    """The unit in which numbers that are impossible in the stated one are ordinary, and its factor.

    Args:
        values: positive numbers, ascending, [k].
        beyond: how often each was measured, where it lies beyond the limits, [k].
        within: the same, where it lies within, [k].
        others: as in `find_mixture`.

    Returns:
        None where fewer than five lie beyond, or no unit brings four of five of them among the middle 95 % of
        the numbers within the limits.
    """
    n = int(beyond.sum())
    if n < IMPOSSIBLE or not within.any():
        return None
    reach = 10**STEP
    low, high = _quantile(values, within, 0.025) / reach, _quantile(values, within, 0.975) * reach
    best: tuple[int, str, float] | None = None
    for unit, how in others:
        converted = values * how.factor + how.offset
        ordinary = int(beyond[(converted >= low) & (converted <= high)].sum())
        if 5 * ordinary >= 4 * n and (best is None or ordinary > best[0]):
            best = (ordinary, unit, how.factor)
    return None if best is None else best[1:]


def _fit(
    values: Floats, counts: Counts, unit: str, how: Conversion, limits: Limits | None
) -> tuple[bool, float, Mixture] | None:
    """Whether the larger group is converted, how far apart the groups then are, and the mixture."""
    logs = np.log10(values)
    middle = _quantile(values, counts, 0.5)
    # Numbers in the other unit are the larger ones where a conversion makes them smaller.
    above = middle * how.factor + how.offset < middle
    shift = _shift(middle, how, above=above)
    cut = None if shift is None else _emptiest(logs, counts, width=shift / 5)
    if cut is None:
        return None
    other = logs >= cut if above else logs < cut
    converted = values[other] * how.factor + how.offset
    if (converted <= 0).any():
        return None
    stated = (logs[~other], counts[~other])
    brought = (np.log10(converted), counts[other])
    medians = [_quantile(*group, 0.5) for group in (stated, brought)]
    if limits is not None and not limits[0] <= 10 ** medians[0] <= limits[1]:
        return None
    narrow, wide = sorted(max(_spread(*group), FINE) for group in (stated, brought))
    n, rest = int(counts[other].sum()), int(counts[~other].sum())
    apart = abs(medians[0] - medians[1]) / wide
    # Medians of small groups are uncertain.
    if wide > ALIKE * narrow or apart > NEAR + 4 / np.sqrt(min(n, rest)):
        return None
    return n > rest, apart, Mixture(unit, how.factor, n, above, float(10**cut))


def _shift(middle: float, how: Conversion, *, above: bool) -> float | None:
    """Distance of the two groups on the logarithmic scale; None where they cannot be told apart."""
    there = (middle - how.offset) / how.factor if above else middle * how.factor + how.offset
    if there <= 0:
        return None
    shift = abs(float(np.log10(there / middle)))
    return shift if shift >= np.log10(SMALLEST) else None


def _emptiest(logs: Floats, counts: Counts, *, width: float) -> float | None:
    """The middle of the emptiest window between two groups that are large enough; None without a hollow.

    Of a single hump the window would hold at least as many numbers as one amid the smaller group.
    """
    from scipy.stats import binom

    total = np.concatenate([[0], np.cumsum(counts)])
    n = int(total[-1])
    least = max(FEWEST, int(np.ceil(LEAST * n)))
    centres = np.arange(logs[0], logs[-1], STEP)
    below = total[np.searchsorted(logs, centres)]
    right, left = np.searchsorted(logs, centres + width / 2), np.searchsorted(logs, centres - width / 2)
    inside = total[right] - total[left]
    fits = (below >= least) & (n - below >= least)
    if not fits.any():
        return None
    emptiest = inside[fits].min()
    # The longest run of equally empty windows, and its middle.
    where = np.flatnonzero(fits & (inside == emptiest))
    run = max(np.split(where, np.flatnonzero(np.diff(where) > 1) + 1), key=len)
    cut = float(centres[run[len(run) // 2]])
    if width < COARSE * _grain(logs, cut):
        return None
    amid = min(_amid(logs[side], counts[side], width=width) for side in (logs < cut, logs >= cut))
    hollow = emptiest <= HOLLOW * amid and binom.cdf(emptiest, emptiest + amid, 0.5) < CHANCE
    return cut if hollow else None


def _grain(logs: Floats, cut: float) -> float:
    """Distance between neighbouring values on either side of the cut: what rounding leaves."""
    at = int(np.searchsorted(logs, cut))
    sides = (logs[max(at - 6, 0) : at], logs[at : at + 6])
    return max(float(np.median(np.diff(side))) if len(side) > 1 else np.inf for side in sides)


def _amid(logs: Floats, counts: Counts, *, width: float) -> int:
    """Numbers in a window around the median."""
    return int(counts[np.abs(logs - _quantile(logs, counts, 0.5)) <= width / 2].sum())


def _quantile(values: Floats, counts: Counts, share: float) -> float:
    total = np.cumsum(counts)
    return float(values[np.searchsorted(total, share * total[-1])])


def _spread(logs: Floats, counts: Counts) -> float:
    """Standard deviation of a normal distribution with the same quartiles."""
    return (_quantile(logs, counts, 0.75) - _quantile(logs, counts, 0.25)) / 1.349
